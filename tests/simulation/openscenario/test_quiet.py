"""Leaping over what changes nothing: the same as step by step."""

import itertools
import math
import tempfile
from pathlib import Path

import numpy as np
import pytest
import stage
from hypothesis import given
from hypothesis import strategies as st

from marque.driving.interventions import GuardLog
from marque.driving.view import Reason, View
from marque.simulation.openscenario.measures import apart
from marque.simulation.openscenario.play import play
from marque.simulation.openscenario.quiet import approaches
from marque.simulation.openscenario.scenario import TICK_S, Story, read_story
from marque.vehicle import Command


def relative(kind, system, freespace="true", value=18):
    return (
        f'<RelativeDistanceCondition entityRef="Other" relativeDistanceType="{kind}" coordinateSystem="{system}" value="{value}" '
        f'freespace="{freespace}" rule="lessThan"/>'
    )


def headway(freespace, system):
    return (
        f'<TimeHeadwayCondition entityRef="Other" value="1.5" freespace="{freespace}" rule="lessThan" '
        f'coordinateSystem="{system}" relativeDistanceType="longitudinal"/>'
    )


def to_collision(kind):
    return (
        f'<TimeToCollisionCondition value="4" freespace="true" rule="lessThan" relativeDistanceType="{kind}">'
        '<TimeToCollisionConditionTarget><EntityRef entityRef="Other"/></TimeToCollisionConditionTarget></TimeToCollisionCondition>'
    )


CONDITIONS = [
    *(relative(kind, system, free) for kind in ("longitudinal", "cartesianDistance") for system in ("entity", "road")
      for free in ("true", "false")),
    relative("lateral", "entity", value=2), relative("lateral", "road", value=2), relative("euclidianDistance", "entity"),
    headway("true", "road"), headway("false", "entity"),
    to_collision("longitudinal"), to_collision("cartesianDistance"), to_collision("lateral"),
    '<TraveledDistanceCondition value="25"/>',
    '<StandStillCondition duration="0.8"/>',
    '<SpeedCondition value="9" rule="greaterThan"/>',
    '<SpeedCondition value="9" direction="longitudinal" rule="greaterThan"/>',
    '<RelativeSpeedCondition entityRef="Other" value="1" rule="greaterThan"/>',
    '<RelativeSpeedCondition entityRef="Other" value="1" direction="longitudinal" rule="greaterThan"/>',
    '<RelativeSpeedCondition entityRef="Other" value="1" direction="lateral" rule="greaterThan"/>',
    '<AccelerationCondition value="-1" rule="lessThan"/>',
    '<CollisionCondition><EntityRef entityRef="Other"/></CollisionCondition>',
    '<CollisionCondition><ByType type="vehicle"/></CollisionCondition>',
]  # fmt: skip


def erratic(story, seconds, rng):
    """Ticks on, the ego being driven as wildly as a car can be; yields after each."""
    ego, acceleration, bend = story.world.ego, 0.0, 0.0
    for tick in range(1, round(seconds / TICK_S) + 1):
        if tick % 20 == 1:
            acceleration, bend = rng.uniform(-9.0, 6.0), rng.uniform(-0.2, 0.2)
        story.tick()
        ego.acceleration = acceleration
        ego.speed = max(0.0, ego.speed + acceleration * TICK_S)
        ego.heading += TICK_S * min(ego.speed * abs(bend), 9.0 / max(ego.speed, 0.1)) * math.copysign(1.0, bend)
        ego.x += ego.speed * TICK_S * math.cos(ego.heading)
        ego.y += ego.speed * TICK_S * math.sin(ego.heading)
        ego.travelled += ego.speed * TICK_S
        story.look(tick)
        yield tick


@pytest.mark.parametrize("what", CONDITIONS)
def test_what_is_said_to_stay_as_it_is_stays_so_however_wildly_the_ego_drives(tmp_path, what):
    trigger = stage.condition(stage.entity_condition(what))
    never = stage.together(trigger, stage.time_condition(1e6))
    stayed = 0
    for seed in range(6):
        rng = np.random.default_rng(seed)
        ego = stage.teleport(stage.lane_position(10.0)) + stage.speed(rng.uniform(2.0, 20.0))
        other = stage.teleport(stage.lane_position(rng.uniform(25.0, 70.0), rng.choice([-1, -2]))) + stage.speed(rng.uniform(0.0, 15.0))
        story = stage.begun(tmp_path, stage.document(stage.story_of(stage.event("e", stage.speed(5.0), never)), other, ego))
        event = next(element for element in story.world.elements if element.kind == "event")
        test = event.trigger.groups[0][0].test
        said = [(test.holds(story.world), test.stays(story.world, 0.1), test.stays(story.world, 0.5))]
        said += [(test.holds(story.world), test.stays(story.world, 0.1), test.stays(story.world, 0.5)) for _ in erratic(story, 6.0, rng)]
        for k, (now, soon, long) in enumerate(said):
            ahead = 50 if long else 10 if soon else 0
            assert all(later == now for later, _, _ in said[k : k + ahead + 1]), f"seed {seed}, {k * TICK_S:.2f} s"
            stayed += soon
    unsure = what in (to_collision("lateral"), CONDITIONS[-3])  # of the ego's own acceleration, say, nothing is ever sure
    assert unsure == (stayed < 100)


