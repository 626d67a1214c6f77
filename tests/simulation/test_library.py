"""Marque's own scenarios: readable without repair, solvable as far as the judge can tell, with road users that move as they say."""

import re

import numpy as np
import pytest

from marque.driving.observation import Kind
from marque.driving.pilot import Pilot
from marque.simulation.commonroad import read_scenario
from marque.simulation.drive import drive_file
from marque.simulation.judge import Trajectory, Verdict, prove_ill_posed
from marque.simulation.judge.checks import first_departure
from marque.simulation.library import FAMILIES, write_library
from marque.simulation.library.actors import LONGEST_S
from marque.vehicle import BMW_320I, boxes_overlap


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return write_library(tmp_path_factory.mktemp("library"))


@pytest.fixture(scope="module")
def scenarios(files):
    return {path.stem: read_scenario(path) for path in files}


def test_there_are_forty_and_more_under_names_of_their_own(files):
    assert len(files) >= 40
    assert len({path.name for path in files}) == len(files) == sum(len(family.variants) for family in FAMILIES)
    assert all(re.fullmatch(r"(ZAM|JPN)_Marque[A-Z][A-Za-z]*-\d+_\d+_T-1\.xml", path.name) for path in files)


def test_every_family_tells_a_story_of_its_own():
    assert len({family.told for family in FAMILIES}) == len({family.id for family in FAMILIES}) == len(FAMILIES)


def test_the_same_bytes_come_every_time(files, tmp_path):
    assert all(path.read_bytes() == again.read_bytes() for path, again in zip(files, write_library(tmp_path), strict=True))


def test_they_read_without_repair(scenarios):
    for name, scenario in scenarios.items():
        assert scenario.name == name
        assert scenario.source == "Marque scenario library"
        assert (scenario.notes, scenario.road_map.ignored) == ((), ())


def test_lanes_that_follow_each_other_meet_at_the_same_corners(scenarios):
    for name, scenario in scenarios.items():
        lanes, points = scenario.road_map.arrays.lanes, scenario.road_map.arrays.points
        before = np.repeat(np.arange(len(lanes)), lanes["successor_count"])
        ends = points[(lanes["point_first"] + lanes["point_count"] - 1)[before]]
        starts = points[lanes["point_first"][scenario.road_map.arrays.successors]]
        gaps = [ends[axis] - starts[axis] for axis in ("left_x", "left_y", "right_x", "right_y")]
        assert np.max(np.abs(gaps), initial=0.0) < 1e-3, name


def test_nobody_who_drives_leaves_the_road(scenarios):
    for name, scenario in scenarios.items():
        actors = scenario.actors
        for i in np.flatnonzero(~actors.stands & (actors.kinds != Kind.PEDESTRIAN)):
            steps = np.flatnonzero(actors.present[:, i])
            x, y, heading, speed = (a[steps, i] for a in (actors.x_m, actors.y_m, actors.heading_rad, actors.speed_mps))
            driven = Trajectory(x, y, heading, speed, np.zeros(len(steps)))
            left = first_departure(driven, actors.length_m[0, i], actors.width_m[0, i], scenario.road_map.arrays)
            assert (name, actors.obstacles[i], left) == (name, actors.obstacles[i], -1)


def test_every_lane_says_how_fast(scenarios):
    for scenario in scenarios.values():
        lanes = scenario.road_map.arrays.lanes
        assert np.isfinite(lanes["speed_limit"][lanes["road"] & 1 > 0]).all()


def test_none_is_ill_posed(scenarios):
    found = {name: prove_ill_posed(s, s.problems[0], BMW_320I) for name, s in scenarios.items()}
    assert {name: proof for name, proof in found.items() if proof} == {}


def test_a_window_leaves_room_and_closes_while_the_others_are_still_scripted(scenarios):
    for name, scenario in scenarios.items():
        first, last = scenario.problems[0].goals[0].time_s
        assert first + 5.0 <= last <= LONGEST_S, name


def overlapping(actors, step):
    """Pairs of obstacles that touch at a step, but for those that both stand."""
    here = np.flatnonzero(actors.present[step])
    boxes = np.stack([actors.x_m, actors.y_m, actors.heading_rad, actors.length_m, actors.width_m], axis=-1)[step, here]
    stands, names = actors.stands[here], actors.obstacles[here]
    pairs = [(i, j) for i in range(len(here)) for j in range(i) if not (stands[i] and stands[j])]
    return [(int(names[i]), int(names[j])) for i, j in pairs if boxes_overlap(*boxes[i], *boxes[j])]


def test_nobody_drives_through_anybody(scenarios):
    for name, scenario in scenarios.items():
        touching = [(step, pair) for step in range(scenario.actors.steps) for pair in overlapping(scenario.actors, step)]
        assert (name, touching) == (name, [])


def test_speeds_and_headings_are_those_of_the_motion(scenarios):
    for name, scenario in scenarios.items():
        actors = scenario.actors
        both = actors.present[1:] & actors.present[:-1] & ~actors.stands
        dx, dy = np.diff(actors.x_m, axis=0)[both], np.diff(actors.y_m, axis=0)[both]
        moved, speed = np.hypot(dx, dy), 0.5 * (actors.speed_mps[1:] + actors.speed_mps[:-1])[both]
        assert np.max(np.abs(moved / scenario.step_s - speed), initial=0.0) < 0.2, name
        for heading in (actors.heading_rad[1:][both], actors.heading_rad[:-1][both]):
            off = np.angle(np.exp(1j * (np.arctan2(dy, dx) - heading)))
            assert np.max(np.abs(off[moved > 0.05]), initial=0.0) < 0.1, name


@pytest.mark.slow
def test_the_pilot_drives_every_one_to_a_verdict(files):
    results = [result for path in files for result in drive_file(path, make_driver=Pilot)]
    assert len(results) == len(files)
    assert [(result.file, result.why) for result in results if result.verdict in {Verdict.ERROR, Verdict.ILL_POSED}] == []
