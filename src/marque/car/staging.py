"""Images on their way into the slots: by the way that costs the fewest bytes and works."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from urllib.parse import quote

from marque.car.attacks import UpdateRefused
from marque.car.install import downloads
from marque.car.install.bundle import Installer, NotStaged
from marque.car.install.deltas import DeltaFailed, apply, worthwhile
from marque.car.install.storage import Storage
from marque.car.tuf.fetch import Fetcher
from marque.car.tuf.files import remote_path
from marque.car.uptane.claims import Delta
from marque.car.uptane.plan import Plan, Step
from marque.car.uptane.vehicle import Vehicle

_CHUNK: Final = 1 << 20


def stage(installer: Installer, storage: Storage, targets: Fetcher, plan: Plan, vehicle: Vehicle, *, consistent: bool) -> tuple[str, ...]:
    """Every image of the plan that is not in its slot yet. Answers with a sentence on each delta that was of no use.

    targets: of images and deltas by their remote paths. consistent: images carry their hash in their names there. UpdateRefused,
    `NotStaged`, `Full` and Unavailable; what was staged before stays.
    """
    notes: list[str] = []
    steps = {step.ecu: step for step in plan.steps}
    for serial in installer.lacks():
        step, ecu = steps[serial], vehicle.ecus[serial]
        base = ecu.installed.sha256 if ecu.installed is not None else ""
        for delta in worthwhile(step.target.length, step.deltas, base, ecu.methods):
            try:
                _by_delta(installer, storage, targets, step, delta)
                break
            except (DeltaFailed, NotStaged, UpdateRefused) as fault:
                notes.append(f"{serial}: the {delta.method} delta is of no use, the next way is taken. {fault}")
        else:
            _whole(installer, storage, targets, step, consistent=consistent)
        downloads.keep_only(storage, frozenset(downloads.place(steps[left].target.hashes["sha256"]) for left in installer.lacks()))
    return tuple(notes)


def _by_delta(installer: Installer, storage: Storage, targets: Fetcher, step: Step, delta: Delta) -> None:
    name = downloads.fetch(
        storage, targets, quote(delta.path), length=delta.length, sha256=delta.sha256, file=delta.path, repository="director"
    )
    patch, to = storage.read(name), step.target
    with installer.base(step.ecu) as base:
        installer.stage(step.ecu, lambda out: apply(delta.method, base, patch, out, length=to.length, sha256=to.hashes["sha256"]))


def _whole(installer: Installer, storage: Storage, targets: Fetcher, step: Step, *, consistent: bool) -> None:
    to = step.target
    remote = remote_path(to, consistent=consistent)
    name = downloads.fetch(storage, targets, remote, length=to.length, sha256=to.hashes["sha256"], file=to.path)

    def fill(out: Callable[[bytes], None]) -> None:
        for at in range(0, to.length, _CHUNK):
            out(storage.read(name, at, _CHUNK))

    installer.stage(step.ecu, fill)
