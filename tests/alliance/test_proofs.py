"""Proofs and directories as files: Marque's own check, and the listing that docs/signing.md gives to strangers, must agree."""

from __future__ import annotations

import ast
import base64
import copy
import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
import rfc8785
from authenticator import EDDSA, ES256, RS256, Authenticator
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from marque.alliance.passkeys import Assertion, PublicPasskey, RelyingParty, assertion_options, challenge_of, registration_options
from marque.alliance.passkeys import verify_registration as register
from marque.alliance.proofs import Directory, Proof, read_directory, read_proof, read_stamp, stamp, together, verify_proof
from marque.alliance.signing import AGREEMENT_REVISION, PersonKey, combine, pae, read_envelope, sign
from marque.common import Refusal, ok

PAGE = (Path(__file__).parents[2] / "docs/signing.md").read_text()
LISTING = PAGE.split("```python\n")[1].split("```")[0]
NOW = datetime(2025, 6, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
PARTY = RelyingParty("marque.example", "Marque", ("https://marque.example",))
DOCUMENT = rfc8785.dumps({"kind": "https://marque.example/agreement-revision/v1", "title": "埃安 AH8", "parties": ["gac", "huawei"]})


def holder(organisation, person, seed, algorithm=ES256):
    """(private key, key, device, passkey) of one person, fixed by a seed."""
    private = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
    own = {ES256: ec.derive_private_key(seed, ec.SECP256R1())}.get(algorithm)
    device = Authenticator(algorithm=algorithm, key=own, credential_id=bytes([seed]) * 16)
    new = register(device.create(registration_options(PARTY, person, "somebody", bytes(32), [])), bytes(32), PARTY)
    key = PersonKey(organisation, person, private.public_key().public_bytes_raw(), NOW - DAY, NOW + DAY)
    return private, key, device, PublicPasskey(organisation, person, new.credential_id, new.public_key, NOW - DAY, None)


def prove(private, key, device, passkey, document=DOCUMENT, at=NOW, payload_type=AGREEMENT_REVISION):
    from authenticator import from_b64url

    envelope = sign(document, private, payload_type)
    answer = device.get(assertion_options(PARTY, challenge_of(read_envelope(envelope)), []))["response"]
    parts = (from_b64url(answer[name]) for name in ("authenticatorData", "clientDataJSON", "signature"))
    assertion = Assertion(passkey.credential_id, *parts)
    return Proof(key.organisation, key.person, at, envelope.decode(), key.public_key, passkey.public_key, assertion)


LI, WANG = holder("gac", UUID(int=1), 1), holder("huawei", UUID(int=2), 2)
DIRECTORY = Directory(PARTY, (LI[1], WANG[1]), (LI[3], WANG[3]))
PROOF = prove(*LI)


def by_marque(document, proof, directory):
    """Who signed, by our own check; None when it is refused. Arguments as JSON values."""
    read, keys = read_proof(json.dumps(proof).encode()), read_directory(json.dumps(directory).encode())
    if isinstance(read, Refusal) or isinstance(keys, Refusal):
        return None
    signer = verify_proof(document, read, keys)
    return None if isinstance(signer, Refusal) else [signer.organisation, str(signer.person)]


_page = {"__name__": "check"}
exec(compile(LISTING, "docs/signing.md", "exec"), _page)


def by_the_page(document, proof, directory):
    try:
        return _page["check"](document, proof, directory)
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, InvalidSignature):
        return None


def reason(answer):
    assert isinstance(answer, Refusal), f"accepted: {answer}"
    return answer.reason


# The listing ---------------------------------------------------------------------------------------------------------------------------


def test_the_page_s_listing_is_short_and_needs_only_the_standard_library_and_cryptography():
    imported = {
        name.split(".")[0]
        for node in ast.walk(ast.parse(LISTING))
        for name in ([node.module] if isinstance(node, ast.ImportFrom) else [one.name for one in getattr(node, "names", [])])
    }
    assert imported - set(sys.stdlib_module_names) == {"cryptography"}
    code = [line for line in LISTING.splitlines() if line.strip() and not line.strip().startswith("#")]
    assert len(code) <= 40
    assert f"DSSEv1 {len(AGREEMENT_REVISION)} {AGREEMENT_REVISION} LENGTH" in PAGE


def test_the_page_s_listing_runs_as_the_page_says(tmp_path):
    files = {"check.py": LISTING.encode(), "revision.json": DOCUMENT, "proof.json": PROOF.dumps(), "keys.json": DIRECTORY.dumps()}
    for name, text in files.items():
        (tmp_path / name).write_bytes(text)
    command = [sys.executable, "-I", "check.py", "revision.json", "proof.json", "keys.json"]
    told = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (told.returncode, told.stdout) == (0, f"signed and confirmed by gac {LI[1].person}\n"), told.stderr
    (tmp_path / "revision.json").write_bytes(DOCUMENT.replace(b"AH8", b"AH9"))
    told = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert told.returncode != 0
    assert "another text" in told.stderr


