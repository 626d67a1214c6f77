"""Two partners, a policy, a campaign of a few runs, and the evidence of it: whole, and with anything in it made otherwise."""

from __future__ import annotations

import hashlib
import io
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from marque.alliance.passkeys import PublicPasskey, RelyingParty
from marque.alliance.proofs import Directory
from marque.alliance.signing import PersonKey
from marque.proof.campaign import seeds_digest
from marque.proof.evidence import archive, lines
from marque.proof.evidence.envelopes import signed
from marque.proof.evidence.policy import PROOF_POLICY, Policy, commitment
from marque.proof.evidence.seal import summarise
from marque.proof.evidence.statements import IN_TOTO, Input, Provenance, Release, Summary, TestResult, Verdict, release_digest

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
PARTY = RelyingParty("marque.example", "Marque", ("https://marque.example",))
LI, WANG, CHEN, MALLORY = (Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32) for seed in (1, 2, 3, 4))
SALT = bytes(range(32))
CELLS = ("motorway/day", "motorway/night", "城市/雨")


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def key_of(private: Ed25519PrivateKey, organisation: str, person: int, **spans: datetime) -> PersonKey:
    public = private.public_key().public_bytes_raw()
    return PersonKey(organisation, UUID(int=person), public, **{"valid_from": NOW - 300 * DAY, "valid_until": NOW + 300 * DAY, **spans})


def directory(*keys: PersonKey) -> bytes:
    passkeys = [PublicPasskey(one.organisation, one.person, one.public_key[:16], one.public_key, one.valid_from, None) for one in keys]
    return Directory(PARTY, keys, tuple(passkeys)).dumps()


def run_line(case: int, outcome: str = "passed", cell: str = CELLS[0], **other: object) -> bytes:
    chance = random.Random(case)
    said = {
        "case": case, "scenario": "alks/cut-in", "parameters": {"dx0_m": str(chance.randint(1, 99) / 2), "ve0_kmh": "60"},
        "seed": chance.getrandbits(50), "suite": "alks", "cell": cell, "weight": 0.25, "outcome": outcome, "collision": outcome == "failed",
        "preventable": {"cc": True, "fsm": False}, "why": "" if outcome == "passed" else "hit the \"cutting\" car\n",
        "measures": {"ttc_min_s": chance.random() * 9, "gap_min_m": chance.randint(0, 20)}, "trace": sha(str(case)),
    }  # fmt: skip
    return rfc8785.dumps(said | other) + b"\n"


def outcome_of(case: int) -> str:
    return {3: "failed", 7: "lost", 11: "outside", 13: "aborted", 17: "overdue"}.get(case, "passed")


RUNS = b"".join(run_line(case, outcome_of(case), CELLS[case % 3]) for case in range(23))
INPUTS = tuple(
    Input(name, seeds_digest(1, perfect=False) if name == "seeds" else sha(name))
    for name in ("code/driving", "code/vehicle", "lock", "map/town", "model/vela", "seeds", "simulator", "suite/alks")
)


def _unchanged(one):
    return one


@dataclass
class World:
    """What evidence is made of. Every field may be set otherwise before `parts` and `sealed` are asked."""

    policy: Policy = field(
        default_factory=lambda: Policy(
            ("gac", "huawei"), NOW - 10 * DAY, NOW + 90 * DAY, {"alks": sha("suite/alks")}, {"autumn": commitment(sha("hidden"), SALT)},
            {"confidence": 0.95, "limits": {"motorway/day": 1e-7}},
        )
    )  # fmt: skip
    policy_keys: tuple[Ed25519PrivateKey, ...] = (LI, WANG)
    run_keys: tuple[Ed25519PrivateKey, ...] = (WANG,)
    summary_keys: tuple[Ed25519PrivateKey, ...] = (LI, WANG)
    version: str = "1.2.0"
    inputs: tuple[Input, ...] = INPUTS
    salt: str = SALT.hex()
    runner: str = "huawei"
    started: datetime = NOW - 5 * DAY
    finished: datetime = NOW - 5 * DAY + HOUR
    verified: datetime = NOW - 2 * DAY
    expires: datetime = NOW + 30 * DAY
    sequence: int = 7
    runs: bytes = RUNS
    verdicts: tuple[Verdict, ...] = (
        Verdict("vela", CELLS[0], "FAILED", ("three of eight runs failed",)), Verdict("vela", CELLS[1], "PASSED"),
        Verdict("vela", CELLS[2], "PASSED"), Verdict("vela", "tunnel", "OUTSIDE ODD", ("no tunnel in this release",)),
    )  # fmt: skip
    directories: Mapping[str, bytes] = field(
        default_factory=lambda: {"gac": directory(key_of(LI, "gac", 1)), "huawei": directory(key_of(WANG, "huawei", 2))}
    )
    change_provenance: Callable[[Provenance], Provenance] = _unchanged
    change_result: Callable[[TestResult], TestResult] = _unchanged
    change_summary: Callable[[Summary], Summary] = _unchanged

    def parts(self) -> dict[str, bytes]:
        """All files of the evidence, by name, honestly made of what this world says."""
        hidden = [Input("suite/autumn", sha("hidden"), self.salt)] if self.policy.hidden else []
        inputs = tuple(sorted([*self.inputs, *hidden, Input("policy", self.policy.digest)], key=lambda one: one.name))
        release = Release("pilot", self.version, release_digest("pilot", self.version, inputs))
        found = lines.scan(self.runs, 0, len(self.runs))
        provenance = Provenance(release, "vela", inputs, self.runner, "0.5.0", "campaign-1", self.started, self.finished, found.runs)
        provenance = self.change_provenance(provenance)
        result = self.change_result(TestResult(release, self.policy.digest, found.runs, found.counts))
        files = {
            archive.POLICY: signed(self.policy.dumps(), PROOF_POLICY, *self.policy_keys),
            archive.PROVENANCE: signed(provenance.dumps(), IN_TOTO, *self.run_keys),
            archive.TEST_RESULT: signed(result.dumps(), IN_TOTO, *self.run_keys),
        }
        summary = summarise(
            files, replace(result, release=provenance.release), self.directories, self.verdicts, sequence=self.sequence,
            verified=self.verified, expires=self.expires,
        )  # fmt: skip
        files[archive.SUMMARY] = signed(self.change_summary(summary).dumps(), IN_TOTO, *self.summary_keys)
        files |= {archive.keys_file(organisation): text for organisation, text in self.directories.items()}
        return files | {archive.LEAVES: found.leaves, archive.RUNS: self.runs}

    @property
    def release(self) -> str:
        return release_digest("pilot", self.version, self.inputs)


def packed(files: Mapping[str, bytes]) -> bytes:
    """The archive of these files."""
    out = io.BytesIO()
    runs = files[archive.RUNS]
    archive.write(out, {name: text for name, text in files.items() if name != archive.RUNS}, lambda: iter([runs]), len(runs))
    return out.getvalue()


def written(path: Path, world: World | None = None, **files: bytes) -> Path:
    path.write_bytes(packed((world or World()).parts() | files))
    return path
