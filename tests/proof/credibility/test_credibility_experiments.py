"""The experiments against what drives without them, and against theory."""

from __future__ import annotations

import dataclasses
import math
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from marque.driving.pilot import Pilot
from marque.proof.credibility.cross_check import equilibrium_speed
from marque.proof.credibility.experiments import behaviour, other_simulators, parameters
from marque.proof.credibility.experiments.closed_loop import Trial, drive, finer, library
from marque.proof.credibility.experiments.plants import FinePlant, SlippingPlant
from marque.proof.credibility.experiments.tracks import beside, of_traffic, write_ring
from marque.simulation.commonroad import read_scenario
from marque.simulation.drive import drive_problem
from marque.simulation.judge import judge, least_time_to_collision
from marque.simulation.library import FAMILIES, document
from marque.simulation.sensors import Sensors
from marque.simulation.traffic import Traffic
from marque.vehicle import IDEAL, MODELS, Command, VehicleState, resting
from marque.vehicle import drive as through_actuators
from marque.vehicle.sensors import THREE_LIDARS

VELA = MODELS["vela"]
SCENE = "ZAM_MarqueFollow-2_3_T-1"


def state(speed):
    return VehicleState(0.0, 0.0, 0.0, speed, 0.0, 0.0)


def test_a_step_in_one_part_is_the_simulators_own_to_the_bit():
    plant, fine, held = FinePlant(1, 0.1, VELA.vehicle, VELA.actuators), state(15.0), resting(0.1)
    plain = fine
    for k in range(40):
        command = Command(2.0 * math.sin(0.3 * k), 0.1 * math.cos(0.2 * k))
        fine = plant(fine, command)
        plain, held = through_actuators(plain, held, command, 0.1, VELA.vehicle, VELA.actuators)
        assert tuple(fine) == tuple(plain)
    assert len(plant.states) == 41


def test_tyres_that_slip_change_nothing_straight_ahead_and_little_in_slow_bends():
    slipping, rolling = SlippingPlant(0.1, VELA.vehicle, VELA.chassis, VELA.actuators), FinePlant(1, 0.1, VELA.vehicle, VELA.actuators)
    a = b = state(20.0)
    for _ in range(30):
        a, b = slipping(a, Command(-3.0, 0.0)), rolling(b, Command(-3.0, 0.0))
    assert a.x_m == pytest.approx(b.x_m, abs=0.02)
    assert a.speed_mps == pytest.approx(b.speed_mps, abs=1e-6)
    slipping, rolling = SlippingPlant(0.1, VELA.vehicle, VELA.chassis, IDEAL), FinePlant(1, 0.1, VELA.vehicle, IDEAL)
    a = b = state(4.0)
    for k in range(30):
        command = Command(0.0, 0.1 if k < 10 else 0.0)
        a, b = slipping(a, command), rolling(b, command)
    assert a.heading_rad == pytest.approx(b.heading_rad, rel=0.05)


def test_tyres_that_slip_understeer_as_theory_says():
    """Steady turning: yaw rate = v δ / (L + K v²), K = (1 / C_front − 1 / C_rear) / g by load (Rajamani 2012, section 3.3)."""
    speed, angle, car = 25.0, 0.004, VELA.chassis
    plant, now = SlippingPlant(0.1, VELA.vehicle, car, IDEAL), state(speed)
    for k in range(40):
        before, now = now, plant(now, Command(0.0, angle / 0.2 if k < 2 else 0.0))
    gradient = (1.0 / car.cornering_stiffness_front_per_rad - 1.0 / car.cornering_stiffness_rear_per_rad) / 9.81
    expected = speed * angle / (VELA.vehicle.wheelbase_m + gradient * speed**2)
    assert (now.heading_rad - before.heading_rad) / 0.1 == pytest.approx(expected, rel=0.01)


def scenario_of(name, folder):
    written = folder / "scene.xml"
    written.write_bytes(document(name, next(scene for family in FAMILIES for known, scene in family.scenes() if known == name)))
    return read_scenario(written)


def test_a_trial_without_any_change_is_the_drive_of_the_simulator(tmp_path: Path):
    scenario = scenario_of(SCENE, tmp_path)
    problem = scenario.problems[0]
    pilot, sensors = partial(Pilot, suite=THREE_LIDARS, actuators=VELA.actuators), Sensors(THREE_LIDARS, seed=3, road_map=scenario.road_map)
    driven = drive_problem(scenario, problem, pilot, VELA.vehicle, sensors, actuators=VELA.actuators).driven
    found = drive(Trial(SCENE, "vela", 3))
    assert found.verdict == str(judge(scenario, problem, driven, VELA.vehicle).verdict)
    assert found.ttc_min_s == least_time_to_collision(scenario, driven, problem.start_step, VELA.vehicle)
    assert found.places_m.tolist() == np.column_stack((driven.x_m, driven.y_m)).tolist()


