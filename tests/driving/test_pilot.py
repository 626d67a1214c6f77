"""The driving system as a whole, on roads where what is right is plain."""

import numpy as np
import pytest
from roads import bend, crossroads, drive, fork, lane, last_chance, light, straight, to_lane, two_lanes, two_way

from marque.driving.map import Colour
from marque.driving.map.build import build_road_map
from marque.driving.map.specs import RoadSpec
from marque.driving.observation import Kind
from marque.driving.view import Reason
from marque.vehicle import BMW_320I, VehicleState

BESIDE = tuple((k, Kind.CAR, 60.0 + 6.5 * k, 3.5, 0.0, 0.0, 4.5, 1.8) for k in range(1, 24))
"""A queue that stands in the next lane, without a gap."""


def at(x, y=0.0, speed=10.0):
    return VehicleState(x, y, 0.0, speed, 0.0, 0.0)


def test_on_an_empty_road_it_keeps_its_lane_and_reaches_the_limit_without_passing_it():
    pilot, states, _ = drive(two_lanes(), to_lane(two_lanes(), "right"), at(10.0, speed=0.0), 20.0)
    speeds = [state.speed_mps for state in states]
    assert 12.5 < speeds[-1] <= 14.4
    assert max(speeds) <= 14.4
    assert max(abs(state.y_m) for state in states) < 0.1
    assert pilot.view().reason in (Reason.CRUISE, Reason.SPEED_LIMIT)


def test_it_stops_behind_a_standing_car_where_there_is_no_way_round():
    road = light(Colour.GREEN_PROTECTED)
    parked = (7, Kind.CAR, 70.0, 0.0, 0.0, 0.0, 4.5, 1.9)
    pilot, states, touched = drive(road, to_lane(road, "behind"), at(5.0), 15.0, lambda _t: (parked,), lambda _t: Colour.GREEN_PROTECTED)
    assert not any(touched)
    assert states[-1].speed_mps < 0.3
    assert 1.0 < 70.0 - 2.25 - (states[-1].x_m + 2.254) < 8.0
    assert pilot.view().subject == 7


def test_it_passes_a_standing_car_by_the_free_lane_beside_it():
    road = two_lanes()
    parked = (7, Kind.STATIC, 90.0, 0.0, 0.0, 0.0, 4.5, 1.9)
    _, states, touched = drive(road, to_lane(road, "right"), at(10.0), 18.0, lambda _t: (parked,))
    assert not any(touched)
    assert states[-1].x_m > 110.0


def test_it_passes_what_stands_in_its_lane_over_the_other_side_and_comes_back():
    road = two_way()
    parked = (7, Kind.STATIC, 90.0, 0.0, 0.0, 0.0, 4.5, 1.9)
    _, states, touched = drive(road, to_lane(road, "ours"), at(10.0), 22.0, lambda _t: (parked,))
    assert not any(touched)
    assert max(state.y_m for state in states) > 1.0
    assert states[-1].x_m > 120.0
    assert abs(states[-1].y_m) < 0.4


def test_who_went_aside_for_somebody_is_in_the_middle_of_its_lane_again_soon_after():
    road = two_lanes()
    beside = (7, Kind.STATIC, 70.0, -1.5, 0.0, 0.0, 4.5, 1.9)  # half a metre into the lane
    _, states, touched = drive(road, to_lane(road, "right"), at(10.0), 14.0, lambda _t: (beside,))
    assert not any(touched)
    assert 0.5 < max(state.y_m for state in states) < 2.0
    assert all(abs(state.y_m) < 0.3 for state in states if state.x_m > 120.0)


def test_it_does_not_drive_into_the_tail_of_a_car_that_stands_askew_in_the_next_lane():
    road = build_road_map(
        RoadSpec("one way of two", "test", [lane("ours", straight(0, 0, 200, 0)), lane("next", straight(0, 3.5, 200, 3.5))])
    )
    askew = (7, Kind.CAR, 60.0, 2.4, 0.5, 0.0, 5.3, 1.9)  # its tail reaches 0.3 m over the border
    _, _, touched = drive(road, to_lane(road, "ours"), at(40.0, speed=3.0), 20.0, lambda _t: (askew,))
    assert not any(touched)


