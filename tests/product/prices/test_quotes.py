from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
import small_prices
from hypothesis import given, settings
from hypothesis import strategies as st

from marque.common import InputError, MarqueError, Missing, Refusal
from marque.product import uvl
from marque.product.prices import FolderArchive, MemoryArchive, Sources, by_link, engines, quote, quotes, requote
from marque.product.prices.quotes import Quote
from marque.product.prices.strict import Reader

CAR = frozenset({"Car", "Model", "Wheels", "Suv", "Wheel20", "Sport", "SeatHeating"})
FROZEN = Path(__file__).parent / "frozen_quotes.json"


def sources(**changed):
    model = uvl.write(small_prices.model()).encode()
    prices, rules = changed.get("prices") or small_prices.price_list(), changed.get("rules") or small_prices.tax_rules()
    return Sources(model, small_prices.told(prices), small_prices.told(rules))


def frozen(archive=None, car=CAR, decisions=("+Sport", "-TowBar"), told=None, **asked):
    purchase = small_prices.purchase(**asked)
    return quote(small_prices.model(), told or sources(), decisions, car, purchase, archive or MemoryArchive())


@pytest.fixture(params=["memory", "folder"])
def archive(request, tmp_path):
    return MemoryArchive() if request.param == "memory" else FolderArchive(tmp_path)


def test_a_quote_comes_back_from_its_link_to_the_cent(archive):
    made = frozen(archive)
    again = by_link(f"https://shop.example/de/{made.link}", archive)
    assert again == made
    assert made.link == f"quotes/{made.digest}"


def test_a_quote_names_what_it_came_from():
    said = json.loads(frozen().text)
    assert said["engine"] == "1"
    assert {len(said[name]["digest"]) for name in ("model", "price_list", "tax_rules")} == {64}
    assert said["configuration"] == {"decisions": ["+Sport", "-TowBar"], "car": sorted(CAR), "values": {}}
    assert said["purchase"]["quantities"] == {"mass_kg": "4601/2"}, "from the model, not from whoever asks"


def test_the_same_car_gives_the_same_link_and_another_day_another():
    assert frozen().link == frozen().link
    assert frozen().link != frozen(on="2026-03-02").link


def test_a_quote_is_open_for_the_days_that_its_list_says_and_not_beyond_the_list():
    assert frozen().valid_until == date(2026, 3, 31)
    assert frozen(on="2026-12-20").valid_until == date(2026, 12, 31)
    assert frozen().open_on(date(2026, 3, 31))
    assert not frozen().open_on(date(2026, 4, 1))


@pytest.mark.parametrize(
    ("car", "reason"),
    [
        (CAR - {"Wheel20"}, "Wheels takes exactly 1 of Wheel19, Wheel20, Wheel21, this car has 0"),
        (CAR | {"Wheel19"}, "Wheels takes exactly 1 of Wheel19, Wheel20, Wheel21, this car has 2"),
        (CAR - {"Wheel20"} | {"Wheel19"}, "Sport => !Wheel19"),
        (CAR | {"TowBar"}, "TowBar is offered from 2026-05-01"),
        (CAR | {"Winter"}, "Winter => SeatHeating & WheelHeating"),
        (CAR | {"Sunroof"}, "Sunroof"),
    ],
)
def test_a_car_that_cannot_be_built_on_that_day_gets_no_quote(car, reason):
    refused = frozen(car=car, decisions=())
    assert isinstance(refused, Refusal)
    assert reason in " ".join(refused.details.values())


@pytest.mark.parametrize(("day", "built"), [("2026-04-30", False), ("2026-05-01", True), ("2026-10-31", True), ("2026-11-01", False)])
def test_a_feature_is_built_from_its_first_to_its_last_day(day, built):
    made = frozen(car=frozenset({"Car", "Model", "Wheels", "Suv", "Wheel19", "TowBar"}), decisions=(), on=day)
    assert isinstance(made, Quote) == built


def test_a_car_is_judged_for_the_day_it_is_built():
    asked = replace(small_prices.purchase(), built=date(2026, 6, 1), registered=date(2026, 6, 15))
    assert isinstance(quote(small_prices.model(), sources(), ("+TowBar",), CAR | {"TowBar"}, asked, MemoryArchive()), Quote)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"line": "Lorry"}, "the price list is of another model line"),
        ({"fees": [], "base": [{"feature": "Suv", "price": "1.00"}, {"feature": "Van", "price": "1.00"}]},
         "the price list names what the model does not have"),
        ({"included": []}, "the price list does not say what this costs"),
        ({"market_feature": "Sedan"}, "the car is not built for the market of this price list"),
    ],
)  # fmt: skip
def test_a_list_that_does_not_fit_the_model_gives_no_quote(changed, reason):
    prices = small_prices.price_list(**changed)
    if "included" in changed:
        prices["features"] = [one for one in prices["features"] if one["feature"] != "SeatHeating"]
        for one in prices["packages"]:
            one["members"].pop("SeatHeating", None)
    refused = frozen(told=sources(prices=prices))
    assert isinstance(refused, Refusal)
    assert refused.reason == reason


def test_decisions_that_contradict_the_car_are_noticed():
    assert frozen(decisions=("+TowBar",)).details == {"decision": "+TowBar"}


def test_what_is_priced_later_by_other_lists_leaves_a_quote_as_it_is(archive):
    made = frozen(archive)
    later = small_prices.price_list(version="2", base=[{"feature": "Suv", "price": "70000.00"}])
    other = frozen(archive, told=sources(prices=later, rules=small_prices.tax_rules(version="2", levies=[])))
    assert other.breakdown.payable != made.breakdown.payable
    assert by_link(made.link, archive) == made


