"""Health says what is the matter, in time and without telling secrets; metrics count without naming anybody."""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime, timedelta

import httpx
import psycopg
import pytest
from fastapi import FastAPI, HTTPException
from prometheus_client.parser import text_string_to_metric_families

from marque.app.operations import Observed, gauges, operations_router
from marque.app.platform import ROOMS
from marque.common import new_id
from marque.foundation import Actor, Database, SystemClock, health, metrics
from marque.foundation.health import Health, Unhealthy
from marque.foundation.migrations import Migration, of_rooms

GAC = Actor("gac")


def raises(fault):
    def ask():
        raise fault

    return ask


def told(report):
    return {check.subject: (check.ok, check.told) for check in report.checks}


def test_a_process_that_answers_lives():
    assert health.live().ok


def test_one_failing_check_makes_it_unready_and_the_others_are_told_as_well():
    report = Health({"a": lambda: "well", "b": raises(Unhealthy("4 migrations are missing")), "c": lambda: "well"}).ready()
    assert not report.ok
    assert told(report) == {"a": (True, "well"), "b": (False, "4 migrations are missing"), "c": (True, "well")}


def test_a_failure_nobody_expected_is_told_by_its_type_alone():
    report = Health({"a": raises(OSError("postgresql://marque_app:geheim@db.example"))}).ready()
    assert told(report) == {"a": (False, "failed: OSError")}


def test_a_check_that_hangs_is_given_up_in_time_and_not_asked_again_before_it_ends():
    may_end, begun = threading.Event(), []

    def hangs():
        begun.append(1)
        may_end.wait(30)
        return "well"

    asked = Health({"slow": hangs}, limit_s=0.05)
    for _ in range(3):
        report = asked.ready()
        assert told(report) == {"slow": (False, "no answer within 0.05 s")}
        assert len(begun) == 1
    may_end.set()
    while not asked.ready().ok:
        pass
    asked.ready()
    assert len(begun) > 1


def test_a_database_that_answers_is_well_and_one_that_is_gone_is_not(database, tmp_path):
    assert told(Health({"database": health.database_answers(database)}).ready()) == {"database": (True, "answers")}
    with Database(f"host={tmp_path} user=marque_app dbname=marque", SystemClock(), wait_s=0.05) as gone:
        report = Health({"database": health.database_answers(gone)}).ready()
    assert told(report) == {"database": (False, "failed: Unavailable")}


def test_missing_migrations_are_named(database):
    known = of_rooms(ROOMS)
    assert health.migrations_current(database, known)() == f"{len(known)} applied"
    newer = Migration("alliance", 9000, "9000_newer.sql", "select 1")
    with pytest.raises(Unhealthy, match=r"1 migrations are missing, first alliance/schema/9000_newer\.sql"):
        health.migrations_current(database, [*known, newer])()


def test_an_outbox_that_falls_behind_is_unhealthy_for_whoever_asks(database):
    ask = health.outbox_flows(database, lag=timedelta(minutes=5))
    assert ask() == "0 waiting, 0 parked"
    for code in ("gac", "seres"):
        with database.transaction(Actor(code)) as tx:
            tx.emit("stepped", {})
    assert ask() == "2 waiting, 0 parked"
    database.clock.advance(timedelta(minutes=5, seconds=1))
    with pytest.raises(Unhealthy, match="2 waiting, 0 parked, the oldest for 301 s"):
        ask()


def test_a_disk_without_room_or_without_the_folder_is_unhealthy(tmp_path):
    assert "GiB free" in health.disk_has_space(tmp_path, 1)()
    with pytest.raises(Unhealthy, match="are needed"):
        health.disk_has_space(tmp_path, 1 << 60)()
    with pytest.raises(Unhealthy, match="cannot be used"):
        health.disk_has_space(tmp_path / "gone")()


class Client:
    """Asks an application in this process. checks, asks: what a test may turn."""

    def __init__(self, app, checks, asks):
        self.checks, self.asks = checks, asks
        self._transport = httpx.ASGITransport(app, raise_app_exceptions=False)

    def request(self, method, path, **more):
        async def asked():
            async with httpx.AsyncClient(transport=self._transport, base_url="http://marque.example") as client:
                return await client.request(method, path, **more)

        return asyncio.run(asked())

    def get(self, path, **more):
        return self.request("GET", path, **more)