def test_it_does_not_drive_past_a_queue_on_the_other_side():
    road = two_way()
    queue = tuple((k, Kind.CAR, 90.0 + 7.0 * k, 0.0, 0.0, 0.0, 4.5, 1.8) for k in range(1, 26))
    _, states, touched = drive(road, to_lane(road, "ours"), at(20.0), 40.0, lambda _t: queue)
    assert not any(touched)
    assert max(state.y_m for state in states) < 0.75  # its left side stays on its own half
    assert 2.0 < queue[0][2] - 2.25 - (states[-1].x_m + 2.254) < 8.0


def test_a_follower_who_can_brake_does_not_push_it_out_of_its_lane():
    road = two_way()
    ahead = (3, Kind.CAR, 60.0, 0.0, 0.0, 0.0, 4.5, 1.8)

    def others(t):
        x = max(-20.0, min(30.0, -20.0 + 8.0 * t))  # comes up from behind and stands where the queue ends
        return (ahead, (4, Kind.CAR, x, 0.0, 0.0, 8.0 if x < 30.0 else 0.0, 4.5, 1.8))

    _, states, touched = drive(road, to_lane(road, "ours"), at(20.0, speed=8.0), 14.0, others)
    assert not any(touched)
    assert max(abs(state.y_m) for state in states) < 0.5


@pytest.mark.parametrize("gap", [0.4, 0.9, 1.4])
def test_it_does_not_creep_towards_who_stands_close_before_it(gap):
    road = two_way()
    person = (9, Kind.PEDESTRIAN, 50.0 + 2.254 + gap + 0.25, 0.2, np.pi / 2, 0.0, 0.5, 0.5)
    _, states, touched = drive(road, to_lane(road, "ours"), at(50.0, speed=0.0), 10.0, lambda _t: (person,))
    assert not any(touched)
    assert max(state.x_m for state in states) < 50.0 + 0.5 * gap


def test_it_waits_for_a_gap_before_a_lane_that_leads_astray():
    road = last_chance()
    _, states, touched = drive(road, to_lane(road, "on"), at(90.0, speed=8.0), 45.0, lambda t: BESIDE if t < 25.0 else ())
    assert not any(touched)
    assert max(state.x_m for state in states[:250]) + 2.254 < 195.0
    assert states[-1].x_m > 215.0
    assert abs(states[-1].y_m - 3.5) < 0.5


def test_it_takes_the_long_way_round_when_no_gap_comes():
    road = last_chance(out="detour")
    _, states, touched = drive(road, to_lane(road, "on"), at(150.0, speed=8.0), 90.0, lambda _t: BESIDE)
    assert not any(touched)
    waited = [0.1 * k for k, state in enumerate(states) if state.speed_mps < 0.1]
    assert 40.0 < waited[-1] - waited[0] < 60.0
    assert states[-1].y_m < -2.0  # in the alley


def test_it_does_not_take_a_way_that_only_a_turn_on_the_spot_leads_out_of_however_long_it_waits():
    road = last_chance(out="back")
    _, states, touched = drive(road, to_lane(road, "on"), at(150.0, speed=8.0), 85.0, lambda t: BESIDE if t < 70.0 else ())
    assert not any(touched)
    assert max(state.x_m for state in states[:700]) + 2.254 < 200.0
    assert states[-1].x_m > 215.0
    assert abs(states[-1].y_m - 3.5) < 0.5


@pytest.mark.parametrize("out", ["detour", "back"])
@pytest.mark.parametrize("x_m", [150.0, 165.0])
def test_behind_a_queue_it_does_not_go_beside_into_a_lane_that_leads_elsewhere(x_m, out):
    road = last_chance(out=out)
    queue = tuple((k, Kind.CAR, 188.0 + 6.5 * k, 3.5, 0.0, 0.0, 4.5, 1.8) for k in range(2))
    _, states, touched = drive(road, to_lane(road, "on"), at(x_m, 3.5, 5.0), 8.0, lambda _t: queue)
    assert not any(touched)
    assert min(state.y_m for state in states) > 3.0
    assert states[-1].x_m > 172.0


