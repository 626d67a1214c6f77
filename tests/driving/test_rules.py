"""Right of way, where what somebody may do next decides what giving way is."""

import math

import numpy as np
import pytest
from roads import lane, straight

from marque.driving.give_way import stands_in_its_way
from marque.driving.map import Meeting, Yield
from marque.driving.map.build import build_road_map
from marque.driving.map.specs import RoadSpec
from marque.driving.observation import Kind
from marque.driving.predict import no_predictions, predict
from marque.driving.tracks import no_tracks
from marque.vehicle import BMW_320I

FRONT_M = BMW_320I.rear_axle_m + 0.5 * BMW_320I.length_m


def junction(*, may_turn):
    """Ours eastwards owes right of way to who comes from the north and goes on across, or turns into our road."""
    angle = np.linspace(0.0, 0.5 * np.pi, 15)
    turn = np.column_stack((110.0 - 10.0 * np.cos(angle), 10.0 - 10.0 * np.sin(angle)))
    lanes = [
        lane("west", straight(0, 0, 90, 0), successors=["across"]),
        lane("across", straight(90, 0, 110, 0, 8), junction="j", successors=["east"]),
        lane("east", straight(110, 0, 300, 0)),
        lane("north", straight(100, 150, 100, 10), successors=["down", "turn"] if may_turn else ["down"]),
        lane("down", straight(100, 10, 100, -10, 8), junction="j", successors=["south"]),
        lane("south", straight(100, -10, 100, -150)),
        lane("turn", turn, junction="j", successors=["east"]),
    ]
    return build_road_map(
        RoadSpec("a road from the side", "test", lanes, yields={("across", other): Yield.YIELD for other in ("down", "turn")})
    )


def cyclist(road_map):
    """(tracks, predictions, the hypothesis that turns or else the only one) of a cyclist shortly before the junction."""
    tracks, predictions = no_tracks(), no_predictions()
    for name, value in {"id": 1, "seen": 1, "cycles": 20, "kind": Kind.BICYCLE, "x": 100.0, "y": 17.0, "heading": -0.5 * math.pi}.items():
        tracks[0][name] = value
    tracks[0]["speed"], tracks[0]["length"], tracks[0]["width"] = 5.5, 1.9, 0.6
    predict(road_map.arrays, tracks, np.zeros(0, np.uint8), np.full(len(road_map.lane_ids), np.inf), predictions)
    turn = road_map.lane_ids.index("turn")
    turns = [k for k in range(predictions.used[0]) if turn in predictions.lane["lane"][k, : predictions.mode["lane_count"][k]]]
    return tracks, predictions, turns[0] if turns else 0


def in_its_way(road_map, nose_m):
    """Whether stopping with the nose so many metres into "across" stands in another way of the cyclist."""
    tracks, predictions, mode = cyclist(road_map)
    here = road_map.arrays.lanes[road_map.lane_ids.index("across")]
    nose = nose_m - FRONT_M  # cells of the rear axle, cell 0 where the lane begins
    owner = int(predictions.mode["owner"][mode])
    return stands_in_its_way(road_map.arrays, here, 0.0, FRONT_M, nose, BMW_320I, owner, mode, tracks, predictions)


def crossing_zone(road_map):
    arrays = road_map.arrays
    here = arrays.lanes[road_map.lane_ids.index("across")]
    (zone,) = [
        arrays.conflicts[c]
        for c in range(here["conflict_first"], here["conflict_first"] + here["conflict_count"])
        if arrays.conflicts[c]["other"] == road_map.lane_ids.index("down") and arrays.conflicts[c]["meeting"] != Meeting.MERGE
    ]
    return float(zone["enter_s"]), float(zone["leave_s"])


@pytest.mark.parametrize("into_m", [0.5, 2.0, 4.0])
def test_who_would_stand_across_somebodys_other_way_does_not_stop_before_the_merge(into_m):
    road_map = junction(may_turn=True)
    assert in_its_way(road_map, crossing_zone(road_map)[0] + into_m)


def test_before_the_crossing_or_behind_it_one_stops():
    road_map = junction(may_turn=True)
    enters, leaves = crossing_zone(road_map)
    assert not in_its_way(road_map, enters - 0.5)
    assert not in_its_way(road_map, leaves + BMW_320I.length_m + 0.5)


def test_whoever_can_go_only_one_way_is_waited_for():
    road_map = junction(may_turn=False)
    assert not in_its_way(road_map, crossing_zone(road_map)[0] + 2.0)
