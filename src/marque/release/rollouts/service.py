"""Roll-outs as people and programs use them.

Acts of people go through the gate of the area where releases are signed; a partner who decides there may stop any roll-out and start none.
What the server does on its own (`offers`, `record`, `assign`, `advance`) runs as the organisation whose cars they are, under row-level
security alone: whoever calls it has asked for itself who the car is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from marque.alliance.access import Area
from marque.alliance.model import Process
from marque.foundation import Transaction
from marque.release.rollouts.model import CarEvent, Filing, FilingEntry, Offer, Plan, Progress, Rollout

PAGE = 50


def area_of(lead: str, programme: UUID) -> Area:
    """Where roll-outs are decided."""
    return Area(lead, programme, Process.RELEASE_SIGNATURE)


def draft(tx: Transaction, lead: str, programme: UUID, plan: Plan) -> Rollout:
    """A roll-out of a published release, by the organisation whose cars they are.

    Raises Missing, Denied without the right to propose, Refused for a plan that does not hold together or a release that is not published.
    """
    raise NotImplementedError


def launch(tx: Transaction, rollout: UUID) -> Rollout:
    """Ask who decides (subject `rollout/<id>`); it starts with the last approval. Who asks has approved for its own side, if it may decide.

    Raises Missing, Denied, Refused.
    """
    raise NotImplementedError


def pause(tx: Transaction, rollout: UUID, reason: str) -> Rollout:
    """Nothing more is handed out until it is resumed. By anybody who decides there. Raises Missing, Denied, Refused."""
    raise NotImplementedError


def resume(tx: Transaction, rollout: UUID, reason: str = "") -> Rollout:
    """Of a paused one: by its own organisation. Of a halted one: asks who decides anew, and goes on with the last approval.

    Raises as `pause`.
    """
    raise NotImplementedError


def halt(tx: Transaction, rollout: UUID, reason: str) -> Rollout:
    """Stop it, so that it goes on only by a new decision of all. By either partner that decides, alone. Raises as `pause`."""
    raise NotImplementedError


def cancel(tx: Transaction, rollout: UUID, reason: str) -> Rollout:
    """End it for good, by its own organisation. What cars have, they keep. Raises as `pause`."""
    raise NotImplementedError


def one(tx: Transaction, rollout: UUID) -> Rollout:
    """Raises Missing."""
    raise NotImplementedError


def page(tx: Transaction, lead: str, programme: UUID, before: UUID | None = None, limit: int = PAGE) -> list[Rollout]:
    """The newest roll-outs of a programme first. Raises Missing."""
    raise NotImplementedError


def progress(tx: Transaction, rollout: UUID) -> Progress:
    """How far it is, why it stands where it stands, and what happened. Raises Missing."""
    raise NotImplementedError


def file(
    tx: Transaction, lead: str, programme: UUID, release: UUID, market: str, state: Filing, *, reference: str = "", note: str = ""
) -> FilingEntry:
    """Record where a release stands with a market's authority; the last entry holds. Raises Missing, Denied, Refused."""
    raise NotImplementedError


def filings(tx: Transaction, lead: str, programme: UUID, release: UUID) -> Mapping[str, FilingEntry]:
    """The last entry of each market that has one."""
    raise NotImplementedError


def offers(tx: Transaction, lead: str, programme: UUID, cars: Sequence[str]) -> list[Offer]:
    """What each of these cars is to have now, at most one release for each; hands out to those whose turn it is, before this is committed.

    As the organisation whose cars they are. Asked again, it answers the same until the car has answered.
    """
    raise NotImplementedError


def record(tx: Transaction, lead: str, programme: UUID, events: Iterable[CarEvent]) -> int:
    """Take in what cars told; returns how many were new. Halts a roll-out in this transaction where a threshold or the road says so.

    As the organisation whose cars they are. Idempotent by car and counter of the manifest; one event for each.
    """
    raise NotImplementedError


def assign(tx: Transaction, rollout: UUID, cars: Sequence[str] | None = None) -> int:
    """Put cars of the fleet into their groups: these, or all that are in none yet. Returns how many were put."""
    raise NotImplementedError


def advance(tx: Transaction, rollout: UUID) -> Rollout:
    """Do what is due: cars that are new, groups that pass, open, wait or halt. Any number of times, by anybody at the same time."""
    raise NotImplementedError


def stop_releases(tx: Transaction, releases: Sequence[UUID], reason: str) -> list[UUID]:
    """Halt every roll-out of withdrawn releases in this transaction, whoever of the partners acts; returns those halted."""
    raise NotImplementedError
