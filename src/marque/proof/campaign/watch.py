"""A campaign seen from outside, while it runs and afterwards: its folder is only read, and of the journal only what is new."""

from __future__ import annotations

import heapq
import json
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from marque.common import InputError
from marque.proof.evidence.statements import FAILURES, SILENT

Said = Mapping[str, Any]
Rank = Callable[[Said], Any]
"""Sorts runs, the worst first."""

_PACE_S = 60.0
_CHUNK = 1 << 22


@dataclass(frozen=True)
class Progress:
    """done of cases. rate_hz: runs a second of late, None as long as that cannot be said; left_s: so long it still takes at that rate.

    ended: whether all is driven that was needed. quiet_s: for how long no run has come in.
    """

    done: int
    cases: int
    rate_hz: float | None
    left_s: float | None
    ended: bool
    quiet_s: float


class Watch:
    """A campaign's folder. Every method may be called from any thread; `look` first.

    Raises InputError for a folder in which no campaign was begun.
    """

    def __init__(self, folder: Path, rank: Rank, worst: int = 10, clock: Callable[[], float] = time.time) -> None:
        """rank, worst: how runs are sorted, and how many of the worst are kept. clock: s, that of the files' times."""
        self.folder, self._rank, self._most, self._clock = folder, rank, worst, clock
        try:
            self.plan: Said = json.loads((folder / "plan.json").read_bytes())
            self.started = datetime.fromisoformat((folder / "started").read_text())
        except (OSError, ValueError) as fault:
            raise InputError(str(folder), "plan.json", "no campaign was begun here", "Name the folder of `marque prove --out`.") from fault
        self._lock = threading.Lock()
        self._begin()

    def _begin(self) -> None:
        self._read_to = 0
        self._places: dict[int, int] = {}
        self._failures: list[int] = []
        self._worst: list[tuple[Any, int]] = []
        self._cells: dict[str, Counter[str]] = {}
        self._looks: deque[tuple[float, int]] = deque()

    def look(self) -> Progress:
        """Reads what was written since the last look; a last line that is not whole yet is left for the next."""
        with self._lock:
            journal = self.folder / "journal.jsonl"
            size = journal.stat().st_size if journal.exists() else 0
            if size < self._read_to:  # somebody began again in the same folder
                self._begin()
            if size > self._read_to:
                self._read(journal, size)
            return self._progress(journal)

    @property
    def cells(self) -> Mapping[str, Mapping[str, int]]:
        """By cell, runs by outcome."""
        with self._lock:
            return {cell: dict(counts) for cell, counts in sorted(self._cells.items())}

    @property
    def failures(self) -> Sequence[int]:
        """The cases that failed, the newest first."""
        with self._lock:
            return self._failures[::-1]

    @property
    def worst(self) -> Sequence[int]:
        """The worst cases of those that were driven, in order."""
        with self._lock:
            return [case for _, case in self._worst]

    def line(self, case: int) -> bytes | None:
        """A run's line without its end; None for one that is not there (yet)."""
        with self._lock:
            place = self._places.get(case)
        if place is None:
            return None
        with (self.folder / "journal.jsonl").open("rb") as file:
            file.seek(place)
            return file.readline().rstrip(b"\n")

    def runs(self, cases: Sequence[int]) -> list[dict[str, Any]]:
        """What the lines of these say, of those that are there."""
        return [json.loads(line) for case in cases if (line := self.line(case)) is not None]

    def _read(self, journal: Path, size: int) -> None:
        with journal.open("rb") as file:
            while self._read_to < size:
                file.seek(self._read_to)
                chunk = file.read(min(_CHUNK, size - self._read_to))
                if (whole := chunk.rfind(b"\n") + 1) == 0:
                    return
                for line in chunk[:whole].splitlines(keepends=True):
                    self._note(json.loads(line))
                    self._read_to += len(line)

    def _note(self, said: Said) -> None:
        """The first line of a case counts."""
        case, outcome = said["case"], said["outcome"]
        if case in self._places:
            return
        self._places[case] = self._read_to
        self._cells.setdefault(said["cell"], Counter())[outcome] += 1
        if outcome in FAILURES:
            self._failures.append(case)
        if outcome not in SILENT:
            self._worst = heapq.nsmallest(self._most, [*self._worst, (self._rank(said), case)])

    def _progress(self, journal: Path) -> Progress:
        now, done, cases = self._clock(), len(self._places), int(self.plan["cases"])
        ended = (self.folder / "runs.jsonl").exists()
        self._looks.append((now, done))
        while len(self._looks) > 2 and self._looks[1][0] <= now - _PACE_S:
            self._looks.popleft()
        (since, before), rate = self._looks[0], None
        if done > before and now - since >= 1.0 and not ended:
            rate = (done - before) / (now - since)
        newest = journal.stat().st_mtime if journal.exists() else self.started.timestamp()
        return Progress(done, cases, rate, (cases - done) / rate if rate else None, ended, max(0.0, now - newest))
