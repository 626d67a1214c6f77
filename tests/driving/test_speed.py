"""Speed profiles towards a timed goal: exactly there, or through it no slower than asked and to a halt behind it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import scenes
from marque.driving.speed import TICK_S, TICKS, aim, no_profiles, pass_and_stop
from marque.simulation.drive import drive_file
from marque.vehicle import BMW_320I
from marque.vehicle.sensors import THREE_LIDARS


def added(profiles):
    """(s, v) of the one profile that was added, None where none was."""
    assert profiles.used[0] in (0, 1)
    return (profiles.s[0], profiles.v[0]) if profiles.used[0] else None


@given(
    speed=st.floats(0.0, 30.0), pace=st.floats(0.5, 15.0), brake=st.floats(2.0, 8.0), distance=st.floats(0.0, 60.0),
    early=st.floats(0.0, 4.0), lasts=st.floats(0.2, 2.0),
)  # fmt: skip
def test_a_goal_is_passed_in_its_time_not_slower_than_asked_and_the_car_stops_behind_it(speed, pace, brake, distance, early, lasts):
    profiles = no_profiles()
    pass_and_stop(speed, pace, brake, distance, early, early + lasts, BMW_320I, profiles)
    if (one := added(profiles)) is None:
        return
    s, v = one
    there = np.flatnonzero((s >= distance) & (np.arange(TICKS) * TICK_S >= early) & (v > pace - 1e-6))[0]
    assert there * TICK_S <= early + lasts + 1e-9
    assert v[: there + 1].min() >= min(speed, pace) - 1e-9
    a = np.diff(v) / TICK_S
    assert (a[:there] >= -brake - 1e-9).all()
    assert (a[there:] <= 1e-9).all()
    stopped = v[there] / brake + TICK_S <= (TICKS - 1 - there) * TICK_S
    assert not stopped or v[-1] == 0.0
    np.testing.assert_allclose(np.diff(s), 0.5 * (v[1:] + v[:-1]) * TICK_S, atol=0.5 * brake * TICK_S**2)


@pytest.mark.parametrize(("distance", "kept"), [(12.0, True), (20.0, False)])
def test_none_is_added_where_the_goal_is_reached_too_late(distance, kept):
    profiles = no_profiles()
    pass_and_stop(7.0, 5.2, 4.0, distance, 2.0, 3.0, BMW_320I, profiles)
    assert (added(profiles) is not None) == kept


def test_when_there_is_no_room_for_more_nothing_is_written():
    profiles = no_profiles()
    profiles.used[0] = len(profiles.s)
    pass_and_stop(7.0, 5.2, 4.0, 12.0, 2.0, 3.0, BMW_320I, profiles)
    assert profiles.used[0] == len(profiles.s)
    assert not profiles.s.any()


@given(speed=st.floats(0.0, 20.0), distance=st.floats(1.0, 80.0), arrival=st.floats(0.0, 20.0), ticks=st.integers(4, 60))
def test_a_profile_that_aims_is_there_at_its_time_with_its_speed(speed, distance, arrival, ticks):
    profiles = no_profiles()
    aim(speed, distance, arrival, ticks * TICK_S, BMW_320I, profiles)
    if (one := added(profiles)) is None:
        return
    s, v = one
    strong = np.diff(v).max(initial=0.0) / TICK_S > 4.0  # more than the motor has at speed: it then falls short
    assert strong or s[ticks] == pytest.approx(distance, abs=0.1)
    assert strong or v[ticks] == pytest.approx(arrival, abs=0.1)


@pytest.mark.parametrize(("speed", "suite"), [(9.0, None), (7.0, THREE_LIDARS)], ids=["perfect", "sensed"])
def test_who_has_to_stop_behind_a_goal_does_not_arrive_there_slower_than_asked(tmp_path, speed, suite):
    """Somebody crosses behind the place where the goal asks for 5 m/s, and stops half in the lane: who brakes for him at once misses it."""
    wide = scenes.rectangle(22.0, 3.0, 22.0, 0.0)
    crosses = [(20.0, -10.0 + 0.4 * k, np.pi / 2, 4.0) for k in range(22)]
    crosses += [(20.0, -1.6, np.pi / 2, 0.0)] * 20
    goal = scenes.goal(20, 31, region=wide, speed=(5.0, 15.0), heading=(-0.4, 0.4))
    text = scenes.document(scenes.strip(1, 0.0), scenes.car(5, crosses, kind="bicycle"), scenes.problem(2.5, 0.0, speed, goal))
    (result,) = drive_file(scenes.write(tmp_path, text), suite=suite)
    assert result.strict_success, result.why
