"""Releases and roll-outs in their reader's words: the way of a release, what a roll-out has done, shares, rates and spans of time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from marque.app import reasons
from marque.app.words import Words
from marque.car.attacks import Attack
from marque.common import Refusal, Refused
from marque.release.model import Release, Repository, Stage, Waiting, What
from marque.release.rollouts.model import Counts, Done, Rollout, Standing, State
from marque.release.rollouts.progress import Progress
from marque.release.rollouts.rules import Wait

_HOUR_S, _DAY_S = 3600, 86_400


@dataclass(frozen=True)
class Step:
    """Of a release's way. state: done, now, later, or stopped. waits: of whom, while it is now."""

    name: str
    state: str
    at: datetime | None = None
    waits: tuple[Waiting, ...] = ()


@dataclass(frozen=True)
class GroupRow:
    """A group of a roll-out as a table has it. bars: of the cars that have not left or declined, shares in per cent by state."""

    standing: Standing
    success: str
    error: str
    rates: tuple[tuple[str, str], ...]


def steps(release: Release, waits: Sequence[Waiting], rolled: Sequence[Rollout]) -> list[Step]:
    """draft, proven, signed, published, rolled out: how far it is, and whose turn it is."""
    started = [one for one in rolled if one.state not in {State.DRAFT, State.WAITING, State.CANCELLED}]
    finished = [one for one in started if one.state is State.FINISHED]
    done = {
        "draft": release.created_at,
        "proven": release.evidence.attached_at if release.evidence else None,
        "signed": release.published_at,
        "published": release.published_at,
        "rolled-out": max((one.since for one in finished), default=None),
    }
    at_work = {
        "draft": tuple(one for one in waits if one.what is What.IMAGES),
        "proven": tuple(one for one in waits if one.what is What.EVIDENCE),
        "signed": tuple(one for one in waits if one.what in {What.ASK, What.SIGNATURES, What.KEYS, What.REPOSITORY}),
    }
    found, reached = list[Step](), True
    for name, at in done.items():
        mine = at_work.get(name, ())
        complete = at is not None and not (name == "draft" and mine)
        if complete:
            found.append(Step(name, "done", at))
        elif release.stage is Stage.WITHDRAWN:
            found.append(Step(name, "stopped"))
        else:
            found.append(Step(name, "now" if reached else "later", waits=mine if reached else ()))
            reached = False
    return found


def place_of(waiting: Waiting) -> str:
    """Where what waits is done."""
    home = f"/console/release/programmes/{waiting.lead}/{waiting.programme}"
    if waiting.what in {What.IMAGES, What.EVIDENCE, What.ASK}:
        return f"/console/release/releases/{waiting.subject}"
    if waiting.subject:
        return f"/console/release/changes/{waiting.subject}"
    return f"{home}/repository"


def names_of_keys(repository: Repository) -> dict[str, str]:
    """By key id, the name of who holds it."""
    return {one.key.id: one.name for one in (*repository.named, *repository.keys)}


def groups_told(progress: Progress) -> list[GroupRow]:
    return [_group(one) for one in progress.rollout.groups]


def _group(one: Standing) -> GroupRow:
    counts, road = one.counts, one.road
    rates = [(name, f"{seen / road.km * 1000:.2f}") for name, seen in (
        ("disengagements", road.disengagements), ("minimal-risk", road.minimal_risk),
    ) if road.km]  # fmt: skip
    return GroupRow(one, share(counts.done, counts.answered), share(counts.broken, counts.expected), tuple(rates))


def share(part: int, whole: int) -> str:
    """In per cent; a share of nothing is a dash."""
    return f"{100.0 * part / whole:.1f} %" if whole else "–"


def percent(value: float) -> str:
    """0.985 as 98.5 %."""
    return f"{100.0 * value:.4g} %"


def span(words: Words, given: timedelta) -> str:
    """In days and hours, or hours and minutes, or minutes."""
    seconds = round(given.total_seconds())
    if seconds >= 2 * _DAY_S:
        days, rest = divmod(round(seconds / _HOUR_S), 24)
        return words("span.d", d=days, h=rest) if rest else words("span.days", d=days)
    if seconds >= _HOUR_S:
        hours, minutes = divmod(round(seconds / 60), 60)
        return words("span.h", h=hours, min=minutes) if minutes else words("span.hours", h=hours)
    return words("span.min", min=max(1, round(seconds / 60)))


def pace(words: Words, progress: Progress) -> list[str]:
    """One clause each: how far, how fast, how long still."""
    counts, rollout = progress.counts, progress.rollout
    told = [words("rollout.told.done", done=f"{counts.done:,}", cars=f"{counts.expected:,}", share=share(counts.done, counts.expected))]
    if counts.broken:
        told.append(words("rollout.told.broken", broken=f"{counts.broken:,}"))
    if rollout.state is State.RUNNING:
        if progress.per_hour:
            told.append(words("rollout.told.pace", number=f"{progress.per_hour:,.0f}"))
        if progress.left is not None and counts.waiting + counts.offered + counts.retry:
            told.append(words("rollout.told.left", time=span(words, progress.left)))
    return told


def attacks(counts: Counts) -> list[tuple[Attack, int]]:
    """Refusals by the attack that cars met, the most frequent first."""
    return sorted(counts.refusals.items(), key=lambda one: (-one[1], one[0]))


def why(words: Words, reason: str, details: Mapping[str, str]) -> reasons.Told:
    """Why a roll-out stands where it does: a rule's sentence with its figures, or a person's own words as they are."""
    return reasons.told(words, Refused(Refusal(reason, dict(details))))


def wait_told(words: Words, wait: Wait) -> reasons.Told:
    """One cause for which a group does not pass, with its figures."""
    return reasons.Told(words(f"rollout.wait.{wait.cause}"), facts=why(words, "", wait.details).facts)


def act_told(words: Words, done: Done, names: Mapping[int, str]) -> str:
    """An entry of the history, without who and when."""
    group = names.get(done.group, "") if done.group is not None else ""
    return words(f"rollout.act.{done.act}", group=group)
