"""Passkeys: a person confirms, present and verified at their own device, exactly what was signed.

The challenge of an assertion is the SHA-256 of the DSSE PAE that the person's key signed, so a confirmation is bound to one text and good
for no other. The ceremonies are checked by py_webauthn; `verify_confirmation` does the same for an assertion alone, with `cryptography`
only: it is what a stranger can repeat offline (docs/signing.md), and stricter where the library lets things pass (frames of other sites).
Source of the checks: W3C Web Authentication Level 3, 7.1 (registration) and 7.2 (assertion).
"""

from __future__ import annotations

import base64
import hashlib
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import webauthn
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key
from webauthn.helpers import decode_credential_public_key, decoded_public_key_to_cryptography, options_to_json_dict, structs
from webauthn.helpers.cose import COSEAlgorithmIdentifier

from marque.alliance.signing import Envelope, read_json, refuse_weak
from marque.common import Refusal, Sentence

ALGORITHMS = (
    COSEAlgorithmIdentifier.EDDSA,
    COSEAlgorithmIdentifier.ECDSA_SHA_256,
    COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,  # what TPMs under Windows Hello offer
)
CEREMONY_MS = 300_000
"""How long a browser waits for the person: WebAuthn Level 3, 15.1, its recommended default."""
_MAX_BYTES = 16 * 1024
_LEAST_RSA_BITS = 2048
_PRESENT, _VERIFIED, _ELIGIBLE, _BACKED_UP, _ATTESTED, _EXTENDED = 0x01, 0x04, 0x08, 0x10, 0x40, 0x80
_HEAD_BYTES = 37  # rpIdHash, flags, signCount


@dataclass(frozen=True)
class RelyingParty:
    """An installation, as browsers know it. id: its domain; origins: every scheme://host[:port] its pages are served from."""

    id: str
    name: str
    origins: tuple[str, ...]


@dataclass(frozen=True)
class PublicPasskey:
    """What others need to know of a credential. public_key: DER of its SubjectPublicKeyInfo."""

    organisation: str
    person: UUID
    credential_id: bytes
    public_key: bytes
    registered_at: datetime
    revoked_at: datetime | None

    def counts_at(self, instant: datetime) -> bool:
        return self.registered_at <= instant and (self.revoked_at is None or instant < self.revoked_at)


@dataclass(frozen=True)
class Passkey(PublicPasskey):
    """A credential as its own organisation keeps it. cose_key: the public key as the authenticator gave it (RFC 9052, 7)."""

    id: UUID
    label: str
    cose_key: bytes
    sign_count: int
    backup_eligible: bool


@dataclass(frozen=True)
class NewPasskey:
    """What a registration yields; whose it is, the caller knows."""

    credential_id: bytes
    cose_key: bytes
    public_key: bytes
    sign_count: int
    backup_eligible: bool


@dataclass(frozen=True)
class Assertion:
    """What an authenticator answers with: bytes, as they came."""

    credential_id: bytes
    authenticator_data: bytes
    client_data: bytes
    signature: bytes


@dataclass(frozen=True)
class Confirmed:
    """A verified assertion. sign_count: 0 where the authenticator does not count."""

    origin: str
    sign_count: int
    backup_eligible: bool


def challenge_of(envelope: Envelope) -> bytes:
    """The challenge that binds a confirmation to what an envelope signs: SHA-256 of its PAE."""
    return hashlib.sha256(envelope.pae).digest()


def credential_id_of(response: Mapping[str, Any]) -> bytes:
    """Which credential an answer claims to be of; empty when that cannot be read."""
    try:
        return webauthn.base64url_to_bytes(response["rawId"])
    except (KeyError, TypeError, ValueError, AttributeError):
        return b""


def registration_options(party: RelyingParty, person: UUID, name: str, challenge: bytes, known: list[Passkey]) -> dict[str, Any]:
    """PublicKeyCredentialCreationOptionsJSON for the browser. The user handle is the person's id, the name is what the device shows."""
    options = webauthn.generate_registration_options(
        rp_id=party.id,
        rp_name=party.name,
        user_id=person.bytes,
        user_name=name,
        challenge=challenge,
        timeout=CEREMONY_MS,
        authenticator_selection=structs.AuthenticatorSelectionCriteria(
            resident_key=structs.ResidentKeyRequirement.PREFERRED, user_verification=structs.UserVerificationRequirement.REQUIRED
        ),
        exclude_credentials=_described(known),
        supported_pub_key_algs=list(ALGORITHMS),
    )
    return options_to_json_dict(options)


def assertion_options(party: RelyingParty, challenge: bytes, known: list[Passkey]) -> dict[str, Any]:
    """PublicKeyCredentialRequestOptionsJSON for the browser: only the person's own passkeys, and only with the person verified."""
    options = webauthn.generate_authentication_options(
        rp_id=party.id,
        challenge=challenge,
        timeout=CEREMONY_MS,
        allow_credentials=_described(known),
        user_verification=structs.UserVerificationRequirement.REQUIRED,
    )
    return options_to_json_dict(options)


def verify_registration(response: dict[str, Any], challenge: bytes, party: RelyingParty) -> NewPasskey | Refusal:
    """The new credential of a RegistrationResponseJSON; or why it is none. Nothing is concluded from an attestation."""
    try:
        client_data = webauthn.helpers.parse_registration_credential_json(response).response.client_data_json
        verified = webauthn.verify_registration_response(
            credential=response,
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=list(party.origins),
            require_user_verification=True,
            supported_pub_key_algs=list(ALGORITHMS),
        )
        key = decoded_public_key_to_cryptography(decode_credential_public_key(verified.credential_public_key))
        public_key = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except Exception as fault:  # what a stranger's browser sent goes through three parsers; whatever they raise, it is not usable
        return Refusal("the passkey could not be registered", {"because": _because(fault)})
    said = _client_data(client_data, "webauthn.create", challenge, party)
    if isinstance(said, Refusal):
        return said
    if (weak := _refuse_key(public_key)) is not None:
        return weak
    eligible = verified.credential_device_type == structs.CredentialDeviceType.MULTI_DEVICE
    return NewPasskey(verified.credential_id, verified.credential_public_key, public_key, verified.sign_count, eligible)


