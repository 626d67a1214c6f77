"""The outbox's other end: events that were committed reach their handlers.

What is kept:
- *Nothing is lost.* An event is in the outbox by the commit of what it tells of, and waits there until every handler of its kind is done.
- *Effect exactly once.* A handler's effects and its row in `foundation.handled` are one transaction; a second delivery finds the row.
- *Order per organisation.* An organisation's events are handled one at a time in the order of their emission, by one worker at a time. Of
  two transactions that overlap, either may count as first. While an event is retried those after it wait; organisations never wait for
  each other. Once an event is parked, those after it go on without it, and when it is released it comes late: a handler that minds looks
  at the present state, not at its event alone.
- *A killed worker holds nothing.* Its turn is an advisory lock of its connection and ends with it; that a delivery was begun is written
  before, so that an event which kills its workers is parked too.

The attempts of an event are counted in its own row, committed before a handler runs. That is why the turn is not a row lock: it could not
be held across those commits.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import psycopg
import structlog
from psycopg.rows import class_row

from marque.common import Unavailable
from marque.foundation import metrics
from marque.foundation.database import Actor, Database
from marque.foundation.log import scrubbed
from marque.foundation.registry import Event, Handler, Retry

if TYPE_CHECKING:
    from collections.abc import Iterator

_log = structlog.get_logger("marque.outbox")

_OPTIONS = "-c statement_timeout=15s -c lock_timeout=5s -c timezone=UTC"
_TAKE_TURN = "select pg_try_advisory_lock(hashtextextended('marque outbox ' || %s, 0))"
_END_TURN = "select pg_advisory_unlock(hashtextextended('marque outbox ' || %s, 0))"
_AS_USUAL = Retry()
_BATCH = 100
_LONGEST_SLEEP_S = 30.0
_OTHERS_TURN_S = 1.0
_SLICE_S = 0.5
_FAILURE_LENGTH = 2000

# One probe of the index per organisation that has something waiting, however much that is.
_HEADS = """
with recursive head as (
    (select organisation, position, due_at from foundation.outbox
     where handled_at is null and parked_at is null order by organisation, position limit 1)
    union all
    select next.* from head, lateral (
        select organisation, position, due_at from foundation.outbox
        where handled_at is null and parked_at is null and organisation > head.organisation order by organisation, position limit 1
    ) as next
)
select organisation, due_at <= %s as due, case when due_at > %s then due_at end as due_at from head order by position"""

_NEXT = """
with head as (
    select organisation, id, due_at from foundation.outbox
    where organisation = %s and handled_at is null and parked_at is null order by position limit 1
)
update foundation.outbox o set attempts = o.attempts + 1, unfinished = o.unfinished + 1 from head
where o.organisation = head.organisation and o.id = head.id and head.due_at <= %s
returning o.organisation, o.id, o.kind, o.body, o.emitted_at, o.attempts, o.failures, o.unfinished"""

_END = """
update foundation.outbox set unfinished = 0, failures = %(failures)s, failure = %(failure)s, due_at = coalesce(%(due_at)s, due_at),
    parked_at = %(parked_at)s, handled_at = %(handled_at)s
