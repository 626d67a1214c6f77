"""What the worker does for roll-outs: goes on with each of them, makes records, and hears of decisions and withdrawn releases."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from uuid import UUID

import structlog

from marque.common import Missing, Unavailable
from marque.foundation import Actor, Database, Event, Job, Registry, Transaction
from marque.foundation.embedded import Addresses
from marque.release.repository.keys import Signer
from marque.release.rollouts import records, server
from marque.release.rollouts.server import ADVANCE

_log = structlog.get_logger("marque.rollouts")

MOST_PORTIONS = 1_000
"""Of records, in one run for one organisation, each a transaction of its own."""


def register(registry: Registry, addresses: Addresses, signer: Callable[[], Signer]) -> None:
    """Jobs and handlers. signer: the server's key for records, asked for when there is something to sign."""
    registry.job(ADVANCE, advance_one)
    registry.every("* * * * *", "advance-rollouts", lambda database, job: advance_due(database, job, addresses))
    registry.every("* * * * *", "make-update-records", lambda database, job: make_records(database, job, addresses, signer))
    registry.on("alliance.decision-taken", "go-on-with-rollout", on_decision)
    registry.on("alliance.decision-rejected", "go-on-with-rollout", on_decision)
    registry.on("release.withdrawn", "halt-rollouts", on_withdrawn)


def advance_one(database: Database, job: Job) -> None:
    """Go on with a roll-out of the job's organisation."""
    _advance(database, job, job.organisation, UUID(job.body["rollout"]))


def advance_due(database: Database, job: Job, addresses: Addresses) -> None:
    """Go on with every roll-out that waits, runs, or was asked about anew. One that fails keeps no other from going on."""
    with Database(addresses.worker, database.clock, connections=1) as worker, worker.transaction() as tx:
        due = tx.connection.execute("select organisation, rollout from release.due_rollouts()").fetchall()
    failed: list[Exception] = []
    for organisation, rollout in due:
        _unless_stopping(job)
        try:
            _advance(database, job, organisation, rollout)
        except Exception as fault:
            _log.warning("rollout-not-advanced", rollout=str(rollout), fault=type(fault).__name__)
            failed.append(fault)
    if failed:
        raise failed[0]


def make_records(database: Database, job: Job, addresses: Addresses, signer: Callable[[], Signer]) -> None:
    """Sign the records of updates that have ended, in portions."""
    with Database(addresses.worker, database.clock, connections=1) as worker, worker.transaction() as tx:
        organisations = [one for (one,) in tx.connection.execute("select release.unrecorded()").fetchall()]
    for organisation in organisations:
        for _ in range(MOST_PORTIONS):
            _unless_stopping(job)
            with database.transaction(Actor(organisation, purpose=f"job {job.name}")) as tx:
                if not records.make(tx, signer()):
                    break


def on_decision(tx: Transaction, event: Event) -> None:
    """A decision about a roll-out was answered: its own organisation's worker goes on at once, another's with the next minute."""
    kind, _, rest = str(event.body.get("subject", "")).partition("/")
    if kind == "rollout" and tx.value(
        "select true from release.rollout where organisation = %s and id = %s", (event.organisation, rest[:36])
    ):
        tx.defer(ADVANCE, {"rollout": rest[:36]}, once=rest[:36])


def on_withdrawn(tx: Transaction, event: Event) -> None:
    """Evidence was withdrawn: what was not halted with it is halted now."""
    server.stop_releases(tx, [UUID(str(event.body["release"]))], str(event.body.get("reason", "")))


def _advance(database: Database, job: Job, organisation: str, rollout: UUID) -> None:
    """One step; a roll-out with more cars than one transaction takes has put the next one into the queue."""
    with database.transaction(Actor(organisation, purpose=f"job {job.name}")) as tx, suppress(Missing):  # of another, by a new agreement
        server.advance(tx, rollout)


def _unless_stopping(job: Job) -> None:
    if job.stopping():
        raise Unavailable("the worker is ending; the rest is done by the next one")