@pytest.mark.parametrize("algorithm", [ES256, EDDSA, RS256])
def test_marque_and_the_page_accept_every_kind_of_passkey(algorithm):
    person = holder("gac", UUID(int=3), 3, algorithm)
    proof, keys = json.loads(prove(*person).dumps()), json.loads(Directory(PARTY, (person[1],), (person[3],)).dumps())
    assert by_marque(DOCUMENT, proof, keys) == by_the_page(DOCUMENT, proof, keys) == ["gac", str(UUID(int=3))]


def places(said, path=()):
    """Every leaf of a JSON value, as a path."""
    if isinstance(said, dict | list):
        for name in said if isinstance(said, dict) else range(len(said)):
            yield from places(said[name], (*path, name))
    else:
        yield path


def at_place(said, path):
    for name in path:
        said = said[name]
    return said


WHOLE = {"proof": json.loads(PROOF.dumps()), "directory": json.loads(DIRECTORY.dumps())}
PLACES = sorted(places(WHOLE), key=str)


@st.composite
def damaged(draw):
    """Proof and directory with one leaf changed: a bit of its text, of the bytes behind its base64, or another leaf's value."""
    whole, path = copy.deepcopy(WHOLE), draw(st.sampled_from(PLACES))
    value = at_place(whole, path)
    how = draw(st.sampled_from(["text", "bytes", "other"]))
    if how == "other" or not value:
        changed = at_place(whole, draw(st.sampled_from(PLACES)))
    elif how == "bytes" and path[-1] in ("payload", "sig", "credentialId", "authenticatorData", "clientDataJSON", "signature"):
        raw = bytearray(base64.b64decode(value))
        raw[draw(st.integers(0, len(raw) - 1))] ^= 1 << draw(st.integers(0, 7))
        changed = base64.b64encode(raw).decode()
    else:
        place = draw(st.integers(0, len(value) - 1))
        changed = value[:place] + chr(ord(value[place]) ^ 1 << draw(st.integers(0, 6))) + value[place + 1 :]
    at_place(whole, path[:-1])[path[-1]] = changed
    return path, whole, changed != value


@settings(max_examples=1000)
@given(damaged())
def test_marque_and_the_page_agree_on_damaged_proofs(case):
    path, whole, differs = case
    ours, theirs = (check(DOCUMENT, whole["proof"], whole["directory"]) for check in (by_marque, by_the_page))
    if not differs:
        assert ours == theirs == ["gac", str(LI[1].person)]
    elif ours is not None:
        assert theirs == ours, "the page refuses what Marque accepts"
    if differs and path[0] == "proof" and path[-1] not in ("at", "keyid"):  # an instant within the span; a hint left out
        assert ours is None, "a changed proof passed"


