"""What the guard did to the plan: every intervention an entry, whoever asks for it afterwards; bounded, whatever the drive is like."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple

import numpy as np

from marque.common import Floats, Ints, Records
from marque.vehicle import kernel

KEPT = 64
"""Entries kept of one drive; later ones are only counted."""
_SAME_S = 1.0
"""The same rule for the same road user within this time is one intervention."""
_RECENT = 8


class Rule(IntEnum):
    """Which of the guard's rules changed what the planner asked for."""

    FOLLOWING = 0
    """RSS, of the one ahead."""
    ONCOMING = 1
    """RSS, of somebody who comes towards the car in its way."""
    BESIDE = 2
    """RSS, across the road."""
    CROSSING = 3
    """RSS, where ways cross or join."""
    NEXT_BEST = 4
    """The planner's first choice had no verified stop; another candidate of its was driven."""
    STOP = 5
    """No candidate had one; the stopping trajectory held was driven."""
    UNVERIFIED = 6
    """Nothing was verified and nothing held (a drive that begins in danger): the planner's best was driven."""


RULES = len(Rule)
ENTRY = np.dtype(
    [
        ("since", "f8"),  # s, time of the observation that first called for it, and of the last one
        ("until", "f8"),
        ("rule", "i8"),  # `Rule`
        ("subject", "i8"),  # id of the road user, −1 none
        ("x", "f8"),  # where that one was when it began; nan for none
        ("y", "f8"),
        ("planned", "f8"),  # m/s² the planner asked for, where the guard changed it most; across the road, left positive, for BESIDE
        ("given", "f8"),  # m/s² that it got
    ]
)


class Interventions(NamedTuple):
    """The log of one drive. counts: (2,) entries kept, interventions there were."""

    entry: Records  # (KEPT,) ENTRY
    counts: Ints
    watched_s: Floats  # (RULES,) s in which somebody was too near by the rule as published, enforced or not


def no_interventions() -> Interventions:
    return Interventions(np.zeros(KEPT, ENTRY), np.zeros(2, np.int32), np.zeros(RULES))


@kernel
def note(log: Interventions, now_s: float, rule: int, subject: int, x: float, y: float, planned: float, given: float) -> None:
    """Log what was done in this cycle: a new entry, or more of a recent one."""
    kept = log.counts[0]
    for k in range(kept - 1, max(-1, kept - 1 - _RECENT), -1):
        if log.entry[k].rule == rule and log.entry[k].subject == subject and now_s - log.entry[k].until < _SAME_S:
            log.entry[k].until = now_s
            if abs(planned - given) > abs(log.entry[k].planned - log.entry[k].given):
                log.entry[k].planned, log.entry[k].given = planned, given
            return
    log.counts[1] += 1
    if kept < KEPT:
        log.entry[kept].since = log.entry[kept].until = now_s
        log.entry[kept].rule, log.entry[kept].subject, log.entry[kept].x, log.entry[kept].y = rule, subject, x, y
        log.entry[kept].planned, log.entry[kept].given = planned, given
        log.counts[0] = kept + 1


@dataclass(frozen=True, slots=True)
class Intervention:
    """One entry of the log, for people."""

    since_s: float
    until_s: float
    rule: str
    """Name of the `Rule`, lower case."""
    subject: int | None
    """Id of the road user it was for."""
    at_m: tuple[float, float] | None
    """Where that one was."""
    planned_mps2: float
    given_mps2: float


@dataclass(frozen=True, slots=True)
class GuardLog:
    """What the guard did in one drive."""

    interventions: tuple[Intervention, ...] = ()
    """In order of time; at most KEPT."""
    count: int = 0
    """How many there were."""
    too_near_s: dict[str, float] = field(default_factory=dict)
    """Seconds in which a rule of RSS as published was broken by somebody's nearness, by rule; enforced or not."""


def told(log: Interventions) -> GuardLog:
    """The log for people."""
    entries = []
    for one in log.entry[: log.counts[0]]:
        known = not math.isnan(one["x"])
        entries.append(
            Intervention(
                float(one["since"]),
                float(one["until"]),
                Rule(int(one["rule"])).name.lower(),
                int(one["subject"]) if known else None,
                (float(one["x"]), float(one["y"])) if known else None,
                float(one["planned"]),
                float(one["given"]),
            )
        )
    near = {Rule(rule).name.lower(): round(float(s), 3) for rule, s in enumerate(log.watched_s) if s > 0.0}
    return GuardLog(tuple(entries), int(log.counts[1]), near)
