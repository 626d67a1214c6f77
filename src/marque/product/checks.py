"""Whether what is proposed holds together: every kind of revision as far as it can be checked before anybody decides on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from marque.common import Refusal, ok
from marque.foundation import Transaction
from marque.product import documents
from marque.product.documents import Line, Publication
from marque.product.rules import UVL, Draft, Kind, Revision
from marque.product.store import revisions as store


def check(tx: Transaction, lead: str, programme: UUID, draft: Draft) -> None:
    """Raises InputError for a text that cannot be read, Refused for one that does not hold together."""
    match draft.kind:
        case Kind.LINE:
            line = documents.read(draft.text, Line, draft.part)
            ok(composed(line, store.by_digest(tx, lead, programme, named(line))))
        case Kind.PUBLICATION:
            publication = documents.read(draft.text, Publication, draft.part)
            ok(published(publication, store.by_digest(tx, lead, programme, named(publication))))
        case _:
            return


@dataclass(frozen=True)
class Facts:
    """What a module's features need and give, by the names of their attributes."""

    requires: tuple[str, ...]
    provides: tuple[str, ...]


def module_facts(text: str, name: str) -> Facts:
    """Raises InputError for a text that is no feature model."""
    from marque.product import uvl

    model = uvl.parse(text, f"{name}.uvl")
    attributes = {attribute for feature in model.features.values() for attribute in feature.attributes}
    requires, provides = (tuple(sorted(one for one in attributes if one.startswith(word))) for word in ("requires_", "provides_"))
    return Facts(requires, provides)


def named(document: Line | Publication) -> list[str]:
    """The digests of every text that a document names."""
    if isinstance(document, Line):
        return [*document.parts.values(), *filter(None, [document.bill])]
    return [one for one in (document.line, document.prices, document.taxes, document.software) if one]


def composed(line: Line, known: Sequence[Revision]) -> Mapping[str, Revision] | Refusal:
    """By namespace, the revisions that a line is made of; every one of them counts already. known: those with its digests, as seen."""
    if line.root not in line.parts:
        return Refusal("the root of a line is one of its parts", {"root": line.root})
    found = {}
    for part, digest in line.parts.items():
        chosen = _counting(known, digest, UVL, part)
        if isinstance(chosen, Refusal):
            return chosen
        found[part] = chosen
    if line.bill and isinstance(bill := _counting(known, line.bill, (Kind.BILL,)), Refusal):
        return bill
    return found


def published(publication: Publication, known: Sequence[Revision]) -> Mapping[str, Revision] | Refusal:
    """By word, the revisions that a publication names; as `composed`."""
    found = {}
    for word, kind in (("line", Kind.LINE), ("prices", Kind.PRICES), ("taxes", Kind.TAXES), ("software", Kind.SOFTWARE)):
        if digest := getattr(publication, word):
            chosen = _counting(known, digest, (kind,))
            if isinstance(chosen, Refusal):
                return chosen
            found[word] = chosen
    return found


def _counting(known: Sequence[Revision], digest: str, kinds: Sequence[Kind], part: str = "") -> Revision | Refusal:
    fitting = [one for one in known if one.digest == digest and one.kind in kinds and part in ("", one.part)]
    if not fitting:
        return Refusal("there is no such text in this programme, or it is not yours to see", {"part": part or kinds[0], "digest": digest})
    counting = [one for one in fitting if one.assented_at is not None]
    if not counting:
        return Refusal("it is made of a revision that has not been assented to yet", {"part": fitting[0].part, "digest": digest})
    return counting[0]
