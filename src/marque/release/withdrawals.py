"""Evidence that counts no longer: stopped here at once, and told to cars by a list that the organisation's own key signs.

Stopping takes one person of either party and a reason, and is done when the transaction commits: every release that rests on the evidence
is withdrawn (`releases.distributable` leaves it out), roll-outs follow by the event `release.withdrawn`. The signed list comes after it and
needs a person's key, not one of the server's: who breaks into the server shall not be able to switch a fleet's features off for ever.
"""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from marque.foundation import Transaction
from marque.release.model import Withdrawn


def withdraw(tx: Transaction, lead: str, programme: UUID, evidence: str, reason: str) -> Withdrawn:
    """evidence: SHA-256 of the sealed file. Opens the change of the acting organisation's list. Raises Missing, Denied, Refused (twice)."""
    raise NotImplementedError


def page(tx: Transaction, lead: str, programme: UUID) -> list[Withdrawn]:
    """Everything withdrawn in a programme, the newest first. Raises Missing."""
    raise NotImplementedError


def among(tx: Transaction, lead: str, programme: UUID, evidence: Collection[str]) -> frozenset[str]:
    """Those of these that were withdrawn. By row-level security alone."""
    raise NotImplementedError
