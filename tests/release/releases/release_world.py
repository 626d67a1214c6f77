"""Two companies with release managers who can sign for real, and a programme whose repository they begin, in a real database."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID

sys.path.insert(0, str(Path(__file__).parents[2] / "alliance"))
sys.path.insert(0, str(Path(__file__).parents[2] / "proof"))

from sealed_world import CELLS, INPUTS, NOW, World, packed, run_line, sha
from signatories import PARTY, Companies, Person, a_draft, companies

from marque.alliance import agreements, keys
from marque.alliance.model import Transition
from marque.foundation import Actor, Database, Transaction
from marque.foundation.blobs import BlobStore, store_at
from marque.foundation.embedded import Addresses
from marque.proof.evidence import Policy, Verdict
from marque.release import releases, repositories, signatures
from marque.release.model import Change, Document, Draft, Release, State
from marque.release.online_keys import OnlineKeys
from marque.release.repository import signed_files
from marque.release.repository.keys import FileSigner

__all__ = ["CELLS", "DAY", "NOW", "PARTY", "Releasing", "releasing", "sha"]
DAY = timedelta(days=1)
MODELS = {"vela": ("compute-2", "gateway-1")}
PASSED = tuple(Verdict("vela", cell, "PASSED") for cell in CELLS)
RUNS = b"".join(run_line(case, "passed", CELLS[case % 3]) for case in range(9))


@dataclass
class Releasing:
    """gac leads, huawei co-decides; each has three release managers, of whom two have to sign, and an engineer."""

    companies: Companies
    programme: UUID
    agreement: UUID
    blobs: BlobStore
    online: OnlineKeys
    managers: dict[str, list[Person]] = field(default_factory=dict)
    engineers: dict[str, Person] = field(default_factory=dict)
    addresses: Addresses | None = None

    @property
    def database(self) -> Database:
        return self.companies.database

    def acting(self, who: str | Person) -> AbstractContextManager[Transaction]:
        """A person, or an organisation's first release manager."""
        person = self.managers[who][0] if isinstance(who, str) else who
        return self.database.transaction(person.actor)

    def served_to(self, organisation: str = "gac") -> AbstractContextManager[Transaction]:
        """As the server acts for a car: an organisation, and nobody of it."""
        return self.database.transaction(Actor(organisation, None, "car A1"))

    def elsewhere(self, database: Database, addresses: Addresses) -> Releasing:
        """The same world in a copy of its database: devices count as they did when it was copied."""

        def again(person: Person) -> Person:
            return replace(person, device=replace(person.device))

        people = {one: again(person) for one, person in self.companies.people.items()}
        there = Companies(database, addresses.owner, people)
        managers = {one: [again(each) for each in listed] for one, listed in self.managers.items()}
        engineers = {one: again(each) for one, each in self.engineers.items()}
        return replace(self, companies=there, managers=managers, engineers=engineers, addresses=addresses)

    def later(self, **step: float) -> None:
        self.companies.later(**step)

    def name_keys(self, organisation: str, people: Iterable[Person] | None = None) -> None:
        chosen = list(people or self.managers[organisation])
        with self.acting(chosen[0]) as tx:
            ids = [one.id for person in chosen for one in keys.keys_of(tx, organisation, tx.now) if one.person == person.id]
            repositories.name_keys(tx, PARTY, "gac", self.programme, ids)

    def file(self, document: Document, person: Person) -> bytes:
        """What `marque release sign` writes."""
        return signed_files.dumps(document.payload, FileSigner(person.key, person.organisation))

    def sign(self, document: Document, person: Person) -> Change:
        """Key and passkey, as the console asks for them."""
        file = self.file(document, person)
        with self.acting(person) as tx:
            asked = signatures.begin_signing(tx, PARTY, document.id, file)
        answer = person.device.get(asked.options)
        value = person.key.sign(document.payload).hex()
        with self.acting(person) as tx:
            return signatures.finish_signing(tx, PARTY, self.online, document.id, asked.challenge, answer, value)

    def sign_all(self, change: Change, people: Iterable[Person] | None = None) -> Change:
        """Everybody signs what still lacks them, until it is in force."""
        for person in people or [one for managers in self.managers.values() for one in managers]:
            with self.acting(person) as tx:
                mine = signatures.to_sign(tx, change.id)
            for document in mine:
                with self.acting(person) as tx:
                    now = signatures.change(tx, change.id)
                if now.state is State.OPEN and person.organisation in next(one for one in now.documents if one.id == document.id).lacks:
                    change = self.sign(document, person)
        with self.acting("gac") as tx:
            return signatures.change(tx, change.id)

    def begin(self, models: Mapping[str, tuple[str, ...]] = MODELS) -> Change:
        """The repository, in force."""
        for organisation in self.managers:
            self.name_keys(organisation)
        with self.acting("gac") as tx:
            change = repositories.begin(tx, self.online, "gac", self.programme, models)
        return self.sign_all(change)

    def evidence(self, version: str = "1.2.0", **other: object) -> World:
        """Whose `sealed` is a file. Signed by the first release managers, whose keys are enrolled."""
        with self.acting("gac") as tx:
            ours = keys.directory(tx, PARTY).dumps()
        with self.acting("huawei") as tx:
            theirs = keys.directory(tx, PARTY).dumps()
        li, wang = self.managers["gac"][0].key, self.managers["huawei"][0].key
        policy = Policy(("gac", "huawei"), NOW - 10 * DAY, NOW + 90 * DAY, {"alks": sha("suite/alks")}, {}, {"confidence": 0.95})
        said = {
            "policy": policy, "policy_keys": (li, wang), "run_keys": (wang,), "summary_keys": (li, wang), "version": version, "runs": RUNS,
            "directories": {"gac": ours, "huawei": theirs}, "verdicts": PASSED,
        }  # fmt: skip
        return World(**(said | other))

    def said(self, version: str = "1.2.0", **other: object) -> Draft:
        made = World(version=version, inputs=INPUTS)
        given = {"name": "pilot", "version": version, "digest": made.release, "model": "vela", "markets": ("cn", "de"),
                 "rxswin": {"R157": f"R157 {version}"}, "requires": {"gateway": 1}, "conflicts": {"cockpit": (3, 4)}}  # fmt: skip
        return Draft(**(given | other))

    def drafted(self, version: str = "1.2.0", by: str = "gac", images: Mapping[str, bytes] | None = None, **other: object) -> Release:
        """With images for two ECU roles."""
        with self.acting(self.engineers[by]) as tx:
            release = releases.draft(tx, "gac", self.programme, self.said(version, **other))
            for role, content in (images or {"driving": f"driving {version}".encode(), "gateway": f"gateway {version}".encode()}).items():
                hardware = ("compute-2",) if role == "driving" else ("gateway-1",)
                release = releases.add_image(tx, self.blobs, release.id, f"{role}.img", role, hardware, content)
        return release

    def attach(self, release: Release, world: World | None = None, who: str | Person = "gac", **other: object) -> Release:
        sealed = packed((world or self.evidence(release.version, **other)).parts())
        with self.acting(who) as tx:
            return releases.attach_evidence(tx, self.blobs, PARTY, release.id, sealed)

    def asked(self, release: Release, by: str = "gac") -> Change:
        with self.acting(by) as tx:
            return releases.ask_signatures(tx, release.id)

    def published(self, version: str = "1.2.0", sequence: int = 7, **other: object) -> Release:
        release = self.attach(self.drafted(version, **other), sequence=sequence)
        self.sign_all(self.asked(release))
        return self.one(release.id)

    def one(self, release: UUID, who: str = "gac") -> Release:
        with self.acting(who) as tx:
            return releases.one(tx, release)

    def adopt(self, effective: date, mode: str, transition: Transition = Transition()) -> None:  # noqa: B008  frozen
        """The next revision of the agreement, signed by both."""
        self.companies.agreed(self.agreement, a_draft(self.agreement, effective, mode, transition=transition))


def releasing(database: Database, owner_dsn: str, folder: Path, mode: str = "balanced") -> Releasing:
    """In force since July 2021; the clock stands at noon of 28 November 2026."""
    there = companies(database, owner_dsn)
    agreement = there.draft()
    with there.acting("gac") as tx:
        programme = agreements.found_programme(tx, "gac", agreement, "AH8", "AH8").id
    there.agreed(agreement, a_draft(agreement, date(2021, 7, 1), mode))
    there.at(2026, 10, 2)
    for organisation in ("gac", "huawei"):  # the first ones' keys have expired by now
        there.people[organisation] = there.appoint(organisation, "product", "signatory", name="successor")
    made = Releasing(there, programme, agreement, store_at(str(folder / "blobs")), OnlineKeys(folder / "keys"))
    for organisation in ("gac", "huawei"):
        made.managers[organisation] = [there.appoint(organisation, "release-manager", name=f"manager{n}") for n in (1, 2, 3)]
        made.engineers[organisation] = there.appoint(organisation, "engineer", name="engineer")
    database.clock.set(datetime(NOW.year, NOW.month, NOW.day, 12, tzinfo=UTC))
    return made
