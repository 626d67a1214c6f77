"""The Merkle tree against RFC 9162's own recursion, and against the known answers of the Certificate Transparency project."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledgers import flipped

from marque.alliance.audit import tree

# Leaves, roots and proofs of the reference implementation of RFC 6962 (google/certificate-transparency, merkletree tests).
CT_LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
CT_ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
CT_INCLUSION = {
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
}
CT_CONSISTENCY = {
    (1, 1): [],
    (1, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 5): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
MOST = 300
ENTRIES = [index.to_bytes(2) for index in range(MOST)]
LEAVES = [tree.leaf_hash(one) for one in ENTRIES]


# The oracle: RFC 9162, 2.1, word for word, with a memory for what it has computed.
def split(count):
    k = 1
    while k * 2 < count:
        k *= 2
    return k


def mth(entries, known):
    if (found := known.get(tuple(entries))) is not None:
        return found
    if not entries:
        answer = hashlib.sha256().digest()
    elif len(entries) == 1:
        answer = hashlib.sha256(b"\0" + entries[0]).digest()
    else:
        k = split(len(entries))
        answer = hashlib.sha256(b"\1" + mth(entries[:k], known) + mth(entries[k:], known)).digest()
    known[tuple(entries)] = answer
    return answer


def path(m, entries, known):
    if len(entries) == 1:
        return []
    k = split(len(entries))
    if m < k:
        return [*path(m, entries[:k], known), mth(entries[k:], known)]
    return [*path(m - k, entries[k:], known), mth(entries[:k], known)]


def subproof(m, entries, whole, known):
    if m == len(entries):
        return [] if whole else [mth(entries, known)]
    k = split(len(entries))
    if m <= k:
        return [*subproof(m, entries[:k], whole, known), mth(entries[k:], known)]
    return [*subproof(m - k, entries[k:], False, known), mth(entries[:k], known)]


@pytest.fixture(scope="module")
def known():
    return {}


@pytest.fixture(scope="module")
def hashes():
    """Every complete subtree over the first entries."""
    found = {(0, index): leaf for index, leaf in enumerate(LEAVES)}
    level = 0
    while count := sum(1 for at, _ in found if at == level) // 2:
        for index in range(count):
            found[level + 1, index] = tree.node_hash(found[level, 2 * index], found[level, 2 * index + 1])
        level += 1
    return found


def grown(leaves):
    frontier = tree.Frontier()
    for leaf in leaves:
        frontier.append(leaf)
    return frontier


@pytest.mark.parametrize("size", range(9))
def test_roots_are_those_of_certificate_transparency(size):
    leaves = [tree.leaf_hash(bytes.fromhex(one)) for one in CT_LEAVES[:size]]
    assert grown(leaves).root().hex() == CT_ROOTS[size]


@pytest.mark.parametrize("case", CT_INCLUSION)
def test_inclusion_proofs_of_certificate_transparency_are_accepted(case):
    index, size = case
    proof = [bytes.fromhex(one) for one in CT_INCLUSION[case]]
    assert tree.includes(tree.leaf_hash(bytes.fromhex(CT_LEAVES[index])), index, size, proof, bytes.fromhex(CT_ROOTS[size]))


@pytest.mark.parametrize("case", CT_CONSISTENCY)
def test_consistency_proofs_of_certificate_transparency_are_accepted(case):
    first, second = case
    proof = [bytes.fromhex(one) for one in CT_CONSISTENCY[case]]
    assert tree.grows(first, bytes.fromhex(CT_ROOTS[first]), second, bytes.fromhex(CT_ROOTS[second]), proof)


def test_roots_of_all_sizes_are_those_of_the_definition(known, hashes):
    frontier = tree.Frontier()
    for size in range(MOST):
        assert frontier.root() == mth(ENTRIES[:size], known) == tree.carry_out(tree.root_plan(size), hashes)[0]
        frontier.append(LEAVES[size])


def test_inclusion_proofs_of_all_sizes_are_those_of_the_definition_and_accepted(known, hashes):
    for size in [*range(1, 70), 127, 128, 129, 255, 256, 257, MOST - 1]:
        root = mth(ENTRIES[:size], known)
        for index in range(size):
            proof = tree.carry_out(tree.inclusion_plan(index, size), hashes)
            assert proof == path(index, ENTRIES[:size], known)
            assert tree.includes(LEAVES[index], index, size, proof, root)


def test_consistency_proofs_of_all_sizes_are_those_of_the_definition_and_accepted(known, hashes):
    for second in [*range(1, 70), 127, 128, 129, 255, 256, 257, MOST - 1]:
        for first in range(1, second + 1):
            proof = tree.carry_out(tree.consistency_plan(first, second), hashes)
            assert proof == subproof(first, ENTRIES[:second], True, known)
            assert tree.grows(first, mth(ENTRIES[:first], known), second, mth(ENTRIES[:second], known), proof)


proofs = st.integers(1, MOST).flatmap(lambda second: st.tuples(st.integers(0, second), st.just(second)))


@given(proofs, st.integers(0), st.integers(0, 255))
def test_a_consistency_proof_with_one_bit_changed_is_refused(hashes, sizes, which, bit):
    first, second = sizes
    proof = tree.carry_out(tree.consistency_plan(first, second), hashes)
    old, new = (tree.carry_out(tree.root_plan(size), hashes)[0] for size in sizes)
    given = [old, *proof, new] if first else [old]  # of the empty log there is nothing to show of the new one
    given[which % len(given)] = flipped(given[which % len(given)], bit)
    assert not tree.grows(first, given[0], second, given[-1] if first else new, given[1:-1])


@given(proofs, st.binary(min_size=32, max_size=32))
def test_a_consistency_proof_that_is_longer_or_shorter_is_refused(hashes, sizes, more):
    first, second = sizes
    proof = tree.carry_out(tree.consistency_plan(first, second), hashes)
    old, new = (tree.carry_out(tree.root_plan(size), hashes)[0] for size in sizes)
    assert not tree.grows(first, old, second, new, [*proof, more])
    assert not proof or not tree.grows(first, old, second, new, proof[:-1])
    assert first in (0, second) or not tree.grows(first, old, 4 * second, new, proof), "a proof of fewer levels than the size has"


places = st.integers(1, MOST).flatmap(lambda size: st.tuples(st.integers(0, size - 1), st.just(size)))


@given(places, st.integers(0, MOST), st.integers(0, 255))
def test_an_inclusion_proof_of_another_place_leaf_or_length_is_refused(hashes, place, elsewhere, bit):
    index, size = place
    proof = tree.carry_out(tree.inclusion_plan(index, size), hashes)
    root = tree.carry_out(tree.root_plan(size), hashes)[0]
    leaf = LEAVES[index]
    assert tree.includes(leaf, index, size, proof, root)
    assert elsewhere == index or not tree.includes(leaf, elsewhere, size, proof, root)
    assert not tree.includes(flipped(leaf, bit), index, size, proof, root)
    assert not tree.includes(leaf, index, size, proof, flipped(root, bit))
    assert not tree.includes(leaf, index, size, [*proof, leaf], root)
    assert not tree.includes(leaf, index, 4 * size, proof, root)
    assert not proof or not tree.includes(leaf, index, size, proof[:-1], root)


@pytest.mark.parametrize("sizes", [(-1, 3), (4, 3)])
def test_there_is_no_proof_that_a_log_shrank(sizes):
    with pytest.raises(ValueError, match="does not grow"):
        tree.consistency_plan(*sizes)
    assert not tree.grows(*(one for size in sizes for one in (size, tree.EMPTY_ROOT)), [])


@pytest.mark.parametrize("place", [(0, 0), (3, 3), (-1, 3)])
def test_there_is_no_proof_of_an_entry_that_is_not_there(place):
    with pytest.raises(ValueError, match="has no entry"):
        tree.inclusion_plan(*place)
    assert not tree.includes(LEAVES[0], *place, [], LEAVES[0])
