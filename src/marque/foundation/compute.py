"""The compute port: one function over many items, on as many workers as there are; results as they come.

    with ProcessPool(8) as pool, pool.run(drive, scenarios, limit_s=600.0) as batch:
        for result in batch:
            …  # result.index, result.value: what drive(scenarios[index]) gave, or a Failure

What every backend promises is written once, as tests that run on all: tests/foundation/compute_conformance.py.
"""

from __future__ import annotations

import pickle
import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence, Sized
from dataclasses import dataclass
from typing import Any, Generic, Literal, Protocol, Self, TypeVar

from marque.common import InputError, MarqueError

_Item = TypeVar("_Item")
_Value = TypeVar("_Value")

_LOOK_S = 0.1
"""How often a reader that waits looks whether its batch was cancelled or a worker is overdue."""
_STARTS = 3
"""So many workers in a row may die before they are ready; then it is not chance."""


class ComputeError(MarqueError):
    """A batch that cannot go on: not one item failed, but what all of them need."""


@dataclass(frozen=True)
class Failure:
    """Why an item has no value.

    kind:  raised (the function did), died (its worker did, of whatever), overdue (not done within the limit; its worker was killed).
    text:  one line; for `raised` the exception's type and text.
    trace: the traceback of `raised`, else empty.
    """

    kind: Literal["raised", "died", "overdue"]
    text: str
    trace: str = ""


@dataclass(frozen=True)
class Result(Generic[_Value]):
    """What came of the item with this index, counted from 0 in the order in which items were given."""

    index: int
    value: _Value | Failure


@dataclass(frozen=True)
class Progress:
    """Counts of items. total: None if they could not be counted beforehand. given − done: with workers now. failed: a part of done."""

    total: int | None
    given: int
    done: int
    failed: int


class Compute(Protocol):
    """Where batches run."""

    def run(self, function: Callable[[_Item], _Value], items: Iterable[_Item], *, limit_s: float | None = None) -> Batch[_Item, _Value]:
        """Begins a batch: `function(item)` for every item, results in the order in which they are done.

        function: one that workers can import by its module and name. What all items share is bound with functools.partial, then it is sent
                  once per worker. A value depends on its item alone if the function keeps no state and draws no unkeyed random numbers.
        limit_s:  an item's time from its arrival at a worker to its value, s; None for no limit.

        Items are taken from the iterable, in the reader's thread, only as workers become free: not more of them are under way, or done and
        unread, than there are workers. Batches of one backend run one after another; a second `run` waits for the first.

        Raises InputError if others cannot import the function; the batch raises ComputeError if workers do not start or cannot load it.
        """

    def close(self) -> None:
        """Ends the workers; nothing can be run afterwards."""


class Worker(Protocol):
    """One process that loads a function, then computes one item at a time. Answers are those of compute_work."""

    def load(self, job: bytes) -> bool: ...
    def give(self, item: bytes) -> bool:
        """Whether it was handed over; a worker that died meanwhile takes nothing."""

    def kill(self) -> None:
        """Ends it now; from any thread, more than once."""

    def free(self) -> None:
        """Kills it and lets go of what it holds here."""


@dataclass
class _Work:
    """An item on its way. since: when a worker got it."""

    index: int
    payload: bytes
    since: float = 0.0


