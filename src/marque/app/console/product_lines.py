"""Model lines as pages show them: read, encoded, compiled and priced once for each text, and kept by its digest.

A line's address is `example`, the one that comes with Marque, or the id of the revision that composes it.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlencode
from uuid import UUID

from marque.alliance.access import Area
from marque.app.caches import cache_folder
from marque.app.console.product_words import Teller
from marque.app.words import Words
from marque.common import InputError, Missing
from marque.foundation import Transaction
from marque.product import documents, revisions, uvl
from marque.product.configure.decisions import Conflict, Decision, NoCar
from marque.product.configure.explain import conflict, literal
from marque.product.configure.given import on_day
from marque.product.configure.product import Product, reasoner_of
from marque.product.configure.session import Answer, begin
from marque.product.documents import Line, Software
from marque.product.model import FeatureModel, GroupKind
from marque.product.prices import Book, Sources, minor_units, read_book
from marque.product.prices.model import PriceList, TaxRules
from marque.product.rules import Kind
from marque.product.store import revisions as store

if TYPE_CHECKING:
    from marque.product.parts import Bill

Made = TypeVar("Made")

EXAMPLE = "example"
CONTEXTS: Mapping[str, str] = {"market": "Market", "year": "ModelYear", "plant": "Plant"}
"""What is settled before a car is configured, and the feature whose alternatives it is chosen from."""
_KEPT = 12
_LONGEST = 400
"""Decisions in one address; nobody makes more clicks."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Of a context: its code in addresses and price lists, and the feature it stands for."""

    code: str
    feature: str


@dataclass(frozen=True, eq=False)
class Shown:
    """A line. digest: of the document that composes it. texts: the UVL it was read from, by file. book: None where nothing is priced.

    software: how its functions are had, where the programme says so.
    """

    address: str
    digest: str
    product: Product
    texts: Mapping[str, str]
    book: Book | None
    bill: Bill | None
    software: Software | None = None
    sales: Area | None = None
    """Where quotes of it are kept; None for the example, whose quotes each organisation keeps among its own files."""

    @property
    def model(self) -> FeatureModel:
        return self.product.model

    @property
    def here(self) -> str:
        return f"/console/product/lines/{self.address}"

    @cached_property
    def contexts(self) -> Mapping[str, tuple[Choice, ...]]:
        return {name: _choices(self.model, feature) for name, feature in CONTEXTS.items()}

    @cached_property
    def span(self) -> tuple[date | None, date | None]:
        """The first and the last day on which a model year is built; None without such days."""
        years = [self.model.features[one.feature].attributes for one in self.contexts["year"]]
        first = [str(one["from"]) for one in years if one.get("from")]
        last = [str(one["until"]) for one in years if one.get("until")]
        bounded = years and len(first) == len(last) == len(years)
        return (date.fromisoformat(min(first)), date.fromisoformat(max(last))) if bounded else (None, None)

    @cached_property
    def owners(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(one.owner for one in self.model.features.values()))

    @cached_property
    def count(self) -> Callable[[Iterable[int]], int] | None:
        """Of cars, exactly, with these literals; None where the line could not be compiled."""
        circuit = getattr(self.product.reasoner, "circuit", None)
        if circuit is None:
            return None
        import numpy as np

        from marque.product.knowledge import counting

        return lambda literals: int(counting.count(circuit, np.fromiter(literals, dtype=np.int32)))

    def priced(self, asked: Asked) -> tuple[PriceList, TaxRules] | None:
        """What holds in the market on the day; None where nothing does."""
        if self.book is None or not asked.market:
            return None
        try:
            return self.book.on(asked.market, asked.day)
        except InputError:
            return None

    def sources(self, asked: Asked) -> Sources:
        """Raises InputError where nothing is priced."""
        assert self.book is not None
        return self.book.sources(asked.market, asked.day, uvl.write(self.model).encode())

    def units(self, prices: PriceList | None) -> Mapping[str, int]:
        return {} if prices is None else minor_units(prices).units

    def teller(self, words: Words) -> Teller:
        return Teller(self.model, words)


def _choices(model: FeatureModel, name: str) -> tuple[Choice, ...]:
    feature = next((one for one in model.features.values() if one.name.rpartition(".")[2] == name), None)
    groups = feature.groups if feature else ()
    children = [child for group in groups if group.kind is GroupKind.ALTERNATIVE for child in group.children]
    return tuple(Choice(str(model.features[one].attributes.get("code") or one.rpartition(".")[2]), one) for one in children)