@pytest.fixture
def client(database):
    app = FastAPI()
    checks = {"database": health.database_answers(database)}
    asks = {"may": True}

    def may_read():
        if not asks["may"]:
            raise HTTPException(404)

    @app.get("/agreements/{agreement}")
    def agreement(agreement: str) -> str:
        if agreement == "broken":
            raise RuntimeError
        return agreement

    app.include_router(operations_router(lambda: Health(checks).ready(), may_read))
    app.add_middleware(Observed)
    return Client(app, checks, asks)


def samples(client):
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(client.get("/metrics").text)
        for sample in family.samples
    }


def test_health_is_an_answer_with_a_status_and_a_sentence_for_each_check(client):
    assert client.get("/health/live").json() == {"status": "ok", "checks": {"process": {"status": "ok", "told": "running", "took_s": 0.0}}}
    ready = client.get("/health/ready")
    assert (ready.status_code, ready.json()["status"], ready.headers["cache-control"]) == (200, "ok", "no-store")
    client.checks["migrations"] = raises(Unhealthy("2 are missing"))
    ready = client.get("/health/ready")
    assert (ready.status_code, ready.json()["status"]) == (503, "failing")
    assert ready.json()["checks"]["migrations"]["told"] == "2 are missing"


def test_metrics_are_for_whoever_may_read_them(client):
    assert client.get("/metrics").headers["content-type"].startswith("text/plain; version=0.0.4")
    client.asks["may"] = False
    assert client.get("/metrics").status_code == 404


def test_requests_are_counted_by_the_template_of_their_route(client):
    key = ("marque_request_seconds_count", ("method", "GET"), ("route", "/agreements/{agreement}"), ("status", "200"))
    before, secret = samples(client).get(key, 0.0), str(new_id())
    for _ in range(3):
        client.get(f"/agreements/{secret}")
    client.get("/agreements/broken")
    client.get(f"/nothing/{secret}")
    client.request("BREW", "/agreements/1")
    after, text = samples(client), client.get("/metrics").text
    assert after[key] == before + 3
    assert after[(key[0], key[1], key[2], ("status", "500"))] >= 1
    assert after[(key[0], key[1], ("route", "unmatched"), ("status", "404"))] >= 1
    assert secret not in text
    assert "BREW" not in text


def test_every_answer_has_an_id_of_its_own_that_the_asker_cannot_choose(client):
    first, second = (client.get("/health/live", headers={"x-request-id": "mine"}).headers["x-request-id"] for _ in range(2))
    assert len({first, second, "mine"}) == 3


def test_gauges_tell_the_present_and_name_no_organisation(addresses, client, database):
    with metrics.watching("database", gauges(database)):
        for step in range(3):
            with database.transaction(GAC) as tx:
                tx.emit("stepped", {"step": step})
        with database.transaction(GAC) as tx:
            tx.defer("count", {})
            tx.defer("count", {}, at=datetime(2999, 1, 1, tzinfo=UTC))
        with psycopg.connect(addresses.worker) as worker:
            worker.execute("set search_path = jobs")
            worker.execute("insert into procrastinate_jobs (queue_name, task_name, status) values ('default', 'count', 'failed')")
        database.clock.advance(timedelta(seconds=90))
        now = samples(client)
        assert (now[("marque_outbox_waiting",)], now[("marque_outbox_lag_seconds",)], now[("marque_outbox_parked",)]) == (3.0, 90.0, 0.0)
        assert now[("marque_pool_connections_max",)] == 8.0
        assert [now[(f"marque_jobs_{state}",)] for state in ("waiting", "running", "failed")] == [1.0, 0.0, 1.0]
        assert "gac" not in client.get("/metrics").text
    assert ("marque_outbox_waiting",) not in samples(client)


def test_a_source_that_does_not_answer_is_counted_and_the_rest_is_told(client, tmp_path):
    with (
        Database(f"host={tmp_path} user=marque_app dbname=marque", SystemClock(), wait_s=0.05) as gone,
        metrics.watching("gone", gauges(gone)),
    ):
        samples(client)
        assert samples(client)[("marque_scrape_failures_total", ("source", "gone"))] >= 1
