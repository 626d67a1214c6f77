"""The worker: outbox and jobs in one process, until it is told to stop.

Jobs are procrastinate's, in the schema `jobs` of the same database (schema/0002_jobs.sql). A job runs at least once: one whose worker was
killed is begun again when the worker's heartbeat has been missing for half a minute.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import procrastinate
import psycopg
import structlog
from procrastinate import jobs, retry
from psycopg_pool import PoolTimeout

from marque.common import Unavailable
from marque.foundation import metrics, outbox
from marque.foundation.clock import Clock, SystemClock
from marque.foundation.database import Database
from marque.foundation.log import bound
from marque.foundation.outbox import Dispatcher
from marque.foundation.registry import Job, Registry, Retry, Work

if TYPE_CHECKING:
    from marque.foundation.embedded import Addresses

_log = structlog.get_logger("marque.worker")

_OPTIONS = "-c search_path=jobs -c statement_timeout=15s -c lock_timeout=5s -c timezone=UTC"
_POLL_S = 1.0  # a new job is told by the database; one whose time has come is not
_KEPT = timedelta(days=30)
_OUTAGES = (procrastinate.exceptions.ConnectorException, psycopg.OperationalError, PoolTimeout)


def run_worker(
    addresses: Addresses,
    registry: Registry,
    *,
    clock: Clock | None = None,
    concurrency: int = 4,
    grace_s: float = 30.0,
    stop: threading.Event | None = None,
) -> None:
    """Deliver events and run jobs until SIGTERM, SIGINT or `stop`; outlives the database's restarts.

    concurrency: so many events of different organisations and so many jobs at the same time. Told to stop it begins nothing new and ends
    what is under way; after grace_s it asks jobs to stop (`Job.stopping`). A second signal ends it at once: nothing is lost by that either.
    """
    stop = stop or threading.Event()
    with Database(addresses.app, clock or SystemClock(), connections=2 * concurrency) as database, _signals(stop):
        dispatcher = Dispatcher(addresses.worker, database, registry.handlers)
        threads = [threading.Thread(target=dispatcher.run, args=(stop,), name=f"outbox {number}") for number in range(concurrency)]
        for thread in threads:
            thread.start()
        try:
            asyncio.run(_run_jobs(addresses.worker, registry, database, concurrency, grace_s, stop))
        finally:
            stop.set()
            for thread in threads:
                thread.join()
    _log.info("worker-stopped")


@contextlib.contextmanager
def _signals(stop: threading.Event) -> Iterator[None]:
    """The first signal stops, the second does what it does to any process. Outside of the main thread only `stop` does."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before: dict[signal.Signals, Any] = {}

    def told(*_: object) -> None:
        for one in before:
            signal.signal(one, signal.SIG_DFL)
        stop.set()

    for one in (signal.SIGTERM, signal.SIGINT):
        before[one] = signal.signal(one, told)
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


async def _run_jobs(worker: str, registry: Registry, database: Database, concurrency: int, grace_s: float, stop: threading.Event) -> None:
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()
    loop.set_default_executor(ThreadPoolExecutor(concurrency + 2, thread_name_prefix="job"))
    watcher = threading.Thread(target=lambda: (stop.wait(), loop.call_soon_threadsafe(stopped.set)), name="stop", daemon=True)
    watcher.start()
    failures = 0
    while not stopped.is_set():
        began = time.monotonic()
        try:
            app = application(worker, registry, database, pool_size=concurrency + 4)
            async with app.open_async():
                running = asyncio.create_task(
                    app.run_worker_async(
                        concurrency=concurrency,
                        install_signal_handlers=False,
                        fetch_job_polling_interval=_POLL_S,
                        shutdown_graceful_timeout=grace_s,
                        delete_jobs="successful",
                    )
                )
                waiting = asyncio.create_task(stopped.wait())
                await asyncio.wait([running, waiting], return_when=asyncio.FIRST_COMPLETED)
                waiting.cancel()
                running.cancel()  # ends gracefully: what runs is waited for
                with contextlib.suppress(asyncio.CancelledError):
                    await running
        except _OUTAGES as fault:
            failures = 1 if time.monotonic() - began > 60 else failures + 1
            _log.warning("jobs-unreachable", failures=failures, fault=type(fault).__name__)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopped.wait(), Retry(cap_s=30.0).delay(failures, "jobs").total_seconds())


