"""Built cars and their software: what happened to each, and what follows from it by `software`'s rules.

Everything is an event of a car, written once, in the area of after-sales. Which features there are, and how far their evidence reaches, is
said by the software document that holds on the day (a revision of the part given, in software supply); how a car was built, by its quote.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from marque.alliance import rich_text
from marque.alliance.access import Action, Area, Record, allowed, require
from marque.alliance.codevelopment import record
from marque.alliance.model import Process
from marque.common import Missing, Refusal, new_id, ok
from marque.foundation import Transaction
from marque.product import archive, documents, revisions, rules, software, upgrade
from marque.product.documents import Software
from marque.product.model import Formula
from marque.product.rules import Kind, Where
from marque.product.software import Entitlement, Event, Upgrade
from marque.product.store import cars as store

LONGEST_WORD = 200


@dataclass(frozen=True)
class Offered:
    """What a programme's cars are offered now: the software document that holds, and its conditions as read."""

    software: Software
    needs: dict[str, Formula]


def area_of(lead: str, programme: UUID) -> Area:
    return Area(lead, programme, Process.AFTER_SALES)


def deliver(tx: Transaction, lead: str, programme: UUID, car: str, *, owner: str, quote: str, release: str) -> Event:
    """A car has been handed over, built as its quote says. owner: what the seller's own system calls them; no name of a person.

    Raises Missing for a quote that is not there, Denied, Refused for a car that was delivered before.
    """
    require(tx, Action.CREATE, area_of(lead, programme))
    sales = revisions.area_of(lead, programme, Kind.PUBLICATION)
    told = _quoted(archive.quote(tx, sales, quote).text)
    store.lock(tx, programme, car)
    if store.events(tx, area_of(lead, programme), car):
        ok(Refusal("this car was delivered before"))
    return _put(tx, lead, programme, car, Event(
        kind="delivered", at=tx.now, owner=_word(owner, "owner"), features=told, release=_word(release, "release"), quote=quote,
    ))  # fmt: skip


def update(tx: Transaction, lead: str, programme: UUID, car: str, release: str) -> Event:
    """The car has been given another release of its software. Raises Missing, Denied."""
    _held(tx, lead, programme, car)
    return _put(tx, lead, programme, car, Event(kind="updated", at=tx.now, release=_word(release, "release")))


def resell(tx: Transaction, lead: str, programme: UUID, car: str, owner: str) -> Event:
    """The car has another owner; what is bound to the earlier one ends with that. Raises Missing, Denied."""
    _held(tx, lead, programme, car)
    return _put(tx, lead, programme, car, Event(kind="resold", at=tx.now, owner=_word(owner, "owner")))


def buy(tx: Transaction, lead: str, programme: UUID, car: str, part: str, feature: str, how: str) -> Event:
    """A feature is bought or subscribed to, over the air. Raises Missing, Denied, Refused with the rule that stands against it."""
    events, offered = _held(tx, lead, programme, car), offers(tx, lead, programme, part)
    with upgrade.fitting(_model(tx, lead, programme, events[0].quote), events[0].features) as possible:
        event = ok(software.buy(events, feature, how, tx.now, offered.software, offered.needs, possible))
    return _put(tx, lead, programme, car, event)


def renew(tx: Transaction, lead: str, programme: UUID, car: str, part: str, feature: str) -> Event:
    """Raises as `buy`."""
    events = _held(tx, lead, programme, car)
    return _put(tx, lead, programme, car, ok(software.renew(events, feature, tx.now, offers(tx, lead, programme, part).software)))


def cancel(tx: Transaction, lead: str, programme: UUID, car: str, feature: str) -> Event:
    """Raises as `buy`."""
    events = _held(tx, lead, programme, car)
    return _put(tx, lead, programme, car, ok(software.cancel(events, feature, tx.now)))


def events(tx: Transaction, lead: str, programme: UUID, car: str) -> list[Event]:
    """What happened to a car, as far as one sees it, in order. Raises Missing."""
    area = area_of(lead, programme)
    found = store.events(tx, area, car)
    seen = allowed(tx, Action.VIEW, [Record(area, whose, event.at) for whose, event in found])
    if not any(seen):
        raise Missing("car")
    return [event for (_, event), one in zip(found, seen, strict=True) if one]


def entitlements(tx: Transaction, lead: str, programme: UUID, car: str, part: str, at: datetime | None = None) -> list[Entitlement]:
    """Of every software feature, whether it works in the car at an instant (now) and why, by what is offered now. Raises Missing."""
    happened, offered = events(tx, lead, programme, car), offers(tx, lead, programme, part)
    return [software.entitled(happened, one, at or tx.now, offered.software, offered.needs) for one in offered.software.features]


def upgrades(tx: Transaction, lead: str, programme: UUID, car: str, part: str) -> tuple[Upgrade, ...]:
    """What can be bought for the car now: its hardware stays, its software is free. Raises Missing."""
    happened, offered = events(tx, lead, programme, car), offers(tx, lead, programme, part)
    with upgrade.fitting(_model(tx, lead, programme, happened[0].quote), happened[0].features) as possible:
        return software.upgrades(happened, tx.now, offered.software, offered.needs, possible)


def offers(tx: Transaction, lead: str, programme: UUID, part: str) -> Offered:
    """The software document that holds today. Raises Missing."""
    held = revisions.in_force(tx, lead, programme, Kind.SOFTWARE, part, Where(tx.now.date()))
    told = documents.read(revisions.text(tx, held.id), Software, part)
    return Offered(told, software.needs_of(told, part))


def _held(tx: Transaction, lead: str, programme: UUID, car: str) -> list[Event]:
    """The car's events while nobody else adds one, for who may."""
    require(tx, Action.CREATE, area_of(lead, programme))
    store.lock(tx, programme, car)
    return events(tx, lead, programme, car)


def _put(tx: Transaction, lead: str, programme: UUID, car: str, event: Event) -> Event:
    if not rules.CAR.fullmatch(car):
        ok(Refusal("a car's number has at most 60 letters, digits, dots, dashes and underscores"))
    area, made = area_of(lead, programme), new_id()
    store.insert(tx, area, made, car, event)
    told = {"event": str(made), "car": car, "what": event.kind, "feature": event.feature}
    tx.emit(f"product.car-{event.kind}", told)
    record(tx, area, "product-car-event", told, seeing=True)
    return event


def _word(said: str, what: str) -> str:
    said = rich_text.line(said)
    if not 0 < len(said) <= LONGEST_WORD:
        ok(Refusal("owner and release are named in at most 200 characters", {"what": what}))
    return said


def _quoted(text: str) -> frozenset[str]:
    """The features of a quote's car."""
    return frozenset(json.loads(text)["configuration"]["car"])


def _model(tx: Transaction, lead: str, programme: UUID, quote: str) -> str:
    """The model that a quote was made from, in UVL: read under row-level security alone, for an act on a car that was allowed."""
    sales = revisions.area_of(lead, programme, Kind.PUBLICATION)
    digest = json.loads(archive.quote(tx, sales, quote).text)["model"]["digest"]
    return archive.texts(tx, sales, [digest])[digest]
