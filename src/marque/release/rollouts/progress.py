"""How far a roll-out is, for pages and commands: the figures, why it stands where it stands, and how long it will take."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from marque.alliance import decisions
from marque.car.attacks import Attack
from marque.foundation import Transaction
from marque.release.rollouts import rules, store
from marque.release.rollouts.model import Counts, Done, Filing, Road, Rollout, State
from marque.release.rollouts.rules import Cause, Wait

HISTORY = 200
PACE = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Of a roll-out, for pages. counts, road: over all groups. per_hour: cars that finished in the last hour.

    left: how long it takes until every car has answered, at the pace of the last hour; None where there is no pace.
    waits_for: organisations whose approval is missing. waits: why the group whose turn it is does not pass. filings: of every market in
    which it has cars. history: the last first.
    """

    rollout: Rollout
    counts: Counts
    road: Road
    per_hour: float
    left: timedelta | None
    waits_for: tuple[str, ...]
    waits: tuple[Wait, ...]
    filings: Mapping[str, Filing]
    history: tuple[Done, ...]


def total(counts: Iterable[Counts]) -> Counts:
    """Of several groups together."""
    listed = tuple(counts)
    refusals: dict[Attack, int] = {}
    for one in listed:
        for attack, many in one.refusals.items():
            refusals[attack] = refusals.get(attack, 0) + many
    sums = {name: sum(getattr(one, name) for one in listed) for name in Counts.__dataclass_fields__ if name != "refusals"}
    return Counts(**sums, refusals=refusals)


def of(tx: Transaction, rollout: Rollout) -> Progress:
    """Of a roll-out that the asker sees."""
    counts = total(one.counts for one in rollout.groups)
    road = Road(
        sum(one.road.km for one in rollout.groups),
        sum(one.road.disengagements for one in rollout.groups),
        sum(one.road.minimal_risk for one in rollout.groups),
    )
    entries = store.filings(tx, store.area_of(rollout.lead, rollout.programme), rollout.release)
    markets = sorted({market for one in rollout.groups for market in one.markets} | set(entries))
    filed = {one: entries[one].state if one in entries else Filing.NOT_FILED for one in markets}
    pace = store.finished_since(tx, rollout, tx.now - PACE)
    todo = counts.waiting + counts.offered + counts.retry
    left = PACE * (todo / pace) if pace and not rollout.state.over else None
    waited = decisions.one(tx, rollout.decision).waited_for() if rollout.decision is not None and not rollout.state.over else ()
    return Progress(
        rollout=rollout, counts=counts, road=road, per_hour=float(pace), left=left,
        waits_for=waited, waits=_waits(tx, rollout, filed), filings=filed, history=tuple(store.history(tx, rollout.id, HISTORY)),
    )  # fmt: skip


def _waits(tx: Transaction, rollout: Rollout, filed: Mapping[str, Filing]) -> tuple[Wait, ...]:
    if rollout.state.over:
        return ()
    if rollout.state is State.WAITING or (rollout.state is State.HALTED and rollout.decision is not None):
        return (Wait(Cause.APPROVAL),)
    if rollout.state is not State.RUNNING:
        return (Wait(Cause.HELD, {"state": str(rollout.state)}),)
    if not any(one.counts.cars for one in rollout.groups):
        return (Wait(Cause.CARS),)
    current = rollout.current
    return rules.waits(current, filed, tx.now) if current is not None else ()
