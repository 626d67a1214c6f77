"""Whether what is proposed holds together: every kind of revision as far as it can be checked before anybody decides on it.

What a document names is looked up among the revisions that its proposer sees; everything named counts already. A composed line has to be
read, to leave at least one car, and to give every car exactly one part for each slot of its bill of materials.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from marque.common import InputError, Refusal, Sentence, ok
from marque.foundation import Transaction
from marque.product import documents, software
from marque.product.documents import Line, Publication, Software
from marque.product.encoding.cnf import Cnf
from marque.product.model import FeatureModel
from marque.product.rules import UVL, Draft, Kind, Revision
from marque.product.store import revisions as store


def check(tx: Transaction, lead: str, programme: UUID, draft: Draft) -> Mapping[str, str]:
    """By digest, the texts that a publication stands on; of everything else none.

    Raises InputError for a text that cannot be read, Refused for one that does not hold together.
    """
    match draft.kind:
        case Kind.VEHICLE | Kind.RULES | Kind.MODULE if draft.text:
            _read_model(tx, lead, programme, draft)
        case Kind.LINE:
            line = documents.read(draft.text, Line, draft.part)
            found = ok(composed(line, store.by_digest(tx, lead, programme, named(line))))
            ok(sound(line, store.texts(tx, [one.id for one in found.values()])))
        case Kind.BILL:
            from marque.product.parts.read import parse

            parse({f"{draft.part}.json": draft.text})
        case Kind.PRICES:
            from marque.product.prices import price_list

            price_list(draft.text.encode(), draft.part)
        case Kind.TAXES:
            from marque.product.prices import tax_rules

            tax_rules(draft.text.encode(), draft.part)
        case Kind.SOFTWARE:
            software.needs_of(documents.read(draft.text, Software, draft.part), draft.part)
        case Kind.PUBLICATION:
            found = ok(published(tx, lead, programme, documents.read(draft.text, Publication, draft.part)))
            return store.texts(tx, [one.id for one in found.values()])
    return {}


def _read_model(tx: Transaction, lead: str, programme: UUID, draft: Draft) -> None:
    """With what it imports as last written, whatever has been decided about that."""
    from marque.product import uvl

    def load(namespace: str) -> tuple[str, str]:
        for kind in UVL:
            if last := store.last(tx, lead, programme, kind, namespace):
                return store.text(tx, last.id), f"{namespace}.uvl"
        raise LookupError(namespace)

    uvl.parse(draft.text, f"{draft.part}.uvl", load)


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
        return [*document.parts.values(), *document.bill.values()]
    return [document.line, document.prices, document.taxes, *filter(None, [document.software])]


def composed(line: Line, known: Sequence[Revision]) -> Mapping[str, Revision] | Refusal:
    """By digest, the revisions that a line is made of; every one of them counts already. known: those with its digests, as seen."""
    if line.root not in line.parts:
        return Refusal("the root of a line is one of its parts", {"part": line.root})
    found = {}
    for kinds, parts in ((UVL, line.parts), ((Kind.BILL,), line.bill)):
        for part, digest in parts.items():
            chosen = _counting(known, digest, kinds, part)
            if isinstance(chosen, Refusal):
                return chosen
            found[digest] = chosen
    return found


def model_of(line: Line, texts: Mapping[str, str]) -> FeatureModel:
    """The composed feature model. texts: by digest. Raises InputError."""
    from marque.product import uvl

    def load(namespace: str) -> tuple[str, str]:
        return texts[line.parts[namespace]], f"{namespace}.uvl"

    return uvl.parse(texts[line.parts[line.root]], f"{line.root}.uvl", load)


def sound(line: Line, texts: Mapping[str, str]) -> FeatureModel | Refusal:
    """The composed model, where it has a car and its bill of materials neither gap nor overlap. texts: by digest. Raises InputError."""
    from marque.product.encoding.encode import encode
    from marque.product.knowledge import sat

    model = model_of(line, texts)
    cnf = encode(model)
    solver = sat.solver(cnf)
    try:
        if not (cnf.offsets[1:] > cnf.offsets[:-1]).all() or not solver.solve():
            return Refusal("no car can be built of these parts: their rules contradict one another")
    finally:
        solver.delete()
    return _unproved(_Composed(model, cnf), line, texts) or model


@dataclass(frozen=True)
class _Composed:
    model: FeatureModel
    cnf: Cnf


def _unproved(made: _Composed, line: Line, texts: Mapping[str, str]) -> Refusal | None:
    if not line.bill:
        return None
    from marque.product import parts

    bill = parts.parse({f"{name}.json": texts[digest] for name, digest in line.bill.items()})
    # That no car uses an item, or needs a slot, is no fault of a car.
    found = [one for one in parts.prove(made, bill) if one.kind not in {parts.Kind.NEVER_USED, parts.Kind.NEVER_REQUIRED}]
    if not found:
        return None
    return Refusal("its bill of materials has gaps or overlaps", {"faults": str(len(found)), "first": found[0].sentence})


def published(tx: Transaction, lead: str, programme: UUID, publication: Publication) -> Mapping[str, Revision] | Refusal:
    """By digest, every revision that a publication stands on, those of its line included. Raises InputError for what cannot be read."""
    from marque.product.prices import price_list, tax_rules, unknown_names

    found: dict[str, Revision] = {}
    known = store.by_digest(tx, lead, programme, named(publication))
    for word, kind in (("line", Kind.LINE), ("prices", Kind.PRICES), ("taxes", Kind.TAXES), ("software", Kind.SOFTWARE)):
        if digest := getattr(publication, word):
            chosen = _counting(known, digest, (kind,))
            if isinstance(chosen, Refusal):
                return chosen
            found[digest] = chosen
    texts = store.texts(tx, [one.id for one in found.values()])
    line = documents.read(texts[publication.line], Line, "line")
    below = composed(line, store.by_digest(tx, lead, programme, named(line)))
    if isinstance(below, Refusal):
        return below
    model = model_of(line, store.texts(tx, [one.id for one in below.values()]))
    prices = price_list(texts[publication.prices].encode())
    taxes = tax_rules(texts[publication.taxes].encode())
    if prices.line != model.root.name:
        return Refusal("the price list is of another model line", {"model": model.root.name, "price list": prices.line})
    if (taxes.market, taxes.currency) != (prices.market, prices.currency):
        return Refusal("price list and tax rules are of one market", {"price list": prices.market, "tax rules": taxes.market})
    if missing := [name for name in publication.given if name not in model.features]:
        raise InputError("publication", "given", Sentence("there is no feature {missing} in this line", missing=missing[0]))
    if unknown := unknown_names(prices, taxes, model):
        return Refusal("the price list names what the model does not have", {"feature": unknown[0][0], "place": unknown[0][1]})
    if publication.software and (unsold := _unsold(documents.read(texts[publication.software], Software, "software"), model)):
        raise InputError("software", unsold, Sentence("there is no feature {missing} in this line", missing=unsold))
    return found | dict(below)


def _unsold(offered: Software, model: FeatureModel) -> str:
    from marque.product.evaluate import names

    needed = [name for formula in software.needs_of(offered, "software").values() for name in names(formula)]
    reached = [name for one in offered.features.values() for where in one.reach for name in (where.model, where.market)]
    return next((name for name in (*offered.features, *needed, *reached) if name not in model.features), "")


def _counting(known: Sequence[Revision], digest: str, kinds: Sequence[Kind], part: str = "") -> Revision | Refusal:
    fitting = [one for one in known if one.digest == digest and one.kind in kinds and part in {"", one.part}]
    if not fitting:
        return Refusal("there is no such text in this programme, or it is not yours to see", {"part": part or kinds[0], "digest": digest})
    counting = [one for one in fitting if one.assented_at is not None]
    if not counting:
        return Refusal("it is made of a revision that has not been assented to yet", {"part": fitting[0].part, "digest": digest})
    return counting[0]
