"""The quorum against a model of it that counts by hand, and the name of each way to fall short."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tuf_simulator import GAC, HUAWEI, signer

from marque.car.attacks import Attack, UpdateRefused
from marque.car.tuf.model import Key, Metadata, Role, Signature
from marque.car.tuf.quorum import require, standing

SIGNERS = {code: [signer(code) for _ in range(3)] for code in (GAC, HUAWEI)}
PAYLOAD = b"what is signed"
PARTIES = (GAC, HUAWEI)


def keys_of(*named: tuple[str, str, int]) -> dict[str, Key]:
    """Key ids with whose key of which number each is."""
    return {id_: Key(id_, "ed25519", "ed25519", SIGNERS[code][number].public_key.keyval["public"], code) for id_, code, number in named}


ALL = keys_of(*((f"{code}-{number}", code, number) for code in PARTIES for number in range(3)))


def signed(*ids: str, keys: dict[str, Key] = ALL) -> Metadata[object]:  # type: ignore[type-var]
    by_public = {one.public_key.keyval["public"]: one for group in SIGNERS.values() for one in group}
    made = tuple(Signature(id_, bytes.fromhex(by_public[keys[id_].public].sign(PAYLOAD).signature)) for id_ in ids)
    return Metadata("said", PAYLOAD, made, b"")  # type: ignore[type-var]


def attack(metadata: Metadata[object], role: Role, keys: dict[str, Key] = ALL, parties: tuple[str, ...] = PARTIES) -> Attack:  # type: ignore[type-var]
    with pytest.raises(UpdateRefused) as met:
        require(metadata, role, keys, parties, repository="image", file="root.json")
    return met.value.attack


@given(st.sets(st.sampled_from(sorted(ALL))), st.integers(1, 6), st.integers(0, 3))
def test_it_is_met_exactly_when_enough_distinct_keys_and_enough_of_each_signed(ids: set[str], threshold: int, each: int) -> None:
    enough = len(ids) >= threshold and all(sum(one.startswith(code) for one in ids) >= each for code in PARTIES)
    assert standing(signed(*ids), Role(tuple(ALL), threshold, each), ALL, PARTIES).enough is enough


@given(st.lists(st.tuples(st.sampled_from(PARTIES), st.integers(0, 2)), max_size=8), st.integers(1, 6))
def test_a_key_counts_once_under_however_many_ids(listed: list[tuple[str, int]], threshold: int) -> None:
    keys = keys_of(*((f"id-{place}", code, number) for place, (code, number) in enumerate(listed)))
    found = standing(signed(*keys, keys=keys), Role(tuple(keys), threshold), keys, ())
    assert found.keys == len(set(listed))
    assert found.enough is (len(set(listed)) >= threshold)


def test_who_is_missing_is_told() -> None:
    found = standing(signed("gac-0", "gac-2", "huawei-1"), Role(tuple(ALL), 4, 2), ALL, PARTIES)
    assert (found.keys, found.missing, dict(found.of)) == (3, 1, {HUAWEI: 1})


def test_one_partner_alone_is_named_whatever_its_number_of_keys() -> None:
    assert attack(signed("gac-0", "gac-1"), Role(tuple(ALL), 4, 2)) is Attack.ONE_PARTNER
    assert attack(signed("gac-0", "gac-1", "gac-2"), Role(tuple(ALL), 3, 1)) is Attack.ONE_PARTNER
    assert attack(signed("gac-0", "gac-1", "gac-2", "huawei-0"), Role(tuple(ALL), 4, 2)) is Attack.ONE_PARTNER


def test_too_few_of_anybody_is_arbitrary_software() -> None:
    role = Role(tuple(ALL), 4, 2)
    assert attack(signed(), role) is Attack.ARBITRARY_SOFTWARE
    assert attack(signed("gac-0", "huawei-0"), role) is Attack.ARBITRARY_SOFTWARE


def test_one_key_under_two_ids_is_named() -> None:
    keys = keys_of(("a", GAC, 0), ("b", GAC, 0), ("c", HUAWEI, 0), ("d", HUAWEI, 1))
    assert attack(signed(*keys, keys=keys), Role(tuple(keys), 4, 2), keys) is Attack.DOUBLED_KEY


def test_one_key_listed_for_both_counts_for_neither() -> None:
    keys = keys_of(("a", GAC, 0), ("c", HUAWEI, 0))
    keys["b"] = Key("b", "ed25519", "ed25519", keys["a"].public, HUAWEI)
    found = standing(signed("a", "b", "c", keys=keys), Role(tuple(keys), 1, 1), keys, PARTIES)
    assert dict(found.of) == {GAC: 1}


def test_signatures_of_keys_that_the_role_does_not_name_do_not_count() -> None:
    assert attack(signed("huawei-0", "gac-0"), Role(("gac-0", "unknown"), 2)) is Attack.ARBITRARY_SOFTWARE
