"""The peer's side of bench/rss.py: Intel's ad-rss-lib answers. Runs in bench/peers/.venv-rss, never with Marque.

argv[1] names the kind of constellation. Rows of float64 come on stdin, laid out as bench/rss.py says; answers go to stdout the same way,
the CPU seconds they took first.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
import warnings
from array import array
from collections.abc import Callable, Sequence
from typing import Any

warnings.simplefilter("ignore")
import ad_physics  # noqa: E402
import ad_rss  # noqa: E402

units, core, structured, world = ad_physics.physics, ad_rss.rss.core, ad_rss.rss.structured, ad_rss.rss.world
PARAMETERS = 10
Row = Sequence[float]


def road_user(parameters: Row, along: float = 0.0, to_the_right: float = 0.0) -> Any:
    """One road user's state; parameters in the order of `driving.rss.RssParameters`."""
    response, accelerate, brake_max, brake_min, brake_correct, sideways, brake_sideways, margin, distance, fastest = parameters
    user = core.RelativeObjectState()
    user.object_type = world.ObjectType.OtherVehicle
    rules = user.dynamics
    rules.alpha_lon.accel_max, rules.alpha_lon.brake_max = units.Acceleration(accelerate), units.Acceleration(-brake_max)
    rules.alpha_lon.brake_min, rules.alpha_lon.brake_min_correct = units.Acceleration(-brake_min), units.Acceleration(-brake_correct)
    rules.alpha_lat.accel_max, rules.alpha_lat.brake_min = units.Acceleration(sideways), units.Acceleration(-brake_sideways)
    rules.lateral_fluctuation_margin, rules.response_time = units.Distance(margin), units.Duration(response)
    rules.min_longitudinal_safety_distance, rules.max_speed_on_acceleration = units.Distance(distance), units.Speed(fastest)
    speeds = user.structured_object_state.velocity
    speeds.speed_lon_min = speeds.speed_lon_max = units.Speed(along)
    speeds.speed_lat_min = speeds.speed_lat_max = units.Speed(to_the_right)
    only_valid(user)
    return user


def only_valid(user: Any) -> None:
    """The library refuses states whose other fields, which no question here reads, are not numbers."""
    free, place = user.dynamics.unstructured_settings, user.unstructured_object_state
    free.pedestrian_turning_radius = free.vehicle_min_radius = units.Distance(3.5)
    free.drive_away_max_angle, free.vehicle_trajectory_calculation_step = units.Angle(2.4), units.Duration(0.2)
    free.vehicle_yaw_rate_change = units.AngularAcceleration(0.3)
    place.yaw = place.steering_angle = units.Angle(0.0)
    place.dimension.length, place.dimension.width = units.Distance(4.0), units.Distance(2.0)
    place.yaw_rate = units.AngularVelocity(0.0)
    place.center_point.x = place.center_point.y = units.Distance(0.0)
    place.speed_range.minimum, place.speed_range.maximum = units.Speed(0.0), units.Speed(10.0)
    user.structured_object_state.distance_to_enter_intersection = units.Distance(0.0)
    user.structured_object_state.distance_to_leave_intersection = units.Distance(0.0)


def asked(function: Callable[..., bool], *arguments: Any) -> float:
    found = units.Distance(0.0)
    if not function(*arguments, found):
        raise SystemExit(f"{function} refuses its input")
    return float(found.mDistance)


def following(row: Row) -> list[float]:
    rear, front = road_user(row[2:12], row[0]), road_user(row[12:], row[1])
    return [asked(structured.calculateSafeLongitudinalDistanceSameDirection, front, rear)]


def oncoming(row: Row) -> list[float]:
    correct, other = road_user(row[2:12], row[0]), road_user(row[12:], row[1])
    return [asked(structured.calculateSafeLongitudinalDistanceOppositeDirection, correct, other)]


def beside(row: Row) -> list[float]:
    left, right = road_user(row[2:12], 0.0, -row[0]), road_user(row[12:], 0.0, -row[1])
    return [asked(structured.calculateSafeLateralDistance, left, right)]


def arrival(row: Row) -> list[float]:
    distance, speed, (response, accelerate, brake_max, brake_min, *_, fastest) = row[0], row[1], row[2:]
    found = []
    for until, after in ((accelerate, -brake_min), (-brake_max, -brake_max)):
        needed = units.Duration(float("nan"))
        with contextlib.suppress(IndexError):  # it refuses a result of its own: no answer
            core.calculateTimeToCoverDistance(
                units.Speed(speed), units.Speed(fastest), units.Duration(response), units.Acceleration(until), units.Acceleration(after),
                units.Distance(distance), needed,
            )  # fmt: skip
        found.append(needed.mDuration)
    return found