class Batch(Generic[_Item, _Value]):
    """A batch under way: an iterator of its results. Leaving it as a context manager cancels what is left. One thread reads it."""

    _closed = True  # until there is something to close

    def __init__(self, backend: Backend, function: Callable[[_Item], _Value], items: Iterable[_Item], limit_s: float | None) -> None:
        self._backend, self._limit_s = backend, limit_s
        self._job = _importable(function)
        self._items: Iterator[tuple[int, _Item]] | None = enumerate(items)
        self._total = len(items) if isinstance(items, Sized) else None
        # Items wait for whichever worker is ready first: on a busy cluster some of those that load may come up late or never.
        self._waiting: deque[_Work] = deque()
        self._loading: list[Worker] = []
        self._computing: dict[Worker, _Work] = {}
        self._ready: list[Worker] = []
        self._arrived: deque[Result[_Value]] = deque()
        self._given = self._finished = self._failed = self._false_starts = 0
        self._cancelled = self._closed = False

    @property
    def progress(self) -> Progress:
        return Progress(self._total, self._given, self._finished, self._failed)

    def cancel(self) -> None:
        """Ends the batch, from any thread: what is under way is killed and gives no result; results that have come can still be read."""
        self._cancelled = True
        for worker in list(self._computing):
            worker.kill()

    def close(self) -> None:
        """Cancels what is left and gives the workers back; results not read are gone."""
        if not self._closed:
            self.cancel()
            self._arrived.clear()
            self._end()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Result[_Value]:
        try:
            there_is_one = self._go_on()
        except BaseException:
            self.close()
            raise
        if not there_is_one:
            self._end()
            raise StopIteration
        return self._arrived.popleft()

    def _go_on(self) -> bool:
        while True:
            self._hand_out()
            if self._arrived:
                return True
            if self._cancelled or not (self._waiting or self._computing):
                return False
            self._hear()

    def _hand_out(self) -> None:
        while self._items and not self._cancelled and self._under_way() + len(self._arrived) < self._backend.count:
            index, item = next(self._items, (None, None))
            if index is None:
                self._items = None
                break
            self._given += 1
            try:
                self._waiting.append(_Work(index, pickle.dumps(item, pickle.HIGHEST_PROTOCOL)))
            except Exception as error:  # whatever the item's own methods raise
                self._arrive(index, Failure("raised", f"the item cannot be sent to a worker: {type(error).__name__}: {error}"))
        while self._waiting and self._ready:
            worker = self._ready.pop()
            if worker.give(self._waiting[0].payload):
                self._computing[worker] = work = self._waiting.popleft()
                work.since = time.monotonic()
            else:
                worker.free()
        while len(self._loading) < len(self._waiting) and len(self._loading) + len(self._computing) < self._backend.count:
            self._loading.append(self._backend.take())
            self._loading[-1].load(self._job)

    def _under_way(self) -> int:
        return len(self._waiting) + len(self._computing)

    def _hear(self) -> None:
        for worker, told in self._backend.wait([*self._loading, *self._computing], _LOOK_S):
            if worker in self._computing:
                self._answered(worker, self._computing.pop(worker), told)
            else:
                self._loading.remove(worker)
                self._loaded(worker, told)
        if self._limit_s is not None:
            late = time.monotonic() - self._limit_s
            for worker, work in [(worker, work) for worker, work in self._computing.items() if work.since < late]:
                del self._computing[worker]
                worker.free()
                self._arrive(work.index, self._overdue())

    def _loaded(self, worker: Worker, told: bytes | str) -> None:
        if isinstance(told, bytes):
            failure: Failure | None = pickle.loads(told)  # noqa: S301  written by our own worker
            if failure:
                worker.free()
                remedy = "See that its module can be imported where workers start."
                raise ComputeError(f"A worker cannot load the function: {failure.text}.\n  {remedy}")
            self._false_starts = 0
            self._ready.append(worker)
        else:
            worker.free()
            self._false_starts += 1
            if self._false_starts == _STARTS:
                remedy = (
                    "A script that runs batches does so below `if __name__ == '__main__':`; otherwise see what the worker wrote to stderr."
                )
                raise ComputeError(f"{_STARTS} workers in a row ended before they were ready; the last one {told}.\n  {remedy}")

    def _answered(self, worker: Worker, work: _Work, told: bytes | str) -> None:
        if isinstance(told, str):
            worker.free()
            if self._cancelled:  # then it is we who killed it
                return
            self._arrive(work.index, Failure("died", f"its worker {told}"))
            return
        self._ready.append(worker)
        try:
            took_s, value = pickle.loads(told)  # noqa: S301  written by our own worker
        except Exception as error:  # whatever the value's own methods raise
            value = Failure("raised", f"the value cannot be read here: {type(error).__name__}: {error}")
        else:
            # A reader that was busy elsewhere comes back late; the limit holds all the same.
            value = self._overdue() if self._limit_s is not None and took_s > self._limit_s else value
        self._arrive(work.index, value)

    def _overdue(self) -> Failure:
        return Failure("overdue", f"not done within {self._limit_s:g} s")

    def _arrive(self, index: int, value: Any) -> None:
        self._finished += 1
        self._failed += isinstance(value, Failure)
        self._arrived.append(Result(index, value))

    def _end(self) -> None:
        if self._closed:
            return
        self._closed = True
        for worker in [*self._loading, *self._computing]:
            worker.free()
        for worker in self._ready:
            self._backend.keep(worker)
        self._loading, self._computing, self._ready, self._items = [], {}, [], None
        self._waiting.clear()
        self._backend.done()


class Backend(ABC):
    """A Compute whose workers stay warm from one batch to the next. Where they come from and how they are heard is a subclass's to say.

    count: how many workers at most.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self._warm: list[Worker] = []
        self._open, self._turn, self._holder = True, threading.Lock(), 0

    def run(self, function: Callable[[_Item], _Value], items: Iterable[_Item], *, limit_s: float | None = None) -> Batch[_Item, _Value]:
        """See Compute.run."""
        if not self._open:
            raise ComputeError("The workers were closed.\n  Run the batch before, or make new ones.")
        if not self._turn.acquire(blocking=self._holder != threading.get_ident()):
            raise ComputeError("A batch is under way already.\n  Read it to its end, or close it, before the next one begins.")
        self._holder = threading.get_ident()
        try:
            return Batch(self, function, items, limit_s)
        except BaseException:
            self.done()
            raise

    def done(self) -> None:
        """The batch under way has ended."""
        self._holder = 0
        self._turn.release()

    def close(self) -> None:
        """See Compute.close."""
        self._open = False
        while self._warm:
            self._warm.pop().free()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def take(self) -> Worker:
        return self._warm.pop() if self._warm else self.start()

    def keep(self, worker: Worker) -> None:
        """Has a worker without an item for the next batch."""
        if self._open:
            self._warm.append(worker)
        else:
            worker.free()

    @abstractmethod
    def start(self) -> Worker:
        """A new worker; it may take its time to come up."""

    @abstractmethod
    def wait(self, workers: Collection[Worker], timeout_s: float) -> Sequence[tuple[Worker, bytes | str]]:
        """Those that have something to say, at the latest after the timeout: an answer, or what they died of."""


def _importable(function: Callable[..., Any]) -> bytes:
    try:
        return pickle.dumps(function, pickle.HIGHEST_PROTOCOL)
    except Exception as error:
        name = getattr(function, "__qualname__", repr(function))
        remedy = "Define it at the top level of a module; bind other arguments with functools.partial."
        raise InputError("function", name, f"workers cannot import it ({error})", remedy) from error
