"""What others are expected to do, on roads where it is plain."""

import dataclasses
import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from roads import crossroads, fork, lane, left_turn_crossroads, light, straight, two_lanes

from marque.driving.map import Colour, Road
from marque.driving.map.build import build_road_map
from marque.driving.map.specs import RoadSpec
from marque.driving.observation import Kind
from marque.driving.predict import HYPOTHESES, STEP_S, no_predictions, predict, spread
from marque.driving.tracks import no_tracks


def track(x, y, heading=0.0, speed=10.0, *, acceleration=0.0, yaw_rate=0.0, kind=Kind.CAR, length=4.5, standing_s=0.0):
    return (kind, x, y, heading, speed, acceleration, yaw_rate, length, 1.8, standing_s)


FIELDS = ["kind", "x", "y", "heading", "speed", "acceleration", "yaw_rate", "length", "width", "standing_s"]


def expect(road_map, *rows, colour=Colour.OFF, eta=None):
    """[(probability, at, lanes)] of each road user in turn."""
    tracks, out = no_tracks(), no_predictions()
    for slot, row in enumerate(rows):
        tracks[slot]["id"], tracks[slot]["seen"], tracks[slot]["cycles"] = slot, 1, 20
        for name, value in zip(FIELDS, row, strict=True):
            tracks[slot][name] = value
    signals = np.full(len(road_map.signal_ids), int(colour), np.uint8)
    ego = np.full(len(road_map.lane_ids), np.inf) if eta is None else eta
    predict(road_map.arrays, tracks, signals, ego, out)
    found = [[] for _ in rows]
    for mode in range(out.used[0]):
        lanes = tuple(road_map.lane_ids[k] for k in out.lane["lane"][mode, : out.mode["lane_count"][mode]])
        found[out.mode["owner"][mode]].append((out.mode["probability"][mode], out.at[mode], lanes))
    return found


def likeliest(ways):
    return max(ways, key=lambda way: way[0])[1]


def mean_x(ways, t):
    return sum(p * at["x"][t] for p, at, _ in ways)


anyone = st.tuples(
    st.floats(1.0, 390.0), st.floats(-1.5, 5.0), st.floats(-0.6, 0.6), st.floats(0.0, 25.0), st.floats(-5.0, 3.0), st.floats(-0.5, 0.5),
    st.sampled_from([Kind.CAR, Kind.TRUCK, Kind.BICYCLE, Kind.PEDESTRIAN, Kind.STATIC]),
)  # fmt: skip


@given(st.lists(anyone, min_size=1, max_size=12))
def test_probabilities_sum_to_one_and_everyone_starts_where_it_is(crowd):
    rows = [track(x, y, heading, v, acceleration=a, yaw_rate=r, kind=kind) for x, y, heading, v, a, r, kind in crowd]
    for row, ways in zip(rows, expect(two_lanes(), *rows), strict=True):
        assert 1 <= len(ways) <= HYPOTHESES
        assert sum(p for p, _, _ in ways) == pytest.approx(1.0)
        for _, at, _ in ways:
            assert (at["x"][0], at["y"][0]) == pytest.approx(row[1:3])
            assert np.isfinite([at["x"], at["y"], at["heading"]]).all()


@given(st.floats(-math.pi, math.pi), st.floats(-500.0, 500.0), st.floats(0.0, 90.0), st.floats(0.0, 14.0), st.floats(-2.0, 2.0))
def test_a_turned_and_shifted_world_is_predicted_turned_and_shifted(angle, shift, x, speed, acceleration):
    cos, sin = math.cos(angle), math.sin(angle)

    def moved(px, py):
        return cos * px - sin * py + shift, sin * px + cos * py - shift

    def road(turn):
        def line(*points):
            return np.array([turn(*p) for p in straight(*points)])

        lanes = [
            lane("in", line(0, 0, 100, 0), successors=["on", "off"]),
            lane("on", line(100, 0, 300, 0)),
            lane("off", line(100, 0, 200, 150)),
        ]
        return build_road_map(RoadSpec("road", "test", lanes))

    leader = (150.0, 0.1)
    here = expect(road(lambda px, py: (px, py)), track(x, 0.5, 0.03, speed, acceleration=acceleration), track(*leader, 0.0, 3.0))
    there = expect(road(moved), track(*moved(x, 0.5), angle + 0.03, speed, acceleration=acceleration), track(*moved(*leader), angle, 3.0))
    for ways, turned in zip(here, there, strict=True):
        assert [p for p, _, _ in ways] == pytest.approx([p for p, _, _ in turned], abs=1e-6)
        for (_, at, _), (_, other, _) in zip(ways, turned, strict=True):
            px, py = moved(at["x"], at["y"])
            assert np.allclose(px, other["x"], atol=1e-4)
            assert np.allclose(py, other["y"], atol=1e-4)


