"""Who is in the way of a line."""

import numpy as np
import pytest
from roads import drive, lane, observation, straight, to_lane

from marque.driving.map import Yield
from marque.driving.map.build import build_road_map
from marque.driving.map.specs import RoadSpec
from marque.driving.observation import Kind
from marque.driving.pilot import Pilot
from marque.simulation.sensors import Sensors
from marque.vehicle import BMW_320I, VehicleState
from marque.vehicle.sensors import THREE_LIDARS


def loop():
    """Eastwards to x = 40, three quarters round to the left, then southwards over where it came from, at (32, 0)."""
    angle = np.linspace(-np.pi / 2, np.pi, 40)
    lanes = [
        lane("out", straight(-60, 0, 40, 0), successors=["round"]),
        lane("round", np.column_stack((40 + 8 * np.cos(angle), 8 + 8 * np.sin(angle))), successors=["south"]),
        lane("south", straight(32, 8, 32, -120)),
    ]
    return build_road_map(RoadSpec("loop", "test", lanes))


@pytest.mark.parametrize("y_m", [2.6, 0.0, -1.0])
def test_who_stands_where_the_way_leads_over_itself_is_in_the_way_the_first_time_too(y_m):
    """Its middle is on the way back, its body on the way out."""
    road = loop()
    stands = (7, Kind.CAR, 32.0, y_m, -np.pi / 2, 0.0, 4.5, 1.8)
    _, states, touched = drive(road, to_lane(road, "south"), VehicleState(5.0, 0.0, 0.0, 8.0, 0.0, 0.0), 9.0, lambda _t: (stands,))
    assert not any(touched)
    assert 22.0 < states[-1].x_m + 0.5 * BMW_320I.length_m < 31.1


def side_road():
    """Ours eastwards has priority over who comes from the north at x = 100 and goes on across, or turns left into our road at x = 112."""
    angle = np.linspace(0.0, np.pi / 2, 15)
    turn = np.column_stack((112 - 12 * np.cos(angle), 12 - 12 * np.sin(angle)))
    lanes = [
        lane("west", straight(0, 0, 85, 0), successors=["across"]),
        lane("across", straight(85, 0, 112, 0, 10), junction="j", successors=["east"]),
        lane("east", straight(112, 0, 300, 0)),
        lane("north", straight(100, 150, 100, 12), successors=["down", "turn"]),
        lane("down", straight(100, 12, 100, -10, 8), junction="j", successors=["south"]),
        lane("south", straight(100, -10, 100, -150)),
        lane("turn", turn, junction="j", successors=["east"]),
    ]
    return build_road_map(RoadSpec("side road", "test", lanes, yields={(other, "across"): Yield.YIELD for other in ("down", "turn")}))


def turns_in(speed, at_merge_s):
    """Who turns in from the north, at constant speed, looks at nobody and would be at x = 112 at that time."""
    angle = np.linspace(0.0, np.pi / 2, 60)
    turn = np.column_stack((112 - 12 * np.cos(angle), 12 - 12 * np.sin(angle)))
    line = np.concatenate((straight(100, 150, 100, 12, 200)[:-1], turn[:-1], straight(112, 0, 400, 0, 400)))
    along = np.append(0.0, np.cumsum(np.hypot(*np.diff(line, axis=0).T)))

    def at(t):
        s = 138.0 + 6.0 * np.pi + speed * (t - at_merge_s)
        x, y = (np.interp([s - 0.5, s, s + 0.5], along, line[:, axis]) for axis in (0, 1))
        return ((7, Kind.CAR, x[1], y[1], np.arctan2(y[2] - y[0], x[2] - x[0]), speed, 4.5, 1.8),)

    return at


@pytest.mark.parametrize(("x_m", "v_mps", "their_mps", "later_s"), [(94, 5, 6.5, -0.3), (94, 8, 7.0, 0.3), (97, 5, 7.0, -0.3)])
def test_who_comes_into_our_lane_from_aside_a_little_behind_us_is_not_taken_for_one_who_follows(x_m, v_mps, their_mps, later_s):
    road = side_road()
    other = turns_in(their_mps, (112.0 - x_m) / v_mps + later_s)
    _, _, touched = drive(road, to_lane(road, "east"), VehicleState(float(x_m), 0.0, 0.0, float(v_mps), 0.0, 0.0), 5.0, other)
    assert not any(touched)


def room(sensed, cycles):
    """The probabilities of touching a cyclist who crosses 30 m ahead, after so many cycles in which it has been seen."""
    road = side_road()
    pilot, sensors = Pilot(road), Sensors(THREE_LIDARS)
    pilot.begin(to_lane(road, "east"))
    for k in range(1 - cycles, 1):
        here = VehicleState(70.0 + 0.8 * k, 0.0, 0.0, 8.0, 0.0, 0.0)
        truth = observation(2.0 + 0.1 * k, road, (7, Kind.BICYCLE, 100.0, 9.0 - 0.4 * k, -0.5 * np.pi, 4.0, 1.8, 0.6))
        seen, believed = sensors.sense(truth, here) if sensed else (truth, here)
        pilot.cycle(believed, seen)
    lines, occupancy = pilot._mind.lines, pilot._mind.occupancy
    return occupancy.risk[0, :, : lines.line["cells"][0]].copy()


def test_how_fast_somebody_is_who_has_just_come_into_sight_is_doubted_only_where_it_is_not_seen_itself():
    assert np.array_equal(room(False, 1), room(False, 20))
    new, known = room(True, 4) > 0.3, room(True, 20) > 0.3
    assert known.any()
    assert new.sum() > known.sum()
