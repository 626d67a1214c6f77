"""CommonRoad lanelets: borders, neighbours, users, limits, lights, and who goes first."""

import numpy as np
import pytest
from lxml import etree

from marque.driving.importers.commonroad import read_lanelets
from marque.driving.map.build import build_road_map
from marque.driving.map.model import Colour, Road, Turn, Yield
from marque.driving.map.query import signal_colour
from scenes import document, lanelet, point, strip


def read(*parts, **head):
    return read_lanelets(etree.fromstring(document(*parts, **head).encode()), "scene.xml")


def lane(spec, name):
    return next(lane for lane in spec.lanes if lane.id == str(name))


def link(successor=(), predecessor=(), more=""):
    return "".join([*(f'<successor ref="{s}"/>' for s in successor), *(f'<predecessor ref="{p}"/>' for p in predecessor), more])


def turned(points, degrees):
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return [(c * x - s * y, s * x + c * y) for x, y in points]


def arm(name, degrees, more=""):
    """A lanelet that leads from 50 m away to 10 m before the middle of a junction, heading `degrees`, right of its road's axis."""
    return lanelet(name, turned([(-50.0, 0.0), (-10.0, 0.0)], degrees), turned([(-50.0, -3.5), (-10.0, -3.5)], degrees), more)


def across(name, degrees, more=""):
    return lanelet(name, turned([(-10.0, 0.0), (10.0, 0.0)], degrees), turned([(-10.0, -3.5), (10.0, -3.5)], degrees), more)


def left(name, degrees, more=""):
    outer = [(-10.0 + 13.5 * np.sin(a), 10.0 - 13.5 * np.cos(a)) for a in np.linspace(0.0, np.pi / 2, 9)]
    inner = [(-10.0 + 10.0 * np.sin(a), 10.0 - 10.0 * np.cos(a)) for a in np.linspace(0.0, np.pi / 2, 9)]
    return lanelet(name, turned(inner, degrees), turned(outer, degrees), more)


def exits(name, degrees):
    return lanelet(name, turned([(10.0, 0.0), (50.0, 0.0)], degrees), turned([(10.0, -3.5), (50.0, -3.5)], degrees))


def crossroads(signs=("", "", "", ""), *, declared=True, version="2020a", more=""):
    """Four arms (1…4, heading 0°, 90°, 180°, 270°), each with a way straight on (11…) and a left turn (21…)."""
    parts = []
    for k in range(4):
        d = 90 * k
        parts += [
            arm(1 + k, d, link([11 + k, 21 + k], more=signs[k])),
            across(11 + k, d, link([31 + k], [1 + k])),
            left(21 + k, d, link([31 + (k + 1) % 4], [1 + k])),
            exits(31 + k, d),
        ]
    if declared:
        arms = "".join(
            f'<incoming id="{51 + k}"><incomingLanelet ref="{1 + k}"/><successorsStraight ref="{11 + k}"/><successorsLeft ref="{21 + k}"/>'
            f'<isLeftOf ref="{51 + (k + 1) % 4}"/></incoming>'
            for k in range(4)
        )
        parts.append(f'<intersection id="50">{arms}</intersection>')
    return read(*parts, more, version=version)


def test_two_lanes_know_each_other_and_their_limit():
    spec = read(
        strip(1, 0.0, more='<adjacentLeft ref="2" drivingDir="same"/><speedLimit>13.9</speedLimit>'),
        strip(2, 3.5, more='<adjacentRight ref="1" drivingDir="same"/><adjacentLeft ref="3" drivingDir="opposite"/>'),
        lanelet(3, [(200.0, 5.25), (0.0, 5.25)], [(200.0, 8.75), (0.0, 8.75)], '<adjacentLeft ref="2" drivingDir="opposite"/>'),
    )
    assert (lane(spec, 1).left_neighbour, lane(spec, 2).right_neighbour, lane(spec, 2).oncoming) == ("2", "1", "3")
    assert lane(spec, 1).speed_limit_mps == 13.9
    assert spec.right_hand_traffic


