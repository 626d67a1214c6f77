"""Keys of two persons and of a stranger, a text, and what verifying it says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from marque.alliance.signing import PersonKey, verify

NOW = datetime(2025, 6, 1, 12, tzinfo=UTC)
LI, WANG = UUID(int=1), UUID(int=2)
GAC, HUAWEI, STRANGER = (Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32) for seed in (1, 2, 3))
DOCUMENT = rfc8785.dumps({"kind": "https://marque.example/agreement-revision/v1", "title": "埃安 AH8", "number": 1})


def key_of(private, organisation="gac", person=LI, **spans):
    spans = {"valid_from": NOW - timedelta(days=1), "valid_until": NOW + timedelta(days=1)} | spans
    return PersonKey(organisation, person, private.public_key().public_bytes_raw(), **spans)


KEYS = [key_of(GAC), key_of(HUAWEI, "huawei", WANG)]


def verified(envelope, keys=KEYS, document=DOCUMENT, at=NOW, **more):
    return verify(envelope, keys, document=document, at=at, **more)
