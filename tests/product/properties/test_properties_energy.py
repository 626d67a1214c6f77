from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marque.product import uvl
from marque.product.properties.energy import LOAD_KG, SETTINGS, energy, energy_parameters, figures, ranges_km
from marque.vehicle import MODELS, Conditions, EnergyParameters
from marque.vehicle.cycles import cycle_speeds

MODEL = """features
    Car {abstract}
        mandatory
            Model {abstract}
                alternative
                    Corvus {code 'corvus', mass_kg 1700, drag_cm2 6856, auxiliary_w 250, cabin_w_per_k 110}
                    Vela {code 'vela', mass_kg 1500, drag_cm2 5001, auxiliary_w 220, cabin_w_per_k 85}
            Battery {abstract}
                alternative
                    Small {capacity_ah 108, resistance_mohm 92, mass_kg 495}
                    Large {capacity_ah 139, resistance_mohm 80, mass_kg 540}
            Wheels {abstract}
                alternative
                    Wheel19 {drag_cm2 0, mass_kg 84}
                    Wheel21 {drag_cm2 150, mass_kg 104}
            Tyres {abstract}
                alternative
                    Eco {rolling_ppm 8400}
                    Sport {rolling_ppm 10400}
            Drive {abstract}
                alternative
                    Rear {motor_kw 230, mass_kg 96}
                    All {motor_kw 310, mass_kg 168, auxiliary_w 20}
        optional
            HeatPump {heat_pump 1, mass_kg 13}
            TowBar {mass_kg 28, provides_tow_kg 1600, provides_hitch 1}
            Plant {code 'linjiang'}
            Paint
"""
CHOICES = (("Corvus", "Vela"), ("Small", "Large"), ("Wheel19", "Wheel21"), ("Eco", "Sport"), ("Rear", "All"))
CARS = st.tuples(*(st.sampled_from(one) for one in CHOICES), st.sets(st.sampled_from(["HeatPump", "TowBar", "Plant", "Paint"]))).map(
    lambda drawn: frozenset({"Car", *drawn[:-1], *drawn[-1]})
)
BASE = frozenset({"Car", "Corvus", "Large", "Wheel19", "Eco", "All"})


@pytest.fixture(scope="module")
def model():
    return uvl.parse(MODEL, "small.uvl")


def range_by_hand(car, setting):
    """The same physics written plainly: force at the wheels, motor and its losses, the battery's own resistance, step by step."""
    around, speeds = setting.around, cycle_speeds(setting.cycle)
    density = 101325.0 * (1.0 - 2.25577e-5 * around.altitude_m) ** 5.25588 / (287.05 * (around.air_c + 273.15))
    speed, pull = 0.5 * (speeds[1:] + speeds[:-1]), np.diff(speeds)
    rolling = car.rolling_resistance / (1.0 + 8.6e-3 * (around.air_c - 20.0)) * car.mass_kg * 9.81
    force = 0.5 * density * car.drag_area_m2 * (speed + around.headwind_mps) * abs(speed + around.headwind_mps) + rolling
    wheels = np.where(speed > 0.0, force + (car.mass_kg + car.rotating_mass_kg) * pull, 0.0) * speed
    needed = car.cabin_w_per_k * (21.0 - around.air_c) - car.cabin_gain_w
    cabin = around.climate * (
        needed / max(1.0, car.heat_pump_quality * 323.15 / max(10.0, 58.0 - around.air_c))
        if needed > 0.0
        else -needed / max(1.0, car.cooler_quality * 278.15 / max(10.0, around.air_c + 10.0))
    )
    resistance = car.resistance_ohm * math.exp(3000.0 * (1.0 / (around.battery_c + 273.15) - 1.0 / 298.15))
    powers = []
    for v, power in zip(speed.tolist(), wheels.tolist(), strict=True):
        turning = v * car.motor_radps_per_mps

        def loss(motor, turning=turning):
            if turning <= 0.0:
                return 0.0
            torque = motor / turning
            return (
                car.loss_copper_w_per_nm2 * torque**2
                + car.loss_iron_nm * turning
                + car.loss_windage_w_s3 * turning**3
                + car.loss_constant_w
            )

        if power >= 0.0:
            motor = min(car.motor_power_max_w, power / car.driveline_efficiency)
        else:
            share = (v - car.regeneration_from_mps) / (car.regeneration_full_mps - car.regeneration_from_mps)
            motor = power * car.regeneration_part * min(1.0, max(0.0, share)) * car.driveline_efficiency
            motor = max(-car.regeneration_power_max_w, motor)
            if motor + loss(motor) > loss(0.0):
                motor = 0.0
        powers.append(motor + loss(motor) + car.auxiliary_w + cabin)
    charge, distance = car.charge_max, 0.0
    while True:
        for v, power in zip(speed.tolist(), powers, strict=True):
            if charge <= car.charge_min:
                return distance / 1e3
            asked = max(0.0, power) if charge >= car.charge_max else power
            voltage = car.voltage_empty_v + charge * (car.voltage_full_v - car.voltage_empty_v)
            current = (voltage - math.sqrt(max(0.0, voltage**2 - 4.0 * resistance * asked))) / (2.0 * resistance)
            charge -= current / (3600.0 * car.capacity_ah)
            distance += v


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda one: one.suffix)
@pytest.mark.parametrize("options", [frozenset(), frozenset({"HeatPump"})], ids=["resistor", "heat pump"])
def test_range_is_what_the_same_physics_written_plainly_gives(model, setting, options):
    car = energy_parameters(model, BASE | options)
    assert figures(car, setting)[0] == pytest.approx(range_by_hand(car, setting), rel=2e-3)


