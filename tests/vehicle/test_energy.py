"""Energy use against hand-made closed forms, conservation of energy, and what must grow with what."""

from __future__ import annotations

import importlib.util
import itertools
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from marque.vehicle import MODELS, Conditions, battery_power_w, discharge
from marque.vehicle.cycles import cycle_speeds
from marque.vehicle.energy import (
    GRAVITY_MPS2,
    air_density_kgpm3,
    battery_current_a,
    climate_power_w,
    consumption_wh_per_km,
    drive_profile,
    motor_loss_w,
    open_voltage_v,
    range_m,
    resistance_ohm,
    road_load_n,
    usable_energy_wh,
)

CAR = MODELS["vela"].energy
LOSSLESS = CAR._replace(
    driveline_efficiency=1.0, loss_copper_w_per_nm2=0.0, loss_iron_nm=0.0, loss_windage_w_s3=0.0, loss_constant_w=0.0, auxiliary_w=0.0,
    regeneration_part=1.0, regeneration_from_mps=-2.0, regeneration_full_mps=-1.0, regeneration_power_max_w=1e9, motor_power_max_w=1e9,
    resistance_ohm=1e-9,
)  # fmt: skip
AT_20 = Conditions(20.0, 25.0)
ELECTRIC = [model.energy for model in MODELS.values() if model.energy is not None]


def within(low, high):
    return st.floats(low, high, allow_subnormal=False)


speeds = within(0.0, 55.0)
accelerations = within(-6.0, 4.0)
grades = within(-0.2, 0.2)
airs = st.builds(
    Conditions, within(-25.0, 45.0), within(-20.0, 45.0), within(0.0, 3000.0), within(-10.0, 10.0), st.sampled_from([0.0, 1.0])
)
profiles = st.lists(within(0.0, 40.0), min_size=3, max_size=40).map(lambda found: np.array([0.0, *found, 0.0]))


def power(speed, acceleration=0.0, grade=0.0, car=CAR, around=AT_20):
    return battery_power_w(speed, acceleration, grade, car, around)[0]


def test_air_weighs_what_the_standard_atmosphere_says():
    assert air_density_kgpm3(15.0, 0.0) == pytest.approx(1.225, abs=1e-3)
    assert air_density_kgpm3(8.5, 1000.0) == pytest.approx(1.1117, abs=1e-3)
    assert air_density_kgpm3(-4.5, 3000.0) == pytest.approx(0.9093, abs=1e-3)


@given(within(1.0, 55.0), grades)
def test_a_lossless_car_takes_force_times_speed(speed, grade):
    air = 0.5 * 101325.0 / (287.05 * 293.15) * CAR.drag_area_m2 * speed**2
    rolling = CAR.rolling_resistance * CAR.mass_kg * GRAVITY_MPS2 * math.cos(grade)
    force = air + rolling + CAR.mass_kg * GRAVITY_MPS2 * math.sin(grade)
    assert road_load_n(speed, grade, CAR, AT_20) == pytest.approx(force, rel=1e-9, abs=1e-6)
    assert power(speed, 0.0, grade, LOSSLESS) == pytest.approx(force * speed, rel=1e-9, abs=1e-3)


@given(profiles)
def test_a_lossless_car_that_ends_where_its_speed_began_takes_the_work_against_air_and_tyres(profile):
    assume(profile.max() > 0.1)
    middle = 0.5 * (profile[:-1] + profile[1:])
    work = sum(speed * road_load_n(speed, 0.0, LOSSLESS, AT_20) for speed in middle.tolist())
    trip = drive_profile(profile, 1.0, 0.5, LOSSLESS, AT_20)
    assert trip.stored_j == pytest.approx(work, rel=1e-4, abs=1.0)
    assert trip.distance_m == pytest.approx(middle.sum())


