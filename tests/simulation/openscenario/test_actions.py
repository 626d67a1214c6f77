"""Actions lead actors exactly."""

import math

import numpy as np
import pytest
import stage
from hypothesis import given
from hypothesis import strategies as st

from marque.simulation.openscenario.scenario import TICK_S
from marque.simulation.openscenario.synchronize import approach
from marque.simulation.openscenario.transitions import share, slope


def other(story):
    return story.world.stage.entities["Other"]


def recorded(story, seconds, what):
    values = [what(other(story))]
    for _ in range(round(seconds / TICK_S)):
        stage.run(story, TICK_S)
        values.append(what(other(story)))
    return np.array(values)


@given(st.sampled_from(["linear", "cubic", "sinusoidal"]), st.floats(0.01, 0.99))
def test_the_slope_of_a_shape_is_that_of_its_share(shape, tau):
    h = 1e-6
    assert slope(shape, tau) == pytest.approx((share(shape, tau + h) - share(shape, tau - h)) / (2.0 * h), abs=1e-6)
    assert share(shape, tau) + share(shape, 1.0 - tau) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("shape", "dimension", "over", "seconds"),
    [
        ("linear", "rate", 2.0, 5.0),
        ("linear", "time", 4.0, 4.0),
        ("sinusoidal", "rate", 2.0, 0.5 * math.pi * 5.0),
        ("cubic", "rate", 2.0, 7.5),
        ("linear", "distance", 60.0, 4.0),
        ("step", "time", 0.0, 0.0),
    ],
)
def test_a_speed_is_reached_in_the_time_its_dynamics_say(tmp_path, shape, dimension, over, seconds):
    faster = stage.event("e", stage.speed(20.0, shape, dimension, over))
    story = stage.begun(tmp_path, stage.document(stage.story_of(faster)))
    speeds = recorded(story, 10.0, lambda e: e.speed)
    assert speeds[-1] == pytest.approx(20.0)
    assert np.argmax(speeds > 20.0 - 1e-9) * TICK_S == pytest.approx(seconds, abs=2.0 * TICK_S)
    if dimension == "rate":
        assert np.max(np.diff(speeds)) / TICK_S == pytest.approx(over, rel=0.01)


def test_the_way_driven_is_the_integral_of_the_speed(tmp_path):
    story = stage.begun(tmp_path, stage.document(stage.story_of(stage.event("e", stage.speed(0.0, "linear", "rate", 2.5)))))
    stage.run(story, 6.0)
    assert other(story).x == pytest.approx(60.0 + 10.0**2 / (2.0 * 2.5), abs=1e-6)
    assert other(story).travelled == pytest.approx(20.0, abs=1e-6)


def lane_change(target, shape="sinusoidal", dimension="rate", value=1.0):
    return f"""<PrivateAction><LateralAction><LaneChangeAction><LaneChangeActionDynamics dynamicsShape="{shape}"
    dynamicsDimension="{dimension}" value="{value}"/><LaneChangeTarget>{target}</LaneChangeTarget></LaneChangeAction></LateralAction>
    </PrivateAction>"""


def test_a_lane_change_ends_in_the_middle_of_its_lane_and_is_never_faster_than_its_rate(tmp_path):
    change = stage.event("e", lane_change('<RelativeTargetLane entityRef="Ego" value="-1"/>', value=1.2))
    story = stage.begun(tmp_path, stage.document(stage.story_of(change)))
    y = recorded(story, 8.0, lambda e: e.y)
    assert y[0] == pytest.approx(-1.75, abs=1e-3)
    assert y[-1] == pytest.approx(-5.25, abs=1e-9)
    assert np.max(np.abs(np.diff(y))) / TICK_S == pytest.approx(1.2, rel=0.01)
    assert np.argmax(y < -5.25 + 1e-9) * TICK_S == pytest.approx(0.5 * math.pi * 3.5 / 1.2, abs=2.0 * TICK_S)


def test_who_changes_lanes_is_headed_where_it_moves_with_the_speed_it_has(tmp_path):
    story = stage.begun(tmp_path, stage.document(stage.story_of(stage.event("e", lane_change('<AbsoluteTargetLane value="-2"/>')))))
    poses = recorded(story, 4.0, lambda e: (e.x, e.y, e.heading))
    moved = np.diff(poses[:, :2], axis=0)
    assert np.hypot(*moved.T) / TICK_S == pytest.approx(10.0, rel=2e-3)
    middle = 0.5 * (poses[1:, 2] + poses[:-1, 2])
    assert np.arctan2(moved[:, 1], moved[:, 0]) == pytest.approx(middle, abs=2e-3)


