"""Two slots for each ECU, and one record that says which of them every ECU starts from.

The state is what the journal's records come to, one after the other. Exactly one of them, `Committed`, changes what runs, for all ECUs of a
bundle at once; so there is no instant, and no place to lose power, at which some run the old software and some the new.

    steady  --Begun-->  staging  --Staged, each-->  staged  --Committed-->  on trial  --Confirmed-->  steady, with the new
    staging, staged  --Abandoned-->  steady, with the old
    on trial  --Booted, each; RolledBack-->  steady, with the old
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from hashlib import sha256
from typing import Final, TypeAlias
from urllib.parse import quote

from marque.car.uptane.vehicle import Installed
from marque.common import InputError

BOOTS: Final = 3
"""How often the new software may be started before it has come up everywhere."""


class Slot(StrEnum):
    A = "a"
    B = "b"

    @property
    def other(self) -> Slot:
        return Slot.B if self is Slot.A else Slot.A


@dataclass(frozen=True)
class Slots:
    """Of one ECU. active: started, unless a bundle is on trial. images: what is whole in each; a slot that is not there holds nothing.

    highest: by release name, the greatest counter that was ever confirmed here.
    """

    active: Slot = Slot.A
    images: Mapping[Slot, Installed] = field(default_factory=dict)
    highest: Mapping[str, int] = field(default_factory=dict)

    @property
    def installed(self) -> Installed | None:
        return self.images.get(self.active)


@dataclass(frozen=True)
class Bundle:
    """What is installed together or not at all, by the ECUs' serials. director: version of the metadata that asked for it."""

    images: Mapping[str, Installed]
    director: int

    @property
    def id(self) -> str:
        """The same for the same images in the same ECUs, whoever asked: 16 hexadecimal digits."""
        said = "\n".join(f"{serial}\0{image.sha256}\0{image.counter}\0{image.path}" for serial, image in sorted(self.images.items()))
        return sha256(said.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Failed:
    """The last bundle that was rolled back: it is not tried again before the director asks for it anew."""

    bundle: str
    director: int
    reason: str


class Phase(StrEnum):
    STEADY = "steady"
    STAGING = "staging"
    STAGED = "staged"
    ON_TRIAL = "on trial"


@dataclass(frozen=True, kw_only=True)
class State:
    """boots: how often the bundle on trial may still be started; None: nothing is on trial."""

    ecus: Mapping[str, Slots]
    bundle: Bundle | None = None
    staged: frozenset[str] = frozenset()
    boots: int | None = None
    failed: Failed | None = None

    @property
    def phase(self) -> Phase:
        if self.bundle is None:
            return Phase.STEADY
        if self.boots is not None:
            return Phase.ON_TRIAL
        return Phase.STAGED if self.staged == frozenset(self.bundle.images) else Phase.STAGING

    def slot(self, serial: str) -> Slot:
        """The one that this ECU starts from."""
        active = self.ecus[serial].active
        return active.other if self.bundle is not None and self.boots is not None and serial in self.bundle.images else active

    def running(self) -> dict[str, Installed]:
        """By serial; an ECU that has nothing is not there."""
        found = {serial: slots.images.get(self.slot(serial)) for serial, slots in self.ecus.items()}
        return {serial: image for serial, image in found.items() if image is not None}


@dataclass(frozen=True)
class Standing:
    """What a car is provisioned with, and what a long journal is shortened to."""

    ecus: Mapping[str, Slots]
    failed: Failed | None = None


@dataclass(frozen=True)
class Begun:
    """From here on the other slots of these ECUs hold nothing. What was staged alike for a bundle before it, stays."""

    bundle: Bundle


@dataclass(frozen=True)
class Staged:
    """The other slot of this ECU holds its image: written, on the disk for certain, read back and right."""

    ecu: str


@dataclass(frozen=True)
class Committed:
    """The switch: from here on the ECUs of the bundle start from their other slots."""

    boots: int = BOOTS


@dataclass(frozen=True)
class Booted:
    """One start of the bundle on trial, counted before it is made."""


@dataclass(frozen=True)
class Confirmed:
    """It came up everywhere."""


@dataclass(frozen=True)
class RolledBack:
    reason: str


@dataclass(frozen=True)
class Abandoned:
    """The bundle was given up before the switch."""

    reason: str


Event: TypeAlias = Standing | Begun | Staged | Committed | Booted | Confirmed | RolledBack | Abandoned


def after(state: State | None, event: Event) -> State:
    """What the event leaves. InputError where it cannot have happened in that state: the journal is not this program's."""
    if isinstance(event, Standing):
        if state is not None and state.phase is not Phase.STEADY:
            raise _impossible(event)
        return State(ecus=event.ecus, failed=event.failed)
    if state is None:
        raise _impossible(event)
    if isinstance(event, Begun):
        return _begun(state, event)
    if state.bundle is None:
        raise _impossible(event)
    if isinstance(event, Staged) and state.boots is None and event.ecu in state.bundle.images:
        return replace(state, ecus={**state.ecus, event.ecu: _with(state, event.ecu)}, staged=state.staged | {event.ecu})
    if isinstance(event, Abandoned) and state.boots is None:
        return replace(state, bundle=None, staged=frozenset())
    if isinstance(event, Committed) and state.phase is Phase.STAGED and event.boots > 0:
        return replace(state, boots=event.boots)
    if isinstance(event, Booted) and state.boots:
        return replace(state, boots=state.boots - 1)
    if isinstance(event, Confirmed) and state.boots is not None:
        return State(ecus={serial: _confirmed(slots, state.slot(serial)) for serial, slots in state.ecus.items()})
    if isinstance(event, RolledBack) and state.boots is not None:
        failed = Failed(state.bundle.id, state.bundle.director, event.reason)
        emptied = {serial: _without(state, serial) for serial in state.bundle.images}
        return State(ecus={**state.ecus, **emptied}, failed=failed)
    raise _impossible(event)


def place(serial: str, slot: Slot) -> str:
    """Where the image in a slot lies in the car's storage."""
    return f"ecus/{folder(serial)}/{slot}"


def folder(serial: str) -> str:
    """A name for an ECU's folder: none that leads out of it, whatever the serial is."""
    return "ecu-" + quote(serial, safe="")


def _begun(state: State, event: Begun) -> State:
    if state.boots is not None or not event.bundle.images or not set(event.bundle.images) <= set(state.ecus):
        raise _impossible(event)
    before = state.bundle.images if state.bundle is not None else {}
    kept = frozenset(serial for serial in state.staged if event.bundle.images.get(serial) == before.get(serial))
    emptied = {serial: _without(state, serial) for serial in event.bundle.images if serial not in kept}
    return replace(state, ecus={**state.ecus, **emptied}, bundle=event.bundle, staged=kept)


def _confirmed(slots: Slots, slot: Slot) -> Slots:
    image = slots.images.get(slot)
    ran = {image.release: max(image.counter, slots.highest.get(image.release, 0))} if image is not None else {}
    return replace(slots, active=slot, highest={**slots.highest, **ran})


def _with(state: State, serial: str) -> Slots:
    slots = state.ecus[serial]
    assert state.bundle is not None
    return replace(slots, images={**slots.images, slots.active.other: state.bundle.images[serial]})


def _without(state: State, serial: str) -> Slots:
    """As it was, with nothing in the other slot."""
    slots = state.ecus[serial]
    return replace(slots, images={slot: image for slot, image in slots.images.items() if slot is slots.active})


def _impossible(event: Event) -> InputError:
    return InputError("journal", type(event).__name__, "cannot have happened here", "Have the workshop provision the car again.")
