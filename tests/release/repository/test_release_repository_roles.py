"""Beneath root: who may speak for which model, the targets of a release, and withdrawals."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from repository_people import DELEGATIONS, LATER, NOW, PARTIES, PEOPLE, signer, target

from marque.car.tuf.model import Key, Role, Target, Withdrawal
from marque.common import InputError, Refusal, ok
from marque.release.repository.roles import (
    Model,
    Party,
    delegations,
    pruned,
    targets_with,
    withdrawing,
)


def test_a_model_is_delegated_to_one_role_of_each_partner_which_must_agree():
    roles = {one.name: one for one in DELEGATIONS.roles}
    assert list(roles) == ["vela-gac", "vela-huawei", "withdrawn-gac", "withdrawn-huawei"]
    assert DELEGATIONS.all_of == (("vela-gac", "vela-huawei"),)
    assert roles["vela-gac"].role == Role(tuple(one.key.id for one in PEOPLE["gac"]), 2)
    assert roles["vela-huawei"].role == Role(tuple(one.key.id for one in PEOPLE["huawei"]), 2)
    assert roles["vela-gac"].paths == roles["vela-huawei"].paths == ("vela/*/*",)
    assert roles["vela-gac"].hardware == ("vela-pilot", "vela-gateway")


def test_each_partner_withdraws_alone_with_one_key_of_its_own_or_one_for_that():
    online = signer("gac-stop", "gac")
    made = delegations([Model("vela")], PARTIES, withdrawing={"gac": [online.key]})
    roles = {one.name: one.role for one in made.roles}
    assert roles["withdrawn-gac"] == Role((*(one.key.id for one in PEOPLE["gac"]), online.key.id), 1)
    assert roles["withdrawn-huawei"] == Role(tuple(one.key.id for one in PEOPLE["huawei"]), 1)
    assert online.key.id not in roles["vela-gac"].keys


@pytest.mark.parametrize("code", ["Vela", "targets", "withdrawn", "../vela", "", "ve la"])
def test_a_model_that_could_pass_for_something_else_is_refused(code):
    with pytest.raises(InputError, match="cannot be called so"):
        delegations([Model(code)], PARTIES)


def test_names_that_run_together_are_refused():
    apart = [
        Party("x", tuple(signer(f"x{n}", "x").key for n in range(3))),
        Party("b-x", tuple(signer(f"bx{n}", "b-x").key for n in range(3))),
    ]
    with pytest.raises(InputError, match="two roles would have one name"):
        delegations([Model("a"), Model("a-b")], apart)


def test_one_partner_left_signs_alone_and_nothing_waits_for_the_other():
    made = delegations([Model("vela")], PARTIES[:1])
    assert [one.name for one in made.roles] == ["vela-gac", "withdrawn-gac"]
    assert made.all_of == ()


def test_a_role_of_too_few_keys_is_refused():
    with pytest.raises(InputError, match="1 of at least 2 keys"):
        delegations([Model("vela")], [Party("gac", PARTIES[0].keys[:1]), PARTIES[1]])


def test_targets_grow_by_version_and_lose_what_is_superseded():
    first = targets_with(None, [target("vela/pilot/1.bin", counter=1)], expires=LATER)
    second = targets_with(first, [target("vela/pilot/2.bin", counter=2)], expires=LATER)
    third = targets_with(second, [target("vela/pilot/3.bin", counter=3)], expires=LATER + timedelta(days=1))
    assert [one.version for one in (first, second, third)] == [1, 2, 3]
    assert list(second.targets) == ["vela/pilot/1.bin", "vela/pilot/2.bin"]
    assert list(third.targets) == ["vela/pilot/2.bin", "vela/pilot/3.bin"]
    assert third.expires == LATER + timedelta(days=1)


def test_a_path_is_taken_out():
    first = targets_with(None, [target("vela/a/1.bin"), target("vela/b/1.bin")], expires=LATER)
    assert list(targets_with(first, expires=LATER, without=["vela/a/1.bin"]).targets) == ["vela/b/1.bin"]


@given(listed=st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 9), st.integers(0, 3)), unique=True), keep=st.integers(1, 3))
def test_pruning_keeps_whole_bundles_of_the_newest_versions(listed, keep):
    targets = {
        path: target(path, release=name, counter=counter) for name, counter, part in listed for path in [f"v/{name}{counter}/{part}"]
    }
    kept = {(one.custom["marque"]["release"], one.custom["marque"]["counter"]) for one in pruned(targets, keep).values()}
    for name in {one[0] for one in listed}:
        counters = sorted({counter for other, counter, _ in listed if other == name})
        assert {counter for other, counter in kept if other == name} == set(counters[-keep:])
    assert len(pruned(targets, keep)) == sum((name, counter) in kept for name, counter, _ in listed)


def test_what_is_of_no_release_is_never_pruned():
    plain = Target("vela/a/notes.txt", 1, {"sha256": "0" * 64})
    assert list(pruned({plain.path: plain}, 1)) == [plain.path]


def test_withdrawals_only_grow():
    first = ok(withdrawing(None, "a" * 64, NOW, "fault in the field", expires=LATER))
    second = ok(withdrawing(first, "b" * 64, NOW, " recall ", expires=LATER))
    assert (first.version, second.version) == (1, 2)
    assert second.withdrawn == {"a" * 64: Withdrawal(NOW, "fault in the field"), "b" * 64: Withdrawal(NOW, "recall")}


@pytest.mark.parametrize(
    ("evidence", "reason", "problem"),
    [("a" * 64, "again", "withdrawn already"), ("A" * 64, "why", "SHA-256"), ("b" * 64, "  ", "has a reason")],
)
def test_a_withdrawal_that_says_nothing_new_is_refused(evidence, reason, problem):
    before = ok(withdrawing(None, "a" * 64, NOW, "fault", expires=LATER))
    answer = withdrawing(before, evidence, NOW, reason, expires=LATER)
    assert isinstance(answer, Refusal)
    assert problem in answer.reason


def test_one_key_under_another_id_is_still_one_key():
    again = Key("0" * 64, *[getattr(PARTIES[0].keys[0], name) for name in ("kind", "scheme", "public", "organisation")])
    with pytest.raises(InputError, match="listed twice"):
        delegations([Model("vela")], [Party("gac", (PARTIES[0].keys[0], again)), PARTIES[1]])
