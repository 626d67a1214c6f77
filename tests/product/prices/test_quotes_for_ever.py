"""Quotes of the demonstration line outlive every later list, rule and model."""

from __future__ import annotations

import itertools
import json
from datetime import date, timedelta
from fractions import Fraction

import demo_cars
import numpy as np
import price_oracle
import pytest

from marque.product import uvl
from marque.product.prices import FolderArchive, Purchase, by_link, price, quote, read_book
from marque.product.prices.quotes import Quote, document
from marque.product.properties import mass

QUOTES = 1000


def asked(book, market, day, car, chance):
    prices, rules = book.on(market, day)
    regions = sorted({*rules.regions, *(region for fee in prices.fees for region in fee.regions)})
    wanted = [one.code for one in prices.discounts if one.on_request and chance.random() < 0.3]
    return Purchase(
        on=day,
        registered=day + timedelta(days=int(chance.integers(0, 500))),
        built=day,
        region=regions[chance.integers(len(regions))],
        circumstances=frozenset(code for code in rules.circumstances if chance.random() < 0.5),
        codes=frozenset(wanted),
        quantities={"mass_kg": Fraction(repr(mass(demo_cars.model(), car).value))},
    )


def frozen(archive, number):
    """Quotes in all markets on days of both lists."""
    model, book = demo_cars.model(), demo_cars.prices()
    text, chance = uvl.write(model).encode(), np.random.default_rng(7)
    days = [date(2026, 4, 15), date(2026, 8, 31), date(2026, 9, 1), date(2026, 12, 1)]
    per_kind = -(-number // (len(book.markets) * len(days)))
    for market, day in itertools.product(book.markets, days):
        for car in demo_cars.cars(market, day, per_kind, seed=day.toordinal()):
            made = quote(model, book.sources(market, day, text), (), car, asked(book, market, day, car, chance), archive)
            assert isinstance(made, Quote), made
            yield made


def changed(text, chance):
    """A later version: every amount, rate and limit another."""

    def walk(said, key=""):
        if isinstance(said, dict):
            return {name: walk(one, name) for name, one in said.items()}
        if isinstance(said, list):
            return [walk(one, key) for one in said]
        if key in {"price", "amount", "cap", "above", "most", "least"} or key.startswith(tuple(demo_cars.model().features)):
            return f"{Fraction(said) * int(chance.integers(50, 150)) // 100:.2f}" if isinstance(said, str) and said[:1].isdigit() else said
        return str(int(chance.integers(1, 30))) if key == "percent" else said

    said = json.loads(text)
    return json.dumps(walk(said) | {"version": said["version"] + "-later"}).encode()


@pytest.mark.slow
def test_a_thousand_quotes_are_the_same_to_the_cent_after_every_list_and_rule_has_changed(tmp_path):
    archive = FolderArchive(tmp_path)
    made = list(itertools.islice(frozen(archive, QUOTES), QUOTES))
    assert len({one.link for one in made}) == QUOTES

    chance, book = np.random.default_rng(11), demo_cars.prices()
    later = read_book({f"{number}.json": changed(text, chance) for number, (_, text) in enumerate((*book.lists, *book.rules))})
    for _, text in (*later.lists, *later.rules):
        archive.put(text)

    again = [by_link(one.link, FolderArchive(tmp_path)) for one in made]
    assert again == made
    assert [one.text for one in again] == [one.text for one in made]

    moved = 0
    for one in made:
        said = json.loads(one.text)
        day, car = date.fromisoformat(said["purchase"]["on"]), frozenset(said["configuration"]["car"])
        purchase = Purchase(
            day,
            date.fromisoformat(said["purchase"]["registered"]),
            said["purchase"]["region"],
            frozenset(said["purchase"]["circumstances"]),
            frozenset(said["purchase"]["codes"]),
        )
        moved += document(price(*later.on(said["price_list"]["market"], day), car, purchase)) != said["breakdown"]
    assert moved == QUOTES


def test_a_bookkeeper_reads_the_same_price_out_of_the_archive(tmp_path):
    archive = FolderArchive(tmp_path)
    for made in frozen(archive, 60):
        said = json.loads(made.text)
        prices, rules = (json.loads(archive.get(said[name]["digest"])) for name in ("price_list", "tax_rules"))
        purchase = Purchase(
            date.fromisoformat(said["purchase"]["on"]),
            date.fromisoformat(said["purchase"]["registered"]),
            said["purchase"]["region"],
            frozenset(said["purchase"]["circumstances"]),
            frozenset(said["purchase"]["codes"]),
            {name: Fraction(text) for name, text in said["purchase"]["quantities"].items()},
        )
        told = price_oracle.priced(prices, rules, frozenset(said["configuration"]["car"]), purchase)
        assert told == {name: Fraction(said["breakdown"][name]) for name in told}
