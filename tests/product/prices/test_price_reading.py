from __future__ import annotations

import contextlib
import copy
import json

import pytest
import rfc8785
import small_prices
from hypothesis import given, settings
from hypothesis import strategies as st

from marque.common import InputError, MarqueError
from marque.product.prices import price_list, read_book, tax_rules, unknown_names, unpriced
from marque.product.prices.strict import Reader


def listed(**changed):
    return price_list(small_prices.told(small_prices.price_list(**changed)), "de.json")


def ruled(**changed):
    return tax_rules(small_prices.told(small_prices.tax_rules(**changed)), "tax.json")


ITEM = {"feature": "Wheel20", "price": "1000.00"}
LEVY = {"code": "one", "name": "One", "kind": "tax", "of": "one", "amount": "1.00", "source": {"title": "T", "date": "2026"}}
VAT = {"percent": "19", "source": {"title": "T", "date": "2026"}}


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"features": [ITEM | {"price": 1000}]}, "$.features[0].price: expected a decimal text, got 1000"),
        ({"features": [ITEM | {"price": "1,000.00"}]}, "$.features[0].price: expected a decimal text"),
        ({"features": [ITEM | {"price": "1000.005"}]}, "$.features[0].price: 1000.005 has more decimal places than EUR has"),
        ({"features": [ITEM | {"price": "-1.00"}]}, "$.features[0].price: -1.00 is not from 0"),
        ({"features": [ITEM | {"prize": "1"}]}, "$.features[0].prize: there is no such key"),
        ({"features": [{"feature": "Wheel20"}]}, "$.features[0]: the key 'price' is missing"),
        ({"features": [ITEM, ITEM]}, "$.features[1]: 'Wheel20' is priced a second time"),
        ({"features": {}}, "$.features: expected a list, got an object"),
        ({"features": [ITEM | {"cases": [{"if": "Suv &", "price": "1.00"}]}]}, "$.features[0].cases[0].if"),
        ({"features": [ITEM | {"cases": [{"if": "sum(mass_kg) > 3", "price": "1.00"}]}]}, "uses attributes or values"),
        (
            {"packages": [ITEM | {"members": {"Wheel20": "0"}}], "features": []},
            "$.packages[0].members: the package 'Wheel20' contains itself",
        ),
        ({"currency": "XXX"}, "$.currency: expected a currency, got 'XXX'"),
        ({"from": "2026-1-1"}, "$.from: expected a day, got '2026-1-1'"),
        ({"from": "2026-02-30"}, "$.from: expected a day"),
        ({"until": "2025-01-01"}, "$.until: 2025-01-01 is before 2026-01-01"),
        ({"basis": "both"}, "$.basis: expected one of gross, net, got 'both'"),
        ({"quote_days": True}, "$.quote_days: expected a whole number of days"),
        ({"kind": "marque price list 2"}, "$.kind: expected 'marque price list 1'"),
        ({"discounts": [{"code": "a", "name": "A", "percent": "5", "amount": "5"}]}, "$.discounts[0]: it needs percent or amount"),
        ({"discounts": [{"code": "a", "name": "A", "percent": "101"}]}, "$.discounts[0].percent: 101 is not from 0 to 100"),
        ({"discounts": [{"code": "A b", "name": "A", "percent": "5"}]}, "$.discounts[0].code: expected a code"),
        ({"fees": [{"code": "a", "name": "A", "price": "1", "taxed": "no"}]}, "$.fees[0].taxed: expected true or false"),
    ],
)
def test_a_faulty_list_is_refused_with_its_place(changed, told):
    with pytest.raises(InputError) as caught:
        listed(**changed)
    assert f"de.json, {told}" in str(caught.value) or told in str(caught.value)
    assert str(caught.value).startswith("de.json, $")


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"vat": [VAT, VAT]}, "$.vat[1]: two rates of VAT hold on one day, this and $.vat[0]"),
        ({"vat": [VAT | {"above": "5.00"}], "rounding": {"vat": "line", "mode": "half_up"}}, "$.vat[0].above: VAT above a limit"),
        ({"rounding": {"vat": "total", "mode": "up"}}, "$.rounding.mode: expected one of half_up, half_even"),
        ({"levies": [LEVY, LEVY]}, "$.levies[1]: two rules 'one' hold on one day"),
        ({"levies": [LEVY | {"of": "net"}]}, "$.levies[0]: what is of net needs percent and only that"),
        ({"levies": [LEVY | {"percent": "1"}]}, "$.levies[0]: what is of one needs amount and only that"),
        ({"levies": [LEVY | {"of": "quantity"}]}, "$.levies[0]: quantity belongs to what is of quantity"),
        ({"levies": [LEVY | {"above": "1"}]}, "$.levies[0].above: above belongs to what is of quantity"),
        ({"levies": [LEVY | {"needs": ["luck"]}]}, "$.levies[0]: 'luck' is not among the circumstances"),
        ({"levies": [LEVY | {"regions": {"moon": "1"}}]}, "$.levies[0].regions: 'moon' is not among the regions"),
        ({"levies": [LEVY | {"kind": "gift"}]}, "$.levies[0].kind: expected one of tax, subsidy, registration"),
        ({"levies": [LEVY | {"source": {"title": "T"}}]}, "$.levies[0].source: the key 'date' is missing"),
    ],
)
def test_faulty_rules_are_refused_with_their_place(changed, told):
    with pytest.raises(InputError, match=r"tax\.json") as caught:
        ruled(**changed)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"", "it is not JSON"),
        (b'{"kind": "a", "kind": "b"}', "the key 'kind' stands twice"),
        (b'{"price": 12.5}', "12.5 is a JSON number with a fraction"),
        (b'{"price": NaN}', "NaN is a JSON number"),
        (b"\xff", "it is not UTF-8"),
        (b"[]", "expected an object, got a list"),
        (b'{\n "kind": \n}', "line 3, column 1"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a": ' + b"9" * 5000 + b"}", "it is not usable JSON"),
    ],
)
def test_what_is_no_document_is_refused(text, told):
    with pytest.raises(InputError) as caught:
        price_list(text, "broken.json")
    assert told in str(caught.value)