@given(st.data())
def test_two_bodies_do_not_come_nearer_to_each_other_than_is_reckoned_with(data):
    ego, other = _two_apart()
    for one in (ego, other):
        one.x, one.y = data.draw(st.floats(-20.0, 20.0)), data.draw(st.floats(-20.0, 20.0))
        one.heading, one.speed = data.draw(st.floats(-3.0, 3.0)), data.draw(st.floats(0.0, 30.0))
    within_s, bend = data.draw(st.sampled_from([0.1, 0.5])), [data.draw(st.floats(-0.2, 0.2)) for _ in range(2)]
    acceleration = data.draw(st.floats(-9.0, 6.0))
    before, nearer = apart(ego, other), approaches(ego, other, within_s)
    for _ in range(round(within_s / TICK_S)):
        for one, k in ((ego, bend[0]), (other, bend[1])):
            one.heading += TICK_S * min(one.speed * abs(k), 9.0 / max(one.speed, 0.1)) * math.copysign(1.0, k)
            one.x += one.speed * TICK_S * math.cos(one.heading)
            one.y += one.speed * TICK_S * math.sin(one.heading)
        ego.speed = max(0.0, ego.speed + acceleration * TICK_S)
        assert apart(ego, other) >= before - nearer - 1e-9


def _two_apart():
    with tempfile.TemporaryDirectory() as folder:
        entities = stage.begun(Path(folder), stage.document(stage.story_of(""))).world.stage.entities
    return entities["Ego"], entities["Other"]


class Swinger:
    """Speeds up and brakes and steers to and fro, by the time alone."""

    def __init__(self, *_):
        self.cycles = itertools.count()

    def begin(self, _goals):
        pass

    def cycle(self, *_):
        t = 0.1 * next(self.cycles)
        return Command(1.5 * math.sin(0.9 * t), 0.01 * math.cos(1.3 * t), 1.0)

    def view(self):
        return View(Reason.CRUISE, -1, 0.0, 0.0, np.empty((0, 4)), 0.1, np.empty(0, np.int32), ())

    def guard_log(self):
        return GuardLog()


def lane_change(lane):
    return f"""<PrivateAction><LateralAction><LaneChangeAction>
    <LaneChangeActionDynamics dynamicsShape="sinusoidal" dynamicsDimension="time" value="3"/>
    <LaneChangeTarget><AbsoluteTargetLane value="{lane}"/></LaneChangeTarget></LaneChangeAction></LateralAction></PrivateAction>"""


def when(what, edge="none", delay=0.0):
    return stage.condition(stage.entity_condition(what), edge, delay)


STOP = stage.time_condition(25.0)
ENDS = """<ByValueCondition><StoryboardElementStateCondition storyboardElementType="event" storyboardElementRef="e"
state="completeState"/></ByValueCondition>"""
PLAYS = {
    "a cut-in by distance": stage.event("e", lane_change(-1), when(relative("longitudinal", "entity"), "rising")),
    "a cut-in by headway": stage.event("e", lane_change(-1), when(headway("true", "road"), "rising")),
    "braking by time, and on after a delay": stage.event("e", stage.speed(4.0, "linear", "time", 2.0), stage.time_condition(3.3))
    + stage.event("f", stage.speed(12.0, "linear", "rate", 1.0), stage.condition(ENDS, "rising", 4.2)),
    "braking by time to collision": stage.event("e", stage.speed(3.0), when(to_collision("longitudinal"))),
    "braking by the way driven": stage.event("e", stage.speed(3.0), when('<TraveledDistanceCondition value="80"/>', delay=0.37)),
}  # fmt: skip


def transitions(tmp_path, monkeypatch, text, leaps):
    """(how it was played, when each event began or ended, by how many instants the story was told)"""
    seen, looks, look = [], 0, Story.look

    def looked(story, tick):
        nonlocal looks
        look(story, tick)
        looks += 1
        seen.extend((round(story.world.time_s, 2), e.name, e.state) for e in story.world.elements if e.kind == "event" and e.happened)

    with monkeypatch.context() as patch:
        patch.setattr(Story, "look", looked)
        if not leaps:
            patch.setattr(Story, "quiet", lambda *_: False)
        return play(read_story(stage.write(tmp_path, text)), Swinger), seen, looks


@pytest.mark.parametrize("what", PLAYS)
def test_a_story_that_leaps_is_played_as_one_that_goes_step_by_step(tmp_path, monkeypatch, what):
    other = stage.teleport(stage.lane_position(70.0, -2)) + stage.speed(7.0)
    text = stage.document(stage.story_of(PLAYS[what], stop=STOP), other)
    stepped, begins, instants = transitions(tmp_path, monkeypatch, text, leaps=False)
    leapt, its, fewer = transitions(tmp_path, monkeypatch, text, leaps=True)
    assert begins, "nothing happened"
    assert its == begins
    assert fewer < 0.7 * instants
    assert leapt.ended == stepped.ended
    np.testing.assert_array_equal(leapt.driven.x_m, stepped.driven.x_m)
    for one, another in zip(leapt.bodies, stepped.bodies, strict=True):
        np.testing.assert_allclose(one.x_m, another.x_m, rtol=0.0, atol=1e-9)
        np.testing.assert_allclose(one.y_m, another.y_m, rtol=0.0, atol=1e-9)
        np.testing.assert_allclose(one.heading_rad, another.heading_rad, rtol=0.0, atol=1e-9)
