"""Events reach their handlers: none is lost, none counts twice, and each organisation's come in order."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections import Counter
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg.conninfo import make_conninfo

from marque.common import Unavailable, new_id
from marque.foundation import Actor, Database, Registry, Retry, SetClock, outbox
from marque.foundation.outbox import Dispatcher

GAC, SERES, BAIC = Actor("gac"), Actor("seres"), Actor("baic")
SEEN = """
    create schema if not exists trial; grant usage on schema trial to marque_app;
    create table if not exists trial.seen (n bigint generated always as identity, organisation text, step int);
    grant all on trial.seen to marque_app"""
ACTIVE = "select pid from pg_stat_activity where datname = current_database()"
TRIES = Retry(attempts=3)


@pytest.fixture
def seen(owner_dsn):
    """A table that handlers write into; calling gives what they wrote."""
    with psycopg.connect(owner_dsn, autocommit=True) as connection:
        connection.execute(SEEN)
        yield lambda: connection.execute("select organisation, step from trial.seen order by n").fetchall()


def note(tx, event):
    tx.execute("insert into trial.seen (organisation, step) values (%s, %s)", (event.organisation, event.body["step"]))


def emit(database, actor, *steps, kind="stepped"):
    ids = []
    for step in steps:
        with database.transaction(actor) as tx:
            ids.append(tx.emit(kind, {"step": step}))
    return ids


@pytest.fixture
def dispatch(addresses, database):
    """A dispatcher of these handlers."""

    def made(**handlers):
        registry = Registry()
        for name, handler in handlers.items():
            registry.on("stepped", name, handler)
        return Dispatcher(addresses.worker, database, registry.handlers, TRIES)

    return made


def by_code(rows):
    return {code: [step for organisation, step in rows if organisation == code] for code, _ in rows}


def until(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def waiting(addresses):
    with psycopg.connect(addresses.worker) as connection:
        return connection.execute("select count(*) from foundation.outbox where handled_at is null and parked_at is null").fetchone()[0]


def test_an_event_is_handled_once_however_often_the_outbox_is_looked_through(dispatch, database, seen):
    emit(database, GAC, 1)
    dispatcher = dispatch(note=note)
    assert [dispatcher.deliver_due() for _ in range(3)] == [1, 0, 0]
    assert seen() == [("gac", 1)]


def test_an_event_of_a_transaction_that_was_rolled_back_is_never_seen(dispatch, database, seen):
    def rolled_back():
        with database.transaction(GAC) as tx:
            tx.emit("stepped", {"step": 1})
            raise RuntimeError

    with pytest.raises(RuntimeError):
        rolled_back()
    assert dispatch(note=note).deliver_due() == 0
    assert seen() == []


def test_a_handler_acts_as_the_events_organisation_and_sees_its_rows_alone(dispatch, database):
    told = []
    for actor in (GAC, SERES):
        emit(database, actor, 1)
    dispatch(
        look=lambda tx, _: told.append((tx.actor.organisation, tx.value("select array_agg(distinct organisation) from foundation.handled")))
    ).deliver_due()
    assert told == [("gac", ["gac"]), ("seres", ["seres"])]


def test_an_organisations_events_come_in_the_order_of_their_emission(dispatch, database, seen):
    for step in range(20):
        emit(database, (GAC, SERES)[step % 2], step)
    dispatch(note=note).deliver_due()
    for code, first in (("gac", 0), ("seres", 1)):
        assert [step for organisation, step in seen() if organisation == code] == list(range(first, 20, 2))


def test_an_event_without_a_handler_is_done(addresses, dispatch, database):
    emit(database, GAC, 1, kind="of no interest")
    assert dispatch().deliver_due() == 1
    assert waiting(addresses) == 0


def test_what_a_failing_handler_did_is_undone_and_the_others_work_is_not_repeated(dispatch, database, seen):
    broken = [True]

    def fails_once(tx, event):
        note(tx, event)
        if broken.pop():
            broken.append(False)
            raise RuntimeError("not yet")

    emit(database, GAC, 1)
    dispatcher = dispatch(first=note, second=fails_once)
    dispatcher.deliver_due()
    assert seen() == [("gac", 1)]
    database.clock.advance(timedelta(seconds=1))
    dispatcher.deliver_due()
    assert seen() == [("gac", 1), ("gac", 1)]


def test_events_behind_a_retried_one_wait_and_other_organisations_do_not(dispatch, database, seen):
    broken = [True]

    def fails_first(tx, event):
        if event.organisation == "gac" and broken[0]:
            raise RuntimeError("not yet")
        note(tx, event)

    emit(database, GAC, 1, 2)
    emit(database, SERES, 3)
    dispatcher = dispatch(note=fails_first)
    dispatcher.deliver_due()
    assert seen() == [("seres", 3)]
    broken[0] = False
    assert dispatcher.deliver_due() == 0, "the retry is not due"
    database.clock.advance(timedelta(seconds=1))
    dispatcher.deliver_due()
    assert seen() == [("seres", 3), ("gac", 1), ("gac", 2)]


def test_a_poisonous_event_is_parked_with_its_failure_and_the_others_go_on(addresses, dispatch, database, seen):
    def refuses_one(tx, event):
        if event.body["step"] == 1:
            raise RuntimeError("no step 1 for li.wei@gac.example")
        note(tx, event)

    poison, _ = emit(database, GAC, 1, 2)
    dispatcher = dispatch(note=refuses_one)
    for _ in range(TRIES.attempts):
        assert outbox.parked(addresses.worker) == []
        dispatcher.deliver_due()
        database.clock.advance(timedelta(minutes=1))
    ((event, failure),) = outbox.parked(addresses.worker)
    assert (event.id, event.attempts, failure) == (poison, TRIES.attempts, "note: RuntimeError: no step 1 for [redacted]")
    assert seen() == [("gac", 2)]


def test_a_released_event_is_delivered_again(addresses, dispatch, database, seen):
    broken = [True]

    def mended_later(tx, event):
        if broken[0]:
            raise RuntimeError("not yet")
        note(tx, event)

    (event,) = emit(database, GAC, 1)
    dispatcher = dispatch(note=mended_later)
    for _ in range(TRIES.attempts):
        dispatcher.deliver_due()
        database.clock.advance(timedelta(minutes=1))
    broken[0] = False
    assert dispatcher.deliver_due() == 0
    assert not outbox.release(addresses.worker, "seres", event)
    assert outbox.release(addresses.worker, "gac", event)
    assert dispatcher.deliver_due() == 1
    assert seen() == [("gac", 1)]
    assert not outbox.release(addresses.worker, "gac", event)


def test_what_is_unavailable_is_waited_for_without_end(addresses, dispatch, database, seen):
    answers = [False]

    def asks_a_peer(tx, event):
        if not answers[0]:
            raise Unavailable("no answer")
        note(tx, event)

    emit(database, GAC, 1)
    dispatcher = dispatch(note=asks_a_peer)
    for _ in range(5 * TRIES.attempts):
        assert dispatcher.deliver_due() == 1
        database.clock.advance(timedelta(minutes=5))
    answers[0] = True
    dispatcher.deliver_due()
    assert (seen(), outbox.parked(addresses.worker)) == ([("gac", 1)], [])


def test_an_event_that_kills_its_workers_is_parked(addresses, dispatch, database):
    class Killed(BaseException):
        pass

    def kills(*_):
        raise Killed

    emit(database, GAC, 1)
    dispatcher = dispatch(kills=kills)
    for _ in range(TRIES.attempts):
        with pytest.raises(Killed):
            dispatcher.deliver_due()
    assert dispatcher.deliver_due() == 1
    ((_, failure),) = outbox.parked(addresses.worker)
    assert "never came to an end" in failure


def test_many_workers_at_once_deliver_each_event_once_and_in_order(addresses, dispatch, database, seen):
    codes = [f"maker-{number}" for number in range(5)]
    for step in range(20):
        for code in codes:
            emit(database, Actor(code), step)
    stop = threading.Event()
    threads = [threading.Thread(target=dispatch(note=note).run, args=(stop,)) for _ in range(6)]
    for thread in threads:
        thread.start()
    try:
        until(lambda: not waiting(addresses))
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert by_code(seen()) == {code: list(range(20)) for code in codes}


def test_a_worker_that_lost_its_turn_by_a_cut_connection_does_nothing_twice(addresses, dispatch, database, seen):
    """The turn's connection is cut while the handler runs; another worker takes over before the first has ended."""
    entered, may_end, told = threading.Event(), threading.Event(), []

    def slow(tx, event):
        entered.set()
        assert may_end.wait(30)
        note(tx, event)

    def first():
        try:
            dispatch(note=slow).deliver_due()
        except psycopg.OperationalError as fault:
            told.append(fault)

    emit(database, GAC, 1)
    one = threading.Thread(target=first)
    one.start()
    assert entered.wait(30)
    with psycopg.connect(make_conninfo(addresses.owner, user="postgres"), autocommit=True) as connection:
        connection.execute("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'marque outbox'")
        other = threading.Thread(target=dispatch(note=note).deliver_due)
        other.start()
        until(lambda: connection.execute(f"{ACTIVE} and wait_event_type = 'Lock'").fetchone())
    may_end.set()
    one.join()
    other.join()
    assert (seen(), len(told)) == ([("gac", 1)], 1)


