"""What may be done to a roll-out, and what follows from what its cars told: pure functions on values. No clock, no database.

A running roll-out moves by `step`, one event at a time, until there is none: the group whose turn it is opens once every market in which
it has cars is cleared; it passes once enough of it has answered, well enough, long enough and far enough driven; and a threshold that is
broken in any group that was ever opened halts the whole, before anything else is considered.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from fractions import Fraction

from marque.common import Refusal
from marque.release.rollouts import looks
from marque.release.rollouts.model import (
    Act,
    Counts,
    FieldLimits,
    Filing,
    Group,
    GroupState,
    Plan,
    Road,
    Standing,
    State,
    Thresholds,
)

MOST_GROUPS, MOST_NAMED, LONGEST_NAME = 50, 10_000, 120
LONGEST = timedelta(days=365)
PER_KM = 1_000.0
"""Limits of the road are per so many km."""


@dataclass(frozen=True)
class Opened:
    """A group's release is handed to its cars from now on."""

    number: int


@dataclass(frozen=True)
class WaitsForFiling:
    """A group's turn has come, and these markets are not cleared."""

    number: int
    markets: tuple[str, ...]


@dataclass(frozen=True)
class Passed:
    number: int


@dataclass(frozen=True)
class Halted:
    """why: as told to people. number: the group in which it was seen."""

    number: int
    why: Refusal


@dataclass(frozen=True)
class Finished:
    """Every group has passed and every car has answered."""


Event = Opened | WaitsForFiling | Passed | Halted | Finished


class Cause(StrEnum):
    """Why a group does not pass, or its cars are not handed the release.

    cars: none of the fleet meets the conditions of any group, so that nothing could be seen before others join.
    """

    APPROVAL = "approval"
    FILING = "filing"
    CARS = "cars"
    SOAK = "soak"
    ANSWERS = "answers"
    SUCCESS = "success"
    DISTANCE = "distance"
    RATE = "rate"
    WINDOW = "window"
    HELD = "held"


@dataclass(frozen=True)
class Wait:
    """details: what is there and what is needed, as text by name, as of a Refusal."""

    cause: Cause
    details: Mapping[str, str] = field(default_factory=dict)


_FROM: Mapping[Act, tuple[frozenset[State], State]] = {
    Act.LAUNCH: (frozenset({State.DRAFT}), State.WAITING),
    Act.START: (frozenset({State.WAITING}), State.RUNNING),
    Act.RETURN: (frozenset({State.WAITING}), State.DRAFT),
    Act.PAUSE: (frozenset({State.RUNNING}), State.PAUSED),
    Act.RESUME: (frozenset({State.PAUSED, State.HALTED}), State.RUNNING),
    Act.ASK_RESUME: (frozenset({State.HALTED}), State.HALTED),
    Act.HALT: (frozenset({State.RUNNING, State.PAUSED}), State.HALTED),
    Act.WITHDRAW: (frozenset({State.DRAFT, State.WAITING, State.RUNNING, State.PAUSED, State.HALTED}), State.HALTED),
    Act.CANCEL: (frozenset({State.DRAFT, State.WAITING, State.RUNNING, State.PAUSED, State.HALTED}), State.CANCELLED),
    Act.FINISH: (frozenset({State.RUNNING}), State.FINISHED),
}
OF_EITHER = frozenset({Act.PAUSE, Act.HALT, Act.WITHDRAW})
"""What an organisation that decides there may do to the roll-out of another: stopping alone."""


def act(state: State, done: Act, *, own: bool) -> State | Refusal:
    """The state that an act leads to. own: whether it is of the acting organisation. The database holds the same table."""
    before, after = _FROM[done]
    if not own and done not in OF_EITHER:
        return Refusal("a roll-out is moved on by its own organisation; others that decide may pause and halt it")
    if state not in before:
        return Refusal("this is not possible in the state of the roll-out", {"state": str(state)})
    return after


def planned(plan: Plan) -> Plan | Refusal:
    """The plan, when it holds together."""
    if not 0 < len(plan.name.strip()) <= LONGEST_NAME or "\0" in plan.name:
        return Refusal("a roll-out has a name of at most 120 characters")
    if not 0 < len(plan.groups) <= MOST_GROUPS:
        return Refusal("a roll-out has between 1 and 50 groups")
    names = [one.name for one in plan.groups]
    if len(set(names)) < len(names):
        return Refusal("two groups of a roll-out have one name", {"group": next(one for one in names if names.count(one) > 1)})
    for group in plan.groups:
        if (wrong := _fits(group)) is not None:
            return replace(wrong, details={"group": group.name} | wrong.details)
    return plan


