"""From the question what is new to the report of what came of it: one pass, which any number of cuts and refusals may end early.

    finish a trial → poll → time → roots, metadata, full verification → secondaries verify on their own → download, stage
    → verify again → consent and safe state → switch → start → confirm or roll back → report

Nothing is installed on the strength of an earlier pass: each verifies anew what it switches to. What was downloaded and staged stays.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from marque.car import staging
from marque.car.attacks import Attack, UpdateRefused
from marque.car.folder import Car
from marque.car.handed import Handed
from marque.car.install import downloads
from marque.car.install.bundle import Boot, Installer, NotStaged
from marque.car.install.conditions import Situation, Unmet, unmet
from marque.car.install.slots import Bundle, Phase, Slot, place
from marque.car.install.storage import replace as replace_file
from marque.car.link import Link, Poll
from marque.car.reporting import CONSENT, Reporter
from marque.car.tuf.client import Client
from marque.car.tuf.model import Withdrawal
from marque.car.uptane import full
from marque.car.uptane.director import Director
from marque.car.uptane.keeping import trial
from marque.car.uptane.matching import DIRECTOR, IMAGE
from marque.car.uptane.partial import Secondary
from marque.car.uptane.plan import Plan
from marque.car.uptane.reports import Met, State
from marque.car.uptane.vehicle import Installed, Vehicle
from marque.common import Unavailable

Start = Callable[[Mapping[str, Slot]], Collection[str]]
"""Starts every ECU from the slot that is said, and answers with the serials that did not come up."""

VERIFIED_FOR: Final = timedelta(minutes=5)
"""How long before a switch the last verification may lie: a download takes hours, and evidence may be withdrawn meanwhile."""
_START_WITHIN_S: Final = 300.0


@dataclass(frozen=True)
class Outcome:
    """What a pass came to. bundle: what it was about, by the ECUs' serials; empty: nothing. notes: sentences.

    met: why it was refused. waits: what stands against the switch. after_s: when the server wants to be asked again.
    """

    state: State
    bundle: Mapping[str, Installed] = field(default_factory=dict)
    waits: tuple[Unmet, ...] = ()
    notes: tuple[str, ...] = ()
    met: UpdateRefused | None = None
    consented: datetime | None = None
    after_s: float | None = None


@dataclass(frozen=True)
class _Verified:
    """consistent: targets carry their hash in their names. at: when it was verified. warnings: on what runs, a sentence each."""

    plan: Plan
    consistent: bool
    at: datetime
    warnings: tuple[str, ...]

    @property
    def bundle(self) -> Bundle:
        return Bundle({step.ecu: step.installed for step in self.plan.steps}, self.plan.director_version)


class Updater:
    """car: its folder. link: to the server. start: how ECUs are started; None: by the command of the car's settings."""

    def __init__(self, car: Car, link: Link, *, start: Start | None = None) -> None:
        self._car, self._link = car, link
        self._settings = car.settings()
        self._start = start or (lambda slots: started_by(self._settings.start, car, slots))
        self._time = car.time()
        self._reporter = Reporter(car, link)
        self._damaged: frozenset[str] = frozenset()
        self._nothing_new: tuple[Mapping[str, int], Mapping[str, int], datetime] | None = None

    def once(self, situation: Situation | Callable[[], Situation], *, agrees: bool = False, repair: bool = False) -> Outcome:
        """One pass. situation: of the car, or what tells it at the instant of the switch; a download lies between the two. agrees: its user
        agrees to what this pass finds. repair: what is damaged on the disk is installed again, if the director still wants it. Unavailable
        when the server is not heard.

        A refusal is an outcome and no exception: it is reported, and what runs goes on running.
        """
        with self._car.alone() as installer:
            notes = self._finish(installer)
            if repair:
                self._damaged, self._nothing_new = installer.damaged(), None
                notes += tuple(f"The image of {serial} is damaged." for serial in sorted(self._damaged))
            try:
                poll = self._link.poll(self._time.nonce())
            except UpdateRefused as refused:  # without the answer there is no nonce to report it under
                return Outcome(State.REFUSED, notes=notes, met=refused)
            try:
                outcome = self._pass(installer, poll, situation, agrees=agrees)
            except UpdateRefused as refused:
                outcome = Outcome(State.REFUSED, met=refused)
            except (Unavailable, NotStaged, OSError) as fault:
                outcome = Outcome(State.FAILED, notes=(str(fault),))
            self._time.keep()
            outcome = replace(outcome, notes=(*notes, *outcome.notes), after_s=poll.after_s)
            return self._report(installer, poll, outcome)

    def boot(self) -> Boot:
        """What the boot loader does at each start of the car."""
        with self._car.alone() as installer:
            return self._boot(installer)

    def _boot(self, installer: Installer) -> Boot:
        met = installer.boot(self._start)
        if met.over:
            self._damaged = frozenset()
            downloads.keep_only(self._car.storage, frozenset())
            if not met.reason:
                self._reporter.begin_road()
        return met

    def _try(self, installer: Installer) -> Boot:
        while not (met := self._boot(installer)).over:
            pass
        return met

    def _finish(self, installer: Installer) -> tuple[str, ...]:
        """A trial that was interrupted, to its end."""
        if installer.state.phase is not Phase.ON_TRIAL:
            return ()
        met = self._try(installer)
        return (f"An update was rolled back: {met.reason}.",) if met.reason else ("An update that was interrupted is installed now.",)

    def _pass(self, installer: Installer, poll: Poll, situation: Situation | Callable[[], Situation], *, agrees: bool) -> Outcome:
        if poll.time is None:
            raise UpdateRefused(
                Attack.MISSING, DIRECTOR, "time", "does not come with the answer to the poll", "The server has to attest the time."
            )
        attestation: bytes | None = poll.time
        if self._nothing_new is not None and self._nothing_new[:2] == (poll.director, poll.image) and installer.state.phase is Phase.STEADY:
            attestation = None
            director = Director(self._car.path / "metadata" / DIRECTOR, self._vehicle(installer).id)
            if self._time.learn(poll.time, director.root) < self._nothing_new[2]:
                return Outcome(State.CURRENT)
        verified = self._verify(installer, attestation)
        if not verified.plan:
            installer.abandon("the director wants it no longer")
            self._nothing_new = poll.director, poll.image, verified.plan.expires
            return Outcome(State.CURRENT, notes=verified.warnings)
        bundle, failed = verified.bundle, installer.state.failed
        if failed is not None and failed.bundle == bundle.id and failed.director >= bundle.director:
            return Outcome(
                State.ROLLED_BACK, bundle.images, notes=(f"It is not tried again before it is asked for anew: {failed.reason}.",)
            )
        installer.begin(bundle)
        vehicle = self._vehicle(installer)
        notes = staging.stage(installer, self._car.storage, self._link.targets, verified.plan, vehicle, consistent=verified.consistent)
        if (
            self._time.now() >= min(verified.at + VERIFIED_FOR, verified.plan.expires)
            and self._verify(installer, None).bundle.id != bundle.id
        ):
            return Outcome(State.WAITING, bundle.images, notes=(*notes, "What is wanted has changed meanwhile; the next pass takes it up."))
        switched = self._switch(installer, bundle, situation() if callable(situation) else situation, agrees=agrees)
        warnings = () if switched.state is State.INSTALLED else verified.warnings
        return replace(switched, notes=(*notes, *switched.notes, *warnings))

    def _vehicle(self, installer: Installer) -> Vehicle:
        return self._car.vehicle(installer.state, self._damaged)

    def _verify(self, installer: Installer, attestation: bytes | None) -> _Verified:
        vehicle = self._vehicle(installer)
        with trial(self._car.path / "metadata") as trusted:
            director = Director(trusted / DIRECTOR, vehicle.id)
            root = director.update_root(self._link.director)
            if attestation is not None:
                self._time.learn(attestation, root)
            now = self._time.now()
            director.poll(self._link.director, now)
            image = Client(trusted / IMAGE, self._link.image, now)
            image.refresh()
            plan = full.verify(vehicle, director, image, now)
            handed = Handed(trusted / DIRECTOR, self._link.director), Handed(trusted / IMAGE, self._link.image)
            for step in plan.steps:
                if not vehicle.ecus[step.ecu].primary:
                    own = Secondary(self._car.trust(step.ecu), step.ecu, vehicle).verify(*handed, now)
                    if own is None or own.target != step.target:
                        raise UpdateRefused(Attack.MIX_AND_MATCH, DIRECTOR, step.target.path, f"is not what {step.ecu} was told itself")
            warnings = tuple(_withdrawn(vehicle, image.withdrawn()))
            return _Verified(plan, image.trusted.root.said.consistent_snapshot, now, warnings)

    def _switch(self, installer: Installer, bundle: Bundle, situation: Situation, *, agrees: bool) -> Outcome:
        now = self._time.now()
        consented = self._consented(bundle, now, agrees=agrees)
        waits = unmet(self._settings.terms, replace(situation, consented=consented), now)
        if waits:
            return Outcome(State.WAITING, bundle.images, waits, consented=consented)
        installer.commit()
        met = self._try(installer)
        if met.reason:
            return Outcome(State.ROLLED_BACK, bundle.images, notes=(f"It was rolled back: {met.reason}.",), consented=consented)
        return Outcome(State.INSTALLED, bundle.images, consented=consented)

    def _consented(self, bundle: Bundle, now: datetime, *, agrees: bool) -> datetime | None:
        """When the user agreed to this bundle: to no other."""
        kept = self._car.kept(CONSENT)
        if kept.get("bundle") == bundle.id:
            with suppress(ValueError, TypeError, KeyError):
                return datetime.fromisoformat(kept["at"])
        if not agrees:
            return None
        said = {"bundle": bundle.id, "at": now.isoformat(), "images": {serial: image.sha256 for serial, image in bundle.images.items()}}
        replace_file(self._car.storage, f"{CONSENT}.json", json.dumps(said).encode())
        return now

    def _report(self, installer: Installer, poll: Poll, outcome: Outcome) -> Outcome:
        met = Met.of(outcome.met) if outcome.met is not None else None
        try:
            self._reporter.tell(installer.state, poll.nonce, self._time.now(), outcome.state, met, outcome.consented)
        except (Unavailable, UpdateRefused) as fault:
            return replace(outcome, notes=(*outcome.notes, f"It is not reported yet. {fault}"))
        return outcome


def _withdrawn(vehicle: Vehicle, withdrawn: Mapping[str, Withdrawal]) -> Iterator[str]:
    """Sentences on ECUs that run what nobody stands for any more: nothing is installed on it, and the user has to know."""
    for serial, ecu in sorted(vehicle.ecus.items()):
        if ecu.installed is not None and ecu.installed.evidence in withdrawn:
            why = withdrawn[ecu.installed.evidence]
            yield f"{serial} runs {ecu.installed.release} {ecu.installed.version}, whose evidence {why.by} withdrew: {why.reason}."


def started_by(command: tuple[str, ...], car: Car, slots: Mapping[str, Slot]) -> Collection[str]:
    """Start every ECU by a command, `command… SERIAL FILE`; those where it failed or took longer than five minutes."""
    return [serial for serial, slot in slots.items() if command and not _comes_up((*command, serial, str(car.path / place(serial, slot))))]


def _comes_up(command: tuple[str, ...]) -> bool:
    try:
        return subprocess.run(command, check=False, timeout=_START_WITHIN_S).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False
