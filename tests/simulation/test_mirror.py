"""Left-hand traffic: a mirrored scene is a scene of its own right, and the car drives it as in a mirror."""

from __future__ import annotations

import dataclasses
from functools import partial

import numpy as np
import pytest

from marque.driving.law import First
from marque.driving.markets import GERMANY
from marque.driving.pilot import Pilot
from marque.simulation.commonroad import read_scenario
from marque.simulation.drive import drive_problem
from marque.simulation.library import FAMILIES
from marque.simulation.library.mirror import mirrored
from marque.simulation.library.write import document
from marque.vehicle import BMW_320I

SCENES = {
    f"{one.name}-{one.number}": one.make(**one.variants[0]) for one in FAMILIES if not (one.keeps_left or one.name.startswith("City"))
}
QUICK = ("RightBeforeLeft-1", "ParkedVan-1")
NAMES = [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in SCENES]


def read(scene, country, folder):
    path = folder / f"{country}_Mirror-1_1_T-1.xml"
    path.write_bytes(document(path.stem, scene))
    return read_scenario(path)


def test_a_scene_mirrored_twice_is_the_scene():
    for name, scene in SCENES.items():
        again = mirrored(mirrored(scene))
        assert (name, again.start, again.goal) == (name, scene.start, scene.goal)
        for lane, back in zip(scene.road.lanelets.values(), again.road.lanelets.values(), strict=True):
            assert np.array_equal(lane.left, back.left)
            assert (lane.left_side, lane.left_marking) == (back.left_side, back.left_marking)


def test_the_mirrored_file_says_that_traffic_keeps_left_and_who_goes_first(tmp_path):
    for name in ("RightBeforeLeft-1", "LeftTurn-1", "Roundabout-1", "YieldT-1"):
        right, left = read(SCENES[name], "ZAM", tmp_path).road_map, read(mirrored(SCENES[name]), "JPN", tmp_path).road_map
        assert (right.right_hand_traffic, left.right_hand_traffic) == (True, False)
        ours, theirs = right.arrays, left.arrays
        assert len(ours.conflicts) == len(theirs.conflicts) > 0
        key = [np.lexsort((np.round(c["enter_s"], 1), c["other"], np.repeat(np.arange(len(m.lanes)), m.lanes["conflict_count"])))
               for m, c in ((ours, ours.conflicts), (theirs, theirs.conflicts))]  # fmt: skip
        assert np.array_equal(ours.conflicts["yields"][key[0]], theirs.conflicts["yields"][key[1]]), name


@pytest.mark.parametrize("name", NAMES)
def test_mirroring_a_scene_mirrors_the_drive(name, tmp_path):
    left_hand = dataclasses.replace(GERMANY, right_hand_traffic=False, first=First.FROM_THE_LEFT)
    drives = []
    for scene, country, market in ((SCENES[name], "ZAM", GERMANY), (mirrored(SCENES[name]), "JPN", left_hand)):
        scenario = read(scene, country, tmp_path)
        drives.append(drive_problem(scenario, scenario.problems[0], partial(Pilot, market=market), BMW_320I).driven)
    steps = min(len(one.x_m) for one in drives)
    assert abs(len(drives[0].x_m) - len(drives[1].x_m)) <= 3
    gap = np.hypot(drives[0].x_m[:steps] - drives[1].x_m[:steps], drives[0].y_m[:steps] + drives[1].y_m[:steps])
    assert float(gap.max()) < 1.0
