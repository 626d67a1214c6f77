"""Scenario files: what is read, what is repaired and said, what is refused and how."""

import re

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marque.common import InputError
from marque.driving.observation import Kind
from marque.simulation.commonroad import read_scenario
from marque.simulation.scenario import Scenario
from scenes import TWO_LANES, car, document, exact, goal, interval, parked, point, problem, rectangle, state, write

ASKED = problem(10.0, 0.0, 10.0, goal(0, 60, region=rectangle(10.0, 3.0, 60.0, 0.0)))


def read(tmp_path, *parts, **head):
    return read_scenario(write(tmp_path, document(*parts, **head)))


def refusal(tmp_path, *parts, **head):
    with pytest.raises(InputError) as caught:
        read(tmp_path, *parts, **head)
    assert caught.value.source == "scene.xml"
    return caught.value


def test_an_actor_is_where_the_file_says_and_gone_after_its_last_state(tmp_path):
    scenario = read(tmp_path, TWO_LANES, car(7, [(20.0, 0.0, 0.1, 5.0), (21.0, 0.5, 0.2, 6.0)], first=3), ASKED)
    actors = scenario.actors
    assert actors.present[:, 0].tolist() == [False, False, False, True, True]
    assert (actors.x_m[4, 0], actors.y_m[4, 0], actors.heading_rad[4, 0], actors.speed_mps[4, 0]) == (21.0, 0.5, 0.2, 6.0)
    assert not actors.there(5)[1].any()


def test_who_stands_stays_after_the_log_is_over(tmp_path):
    actors = read(tmp_path, TWO_LANES, parked(5, 50.0, 0.0), ASKED).actors
    assert Kind(actors.kinds[0]) is Kind.STATIC
    row, there = actors.there(500)
    assert there.all()
    assert actors.x_m[row, 0] == 50.0


def test_a_shape_with_a_centre_of_its_own_lies_where_the_heading_turns_it(tmp_path):
    body = f"<shape>{rectangle(4.0, 2.0, 1.0, 0.0, 0.0)}</shape>"
    obstacle = f'<obstacle id="3"><role>static</role><type>car</type>{body}{state("initialState", 0, 50.0, 0.0, np.pi / 2)}</obstacle>'
    actors = read(tmp_path, TWO_LANES, obstacle, ASKED).actors
    assert (actors.x_m[0, 0], actors.y_m[0, 0]) == pytest.approx((50.0, 1.0))


def test_speeds_and_headings_that_are_missing_are_differences_of_positions(tmp_path):
    def bare(tag, step, x, y):
        return f"<{tag}><position>{point(x, y)}</position>{exact('time', step)}</{tag}>"

    body = f"<shape>{rectangle(4.0, 2.0)}</shape>"
    states = bare("initialState", 0, 20.0, 0.0) + f"<trajectory>{bare('state', 1, 20.0, 1.0)}{bare('state', 2, 20.0, 3.0)}</trajectory>"
    scenario = read(tmp_path, TWO_LANES, f'<obstacle id="3"><role>dynamic</role><type>car</type>{body}{states}</obstacle>', ASKED)
    assert scenario.actors.speed_mps[:, 0] == pytest.approx([10.0, 10.0, 20.0])
    assert scenario.actors.heading_rad[:, 0] == pytest.approx([np.pi / 2] * 3)
    assert any("differences of positions" in note for note in scenario.notes)


def test_an_uncertain_state_is_a_body_that_holds_every_pose_it_allows(tmp_path):
    body = f"<shape>{rectangle(4.0, 2.0)}</shape>"
    where = f"<position>{rectangle(1.0, 0.5, 50.0, 0.0)}</position>{interval('orientation', -0.2, 0.2)}"
    start = f"<initialState>{where}{exact('velocity', 1.0)}{exact('time', 0)}</initialState>"
    actors = read(tmp_path, TWO_LANES, f'<obstacle id="3"><role>static</role><type>car</type>{body}{start}</obstacle>', ASKED).actors
    c, s = np.cos(0.2), np.sin(0.2)
    assert actors.length_m[0, 0] >= 4.0 * c + 2.0 * s + 1.0
    assert actors.width_m[0, 0] >= 4.0 * s + 2.0 * c + 0.5
    assert (actors.x_m[0, 0], actors.y_m[0, 0]) == pytest.approx((50.0, 0.0))


def test_an_occupancy_set_is_a_body_at_its_steps(tmp_path):
    shape = f"<shape>{rectangle(4.0, 2.0)}</shape>"
    sets = "".join(f"<occupancy><shape>{rectangle(4.0 + k, 2.0, 60.0 + k, 0.0)}</shape>{exact('time', k)}</occupancy>" for k in range(1, 4))
    obstacle = (
        f'<dynamicObstacle id="3"><type>car</type>{shape}{state("initialState", 0, 60.0, 0.0)}'
        f"<occupancySet>{sets}</occupancySet></dynamicObstacle>"
    )
    actors = read(tmp_path, TWO_LANES, obstacle, ASKED, version="2020a").actors
    assert actors.obstacles.tolist() == [3, 3]
    assert actors.length_m[actors.present] == pytest.approx([4.0, 5.0, 6.0, 7.0])


def test_the_goals_are_those_of_the_file(tmp_path):
    regions = '<lanelet ref="2"/>' + "<circle><radius>3</radius><center><x>80</x><y>0</y></center></circle>"
    asked = problem(10.0, 0.0, 10.0, goal(5, 9, region=regions, speed=(1.0, 2.0), heading=(3.0, 3.5)) + goal(0, 3))
    first, second = read(tmp_path, TWO_LANES, asked).problems[0].goals
    assert first.time_s == pytest.approx((0.5, 0.9))
    assert (first.lanes, first.circles, first.speed_mps, first.heading_rad) == ((1,), ((80.0, 0.0, 3.0),), (1.0, 2.0), (3.0, 3.5))
    assert second.anywhere


