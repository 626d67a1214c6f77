"""What is counted and timed, in a registry of ours; scraped at /metrics in Prometheus' text format.

Labels are words of the program (a route's template, a job's name, an event's kind), never of its users: no organisation, no person, no id.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import psycopg
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from marque.common import Unavailable

_QUICK_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0)
_LONG_S = (0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 1800.0, 7200.0)

REGISTRY = CollectorRegistry()
REQUEST_S = Histogram(
    "marque_request_seconds", "Requests, by route's template.", ("method", "route", "status"), buckets=_QUICK_S, registry=REGISTRY
)
TRANSACTION_S = Histogram("marque_transaction_seconds", "Database transactions.", ("outcome",), buckets=_QUICK_S, registry=REGISTRY)
EVENT_S = Histogram("marque_event_seconds", "Deliveries of events.", ("kind", "outcome"), buckets=_QUICK_S, registry=REGISTRY)
JOB_S = Histogram("marque_job_seconds", "Runs of jobs.", ("job", "outcome"), buckets=_LONG_S, registry=REGISTRY)
UNSEEN = Counter("marque_scrape_failures", "Scrapes at which a source did not answer.", ("source",), registry=REGISTRY)


@contextmanager
def timed_transaction() -> Iterator[None]:
    """Times what is inside; its outcome is committed, unavailable, or rolled-back."""
    began, outcome = time.perf_counter(), "rolled-back"
    try:
        yield
        outcome = "committed"
    except Unavailable:
        outcome = "unavailable"
        raise
    finally:
        TRANSACTION_S.labels(outcome).observe(time.perf_counter() - began)


class Watched(Collector):
    """Asks a source when scraped, so that a scrape tells the present; a source that does not answer is counted and left out."""

    def __init__(self, source: str, ask: Callable[[], Iterable[tuple[str, str, float]]]) -> None:
        """ask: gives (name, help, value) of each gauge."""
        self._source, self._ask = source, ask

    def collect(self) -> Iterable[Metric]:
        try:
            return [GaugeMetricFamily(f"marque_{name}", told, value) for name, told, value in self._ask()]
        except (Unavailable, psycopg.Error):
            UNSEEN.labels(self._source).inc()
            return []

    def describe(self) -> Iterable[Metric]:
        return []


@contextmanager
def watching(source: str, ask: Callable[[], Iterable[tuple[str, str, float]]]) -> Iterator[None]:
    """While inside, scrapes hold what the source says."""
    collector = Watched(source, ask)
    REGISTRY.register(collector)
    try:
        yield
    finally:
        REGISTRY.unregister(collector)


def exposition() -> bytes:
    """Everything, in Prometheus' text format 0.0.4 (`text/plain; version=0.0.4; charset=utf-8`)."""
    return generate_latest(REGISTRY)
