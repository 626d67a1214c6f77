"""What every act on releases shares: a person does it, those who see the area are told, and the audit log has it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from marque.alliance.access import Action, Area, allowed, require
from marque.alliance.codevelopment import record
from marque.common import Refusal, ok
from marque.foundation import Transaction
from marque.release.model import Release


def by_person(tx: Transaction, action: Action, area: Area) -> UUID:
    """Raises Missing or Denied as the gate says, Refused for a program."""
    require(tx, action, area)
    if tx.actor.person is None:
        ok(Refusal("releases are signed and withdrawn by people: sign in as one"))
    assert tx.actor.person is not None
    return tx.actor.person


def either(tx: Transaction, actions: Sequence[Action], area: Area) -> None:
    """Any of these rights is enough. Raises as the gate does for the last one."""
    for action in actions[:-1]:
        if allowed(tx, action, [area])[0]:
            return require(tx, action, area)
    return require(tx, actions[-1], area)


def told(tx: Transaction, area: Area, kind: str, body: Mapping[str, Any]) -> None:
    """An event `release.KIND` and an entry of the audit log; the last thing that an act does."""
    said = {"lead": area.lead, "programme": str(area.programme), **body}
    tx.emit(f"release.{kind}", said)
    record(tx, area, f"release-{kind}", said, seeing=True)


def about(release: Release) -> dict[str, Any]:
    """What events and entries say of a release."""
    said = {
        "release": str(release.id),
        "name": release.name,
        "version": release.version,
        "model": release.model,
        "counter": release.counter,
    }
    return said | ({"evidence": release.evidence.sha256} if release.evidence else {})
