"""A decision is taken when everybody who decides by the revision it was opened under has approved."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime
from threading import Barrier

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from joint_development import RD, SUPPLIED, colleague, join
from small_alliance import noon

from marque.alliance import audit, decisions, transitions
from marque.alliance.access import Area
from marque.alliance.decisions import Act, Decision
from marque.common import Denied, Missing, Refusal, Refused, new_id
from marque.foundation import Actor

SUBJECT = "requirement-baseline/1"


@pytest.fixture
def joint(database, owner_dsn):
    return join(database, owner_dsn)


def opened(joint, by="huawei", subject=SUBJECT):
    with joint.acting(by) as tx:
        return decisions.open_decision(tx, joint.area(), subject, "Freeze the baseline")


def acted(joint, by, kind, decision, *reason):
    with joint.acting(by) as tx:
        return getattr(decisions, kind)(tx, decision.id, *reason)


# Rules


@given(
    st.permutations(["a", "b", "c", "d"]),
    st.integers(1, 3),
    st.lists(st.tuples(st.integers(0, 4), st.sampled_from(["approve", "reject"])), max_size=6),
)
def test_taken_means_that_all_deciders_and_only_they_approved(codes, deciding, tries):
    instant = datetime(2025, 1, 1, tzinfo=UTC)
    decision = Decision(
        new_id(), "a", Area("a", new_id(), RD), "s", "t", "", new_id(), instant, new_id(), 1, tuple(sorted(codes[:deciding])), 1, "open",
        None, (),
    )  # fmt: skip
    said: dict[str, str] = {}
    for index, kind in tries:
        organisation = [*codes, "stranger"][index]
        answer = decisions.act(decision, organisation, kind)
        allowed = organisation in decision.deciders and organisation not in said and decision.state == "open"
        assert isinstance(answer, Refusal) != allowed
        if allowed:
            said[organisation] = kind
            act = Act(organisation, new_id(), kind, 1, "", instant)
            decision = replace(decision, state=answer.state, acts=(*decision.acts, act))
    assert (decision.state == "taken") == (set(said) == set(decision.deciders) and set(said.values()) == {"approve"})
    assert (decision.state == "refused") == ("reject" in said.values())
    assert set(decision.waited_for()) == (set(decision.deciders) - set(said) if decision.state == "open" else set())


# In the database


def test_a_decision_is_taken_by_the_last_approval_that_was_waited_for(joint):
    decision = opened(joint)
    assert (decision.deciders, decision.number, decision.waited_for()) == (("gac", "huawei"), 1, ("gac", "huawei"))
    half = acted(joint, "huawei", "approve", decision)
    assert (half.state, half.waited_for()) == ("open", ("gac",))
    with joint.acting("gac") as tx:
        assert [one.id for one in decisions.waiting(tx)] == [decision.id]
    taken = acted(joint, "gac", "approve", decision, "As agreed")
    assert (taken.state, taken.decided_at, taken.waited_for()) == ("taken", noon(2022, 3, 1), ())
    assert [(act.organisation, act.person, act.reason) for act in taken.acts] == [
        ("huawei", joint.people["huawei"], ""), ("gac", joint.people["gac"], "As agreed"),
    ]  # fmt: skip
    with joint.acting("gac") as tx:
        assert decisions.waiting(tx) == []
        assert decisions.about(tx, joint.area(), SUBJECT) == [taken]
        assert decisions.page(tx, joint.area()) == [taken]
        kinds = [one.kind for one in audit.entries(tx)]
    assert sorted(kinds) == ["decision-approved", "decision-approved", "decision-opened"]


def test_one_rejection_refuses_and_asking_again_is_a_new_round(joint):
    decision = opened(joint)
    acted(joint, "huawei", "approve", decision)
    with joint.acting("gac") as tx, pytest.raises(Refused, match="reason"):
        decisions.reject(tx, decision.id, " ")
    assert acted(joint, "gac", "reject", decision, "Too early").state == "refused"
    with joint.acting("huawei") as tx, pytest.raises(Refused, match="no longer open"):
        decisions.approve(tx, decision.id)
    again = acted(joint, "huawei", "reopen", decision)
    assert (again.state, again.round, again.waited_for()) == ("open", 2, ("gac", "huawei")), "earlier answers are of the earlier round"
    acted(joint, "gac", "approve", decision)
    assert acted(joint, "huawei", "approve", decision).state == "taken"
    with joint.acting("gac") as tx, pytest.raises(Refused, match="only a refused or withdrawn"):
        decisions.reopen(tx, decision.id)


def test_a_decision_is_withdrawn_by_who_asked_and_an_organisation_answers_once(joint):
    decision = opened(joint)
    with joint.acting("gac") as tx, pytest.raises(Refused, match="withdrawn by who asked"):
        decisions.withdraw(tx, decision.id)
    acted(joint, "gac", "approve", decision)
    other = colleague(joint, "gac", "product")
    with joint.database.transaction(Actor("gac", other)) as tx, pytest.raises(Refused, match="already answered"):
        decisions.approve(tx, decision.id)
    assert acted(joint, "huawei", "withdraw", decision).state == "withdrawn"


def test_on_one_subject_there_is_one_decision_that_stands(joint):
    first = opened(joint)
    with joint.acting("gac") as tx, pytest.raises(Refused, match="there is a decision"):
        decisions.open_decision(tx, joint.area(), SUBJECT, "Again")
    acted(joint, "gac", "reject", first, "No")
    second = opened(joint, "gac")
    with joint.acting("huawei") as tx, pytest.raises(Refused, match="another decision"):
        decisions.reopen(tx, first.id)
    with joint.acting("huawei") as tx:
        assert [(one.id, one.state) for one in decisions.about(tx, joint.area(), SUBJECT)] == [(second.id, "open"), (first.id, "refused")]


def test_a_rival_cannot_tell_a_decision_from_none_and_a_person_without_the_duty_does_not_decide(joint):
    decision = opened(joint)
    told = set()
    for identifier in (decision.id, new_id()):
        for act in (decisions.one, decisions.approve, decisions.withdraw, decisions.reopen):
            with pytest.raises(Missing) as missing, joint.acting("seres") as tx:
                act(tx, identifier)
            told.add(str(missing.value))
    assert len(told) == 1
    with joint.acting("seres") as tx:
        assert decisions.about(tx, joint.area(), SUBJECT) == []
        assert decisions.waiting(tx) == []
    engineer = colleague(joint, "gac", "engineer")
    with joint.database.transaction(Actor("gac", engineer)) as tx:
        assert decisions.one(tx, decision.id) == decision
        with pytest.raises(Denied):
            decisions.approve(tx, decision.id)
    with joint.database.transaction(Actor("gac")) as tx, pytest.raises(Refused, match="people"):
        decisions.approve(tx, decision.id)


def test_two_last_approvals_at_the_same_moment_take_the_decision_once(joint):
    decision, barrier = opened(joint), Barrier(2)

    def approve(organisation):
        with joint.acting(organisation) as tx:
            decisions.one(tx, decision.id)
            barrier.wait()
            return decisions.approve(tx, decision.id).state

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(approve, ["gac", "huawei"])) == ["open", "taken"]
    with joint.acting("gac") as tx:
        assert decisions.one(tx, decision.id).state == "taken"


PAST_THE_SERVICE = [
    "update alliance.decision set state = 'taken'",
    "update alliance.decision set deciders = '{huawei}'",
    "delete from alliance.decision",
    "delete from alliance.decision_act",
    "insert into alliance.decision (organisation, id, lead, programme, process, subject, title, opened_by, created_at, state,"
    " agreement, number, deciders, decided_at) select 'huawei', gen_random_uuid(), lead, programme, process, 'x', 'x',"
    " foundation.person(), foundation.instant(), 'taken', agreement, number, '{huawei}', foundation.instant() from alliance.decision",
    "insert into alliance.decision_act (organisation, id, opener, decision, kind, person, created_at)"
    " select 'gac', gen_random_uuid(), organisation, id, 'approve', foundation.person(), foundation.instant() from alliance.decision",
    "insert into alliance.decision_act (organisation, id, opener, decision, kind, person, created_at)"
    " select 'huawei', gen_random_uuid(), organisation, id, 'withdraw', foundation.person(), foundation.instant()"
    " from alliance.decision",
    "select alliance.settle(organisation, id) from alliance.decision",
]


def test_past_the_service_too_nobody_takes_a_decision_alone(joint):
    opened(joint, "gac")
    for act in PAST_THE_SERVICE:
        with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.CheckViolation)), joint.acting("huawei") as tx:
            tx.execute(act)


# When the agreement changes


def taken(owner_dsn):
    """What was told of decisions taken."""
    with psycopg.connect(owner_dsn) as owner:
        return [one[0] for one in owner.execute("select body from foundation.outbox where kind = 'alliance.decision-taken'")]


@pytest.mark.parametrize(
    ("which", "decides", "number", "after_huawei"), [("old", ("gac", "huawei"), 1, "open"), ("new", ("gac",), 2, None)]
)
def test_an_open_decision_finishes_under_the_matrix_the_transition_names(joint, owner_dsn, which, decides, number, after_huawei):
    decision = opened(joint)
    joint.change(date(2022, 4, 1), decisions=which)
    joint.database.clock.set(noon(2022, 4, 1))
    with joint.acting("gac") as tx:
        transitions.apply_due(tx)
        found = decisions.one(tx, decision.id)
    assert (found.deciders, found.number, found.state, found.waited_for()) == (decides, number, "open", decides)
    if after_huawei:
        assert acted(joint, "huawei", "approve", decision).state == after_huawei
        assert taken(owner_dsn) == []
    else:
        with joint.acting("huawei") as tx, pytest.raises((Denied, Refused)):
            decisions.approve(tx, decision.id)
    assert acted(joint, "gac", "approve", decision).state == "taken"
    assert [one["decision"] for one in taken(owner_dsn)] == [str(decision.id)]


def test_moving_takes_a_decision_that_only_waited_for_who_no_longer_decides_and_tells_so(joint, owner_dsn):
    decision = opened(joint)
    acted(joint, "gac", "approve", decision)
    joint.change(date(2022, 4, 1), decisions="new")
    joint.database.clock.set(noon(2022, 4, 1))
    with joint.acting("huawei") as tx:
        applied = transitions.apply_due(tx)
        assert [(step.what, step.party) for step in applied[-1].steps] == [("decisions-moved", "huawei")]
        assert decisions.one(tx, decision.id).state == "taken"
    assert taken(owner_dsn) == [{"decision": str(decision.id), "subject": decision.subject}]


def test_who_has_no_role_any_more_still_answers_what_it_was_asked_under_the_old_matrix(joint):
    decision = opened(joint, "gac")
    joint.change(date(2022, 4, 1), role={"gac": "leads", "huawei": "none"}, sight={"gac": "all", "huawei": "none"})
    joint.database.clock.set(noon(2022, 4, 1))
    with joint.acting("huawei") as tx:
        transitions.apply_due(tx)
        assert [one.id for one in decisions.waiting(tx)] == [decision.id]
    assert acted(joint, "huawei", "approve", decision).waited_for() == ("gac",)
    with joint.acting("huawei") as tx, pytest.raises((Denied, Missing)):
        decisions.open_decision(tx, joint.area(), "another", "Another")


def test_a_new_decision_and_a_reopened_one_are_of_the_revision_in_force(joint):
    decision = opened(joint)
    acted(joint, "gac", "reject", decision, "No")
    joint.agree(date(2022, 4, 1), {RD: SUPPLIED}, {RD: {"gac": "all", "huawei": "all"}})
    joint.database.clock.set(noon(2022, 4, 1))
    again = acted(joint, "huawei", "reopen", decision)
    assert (again.number, again.deciders) == (2, ("gac",))
    assert opened(joint, subject="other").deciders == ("gac",)