def test_a_waiting_worker_wakes_by_an_event_and_outlives_its_connection(addresses, dispatch, database, seen):
    stop = threading.Event()
    thread = threading.Thread(target=dispatch(note=note).run, args=(stop,))
    thread.start()

    try:
        with psycopg.connect(addresses.worker, autocommit=True) as connection:
            listening = f"{ACTIVE} and application_name = 'marque outbox' and state = 'idle'"
            until(lambda: connection.execute(listening).fetchone())
            emit(database, GAC, 1)
            until(lambda: seen() == [("gac", 1)])
            until(lambda: connection.execute(listening).fetchone())
            connection.execute("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'marque outbox'")
            emit(database, GAC, 2)
            until(lambda: seen() == [("gac", 1), ("gac", 2)])
    finally:
        stop.set()
        thread.join()


def test_what_was_handled_long_ago_is_forgotten_and_nothing_else(addresses, dispatch, database):
    emit(database, GAC, 1)
    dispatcher = dispatch(nothing=lambda *_: None)
    dispatcher.deliver_due()
    database.clock.advance(timedelta(days=40))
    emit(database, GAC, 2)
    dispatcher.deliver_due()
    emit(database, GAC, 3)
    assert outbox.forget(addresses.worker, database.clock.now() - timedelta(days=30)) == 1
    with psycopg.connect(addresses.worker) as connection:
        assert [row[0] for row in connection.execute("select body ->> 'step' from foundation.outbox order by position")] == ["2", "3"]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("update foundation.outbox set body = '{}'")
        connection.rollback()
        assert connection.execute("delete from foundation.outbox where handled_at is null").rowcount == 0


