from __future__ import annotations

import pytest

from marque.product import uvl
from marque.product.properties import headroom, mass, towing

MODEL = """features
    Car {mass_kg 1000}
        mandatory
            Computer {abstract}
                alternative
                    Small {provides_tops 84, provides_memory_gb 16, mass_kg 3}
                    Large {provides_tops 508, mass_kg 6.5}
        optional
            Highway {requires_tops 60, requires_memory_gb 8}
            City {requires_tops 150, requires_memory_gb 16}
            TowBar {requires_tow_kg 1500}
            Axle {provides_tow_kg 1600}
"""


@pytest.fixture(scope="module")
def model():
    return uvl.parse(MODEL, "small.uvl")


def test_mass_is_the_sum_over_the_features_of_the_car(model):
    told = mass(model, {"Car", "Large", "City"})
    assert (told.value, dict(told.inputs)) == (1006.5, {"Car": 1000.0, "Large": 6.5})


def test_headroom_is_what_is_provided_less_what_is_required(model):
    told = {one.name: one for one in headroom(model, {"Car", "Small", "Highway"})}
    assert (told["compute_headroom"].value, told["memory_headroom"].value) == (24.0, 8.0)
    assert {one.name: one.value for one in headroom(model, {"Car", "Small", "Highway", "City"})}["compute_headroom"] == -126.0


def test_what_nothing_provides_is_not_claimed(model):
    told = {one.name: one for one in headroom(model, {"Car", "Large", "Highway"})}
    assert not told["memory_headroom"].claimed
    assert told["memory_headroom"].missing == ("provides_memory_gb",)
    assert not mass(model, {"Highway"}).claimed


def test_a_car_tows_what_its_tow_bar_is_made_for_if_its_axles_provide_it(model):
    assert towing(model, {"Car", "Axle"}).value == 0.0
    assert towing(model, {"Car", "Axle", "TowBar"}).value == 1500.0
    assert not towing(model, {"Car", "TowBar"}).claimed