@given(st.lists(within(-3.0, 2.0), min_size=2, max_size=40), airs)
def test_what_leaves_the_cells_is_what_the_terminals_give_and_the_heat_in_the_resistance(changes, around):
    profile = np.maximum(0.0, 15.0 + np.cumsum(changes))
    charge, total = 0.6, 0.0
    for before, after in itertools.pairwise(profile):
        wanted = battery_power_w(0.5 * (before + after), after - before, 0.0, CAR, around)[0]
        current = battery_current_a(charge, wanted, around.battery_c, CAR)
        total += wanted + resistance_ohm(around.battery_c, CAR) * current**2
        charge = discharge(charge, wanted, 1.0, around.battery_c, CAR)
    trip = drive_profile(profile, 1.0, 0.6, CAR, around)
    assert trip.stored_j == pytest.approx(total, rel=1e-6, abs=1.0)
    assert trip.charge == pytest.approx(charge, abs=1e-12)


@given(speeds, accelerations, grades, airs)
def test_every_way_from_wheel_to_battery_costs(speed, acceleration, grade, around):
    terminals, wheels = battery_power_w(speed, acceleration, grade, CAR, around)
    assert terminals >= wheels + CAR.auxiliary_w - 1e-6
    asked = speed * (road_load_n(speed, grade, CAR, around) + (CAR.mass_kg + CAR.rotating_mass_kg) * acceleration)
    assert min(0.0, asked) - 1e-6 <= wheels <= max(0.0, asked) + 1e-6


@given(accelerations, grades, airs)
def test_a_standing_car_takes_what_its_auxiliaries_and_cabin_take(acceleration, grade, around):
    assert battery_power_w(0.0, acceleration, grade, CAR, around) == (CAR.auxiliary_w + climate_power_w(CAR, around), 0.0)


@given(speeds, accelerations)
def test_the_motor_gives_and_takes_no_more_than_it_can(speed, acceleration):
    terminals, wheels = battery_power_w(speed, acceleration, 0.0, CAR, AT_20)
    assert -CAR.regeneration_power_max_w / CAR.driveline_efficiency - 1e-6 <= wheels <= CAR.motor_power_max_w
    assert terminals >= -CAR.regeneration_power_max_w


@given(within(5.0, 50.0), within(-1.0, 2.0), within(0.0, 0.1))
def test_more_mass_drag_grade_cold_and_load_take_more(speed, acceleration, grade):
    plain = power(speed, acceleration, grade)
    assume(-100e3 < plain < 180e3)
    assert power(speed, acceleration, grade, CAR._replace(drag_area_m2=CAR.drag_area_m2 * 1.1)) > plain
    assert power(speed, acceleration, grade, CAR._replace(rolling_resistance=CAR.rolling_resistance * 1.1)) > plain
    assert power(speed, acceleration, grade, CAR._replace(auxiliary_w=CAR.auxiliary_w + 100.0)) == pytest.approx(plain + 100.0)
    assert power(speed, acceleration, grade + 0.01) > plain
    assert power(speed, acceleration, grade, around=AT_20._replace(air_c=0.0)) > plain
    assert power(speed, acceleration, grade, around=AT_20._replace(headwind_mps=5.0)) > plain
    assert power(speed, acceleration, grade, around=AT_20._replace(altitude_m=1000.0)) < plain
    if plain > 0.0:
        assert power(speed, max(0.0, acceleration), grade, CAR._replace(mass_kg=CAR.mass_kg + 100.0)) > power(
            speed, max(0.0, acceleration), grade
        )


@given(within(-200e3, 200e3), within(0.5, 50.0))
def test_a_motor_has_losses_that_grow_with_its_torque(motor_w, speed):
    assert motor_loss_w(motor_w, speed, CAR) == motor_loss_w(-motor_w, speed, CAR) > 0.0
    assert motor_loss_w(1.1 * motor_w, speed, CAR) >= motor_loss_w(motor_w, speed, CAR)
    assert motor_loss_w(motor_w, 0.0, CAR) == 0.0


def test_the_efficiency_map_has_the_shape_of_a_traction_motors():
    def efficiency(motor_w, speed):
        return motor_w / (motor_w + motor_loss_w(motor_w, speed, CAR))

    assert 0.94 < max(efficiency(1e3 * kw, speed) for kw in range(5, 230, 5) for speed in range(5, 55, 5)) < 0.98
    assert efficiency(1e3, 20.0) < 0.75  # little power
    assert efficiency(60e3, 5.0) < 0.90  # much torque at low speed