def test_borders_numbered_at_other_distances_are_paired_across_from_each_other():
    shares = np.linspace(0.0, 1.0, 9)
    left, right = [(100.0 * share**2, 4.0) for share in shares], [(100.0 * share**0.5, 0.0) for share in shares]
    told = lane(read(lanelet(1, left, right)), 1)
    assert np.allclose(told.left[:, 0], told.right[:, 0], atol=0.02)
    assert np.allclose(told.centre[:, 1], 2.0)
    assert set(np.round(told.left[:, 0], 2)) >= {round(x, 2) for x, _ in left[::2]}


def test_borders_that_are_pairs_stay_as_they_are_written():
    told = lane(read(left(1, 0.0)), 1)
    assert told.left.tolist() == [list(one) for one in _written(left(1, 0.0), "leftBound")]
    assert told.right.tolist() == [list(one) for one in _written(left(1, 0.0), "rightBound")]


def _written(text, bound):
    return [(float(one.findtext("x")), float(one.findtext("y"))) for one in etree.fromstring(text).iterfind(f"{bound}/point")]


def test_a_road_whose_other_direction_lies_to_the_right_is_driven_on_the_left():
    other = lanelet(2, [(200.0, -1.75), (0.0, -1.75)], [(200.0, -5.25), (0.0, -5.25)])
    assert not read(strip(1, 0.0, more='<adjacentRight ref="2" drivingDir="opposite"/>'), other).right_hand_traffic


@pytest.mark.parametrize(
    ("said", "road"),
    [
        ("<laneletType>sidewalk</laneletType>", Road.PEDESTRIAN),
        ("<laneletType>urban</laneletType><laneletType>busLane</laneletType>", Road.BUS | Road.EMERGENCY),
        ("<laneletType>urban</laneletType><userOneWay>bicycle</userOneWay>", Road.BICYCLE),
        ("<laneletType>highway</laneletType>", Road.CAR | Road.BUS | Road.TRUCK | Road.EMERGENCY),
    ],
)
def test_who_may_use_a_lane_follows_from_its_users_then_its_types(said, road):
    assert lane(read(strip(1, 0.0, more=said), version="2020a"), 1).road == road


@pytest.mark.parametrize(("marking", "may"), [("dashed", True), ("solid", False), ("broad_solid", False), ("solid_dashed", True)])
def test_a_solid_line_is_not_crossed(marking, may):
    text = strip(1, 0.0).replace("</leftBound>", f"<lineMarking>{marking}</lineMarking></leftBound>")
    assert lane(read(text, version="2020a"), 1).may_change_left is may


def sign(name, number, value=""):
    extra = f"<additionalValue>{value}</additionalValue>" if value else ""
    return f'<trafficSign id="{name}"><trafficSignElement><trafficSignID>{number}</trafficSignID>{extra}</trafficSignElement></trafficSign>'


def test_a_speed_limit_sign_counts_in_metres_per_second_whatever_its_country():
    spec = read(strip(1, 0.0, more='<trafficSignRef ref="90"/>'), sign(90, "R2-1", 13.4112), version="2020a")
    assert lane(spec, 1).speed_limit_mps == 13.4112


def test_references_to_nothing_are_dropped_and_said():
    spec = read(strip(1, 0.0, more=link([77]) + '<trafficSignRef ref="78"/>'), version="2020a")
    assert lane(spec, 1).successors == []
    assert {item.element for item in spec.ignored} == {"successor", "trafficSignRef"}


@pytest.mark.parametrize("declared", [True, False])
def test_without_signs_right_goes_before_left_and_straight_before_an_oncoming_left_turn(declared):
    spec = crossroads(declared=declared)
    assert lane(spec, 11).turn is Turn.STRAIGHT
    assert lane(spec, 21).turn is Turn.LEFT
    # Heading 0° meets who comes from its right, heading 90°.
    assert (spec.yields["11", "12"], spec.yields["12", "11"]) == (Yield.YIELD, Yield.NONE)
    # Heading 0° turning left meets who comes towards it, heading 180°.
    assert (spec.yields["21", "13"], spec.yields["13", "21"]) == (Yield.YIELD, Yield.NONE)
    assert set(spec.junction_kinds.values()) == {"right_before_left"}