def test_where_lanes_lie_across_each_other_it_stays_on_the_one_it_means():
    road = fork()
    meant = {road.lane_ids.index(name) for name in ("in", "straight", "out")}
    pilot, states, _ = drive(road, to_lane(road, "out"), VehicleState(88.0, 0.3, 0.25, 1.5, 0.0, 0.0), 1.0)
    for _ in range(120):
        pilot, states, _ = drive(road, to_lane(road, "out"), VehicleState(*states[-1]), 0.1)
        assert pilot.lane() in meant
    assert max(abs(state.y_m) for state in states) < 1.5


def test_it_follows_a_slower_car_at_its_speed_with_a_second_or_so_between():
    road = light(Colour.GREEN_PROTECTED)

    def ahead(t):
        return ((3, Kind.CAR, 40.0 + 6.0 * t, 0.0, 0.0, 6.0, 4.5, 1.8),)

    _, states, touched = drive(road, to_lane(road, "behind"), at(10.0), 20.0, ahead, lambda _t: Colour.GREEN_PROTECTED)
    gap = ahead(20.0)[0][2] - states[-1].x_m - 4.5
    assert not any(touched)
    assert states[-1].speed_mps == pytest.approx(6.0, abs=0.7)
    assert 4.0 < gap < 16.0


@pytest.mark.parametrize("colour", [Colour.RED, Colour.RED_AMBER])
def test_it_waits_at_a_red_light_before_the_line_and_goes_when_it_turns_green(colour):
    road = light(colour)
    pilot, states, _ = drive(road, to_lane(road, "behind"), at(20.0), 25.0, colour=lambda t: colour if t < 14.0 else Colour.GREEN_PROTECTED)
    noses = np.array([state.x_m + 2.254 for state in states])
    assert noses[:140].max() <= 100.0
    assert noses[140] > 95.0
    assert states[138].speed_mps < 0.2
    assert noses[-1] > 120.0
    assert pilot.view().reason != Reason.RED_LIGHT


def test_it_slows_down_for_a_bend_and_stays_inside_its_lane():
    road = bend()
    _, states, _ = drive(road, to_lane(road, "out"), at(5.0, speed=13.0), 22.0)
    lateral = [abs(s.speed_mps**2 * np.tan(s.steering_rad) / BMW_320I.wheelbase_m) for s in states]
    assert max(lateral) < 3.6
    for state in states:
        cos, sin = np.cos(state.heading_rad), np.sin(state.heading_rad)
        for along in (-2.254, 2.254):
            for side in (-0.805, 0.805):
                x, y = state.x_m + along * cos - side * sin, state.y_m + along * sin + side * cos
                if x > 80.0 and y < 12.0:
                    assert abs(np.hypot(x - 80.0, y - 12.0) - 12.0) < 1.75
    assert states[-1].y_m > 30.0


def test_it_gives_way_to_who_has_priority_and_then_goes():
    road = crossroads(ego_yields=True)

    def crossing(t):
        return ((5, Kind.CAR, 100.0, 75.0 - 10.0 * t, -np.pi / 2, 10.0, 4.5, 1.8),)

    _, states, touched = drive(road, to_lane(road, "east"), at(15.0), 20.0, crossing)
    assert not any(touched)
    entered = next(k for k, state in enumerate(states) if state.x_m + 2.254 > 98.0)
    assert crossing(0.1 * entered)[0][3] < -1.0
    assert states[-1].x_m > 110.0


def test_with_priority_it_does_not_stop_for_a_car_that_waits():
    road = crossroads(ego_yields=False)
    waiting = (5, Kind.CAR, 100.0, 8.0, -np.pi / 2, 0.0, 4.5, 1.8)
    _, states, touched = drive(road, to_lane(road, "east"), at(15.0), 14.0, lambda _t: (waiting,))
    assert not any(touched)
    assert min(state.speed_mps for state in states) > 6.0


