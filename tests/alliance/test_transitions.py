"""What a change of the agreement does to data, clause by clause and under any clauses: nothing before its day, and no word lost."""

from __future__ import annotations

import hashlib
import json
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joint_development import RD, join
from mode_change import ALL, CHANGE, DAY, applied, filled, seen
from small_alliance import noon

from marque.alliance import requirements, transitions
from marque.alliance.requirements import Said
from marque.common import Missing
from marque.foundation import Database, SetClock


@pytest.fixture
def joint(database, owner_dsn):
    return join(database, owner_dsn)


def steps(joint, what):
    (one,) = applied(joint)
    return [step for step in one.steps if step.what == what]


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