def test_parameters_are_sums_over_features_on_top_of_the_vehicle(model):
    car, base = energy_parameters(model, BASE | {"TowBar", "Plant"}), MODELS["corvus"].energy
    assert car.mass_kg == 1700 + 540 + 84 + 168 + 28 + LOAD_KG
    assert car.drag_area_m2 == pytest.approx(0.6856)
    assert car.rolling_resistance == pytest.approx(0.0084)
    assert (car.capacity_ah, car.resistance_ohm, car.motor_power_max_w, car.auxiliary_w) == (139.0, 0.080, 310e3, 270.0)
    assert car.heat_pump_quality == 0.0
    assert energy_parameters(model, BASE | {"HeatPump"}).heat_pump_quality == base.heat_pump_quality
    assert car.voltage_full_v == base.voltage_full_v


@given(CARS)
@settings(max_examples=30)
def test_more_mass_more_drag_and_stickier_tyres_never_go_further(car):
    model = uvl.parse(MODEL, "small.uvl")
    for setting in SETTINGS[:2]:
        km = figures(energy_parameters(model, car), setting)[0]
        for less, more in (("Wheel19", "Wheel21"), ("Eco", "Sport")):
            worse = car - {less} | {more}
            assert figures(energy_parameters(model, worse), setting)[0] <= km
        assert figures(energy_parameters(model, car | {"TowBar"}), setting)[0] <= km
    assert (
        figures(energy_parameters(model, car - {"Small"} | {"Large"}), SETTINGS[0])[0]
        >= figures(energy_parameters(model, car), SETTINGS[0])[0]
    )


def test_a_heat_pump_helps_in_the_cold_only(model):
    mild, cold = SETTINGS[0], SETTINGS[2]
    without, with_pump = energy_parameters(model, BASE), energy_parameters(model, BASE | {"HeatPump"})
    assert figures(with_pump, cold)[0] > figures(without, cold)[0]
    assert figures(with_pump, mild)[0] <= figures(without, mild)[0]


@given(st.lists(CARS, min_size=1, max_size=12))
@settings(max_examples=15)
def test_many_cars_at_once_are_each_as_alone(cars):
    model = uvl.parse(MODEL, "small.uvl")
    table = np.array([[name in car for name in model.features] for car in cars])
    alone = [figures(energy_parameters(model, car), SETTINGS[0])[0] for car in cars]
    assert ranges_km(model, table).tolist() == alone


def test_what_lacks_an_input_is_not_claimed(model):
    for lacking, missing in (("Large", "capacity_ah"), ("Eco", "rolling_ppm"), ("Corvus", "the code of a vehicle with an energy model")):
        told = energy(model, BASE - {lacking})
        assert all(not one.claimed and one.value is None and missing in one.missing for one in told)
        assert told[0].statement.startswith("Not claimed: the model does not say")
    table = np.array([[name in BASE - {"Large"} for name in model.features]])
    assert np.isnan(ranges_km(model, table)).all()
    assert not isinstance(energy_parameters(model, BASE - {"Eco"}), EnergyParameters)


def test_other_wheels_go_less_far(model):
    before, after = (energy_parameters(model, car) for car in (BASE, BASE - {"Wheel19"} | {"Wheel21"}))
    assert isinstance(before, EnergyParameters)
    assert isinstance(after, EnergyParameters)
    assert figures(after, SETTINGS[0])[0] < figures(before, SETTINGS[0])[0]


def test_a_figure_says_that_it_is_no_type_approval_and_names_its_evidence(model):
    first = energy(model, BASE)[0]
    assert (first.name, first.unit) == ("range_wltc", "km")
    assert "no figure of type approval" in first.statement
    said = json.loads(first.document)
    assert (said["value"], said["inputs"]["mass_kg"], said["inputs"]["cycle"]) == (first.value, 2592.0, "wltc_3b")
    assert first.evidence == f"evidence/{first.digest}"
    assert energy(model, BASE | {"Paint"})[0].digest == first.digest
    assert energy(model, BASE | {"TowBar"})[0].digest != first.digest


def test_a_large_car_goes_as_far_as_cars_of_its_size_do(model):
    """Sport utility vehicles of 4.8 m with about 100 kWh are stated between 450 and 650 km by WLTP."""
    assert 450.0 < energy(model, BASE)[0].value < 650.0
    assert energy(model, BASE - {"Corvus", "All"} | {"Vela", "Rear"})[0].value > energy(model, BASE)[0].value


def test_a_car_that_takes_more_at_the_plug_than_it_stores(model):
    told = {one.name: one.value for one in energy(model, BASE)}
    assert 12.0 < told["consumption_wltc"] < 25.0
    assert told["consumption_wltc_cold"] > told["consumption_wltc"]


def test_conditions_are_part_of_what_a_figure_names(model):
    assert Conditions().air_c == 23.0
    inputs = {one.name: one.inputs for one in energy(model, BASE)}
    assert inputs["range_wltc_cold"]["air_c"] == -7.0
    assert inputs["range_wltc"]["air_c"] == 23.0
