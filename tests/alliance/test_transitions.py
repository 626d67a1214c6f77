"""What a change of the agreement does to data: once, all or none, and nothing before its day."""

from __future__ import annotations

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from threading import Barrier

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joint_development import RD, join
from psycopg.conninfo import make_conninfo
from small_alliance import noon, programme

from marque.alliance import audit, requirements, transitions
from marque.alliance.requirements import Said
from marque.common import Missing, new_id
from marque.foundation import Actor, Database, SetClock

CHANGE, DAY = date(2022, 4, 1), noon(2022, 4, 1)


@pytest.fixture
def joint(database, owner_dsn):
    return join(database, owner_dsn)


def filled(joint):
    """A requirement with a side of each, one of GAC alone, one of Huawei alone; a comment and a relation of Huawei."""
    with joint.acting("gac") as tx:
        transitions.apply_due(tx)
        both = requirements.found(tx, joint.area(), Said(title="Range", text="500 km")).id
        carmaker = requirements.found(tx, joint.area(), Said(title="Paint", text="Grey")).id
    with joint.acting("huawei") as tx:
        requirements.edit(tx, both, Said(title="Range", text="450 km"), 0)
        partner = requirements.found(tx, joint.area(), Said(title="Lidar", text="192 lines")).id
        requirements.comment(tx, both, "Which cycle?")
        requirements.relate(tx, partner, both, "refines")
    return both, carmaker, partner


def applied(joint, by="gac"):
    with joint.acting(by) as tx:
        return transitions.apply_due(tx)


def seen(joint, organisation):
    """Titles that an organisation sees, with whose side each is."""
    with joint.acting(organisation) as tx:
        try:
            return sorted((side.title, side.side) for one in requirements.page(tx, joint.area()) for side in one.sides)
        except Missing:
            return []


def steps(joint, what):
    (one,) = applied(joint)
    return [step for step in one.steps if step.what == what]


ALL = [("Lidar", "huawei"), ("Paint", "gac"), ("Range", "gac"), ("Range", "huawei")]


def test_access_is_narrow_on_the_day_before_anything_was_applied(joint):
    filled(joint)
    joint.change(CHANGE, ("huawei", "keeps-read"))
    assert seen(joint, "huawei") == ALL, "nothing changes before the day"
    assert applied(joint) == []
    joint.database.clock.set(DAY)
    assert seen(joint, "huawei") == [("Lidar", "huawei"), ("Range", "huawei")]
    assert seen(joint, "gac") == ALL


def test_who_keeps_reading_reads_what_there_was_and_no_later_word(joint):
    both, _, _ = filled(joint)
    joint.change(CHANGE, ("huawei", "keeps-read"), sight={"gac": "all", "huawei": "none"}, role={"gac": "leads", "huawei": "none"})
    joint.database.clock.set(DAY)
    assert [step.rows for step in steps(joint, "keeps-read")] == [1]
    assert seen(joint, "huawei") == ALL
    with joint.acting("gac") as tx:
        requirements.edit(tx, both, Said(title="Range", text="A secret of the new regime"), 1)
        requirements.found(tx, joint.area(), Said(title="New"))
    assert seen(joint, "huawei") == ALL
    with joint.acting("huawei") as tx:
        assert "secret" not in str(requirements.one(tx, both)) + str(requirements.history(tx, both))
        assert [one.text for one in requirements.one(tx, both).sides] == ["<div>500 km</div>", "<div>450 km</div>"]


def test_nothing_is_kept_that_could_not_be_read(joint):
    filled(joint)
    joint.agree(CHANGE, {RD: {"gac": "leads", "huawei": "co-decides"}}, {RD: {"gac": "all", "huawei": "own"}})
    clauses = [("huawei", "keeps-read"), ("huawei", "frozen-copy")]
    joint.change(date(2022, 5, 1), *clauses)
    joint.database.clock.set(noon(2022, 5, 1))
    done = applied(joint)
    assert [[step.rows for step in one.steps] for one in done] == [[], [0, 0]]
    assert seen(joint, "huawei") == [("Lidar", "huawei"), ("Range", "huawei")]