def step(groups: Sequence[Standing], filed: Mapping[str, Filing], now: datetime) -> Event | None:
    """What happens next to a running roll-out, if anything does. One that has no car waits: a group is no test of what came after it."""
    for one in groups:
        if one.state in {GroupState.OPEN, GroupState.PASSED} and (why := halts(one, filed)) is not None:
            return Halted(one.number, why)
    if not any(one.counts.cars for one in groups):
        return None
    current = next((one for one in groups if one.state is not GroupState.PASSED), None)
    if current is None:
        return Finished() if all(_quiet(one.counts) for one in groups) else None
    if current.state is GroupState.OPEN:
        return Passed(current.number) if not _waits(current, now) else None
    if barred := _barred(current, filed):
        return WaitsForFiling(current.number, barred) if current.state is GroupState.PENDING else None
    return Opened(current.number)


def applied(groups: Sequence[Standing], event: Event, now: datetime) -> tuple[Standing, ...]:
    """The groups after an event of theirs."""
    match event:
        case Opened(number):
            changed = replace(groups[number], state=GroupState.OPEN, opened_at=now)
        case WaitsForFiling(number):
            changed = replace(groups[number], state=GroupState.FILING)
        case Passed(number):
            changed = replace(groups[number], state=GroupState.PASSED, passed_at=now)
        case _:
            return tuple(groups)
    return (*groups[: changed.number], changed, *groups[changed.number + 1 :])


def since_accepted(standing: Standing) -> Standing:
    """The group with what was told since those who decide last agreed to go on, as if it were all there is."""
    counts, had, road, drove = standing.counts, standing.accepted, standing.road, standing.accepted_road
    new = {name: max(0, getattr(counts, name) - getattr(had, name)) for name in ("done", "failed", "retry")}
    return replace(
        standing, counts=replace(counts, cars=max(0, counts.cars - had.answered), **new),
        road=Road(max(0.0, road.km - drove.km), road.disengagements - drove.disengagements, road.minimal_risk - drove.minimal_risk),
    )  # fmt: skip


def halts(standing: Standing, filed: Mapping[str, Filing]) -> Refusal | None:
    """Why a group that is being handed the release halts its roll-out; None: it does not."""
    if barred := _barred(standing, filed):
        return Refusal("a market of the group is not cleared any more", {"group": standing.group.name, "markets": ", ".join(barred)})
    new = since_accepted(standing)
    return _cars_halt(new) or _road_halts(new)


def waits(standing: Standing, filed: Mapping[str, Filing], now: datetime) -> tuple[Wait, ...]:
    """Why a group does not pass: every cause, in the order in which they are looked at. Empty: it passes."""
    if standing.state is GroupState.PASSED:
        return ()
    if barred := _barred(standing, filed):
        states = ", ".join(f"{one} {filed.get(one, Filing.NOT_FILED)}" for one in barred)
        return (Wait(Cause.FILING, {"markets": states}),)
    if standing.state is not GroupState.OPEN:
        return (Wait(Cause.HELD),)
    return _waits(standing, now)


def _waits(standing: Standing, now: datetime) -> tuple[Wait, ...]:
    """Of an open group."""
    standing = since_accepted(standing)
    group, counts, found = standing.group, standing.counts, list[Wait]()
    if counts.expected == 0:
        return ()
    opened = standing.opened_at or now
    if now < opened + group.soak:
        found.append(Wait(Cause.SOAK, {"until": (opened + group.soak).isoformat()}))
    if group.window is not None and not group.window.holds(now) and counts.answered < counts.expected:
        found.append(Wait(Cause.WINDOW, {"from": group.window.start.isoformat("minutes"), "until": group.window.end.isoformat("minutes")}))
    needed = least_answers(group.thresholds, counts)
    if counts.answered < needed:
        found.append(Wait(Cause.ANSWERS, {"answered": str(counts.answered), "needed": str(needed)}))
    elif (
        counts.done < _exact(group.thresholds.success) * counts.answered or counts.broken > _exact(group.thresholds.error) * counts.expected
    ):
        found.append(Wait(Cause.SUCCESS, {"done": str(counts.done), "answered": str(counts.answered), "broken": str(counts.broken)}))
    return (*found, *_road_waits(group.road, standing.road))


def least_answers(thresholds: Thresholds, counts: Counts) -> int:
    """How many cars of a group have to have answered before it may pass; never more than can."""
    return min(counts.expected, max(thresholds.least, math.ceil(_exact(thresholds.reported) * counts.expected)))


def may_fail(thresholds: Thresholds, counts: Counts) -> Fraction:
    """So many cars of a group may fail."""
    return _exact(thresholds.error) * counts.expected