def test_a_trial_that_cannot_be_driven_is_an_outcome_that_failed():
    found = drive(Trial("no such scene", "vela", 1))
    assert found.failed
    assert "no such scene" in found.verdict


def test_a_finer_scenario_has_the_old_instants_and_those_between(tmp_path: Path):
    scenario = scenario_of(SCENE, tmp_path)
    fine = finer(scenario, 4)
    log, old = fine.actors, scenario.actors
    assert fine.step_s == pytest.approx(scenario.step_s / 4.0)
    assert np.array_equal(log.x_m[::4], old.x_m)
    assert np.array_equal(log.present[::4], old.present)
    middle = 0.5 * (old.x_m[:-1] + old.x_m[1:])
    both = old.present[:-1] & old.present[1:]
    assert log.x_m[2::4][both] == pytest.approx(middle[both])
    assert np.array_equal(log.present[2::4], both)
    assert finer(scenario, 1) is scenario


def test_the_sample_of_the_library_meets_every_family_before_any_twice():
    names = library(len(FAMILIES))
    assert len({name.rpartition("_T-")[0].rpartition("_")[0] for name in names}) == len(FAMILIES)
    assert len(set(library(10_000))) == sum(len(one.variants) for one in FAMILIES)
    known = {name for family in FAMILIES for name, _ in family.scenes()}
    assert known == set(library(10_000))
    assert set(parameters.SCENES) <= known


def test_parameters_that_are_off_change_the_car_and_the_sensors_alone():
    trial = Trial(SCENE, "vela", 1)
    assert parameters.changed(trial, {}).model == VELA
    off = parameters.changed(trial, {"friction": 0.5, "mass": 2.0, "brake dead time": 3.0, "sensor latency": 2.0, "detection range": 0.5})
    assert off.model.vehicle.braking_max_mps2 == 0.5 * VELA.vehicle.braking_max_mps2
    assert off.model.vehicle.acceleration_max_mps2 == 0.5 * VELA.vehicle.acceleration_max_mps2
    assert off.model.actuators.brake.delay_s == pytest.approx(3.0 * VELA.actuators.brake.delay_s)
    assert off.model.actuators.steering == VELA.actuators.steering
    assert off.sensing == (2.0, 0.5)
    assert dataclasses.replace(off, model=None, sensing=(1.0, 1.0)) == trial


@pytest.mark.parametrize("per_km", [20, 50])
def test_our_traffic_with_one_driver_for_all_has_the_flow_of_theory(per_km):
    traffic = Traffic(other_simulators._ring(1), vehicles=round(per_km * 2.5), seed=1, step_s=0.1)
    other_simulators.make_same(traffic)
    traffic.step(steps=4000)
    expected = equilibrium_speed(other_simulators.SAME, 1e3 / per_km)
    assert traffic.state.bodies["speed"][0].mean() == pytest.approx(expected, rel=0.02)


def test_the_car_follows_the_published_equations():
    assert other_simulators.published_difference("vela") < 1e-7


def test_a_stretch_of_the_ring_is_seen_through_the_window_and_its_lanes_are_known(tmp_path: Path):
    road_map = behaviour._roads(ring=True)
    traffic = Traffic(road_map, vehicles=120, seed=1, step_s=0.1)
    tracks = of_traffic(traffic, 40)
    assert np.all(tracks.lane >= 0)
    seen = behaviour.through_window(tracks, 3, 20, ring=True)
    assert seen.present.shape[0] == 20
    assert 0 < seen.present.shape[1] < 60
    middle = np.column_stack((seen.x_m[10], seen.y_m[10]))
    apart = np.hypot(*(middle[:, None] - middle[None]).transpose(2, 0, 1))
    assert apart.max() < behaviour.STRETCH_M + 5.0 * behaviour.LANES
    neighbours = beside(road_map)
    edge = next(lane for lane, name in enumerate(road_map.lane_ids) if name == "e0_0")
    assert any(road_map.lane_ids[lane] == "e0_1" for lane in neighbours[edge][0])
    assert not neighbours[edge][1]
    assert write_ring(tmp_path, 1000.0, 1, 20.0).exists()


def test_without_recordings_nothing_is_claimed_of_recorded_behaviour():
    section = behaviour.section(None, compute=None)
    assert section.items
    assert all(item.met is None for item in section.items)
