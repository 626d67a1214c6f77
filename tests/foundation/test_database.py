"""A transaction is one organisation's, whole or not at all, and what goes wrong on the way is told in words."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.conninfo import make_conninfo

from marque.common import Refused, Unavailable, new_id
from marque.foundation import NOBODY, Actor, Database, SystemClock
from marque.foundation.metrics import REGISTRY

GAC, SERES = Actor("gac"), Actor("seres")
WHO = "select foundation.organisation() as organisation, foundation.person() as person, foundation.instant() is not null as timed"
HERE = "pid <> pg_backend_pid() and datname = current_database()"


@dataclass(frozen=True)
class Who:
    organisation: str | None
    person: UUID | None
    timed: bool


@pytest.fixture
def kept(owner_dsn):
    """A table anybody may write into; calling gives its rows, read apart from the pool."""
    with psycopg.connect(owner_dsn, autocommit=True) as connection:
        connection.execute("create schema if not exists trial; grant usage on schema trial to marque_app")
        connection.execute(
            "create table if not exists trial.kept (n int unique deferrable initially deferred); grant all on trial.kept to marque_app"
        )
        yield lambda: [n for (n,) in connection.execute("select n from trial.kept order by n")]


@pytest.fixture
def one_connection(addresses):
    """A pool of a single connection: whatever is left on it meets the next."""
    with Database(addresses.app, SystemClock(), connections=1, wait_s=2.0) as database:
        yield database


def superuser(addresses):
    return psycopg.connect(make_conninfo(addresses.owner, user="postgres"), autocommit=True)


def who(tx):
    return tx.row(Who, WHO)


ACTORS = st.builds(Actor, st.sampled_from(["", "gac", "seres"]), st.none() | st.builds(new_id))
ENDS = st.sampled_from(["commit", "error", "sql error", "session set", "session set and error", "local set", "reset", "savepoint error"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(st.lists(st.tuples(ACTORS, ENDS), min_size=1, max_size=6))
def test_nothing_of_an_actor_is_left_to_the_next_however_his_transaction_ends(one_connection, course):
    for actor, end in course:
        try:
            with one_connection.transaction(actor) as tx:
                assert who(tx) == Who(actor.organisation or None, actor.person, timed=True)
                act(tx, end)
        except (RuntimeError, psycopg.errors.DivisionByZero):
            pass
        with one_connection.transaction() as tx:
            assert who(tx) == Who(None, None, timed=True)


def act(tx, end):
    if "session set" in end:
        tx.execute("set marque.organisation = 'rival'")
        tx.execute("select set_config('marque.person', %s, false)", (str(new_id()),))
    if end == "local set":
        tx.execute("set local marque.organisation = 'rival'")
    if end == "reset":
        tx.execute("reset all")
    if end == "savepoint error":
        with pytest.raises(psycopg.errors.DivisionByZero), tx.connection.transaction():
            tx.execute("select 1 / 0")
    if end == "sql error":
        tx.execute("select 1 / 0")
    if end.endswith("error") and end != "savepoint error":
        raise RuntimeError


def test_outside_of_a_transaction_there_is_nobody(addresses):
    with psycopg.connect(addresses.app, autocommit=True) as connection:
        assert connection.execute(WHO).fetchone() == (None, None, False)
        assert connection.execute("select count(*) from foundation.handled").fetchone() == (0,)


def test_threads_do_not_see_each_others_actors(database):
    met, barrier = {}, threading.Barrier(4)

    def run(code):
        for _ in range(20):
            with database.transaction(Actor(code)) as tx:
                barrier.wait(20)
                met.setdefault(code, set()).add(who(tx).organisation)

    threads = [threading.Thread(target=run, args=(f"maker-{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert met == {f"maker-{number}": {f"maker-{number}"} for number in range(4)}


def test_a_transaction_can_be_neither_committed_nor_rolled_back_from_within(database):
    with database.transaction(GAC) as tx:
        for end in (tx.connection.commit, tx.connection.rollback):
            with pytest.raises(psycopg.ProgrammingError):
                end()
        assert who(tx).organisation == "gac"


def test_the_instant_of_a_transaction_is_the_clocks(database):
    with database.transaction(GAC) as tx:
        assert tx.value("select foundation.instant()") == tx.now == database.clock.now()


def test_what_breaks_at_the_end_leaves_nothing(one_connection, kept):
    with pytest.raises(psycopg.errors.UniqueViolation), one_connection.transaction(GAC) as tx:
        tx.execute("insert into trial.kept values (1), (1)")
    assert kept() == []


def test_a_connection_that_is_cut_is_unavailable_and_leaves_nothing(addresses, one_connection, kept):
    def cut_in_the_middle():
        with one_connection.transaction(GAC) as tx:
            tx.execute("insert into trial.kept values (1)")
            with superuser(addresses) as other:
                other.execute("select pg_terminate_backend(%s)", (tx.value("select pg_backend_pid()"),))
            tx.execute("insert into trial.kept values (2)")

    before = REGISTRY.get_sample_value("marque_transaction_seconds_count", {"outcome": "unavailable"}) or 0.0
    with pytest.raises(Unavailable, match="lost"):
        cut_in_the_middle()
    assert kept() == []
    assert REGISTRY.get_sample_value("marque_transaction_seconds_count", {"outcome": "unavailable"}) == before + 1
    with one_connection.transaction(SERES) as tx:
        assert who(tx).organisation == "seres"


def test_a_connection_that_was_cut_while_it_lay_in_the_pool_is_replaced_unnoticed(addresses, database):
    def hold(barrier):
        with database.transaction(GAC):
            barrier.wait(20)

    barrier = threading.Barrier(8)
    threads = [threading.Thread(target=hold, args=(barrier,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with superuser(addresses) as other:
        cut = other.execute(
            f"select count(pg_terminate_backend(pid)) from pg_stat_activity where usename = 'marque_app' and {HERE}"
        ).fetchone()
    assert cut == (8,)
    for _ in range(8):
        with database.transaction(SERES) as tx:
            assert who(tx).organisation == "seres"


def test_a_pool_whose_connections_are_all_busy_is_unavailable(addresses):
    with Database(addresses.app, SystemClock(), connections=1, wait_s=0.05) as database, database.transaction(GAC):
        assert database.pool_use() == (1, 1, 0)
        with pytest.raises(Unavailable, match="busy"), database.transaction(GAC):
            pass


@pytest.mark.filterwarnings("ignore")
def test_a_server_that_is_not_there_is_unavailable(tmp_path):
    with (
        Database(f"host={tmp_path} dbname=marque user=marque_app", SystemClock(), wait_s=0.2) as database,
        pytest.raises(Unavailable, match="cannot be reached"),
        database.transaction(),
    ):
        pass


def test_a_lock_that_another_holds_for_too_long_is_unavailable(owner_dsn, database, kept):
    def held():
        with database.transaction(GAC) as tx:
            tx.execute("insert into trial.kept values (1)")
            tx.execute("set local lock_timeout = '20ms'")
            tx.execute("select pg_advisory_xact_lock(7)")

    with psycopg.connect(owner_dsn) as other:
        other.execute("select pg_advisory_xact_lock(7)")
        with pytest.raises(Unavailable, match="Somebody else"):
            held()
    assert kept() == []


def test_a_statement_that_takes_too_long_is_unavailable(database, kept):
    def slow():
        with database.transaction(GAC) as tx:
            tx.execute("insert into trial.kept values (1)")
            tx.execute("set local statement_timeout = '20ms'")
            tx.execute("select pg_sleep(10)")

    with pytest.raises(Unavailable, match="too long"):
        slow()
    assert kept() == []


@pytest.mark.parametrize("text", ["a\0b", '{"a": "\\u0000"}'], ids=["in text", "in JSON"])
def test_a_text_that_cannot_be_kept_is_refused_and_leaves_nothing(database, kept, text):
    def write():
        with database.transaction(GAC) as tx:
            tx.execute("insert into trial.kept values (1)")
            tx.execute("select %s::text" if "\0" in text else "select %s::jsonb", [text])

    with pytest.raises(Refused, match="NUL"):
        write()
    assert kept() == []


def test_other_faults_of_data_stay_faults(database):
    with pytest.raises(psycopg.DataError, match="zero"), database.transaction(GAC) as tx:
        tx.execute("select 1 / 0")


def test_a_transaction_that_does_nothing_for_too_long_is_ended(database, kept):
    def dawdle():
        with database.transaction(GAC) as tx:
            tx.execute("insert into trial.kept values (1)")
            tx.execute("set local idle_in_transaction_session_timeout = '20ms'")
            threading.Event().wait(0.3)
            tx.execute("insert into trial.kept values (2)")

    with pytest.raises(Unavailable, match="lost"):
        dawdle()
    assert kept() == []


def test_every_connection_has_its_limits(database):
    with database.transaction(NOBODY) as tx:
        limits = [
            tx.value(f"show {name}") for name in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "timezone")
        ]
    assert limits == ["15s", "5s", "1min", "UTC"]


def test_a_row_that_is_not_there_is_none(database):
    with database.transaction(GAC) as tx:
        assert tx.row(Who, f"{WHO} where false") is None
        assert tx.value("select 1 where false") is None
        assert tx.rows(Who, f"{WHO} from generate_series(1, 2)") == [Who("gac", None, timed=True)] * 2
