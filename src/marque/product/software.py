"""What a built car's software may do, by rules: from how it was built, what was bought for it, and what is offered. No clock, no database.

A feature works in a car when it is offered for its model and market, as far as the evidence of its release reaches; when the car has the
hardware it needs and a release that carries it; and when somebody is entitled to it: it is included, was chosen with the order, is
subscribed to, or was bought. What is answered for an instant depends on events until that instant alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal

from marque.common import Refusal
from marque.product import evaluate
from marque.product.documents import Offer, Software, SoftwareFeature
from marque.product.model import Formula

Kind = Literal["delivered", "updated", "bought", "renewed", "cancelled", "resold"]
Possible = Callable[[str], bool]


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened to a car. feature: of bought, renewed, cancelled. owner: of delivered and resold, as the seller calls them.

    how, months, price: of the offer that was taken. features: of delivered, what the car was built with. release: of delivered, updated.
    """

    kind: Kind
    at: datetime
    feature: str = ""
    owner: str = ""
    how: str = ""
    months: int = 0
    price: str = ""
    features: frozenset[str] = frozenset()
    release: str = ""
    quote: str = ""


@dataclass(frozen=True)
class Held:
    """What somebody has of a feature. until: None for good."""

    owner: str
    until: datetime | None
    cancelled: bool = False


@dataclass(frozen=True)
class Car:
    """As its events until an instant left it."""

    features: frozenset[str]
    owner: str
    release: str
    held: Mapping[str, Held] = field(default_factory=dict)


@dataclass(frozen=True)
class Entitlement:
    """Whether a feature works, and why or why not. until: when it ends; cells: where in its design domain it may be used.

    reason: the rule that decided, for people and catalogues. grace: it has lapsed, and still works for some days.
    """

    feature: str
    works: bool
    reason: str
    until: datetime | None = None
    cells: tuple[str, ...] = ()
    grace: bool = False
    details: Mapping[str, str] = field(default_factory=dict)


def car_at(events: Iterable[Event], at: datetime) -> Car | None:
    """What the events until this instant make of a car, in order; None before it was delivered."""
    car: Car | None = None
    for event in events:
        if event.at > at:
            break
        car = Car(event.features, event.owner, event.release) if car is None else _after(car, event)
    return car


def _after(car: Car, event: Event) -> Car:
    match event.kind:
        case "updated":
            return replace(car, release=event.release)
        case "resold":
            return replace(car, owner=event.owner)
        case "bought":
            until = None if event.how == "bought" else later(event.at, event.months)
            return replace(car, held={**car.held, event.feature: Held(car.owner, until)})
        case "renewed" if (held := car.held.get(event.feature)) and held.until is not None:
            return replace(car, held={**car.held, event.feature: Held(held.owner, later(max(held.until, event.at), event.months))})
        case "cancelled" if held := car.held.get(event.feature):
            return replace(car, held={**car.held, event.feature: replace(held, cancelled=True)})
    return car


def later(start: datetime, months: int) -> datetime:
    """So many months later, at the same hour of the same day of the month; where that month is shorter, of its last day."""
    year, month = divmod(start.month - 1 + months, 12)
    first = start.replace(year=start.year + year, month=month + 1, day=1)
    beyond = (first + timedelta(days=31)).replace(day=1)
    return min(first + timedelta(days=start.day - 1), beyond - timedelta(days=1))


def entitled(events: Sequence[Event], feature: str, at: datetime, software: Software, needs: Mapping[str, Formula]) -> Entitlement:
    """Whether a feature works in the car that these events are of. needs: of features, as read (`needs_of`)."""
    car = car_at(events, at)
    if car is None:
        return Entitlement(feature, False, "the car is not delivered yet")
    offered = software.features.get(feature)
    if offered is None:
        return Entitlement(feature, False, "there is no such software feature")
    if (why := lacking(car, feature, offered, needs)) is not None:
        return why
    if not carries(software, car.release, offered.release):
        return Entitlement(feature, False, "the car's release does not carry it", details={"needed": offered.release, "there": car.release})
    return replace(_right(car, feature, offered, at), cells=_cells(car, offered))


def _right(car: Car, feature: str, offered: SoftwareFeature, at: datetime) -> Entitlement:
    how = {one.how for one in offered.offers}
    if "included" in how:
        return Entitlement(feature, True, "included in every car that can have it")
    if "optional" in how and feature in car.features:
        return Entitlement(feature, True, "chosen when the car was ordered")
    held = car.held.get(feature)
    if held is None:
        return Entitlement(feature, False, "nobody has bought it")
    if offered.bound_to == "owner" and held.owner != car.owner:
        return Entitlement(feature, False, "it was bought by an earlier owner and does not go with the car")
    if held.until is None:
        return Entitlement(feature, True, "bought")
    if at < held.until:
        return Entitlement(feature, True, "subscribed", held.until)
    last = held.until + timedelta(days=offered.grace_days)
    if not held.cancelled and at < last:
        return Entitlement(feature, True, "the subscription has lapsed; it works for some days more", last, grace=True)
    return Entitlement(feature, False, "the subscription has ended", held.until)


