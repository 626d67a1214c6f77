"""A public key on its way to a ceremony, as its holder hands it over: proven to be in their hands by a signature with it.

Of a person's key file this is the enrolment request that `marque keys new` writes; a key on a token, or one of the server's, says the same
in a form that holds any kind of key.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import rfc8785

from marque.alliance import signing
from marque.car.tuf import keys as car_keys
from marque.car.tuf.canonical import encode
from marque.car.tuf.model import Key
from marque.common import InputError, Refusal, Refused
from marque.release.repository.keys import ECDSA_P256, ED25519, Signer, key_of
from marque.release.repository.writing import key_json

KIND = "https://marque.example/release-key/v1"
MAX_BYTES = 1 << 16


def dumps(signer: Signer) -> bytes:
    """What the holder of the key hands over."""
    said: dict[str, Any] = {"kind": KIND, "key": key_json(signer.key)}
    return rfc8785.dumps(said | {"signature": signer.sign(encode(said)).hex()})


def enrolment(signer: Signer, person: UUID) -> bytes:
    """What `marque keys new` writes, of a key on a token: the console enrols it as theirs. Raises Refused for a key not of Ed25519."""
    if signer.key.kind != ED25519:
        raise Refused(Refusal("the console takes Ed25519 keys; a key of another kind signs in a ceremony", {"kind": signer.key.kind}))
    said = {
        "kind": signing.ENROLMENT_KIND,
        "organisation": signer.key.organisation,
        "person": str(person),
        "publicKey": signer.key.public,
    }
    text = rfc8785.dumps(said)
    made = signing.Signature(signer.key.id, signer.sign(signing.pae(signing.KEY_ENROLMENT, text)))
    return signing.Envelope(signing.KEY_ENROLMENT, text, (made,)).dumps()


def read(raw: bytes, file: str) -> Key:
    """The key, with its organisation where one is said, if the file is signed with it. file: its name, for messages. Raises InputError."""
    said = signing.read_json(raw, MAX_BYTES, "request")
    if isinstance(said, Refusal):
        raise InputError(file, "", said.reason)
    if said.get("kind") == KIND:
        return _own(said, file)
    enrolment = signing.read_enrolment(raw)
    if isinstance(enrolment, Refusal):
        remedy = "Hand in what `marque keys new` or `marque release key` wrote."
        raise InputError(file, "", f"it is no request of a key: {enrolment.reason}", remedy)
    return key_of(enrolment.public_key, enrolment.organisation)


def _own(said: dict[str, Any], file: str) -> Key:
    listed = said.get("key")
    key = _key(listed) if isinstance(listed, dict) else None
    signature = said.get("signature")
    if key is None or said.keys() != {"kind", "key", "signature"} or not isinstance(signature, str):
        raise InputError(file, "key", "it does not describe a key on P-256 or of Ed25519 as `marque release key` writes it")
    try:
        value = bytes.fromhex(signature)
    except ValueError:
        value = b""
    if not car_keys.verifies(key, value, encode({"kind": KIND, "key": key_json(key)})):
        raise InputError(file, "signature", "it is not signed with the key that it names", "Have it written again by the key's holder.")
    return key


def _key(listed: dict[str, Any]) -> Key | None:
    public, organisation = listed.get("keyval"), listed.get("x-marque-organisation", "")
    if not isinstance(public, dict) or not isinstance(public.get("public"), str) or not isinstance(organisation, str):
        return None
    text = public["public"]
    try:
        if listed.get("scheme") == ED25519:
            key = key_of(bytes.fromhex(text), organisation)
        elif listed.get("scheme") == ECDSA_P256:
            key = key_of(text, organisation)
        else:
            return None
    except ValueError:
        return None
    return key if key_json(key) == listed else None
