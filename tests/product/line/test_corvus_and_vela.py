"""The demonstration line as a product manager reads it: nothing is void, dead or forced by accident, and each market has its law."""

from __future__ import annotations

import re
from datetime import date
from fractions import Fraction
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from car_oracle import Car, holds, term, tree_holds

from marque.product import line
from marque.product.encoding.cnf import Cnf
from marque.product.encoding.encode import encode
from marque.product.knowledge.circuit import Circuit
from marque.product.knowledge.compile import compile_formula
from marque.product.knowledge.counting import count, sample
from marque.product.knowledge.queries import Domains
from marque.product.model import Aggregate, FeatureModel, GroupKind
from marque.vehicle.models import MODELS

CARS = "7711993680312733245164515891090321527748134174720"


@cache
def model() -> FeatureModel:
    return line.model()


@cache
def formula() -> Cnf:
    return encode(model())


@cache
def circuit() -> Circuit:
    return compile_formula(formula(), cache=None)


def after(*names: str) -> dict[str, int]:
    """Per feature: 1 in every car with these, −1 in none, 0 in some. A name with "!" in front is left out."""
    order = model().order
    chosen = [-order[name[1:]] if name.startswith("!") else order[name] for name in names]
    found = Domains(circuit()).after(np.array(chosen, dtype=np.int32))
    assert found is not None, f"no car with {names}"
    return {name: int(found[number]) for name, number in order.items()}


def no_car(*names: str) -> bool:
    order = model().order
    return count(circuit(), np.array([order[name] for name in names], dtype=np.int32)) == 0


def cars(number: int, seed: int = 3) -> list[frozenset[str]]:
    names = list(model().features)
    drawn = sample(circuit(), np.zeros(0, dtype=np.int32), number, seed)
    assert drawn is not None
    return [frozenset(names[column] for column in np.flatnonzero(row[: len(names)])) for row in drawn]


def test_two_models_in_three_markets_with_two_years_and_plants() -> None:
    features = model().features
    for parent, children in {
        "Model": ["Corvus", "Vela"],
        "Market": ["china.China", "germany.Germany", "uk.UnitedKingdom"],
        "ModelYear": ["ModelYear2026", "ModelYear2027"],
        "Plant": ["PlantLinjiang", "PlantDonau"],
    }.items():
        assert [child for group in features[parent].groups for child in group.children] == children
        assert all(after(child)[child] == 1 for child in children)
    assert {str(features[name].attributes["code"]) for name in ("Corvus", "Vela")} <= set(MODELS)


def test_every_feature_has_a_car() -> None:
    assert [name for name, told in after().items() if told < 0] == []


def test_only_what_every_car_shall_have_is_in_every_car() -> None:
    """Groups that hold features together apart."""
    core = {name for name, told in after().items() if told > 0 and "abstract" not in model().features[name].attributes}
    mandatory = {
        child
        for feature in model().features.values()
        for group in feature.groups
        if group.kind is GroupKind.MANDATORY
        for child in group.children
    }
    assert core <= mandatory
    assert len(core) == 22


def test_no_optional_feature_is_forced_by_its_parent() -> None:
    for feature in model().features.values():
        for group in feature.groups:
            if group.kind is not GroupKind.MANDATORY:
                for child in group.children:
                    after(feature.name, f"!{child}")


def test_the_number_of_cars_is_known() -> None:
    assert str(count(circuit())) == CARS


def test_drawn_cars_are_cars_by_the_tree_and_the_rules_as_written() -> None:
    for features in cars(20):
        assert tree_holds(model(), features)
        assert all(holds(model(), constraint.formula, Car(features, {})) for constraint in model().constraints)


def test_every_feature_has_a_name_in_both_languages() -> None:
    for feature in model().features.values():
        label, label_zh = str(feature.attributes["label"]), str(feature.attributes["label_zh"])
        assert label.isascii()
        assert re.search(r"[\u4e00-\u9fff]", label_zh) or label_zh.isascii(), feature.name


def test_days_are_days_and_in_order() -> None:
    for feature in model().features.values():
        days = [date.fromisoformat(str(feature.attributes[key])) for key in ("from", "until") if key in feature.attributes]
        assert days == sorted(days)


