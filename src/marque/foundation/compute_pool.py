"""Batches on the processes of this machine: the embedded default.

Every worker has a pipe of its own, so that one which is killed can hold no lock that others need. (The standard library's executor breaks
as a whole when one process dies.)
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from typing import Any, cast

from marque.foundation.compute import Backend, Worker
from marque.foundation.compute_work import call, load

_SPAWN = multiprocessing.get_context("spawn")
_LOAD, _ITEM = b"L", b"I"


class ProcessPool(Backend):
    """A Compute on this machine. Processes start with the first batch and stay warm for the next.

    workers: how many; 0 for as many as this process may use processors.
    """

    def __init__(self, workers: int = 0) -> None:
        super().__init__(workers or len(os.sched_getaffinity(0)))

    def start(self) -> Worker:
        return _Process()

    def wait(self, workers: Collection[Worker], timeout_s: float) -> Sequence[tuple[Worker, bytes | str]]:
        by_pipe = {worker.pipe: worker for worker in cast("Collection[_Process]", workers)}
        heard = [by_pipe[cast("Connection", pipe)] for pipe in wait(list(by_pipe), timeout_s)]
        # The pipe of a dead worker stays open where a process which it started lives on.
        dead = [worker for worker in by_pipe.values() if worker not in heard and not worker.process.is_alive() and not worker.pipe.poll()]
        return [(worker, worker.hear()) for worker in heard] + [(worker, worker.epitaph()) for worker in dead]


class _Process:
    def __init__(self) -> None:
        self.pipe, theirs = _SPAWN.Pipe()
        self.process = _SPAWN.Process(target=_serve, args=(theirs,), daemon=True, name="marque compute")
        self.process.start()
        theirs.close()
        self._lock, self._freed = threading.Lock(), False

    def load(self, job: bytes) -> bool:
        return self._send(_LOAD + job)

    def give(self, item: bytes) -> bool:
        return self._send(_ITEM + item)

    def _send(self, message: bytes) -> bool:
        try:
            self.pipe.send_bytes(message)
        except OSError:
            return False
        return True

    def hear(self) -> bytes | str:
        try:
            return self.pipe.recv_bytes()
        except (EOFError, OSError):
            return self.epitaph()

    def epitaph(self) -> str:
        self.kill()
        self.process.join()
        code = self.process.exitcode or 0
        if code >= 0:
            return f"ended itself with status {code}"
        return f"was ended by {signal.Signals(-code).name}" + (" (somebody's, or for lack of memory)" if -code == signal.SIGKILL else "")

    def kill(self) -> None:
        with self._lock:
            if not self._freed:
                # With what it started, which is in the worker's group; in its first moments the worker has none yet.
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(cast("int", self.process.pid), signal.SIGKILL)
                self.process.kill()

    def free(self) -> None:
        self.kill()
        with self._lock:
            self._freed = True
            self.process.join()
            self.process.close()
            self.pipe.close()


def _serve(pipe: Connection) -> None:
    # A group of its own: it is killed with what it started, and an interrupt at the terminal is its parent's to handle.
    os.setsid()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    function: Callable[[Any], Any] | None = None
    with suppress(EOFError, OSError):
        while True:
            message = pipe.recv_bytes()
            if message[:1] == _LOAD:
                function, answer = load(message[1:])
            elif function is not None:
                answer = call(function, message[1:])
            pipe.send_bytes(answer)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.killpg(0, signal.SIGKILL)
