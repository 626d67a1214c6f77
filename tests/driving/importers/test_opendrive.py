"""Road coordinates of OpenDRIVE are where the standard puts them, and where netconvert's lanes are."""

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marque.common import InputError
from marque.driving.importers import load_map
from marque.driving.importers.opendrive import Way, read_roads
from marque.driving.importers.opendrive_line import Clothoid, Cubic, Cubics
from marque.driving.map.query import project

CURVY = """<OpenDRIVE><header revMajor="1" revMinor="6"/><road id="1" length="130" junction="-1"><planView>
<geometry s="0" x="5" y="-3" hdg="0.3" length="50"><line/></geometry>
<geometry s="50" x="{x1}" y="{y1}" hdg="0.3" length="80"><arc curvature="0.01"/></geometry></planView>
<lanes><laneOffset s="0" a="1" b="0" c="0" d="0"/><laneSection s="0"><left><lane id="1" type="driving"><width sOffset="0" a="3" b="0" c="0"
d="0"/></lane></left><center><lane id="0" type="none"/></center><right>
<lane id="-1" type="driving"><width sOffset="0" a="3" b="0.01" c="0" d="0"/><width sOffset="100" a="4" b="0" c="0" d="0"/></lane>
<lane id="-2" type="driving"><width sOffset="0" a="2" b="0" c="0" d="0"/></lane></right></laneSection></lanes></road></OpenDRIVE>"""
CURVY = CURVY.format(x1=5.0 + 50.0 * math.cos(0.3), y1=-3.0 + 50.0 * math.sin(0.3))
EVEN = CURVY.replace('b="0.01"', 'b="0"').replace('a="4" b="0"', 'a="3" b="0"')
"""The same with lanes of one width each."""


@pytest.fixture
def curvy(tmp_path):
    path = tmp_path / "curvy.xodr"
    path.write_text(CURVY)
    return path


@given(st.floats(-0.1, 0.1), st.floats(-0.002, 0.002), st.floats(0.5, 60.0))
def test_a_clothoid_is_the_integral_of_its_heading(start, rate, length):
    s = (np.arange(20_000) + 0.5) * length / 20_000
    heading = start * s + 0.5 * rate * s * s
    x, y, end = Clothoid(start, rate).at(length)
    step = length / 20_000
    assert (x, y) == (pytest.approx(np.cos(heading).sum() * step, abs=1e-6), pytest.approx(np.sin(heading).sum() * step, abs=1e-6))
    assert end == pytest.approx(start * length + 0.5 * rate * length**2)


@given(st.floats(-0.5, 0.5), st.floats(-0.02, 0.02), st.floats(-0.0005, 0.0005), st.floats(1.0, 25.0))
def test_a_cubic_is_as_long_as_asked_and_heads_along_itself(b, c, d, length):
    shape = Cubic((0.0, b, c, d))
    u, v, heading = shape.at(length)
    along = np.linspace(0.0, u, 20_001)
    middle = 0.5 * (along[1:] + along[:-1])
    assert np.hypot(1.0, b + 2.0 * c * middle + 3.0 * d * middle**2).sum() * u / 20_000 == pytest.approx(length, abs=1e-5)
    assert v == pytest.approx(b * u + c * u**2 + d * u**3)
    assert math.tan(heading) == pytest.approx(b + 2.0 * c * u + 3.0 * d * u**2)


@given(st.floats(-0.5, 0.5), st.floats(-1.0, 1.0), st.floats(0.05, 0.95))
def test_curvature_is_how_fast_the_heading_turns(b, c, part):
    shape = Cubics((0.0, 20.0, 1.0, -0.5), (0.0, b, c, 2.0), 1.0 / 20.0)
    s, h = 20.0 * part, 1e-4
    (x0, y0, a0), (x1, y1, a1) = shape.at(s - h), shape.at(s + h)
    assert shape.curvature(s) == pytest.approx((a1 - a0) / math.dist((x0, y0), (x1, y1)), abs=1e-5)


def test_places_on_lanes_follow_widths_and_offsets(curvy):
    road = read_roads(curvy).roads["1"]
    assert road.lane_t(0.0, -1) == pytest.approx(1.0 - 1.5)
    assert road.lane_t(50.0, -2) == pytest.approx(1.0 - 3.5 - 1.0)
    assert road.lane_t(110.0, -2, 0.25) == pytest.approx(1.0 - 4.0 - 1.0 + 0.25)
    assert road.lane_t(0.0, 1) == pytest.approx(2.5)
    assert road.lane_t(0.0, -3) is None
    assert [road.lane_at(50.0, t) for t in (3.9, 1.1, 1.0, 0.9, -4.4, -4.6)] == [1, 1, 1, -1, -2, None]


