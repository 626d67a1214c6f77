"""Forms of the console that are refused come back with what was typed and why; and how much of a form is taken."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from marque.alliance import requirements
from marque.alliance.model import Process
from marque.alliance.requirements import Said

sys.path.insert(0, str(Path(__file__).parents[1] / "alliance"))
from console_visitors import ORIGIN, World, form_of, standing_world
from joint_development import RD


@pytest.fixture(scope="module")
def standing(server, tmp_path_factory):
    with standing_world(server, tmp_path_factory.mktemp("keys")) as made:
        yield made


@pytest.fixture
def fresh(database, addresses, tmp_path):
    return World(database, addresses, tmp_path)


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
