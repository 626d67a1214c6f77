"""What the proof of a bill finds, against the trial of every car on every day."""

from __future__ import annotations

from datetime import date
from random import Random

import pytest
import small_models
from bills import ALWAYS, Line, bill, buildable, drawn, fitting, of, slot, trial, usage
from car_oracle import Car, holds, tree_holds
from hypothesis import given, settings
from hypothesis import strategies as st

from marque.product.model import Name, Not
from marque.product.parts import Bill, Finding, Kind, prove
from marque.product.uvl import parse

LINE = """
features
    Car
        mandatory
            Wheels
                alternative
                    Small
                    Large
            Year
                alternative
                    Year1 {until '2026-10-30'}
                    Year2 {from '2026-09-01'}
            Plant
                alternative
                    East
                    West
        optional
            "Tow bar"
constraints
    "Tow bar" => Small
"""


def line() -> Line:
    return of(parse(LINE))


def told(findings: list[Finding]) -> set[tuple[str, str, tuple[str, ...]]]:
    return {(one.kind.value, one.slot, () if one.kind is Kind.SURPLUS else one.items) for one in findings}


def check_witnesses(product: Line, whole: Bill, findings: list[Finding]) -> None:
    """Each is a car of the model, may be built on its day, and shows what is said of it."""
    for one in findings:
        if one.witness is None:
            assert one.kind in {Kind.NEVER_USED, Kind.NEVER_REQUIRED, Kind.UNKNOWN}
            continue
        car, on = one.witness.features, one.witness.on
        assert tree_holds(product.model, car)
        assert all(holds(product.model, rule.formula, Car(car, {})) for rule in product.model.constraints)
        assert on is None or buildable(product.model, car, on)
        each = whole.slots[one.slot]
        items = [each.usages[number].item for number in fitting(product.model, each, car, on)]
        needed = holds(product.model, each.required, Car(car, {}))
        match one.kind:
            case Kind.GAP:
                assert needed
                assert not items
            case Kind.SURPLUS:
                assert not needed
                assert set(items) == set(one.items)
            case Kind.OVERLAP:
                assert set(one.items) <= set(items)


@settings(derandomize=True, deadline=None, max_examples=60)
@given(st.integers(0, 10**9))
def test_all_that_trial_finds_is_found_and_nothing_else(seed: int) -> None:
    model = small_models.drawn(seed, features=7)
    whole = drawn(Random(seed), model)
    product = of(model)
    findings = prove(product, whole)
    assert told(findings) == trial(model, whole)
    check_witnesses(product, whole, findings)


@settings(derandomize=True, deadline=None, max_examples=25)
@given(st.integers(0, 10**9))
def test_days_of_features_and_of_items_count(seed: int) -> None:
    product = line()
    whole = drawn(Random(seed), product.model)
    findings = prove(product, whole)
    assert told(findings) == trial(product.model, whole)
    check_witnesses(product, whole, findings)


def test_a_bill_with_each_part_once_has_no_findings() -> None:
    whole = bill(
        slot("rims", usage("R1", Name("Small")), usage("R2", Name("Large"))),
        slot("hitch", usage("H1", Name("Tow bar")), required=Name("Tow bar")),
        slot("plate", usage("P1", plants=("East",)), usage("P2", plants=("West",))),
        slot("unit", usage("U1", until=date(2026, 8, 31)), usage("U2", since=date(2026, 9, 1))),
    )
    assert prove(line(), whole) == []


def test_a_day_without_an_item_is_a_gap_on_that_day() -> None:
    whole = bill(slot("unit", usage("U1", until=date(2026, 8, 31)), usage("U2", since=date(2026, 9, 3))))
    (finding,) = prove(line(), whole)
    assert (finding.kind, finding.witness and finding.witness.on) == (Kind.GAP, date(2026, 9, 1))


def test_a_gap_that_no_car_of_its_day_has_is_none() -> None:
    """Year1 ends before the item does not fit any longer."""
    whole = bill(slot("unit", usage("U1", Name("Year1"), until=date(2026, 12, 31)), usage("U2", Name("Year2"))))
    assert prove(line(), whole) == []


def test_the_sentence_names_slot_and_items_and_what_the_car_has() -> None:
    whole = bill(slot("rims", usage("R1", Name("Small")), usage("R2", Not(Name("Large")))))
    sentences = [one.sentence for one in prove(line(), whole)]
    assert any("slot rims: R1 and R2 both fit in a car with Small" in one for one in sentences)
    assert any("slot rims: no item fits in a car with Large" in one for one in sentences)


def test_an_item_and_a_slot_of_no_car_are_told() -> None:
    tow = Name("Tow bar")
    whole = bill(
        slot("cover", usage("C1"), usage("C2", Not(Name("Car")))),
        slot("hitch", usage("H1", Not(Name("Wheels"))), required=Not(Name("Car"))),
        slot("plug", usage("L1", tow), required=tow),
    )
    assert told(prove(line(), whole)) == {("never-used", "cover", ("C2",)), ("never-required", "hitch", ())}


@pytest.mark.parametrize("name", ["Smal", "small"])
def test_a_feature_that_is_not_there_is_told_with_what_was_meant(name: str) -> None:
    whole = bill(slot("rims", usage("R1", Name(name)), usage("R2", Name("Large"))), slot("horn", usage("H", ALWAYS)))
    (finding,) = prove(line(), whole)
    assert finding.kind is Kind.UNKNOWN
    assert f"there is no feature “{name}”. Did you mean “Small”?" in finding.sentence
