"""A database is as its migrations say, or as it was."""

from __future__ import annotations

import threading

import psycopg
import pytest

from marque.app.platform import ROOMS
from marque.common import InputError, MarqueError
from marque.foundation.migrations import Migration, migrate, missing, of_rooms


@pytest.fixture
def empty(addresses):
    """The address of a database whose owner has applied nothing of `trial` yet; what a test applies is taken back."""
    known = of_rooms(ROOMS)
    yield addresses.owner, known
    with psycopg.connect(addresses.owner) as connection:
        connection.execute("drop schema if exists trial_migrations cascade")
        connection.execute("delete from marque.migration where room = 'trial'")


def trial(number, text, name=None):
    return Migration("trial", number, name or f"{number:04}_step.sql", text)


ONE = trial(1, "create schema trial_migrations; create table trial_migrations.one (n int);")
TWO = trial(2, "create table trial_migrations.two (n int);")


def tables(dsn):
    with psycopg.connect(dsn) as connection:
        found = "select relname from pg_class where relnamespace = to_regnamespace('trial_migrations') and relkind = 'r' order by 1"
        return [name for (name,) in connection.execute(found)]


def test_what_is_missing_is_applied_once_and_in_order(empty):
    dsn, known = empty
    assert migrate(dsn, known) == []
    assert migrate(dsn, [*known, ONE]) == [ONE]
    assert migrate(dsn, [*known, ONE, TWO]) == [TWO]
    assert migrate(dsn, [*known, ONE, TWO]) == []
    assert tables(dsn) == ["one", "two"]


def test_a_file_that_was_changed_after_it_was_applied_is_refused(empty):
    dsn, known = empty
    migrate(dsn, [*known, ONE])
    changed = trial(1, ONE.text + " -- a word")
    with pytest.raises(MarqueError, match=r"trial/schema/0001_step\.sql was changed after it was applied"):
        migrate(dsn, [*known, changed, TWO])
    assert tables(dsn) == ["one"]


def test_a_database_that_is_newer_than_the_program_is_refused(empty):
    dsn, known = empty
    migrate(dsn, [*known, ONE, TWO])
    with pytest.raises(MarqueError, match=r"does not know \(trial 0002\)"):
        migrate(dsn, [*known, ONE])


def test_a_file_that_fails_leaves_nothing_of_itself_and_names_its_line(empty):
    dsn, known = empty
    failing = trial(2, "create table trial_migrations.two (n int);\n\ninsert into trial_migrations.three values (1);\n")
    with pytest.raises(InputError, match=r"trial/schema/0002_step\.sql, line 3: .*three"):
        migrate(dsn, [*known, ONE, failing])
    assert tables(dsn) == ["one"]
    assert migrate(dsn, [*known, ONE, TWO]) == [TWO]


@pytest.mark.parametrize("end", ["commit", "ROLLBACK", "begin", "start transaction isolation level serializable", "commit and chain"])
def test_a_file_cannot_end_its_own_transaction(empty, end):
    dsn, known = empty
    function = "create function trial_migrations.f() returns int language plpgsql as $$\nbegin\nreturn 1;\nend;\n$$;"
    with pytest.raises(InputError, match=f"line 6: {end.split()[0]}"):
        migrate(dsn, [*known, ONE, trial(2, f"{function}\n  {end};\ncreate table trial_migrations.two (n int);")])
    assert migrate(dsn, [*known, ONE, trial(2, f"{function}\ncreate table trial_migrations.two (n int);")]) != []
    assert tables(dsn) == ["one", "two"]


def test_a_lock_that_is_held_too_long_is_told_with_the_remedy(empty):
    dsn, known = empty
    migrate(dsn, [*known, ONE])
    with psycopg.connect(dsn) as other:
        other.execute("lock table trial_migrations.one in access share mode")
        with pytest.raises(InputError, match="start again"):
            migrate(dsn, [*known, ONE, trial(2, "set local lock_timeout = '20ms'; alter table trial_migrations.one add m int;")])


def test_two_starts_at_once_apply_each_file_once(empty):
    dsn, known = empty
    slow = trial(2, "create table trial_migrations.two (n int); select pg_sleep(0.2);")
    applied, barrier = [], threading.Barrier(4)

    def start():
        barrier.wait(20)
        applied.append(migrate(dsn, [*known, ONE, slow]))

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(applied, key=len) == [[], [], [], [ONE, slow]]


def test_the_serving_role_knows_what_is_missing_and_may_not_change_it(empty, database):
    dsn, known = empty
    migrate(dsn, [*known, ONE])
    with database.transaction() as tx:
        assert missing(tx.connection, [*known, ONE]) == []
        assert missing(tx.connection, [*known, ONE, TWO]) == [TWO]
        assert missing(tx.connection, [trial(1, "other")]) == [trial(1, "other")]
    with pytest.raises(psycopg.errors.InsufficientPrivilege), database.transaction() as tx:
        tx.execute("delete from marque.migration")


def test_migrations_of_rooms_are_numbered_once_each():
    found = of_rooms(ROOMS)
    keys = [(one.room, one.number) for one in found]
    assert keys == sorted(set(keys), key=lambda key: (ROOMS.index(key[0]), key[1]))
