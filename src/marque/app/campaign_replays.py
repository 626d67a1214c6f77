"""Replays of a campaign's runs, made when somebody asks for them: each case is driven again in a process apart, one after another."""

from __future__ import annotations

import json
import threading
from collections import deque
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from marque.common import InputError, MarqueError
from marque.foundation.compute_pool import ProcessPool
from marque.proof.campaign import Task
from marque.proof.campaign.replay import again, differing, replay_file
from marque.proof.campaign.watch import Watch
from marque.proof.suites import Suite, cases, read_suite

LIMIT_S = 600.0
State = Literal["waiting", "driving", "same", "other", "nothing", "failed"]


@dataclass(frozen=True)
class Made:
    """How far a replay is. same: the run came out as its line says, to the byte; other: it did not, text says in what.

    nothing: there is nothing to be seen of it, for it was not driven to its end. failed: text says why it was not driven at all.
    """

    state: State
    text: tuple[str, ...] = ()


class CampaignReplays:
    """folder: where replays are kept. Its thread and its process begin with the first that is asked for."""

    def __init__(self, watch: Watch, suite: Path | None = None) -> None:
        """suite: where the suite is now, if not where it was when the campaign began."""
        self.folder = watch.folder / "replays"
        self._watch, self._suite = watch, suite
        self._made: dict[int, Made] = {}
        self._asked: deque[int] = deque()
        self._change = threading.Condition()
        self._thread: threading.Thread | None = None
        self._pool: ProcessPool | None = None
        self._closed = False

    def ask(self, case: int) -> None:
        """Has a case driven again, unless it is already under way."""
        with self._change:
            if self._closed or self._state(case) in {"waiting", "driving"}:
                return
            self._made[case] = Made("waiting")
            self._asked.append(case)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="replays", daemon=True)
                self._thread.start()
            self._change.notify_all()

    def made(self, case: int) -> Made | None:
        """None where nobody has asked, as long as this has been running."""
        with self._change:
            return self._made.get(case)

    def there(self, case: int) -> bool:
        """Whether there is a replay to be seen, of now or of earlier."""
        return self._file(case).is_file()

    @property
    def busy(self) -> bool:
        with self._change:
            return any(one.state in {"waiting", "driving"} for one in self._made.values())

    def close(self) -> None:
        """What is under way is given up."""
        with self._change:
            self._closed = True
            self._change.notify_all()
        if self._pool is not None:
            self._pool.close()

    def _state(self, case: int) -> State | None:
        return self._made[case].state if case in self._made else None

    def _file(self, case: int) -> Path:
        return replay_file(self.folder, case)

    def _work(self) -> None:
        while True:
            with self._change:
                self._change.wait_for(lambda: self._asked or self._closed)
                if self._closed:
                    return
                case = self._asked.popleft()
                self._made[case] = Made("driving")
            try:
                made = self._drive(case)
            except MarqueError as fault:
                made = Made("failed", (str(fault),))
            except Exception as fault:  # Whatever it was, the page goes on and says so.
                made = Made("failed", (f"{type(fault).__name__}: {fault}",))
            with self._change:
                self._made[case] = made

    def _drive(self, case: int) -> Made:
        expected = self._watch.line(case)
        assert expected is not None, "only runs that are there are asked for"
        said = json.loads(expected)
        if said.get("suite", "") in self._watch.plan.get("hidden", ()):
            raise InputError(said["suite"], f"case {case}", "it is of a hidden suite, whose salt is not kept here", _BY_COMMAND)
        task = self._task()
        known = cases(self._read_suite(task.suite), task.seed)[case]
        chosen = replace(known, weight=said["weight"])  # beside a hidden suite it weighs less
        self.folder.mkdir(exist_ok=True)
        self._file(case).unlink(missing_ok=True)
        if self._pool is None:
            self._pool = ProcessPool(1)
        [found] = again(task, [chosen], self._pool, LIMIT_S, self.folder)
        differences = differing(expected, found.line)
        if differences:
            return Made("other", differences)
        return Made("same" if self.there(case) else "nothing")

    def _task(self) -> Task:
        plan = self._watch.plan
        known = self._watch.folder / "suite"
        if self._suite is None and not known.exists():
            raise InputError("--suite", "", "where the suite is was not written down", "Begin this page again with --suite.")
        suite = self._suite or Path(known.read_text())
        return Task(suite.resolve(), plan["vehicle"], plan["seed"], plan["perfect"])

    def _read_suite(self, path: Path) -> Suite:
        suite = read_suite(path)
        if suite.digest != self._watch.plan["suite_digest"]:
            raise InputError(str(path), "", "the suite is not what it was when the campaign began", "Begin this page again with --suite.")
        return suite


_BY_COMMAND = "Once it is evidence, `marque replay-evidence --hidden` drives it again."
