"""Keys: what they sign is verified by the car and by securesystemslib; whose files may be used; keys on a real PKCS#11 token."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP384R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from repository_people import BOTH, LATER, NOW, ONLINE, PARTIES, PEOPLE, private, signer
from repository_token import PIN, SOFTHSM
from securesystemslib.signer import Signature as SignatureOfTheirs
from securesystemslib.signer import SSlibKey
from tuf.api.metadata import Metadata as Theirs

from marque.alliance import key_files, signing
from marque.car.tuf import keys as car_keys
from marque.car.tuf.trusted import Trusted
from marque.common import InputError, Refusal, Refused, new_id, ok
from marque.release.repository import requests, signed_files
from marque.release.repository.keys import ECDSA, FileSigner, by_id, key_of, signed
from marque.release.repository.keys import ED25519 as ED25519_KIND
from marque.release.repository.roles import Party
from marque.release.repository.root import first_root
from marque.release.repository.tokens import Pkcs11Signer, TokenKey, read_uri


def theirs(key):
    return SSlibKey(key.id, key.kind, key.scheme, {"public": key.public})


def test_a_signature_is_verified_by_the_car_and_by_securesystemslib():
    one = signer("anybody", "gac")
    made = one.sign(b"payload")
    assert car_keys.verifies(one.key, made, b"payload")
    assert not car_keys.verifies(one.key, made, b"payloae")
    theirs(one.key).verify_signature(SignatureOfTheirs(one.key.id, made.hex()), b"payload")


def test_a_key_has_the_id_that_marque_keys_shows_whoever_it_belongs_to():
    public = private("li").public_key().public_bytes_raw()
    assert key_of(public, "gac").id == key_of(public).id == signing.key_id(public)


def test_a_key_for_which_anybody_can_sign_is_refused():
    with pytest.raises(Refused, match="small order"):
        key_of(bytes(32))


def test_one_key_for_two_organisations_is_refused():
    public = private("li").public_key().public_bytes_raw()
    with pytest.raises(InputError, match="listed for gac and for huawei"):
        by_id([key_of(public, "gac"), key_of(public, "huawei")])


def test_a_persons_encrypted_key_file_signs(tmp_path):
    key_files.write_key(tmp_path / "li.key", private("li"), "four words at random")
    assert FileSigner.of_person(tmp_path / "li.key", "four words at random", "gac").key == signer("li", "gac").key
    with pytest.raises(InputError, match="not a private key encrypted with this passphrase"):
        FileSigner.of_person(tmp_path / "li.key", "four words at rando", "gac")


@pytest.mark.parametrize("kind", [ED25519_KIND, ECDSA])
def test_an_online_key_is_made_once_and_read_by_its_owner_alone(tmp_path, kind):
    made = FileSigner.new_online(tmp_path / "timestamp.pem", kind)
    assert made.key.kind == kind
    assert car_keys.verifies(made.key, made.sign(b"payload"), b"payload")
    theirs(made.key).verify_signature(SignatureOfTheirs(made.key.id, made.sign(b"payload").hex()), b"payload")
    assert FileSigner.online(tmp_path / "timestamp.pem").key == made.key
    with pytest.raises(InputError, match="already there"):
        FileSigner.new_online(tmp_path / "timestamp.pem")
    (tmp_path / "timestamp.pem").chmod(0o640)
    with pytest.raises(InputError, match="others can read"):
        FileSigner.online(tmp_path / "timestamp.pem")


def test_a_key_on_another_curve_is_refused(tmp_path):
    wide = generate_private_key(SECP384R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "wide.pem").write_bytes(wide)
    (tmp_path / "wide.pem").chmod(0o600)
    with pytest.raises(InputError, match="nor one on the curve P-256"):
        FileSigner.online(tmp_path / "wide.pem")


def test_what_is_no_key_is_refused_by_name(tmp_path):
    (tmp_path / "no.pem").write_text("no")
    (tmp_path / "no.pem").chmod(0o600)
    with pytest.raises(InputError, match=r"no\.pem: it is not a private key"):
        FileSigner.online(tmp_path / "no.pem")
    with pytest.raises(InputError, match=r"none\.pem: it cannot be read"):
        FileSigner.online(tmp_path / "none.pem")


def test_a_signed_draft_is_an_envelope_and_a_signature_by_the_same_key():
    draft = b'{"_type":"targets"}'
    file = ok(signed_files.read(signed_files.dumps(draft, signer("li", "gac"))))
    assert file.signature.key == signer("li").key.id
    assert car_keys.verifies(signer("li").key, file.signature.value, draft)
    envelope = ok(signing.read_envelope(file.envelope))
    assert envelope.payload == draft
    assert car_keys.verifies(signer("li").key, envelope.signatures[0].value, signing.pae(signed_files.RELEASE_METADATA, draft))


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"[]", "not a JSON object"),
        (b'{"envelope":{}}', "has the fields"),
        (b'{"envelope":{},"signature":"zz"}', "hexadecimal"),
        (b'{"envelope":{},"signature":"00"}', "an envelope has the fields"),
        (b'{"envelope":{},"signature":"00","more":1}', "no others"),
        (b'{"envelope":{"n":9007199254740993},"signature":"00"}', "holds an envelope"),
    ],
)
def test_what_is_no_signed_draft_is_refused(raw, reason):
    answer = signed_files.read(raw)
    assert isinstance(answer, Refusal)
    assert reason in answer.reason


def test_an_envelope_of_another_type_is_no_signed_draft():
    envelope = signing.sign(b"{}", private("li")).decode()
    answer = signed_files.read(f'{{"envelope":{envelope},"signature":"00"}}'.encode())
    assert isinstance(answer, Refusal)
    assert "metadata of a release" in answer.reason


def test_a_pkcs11_uri_names_module_token_and_key():
    uri = "pkcs11:token=gac%20root;object=li?module-path=/usr/lib/softhsm/libsofthsm2.so"
    assert read_uri(uri) == TokenKey("/usr/lib/softhsm/libsofthsm2.so", "gac root", "li")
    assert read_uri("pkcs11:token=gac;id=%00%ff?module-path=/m.so").id == b"\x00\xff"


@pytest.mark.parametrize(
    ("uri", "problem"),
    [
        ("li.key", "begins with pkcs11:"),
        ("pkcs11:token=gac?module-path=/m.so", "lacks object"),
        ("pkcs11:object=li?module-path=/m.so", "lacks token"),
        ("pkcs11:token=gac;object=li", "lacks module-path"),
        ("pkcs11:token=gac;object=li;serial=1?module-path=/m.so", "serial"),
        ("pkcs11:token=gac;object=li?module-path=/m.so&pin-value=1", "pin-value"),
    ],
)
def test_a_pkcs11_uri_that_does_not_say_enough_or_too_much_is_refused(uri, problem):
    with pytest.raises(InputError, match=problem):
        read_uri(uri)


@pytest.mark.parametrize(("label", "scheme"), [("li", "ecdsa-sha2-nistp256"), ("wang", "ed25519")])
def test_a_key_on_a_token_signs_what_car_and_securesystemslib_verify(token, label, scheme):
    with Pkcs11Signer(TokenKey(str(SOFTHSM), token, label), PIN, "gac") as one:
        assert (one.key.scheme, one.key.organisation) == (scheme, "gac")
        raw = signed(first_root(PARTIES, ONLINE, LATER), [one])
        read = Theirs.from_bytes(raw)
        theirs(one.key).verify_signature(read.signatures[one.key.id], read.signed_bytes)
        assert car_keys.verifies(one.key, one.sign(b"payload"), b"payload")


def test_a_root_of_keys_on_tokens_and_in_files_is_trusted(token):
    with Pkcs11Signer(TokenKey(str(SOFTHSM), token, "", b"li"), PIN, "gac") as one:
        parties = [Party("gac", (one.key, *PARTIES[0].keys[1:])), PARTIES[1]]
        raw = signed(first_root(parties, ONLINE, LATER), [one, PEOPLE["gac"][1], *BOTH[2:]])
    assert Trusted(raw, NOW).root.said.parties == ("gac", "huawei")


@pytest.mark.parametrize(
    ("where", "pin", "problem"),
    [
        (TokenKey(str(SOFTHSM), "gac", "li"), "000000", "the token does not take it"),
        (TokenKey(str(SOFTHSM), "other", "li"), PIN, "there is no token of this name"),
        (TokenKey(str(SOFTHSM), "gac", "nobody"), PIN, "the token gac has 0 such keys"),
        (TokenKey(str(SOFTHSM), "gac", "wide"), PIN, "not a key on the curve P-256"),
    ],
)
@pytest.mark.usefixtures("token")
def test_a_token_that_does_not_sign_says_why(where, pin, problem):
    with pytest.raises(InputError, match=problem):
        Pkcs11Signer(where, pin)


def test_an_ed25519_key_on_a_token_is_enrolled_and_signs_drafts_as_the_console_wants_them(token):
    person = new_id()
    with Pkcs11Signer(TokenKey(str(SOFTHSM), token, "wang"), PIN, "gac") as one:
        enrolment = ok(signing.read_enrolment(requests.enrolment(one, person)))
        file = ok(signed_files.read(signed_files.dumps(b'{"_type":"targets"}', one)))
    assert (enrolment.organisation, enrolment.person) == ("gac", person)
    enrolled = signing.PersonKey("gac", person, enrolment.public_key, NOW, LATER)
    (signer_,) = ok(
        signing.verify(file.envelope, [enrolled], document=b'{"_type":"targets"}', at=NOW, payload_type=signed_files.RELEASE_METADATA)
    )
    assert signer_.key == file.signature.key
    assert requests.read(requests.enrolment(signer("wang", "gac"), person), "r").organisation == "gac"


def test_a_key_that_the_console_cannot_take_is_refused_before_anything_is_handed_in(token):
    with Pkcs11Signer(TokenKey(str(SOFTHSM), token, "li"), PIN, "gac") as one:
        with pytest.raises(Refused, match="the console takes Ed25519"):
            signed_files.dumps(b"{}", one)
        with pytest.raises(Refused, match="the console takes Ed25519"):
            requests.enrolment(one, new_id())
