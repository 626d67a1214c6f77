"""Events of the slots as the journal's lines say them: `{"is": "committed", "boots": 3}`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from marque.car.attacks import UpdateRefused
from marque.car.install.slots import (
    Abandoned,
    Begun,
    Booted,
    Bundle,
    Committed,
    Confirmed,
    Event,
    Failed,
    RolledBack,
    Slot,
    Slots,
    Staged,
    Standing,
)
from marque.car.uptane.fields import Fields
from marque.car.uptane.vehicle import installed_json, installed_of
from marque.common import InputError


def written(event: Event) -> dict[str, Any]:
    """The inverse of `read`."""
    match event:
        case Standing(ecus, failed):
            return {"is": "standing", "ecus": {serial: _slots_json(slots) for serial, slots in ecus.items()}} | _failed_json(failed)
        case Begun(bundle):
            images = {serial: installed_json(image) for serial, image in bundle.images.items()}
            return {"is": "begun", "images": images, "director": bundle.director}
        case Staged(ecu):
            return {"is": "staged", "ecu": ecu}
        case Committed(boots):
            return {"is": "committed", "boots": boots}
        case Booted():
            return {"is": "booted"}
        case Confirmed():
            return {"is": "confirmed"}
        case RolledBack(reason):
            return {"is": "rolled back", "reason": reason}
        case Abandoned(reason):
            return {"is": "abandoned", "reason": reason}


def read(record: Mapping[str, Any]) -> Event:
    """InputError where the line is whole but says nothing that this program writes."""
    try:
        said = Fields(record, "journal")
        event = _KINDS.get(said.text("is"), _unknown)(said)
        said.end()
    except (UpdateRefused, ValueError) as fault:
        raise InputError("journal", "", f"holds a record that is not this program's: {fault}".rstrip(".")) from None
    return event


def _slots_json(slots: Slots) -> dict[str, Any]:
    images = {str(slot): installed_json(image) for slot, image in slots.images.items()}
    return {"active": str(slots.active), "images": images, "highest": dict(slots.highest)}


def _slots(said: Fields) -> Slots:
    images = {Slot(slot): installed_of(image) for slot, image in said.members("images").items()}
    highest = said.inner("highest")
    slots = Slots(Slot(said.text("active")), images, {release: highest.count(release, 1) for release in highest.names()})
    said.end()
    return slots


def _failed_json(failed: Failed | None) -> dict[str, Any]:
    return {} if failed is None else {"failed": {"bundle": failed.bundle, "director": failed.director, "reason": failed.reason}}


def _standing(said: Fields) -> Standing:
    ecus = {serial: _slots(each) for serial, each in said.members("ecus").items()}
    if not said.has("failed"):
        return Standing(ecus)
    inner = said.inner("failed")
    failed = Failed(inner.text("bundle"), inner.count("director"), inner.text("reason"))
    inner.end()
    return Standing(ecus, failed)


def _begun(said: Fields) -> Begun:
    return Begun(Bundle({serial: installed_of(image) for serial, image in said.members("images").items()}, said.count("director")))


def _unknown(said: Fields) -> Event:
    said.refuse("is", "is not known")


_KINDS: Final[Mapping[str, Callable[[Fields], Event]]] = {
    "standing": _standing,
    "begun": _begun,
    "staged": lambda said: Staged(said.text("ecu")),
    "committed": lambda said: Committed(said.count("boots", 1)),
    "booted": lambda _: Booted(),
    "confirmed": lambda _: Confirmed(),
    "rolled back": lambda said: RolledBack(said.text("reason")),
    "abandoned": lambda said: Abandoned(said.text("reason")),
}