def test_modules_meet_in_numbers_that_some_rule_compares() -> None:
    """An interface number that no rule reads would be a promise nobody checks."""
    text = "\n".join(constraint.text for constraint in model().constraints)
    told = {key for feature in model().features.values() for key in feature.attributes}
    assert {key for key in told if re.match("requires_|needs_|provides_|allows_", key) and f"({key})" not in text} == set()


def test_a_module_speaks_of_its_own_features_only() -> None:
    for constraint in model().constraints:
        if constraint.owner:
            names = set(re.findall(r"\b[A-Z]\w+", re.sub(r"'[^']*'|\b[a-z_0-9]+", "", constraint.text)))
            assert all(f"{constraint.owner}.{name}" in model().features for name in names), constraint.text


def test_every_module_stands_alone() -> None:
    from marque.product import uvl

    for file in sorted(Path(line.line_file()).parent.glob("*/*.uvl")):
        assert uvl.read(file).features


@pytest.mark.parametrize(
    ("market", "has", "lacks"),
    [
        ("china.China", ["body.LeftHand", "drive.ChargePortGB", "software.Mandarin"], ["body.TowBarSwivel", "PlantDonau"]),
        (
            "germany.Germany",
            ["body.LeftHand", "drive.ChargePortCCS", "software.SpeedAssist", "software.DriverMonitoring", "software.German"],
            ["software.CityPilotHandsOff", "software.SentryAlways", "drive.AlertPause", "drive.R134a", "exterior.LogoLight"],
        ),
        (
            "uk.UnitedKingdom",
            ["body.RightHand", "drive.ChargePortCCS", "software.English"],
            ["software.HighwayPilotL3", "software.CityPilotHandsOff", "software.VehicleToGrid", "software.ValetPark"],
        ),
    ],
)
def test_the_law_of_a_market_holds(market: str, has: list[str], lacks: list[str]) -> None:
    told = after(market)
    assert {name: told[name] for name in has} == dict.fromkeys(has, 1)
    assert {name: told[name] for name in lacks} == dict.fromkeys(lacks, -1)


def test_a_passenger_screen_in_europe_is_dark_to_the_driver() -> None:
    assert after("germany.Germany", "cockpit.PassengerScreen")["cockpit.PrivacyScreen"] == 1
    assert after("china.China", "cockpit.PassengerScreen")["cockpit.PrivacyScreen"] == 0


def test_software_gets_the_sensors_and_the_computer_that_it_needs() -> None:
    told = after("software.CityPilot", "software.HighwayPilot")
    assert told["sensors.VisionSuite"] == -1
    assert told["compute.Compute84"] == -1
    assert told["sensors.PositionPrecise"] == 1
    assert after("software.HighwayPilotL3")["sensors.ThreeLidars"] == 1
    assert no_car("software.HighwayPilotL3", "software.CityPilot", "software.ValetPark", "software.DoorToDoor", "compute.Compute508")


def test_one_net_does_not_feed_everything() -> None:
    assert after("chassis.AirSuspension", "chassis.RearSteer5", "comfort.HeatedWindscreen")["drive.Net12"] == -1
    assert after("chassis.ActiveAntiRoll")["drive.Net48"] == 1


def test_a_tow_bar_needs_what_pulls_and_carries() -> None:
    told = after("body.TowBarSwivel")
    assert told["Corvus"] == 1
    assert told["drive.RearWheelDrive"] == -1
    assert told["software.TrailerAssist"] == 1


def test_packages_bring_what_they_name() -> None:
    assert after("WinterPackage")["drive.HeatPump"] == 1
    assert after("TechnologyPackage")["sensors.ThreeLidars"] == 1
    assert no_car("SportPackage", "LoungePackage")


def test_cars_weigh_what_their_models_say_and_what_is_ordered_besides() -> None:
    """A drawn car has half of all options, far more than anybody orders; `marque.vehicle` knows one that is well equipped."""
    total = Aggregate("sum", "mass_kg")
    for features in cars(200):
        mass = term(model(), total, Car(features, {}))
        assert isinstance(mass, Fraction)
        assert -60 < mass - int(MODELS["corvus" if "Corvus" in features else "vela"].chassis.mass_kg) < 450