@given(st.floats(5.0, 60.0), st.floats(0.0, 20.0), st.floats(-3.0, 3.0))
def test_nobody_is_expected_to_drive_through_one_who_stands(gap, speed, acceleration):
    standing = track(100.0, 0.0, speed=0.0, kind=Kind.STATIC)
    ways, _ = expect(two_lanes(), track(100.0 - 4.5 - gap, 0.0, speed=speed, acceleration=acceleration), standing)
    for _, at, lanes in ways:
        if lanes[0] == "right":
            assert at["x"].max() <= 100.0 - 4.5 + 1e-6


def test_a_column_sets_off_one_after_the_other():
    rows = [track(100.0 - 7.0 * k, 0.0, speed=0.0) for k in range(4)]
    rows[0] = track(104.0, 0.0, speed=4.0, acceleration=1.0)
    ways = expect(two_lanes(), *rows)
    ends = [ways[k][0][1]["x"][-1] for k in range(4)]  # the first hypothesis of who stands is that it goes
    assert all(ahead - behind > 4.5 for ahead, behind in itertools.pairwise(ends))
    assert ends[1] > rows[1][1] + 3.0


def sets_off(road_map, standing_s, *others, **words):
    """How probably one who stands at (80, 0) sets off."""
    ways = expect(road_map, track(80.0, 0.0, speed=0.0, standing_s=standing_s), *others, **words)[0]
    return sum(probability for probability, at, _ in ways if at["x"][-1] > 81.0)


def test_the_longer_somebody_stands_before_a_junction_the_less_it_is_expected_to_set_off():
    chances = [sets_off(crossroads(ego_yields=True), standing_s) for standing_s in (0.5, 3.0, 6.0, 12.0, 25.0)]
    assert chances[0] == chances[1] > chances[2] > chances[3] > chances[4]
    assert chances[1] > 0.12 > chances[2]


def test_however_long_somebody_has_stood_at_a_red_light_it_sets_off_at_green_or_behind_one_who_does():
    assert sets_off(light(Colour.RED), 25.0, colour=Colour.GREEN) == sets_off(light(Colour.RED), 0.5, colour=Colour.GREEN) > 0.12
    goes = track(87.0, 0.0, speed=2.0)
    assert sets_off(light(Colour.OFF), 25.0, goes) == sets_off(light(Colour.OFF), 0.5, goes) > 0.5


def test_who_follows_slows_down_behind_a_slower_one_and_not_behind_one_in_the_next_lane():
    behind, alone = (expect(two_lanes(), track(50.0, 0.0, speed=14.0), track(75.0, y, speed=5.0))[0] for y in (0.0, 3.5))
    assert mean_x(behind, -1) < mean_x(alone, -1) - 15.0


@pytest.mark.parametrize("colour", [Colour.RED, Colour.AMBER])
def test_who_comes_to_a_red_light_stops_at_its_line(colour):
    ways = expect(light(colour), track(50.0, 0.0, speed=10.0), colour=colour)[0]
    stops = likeliest(ways)
    assert stops["x"][-1] + 2.25 == pytest.approx(100.0, abs=1.0)
    assert mean_x(expect(light(colour), track(50.0, 0.0, speed=10.0), colour=Colour.GREEN_PROTECTED)[0], -1) > 104.0


def test_who_brakes_before_a_junction_more_probably_stops_there():
    def halting(acceleration):
        ways = expect(crossroads(ego_yields=True), track(50.0, 0.0, speed=9.0, acceleration=acceleration))[0]
        return sum(p for p, at, _ in ways if at["x"][-1] < 90.0)

    assert halting(-2.0) > halting(-1.0) > halting(0.0)


def test_who_owes_the_car_right_of_way_is_expected_but_not_trusted_to_grant_it():
    road = crossroads(ego_yields=False)
    eta = np.full(len(road.lane_ids), np.inf)
    eta[road.lane_ids.index("across")] = 2.0
    ways = expect(road, track(100.0, 45.0, -math.pi / 2, 8.0), eta=eta)[0]
    assert likeliest(ways)["y"][-1] > 8.0
    assert any(at["y"][-1] < 0.0 for p, at, _ in ways if p > 0.05)


def test_a_drift_towards_the_next_lane_makes_a_change_of_lanes_more_probable():
    def changing(y, heading):
        ways = expect(two_lanes(), track(50.0, y, heading, 15.0))[0]
        return sum(p for p, _, lanes in ways if lanes[0] == "left")

    assert changing(0.0, 0.0) < 0.05
    assert changing(0.0, 0.0) <= changing(0.8, 0.02) < changing(1.2, 0.06)
    assert changing(1.2, 0.06) > 0.5
    assert changing(1.2, -0.06) < 0.2


