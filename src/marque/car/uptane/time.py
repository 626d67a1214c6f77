"""The present, as far as a car can know it: attested by the server for this question, counted on from there, and never backwards.

An attestation is canonical JSON, `{"signed": {"_type": "marque-time", "nonces": […], "time": …, "expires": …}, "signatures": [{"keyid",
"sig"}]}`, signed as the role `x-marque-time` of the director's root asks. A nonce is good for one answer that comes soon, so an old or
delayed attestation holds a car's clock back by `ANSWER_WITHIN_S` at most. Between attestations a monotonic clock counts.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from marque.car.attacks import Attack, UpdateRefused
from marque.car.tuf import canonical, files, quorum
from marque.car.tuf.keys import material
from marque.car.tuf.model import Metadata, Role, Root, Signature
from marque.car.uptane.fields import Fields
from marque.common import InputError

ATTESTATION_AT_MOST = 64 * 1024
NONCES_AT_MOST = 1024
ANSWER_WITHIN_S = 300.0
"""From the question to its answer, seconds."""
DRIFT_S = 300.0
"""How far the counted time may have run ahead of the attested: half a year of a clock that is 20 millionths wrong."""
_TYPE, _FILE = "marque-time", "time.json"


@dataclass(frozen=True)
class _Attested:
    """What was signed, in the shape in which quorum takes it."""

    nonces: tuple[str, ...]
    at: datetime
    expires: datetime


def attestation(nonces: Iterable[str], at: datetime, expires: datetime, signers: Sequence[tuple[str, Callable[[bytes], bytes]]]) -> bytes:
    """The server's side. signers: key id and signature of each key of the time role that signs."""
    said: dict[str, Any] = {"_type": _TYPE, "nonces": sorted(set(nonces)), "time": _text(at), "expires": _text(expires)}
    payload = canonical.encode(said)
    return canonical.encode({"signed": said, "signatures": [{"keyid": key, "sig": sign(payload).hex()} for key, sign in signers]})


class SecureTime:
    """A car's clock. folder: where `time.json` keeps the latest known instant over restarts. monotonic: seconds from any start."""

    def __init__(self, folder: Path, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._path, self._monotonic = folder / _FILE, monotonic
        self._base, self._keys = self._read()
        self._mark = monotonic()
        self._asked: dict[str, float] = {}

    def begin(self, at: datetime) -> None:
        """At the factory or the workshop: the present, from a source that is trusted there."""
        self._set(at, "")

    def now(self) -> datetime:
        """The present or a little before it. InputError before `begin`."""
        if self._base is None:
            raise InputError(_FILE, "", "does not say when this car was provisioned", "Provision the car.")
        return self._base + timedelta(seconds=max(0.0, self._monotonic() - self._mark))

    def nonce(self) -> str:
        """A question to send: 32 hexadecimal digits, good for one answer."""
        nonce = secrets.token_hex(16)
        self._asked[nonce] = self._monotonic()
        return nonce

    def learn(self, raw: bytes, root: Root) -> datetime:
        """The present from an attestation that answers a nonce of ours. root: the director's, as trusted.

        UpdateRefused: ARBITRARY_SOFTWARE, DOUBLED_KEY, ONE_PARTNER (signatures), WRONG_TIME (no answer to our question, a late one, or
        backwards), FREEZE (expired when it was made), MALFORMED. After the time role's keys were changed the kept instant counts no longer:
        it may be a thief's.
        """
        if root.time is None:
            raise UpdateRefused(Attack.WRONG_ROLE, "director", _FILE, "is signed by a role that root does not name")
        attested = self._attested(raw, root, root.time)
        elapsed = [self._monotonic() - self._asked.pop(nonce) for nonce in attested.nonces if nonce in self._asked]
        if not elapsed:
            raise UpdateRefused(Attack.WRONG_TIME, "director", _FILE, "answers no question of this car")
        if min(elapsed) > ANSWER_WITHIN_S:
            raise UpdateRefused(Attack.WRONG_TIME, "director", _FILE, f"came {min(elapsed):.0f} s after it was asked for")
        if attested.expires <= attested.at:
            raise UpdateRefused(Attack.FREEZE, "director", _FILE, "had expired when it was made")
        keys = _fingerprint(root.time, root)
        known = self.now() if self._base is not None and self._keys in ("", keys) else attested.at
        if attested.at + timedelta(seconds=DRIFT_S) < known:
            raise UpdateRefused(Attack.WRONG_TIME, "director", _FILE, f"says {_text(attested.at)}, and it was {_text(known)} already")
        self._set(max(attested.at, known), keys)
        return self.now()

    def keep(self) -> None:
        """Writes the present down, so that a restart does not lose what was counted."""
        self._set(self.now(), self._keys)

    def _set(self, at: datetime, keys: str) -> None:
        files.replace(self._path, json.dumps({"at": at.astimezone(UTC).isoformat(), "keys": keys}).encode())
        self._base, self._keys, self._mark = at.astimezone(UTC), keys, self._monotonic()

    def _read(self) -> tuple[datetime | None, str]:
        if not self._path.exists():
            return None, ""
        try:
            said = json.loads(self._path.read_bytes())
            at = datetime.fromisoformat(said["at"])
            return at.astimezone(UTC), str(said["keys"])
        except (ValueError, KeyError, TypeError) as fault:
            raise InputError(_FILE, "", "cannot be read", "Provision the car again.") from fault

    def _attested(self, raw: bytes, root: Root, role: Role) -> _Attested:
        whole = Fields(canonical.decode(raw, ATTESTATION_AT_MOST, _FILE, "director"), _FILE, "", "director")
        said = whole.inner("signed")
        if said.text("_type") != _TYPE:
            raise UpdateRefused(Attack.WRONG_ROLE, "director", _FILE, f"is not {_TYPE}")
        attested = _Attested(said.texts("nonces"), said.instant("time"), said.instant("expires"))
        said.end()
        signatures = tuple(_signature(each) for each in whole.objects("signatures"))
        whole.end()
        if len(attested.nonces) > NONCES_AT_MOST:
            said.refuse("nonces", f"are more than {NONCES_AT_MOST}")
        signed: Metadata[Any] = Metadata(attested, canonical.encode(dict(said.found)), signatures, raw)
        quorum.require(signed, role, root.keys, root.parties, repository="director", file=_FILE)
        return attested


def _signature(said: Fields) -> Signature:
    key, value = said.text("keyid"), said.text("sig")
    said.end()
    try:
        return Signature(key, bytes.fromhex(value))
    except ValueError:
        said.refuse("sig", "is not hexadecimal")


def _fingerprint(role: Role, root: Root) -> str:
    """Of the time role's public keys, whatever their ids."""
    known = sorted(material(root.keys[key]) for key in role.keys if key in root.keys)
    return sha256(b"".join(sha256(key).digest() for key in known)).hexdigest()


def _text(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
