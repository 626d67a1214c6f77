"""What the console shows, says and hands out: to whom, in which words, and no more than that."""

from __future__ import annotations

import json
import re
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from marque.alliance import keys
from marque.alliance.passkeys import RelyingParty
from marque.app.reasons import told
from marque.app.render import day, minute
from marque.app.words import words_of
from marque.common import Refusal, Refused

sys.path.insert(0, str(Path(__file__).parents[1] / "alliance"))
from console_visitors import ORIGIN, Page, World, form_of, standing_world


@pytest.fixture(scope="module")
def standing(server, tmp_path_factory):
    with standing_world(server, tmp_path_factory.mktemp("keys")) as made:
        yield made


@pytest.fixture
def fresh(database, addresses, tmp_path):
    return World(database, addresses, tmp_path)


def test_plain_text_of_a_requirement_is_shown_as_it_was_written(standing):
    page = standing.visitor("huawei").get(f"/console/requirements/{standing.requirement.id}")
    assert page.text("//section[@class='tile']/p") == "See `<text>` & <br>"
    own = standing.visitor("gac").get(f"/console/requirements/{standing.requirement.id}")
    assert own.field("text", "form[@id='form-side']") == "See `<text>` & <br>"


def test_somebody_who_is_told_off_is_still_signed_in_and_can_leave(standing):
    visitor = standing.visitor("gac", "engineer")
    for address, status in (("/console/people", 403), ("/console/agreements/gac/nothing", 404)):
        page = visitor.get(address)
        assert page.status == status
        assert page.field("csrf", "form[@action='/sign-out']") == visitor.csrf
        assert page.alert
    page = Page(visitor.client.post("/console/agreements", data={"csrf": "another", "title": "x"}))
    assert (page.status, page.tree.xpath("count(//form[@action='/sign-out'])")) == (403, 1)


def test_the_way_shows_where_one_is_and_offers_only_what_one_may_see(standing):
    page = standing.visitor("gac", "engineer").get(f"/console/programmes/gac/{standing.joint.programme}")
    assert page.tree.xpath("//nav[@class='where']/a[@aria-current]/@href") == ["/console/programmes"]
    assert not {"/console/people", "/console/tokens", "/console/audit"} & set(page.tree.xpath("//nav[@class='where']/a/@href"))
    page = standing.visitor("gac").get("/console/people")
    assert page.tree.xpath("//nav[@class='where']/a[@aria-current='page']/@href") == ["/console/people"]


def test_the_public_record_tells_who_decides_on_a_day_with_its_sources(standing):
    page = standing.visitor("gac").get("/console/history?programme=ah8&on=2023-03-28")
    assert page.text("//h2[1]") == "AH8 on 2023-03-28"
    assert page.text("//dl[@class='facts']/div[1]") == "Sign releases GAC Aion"
    assert page.tree.xpath("//ul[@class='sources']//a[starts-with(@href, 'http')]")
    before = standing.visitor("gac").get("/console/history?programme=AH8&on=2022-03-28")
    assert before.text("//dl[@class='facts']/div[3]") == "Mode Joint development"
    early = standing.visitor("gac").get("/console/history?programme=AH8&on=2001-01-01")
    assert "The first report is of 2021-07-09." in early.text("//*[@role='status']")


@pytest.mark.parametrize("query", ["", "?programme=none-such", "?programme=<b>&on=nonsense", "?on=9999-12-31"])
def test_the_public_record_has_an_answer_to_every_question(standing, query):
    page = standing.visitor("seres", language="zh").get(f"/console/history{query}")
    assert (page.status, page.text("//h1")) == (200, "公开记录")


def test_a_token_is_shown_once_works_and_ends(fresh):
    visitor = fresh.visitor("gac")
    ends = (fresh.joint.database.clock.now() + timedelta(days=30)).date().isoformat()
    page = visitor.post("/console/tokens", name="Nightly", purpose="reads", expires=ends, scope=["view:*"])
    secret = page.text("//code[@class='secret']")
    program = {"authorization": f"Bearer {secret}"}
    assert visitor.client.get("/api/v1/programmes", headers=program).status_code == 200
    listed = visitor.get("/console/tokens")
    assert secret not in listed.response.text
    assert "Nightly" in listed.text("//table")
    [revoke] = listed.tree.xpath("//form[contains(@action, '/revoke')]/@action")
    assert "revoked" in visitor.follow(visitor.post(revoke)).text("//table")
    assert visitor.client.get("/api/v1/programmes", headers=program).status_code == 401
    assert visitor.post(revoke).status == 404


