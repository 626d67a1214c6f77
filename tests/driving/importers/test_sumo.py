"""SUMO networks, judged by sumolib and by their own XML."""

import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import sumo
from lxml import etree

from marque.driving.importers import default_city, load_map, wheel_maps
from marque.driving.importers.sumo import road_of
from marque.driving.map import Colour, Road, Yield
from marque.driving.map.query import signal_colour

USERS = {
    Road.CAR: ("passenger",),
    Road.BICYCLE: ("bicycle",),
    Road.PEDESTRIAN: ("pedestrian",),
    Road.BUS: ("bus",),
    Road.RAIL: ("tram", "rail", "rail_urban", "rail_electric"),
}


@pytest.fixture(scope="module")
def sumolib():
    sys.path.append(str(Path(sumo.SUMO_HOME) / "tools"))
    import sumolib

    return sumolib


@pytest.fixture(scope="module")
def city():
    return load_map(default_city())


@pytest.fixture(scope="module", params=["cross/cross.net.xml", "fkk_in/ingolstadt.net.xml.gz", "square/square.net.xml", "bs3d/bs.net.xml"])
def network(request, games, sumolib):
    path = games / request.param
    return load_map(path), sumolib.net.readNet(str(path), withInternal=True, withLatestPrograms=True)


def test_the_default_city_is_what_it_is_known_to_be(city):
    """Kilometres and lanes outside junctions; junctions without dead ends and SUMO's own inner ones."""
    lanes = city.arrays.lanes
    outside = lanes["junction"] < 0
    cars = outside & (lanes["road"] & int(Road.CAR) != 0)
    connected = cars & (lanes["component"] == 0)
    km = [round(lanes["length"][mine].sum() / 1000.0) for mine in (outside, cars, connected)]
    assert km == [136, 48, 38]
    assert len(city.junction_ids) == 667
    kinds = Counter(city.junction_kinds)
    assert (kinds["right_before_left"], kinds["traffic_light"]) == (108, 20)
    assert len({name.rpartition(".")[0] for name in city.signal_ids}) == 15
    assert city.arrays.crossings.size == 503


def test_lanes_are_those_sumolib_reads(network):
    road_map, net = network
    lanes = road_map.arrays.lanes
    known = dict(zip(road_map.lane_ids, lanes, strict=True))
    theirs = [
        lane for edge in net.getEdges(withInternal=True) if edge.getFunction() in ("", "normal", "internal") for lane in edge.getLanes()
    ]
    assert set(known) <= {lane.getID() for lane in theirs}
    for lane in theirs:
        mine = known.get(lane.getID())
        shape = np.array(lane.getShape())[:, :2]
        length = float(np.hypot(*np.diff(shape, axis=0).T).sum())
        if mine is None:
            assert length < 0.02
            continue
        assert mine["length"] == pytest.approx(length, abs=0.05)
        assert mine["speed_limit"] == lane.getSpeed()
        for bit, names in USERS.items():
            assert bool(mine["road"] & bit) == any(map(lane.allows, names))


def test_every_way_through_a_junction_is_linked(network):
    """Each of sumolib's connections is a path of successors from its lane to its lane, over its own lanes inside the junction."""
    road_map, net = network
    index = {name: i for i, name in enumerate(road_map.lane_ids)}
    lanes, successors = road_map.arrays.lanes, road_map.arrays.successors

    def after(lane):
        return set(successors[lanes["successor_first"][lane] :][: lanes["successor_count"][lane]].tolist())

    for edge in net.getEdges(withInternal=False):
        for lane in edge.getLanes():
            if lane.getID() not in index:
                continue
            for connection in lane.getOutgoing():
                target, via = connection.getToLane().getID(), connection.getViaLaneID()
                if target not in index or (via and via not in index):
                    continue
                reached = {index[lane.getID()]}
                reached = set().union(*map(after, reached))
                if via:
                    assert index[via] in reached
                    reached = {index[via]}
                    while index[target] not in reached and any(lanes["junction"][k] >= 0 for k in reached):
                        reached = set().union(*map(after, reached))
                assert index[target] in reached