def paths(said, before=()):
    yield before
    pairs = said.items() if isinstance(said, dict) else enumerate(said) if isinstance(said, list) else ()
    for key, one in pairs:
        yield from paths(one, (*before, key))


RULES = small_prices.tax_rules()
LIST = small_prices.price_list()
ODD = [
    None,
    True,
    0,
    -1,
    2**70,
    "",
    " ",
    "x",
    "0",
    "1e9",
    "١",
    "\ud800",
    [],
    {},
    [[]],
    {"a": 1},
    "2026-13-01",
    "&",
    "Sport & (",
    "NaN",
    "-0.00",
]


@given(st.sampled_from([(price_list, LIST), (tax_rules, RULES)]), st.data())
@settings(max_examples=400)
def test_whatever_stands_anywhere_is_read_or_refused_and_never_breaks(told, data):
    read, said = told
    said = copy.deepcopy(said)
    *way, last = data.draw(st.sampled_from([one for one in paths(said) if one]))
    inner = said
    for key in way:
        inner = inner[key]
    if data.draw(st.booleans()):
        inner[last] = data.draw(st.sampled_from(ODD))
    else:
        del inner[last]
    with contextlib.suppress(MarqueError):
        read(json.dumps(said).encode(), "drawn.json")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_the_quick_writing_is_the_canonical_one(said):
    assert Reader("drawn").canonical(said) == rfc8785.dumps(said)


def test_two_lists_of_a_market_do_not_hold_on_one_day():
    first, second = small_prices.price_list(), small_prices.price_list(version="2", **{"from": "2026-12-31", "until": None})
    with pytest.raises(InputError, match="it and 1 hold on one day"):
        read_book({"a.json": small_prices.told(first), "b.json": small_prices.told(second)})


def test_a_day_without_a_list_or_rules_is_told_with_what_there_is():
    from datetime import date

    book = read_book({"a.json": small_prices.told(small_prices.price_list()), "t.json": small_prices.told(small_prices.tax_rules())})
    assert book.markets == ("de",)
    assert book.on("de", date(2026, 12, 31))[0].version == "1"
    with pytest.raises(InputError, match=r"no price list for 2027-01-01.\n  There are de 1 \(2026-01-01 to 2026-12-31\)"):
        book.on("de", date(2027, 1, 1))
    with pytest.raises(InputError, match="market 'fr'"):
        book.on("fr", date(2026, 5, 1))


def test_names_that_the_model_lacks_and_features_without_a_price_are_found():
    prices = small_prices.price_list()
    prices["packages"][0]["members"]["Skis"] = "1.00"
    prices["features"][1]["cases"][0]["if"] = "Sprot & Suv"
    read = price_list(small_prices.told(prices))
    assert unknown_names(read, None, small_prices.model()) == [("Skis", "$.packages[0].members"), ("Sprot", "$.features[1]")]
    assert unpriced(read, small_prices.model()) == ["Wheel19"]
    assert unpriced(listed(included=["Wheel19"]), small_prices.model()) == []