def test_a_frozen_copy_holds_the_others_rows_of_that_instant_and_can_be_checked_by_anybody(joint):
    both, carmaker, _ = filled(joint)
    joint.change(CHANGE, ("huawei", "frozen-copy"))
    joint.database.clock.set(DAY)
    with joint.acting("gac") as tx:
        requirements.edit(tx, both, Said(title="Range", text="Later"), 1)
    (step,) = steps(joint, "frozen-copy")
    with joint.acting("huawei") as tx:
        copies = transitions.frozen(tx, joint.area())
    for one in copies:
        assert hashlib.sha256(one.body.encode()).hexdigest() == one.digest
    assert step.digest == hashlib.sha256("".join(sorted(one.digest for one in copies)).encode()).hexdigest()
    bodies = [json.loads(one.body) for one in copies if one.source == "alliance.requirement"]
    assert sorted((one["id"], one["organisation"], one["text"]) for one in bodies) == sorted(
        [(str(both), "gac", "<div>500 km</div>"), (str(carmaker), "gac", "<div>Grey</div>")]
    )
    with joint.acting("gac") as tx, pytest.raises(Missing):
        transitions.frozen(tx, joint.area())


def test_what_is_returned_is_the_leaders_and_says_still_whose_words_it_was(joint):
    both, _, partner = filled(joint)
    joint.change(CHANGE, ("huawei", "returned"))
    joint.database.clock.set(DAY)
    (step,) = steps(joint, "returned")
    assert step.rows == 4, "two sides, a comment, a relation"
    assert seen(joint, "huawei") == []
    assert seen(joint, "gac") == ALL
    with joint.acting("gac") as tx:
        assert {(side.side, side.organisation) for side in requirements.one(tx, both).sides} == {("gac", "gac"), ("huawei", "gac")}
        mine = requirements.accept(tx, partner, "huawei", 1)
        assert [side.side for side in mine.sides] == ["gac", "huawei"]
        assert [one.side for one in requirements.comments(tx, both)] == ["huawei"]
    with joint.acting("huawei") as tx, pytest.raises(Missing):
        requirements.edit(tx, partner, Said(title="Mine again"), 0)


def test_a_side_begun_again_after_it_was_returned_takes_the_next_number(joint):
    both, _, _ = filled(joint)
    joint.change(CHANGE, ("huawei", "returned"))
    joint.agree(date(2022, 5, 1), {RD: {"gac": "leads", "huawei": "co-decides"}}, {RD: {"gac": "all", "huawei": "all"}})
    joint.change(date(2022, 6, 1), ("huawei", "returned"))
    joint.database.clock.set(noon(2022, 5, 1))
    with joint.acting("huawei") as tx:
        transitions.apply_due(tx)
        was = requirements.one(tx, both).of("huawei")
        assert (was.organisation, was.version) == ("gac", 1)
        again = requirements.edit(tx, both, Said(title="Range", text="470 km"), 1)
        assert (again.of("huawei").organisation, again.of("huawei").version) == ("huawei", 2)
    joint.database.clock.set(noon(2022, 6, 1))
    assert [step.rows for step in steps(joint, "returned")] == [1]
    with joint.acting("gac") as tx:
        assert requirements.one(tx, both).of("huawei").version == 2


def test_what_is_destroyed_is_gone_but_what_it_was_can_be_proven(joint):
    _, carmaker, _ = filled(joint)
    joint.change(CHANGE, ("huawei", "frozen-copy"), ("huawei", "keeps-read"))
    joint.database.clock.set(DAY)
    applied(joint)
    assert ("Paint", "gac") in seen(joint, "huawei")
    with joint.acting("huawei") as tx:
        copies = transitions.frozen(tx, joint.area())
        rows = [row[0] for row in tx.connection.execute(
            "select to_jsonb(t)::text from alliance.requirement t where organisation = 'huawei'"
            " union all select to_jsonb(t)::text from alliance.requirement_comment t where organisation = 'huawei'"
            " union all select to_jsonb(t)::text from alliance.requirement_relation t where organisation = 'huawei'")]  # fmt: skip
    joint.change(date(2022, 5, 1), ("huawei", "destroyed"))
    joint.database.clock.set(noon(2022, 5, 1))
    (step,) = steps(joint, "destroyed")
    digests = sorted([hashlib.sha256(row.encode()).hexdigest() for row in rows] + [one.digest for one in copies])
    assert (step.rows, step.digest) == (len(digests), hashlib.sha256("".join(digests).encode()).hexdigest())
    assert seen(joint, "huawei") == []
    assert seen(joint, "gac") == [("Paint", "gac"), ("Range", "gac")]
    with joint.acting("huawei") as tx, pytest.raises(Missing):
        transitions.frozen(tx, joint.area())
    with joint.acting("huawei") as tx, pytest.raises(Missing):
        requirements.one(tx, carmaker)