def test_right_of_way_is_the_junctions_own(network):
    """Oracle: sumolib's reading of the request matrices, for every conflict whose lanes it names as foes of unequal rank."""
    road_map, net = network
    arrays = road_map.arrays
    index = {name: i for i, name in enumerate(road_map.lane_ids)}
    compared = 0
    for node in net.getNodes():
        links = {connection.getViaLaneID(): connection for connection in node.getConnections()}
        for name, connection in links.items():
            if name not in index:
                continue
            lane = arrays.lanes[index[name]]
            for conflict in arrays.conflicts[lane["conflict_first"] :][: lane["conflict_count"]]:
                other = links.get(road_map.lane_ids[conflict["other"]])
                if other is None:
                    continue
                mine, theirs = node.forbids(other, connection), node.forbids(connection, other)
                if mine != theirs:
                    compared += 1
                    assert (conflict["yields"] == Yield.NONE) == theirs
    assert compared > 10


def test_conflicts_mirror_each_other(city):
    conflicts, lanes = city.arrays.conflicts, city.arrays.lanes
    owner = np.repeat(np.arange(lanes.size), lanes["conflict_count"])
    mirror = conflicts["mirror"]
    assert np.array_equal(mirror[mirror], np.arange(conflicts.size))
    assert np.array_equal(conflicts["other"], owner[mirror])
    assert np.array_equal(conflicts["enter_s"], conflicts["other_enter_s"][mirror])
    assert np.array_equal(conflicts["leave_s"], conflicts["other_leave_s"][mirror])
    first_goes = conflicts["yields"] == Yield.NONE
    assert not (first_goes & first_goes[mirror]).any()
    assert (conflicts["enter_s"] < conflicts["leave_s"]).all()
    assert (np.diff(conflicts["enter_s"])[np.diff(owner) == 0] >= 0.0).all()


def test_a_left_turn_waits_inside_the_junction(games):
    """:0_2_0 leads to the waiting place, :0_12_0 on from it; the straight road it crosses meets the second only."""
    road_map = load_map(games / "cross" / "cross.net.xml")
    index, arrays = road_map.lane_ids.index, road_map.arrays
    first, second = arrays.lanes[index(":0_2_0")], arrays.lanes[index(":0_12_0")]
    assert arrays.successors[first["successor_first"]] == index(":0_12_0")
    straight = index(":0_7_0")
    met = [arrays.conflicts["other"][lane["conflict_first"] :][: lane["conflict_count"]] for lane in (first, second)]
    assert straight not in met[0]
    assert straight in met[1]


def test_signals_show_the_phases_of_the_file(games):
    path = games / "cross" / "cross.net.xml"
    road_map = load_map(path)
    letters = {"G": Colour.GREEN_PROTECTED, "g": Colour.GREEN, "y": Colour.AMBER, "r": Colour.RED}
    (logic,) = etree.parse(str(path)).iterfind(".//tlLogic")
    cycle = sum(float(phase.get("duration")) for phase in logic)
    clock = 0.0
    for phase in logic:
        clock += float(phase.get("duration"))
        for i, letter in enumerate(phase.get("state")):
            signal = road_map.signal_ids.index(f"0.{i}")
            assert signal_colour(road_map.arrays, signal, clock - 0.1) == letters[letter]
            assert signal_colour(road_map.arrays, signal, clock - 0.1 + 7 * cycle) == letters[letter]


def test_a_signal_stands_before_the_lane_it_lets_in(games):
    road_map = load_map(games / "cross" / "cross.net.xml")
    lanes = road_map.arrays.lanes
    for i, name in enumerate(road_map.lane_ids):
        signal = int(lanes["signal"][i])
        assert (signal >= 0) == (name.startswith(":0_") and int(name.split("_")[1]) < 12)
        if signal >= 0:
            assert road_map.signal_ids[signal] == f"0.{name.split('_')[1]}"


def test_crossings_lie_across_the_lanes_that_run_over_them(city):
    arrays = city.arrays
    assert arrays.lane_crossings.size > 1000
    crossed = arrays.crossings[arrays.lane_crossings["crossing"]]
    owner = np.repeat(np.arange(arrays.lanes.size), arrays.lanes["crossing_count"])
    assert (arrays.lanes["junction"][owner] == crossed["junction"]).all()
    assert (arrays.lane_crossings["enter_s"] < arrays.lane_crossings["leave_s"]).all()
    length = np.hypot(crossed["x1"] - crossed["x0"], crossed["y1"] - crossed["y0"])
    assert (arrays.lane_crossings["leave_t"] <= length + 1e-9).all()
    assert len(set(arrays.lane_crossings["crossing"].tolist())) > 0.9 * arrays.crossings.size


