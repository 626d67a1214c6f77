"""Plays a row against a car: the release before it, the attack, the honest release after it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from attack_rows import LEFT, NOTHING, Row
from attack_wire import over_http, served
from attack_world import CODES, PILOT, ROLES, FullCar, PartialCar, after, by_name, first, in_memory

from marque.car.attacks import Attack, UpdateRefused
from marque.car.uptane.vehicle import read


@dataclass(frozen=True)
class Outcome:
    """told: the attack that was named, or LEFT or NOTHING. same: the car's folder and what it runs, byte for byte as before.

    recovered: the next honest update went in. place, problem: of the refusal.
    """

    told: Attack | str
    same: bool
    recovered: bool
    place: str = ""
    problem: str = ""


def play(row: Row, make: type[FullCar] | type[PartialCar], folder) -> Outcome:
    start = first()
    for _ in range(row.start - 1):
        start = after(start)
    if row.before:
        row.before(start)
    car = _with(start, make, folder, row)
    honest, before = after(start), car.state()
    attack = honest.changed()
    row.change(attack)
    place = problem = ""
    try:
        told = _told(_update(car, attack, row.wire), honest)
    except UpdateRefused as refused:
        told, place, problem = refused.attack, f"{refused.repository}/{refused.file}", refused.problem
    same = car.state() == before
    if told in (LEFT, NOTHING):
        _put_right(honest, attack)
    car.update(honest)
    return Outcome(told, same, car.vehicle.ecus[PILOT].installed.counter == row.start + 1, place, problem)


def _with(start, make, folder, row):
    """A car that has that release; most rows begin with the same one."""
    known = (make, row.start, row.before)
    if known not in _CARS:
        car = make(folder, first())
        car.update(start)
        _CARS[known] = car.state()
        return car
    files, vehicle = _CARS[known]
    car = make(folder, first())
    for name, raw in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(raw)
    car.vehicle = read(vehicle)
    return car


_CARS: dict[tuple[object, ...], tuple[dict[str, bytes], bytes]] = {}


def _put_right(honest, attack):
    """What was taken of the attack's was validly signed: those who signed it number on from there."""
    for code, role in zip(CODES, ROLES, strict=True):
        if attack.said[role].version > honest.said[role].version:
            honest.said[role] = replace(honest.said[role], version=attack.said[role].version)
            honest.sign_role(code)
    honest.direct(version=max(honest.wanted.version, attack.wanted.version) + 1)


def _update(car, world, wire):
    if not wire:
        return car.update(world)
    metadata = world.image if isinstance(car, FullCar) else by_name(world)
    with served(wire, {"director": world.director, "image": metadata, "targets": world.files}) as address:
        car.reach = lambda _world, _metadata: over_http(address, wire)
        try:
            return car.update(world)
        finally:
            car.reach = in_memory


def _told(done, honest):
    """Of an update that was not refused. What was installed has to be what the honest release holds of it."""
    if done is None:
        return NOTHING
    assert done.installed.sha256 in {one.hashes["sha256"] for one in honest.wanted.targets.values()}
    return LEFT
