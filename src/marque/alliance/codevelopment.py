"""The door from requirements, decisions and transitions to the audit log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from marque.alliance import audit
from marque.alliance.access import Area
from marque.foundation import Transaction


def record(tx: Transaction, area: Area, kind: str, body: Mapping[str, Any], *, seeing: bool = False) -> None:
    """Into the audit log: for the actor's organisation and those with a role in the area, or (seeing) those who see all of it."""
    others = tx.value("select alliance.concerned(%s, %s, %s, %s)", (area.lead, area.programme, area.process, seeing))
    record_for(tx, sorted({tx.actor.organisation, *others}), kind, body)


def record_for(tx: Transaction, concerned: Sequence[str], kind: str, body: Mapping[str, Any]) -> None:
    """Into the audit log, for these organisations."""
    audit.append(tx, concerned, kind, body)
