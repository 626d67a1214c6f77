"""Jobs are put by transactions, run at least once, belong to an organisation; and the tables are what the installed package expects."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import textwrap
import threading
import time
from datetime import UTC, datetime, timedelta

import procrastinate
import psycopg
import pytest

from marque.common import Unavailable
from marque.foundation import Actor, Database, Registry, Retry, SystemClock
from marque.foundation.metrics import REGISTRY
from marque.foundation.worker import run_worker

GAC, SERES = Actor("gac"), Actor("seres")
CATALOGUE = {
    "columns": """
        select c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, pg_get_expr(d.adbin, d.adrelid)
        from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
        left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
        where c.relnamespace = %(schema)s::regnamespace and c.relkind in ('r', 'c')""",
    "constraints": """select conname, pg_get_constraintdef(oid) from pg_constraint where connamespace = %(schema)s::regnamespace""",
    "indexes": "select indexname, indexdef from pg_indexes where schemaname = %(schema)s",
    "functions": """select proname, pg_get_functiondef(oid) from pg_proc
        where pronamespace = %(schema)s::regnamespace and proname like 'procrastinate%%'""",
    "triggers": """select tgname, pg_get_triggerdef(t.oid) from pg_trigger t join pg_class c on c.oid = tgrelid
        where relnamespace = %(schema)s::regnamespace and not tgisinternal and tgname like 'procrastinate%%'""",
    "values": """select typname, string_agg(enumlabel, ',' order by enumsortorder) from pg_enum e join pg_type t on t.oid = enumtypid
        where typnamespace = %(schema)s::regnamespace group by typname""",
}


def described(connection, schema):
    """Everything of a schema as PostgreSQL tells it, without the schema's name (nor an alias `jobs`, which the package's queries have)."""
    told = {kind: connection.execute(sql, {"schema": schema}).fetchall() for kind, sql in CATALOGUE.items()}
    return {kind: sorted(re.sub(r"\b(jobs|apart)\.", "", repr(row)) for row in rows) for kind, rows in told.items()}


def test_the_tables_are_those_of_the_installed_package(owner_dsn):
    with psycopg.connect(owner_dsn) as connection:
        connection.execute("create schema apart; set local search_path = apart")
        connection.execute(procrastinate.schema.SchemaManager.get_schema().encode())
        ours, theirs = (described(connection, schema) for schema in ("jobs", "apart"))
        connection.rollback()
    assert ours == theirs
    assert min(len(rows) for rows in ours.values()) > 1


def queued(addresses):
    with psycopg.connect(addresses.worker) as connection:
        return connection.execute("select task_name, args, status::text, attempts from jobs.procrastinate_jobs order by id").fetchall()


def work(addresses, registry, done, concurrency=2):
    """Run a worker in this process until done says so."""
    stop = threading.Event()
    thread = threading.Thread(target=run_worker, args=(addresses, registry), kwargs={"concurrency": concurrency, "stop": stop})
    thread.start()
    deadline = time.monotonic() + 40
    try:
        while not done():
            assert time.monotonic() < deadline, queued(addresses)
            time.sleep(0.02)
    finally:
        stop.set()
        thread.join()


def test_a_job_of_a_rolled_back_transaction_is_never_put(addresses, database):
    def rolled_back():
        with database.transaction(GAC) as tx:
            tx.defer("count", {})
            raise RuntimeError

    with pytest.raises(RuntimeError):
        rolled_back()
    assert queued(addresses) == []


def test_a_job_carries_the_organisation_that_put_it_whatever_it_says(addresses, database):
    with database.transaction(GAC) as tx:
        tx.defer("count", {"organisation": "seres"})
    assert queued(addresses) == [("count", {"organisation": "gac", "body": {"organisation": "seres"}}, "todo", 0)]


def test_nobody_puts_no_job_and_the_serving_role_reads_none(database):
    for sql in ("select jobs.defer('count', '{}', null, null, null)", "select * from jobs.procrastinate_jobs"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege), database.transaction() as tx:
            tx.execute(sql)
    with pytest.raises(psycopg.errors.InsufficientPrivilege), database.transaction(GAC) as tx:
        tx.execute("insert into jobs.procrastinate_jobs (queue_name, task_name) values ('default', 'count')")


def test_a_job_with_a_word_waits_once_for_each_organisation(addresses, database):
    with database.transaction(GAC) as tx:
        first = tx.defer("count", {"n": 1}, once="daily")
    with database.transaction(GAC) as tx:
        assert tx.defer("count", {"n": 2}, once="daily") == first
        assert tx.defer("count", {"n": 3}, once="weekly") != first
    with database.transaction(SERES) as tx:
        assert tx.defer("count", {"n": 4}, once="daily") != first
    assert [args["body"]["n"] for _, args, *_ in queued(addresses)] == [1, 3, 4]


def test_a_waiting_job_does_not_start_before_the_transaction_that_counts_on_it_ends(addresses, database):
    with database.transaction(GAC) as tx:
        tx.defer("count", {}, once="daily")
    fetch = "set local search_path = jobs; select id from procrastinate_fetch_job_v2(null, null)"
    with psycopg.connect(addresses.worker) as worker:
        with database.transaction(GAC) as tx:
            tx.defer("count", {}, once="daily")
            assert worker.execute(fetch).nextset()
            assert worker.execute("select count(*) from jobs.procrastinate_jobs where status = 'doing'").fetchone() == (0,)
        worker.rollback()
        worker.execute(fetch)
        assert worker.execute("select count(*) from jobs.procrastinate_jobs where status = 'doing'").fetchone() == (1,)


def test_events_and_jobs_reach_their_functions_and_leave_the_queue(addresses, database):
    told, registry = [], Registry()
    registry.on("agreed", "tell", lambda tx, event: tx.defer("tell", event.body))
    registry.job(
        "tell", lambda opened, job: told.append((job.organisation, job.body, job.attempts, opened.transaction(job.actor) is not None))
    )
    for actor in (GAC, SERES):
        with database.transaction(actor) as tx:
            tx.emit("agreed", {"number": 2})
    work(addresses, registry, lambda: len(told) == 2 and not any(name == "tell" for name, *_ in queued(addresses)))
    assert sorted(told) == [("gac", {"number": 2}, 1, True), ("seres", {"number": 2}, 1, True)]


def test_a_failing_job_is_retried_and_given_up_and_what_is_unavailable_is_not_given_up(addresses, database):
    tried, registry = {"breaks": 0, "waits": 0}, Registry()
    again = Retry(attempts=2, base_s=0.01)

    def breaks(_, job):
        tried[job.name] = job.attempts
        raise RuntimeError("broken")

    def waits(_, job):
        tried[job.name] = job.attempts
        if job.attempts < 4:
            raise Unavailable("no answer")

    registry.job("breaks", breaks, again)
    registry.job("waits", waits, again)
    before = REGISTRY.get_sample_value("marque_job_seconds_count", {"job": "breaks", "outcome": "failed"}) or 0.0
    with database.transaction(GAC) as tx:
        tx.defer("breaks", {}, once="x")
        tx.defer("waits", {})
    work(
        addresses,
        registry,
        lambda: [(name, status) for name, _, status, _ in queued(addresses) if name in tried] == [("breaks", "failed")],
    )
    assert tried == {"breaks": 2, "waits": 4}
    assert REGISTRY.get_sample_value("marque_job_seconds_count", {"job": "breaks", "outcome": "failed"}) == before + 2


def test_a_job_that_is_retried_gives_its_word_up_to_a_second(addresses, database):
    registry, runs = Registry(), []

    def fails_first(opened, job):
        runs.append(job.body["n"])
        if len(runs) == 1:
            with opened.transaction(job.actor) as tx:
                tx.defer("count", {"n": 2}, once="daily")
            raise RuntimeError("not yet")

    registry.job("count", fails_first, Retry(attempts=3, base_s=0.01))
    with database.transaction(GAC) as tx:
        tx.defer("count", {"n": 1}, once="daily")
    work(addresses, registry, lambda: len(runs) == 3 and not any(name == "count" for name, *_ in queued(addresses)))
    assert sorted(runs) == [1, 1, 2]


def test_a_job_of_a_killed_worker_is_begun_again_unless_it_kills_too_often(addresses, database):
    """As a killed worker leaves them: under way, and nobody's heart beats for them."""
    done, registry = [], Registry()
    registry.job("resumed", lambda _, job: done.append(job.attempts), Retry(attempts=3))
    registry.job("deadly", lambda *_: done.append("deadly"), Retry(attempts=3))
    with database.transaction(GAC) as tx:
        tx.defer("resumed", {})
        tx.defer("deadly", {})
    with psycopg.connect(addresses.worker) as connection:
        connection.execute("set search_path = jobs")
        connection.execute("update procrastinate_jobs set status = 'doing', attempts = case task_name when 'deadly' then 2 else 0 end")
        connection.execute(
            "select procrastinate_defer_periodic_job_v2('default', null, null, 'marque.resume', 0, '', 0, '{\"timestamp\": 0}')"
        )
    work(addresses, registry, lambda: done and not any(name == "resumed" for name, *_ in queued(addresses)))
    assert done == [2]
    assert [status for name, _, status, _ in queued(addresses) if name == "deadly"] == ["failed"]


