"""Finding targets among delegated roles, and where two companies answer: what counts only when both say it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tuf.api.metadata import DelegatedRole, SuccinctRoles
from tuf_simulator import GAC, HUAWEI, Repository, TwoParties, signer

from marque.car.attacks import Attack, UpdateRefused
from marque.car.tuf.client import Limits
from marque.car.tuf.matching import bin_name, bin_names, is_bin, speaks_for
from marque.car.tuf.model import Bins, Delegation, Role
from marque.common import InputError

IMAGE = "vela/ad/drive.img"
NOBODY = Role((), 1)
PARTS = st.text("ab.*?[]!-/", max_size=12)


def attack(act: Callable[[], object]) -> Attack:
    with pytest.raises(UpdateRefused) as met:
        act()
    return met.value.attack


@given(PARTS, PARTS)
@example("a", "a/b")
@example("a/b", "a")
@example("*", "a/b")
def test_patterns_match_as_the_reference_implementation_has_them(pattern: str, path: str) -> None:
    theirs = DelegatedRole("r", ["k"], 1, False, [pattern]).is_delegated_path(path)
    assert speaks_for(Delegation(name="r", role=NOBODY, paths=(pattern,)), path) == theirs


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), st.integers(0, 64))
def test_hash_prefixes_match_as_the_reference_implementation_has_them(path: str, length: int) -> None:
    import hashlib

    prefix = hashlib.sha256(path.encode()).hexdigest()[:length]
    theirs = DelegatedRole("r", ["k"], 1, False, None, [prefix]).is_delegated_path(path)
    assert speaks_for(Delegation(name="r", role=NOBODY, hash_prefixes=(prefix,)), path) == theirs is True


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), st.integers(1, 20))
def test_bins_are_those_of_the_reference_implementation(path: str, bits: int) -> None:
    theirs = SuccinctRoles([], 1, bits, "bin").get_role_for_target(path)
    bins = Bins(NOBODY, bits, "bin")
    assert bin_name(bins, path) == theirs
    assert is_bin(theirs, bins)


@pytest.mark.parametrize("bits", [1, 3, 4, 5, 8])
def test_every_bin_has_one_name_and_no_other_name_is_a_bin(bits: int) -> None:
    bins = Bins(NOBODY, bits, "a-b")
    assert list(bin_names(bins)) == list(SuccinctRoles([], 1, bits, "a-b").get_roles())
    wrong = ["a-b", "a-b-", "a-b-g", f"a-b-{2**bits:x}", "a-b--1", "x-0", f"a-b-{0:09x}", "a-b-+0"]
    assert not any(is_bin(name, bins) for name in wrong)


def test_a_target_in_a_bin_is_found_with_one_bin_fetched(tmp_path: Path) -> None:
    repository = Repository()
    bins = repository.bins("targets", 6, "bin")
    name = bins.get_role_for_target("dir/file")
    repository.add(name, "dir/file", b"content")
    repository.publish_all(*bins.get_roles(), "targets")
    client = repository.begun(tmp_path)
    found = client.target("dir/file")
    assert found is not None
    assert found.length == 7
    assert [path for path in repository.asked if "bin-" in path] == [f"1.{name}.json"]
    assert client.target("dir/other") is None


def test_only_so_many_roles_are_looked_into(tmp_path: Path) -> None:
    repository = Repository()
    names = [f"r{number}" for number in range(6)]
    for name in names:
        repository.delegate("targets", name)
    repository.publish_all(*names, "targets")
    client = repository.begun(tmp_path, limits=Limits(roles=5))
    assert attack(lambda: client.target("nothing")) is Attack.ENDLESS_DATA


GRAPHS = {
    "in order, depth first": ([("targets", "a"), ("targets", "b"), ("a", "c"), ("a", "d")], "", "acdb"),
    "a terminating role ends it after its own": ([("targets", "a"), ("targets", "b"), ("a", "c"), ("c", "d"), ("a", "e")], "c", "acd"),
    "a terminating role that nothing delegates further": ([("targets", "a"), ("targets", "b")], "a", "a"),
    "round in a circle": ([("targets", "a"), ("a", "b"), ("b", "c"), ("c", "a"), ("targets", "d")], "", "abcd"),
    "a role of two is looked into once": ([("targets", "a"), ("targets", "b"), ("a", "c"), ("b", "c")], "", "acb"),
}


@pytest.mark.parametrize("graph", GRAPHS)
def test_roles_are_looked_into_in_the_order_of_the_specification(tmp_path: Path, graph: str) -> None:
    edges, terminating, order = GRAPHS[graph]
    repository = Repository()
    for delegator, name in edges:
        repository.delegate(delegator, name, terminating=name in terminating)
    repository.publish_all(*dict.fromkeys(name for _, name in edges), "targets")
    assert repository.begun(tmp_path).target("nothing") is None
    assert [path.split(".")[1] for path in repository.asked if len(path.split(".")[1]) == 1] == list(order)


def test_a_role_reached_by_another_delegator_is_verified_by_that_ones_keys(tmp_path: Path) -> None:
    repository = Repository()
    first, second = signer(), signer()
    for parent, key in (("a", first), ("b", second)):
        repository.delegate("targets", f"parent-{parent}", [f"{parent}/*"])
        repository.delegate(f"parent-{parent}", "release", [f"{parent}/*"], by=[key])
        repository.add("release", f"{parent}/file", parent.encode())
    repository.signers["release"] = [first]
    repository.publish_all("release", "parent-a", "parent-b", "targets")
    client = repository.begun(tmp_path)
    assert client.target("a/file") is not None
    assert attack(lambda: client.target("b/file")) is Attack.ARBITRARY_SOFTWARE
    again = repository.client(tmp_path)  # and one that has it only from disk
    assert attack(lambda: again.target("b/file")) is Attack.ARBITRARY_SOFTWARE


@pytest.mark.parametrize("name", ["root", "timestamp", "snapshot", "targets"])
def test_nobody_delegates_a_role_of_the_top_level(tmp_path: Path, name: str) -> None:
    repository = Repository()
    repository.delegate("targets", "maps")
    repository.publish_all("maps", "targets")

    repository.tampered("targets", lambda value: value["signed"]["delegations"]["roles"][0].update(name=name), sign=True)
    assert attack(repository.begun(tmp_path).refresh) is Attack.WRONG_ROLE


def test_what_both_list_alike_counts(tmp_path: Path) -> None:
    repository = TwoParties()
    repository.release(IMAGE, b"image", evidence="e")
    repository.publish_all("vela-gac", "vela-huawei")
    client = repository.begun(tmp_path)
    found = client.target(IMAGE)
    assert found is not None
    assert client.download(found, tmp_path / "out").read_bytes() == b"image"


@pytest.mark.parametrize("code", [GAC, HUAWEI])
def test_what_one_partner_lists_alone_does_not_count(tmp_path: Path, code: str) -> None:
    repository = TwoParties()
    repository.add(f"vela-{code}", IMAGE, b"image", {"marque": {"hardware": ["ad-1"]}})
    repository.publish_all(f"vela-{code}")
    client = repository.begun(tmp_path)
    assert attack(lambda: client.target(IMAGE)) is Attack.ONE_PARTNER


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        ({"data": b"other"}, Attack.MIX_AND_MATCH),
        ({"data": b"another image"}, Attack.MIX_AND_MATCH),
        ({"evidence": "f"}, Attack.EVIDENCE_SWAPPED),
        ({"verdict": "FAILED"}, Attack.EVIDENCE_SWAPPED),
        ({"digest": "d"}, Attack.EVIDENCE_SWAPPED),
        ({"hardware": ["hmi-2"]}, Attack.WRONG_HARDWARE),
        ({"counter": 8}, Attack.MIX_AND_MATCH),
    ],
)
def test_what_they_list_differently_is_named_by_what_differs(tmp_path: Path, other: dict[str, Any], expected: Attack) -> None:
    repository = TwoParties()
    repository.release(IMAGE, b"image", evidence="e", verdict="PASSED", counter=7)
    claims = {"hardware": ["ad-1"], "evidence": "e", "verdict": "PASSED", "counter": 7, **other}
    repository.add("vela-huawei", IMAGE, claims.pop("data", b"image"), {"marque": claims})
    repository.publish_all("vela-gac", "vela-huawei")
    client = repository.begun(tmp_path)
    assert attack(lambda: client.target(IMAGE)) is expected


@pytest.mark.parametrize("hardware", [["ad-9"], ["ad-1", "ad-9"], [], None])
def test_a_role_speaks_for_its_hardware_alone(tmp_path: Path, hardware: list[str] | None) -> None:
    repository = TwoParties()
    for code in (GAC, HUAWEI):
        repository.add(f"vela-{code}", IMAGE, b"image", {"marque": {} if hardware is None else {"hardware": hardware}})
    repository.publish_all("vela-gac", "vela-huawei")
    client = repository.begun(tmp_path)
    assert attack(lambda: client.target(IMAGE)) is Attack.WRONG_HARDWARE


def test_a_role_of_one_partner_outside_a_group_does_not_count(tmp_path: Path) -> None:
    repository = TwoParties()
    repository.delegate("targets", "maps", ["maps/*"], by=[signer(GAC)])
    repository.add("maps", "maps/one", b"map")
    repository.publish_all("maps", "targets")
    client = repository.begun(tmp_path)
    assert attack(lambda: client.target("maps/one")) is Attack.ONE_PARTNER


def test_a_role_that_needs_keys_of_each_counts(tmp_path: Path) -> None:
    repository = TwoParties()
    repository.delegate("targets", "maps", ["maps/*"], by=[signer(GAC), signer(HUAWEI)], threshold=2, each=1)
    repository.add("maps", "maps/one", b"map")
    repository.publish_all("maps", "targets")
    assert repository.begun(tmp_path).target("maps/one") is not None


def test_bins_that_need_keys_of_each_count(tmp_path: Path) -> None:
    repository = TwoParties()
    repository.metadata["targets"].signed.delegations = None
    bins = repository.bins("targets", 3, "bin", each=1, by=[signer(GAC), signer(HUAWEI)])
    name = bins.get_role_for_target("dir/file")
    repository.add(name, "dir/file", b"content")
    repository.publish_all(*bins.get_roles(), "targets")
    assert repository.begun(tmp_path).target("dir/file") is not None


def test_one_partner_cannot_invent_the_others_keys_further_down(tmp_path: Path) -> None:
    repository = TwoParties()
    repository.delegate("targets", "maps", ["maps/*"], by=[signer(GAC)])
    repository.delegate("maps", "both", ["maps/*"], by=[signer(GAC), signer(HUAWEI)], threshold=2, each=1)
    repository.add("both", "maps/one", b"map")
    repository.publish_all("maps", "both", "targets")
    client = repository.begun(tmp_path)
    assert attack(lambda: client.target("maps/one")) is Attack.ONE_PARTNER


def test_one_partner_cannot_invent_a_group_of_both_further_down(tmp_path: Path) -> None:
    repository = TwoParties()
    repository.delegate("targets", "maps", ["maps/*"], by=[signer(GAC)])
    for name, invented in (("one", GAC), ("two", HUAWEI)):
        repository.delegate("maps", name, ["maps/*"], by=[signer(invented)])
        repository.add(name, "maps/one", b"map")
    repository.said("maps").delegations.unrecognized_fields["x-marque-all-of"] = [["one", "two"]]
    repository.publish_all("one", "two", "maps", "targets")
    client = repository.begun(tmp_path)
    assert attack(lambda: client.target("maps/one")) is Attack.ONE_PARTNER


def test_a_group_of_one_partners_roles_does_not_count(tmp_path: Path) -> None:
    repository = TwoParties()
    for name in ("maps-1", "maps-2"):
        repository.delegate("targets", name, ["maps/*"], by=[signer(GAC)])
        repository.add(name, "maps/one", b"map")
    repository.targets.delegations.unrecognized_fields["x-marque-all-of"].append(["maps-1", "maps-2"])  # type: ignore[union-attr]
    repository.publish_all("maps-1", "maps-2", "targets")
    client = repository.begun(tmp_path)
    assert attack(lambda: client.target("maps/one")) is Attack.ONE_PARTNER


def test_a_role_that_either_partner_can_sign_makes_no_group_of_both(tmp_path: Path) -> None:
    repository = TwoParties()
    repository.delegate("targets", "maps-1", ["maps/*"], by=[signer(GAC), signer(HUAWEI)])
    repository.delegate("targets", "maps-2", ["maps/*"], by=[signer(GAC)])
    for name in ("maps-1", "maps-2"):
        repository.add(name, "maps/one", b"map")
    repository.targets.delegations.unrecognized_fields["x-marque-all-of"].append(["maps-1", "maps-2"])  # type: ignore[union-attr]
    repository.publish_all("maps-1", "maps-2", "targets")
    client = repository.begun(tmp_path)
    assert attack(lambda: client.target("maps/one")) is Attack.ONE_PARTNER


def test_a_diamond_of_roles_is_refused_where_two_companies_answer(tmp_path: Path) -> None:
    repository = TwoParties()
    shared = signer(GAC)
    for name in ("one", "two"):
        repository.delegate("targets", name, ["maps/*"], by=[signer(GAC), signer(HUAWEI)], threshold=2, each=1)
        repository.delegate(name, "shared", ["maps/*"], by=[shared])
    repository.publish_all("one", "two", "shared", "targets")
    client = repository.begun(tmp_path)
    assert attack(lambda: client.target("maps/one")) is Attack.WRONG_ROLE


def test_a_role_that_delegates_to_its_delegator_is_refused_where_two_companies_answer(tmp_path: Path) -> None:
    repository = TwoParties()
    repository.delegate("vela-gac", "vela-huawei", ["vela/*/*"], by=[repository.keys[GAC][0]])
    repository.publish_all("vela-gac", "vela-huawei")
    client = repository.begun(tmp_path)
    assert attack(lambda: client.target(IMAGE)) is Attack.WRONG_ROLE


def withdraw(repository: TwoParties, code: str, *evidence: str) -> None:
    listed = {one: {"at": "2027-02-01T00:00:00Z", "reason": "a fault in the test bench"} for one in evidence}
    repository.said(f"withdrawn-{code}").unrecognized_fields["x-marque-withdrawn"] = listed
    repository.publish_all(f"withdrawn-{code}")


def test_either_partner_withdraws_evidence(tmp_path: Path) -> None:
    repository = TwoParties()
    withdraw(repository, GAC, "a" * 64)
    withdraw(repository, HUAWEI, "b" * 64)
    found = repository.begun(tmp_path).withdrawn()
    assert {evidence: one.by for evidence, one in found.items()} == {"a" * 64: GAC, "b" * 64: HUAWEI}
    assert found["a" * 64].reason == "a fault in the test bench"


def test_what_was_withdrawn_stays_withdrawn(tmp_path: Path) -> None:
    repository = TwoParties()
    withdraw(repository, GAC, "a" * 64, "b" * 64)
    repository.begun(tmp_path).withdrawn()
    withdraw(repository, GAC, "b" * 64, "c" * 64)
    assert attack(repository.client(tmp_path).withdrawn) is Attack.ROLLBACK


def test_nobody_withdraws_in_the_others_name(tmp_path: Path) -> None:
    repository = TwoParties()
    repository.targets.delegations.roles["withdrawn-huawei"].keyids = []  # type: ignore[index,union-attr]
    repository.delegate("targets", "withdrawn-huawei", ["withdrawn/huawei/*"], by=[repository.keys[GAC][1]])
    repository.publish_all("withdrawn-huawei", "targets")
    assert attack(repository.begun(tmp_path).withdrawn) is Attack.WRONG_ROLE


def test_a_client_that_has_no_root_finds_nothing(tmp_path: Path) -> None:
    client = TwoParties().client(tmp_path)
    with pytest.raises(InputError):
        client.target(IMAGE)