def test_tokens_are_for_administrators_alone(standing):
    visitor = standing.visitor("gac", "engineer", "signatory")
    assert visitor.get("/console/tokens").status == 403
    assert visitor.post("/console/tokens", name="x", purpose="p", expires="2022-04-01", scope="view:*").status == 403


def test_the_key_directory_holds_what_others_check_signatures_with(standing):
    visitor = standing.visitor("gac", "engineer")
    answer = visitor.get("/console/me/directory").response
    assert "keys-gac.json" in answer.headers["content-disposition"]
    with standing.joint.acting("gac") as tx:
        assert answer.content == keys.directory(tx, RelyingParty("localhost", "Marque", (ORIGIN,))).dumps()
    assert json.loads(answer.content)["relyingParty"]["id"] == "localhost"
    assert visitor.get("/console/me").tree.xpath("//a[@href='/console/me/directory']")


def test_what_a_revision_changes_reads_in_chinese(fresh):
    fresh.joint.change(fresh.joint.database.clock.now().date(), ("huawei", "frozen-copy"), decisions="new")
    page = fresh.visitor("gac", language="zh").get(f"{fresh.agreement}/revisions/2")
    rows = [" ".join(" ".join(row.itertext()).split()) for row in page.tree.xpath("//section[@aria-labelledby='changes']//tbody/tr")]
    assert "研发 HUAWEI 共同决定 、 可见全部 供应 、 仅见自有" in rows or "研发 HUAWEI 共同决定、可见全部 供应、仅见自有" in rows
    assert not re.findall(r"role|sight|leads|supplies|decisions", " ".join(rows))


def test_the_audit_log_says_in_words_what_happened(fresh):
    visitor = fresh.visitor("gac", language="zh")
    visitor.post("/console/agreements", title="新协议")
    assert visitor.get("/console/audit").text("//summary") == "起草了协议 新协议"


def test_texts_of_two_agreements_drafted_in_one_minute_have_two_names_and_the_page_says_the_one_it_gives(fresh):
    visitor, names = fresh.visitor("gac"), set()
    for title in ("One", "Two"):
        address = visitor.post("/console/agreements", title=title).response.headers["location"]
        proposing = f"{address}/propose?party=gac&party=huawei&mode=balanced&carmaker=gac&partner=huawei"
        fields, parties = form_of(visitor.get(proposing), "form-propose")
        page = visitor.follow(visitor.post(f"{address}/propose", **fields, party=parties))
        given = visitor.get(f"{address}/revisions/1/text").response.headers["content-disposition"]
        name = re.fullmatch('attachment; filename="(agreement-[0-9a-f]{8}-revision-1.json)"', given)[1]
        assert page.text("//ol[@class='steps']//code[starts-with(., 'marque ')]") == f"marque keys sign {name}"
        names.add(name)
    assert len(names) == 2
    assert name == f"agreement-{address[-8:]}-revision-1.json", "the random end of the id, not the clock at its beginning"


@pytest.mark.parametrize("page", ["agreement", "programme"])
def test_a_day_of_the_first_century_is_written_with_its_noughts(standing, page):
    address = standing.agreement if page == "agreement" else f"/console/programmes/gac/{standing.joint.programme}"
    shown = standing.visitor("gac").get(f"{address}?on=0001-01-01")
    assert (shown.status, shown.field("on")) == (200, "0001-01-01")
    assert shown.text("//h2[@id='who']").endswith("0001-01-01")


def test_days_and_minutes_are_written_whole_in_every_year():
    for year in (1, 999, 1000, 2026, 9999):
        instant = datetime(year, 2, 3, 4, 5, 59, 6, tzinfo=UTC)
        assert (day(instant), day(instant.date()), minute(instant)) == (f"{year:04}-02-03", f"{year:04}-02-03", f"{year:04}-02-03 04:05")
        refused = Refused(Refusal("the decision is no longer open", {"at": instant.isoformat()}))
        assert told(words_of("en"), refused).facts == (("At", f"{year:04}-02-03 04:05 UTC"),)


def test_where_no_city_is_served_a_missing_page_leads_to_the_console(standing):
    page = standing.visitor("gac").get("/nothing")
    assert (page.status, page.tree.xpath("//main//a/@href"), page.text("//main//a")) == (404, ["/console"], "To the overview")
