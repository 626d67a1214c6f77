"""Revisions of what makes a model line: proposed by who works in an area, in force once those who decide there have assented.

A *part* (a feature model, a price list, a bill of materials, a composed line …) has revisions, each a whole text of its own; none is ever
changed. About each there is a decision of its area (`alliance.decisions`, subject `product/<id>`): who leads and who co-decides take it.
Who proposes and may decide has thereby approved for its own side. What an organisation may not see of a part is missing for it.
"""

from __future__ import annotations

from uuid import UUID

from marque.alliance import decisions, rich_text
from marque.alliance.access import Action, Area, Record, allowed, require
from marque.alliance.codevelopment import record
from marque.common import Missing, Refusal, new_id, ok
from marque.foundation import Transaction
from marque.product import archive, checks, documents, rules
from marque.product.documents import Publication
from marque.product.rules import PROCESS, Draft, Kind, Revision, Where
from marque.product.store import revisions as store
from marque.product.store.revisions import Part

PAGE = 50
MOST = 200


def area_of(lead: str, programme: UUID, kind: Kind) -> Area:
    return Area(lead, programme, PROCESS[kind])


def subject(revision: UUID) -> str:
    """What the decision about a revision is called."""
    return f"product/{revision}"


def propose(tx: Transaction, lead: str, programme: UUID, draft: Draft) -> Revision:
    """Put a revision forward, checked as far as its kind can be (see `checks`).

    Raises Missing, Denied without a role in the area or without a person who acts, InputError for a text that cannot be read, Refused for
    one that was made on another than the part's last revision, or that does not hold together.
    """
    area = area_of(lead, programme, draft.kind)
    require(tx, Action.CREATE, area)
    if tx.actor.person is None:
        ok(Refusal("revisions are proposed by people: sign in as one"))
    last = store.last(tx, lead, programme, draft.kind, draft.part)
    event = ok(rules.propose(last, draft))
    stands_on = checks.check(tx, lead, programme, event)
    store.lock(tx, programme, draft.kind, draft.part)
    ok(rules.propose(store.last(tx, lead, programme, draft.kind, draft.part), draft))
    archive.keep_all(tx, area, stands_on)
    if draft.kind is Kind.PUBLICATION:
        line = documents.read(draft.text, Publication, draft.part).line
        tx.defer("compile-line", {"lead": lead, "programme": programme, "line": line}, once=line)
    made = new_id()
    store.insert(tx, area, made, event)
    told = {"revision": str(made), "kind": draft.kind, "part": draft.part}
    tx.emit("product.revision-proposed", told)
    asked = decisions.open_decision(tx, area, subject(made), f"{draft.kind} {draft.part}", rich_text.legal(draft.note))
    if tx.actor.organisation in asked.deciders and allowed(tx, Action.DECIDE, [area])[0]:
        decisions.approve(tx, asked.id)
    written = one(tx, made)
    record(tx, area, "product-revision-proposed", told | {"digest": written.digest}, seeing=True)
    return written


def one(tx: Transaction, revision: UUID) -> Revision:
    """Raises Missing."""
    found = store.by_id(tx, revision)
    if found is None or not _seen(tx, [found]):
        raise Missing("revision of the product")
    return found


def text(tx: Transaction, revision: UUID) -> str:
    """Raises Missing."""
    return store.text(tx, one(tx, revision).id)


def text_of_kind(tx: Transaction, revision: UUID, kind: Kind) -> str:
    """Raises Missing, also for a revision of another kind."""
    if (found := one(tx, revision)).kind is not kind:
        raise Missing("revision of the product")
    return store.text(tx, found.id)


def page(tx: Transaction, area: Area, before: UUID | None = None, limit: int = PAGE) -> list[Revision]:
    """The newest visible revisions of an area first. Raises Missing for an area that one neither sees nor was left anything to read in."""
    found = _seen(tx, store.page(tx, area, before, max(1, min(limit, MOST))))
    if not found:
        require(tx, Action.VIEW, area)
    return found


def of_part(tx: Transaction, lead: str, programme: UUID, kind: Kind, part: str) -> list[Revision]:
    """Visible revisions of a part, the last written first, 200 at most."""
    return _seen(tx, store.of_part(tx, lead, programme, kind, part, MOST))


def parts(tx: Transaction, lead: str, programme: UUID) -> list[Part]:
    """What has visible revisions in a programme, in areas that one may look into or was left something to read in."""
    found = store.parts(tx, lead, programme)
    last = {one: store.last(tx, lead, programme, Kind(one.kind), one.part) for one in found}
    return [one for one in found if (known := last[one]) is not None and _seen(tx, [known])]


def in_force(tx: Transaction, lead: str, programme: UUID, kind: Kind, part: str, where: Where) -> Revision:
    """The revision of a part that holds there, by the assents until now. Raises Missing: there is none, or it is not the asker's to see."""
    found = store.in_force(tx, lead, programme, kind, part, where)
    if found is None:
        raise Missing("revision of the product")
    return one(tx, found)


def _seen(tx: Transaction, found: list[Revision]) -> list[Revision]:
    """The gate's answer for each; row-level security has given its own already."""
    asked = [Record(one.area, one.organisation, one.created_at) for one in found]
    return [one for one, seen in zip(found, allowed(tx, Action.VIEW, asked), strict=True) if seen]