REFUSED = {
    "lanelet 1: the left border has 1 point": TWO_LANES.replace(point(200.0, 1.75), "", 1),
    "lanelet 1: the left border has 2 points and the right one 3": TWO_LANES.replace(
        point(200.0, -1.75), point(100.0, -1.75) + point(200.0, -1.75), 1
    ),
    "lanelet 1: the id is used twice": TWO_LANES.replace('lanelet id="2"', 'lanelet id="1"'),
    "lanelet 1: 'nan'": TWO_LANES.replace("<x>0.0</x>", "<x>nan</x>", 1),
    "lanelet 1: '1e300'": TWO_LANES.replace("<x>0.0</x>", "<x>1e300</x>", 1),
    "holds no lanelet": "",
}


@pytest.mark.parametrize("message", REFUSED)
def test_a_road_that_is_none_is_refused_by_the_lanelet_at_fault(tmp_path, message):
    assert message in str(refusal(tmp_path, REFUSED[message], ASKED))


@pytest.mark.parametrize(
    ("parts", "place"),
    [
        ((), "commonRoad"),
        ((ASKED, ASKED), "planningProblem"),
        ((problem(10.0, 0.0, 10.0, ""),), "planningProblem 9"),
        ((problem(10.0, 0.0, 10.0, goal(5, 2)),), "planningProblem 9, goalState, time"),
        ((problem(10.0, 0.0, 10.0, goal(0, 2, region='<lanelet ref="77"/>')),), "planningProblem 9, goalState"),
        ((problem(1e12, 0.0, 10.0, goal(0, 2)),), "planningProblem 9, initialState, step 0, position"),
        ((ASKED, parked(5, 50.0, 0.0), parked(5, 60.0, 0.0)), "obstacle 5"),
        ((ASKED, parked(5, 50.0, 0.0).replace("<length>4.5", "<length>-4.5")), "obstacle 5, length"),
        ((ASKED, car(5, [(20.0, 0.0, 0.0, 5.0)]).replace("<velocity><exact>5.0", "<velocity><exact>fast")), "obstacle 5, step 0, velocity"),
    ],
)
def test_a_question_or_an_obstacle_without_meaning_is_refused_by_name(tmp_path, parts, place):
    assert refusal(tmp_path, TWO_LANES, *parts).place == place


def test_another_version_or_another_format_is_refused(tmp_path):
    assert "2017a" in str(refusal(tmp_path, TWO_LANES, ASKED, version="2017a"))
    with pytest.raises(InputError, match="not a CommonRoad file"):
        read_scenario(write(tmp_path, "<net/>"))


def test_entities_are_refused_not_expanded(tmp_path):
    bomb = "".join(f'<!ENTITY e{k} "{f"&e{k - 1};" * 10 if k else "x" * 100}">' for k in range(9))
    text = document(TWO_LANES, ASKED).replace("<commonRoad", f"<!DOCTYPE commonRoad [{bomb}]><commonRoad", 1)
    with pytest.raises(InputError):
        read_scenario(write(tmp_path, text.replace("<x>0.0</x>", "<x>&e8;</x>", 1)))


WHOLE = document(TWO_LANES, car(7, [(20.0 + k, 0.0, 0.0, 10.0) for k in range(3)]), parked(5, 90.0, 3.5), ASKED)
TAGS = sorted(set(re.findall(r"<(\w+)", WHOLE)) - {"commonRoad"})
NUMBERS = [match.span(1) for match in re.finditer(r">(-?\d[\d.e-]*)<", WHOLE)]


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_file_is_read_or_refused_by_name_and_nothing_else(tmp_path, data):
    text = WHOLE
    for _ in range(data.draw(st.integers(1, 3))):
        kind = data.draw(st.sampled_from(["cut", "flip", "drop", "number", "tag"]))
        at = data.draw(st.integers(0, len(text) - 1))
        if kind == "cut":
            text = text[: at + 1]
        elif kind == "flip":
            text = text[:at] + data.draw(st.sampled_from("<>&\"'x0-. ")) + text[at + 1 :]
        elif kind == "drop":
            tag = data.draw(st.sampled_from(TAGS))
            found = list(re.finditer(rf"<{tag}\b[^>]*?(/>|>.*?</{tag}>)", text, re.DOTALL))
            if found:
                start, end = data.draw(st.sampled_from(found)).span()
                text = text[:start] + text[end:]
        elif kind == "number" and text == WHOLE:
            start, end = data.draw(st.sampled_from(NUMBERS))
            absurd = ["nan", "inf", "-1", "0", "1e9", "1e308", "-1e7", "99999999999999999999", "", "7.5", "x"]
            text = text[:start] + data.draw(st.sampled_from(absurd)) + text[end:]
        else:
            text = text.replace(data.draw(st.sampled_from(TAGS)), "unheard", 1)
    assert outcome(write(tmp_path, text)) in {"a scenario", "refused by name"}


def outcome(path):
    try:
        return "a scenario" if isinstance(read_scenario(path), Scenario) else "nothing"
    except InputError as error:
        return "refused by name" if str(error).startswith(path.name) else "refused"


def test_every_real_file_is_read(shared_data):
    paths = sorted((shared_data / "commonroad").glob("*.xml"))
    assert len(paths) == 87
    for path in paths:
        scenario = read_scenario(path)
        assert scenario.problems
        assert np.isfinite(scenario.actors.x_m).all()
