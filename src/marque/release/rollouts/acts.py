"""Doing something to a roll-out: the row that moves it, the event, the entry in the audit log; always together."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from marque.alliance.codevelopment import record as into_audit_log
from marque.common import Missing, Refusal, ok
from marque.foundation import Transaction
from marque.release import releases
from marque.release.rollouts import store
from marque.release.rollouts.model import Act, Filing, Rollout
from marque.release.rollouts.store import area_of


def known(tx: Transaction, rollout: UUID) -> Rollout:
    """By row-level security alone."""
    if not (found := store.by_ids(tx, [rollout])):
        raise Missing("roll-out")
    return found[0]


def acted(
    tx: Transaction, held: Rollout, act: Act, *, reason: str = "", details: Mapping[str, str] | None = None, number: int | None = None,
    decision: UUID | None = None,
) -> Rollout:  # fmt: skip
    """Do it, and tell of it; the roll-out as it then is."""
    store.put(tx, held, act, number=number, reason=reason, details=details, decision=decision)
    now = known(tx, held.id)
    told = {"rollout": str(held.id), "release": str(held.release), "act": str(act), "state": str(now.state), "reason": reason}
    told |= {} if number is None else {"group": held.groups[number].group.name}
    tx.emit(f"release.rollout-{act}", told | {"lead": held.lead, "programme": str(held.programme)})
    into_audit_log(tx, area_of(held.lead, held.programme), "release-rollout", told)
    return now


def require_distributable(tx: Transaction, held: Rollout) -> None:
    """Raises Refused."""
    if held.release not in releases.distributable(tx, [held.release]):
        ok(Refusal("only a published release whose evidence holds is rolled out"))


def filed(tx: Transaction, held: Rollout) -> dict[str, Filing]:
    """Where its release stands in the markets that something was recorded of."""
    return {market: entry.state for market, entry in store.filings(tx, area_of(held.lead, held.programme), held.release).items()}
