"""What every vehicle model must be, for the models of this house."""

from __future__ import annotations

import pytest

from marque.vehicle import BMW_320I, IDEAL, MODELS
from marque.vehicle.single_track import GRAVITY_MPS2

NAMES = sorted(MODELS)


def test_the_three_of_commonroad_and_two_of_ours_are_there():
    assert set(NAMES) == {"bmw_320i", "corvus", "ford_escort", "vela", "vw_vanagon"}
    assert MODELS["bmw_320i"].vehicle is BMW_320I


@pytest.mark.parametrize("name", NAMES)
def test_axles_lie_within_the_body_and_both_carry_load_at_full_braking_and_drive(name):
    vehicle, chassis = MODELS[name].vehicle, MODELS[name].chassis
    front = vehicle.wheelbase_m - vehicle.rear_axle_m
    assert 0.0 < vehicle.rear_axle_m < 0.5 * vehicle.length_m
    assert 0.0 < front < 0.5 * vehicle.length_m
    assert GRAVITY_MPS2 * front > vehicle.braking_max_mps2 * chassis.mass_height_m
    assert GRAVITY_MPS2 * vehicle.rear_axle_m > vehicle.acceleration_max_mps2 * chassis.mass_height_m


@pytest.mark.parametrize("name", NAMES)
def test_its_yaw_inertia_is_that_of_a_car(name):
    vehicle, chassis = MODELS[name].vehicle, MODELS[name].chassis
    spread = chassis.yaw_inertia_kgm2 / (chassis.mass_kg * vehicle.rear_axle_m * (vehicle.wheelbase_m - vehicle.rear_axle_m))
    assert 0.75 < spread < 1.3


@pytest.mark.parametrize("name", [name for name in NAMES if MODELS[name].energy])
def test_an_electric_car_is_one_car_in_all_its_parameters(name):
    vehicle, chassis, _, energy = MODELS[name]
    assert energy.mass_kg == chassis.mass_kg
    assert vehicle.braking_max_mps2 <= chassis.friction * GRAVITY_MPS2
    wheels_w = energy.motor_power_max_w * energy.driveline_efficiency
    asked_w = vehicle.acceleration_max_mps2 * vehicle.speed_switch_mps * (energy.mass_kg + energy.rotating_mass_kg)
    assert asked_w == pytest.approx(wheels_w, rel=0.1)
    assert MODELS[name].actuators != IDEAL
    assert chassis.cornering_stiffness_rear_per_rad > chassis.cornering_stiffness_front_per_rad  # it understeers
