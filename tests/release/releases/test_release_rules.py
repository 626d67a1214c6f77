"""Rules of releases as properties: stages, quorums, what is signable; values alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marque.alliance.signing import PersonKey
from marque.common import Refusal
from marque.release import rules
from marque.release.model import Cell, Change, Document, Draft, Evidence, Image, Purpose, Release, Repository, Rule, Signed, Stage, State
from marque.release.rules import Standing

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
DAY = timedelta(days=1)
SHA = "a" * 64
ANSWERS = st.sampled_from(["PASSED", "FAILED", "OUTSIDE ODD"])
CELLS = st.lists(st.builds(Cell, st.sampled_from(["vela", "corvus"]), st.text(max_size=5), ANSWERS), max_size=6)


MOTORWAY = (Cell("vela", "motorway", "PASSED"),)


def evidence(cells=MOTORWAY, **other):
    said = {
        "sha256": SHA, "owner": "gac", "attached_by": None, "attached_at": NOW, "verified": NOW - DAY, "expires": NOW + DAY, "sequence": 1,
        "summary": SHA, "runs": 1, "cells": tuple(cells),
    }  # fmt: skip
    return Evidence(**(said | other))


def release(**other):
    image = Image(path="vela/pilot-1.0/a.img", role="driving", hardware=("compute-2",), length=1, sha256=SHA)
    said = {
        "id": UUID(int=1), "organisation": "gac", "lead": "gac", "programme": UUID(int=2), "counter": 3, "images": (image,),
        "said": Draft(name="pilot", version="1.0", digest=SHA, model="vela", markets=("cn",)), "evidence": evidence(),
        "stage": Stage.PROVEN, "created_at": NOW, "created_by": None,
    }  # fmt: skip
    return Release(**(said | other))


def repository(**other):
    said = {
        "lead": "gac", "programme": UUID(int=2), "parties": ("gac", "huawei"), "deciders": ("gac", "huawei"), "root_version": 1,
        "models": {"vela": ("compute-2",)}, "root_expires": NOW + 100 * DAY, "keys": (), "named": (), "each": 2, "pending": None,
        "served": (),
    }  # fmt: skip
    return Repository(**(said | other))


def change(purpose=Purpose.RELEASE, state=State.OPEN):
    return Change(
        id=UUID(int=9), organisation="gac", lead="gac", programme=UUID(int=2), purpose=purpose, subject="", title="another", state=state,
        documents=(), opened_at=NOW, opened_by=UUID(int=5),
    )  # fmt: skip


@given(CELLS)
def test_the_gate_passes_exactly_what_its_verdict_calls_passed(cells):
    """As `proof.evidence.statements.Summary.passed`, and with a cell of the model itself among the passed."""
    answers = {one.answer for one in cells}
    sound = "FAILED" not in answers and any(one.answer == "PASSED" and one.model == "vela" for one in cells)
    assert (rules.passed(cells, "vela") is None) == sound


@given(CELLS, st.integers(-3, 3), st.booleans(), st.booleans(), st.integers(0, 5), st.sampled_from(list(State)), st.booleans())
def test_nothing_is_signable_without_evidence_that_passed_and_counts_now(cells, days, proven, begun, published, state, withdrawn):
    made = release(evidence=evidence(cells, expires=NOW + days * DAY) if proven else None)
    held = repository() if begun else repository(root_version=0, parties=())
    open_ = [change(Purpose.WITHDRAWAL if withdrawn else Purpose.RELEASE, state)]
    answer = rules.signable(made, held, published, open_, NOW)
    free = state is not State.OPEN or withdrawn
    if answer is None:
        assert proven
        assert days > 0
        assert rules.passed(cells, "vela") is None
        assert begun
        assert free
        assert published < made.counter
    elif proven and days > 0 and rules.passed(cells, "vela") is None and begun and free:
        assert published >= made.counter


@pytest.mark.parametrize(
    ("made", "held", "words"),
    [
        (release(images=()), repository(), "has an image"),
        (release(change=UUID(int=7), stage=Stage.SIGNING), repository(), "asked for already"),
        (release(), repository(deciders=("gac",)), "others decide"),
        (release(), repository(models={"corvus": ()}), "delegates nothing"),
        (release(), repository(models={"vela": ("compute-9",)}), "trusted for this hardware"),
        (release(evidence=evidence(verified=NOW + DAY)), repository(), "expired"),
    ],
)
def test_why_a_release_is_not_signable(made, held, words):
    answer = rules.signable(made, held, 0, [], NOW)
    assert isinstance(answer, Refusal)
    assert words in answer.reason


@given(st.booleans(), st.sampled_from([None, *State]), st.booleans(), st.integers(0, 3))
def test_a_stage_follows_from_what_was_done_and_withdrawal_beats_all(proven, state, withdrawn, newer):
    done = Standing(proven, None if state is State.DROPPED else state, withdrawn, tuple(UUID(int=one) for one in range(newer)))
    stage = rules.stage(done)
    assert (stage is Stage.WITHDRAWN) == withdrawn
    made = release(stage=stage, listed=rules.listed(done))
    assert made.distributable == (not withdrawn and state is State.IN_FORCE and newer < 2)
    if not withdrawn and state is not State.IN_FORCE:
        assert stage in {Stage.DRAFT, Stage.PROVEN, Stage.SIGNING}


KEYS = {"gac": ("g1", "g2", "g3"), "huawei": ("h1", "h2", "h3")}
SIGNERS = st.lists(st.sampled_from([*KEYS["gac"], *KEYS["huawei"], "stranger"]), max_size=9)


def signed(key):
    return Signed(organisation="gac" if key.startswith("g") else "huawei", person=UUID(int=1), key=key, at=NOW)


def document(*quorums):
    return Document(
        id=UUID(int=1), change=UUID(int=2), repository="image", role="root", version=1, payload=b"", digest=SHA, rules=quorums, signed=()
    )


@given(SIGNERS)
def test_a_quorum_counts_distinct_keys_of_each_party(keys):
    quorum = Rule(what="this", each={"gac": 2, "huawei": 2}, keys=KEYS)
    lacking = replace(document(quorum), signed=tuple(map(signed, keys))).lacks
    for party, its in KEYS.items():
        assert lacking.get(party, 0) == max(0, 2 - len(set(keys) & set(its)))


@given(SIGNERS)
def test_a_successor_needs_both_quorums(keys):
    before = Rule(what="before", each={"gac": 2}, keys={"gac": ("g1", "g2", "stranger")})
    after = Rule(what="this", each={"gac": 2, "huawei": 2}, keys=KEYS)
    both = replace(document(before, after), signed=tuple(map(signed, keys)))
    complete = not before.lacks(both.signed) and not after.lacks(both.signed)
    assert (both.lacks == {}) == complete


def key(number, **other):
    said = {"valid_from": NOW - DAY, "valid_until": NOW + DAY} | other
    return PersonKey("gac", UUID(int=number), bytes([number]) * 32, **said)


@pytest.mark.parametrize(
    ("named", "words"),
    [
        ([key(1), key(2)], "enough keys"),
        ([key(1), key(2), replace(key(3), person=UUID(int=1))], "another person"),
        ([key(1), key(2), key(2)], "another person"),
        ([key(1), key(2), key(3, revoked_at=NOW)], "revoked"),
        ([key(1), key(2), key(3, valid_until=NOW)], "not valid now"),
    ],
)
def test_keys_that_cannot_be_named(named, words):
    assert words in rules.keys(named, NOW).reason


def test_three_valid_keys_of_three_people_can_be_named():
    assert rules.keys([key(1), key(2), key(3)], NOW) is None


def test_a_release_without_evidence_claims_nothing():
    with pytest.raises(ValueError, match="without evidence"):
        release(evidence=None).claims(release().images[0])