def test_who_turns_its_wheel_is_expected_to_turn():
    def turning(yaw_rate, heading=0.0):
        ways = expect(left_turn_crossroads(), track(105.0, 3.2, math.pi + heading, 6.0, yaw_rate=yaw_rate))[0]
        return sum(p for p, _, lanes in ways if "left" in lanes)

    assert turning(0.4, 0.2) > 0.5


@pytest.mark.parametrize("parts", [1, 2, 3])
def test_nobody_is_expected_to_turn_back_where_the_road_goes_on(parts):
    """Some maps lay the turn in several lanes, none of which by itself turns back."""
    ways = expect(fork(parts), track(80.0, 0.0, speed=8.0))[0]
    assert all("home" not in lanes and "back" not in lanes for p, _, lanes in ways if p > 0.1)


@pytest.mark.parametrize(
    ("kind", "expected"), [(Kind.CAR, {"on"}), (Kind.TRUCK, {"on"}), (Kind.BUS, {"on", "stop"}), (Kind.BICYCLE, {"on", "stop", "path"})]
)
def test_at_a_fork_nobody_is_expected_on_a_lane_that_is_not_for_them(kind, expected):
    ways = [("on", 0.0, Road.CAR), ("path", 8.0, Road.BICYCLE | Road.PEDESTRIAN), ("stop", -8.0, Road.BUS | Road.BICYCLE)]
    after = [dataclasses.replace(lane(name, straight(100, 0, 150, y), junction="j"), road=road) for name, y, road in ways]
    road = build_road_map(RoadSpec("fork", "test", [lane("in", straight(0, 0, 100, 0), successors=["on", "path", "stop"]), *after]))
    found = expect(road, track(80.0, 0.0, speed=8.0, kind=kind))[0]
    assert {lanes[1] for _, _, lanes in found if len(lanes) > 1} == expected


def test_pedestrians_walk_on_and_parked_cars_stay():
    walking, parked = expect(
        two_lanes(), track(50.0, -1.0, math.pi / 2, 1.4, kind=Kind.PEDESTRIAN, length=0.5), track(80.0, 0.0, speed=0.0, standing_s=40.0)
    )
    assert likeliest(walking)["y"][-1] == pytest.approx(-1.0 + 1.4 * 6.0, abs=0.2)
    assert len(parked) == 1
    assert (parked[0][1]["x"] == 80.0).all()


def test_a_prediction_spreads_with_time_and_hardly_for_one_who_stands():
    along, across = zip(*(spread(10.0, 10.0 * t, t) for t in STEP_S * np.arange(1.0, 30.0)), strict=True)
    assert (np.diff(along) > 0).all()
    assert (np.diff(across) > 0).all()
    assert spread(0.0, 0.0, 3.0)[0] < 0.2 < along[14]


@given(st.floats(-0.6, 0.6), st.floats(2.0, 8.0))
def test_who_rides_a_bicycle_across_its_lane_may_go_on_out_of_it(heading, speed):
    (ways,) = expect(two_lanes(), track(100.0, 0.0, heading, speed, kind=Kind.BICYCLE, length=1.8))
    on = [(p, at) for p, at, lanes in ways if not lanes]
    if abs(speed * math.sin(heading)) < 0.02:
        assert not on
    elif abs(speed * math.sin(heading)) > 0.3:
        ((probability, at),) = on
        assert 0.5 < probability < 0.7
        assert at["y"][10] == pytest.approx(2.0 * speed * math.sin(heading), rel=0.1)


@given(st.floats(0.8, 1.5), st.floats(0.0, 0.25))
def test_who_drifts_to_the_middle_of_its_lane_comes_the_sooner(offset, turned):
    (drifts,) = expect(two_lanes(), track(100.0, offset, -turned, 12.0))
    (still,) = expect(two_lanes(), track(100.0, offset, 0.0, 12.0))
    sooner, later = (next(at["y"] for _, at, lanes in ways if lanes == ("right",)) for ways in (drifts, still))
    assert (sooner <= later + 1e-6).all()
    if 12.0 * math.sin(turned) > 1.5 * offset / 3.5:
        assert sooner[10] < later[10] - 0.1


@pytest.mark.parametrize("braking", [0.0, 3.5])
def test_who_would_have_to_brake_hard_to_give_way_and_does_not_is_not_trusted(braking):
    road = crossroads(ego_yields=False)
    eta = np.full(len(road.lane_ids), np.inf)
    eta[road.lane_ids.index("across")] = 2.0
    trusted = []
    for away in (60.0, 32.0):
        (ways,) = expect(road, track(100.0, 10.0 + away, -math.pi / 2, 13.9, acceleration=-braking), eta=eta)
        trusted.append(sum(p for p, at, _ in ways if np.hypot(at["x"][-1] - at["x"][0], at["y"][-1] - at["y"][0]) < away))
    assert trusted[1] < trusted[0] - 0.2 if braking == 0.0 else trusted[1] == pytest.approx(trusted[0], abs=0.05)
