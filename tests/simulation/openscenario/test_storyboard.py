"""When things happen: triggers, priorities, states."""

import pytest
import stage

from marque.common import InputError
from marque.simulation.openscenario.scenario import TICK_S, read_story


def started(story, seconds, name="e"):
    """Instants at which an event began."""
    element = next(e for e in story.world.elements if e.kind == "event" and e.name == name)
    found = [0.0] * element.executions
    for _ in range(round(seconds / TICK_S)):
        before = element.executions
        stage.run(story, TICK_S)
        if element.executions > before and "skipTransition" not in element.happened:
            found.append(round(story.world.time_s, 2))
    return found


def begun(tmp_path, events, **given):
    return stage.begun(tmp_path, stage.document(stage.story_of(events), **given))


QUICK = stage.speed(12.0)
SLOW = stage.speed(20.0, "linear", "time", 3.0)


@pytest.mark.parametrize(
    ("trigger", "when"),
    [
        (stage.time_condition(1.0), [1.0]),
        (stage.time_condition(1.0, "greaterThan"), [1.01]),
        (stage.time_condition(1.0, edge="rising"), [1.0]),
        (stage.time_condition(1.0, edge="falling"), []),
        (stage.time_condition(1.0, "lessThan", edge="falling"), [1.0]),
        (stage.time_condition(1.0, delay=0.5), [1.5]),
        (stage.time_condition(1.0, edge="rising", delay=0.5), [1.5]),
        (stage.time_condition(0.0, edge="rising"), []),
        (stage.time_condition(1.0) + stage.time_condition(0.5), [0.5]),
        (stage.together(stage.time_condition(1.0), stage.time_condition(0.5)), [1.0]),
        # What compares an instant with the one before it has to see both, whether or not the others hold.
        (stage.together(stage.time_condition(1.0), stage.time_condition(1.0, edge="rising")), [1.0]),
        (stage.together(stage.time_condition(1.0), stage.time_condition(0.5, edge="rising")), []),
        (stage.together(stage.time_condition(1.0), stage.time_condition(0.6, delay=0.5)), [1.1]),
    ],
)
def test_edges_delays_and_groups(tmp_path, trigger, when):
    assert started(begun(tmp_path, stage.event("e", QUICK, trigger)), 2.0) == when


def test_an_event_is_repeated_as_often_as_it_may(tmp_path):
    twice = stage.event("e", QUICK, stage.time_condition(0.5), count=2)
    assert len(started(begun(tmp_path, twice), 2.0)) == 2


def test_a_later_event_that_overrides_stops_the_running_one(tmp_path):
    events = stage.event("e", SLOW) + stage.event("f", stage.speed(5.0), stage.time_condition(1.0), "override")
    story = stage.run(begun(tmp_path, events), 1.0)
    first = next(e for e in story.world.elements if e.kind == "event" and e.name == "e")
    assert first.state == "completeState"
    assert "stopTransition" in first.happened
    assert story.world.stage.entities["Other"].speed == 5.0


def test_an_event_that_may_be_skipped_does_not_begin_while_another_runs(tmp_path):
    events = stage.event("e", SLOW) + stage.event("f", stage.speed(5.0), stage.time_condition(1.0), "skip")
    assert started(begun(tmp_path, events), 2.0, "f") == []


def test_an_action_in_the_same_domain_takes_over_and_the_earlier_one_counts_as_stopped(tmp_path):
    events = stage.event("e", SLOW) + stage.event("f", stage.speed(5.0), stage.time_condition(1.0))
    story = stage.run(begun(tmp_path, events), 4.0)
    assert story.world.stage.entities["Other"].speed == 5.0


def state(kind, name, which):
    return f"""<ByValueCondition><StoryboardElementStateCondition storyboardElementType="{kind}" storyboardElementRef="{name}"
    state="{which}"/></ByValueCondition>"""


def test_a_transition_is_seen_for_one_instant_and_a_state_as_long_as_it_lasts(tmp_path):
    slow = stage.event("e", SLOW)
    once = slow + stage.event("f", QUICK, stage.condition(state("action", "eAction", "endTransition"), delay=0.5), count=9)
    times = started(begun(tmp_path, once), 6.0, "f")
    assert len(times) == 1
    assert times[0] == pytest.approx(3.5, abs=0.05)
    lasting = slow + stage.event("f", QUICK, stage.condition(state("event", "e", "completeState")), count=9)
    assert len(started(begun(tmp_path, lasting), 6.0, "f")) == 9


