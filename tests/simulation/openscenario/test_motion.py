"""Actors keep to their lanes over the ends of roads and through junctions, without a jump."""

import math
from dataclasses import replace

import numpy as np
import pytest

from marque.driving.importers.opendrive import read_roads
from marque.driving.observation import Kind
from marque.simulation.openscenario.course import Course
from marque.simulation.openscenario.entities import Body, Entity
from marque.simulation.openscenario.motion import advance, follow, move, put
from marque.simulation.openscenario.network import Network, Place
from marque.simulation.openscenario.positions import Spot, Stage

STEP_S = 0.05


@pytest.mark.parametrize(("category", "faces"), [("vehicle", 1.0), ("pedestrian", 0.0)])
def test_who_walks_faces_where_it_goes_and_who_drives_as_the_file_says(category, faces):
    course = replace(Course.through([(0.0, 0.0, 0.0), (10.0, 0.0, 0.0)]), turned=np.ones(2))
    entity = Entity("a", Body(Kind.CAR, 0.6, 0.5, 0.0, 0.0, category=category))
    follow(entity, course, 0.0)
    assert entity.heading == 1.0
    entity.speed = 1.4
    move(entity, 0.5, None)
    assert (entity.x, entity.heading) == (0.5, faces)


@pytest.mark.parametrize("name", ["fabriksgatan_traffic_lights", "multi_intersections", "e6mini", "soderleden", "Town01"])
def test_who_follows_its_lane_moves_as_far_as_it_drives_and_never_jumps(shared_data, name):
    network = Network(read_roads(shared_data / "maps" / f"{name}.xodr"))
    driven = 0
    for road in list(network.roads.roads.values())[:40]:
        section = road.section(0.0)
        for lane, its in section.lanes.items():
            if its.type != "driving" or lane == 0 or road.length < 20.0:
                continue
            entity = Entity("a", Body(Kind.CAR, 4.0, 1.8, 0.0, 0.0))
            stage = Stage(network, {"a": entity})
            s = 0.5 * road.length
            number = lane if lane in road.section(s).lanes else None
            t = None if number is None else road.lane_t(s, number)
            if t is None:
                continue
            x, y, heading = network.pose(Place(road.id, s, t))
            put(entity, Spot((x, y, heading if road.travels_forward(number) else heading + math.pi), Place(road.id, s, t), number), stage)
            entity.speed = 15.0
            for _ in range(600):
                before = entity.pose
                advance(entity, 15.0, STEP_S, stage)
                moved = math.dist(before[:2], entity.pose[:2])
                # Where roads join, the middles of some lanes of real maps are up to half a metre apart; a wrong lane would be 2 m.
                assert moved == pytest.approx(15.0 * STEP_S, abs=0.5), (road.id, lane, entity.place)
            driven += 1
    assert driven > 0