def application(worker: str, registry: Registry, database: Database, pool_size: int = 8) -> procrastinate.App:
    """The application of procrastinate with the registry's jobs, and Marque's own housekeeping."""
    pool: dict[str, Any] = {"min_size": 1, "max_size": pool_size, "timeout": 10.0}
    connector = procrastinate.PsycopgConnector(conninfo=worker, kwargs={"options": _OPTIONS, "application_name": "marque jobs"}, **pool)
    app = procrastinate.App(connector=connector)
    for name, (work, again) in registry.jobs.items():
        _register(app, name, work, again, database, registry.calendar.get(name))
    most = {name: again.attempts for name, (_, again) in registry.jobs.items()}

    @app.periodic(cron="* * * * *")
    @app.task(name="marque.resume", queueing_lock="marque.resume")
    async def resume(timestamp: int) -> None:  # noqa: ARG001  passed by name
        """Jobs whose worker was killed: again, or failed when that happened too often."""
        await app.job_manager.prune_stalled_workers(30.0)
        for job in await app.job_manager.get_stalled_jobs():
            if job.attempts + 1 >= most.get(job.task_name, 1):
                await app.job_manager.finish_job(job, status=jobs.Status.FAILED, delete_job=False)
            else:
                await app.job_manager.retry_job(job)
            _log.warning("job-resumed", job=job.task_name, job_id=job.id, attempts=job.attempts + 1)

    @app.periodic(cron="17 3 * * *")
    @app.task(name="marque.forget", queueing_lock="marque.forget")
    async def forget(timestamp: int) -> None:  # noqa: ARG001  passed by name
        """What was done a month ago."""
        await asyncio.to_thread(outbox.forget, worker, database.clock.now() - _KEPT)
        hours = int(_KEPT.total_seconds() // 3600)
        await app.job_manager.delete_old_jobs(hours, include_failed=True, include_cancelled=True, include_aborted=True)

    return app


def _register(app: procrastinate.App, name: str, work: Work, again: Retry, database: Database, cron: str | None) -> None:
    def run(
        context: procrastinate.JobContext, timestamp: int | None = None, organisation: str = "", body: dict[str, Any] | None = None
    ) -> None:
        told = body if timestamp is None else {"timestamp": timestamp}
        job = Job(organisation, context.job.id or 0, name, told or {}, context.job.attempts + 1, context.should_abort)
        began, outcome = time.perf_counter(), "failed"
        try:
            with bound(organisation=organisation, job=name, job_id=job.id):
                work(database, job)
            outcome = "done"
        except Unavailable:
            outcome = "unavailable"
            raise
        finally:
            metrics.JOB_S.labels(name, outcome).observe(time.perf_counter() - began)

    options: dict[str, Any] = {"queueing_lock": name} if cron else {}
    task = app.task(name=name, pass_context=True, retry=_Again(again), **options)(run)
    if cron:
        app.periodic(cron=cron)(task)


class _Again(retry.BaseRetryStrategy):
    """Retry, as procrastinate asks for it."""

    def __init__(self, again: Retry) -> None:
        self._again = again

    def get_retry_decision(self, *, exception: BaseException, job: jobs.Job) -> retry.RetryDecision | None:
        begun = job.attempts + 1
        if begun >= self._again.attempts and not isinstance(exception, Unavailable):
            return None
        delay_s = self._again.delay(begun, f"job {job.id}").total_seconds()
        return retry.RetryDecision(retry_in={"milliseconds": round(1000 * delay_s)})
