"""Notes, keys and checkpoints against the published examples of their specifications, and against being read in two ways."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st
from ledgers import KEYS, LOG, WITNESS_KEYS, WITNESSES, Ledger, flipped, private_key

from marque.alliance.audit import Checkpoint, Note, Request, Signature, VerifierKey, checkpoint, note, tree
from marque.alliance.audit.note import Malformed

# The key and note that Go's golang.org/x/mod/sumdb/note documents and tests itself with.
GO_VERIFIER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_SEED = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
GO_TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
GO_NOTE = (
    f"{GO_TEXT}\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n".encode()
)

# C2SP tlog-cosignature, "Format"; C2SP tlog-witness, "add-checkpoint" (with its two signatures of one log).
COSIGNED = """example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==
""".encode()
ASKED = """old 20852014
PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=
/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=

example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
— example.com/behind-the-sofa opLqBQsREYCgu6xQkYQwJr9fo45a62DN9EdmHXnZdXNqlcVGlCum2Wks+49/V6267UEjw6QUXTS5Rovnzv++qbSzm9Q=
""".encode()


def test_the_published_note_is_signed_by_the_published_key():
    read = Note.parse(GO_NOTE)
    assert read.text == GO_TEXT
    assert note.is_signed(read, VerifierKey.parse(GO_VERIFIER))
    assert str(VerifierKey.parse(GO_VERIFIER)) == GO_VERIFIER


def test_signing_the_published_text_gives_the_published_note():
    made = note.sign("PeterNeumann", Ed25519PrivateKey.from_private_bytes(GO_SEED), GO_TEXT)
    assert Note(GO_TEXT, (made,)).dumps() == GO_NOTE


def test_the_key_of_a_public_witness_has_its_published_id():
    text = "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2"  # transparency-dev/formats, note_cosigv1_test.go
    assert VerifierKey.parse(text).kind == note.COSIGNATURE_V1
    assert str(VerifierKey.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    [GO_VERIFIER[:end] for end in range(len(GO_VERIFIER))] + [GO_VERIFIER[start:] for start in range(1, len(GO_VERIFIER))]
    + [
        "PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    ],
)  # fmt: skip
def test_a_verifier_key_in_another_writing_is_refused(text):
    with pytest.raises(Malformed):
        VerifierKey.parse(text)


def test_the_specifications_examples_are_read_and_written_back_byte_for_byte():
    read = Note.parse(COSIGNED)
    assert read.dumps() == COSIGNED
    assert Checkpoint.parse(read.text).size == 20852163
    assert Checkpoint.parse(read.text).text == read.text
    log, witness = read.signatures
    assert (log.name, log.key_id.hex(), len(log.value)) == ("example.com/behind-the-sofa", "033de0ae", 64)
    assert (witness.name, len(witness.value), int.from_bytes(witness.value[:8])) == ("witness.example.com/w1", 72, 1679315147)
    asked = Request.parse(ASKED)
    assert (asked.old, len(asked.proof), len(asked.note.signatures)) == (20852014, 4, 2)
    assert asked.dumps() == ASKED


def test_a_cosignature_is_over_the_message_of_the_specification():
    text = Note.parse(COSIGNED).text
    made = note.cosign("witness.example.com/w1", private_key(9), text, 1679315147)
    message = f"cosignature/v1\ntime 1679315147\nexample.com/behind-the-sofa\n20852163\n{text.splitlines()[2]}\n".encode()
    public = private_key(9).public_key().public_bytes_raw()
    Ed25519PublicKey.from_public_bytes(public).verify(made.value[8:], message)
    assert note.cosigned_at(Note(text, (made,)), VerifierKey("witness.example.com/w1", note.COSIGNATURE_V1, public)) == 1679315147


@pytest.mark.parametrize(("seconds", "counts"), [(0, True), (2**63 - 1, True), (2**63, False), (2**64 - 1, False)])
def test_a_cosignature_of_a_time_that_the_format_does_not_have_is_refused(seconds, counts):
    text = Note.parse(COSIGNED).text
    key = VerifierKey("w1", note.COSIGNATURE_V1, private_key(9).public_key().public_bytes_raw())
    made = Note(text, (note.cosign("w1", private_key(9), text, seconds),))
    if counts:
        assert note.cosigned_at(made, key) == seconds
    else:
        with pytest.raises(Malformed, match="does not fit"):
            note.cosigned_at(made, key)


def test_a_cosignature_does_not_count_as_the_logs_signature_nor_the_other_way():
    one = Ledger().fill(3).note(3)
    name, key = next(iter(WITNESSES.items()))
    as_log = VerifierKey(name, note.ED25519, key.public_key().public_bytes_raw())
    as_witness = VerifierKey(LOG.name, note.COSIGNATURE_V1, LOG.verifier_key.public_key)
    assert not note.is_signed(one, as_log)
    assert note.cosigned_at(one, as_witness) is None


def test_signatures_of_unknown_keys_are_ignored_and_wrong_ones_of_known_keys_refuse_the_note():
    sound = Ledger().fill(3).note(3)
    stranger = note.sign("somebody.example", private_key(77), sound.text)
    assert checkpoint.verified(sound.also(stranger), KEYS.log).size == 3
    forged = Signature(LOG.name, LOG.verifier_key.id, bytes(64))
    with pytest.raises(Malformed, match="does not fit"):
        checkpoint.verified(sound.also(forged), KEYS.log)


def test_every_single_bit_changed_in_a_signed_checkpoint_is_found():
    sound = Ledger().fill(3).note(3)
    data = sound.dumps()
    for bit in range(len(data) * 8):
        try:
            read = Note.parse(flipped(data, bit))
            whole = checkpoint.verified(read, KEYS.log).size == 3 and len(checkpoint.cosigners(read, WITNESS_KEYS)) == 2
        except Malformed:
            continue
        assert not whole, f"bit {bit}"


@pytest.mark.parametrize(
    "text",
    ["", "log.example\n", "log.example\n3\n", "log.example\n03\nAA==\n", "log.example\n-1\n", "\n3\n", "log.example\n3\nAAAA\n"],
)
def test_a_checkpoint_that_is_none_is_refused(text):
    with pytest.raises(Malformed):
        Checkpoint.parse(text)


def test_a_checkpoint_with_further_lines_is_refused():
    text = Ledger().fill(3).checkpoint(3).text
    with pytest.raises(Malformed):
        Checkpoint.parse(text + "more\n")
    with pytest.raises(Malformed):
        Checkpoint.parse(text[:-1])


def test_the_empty_log_has_the_root_of_the_empty_tree():
    assert Checkpoint.parse(Checkpoint("log.example", 0, tree.EMPTY_ROOT).text).size == 0
    with pytest.raises(Malformed, match="empty tree"):
        Checkpoint.parse(Checkpoint("log.example", 0, bytes(32)).text)


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_whatever_is_read_as_a_note_is_written_back_as_it_was(data):
    for reads in (Note.parse, Request.parse):
        try:
            read = reads(data)
        except Malformed:
            continue
        assert read.dumps() == data


@given(st.integers(0, len(GO_NOTE) - 1), st.binary(max_size=3))
def test_a_note_with_bytes_changed_is_refused_or_not_signed(at, put):
    data = GO_NOTE[:at] + put + GO_NOTE[at + len(put) :]
    assert is_sound(data, VerifierKey.parse(GO_VERIFIER)) == (data == GO_NOTE)


def is_sound(data, key):
    try:
        return note.is_signed(Note.parse(data), key)
    except Malformed:
        return False
