"""Files driven and judged; drivers that are quick to compile stand in for the pilot."""

import json

import numpy as np
import pytest
import stage
from hypothesis import given
from hypothesis import strategies as st

from marque.app.drive import scenario_files
from marque.app.stories import stories_summary, stories_table
from marque.common import InputError
from marque.simulation.drive import drive_file, facts
from marque.simulation.judge import Verdict
from marque.simulation.openscenario import is_scenario, read_variation
from marque.simulation.openscenario.careful_driver import BRAKING_MPS2, DELAY_S, JERK_MPS3, CarefulDriver
from marque.simulation.openscenario.document import Document
from marque.simulation.openscenario.ncap import Rule, case_of, score
from marque.simulation.openscenario.play import play
from marque.simulation.openscenario.scenario import read_story
from marque.vehicle import Command


class Blind(CarefulDriver):
    """Sees nobody."""

    def cycle(self, _state, _seen):
        return Command(0.0, 0.0, 1.0)


STANDS = stage.teleport(stage.lane_position(60.0))


def driven(tmp_path, text, driver=CarefulDriver, name="file.xosc"):
    return drive_file(stage.write(tmp_path, text, name), make_driver=driver, suite=None)


def test_a_drive_that_ends_by_its_stop_trigger_with_nothing_wrong_is_a_success(tmp_path):
    (result,) = driven(tmp_path, stage.document(stage.story_of("", stop=stage.time_condition(6.0)), other=STANDS))
    assert result.verdict is Verdict.GOAL
    assert result.strict_success
    assert result.driven_s == pytest.approx(6.0)
    assert result.hit is None
    assert result.test_speed_kmh == pytest.approx(36.0)
    assert result.perception == "perfect"
    assert result.scores["nuplan"] == pytest.approx(1.0 - sum(loss.amount for loss in result.losses if loss.metric.startswith("nuplan")))


def test_a_contact_is_told_with_its_speeds_and_whether_a_careful_driver_had_avoided_it(tmp_path):
    (result,) = driven(tmp_path, stage.document(stage.story_of("", stop=stage.time_condition(20.0)), other=STANDS), Blind)
    assert result.verdict is Verdict.COLLISION
    assert (result.hit, result.at_fault, result.careful_driver_avoids) == ("Other", True, True)
    assert result.collision_s == pytest.approx((50.0 - 4.5) / 10.0, abs=0.011)
    assert result.impact_kmh == result.own_impact_kmh == pytest.approx(36.0)


def test_the_relative_speed_of_an_oncoming_contact_is_that_of_both(tmp_path):
    comes = stage.teleport(
        stage.lane_position(100.0).replace("/>", '><Orientation h="3.14159265358979"/></LanePosition>')
    ) + stage.speed(8.0)  # fmt: skip
    (result,) = driven(tmp_path, stage.document(stage.story_of(""), other=comes), Blind)
    assert result.impact_kmh == pytest.approx(3.6 * 18.0)
    assert result.own_impact_kmh == pytest.approx(36.0)


def test_results_are_json_and_tables(tmp_path):
    results = driven(tmp_path, stage.document(stage.story_of("", stop=stage.time_condition(3.0)), other=STANDS))
    told = json.loads(json.dumps([facts(result) for result in results], allow_nan=False))
    assert told[0]["verdict"] == "goal"
    assert told[0]["ended"] == "the storyboard's stop trigger"
    assert stories_table(results).row_count == 1
    assert "1 of 1 cases ran" in stories_summary(results)


def test_what_is_not_supported_is_the_files_result(tmp_path):
    (result,) = driven(tmp_path, stage.document(stage.story_of("")).replace("SpeedAction>", "SwarmAction>"))
    assert result.verdict is Verdict.ILL_POSED
    assert "SwarmAction" in result.why


VARIED = """<OpenSCENARIO><FileHeader revMajor="1" revMinor="3"/><ParameterValueDistribution><ScenarioFile filepath="file.xosc"/>
<Deterministic><DeterministicSingleParameterDistribution parameterName="p"><DistributionSet><Element value="2"/><Element value="3"/>
<Element value="4"/></DistributionSet></DeterministicSingleParameterDistribution></Deterministic></ParameterValueDistribution>
</OpenSCENARIO>"""


def test_every_case_of_a_variation_has_its_result(tmp_path):
    declared = """<ParameterDeclaration name="p" parameterType="double" value="1"><ConstraintGroup>
    <ValueConstraint rule="notEqualTo" value="3"/></ConstraintGroup></ParameterDeclaration>"""
    stop = stage.time_condition("$p")
    stage.write(tmp_path, stage.document(stage.story_of("", stop=stop), other=STANDS, parameters=declared))
    results = drive_file(stage.write(tmp_path, VARIED, "varied.xosc"), make_driver=CarefulDriver)
    assert [result.case for result in results] == [{"p": "2"}, {"p": "3"}, {"p": "4"}]
    assert [result.driven_s for result in results] == [pytest.approx(2.0), None, pytest.approx(4.0)]
    assert results[1].verdict is Verdict.ILL_POSED
    assert "constraints" in results[1].why