@given(within(0.05, 0.95), within(-100e3, 150e3), within(-20.0, 45.0))
def test_current_and_power_obey_the_circuit(charge, power_w, battery_c):
    current, resistance = battery_current_a(charge, power_w, battery_c, CAR), resistance_ohm(battery_c, CAR)
    assume(4.0 * resistance * power_w < open_voltage_v(charge, CAR) ** 2)
    assert (open_voltage_v(charge, CAR) - resistance * current) * current == pytest.approx(power_w, rel=1e-9, abs=1e-3)
    assert (charge - discharge(charge, power_w, 1.0, battery_c, CAR)) * power_w >= 0.0


@given(within(0.1, 0.9), within(1e3, 100e3))
def test_charging_what_was_taken_does_not_fill_the_battery_again(charge, power_w):
    emptier = discharge(charge, power_w, 10.0, 20.0, CAR)
    assert discharge(emptier, -power_w, 10.0, 20.0, CAR) < charge


def test_a_cold_battery_resists_more():
    assert resistance_ohm(25.0, CAR) == pytest.approx(CAR.resistance_ohm)
    assert 2.0 < resistance_ohm(0.0, CAR) / CAR.resistance_ohm < 3.0


@given(within(-30.0, 50.0), within(0.0, 5.0))
def test_the_cabin_takes_more_the_further_it_is_from_comfort_and_nothing_switched_off(air_c, more):
    here, there = (climate_power_w(CAR, Conditions(air, climate=1.0)) for air in (air_c, air_c + math.copysign(more, air_c - 19.0)))
    assert 0.0 <= here <= there + 1e-9
    assert climate_power_w(CAR, Conditions(air_c)) == 0.0


@given(within(-30.0, 15.0))
def test_a_heat_pump_takes_less_than_a_heater(air_c):
    cold = Conditions(air_c, climate=1.0)
    assert climate_power_w(CAR, cold) < climate_power_w(CAR._replace(heat_pump_quality=0.0), cold)


def test_a_full_battery_takes_nothing_back():
    braking = np.array([30.0, 25.0, 20.0])
    assert drive_profile(braking, 1.0, CAR.charge_max, CAR, AT_20).charge <= CAR.charge_max
    assert drive_profile(braking, 1.0, 0.5, CAR, AT_20).charge > 0.5


def test_an_empty_battery_ends_the_drive():
    steady = np.full(100_000, 30.0)
    trip = drive_profile(steady, 1.0, CAR.charge_min + 0.01, CAR, AT_20)
    assert trip.charge == pytest.approx(CAR.charge_min, abs=1e-4)
    assert trip.distance_m < 20e3


@pytest.mark.parametrize("car", ELECTRIC)
@pytest.mark.parametrize("cycle", ["wltc_3b", "cltc_p"])
def test_range_is_usable_energy_over_consumption(car, cycle):
    expected = 1e3 * usable_energy_wh(car) / consumption_wh_per_km(cycle_speeds(cycle), 1.0, car, Conditions())
    assert range_m(cycle_speeds(cycle), 1.0, car, Conditions()) == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize("car", ELECTRIC)
def test_our_cars_take_what_cars_of_their_size_take(car):
    wltp, cltc = (consumption_wh_per_km(cycle_speeds(cycle), 1.0, car, Conditions()) for cycle in ("wltc_3b", "cltc_p"))
    assert 110.0 < wltp < 190.0
    assert 0.8 < cltc / wltp < 0.95


def test_a_car_that_takes_nothing_has_no_end_of_range():
    assert range_m(np.zeros(3), 1.0, LOSSLESS, AT_20) == math.inf


@pytest.mark.slow
def test_consumption_is_within_three_percent_of_fastsims():
    spec = importlib.util.spec_from_file_location("bench_energy", Path(__file__).parents[2] / "bench" / "energy.py")
    bench = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(bench)
    if not bench.PEER.exists():
        pytest.skip("bench/peers/make energy has not been run")
    cycles, cars = bench.ask_peer()
    assert len(cars) > 20
    for record in cars:
        for found, expected in bench.beside_peer(record, bench.parameters_of(record, cycles), cycles).values():
            assert found == pytest.approx(expected, rel=0.03), record["scenario_name"]
