"""Two invented organisations with three keys each, and the server's online keys: always the same ones."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from marque.car.tuf.model import Target
from marque.release.repository.keys import FileSigner
from marque.release.repository.roles import Model, Party, delegations

NOW = datetime(2026, 11, 29, 14, tzinfo=UTC)
LATER = NOW + timedelta(days=365)


def private(name):
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest())


def signer(name, organisation=""):
    return FileSigner(private(name), organisation)


PEOPLE = {code: [signer(f"{code}-{number}", code) for number in range(3)] for code in ("gac", "huawei")}
PARTIES = [Party(code, tuple(one.key for one in signers)) for code, signers in PEOPLE.items()]
SNAPSHOT, TIMESTAMP, TIME, DIRECTOR = (signer(name) for name in ("snapshot", "timestamp", "time", "director"))
ONLINE = {"snapshot": SNAPSHOT.key, "timestamp": TIMESTAMP.key}
MODELS = [Model("vela", ("vela-pilot", "vela-gateway"))]
DELEGATIONS = delegations(MODELS, PARTIES)
BOTH = [*PEOPLE["gac"][:2], *PEOPLE["huawei"][:2]]


def target(path, content=b"image", **claims):
    said = {"release": "vela-pilot", "counter": 1, "hardware": ["vela-pilot"]} | claims
    return Target(path, len(content), {"sha256": hashlib.sha256(content).hexdigest()}, {"marque": said})
