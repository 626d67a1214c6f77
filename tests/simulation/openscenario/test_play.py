"""The closed loop: what the ego is given, and what becomes of it."""

import numpy as np
import pytest
import stage

from marque.driving.interventions import GuardLog
from marque.driving.observation import Kind
from marque.driving.reversing import Reverser
from marque.driving.view import Reason, View
from marque.simulation.openscenario.play import CYCLE_S, observe, play
from marque.simulation.openscenario.scenario import read_story
from marque.simulation.sensors import Sensors
from marque.vehicle import Command
from marque.vehicle.sensors import THREE_LIDARS


class Recorder:
    """Drives straight on and keeps what it was told."""

    def __init__(self, road_map, vehicle, step_s):
        self.road_map, self.vehicle, self.step_s = road_map, vehicle, step_s
        self.begun, self.told, self.limits = [], [], []
        Recorder.last = self

    def begin(self, goals):
        self.begun.append(goals)

    def look(self, state, seen):
        pass

    def cycle(self, state, seen):
        self.told.append((state, seen))
        self.limits.append(float(self.road_map.arrays.lanes["speed_limit"].max()))
        return Command(0.0, 0.0, 1.0)

    def view(self):
        return View(Reason.CRUISE, -1, 0.0, 0.0, np.empty((0, 4)), 0.1, np.empty(0, np.int32), ())

    def guard_log(self):
        return GuardLog()


def played(tmp_path, text, **given):
    return play(read_story(stage.write(tmp_path, text)), Recorder, **given), Recorder.last


STOP = stage.time_condition(2.0)


def test_the_ego_begins_where_and_as_fast_as_the_file_says_with_the_files_vehicle(tmp_path):
    _, driver = played(tmp_path, stage.document(stage.story_of("", stop=STOP)))
    state = driver.told[0][0]
    assert (state.x_m, state.y_m, state.speed_mps) == (pytest.approx(11.4), pytest.approx(-1.75), 10.0)
    assert (driver.vehicle.length_m, driver.vehicle.wheelbase_m, driver.vehicle.rear_axle_m) == (4.5, 2.7, 1.4)
    assert driver.limits[0] == 10.0


def test_it_is_told_the_present_and_only_of_others(tmp_path):
    result, driver = played(tmp_path, stage.document(stage.story_of("", stop=STOP)))
    for k, (_, seen) in enumerate(driver.told):
        assert seen.time_s == pytest.approx(k * CYCLE_S)
        assert seen.x_m.tolist() == [pytest.approx(61.4 + 10.0 * k * CYCLE_S)]
        assert seen.kinds.tolist() == [Kind.CAR]
    assert len(result.bodies) == len(driver.told) + 1 == result.driven.x_m.size


def test_a_new_set_speed_is_no_new_drive_and_a_new_route_is(tmp_path):
    faster = stage.event("e", stage.speed(14.0), stage.time_condition(0.5))
    _, driver = played(tmp_path, stage.document(stage.story_of(faster, actor="Ego", stop=STOP)))
    assert driver.limits[0] == 10.0
    assert driver.limits[-1] == 14.0
    assert len(driver.begun) == 1
    route = f"""<PrivateAction><RoutingAction><AcquirePositionAction><Position>{stage.lane_position(500.0, -2)}</Position>
    </AcquirePositionAction></RoutingAction></PrivateAction>"""
    turn = stage.event("e", route, stage.time_condition(0.5))
    _, driver = played(tmp_path, stage.document(stage.story_of(turn, actor="Ego", stop=STOP)))
    assert len(driver.begun) == 2


def test_who_is_hidden_from_sensors_is_not_told_and_who_is_deleted_is_gone(tmp_path):
    hide = '<PrivateAction><VisibilityAction graphics="true" sensors="false" traffic="true"/></PrivateAction>'
    gone = '<GlobalAction><EntityAction entityRef="Other"><DeleteEntityAction/></EntityAction></GlobalAction>'
    for action in (hide, gone):
        _, driver = played(tmp_path, stage.document(stage.story_of(stage.event("e", action, stage.time_condition(1.0)), stop=STOP)))
        assert [len(seen.ids) for _, seen in driver.told] == [1] * 10 + [0] * (len(driver.told) - 10)


