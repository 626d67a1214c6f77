"""OpenDRIVE and OpenStreetMap by way of netconvert."""

import gzip
import re

import numpy as np
import pytest

from marque.common import InputError
from marque.driving.importers import load_map, netconvert
from marque.driving.importers.xml import read_root
from marque.driving.map import Road
from marque.driving.map.query import on_road

STREET = """<OpenDRIVE><header revMajor="1" revMinor="6" name="" version="1"/>
<road name="street" length="200" id="1" junction="-1" {rule}>
<type s="0" type="town"><speed max="50" unit="km/h"/></type>
<planView><geometry s="0" x="1000" y="2000" hdg="0" length="200"><line/></geometry></planView>
<lanes><laneSection s="0">
<left><lane id="1" type="driving" level="false"><width sOffset="0" a="3.5" b="0" c="0" d="0"/></lane></left>
<center><lane id="0" type="none" level="false"/></center>
<right><lane id="-1" type="driving" level="false"><width sOffset="0" a="3.5" b="0" c="0" d="0"/></lane></right>
</laneSection></lanes></road></OpenDRIVE>"""
CROSSING = """<osm version="0.6">
<node id="1" lat="48.2650" lon="11.6650"/><node id="2" lat="48.2650" lon="11.6670"/><node id="3" lat="48.2650" lon="11.6690"/>
<node id="4" lat="48.2640" lon="11.6670"/><node id="5" lat="48.2660" lon="11.6670"/>
<way id="10"><nd ref="1"/><nd ref="2"/><nd ref="3"/><tag k="highway" v="residential"/><tag k="maxspeed" v="30"/>{side}</way>
<way id="11"><nd ref="4"/><nd ref="2"/><nd ref="5"/><tag k="highway" v="residential"/><tag k="maxspeed" v="30"/></way></osm>"""
FILES = [
    "Helsinki.osm.pbf", "Town01.xodr", "Town10HD.xodr", "curves_elevation.xodr", "e6mini.xodr", "fabriksgatan_traffic_lights.xodr",
    "garching_intersection.osm", "liechtenstein-latest.osm.pbf", "multi_intersections.xodr", "munich.osm", "parking_demo.xodr",
    "soderleden.xodr", "two_plus_one.xodr",
]  # fmt: skip


@pytest.mark.parametrize(("rule", "right_hand"), [("", True), ('rule="RHT"', True), ('rule="LHT"', False)])
def test_an_opendrive_street_keeps_its_frame_and_its_side(tmp_path, rule, right_hand):
    path = tmp_path / "street.xodr"
    path.write_text(STREET.format(rule=rule))
    road_map = load_map(path)
    lanes = road_map.arrays.lanes
    assert road_map.right_hand_traffic == right_hand
    assert road_map.origin_m == (0.0, 0.0)
    assert (lanes["road"] & int(Road.CAR) != 0).sum() >= 2
    outside = lanes["junction"] < 0
    assert lanes["speed_limit"][outside] == pytest.approx(50 / 3.6, abs=0.01)
    assert on_road(road_map.arrays, 1100.0, 2001.75, int(Road.CAR))
    assert not on_road(road_map.arrays, 1100.0, 2004.0, int(Road.CAR))
    eastward = np.cos(road_map.arrays.points["heading"][lanes["point_first"]]) > 0.5
    northern = road_map.arrays.points["y"][lanes["point_first"]] > 2000.0
    assert (northern[outside & eastward] != right_hand).all()


LEFT = '<tag k="driving_side" v="left"/><tag k="addr:country" v="JP"/>'


@pytest.mark.parametrize(("side", "right_hand", "country"), [("", True, ""), (LEFT, False, "JPN")])
def test_openstreetmap_is_projected_and_its_junction_known(tmp_path, side, right_hand, country):
    path = tmp_path / "corner.osm.gz"
    path.write_bytes(gzip.compress(CROSSING.format(side=side).encode()))
    road_map = load_map(path)
    assert road_map.right_hand_traffic == right_hand
    assert (road_map.name, road_map.country) == ("corner", country)
    assert "right_before_left" in road_map.junction_kinds
    assert road_map.origin_m[0] == pytest.approx(698_000, abs=2_000)
    assert road_map.origin_m[1] == pytest.approx(5_349_000, abs=2_000)
    assert road_map.arrays.conflicts.size > 0


def test_what_netconvert_refuses_is_refused_with_its_reason(tmp_path):
    path = tmp_path / "broken.xodr"
    path.write_text(STREET.format(rule="").replace("<line/>", "<helix/>").replace('type="driving"', 'type="driven"'))
    with pytest.raises(InputError, match=r"broken\.xodr"):
        load_map(path)


def test_a_conversion_that_does_not_end_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(netconvert, "TIME_LIMIT_S", 0.001)
    path = tmp_path / "street.xodr"
    path.write_text(STREET.format(rule=""))
    with pytest.raises(InputError, match="took longer"):
        load_map(path)


def test_warnings_are_told_by_kind_without_names_or_numbers():
    said = "Warning: Edge 'a_1' has 3 lanes.\nWarning: Edge '-7#2' has 12.5 lanes.\nSuccess.\n"
    assert netconvert._warnings(said) == [("netconvert", "Edge … has # lanes", 2)]


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_the_map_holds_what_netconvert_made(shared_data, tmp_path, name, thorough):
    """Bar 7. Oracle: the lanes of netconvert's file counted as text, outside and inside junctions apart. A lane without length is
    not in the map but listed.
    """
    if name.startswith("liechtenstein") and not thorough:
        pytest.skip("the streets of a whole country take minutes: --thorough")
    path = shared_data / "maps" / name
    root = netconvert.pbf_root(path) if name.endswith("pbf") else read_root(path)
    network = tmp_path / "made.net.xml"
    try:
        netconvert.to_network(root, name, network)
    except InputError as error:
        with pytest.raises(InputError, match=re.escape(error.problem)):
            load_map(path)
        return
    road_map = load_map(path)
    outside = road_map.arrays.lanes["junction"] < 0
    for mine, (count, metres) in ((outside, count_lanes(network, internal=False)), (~outside, count_lanes(network, internal=True))):
        left_out = 0 if mine is outside else sum(item.occurrences for item in road_map.ignored if item.element == "lane")
        assert mine.sum() + left_out == count
        assert road_map.arrays.lanes["length"][mine].sum() == pytest.approx(metres, rel=0.005)


def count_lanes(network, *, internal):
    """(lanes, metres) of a `.net.xml` by its text alone; crossings and walking areas are no lanes."""
    count, metres = 0, 0.0
    for edge in re.findall(r"<edge .*?</edge>", network.read_text(), re.DOTALL):
        function = re.search(r'^<edge [^>]*function="(\w+)"', edge)
        if (function.group(1) if function else "normal") == ("internal" if internal else "normal"):
            lengths = re.findall(r'<lane [^>]*\blength="([^"]+)"', edge)
            count, metres = count + len(lengths), metres + sum(map(float, lengths))
    return count, metres
