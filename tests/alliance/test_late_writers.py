"""Writing while the agreement changes: a transition reaches every row of before, or the row is never written."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import psycopg
import pytest
from joint_development import join
from psycopg.conninfo import make_conninfo
from small_alliance import noon

from marque.alliance import decisions, requirements, transitions
from marque.alliance.access import Action, require
from marque.alliance.requirements import Said
from marque.common import Missing, Unavailable
from marque.foundation import Actor

CHANGE, DAY = date(2022, 4, 1), noon(2022, 4, 1)
GONE, UNSEEN = {"gac": "leads", "huawei": "none"}, {"gac": "all", "huawei": "none"}


@pytest.fixture
def joint(database, owner_dsn):
    made = join(database, owner_dsn)
    apply(made)
    return made


def apply(joint):
    with joint.acting("gac") as tx:
        return transitions.apply_due(tx)


def writes_requirement(joint, tx):
    return requirements.found(tx, joint.area(), Said(title="Lidar")).id


def asks(joint, tx):
    return decisions.open_decision(tx, joint.area(), "release/1", "Shall we?").id


def until_somebody_waits(owner_dsn):
    sql = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    with psycopg.connect(make_conninfo(owner_dsn, user="postgres"), autocommit=True) as superuser:
        for _ in range(1000):
            if superuser.execute(sql).fetchone()[0]:
                return
            time.sleep(0.01)
    raise AssertionError("nobody waits")


def test_a_transition_waits_for_a_row_that_is_being_written_and_destroys_it(joint, owner_dsn):
    joint.change(CHANGE, ("huawei", "destroyed"))
    with ThreadPoolExecutor(1) as pool:
        with joint.acting("huawei") as tx:
            requirement = writes_requirement(joint, tx)
            joint.database.clock.set(DAY)
            applying = pool.submit(apply, joint)
            until_somebody_waits(owner_dsn)
        (applied,) = applying.result()
    assert [step.rows for step in applied.steps] == [1]
    with joint.acting("huawei") as tx, pytest.raises(Missing):
        requirements.one(tx, requirement)


def test_a_decision_that_is_being_asked_is_moved_with_the_others(joint, owner_dsn):
    joint.change(CHANGE, decisions="new")
    with ThreadPoolExecutor(1) as pool:
        with joint.acting("huawei") as tx:
            decision = asks(joint, tx)
            joint.database.clock.set(DAY)
            applying = pool.submit(apply, joint)
            until_somebody_waits(owner_dsn)
        applying.result()
    with joint.acting("huawei") as tx:
        assert decisions.one(tx, decision).deciders == ("gac",)


@pytest.mark.parametrize("act", [writes_requirement, asks])
def test_who_writes_under_a_revision_whose_successor_was_applied_meanwhile_is_told_to_try_again(joint, act):
    joint.change(CHANGE, ("huawei", "destroyed"), decisions="new")

    def too_late():
        with joint.acting("huawei") as tx:
            joint.database.clock.set(DAY)
            assert len(apply(joint)) == 1
            act(joint, tx)

    with pytest.raises(Unavailable, match="try again"):
        too_late()
    with joint.acting("huawei") as tx:
        act(joint, tx)


def test_who_was_told_that_it_may_write_may_although_a_change_is_signed_in_this_moment(joint, owner_dsn):
    """The signing has an earlier instant than the writing, and is committed after the gate's answer: it waits."""
    before = joint.database.clock.now()
    with ThreadPoolExecutor(1) as pool:
        joint.database.clock.set(DAY)
        with joint.acting("huawei") as tx:
            require(tx, Action.CREATE, joint.area())
            joint.database.clock.set(before)
            signing = pool.submit(joint.change, date(2022, 2, 1), role=GONE, sight=UNSEEN)
            until_somebody_waits(owner_dsn)
            requirement = writes_requirement(joint, tx)
        signing.result()
    joint.database.clock.set(DAY)
    with joint.acting("huawei") as tx:
        assert [side.title for side in requirements.history(tx, requirement)] == ["Lidar"]


@pytest.mark.parametrize("act", [writes_requirement, asks])
def test_a_change_signed_while_somebody_is_about_to_write_takes_the_right_to(joint, act):
    before = joint.database.clock.now()
    joint.database.clock.set(DAY)
    with joint.acting("huawei") as tx:
        joint.database.clock.set(before)
        joint.change(date(2022, 2, 1), role=GONE, sight=UNSEEN)
        with pytest.raises(Missing):
            act(joint, tx)


def test_what_is_due_is_applied_before_the_transaction_in_which_one_acts(joint):
    joint.change(CHANGE, ("huawei", "destroyed"))
    joint.database.clock.set(DAY)

    def fails():
        with transitions.applied_first(joint.database, Actor("gac", joint.people["gac"])) as tx:
            assert not tx.value("select alliance.audit_uncertain()"), "the audit log is locked already"
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    with joint.acting("gac") as tx:
        assert [step.what for step in transitions.steps(tx, "gac", joint.agreement, 2)] == ["destroyed"]
        assert transitions.apply_due(tx) == []