def test_sensors_stand_between_the_world_and_the_driver(tmp_path):
    class Blind(Sensors):
        def sense(self, truth, state):
            return truth._replace(ids=truth.ids[:0], x_m=truth.x_m[:0]), state._replace(x_m=state.x_m + 1.0)

    _, driver = played(tmp_path, stage.document(stage.story_of("", stop=STOP)), sensors=Blind(THREE_LIDARS))
    assert len(driver.told[0][1].ids) == 0
    assert driver.told[0][0].x_m == pytest.approx(12.4)


PEDESTRIAN = """<ScenarioObject name="Walker"><Pedestrian name="w" mass="80" pedestrianCategory="pedestrian">
<BoundingBox><Center x="0" y="0" z="0.9"/><Dimensions width="0.5" length="0.6" height="1.8"/></BoundingBox></Pedestrian></ScenarioObject>"""


@pytest.mark.parametrize("aside_m", [0.0, 0.6])
def test_an_ego_sent_backwards_senses_who_is_behind_it_and_stops(tmp_path, aside_m):
    back = stage.teleport(stage.lane_position(60.0)) + stage.speed(-2.0)
    stands = f'<Private entityRef="Walker">{stage.teleport(stage.lane_position(48.0, offset=aside_m))}</Private>'
    text = stage.document(stage.story_of("", stop=stage.time_condition(8.0)), stage.teleport(stage.lane_position(90.0)), back, init="")
    text = text.replace("</Entities>", f"{PEDESTRIAN}</Entities>").replace("</Actions></Init>", f"{stands}</Actions></Init>")
    result = play(read_story(stage.write(tmp_path, text)), lambda _m, v, s: Reverser(v, 2.0, s), Sensors(THREE_LIDARS))
    assert result.perception == "sensed"
    assert result.contact is None
    assert result.driven.speed_mps[-1] == 0.0
    assert 49.0 < result.driven.x_m[-1] - 2.25 < 51.0  # its rear, bumper to belly


def test_what_it_is_handed_does_not_lead_back_to_the_world(tmp_path):
    result, driver = played(tmp_path, stage.document(stage.story_of("", stop=STOP)))
    seen = driver.told[3][1]
    seen.x_m[:] = -1.0
    assert result.bodies[3].x_m[0] > 0.0
    assert observe(result.bodies[3], driver.road_map, 0.3).x_m[0] > 0.0


def test_a_scenario_without_an_end_ends_with_its_stories_or_the_egos_road(tmp_path):
    endless = stage.story_of(stage.event("e", stage.speed(12.0))).replace("<StopTrigger></StopTrigger>", "")
    short, _ = played(tmp_path, stage.document(endless))
    assert short.ended == "every story is over"
    late = stage.event("e", stage.speed(12.0), stage.time_condition(500.0))
    far, _ = played(tmp_path, stage.document(stage.story_of(late), ego=stage.teleport(stage.lane_position(880.0)) + stage.speed(10.0)))
    assert far.ended == "the ego's road"
    assert far.driven.x_m[-1] < 1000.0


def test_a_horizon_cuts_off_what_has_something_still_to_begin_or_somebody_who_comes_nearer(tmp_path):
    def cut_off(events, other_m, horizon_s=6.0):
        other = stage.teleport(stage.lane_position(other_m)) + stage.speed(10.0 if other_m < 500.0 else 0.0)
        text = stage.document(stage.story_of(events, stop=stage.time_condition(1e6)), other)
        return played(tmp_path, text, horizon_s=horizon_s)[0].cut_off

    begins, waits = (stage.event("e", stage.speed(10.0), stage.time_condition(at_s)) for at_s in (2.0, 50.0))
    assert not cut_off(begins, 60.0)
    assert cut_off(waits, 60.0)
    stands = stage.event("e", stage.speed(0.0), stage.time_condition(2.0))
    assert cut_off(stands, 900.0), "who stands ahead has not been met"