def test_signs_go_before_right_before_left():
    refs = ['<trafficSignRef ref="90"/>', '<trafficSignRef ref="91"/>', "", '<trafficSignRef ref="92"/>']
    spec = crossroads(refs, more=sign(90, "306") + sign(91, "205") + sign(92, "206"))
    assert (spec.yields["11", "12"], spec.yields["12", "11"]) == (Yield.NONE, Yield.YIELD)
    assert (spec.yields["14", "11"], spec.yields["11", "14"]) == (Yield.STOP, Yield.NONE)
    assert set(spec.junction_kinds.values()) == {"priority"}


def test_stop_signs_all_around_are_first_come_first_served():
    spec = crossroads(['<trafficSignRef ref="90"/>'] * 4, more=sign(90, "R1-1"))
    assert spec.yields["11", "12"] is spec.yields["12", "11"] is Yield.ALTERNATE
    assert set(spec.junction_kinds.values()) == {"all_way_stop"}


def light(name, direction, *elements, offset=0):
    cycle = "".join(f"<cycleElement><duration>{n}</duration><color>{colour}</color></cycleElement>" for n, colour in elements)
    return (
        f'<trafficLight id="{name}"><cycle>{cycle}<timeOffset>{offset}</timeOffset></cycle>'
        f"<position>{point(0.0, 0.0)}</position><direction>{direction}</direction><active>true</active></trafficLight>"
    )


def test_a_light_shows_its_cycle_to_the_ways_it_speaks_for():
    refs = ['<trafficLightRef ref="90"/><trafficLightRef ref="91"/>', "", "", ""]
    program = (30, "red"), (10, "redYellow"), (40, "green"), (20, "yellow")
    spec = crossroads(refs, more=light(90, "straightRight", *program, offset=20) + light(91, "left", (1, "inactive")))
    assert (lane(spec, 11).signal, lane(spec, 21).signal, lane(spec, 12).signal) == ("90", "91", None)
    road_map = build_road_map(spec)
    number = road_map.signal_ids.index("90")
    # Steps of 0.1 s; the cycle starts at step 20.
    shown = [Colour(signal_colour(road_map.arrays, number, t)) for t in (2.1, 4.9, 5.1, 6.1, 10.1, 12.1, 0.1)]
    assert shown == [Colour.RED, Colour.RED, Colour.RED_AMBER, Colour.GREEN, Colour.AMBER, Colour.RED, Colour.AMBER]
    assert "traffic_light" in spec.junction_kinds.values()


def test_a_stop_line_lies_where_it_is_painted():
    painted = f"<stopLine>{point(150.0, 1.75)}{point(150.0, -1.75)}<lineMarking>solid</lineMarking></stopLine>"
    assert lane(read(strip(1, 0.0, more=painted), version="2020a"), 1).stop_s == pytest.approx(150.0)
    assert lane(read(strip(1, 0.0, more="<stopLine/>"), version="2020a"), 1).stop_s == pytest.approx(200.0)


def test_a_crosswalk_is_a_crossing_from_kerb_to_kerb():
    walk = lanelet(5, [(99.0, -5.0), (99.0, 5.0)], [(102.0, -5.0), (102.0, 5.0)], "<laneletType>crosswalk</laneletType>")
    (crossing,) = read(strip(1, 0.0), walk, version="2020a").crossings
    assert crossing.width_m == pytest.approx(3.0)
    assert np.allclose(crossing.axis, [[100.5, -5.0], [100.5, 5.0]])


@pytest.mark.parametrize(("country", "expected"), [("DEU", 50.0 / 3.6), ("USA", 25.0 * 0.44704), ("ZAM", 50.0 / 3.6)])
def test_where_no_limit_is_posted_that_of_the_law_holds_for_the_kind_of_road(country, expected):
    text = document(strip(1, 0.0, more="<laneletType>urban</laneletType>"), strip(2, 9.0), version="2020a")
    spec = read_lanelets(etree.fromstring(text.replace("ZAM_Test", f"{country}_Test").encode()), "scene.xml")
    assert spec.country == country
    assert lane(spec, 1).speed_limit_mps == pytest.approx(expected)
    assert lane(spec, 2).speed_limit_mps == np.inf
