"""A partner's witness cosigns what grew from what it saw last, and nothing else, whatever the log or the disk does."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledgers import KEYS, LOG, Ledger, flipped, private_key

from marque.alliance.audit import Checkpoint, LogKey, Note, Request, Signature, Witness, note, tree
from marque.common import InputError, Refusal

NOW = 1748779200


@pytest.fixture
def witness(tmp_path):
    made = Witness("witness.gac.example", private_key(2), KEYS.log, tmp_path / "witness.note")
    made.begin()
    return made


def asked(ledger, old, size, log=LOG):
    """A request as the log would make it."""
    hashes = {(0, index): leaf for index, leaf in enumerate(ledger.leaves())}
    for level in range(10):
        for index in range(len(ledger.entries) >> level + 1):
            hashes[level + 1, index] = tree.node_hash(hashes[level, 2 * index], hashes[level, 2 * index + 1])
    proof = tree.carry_out(tree.consistency_plan(old, size), hashes) if old <= size else []
    return Request(old, tuple(proof), ledger.note(size, {}, log))


def test_a_log_that_grows_is_cosigned_step_by_step(witness):
    ledger = Ledger().fill(40)
    old = 0
    for number, size in enumerate([0, 1, 1, 7, 8, 32, 33, 40]):
        signature = witness.cosign(asked(ledger, old, size).dumps(), NOW + number)
        assert isinstance(signature, Signature)
        assert note.cosigned_at(Note(ledger.checkpoint(size).text, (signature,)), witness.verifier_key) == NOW + number
        assert witness.last() == ledger.checkpoint(size)
        old = size


def refused(witness, request):
    before = witness.state.read_bytes()
    answer = witness.cosign(request if isinstance(request, bytes) else request.dumps(), NOW)
    assert isinstance(answer, Refusal)
    assert witness.state.read_bytes() == before
    return answer.reason


def test_a_smaller_log_is_refused(witness):
    ledger = Ledger().fill(40)
    witness.cosign(asked(ledger, 0, 30).dumps(), NOW)
    assert "smaller" in refused(witness, asked(ledger, 0, 20))
    assert "smaller" in refused(witness, asked(ledger, 30, 29))


def test_a_fork_is_refused(witness):
    one, two = Ledger(1).fill(40), Ledger(2).fill(40)
    witness.cosign(asked(one, 0, 30).dumps(), NOW)
    assert "fork" in refused(witness, asked(two, 30, 30))
    assert "fork" in refused(witness, asked(two, 30, 40))
    assert "fork" in refused(witness, Request(30, asked(one, 30, 40).proof, two.note(40, {})))
    assert isinstance(witness.cosign(asked(one, 30, 40).dumps(), NOW), Signature), "and the true log goes on"


def test_a_proof_from_another_size_than_the_last_one_is_refused_and_told_which(witness):
    ledger = Ledger().fill(40)
    witness.cosign(asked(ledger, 0, 30).dumps(), NOW)
    answer = witness.cosign(asked(ledger, 20, 40).dumps(), NOW)
    assert isinstance(answer, Refusal)
    assert answer.details == {"cosigned": "30", "offered": "40", "proof from": "20"}


def test_a_checkpoint_of_another_log_or_key_is_refused(witness):
    ledger = Ledger().fill(9)
    assert "no signature of the log's key" in refused(witness, asked(ledger, 0, 9, LogKey(LOG.name, private_key(77))))
    text = Checkpoint("other.example", 9, ledger.checkpoint(9).root).text
    assert "of the log 'other.example'" in refused(witness, Request(0, (), Note(text, (note.sign(LOG.name, LOG.key, text),))))


@given(st.integers(0))
def test_a_request_with_a_bit_changed_is_refused_or_says_the_same(witness_of, bit):
    ledger = Ledger().fill(12)
    request = asked(ledger, 5, 12).dumps()
    witness = witness_of(ledger, 5)
    answer = witness.cosign(flipped(request, bit % (len(request) * 8)), NOW)
    assert isinstance(answer, Refusal)
    assert witness.last() == ledger.checkpoint(5)


@pytest.fixture(scope="module")
def witness_of(tmp_path_factory):
    """A witness that has cosigned a log at a size; one and the same as long as it stays there."""
    made = {}

    def at(ledger, size):
        if size not in made:
            made[size] = Witness("witness.gac.example", private_key(2), KEYS.log, tmp_path_factory.mktemp("witness") / "state")
            made[size].begin()
            made[size].cosign(asked(ledger, 0, size).dumps(), NOW)
        return made[size]

    return at


@pytest.mark.parametrize("request_", [b"", b"old 0\n", b"old 00\n\n", b"old 0\n\n", b"old -1\n\nx", b"new 0\n\n", b"\xff\n\n\xff"])
def test_what_is_no_request_is_refused(witness, request_):
    refused(witness, request_)


def test_a_witness_without_its_state_does_not_begin_anew(witness):
    ledger = Ledger().fill(5)
    witness.state.unlink()
    with pytest.raises(InputError, match="Restore it"):
        witness.cosign(asked(ledger, 0, 5).dumps(), NOW)
    assert not witness.state.exists()


def test_a_state_is_not_begun_twice(witness):
    with pytest.raises(InputError, match="already"):
        witness.begin()


def test_a_bit_changed_anywhere_in_its_state_is_found(witness):
    ledger = Ledger().fill(5)
    witness.cosign(asked(ledger, 0, 5).dumps(), NOW)
    kept = witness.state.read_bytes()
    logs_line = kept.index("— log.example".encode()), kept.index("— witness".encode())
    for bit in range(0, len(kept) * 8, 5):  # in every byte, every bit in turn
        if logs_line[0] <= bit // 8 < logs_line[1]:
            continue  # the log's signature, which the witness has checked before and does not need again
        witness.state.write_bytes(flipped(kept, bit))
        with pytest.raises(InputError, match="Restore it"):
            witness.last()


def test_a_state_of_another_witness_is_refused(witness):
    other = Witness("witness.huawei.example", private_key(3), KEYS.log, witness.state)
    with pytest.raises(InputError, match="Restore it"):
        other.last()


def test_two_forks_at_the_same_moment_are_not_both_cosigned(witness):
    one, two = Ledger(1).fill(20), Ledger(2).fill(20)
    requests = [asked(ledger, 0, 20).dumps() for ledger in (one, two) for _ in range(8)]
    start = threading.Barrier(len(requests))
    answers = {}

    def ask(number, request):
        start.wait()
        answers[number] = Witness(witness.name, private_key(2), KEYS.log, witness.state).cosign(request, NOW)

    threads = [threading.Thread(target=ask, args=one) for one in enumerate(requests)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    cosigned = {number // 8 for number, answer in answers.items() if isinstance(answer, Signature)}
    assert len(answers) == 16
    assert len(cosigned) == 1
