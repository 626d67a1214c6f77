"""Backing out: when it helps, when it must not, and what is behind."""

from dataclasses import replace

import numpy as np
import pytest
from roads import crossroads, drive, lane, left_turn_crossroads, straight, to_lane, two_way

from marque.driving.map.build import build_road_map
from marque.driving.map.specs import RoadSpec
from marque.driving.observation import Kind
from marque.driving.view import Reason
from marque.vehicle import BMW_320I, VehicleState

FACING = -2.6
CAR = (4.5, 1.8)


def standing(x, y=0.0):
    return VehicleState(x, y, 0.0, 0.0, 0.0, 0.0)


class Waits:
    """Somebody who stands until the ground before it has been free for two seconds, and then goes straight on."""

    def __init__(self, x, y, heading, free_at_x):
        self.x, self.y, self.heading, self.free_at_x, self.left_s = x, y, heading, free_at_x, None

    def __call__(self, time_s):
        gone = 0.0 if self.left_s is None else max(0.0, 3.0 * (time_s - self.left_s - 2.0))
        x, y = self.x + gone * np.cos(self.heading), self.y + gone * np.sin(self.heading)
        return 7, Kind.CAR, x, y, self.heading, 3.0 if gone else 0.0, *CAR

    def sees(self, time_s, ego_x):
        if self.left_s is None and ego_x < self.free_at_x:
            self.left_s = time_s


def turns_left(free_at_x):
    """Across our way."""
    return Waits(100.5, 0.0, FACING, free_at_x)


def stand_off(*behind, seconds=70.0):
    """Our car and one that turns left stand nose to nose; behind: who stands behind ours."""
    road, other = left_turn_crossroads(), turns_left(free_at_x=91.5)

    def others(time_s):
        return (other(time_s), *behind)

    return drive(road, to_lane(road, "east"), standing(93.8), seconds, others, watch=lambda time_s, state: other.sees(time_s, state.x_m))


def test_nose_to_nose_it_backs_out_lets_the_other_go_and_drives_on():
    _, states, touched = stand_off()
    assert not any(touched)
    assert min(state.x_m for state in states) < 91.5
    assert -1.3 < min(state.speed_mps for state in states) < -0.5
    assert states[-1].x_m > 120.0


def test_it_says_so_while_it_does():
    pilot, states, _ = stand_off(seconds=20.0)
    assert any(state.speed_mps < -0.5 for state in states)
    assert pilot.view().reason == Reason.BACK


def test_it_does_not_back_into_who_stands_close_behind():
    _, states, touched = stand_off((8, Kind.CAR, 93.8 - 6.0, 0.0, 0.0, 0.0, *CAR), seconds=60.0)
    assert not any(touched)
    assert min(state.x_m for state in states) - 0.5 * BMW_320I.length_m > 93.8 - 6.0 + 0.5 * CAR[0] + 0.4


@pytest.mark.parametrize("gap_m", [2.5, 4.0])
def test_it_backs_only_as_far_as_there_is_room(gap_m):
    rear = 93.8 - 0.5 * BMW_320I.length_m
    _, states, touched = stand_off((8, Kind.CAR, rear - gap_m - 0.5 * CAR[0], 0.0, 0.0, 0.0, *CAR), seconds=60.0)
    assert not any(touched)
    assert gap_m - 1.5 < 93.8 - min(state.x_m for state in states) < gap_m - 0.5


def test_it_stops_for_somebody_who_walks_behind_it():
    def walker(time_s):
        return 9, Kind.PEDESTRIAN, 89.5, -12.0 + 1.3 * max(0.0, time_s - 11.0), np.pi / 2, 1.3, 0.5, 0.5

    road, other = left_turn_crossroads(), turns_left(free_at_x=-np.inf)
    _, states, touched = drive(road, to_lane(road, "east"), standing(93.8), 60.0, lambda time_s: (other(time_s), walker(time_s)))
    assert not any(touched)
    assert min(state.speed_mps for state in states) < -0.5


def test_who_has_crept_into_the_way_of_who_goes_first_makes_room():
    """Its nose half a metre too far in: who has priority stands before it, and neither would ever go."""
    road, other = crossroads(ego_yields=True), Waits(100.0, 3.9, -np.pi / 2, free_at_x=95.8)
    behind = (8, Kind.CAR, 96.3 - 2.25 - 2.2 - 2.25, 0.0, 0.0, 0.0, *CAR)
    _, states, touched = drive(
        road, to_lane(road, "east"), standing(96.3), 80.0, lambda time_s: (other(time_s), behind), watch=lambda t, at: other.sees(t, at.x_m)
    )
    assert not any(touched)
    assert 94.5 < min(state.x_m for state in states) < 95.8
    assert states[-1].x_m > 120.0


def test_who_waits_where_it_should_does_not_make_room():
    road, other = crossroads(ego_yields=True), Waits(100.0, 3.9, -np.pi / 2, free_at_x=-np.inf)
    _, states, _ = drive(road, to_lane(road, "east"), standing(94.5), 29.0, lambda time_s: (other(time_s),))
    assert min(state.speed_mps for state in states) > -0.1


def test_in_a_queue_it_waits():
    road = two_way()
    queue = tuple((k, Kind.CAR, 90.0 + 7.0 * k, 0.0, 0.0, 0.0, *CAR) for k in range(1, 26))
    _, states, _ = drive(road, to_lane(road, "ours"), standing(89.5), 60.0, lambda _t: queue)
    assert min(state.speed_mps for state in states) >= 0.0


def test_where_a_drive_has_a_time_to_keep_it_does_not_drive_back():
    road, other = left_turn_crossroads(), turns_left(free_at_x=91.5)
    timed = tuple(replace(goal, time_s=(0.0, 60.0)) for goal in to_lane(road, "east"))
    _, states, _ = drive(road, timed, standing(93.8), 50.0, lambda time_s: (other(time_s),))
    assert min(state.speed_mps for state in states) >= 0.0


def test_who_stands_beside_it_where_two_ways_become_one_is_let_go():
    """Flank to flank before the same lane: neither can go on, but ours can go back."""
    join = [(90.0, 12.0), (96.0, 6.0), (103.0, 1.5), (112.0, 0.0)]
    lanes = [
        lane("west", straight(0, 0, 90, 0), successors=["on"]),
        lane("on", straight(90, 0, 112, 0, 8), junction="j", successors=["east"]),
        lane("beside", straight(20, 82, 90, 12), successors=["join"]),
        lane("join", join, junction="j", successors=["east"]),
        lane("east", straight(112, 0, 300, 0)),
    ]
    road = build_road_map(RoadSpec("two ways become one", "test", lanes))
    stands = (7, Kind.CAR, 101.0, 2.15, -0.45, 0.0, *CAR)
    _, states, touched = drive(road, to_lane(road, "east"), standing(98.3), 40.0, lambda _t: (stands,))
    assert not any(touched)
    assert min(state.speed_mps for state in states) < -0.5
