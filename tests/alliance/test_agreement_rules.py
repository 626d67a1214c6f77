"""When revisions are in force and what follows, against the plain loops of `agreement_oracle`."""

from __future__ import annotations

import inspect
import itertools
import re
from dataclasses import fields, replace
from datetime import timedelta
from uuid import UUID

import agreement_oracle as oracle
import pytest
from agreements import ORGANISATIONS, PROGRAMMES, a_revision, a_signature, days, histories
from hypothesis import given, settings
from hypothesis import strategies as st

from marque.alliance import model, rules
from marque.alliance.model import (
    Agreement,
    Area,
    Clause,
    Deviation,
    Matrix,
    Process,
    Reported,
    Rights,
    Role,
    Sight,
    Transition,
    What,
)  # fmt: skip
from marque.common import Refusal

INSTANTS = [days(half / 2) for half in range(-1, 83, 3)]


def raw(revisions, signatures):
    signed = [{"organisation": one.organisation, "digest": one.digest, "at": one.at} for one in signatures]
    return [one.document() for one in revisions], signed


@settings(max_examples=40)
@given(histories())
def test_intervals_of_force_are_disjoint_and_ascending_in_number(history):
    found = rules.forces(*history)
    for earlier, later in itertools.pairwise(found):
        assert earlier.end == later.start
        assert earlier.revision.number < later.revision.number
    assert all(one.end is None or one.start < one.end for one in found)
    assert all(one.end is not None for one in found[:-1])
    assert not found or found[-1].end is None


@settings(max_examples=40)
@given(histories())
def test_the_revision_in_force_at_any_time_is_the_one_that_plain_loops_find(history):
    documents, signed = raw(*history)
    agreement = Agreement(*history)
    for at in INSTANTS:
        naive, found = oracle.in_force(documents, signed, at), rules.in_force(agreement, at)
        assert (naive and naive["number"]) == (found and found.revision.number), at


@settings(max_examples=15)
@given(histories(), st.sampled_from(INSTANTS))
def test_every_cell_of_rights_is_what_plain_loops_find(history, at):
    documents, signed = raw(*history)
    agreement = Agreement(*history)
    for programme in (*PROGRAMMES, "unheard of"):
        answer = rules.who(agreement, programme, at)
        for process in Process:
            for one in (*ORGANISATIONS, "chery"):
                cell = (documents, signed, one, programme, str(process), at)
                its = rules.rights(agreement, one, Area(programme, process), at)
                assert (its.role, its.sight, its.decides) == (oracle.role(*cell), oracle.sees(*cell), oracle.decides(*cell))
                assert (one in rules.needed(agreement, Area(programme, process), at)) == oracle.decides(*cell)
                if isinstance(answer, Refusal):
                    assert its == Rights()
                    continue
                assert (one in answer.processes[process].decides) == oracle.decides(*cell)
                assert (one in answer.processes[process].sees_all) == (oracle.sees(*cell) == "all")
                assert (one in answer.signs) == oracle.signs(*cell)
                assert (one in answer.sells) == oracle.sells(*cell)


@settings(max_examples=40)
@given(histories(), st.data())
def test_the_order_of_signatures_is_irrelevant(history, data):
    revisions, signatures = history
    assert rules.forces(revisions, signatures) == rules.forces(revisions, data.draw(st.permutations(signatures)))


@settings(max_examples=40)
@given(histories(), st.data())
def test_a_revision_without_one_of_its_signatures_is_never_in_force(history, data):
    revisions, signatures = history
    revision = data.draw(st.sampled_from(revisions))
    lacking = data.draw(st.sampled_from(sorted(revision.signatories)))
    fewer = tuple(one for one in signatures if (one.digest, one.organisation) != (revision.digest, lacking))
    assert revision not in [one.revision for one in rules.forces(revisions, fewer)]


@settings(max_examples=40)
@given(histories())
def test_signatures_of_outsiders_and_on_other_texts_change_nothing(history):
    revisions, signatures = history
    noise = [a_signature(revision, "stranger", days()) for revision in revisions]
    noise += [replace(one, digest="0" * 64) for one in signatures]
    assert rules.forces(revisions, (*noise, *signatures)) == rules.forces(revisions, signatures)


def signed(*revisions, at=None):
    return Agreement(revisions, tuple(a_signature(one, who, at or days(-9)) for one in revisions for who in sorted(one.signatories)))


def test_a_lower_number_that_is_completed_after_a_higher_one_never_comes_into_force():
    first = a_revision()
    second = a_revision(2, first.digest)
    agreement = Agreement((first, second), (*signed(second).signatures, *signed(first, at=days(3)).signatures))
    assert [one.revision.number for one in rules.forces(agreement.revisions, agreement.signatures)] == [2]


def test_no_rule_takes_an_owner_or_a_stake_and_no_revision_holds_one():
    functions = [rule for rule in vars(rules).values() if inspect.isfunction(rule) and rule.__module__ == rules.__name__]
    taken = [str(parameter.annotation) for rule in functions for parameter in inspect.signature(rule).parameters.values()]
    held = [str(field.type) for value in (model.Revision, Agreement, model.Deviation) for field in fields(value)]
    words = set(re.findall(r"\w+", " ".join(taken + held)))
    assert {"Agreement", "Revision", "Area"} <= words
    assert not words & {"Stake", "Ownership", "Brand", "Organisation", "Programme"}


def test_the_next_revision_is_numbered_bound_to_the_last_and_signed_by_who_leaves():
    agreement = signed(a_revision(parties=("gac", "huawei", "seres")))
    made = rules.propose(agreement, a_revision(9, "", parties=("gac", "huawei")), "huawei", days(1))
    assert (made.number, made.previous, made.leaving) == (2, agreement.revisions[0].digest, ("seres",))
    assert made.signatories == {"gac", "huawei", "seres"}


