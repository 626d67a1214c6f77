"""A change of the agreement is applied once, whole or not at all, by whom it concerns, in every table of every room."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import psycopg
import pytest
from joint_development import RD, join
from mode_change import ALL, CHANGE, DAY, applied, filled, seen
from psycopg.conninfo import make_conninfo
from small_alliance import noon, programme

from marque.alliance import audit, transitions
from marque.common import Missing, new_id
from marque.foundation import Actor, Database, SetClock


@pytest.fixture
def joint(database, owner_dsn):
    return join(database, owner_dsn)


def test_it_is_applied_once_told_once_and_provable(joint):
    filled(joint)
    joint.change(CHANGE, ("huawei", "returned"))
    joint.database.clock.set(DAY)
    (once,) = applied(joint, "huawei")
    assert applied(joint, "gac") == []
    with joint.acting("gac") as tx:
        assert tuple(transitions.steps(tx, "gac", joint.agreement, once.number)) == once.steps
        entry = next(one for one in audit.entries(tx) if one.kind == "transition-applied")
        assert once.steps[0].digest in str(entry)
    with joint.acting("seres") as tx, pytest.raises(Missing):
        transitions.steps(tx, "gac", joint.agreement, once.number)


def test_of_many_callers_at_the_same_moment_one_applies(joint):
    filled(joint)
    joint.change(CHANGE, ("huawei", "returned"), ("gac", "keeps-read"))
    joint.database.clock.set(DAY)
    barrier = Barrier(4)

    def call(organisation):
        with joint.acting(organisation) as tx:
            barrier.wait()
            return transitions.apply_due(tx)

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(call, ["gac", "huawei"] * 2))
    assert sorted(map(len, results)) == [0, 0, 0, 1]


def test_whoever_has_nothing_to_do_with_an_agreement_applies_nothing_of_it(joint):
    filled(joint)
    joint.change(CHANGE, ("huawei", "destroyed"))
    joint.database.clock.set(DAY)
    assert applied(joint, "seres") == []
    with joint.database.transaction() as tx:
        assert transitions.apply_due(tx) == []
        assert tx.value("select count(*) from alliance.apply_due()") == 0
    assert seen(joint, "gac") == ALL


def test_only_the_worker_may_ask_for_whom_something_is_due(joint, owner_dsn):
    joint.change(CHANGE, ("huawei", "destroyed"))
    with Database(make_conninfo(owner_dsn, user="marque_worker"), joint.database.clock) as worker:
        with worker.transaction() as tx:
            first = transitions.due_organisations(tx)
        joint.database.clock.set(DAY)
        with worker.transaction() as tx:
            assert transitions.due_organisations(tx) == first == ["gac"]
        for organisation in first:
            with joint.database.transaction(Actor(organisation)) as tx:
                assert [one.number for one in transitions.apply_due(tx)] == [1, 2]
        with worker.transaction() as tx:
            assert transitions.due_organisations(tx) == []
    with pytest.raises(psycopg.errors.InsufficientPrivilege), joint.acting("gac") as tx:
        transitions.due_organisations(tx)


PAST_THE_SERVICE = [
    "select alliance.apply_clause('destroyed', 'gac', 'gac', gen_random_uuid(), 'brand', 1, now())",
    "update alliance.force set applied_at = null",
    "insert into alliance.kept select 'huawei', owner, programme, process, 'infinity' from alliance.area_right",
    "delete from alliance.transition_step",
    "delete from alliance.frozen",
]


def test_the_serving_role_applies_what_is_due_and_nothing_else(joint):
    for act in PAST_THE_SERVICE:
        with pytest.raises(psycopg.errors.InsufficientPrivilege), joint.acting("huawei") as tx:
            tx.execute(act)


# More programmes, more tables

OTHER_ROOM = """
create table alliance.part (
    organisation text collate "C" not null, id uuid not null, lead text collate "C" not null, programme uuid not null,
    process text collate "C" not null, created_at timestamptz not null, name text not null,
    primary key (organisation, id)
);
call alliance.guard_area('alliance.part');
create table alliance.part_use (
    organisation text collate "C" not null, id uuid not null, lead text collate "C" not null, programme uuid not null,
    process text collate "C" not null, created_at timestamptz not null, part uuid not null,
    primary key (organisation, id),
    foreign key (organisation, part) references alliance.part (organisation, id) deferrable initially immediate
);
call alliance.guard_area('alliance.part_use');
grant select, insert on alliance.part, alliance.part_use to marque_app;
"""


@pytest.mark.parametrize("what", ["returned", "destroyed", "frozen-copy"])
def test_a_table_of_a_room_that_is_not_known_here_is_reached_in_every_programme(own_addresses, what):
    with psycopg.connect(own_addresses.owner) as owner:
        owner.execute(OTHER_ROOM)
    with Database(own_addresses.app, SetClock(noon(2021, 6, 1))) as database:
        joint = join(database, own_addresses.owner)
        other = programme(database, "gac", joint.agreement, "AH9")
        with joint.acting("huawei") as tx:
            for one in (joint.programme, other):
                part = new_id()
                row = ("gac", one, RD, tx.now)
                tx.execute("insert into alliance.part values ('huawei', %s, %s, %s, %s, %s, 'Lidar')", (part, *row))
                tx.execute("insert into alliance.part_use values ('huawei', %s, %s, %s, %s, %s, %s)", (new_id(), *row, part))
        joint.change(CHANGE, ("gac" if what == "frozen-copy" else "huawei", what))
        joint.database.clock.set(DAY)
        done = applied(joint)[-1]
        assert sorted((step.programme, step.rows) for step in done.steps) == sorted([(joint.programme, 2), (other, 2)])
    with psycopg.connect(make_conninfo(own_addresses.owner, user="postgres")) as superuser:
        owners = superuser.execute("select organisation from alliance.part union all select organisation from alliance.part_use").fetchall()
        copies = superuser.execute("select source, count(*) from alliance.frozen group by source order by source").fetchall()
    assert [one for (one,) in owners] == {"returned": ["gac"] * 4, "destroyed": [], "frozen-copy": ["huawei"] * 4}[what]
    assert copies == ([("alliance.part", 2), ("alliance.part_use", 2)] if what == "frozen-copy" else [])


# Killed in the middle

TABLES = ("requirement", "requirement_comment", "requirement_relation", "kept", "frozen", "transition_step", "force", "decision")


def everything(owner_dsn):
    with psycopg.connect(make_conninfo(owner_dsn, user="postgres")) as superuser:
        return {
            name: sorted(row[0] for row in superuser.execute(f"select to_jsonb(t)::text from alliance.{name} t"))
            for name in TABLES
        }  # fmt: skip


@pytest.mark.parametrize("after", ["kept", "frozen", "requirement", "transition_step", "audit"])
def test_a_connection_that_dies_in_the_middle_has_applied_nothing(joint, owner_dsn, after):
    filled(joint)
    joint.change(CHANGE, ("huawei", "keeps-read"), ("huawei", "frozen-copy"), ("gac", "frozen-copy"), ("huawei", "destroyed"))
    joint.database.clock.set(DAY)
    before = everything(owner_dsn)
    with psycopg.connect(make_conninfo(owner_dsn, user="postgres"), autocommit=True) as superuser:
        superuser.execute("create function public.die() returns trigger language plpgsql as "
                          "$$begin perform pg_terminate_backend(pg_backend_pid()); perform pg_sleep(1); return null; end$$")  # fmt: skip
        superuser.execute("grant usage on schema public to public")
        table = "audit_entry" if after == "audit" else after
        superuser.execute(f"create trigger die after insert or delete on alliance.{table} execute function public.die()")
    try:
        with pytest.raises(Exception, match=r"connection|terminat"), joint.acting("gac") as tx:
            transitions.apply_due(tx)
        assert everything(owner_dsn) == before
        assert seen(joint, "huawei") == [("Lidar", "huawei"), ("Range", "huawei")], "access stays narrow"
    finally:
        with psycopg.connect(make_conninfo(owner_dsn, user="postgres"), autocommit=True) as superuser:
            superuser.execute("drop function public.die() cascade")
    (done,) = applied(joint)
    assert len(done.steps) == 4
    assert seen(joint, "huawei") == []
