"""What the worker runs: handlers of events, jobs, and jobs by the calendar. `app` fills one of these; everything below only reads it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeAlias
from uuid import UUID

from marque.foundation.database import Actor, Database, Transaction


@dataclass(frozen=True)
class Event:
    """Something that happened in an organisation, as its transaction told the outbox. attempts: deliveries begun, this one included."""

    organisation: str
    id: UUID
    kind: str
    body: dict[str, Any]
    emitted_at: datetime
    attempts: int


@dataclass(frozen=True)
class Job:
    """Work to be done for an organisation; for none ('') by the calendar. attempts: runs begun, this one included.

    stopping: says whether the worker wants to end; a job of many steps asks between them and raises Unavailable to be run again.
    """

    organisation: str
    id: int
    name: str
    body: dict[str, Any]
    attempts: int
    stopping: Callable[[], bool] = field(default=lambda: False, compare=False, repr=False)

    @property
    def actor(self) -> Actor:
        return Actor(self.organisation, purpose=f"job {self.name}")


Handler: TypeAlias = Callable[[Transaction, Event], object]
"""Runs in a transaction of the event's organisation; what it does and that it was done are committed together, once.

It touches the database and nothing else: for a file, a peer or a long computation it defers a job.
"""

Work: TypeAlias = Callable[[Database, Job], object]
"""Runs outside of a transaction, at least once: it may be begun again after a part of it was done."""


@dataclass(frozen=True)
class Retry:
    """How a failure is met: again after base_s, twice as long each time up to cap_s, at most `attempts` times.

    An Unavailable is not the work's fault and is retried without end.
    """

    attempts: int = 10
    base_s: float = 1.0
    cap_s: float = 300.0

    def delay(self, attempts: int, key: str) -> timedelta:
        """After so many attempts; between half and the whole of the backoff, at a point keyed by what is retried, so that runs repeat."""
        whole_s = min(self.cap_s, self.base_s * 2.0 ** min(attempts - 1, 32))
        chance = int.from_bytes(hashlib.blake2b(f"{key} {attempts}".encode(), digest_size=8).digest()) / 2**64
        return timedelta(seconds=whole_s * (0.5 + 0.5 * chance))


class Registry:
    """Names are kept in the database: a renamed handler sees again what is being retried, a renamed job strands what is queued."""

    def __init__(self) -> None:
        self.handlers: dict[str, dict[str, Handler]] = {}
        self.jobs: dict[str, tuple[Work, Retry]] = {}
        self.calendar: dict[str, str] = {}

    def on(self, kind: str, name: str, handler: Handler) -> None:
        """Have events of a kind handled. Handlers of one kind run in the order they were registered."""
        named = self.handlers.setdefault(kind, {})
        if name in named:
            raise ValueError(f"{kind} has a handler {name} already")
        named[name] = handler

    def job(self, name: str, work: Work, retry: Retry = Retry()) -> None:
        """Have deferred jobs of this name run."""
        if name in self.jobs:
            raise ValueError(f"there is a job {name} already")
        self.jobs[name] = work, retry

    def every(self, cron: str, name: str, work: Work, retry: Retry = Retry(attempts=1)) -> None:
        """Have a job run by the calendar (five fields of cron, UTC), once however many workers there are; its organisation is ''."""
        self.job(name, work, retry)
        self.calendar[name] = cron
