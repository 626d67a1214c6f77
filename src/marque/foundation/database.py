"""PostgreSQL as the rooms see it: transactions that belong to an organisation.

The server's role owns nothing and is bound by row-level security; who acts is set for one transaction at a time and forgotten with it
(`set_config(…, is_local => true)`), so a connection of the pool carries nothing from one organisation to the next.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import psycopg
from psycopg import errors as pg
from psycopg.rows import class_row
from psycopg_pool import ConnectionPool, PoolTimeout

from marque.common import Refusal, Refused, Unavailable, new_id
from marque.foundation import metrics
from marque.foundation.clock import Clock

Params = Sequence[Any] | Mapping[str, Any]
_Row = TypeVar("_Row")

_OPTIONS = "-c statement_timeout=15s -c lock_timeout=5s -c idle_in_transaction_session_timeout=60s -c timezone=UTC"
_BEGIN = (
    "select set_config('marque.organisation', %s, true), set_config('marque.person', %s, true), set_config('marque.purpose', %s, true),"
    " set_config('marque.instant', %s, true)"
)


@dataclass(frozen=True)
class Actor:
    """Who acts in a transaction: an organisation, a person of it where one is known, and what for."""

    organisation: str
    person: UUID | None = None
    purpose: str = ""


NOBODY = Actor("")
"""Before anybody has signed in: row-level security shows it no tenant's row."""


class Transaction:
    """One transaction of one actor at one instant. Everything done through it happens, or nothing of it."""

    def __init__(self, connection: psycopg.Connection[Any], actor: Actor, now: datetime) -> None:
        self.connection, self.actor, self.now = connection, actor, now

    def rows(self, shape: type[_Row], sql: str, params: Params = ()) -> list[_Row]:
        """Every row, as a value of `shape`, whose fields are named as the columns."""
        with self.connection.cursor(row_factory=class_row(shape)) as cursor:
            return cursor.execute(sql.encode(), params).fetchall()

    def row(self, shape: type[_Row], sql: str, params: Params = ()) -> _Row | None:
        with self.connection.cursor(row_factory=class_row(shape)) as cursor:
            return cursor.execute(sql.encode(), params).fetchone()

    def value(self, sql: str, params: Params = ()) -> Any:
        """The first column of the first row; None without a row."""
        row = self.connection.execute(sql.encode(), params).fetchone()
        return None if row is None else row[0]

    def execute(self, sql: str, params: Params = ()) -> int:
        """How many rows it concerned."""
        return self.connection.execute(sql.encode(), params).rowcount

    def emit(self, kind: str, body: Mapping[str, Any]) -> UUID:
        """Put an event into the outbox of the actor's organisation: handlers see it once this is committed."""
        event = new_id()
        self.execute(
            "insert into foundation.outbox (organisation, id, kind, body, emitted_at) values (%s, %s, %s, %s, %s)",
            (self.actor.organisation, event, kind, json.dumps(body, default=str), self.now),
        )
        return event

    def defer(
        self, job: str, body: Mapping[str, Any], *, at: datetime | None = None, once: str | None = None, alone: str | None = None
    ) -> int:
        """Put a job of the actor's organisation into the queue, to run once this is committed; returns its number.

        at: not before this instant, by the server's clock. once: while a job of this name with this word waits for its first run, no
        second is put, and its number is returned. alone: jobs with this word run one at a time, in order.
        """
        return int(self.value("select jobs.defer(%s, %s, %s, %s, %s)", (job, json.dumps(body, default=str), at, once, alone)))


class Database:
    """The door to PostgreSQL for one process."""

    def __init__(self, dsn: str, clock: Clock, *, connections: int = 8, wait_s: float = 10.0) -> None:
        """dsn: of the role that owns nothing. Connections are made when first needed, and made again when the server comes back."""
        self.clock = clock
        self._connections = connections
        self._pool = ConnectionPool(dsn, min_size=0, max_size=connections, timeout=wait_s, open=False, kwargs={"options": _OPTIONS})

    def __enter__(self) -> Database:
        self._pool.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def open(self) -> Database:
        return self.__enter__()

    def close(self) -> None:
        self._pool.close()

    def pool_use(self) -> tuple[int, int, int]:
        """Connections in use, connections at most, and requests that wait for one."""
        stats = self._pool.get_stats()
        return stats["pool_size"] - stats["pool_available"], stats["pool_max"], stats["requests_waiting"]

    @contextmanager
    def transaction(self, actor: Actor = NOBODY) -> Iterator[Transaction]:
        """A transaction as this actor; committed at the end, rolled back by any exception.

        Raises Unavailable when the server cannot be reached, is lost on the way, or another transaction holds what this one needs
        for too long: nothing of it has happened then, except when the connection is cut in the very moment of committing. Raises Refused
        for a text with a NUL character, which PostgreSQL cannot keep.
        """
        with metrics.timed_transaction(), _told(), ExitStack() as stack:
            now = self.clock.now()
            yield Transaction(self._begun(stack, actor, now), actor, now)

    def _begun(self, stack: ExitStack, actor: Actor, now: datetime) -> psycopg.Connection[Any]:
        """A connection in a new transaction. One that the server ended while it lay in the pool is replaced: nothing was done on it yet."""
        person = str(actor.person) if actor.person else ""
        for _ in range(self._connections + 1):  # all that lay there, and a new one
            with ExitStack() as attempt:
                connection = attempt.enter_context(self._pool.connection())
                try:
                    attempt.enter_context(connection.transaction())
                    connection.execute(_BEGIN, (actor.organisation, person, actor.purpose, now.isoformat()))
                except psycopg.OperationalError:
                    if not connection.broken:
                        raise
                    continue
                stack.push(attempt.pop_all())
                return connection
        raise psycopg.OperationalError("the server ends every connection")


@contextmanager
def _told() -> Iterator[None]:
    """What goes wrong between here and the server, in words a user can act on."""
    try:
        yield
    except PoolTimeout as fault:
        raise Unavailable("The database cannot be reached, or all connections to it are busy. Try again; see `marque health`.") from fault
    except (pg.LockNotAvailable, pg.DeadlockDetected, pg.SerializationFailure) as fault:
        raise Unavailable("Somebody else is changing the same thing. Nothing was changed; try again.") from fault
    except pg.QueryCanceled as fault:
        raise Unavailable("The database took too long to answer. Nothing was changed; try again later.") from fault
    except (pg.DiskFull, pg.OutOfMemory) as fault:
        raise Unavailable("The database has no room left. Nothing was changed; free some disk space or memory of its machine.") from fault
    except psycopg.DataError as fault:
        # psycopg finds it in text, the server in JSON; a rule that looks first says where it stands.
        if isinstance(fault, pg.UntranslatableCharacter) or "NUL" in str(fault):
            raise Refused(Refusal("a text holds no NUL characters")) from fault
        raise
    except (psycopg.OperationalError, pg.IdleInTransactionSessionTimeout) as fault:
        raise Unavailable("The connection to the database was lost. Look whether the change was made, then try again.") from fault
