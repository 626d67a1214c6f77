"""What a storefront may show, answer and promise: published lines, configured exactly, and quotes frozen for ever.

A publication is a revision of the sales area; everything it stands on lies in that area's archive. So whoever sees the sales area alone,
as a storefront's program does, sees what is published and nothing of the texts before or behind it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from uuid import UUID

from marque.alliance.access import Action, Area, Record, allowed, require
from marque.alliance.codevelopment import record
from marque.alliance.model import Process
from marque.common import InputError, Missing, Refusal, Unavailable, ok
from marque.foundation import Database, Job, Transaction
from marque.product import archive, checks, configure, documents, revisions
from marque.product.configure import Answer, Conflict, Product, Verb
from marque.product.documents import Line, Publication
from marque.product.encoding.cnf import Cnf
from marque.product.model import FeatureModel
from marque.product.prices import PriceList, Purchase, Quote, Sources, TaxRules, price_list, requote, tax_rules
from marque.product.prices import quote as freeze
from marque.product.rules import Kind, Revision, Where

MOST_CLICKS = 2_000
_KEPT = 8
_COMPILE_S = 600.0


@dataclass(frozen=True)
class Front:
    """A publication that holds, and whose it is."""

    area: Area
    revision: Revision
    publication: Publication


class Products:
    """Configurators of published lines, made when first asked for and shared. No request waits for compiling: a solver answers until the
    job `compile-line` has left a circuit in the folder.

    cache: of compiled formulas; None for none.
    """

    def __init__(self, cache: Path | None) -> None:
        self._cache, self._kept, self._lock = cache, OrderedDict[str, Product](), threading.Lock()

    def of(self, digest: str, read: Callable[[], tuple[Line, Mapping[str, str]]]) -> Product:
        """digest: of the line. read: the line and its texts, where they are not at hand. One is made at a time."""
        with self._lock:
            known = self._kept.get(digest)
            if known is None:
                self._kept[digest] = self._made(checks.model_of(*read()))
                while len(self._kept) > _KEPT:
                    self._kept.popitem(last=False)
            elif known.reasoner.method == "sat" and self._compiled(known.cnf):
                self._kept[digest] = self._made(known.model)
            self._kept.move_to_end(digest)
            return self._kept[digest]

    def _compiled(self, cnf: Cnf) -> bool:
        from marque.product.knowledge.cache import circuit_path

        return self._cache is not None and circuit_path(self._cache, cnf.digest).exists()

    def _made(self, model: FeatureModel) -> Product:
        from marque.product.encoding.encode import encode

        cnf = encode(model)
        return Product(model, cnf, configure.reasoner_of(cnf, self._cache, method="circuit" if self._compiled(cnf) else "sat"))


def compile_line(database: Database, job: Job, cache: Path) -> None:
    """The job `compile-line`: a circuit of a published line, into the folder. It goes on where an earlier run was stopped.

    Raises Unavailable when its time is up, to be run again.
    """
    from marque.product.encoding.encode import encode
    from marque.product.knowledge.compile import LimitReached, Limits, compile_formula

    area = Area(job.body["lead"], UUID(job.body["programme"]), Process.SALES)
    with database.transaction(job.actor) as tx:
        try:
            line, texts = _line(tx, area, job.body["line"])
        except Missing:
            return  # a change of the agreement has taken it away
    try:
        compile_formula(encode(checks.model_of(line, texts)), cache=cache, limit=Limits(seconds=_COMPILE_S))
    except LimitReached as fault:
        raise Unavailable("The line is not compiled yet; the next run goes on.") from fault


def _line(tx: Transaction, area: Area, digest: str) -> tuple[Line, Mapping[str, str]]:
    line = documents.read(archive.texts(tx, area, [digest])[digest], Line, "line")
    return line, archive.texts(tx, area, list(line.parts.values()))


def front(tx: Transaction, lead: str, programme: UUID, name: str, where: Where) -> Front:
    """What holds under this name there. Raises Missing: nothing is published, or it is not the asker's to see."""
    revision = revisions.in_force(tx, lead, programme, Kind.PUBLICATION, name, where)
    return Front(revision.area, revision, documents.read(revisions.text(tx, revision.id), Publication, name))


