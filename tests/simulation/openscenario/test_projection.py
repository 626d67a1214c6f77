"""Where a place lies along a line on the ground."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marque.driving.importers.opendrive import read_roads
from marque.simulation.openscenario.course import Course
from marque.simulation.openscenario.entities import Body, Entity
from marque.simulation.openscenario.network import Network
from marque.simulation.openscenario.positions import Stage

RADIUS_M = 300.0
RING = Course.through([(RADIUS_M * math.sin(a), RADIUS_M * (1.0 - math.cos(a)), a) for a in np.linspace(0.0, 3.0, 600)])
STRAIGHT = Course.through([(0.0, 0.0, 0.0), (900.0, 0.0, 0.0)])


@given(st.floats(1.0, 890.0), st.floats(-5.0, 5.0), st.none() | st.floats(0.0, 900.0), st.sampled_from([RING, STRAIGHT]))
def test_a_place_is_found_wherever_it_was_looked_for_first(s, aside, near, course):
    x, y, heading = course.pose(s)
    found = course.project(x - aside * math.sin(heading), y + aside * math.cos(heading), near)
    assert found == (pytest.approx(s, abs=0.02), pytest.approx(aside, abs=0.02))


@given(st.floats(-20.0, 20.0), st.floats(-20.0, 20.0), st.sampled_from([RING, STRAIGHT]))
def test_no_place_of_the_course_is_nearer(dx, dy, course):
    x, y = course.pose(40.0)[0] + dx, course.pose(40.0)[1] + dy
    s, _ = course.project(x, y)
    least = min(math.dist((x, y), course.pose(at)[:2]) for at in np.linspace(0.0, 80.0, 321))
    assert math.dist((x, y), course.pose(s)[:2]) <= least + 1e-6


def test_who_has_driven_far_since_it_was_last_asked_for_is_where_it_is(tmp_path):
    """In a wide bend the place 100 m after the last one would still lie on the road, beside a wrong kilometre."""
    path = tmp_path / "bend.xodr"
    lanes = '<left><lane id="1" type="driving"><width sOffset="0" a="400" b="0" c="0" d="0"/></lane></left><center><lane id="0"/></center>'
    path.write_text(
        '<OpenDRIVE><header revMajor="1" revMinor="6"/><road id="1" length="900" junction="-1"><planView>'
        '<geometry s="0" x="0" y="0" hdg="0" length="900"><arc curvature="0.0005"/></geometry></planView>'
        f'<lanes><laneSection s="0">{lanes}</laneSection></lanes></road></OpenDRIVE>'
    )
    network = Network(read_roads(path))
    entity = Entity("a", Body(0, 4.0, 1.8, 0.0, 0.0), ego=True)
    stage = Stage(network, {"a": entity})
    for s in (10.0, 700.0, 705.0, 300.0, 300.0):
        x, y, heading = network.road("1").line.pose(s)
        entity.x, entity.y, entity.heading = x - 2.0 * math.sin(heading), y + 2.0 * math.cos(heading), heading
        assert stage.place(entity).s == pytest.approx(s, abs=0.05)
        assert stage.place(entity).t == pytest.approx(2.0, abs=0.05)