def test_rows_made_under_the_new_revision_are_touched_by_no_clause(joint):
    filled(joint)
    joint.change(CHANGE, ("huawei", "destroyed"))
    joint.database.clock.set(DAY)
    with joint.acting("huawei") as tx:
        requirements.found(tx, joint.area(), Said(title="Under the new one"))
    applied(joint)
    assert seen(joint, "huawei") == [("Under the new one", "huawei")]


def test_a_version_whose_rows_were_destroyed_is_never_given_again(joint):
    both, _, _ = filled(joint)
    joint.change(CHANGE, ("huawei", "destroyed"))
    joint.database.clock.set(DAY)
    applied(joint)
    with joint.acting("gac") as tx:
        assert [side.side for side in requirements.one(tx, both).sides] == ["gac"]
    joint.change(date(2022, 4, 2), role={"gac": "leads", "huawei": "co-decides"}, sight={"gac": "all", "huawei": "all"})
    joint.database.clock.set(noon(2022, 4, 2))
    with joint.acting("huawei") as tx:
        transitions.apply_due(tx)
        again = requirements.edit(tx, both, Said(title="Range", text="450 km"), 0)
    assert again.of("huawei").version == 2


def test_a_copy_is_made_before_the_original_is_destroyed(joint):
    both, _, _ = filled(joint)
    joint.change(CHANGE, ("huawei", "destroyed"), ("gac", "frozen-copy"))
    joint.database.clock.set(DAY)
    applied(joint)
    with joint.acting("gac") as tx:
        assert any(json.loads(one.body).get("text") == "<div>450 km</div>" for one in transitions.frozen(tx, joint.area()))
        assert [side.side for side in requirements.one(tx, both).sides] == ["gac"]


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


# Any clauses at all

clauses = st.tuples(
    *(
        st.tuples(st.just(organisation), st.sampled_from([(), ("returned",), ("destroyed",)]),
                  st.sets(st.sampled_from(["keeps-read", "frozen-copy"])))
        for organisation in ("gac", "huawei")
    )
).map(lambda drawn: [(organisation, what) for organisation, end, kept in drawn for what in (*end, *sorted(kept))])  # fmt: skip


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(clauses, st.sampled_from(["all", "own", "none"]), st.sampled_from(["supplies", "none"]))
def test_whatever_the_clauses_nobody_reads_what_it_could_not_and_no_word_is_lost_unless_destroyed(shared, given_clauses, sight, role):
    joint = shared()
    filled(joint)
    joint.change(CHANGE, *given_clauses, sight={"gac": "all", "huawei": sight}, role={"gac": "leads", "huawei": role})
    joint.database.clock.set(DAY)
    applied(joint)
    later = seen(joint, "huawei")
    destroyed = {organisation for organisation, what in given_clauses if what == "destroyed"}
    returned = ("huawei", "returned") in given_clauses
    left = [(title, side) for title, side in ALL if side not in destroyed]
    assert seen(joint, "gac") == left, "what is left is the leader's to see"
    reads_all = sight == "all" or (("huawei", "keeps-read") in given_clauses and "huawei" not in destroyed)
    own = [one for one in left if one[1] == "huawei" and not returned]
    assert later == (left if reads_all else own)


@pytest.fixture
def shared(shared_database):
    """A fresh joint development for each example."""
    opened = []

    def fresh():
        for one in opened:
            one.close()
        addresses = shared_database.emptied()
        database = Database(addresses.app, SetClock(noon(2021, 6, 1))).open()
        opened[:] = [database]
        return join(database, addresses.owner)

    yield fresh
    for one in opened:
        one.close()
