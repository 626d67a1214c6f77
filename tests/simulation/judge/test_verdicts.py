"""A file for every verdict, whose outcome follows from how it is made and how the car is driven."""

import math

import numpy as np
import pytest

from marque.driving.interventions import GuardLog
from marque.driving.view import Reason, View
from marque.simulation.drive import drive_file
from marque.simulation.judge import Verdict
from marque.vehicle import Command
from scenes import TWO_LANES, car, document, goal, parked, problem, rectangle, strip, write


class Driver:
    """Holds one acceleration and one steering rate; knows nothing else."""

    acceleration, rate = 0.0, 0.0

    def __init__(self, road_map, vehicle, step_s):
        pass

    def begin(self, goals):
        pass

    def look(self, state, seen):
        pass

    def cycle(self, state, seen):  # noqa: ARG002
        return Command(self.acceleration, self.rate)

    def view(self):
        return View(Reason.CRUISE, -1, 0.0, 0.0, np.empty((0, 4)), 0.1, np.empty(0, np.int32), ())

    def guard_log(self):
        return GuardLog()


class Braking(Driver):
    acceleration = -8.0


class Veering(Driver):
    rate = 0.1


class Swerving(Driver):
    """More curve than the tyres hold."""

    rate = 0.4


class Broken(Driver):
    def cycle(self, state, seen):  # noqa: ARG002
        raise RuntimeError("the brain is out")


AHEAD = rectangle(10.0, 3.0, 60.0, 0.0)


def drive(tmp_path, driver, *parts):
    (result,) = drive_file(write(tmp_path, document(*parts)), make_driver=driver)
    return result


def test_goal_is_reached_at_the_first_step_at_which_all_its_conditions_hold(tmp_path):
    # From x = 10 m at 10 m/s into [55, 65]: there from step 45 on, but wanted from step 48 on.
    result = drive(
        tmp_path, Driver, TWO_LANES, problem(10.0, 0.0, 10.0, goal(48, 60, region=AHEAD, speed=(9.0, 11.0), heading=(-0.1, 0.1)))
    )
    assert (result.verdict, result.strict_success, result.at_fault) == (Verdict.GOAL, True, None)
    assert result.goal_s == pytest.approx(4.8)


def test_late_is_who_gets_there_after_the_time(tmp_path):
    result = drive(tmp_path, Driver, TWO_LANES, problem(10.0, 0.0, 10.0, goal(0, 40, region=AHEAD)))
    assert result.verdict is Verdict.LATE
    assert "0.5 s late" in result.why


def test_late_is_who_is_there_in_time_at_the_wrong_speed(tmp_path):
    result = drive(tmp_path, Driver, TWO_LANES, problem(10.0, 0.0, 10.0, goal(0, 50, region=AHEAD, speed=(12.0, 14.0))))
    assert result.verdict is Verdict.LATE
    assert "speed or heading" in result.why


def test_early_is_who_has_left_before_the_time(tmp_path):
    result = drive(tmp_path, Driver, TWO_LANES, problem(10.0, 0.0, 10.0, goal(80, 90, region=AHEAD)))
    assert (result.verdict, result.strict_success) == (Verdict.EARLY, False)


def test_collision_with_a_parked_car_is_the_egos_fault(tmp_path):
    result = drive(tmp_path, Driver, TWO_LANES, parked(5, 50.0, 0.0), problem(10.0, 0.0, 10.0, goal(60, 70, region=AHEAD)))
    assert (result.verdict, result.collision_with, result.at_fault) == (Verdict.COLLISION, 5, True)
    # Bumper to bumper: 40 m − (4.508 + 4.5) / 2 = 35.496 m, passed at step 36.
    assert result.collision_s == pytest.approx(3.6)


def test_being_run_into_from_behind_while_keeping_lane_and_speed_is_not_the_egos_fault(tmp_path):
    chaser = car(7, [(10.0 + 2.0 * k, 0.0, 0.0, 20.0) for k in range(80)])
    result = drive(tmp_path, Driver, TWO_LANES, chaser, problem(30.0, 0.0, 10.0, goal(70, 80, region=rectangle(10.0, 3.0, 105.0, 0.0))))
    assert (result.verdict, result.collision_with, result.at_fault) == (Verdict.COLLISION, 7, False)


def test_being_run_into_after_braking_hard_for_nothing_is_the_egos_fault(tmp_path):
    follower = car(7, [(15.0 + 1.0 * k, 0.0, 0.0, 10.0) for k in range(80)])
    result = drive(tmp_path, Braking, TWO_LANES, follower, problem(30.0, 0.0, 10.0, goal(70, 80, region=AHEAD)))
    assert (result.verdict, result.at_fault) == (Verdict.COLLISION, True)


def test_a_standing_ego_is_never_at_fault_for_who_drives_into_it(tmp_path):
    oncoming = car(7, [(120.0 - 1.0 * k, 0.0, math.pi, 10.0) for k in range(100)])
    result = drive(tmp_path, Driver, TWO_LANES, oncoming, problem(30.0, 0.0, 0.0, goal(95, 99, region=AHEAD)))
    assert (result.verdict, result.at_fault) == (Verdict.COLLISION, False)