def test_what_was_done_or_given_up_more_than_a_month_ago_is_forgotten(addresses, database):
    with database.transaction(GAC) as tx:
        for name in ("old", "recent", "waiting"):
            tx.defer(name, {})
        for kind in ("old", "recent", "waiting"):
            tx.emit(kind, {})
    with psycopg.connect(addresses.worker) as connection:
        connection.execute("set search_path = jobs, foundation")
        connection.execute("update procrastinate_jobs set status = 'failed' where task_name <> 'waiting'")
        connection.execute("update procrastinate_events set at = now() - interval '40 days'")
        connection.execute(
            "update procrastinate_events set at = now() where job_id = (select id from procrastinate_jobs where task_name = 'recent')"
        )
        connection.execute("update outbox set handled_at = now() - case kind when 'old' then interval '40 days' else '1 day' end")
        connection.execute("update outbox set handled_at = null, due_at = now() + interval '1 day' where kind = 'waiting'")
        connection.execute("update procrastinate_jobs set scheduled_at = now() + interval '1 day' where task_name = 'waiting'")
        connection.execute("update procrastinate_events set at = now() - interval '40 days' where type = 'scheduled'")
        connection.execute(
            "select procrastinate_defer_periodic_job_v2('default', null, null, 'marque.forget', 0, '', 0, '{\"timestamp\": 0}')"
        )
    work(addresses, Registry(), lambda: not any(name in {"old", "marque.forget"} for name, *_ in queued(addresses)))
    assert [name for name, *_ in queued(addresses) if not name.startswith("marque.")] == ["recent", "waiting"]
    with psycopg.connect(addresses.worker) as connection:
        assert connection.execute("select kind from foundation.outbox order by position").fetchall() == [("recent",), ("waiting",)]