where organisation = %(organisation)s and id = %(id)s"""


@dataclass(frozen=True)
class _Delivery(Event):
    failures: int
    unfinished: int


class Dispatcher:
    """Hands events to their handlers. Any number may run, in threads or processes or on machines, on one database."""

    def __init__(
        self,
        worker: str,
        database: Database,
        handlers: Mapping[str, Mapping[str, Handler]],
        retry: Retry = _AS_USUAL,
    ) -> None:
        """worker: how to reach the database as marque_worker, which sees all events and no other row; handlers run through `database`."""
        self._dsn, self._database, self._handlers, self._retry = worker, database, handlers, retry

    def run(self, stop: threading.Event) -> None:
        """Until stop is set; the event under way is finished. Outlives the server's restarts."""
        failures = 0
        while not stop.is_set():
            try:
                with self._connected() as connection:
                    connection.execute("listen marque_outbox")
                    failures = 0
                    while not stop.is_set():
                        self._deliver_due(connection, stop)
                        self._sleep(connection, stop)
            except psycopg.OperationalError as fault:
                failures += 1
                _log.warning("outbox-unreachable", failures=failures, fault=type(fault).__name__)
                stop.wait(Retry(cap_s=_LONGEST_SLEEP_S).delay(failures, "outbox").total_seconds())

    def deliver_due(self) -> int:
        """Everything that is due now, then return how many deliveries were begun. Raises psycopg.OperationalError without a server."""
        with self._connected() as connection:
            return self._deliver_due(connection, threading.Event())

    def _connected(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self._dsn, autocommit=True, options=_OPTIONS, application_name="marque outbox")

    def _deliver_due(self, connection: psycopg.Connection[Any], stop: threading.Event) -> int:
        """In rounds, so that an organisation with many events does not keep the others waiting; a turn that another holds is passed by."""
        delivered = 0
        while True:
            now = self._database.clock.now()
            due = [organisation for organisation, is_due, _ in connection.execute(_HEADS, (now, now)).fetchall() if is_due]
            count = sum(self._deliver(connection, organisation, stop) for organisation in due)
            delivered += count
            if not count or stop.is_set():
                return delivered

    def _deliver(self, connection: psycopg.Connection[Any], organisation: str, stop: threading.Event) -> int:
        with self._turn(connection, organisation) as mine:
            if not mine:
                return 0
            for count in range(_BATCH):
                if stop.is_set():
                    return count
                with connection.cursor(row_factory=class_row(_Delivery)) as cursor:
                    event = cursor.execute(_NEXT, (organisation, self._database.clock.now())).fetchone()
                if event is None:
                    return count
                self._handle(connection, event)
            return _BATCH

    @contextmanager
    def _turn(self, connection: psycopg.Connection[Any], organisation: str) -> Iterator[bool]:
        row = connection.execute(_TAKE_TURN, (organisation,)).fetchone()
        mine = bool(row and row[0])
        try:
            yield mine
        finally:
            if mine:
                with suppress(psycopg.OperationalError):
                    connection.execute(_END_TURN, (organisation,))

    def _handle(self, connection: psycopg.Connection[Any], event: _Delivery) -> None:
        began = time.perf_counter()
        outcome, failures, failure = "handled", event.failures, ""
        if event.unfinished > self._retry.attempts:
            outcome, failure = "parked", f"its delivery was begun {event.unfinished - 1} times and never came to an end"
        else:
            for name, handler in self._handlers.get(event.kind, {}).items():
                try:
                    self._run(name, handler, event)
                except Exception as fault:  # whatever a handler raises is the event's failure, not the worker's
                    failures += not isinstance(fault, Unavailable)
                    outcome = "parked" if failures >= self._retry.attempts else "retried"
                    failure = scrubbed(f"{name}: {type(fault).__name__}: {fault}")[:_FAILURE_LENGTH]
                    break
        now = self._database.clock.now()
        ends = {
            "failures": failures,
            "failure": failure,
            "due_at": now + self._retry.delay(event.attempts, str(event.id)) if outcome == "retried" else None,
            "parked_at": now if outcome == "parked" else None,
            "handled_at": now if outcome == "handled" else None,
        }
        connection.execute(_END, ends | {"organisation": event.organisation, "id": event.id})
        metrics.EVENT_S.labels(event.kind, outcome).observe(time.perf_counter() - began)
        if outcome != "handled":
            told = {"kind": event.kind, "event_id": str(event.id), "organisation": event.organisation, "attempts": event.attempts}
            _log.warning(f"event-{outcome}", failure=failure, **told)

    def _run(self, name: str, handler: Handler, event: Event) -> None:
        with self._database.transaction(Actor(event.organisation, purpose=f"event {event.kind}")) as tx:
            # Written first: a worker that lost its turn by a cut connection waits here for the other's end, and then finds it done.
            first = tx.execute(
                "insert into foundation.handled (organisation, event, handler, at) values (%s, %s, %s, %s) on conflict do nothing",
                (event.organisation, event.id, name, tx.now),
            )
            if first:
                handler(tx, event)

    def _sleep(self, connection: psycopg.Connection[Any], stop: threading.Event) -> None:
        """Until an event is emitted, the next retry is due, or stop; only the socket is watched meanwhile."""
        now = self._database.clock.now()
        heads = connection.execute(_HEADS, (now, now)).fetchall()
        # What is due now has its turn elsewhere; should that worker die, nobody tells.
        waits = [_OTHERS_TURN_S if due else (due_at - now).total_seconds() for _, due, due_at in heads]
        until = time.monotonic() + min([_LONGEST_SLEEP_S, *waits])
        while not stop.is_set() and (left := until - time.monotonic()) > 0:
            if any(True for _ in connection.notifies(timeout=min(left, _SLICE_S), stop_after=1)):
                return


def parked(worker: str) -> list[tuple[Event, str]]:
    """Every parked event and its failure, for who operates the installation. worker: how to reach the database as marque_worker."""
    with psycopg.connect(worker, options=_OPTIONS) as connection:
        rows = connection.execute(
            "select organisation, id, kind, body, emitted_at, attempts, failure from foundation.outbox"
            " where parked_at is not null order by position"
        ).fetchall()
    return [(Event(*row[:6]), row[6]) for row in rows]


def release(worker: str, organisation: str, event: UUID) -> bool:
    """Have a parked event delivered again, with all its tries before it; False when there is none. Handlers that were done are left out."""
    with psycopg.connect(worker, options=_OPTIONS) as connection:
        found = connection.execute(
            "update foundation.outbox set parked_at = null, failures = 0, unfinished = 0, due_at = '-infinity'"
            " where organisation = %s and id = %s and parked_at is not null",
            (organisation, event),
        )
        connection.execute("select pg_notify('marque_outbox', '')")
    return found.rowcount == 1


def forget(worker: str, before: datetime) -> int:
    """Delete what was handled before an instant, with the rows that say so; returns how many. What waits or is parked stays."""
    with psycopg.connect(worker, options="-c statement_timeout=10min -c timezone=UTC") as connection:
        return connection.execute("delete from foundation.outbox where handled_at < %s", (before,)).rowcount