def test_a_party_of_a_revision_that_waits_for_its_date_is_not_put_out_without_signing():
    first = a_revision()
    waiting = a_revision(2, first.digest, days(30).date(), parties=("gac", "huawei", "seres"))
    made = rules.propose(signed(first, waiting), a_revision(effective=days(40).date()), "gac", days(1))
    assert made.leaving == ("seres",)


def test_who_was_invited_by_a_text_that_never_came_to_be_need_not_be_asked():
    first = a_revision()
    invitation = a_revision(2, first.digest, parties=("gac", "huawei", "seres"))
    agreement = Agreement((first, invitation), signed(first).signatures)
    made = rules.propose(agreement, a_revision(effective=days(40).date()), "gac", days(1))
    assert made.leaving == ()
    late = rules.sign(replace(agreement, revisions=(*agreement.revisions, made)), 2, a_signature(invitation, "seres", days(2)), days(2))
    assert isinstance(late, Refusal), "or it would be bound by a text that the later one does not release it from"


@pytest.mark.parametrize(
    ("draft", "by", "reason"),
    [
        (a_revision(effective=days(9).date()), "seres", "only who signs the last revision"),
        (replace(a_revision(effective=days(9).date()), agreement=UUID(int=1)), "gac", "another agreement"),
        (a_revision(), "gac", "nothing changes"),
        (a_revision(transition=Transition((Clause(Process.SALES, "seres", What.KEEPS_READ),))), "gac", "does not sign"),
    ],
)
def test_what_cannot_be_proposed_is_refused_with_its_reason(draft, by, reason):
    refused = rules.propose(signed(a_revision()), draft, by, days(1))
    assert isinstance(refused, Refusal)
    assert reason in refused.reason


def test_the_last_signature_starts_a_revision_and_earlier_ones_say_who_is_missing():
    revision = a_revision()
    agreement = Agreement((revision,))
    first = rules.sign(agreement, 1, a_signature(revision, "huawei", days(1)), days(1))
    assert (first.missing, first.starts) == ({"gac"}, None)
    last = rules.sign(replace(agreement, signatures=(first.signature,)), 1, a_signature(revision, "gac", days(5)), days(5))
    assert (last.missing, last.starts) == (frozenset(), days(5))


def test_what_does_not_count_as_a_signature_is_refused():
    revision = a_revision()
    mine = a_signature(revision, "gac", days(1))
    agreement = Agreement((revision,), (mine,))
    for number, signature, reason in (
        (2, mine, "no such revision"),
        (1, replace(mine, organisation="huawei", digest="0" * 64), "another text"),
        (1, replace(mine, organisation="seres"), "not a party"),
        (1, mine, "already signed"),
        (1, replace(mine, organisation="huawei", at=days(2) + timedelta(seconds=1)), "time to come"),
        (1, Reported("huawei", revision.digest, days(1)), "not signed"),
    ):
        refused = rules.sign(agreement, number, signature, days(2))
        assert isinstance(refused, Refusal), reason
        assert reason in refused.reason


OLD = a_revision(
    matrix=a_revision().matrix | {Process.PLATFORM: {"gac": Role.CO_DECIDES, "huawei": Role.LEADS}},
    sight=a_revision().sight | {Process.PLATFORM: {"gac": Sight.ALL, "huawei": Sight.ALL}},
)


def changed(*clauses, open_decisions=Matrix.OLD, **more):
    new = a_revision(2, OLD.digest, transition=Transition(tuple(Clause(*one) for one in clauses), open_decisions), **more)
    return rules.transition(OLD, new, ["AH8"])


def test_copies_come_before_deletions_and_rows_go_to_who_leads_now():
    done = changed(
        (Process.PLATFORM, "huawei", What.DESTROYED), (Process.SALES, "huawei", What.RETURNED),
        (Process.PLATFORM, "huawei", What.KEEPS_READ), (Process.PLATFORM, "huawei", What.FROZEN_COPY),
    )  # fmt: skip
    assert [(str(one.what), one.to) for one in done.steps] == [
        ("frozen-copy", ""), ("keeps-read", ""), ("returned", "gac"), ("destroyed", ""),
    ]  # fmt: skip


def test_a_clause_keeps_what_was_readable_and_opens_nothing():
    unread = (Process.SALES, "huawei", What.KEEPS_READ)
    assert changed(unread).steps == ()
    new = a_revision(2, OLD.digest, transition=Transition((Clause(*unread),)))
    assert len(rules.transition(OLD, new, ["AH8"], kept=[("huawei", Area("AH8", Process.SALES))]).steps) == 1
    assert changed((Process.PLATFORM, "gac", What.RETURNED)).steps == (), "what is returned to oneself stays"


@pytest.mark.parametrize(("under", "needed"), [(Matrix.OLD, {"gac", "huawei"}), (Matrix.NEW, {"gac"})])
def test_open_decisions_stay_under_the_old_matrix_or_move_as_agreed(under, needed):
    (moved,) = changed(open_decisions=under).decisions
    assert (moved.process, moved.before, moved.needed) == (Process.PLATFORM, {"gac", "huawei"}, needed)


def test_what_a_programme_deviates_in_holds_for_it_alone():
    special = Deviation({Process.SALES: {"gac": Role.CO_DECIDES, "huawei": Role.LEADS}}, {Process.SALES: {"huawei": Sight.ALL}})
    agreement = signed(a_revision(programmes={"M9": special}))
    assert rules.who(agreement, "M9", days(1)).sells == ("huawei", "gac")
    assert rules.who(agreement, "AH8", days(1)).sells == ("gac",)
    assert rules.rights(agreement, "huawei", Area("M9", Process.SALES), days(1)).sees_all
