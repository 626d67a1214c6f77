"""Composed lines: which revisions make a model line, put forward together; and what a storefront is given of them."""

from __future__ import annotations

from uuid import UUID

from marque.common import Refusal, ok
from marque.foundation import Transaction
from marque.product import documents, revisions
from marque.product.documents import Line, Publication
from marque.product.rules import UVL, Draft, Effectivity, Kind, Revision, Where
from marque.product.store import revisions as store


def standing(tx: Transaction, lead: str, programme: UUID, root: str, where: Where) -> Line:
    """The line that the parts make which hold there now: every feature model and every group of the bill of materials.

    Parts that the asker does not see, and modules that are no longer used, are left out. Raises Refused where the root does not hold.
    """
    parts: dict[str, str] = {}
    bill: dict[str, str] = {}
    for one in revisions.parts(tx, lead, programme):
        kind = Kind(one.kind)
        if kind not in (*UVL, Kind.BILL) or (found := store.in_force(tx, lead, programme, kind, one.part, where)) is None:
            continue
        revision = store.by_id(tx, found)
        if revision is not None and not revision.withdrawn_part:
            (bill if kind is Kind.BILL else parts)[one.part] = revision.digest
    if root not in parts:
        ok(Refusal("the root of a line is one of its parts", {"part": root}))
    return Line(root=root, parts=parts, bill=bill)


def compose(
    tx: Transaction,
    lead: str,
    programme: UUID,
    name: str,
    line: Line,
    *,
    base: str = "",
    note: str = "",
    effectivity: Effectivity | None = None,
) -> Revision:
    """Put a composed line forward. Raises as `revisions.propose`: it has to leave a car, and its bill of materials no gap or overlap."""
    text = documents.write(line)
    draft = Draft(kind=Kind.LINE, part=name, text=text, base=base, note=note, effectivity=effectivity or Effectivity())
    return revisions.propose(tx, lead, programme, draft)


def publish(
    tx: Transaction, lead: str, programme: UUID, name: str, publication: Publication, *, base: str = "", note: str = "",
    effectivity: Effectivity | None = None,
) -> Revision:  # fmt: skip
    """Put forward what a storefront offers; everything it stands on goes into the sales area's archive. Raises as `revisions.propose`."""
    text = documents.write(publication)
    draft = Draft(kind=Kind.PUBLICATION, part=name, text=text, base=base, note=note, effectivity=effectivity or Effectivity())
    return revisions.propose(tx, lead, programme, draft)


def line(tx: Transaction, revision: UUID) -> Line:
    """The document of a revision of a line. Raises Missing, also for a revision of something else."""
    return documents.read(revisions.text_of_kind(tx, revision, Kind.LINE), Line, "line")