@given(st.lists(st.floats(-1.0, 131.0), min_size=2, max_size=6), st.sampled_from([CURVY, EVEN]))
def test_where_a_lane_is_does_not_depend_on_what_was_asked_before(tmp_path_factory, places, text):
    path = tmp_path_factory.mktemp("roads") / "one.xodr"
    path.write_text(text)
    asked, fresh = read_roads(path).roads["1"], read_roads(path).roads["1"]
    for s in places:
        asked.lane_borders(s, -1)
    for s in places:
        assert [asked.lane_borders(s, lane) for lane in range(-3, 3)] == [
            replace(fresh, _even={}).lane_borders(s, lane) for lane in range(-3, 3)
        ]
        within = {lane: sum(asked.lane_borders(s, lane)) / 2.0 for lane in (-2, -1, 1)}
        assert {lane: asked.lane_at(s, t) for lane, t in within.items()} == {lane: lane for lane in within}


def test_the_reference_line_is_continuous_over_its_geometries(curvy):
    line = read_roads(curvy).roads["1"].line
    before, after = line.pose(50.0 - 1e-9), line.pose(50.0 + 1e-9)
    assert before == pytest.approx(after, abs=1e-6)
    assert line.pose(130.0)[2] == pytest.approx(0.3 + 0.8)


def _lanes_apart(path):
    """How far the middles of this module's car lanes lie from the nearest lane of the imported map, m."""
    road_map, roads = load_map(path), read_roads(path)
    worst = 0.0
    for road in roads.roads.values():
        for lane, its in road.section(0.0).lanes.items():
            if its.type != "driving" or lane == 0 or road.length < 60.0:
                continue
            for s in np.linspace(25.0, road.length - 25.0, 15):
                x, y, heading = road.line.pose(s)
                t = road.lane_t(s, lane)
                place = x - t * math.sin(heading), y + t * math.cos(heading)
                worst = max(worst, min(abs(_beside(road_map, k, *place)) for k in range(len(road_map.arrays.lanes))))
    return worst


def _beside(road_map, lane, x, y):
    s, d, _ = project(road_map.arrays, lane, x, y)
    return d if 0.0 <= s <= road_map.arrays.lanes[lane]["length"] else math.inf


def test_lanes_are_where_the_imported_map_has_them(curvy):
    # netconvert knows one width for a lane: where widths change, only this module is exact.
    curvy.write_text(EVEN)
    assert _lanes_apart(curvy) < 0.02


@pytest.mark.parametrize("name", ["alks_road_different_curvatures", "alks_road_left_radius_250m", "X-Intersection_NCAP"])
def test_lanes_of_real_files_are_where_the_imported_map_has_them(shared_data, name):
    assert _lanes_apart(next((shared_data / "openscenario").rglob(f"{name}.xodr"))) < 0.02


def test_geometries_of_a_real_file_begin_where_the_ones_before_end(shared_data):
    path = next((shared_data / "openscenario").rglob("alks_road_different_curvatures.xodr"))
    geometries = read_roads(path).roads["0"].line.geometries
    for before, after in pairwise(geometries):
        assert before.pose(after.s)[:2] == pytest.approx((after.x, after.y), abs=1e-6)


def test_ways_lead_through_a_junction_in_both_directions(shared_data):
    roads = read_roads(next((shared_data / "openscenario").rglob("X-Intersection_NCAP.xodr")))
    ways = roads.beyond(Way("0", True, -1))
    assert len(ways) == 3
    ends = {beyond.road: (beyond.forward, beyond.lane) for way in ways for beyond in roads.beyond(way)}
    assert ends == {"1": (False, 1), "2": (True, -1), "3": (False, 1)}


@pytest.mark.parametrize(
    ("before", "after", "named"),
    [
        ("<line/>", "<wiggle/>", "wiggle"),
        ("<planView>", "<x/><planView2>", "XML"),
        ('length="130"', 'length="-1"', "length"),
        ("<OpenDRIVE>", "<Other>", "Other|XML"),
    ],
)
def test_what_cannot_be_used_is_refused(tmp_path, before, after, named):
    path = tmp_path / "bad.xodr"
    path.write_text(CURVY.replace(before, after))
    with pytest.raises(InputError, match=named):
        read_roads(path)
