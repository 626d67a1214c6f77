"""What a client of DDI is to do now, and what follows from what it says.

Such a client verifies nothing of ours: it believes this server and TLS. So the server asks for it what a car would ask: both signed,
evidence that reaches it, its owner entitled, no step back; and what it reports is this server's word, not a signed manifest.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from uuid import UUID

from marque.car.attacks import Attack
from marque.car.uptane.claims_json import claims_of
from marque.car.uptane.vehicle import Installed, Vehicle
from marque.common import Missing, Refusal, Refused, ok
from marque.foundation import Transaction
from marque.release import releases
from marque.release.devices import ddi_store, director, manifest_store, rules, store
from marque.release.devices.ddi import (
    MOST_STATUSES,
    Action,
    Client,
    ConfigData,
    ConfirmationFeedback,
    Feedback,
    State,
    Update,
    action_of,
    after_cancelling,
    after_feedback,
    attributes,
    file_name,
    kept,
    said,
)
from marque.release.devices.model import Fleet, Wanted
from marque.release.devices.store import CarRow
from marque.release.rollouts import service as rollouts
from marque.release.rollouts import store as rollout_store
from marque.release.rollouts.model import CarEvent, Offer, Told

CLOSED = Refusal("this update is over")
TOO_MANY = Refusal("a client says at most 1,000 things of one update")


@dataclass(frozen=True)
class Controller:
    """A car that calls through DDI. row: as it is now; hold before anything of it is written."""

    tx: Transaction
    fleet: Fleet
    row: CarRow

    @property
    def id(self) -> str:
        return self.row.vehicle

    def hold(self) -> CarRow:
        """The car's row, which nobody else changes before the transaction ends; roll-outs before cars, as everywhere."""
        rollout_store.alone(self.tx, self.fleet.lead, self.fleet.programme)
        return store.one(self.tx, self.fleet, self.id, hold=True) or self.row

    @property
    def vehicle(self) -> Vehicle:
        return self.row.car(store.ecus(self.tx, self.fleet, self.row.organisation, [self.id])).vehicle


def current(one: Controller) -> Action | None:
    """The action that is open, by what roll-outs say now: begun where something is offered, to be cancelled where it no longer is."""
    offers = rollouts.offers(one.tx, one.fleet.lead, one.fleet.programme, [one.id])
    there = ddi_store.open_action(one.tx, one.fleet, one.id)
    if not offers and there is None:
        return None
    offer = _acceptable(one, offers[0]) if offers else None
    if offer is not None and there is not None and (there.release, there.rollout) == (offer.release, offer.rollout):
        return _changed(one, there, State.RUNNING) if there.state is State.CANCELLING else there
    if there is not None:
        return there if there.state is State.CANCELLING or there.keeps_on else _stopped(one, there)
    if offer is None:
        return None
    one.hold()
    if (there := ddi_store.open_action(one.tx, one.fleet, one.id)) is not None:
        return there
    state = State.WAITING if offer.consent and ddi_store.client(one.tx, one.fleet, one.id).asks else State.RUNNING
    return ddi_store.begin(one.tx, one.fleet, one.id, offer.release, offer.rollout, state)


def installed(one: Controller) -> Action | None:
    """The last action that was finished."""
    return ddi_store.installed_action(one.tx, one.fleet, one.id)


def client(one: Controller) -> Client:
    """What it told of itself."""
    return ddi_store.client(one.tx, one.fleet, one.id)


def update(one: Controller, number: int, *states: State) -> Update:
    """An action in one of these states, with its images. Raises Missing, also for a release that cars may not be given any more."""
    there = current(one)
    action = ddi_store.action(one.tx, one.fleet, one.id, number) if there is None or there.number != number else there
    if action is None or action.state not in states:
        raise Missing("action")
    if action.state is State.FINISHED:
        return _update(one, action, None)
    offers = [offer for offer in rollouts.offers(one.tx, one.fleet.lead, one.fleet.programme, [one.id]) if offer.rollout == action.rollout]
    return _update(one, action, offers[0] if offers else None)


def retrieved(one: Controller, told: Update) -> None:
    """The client has been told of an update for the first time: it is on its way."""
    if told.action.statuses == 0 and told.action.state is State.RUNNING:
        ddi_store.change(one.tx, one.fleet, one.id, _noted(told.action, ("the client was told of the update",)))
        _tell(one, told.action, Told.STARTED)


def artifact(one: Controller, module: int, name: str) -> Wanted:
    """An image of an update that is running, by its software module and file name. Raises Missing."""
    number, place = action_of(module)
    images = update(one, number, State.RUNNING).images
    if place >= len(images) or file_name(images[place]) != name:
        raise Missing("artifact")
    return images[place]


def feedback(one: Controller, number: int, given: Feedback) -> None:
    """Of an update. Raises Missing, Refused (CLOSED, TOO_MANY)."""
    action = _held(one, number)
    state = after_feedback(action.state, given)
    if isinstance(state, Refusal):
        if action.state is State.WAITING:
            raise Missing("action")
        raise Refused(CLOSED)
    words = said(given)
    images = _update(one, action, None).images if state is State.FINISHED else ()
    _changed(one, _noted(action, words), state)
    if state is State.FINISHED:
        _put(one, images)
        _tell(one, action, Told.INSTALLED)
    elif state is State.FAILED:
        _tell(one, action, Told.FAILED, problem=words[0] if words else "the client says that it failed")
    elif state is State.CANCELLED:
        _tell(one, action, Told.FAILED, problem="the client cancelled the update")