def test_nor_for_who_backs_into_it(tmp_path):
    backing = car(7, [(70.0 - 0.4 * k, 0.0, 0.0, -4.0) for k in range(100)])
    result = drive(tmp_path, Driver, TWO_LANES, backing, problem(30.0, 0.0, 0.0, goal(95, 99, region=AHEAD)))
    assert (result.verdict, result.at_fault) == (Verdict.COLLISION, False)
    assert result.why.endswith("the ego stood and was run into")


def test_an_actor_that_cuts_in_at_arms_length_and_stops_is_at_fault(tmp_path):
    path = [(20.0 + 2.0 * k, 3.5, 0.0, 20.0) for k in range(20)]
    path += [(58.0 + 0.2 * k, max(0.0, 3.5 - 1.2 * k), -0.1, 2.0) for k in range(1, 40)]
    result = drive(tmp_path, Driver, TWO_LANES, car(7, path), problem(11.0, 0.0, 20.0, goal(60, 70, region=AHEAD)))
    assert (result.verdict, result.collision_with, result.at_fault) == (Verdict.COLLISION, 7, False)
    assert "cut in" in result.why


def test_road_edge_is_the_first_step_with_a_part_of_the_body_beside_the_road(tmp_path):
    result = drive(tmp_path, Veering, TWO_LANES, problem(10.0, 0.0, 5.0, goal(90, 99, region=AHEAD)))
    assert result.verdict is Verdict.ROAD_EDGE
    assert result.edge_s is not None
    assert result.collision_s is None


def test_infeasible_is_more_curve_than_the_tyres_hold(tmp_path):
    wide = strip(1, 0.0, width=150.0, x1=400.0)
    result = drive(tmp_path, Swerving, wide, problem(100.0, 0.0, 20.0, goal(90, 99, region=AHEAD)))
    assert result.verdict is Verdict.INFEASIBLE
    assert "tyres" in result.why


def test_stuck_is_standing_with_nobody_in_the_way(tmp_path):
    result = drive(tmp_path, Braking, TWO_LANES, problem(10.0, 0.0, 10.0, goal(0, 60, region=AHEAD)))
    assert result.verdict is Verdict.STUCK


def test_standing_behind_somebody_is_late_not_stuck(tmp_path):
    result = drive(tmp_path, Braking, TWO_LANES, parked(5, 25.0, 0.0), problem(10.0, 0.0, 10.0, goal(0, 60, region=AHEAD)))
    assert result.verdict is Verdict.LATE


def test_error_is_a_driver_that_breaks(tmp_path):
    result = drive(tmp_path, Broken, TWO_LANES, problem(10.0, 0.0, 10.0, goal(0, 60, region=AHEAD)))
    assert result.verdict is Verdict.ERROR
    assert "the brain is out" in result.why


FAR = rectangle(10.0, 3.0, 190.0, 0.0)
ISLAND = strip(30, 100.0)
ILL_POSED = {
    "starts in collision with obstacle 5": (parked(5, 12.0, 0.0), problem(10.0, 0.0, 10.0, goal(0, 60, region=AHEAD))),
    "beside the road": (problem(10.0, -1.5, 10.0, goal(0, 60, region=AHEAD)),),
    "no road leads": (ISLAND, problem(10.0, 0.0, 10.0, goal(0, 600, region='<lanelet ref="30"/>'))),
    "of road away": (problem(10.0, 0.0, 10.0, goal(0, 30, region=FAR)),),
    "within 0.5 s only": (problem(10.0, 0.0, 10.0, goal(0, 5, speed=(20.0, 25.0))),),
    "at most": (problem(10.0, 0.0, 10.0, goal(0, 10, heading=(3.0, 3.2))),),
    "time is over": (problem(10.0, 0.0, 10.0, goal(0, 5, region=AHEAD), step=8),),
    "vehicle drives between": (problem(10.0, 0.0, 80.0, goal(0, 5)),),
    "no planningProblem": (),
}


@pytest.mark.parametrize("why", ILL_POSED)
def test_ill_posed_is_what_the_judge_proves_impossible(tmp_path, why):
    result = drive(tmp_path, Driver, TWO_LANES, *ILL_POSED[why])
    assert result.verdict is Verdict.ILL_POSED
    assert why in result.why


def test_a_problem_with_one_possible_goal_is_well_posed(tmp_path):
    impossible, possible = goal(0, 30, region=FAR), goal(0, 60, region=AHEAD)
    assert drive(tmp_path, Driver, TWO_LANES, problem(10.0, 0.0, 10.0, impossible + possible)).verdict is Verdict.GOAL


def test_a_collision_after_the_goal_does_not_count(tmp_path):
    result = drive(tmp_path, Driver, TWO_LANES, parked(5, 80.0, 0.0), problem(10.0, 0.0, 10.0, goal(0, 60, region=AHEAD)))
    assert (result.verdict, result.collision_s) == (Verdict.GOAL, None)
