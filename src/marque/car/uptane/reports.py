"""What a vehicle says of itself: a version report of each ECU, and the vehicle's manifest around them, signed by the ECUs' own keys.

Both are canonical JSON signed with Ed25519. They answer a nonce of the server, so none can be replayed, and the manifest carries a counter
that only grows. `check` is the server's side.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from marque.car.attacks import Attack, UpdateRefused
from marque.car.tuf import canonical
from marque.car.tuf.keys import verifies
from marque.car.tuf.model import Key
from marque.car.uptane.fields import Fields
from marque.car.uptane.vehicle import Installed, installed_json, installed_of

Sign = Callable[[bytes], bytes]
"""An ECU's key at work: the Ed25519 signature of these bytes. The key itself may stay in its security module."""

MANIFEST_AT_MOST = 512 * 1024
_REPORT, _MANIFEST = "marque-ecu-report", "marque-vehicle-manifest"
_FIELD_COUNTS = ("metres", "disengagements", "minimal_risk_manoeuvres")


class State(StrEnum):
    """How far an update came in the vehicle."""

    REFUSED = "refused"
    WAITING = "waiting"
    """Downloaded and verified; consent or a safe state is missing."""
    TRYING = "trying"
    """Switched to the new slots; not confirmed yet."""
    INSTALLED = "installed"
    ROLLED_BACK = "rolled back"
    FAILED = "failed"
    """Neither refused nor begun: disk full, cut connection."""
    CURRENT = "current"
    """There was nothing new."""


@dataclass(frozen=True)
class Met:
    """A refusal as reports carry it."""

    attack: Attack
    repository: str
    file: str
    problem: str

    @classmethod
    def of(cls, refused: UpdateRefused) -> Met:
        return cls(refused.attack, refused.repository, refused.file, refused.problem)


@dataclass(frozen=True)
class Report:
    """Of one ECU. installed None: it has nothing. met: the attack that its own verification met."""

    ecu: str
    hardware: str
    installed: Installed | None
    met: Met | None = None


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """Of a vehicle. counter: grows with each manifest; at: by the vehicle's secure time. director_version: of the metadata it acted on.

    reports: of the ECUs that answered, by serial. consented: when the user agreed to the update; None: not asked, or not yet.
    driven: since what is installed was installed, counts of `metres`, `disengagements`, `minimal_risk_manoeuvres`; empty: not counted.
    raw: the bytes as they were signed and sent.
    """

    vehicle: str
    primary: str
    nonce: str
    counter: int
    at: datetime
    director_version: int
    state: State
    reports: Mapping[str, Report]
    met: Met | None = None
    consented: datetime | None = None
    driven: Mapping[str, int] = field(default_factory=dict)
    raw: bytes = b""


def report(ecu: str, hardware: str, installed: Installed | None, nonce: str, sign: Sign, met: Met | None = None) -> dict[str, Any]:
    """A version report, signed by the ECU's key: `{"signed": …, "signature": hex}`."""
    said: dict[str, Any] = {"_type": _REPORT, "ecu": ecu, "hardware": hardware, "nonce": nonce}
    if installed is not None:
        said["installed"] = installed_json(installed)
    if met is not None:
        said["met"] = _met_json(met)
    return _sealed(said, sign)


def manifest(
    *,
    vehicle: str,
    primary: str,
    nonce: str,
    counter: int,
    at: datetime,
    director_version: int,
    state: State,
    reports: Sequence[Mapping[str, Any]],
    sign: Sign,
    met: Met | None = None,
    consented: datetime | None = None,
    driven: Mapping[str, int] | None = None,
) -> bytes:
    """The vehicle's manifest, signed by the primary's key: the bytes to send. reports: as `report` gave them."""
    said: dict[str, Any] = {
        "_type": _MANIFEST,
        "vehicle": vehicle,
        "primary": primary,
        "nonce": nonce,
        "counter": counter,
        "at": _instant(at),
        "director_version": director_version,
        "state": state.value,
        "reports": {each["signed"]["ecu"]: dict(each) for each in reports},
    }
    if met is not None:
        said["met"] = _met_json(met)
    if consented is not None:
        said["consented"] = _instant(consented)
    if driven:
        said["driven"] = dict(driven)
    return canonical.encode(_sealed(said, sign))


