"""One cycle, from what is seen to what the actuators are asked: one compiled kernel, and the arrays it reads and writes.

perceive → lay paths and lines → predict → occupy and obey → plan → guard → act.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from marque.common import Floats, Ints, Records
from marque.driving.act import act, act_stop
from marque.driving.ahead import move_on
from marque.driving.answer import answer
from marque.driving.back import DRIVES, OTHER, PHASE, SLOTS, back_out, drive_back
from marque.driving.contingency import Futures, branch, no_futures
from marque.driving.explain import REASON_SLOT, SUBJECT, explain, explain_back, explain_stop, note_choice
from marque.driving.followers import press
from marque.driving.guard import NOTHING, Stop, guard, no_stop, stop_on
from marque.driving.held import Held
from marque.driving.hidden import bodies_of, look_into, slow_down, surely_seen
from marque.driving.interventions import Interventions, Rule, no_interventions
from marque.driving.law import Law
from marque.driving.lines import Lines, draw_lines, mark_goals, no_lines, offset_of
from marque.driving.map import MapArrays
from marque.driving.observation import Observation
from marque.driving.occupancy import Occupancy, look_ahead, no_occupancy, occupy
from marque.driving.oncoming import meet_at_rest
from marque.driving.overtaking import keep_near, pass_on_the_far_side
from marque.driving.own_lane import own_lane
from marque.driving.path import PATHS, Paths, lay_paths, no_paths
from marque.driving.perceive import Perception, no_perception, perceive
from marque.driving.plan import BEST, CANDIDATES, Choice, aim_profiles, choose, choose_each, efforts, no_choice
from marque.driving.predict import Predictions, no_predictions, predict
from marque.driving.responsibility import Duties, no_duties, owe
from marque.driving.restrain import Restraint, restrain
from marque.driving.rules import WAITING, forget_ahead, obey, reach_ahead, to_pass
from marque.driving.sirens import make_way, stay_aside
from marque.driving.speed import PROFILES, Profiles, follow, no_profiles, sample_profiles
from marque.driving.view import Reason
from marque.driving.worth import Task, begins, pace, terms
from marque.vehicle import Command, VehicleParameters, VehicleState, kernel

_WAITS_S = 4.0
_SIREN = float(Reason.SIREN)
LAST_KIND, LAST_TARGET, LINE, PROFILE, LANE = 0, 1, 2, 3, 4
"""Slots of `Mind.last`: path and offset chosen, line and profile driven, the lane it takes itself to be on."""


class Mind(NamedTuple):
    """All the arrays of one pilot."""

    perception: Perception
    paths: Paths
    lines: Lines
    predictions: Predictions
    occupancy: Occupancy
    profiles: Profiles
    pressed: Floats  # (PROFILES,) scratch of `followers.press`
    choice: Choice
    stop: Stop
    duties: Duties
    interventions: Interventions
    futures: Futures
    cost: Floats  # (L,) metres to the goal, with what lane changes cost
    way: Floats  # (L,) the metres alone
    eta: Floats  # (L,) scratch of `rules.reach_ahead`
    clear_s: Floats  # (conflicts,) until when nobody unseen can be there
    history: Ints  # (8,) lanes driven lately
    memory: Ints  # (8,) of the rules
    last: Floats  # (8,) choice of the last cycle
    back: Floats  # (SLOTS,) of backing out
    reason: Floats  # (4,)
    goal_offsets: Floats  # (PATHS,)
    centres: Floats  # (k, 2) middles of the goals' own regions


def no_mind(m: MapArrays, suite: Records, step_s: float) -> Mind:
    """Of a pilot that has seen nothing yet. suite: (s,) SENSOR; step_s: s between two cycles."""
    lanes = len(m.lanes)
    return Mind(
        no_perception(suite, step_s),
        no_paths(),
        no_lines(),
        no_predictions(),
        no_occupancy(),
        no_profiles(),
        np.zeros(PROFILES),
        no_choice(),
        no_stop(),
        no_duties(),
        no_interventions(),
        no_futures(),
        np.zeros(lanes),
        np.zeros(lanes),
        np.full(lanes, np.inf),
        np.full(len(m.conflicts), -np.inf),
        np.full(8, -1, np.int32),
        np.full(8, -1, np.int32),
        np.zeros(8),
        np.zeros(SLOTS),
        np.zeros(4),
        np.full(PATHS, np.nan),
        np.empty((0, 2)),
    )


@kernel
def cycle(
    held: Held, task: Task, ask: Restraint, law: Law, now: VehicleState, state: VehicleState, ahead_s: float, seen: Observation,
    step_s: float, vehicle: VehicleParameters,
) -> Command:  # fmt: skip
    """held: the map and the pilot's `Mind`. now: where the car is; state: where it will be, ahead_s later, when the command takes hold."""
    m, mind = held.m, held.mind
    timed = task.timed[0] == 1
    perceive(mind.perception, seen, now, step_s)
    tracks = mind.perception.tracks
    move_on(tracks, ahead_s)
    lane, s = own_lane(m, state, mind.cost, mind.history, mind.paths)
    lay_paths(m, lane, s, state, vehicle, mind.cost, mind.way, mind.history, mind.paths)
    ask, siren = make_way(m, law, state, vehicle, mind.paths, tracks, ask)
    if not timed:
        keep_near(law, state, mind.paths, tracks)
    restrain(m, ask, state, vehicle, mind.paths)
    reach_ahead(m, state, vehicle, mind.paths, seen.signals, mind.eta)
    predict(m, tracks, seen.signals, mind.eta, mind.predictions)
    forget_ahead(mind.paths, mind.eta)
    leaves = owe(m, state, vehicle, mind.paths, tracks, mind.predictions, seen.signals, seen.time_s, step_s, mind.duties)
    if mind.back[PHASE] != DRIVES:
        mind.last[LANE], mind.last[LINE], mind.stop.now_s[0] = lane, NOTHING, -1.0
        explain_back(tracks, int(mind.back[OTHER]), mind.reason)
        return drive_back(m, state, vehicle, mind.paths, tracks, mind.predictions, step_s, mind.back)
    _offsets(mind, vehicle)
    waited_s = mind.memory[WAITING] * step_s
    draw_lines(m, state, vehicle, mind.paths, mind.goal_offsets, timed, waited_s > _WAITS_S, mind.lines)
    bodies = bodies_of(tracks)
    slow_down(now, vehicle, mind.lines, bodies, seen, surely_seen(seen))
    meet_at_rest(state, vehicle, mind.lines, tracks)
    pass_on_the_far_side(law, state, vehicle, mind.lines, tracks)
    if timed:
        mark_goals(mind.lines, task.starts, task.corners, task.owners, task.headings)
    occupy(tracks, mind.predictions, mind.paths, mind.lines, vehicle, mind.occupancy)
    look_into(m, now, vehicle, mind.paths, bodies, seen, mind.clear_s)
    obey(
        m, state, vehicle, mind.paths, mind.lines, tracks, mind.predictions, seen, mind.clear_s, mind.memory,
        timed and ask.stop_m == math.inf, begins(task), step_s, law, mind.occupancy,
    )  # fmt: skip
    if siren >= 0:
        stay_aside(law, siren, mind.lines, mind.occupancy)
    sample_profiles(state.speed_mps, state.acceleration_mps2, vehicle, mind.profiles)
    if timed:
        aim_profiles(mind.lines, state, mind.profiles, task, vehicle)
    for i in range(mind.lines.used[0]):
        look_ahead(mind.lines, i, mind.occupancy)
        wish = math.inf
        if timed:
            _, wish = pace(mind.lines, mind.paths, i, task, 0.0, 0.0)
        follow(mind.lines, i, state.speed_mps, state.acceleration_mps2, max(1.0, wish), mind.occupancy, mind.profiles)
    passing = to_pass(m, vehicle, mind.paths, mind.lines, tracks, seen.signals, mind.occupancy)
    last_kind, last_target = int(mind.last[LAST_KIND]), mind.last[LAST_TARGET]
    press(tracks, mind.predictions, mind.paths, vehicle, mind.profiles, mind.pressed)
    effort, shared = efforts(mind.profiles, mind.pressed, task), terms(mind.lines, mind.paths, task, passing, waited_s)
    choose(mind.lines, mind.paths, mind.profiles, mind.occupancy, task, effort, shared, last_kind, last_target, mind.choice)
    branch(mind.lines, mind.paths, mind.profiles, mind.occupancy, task, effort, shared, last_kind, last_target, mind.futures, mind.choice)
    passed = guard(mind.lines, mind.profiles, mind.occupancy, tracks, mind.choice, 0, BEST, step_s, mind.stop)
    if passed == NOTHING:
        choose_each(mind.lines, mind.paths, mind.profiles, mind.occupancy, task, effort, shared, last_kind, last_target, mind.choice)
        passed = guard(mind.lines, mind.profiles, mind.occupancy, tracks, mind.choice, BEST, CANDIDATES, step_s, mind.stop)
    if passed == NOTHING:
        stop_on(mind.lines, mind.profiles, mind.occupancy, tracks, mind.predictions, state, vehicle, step_s, mind.stop)
    mind.last[LANE] = lane
    if not timed:
        back_out(
            m, state, vehicle, mind.paths, mind.lines, tracks, mind.predictions, mind.occupancy, mind.memory, step_s,
            mind.back,
        )  # fmt: skip
    if passed == NOTHING and mind.stop.now_s[0] >= 0.0:
        mind.last[LINE] = NOTHING
        explain_stop(mind.occupancy, mind.lines, tracks, mind.reason)
        stopping = act_stop(mind.stop, state, step_s, vehicle)
        _note(mind, Rule.STOP, seen.time_s, stopping.acceleration_mps2)
        return stopping
    # Nothing verified and nothing held happens only where a drive begins in danger: then the best candidate is the best there is.
    k = max(0, passed)
    i, row = mind.choice.line[k], mind.choice.profile[k]
    if mind.choice.cost[k] == np.inf:
        mind.last[LINE] = NOTHING
        explain_stop(mind.occupancy, mind.lines, tracks, mind.reason)
        return Command(-vehicle.braking_max_mps2, -state.steering_rad / step_s, 1.0)
    mind.last[LAST_KIND], mind.last[LAST_TARGET] = mind.paths.path[mind.lines.line[i].path].kind, mind.lines.line[i].target
    mind.last[LINE], mind.last[PROFILE] = i, row
    explain(mind.lines, mind.paths, mind.profiles, mind.occupancy, tracks, task, i, row, mind.reason)
    if siren >= 0:
        mind.reason[REASON_SLOT], mind.reason[SUBJECT] = _SIREN, tracks[siren].id
    asked = act(mind.lines, i, mind.profiles, row, state, step_s, vehicle)
    if passed != 0:
        _note(mind, Rule.NEXT_BEST if passed > 0 else Rule.UNVERIFIED, seen.time_s, asked.acceleration_mps2)
    log = mind.interventions
    return answer(asked, leaves, mind.paths, tracks, state, vehicle, seen.time_s, step_s, mind.duties, log, mind.reason)


@kernel
def _note(mind: Mind, rule: int, now_s: float, given: float) -> None:
    tracks, log = mind.perception.tracks, mind.interventions
    note_choice(rule, mind.lines, mind.profiles, mind.occupancy, mind.choice, tracks, now_s, given, log)


@kernel
def _offsets(mind: Mind, vehicle: VehicleParameters) -> None:
    """Where each goal's own region lies beside each path: the nearest middle that is beside it."""
    for p in range(PATHS):
        mind.goal_offsets[p] = math.nan
        if mind.paths.path[p].kind < 0:
            continue
        for k in range(len(mind.centres)):
            offset = offset_of(mind.paths, p, mind.centres[k, 0], mind.centres[k, 1], vehicle)
            if abs(offset) < 2.5:
                mind.goal_offsets[p] = offset