def test_a_quote_lives_on_when_the_arithmetic_gets_a_new_version(monkeypatch):
    archive = MemoryArchive()
    old = frozen(archive)

    def dearer(prices, rules, car, purchase):
        made = engines.ENGINES["1"](prices, rules, car, purchase)
        return replace(made, payable=made.seller)

    both = {"1": engines.ENGINES["1"], "2": dearer}
    monkeypatch.setattr(engines, "ENGINES", both)
    monkeypatch.setattr(engines, "CURRENT", "2")
    new = frozen(archive)
    assert new.breakdown.payable != old.breakdown.payable
    assert by_link(old.link, archive) == old
    assert by_link(new.link, archive) == new
    both.pop("2")
    with pytest.raises(InputError, match="the arithmetic '2' is not in this installation"):
        by_link(new.link, archive)


def edited(made, change):
    said = json.loads(made.text)
    change(said)
    return Reader("quote").canonical(said)


CHANGES = {
    "total": lambda said: said["breakdown"].update(payable="1.00"),
    "line": lambda said: said["breakdown"]["lines"][0].update(gross="1.00"),
    "line left out": lambda said: said["breakdown"]["lines"].pop(),
    "line added": lambda said: said["breakdown"]["lines"].append(said["breakdown"]["lines"][0]),
    "another rule": lambda said: said["breakdown"]["lines"][0].update(rule="list de 1 $.base[1]"),
    "car": lambda said: said["configuration"]["car"].remove("Sport"),
    "day": lambda said: said["purchase"].update(on="2026-03-02"),
    "validity": lambda said: said.update(valid_until="2027-03-31"),
    "issued": lambda said: said.update(issued="2026-03-02"),
    "circumstance": lambda said: said["purchase"].update(circumstances=["old_car"]),
    "region": lambda said: said["purchase"].update(region="south"),
    "mass": lambda said: said["purchase"].update(quantities={"mass_kg": "1"}),
    "version": lambda said: said["price_list"].update(version="9"),
    "engine": lambda said: said.update(engine="0"),
    "car twice": lambda said: said["configuration"].update(car=5),
    "fraction": lambda said: said["purchase"].update(quantities={"mass_kg": "1/0"}),
    "surplus": lambda said: said.update(more=1),
    "model": lambda said: said["model"].update(name="Lorry"),
    "digest of the model": lambda said: said["model"].update(digest=said["price_list"]["digest"]),
    "decision": lambda said: said["configuration"]["decisions"].append("+Sport"),
}


@pytest.mark.parametrize("name", ["total", "line", "line left out", "line added", "another rule", "car", "circumstance", "region", "mass"])
def test_a_figure_that_does_not_follow_is_told_even_by_an_archive_that_knows_it(name):
    archive = MemoryArchive()
    text = edited(frozen(archive), CHANGES[name])
    archive.put(text)
    with pytest.raises(InputError, match="does not follow from what the quote names"):
        requote(text, archive)


@pytest.mark.parametrize("name", CHANGES)
def test_tampering_is_noticed_with_and_without_the_link(name):
    archive = MemoryArchive()
    made = frozen(archive)
    text = edited(made, CHANGES[name])
    assert text != made.text
    with pytest.raises(InputError):
        requote(text, archive)
    with pytest.raises(InputError, match="not the one that its link names"):
        requote(text, archive, made.link)


@given(st.data())
@settings(max_examples=150)
def test_no_changed_byte_passes(data):
    archive = MemoryArchive()
    made = frozen(archive)
    place, byte = data.draw(st.integers(0, len(made.text) - 1)), data.draw(st.integers(0, 255))
    text = made.text[:place] + bytes([byte]) + made.text[place + 1 :]
    if text != made.text:
        with pytest.raises(MarqueError):
            requote(text, archive)


def test_a_quote_of_another_layout_is_not_the_quote():
    made, archive = frozen(), MemoryArchive()
    with pytest.raises(InputError, match="not canonical JSON"):
        requote(json.dumps(json.loads(made.text), indent=1).encode(), archive)


def test_a_document_that_the_archive_lost_or_changed_is_named(tmp_path):
    archive = FolderArchive(tmp_path)
    made = frozen(archive)
    digest = json.loads(made.text)["price_list"]["digest"]
    place = tmp_path / digest[:2] / digest
    kept = place.read_bytes()
    place.write_bytes(kept.replace(b"59999.99", b"49999.99"))
    with pytest.raises(InputError, match="the price list kept there is not what was put there"):
        by_link(made.link, archive)
    place.unlink()
    with pytest.raises(Missing, match="price list with the digest"):
        by_link(made.link, archive)
    archive.put(kept)
    assert by_link(made.link, archive) == made


@pytest.mark.parametrize("link", ["", "quotes/", "quotes/xyz", "quotes/" + "0" * 63, "https://shop.example/quotes/" + "G" * 64])
def test_what_is_no_link_is_refused(link):
    with pytest.raises(InputError, match="is not the link of a quote"):
        quotes.by_link(link, MemoryArchive())


def test_an_unknown_link_is_missing():
    with pytest.raises(Missing):
        by_link("quotes/" + "0" * 64, MemoryArchive())


def test_quotes_frozen_with_the_first_arithmetic_are_still_what_they_were():
    """Whoever changes a figure of an arithmetic that quotes were made with meets this test. Entries are added, never replaced."""
    archive, told = MemoryArchive(), json.loads(FROZEN.read_text(encoding="utf-8"))
    for text in told["documents"]:
        archive.put(text.encode())
    assert {link: str(by_link(link, archive).breakdown.payable) for link in told["quotes"]} == told["quotes"]