@dataclass(frozen=True)
class Asked:
    """What an address says: for which day and context, what was decided ("Name" or "!Name", oldest first), and what is looked at.

    An empty context: any.
    """

    day: date
    market: str = ""
    year: str = ""
    plant: str = ""
    decisions: tuple[str, ...] = ()

    def context(self, name: str) -> str:
        return str(getattr(self, name))

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """As fields of a form, or of an address."""
        contexts = [(name, self.context(name)) for name in CONTEXTS]
        return [("on", self.day.isoformat()), *contexts, *(("d", one) for one in self.decisions)]

    def query(self, **more: str) -> str:
        return urlencode([*self.pairs, *more.items()])

    def around(self, **more: str) -> str:
        """The same without decisions."""
        return replace(self, decisions=()).query(**more)

    def deciding(self, clicked: str) -> Asked:
        """After a click: "Name", "!Name", or "~Name" to take a decision back. The youngest decision stands last."""
        name = clicked.lstrip("!~")
        others = tuple(one for one in self.decisions if one.lstrip("!") != name)
        return replace(self, decisions=others if clicked.startswith("~") else (*others, clicked))

    def given(self, shown: Shown) -> tuple[Decision, ...]:
        """What is settled before the first click: features that are not built on the day, market, model year, plant."""
        told = [Decision(one.feature, one.chosen, "day") for one in on_day(shown.model, self.day)]
        for name, choices in shown.contexts.items():
            chosen = next((one for one in choices if one.code == self.context(name)), None)
            told += [] if chosen is None else [Decision(chosen.feature, True, name)]
        return tuple(told)

    def own(self) -> tuple[Decision, ...]:
        return tuple(Decision(one.lstrip("!"), not one.startswith("!")) for one in self.decisions)


def asked(shown: Shown, fields: Iterable[tuple[str, str]], today: date) -> Asked:
    """From the fields of an address or a form; what makes no sense is left out.

    Without a day: today, or the day nearest to it on which the line is built. Without a market: the first; empty: none.
    """
    said = list(fields)
    last = dict(said)
    first_day, last_day = shown.span
    day = min(max(today, first_day or today), last_day or today)
    with contextlib.suppress(KeyError, ValueError):
        day = date.fromisoformat(last["on"])
    contexts = {name: last.get(name, "") for name in CONTEXTS}
    for name, choices in shown.contexts.items():
        if contexts[name] not in {one.code for one in choices}:
            contexts[name] = choices[0].code if name == "market" and name not in last and choices else ""
    own: dict[str, str] = {}
    for name, value in said:
        plain = value.lstrip("!")
        if name == "d" and plain in shown.model.order and len(own) < _LONGEST:
            own.pop(plain, None)
            own[plain] = f"!{plain}" if value.startswith("!") else plain
    return Asked(day, contexts["market"], contexts["year"], contexts["plant"], tuple(own.values()))


def configured(shown: Shown, asked: Asked) -> Answer | Conflict:
    """The state that an address stands for; a Conflict where it leaves no car."""
    first = begin(shown.product, asked.given(shown))
    if isinstance(first, Conflict) or not asked.decisions:
        return first
    own = asked.own()
    domains = shown.product.after([*first.literals, *(literal(shown.product, one) for one in own)])
    if domains is not None:
        return Answer(shown.product, first.given, own, domains)
    against = conflict(shown.product, None, (*first.given, *own))
    assert against is not None
    return against


def whole(shown: Shown) -> Answer:
    """All cars of the line, whatever the day. A line that has none is not taken, so there is one."""
    return _wholes.get(shown.product.cnf.named_digest, lambda: _any(begin(shown.product)))


def _any(first: Answer | Conflict) -> Answer:
    if isinstance(first, Conflict):
        raise NoCar(first)
    return first


# Where lines come from -------------------------------------------------------------------------------------------------------------------


class Shelf:
    """What was made, by key; the least recently used goes first. One of a kind is made at a time."""

    def __init__(self) -> None:
        self._made: OrderedDict[str, Any] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: str, make: Callable[[], Made]) -> Made:
        with self._lock:
            if key not in self._made:
                self._made[key] = make()
                while len(self._made) > _KEPT:
                    self._made.popitem(last=False)
            self._made.move_to_end(key)
            found: Made = self._made[key]
            return found


_products, _books, _bills, _wholes = Shelf(), Shelf(), Shelf(), Shelf()


@dataclass(frozen=True)
class Found:
    """A line that one may see. make: outside of the transaction: the first time of a line takes a while. sales: see Shown."""

    make: Callable[[], Shown]
    sales: Area | None = None