def test_a_car_that_takes_its_priority_away_is_not_hit():
    road = crossroads(ego_yields=False)

    def rude(t):
        return ((5, Kind.CAR, 100.0, 70.0 - 9.0 * t, -np.pi / 2, 9.0, 4.5, 1.8),)

    _, _, touched = drive(road, to_lane(road, "east"), at(20.0), 15.0, rude)
    assert not any(touched)


def test_a_goal_in_time_place_and_speed_is_met():
    from marque.driving.goal import Goal

    road = two_lanes()
    region = np.array([[60.0, 2.0], [72.0, 2.0], [72.0, 5.0], [60.0, 5.0]])
    goal = Goal((5.0, 5.6), polygons=(region,), speed_mps=(8.0, 12.0), heading_rad=(-0.1, 0.1))
    _, states, _ = drive(road, (goal,), at(10.0), 6.0)
    met = [60 <= s.x_m <= 72 and 2 <= s.y_m <= 5 and 8 <= s.speed_mps <= 12 and abs(s.heading_rad) <= 0.1 for s in states]
    assert any(met[50:57])


@pytest.mark.parametrize(("end_m", "from_s"), [(50.0, 4.0), (50.0, 8.0), (40.0, 2.5)])
def test_until_a_goal_in_time_can_be_met_it_does_not_leave_the_map(end_m, from_s):
    from marque.driving.goal import Goal

    road = build_road_map(RoadSpec("short road", "test", [lane("all", straight(0, 0, end_m, 0))]))
    _, states, _ = drive(road, (Goal((from_s, from_s)),), at(10.0, speed=8.0), from_s)
    assert max(state.x_m for state in states) + 0.5 * BMW_320I.length_m < end_m
    assert max(-state.acceleration_mps2 for state in states[:-5]) < 4.0


def test_who_begins_against_its_lane_goes_on_and_stops_on_the_road_for_who_stands_there():
    from marque.driving.goal import Goal

    road = build_road_map(RoadSpec("one way", "test", [lane("back", straight(300, 0, 0, 0))]))
    _, alone, _ = drive(road, (Goal((4.0, 4.0)),), at(20.0), 4.0)
    assert alone[-1].x_m > 50.0
    stands = (7, Kind.CAR, 80.0, 0.0, np.pi, 0.0, 4.5, 1.8)
    _, met, touched = drive(road, (Goal((0.0, np.inf)),), at(20.0), 15.0, lambda _t: (stands,))
    assert not any(touched)
    assert max(abs(state.y_m) for state in met) + 0.5 * BMW_320I.width_m < 1.75


def test_two_pilots_on_one_map_do_not_share_a_thought():
    road = two_lanes()
    alone = drive(road, to_lane(road, "right"), at(10.0), 3.0)[1]
    parked = (7, Kind.STATIC, 60.0, 0.0, 0.0, 0.0, 4.5, 1.9)
    drive(road, to_lane(road, "left"), at(20.0), 3.0, lambda _t: (parked,))
    assert drive(road, to_lane(road, "right"), at(10.0), 3.0)[1] == alone


@pytest.mark.parametrize(("stands_at", "waits"), [(106.0, True), (114.0, False)])
def test_it_does_not_drive_into_a_junction_it_could_not_leave(stands_at, waits):
    """The ways cross at x = 100; whoever stands at 106 leaves no room behind there, whoever stands at 114 does."""
    road = crossroads(ego_yields=False)
    stands = (7, Kind.CAR, stands_at + 2.25, 0.0, 0.0, 0.0, 4.5, 1.8)
    pilot, states, touched = drive(road, to_lane(road, "east"), at(40.0), 20.0, lambda _t: (stands,))
    assert not any(touched)
    assert states[-1].speed_mps < 0.1
    if waits:
        assert states[-1].x_m + 2.254 < 97.0
        assert pilot.view().reason == Reason.BLOCKED
        assert pilot.view().subject == 7
    else:
        assert states[-1].x_m - 2.254 > 103.0
