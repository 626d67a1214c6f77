from __future__ import annotations

from datetime import date

import demo_cars
import numpy as np
import pytest

from marque.product.properties import properties, towing
from marque.product.properties.energy import SETTINGS, energy_parameters, figures, ranges_km
from marque.vehicle import MODELS, EnergyParameters

DAY = date(2026, 10, 15)


@pytest.fixture(scope="module")
def drawn():
    return [car for market in demo_cars.MARKETS for car in demo_cars.cars(market, DAY, 25, seed=21)]


def test_every_car_of_the_line_has_its_figures(drawn):
    for car in drawn:
        told = {one.name: one for one in properties(demo_cars.model(), car)}
        open_figures = {name for name, one in told.items() if not one.claimed}
        vision = "sensors.VisionSuite" in car
        assert open_figures == ({name for name in told if name.startswith(("coverage", "redundancy"))} if vision else set())
        assert 1900.0 < told["mass"].value < 3100.0
        assert 330.0 < told["range_wltc"].value < 850.0
        assert told["range_wltc_cold"].value < told["range_wltc"].value
        assert told["range_cltc"].value > told["range_wltc"].value
        assert all(one.value >= 0.0 for name, one in told.items() if name.endswith(("headroom", "_left")))


def test_all_ranges_at_once_are_those_of_each_car(drawn):
    model = demo_cars.model()
    table = np.array([[name in car for name in model.features] for car in drawn])
    told = ranges_km(model, table)
    assert told.tolist() == pytest.approx([figures(energy_parameters(model, car), SETTINGS[0])[0] for car in drawn])


def test_features_bring_the_car_near_to_the_vehicle_model_that_simulation_drives(drawn):
    for car in drawn:
        told = energy_parameters(demo_cars.model(), car)
        assert isinstance(told, EnergyParameters)
        base = MODELS["corvus" if "Corvus" in car else "vela"].energy
        assert abs(told.drag_area_m2 / base.drag_area_m2 - 1.0) < 0.15
        assert abs(told.mass_kg / base.mass_kg - 1.0) < 0.30
        assert abs(told.rolling_resistance / base.rolling_resistance - 1.0) < 0.20


def test_a_tow_bar_of_the_line_tows(drawn):
    for car in drawn:
        assert (towing(demo_cars.model(), car).value > 0.0) == ("body.TowBarSwivel" in car)
