"""What changes between model years."""

from __future__ import annotations

from functools import cache

import pytest
from bills import bill, of, slot, usage
from demo import product, whole_bill

from marque.common import InputError
from marque.product.configure.product import Product
from marque.product.knowledge.sat import SatDomains
from marque.product.model import FeatureModel, Name
from marque.product.parts import differences
from marque.product.uvl import parse

MODEL = """
features
    Car
        mandatory
            Year
                alternative
                    Year1
                    Year2
        optional
            Hook
            Camera
            Radio
            Phone
constraints
    Year1 => !Hook & Radio
    Year2 => !Camera & Phone
"""


def answering(model: FeatureModel) -> Product:
    line = of(model)
    return Product(line.model, line.cnf, SatDomains(line.cnf))


@cache
def demo() -> Product:
    from demo import circuit

    from marque.product.knowledge.queries import Domains

    return Product(product().model, product().cnf, Domains(circuit()))


def test_features_that_come_go_and_become_standard() -> None:
    found = differences(answering(parse(MODEL)), "Year1", "Year2")
    assert (found.new, found.gone) == (("Hook",), ("Camera",))
    assert (found.now_in_all, found.no_longer_in_all) == (("Phone",), ("Radio",))


def test_items_that_only_one_year_can_have() -> None:
    whole = bill(
        slot("unit", usage("U1", Name("Year1")), usage("U2", Name("Year2"))),
        slot("hook", usage("H", Name("Hook")), required=Name("Hook")),
        slot("horn", usage("N")),
    )
    found = differences(answering(parse(MODEL)), "Year1", "Year2", whole)
    assert [(one.slot.code, [u.item for u in one.gone], [u.item for u in one.new], one.kept) for one in found.slots] == [
        ("unit", ["U1"], ["U2"], 0),
        ("hook", [], ["H"], 0),
    ]


def test_the_years_of_the_demo_line_differ_as_their_rules_say() -> None:
    found = differences(demo(), "ModelYear2026", "ModelYear2027", whole_bill())
    assert {"drive.R134a", "compute.Compute84", "exterior.CopperRed"} <= set(found.gone)
    assert {"drive.Pack112", "software.HighwayPilotL3", "chassis.SteerByWire"} <= set(found.new)
    slots = {one.slot.code: one for one in found.slots}
    assert slots["software.vehicle_image"].kept == 0
    assert [one.item for one in slots["battery.pack"].new] == [whole_bill().slots["battery.pack"].usages[3].item]


def test_they_may_be_told_for_one_market() -> None:
    assert "body.FlushHandles" in differences(demo(), "ModelYear2026", "ModelYear2027", given=["china.China"]).gone
    assert "body.FlushHandles" not in differences(demo(), "ModelYear2026", "ModelYear2027").gone


def test_what_no_car_has_cannot_be_compared() -> None:
    with pytest.raises(InputError, match="no such feature"):
        differences(demo(), "ModelYear2025", "ModelYear2027")
    with pytest.raises(InputError, match="no car has all of these"):
        differences(demo(), "ModelYear2026", "ModelYear2027", given=["software.DoorToDoor"])


def test_differences_are_the_opposite_seen_from_the_other_side() -> None:
    ahead, back = (differences(demo(), *years) for years in (("ModelYear2026", "ModelYear2027"), ("ModelYear2027", "ModelYear2026")))
    assert (ahead.new, ahead.gone, ahead.now_in_all) == (back.gone, back.new, back.no_longer_in_all)
    assert ahead.no_longer_in_all == back.now_in_all