def _barred(standing: Standing, filed: Mapping[str, Filing]) -> tuple[str, ...]:
    return tuple(one for one in standing.markets if not filed.get(one, Filing.NOT_FILED).clears)


def _quiet(counts: Counts) -> bool:
    return counts.waiting == counts.offered == counts.retry == 0


def _cars_halt(standing: Standing) -> Refusal | None:
    """By what cars told: surely, when the best that can still come is not good enough; or shown by a test that may look at every car."""
    limits, counts = standing.group.thresholds, standing.counts
    told = {"group": standing.group.name, "failed": str(counts.failed), "cars": str(counts.expected)}
    if counts.failed > may_fail(limits, counts):
        return Refusal("more cars of the group have failed than may", told | {"limit": _percent(limits.error)})
    if counts.expected - counts.failed < _exact(limits.success) * counts.expected:
        return Refusal("too few cars of the group can still succeed", told | {"limit": _percent(limits.success)})
    if looks.share_is_above(counts.broken, counts.answered, limits.error, limits.confidence):
        told = {"group": standing.group.name, "broken": str(counts.broken), "answered": str(counts.answered)}
        return Refusal("cars of the group are shown to fail more often than may be", told | {"limit": _percent(limits.error)})
    return None


def _road_halts(standing: Standing) -> Refusal | None:
    limits, road = standing.group.road, standing.road
    told = {"group": standing.group.name, "km": f"{road.km:.0f}"}
    if _above(limits.disengagements, road.disengagements, road, limits):
        told |= {"seen": str(road.disengagements), "limit per 1,000 km": f"{limits.disengagements:g}"}
        return Refusal("disengagements are shown to be more frequent than may be", told)
    if _above(limits.minimal_risk, road.minimal_risk, road, limits):
        told |= {"seen": str(road.minimal_risk), "limit per 1,000 km": f"{limits.minimal_risk:g}"}
        return Refusal("minimal-risk manoeuvres are shown to be more frequent than may be", told)
    return None


def _above(limit: float | None, seen: int, road: Road, limits: FieldLimits) -> bool:
    return limit is not None and looks.rate_is_above(seen, road.km / PER_KM, limit, limits.confidence)


def _road_waits(limits: FieldLimits, road: Road) -> list[Wait]:
    found = list[Wait]()
    if road.km < limits.least_km:
        found.append(Wait(Cause.DISTANCE, {"km": f"{road.km:.0f}", "needed": f"{limits.least_km:.0f}"}))
    for name, limit, seen in (
        ("disengagements", limits.disengagements, road.disengagements),
        ("minimal-risk manoeuvres", limits.minimal_risk, road.minimal_risk),
    ):
        if limit is not None and seen * PER_KM > limit * road.km:
            found.append(Wait(Cause.RATE, {"of": name, "seen": str(seen), "km": f"{road.km:.0f}", "limit per 1,000 km": f"{limit:g}"}))
    return found


def _fits(group: Group) -> Refusal | None:
    limits, road = group.thresholds, group.road
    if not 0 < len(group.name.strip()) <= LONGEST_NAME or "\0" in group.name:
        return Refusal("a group has a name of at most 120 characters")
    if not 0 < group.percent <= 100 or group.share == 0:
        return Refusal("a group's share is above 0 and at most 100 percent")
    if max(map(len, (group.models, group.markets, group.features, group.cars))) > MOST_NAMED:
        return Refusal("a group names at most 10,000 models, markets, features or cars")
    if not (0 <= limits.success <= 1 and 0 <= limits.error <= 1 and 0 <= limits.reported <= 1 and limits.least >= 0):
        return Refusal("thresholds are shares between 0 and 1, and a number of cars")
    if not (0.5 <= limits.confidence < 1 and 0.5 <= road.confidence < 1):
        return Refusal("a confidence is at least 0.5 and below 1")
    if any(one is not None and not 0 <= one < math.inf for one in (road.disengagements, road.minimal_risk, road.least_km)):
        return Refusal("limits of the road are numbers from 0 on")
    if (road.disengagements is not None or road.minimal_risk is not None) and road.least_km <= 0:
        return Refusal("a limit of the road needs a least distance: without one, a group passes before anybody has driven")
    if not all(timedelta() <= one <= LONGEST for one in (group.soak, group.retry_after, group.silent_after)):
        return Refusal("times of a group are between none and a year")
    if not (1 <= group.attempts <= 20 and group.at_once >= 0):
        return Refusal("a group has between 1 and 20 attempts, and no negative number at once")
    return None


def _exact(share: float) -> Fraction:
    """As it is written: 0.29 of 100 cars are 29."""
    return Fraction(str(share))


def _percent(share: float) -> str:
    return f"{share * 100:g} %"
