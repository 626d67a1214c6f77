"""Two companies that make a model line together, by any of the published modes, in a real database."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from datetime import date, datetime
from importlib import resources
from pathlib import Path
from uuid import UUID

sys.path.insert(0, str(Path(__file__).parents[2] / "alliance"))

from joint_development import Joint
from small_alliance import draft, found, noon, programme

from marque.alliance import decisions, transitions
from marque.alliance.access import DUTIES
from marque.common import new_id
from marque.foundation import Actor, Database
from marque.product import revisions
from marque.product.rules import Draft, Effectivity, Kind, Revision, Where

__all__ = ["Draft", "Effectivity", "Kind", "Revision", "Where", "World", "mode_of", "model", "noon", "price_list", "tax_rules", "world"]
CARMAKER, PARTNER, OTHER = "gac", "huawei", "seres"


def model(said: str = "", root: str = "Rules") -> str:
    """A feature model of one feature that says something."""
    return f"features\n    {root}\n// {said}\n"


def price_list(version: str = "1", market: str = "cn", **more) -> str:
    """Of the line whose root is Car."""
    said = {"kind": "marque price list 1", "market": market, "line": "Car", "version": version, "currency": "CNY", "from": "2022-01-01",
            "until": None, "basis": "gross", "quote_days": 7, "base": [{"feature": "Corvus", "price": "200000.00"}],
            "features": [{"feature": "Hook", "price": "4000.00"}], "packages": []}  # fmt: skip
    return json.dumps(said | more)


def tax_rules(market: str = "cn") -> str:
    source = {"title": "A law", "date": "2022-01-01"}
    said = {"kind": "marque tax rules 1", "market": market, "version": "1", "currency": "CNY", "from": "2022-01-01", "until": None,
            "rounding": {"vat": "total", "mode": "half_up"}, "vat": [{"percent": "13", "source": source}], "levies": []}  # fmt: skip
    return json.dumps(said)


def mode_of(name: str) -> tuple[dict, dict]:
    """Roles and sights of a published mode, by process and organisation."""
    said = json.loads((resources.files("marque.alliance") / "modes" / f"{name}.json").read_text("utf-8"))
    who = {"carmaker": CARMAKER, "partner": PARTNER}
    return tuple(
        {process: {who[position]: word for position, word in row.items()} for process, row in said[table].items()}
        for table in ("matrix", "sight")
    )


@dataclass
class World(Joint):
    """The joint development, with what product people do."""

    def adopt(self, effective: date, mode: str, *clauses: tuple[str, str, str], decisions: str = "old") -> int:
        """The next revision of the agreement, signed by both; clauses: (process, organisation, what)."""
        matrix, sight = mode_of(mode)
        listed = [{"process": process, "organisation": organisation, "what": what} for process, organisation, what in clauses]
        return self.agree(effective, matrix, sight, mode=mode, transition={"clauses": listed, "open-decisions": decisions})

    def at(self, moment: datetime) -> None:
        self.database.clock.set(moment)
        with self.acting(CARMAKER) as tx:
            transitions.apply_due(tx)

    def propose(self, by: str, kind: Kind, text: str, part: str = "corvus", base: str | None = None, **more) -> Revision:
        with self.acting(by) as tx:
            known = revisions.of_part(tx, CARMAKER, self.programme, kind, part)
            standing = base if base is not None else (known[0].digest if known else "")
            draft = Draft(kind=kind, part=part, text=text, base=standing, note=more.pop("note", ""), effectivity=Effectivity(**more))
            return revisions.propose(tx, CARMAKER, self.programme, draft)

    def assent(self, by: str, revision: Revision) -> Revision:
        with self.acting(by) as tx:
            decisions.approve(tx, revision.decision)
            return revisions.one(tx, revision.id)

    def agreed(self, by: str, kind: Kind, text: str, part: str = "corvus", **more) -> Revision:
        """Proposed, and assented to by whoever is still waited for."""
        made = self.propose(by, kind, text, part, **more)
        with self.acting(by) as tx:
            waiting = decisions.one(tx, made.decision).waited_for()
        for one in waiting:
            made = self.assent(one, made)
        return made

    def seen(self, by: str) -> set[UUID]:
        with self.acting(by) as tx:
            return {row[0] for row in tx.connection.execute("select id from product.revision").fetchall()}


def world(database: Database, owner_dsn: str, mode: str = "joint-development") -> World:
    """In force since 1 July 2021 by the mode's words; the clock stands at noon of 1 March 2022."""
    people = found(owner_dsn, gac="carmaker", huawei="technology", seres="carmaker")
    database.clock.set(noon(2021, 6, 1))
    for code, person in people.items():
        with database.transaction(Actor(code)) as tx:
            tx.execute(
                "insert into alliance.person (organisation, id, name, email, duties, created_at) values (%s, %s, %s, %s, %s, %s)",
                (code, person, f"Somebody of {code}", f"somebody@{code}.example", list(DUTIES), tx.now),
            )
    agreement = draft(database, CARMAKER)
    made = World(database, people, agreement, programme(database, CARMAKER, agreement, "AH8"))
    made.adopt(date(2021, 7, 1), mode)
    made.at(noon(2022, 3, 1))
    return made


def colleague(made: World, organisation: str, *duties: str) -> UUID:
    """Another person of an organisation."""
    person = new_id()
    with made.database.transaction(Actor(organisation)) as tx:
        tx.execute(
            "insert into alliance.person (organisation, id, name, email, duties, created_at) values (%s, %s, 'Another', %s, %s, %s)",
            (organisation, person, f"{person}@{organisation}.example", list(duties), tx.now),
        )
    return person