def product(tx: Transaction, shown: Front, products: Products) -> Product:
    """The configurator of what is shown."""
    return products.of(shown.publication.line, lambda: _line(tx, shown.area, shown.publication.line))


def sources(tx: Transaction, shown: Front) -> tuple[PriceList, TaxRules]:
    told = archive.texts(tx, shown.area, [shown.publication.prices, shown.publication.taxes])
    return price_list(told[shown.publication.prices].encode()), tax_rules(told[shown.publication.taxes].encode())


def configured(made: Product, shown: Front, built: date, decisions: Sequence[tuple[str, bool]]) -> Answer | Conflict:
    """The state after a buyer's decisions, in order: (feature, chosen). built: the day the car is built for.

    The first decision that leaves no car is the conflict's. Raises InputError for names that the model does not have, Refused where what is
    published leaves no car on that day.
    """
    if len(decisions) > MOST_CLICKS:
        raise InputError("configuration", "decisions", "there are more than 2,000 of them", "Send each feature once.")
    given = (*configure.on_day(made.model, built), *configure.chosen(shown.publication.given, "published here"))
    answer = configure.begin(made, given)
    if isinstance(answer, Conflict):
        ok(Refusal("nothing that is published here can be built on that day", {"day": str(built)}))
    assert isinstance(answer, Answer)
    for name, chosen in decisions:
        after = configure.click(answer, Verb.SELECT if chosen else Verb.DESELECT, name)
        if isinstance(after, Conflict):
            return after
        assert isinstance(after, Answer)
        answer = after
    return answer


def completed(made: Product, answer: Answer) -> frozenset[str]:
    """A whole car that keeps every decision: what is still free is left out as far as that can be."""
    import numpy as np

    free = np.flatnonzero(answer.domains[1:] == 0) + 1
    car = made.car(answer.literals, -free)
    assert car is not None, "an answer leaves a car"
    features = np.flatnonzero(car[1 : made.features + 1]) + 1
    return frozenset(made.names[features].tolist())


def issue(tx: Transaction, shown: Front, made: Product, answer: Answer, purchase: Purchase) -> Quote:
    """A quote for the car that the answer's decisions lead to, frozen with everything it stands on.

    Raises Denied for who does not sell there, Refused for a purchase that list and rules have no price for.
    """
    from marque.product import uvl

    require(tx, Action.SELL, shown.area)
    named = archive.texts(tx, shown.area, [shown.publication.prices, shown.publication.taxes])
    prices, taxes = (named[one].encode() for one in (shown.publication.prices, shown.publication.taxes))
    decided = [*answer.given, *answer.decisions]
    said = [f"{'+' if one.chosen else '-'}{one.feature}" for one in decided]
    kept = archive.SalesArchive(tx, shown.area)
    frozen = ok(freeze(made.model, Sources(uvl.write(made.model).encode(), prices, taxes), said, completed(made, answer), purchase, kept))
    told = {"quote": frozen.digest, "publication": str(shown.revision.id)}
    tx.emit("product.quote-issued", told)
    record(tx, shown.area, "product-quote-issued", told, seeing=True)
    return frozen


def quote(tx: Transaction, lead: str, programme: UUID, digest: str) -> Quote:
    """A quote by its link, priced again from what it names: the same to the cent. Raises Missing; InputError for one that was changed."""
    area = revisions.area_of(lead, programme, Kind.PUBLICATION)
    row = archive.quote(tx, area, digest)
    if not allowed(tx, Action.VIEW, [Record(area, row.organisation, row.created_at)])[0]:
        raise Missing("quote")
    return requote(row.text.encode(), archive.SalesArchive(tx, area))
