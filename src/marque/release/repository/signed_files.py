"""What a person hands in: a draft of metadata, signed on their own machine, twice by the same key.

`signature` is over the draft's bytes themselves, as metadata carries it; `envelope` is a DSSE envelope of the same bytes, as the console
has it confirmed with a passkey. Neither can pass for the other: the one begins with `{`, what the other signs with `DSSEv1`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import rfc8785

from marque.alliance import signing
from marque.car.tuf.model import Signature
from marque.common import Refusal, Refused
from marque.release.repository.keys import ED25519, Signer

RELEASE_METADATA = "application/vnd.marque.release-metadata+json"
_MAX_BYTES = 2 * signing.MAX_ENVELOPE_BYTES


@dataclass(frozen=True)
class SignedFile:
    """envelope: its bytes, for `alliance.keys.begin_confirmation`. signature: for the metadata file. Nothing is verified yet."""

    envelope: bytes
    signature: Signature


def dumps(draft: bytes, signer: Signer) -> bytes:
    """The file to hand in. Raises Refused for a key that the console cannot enrol: it takes Ed25519."""
    if signer.key.kind != ED25519:
        raise Refused(Refusal("the console takes Ed25519 keys; a key of another kind signs in a ceremony", {"kind": signer.key.kind}))
    made = signing.Signature(signer.key.id, signer.sign(signing.pae(RELEASE_METADATA, draft)))
    envelope = signing.Envelope(RELEASE_METADATA, draft, (made,)).dumps()
    return rfc8785.dumps({"envelope": json.loads(envelope), "signature": signer.sign(draft).hex()})


def read(raw: bytes) -> SignedFile | Refusal:
    """Strictly; or why it is no such file. Whether the envelope and the signature are good is asked of the key, by whoever calls."""
    said = signing.read_json(raw, _MAX_BYTES, "signed file")
    if isinstance(said, Refusal):
        return said
    if said.keys() != {"envelope", "signature"}:
        return Refusal("a draft signed with `marque release sign` has the fields envelope and signature, and no others")
    envelope: Any = said["envelope"]
    value = _hex(said["signature"])
    if not isinstance(envelope, dict) or value is None:
        return Refusal("a signed file holds an envelope, and a signature in hexadecimal digits")
    try:
        text = rfc8785.dumps(envelope)
    except rfc8785.CanonicalizationError:
        return Refusal("a signed file holds an envelope, and a signature in hexadecimal digits")
    checked = signing.read_envelope(text)
    if isinstance(checked, Refusal):
        return checked
    if checked.payload_type != RELEASE_METADATA or len(checked.signatures) != 1 or not checked.signatures[0].key:
        return Refusal("the envelope holds one signature, which names its key, on metadata of a release", {"expected": RELEASE_METADATA})
    return SignedFile(text, Signature(checked.signatures[0].key, value))


def _hex(text: Any) -> bytes | None:
    try:
        value = bytes.fromhex(text) if isinstance(text, str) else b""
    except ValueError:
        return None
    return value or None
