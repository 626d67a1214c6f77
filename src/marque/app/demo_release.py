"""The demonstration's releases: a repository that two invented companies begin, evidence that is really driven, and three releases.

1.0.0 is published and rolled out, 1.1.0 is on its way into simulated cars (`demo_cars`), 1.2.0 waits for the partner's signatures.
Taken up where it was interrupted: what is there already stays.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import psycopg
import structlog
from psycopg.errors import Error as DatabaseError

from marque.alliance import decisions
from marque.app import demo_evidence, demo_people
from marque.app.demo_cars import Fleet, register, update
from marque.app.demo_evidence import MODEL, PRODUCT, Driven
from marque.app.demo_people import Manager, site_of
from marque.app.platform import Platform
from marque.common import MarqueError
from marque.foundation import Actor
from marque.release import releases, repositories, signatures
from marque.release.model import Change, Draft, Release, Stage, State
from marque.release.repository import signed_files
from marque.release.repository.keys import FileSigner
from marque.release.rollouts import service as rollouts
from marque.release.rollouts.model import FieldLimits, Filing, Group, Plan, Rollout, Thresholds

CARMAKER, PARTNER, PROGRAMME = "linjiang", "zhibei", "CV"
MARKETS = ("cn", "de")
HARDWARE = {"gateway": "gateway-1", "pilot": "pilot-computer-2"}
"""Hardware ids by ECU role."""
IMAGE_BYTES = 96 * 1024
_VERSIONS = {
    "1.0.0": "What the first cars were delivered with.",
    "1.1.0": "Keeps more distance behind lorries.",
    "1.2.0": "Brakes earlier where a child may run.",
}
_FIRST, _RUNNING = Thresholds(success=0.9, error=0.2, reported=0.5, least=4), Thresholds(success=0.9, error=0.1, reported=0.7, least=8)
_AGAIN = timedelta(minutes=1)
_ROAD = FieldLimits(disengagements=5.0, minimal_risk=2.0, least_km=20.0)
_log = structlog.get_logger("marque.demonstration")
Drive = Callable[[Platform, Path, tuple[str, ...]], Driven]


def furnish(platform: Platform, drive: Drive = demo_evidence.drive) -> Fleet | None:
    """Into the demonstration's programme, after `demo_line.furnish`; the fleet whose cars go on reporting.

    Whatever goes wrong is left for the next start. None where there is no such programme: the installation is somebody's own.
    """
    try:
        programme = _programme(platform)
        if programme is None:
            return None
        managers = {code: demo_people.equip(platform, code) for code in (CARMAKER, PARTNER)}
        return _Companies(platform, programme, managers).furnish(drive)
    except (MarqueError, DatabaseError) as fault:
        _log.warning("demonstration-interrupted", fault=str(fault))
        return None


def _programme(platform: Platform) -> UUID | None:
    with psycopg.connect(platform.addresses.owner) as owner:
        there = owner.execute("select 1 from alliance.organisation where organisation = %s", (PARTNER,)).fetchone()
    if there is None:
        return None
    with platform.database.transaction(_nobody_of(CARMAKER)) as tx:
        found: UUID | None = tx.value("select id from alliance.programme where organisation = %s and code = %s", (CARMAKER, PROGRAMME))
    return found


def _nobody_of(organisation: str) -> Actor:
    return Actor(organisation, purpose="demonstration")


@dataclass(frozen=True)
class _Companies:
    platform: Platform
    programme: UUID
    managers: dict[str, list[Manager]]

    @property
    def of(self) -> tuple[str, UUID]:
        return CARMAKER, self.programme

    def furnish(self, drive: Drive) -> Fleet:
        self._repository()
        there = {version: self._drafted(version) for version in _VERSIONS}
        fleet = register(self.platform, self.managers[CARMAKER][0], self.programme, MODEL, MARKETS, HARDWARE)
        lacking = [one for one in there.values() if one.evidence is None]
        if lacking:
            with tempfile.TemporaryDirectory(prefix="marque-demonstration-") as folder:
                driven = drive(self.platform, Path(folder), (CARMAKER, PARTNER))
                for one in there.values():
                    if one.evidence is None:
                        there[one.version] = self._proven(one, driven, Path(folder))
        there["1.0.0"] = self._published(there["1.0.0"])
        first = self._rolled_out(there["1.0.0"], "First deliveries", [
            Group(name="Test fleet", percent=10.0, soak=timedelta(), thresholds=_FIRST, consent=False),
            Group(name="Everybody", soak=timedelta(), thresholds=_FIRST, consent=False),
        ])  # fmt: skip
        if first is not None:
            self._finish(fleet, first, there["1.0.0"])
        there["1.1.0"] = self._published(there["1.1.0"])
        self._rolled_out(there["1.1.0"], "Longer distances", [
            Group(name="Test fleet", percent=5.0, soak=timedelta(minutes=2), thresholds=_FIRST, road=_ROAD, retry_after=_AGAIN),
            Group(name="First customers", percent=25.0, soak=timedelta(minutes=4), thresholds=_RUNNING, road=_ROAD, retry_after=_AGAIN),
            Group(name="Everybody", soak=timedelta(minutes=4), thresholds=_RUNNING, road=_ROAD, retry_after=_AGAIN),
        ])  # fmt: skip
        self._waits_for_the_partner(there["1.2.0"])
        return fleet

    def _repository(self) -> None:
        platform = self.platform
        for code, managers in self.managers.items():
            with platform.database.transaction(managers[0].actor) as tx:
                if not any(one.organisation == code for one in repositories.state(tx, *self.of).named):
                    repositories.name_keys(tx, platform.party, *self.of, [FileSigner(one.key, code).key.id for one in managers])
        with platform.database.transaction(self.managers[CARMAKER][0].actor) as tx:
            state = repositories.state(tx, *self.of)
            if state.begun:
                return
            change = state.pending or repositories.begin(tx, platform.online, *self.of, {MODEL: sorted(HARDWARE.values())})
        self._sign(change.id, self.managers[CARMAKER] + self.managers[PARTNER])

    def _sign(self, change: UUID, people: list[Manager]) -> Change:
        """By these, as far as their organisations are still waited for."""
        platform = self.platform
        for person in people:
            with platform.database.transaction(person.actor) as tx:
                mine = signatures.to_sign(tx, change)
            for document in mine:
                with platform.database.transaction(person.actor) as tx:
                    now = signatures.change(tx, change)
                    lacks = next(one.lacks for one in now.documents if one.id == document.id)
                    if now.state is not State.OPEN or person.organisation not in lacks:
                        continue
                    signer = FileSigner(person.key, person.organisation)
                    file = signed_files.dumps(document.payload, signer)
                    asked = signatures.begin_signing(tx, platform.party, document.id, file)
                answer = person.device.get(asked.options, site_of(platform.party))
                with platform.database.transaction(person.actor) as tx:
                    value = signer.sign(document.payload).hex()
                    signatures.finish_signing(tx, platform.party, platform.online, document.id, asked.challenge, answer, value)
        with platform.database.transaction(people[0].actor) as tx:
            return signatures.change(tx, change)

    def _drafted(self, version: str) -> Release:
        """By the partner, whose software it is. Its digest is known before it is driven: it is that of the code that is here."""
        platform, who = self.platform, self.managers[PARTNER][0]
        with platform.database.transaction(who.actor) as tx:
            found = next((one for one in releases.page(tx, *self.of) if (one.name, one.version) == (PRODUCT, version)), None)
            if found is None:
                said = Draft(
                    name=PRODUCT, version=version, digest=demo_evidence.digest_here(version), model=MODEL, markets=MARKETS,
                    rxswin={"UN R157": f"R157-CV-{version.partition('.')[2]}"}, note=_VERSIONS[version],
                )  # fmt: skip
                found = releases.draft(tx, *self.of, said)
        for role, hardware in HARDWARE.items():
            if not any(one.role == role for one in found.images):
                with platform.database.transaction(who.actor) as tx:
                    found = releases.add_image(tx, platform.blobs, found.id, f"{role}.img", role, [hardware], image(role, version))
        return found

    def _proven(self, release: Release, driven: Driven, folder: Path) -> Release:
        sequence = list(_VERSIONS).index(release.version) + 1
        file = demo_evidence.sealed(self.platform, driven, folder / release.version, release.version, sequence, self.managers)
        with self.platform.database.transaction(self.managers[PARTNER][0].actor) as tx:
            return releases.attach_evidence(tx, self.platform.blobs, self.platform.party, release.id, file)

    def _published(self, release: Release) -> Release:
        if release.stage in {Stage.PROVEN, Stage.SIGNING}:
            self._sign(self._asked(release), self.managers[PARTNER] + self.managers[CARMAKER])
        with self.platform.database.transaction(self.managers[PARTNER][0].actor) as tx:
            return releases.one(tx, release.id)

    def _asked(self, release: Release) -> UUID:
        if release.change is not None and release.stage is Stage.SIGNING:
            return release.change
        with self.platform.database.transaction(self.managers[PARTNER][0].actor) as tx:
            return releases.ask_signatures(tx, release.id).id

    def _waits_for_the_partner(self, release: Release) -> None:
        """The technology company's people have signed; the carmaker's are waited for."""
        if release.stage in {Stage.PROVEN, Stage.SIGNING}:
            self._sign(self._asked(release), self.managers[PARTNER])

    def _filed(self, release: Release) -> None:
        with self.platform.database.transaction(self.managers[CARMAKER][0].actor) as tx:
            known = rollouts.filings(tx, *self.of, release.id)
            for market, state in zip(MARKETS, (Filing.FILED, Filing.APPROVED), strict=True):
                if market not in known:
                    rollouts.file(tx, *self.of, release.id, market, state, reference=f"{market.upper()}-{release.version} (invented)")

    def _rolled_out(self, release: Release, name: str, groups: list[Group]) -> Rollout | None:
        """Filed, drafted by the carmaker, whose cars they are, approved by both. None: a newer release has come before it was."""
        platform = self.platform
        if release.stage is Stage.PUBLISHED:
            self._filed(release)
        with platform.database.transaction(self.managers[CARMAKER][0].actor) as tx:
            found = next((one for one in rollouts.page(tx, *self.of) if one.release == release.id), None)
            if found is None and release.stage is not Stage.PUBLISHED:
                return None
            if found is None:
                found = rollouts.launch(tx, rollouts.draft(tx, *self.of, Plan(name=name, release=release.id, groups=tuple(groups))).id)
        if found.decision is not None:
            with platform.database.transaction(self.managers[PARTNER][0].actor) as tx:
                if PARTNER in decisions.one(tx, found.decision).waited_for():
                    decisions.approve(tx, found.decision)
        with platform.database.transaction(_nobody_of(CARMAKER)) as tx:
            return rollouts.advance(tx, found.id)

    def _finish(self, fleet: Fleet, rollout: Rollout, release: Release) -> None:
        """Every car of the fleet has the first release: it was delivered with it."""
        while not rollout.state.over:
            if not update(self.platform, fleet, fleet.cars, release):
                break
            with self.platform.database.transaction(_nobody_of(CARMAKER)) as tx:
                rollout = rollouts.advance(tx, rollout.id)


def image(role: str, version: str) -> bytes:
    """Bytes to install: invented, and the same everywhere."""
    piece = b"".join(hashlib.sha256(f"{role} {number}".encode()).digest() for number in range(IMAGE_BYTES // 32))
    return f"Marque demonstration: {role} {version}\n".encode() + piece
