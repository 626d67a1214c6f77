"""Scores: faultless drives lose nothing, each fault costs what its weight says, and every loss is explained."""

import dataclasses
import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marque.driving.interventions import GuardLog
from marque.driving.map import Colour, Road
from marque.driving.map.build import build_road_map
from marque.driving.map.specs import LaneSpec, RoadSpec, SignalSpec
from marque.simulation.commonroad import read_scenario
from marque.simulation.drive import drive_file, facts
from marque.simulation.judge import Trajectory
from marque.simulation.metrics import Finding, Metric, score
from marque.simulation.metrics.model import combined, losses
from marque.vehicle import BMW_320I, Command, VehicleState, step
from scenes import STEP_S, TWO_LANES, car, document, goal, parked, problem, rectangle, strip, write

STEPS = 51
FAR = goal(0, 50, region=rectangle(10.0, 3.0, 65.0, 0.0))


def scene(folder, *parts, asked=FAR, lanes=TWO_LANES):
    return read_scenario(write(folder, document(lanes, *parts, problem(10.0, 0.0, 10.0, asked))))


def drive(*, acceleration=0.0, y=0.0, heading=0.0, speed=10.0, steps=STEPS):
    state = VehicleState(10.0, y, heading, speed, 0.0, 0.0)
    states = [state]
    for _ in range(steps - 1):
        state = step(state, Command(acceleration, 0.0), STEP_S, BMW_320I)
        states.append(state)
    return Trajectory(*np.array(states).T[:5])


def scored(scenario, driven):
    found = score(scenario, scenario.problems[0], driven, BMW_320I)
    for name, value in (("nuplan.", found.nuplan), ("epdms.", found.epdms)):
        assert value + sum(loss.amount for loss in found.losses if loss.metric.startswith(name)) == pytest.approx(1.0)
    assert all(math.isfinite(value) for value in found.values.values())
    assert all(values.shape == driven.x_m.shape for values in found.per_step.values())
    return found


def lost(found, name):
    return [loss for loss in found.losses if loss.metric == name]


def test_a_faultless_drive_loses_nothing(tmp_path):
    found = scored(scene(tmp_path), drive())
    assert found.nuplan == found.epdms == 1.0
    assert found.losses == ()


@pytest.mark.parametrize("steps", [2, 3, 5, 8])
def test_the_shortest_drives_have_a_score(tmp_path, steps):
    assert scored(scene(tmp_path, asked=goal(0, 1)), drive(steps=steps)).nuplan == 1.0


def test_a_collision_by_own_fault_takes_everything_and_names_who_was_hit(tmp_path):
    found = scored(scene(tmp_path, car(7, [(40.0, 0.0, 0.0, 0.0)] * STEPS)), drive())
    assert found.nuplan == found.epdms == 0.0
    (loss,) = lost(found, "nuplan.no_at_fault_collision")
    assert loss.subject == 7
    assert loss.step == math.ceil((30.0 - 0.5 * (BMW_320I.length_m + 4.5)) / (10.0 * STEP_S))


def test_a_collision_with_a_thing_takes_half(tmp_path):
    found = scored(scene(tmp_path, parked(7, 40.0, 0.0)), drive())
    assert found.values["nuplan.no_at_fault_collision"] == 0.5


def test_beside_the_road_nothing_is_left(tmp_path):
    found = scored(scene(tmp_path), drive(heading=-0.1))
    assert found.nuplan == 0.0
    assert lost(found, "nuplan.drivable_area")


def test_too_near_a_collision_costs_its_weight(tmp_path):
    leader = [(19.0 + 9.0 * k * STEP_S, 0.0, 0.0, 9.0) for k in range(STEPS)]
    near = drive(speed=9.0)
    found = scored(scene(tmp_path, car(7, leader)), near)
    assert found.values["nuplan.ttc"] == 1.0  # as fast as the leader, however near
    braking = [(16.0 + 8.0 * k * STEP_S, 0.0, 0.0, 8.0) for k in range(STEPS)]
    found = scored(scene(tmp_path, car(7, braking), asked=goal(0, 10, region=rectangle(4.0, 3.0, 20.0, 0.0))), drive(steps=11))
    (loss,) = lost(found, "nuplan.ttc")
    assert (loss.subject, loss.amount) == (7, 5.0 / 16.0)


def test_rough_driving_costs_comfort(tmp_path):
    found = scored(scene(tmp_path), drive(acceleration=-6.0, steps=15))
    (loss,) = lost(found, "nuplan.comfort")[:1]
    assert "longitudinal acceleration -6.00 m/s²" in {loss.reason.split(",")[0] for loss in lost(found, "nuplan.comfort")}
    assert found.values["nuplan.comfort"] == found.values["epdms.comfort"] == 0.0
    assert loss.amount > 0.0


def test_who_stands_makes_no_progress(tmp_path):
    found = scored(scene(tmp_path), drive(speed=0.0))
    assert found.values["nuplan.making_progress"] == 0.0
    assert found.nuplan == 0.0
    assert found.epdms < 1.0
    assert "of 50 m to the goal" in lost(found, "nuplan.progress")[0].reason