def test_the_serving_role_can_neither_read_events_nor_mark_them(database):
    emit(database, GAC, 1)
    for sql in ("select * from foundation.outbox", "update foundation.outbox set handled_at = now()", "delete from foundation.outbox"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege), database.transaction(GAC) as tx:
            tx.execute(sql)
    forged = "insert into foundation.outbox (organisation, id, kind, body, emitted_at) values ('seres', %s, 'stepped', '{}', now())"
    with pytest.raises(psycopg.errors.InsufficientPrivilege), database.transaction(GAC) as tx:
        tx.execute(forged, (new_id(),))


@given(st.integers(1, 60), st.text(max_size=20))
def test_a_delay_repeats_grows_and_stays_within_half_and_the_whole_of_the_backoff(attempts, key):
    retry = Retry(attempts=10, base_s=1.0, cap_s=300.0)
    whole_s = min(300.0, 2.0 ** (attempts - 1))
    delay_s = retry.delay(attempts, key).total_seconds()
    assert delay_s == retry.delay(attempts, key).total_seconds()
    assert whole_s / 2 <= delay_s <= whole_s


def test_delays_of_many_events_are_spread():
    delays = Counter(round(Retry().delay(8, str(key)).total_seconds() / 128, 1) for key in range(2000))
    assert sorted(delays) == [0.5, 0.6, 0.7, 0.8, 0.9, 1.0]
    assert max(delays.values()) < 600


WORKER = """
    import random, sys, threading, time
    from marque.foundation import Database, Registry, SystemClock
    from marque.foundation.outbox import Dispatcher
    worker, app = sys.argv[1:]
    registry = Registry()
    def note(tx, event):
        tx.execute("insert into trial.seen (organisation, step) values (%s, %s)", (event.organisation, event.body["step"]))
        time.sleep(0.005)
        if event.body["step"] + 1 < 200:
            tx.emit("stepped", {"step": event.body["step"] + 1})
    registry.on("stepped", "note", note)
    with Database(app, SystemClock()) as database:
        Dispatcher(worker, database, registry.handlers).run(threading.Event())
"""


@pytest.mark.slow
def test_workers_killed_at_random_moments_lose_nothing_and_repeat_nothing(addresses, seen):
    """Each event brings forth the next, in the transaction of its handler: one lost breaks the chain, one handled twice forks it."""
    codes = [f"maker-{number}" for number in range(3)]
    with Database(addresses.app, SetClock(datetime(2025, 6, 1, tzinfo=UTC))) as database:
        for code in codes:
            emit(database, Actor(code), 0)
    command = [sys.executable, "-c", textwrap.dedent(WORKER), addresses.worker, addresses.app]
    chance, workers, kills = random.Random(4), [subprocess.Popen(command) for _ in range(2)], 0
    deadline = time.monotonic() + 300
    try:
        while waiting(addresses):
            assert time.monotonic() < deadline
            time.sleep(chance.uniform(0.0, 0.6))
            victim = chance.randrange(2)
            workers[victim].send_signal(signal.SIGKILL)
            workers[victim].wait()
            kills += 1
            workers[victim] = subprocess.Popen(command)
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
    assert kills > 5
    assert by_code(seen()) == {code: list(range(200)) for code in codes}