@given(st.integers(0, 8 * len(DOCUMENT) - 1))
def test_marque_and_the_page_refuse_any_changed_bit_of_the_document(bit):
    other = bytearray(DOCUMENT)
    other[bit // 8] ^= 1 << bit % 8
    assert by_marque(bytes(other), WHOLE["proof"], WHOLE["directory"]) is None
    assert by_the_page(bytes(other), WHOLE["proof"], WHOLE["directory"]) is None


PART_OF_A_PROOF = st.sampled_from(["authenticatorData", "clientDataJSON", "signature", "sig", "payload"])


@given(PART_OF_A_PROOF, st.integers(0, 1 << 20))
def test_marque_and_the_page_refuse_any_changed_bit_of_what_is_signed_or_signs(part, bit):
    whole = copy.deepcopy(WHOLE)
    envelope = whole["proof"]["envelope"]
    where = envelope["signatures"][0] if part == "sig" else envelope if part == "payload" else whole["proof"]["confirmation"]
    raw = bytearray(base64.b64decode(where[part]))
    raw[bit // 8 % len(raw)] ^= 1 << bit % 8
    where[part] = base64.b64encode(raw).decode()
    assert by_marque(DOCUMENT, whole["proof"], whole["directory"]) is None
    assert by_the_page(DOCUMENT, whole["proof"], whole["directory"]) is None


# What a proof must be ------------------------------------------------------------------------------------------------------------------


def test_files_read_back_as_what_they_were_written_from():
    assert ok(read_proof(PROOF.dumps())) == PROOF
    assert ok(read_directory(DIRECTORY.dumps())) == DIRECTORY
    revoked = replace(DIRECTORY, keys=(replace(LI[1], revoked_at=NOW),), passkeys=(replace(LI[3], revoked_at=NOW + DAY),))
    assert ok(read_directory(revoked.dumps())) == revoked


@given(st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2999, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001  hypothesis asks so
def test_instants_sort_as_their_texts(instant):
    assert read_stamp(stamp(instant)) == instant
    assert (stamp(instant) < stamp(NOW)) == (instant < NOW)


@pytest.mark.parametrize(
    ("proof", "directory", "said"),
    [
        (replace(PROOF, person=UUID(int=9)), DIRECTORY, "exactly the person"),
        (replace(PROOF, organisation="huawei"), DIRECTORY, "exactly the person"),
        (replace(PROOF, at=NOW + DAY), DIRECTORY, "not valid at that time"),
        (replace(PROOF, at=NOW - 2 * DAY), DIRECTORY, "not valid at that time"),
        (replace(PROOF, public_key=WANG[1].public_key), DIRECTORY, "other public keys"),
        (replace(PROOF, passkey=WANG[3].public_key), DIRECTORY, "other public keys"),
        (replace(PROOF, assertion=prove(*WANG).assertion), DIRECTORY, "not of the person whose key signed"),
        (PROOF, replace(DIRECTORY, keys=(WANG[1],)), "not enrolled"),
        (PROOF, replace(DIRECTORY, passkeys=(WANG[3],)), "not exactly once"),
        (PROOF, replace(DIRECTORY, passkeys=(LI[3], replace(LI[3], organisation="huawei"))), "not exactly once"),
        (PROOF, replace(DIRECTORY, passkeys=(replace(LI[3], revoked_at=NOW),)), "passkey was not valid"),
        (PROOF, replace(DIRECTORY, keys=(LI[1], replace(LI[1], organisation="huawei"))), "two holders"),
        (PROOF, replace(DIRECTORY, party=replace(PARTY, id="evil.test")), "another relying party"),
        (PROOF, replace(DIRECTORY, party=replace(PARTY, origins=("https://evil.test",))), "another site"),
    ],
)
def test_a_proof_that_does_not_hold_together_is_refused(proof, directory, said):
    assert said in reason(verify_proof(DOCUMENT, proof, directory))


def test_a_proof_holds_one_person_s_signature():
    both = combine([PROOF.envelope.encode(), prove(*WANG).envelope.encode()]).decode()
    assert "exactly the person" in reason(verify_proof(DOCUMENT, replace(PROOF, envelope=both), DIRECTORY))


def test_a_confirmation_of_one_kind_of_text_is_none_for_another():
    other = prove(*LI, payload_type="application/vnd.marque.decision+json")
    assert pae(AGREEMENT_REVISION, DOCUMENT) != pae("application/vnd.marque.decision+json", DOCUMENT)
    assert "another type" in reason(verify_proof(DOCUMENT, other, DIRECTORY))
    mixed = replace(other, envelope=PROOF.envelope)
    assert "confirmed something else" in reason(verify_proof(DOCUMENT, mixed, DIRECTORY))


def test_directories_of_two_installations_are_not_mixed():
    elsewhere = replace(DIRECTORY, party=replace(PARTY, id="elsewhere.example"))
    assert "different installations" in reason(together([DIRECTORY, elsewhere]))
    assert "no directory" in reason(together([]))
    assert ok(together([DIRECTORY, DIRECTORY])) == DIRECTORY


@given(st.sampled_from(PLACES), st.sampled_from([None, 7, [], {}, "", "x", "\ud800", "2025-06-01", "２０２５-06-01T12:00:00.000000Z"]))
def test_no_value_whatever_in_a_file_raises(path, value):
    whole = copy.deepcopy(WHOLE)
    at_place(whole, path[:-1])[path[-1]] = value
    by_marque(DOCUMENT, whole["proof"], whole["directory"])
    del at_place(whole, path[:-1])[path[-1]]
    by_marque(DOCUMENT, whole["proof"], whole["directory"])


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("kind",), "x", "not a proof"),
        (("extra",), "x", "and no others"),
        (("at",), "2025-06-01T12:00:00Z", "does not match"),
        (("at",), "2025-6-01T12:00:00.000000Z", "is not an instant like"),
        (("publicKey",), LI[1].public_key.hex().upper(), "lower case"),
        (("person",), "{" + str(LI[1].person) + "}", "lower case"),
        (("confirmation",), ["credentialId"], "and no others"),
        (("confirmation", "signature"), "QR==", "no bits to spare"),
        (("confirmation", "signature"), "Q", "expected base64"),
        (("organisation",), 7, "expected text"),
    ],
)
def test_a_proof_written_otherwise_is_refused_with_its_reason(path, value, said):
    proof = copy.deepcopy(WHOLE["proof"])
    at_place(proof, path[:-1])[path[-1]] = value
    refusal = read_proof(json.dumps(proof).encode())
    assert said in f"{reason(refusal)} {refusal.details}"


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("kind",), "x", "not a directory"),
        (("keys",), {"a": 1}, "expected a list"),
        (("relyingParty", "origins"), "https://marque.example", "expected a list"),
        (("keys", 0, "id"), "0" * 64, "another public key than its id says"),
        (("keys", 0, "publicKey"), "00", "32 bytes"),
        (("keys", 0), "x", "and no others"),
    ],
)
def test_a_directory_written_otherwise_is_refused_with_its_reason(path, value, said):
    directory = copy.deepcopy(WHOLE["directory"])
    at_place(directory, path[:-1])[path[-1]] = value
    refusal = read_directory(json.dumps(directory).encode())
    assert said in f"{reason(refusal)} {refusal.details}"


@given(st.binary(max_size=200))
def test_no_bytes_whatever_raise(text):
    assert "the proof is not" in reason(read_proof(text))
    assert "the directory is not" in reason(read_directory(text))