def test_of_a_folder_catalogs_are_not_driven(tmp_path):
    stage.write(tmp_path, stage.document(stage.story_of("")))
    (tmp_path / "catalog.xosc").write_text('<OpenSCENARIO><FileHeader revMajor="1" revMinor="3"/><Catalog name="c"/></OpenSCENARIO>')
    assert [path.name for path in scenario_files([tmp_path])] == ["file.xosc"]


def test_the_careful_driver_brakes_as_late_and_as_hard_as_the_regulation_says(tmp_path):
    brakes = stage.event("e", stage.speed(0.0, "linear", "rate", 8.0), stage.time_condition(1.0))
    lead = stage.teleport(stage.lane_position(36.0)) + stage.speed(10.0)
    story = read_story(stage.write(tmp_path, stage.document(stage.story_of(brakes, stop=stage.time_condition(4.0)), other=lead)))
    played = play(story, CarefulDriver)
    braking = -np.diff(played.driven.speed_mps) / 0.1
    hard = np.argmax(braking > 3.1) * 0.1
    assert hard == pytest.approx(1.0 + DELAY_S, abs=0.35)
    assert np.max(braking) <= BRAKING_MPS2 + 1e-6
    assert np.max(np.diff(braking)[round(hard / 0.1) :]) / 0.1 <= JERK_MPS3 + 1e-6
    assert played.contact is None


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("CCRs", Rule.IMPACT_SPEED),
        ("CCRm", Rule.RELATIVE_IMPACT_SPEED),
        ("CCFhol", Rule.HEAD_ON),
        ("CPNCO-50", Rule.SPEED_REDUCTION),
        ("CBNAO-50", Rule.SPEED_REDUCTION),
        ("CMFtap", Rule.NO_CONTACT),
    ],
)
def test_a_case_is_known_by_its_id_or_its_file(name, family):
    assert case_of(name, "").name == name
    assert case_of("", f"NCAP_AEB_VRU_{name}_Variation_2023").rule is family
    assert case_of("cut_in", "alks_scenario_4_4_1") is None


@pytest.mark.parametrize(
    ("rule", "test", "impact", "own", "part"),
    [
        (Rule.NO_CONTACT, 50.0, None, None, 1.0),
        (Rule.NO_CONTACT, 50.0, 1.0, 1.0, 0.0),
        (Rule.RELATIVE_IMPACT_SPEED, 50.0, 4.9, 54.9, 1.0),
        (Rule.IMPACT_SPEED, 50.0, 24.9, 24.9, 0.5),
        (Rule.IMPACT_SPEED, 50.0, 35.0, 35.0, 0.25),
        (Rule.IMPACT_SPEED, 50.0, 40.0, 40.0, 0.0),
        (Rule.IMPACT_SPEED, 20.0, 4.9, 4.9, 0.0),
        (Rule.IMPACT_SPEED, 45.0, 10.0, 10.0, 0.0),
        (Rule.CROSSING, 30.0, 20.0, 0.0, 0.0),
        (Rule.CROSSING, 50.0, 30.0, 20.0, 0.5),
        (Rule.CROSSING, 50.0, 30.0, 20.1, 0.0),
        (Rule.HEAD_ON, 70.0, 120.0, 50.0, 1.0),
        (Rule.HEAD_ON, 70.0, 130.0, 59.9, 0.5),
        (Rule.HEAD_ON, 70.0, 131.0, 61.0, 0.0),
        (Rule.SPEED_REDUCTION, 40.0, 10.0, 10.0, 0.75),
        (Rule.SPEED_REDUCTION, 60.0, 40.0, 40.0, 1.0),
        (Rule.SPEED_REDUCTION, 60.0, 40.1, 40.1, 0.0),
    ],
)
def test_scores_follow_the_protocols_rules(rule, test, impact, own, part):
    assert score(rule, test, impact, own) == pytest.approx(part)


@pytest.mark.slow
def test_every_scenario_of_the_real_suites_reads_and_begins(shared_data):
    files = [path for path in sorted((shared_data / "openscenario").rglob("*.xosc")) if is_scenario(path)]
    assert len(files) == 90
    assert [path.name for path in files if not begins(path)] == []


def begins(path):
    """Whether a case of the file can be begun: some of a variation's break the file's own constraints."""
    variation = read_variation(Document(path))
    if variation is None:
        read_story(path).begin()
        return True
    for index in variation.spread(100):
        try:
            read_story(variation.scenario, variation.case(index)).begin()
        except InputError as error:
            if "constraints do not allow" not in str(error):
                raise
        else:
            return True
    return False


@given(st.sampled_from(Rule), st.floats(5.0, 80.0), st.floats(0.0, 80.0), st.floats(0.0, 80.0), st.floats(0.0, 80.0))
def test_who_hits_less_hard_is_never_scored_lower(rule, test, slower, faster, other):
    slower, faster = min(slower, faster, test), min(max(slower, faster), test)
    assert (
        0.0
        <= score(rule, test, faster + other, faster)
        <= score(rule, test, slower + other, slower)
        <= score(rule, test, None, None)
        == 1.0
    )