def test_cars_on_the_road_meet_no_absurd_curvature(city):
    """Outside turns back, nothing is tighter than a car's 5 m turning circle radius allows for more than a blink."""
    points, lanes = city.arrays.points, city.arrays.lanes
    owner = points["lane"]
    cars = (lanes["road"][owner] & int(Road.CAR) != 0) & (lanes["turn"][owner] != 3)
    assert np.quantile(np.abs(points["curvature"][cars]), 0.99) < 0.45


@pytest.mark.parametrize("name", wheel_maps())
def test_the_wheel_s_maps_are_read(name):
    road_map = load_map(wheel_maps()[name])
    assert road_map.arrays.lanes.size > 200
    assert (road_map.arrays.lanes["component"] == 0).sum() > 0


def test_permissions_are_bits():
    assert road_of("bus bicycle", None) == Road.BUS | Road.BICYCLE
    assert road_of(None, "pedestrian tram rail rail_urban rail_electric") == ~Road.PEDESTRIAN & ~Road.RAIL & Road(127)
    assert road_of("subway", None) == Road.RAIL
    assert road_of(None, None) == road_of("all", None) == Road(127)
    assert road_of(None, "all") == road_of("", None) == Road(0)


def test_single_track_that_both_directions_share_is_a_conflict(games):
    road_map = load_map(games / "rail" / "net.net.xml")
    shared = road_map.arrays.conflicts[road_map.arrays.conflicts["yields"] == Yield.ALTERNATE]
    owner_oncoming = road_map.arrays.lanes["oncoming"][shared["other"]]
    assert (owner_oncoming >= 0).sum() > 20


def test_left_hand_networks_have_their_first_lane_at_the_left(games, tmp_path):
    text = (games / "cross" / "cross.net.xml").read_text()
    path = tmp_path / "left.net.xml"
    path.write_text(text.replace('<net version="1.9"', '<net version="1.9" lefthand="true"'))
    left, right = load_map(path), load_map(games / "cross" / "cross.net.xml")
    assert not left.right_hand_traffic
    assert np.array_equal(left.arrays.lanes["left"], right.arrays.lanes["right"])


@pytest.mark.parametrize(("state", "owed"), [("m", Yield.YIELD), ("s", Yield.STOP), ("w", Yield.ALTERNATE), ("Z", Yield.ALTERNATE)])
def test_the_sign_at_a_connection_says_how_to_give_way(games, tmp_path, state, owed):
    """The left turn :0_2_0 gives way to link 7, the straight road :0_7_0, from its waiting place on."""
    tree = etree.parse(games / "cross" / "cross.net.xml")
    tree.find('.//connection[@via=":0_2_0"]').set("state", state)
    tree.write(tmp_path / "signs.net.xml")
    road_map = load_map(tmp_path / "signs.net.xml")
    lane = road_map.arrays.lanes[road_map.lane_ids.index(":0_12_0")]
    met = road_map.arrays.conflicts[lane["conflict_first"] :][: lane["conflict_count"]]
    assert met["yields"][met["other"] == road_map.lane_ids.index(":0_7_0")].tolist() == [owed]


def test_the_road_gives_way_to_the_rails_at_a_level_crossing(games, tmp_path):
    tree = etree.parse(games / "cross" / "cross.net.xml")
    tree.find('.//junction[@id="0"]').set("type", "rail_crossing")
    for lane in tree.iter("lane"):
        lane.set("allow", "rail" if lane.get("id") == ":0_4_0" else "passenger")
    tree.write(tmp_path / "rails.net.xml")
    road_map = load_map(tmp_path / "rails.net.xml")
    conflicts = road_map.arrays.conflicts
    assert "level_crossing" in road_map.junction_kinds
    meets = conflicts[conflicts["other"] == road_map.lane_ids.index(":0_4_0")]
    assert meets.size > 4
    assert (meets["yields"] == Yield.YIELD).all()
    assert (conflicts["yields"][meets["mirror"]] == Yield.NONE).all()