def check(raw: bytes, known: Mapping[str, str], nonce: str, last_counter: int, *, vehicle: str, primary: str) -> Manifest:
    """The server's check of a manifest. known: the registered public keys of the vehicle's ECUs, by serial, 64 hexadecimal digits.

    UpdateRefused: ARBITRARY_SOFTWARE (a signature that does not hold, an unknown ECU), REPLAYED_REPORT (another nonce, or a counter that
    did not grow), WRONG_VEHICLE, DOUBLED_ECU, MALFORMED.
    """
    file = "manifest.json"
    said = _opened(Fields(canonical.decode(raw, MANIFEST_AT_MOST, file), file), known, primary)
    if said.text("_type") != _MANIFEST:
        said.refuse("_type", f"is not {_MANIFEST}")
    if said.text("vehicle") != vehicle or said.text("primary") != primary:
        raise UpdateRefused(Attack.WRONG_VEHICLE, "", file, "is of another vehicle or another primary")
    _fresh(said, nonce, file)
    counter = said.count("counter", 1)
    if counter <= last_counter:
        raise UpdateRefused(Attack.REPLAYED_REPORT, "", file, f"has counter {counter}, and {last_counter} was there already")
    reports = {serial: _report(serial, each, known, nonce) for serial, each in said.members("reports").items()}
    driven = said.inner("driven") if said.has("driven") else None
    state = said.text("state")
    if state not in tuple(State):
        said.refuse("state", "is not a state of an update")
    read = Manifest(
        vehicle=vehicle,
        primary=primary,
        nonce=nonce,
        counter=counter,
        at=said.instant("at"),
        director_version=said.count("director_version"),
        state=State(state),
        reports=reports,
        met=_met(said.inner("met")) if said.has("met") else None,
        consented=said.instant("consented") if said.has("consented") else None,
        driven=_driven(driven) if driven else {},
        raw=raw,
    )
    said.end()
    return read


def _sealed(said: dict[str, Any], sign: Sign) -> dict[str, Any]:
    return {"signed": said, "signature": sign(canonical.encode(said)).hex()}


def _opened(sealed: Fields, known: Mapping[str, str], ecu: str) -> Fields:
    """What is signed, once the signature of that ECU holds."""
    said, signature = sealed.inner("signed"), sealed.text("signature")
    sealed.end()
    if ecu not in known:
        raise UpdateRefused(Attack.ARBITRARY_SOFTWARE, "", sealed.file, f"is by {ecu}, whose key is not registered")
    if not _signed(ecu, known[ecu], signature, canonical.encode(dict(said.found))):
        raise UpdateRefused(Attack.ARBITRARY_SOFTWARE, "", sealed.file, f"is not signed by {ecu}")
    return said


def _signed(ecu: str, public: str, signature: str, payload: bytes) -> bool:
    try:
        return verifies(Key(ecu, "ed25519", "ed25519", public), bytes.fromhex(signature), payload)
    except ValueError:
        return False


def _fresh(said: Fields, nonce: str, file: str) -> None:
    if said.text("nonce") != nonce:
        raise UpdateRefused(Attack.REPLAYED_REPORT, "", file, "answers another nonce", "Ask the server for a new one and report again.")


def _report(serial: str, sealed: Fields, known: Mapping[str, str], nonce: str) -> Report:
    said = _opened(sealed, known, serial)
    if said.text("_type") != _REPORT:
        said.refuse("_type", f"is not {_REPORT}")
    if said.text("ecu") != serial:
        raise UpdateRefused(Attack.DOUBLED_ECU, "", sealed.file, f"reports of {said.text('ecu')} under {serial}")
    _fresh(said, nonce, sealed.file)
    read = Report(
        serial,
        said.text("hardware"),
        installed_of(said.inner("installed")) if said.has("installed") else None,
        _met(said.inner("met")) if said.has("met") else None,
    )
    said.end()
    return read


def _met_json(met: Met) -> dict[str, str]:
    return {"attack": met.attack.value, "repository": met.repository, "file": met.file, "problem": met.problem}


def _met(said: Fields) -> Met:
    attack = said.text("attack")
    if attack not in tuple(Attack):
        said.refuse("attack", "is not one that is known")
    met = Met(Attack(attack), said.text("repository", ""), said.text("file", ""), said.text("problem", ""))
    said.end()
    return met


def _driven(said: Fields) -> dict[str, int]:
    counts = {name: said.count(name) for name in _FIELD_COUNTS if said.has(name)}
    said.end()
    return counts


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"
