"""GAC and Huawei develop the AH8 together; SERES is Huawei's partner elsewhere and has nothing to see here."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from small_alliance import document, draft, found, noon, programme, propose, sign

from marque.alliance.access import DUTIES, Area
from marque.common import new_id
from marque.foundation import Actor, Database

RD = "research-and-development"
SHARED, OPEN = {"gac": "leads", "huawei": "co-decides"}, {"gac": "all", "huawei": "all"}
SUPPLIED, CLOSED = {"gac": "leads", "huawei": "supplies"}, {"gac": "all", "huawei": "own"}


@dataclass
class Joint:
    """Who is there; and what changes their agreement."""

    database: Database
    people: dict[str, UUID]
    agreement: UUID
    programme: UUID
    digests: list[str] = field(default_factory=list)

    def area(self, process: str = RD) -> Area:
        return Area("gac", self.programme, process)

    def acting(self, organisation: str):
        return self.database.transaction(Actor(organisation, self.people[organisation], "test"))

    def agree(self, effective: date, matrix: dict[str, dict[str, str]], sight: dict[str, dict[str, str]], **more: object) -> int:
        """The next revision, signed by both now."""
        number = len(self.digests) + 1
        previous = self.digests[-1] if self.digests else ""
        text = document(self.agreement, number, previous, effective, matrix, sight, **more)
        self.digests.append(propose(self.database, "gac", self.agreement, number, text))
        for one in ("gac", "huawei"):
            sign(self.database, "gac", self.agreement, number, one, self.people[one])
        return number

    def change(self, effective: date, *clauses: tuple[str, str], decisions: str = "old", role=None, sight=None) -> int:
        """Huawei becomes a supplier of research and development; clauses: (organisation, what)."""
        listed = [{"process": RD, "organisation": organisation, "what": what} for organisation, what in clauses]
        transition = {"clauses": listed, "open-decisions": decisions}
        return self.agree(effective, {RD: role or SUPPLIED}, {RD: sight or CLOSED}, transition=transition)


def join(database: Database, owner_dsn: str) -> Joint:
    """Founded on 1 June 2021, in force since 1 July; the clock stands at noon of 1 March 2022."""
    people = found(owner_dsn, gac="carmaker", huawei="technology", seres="carmaker")
    database.clock.set(noon(2021, 6, 1))
    for code, person in people.items():
        with database.transaction(Actor(code)) as tx:
            tx.execute(
                "insert into alliance.person (organisation, id, name, email, duties, created_at) values (%s, %s, %s, %s, %s, %s)",
                (code, person, f"Somebody of {code}", f"somebody@{code}.example", list(DUTIES), tx.now),
            )
    agreement = draft(database, "gac")
    joint = Joint(database, people, agreement, programme(database, "gac", agreement, "AH8"))
    joint.agree(date(2021, 7, 1), {RD: SHARED}, {RD: OPEN})
    database.clock.set(noon(2022, 3, 1))
    return joint


def colleague(joint: Joint, organisation: str, *duties: str) -> UUID:
    """Another person of an organisation."""
    made = new_id()
    with joint.database.transaction(Actor(organisation)) as tx:
        tx.execute(
            "insert into alliance.person (organisation, id, name, email, duties, created_at) values (%s, %s, 'Another', %s, %s, %s)",
            (organisation, made, f"{made}@{organisation}.example", list(duties), tx.now),
        )
    return made