def test_against_the_traffic_is_the_wrong_way(tmp_path):
    oncoming = strip(1, 0.0) + "".join(
        f'<lanelet id="2">{borders}</lanelet>'
        for borders in [
            "<leftBound><point><x>200</x><y>1.75</y></point><point><x>0</x><y>1.75</y></point></leftBound>"
            "<rightBound><point><x>200</x><y>5.25</y></point><point><x>0</x><y>5.25</y></point></rightBound>"
        ]
    )
    found = scored(scene(tmp_path, lanes=oncoming, asked=goal(0, 50)), drive(y=3.5))
    assert found.values["nuplan.driving_direction"] == 0.0
    assert scored(scene(tmp_path, lanes=oncoming, asked=goal(0, 50)), drive()).values["nuplan.driving_direction"] == 1.0


def test_speed_above_the_limit_costs_in_proportion(tmp_path):
    scenario = scene(tmp_path)
    scenario.road_map.arrays.lanes["speed_limit"][:] = 9.0
    found = scored(scenario, drive())
    assert found.values["nuplan.speed_limit"] == pytest.approx(1.0 - 1.0 / 2.23)
    assert "10.0 m/s where 9.0 m/s are allowed" in lost(found, "nuplan.speed_limit")[0].reason


@pytest.mark.parametrize("colour", [Colour.RED, Colour.AMBER, Colour.GREEN])
def test_a_line_is_not_passed_at_red(tmp_path, colour):
    x = np.linspace(0.0, 40.0, 9)

    def lane(name, x0, **words):
        return LaneSpec(name, *(np.column_stack([x + x0, np.full_like(x, y)]) for y in (0.0, 1.75, -1.75)), Road.CAR, **words)

    lanes = [lane("before", 0.0, successors=["behind"]), lane("behind", 40.0, signal="s")]
    road_map = build_road_map(RoadSpec("light", "test", lanes, signals=[SignalSpec("s", [(60.0, colour)])]))
    scenario = dataclasses.replace(scene(tmp_path, asked=goal(0, 50)), road_map=road_map)
    found = scored(scenario, drive())
    assert found.values["epdms.traffic_light"] == float(colour != Colour.RED)
    if colour == Colour.RED:
        passes = math.ceil((30.0 - 0.5 * BMW_320I.length_m) / (10.0 * STEP_S))
        assert lost(found, "epdms.traffic_light")[0].step == passes


def test_off_the_lanes_middle_is_no_lane_keeping(tmp_path):
    found = scored(scene(tmp_path), drive(y=0.7))
    assert found.values["epdms.lane_keeping"] == 0.0
    assert lost(found, "epdms.lane_keeping")[0].amount == pytest.approx(2.0 / 14.0)


def test_what_a_reference_drive_fails_too_is_not_held_against_the_ego(tmp_path):
    scenario = scene(tmp_path)
    alike, better = drive(y=0.7), drive()
    asked = scenario.problems[0]
    assert score(scenario, asked, alike, BMW_320I, reference=alike).epdms == 1.0
    assert score(scenario, asked, alike, BMW_320I, reference=better).epdms < 1.0


class Rolling:
    """A driver that lets the car roll."""

    def __init__(self, road_map, vehicle, step_s):
        pass

    def begin(self, goals):
        pass

    def look(self, state, seen):
        pass

    def cycle(self, state, seen):  # noqa: ARG002
        return Command(0.0, 0.0)

    def view(self):
        raise AssertionError("nothing is recorded")

    def guard_log(self):
        return GuardLog()


def test_the_result_of_a_drive_tells_its_scores_as_json(tmp_path):
    file = write(tmp_path, document(TWO_LANES, parked(7, 40.0, 0.0), problem(10.0, 0.0, 10.0, FAR)))
    (result,) = drive_file(file, make_driver=Rolling)
    told = json.loads(json.dumps(facts(result), allow_nan=False))
    assert told["scores"]["nuplan.no_at_fault_collision"] == 0.5
    assert told["losses"][0]["metric"].startswith("nuplan.")
    assert 7 in {loss["subject"] for loss in told["losses"]}


metrics = st.builds(
    lambda value, weight, n: Metric("m", value, np.ones(1), weight, tuple(Finding(k, 1.0 / n, "why") for k in range(n))),
    st.floats(0.0, 1.0),
    st.none() | st.floats(0.5, 5.0),
    st.integers(1, 3),
)


@given(st.lists(metrics, min_size=1, max_size=8))
def test_a_score_and_its_losses_sum_to_one(some):
    weighted = Metric("w", 0.7, np.ones(1), 1.0, (Finding(0, 1.0, "why"),))
    named = tuple(dataclasses.replace(metric, name=str(i)) for i, metric in enumerate([*some, weighted]))
    assert combined(named) + sum(loss.amount for loss in losses("s", named, 0)) == pytest.approx(1.0)