def test_left_and_right_are_the_reference_entitys_own(tmp_path):
    oncoming = stage.teleport(stage.lane_position(400.0, lane=1)) + stage.speed(10.0)
    change = stage.event("e", lane_change('<RelativeTargetLane entityRef="Other" value="-1"/>', "step", "time", 0.0))
    story = stage.run(stage.begun(tmp_path, stage.document(stage.story_of(change), other=oncoming)), 0.1)
    assert other(story).y == pytest.approx(5.25), "the right lane of who drives towards smaller s is the one with the greater number"
    assert other(story).x < 400.0


def test_a_lane_offset_stays_within_its_lateral_acceleration(tmp_path):
    action = """<PrivateAction><LateralAction><LaneOffsetAction continuous="false"><LaneOffsetActionDynamics dynamicsShape="sinusoidal"
    maxLateralAcc="1.5"/><LaneOffsetTarget><AbsoluteTargetLaneOffset value="1.2"/></LaneOffsetTarget></LaneOffsetAction></LateralAction>
    </PrivateAction>"""
    story = stage.begun(tmp_path, stage.document(stage.story_of(stage.event("e", action))))
    y = recorded(story, 4.0, lambda e: e.y)
    inside = np.diff(y, 2)[2 : round(math.pi * math.sqrt(1.2 / 3.0) / TICK_S) - 2] / TICK_S**2
    assert y[-1] == pytest.approx(-0.55)
    assert np.max(np.abs(inside)) == pytest.approx(1.5, rel=0.02)


@pytest.mark.parametrize(
    ("side", "place"), [("leadingReferencedEntity", 10.0 + 4.5 + 20.0), ("trailingReferencedEntity", 10.0 - 4.5 - 20.0)]
)
def test_a_distance_without_dynamics_holds_at_once_from_body_to_body(tmp_path, side, place):
    keep = f"""<PrivateAction><LongitudinalAction><LongitudinalDistanceAction freespace="true" continuous="true" entityRef="Ego"
    distance="20" displacement="{side}" coordinateSystem="entity"/></LongitudinalAction></PrivateAction>"""
    story = stage.begun(tmp_path, stage.document(stage.story_of(""), other=stage.OTHER + keep))
    assert other(story).x == pytest.approx(place)
    stage.run(story, 1.0)
    assert other(story).x == pytest.approx(place + 10.0, abs=1e-6)


def test_a_time_gap_is_that_of_the_one_behind(tmp_path):
    keep = """<PrivateAction><LongitudinalAction><LongitudinalDistanceAction freespace="true" continuous="false" entityRef="Ego"
    timeGap="2" displacement="leadingReferencedEntity" coordinateSystem="entity"/></LongitudinalAction></PrivateAction>"""
    story = stage.begun(tmp_path, stage.document(stage.story_of(""), other=stage.OTHER + keep))
    assert other(story).x == pytest.approx(10.0 + 4.5 + 2.0 * 10.0)


@given(st.floats(0.0, 20.0), st.floats(0.5, 20.0), st.floats(2.0, 20.0), st.floats(0.45, 0.9))
def test_the_way_of_least_effort_arrives_in_time_with_its_final_speed(start, final, seconds, part):
    metres = seconds * (part * max(start, final) + (1.0 - part) * min(start, final))
    speed, way, dt = start, 0.0, 0.01
    for k in range(round(seconds / dt)):
        after = approach(speed, final, metres - way, seconds - k * dt, dt)
        way += 0.5 * (speed + after) * dt
        speed = after
    assert speed == pytest.approx(final, abs=0.15)
    assert way == pytest.approx(metres, abs=0.15)


def synchronised(distance):
    return f"""<PrivateAction><SynchronizeAction masterEntityRef="Ego"><TargetPositionMaster>{stage.lane_position(210.0)}
    </TargetPositionMaster><TargetPosition>{stage.lane_position(300.0)}</TargetPosition><FinalSpeed><AbsoluteSpeed value="14">
    <TargetDistanceSteadyState distance="{distance}"/></AbsoluteSpeed></FinalSpeed></SynchronizeAction></PrivateAction>"""


def test_two_that_synchronise_are_at_their_places_at_the_same_time(tmp_path):
    story = stage.begun(tmp_path, stage.document(stage.story_of(stage.event("e", synchronised(70.0)))))
    x = recorded(story, 20.0, lambda e: e.x)
    assert x[-1] == pytest.approx(300.0, abs=0.05)  # the ego is at 210 m after 20 s
    assert np.diff(x)[-450:] / TICK_S == pytest.approx(14.0, abs=1e-6)


def test_from_the_steady_state_on_nothing_the_other_one_does_matters(tmp_path):
    story = stage.begun(tmp_path, stage.document(stage.story_of(stage.event("e", synchronised(100.0)))))
    stage.run(story, 14.0)
    story.world.ego.speed = 0.0
    stage.run(story, 5.0)
    assert other(story).speed == pytest.approx(14.0)


