"""What both partners demand of a release before it is run: the part of it that evidence hangs on.

The gate's own terms (reference driver, limits per cell, confidence, baseline) are its `rules`, which stand in the signed text as they are
and are not looked into here. A hidden suite is known to the policy by a commitment alone; who drives it learns it when the run begins, and
the evidence opens the commitment, so that everybody sees that nobody chose it afterwards.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from marque.alliance.proofs import read_stamp, stamp
from marque.proof.evidence import reading

POLICY_KIND = "https://marque.example/proof-policy/v1"
PROOF_POLICY = "application/vnd.marque.proof-policy+json"
"""The payload type of its envelope."""
_COMMITMENT = b"marque.example/hidden-suite/v1\n"
_SALT_BYTES = 32


@dataclass(frozen=True)
class Policy:
    """parties: whose people have to sign it, and the verdict. It counts in [issued, expires).

    suites: by name, the SHA-256 of each suite. hidden: by name, the commitment to one that is not to be known yet (`commitment`).
    rules: what the gate judges by, as JSON values.
    """

    parties: tuple[str, ...]
    issued: datetime
    expires: datetime
    suites: Mapping[str, str]
    hidden: Mapping[str, str]
    rules: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.parties) < 2 or list(self.parties) != sorted(set(self.parties)):
            raise ValueError("a policy has two parties at least, in order, each once")
        if not self.issued < self.expires:
            raise ValueError("a policy expires after it is issued")
        if not self.suites and not self.hidden:
            raise ValueError("a policy names a suite")
        if self.suites.keys() & self.hidden.keys():
            raise ValueError("a suite is either named or hidden")

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.dumps()).hexdigest()

    def dumps(self) -> bytes:
        """Its one text, in canonical JSON."""
        return reading.canonical(
            {
                "kind": POLICY_KIND, "parties": list(self.parties), "issued": stamp(self.issued), "expires": stamp(self.expires),
                "suites": dict(self.suites), "hidden": dict(self.hidden), "rules": dict(self.rules),
            }
        )  # fmt: skip


def read_policy(text: bytes) -> Policy:
    """Raises ValueError unless the text is exactly what `Policy.dumps` writes."""
    said = reading.only(reading.canonical_object(text, "policy"), "kind", "parties", "issued", "expires", "suites", "hidden", "rules")
    reading.constant(said["kind"], POLICY_KIND)
    return Policy(
        parties=tuple(reading.organisation(one) for one in reading.items(said["parties"])),
        issued=read_stamp(said["issued"]),
        expires=read_stamp(said["expires"]),
        suites=reading.digests(said["suites"]),
        hidden=reading.digests(said["hidden"]),
        rules=reading.mapping(said["rules"]),
    )


def commitment(suite: str, salt: bytes) -> str:
    """SHA-256( `marque.example/hidden-suite/v1` ‖ 0x0A ‖ salt ‖ the suite's SHA-256 ), in hexadecimal. salt: 32 random bytes, used once."""
    if len(salt) != _SALT_BYTES:
        raise ValueError(f"a salt has {_SALT_BYTES} bytes")
    return hashlib.sha256(_COMMITMENT + salt + bytes.fromhex(suite)).hexdigest()


def opens(committed: str, suite: str, salt: str) -> bool:
    """Whether suite and salt, in hexadecimal, are what was committed to."""
    return len(salt) == 2 * _SALT_BYTES and commitment(suite, bytes.fromhex(salt)) == committed
