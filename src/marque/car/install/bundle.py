"""One bundle over several ECUs, from the first byte staged to the start that confirms it. Power may go at any instant.

Everything here reads the journal, does the next thing and writes that it is done, in this order: the record that a slot holds nothing comes
before its first byte; the record that it is staged after the image was read back from it; the one record that switches after every
slot was read back once more; the count of a start before the start. Whoever is started again, calls the same things again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final

from marque.car.install import records
from marque.car.install.journal import Journal
from marque.car.install.slots import (
    BOOTS,
    Abandoned,
    Begun,
    Booted,
    Bundle,
    Committed,
    Confirmed,
    Event,
    Phase,
    RolledBack,
    Slot,
    Slots,
    Staged,
    Standing,
    State,
    after,
    folder,
    place,
)
from marque.car.install.storage import Storage, folder_of, holds
from marque.car.uptane.vehicle import Installed
from marque.common import InputError, MarqueError

JOURNAL: Final = "journal"
_LONG_JOURNAL: Final = 256
"""Records after which a steady car's journal is shortened to one."""


class NotStaged(MarqueError):
    """What was written into the slot is not the image; the slot holds nothing, what runs is untouched."""


@dataclass(frozen=True)
class Boot:
    """What one start came to. running: by serial; failing: serials that did not come up; over: the trial ended with it."""

    running: Mapping[str, Installed]
    failing: tuple[str, ...]
    over: bool = False
    reason: str = ""


def look(storage: Storage) -> State:
    """What the journal says, without a right to change it: also while another process is at work."""
    state = _came_to(Journal(storage, JOURNAL))
    if state is None:
        raise _empty()
    return state


class Installer:
    """`state` is what the journal says. One process at a time."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._journal = Journal(storage, JOURNAL)
        self._state = _came_to(self._journal)
        self._journal.settle()

    @property
    def state(self) -> State:
        if self._state is None:
            raise _empty()
        return self._state

    def provision(self, ecus: Mapping[str, Slots]) -> None:
        """The first record. ecus: what lies in their slots already, by serial."""
        if self._state is not None:
            raise InputError("journal", "", "is there already", "A car is provisioned once; take another folder.")
        for serial in ecus:
            self._storage.make(f"ecus/{folder(serial)}")
        self._tell(Standing(ecus))

    def begin(self, bundle: Bundle) -> None:
        """Take up this bundle in the place of what was not committed. The same bundle again changes nothing."""
        state = self.state
        if state.bundle == bundle:
            return
        if state.phase is Phase.STEADY and len(self._journal.records) > _LONG_JOURNAL:
            self._journal.restart(records.written(Standing(state.ecus, state.failed)))
        self._tell(Begun(bundle))

    def lacks(self) -> tuple[str, ...]:
        """Serials whose images are not staged yet, sorted."""
        state = self.state
        return tuple(sorted(set(state.bundle.images) - state.staged)) if state.bundle is not None and state.boots is None else ()

    def stage(self, serial: str, fill: Callable[[Callable[[bytes], None]], None]) -> None:
        """Write an ECU's image into its other slot: `fill` is handed what takes the pieces. NotStaged when it was not the image."""
        state = self.state
        assert state.bundle is not None
        image, name = state.bundle.images[serial], place(serial, state.ecus[serial].active.other)
        at = 0

        def take(piece: bytes) -> None:
            nonlocal at
            if at + len(piece) > image.length:
                raise NotStaged(f"{serial}: more bytes came than the image has. The update is tried again.")
            self._storage.write(name, at, piece)
            at += len(piece)

        self._storage.remove(name)
        self._storage.write(name, 0, b"")
        fill(take)
        self._storage.sync(name)
        self._storage.sync_folder(folder_of(name))
        if not self._holds(name, image):
            raise NotStaged(f"{serial}: what lies in the slot is not the image that was signed. The update is tried again.")
        self._tell(Staged(serial))

    def commit(self, boots: int = BOOTS) -> None:
        """Switch all ECUs of the bundle. NotStaged when a slot does not hold its image any more: it has to be staged again."""
        state = self.state
        assert state.bundle is not None
        for serial, image in sorted(state.bundle.images.items()):
            if not self._holds(place(serial, state.ecus[serial].active.other), image):
                self._tell(Abandoned(f"{serial}: the slot was damaged after it was staged"))
                raise NotStaged(f"{serial}: what lies in the slot is not the image any more. The update is begun again.")
        self._tell(Committed(boots))

    def abandon(self, reason: str) -> None:
        """Give up what was not committed; nothing where there is no such bundle."""
        if self.state.bundle is not None and self.state.boots is None:
            self._tell(Abandoned(reason))

    def boot(self, start: Callable[[Mapping[str, Slot]], Collection[str]]) -> Boot:
        """Start the car once. `start` is told the slot of every ECU that has an image, and answers with those that did not come up.

        An ECU whose image is damaged is not started and did not come up. On trial, a start is counted before it is made; when the last one
        has failed, all ECUs of the bundle start from the old software again.
        """
        if self.state.boots == 0:
            self._tell(RolledBack("it did not come up"))
            return replace(self._start(start), over=True, reason=self._why())
        if self.state.boots is None:
            return self._start(start)
        self._tell(Booted())
        met = self._start(start)
        if not met.failing:
            self._tell(Confirmed())
            return replace(met, over=True)
        if self.state.boots:
            return met
        self._tell(RolledBack(f"{', '.join(met.failing)} did not come up"))
        return Boot(self.state.running(), met.failing, over=True, reason=self._why())

    def damaged(self) -> frozenset[str]:
        """Serials whose running image is not in its slot any more, byte for byte. Reads all of them."""
        state = self.state
        return frozenset(serial for serial, image in state.running().items() if not self._holds(place(serial, state.slot(serial)), image))

    @contextmanager
    def base(self, serial: str) -> Iterator[memoryview]:
        """The image that an ECU runs, to apply a delta to."""
        state = self.state
        with self._storage.view(place(serial, state.slot(serial))) as seen:
            yield seen

    def _start(self, start: Callable[[Mapping[str, Slot]], Collection[str]]) -> Boot:
        state = self.state
        running, damaged = state.running(), self.damaged()
        whole = {serial: state.slot(serial) for serial in running if serial not in damaged}
        return Boot(running, tuple(sorted((running.keys() - whole.keys()) | set(start(whole)))))

    def _why(self) -> str:
        failed = self.state.failed
        return failed.reason if failed is not None else ""

    def _tell(self, event: Event) -> None:
        state = after(self._state, event)
        self._journal.append(records.written(event))
        self._state = state

    def _holds(self, name: str, image: Installed) -> bool:
        return holds(self._storage, name, image.length, image.sha256)


def _came_to(journal: Journal) -> State | None:
    state: State | None = None
    for record in journal.records:
        state = after(state, records.read(record))
    return state


def _empty() -> InputError:
    return InputError(JOURNAL, "", "is empty", "Provision the car first: marque-car provision.")
