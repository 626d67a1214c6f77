"""Brands of the partners, and who owned their marks when. Owning a brand grants no right; who sells and signs, agreements say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from marque.alliance import access, audit
from marque.alliance.access import Action
from marque.alliance.documents import CODE
from marque.alliance.store import brands as store
from marque.alliance.store.brands import BrandRow, OwnerRow
from marque.common import Missing, Refusal, ok
from marque.foundation import Transaction


@dataclass(frozen=True)
class Brand:
    """owners: the earliest first."""

    row: BrandRow
    owners: tuple[OwnerRow, ...]

    def owner(self, on: date) -> str:
        """Whose the marks were on a day; empty before the first."""
        held = [one.owner for one in self.owners if one.since <= on]
        return held[-1] if held else ""


def brands(tx: Transaction) -> list[Brand]:
    """Those that the actor's organisation keeps, and those that their keepers show it."""
    owners = store.owners(tx)
    return [
        Brand(row, tuple(one for one in owners if (one.organisation, one.brand) == (row.organisation, row.code)))
        for row in store.brands(tx)
    ]


def found(tx: Transaction, code: str, name: str, name_zh: str, owner: str, since: date, source: str = "") -> None:
    """Keep a brand, and its first owner. Raises Denied, Missing for an owner one does not know, Refused."""
    access.require(tx, Action.ADMINISTER, access.Organisation(tx.actor.organisation))
    if not CODE.fullmatch(code) or not name.strip():
        ok(Refusal("a brand has a code of lower-case letters, digits and hyphens, and a name"))
    if not store.add(tx, BrandRow(tx.actor.organisation, code, " ".join(name.split()), name_zh.strip())):
        ok(Refusal("your organisation keeps a brand with this code", {"code": code}))
    pass_on(tx, code, owner, since, source)


def pass_on(tx: Transaction, code: str, owner: str, since: date, source: str = "") -> None:
    """The marks are another's from a day on, and the brand is shown to them. Raises as `found`."""
    access.require(tx, Action.ADMINISTER, access.Organisation(tx.actor.organisation))
    access.require(tx, Action.VIEW, access.Organisation(owner))
    if store.brand(tx, code) is None:
        raise Missing("brand")
    row = OwnerRow(tx.actor.organisation, code, since, owner, source.strip(), tx.now)
    if not store.add_owner(tx, row):
        ok(Refusal("an owner is recorded for this day", {"day": since.isoformat()}))
    store.show(tx, code, owner)
    event = {"brand": code, "owner": owner, "since": since.isoformat()}
    tx.emit("alliance.brand-passed-on", event)
    audit.append(tx, {tx.actor.organisation, owner}, "brand-passed-on", event)
