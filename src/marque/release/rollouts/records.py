"""The record of one update of one car, as UN R156, 7.1.2 asks for: what ran before and after, why it was allowed, and how it ended.

A record is canonical JSON (RFC 8785) in a DSSE envelope, signed by the server's key for records. It carries the car's own signed manifest
whole, so that whoever holds the record and the server's public key needs nothing else: `verify` works offline, in any year.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import rfc8785

from marque.alliance import signing
from marque.alliance.access import Action, Record, allowed
from marque.alliance.codevelopment import record as into_audit_log
from marque.car.attacks import UpdateRefused
from marque.car.tuf import keys as tuf_keys
from marque.car.tuf.model import Key
from marque.car.uptane import reports
from marque.common import InputError, Missing, Refusal
from marque.foundation import Transaction
from marque.release.model import Release
from marque.release.repository.keys import Signer
from marque.release.rollouts import record_rows
from marque.release.rollouts.record_rows import Ended, Kept
from marque.release.rollouts.store import area_of
from marque.release.store import releases as release_rows

KIND = "https://marque.example/update-record/v1"
UPDATE_RECORD = "application/vnd.marque.update-record+json"
"""The payload type of the envelope."""
PORTION, MOST = 500, 1_000
_OUTCOMES = {"done": "installed", "failed": "failed", "declined": "declined"}


@dataclass(frozen=True)
class Checked:
    """What a record says, and everything that is wrong with it; none: it holds. key: the id of the key that signed it."""

    said: Mapping[str, Any]
    key: str
    findings: tuple[str, ...] = field(default=())

    @property
    def ok(self) -> bool:
        return not self.findings


def make(tx: Transaction, signer: Signer, most: int = PORTION) -> int:
    """Sign the records of updates that have ended, as the organisation whose cars they are; returns how many."""
    found = record_rows.ended(tx, most)
    if not found:
        return 0
    told = _context(tx, found)
    kept = []
    for one in found:
        payload = rfc8785.dumps(told.of(one))
        kept.append((one, hashlib.sha256(payload).hexdigest(), seal(payload, signer)))
    record_rows.keep(tx, kept)
    for programme in sorted({(one.lead, one.programme) for one in found}):
        digests = sorted(digest for one, digest, _ in kept if (one.lead, one.programme) == programme)
        body = {"records": len(digests), "digest": hashlib.sha256("".join(digests).encode()).hexdigest()}
        into_audit_log(tx, area_of(*programme), "release-update-records", body, seeing=True)
    return len(found)


def seal(payload: bytes, signer: Signer) -> bytes:
    """An envelope of exactly these bytes with one signature."""
    signature = signing.Signature(signer.key.id, signer.sign(signing.pae(UPDATE_RECORD, payload)))
    return signing.Envelope(UPDATE_RECORD, payload, (signature,)).dumps()


def of_car(tx: Transaction, lead: str, programme: UUID, vehicle: str) -> list[Kept]:
    """The records of a car, the last first. Raises Missing."""
    return _seen(tx, lead, programme, record_rows.of_car(tx, lead, programme, vehicle))


def of_rollout(tx: Transaction, lead: str, programme: UUID, rollout: UUID, after: str = "", limit: int = MOST) -> list[Kept]:
    """Records of a roll-out, by vehicle; after: the last vehicle of the page before. Raises Missing."""
    return _seen(tx, lead, programme, record_rows.of_rollout(tx, rollout, after, max(1, min(limit, MOST))))


def verify(raw: bytes, keys: Collection[Key]) -> Checked:
    """Whether a record is signed by one of these keys, and holds together: the car's manifest is the one it names, signed by the control
    units it names, and says of the software what the record says.

    Raises InputError for bytes that are no record at all.
    """
    envelope = signing.read_envelope(raw)
    if isinstance(envelope, Refusal):
        raise InputError("record", "", envelope.reason, "Give the envelope as `marque release record` wrote it.")
    said = signing.read_json(envelope.payload, signing.MAX_ENVELOPE_BYTES, "record")
    if isinstance(said, Refusal) or envelope.payload_type != UPDATE_RECORD or said.get("kind") != KIND:
        raise InputError("record", "", "it is no record of an update", "Give the envelope as `marque release record` wrote it.")
    findings: list[str] = []
    signed = {one.id for one in keys for each in envelope.signatures if _by(one, each.value, envelope.pae)}
    if not signed or len(envelope.signatures) != 1:
        findings.append("it is not signed by a key that is trusted for records")
    try:
        findings += [] if rfc8785.dumps(said) == envelope.payload else ["its text is not canonical"]
        findings += _manifest_findings(said)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
        findings.append("it does not have the fields of a record")
    return Checked(said, min(signed, default=""), tuple(findings))


@dataclass(frozen=True)
class _Told:
    """What is known around a portion of updates."""

    releases: Mapping[UUID, Release]
    signatures: Mapping[UUID, Sequence[record_rows.Signed]]
    approvals: Mapping[UUID, Sequence[record_rows.Approval]]
    filings: Sequence[record_rows.Entry]
    approved: Mapping[tuple[str, int], Mapping[str, str]]

    def of(self, one: Ended) -> dict[str, Any]:
        """The record of one update, as JSON says it."""
        release = self.releases[one.release]
        filing = [each for each in self.filings if (each.release, each.market) == (one.release, one.market) and each.at <= one.created_at]
        units = _after(one)
        return {
            "kind": KIND,
            "vehicle": one.vehicle,
            "programme": {"lead": one.lead, "id": str(one.programme)},
            "release": {
                "id": str(release.id), "name": release.name, "version": release.version, "counter": release.counter,
                "model": release.model, "digest": release.digest,
            },
            "evidence": release.evidence.sha256 if release.evidence else "",
            "outcome": {"ended": _OUTCOMES[one.became], "told": one.told, "problem": one.problem, "attack": one.attack},
            "rxswin": {"before": self._rxswin(one.before or []), "after": self._rxswin(units)},
            "software": {"before": one.before or [], "after": units},
            "signatures": [
                {"organisation": each.organisation, "key": each.key, "role": each.role, "at": _instant(each.at)}
                for each in self.signatures.get(one.release, ())
            ],
            "rollout": {"id": str(one.rollout), "name": one.rollout_name, "group": one.group_name, "attempts": one.attempt},
            "approvals": [
                {"decision": each.subject, "organisation": each.organisation, "person": str(each.person), "at": _instant(each.at)}
                for each in self.approvals.get(one.rollout, ()) if each.at <= one.created_at
            ],
            "filing": {
                "market": one.market,
                **({"state": filing[-1].state, "reference": filing[-1].reference, "at": _instant(filing[-1].at)} if filing else {}),
            },
            "consent": {"needed": one.consent, "at": _instant(one.consented)},
            "instants": {
                "first-offered": _instant(one.first_at), "offered": _instant(one.offered_at), "told": _instant(one.at),
                "received": _instant(one.created_at),
            },
            "manifest": {
                "counter": one.counter, "sha256": one.manifest, "raw": base64.standard_b64encode(one.raw or b"").decode(),
                "keys": {each["ecu"]: each["key"] for each in one.units},
                "primary": next((each["ecu"] for each in one.units if each["primary"]), ""),
            },
        }  # fmt: skip

    def _rxswin(self, units: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
        """By regulation, of everything that the control units run."""
        found: dict[str, set[str]] = {}
        for unit in units:
            for regulation, identification in self.approved.get((unit["release"], unit["counter"]), {}).items():
                found.setdefault(regulation, set()).add(identification)
        return {regulation: sorted(each) for regulation, each in sorted(found.items())}


def _context(tx: Transaction, found: Sequence[Ended]) -> _Told:
    releases = {one.release for one in found}
    names = {unit["release"] for one in found for unit in (*(one.before or []), *one.units) if unit["release"]}
    signed: dict[UUID, list[record_rows.Signed]] = {}
    for signature in record_rows.signatures(tx, releases):
        signed.setdefault(signature.release, []).append(signature)
    approved: dict[UUID, list[record_rows.Approval]] = {}
    for approval in record_rows.approvals(tx, {one.rollout for one in found}):
        approved.setdefault(approval.rollout, []).append(approval)
    software = {
        (one.name, one.counter): one.rxswin
        for lead, programme in {(one.lead, one.programme) for one in found}
        for one in record_rows.approved_software(tx, lead, programme, names)
    }
    known = {one.id: one for one in release_rows.by_ids(tx, releases)}
    return _Told(known, signed, approved, record_rows.filings(tx, releases), software)


def _after(one: Ended) -> list[dict[str, Any]]:
    """What each control unit ran when the car said so: by its manifest, and as last known of those that the manifest is silent about."""
    said = json.loads(one.raw)["signed"]["reports"] if one.raw else {}
    units = []
    for unit in one.units:
        installed = said.get(unit["ecu"], {}).get("signed", {}).get("installed", {})
        known = {name: unit[name] for name in ("ecu", "hardware", "release", "version", "counter", "sha256")}
        units.append(known | {name: installed[name] for name in ("release", "version", "counter", "sha256") if name in installed})
    return units


def _manifest_findings(said: Mapping[str, Any]) -> list[str]:
    """What contradicts the car's own word."""
    told, raw = said["manifest"], base64.b64decode(said["manifest"]["raw"], validate=True)
    if not raw:
        return [] if not told["sha256"] else ["the car's manifest is missing"]
    if hashlib.sha256(raw).hexdigest() != told["sha256"]:
        return ["the car's manifest is not the one that it names"]
    try:
        nonce = json.loads(raw)["signed"]["nonce"]
        manifest = reports.check(raw, told["keys"], nonce, told["counter"] - 1, vehicle=said["vehicle"], primary=told["primary"])
    except UpdateRefused as refused:
        return [f"the car's manifest does not hold: {refused.problem}"]
    if manifest.counter != told["counter"]:
        return ["the car's manifest is not of the counter that it names"]
    runs = {one["ecu"]: (one["release"], one["counter"], one["sha256"]) for one in said["software"]["after"]}
    for serial, report in manifest.reports.items():
        installed = report.installed
        if installed is not None and runs.get(serial) != (installed.release, installed.counter, installed.sha256):
            return [f"the car's manifest says other software of {serial}"]
    return []


def _by(key: Key, value: bytes, signed: bytes) -> bool:
    return tuf_keys.verifies(key, value, signed)


def _instant(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _seen(tx: Transaction, lead: str, programme: UUID, found: Sequence[Kept]) -> list[Kept]:
    asked = [Record(area_of(lead, programme), one.organisation, one.created_at) for one in found]
    seen = [one for one, may in zip(found, allowed(tx, Action.VIEW, asked), strict=True) if may]
    if not seen:
        raise Missing("record of an update")
    return seen
