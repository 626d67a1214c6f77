"""What the commands of `marque-car` do and say."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from marque.car.folder import Car, make_keys
from marque.car.folder import provision as provision_car
from marque.car.install.bundle import Boot
from marque.car.install.conditions import Situation, Terms, read_situation
from marque.car.install.slots import Phase, Slot, State
from marque.car.link import check_address
from marque.car.settings import Settings, window_of
from marque.car.updater import Outcome, Updater, started_by
from marque.car.uptane.reports import State as Came
from marque.car.uptane.vehicle import Installed, Vehicle, installed_json
from marque.common import InputError, Unavailable

_REFUSED: Final = 1
_POLL_AFTER_S: Final = 60.0
"""Where the server was not heard."""
_SITUATION_HOLDS_S: Final = 60.0
_SAID: Final = {
    Came.REFUSED: "Refused. What runs goes on running.",
    Came.WAITING: "Ready to be installed.",
    Came.TRYING: "On trial.",
    Came.INSTALLED: "Installed.",
    Came.ROLLED_BACK: "Rolled back. The old software runs.",
    Came.FAILED: "Not done. What runs goes on running; the next pass goes on from here.",
    Came.CURRENT: "Nothing new.",
}


def keys(asked: argparse.Namespace) -> int:
    _file(asked.vehicle)
    vehicle = make_keys(asked.vehicle, asked.keys)
    _say(f"{asked.vehicle}: {len(vehicle.ecus)} ECUs of {vehicle.id} have report keys, the private halves in {asked.keys}.")
    return 0


def provision(asked: argparse.Namespace) -> int:
    window = window_of(asked.window) if asked.window else None
    if not 0 <= asked.least_charge <= 100:
        raise InputError("--least-charge", str(asked.least_charge), "is not from 0 to 100")
    told = Settings(check_address(asked.server), Terms(not asked.no_consent, asked.least_charge, window), tuple(shlex.split(asked.start)))
    provision_car(
        asked.folder,
        vehicle=_file(asked.vehicle),
        root_image=_file(asked.root_image),
        root_director=_file(asked.root_director),
        told=told,
        now=_now(),
        keys=asked.keys,
        token=_file(asked.token_file).decode().strip() if asked.token_file else "",
        authority=_file(asked.ca) if asked.ca else b"",
        images=dict(_image(each) for each in asked.image),
    )
    _say(f"{asked.folder} is a car. Update it: marque-car update {asked.folder} --consent --parked --charge 80")
    return 0


def update(asked: argparse.Namespace) -> int:
    outcome = _updater(asked.folder).once(_situation(asked), agrees=asked.consent, repair=asked.repair)
    _tell(outcome)
    return _REFUSED if outcome.state in {Came.REFUSED, Came.ROLLED_BACK, Came.FAILED} else 0


def run(asked: argparse.Namespace) -> int:
    """Until it is stopped. A pass that fails is told, and the next one comes."""
    updater = _updater(asked.folder)
    while True:
        after_s = _POLL_AFTER_S
        try:
            outcome = updater.once(_situation(asked), agrees=asked.consent)
            after_s = outcome.after_s or after_s
            _tell(outcome)
        except Unavailable as fault:
            sys.stderr.write(f"{fault}\n")
        sys.stdout.flush()
        time.sleep(asked.every or after_s)


def status(asked: argparse.Namespace) -> int:
    car = Car(asked.folder)
    state = car.look()
    vehicle = car.vehicle(state)
    if asked.json:
        _say(json.dumps(_status_json(vehicle, state), indent=2, sort_keys=True))
        return 0
    _say(f"{vehicle.id}, {vehicle.model}, {vehicle.market}: {state.phase}")
    for ecu in sorted(vehicle.ecus.values(), key=lambda ecu: (not ecu.primary, ecu.serial)):
        here = f"{ecu.installed.release} {ecu.installed.version} ({ecu.installed.counter})" if ecu.installed else "nothing"
        _say(f"  {ecu.serial:<20} {ecu.role:<12} slot {state.slot(ecu.serial)}  {here}")
    if state.bundle is not None:
        _say(f"  under way: {_names(state.bundle.images)}, {len(state.staged)} of {len(state.bundle.images)} staged")
    if state.failed is not None:
        _say(f"  rolled back last: {state.failed.reason}")
    return 0


def boot(asked: argparse.Namespace) -> int:
    car = Car(asked.folder)
    command = car.settings().start

    def start(slots: Mapping[str, Slot]) -> list[str]:
        return [*asked.fails, *started_by(command, car, {serial: slot for serial, slot in slots.items() if serial not in asked.fails})]

    met = Updater(car, car.link(), start=start).boot()
    _tell_boot(met)
    return _REFUSED if met.failing or met.reason else 0


def _updater(folder: Path) -> Updater:
    car = Car(folder)
    car.look()
    return Updater(car, car.link())


def _situation(asked: argparse.Namespace) -> Callable[[], Situation]:
    """By the file that the car's body writes, where there is one: asked at the instant of the switch. An old file says nothing."""

    def told() -> Situation:
        if asked.situation is None:
            return Situation(parked=asked.parked, charge_percent=asked.charge)
        try:
            if time.time() - asked.situation.stat().st_mtime > _SITUATION_HOLDS_S:
                return Situation()
            return read_situation(asked.situation.read_bytes())
        except FileNotFoundError:
            return Situation()

    return told


def _tell(outcome: Outcome) -> None:
    _say(_SAID[outcome.state] + (f" {_names(outcome.bundle)}" if outcome.bundle else ""))
    for each in outcome.waits:
        _say(f"  {each}")
    for note in outcome.notes:
        _say(f"  {note}")
    if outcome.met is not None:
        sys.stderr.write(f"{outcome.met}\n")


def _tell_boot(met: Boot) -> None:
    if met.reason:
        _say(f"{_SAID[Came.ROLLED_BACK]} {met.reason}.")
    elif met.failing:
        _say(f"Not up: {', '.join(met.failing)}.")
    else:
        _say("All ECUs are up." + (" The new software is confirmed." if met.over else ""))


def _names(images: Mapping[str, Installed]) -> str:
    return ", ".join(sorted({f"{image.release} {image.version}" for image in images.values()}))


def _status_json(vehicle: Vehicle, state: State) -> dict[str, Any]:
    under_way = None
    if state.bundle is not None:
        under_way = {
            "director": state.bundle.director,
            "images": {serial: installed_json(image) for serial, image in state.bundle.images.items()},
            "staged": sorted(state.staged),
            "starts_left": state.boots,
        }
    return {
        "vehicle": vehicle.id,
        "model": vehicle.model,
        "market": vehicle.market,
        "phase": state.phase,
        "on_trial": state.phase is Phase.ON_TRIAL,
        "ecus": {
            serial: {
                "role": ecu.role,
                "hardware": ecu.hardware,
                "slot": state.slot(serial),
                "installed": installed_json(ecu.installed) if ecu.installed else None,
            }
            for serial, ecu in vehicle.ecus.items()
        },
        "under_way": under_way,
        "rolled_back": {"director": state.failed.director, "reason": state.failed.reason} if state.failed else None,
    }


def _image(given: str) -> tuple[str, Path]:
    serial, equals, file = given.rpartition("=")
    if not equals or not serial or not file:
        raise InputError("--image", given, "is not ECU=FILE")
    return serial, Path(file)


def _file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise InputError(str(path), "", "is not there") from None


def _now() -> datetime:
    """By the clock of this machine: at provisioning it is trusted, and never after."""
    return datetime.now(UTC)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
