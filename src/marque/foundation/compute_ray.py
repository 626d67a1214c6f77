"""Batches on a Ray cluster: for more than one machine. Ray comes with the extra `ray` and is imported only when a cluster is used."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Sequence
from typing import Any, cast

from marque.common import Unavailable
from marque.foundation.compute import Backend, ComputeError, Worker
from marque.foundation.compute_work import call, load


class RayCluster(Backend):
    """A Compute on a Ray cluster. Every worker is an actor with one processor; actors stay warm from one batch to the next.

    address: `auto` for the cluster that this machine belongs to, `ray://HOST:PORT` for another; empty to start one on this machine.
    workers: how many; 0 for as many as the cluster has processors.

    What workers import, marque among it, is installed where they run. Raises ComputeError if Ray is not installed, common.Unavailable if no
    cluster answers.
    """

    def __init__(self, address: str = "", workers: int = 0) -> None:
        self._ray = _ray()
        # Whoever reaches a cluster first leaves it again.
        self._ours = not self._ray.is_initialized()
        if self._ours:
            options: dict[str, Any] = {"address": address}
            if not address:
                os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
                options = {"address": "local", "num_cpus": workers or None, "include_dashboard": False}
            try:
                self._ray.init(log_to_driver=False, logging_level="error", **options)
            except (OSError, RuntimeError, ValueError) as error:
                place = address or "this machine"
                raise Unavailable(f"Ray at {place}: no cluster answers ({error}).\n  See that `ray status` works there.") from error
        super().__init__(workers or int(self._ray.cluster_resources().get("CPU", 1)))
        self._actor = self._ray.remote(num_cpus=1, max_restarts=0, max_task_retries=0)(_Server)

    def start(self) -> Worker:
        return _Actor(self._ray, self._actor.remote())

    def close(self) -> None:
        super().close()
        if self._ours:
            self._ray.shutdown()

    def wait(self, workers: Collection[Worker], timeout_s: float) -> Sequence[tuple[Worker, bytes | str]]:
        by_answer = {worker.answer: worker for worker in cast("Collection[_Actor]", workers)}
        answers = list(by_answer)
        ready, _ = self._ray.wait(answers, num_returns=1, timeout=timeout_s)
        if ready:  # then all that are
            ready, _ = self._ray.wait(answers, num_returns=len(answers), timeout=0)
        return [(by_answer[answer], by_answer[answer].hear()) for answer in ready]


class _Actor:
    """One actor, and the answer that is awaited of it."""

    def __init__(self, ray: Any, actor: Any) -> None:
        self._ray, self._actor, self.answer = ray, actor, None

    def load(self, job: bytes) -> bool:
        self.answer = self._actor.load.remote(job)
        return True

    def give(self, item: bytes) -> bool:
        self.answer = self._actor.call.remote(item)
        return True

    def hear(self) -> bytes | str:
        try:
            return cast("bytes", self._ray.get(self.answer))
        except self._ray.exceptions.RayError as error:
            return f"was lost ({' '.join(str(error).split())})"

    def kill(self) -> None:
        self._ray.kill(self._actor, no_restart=True)

    def free(self) -> None:
        self.kill()


class _Server:
    """What the actor runs."""

    def __init__(self) -> None:
        self._function: Callable[[Any], Any] | None = None

    def load(self, job: bytes) -> bytes:
        self._function, answer = load(job)
        return answer

    def call(self, item: bytes) -> bytes:
        if self._function is None:
            raise RuntimeError("an item came before its function")
        return call(self._function, item)


def _ray() -> Any:
    try:
        import ray
        import ray.exceptions
    except ImportError as error:
        remedy = "Install it with .venv/bin/python -m pip install --require-hashes -r bench/peers/ray.lock, here and where its workers run."
        raise ComputeError(f"Batches are to run on Ray, but Ray is not installed.\n  {remedy}") from error
    return ray