def verify_assertion(
    response: dict[str, Any], challenge: bytes, party: RelyingParty, passkey: Passkey
) -> tuple[Assertion, Confirmed] | Refusal:
    """An AuthenticationResponseJSON by this passkey: checked by the library, and again by `verify_confirmation`, as a stranger would.

    A sign count that does not rise refuses it (a copied credential), unless neither side has ever counted.
    """
    try:
        credential = webauthn.helpers.parse_authentication_credential_json(response)
        answer = credential.response
        assertion = Assertion(credential.raw_id, answer.authenticator_data, answer.client_data_json, answer.signature)
        if assertion.credential_id != passkey.credential_id:
            return Refusal("the answer is by another passkey")
        if answer.user_handle is not None and answer.user_handle != passkey.person.bytes:
            return Refusal("the passkey belongs to somebody else")
        webauthn.verify_authentication_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=list(party.origins),
            credential_public_key=passkey.cose_key,
            credential_current_sign_count=passkey.sign_count,
            require_user_verification=True,
        )
    except Exception as fault:  # as above: one of three parsers or a failed check; nothing of it may pass
        return Refusal("the passkey's answer was not accepted", {"because": _because(fault)})
    confirmed = verify_confirmation(assertion, challenge, party, passkey.public_key)
    if isinstance(confirmed, Refusal):
        return confirmed
    if confirmed.backup_eligible != passkey.backup_eligible:
        return Refusal("the passkey has become one that can be copied to other devices, or ceased to be; register it again")
    return assertion, confirmed


def verify_confirmation(assertion: Assertion, challenge: bytes, party: RelyingParty, public_key: bytes) -> Confirmed | Refusal:
    """Whether this assertion confirms this challenge, offline: WebAuthn Level 3, 7.2, steps 10 to 21.

    public_key: DER of the SubjectPublicKeyInfo. Without memory: neither the sign count nor the single use of a challenge is checked here.
    """
    said = _client_data(assertion.client_data, "webauthn.get", challenge, party)
    if isinstance(said, Refusal):
        return said
    data = assertion.authenticator_data
    if not _HEAD_BYTES <= len(data) <= _MAX_BYTES:
        return Refusal("the authenticator data has a wrong length", {"bytes": str(len(data))})
    party_hash, flags, count = struct.unpack_from(">32sBI", data)
    if party_hash != hashlib.sha256(party.id.encode()).digest():
        return Refusal("the passkey answered for another relying party", {"expected": party.id})
    if not flags & _PRESENT:
        return Refusal("nobody was present at the device")
    if not flags & _VERIFIED:
        return Refusal("the device did not verify the person (fingerprint, face or PIN)")
    if flags & _BACKED_UP and not flags & _ELIGIBLE:
        return Refusal("the authenticator data contradicts itself: backed up, but not eligible for it")
    if flags & _ATTESTED or (len(data) > _HEAD_BYTES) != bool(flags & _EXTENDED):
        return Refusal("the authenticator data holds what does not belong into an assertion")
    if not _signed(public_key, assertion.signature, data + hashlib.sha256(assertion.client_data).digest()):
        return Refusal("the passkey's signature does not fit")
    return Confirmed(said["origin"], count, bool(flags & _ELIGIBLE))


def _client_data(client_data: bytes, kind: str, challenge: bytes, party: RelyingParty) -> dict[str, Any] | Refusal:
    said = read_json(client_data, _MAX_BYTES, "client data")
    if isinstance(said, Refusal):
        return said
    if said.get("type") != kind:
        return Refusal("the passkey answered another kind of question", {"expected": kind})
    if said.get("challenge") != base64.urlsafe_b64encode(challenge).rstrip(b"=").decode():
        return Refusal("the passkey confirmed something else")
    if said.get("origin") not in party.origins:
        return Refusal("the passkey was used on another site", {"expected": ", ".join(party.origins)})
    if said.get("crossOrigin", False) is not False or "topOrigin" in said:
        return Refusal("the passkey was used inside a frame of another site")
    return said


def _signed(public_key: bytes, signature: bytes, data: bytes) -> bool:
    try:
        key = load_der_public_key(public_key)
        if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
            key.verify(signature, data, ec.ECDSA(SHA256()))
        elif isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(signature, data)
        elif isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, data, padding.PKCS1v15(), SHA256())
        else:
            return False
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True


def _refuse_key(public_key: bytes) -> Refusal | None:
    key = load_der_public_key(public_key)
    if isinstance(key, ed25519.Ed25519PublicKey):
        return refuse_weak(key.public_bytes_raw())
    if isinstance(key, rsa.RSAPublicKey) and key.key_size >= _LEAST_RSA_BITS:
        return None
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        return None
    return Refusal(
        "the passkey's public key is of a kind that is not accepted", {"accepted": Sentence("Ed25519, P-256, RSA of 2048 bits or more")}
    )


def _described(passkeys: list[Passkey]) -> list[structs.PublicKeyCredentialDescriptor]:
    return [structs.PublicKeyCredentialDescriptor(id=one.credential_id) for one in passkeys]


def _because(fault: Exception) -> str:
    return str(fault)[:200] or type(fault).__name__
