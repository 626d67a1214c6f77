"""Who watches a car of the city: waits, faults, incidents and comfort, by what is seen from outside."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marque.driving.importers import default_city, load_map
from marque.driving.map import Colour
from marque.driving.map.query import pose_at
from marque.driving.minimal_risk import Manoeuvre, Mode
from marque.driving.view import Reason
from marque.simulation.city import City
from marque.simulation.witness import STUCK_S, Record, collision, comfort

STEP_S = 0.1


@pytest.fixture(scope="module")
def adlershof():
    return load_map(default_city())


@pytest.fixture
def city(adlershof):
    return City(adlershof, seed=3, vehicles=0, pedestrians=0, cars=1)


class Driver:
    """What a witness reads off a pilot."""

    def __init__(self, reason=Reason.CRUISE):
        self.told, self.fallback = reason, self
        self.mode, self.manoeuvre = Mode.NOMINAL, Manoeuvre.NONE

    def reason(self):
        return self.told

    def route(self):
        return np.empty(0, np.int32)


def successors(arrays, lane):
    first = arrays.lanes["successor_first"][lane]
    return range(first, first + arrays.lanes["successor_count"][lane])


def test_to_drive_back_and_forth_on_the_spot_is_to_wait(city):
    witness, start = city._cars[0].witness, city._cars[0].state

    def drive(x, speed):
        ahead = x * np.cos(start.heading_rad), x * np.sin(start.heading_rad)
        state = start._replace(x_m=start.x_m + ahead[0], y_m=start.y_m + ahead[1], speed_mps=speed)
        witness.note_waiting(city._present, state, np.empty(0, np.int32), Reason.FOLLOW)
        return witness.waits_s

    drive(0.0, 5.0)
    assert witness.waits_s == 0.0
    for k, (x, speed) in enumerate([(0.0, 0.0), (-1.0, -1.0), (-5.0, -1.0), (-5.0, 0.0), (-3.0, 1.0), (2.5, 1.0)]):
        assert drive(x, speed) == pytest.approx(0.1 * (k + 1))
    assert drive(3.5, 1.0) == 0.0
    assert witness.record.longest_wait_s == witness.record.longest_stand_s == pytest.approx(0.6)


def test_a_red_light_is_waited_for_by_the_whole_queue_and_a_green_one_by_nobody(city):
    witness, state, arrays = city._cars[0].witness, city._cars[0].state, city.road_map.arrays
    heads = np.flatnonzero(arrays.lanes["signal"] >= 0)
    before = next(
        lane
        for lane in city._homes
        if arrays.lanes["length"][lane] > 90.0 and any(arrays.successors[k] in heads for k in successors(arrays, lane))
    )
    after = next(arrays.successors[k] for k in successors(arrays, before) if arrays.successors[k] in heads)
    for away, red, waits in [(5.0, True, False), (60.0, True, False), (60.0, False, True), (85.0, True, True)]:
        x, y, heading, _ = pose_at(arrays, before, arrays.lanes["stop_s"][before] - away - 0.5 * city.vehicle.length_m, 0.0, -1)
        city._present.signals[arrays.lanes["signal"][after]] = Colour.RED if red else Colour.GREEN
        witness.forget()
        there = state._replace(x_m=x, y_m=y, heading_rad=heading, speed_mps=0.0)
        witness.note_waiting(city._present, there, np.array([before, after], np.int32), Reason.FOLLOW)
        assert (witness.waits_s > 0.0) == waits
        assert witness.stands_s > 0.0


def test_who_waits_for_too_long_is_stuck_and_the_wait_is_written_down_with_its_commonest_reason(city):
    witness, driver, state = city._cars[0].witness, Driver(Reason.YIELD), city._cars[0].state
    steps, over = 0, False
    while not over:
        driver.told = Reason.FOLLOW if steps < 100 else Reason.YIELD
        steps += 1
        over = witness.see(city._present, state, driver)
    assert steps * STEP_S == pytest.approx(STUCK_S, abs=0.3)
    (wait,) = witness.record.waits
    assert wait.facts == {"waits_s": pytest.approx(STUCK_S, abs=0.3), "reason": "YIELD"}
    assert [one.kind for one in witness.record.incidents] == ["wait", "stuck"]


@pytest.mark.parametrize(("speed", "fault"), [(1.0, False), (0.0, False), (-1.0, True)])
def test_who_backs_into_somebody_is_at_fault_and_who_is_run_into_is_not(adlershof, speed, fault):
    city = City(adlershof, seed=3, vehicles=10, pedestrians=0, cars=1)
    other = city._present
    heading = float(other.heading_rad[0])  # ours stands or drives right before the other's nose, pointing the same way
    x, y = other.x_m[0] + 4.0 * np.cos(heading), other.y_m[0] + 4.0 * np.sin(heading)
    state = city._cars[0].state._replace(x_m=x, y_m=y, heading_rad=heading, speed_mps=speed)
    city._present.speed_mps[0] = 2.0
    assert collision(city._present, 0, state, city.vehicle, Reason.CRUISE)["at_fault"] == fault


def test_a_touch_ends_the_trip_and_is_an_incident_with_its_place(adlershof):
    city = City(adlershof, seed=3, vehicles=10, pedestrians=0, cars=1)
    other, witness = city._present, city._cars[0].witness
    x, y, heading = (float(column[4]) for column in (other.x_m, other.y_m, other.heading_rad))
    x, y = x + 3.0 * math.cos(heading), y + 3.0 * math.sin(heading)
    state = city._cars[0].state._replace(x_m=x, y_m=y, heading_rad=heading, speed_mps=3.0)
    assert witness.see(other, state, Driver())
    (hit,) = witness.record.of_kind("collision")
    assert hit.facts["with"] == other.ids[4]
    assert (hit.x_m, hit.y_m) == (round(state.x_m, 2), round(state.y_m, 2))
    assert witness.record.at_fault == (not other.speed_mps[4] > 3.0)


def test_a_hard_braking_is_one_incident_however_many_steps_it_lasts(city):
    witness, start = city._cars[0].witness, city._cars[0].state._replace(speed_mps=12.0)
    for braking in (0.0, 5.0, 7.0, 3.0, 0.5, 0.0, 4.5, 0.0):
        witness.see(city._present, start._replace(acceleration_mps2=-braking), Driver(Reason.PEDESTRIAN))
    assert [one.facts["braking_mps2"] for one in witness.record.of_kind("hard braking")] == [7.0, 4.5]


def driven(speed, heading):
    record = Record()
    acceleration = np.gradient(speed, STEP_S)
    record.course.extend(zip(speed, heading, acceleration, strict=True))
    return record


@given(
    lateral=st.floats(0.2, 9.0).filter(lambda a: abs(a - 4.89) > 0.05),
    speed=st.floats(5.0, 30.0),
)
def test_a_steady_bend_is_comfortable_up_to_the_bound_of_lateral_acceleration(lateral, speed):
    n = 200
    felt = comfort([driven(np.full(n, speed), np.arange(n) * STEP_S * lateral / speed)], STEP_S)
    assert felt["lateral_p99_mps2"] == pytest.approx(lateral, abs=2e-3)
    assert felt["within lateral acceleration"] == float(lateral < 4.89)
    assert felt["within jerk"] == 1.0


def test_standing_is_neither_comfortable_nor_not_and_a_car_put_elsewhere_has_not_leapt():
    n = 300
    still, moves = np.zeros(n), np.full(n, 10.0)
    one = driven(np.concatenate((still, moves, [np.nan], moves)), np.concatenate((still, np.zeros(n), [np.nan], np.full(n, 3.0))))
    felt = comfort([one], STEP_S)
    assert felt["within yaw rate"] == felt["within lateral acceleration"] == 1.0
    assert 0.98 < felt["within"] < 1.0  # the start from 0 to 10 m/s at once is not comfortable, the leap counts for nothing
    assert comfort([Record()], STEP_S)["within"] == 1.0
