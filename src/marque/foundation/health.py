"""Whether this process lives, and whether it can do its work: a check each for what it needs, all at once, each with a limit of time.

A check is a function that returns a sentence when all is well and raises Unhealthy, with one a person can act on, when not. Health is shown
to who asks without signing in: sentences name no organisation, no address and no secret, and of an exception nobody expected only its type.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from marque.common import MarqueError
from marque.foundation.database import Database
from marque.foundation.migrations import Migration, missing

Ask = Callable[[], str]


class Unhealthy(MarqueError):
    """Something this process needs is not as it must be."""


@dataclass(frozen=True)
class Check:
    """What one check found. took_s: until its answer, or until it was given up."""

    subject: str
    ok: bool
    told: str
    took_s: float


@dataclass(frozen=True)
class Report:
    """Healthy if every check is."""

    checks: tuple[Check, ...] = ()

    @property
    def ok(self) -> bool:
        return all(check.ok for check in self.checks)


class Health:
    """Asks the checks. One that hangs costs a thread, once: until it has ended it is not asked again."""

    def __init__(self, checks: Mapping[str, Ask], limit_s: float = 2.0) -> None:
        self._checks, self._limit_s = dict(checks), limit_s
        self._running: dict[str, _Asking] = {}
        self._lock = threading.Lock()

    def ready(self) -> Report:
        """Takes as long as the slowest check, at most the limit. Safe to call from many threads; they share the checks under way."""
        with self._lock:
            asked = [self._ask(subject) for subject in self._checks]
        deadline = time.monotonic() + self._limit_s
        return Report(tuple(one.answer(deadline, self._limit_s) for one in asked))

    def _ask(self, subject: str) -> _Asking:
        running = self._running.get(subject)
        if running is None or running.done.is_set():
            running = self._running[subject] = _Asking(subject, self._checks[subject])
        return running


class _Asking:
    def __init__(self, subject: str, ask: Ask) -> None:
        self.done = threading.Event()
        self._subject, self._ask, self._began = subject, ask, time.monotonic()
        self._found = Check(subject, ok=False, told="no answer", took_s=0.0)
        threading.Thread(target=self._run, name=f"health {subject}", daemon=True).start()

    def _run(self) -> None:
        try:
            ok, told = True, self._ask()
        except Unhealthy as fault:
            ok, told = False, str(fault)
        except Exception as fault:  # its text may hold an address or a row
            ok, told = False, f"failed: {type(fault).__name__}"
        self._found = Check(self._subject, ok, told, time.monotonic() - self._began)
        self.done.set()

    def answer(self, deadline: float, limit_s: float) -> Check:
        if self.done.wait(max(0.0, deadline - time.monotonic())):
            return self._found
        return Check(self._subject, ok=False, told=f"no answer within {limit_s:g} s", took_s=time.monotonic() - self._began)


def live() -> Report:
    """That the process runs and answers. It needs nothing else, so that an outage of the database restarts nobody."""
    return Report((Check("process", ok=True, told="running", took_s=0.0),))


def database_answers(database: Database) -> Ask:
    def ask() -> str:
        with database.transaction() as tx:
            tx.value("select 1")
        return "answers"

    return ask


def migrations_current(database: Database, migrations: Sequence[Migration]) -> Ask:
    def ask() -> str:
        with database.transaction() as tx:
            left = missing(tx.connection, migrations)
        if left:
            raise Unhealthy(f"{len(left)} migrations are missing, first {left[0].room}/schema/{left[0].name}; run `marque migrate`")
        return f"{len(migrations)} applied"

    return ask


@dataclass(frozen=True)
class OutboxState:
    """Over all organisations. oldest_at: when the longest waiting event was emitted, None when none waits."""

    waiting: int
    oldest_at: datetime | None
    parked: int

    def lag(self, now: datetime) -> timedelta:
        return max(timedelta(), now - self.oldest_at) if self.oldest_at else timedelta()


def outbox_state(database: Database) -> OutboxState:
    """Raises Unavailable."""
    with database.transaction() as tx:
        return tx.rows(OutboxState, "select waiting, oldest_at, parked from foundation.outbox_state()")[0]


@dataclass(frozen=True)
class JobState:
    """Over all organisations. waiting: due, not begun. failed: given up within the last month; a person has to look."""

    waiting: int
    running: int
    failed: int


def job_state(database: Database) -> JobState:
    """Raises Unavailable."""
    with database.transaction() as tx:
        return tx.rows(JobState, "select waiting, running, failed from jobs.state()")[0]


def outbox_flows(database: Database, lag: timedelta = timedelta(minutes=5)) -> Ask:
    """Parked events are told but do not make this process unready: others take no load off it, and only a person can help."""

    def ask() -> str:
        state = outbox_state(database)
        told = f"{state.waiting} waiting, {state.parked} parked"
        if (behind := state.lag(database.clock.now())) > lag:
            raise Unhealthy(f"{told}, the oldest for {behind.total_seconds():.0f} s; see that a worker runs")
        return told

    return ask


def disk_has_space(folder: Path, least_bytes: int = 1 << 30) -> Ask:
    """Of the file system that holds the folder."""

    def ask() -> str:
        try:
            free = shutil.disk_usage(folder).free
        except OSError as fault:
            raise Unhealthy(f"the folder cannot be used: {fault.strerror}") from fault
        if free < least_bytes:
            raise Unhealthy(f"{free / 2**30:.1f} GiB free, {least_bytes / 2**30:.1f} are needed")
        return f"{free / 2**30:.1f} GiB free"

    return ask