def test_a_reference_to_an_element_that_is_not_there_is_refused(tmp_path):
    text = stage.document(stage.story_of(stage.event("e", QUICK, stage.condition(state("event", "gone", "completeState")))))
    with pytest.raises(InputError, match='no event "gone"'):
        read_story(stage.write(tmp_path, text))


def test_the_stop_trigger_ends_the_storyboard(tmp_path):
    story = stage.begun(tmp_path, stage.document(stage.story_of("", stop=stage.time_condition(1.0))))
    assert not stage.run(story, 0.99).over
    assert stage.run(story, 0.01).over


def first(tmp_path, what, who="Ego", seconds=8.0, other=stage.OTHER, **given):
    """When an entity condition first holds, s."""
    trigger = stage.condition(stage.entity_condition(what, who))
    times = started(begun(tmp_path, stage.event("e", QUICK, trigger), other=other, **given), seconds)
    return times[0] if times else None


def distance(kind, freespace):
    return (
        f'<RelativeDistanceCondition entityRef="Other" relativeDistanceType="{kind}" value="20" freespace="{freespace}" rule="lessThan"/>'
    )


STANDS = stage.teleport(stage.lane_position(60.0))


@pytest.mark.parametrize(
    ("what", "when"),
    [
        # The ego drives 10 m/s from 10 m; origins are rear axles, bodies reach 3.65 m ahead of them and 0.85 m behind.
        (distance("longitudinal", "false"), 3.01),
        (distance("longitudinal", "true"), 2.56),
        (distance("cartesianDistance", "true"), 2.56),
        ('<TimeHeadwayCondition entityRef="Other" value="1" freespace="false" rule="lessThan" coordinateSystem="road"/>', 4.01),
        ('<TimeToCollisionCondition value="2" freespace="true" rule="lessThan" relativeDistanceType="longitudinal">'
         '<TimeToCollisionConditionTarget><EntityRef entityRef="Other"/></TimeToCollisionConditionTarget>'
         '</TimeToCollisionCondition>', 2.56),
        ('<TraveledDistanceCondition value="25"/>', 2.5),
        ('<SpeedCondition value="9" rule="greaterThan"/>', 0.0),
        ('<RelativeSpeedCondition entityRef="Other" value="9" rule="greaterThan"/>', 0.0),
        ('<AccelerationCondition value="-1" rule="lessThan"/>', None),
        (f'<ReachPositionCondition tolerance="2"><Position>{stage.lane_position(50.0)}</Position></ReachPositionCondition>', 3.8),
        (f'<DistanceCondition value="5" freespace="false" rule="lessThan"><Position>{stage.lane_position(50.0)}</Position>'
         '</DistanceCondition>', 3.51),
        ('<CollisionCondition><EntityRef entityRef="Other"/></CollisionCondition>', 4.55),
        ('<CollisionCondition><ByType type="pedestrian"/></CollisionCondition>', None),
        ('<StandStillCondition duration="1"/>', None),
        ('<OffroadCondition duration="0.5"/>', None),
    ],
)  # fmt: skip
def test_conditions_hold_when_the_world_is_as_they_say(tmp_path, what, when):
    found = first(tmp_path, what, other=STANDS)
    assert found == (None if when is None else pytest.approx(when, abs=0.011))


def test_who_stands_has_stood_still_for_as_long_as_it_does(tmp_path):
    assert first(tmp_path, '<StandStillCondition duration="1.5"/>', who="Other", other=STANDS) == pytest.approx(1.5, abs=0.011)


def test_who_drives_past_the_end_of_its_road_is_at_its_end_and_not_off_the_road(tmp_path):
    leaves = stage.teleport(stage.lane_position(980.0)) + stage.speed(10.0)
    assert first(tmp_path, '<EndOfRoadCondition duration="1"/>', who="Other", other=leaves) == pytest.approx(3.0, abs=0.03)
    assert first(tmp_path, '<OffroadCondition duration="1"/>', who="Other", other=leaves) is None


def test_parameters_and_variables_are_asked_and_changed_while_it_runs(tmp_path):
    change = """<GlobalAction><ParameterAction parameterRef="p"><ModifyAction><Rule><AddValue value="2"/></Rule></ModifyAction>
    </ParameterAction></GlobalAction>"""
    asked = stage.condition('<ByValueCondition><ParameterCondition parameterRef="p" rule="equalTo" value="5"/></ByValueCondition>')
    events = stage.event("e", change, stage.time_condition(1.0)) + stage.event("f", QUICK, asked)
    declared = '<ParameterDeclaration name="p" parameterType="double" value="3"/>'
    assert started(begun(tmp_path, events, parameters=declared), 2.0, "f") == [pytest.approx(1.0, abs=0.02)]
