"""What a revision would do, before it is put forward: read, encoded, and put into the line that is in force in its place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from uuid import UUID

import numpy as np

from marque.common import InputError
from marque.foundation import Transaction
from marque.product import checks, documents, revisions
from marque.product.documents import Line
from marque.product.encoding.cnf import Cnf
from marque.product.encoding.encode import encode
from marque.product.model import FeatureModel
from marque.product.rules import UVL, Draft, Kind
from marque.product.store import revisions as store

_MOST = 30


@dataclass(frozen=True)
class Findings:
    """features, rules: of the text alone; line: the composed line it was put into, empty where it is in none.

    nothing_left: no car can be built any more. dead: features of no car. faults: of the bill of materials, as sentences.
    """

    features: int = 0
    rules: int = 0
    line: str = ""
    nothing_left: bool = False
    dead: tuple[str, ...] = ()
    newly_dead: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    proved: bool = False

    @property
    def clean(self) -> bool:
        return not (self.nothing_left or self.newly_dead or self.faults)


def gathered(tx: Transaction, lead: str, programme: UUID, draft: Draft) -> Callable[[], Findings]:
    """Reads what there is to read; what it gives is called outside of the transaction.

    Raises InputError for a text that cannot be read, with line and column, and Refused for one that does not hold together.
    """
    checks.check(tx, lead, programme, draft)
    if draft.kind not in (*UVL, Kind.BILL):
        return Findings
    texts = _line(tx, lead, programme, draft)
    alone = draft.text if draft.kind in UVL else ""

    def found() -> Findings:
        own = _alone(alone, draft.part) if alone else (0, 0)
        return Findings(*own) if texts is None else _composed(Findings(*own), texts, draft)

    return found


@dataclass(frozen=True)
class _Texts:
    name: str
    line: Line
    texts: Mapping[str, str]


def _line(tx: Transaction, lead: str, programme: UUID, draft: Draft) -> _Texts | None:
    """The line with this part that was last assented to, where all of it may be seen."""
    for one in revisions.parts(tx, lead, programme):
        if one.kind != Kind.LINE:
            continue
        counting = [row for row in revisions.of_part(tx, lead, programme, Kind.LINE, one.part) if row.assented_at is not None]
        if not counting:
            continue
        line = documents.read(revisions.text(tx, counting[0].id), Line, one.part)
        if draft.part not in (line.bill if draft.kind is Kind.BILL else line.parts):
            continue
        wanted = [*line.parts.values(), *line.bill.values()]
        texts = store.texts(tx, [row.id for row in store.by_digest(tx, lead, programme, wanted)])
        if set(wanted) <= texts.keys():
            return _Texts(one.part, line, texts)
    return None


def _alone(text: str, part: str) -> tuple[int, int]:
    """How many features and rules a text has by itself; 0 where it cannot be read without what it imports."""
    from marque.product import uvl

    try:
        model = uvl.parse(text, f"{part}.uvl")
    except InputError:
        return 0, 0
    return len(model.features), len(model.constraints)


def _composed(found: Findings, there: _Texts, draft: Draft) -> Findings:
    """The line with the draft in the place of its part: what dies of it, and what its bill of materials lacks then."""
    from marque.product import parts

    old = checks.model_of(there.line, there.texts)
    named, texts = there.line, dict(there.texts) | {"draft": draft.text}
    changed = {
        "bill" if draft.kind is Kind.BILL else "parts": {**(named.bill if draft.kind is Kind.BILL else named.parts), draft.part: "draft"}
    }
    line = named.model_copy(update=changed)
    new = checks.model_of(line, texts)
    before, after = _dead(old), _dead(new)
    if after is None:
        return Findings(found.features, found.rules, there.name, nothing_left=True)
    newly = tuple(one for one in after if one not in (before or ()))[:_MOST]
    faults: tuple[str, ...] = ()
    if line.bill:
        bill = parts.parse({f"{name}.json": texts[digest] for name, digest in line.bill.items()})
        faults = tuple(one.sentence for one in parts.prove(_Made(new, encode(new)), bill))[:_MOST]
    return Findings(found.features, found.rules, there.name, False, after[:_MOST], newly, faults, bool(line.bill) and not faults)


@dataclass(frozen=True)
class _Made:
    model: FeatureModel
    cnf: Cnf


def _dead(model: FeatureModel) -> tuple[str, ...] | None:
    """Features of no car; None where there is no car."""
    from marque.product.knowledge.sat import SatDomains

    with SatDomains(encode(model)) as domains:
        found = domains.after(np.zeros(0, dtype=np.int32))
    if found is None:
        return None
    return tuple(name for name, number in model.order.items() if found[number] < 0)