def lacking(car: Car, feature: str, offered: SoftwareFeature, needs: Mapping[str, Formula]) -> Entitlement | None:
    """What keeps a car from ever having a feature as it is built and where it is sold; None: nothing does."""
    if not any({one.model, one.market} <= car.features for one in offered.reach):
        return Entitlement(feature, False, "its evidence does not reach this model and market")
    if feature in needs and not evaluate.holds(needs[feature], car.features):
        return Entitlement(feature, False, "the car lacks hardware that it needs", details={"needed": offered.needs})
    return None


def _cells(car: Car, offered: SoftwareFeature) -> tuple[str, ...]:
    return tuple(cell for one in offered.reach if {one.model, one.market} <= car.features for cell in one.cells)


def carries(software: Software, there: str, needed: str) -> bool:
    """Whether a release carries what came with another: it is that one or a later one."""
    order = {one.id: place for place, one in enumerate(software.releases)}
    return there in order and needed in order and order[there] >= order[needed]


@dataclass(frozen=True)
class Upgrade:
    """What can be bought for a built car. update: the release it has to be given first; empty where it has one that carries it."""

    feature: str
    offers: tuple[Offer, ...]
    cells: tuple[str, ...]
    update: str


def upgrades(
    events: Sequence[Event], at: datetime, software: Software, needs: Mapping[str, Formula], possible: Possible
) -> tuple[Upgrade, ...]:
    """Features that nobody is entitled to yet, and that the car can have: its hardware as it is, its software free.

    possible: whether some buildable car has this hardware and the feature, with the software that works in it (see `upgrade.possible`).
    """
    car = car_at(events, at)
    if car is None:
        return ()
    found = []
    for feature, offered in software.features.items():
        offers = tuple(one for one in offered.offers if one.how in {"subscribed", "bought"})
        if (
            not offers
            or lacking(car, feature, offered, needs) is not None
            or _right(car, feature, offered, at).works
            or not possible(feature)
        ):
            continue
        update = "" if carries(software, car.release, offered.release) else offered.release
        found.append(Upgrade(feature, offers, _cells(car, offered), update))
    return tuple(found)


def buy(
    events: Sequence[Event], feature: str, how: str, at: datetime, software: Software, needs: Mapping[str, Formula], possible: Possible
) -> Event | Refusal:
    """Whether this can be bought for the car now."""
    car, offered = car_at(events, at), software.features.get(feature)
    if car is None or offered is None:
        return Refusal("there is no such car or software feature")
    offer = next((one for one in offered.offers if one.how == how and how in {"subscribed", "bought"}), None)
    if offer is None:
        return Refusal("it is not offered like this after delivery", {"offered": ", ".join(one.how for one in offered.offers)})
    if (why := lacking(car, feature, offered, needs)) is not None:
        return Refusal(why.reason, dict(why.details))
    if (right := _right(car, feature, offered, at)).works and not (right.until is not None and how == "bought"):
        return Refusal("the car is entitled to it already; a subscription is renewed", {"because": right.reason})
    if not possible(feature):
        return Refusal("no buildable car has this hardware and the feature")
    return Event(kind="bought", at=at, feature=feature, how=how, months=offer.months, price=offer.price)


def renew(events: Sequence[Event], feature: str, at: datetime, software: Software) -> Event | Refusal:
    """Whether a subscription can go on; it does from its end, or from now where that has passed."""
    car, offered = car_at(events, at), software.features.get(feature)
    held = car.held.get(feature) if car else None
    if car is None or offered is None or held is None or held.until is None:
        return Refusal("there is no subscription to it")
    if offered.bound_to == "owner" and held.owner != car.owner:
        return Refusal("it was bought by an earlier owner and does not go with the car")
    offer = next((one for one in offered.offers if one.how == "subscribed"), None)
    if offer is None:
        return Refusal("it is not offered like this after delivery", {"offered": ", ".join(one.how for one in offered.offers)})
    return Event(kind="renewed", at=at, feature=feature, how="subscribed", months=offer.months, price=offer.price)


def cancel(events: Sequence[Event], feature: str, at: datetime) -> Event | Refusal:
    """Whether a subscription can be ended: it works until the end of what was paid for, and no day longer."""
    car = car_at(events, at)
    held = car.held.get(feature) if car else None
    if held is None or held.until is None or held.cancelled or held.until <= at:
        return Refusal("there is no subscription to it")
    return Event(kind="cancelled", at=at, feature=feature)


def needs_of(software: Software, source: str) -> dict[str, Formula]:
    """The conditions of every feature that has one. Raises InputError."""
    return {name: evaluate.read(one.needs, source, name).formula for name, one in software.features.items() if one.needs}