def follow(shape, timing="<None/>", offset=0.0):
    return f"""<PrivateAction><RoutingAction><FollowTrajectoryAction initialDistanceOffset="{offset}"><TrajectoryRef>
    <Trajectory name="t" closed="false"><Shape>{shape}</Shape></Trajectory></TrajectoryRef><TimeReference>{timing}</TimeReference>
    <TrajectoryFollowingMode followingMode="position"/></FollowTrajectoryAction></RoutingAction></PrivateAction>"""


def vertex(x, y, time=""):
    return f'<Vertex {time}><Position><WorldPosition x="{x}" y="{y}"/></Position></Vertex>'


def test_a_timed_polyline_is_where_the_file_says_at_every_vertex(tmp_path):
    corners = [(60.0, -1.75, 0.0), (90.0, -1.75, 2.0), (90.0, 10.0, 7.0)]
    shape = "<Polyline>" + "".join(vertex(x, y, f'time="{t}"') for x, y, t in corners) + "</Polyline>"
    timing = '<Timing domainAbsoluteRelative="relative" scale="1" offset="0"/>'
    story = stage.begun(tmp_path, stage.document(stage.story_of(stage.event("e", follow(shape, timing), stage.time_condition(1.0)))))
    stage.run(story, 1.0)
    for x, y, t in corners:
        stage.run(story, 1.0 + t - story.world.time_s)
        assert (other(story).x, other(story).y) == (pytest.approx(x, abs=0.02), pytest.approx(y, abs=0.02))


def test_a_clothoid_spline_begins_where_the_entity_is_and_turns_by_the_integral_of_its_curvature(tmp_path):
    shape = """<ClothoidSpline><ClothoidSplineSegment curvatureStart="0" curvatureEnd="0.02" length="30"/>
    <ClothoidSplineSegment curvatureStart="0.02" curvatureEnd="0.02" length="20"/></ClothoidSpline>"""
    story = stage.begun(tmp_path, stage.document(stage.story_of(stage.event("e", follow(shape)))))
    stage.run(story, 4.9)
    s = np.linspace(0.0, 49.0, 200_001)
    heading = np.concatenate(([0.0], np.cumsum(0.5 * (np.minimum(s / 30.0, 1.0)[1:] + np.minimum(s / 30.0, 1.0)[:-1]) * np.diff(s)))) * 0.02
    assert other(story).heading == pytest.approx(heading[-1], abs=1e-3)
    assert other(story).x == pytest.approx(60.0 + np.trapezoid(np.cos(heading), s), abs=0.01)
    assert other(story).y == pytest.approx(-1.75 + np.trapezoid(np.sin(heading), s), abs=0.01)


def test_a_nurbs_with_the_weights_of_a_circle_is_one(tmp_path):
    points = [(60.0, 0.0, 1.0), (160.0, 0.0, math.sqrt(0.5)), (160.0, 100.0, 1.0)]
    shape = '<Nurbs order="3">' + "".join(
        f'<ControlPoint weight="{w}"><Position><WorldPosition x="{x}" y="{y}"/></Position></ControlPoint>' for x, y, w in points
    )
    shape += "".join(f'<Knot value="{k}"/>' for k in (0, 0, 0, 1, 1, 1)) + "</Nurbs>"
    story = stage.begun(tmp_path, stage.document(stage.story_of(stage.event("e", follow(shape)))))
    for _ in range(10):
        stage.run(story, 1.0)
        assert math.dist((other(story).x, other(story).y), (60.0, 100.0)) == pytest.approx(100.0, abs=1e-3)


def test_what_is_relative_to_somebody_waits_until_that_one_has_a_place(tmp_path):
    behind = stage.teleport('<RelativeLanePosition entityRef="Other" dLane="-1" ds="-30" offset="0.5"/>') + stage.speed(10.0)
    story = stage.begun(tmp_path, stage.document(stage.story_of(""), ego=behind))
    assert story.world.ego.pose == pytest.approx((30.0, -4.75, 0.0))


def test_the_egos_speed_and_route_are_orders_to_the_pilot(tmp_path):
    route = f"""<PrivateAction><RoutingAction><AcquirePositionAction><Position>{stage.lane_position(500.0, -2)}</Position>
    </AcquirePositionAction></RoutingAction></PrivateAction>"""
    events = stage.event("e", stage.speed(15.0)) + stage.event("f", route)
    story = stage.run(stage.begun(tmp_path, stage.document(stage.story_of(events, actor="Ego"))), 0.1)
    assert story.world.orders.speed == 15.0
    assert story.world.ego.speed == 10.0
    assert story.world.orders.course.length == pytest.approx(490.0)
