"""The console of product people: what a click does, what stands against it, what a car costs, and how a revision comes into force."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from marque.app.words import LANGUAGES

sys.path.insert(0, str(Path(__file__).parents[1] / "alliance"))
from console_visitors import World, form_of, standing_world
from joint_development import OPEN, RD, SHARED

LINE = "/console/product/lines/example"
ULTRA = "on=2026-10-01&market=cn&d=Ultra"
MODEL = """features
    Car
        mandatory
            Model
                alternative
                    Corvus
                    Vela
        optional
            Hook
constraints
    Hook => Corvus
"""


@pytest.fixture(scope="module")
def standing(server, tmp_path_factory):
    with standing_world(server, tmp_path_factory.mktemp("keys")) as made:
        yield made


@pytest.fixture
def fresh(database, addresses, tmp_path):
    return World(database, addresses, tmp_path)


def told(page, path):
    return [" ".join(" ".join(one.itertext()).split()) for one in page.tree.xpath(path)]


def hidden(page, form):
    return [(one.get("name"), one.get("value")) for one in page.tree.xpath(f"//form[@id='{form}']//input[@type='hidden']")]


def click(visitor, page, value):
    """As a browser sends the form of clicks with one of its buttons."""
    assert page.tree.xpath(f"//button[@form='clicks'][@value='{value}']"), value
    fields = {}
    for name, said in hidden(page, "clicks"):
        fields.setdefault(name, []).append(said)
    return visitor.post(f"{LINE}/configure", **{name: value for name, value in fields.items() if name != "csrf"}, click=value)


def standing_of(page, name):
    (found,) = page.tree.xpath(f"//li[@id='f-{name}']/@class")
    return found.removeprefix("option stands-")


def test_a_click_leads_to_an_address_that_holds_it_and_says_what_follows(standing):
    visitor = standing.visitor("gac", "product")
    page = visitor.get(f"{LINE}/configure?on=2026-10-01&market=cn&at=basics")
    answer = click(visitor, page, "Ultra")
    assert parse_qs(urlsplit(answer.response.headers["location"]).query)["d"] == ["Ultra"]
    after = visitor.follow(answer)
    assert standing_of(after, "Ultra") == "chosen"
    drive = visitor.get(f"{LINE}/configure?{ULTRA}&at=drive.Drive")
    assert standing_of(drive, "drive.Pack78") == "forbidden"
    back = visitor.follow(click(visitor, after, "~Ultra"))
    assert standing_of(back, "Ultra") == "free"


def test_the_same_link_leads_everybody_to_the_same_car(standing):
    pages = [standing.visitor(who, "product").get(f"{LINE}/configure?{ULTRA}&at=drive.Drive") for who in ("gac", "huawei", "seres")]
    assert len({page.text("//div[@class='workbench']") for page in pages}) == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_excludes_a_feature_is_told_as_a_sentence_with_its_place(standing, language):
    page = standing.visitor("gac", "product", language=language).get(f"{LINE}/configure?{ULTRA}&at=drive.Drive&why=drive.Pack78")
    said = told(page, "//div[@id='why']//li")
    assert len(said) == 2
    assert re.search(r"line\.uvl:\d+", said[1])
    assert ("您选了旗舰版" if language == "zh" else "You chose Ultra") in said[0]
    assert "drive.Pack78" not in " ".join(said), "labels, not names"


def test_a_click_that_leaves_no_car_is_refused_with_its_conflict_and_repairs_that_work(standing):
    visitor = standing.visitor("gac", "product")
    page = visitor.get(f"{LINE}/configure?on=2026-10-01&market=cn&d=Pure&at=Packages")
    refused = click(visitor, page, "TechnologyPackage")
    assert refused.status == 409
    assert "Technology package cannot be chosen" in refused.alert
    assert "You chose Pure" in refused.alert
    repairs = refused.tree.xpath("//ul[@class='repairs']/li/a/@href")
    assert repairs
    assert re.search(r"Change Pure → Plus, [+−]¥[\d,]+", told(refused, "//ul[@class='repairs']/li")[0])
    for address in repairs:
        after = visitor.get(address.split("#")[0] + "&at=Packages")
        assert standing_of(after, "TechnologyPackage") == "chosen"


def test_a_completed_car_has_a_price_parts_and_figures_and_its_quote_comes_out_the_same(standing):
    visitor = standing.visitor("gac", "product")
    answer = visitor.post(f"{LINE}/configure", on="2026-10-01", market="cn", d=["Ultra"], fill="1")
    page = visitor.follow(answer)
    total = told(page, "//tr[@class='total']/td")[-1]
    assert total.startswith("¥")
    assert page.tree.xpath("count(//section[@aria-labelledby='parts']//tbody/tr)") > 100
    assert "Range, WLTC profile" in page.text("//dl[contains(@class, 'computed')]")
    fields = {}
    for name, value in hidden(page, "form-quote"):
        fields.setdefault(name, []).append(value)
    quote = visitor.follow(visitor.post(f"{LINE}/quotes", **{name: value for name, value in fields.items() if name != "csrf"}))
    assert told(quote, "//tr[@class='total']/td")[-1] == total
    assert "the same to the cent" in quote.text("//main")
    link = urlsplit(quote.text("//code[@class='secret']")).path
    assert told(visitor.get(link), "//tr[@class='total']/td")[-1] == total
    assert standing.visitor("seres", "product").get(link).status == 404, "a quote of the example is its organisation's"


@pytest.mark.parametrize(("market", "sign"), [("de", "€"), ("uk", "£")])
def test_a_car_of_another_market_has_a_price_there(standing, market, sign):
    visitor = standing.visitor("gac", "product")
    page = visitor.follow(visitor.post(f"{LINE}/configure", on="2026-10-01", market=market, fill="1"))
    assert told(page, "//tr[@class='total']/td")[-1].startswith(sign)


def test_another_market_has_another_currency_and_other_rules(standing):
    visitor = standing.visitor("gac", "product")
    for market, sign, port in (("cn", "¥", "drive.ChargePortGB"), ("de", "€", "drive.ChargePortCCS"), ("uk", "£", "drive.ChargePortCCS")):
        page = visitor.get(f"{LINE}/configure?on=2026-10-01&market={market}&at=drive.Drive")
        assert sign in page.text("//div[@class='choices']")
        assert standing_of(page, port) == "forced"


def test_an_address_that_makes_no_sense_is_a_page_all_the_same(standing):
    visitor = standing.visitor("gac", "product")
    for query in ("on=nonsense", "market=moon&year=1&plant=x", "d=NoSuch&d=!&d=", "at=nowhere", "why=nothing", "q=%00", "d=Pure&d=Ultra"):
        for page in ("", "/configure", "/rules", "/car", "/parts", "/differences", "/software"):
            assert visitor.get(f"{LINE}{page}?{query}").status == 200, (page, query)


def test_every_car_has_each_part_once_and_the_years_differ_in_what_is_shown(standing):
    visitor = standing.visitor("huawei", "product")
    assert "Proved" in visitor.get(f"{LINE}/parts").text("//h2[@id='proof']")
    page = visitor.get(f"{LINE}/differences?before=2026&after=2027&market=cn")
    assert "Battery 112 kWh" in page.text("//section[@aria-labelledby='k-new']")
    assert "R134a" in page.text("//section[@aria-labelledby='k-gone']")


# Revisions -------------------------------------------------------------------------------------------------------------------------------


def programme_of(world):
    return f"/console/product/programmes/gac/{world.joint.programme}"


def proposed(visitor, place, **fields):
    form, _ = form_of(visitor.get(f"{place}/propose?kind={fields.get('kind', 'vehicle')}&part={fields.get('part', '')}"), "form-propose")
    return visitor.post(f"{place}/propose", **{key: value for key, value in (form | fields).items() if value is not None})


def test_a_revision_waits_for_the_other_side_and_is_in_force_when_it_has_assented(fresh):
    roles, sight = (dict.fromkeys((RD, "product-definition"), row) for row in (SHARED, OPEN))
    fresh.joint.agree(fresh.joint.database.clock.now().date(), roles, sight, transition={"clauses": [], "open-decisions": "old"})
    gac, huawei, place = fresh.visitor("gac"), fresh.visitor("huawei"), programme_of(fresh)
    page = gac.follow(proposed(gac, place, part="car", model=MODEL, note="Hooks", act="propose"))
    assert "Hooks" in page.text("//p[@class='intro prewrap']")
    assert "waits for HUAWEI" in gac.get(place).text("//section[@aria-labelledby='force']")
    listed = huawei.get("/console/product")
    (address,) = listed.tree.xpath("//ul[@class='tasks']//a/@href")
    huawei.follow(huawei.post(f"{address}/approve", reason=""))
    assert "GAC" in told(huawei.get(place), "//section[@aria-labelledby='force']//tbody/tr/td[1]")[0].upper()


def test_the_next_revision_shows_what_it_changes_line_by_line(fresh):
    gac, place = fresh.visitor("gac"), programme_of(fresh)
    gac.follow(proposed(gac, place, part="car", model=MODEL, act="propose"))
    page = gac.follow(proposed(gac, place, part="car", model=MODEL.replace("Hook", "TowBar"), act="propose"))
    assert "+            TowBar" in [one.text for one in page.tree.xpath("//pre[@class='changed']/span[@class='added']")]


def test_a_faulty_text_is_refused_with_line_and_column_and_kept_in_the_form(fresh):
    gac, place = fresh.visitor("gac"), programme_of(fresh)
    wrong = MODEL.replace("Hook => Corvus", "Hook => Corvux")
    for act in ("check", "propose"):
        page = proposed(gac, place, part="car", model=wrong, act=act)
        assert page.status == 422
        assert "line 11" in page.alert
        assert "Corvux" in page.field("model")
    assert gac.get(place).tree.xpath("//p[@class='empty']")


def test_a_check_says_what_is_read_and_writes_nothing(fresh):
    gac, place = fresh.visitor("gac"), programme_of(fresh)
    page = proposed(gac, place, part="car", model=MODEL, act="check")
    assert page.status == 200
    assert "It has 5 features and 1 rules." in page.text("//section[@aria-labelledby='found']")
    assert gac.get(place).tree.xpath("//p[@class='empty']")


def test_a_change_that_makes_a_feature_of_the_line_in_force_impossible_is_seen_before_it_is_proposed(fresh):
    gac, place = fresh.visitor("gac"), programme_of(fresh)

    page = gac.follow(proposed(gac, place, part="car", model=MODEL, act="propose"))
    digest = page.text("//dl[@class='facts']//code")
    line = f'{{"kind":"https://marque.example/model-line/v1","root":"car","parts":{{"car":"{digest}"}}}}'
    gac.follow(proposed(gac, place, kind="line", part="line", model=line, act="propose"))
    page = proposed(gac, place, part="car", model=MODEL + "    !Corvus\n", act="check")
    found = page.text("//section[@aria-labelledby='found']")
    assert "No car can have these any more: Corvus, Hook." in found