def find(tx: Transaction, address: str) -> Found:
    """The line of an address.

    Raises Missing for a line that there is not, or that one may not see.
    """
    if address == EXAMPLE:
        return Found(example)
    try:
        found = revisions.one(tx, UUID(address))
    except ValueError:
        raise Missing("revision of the product") from None
    if found.kind is not Kind.LINE or found.withdrawn_part:
        raise Missing("revision of the product")
    lead, programme = found.area.lead, found.area.programme
    line = documents.read(store.text(tx, found.id), Line, found.part)
    known = store.by_digest(tx, lead, programme, [*line.parts.values(), *line.bill.values()])
    texts = store.texts(tx, [one.id for one in known])
    if set(line.parts.values()) - texts.keys():
        raise Missing("revision of the product")
    bill = {f"{part}.json": texts[digest] for part, digest in line.bill.items() if digest in texts}
    prices = {f"{one.part}.json": one.text for one in _in_force(tx, lead, programme, (Kind.PRICES, Kind.TAXES))}
    parts = {part: texts[digest] for part, digest in line.parts.items()}
    whole_bill = bill if len(bill) == len(line.bill) else {}
    sales = revisions.area_of(lead, programme, Kind.PUBLICATION)
    offered = [documents.read(one.text, Software, one.part) for one in _in_force(tx, lead, programme, (Kind.SOFTWARE,))]
    software = offered[0] if offered else None
    return Found(
        lambda: replace(_composed(address, found.digest, line.root, parts, prices, whole_bill), software=software, sales=sales), sales
    )


@dataclass(frozen=True)
class _Text:
    part: str
    text: str


def _in_force(tx: Transaction, lead: str, programme: UUID, kinds: tuple[Kind, ...]) -> list[_Text]:
    """The text of every visible part of these kinds that has been assented to, the last one of each."""
    found = []
    for one in revisions.parts(tx, lead, programme):
        if one.kind in kinds:
            counting = [row for row in revisions.of_part(tx, lead, programme, Kind(one.kind), one.part) if row.assented_at is not None]
            if counting and not counting[0].withdrawn_part:
                found.append(_Text(one.part, store.text(tx, counting[0].id)))
    return found


@functools.cache
def _example_texts() -> tuple[Path, dict[str, str], dict[str, str], dict[str, str]]:
    """Where it lies, and its models, prices and bills by file."""
    folder = Path(str(resources.files("marque.product.line")))
    texts = {str(one.relative_to(folder)): one.read_text("utf-8") for one in sorted(folder.rglob("*.uvl"))}
    prices = {one.name: one.read_text("utf-8") for one in sorted((folder / "prices").glob("*.json"))}
    bills = {one.name: one.read_text("utf-8") for one in sorted((folder / "parts").glob("*.json"))}
    return folder, texts, prices, bills


def example() -> Shown:
    """The line that comes with Marque."""
    folder, texts, prices, bills = _example_texts()
    digest = _digest(texts)
    product = _products.get(digest, lambda: _product(uvl.read(folder / "line.uvl")))
    return Shown(EXAMPLE, digest, product, texts, _book(prices), _bill(bills))


def _composed(address: str, digest: str, root: str, parts: Mapping[str, str], prices: Mapping[str, str], bill: Mapping[str, str]) -> Shown:
    def load(namespace: str) -> tuple[str, str]:
        if namespace not in parts:
            raise InputError(root, namespace, "the line has no such part", "Name it in the document that composes the line.")
        return parts[namespace], f"{namespace}.uvl"

    product = _products.get(digest, lambda: _product(uvl.parse(parts[root], f"{root}.uvl", load)))
    return Shown(address, digest, product, parts, _book(prices), _bill(bill))


def _product(model: FeatureModel) -> Product:
    from marque.product.encoding.encode import encode

    cnf = encode(model)
    return Product(model, cnf, reasoner_of(cnf, cache_folder("product")))


def _book(texts: Mapping[str, str]) -> Book | None:
    if not texts:
        return None
    return _books.get(_digest(texts), lambda: read_book({name: text.encode() for name, text in texts.items()}))


def _bill(texts: Mapping[str, str]) -> Bill | None:
    from marque.product import parts

    return _bills.get(_digest(texts), lambda: parts.parse(texts)) if texts else None


def _digest(texts: Mapping[str, str]) -> str:
    made = hashlib.sha256()
    for name, text in sorted(texts.items()):
        made.update(f"{name}\0{len(text)}\0{text}".encode())
    return made.hexdigest()