def test_a_job_of_the_calendar_is_nobodys_and_has_its_instant(addresses):
    told, registry = [], Registry()
    registry.every("* * * * *", "hourly", lambda _, job: told.append((job.organisation, job.body["timestamp"] % 60)))
    work(addresses, registry, lambda: told)
    assert told[0] == ("", 0)


def test_a_name_is_given_once():
    registry = Registry()
    registry.job("count", lambda *_: None)
    registry.on("agreed", "tell", lambda *_: None)
    with pytest.raises(ValueError, match="count already"):
        registry.every("* * * * *", "count", lambda *_: None)
    with pytest.raises(ValueError, match="tell already"):
        registry.on("agreed", "tell", lambda *_: None)


WORKER = """
    import sys, time
    from marque.foundation import Registry
    from marque.foundation.embedded import Addresses
    from marque.foundation.worker import run_worker
    registry = Registry()
    def slow(database, job):
        print("begun", flush=True)
        time.sleep(1.0)
        with database.transaction(job.actor) as tx:
            tx.emit("finished", {})
    registry.job("slow", slow)
    run_worker(Addresses(*sys.argv[1:]), registry)
    print("ended", flush=True)
"""


def test_a_worker_told_to_end_finishes_what_is_under_way(addresses, database):
    with database.transaction(GAC) as tx:
        tx.defer("slow", {})
    command = [sys.executable, "-c", textwrap.dedent(WORKER), addresses.owner, addresses.app, addresses.worker]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout.readline() == "begun\n"
        worker.send_signal(signal.SIGTERM)
        told, _ = worker.communicate(timeout=40)
    assert (told.splitlines()[-1], worker.returncode) == ("ended", 0)
    with psycopg.connect(addresses.worker) as connection:
        assert connection.execute("select kind from foundation.outbox").fetchall() == [("finished",)]
    assert not any(name == "slow" for name, *_ in queued(addresses))


@pytest.mark.slow
def test_a_worker_outlives_the_end_of_all_its_connections(addresses):
    done, registry = [], Registry()
    registry.job("count", lambda _, job: done.append(job.body["n"]), Retry(base_s=0.1))
    ends = "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"

    begun = []

    def third_was_done():
        if len(begun) == len(set(done)) < 3:  # what was put before is done: end everything, and put another
            with psycopg.connect(addresses.owner.replace("user=marque_owner", "user=postgres"), autocommit=True) as connection:
                connection.execute(ends)
            with Database(addresses.app, SystemClock()) as database, database.transaction(GAC) as tx:
                begun.append(tx.defer("count", {"n": len(begun)}, at=datetime.now(UTC) - timedelta(seconds=1)))
        return len(set(done)) >= 3

    work(addresses, registry, third_was_done)