STOPS, IN_FRONT, APART, DANGEROUS = 1.0, 2.0, 3.0, 0.0


def crossing(row: Row) -> list[float]:
    ego_enter, ego_leave, ego_speed, other_enter, other_leave, other_speed, ahead, first = row[:8]
    pair = core.RelativeConstellation()
    pair.ego_id, pair.object_id, pair.constellation_id = 1, 2, 1
    kinds = world.ConstellationType
    pair.constellation_type = (kinds.IntersectionSamePriority, kinds.IntersectionEgoHasPriority, kinds.IntersectionObjectHasPriority)[
        int(first)
    ]
    ego, other = road_user(row[8:18], ego_speed), road_user(row[18:], other_speed)
    for user, enter, leave, mine in ((ego, ego_enter, ego_leave, 1.0), (other, other_enter, other_leave, 2.0)):
        state = user.structured_object_state
        state.distance_to_enter_intersection, state.distance_to_leave_intersection = units.Distance(enter), units.Distance(leave)
        state.has_priority = first == mine
    pair.ego_state, pair.other_state = ego, other
    places = core.LongitudinalRelativePosition
    pair.relative_position.longitudinal_position = places.InFront if ahead > 0.0 else places.AtBack if ahead < 0.0 else places.Overlap
    pair.relative_position.longitudinal_distance = units.Distance(abs(ahead))
    pair.relative_position.lateral_position = core.LateralRelativePosition.Overlap
    pair.relative_position.lateral_distance = units.Distance(0.0)
    state = ad_rss.rss.state.RssState()
    if not structured.RssIntersectionConstellationChecker().calculateRssStateIntersection(1, pair, state):
        raise SystemExit("the intersection checker refuses its input")
    why = str(state.longitudinal_state.rss_state_information.evaluator)
    if not state.longitudinal_state.is_safe:
        return [DANGEROUS]
    return [STOPS if why.endswith("AbleToStop") else IN_FRONT if why.endswith("InFront") else APART]


def response(row: Row) -> list[float]:
    """Four instants of one pair: row = what (0 the ego follows, 1 leads, 2 meets on its own side, 3 meets on the other's), whether the ego
    is on the left, speeds of both along and across, four gaps along, four gaps across, parameters of both.
    """
    what, on_the_left, ego_speed, other_speed, ego_across, other_across = row[:6]
    ego, other = road_user(row[14:24], ego_speed, -ego_across), road_user(row[24:], other_speed, -other_across)
    ego.structured_object_state.is_in_correct_lane = what != 3.0
    other.structured_object_state.is_in_correct_lane = what != 2.0
    checker, answers = structured.RssNonIntersectionConstellationChecker(), []
    for instant in range(4):
        pair = core.RelativeConstellation()
        pair.ego_id, pair.object_id, pair.constellation_id = 1, 2, 1
        pair.constellation_type = world.ConstellationType.SameDirection if what < 2.0 else world.ConstellationType.OppositeDirection
        pair.ego_state, pair.other_state = ego, other
        places, sides = core.LongitudinalRelativePosition, core.LateralRelativePosition
        pair.relative_position.longitudinal_position = places.InFront if what == 1.0 else places.AtBack
        pair.relative_position.longitudinal_distance = units.Distance(row[6 + instant])
        pair.relative_position.lateral_position = sides.AtLeft if on_the_left else sides.AtRight
        pair.relative_position.lateral_distance = units.Distance(row[10 + instant])
        state = ad_rss.rss.state.RssState()
        if not checker.calculateRssStateNonIntersection(instant + 1, pair, state):
            raise SystemExit("the checker refuses its input")
        along = {"None": 0.0, "BrakeMin": 1.0, "BrakeMinCorrect": 2.0}[str(state.longitudinal_state.response)]
        left, right = (float(str(side.response) == "BrakeMin") for side in (state.lateral_state_left, state.lateral_state_right))
        answers += [along, left, right]
    return answers


WIDTHS = {following: 22, oncoming: 22, beside: 22, arrival: 12, crossing: 28, response: 34}


def main() -> None:
    answer = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # the library writes its log there
    core.setLogLevel("off")
    ask = next(function for function in WIDTHS if function.__name__ == sys.argv[1])
    values, width = array("d"), WIDTHS[ask]
    values.frombytes(sys.stdin.buffer.read())
    rows = [values[i : i + width] for i in range(0, len(values), width)]
    answers = array("d", [0.0])
    began = time.process_time()
    for row in rows:
        answers.extend(ask(row))
    answers[0] = time.process_time() - began
    with answer:
        answers.tofile(answer)


if __name__ == "__main__":
    main()
