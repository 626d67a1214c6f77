"""Cars as their maker registers them and both partners look at them; and who a car is that calls.

A car shows a token, `mc_` and 43 letters, told once and stored as a digest. A gateway (a workshop, a fleet's own server) shows a service
token of the organisation with the scope `create:release-signature` and speaks for every car of it.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable, Sequence
from uuid import UUID

from marque.alliance.access import Action, Area, Record, allowed, require
from marque.alliance.codevelopment import record
from marque.common import Missing, Refusal, ok
from marque.foundation import Transaction
from marque.release.devices import store
from marque.release.devices.model import Car, Draft, Fleet, Listed, Registered, Reported
from marque.release.model import area_of

PAGE = 50
MOST_AT_ONCE = 10_000
_VEHICLE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}")
_WORD = re.compile(r"[^\x00-\x1f\x7f]{1,120}")
"""As a car reads its own description: without control characters."""


def register(tx: Transaction, lead: str, programme: UUID, draft: Draft) -> Registered:
    """A car of the acting organisation. Raises Missing, Denied, Refused."""
    return register_all(tx, lead, programme, [draft])[0]


def register_all(tx: Transaction, lead: str, programme: UUID, drafts: Sequence[Draft]) -> list[Registered]:
    """Many at once: all, or none of them. In the order given. Raises as `register`."""
    area = area_of(lead, programme)
    require(tx, Action.CREATE, area)
    ok(_fit(drafts))
    tokens = [_new_token() for _ in drafts]
    ids = [draft.vehicle.id for draft in drafts]
    if there := store.registered(tx, Fleet(lead, programme), ids):
        ok(Refusal("a car of this number is registered already", {"car": there[0]}))
    store.insert(tx, Fleet(lead, programme), area.process, drafts, [digest(token) for token in tokens])
    told = {
        "lead": lead,
        "programme": str(programme),
        "cars": len(ids),
        "digest": hashlib.sha256("\n".join(sorted(ids)).encode()).hexdigest(),
    }
    tx.emit("release.cars-registered", told | {"first": ids[:100]})
    record(tx, area, "release-cars-registered", told | ({"car": ids[0]} if len(ids) == 1 else {}))
    return [Registered(one, token) for one, token in zip(ids, tokens, strict=True)]


def entitle(tx: Transaction, lead: str, programme: UUID, vehicle: str, entitlements: Iterable[str]) -> Car:
    """What the car's owner is entitled to, from now on. Raises Missing, Denied, Refused."""
    words = sorted(set(entitlements))
    if not all(map(_WORD.fullmatch, words)):
        ok(Refusal("an entitlement has a name of at most 120 characters, no control characters among them"))
    _own(tx, lead, programme, vehicle)
    store.change(tx, Fleet(lead, programme), vehicle, entitlements=words)
    _tell(tx, lead, programme, "release-car-entitled", {"car": vehicle, "entitlements": words})
    return one(tx, lead, programme, vehicle)


def new_token(tx: Transaction, lead: str, programme: UUID, vehicle: str) -> Registered:
    """The token before it counts no longer. Raises Missing, Denied."""
    _own(tx, lead, programme, vehicle)
    token = _new_token()
    store.change(tx, Fleet(lead, programme), vehicle, token=digest(token), token_at=tx.now)
    _tell(tx, lead, programme, "release-car-token", {"car": vehicle})
    return Registered(vehicle, token)


def retire(tx: Transaction, lead: str, programme: UUID, vehicle: str) -> None:
    """It is told nothing any more. What it said stays. Raises Missing, Denied, Refused."""
    if _own(tx, lead, programme, vehicle).retired_at is not None:
        ok(Refusal("this car is retired already"))
    store.change(tx, Fleet(lead, programme), vehicle, retired_at=tx.now)
    _tell(tx, lead, programme, "release-car-retired", {"car": vehicle})


def one(tx: Transaction, lead: str, programme: UUID, vehicle: str) -> Car:
    """Raises Missing."""
    fleet = Fleet(lead, programme)
    row = store.one(tx, fleet, vehicle)
    if row is None or not allowed(tx, Action.VIEW, [Record(area_of(lead, programme), row.organisation, row.created_at)])[0]:
        raise Missing("car")
    return row.car(store.ecus(tx, fleet, row.organisation, [vehicle]))


def page(tx: Transaction, lead: str, programme: UUID, search: str = "", after: str = "", limit: int = PAGE) -> list[Listed]:
    """By id, those that begin with `search`, behind `after`. Raises Missing where one sees no cars."""
    require(tx, Action.VIEW, area_of(lead, programme))
    return store.page(tx, Fleet(lead, programme), search, after, max(1, min(limit, 1000)))


def reports(tx: Transaction, lead: str, programme: UUID, vehicle: str, before: int | None = None, limit: int = PAGE) -> list[Reported]:
    """Manifests of a car, the last first. Raises Missing."""
    one(tx, lead, programme, vehicle)
    return store.manifests(tx, Fleet(lead, programme), vehicle, before, max(1, min(limit, 1000)))


def manifest(tx: Transaction, lead: str, programme: UUID, vehicle: str, counter: int) -> bytes:
    """As the car signed it. Raises Missing."""
    one(tx, lead, programme, vehicle)
    if (raw := store.manifest(tx, Fleet(lead, programme), vehicle, counter)) is None:
        raise Missing("manifest")
    return raw


def digest(token: str) -> bytes:
    """What is stored of a car's token."""
    return hashlib.sha256(token.encode()).digest()


def _new_token() -> str:
    return f"mc_{secrets.token_urlsafe(32)}"


def _own(tx: Transaction, lead: str, programme: UUID, vehicle: str) -> store.CarRow:
    """One's own car, for an act on it."""
    area = area_of(lead, programme)
    row = store.one(tx, Fleet(lead, programme), vehicle)
    if row is None:
        raise Missing("car")
    require(tx, Action.EDIT, Record(area, row.organisation, row.created_at))
    return store.one(tx, Fleet(lead, programme), vehicle, hold=True) or row


def _tell(tx: Transaction, lead: str, programme: UUID, kind: str, body: dict[str, object]) -> None:
    told = {"lead": lead, "programme": str(programme)} | body
    tx.emit(kind.replace("-", ".", 1), told)
    record(tx, Area(lead, programme, area_of(lead, programme).process), kind, told)


def _fit(drafts: Sequence[Draft]) -> Refusal | None:
    if not 0 < len(drafts) <= MOST_AT_ONCE:
        return Refusal("between one and 10,000 cars are registered at once")
    if len({draft.vehicle.id for draft in drafts}) < len(drafts):
        return Refusal("one car is named twice")
    for draft in drafts:
        car = draft.vehicle
        if not _VEHICLE.fullmatch(car.id) or not all(_VEHICLE.fullmatch(serial) for serial in car.ecus):
            return Refusal(
                "cars and control units have numbers of at most 60 letters, digits, dots, dashes and underscores", {"car": car.id[:60]}
            )
        if not all(map(_WORD.fullmatch, (car.model, car.market, *car.entitlements, *draft.features))):
            reason = "model, market, features and entitlements have names of at most 120 characters, no control characters among them"
            return Refusal(reason, {"car": car.id})
        if len({bool(ecu.public_key) for ecu in car.ecus.values()}) > 1:
            return Refusal("either every control unit has a public key, so that its reports can be believed, or none has", {"car": car.id})
    return None
