"""Forms of the console that are refused come back with what was typed and why; and what the newer pages show, say and hand out."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from in_process import browser
from lxml import html

from databases import OneDatabase
from marque.alliance import audit, keys, requirements, sessions
from marque.alliance.audit import LogKey
from marque.alliance.model import Process
from marque.alliance.passkeys import RelyingParty
from marque.alliance.requirements import Said
from marque.app.console.join import Console
from marque.app.platform import Platform, server_key
from marque.app.reasons import told
from marque.app.render import day, minute
from marque.app.settings import Settings
from marque.app.web import create_app
from marque.app.words import words_of
from marque.common import Refusal, Refused
from marque.foundation import Actor, Database, SetClock

sys.path.insert(0, str(Path(__file__).parents[1] / "alliance"))
from joint_development import RD, colleague, join

ORIGIN = "http://localhost:8000"


class Page:
    """An answer as somebody reads it."""

    def __init__(self, response):
        self.response, self.status, self.tree = response, response.status_code, html.fromstring(response.text or "<p>")

    def text(self, path):
        found = self.tree.xpath(path)
        return " ".join(" ".join(found[0].itertext()).split()) if found else ""

    @property
    def alert(self):
        return self.text("//*[@role='alert']")

    def field(self, name, form="*"):
        """The value of a field as a browser would send it; within a form where several have one of the name."""
        found = self.tree.xpath(f"//{form}//*[@name='{name}']")
        assert len(found) == 1, (name, len(found))
        return found[0].value

    def ticked(self, name):
        return [one.get("value") for one in self.tree.xpath(f"//input[@name='{name}'][@checked]")]


class Visitor:
    def __init__(self, app, token, language="en"):
        self.client, self.csrf = browser(app, ORIGIN), sessions.csrf_token(token)
        self.client.cookies.set("session", token)
        self.client.headers.update({"accept": "text/html", "accept-language": language, "sec-fetch-site": "same-origin"})

    def get(self, address):
        return Page(self.client.get(address))

    def post(self, address, files=None, **fields):
        return Page(self.client.post(address, data={"csrf": self.csrf} | fields, files=files))

    def follow(self, page):
        assert page.status == 303, page.alert
        return self.get(page.response.headers["location"])


class World:
    """GAC and Huawei with their AH8, SERES beside them, and the console over their database."""

    def __init__(self, database, addresses, folder):
        self.joint = join(database, addresses.owner)
        settings = Settings(public_origin=ORIGIN, keys_folder=folder)
        log = LogKey("localhost/audit", server_key(folder / "audit-log.pem"))
        platform = Platform(settings, addresses, database, RelyingParty("localhost", "Marque", (ORIGIN,)), None, log)
        self.app = create_app(None, hosts=("localhost",), console=Console(settings, database.clock, lambda: platform))
        with self.joint.acting("gac") as tx:
            self.requirement = requirements.found(tx, self.joint.area(), Said(title="Stops", text="See `<text>` & <br>", status="proposed"))

    def visitor(self, organisation, *duties, language="en"):
        who = colleague(self.joint, organisation, *duties) if duties else self.joint.people[organisation]
        with self.joint.database.transaction(Actor(organisation)) as tx:
            token, _ = sessions.start(tx, who)
        return Visitor(self.app, token, language)

    @property
    def agreement(self):
        return f"/console/agreements/gac/{self.joint.agreement}"

    def entries(self):
        with self.joint.acting("gac") as tx:
            return len(audit.entries(tx, limit=1000))


@pytest.fixture(scope="module")
def standing(server, tmp_path_factory):
    """One world for tests that change nothing in it; people may come in."""
    apart = OneDatabase(server, "marque_template", "console_forms")
    addresses = apart.emptied()
    with Database(addresses.app, SetClock(datetime(2025, 6, 1, 12, tzinfo=UTC))) as database:
        yield World(database, addresses, tmp_path_factory.mktemp("keys"))
    apart.drop()


@pytest.fixture
def fresh(database, addresses, tmp_path):
    return World(database, addresses, tmp_path)


def form_of(page, form):
    """Every field of a form as a browser would send it."""
    found = page.tree.xpath(f"//form[@id='{form}']")[0]
    return {name: value for name, value in found.form_values() if name not in {"csrf", "party"}}, page.tree.xpath(
        f"//form[@id='{form}']//input[@name='party']/@value"
    )


def test_a_revision_that_was_refused_keeps_every_choice(fresh):
    visitor, address = fresh.visitor("gac"), f"{fresh.agreement}/propose"
    fields, parties = form_of(visitor.get(address), "form-propose")
    fields |= {"title": "A <new> title", "effective": "2022-02-31", f"role/{RD}/huawei": "consulted", "open-decisions": "new"}
    fields[f"clause/{RD}/huawei"] = "frozen-copy"
    page = visitor.post(address, **fields, party=parties)
    assert page.status == 422
    assert page.alert.startswith("Takes effect on: “2022-02-31” is not a day.")
    kept, _ = form_of(page, "form-propose")
    assert kept == fields
    page = visitor.post(address, **fields | {"effective": "2022-04-01"}, party=parties)
    assert visitor.follow(page).text("//h1").startswith("Revision 2")


def test_a_text_in_which_nobody_leads_is_refused_in_the_readers_words(standing):
    visitor, address = standing.visitor("gac", language="zh"), f"{standing.agreement}/propose"
    fields, parties = form_of(visitor.get(address), "form-propose")
    page = visitor.post(address, **fields | {f"role/{RD}/{one}": "none" for one in parties}, party=parties)
    assert (page.status, page.alert.split("。")[0]) == (422, "角色 · 研发：没有主导方")


def test_a_start_that_cannot_be_is_told_on_the_page_where_it_is_chosen(standing):
    where = f"{standing.agreement}/propose?party=gac&party=huawei&mode=inside&carmaker=gac&partner=gac"
    page = standing.visitor("gac").get(where)
    assert (page.status, page.text("//h1")) == (409, "Propose a revision")
    assert "One organisation takes two positions." in page.alert
    assert page.tree.xpath("//form[@id='form-start']")
    assert not page.tree.xpath("//form[@id='form-propose']")


@pytest.mark.parametrize(
    ("address", "fields", "status", "reason"),
    [
        ("/console/agreements", {"title": " " * 3}, 409, "An agreement has a title."),
        ("/console/agreements/gac/{agreement}/programmes", {"code": "!", "name": "Kept", "brand": "aion"}, 409, "A programme's code"),
        ("/console/people", {"name": "Kept <name>", "email": "nobody"}, 409, "This is not an e-mail address."),
        ("/console/programmes/gac/{programme}/{process}/decisions", {"title": "Kept <title>", "subject": "", "question": "Why?"}, 409,
         "A decision has a subject and a title."),
        ("/console/programmes/gac/{programme}/{process}/requirements", {"number": "R7", "title": "", "rationale": "Kept <why>"}, 409,
         "A side says at least a title or a text."),
        ("/console/requirements/{requirement}", {"title": "Kept <title>", "text": "Mine", "version": "0"}, 409, "This side was written"),
        ("/console/requirements/{requirement}", {"title": "Kept <title>", "version": "nonsense"}, 422, "Version: It is no whole number."),
        ("/console/requirements/{requirement}", {"title": "Kept <title>", "version": "-1"}, 422, "Version: It is no whole number."),
        ("/console/requirements/{requirement}/comments", {"text": " "}, 409, "A comment says something"),
        ("/console/brands", {"code": "aion", "name": "Aion", "owner": "gac", "since": "x", "source": "K"}, 422, "From: “x” is not a day."),
        ("/console/tokens", {"name": "Kept", "purpose": "p", "expires": "2022-06-01"}, 422, "Scopes: No scope is given."),
        ("/console/tokens", {"name": "Kept", "purpose": "p", "expires": "2032-06-01", "scope": "view:*"}, 422, "Ends: It has to end"),
    ],
)  # fmt: skip
def test_a_refused_form_comes_back_with_what_was_typed_and_why(standing, address, fields, status, reason):
    visitor = standing.visitor("gac")
    names = {
        "agreement": standing.joint.agreement,
        "programme": standing.joint.programme,
        "process": RD,
        "requirement": standing.requirement.id,
    }
    before = standing.entries()
    page = visitor.post(address.format(**names), **fields)
    assert (page.status, standing.entries()) == (status, before)
    assert reason in page.alert
    [form] = page.tree.xpath("//*[@role='alert']//a/@href")
    for name, value in fields.items():
        if name not in {"version", "scope"}:
            assert page.field(name, f"form[@id='{form[1:]}']").strip() == value.strip()
    assert not page.tree.xpath(f"//details[not(@open)]//form[@id='{form[1:]}']"), "it can be seen"


def test_ticks_of_a_refused_form_stay(standing):
    page = standing.visitor("gac").post("/console/people", name="Wei", email="nobody", duty=["viewer", "signatory"])
    assert page.tree.xpath("//form[@id='form-person']//input[@checked]/@value") == ["viewer", "signatory"]
    page = standing.visitor("gac").post("/console/tokens", name=" ", purpose="p", expires="2022-06-01", scope=["view:*", "sell:sales"])
    assert sorted(page.ticked("scope")) == ["sell:sales", "view:*"]


def test_after_a_stale_edit_both_writings_are_there_and_the_next_attempt_holds(fresh):
    visitor, address = fresh.visitor("gac"), f"/console/requirements/{fresh.requirement.id}"
    page = visitor.post(address, title="Mine", text="Typed", version="0")
    assert "Text, yours Typed" in page.alert
    assert "Text, now See `<text>` & <br>" in page.alert
    fields, _ = form_of(page, "form-side")
    assert visitor.follow(visitor.post(address, **fields)).text("//h1").startswith("Mine")


def test_a_rejection_without_a_reason_asks_for_one(fresh):
    visitor = fresh.visitor("gac")
    where = f"/console/programmes/gac/{fresh.joint.programme}/{RD}/decisions"
    asked = visitor.post(where, title="Freeze", subject="definition/1").response.headers["location"]
    page = visitor.post(f"{asked}/reject", reason="")
    assert (page.status, page.text("//h1")) == (409, "Freeze Open")
    assert "A rejection has a reason." in page.alert


def test_a_file_that_is_no_text_is_refused_by_its_name_with_a_remedy(standing):
    address = f"{standing.agreement}/revisions/1/sign"
    page = standing.visitor("gac", language="zh").post(address, files={"envelope": ("a.bin", b"\xff\xfe\x80")})
    assert page.status == 422
    assert page.alert == "信封：不是 UTF-8 编码的文本。 请原样选择命令生成的文件。"
    assert standing.visitor("gac").post("/console/agreements", title="a\0b").status == 422


def test_plain_text_of_a_requirement_is_shown_as_it_was_written(standing):
    page = standing.visitor("huawei").get(f"/console/requirements/{standing.requirement.id}")
    assert page.text("//section[@class='tile']/p") == "See `<text>` & <br>"
    own = standing.visitor("gac").get(f"/console/requirements/{standing.requirement.id}")
    assert own.field("text", "form[@id='form-side']") == "See `<text>` & <br>"


def test_editing_a_formatted_text_without_touching_it_keeps_its_form(fresh):
    with fresh.joint.acting("gac") as tx:
        made = requirements.found(tx, fresh.joint.area(), Said(title="Rich", text="<div><p>One <b>bold</b> word.</p></div>"))
    visitor, address = fresh.visitor("gac"), f"/console/requirements/{made.id}"
    page = visitor.get(address)
    assert page.text("//section[@class='tile']/p") == "One bold word."
    fields, _ = form_of(page, "form-side")
    visitor.follow(visitor.post(address, **fields | {"title": "Still rich"}))
    with fresh.joint.acting("gac") as tx:
        assert requirements.one(tx, made.id).of("gac").text == made.of("gac").text


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


def test_a_form_that_was_refused_offers_its_page_in_the_other_language(standing):
    visitor = standing.visitor("gac")
    visitor.client.headers["referer"] = f"{ORIGIN}/console/people?on=1"
    page = visitor.post("/console/people", name="", email="")
    assert page.tree.xpath("//nav[@class='languages']/a/@href") == ["/console/people?on=1&lang=en", "/console/people?on=1&lang=zh"]


@pytest.mark.parametrize(
    ("address", "fields"),
    [
        ("/console/agreements/gac/{agreement}/programmes", {"code": "!"}),
        ("/console/programmes/gac/{programme}/{process}/decisions", {"subject": ""}),
        ("/console/people", {"email": "nobody"}),
        ("/console/brands", {"code": "!"}),
        ("/console/tokens", {"name": ""}),
    ],
)
def test_every_way_on_from_a_refused_form_leads_to_a_page(standing, address, fields):
    visitor, joint = standing.visitor("gac"), standing.joint
    page = visitor.post(address.format(agreement=joint.agreement, programme=joint.programme, process=RD), **fields)
    assert page.alert
    ways = [*page.tree.xpath("//main//a/@href"), *page.tree.xpath("//form[@method='get']/@action")]
    assert {way: visitor.get(way).status for way in ways if not way.startswith("#")} == {
        way: 200 for way in ways if not way.startswith("#")
    }
    assert len(page.tree.xpath("//form")) == len(page.tree.xpath("//form/@action")), "an action left out would be the form's own address"


LIMIT = {"en": "larger than 8 MiB", "zh": "超过 8 MiB"}
URLENCODED = "application/x-www-form-urlencoded"


@pytest.mark.parametrize("language", LIMIT)
def test_a_file_of_more_than_the_limit_is_refused_with_the_limit_and_not_read(standing, language):
    visitor, address = standing.visitor("gac", language=language), f"{standing.agreement}/revisions/1/sign"
    page = visitor.post(address, files={"envelope": ("a.json", b" " * (8 << 20))})
    assert (page.status, LIMIT[language] in page.alert) == (413, True)
    script = visitor.client.post(address, content=b"csrf=" + b"x" * (8 << 20), headers={"accept": "*/*", "content-type": URLENCODED})
    assert (script.status_code, script.headers["content-type"], LIMIT[language] in script.text) == (413, "text/plain; charset=utf-8", True)
    assert visitor.post(address, files={"envelope": ("a.json", b" " * (7 << 20))}).status == 409, "what is below it is looked at"


@pytest.mark.parametrize("announced", [True, False])
@pytest.mark.parametrize("address", ["/console/agreements", "/api/v1/agreements"])
def test_no_more_of_a_body_is_taken_than_the_limit_whether_its_length_is_told_or_not(standing, address, announced):
    visitor = standing.visitor("gac")
    kind = "application/json" if address.startswith("/api") else URLENCODED
    cookie = "; ".join(f"{name}={value}" for name, value in visitor.client.cookies.items())
    told = {"host": "localhost:8000", "content-type": kind, "cookie": cookie, "sec-fetch-site": "same-origin"}
    told |= {"content-length": str(300 << 20)} if announced else {}
    taken, answers = 0, []

    async def receive():
        nonlocal taken
        taken += 1
        return {"type": "http.request", "body": b"x" * (1 << 20), "more_body": taken < 300}

    async def send(message):
        answers.append(message)

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http", "path": address,
        "raw_path": address.encode(), "query_string": b"", "root_path": "", "client": ("127.0.0.1", 1), "server": ("localhost", 8000),
        "headers": [(name.encode(), value.encode()) for name, value in told.items()],
    }  # fmt: skip
    asyncio.run(standing.app(scope, receive, send))
    assert (answers[0]["status"], taken) == (413, 0 if announced else 9)


def proposal(parties):
    fields = {"title": "Many", "effective": "2022-02-31", "mode": "", "carmaker": "gac", "partner": "huawei", "open-decisions": "old"}
    for process in Process:
        for one in parties:
            fields |= {f"role/{process}/{one}": "none", f"sight/{process}/{one}": "own", f"clause/{process}/{one}": ""}
    return fields


def test_a_revision_of_forty_parties_can_be_sent_and_too_many_fields_are_told_in_the_readers_words(standing):
    address, parties = f"{standing.agreement}/propose", [f"party-{number}" for number in range(40)]
    page = standing.visitor("gac").post(address, **proposal(parties), party=parties)
    assert (page.status, page.alert.split(".")[0]) == (422, "Roles · Product definition: Nobody leads"), "the form is read"
    more = [f"party-{number}" for number in range(42)]
    page = standing.visitor("gac", language="zh").post(address, **proposal(more), party=more)
    assert (page.status, page.alert) == (413, "一份表单至多有 1500 个字段和 4 个文件。")
    broken = standing.visitor("gac", language="zh").client.post(
        address, content=b"no parts", headers={"content-type": "multipart/form-data; boundary=x"}
    )
    assert broken.status_code == 422
    assert "这不是由我们的页面发送的表单。" in broken.text


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
