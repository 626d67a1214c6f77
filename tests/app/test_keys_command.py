"""`marque keys`: from making a key to checking both sides' proofs, with files only."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from marque.alliance.key_files import read_key
from marque.alliance.passkeys import Assertion, PublicPasskey, RelyingParty, assertion_options, challenge_of, registration_options
from marque.alliance.passkeys import verify_registration as register
from marque.alliance.proofs import Directory, Proof
from marque.alliance.signing import PersonKey, key_id, read_enrolment, read_envelope, verify
from marque.app import keys
from marque.common import InputError, Refused

sys.path.insert(0, str(Path(__file__).parents[1] / "alliance"))
from authenticator import Authenticator, from_b64url

NOW = datetime(2025, 6, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
PARTY = RelyingParty("marque.example", "Marque", ("https://marque.example",))
SAID = {
    "kind": "https://marque.example/agreement-revision/v1",
    "agreement": str(UUID(int=5)),
    "title": "AH8 together",
    "number": 2,
    "effective": "2023-03-27",
    "parties": ["gac", "huawei"],
}


@pytest.fixture
def passphrase(tmp_path):
    file = tmp_path / "passphrase"
    file.write_text("correct horse battery staple\n")
    return file


@pytest.fixture
def revision(tmp_path):
    file = tmp_path / "revision.json"
    file.write_bytes(rfc8785.dumps(SAID))
    return file


def write(file, text):
    file.write_bytes(text)
    return file


@pytest.fixture
def side(tmp_path, passphrase, revision):
    """Makes a person of an organisation sign and confirm: (proof file, directory file)."""

    def signs(organisation, person):
        file = tmp_path / f"{organisation}.key"
        keys.new_key(file, organisation, person, passphrase)
        out = tmp_path / f"{organisation}.envelope.json"
        keys.sign_document(file, revision, out, passphrase)
        public = read_enrolment(file.with_name(f"{file.name}.request.json").read_bytes()).public_key
        device = Authenticator()
        new = register(device.create(registration_options(PARTY, person, organisation, bytes(32), [])), bytes(32), PARTY)
        answer = device.get(assertion_options(PARTY, challenge_of(read_envelope(out.read_bytes())), []))["response"]
        parts = (from_b64url(answer[name]) for name in ("authenticatorData", "clientDataJSON", "signature"))
        assertion = Assertion(new.credential_id, *parts)
        proof = Proof(organisation, person, NOW, out.read_text(), public, new.public_key, assertion)
        passkey = PublicPasskey(organisation, person, new.credential_id, new.public_key, NOW - DAY, None)
        directory = Directory(PARTY, (PersonKey(organisation, person, public, NOW - DAY, NOW + DAY),), (passkey,))
        return write(tmp_path / f"proof-{organisation}.json", proof.dumps()), write(
            tmp_path / f"keys-{organisation}.json", directory.dumps()
        )

    return signs


def test_new_makes_an_encrypted_key_and_a_request_that_enrols_it(tmp_path, passphrase, capsys):
    keys.new_key(tmp_path / "li.key", "gac", UUID(int=1), passphrase)
    private = read_key(tmp_path / "li.key", "correct horse battery staple")
    request = read_enrolment((tmp_path / "li.key.request.json").read_bytes())
    assert (request.organisation, request.person) == ("gac", UUID(int=1))
    assert request.public_key == private.public_key().public_bytes_raw()
    assert key_id(request.public_key) in capsys.readouterr().out


def test_new_writes_over_nothing(tmp_path, passphrase):
    (tmp_path / "li.key.request.json").write_text("of another key")
    with pytest.raises(InputError, match="already there"):
        keys.new_key(tmp_path / "li.key", "gac", UUID(int=1), passphrase)
    assert not (tmp_path / "li.key").exists()


def test_the_passphrase_is_asked_for_twice_when_a_key_is_made(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr("typer.prompt", lambda text, **how: asked.append((text, how)) or "correct horse battery staple")
    keys.new_key(tmp_path / "li.key", "gac", UUID(int=1), None)
    assert asked == [("Passphrase", {"hide_input": True, "confirmation_prompt": True})]


def test_sign_says_what_it_signs_and_writes_an_envelope(tmp_path, passphrase, revision, capsys):
    keys.new_key(tmp_path / "li.key", "gac", UUID(int=1), passphrase)
    keys.sign_document(tmp_path / "li.key", revision, None, passphrase)
    told = capsys.readouterr().out
    assert "AH8 together" in told
    assert "2, effective 2023-03-27" in told
    public = read_key(tmp_path / "li.key", "correct horse battery staple").public_key().public_bytes_raw()
    envelope = (tmp_path / "revision.json.envelope.json").read_bytes()
    key = PersonKey("gac", UUID(int=1), public, NOW, NOW + DAY)
    assert len(verify(envelope, [key], document=revision.read_bytes(), at=NOW)) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (rfc8785.dumps(SAID) + b"\n", "not canonical"),
        (rfc8785.dumps(SAID | {"kind": "x"}), "not an agreement's revision"),
        (rfc8785.dumps({name: value for name, value in SAID.items() if name != "parties"}), "not an agreement's revision"),
        (rfc8785.dumps(SAID | {"parties": [["gac"]]}), "not an agreement's revision"),
    ],
)
def test_only_a_revision_s_canonical_text_is_signed(tmp_path, passphrase, text, said):
    keys.new_key(tmp_path / "li.key", "gac", UUID(int=1), passphrase)
    with pytest.raises(InputError, match=said):
        keys.sign_document(tmp_path / "li.key", write(tmp_path / "revision.json", text), None, passphrase)
    assert not (tmp_path / "revision.json.envelope.json").exists()


def test_a_document_that_both_parties_signed_verifies(side, revision, capsys):
    (gac, gac_keys), (huawei, huawei_keys) = side("gac", UUID(int=1)), side("huawei", UUID(int=2))
    capsys.readouterr()
    assert keys.verify_document(revision, [gac, huawei], [gac_keys, huawei_keys])
    told = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in told] == [["signed", "gac,"], ["signed", "huawei,"]]


def test_a_document_that_one_party_signed_twice_does_not(side, revision, capsys):
    gac, gac_keys = side("gac", UUID(int=1))
    assert not keys.verify_document(revision, [gac, gac], [gac_keys])
    assert capsys.readouterr().out.splitlines()[-1] == "missing  huawei"


def test_a_party_that_leaves_has_to_sign_as_well(side, revision, capsys):
    revision.write_bytes(rfc8785.dumps(SAID | {"parties": ["gac"], "leaving": ["huawei"]}))
    gac, gac_keys = side("gac", UUID(int=1))
    assert not keys.verify_document(revision, [gac], [gac_keys])
    assert capsys.readouterr().out.splitlines()[-1] == "missing  huawei"


def test_a_proof_of_another_document_is_refused_and_said_so(side, tmp_path, capsys):
    gac, gac_keys = side("gac", UUID(int=1))
    other = write(tmp_path / "other.json", rfc8785.dumps(SAID | {"number": 3}))
    assert not keys.verify_document(other, [gac], [gac_keys])
    assert "refused  proof-gac.json: the signature is for another text" in capsys.readouterr().out


def test_a_file_that_is_no_proof_is_an_error_not_a_verdict(side, revision):
    _, gac_keys = side("gac", UUID(int=1))
    with pytest.raises(Refused, match="cannot be read"):
        keys.verify_document(revision, [gac_keys], [gac_keys])


def test_show_knows_every_file_of_the_trade(side, tmp_path, passphrase, capsys):
    proof, directory = side("gac", UUID(int=1))
    public = read_enrolment((tmp_path / "gac.key.request.json").read_bytes()).public_key
    for file in (tmp_path / "gac.key", tmp_path / "gac.key.request.json", tmp_path / "gac.envelope.json", proof, directory):
        capsys.readouterr()
        keys.show_key(file, passphrase)
        assert key_id(public) in capsys.readouterr().out, file.name
    with pytest.raises(Refused, match="no others"):
        keys.show_key(write(tmp_path / "x.json", b"{}"), passphrase)


def test_a_huge_file_is_not_read(tmp_path, passphrase):
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(1 << 30)
    with pytest.raises(InputError, match="larger than"):
        keys.show_key(tmp_path / "huge", passphrase)


def test_the_private_key_is_in_no_file_but_its_own(tmp_path, passphrase, revision):
    keys.new_key(tmp_path / "li.key", "gac", UUID(int=1), passphrase)
    keys.sign_document(tmp_path / "li.key", revision, None, passphrase)
    private = read_key(tmp_path / "li.key", "correct horse battery staple")
    assert isinstance(private, Ed25519PrivateKey)
    for file in tmp_path.iterdir():
        assert private.private_bytes_raw() not in file.read_bytes()
        assert private.private_bytes_raw().hex().encode() not in file.read_bytes()