def cancelling(one: Controller, number: int) -> Action:
    """An action that is to be cancelled. Raises Missing."""
    current(one)
    action = ddi_store.action(one.tx, one.fleet, one.id, number)
    if action is None or action.state is not State.CANCELLING:
        raise Missing("action")
    return action


def cancelled(one: Controller, number: int, given: Feedback) -> None:
    """What the client says to a cancellation. Raises Missing, Refused."""
    action = _held(one, number)
    state, keeps_on = ok(after_cancelling(action.state, given))
    _changed(one, replace(_noted(action, said(given)), keeps_on=keeps_on), state)


def confirmation(one: Controller) -> tuple[Action | None, Client]:
    """What waits to be confirmed. Who asks this once is asked before every update from then on."""
    client = ddi_store.client(one.tx, one.fleet, one.id)
    if not client.confirms:
        client = replace(client, confirms=True)
        ddi_store.put_client(one.tx, one.fleet, one.id, client)
    return current(one), client


def confirmed(one: Controller, number: int, given: ConfirmationFeedback) -> None:
    """Somebody at the car agreed, or did not. Raises Missing, Refused (CLOSED)."""
    action = _held(one, number)
    if not action.state.open:
        raise Refused(CLOSED)
    if action.state is not State.WAITING:
        raise Missing("action")
    if given.confirmation == "confirmed":
        _changed(one, _noted(action, said(given)), State.RUNNING)
    else:
        _changed(one, _noted(action, said(given)), State.DENIED)
        _tell(one, action, Told.DECLINED)


def confirm_by_itself(one: Controller, how: dict[str, str] | None) -> None:
    """how: who said so and why; None: from now on somebody is asked again. What waits is confirmed by it."""
    one.hold()
    client = ddi_store.client(one.tx, one.fleet, one.id)
    ddi_store.put_client(one.tx, one.fleet, one.id, replace(client, confirms=True, auto_confirm=how))
    action = ddi_store.open_action(one.tx, one.fleet, one.id)
    if how is not None and action is not None and action.state is State.WAITING:
        _changed(one, _noted(action, ("confirmed by itself",)), State.RUNNING)


def configure(one: Controller, given: ConfigData) -> None:
    """What a client tells of itself. Raises InputError."""
    one.hold()
    client = ddi_store.client(one.tx, one.fleet, one.id)
    told = replace(client, attributes=attributes(client.attributes, given), told_at=one.tx.now)
    ddi_store.put_client(one.tx, one.fleet, one.id, told)


def _acceptable(one: Controller, offer: Offer) -> Offer | None:
    """The offer, unless the car itself would refuse it: then roll-outs learn why. None too where it has no images for the car."""
    pairs = director.targets_of(one.tx, [offer.release])
    vehicle = one.vehicle
    images = rules.wanted(vehicle, pairs)
    if not images:
        return None
    attacks = [stands for image in images if (stands := rules.stands_against(vehicle, claims_of(image.custom, image.path))) is not None]
    if attacks:
        _record(one, offer.release, Told.REFUSED, problem="this release is not for this car", attack=attacks[0])
        return None
    return offer


def _update(one: Controller, action: Action, offer: Offer | None) -> Update:
    """Raises Missing where nothing of the release may be given."""
    images = rules.wanted(one.vehicle, director.targets_of(one.tx, [action.release]))
    if not images:
        raise Missing("action")
    release = releases.by_ids(one.tx, [action.release])[action.release]
    window = offer.installable if offer is not None and offer.window is not None else None
    return Update(action, release.name, release.version, images, forced=offer is None or not offer.consent, window=window)


def _held(one: Controller, number: int) -> Action:
    one.hold()
    action = ddi_store.action(one.tx, one.fleet, one.id, number)
    if action is None:
        raise Missing("action")
    if action.statuses >= MOST_STATUSES:
        raise Refused(TOO_MANY)
    return action


def _noted(action: Action, words: tuple[str, ...]) -> Action:
    return replace(action, statuses=action.statuses + 1, messages=kept(action.messages, words))


def _changed(one: Controller, action: Action, state: State) -> Action:
    changed = replace(action, state=state, changed_at=one.tx.now)
    ddi_store.change(one.tx, one.fleet, one.id, changed)
    return changed


def _stopped(one: Controller, there: Action) -> Action | None:
    """What is not offered any more: who has not begun need not stop."""
    if there.state is State.WAITING:
        _changed(one, there, State.CANCELLED)
        return None
    return _changed(one, there, State.CANCELLING)


def _put(one: Controller, images: tuple[Wanted, ...]) -> None:
    """What the client says that it installed, as if its control units had reported it."""
    told = []
    for image in images:
        claims = claims_of(image.custom, image.path)
        there = Installed(claims.release, claims.version, claims.counter, image.sha256, image.length, image.path, claims.evidence)
        told += [(one.id, serial, there) for serial in image.ecus]
    manifest_store.put_installed(one.tx, one.fleet, told)


def _tell(one: Controller, action: Action, told: Told, *, problem: str = "") -> None:
    _record(one, action.release, told, problem=problem)


def _record(one: Controller, release: UUID, told: Told, *, problem: str = "", attack: Attack | None = None) -> None:
    """Into the roll-out, under the car's next number: what DDI says has no number of its own."""
    counter = one.hold().counter + 1
    store.change(
        one.tx, one.fleet, one.id, counter=counter, state=told.value, attack=attack.value if attack else "", reported_at=one.tx.now
    )  # fmt: skip
    event = CarEvent(car=one.id, counter=counter, told=told, at=one.tx.now, release=release, problem=problem, attack=attack)
    rollouts.record(one.tx, one.fleet.lead, one.fleet.programme, [event])
