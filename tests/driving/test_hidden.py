"""What the car cannot see: somebody may come from there, and it drives so that nothing happens then."""

from __future__ import annotations

import math

import numpy as np
import pytest
from roads import crossroads, lane, straight, to_lane, two_way

from marque.driving.hidden import _sees_beside, _surely_sees, sees, surely_seen
from marque.driving.map.build import build_road_map
from marque.driving.map.specs import RoadSpec
from marque.driving.observation import RAYS, Kind, no_one
from marque.driving.pilot import Pilot
from marque.driving.view import Reason
from marque.simulation.commonroad import read_scenario
from marque.simulation.drive import drive_problem
from marque.simulation.judge import judge
from marque.simulation.library import LOGICAL, document
from marque.simulation.sensors import Sensors
from marque.vehicle import BMW_320I, VehicleState, boxes_overlap, step
from marque.vehicle.sensors import THREE_LIDARS

CAR = (4.5, 1.8)
COLUMNS = ("x_m", "y_m", "heading_rad", "speed_mps", "length_m", "width_m")


def drive(road, goals, state, seconds, bodies, *, sensed=True):
    """bodies: t → (id, kind, x, y, heading, speed, length, width) …; the states, the reasons, and whether somebody was touched."""
    pilot, sensors = Pilot(road), Sensors(THREE_LIDARS)
    pilot.begin(goals)
    states, reasons, touched = [state], [], False
    for k in range(round(seconds / 0.1)):
        rows = bodies(0.1 * k)
        ids, kinds, *numbers = zip(*rows, strict=True) if rows else ((),) * 8
        columns = dict(zip(COLUMNS, (np.array(n, float) for n in numbers), strict=True))
        truth = no_one(0.1 * k, np.zeros(len(road.signal_ids), np.uint8))._replace(
            ids=np.array(ids, np.int32), kinds=np.array(kinds, np.uint8), **columns
        )
        seen, believed = sensors.sense(truth, state) if sensed else (truth, state)
        state = VehicleState(*step(state, pilot.cycle(believed, seen), 0.1, BMW_320I))
        touched = touched or any(
            boxes_overlap(state.x_m, state.y_m, state.heading_rad, BMW_320I.length_m, BMW_320I.width_m, *row[2:5], *row[6:]) for row in rows
        )
        states.append(state)
        reasons.append(pilot.reason())
    return states, reasons, touched


def fastest(states, low, high):
    return max((state.speed_mps for state in states if low < state.x_m < high), default=0.0)


def test_an_eye_sees_as_far_as_it_is_told_and_every_place_where_perception_is_perfect():
    free = np.full((1, RAYS), 30.0)
    free[0, : RAYS // 4] = 10.0  # ahead to the left
    seen = no_one(0.0, np.empty(0, np.uint8))._replace(perfect=False, eyes=np.array([[1.0, 0.0, 1.5]]), free_m=free)
    here = VehicleState(5.0, 5.0, 0.5 * math.pi, 0.0, 0.0, 0.0)  # points north; the eye is at (5, 6)
    assert [sees(seen, here, *place) for place in ((5.0, 15.0), (5.0, 17.0), (20.0, 6.0), (-8.0, 6.0), (5.0, -30.0))] == [
        True, False, True, True, False
    ]  # fmt: skip
    assert sees(seen._replace(perfect=True), here, 500.0, 500.0)


@pytest.mark.parametrize("seed", range(5))
def test_what_is_surely_seen_is_seen(seed):
    """On and beside the borders of the octants, too; and where all around is free most places are surely seen."""
    chance = np.random.default_rng(seed)
    free = np.repeat(chance.uniform(2.0, 40.0, (2, RAYS // 20)), 20, axis=1)
    seen = no_one(0.0, np.empty(0, np.uint8))._replace(perfect=False, eyes=np.array([[1.0, 0.0, 1.5], [-2.0, 0.5, 1.5]]), free_m=free)
    surely_m = surely_seen(seen)
    bearings = np.concatenate((chance.uniform(-np.pi, np.pi, 2000), np.repeat(np.arange(-4, 5) * 0.25 * np.pi, 20)))
    aways = chance.uniform(0.0, 40.0, len(bearings))
    places = np.column_stack((1.0 + aways * np.cos(bearings), aways * np.sin(bearings)))
    sure = [_surely_sees(seen, surely_m, *place) for place in places]
    assert any(sure)
    assert all(_sees_beside(seen, *place) for place, known in zip(places, sure, strict=True) if known)
    clear = seen._replace(free_m=np.full_like(free, 40.0))
    assert np.mean([_surely_sees(clear, surely_seen(clear), *place) for place in places]) > 0.95


def houses(_t):
    """At both corners before the crossroads, 6 m from the middle of the street that crosses."""
    return tuple((k, Kind.STATIC, 84.0, side * 14.0, 0.0, 0.0, 18.0, 18.0) for k, side in enumerate((1.0, -1.0)))


def test_it_approaches_a_blind_junction_so_that_it_could_give_way_and_crosses_when_it_has_seen():
    road = crossroads(ego_yields=True)
    blind, reasons, _ = drive(road, to_lane(road, "east"), VehicleState(20.0, 0.0, 0.0, 12.0, 0.0, 0.0), 25.0, houses)
    clear, _, _ = drive(road, to_lane(road, "east"), VehicleState(20.0, 0.0, 0.0, 12.0, 0.0, 0.0), 25.0, houses, sensed=False)
    assert Reason.HIDDEN in reasons
    assert fastest(blind, 84.0, 92.0) < 0.6 * fastest(clear, 84.0, 92.0)
    assert blind[-1].x_m > 115.0


@pytest.mark.parametrize("leaves_s", [2.0, 4.0, 6.0, 8.0])
def test_whoever_comes_out_from_behind_the_house_is_let_pass(leaves_s):
    road = crossroads(ego_yields=True)

    def bodies(t):
        y = 90.0 - 12.0 * (t - leaves_s)
        return (*houses(t), (9, Kind.CAR, 100.0, y, -0.5 * math.pi, 12.0, *CAR)) if t >= leaves_s and y > -60.0 else houses(t)

    _, _, touched = drive(road, to_lane(road, "east"), VehicleState(20.0, 0.0, 0.0, 12.0, 0.0, 0.0), 20.0, bodies)
    assert not touched


@pytest.mark.parametrize("leaves_s", [3.0, 5.0, 6.0, 7.0])
def test_so_is_whoever_comes_on_a_country_road_at_a_hundred(leaves_s):
    road = crossroads(ego_yields=True, their_mps=27.8)

    def bodies(t):
        y = 190.0 - 27.8 * (t - leaves_s)
        return (*houses(t), (9, Kind.CAR, 100.0, y, -0.5 * math.pi, 27.8, *CAR)) if t >= leaves_s and y > -100.0 else houses(t)

    states, _, touched = drive(road, to_lane(road, "east"), VehicleState(20.0, 0.0, 0.0, 12.0, 0.0, 0.0), 25.0, bodies)
    assert not touched
    assert states[-1].x_m > 110.0


def van(_t):
    return ((1, Kind.STATIC, 80.0, -3.0, 0.0, 0.0, 5.9, 2.0),)


def test_it_passes_what_may_hide_a_child_more_slowly_or_farther_away_than_if_it_knew_that_there_is_none():
    road = two_way()
    careful, _, _ = drive(road, to_lane(road, "ours"), VehicleState(20.0, 0.0, 0.0, 13.0, 0.0, 0.0), 12.0, van)
    knows, _, _ = drive(road, to_lane(road, "ours"), VehicleState(20.0, 0.0, 0.0, 13.0, 0.0, 0.0), 12.0, van, sensed=False)
    aside = [min(state.y_m for state in states if 72.0 < state.x_m < 82.0) for states in (careful, knows)]
    assert aside[0] > aside[1] + 0.3 or fastest(careful, 72.0, 82.0) < fastest(knows, 72.0, 82.0) - 1.5
    assert careful[-1].x_m > 120.0


@pytest.mark.parametrize("runs_mps", [1.4, 1.8])
def test_a_child_that_runs_out_from_behind_a_van_is_not_touched(runs_mps):
    road = two_way()
    for leaves_s in np.arange(3.0, 7.0, 0.5):

        def bodies(t, leaves_s=leaves_s):
            y = -4.5 + runs_mps * max(0.0, t - leaves_s)
            return (*van(t), (2, Kind.PEDESTRIAN, 84.0, y, 0.5 * math.pi, runs_mps * (t > leaves_s), 0.4, 0.4)) if y < 6.0 else van(t)

        _, _, touched = drive(road, to_lane(road, "ours"), VehicleState(20.0, 0.0, 0.0, 11.0, 0.0, 0.0), 14.0, bodies)
        assert (leaves_s, touched) == (leaves_s, False)


@pytest.mark.parametrize("seed", [1, 10, 18])
def test_nor_is_one_that_runs_out_between_vans_close_by_while_a_time_is_to_be_kept(tmp_path, seed):
    """It is 0.7 s away when it comes into sight. Swerving ahead of it, as if its speed were known, touched it with seed 1."""
    scene = LOGICAL["hidden.child_between_vans"].make(limit_mps=13.9, gap_m=0.7, runs_mps=2.2, vans=2)
    (tmp_path / "scene.xml").write_bytes(document("ZAM_Child-1_1_T-1", scene))
    scenario = read_scenario(tmp_path / "scene.xml")
    driven = drive_problem(scenario, scenario.problems[0], Pilot, BMW_320I, Sensors(THREE_LIDARS, seed=seed)).driven
    assert judge(scenario, scenario.problems[0], driven, BMW_320I).collision_step < 0


def test_fog_slows_it_to_what_it_sees():
    road = two_way()
    seen = Sensors(THREE_LIDARS)
    seen.conditions = seen.conditions._replace(visibility_m=40.0)
    seen.changed()
    pilot, state = Pilot(road), VehicleState(20.0, 0.0, 0.0, 13.0, 0.0, 0.0)
    pilot.begin(to_lane(road, "ours"))
    for k in range(60):
        observation, believed = seen.sense(no_one(0.1 * k, np.zeros(len(road.signal_ids), np.uint8)), state)
        state = VehicleState(*step(state, pilot.cycle(believed, observation), 0.1, BMW_320I))
    assert state.speed_mps**2 / (2.0 * 4.0) + 0.3 * state.speed_mps < 0.8 * 40.0 + 2.0


def oncoming(t, speed):
    """A row of cars in the other lane, 14 m apart."""
    return tuple((20 + k, Kind.CAR, 40.0 + 14.0 * k - speed * t, 2.8, math.pi, speed, *CAR) for k in range(20))


@pytest.mark.parametrize(("speed", "slows"), [(12.0, False), (0.0, True)])
def test_who_drives_past_hides_nobody_who_would_run_out_close_behind_it_and_who_stands_does(speed, slows):
    lanes = lane("ours", straight(0, 0, 300, 0), width=2.8), lane("theirs", straight(300, 2.8, 0, 2.8), width=2.8)
    road = build_road_map(RoadSpec("narrow street", "test", list(lanes)))
    start = VehicleState(5.0, 0.0, 0.0, 12.0, 0.0, 0.0)
    states, _, touched = drive(road, to_lane(road, "ours"), start, 14.0, lambda t: oncoming(t, speed))
    assert not touched
    assert (min(state.speed_mps for state in states if 60.0 < state.x_m < 100.0) < 9.0) == slows


def test_behind_somebody_it_drives_as_fast_as_that_one():
    road = two_way()
    leads = lambda t: ((7, Kind.CAR, 30.0 + 9.0 * t, 0.0, 0.0, 9.0, *CAR),)  # noqa: E731
    states, _, touched = drive(road, to_lane(road, "ours"), VehicleState(5.0, 0.0, 0.0, 9.0, 0.0, 0.0), 12.0, leads)
    assert not touched
    assert min(state.speed_mps for state in states[40:]) > 8.0
