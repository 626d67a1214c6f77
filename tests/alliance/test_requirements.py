"""One object, two owners: what each writes, what each sees, and when they agree."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from threading import Barrier
from uuid import UUID

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from joint_development import RD, colleague, join
from small_alliance import noon

from marque.alliance import requirements, rich_text
from marque.alliance.requirements import STATUSES, Said, Side, Written
from marque.common import Denied, Missing, Refusal, Refused, new_id
from marque.foundation import Actor


@pytest.fixture
def joint(database, owner_dsn):
    return join(database, owner_dsn)


def founded(joint, organisation="gac", **said):
    with joint.acting(organisation) as tx:
        return requirements.found(tx, joint.area(), Said(**({"title": "Range", "text": "At least 500 km"} | said)))


# Rules

words = st.sampled_from(["", "<div>a</div>", "<div>b</div>"])


@st.composite
def side_lists(draw):
    number = draw(st.integers(0, 3))
    return tuple(
        Side(
            organisation=f"o{index}", side=f"o{index}", version=1, written_at=datetime(2025, 1, 1, tzinfo=UTC), written_by=None,
            status=draw(st.sampled_from(STATUSES)), text=draw(words),
        )
        for index in range(number)
    )  # fmt: skip


@given(side_lists(), st.randoms())
def test_agreement_means_that_all_who_stand_by_it_accept_one_text_and_nothing_else(sides, random):
    shuffled = list(sides)
    random.shuffle(shuffled)
    said = requirements.state(sides)
    assert said == requirements.state(shuffled), "nobody's side counts first"
    standing = [one for one in sides if one.status != "withdrawn"]
    one_text = len(standing) > 1 and all(one.status == "accepted" for one in standing) and len({one.text for one in standing}) == 1
    assert (said == "agreed") == one_text
    if said == "agreed":
        edited = replace(sides[sides.index(standing[0])], text="<div>other</div>")
        assert requirements.state([edited, *(one for one in sides if one is not standing[0])]) == "disagreed"


@given(st.integers(0, 5), st.integers(0, 5), st.integers(0, 5))
def test_an_edit_counts_only_if_it_was_made_on_the_last_version(current, given_version, extra):
    side = Side(organisation="gac", side="gac", version=current, written_at=datetime(2025, 1, 1, tzinfo=UTC), written_by=None, title="now")
    answer = requirements.write(side if current else None, new_id(), "gac", Said(title="new"), given_version, current + extra)
    if given_version == current:
        assert isinstance(answer, Written)
        assert answer.version == current + extra + 1
    else:
        assert isinstance(answer, Refusal)
        assert answer.details["title, yours"] == "new"
        assert answer.details["title, now"] == ("now" if current else "")


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


@given(texts)
def test_plain_text_comes_back_as_it_was_said(text):
    rich = rich_text.of_plain(text)
    assert rich_text.plain(rich) == "\n".join(rich_text.legal(text).strip().split("\n")).strip()
    assert rich_text.of(rich) == rich if rich else True


@given(st.recursive(texts.map(lambda text: ("span", {}, text)), lambda inner: st.tuples(
    st.sampled_from(["div", "p", "table", "tr", "td", "script", "style", "object", "a", "svg", "onload", "b"]),
    st.dictionaries(st.sampled_from(["href", "onclick", "style", "src", "data", "title", "xmlns:x"]),
                    st.sampled_from(["javascript:alert(1)", "https://a.example/b", "text-decoration:underline", "x", "url(http://a)"])),
    st.lists(inner, max_size=3)), max_leaves=12))  # fmt: skip
def test_formatted_text_is_safe_and_its_writing_is_stable(tree):
    from lxml import etree

    def build(node):
        tag, attributes, content = node
        made = etree.Element(tag, {key: value for key, value in attributes.items() if ":" not in key})
        if isinstance(content, str):
            made.text = rich_text.legal(content)
        else:
            made.extend([build(one) for one in content])
        return made

    outer = etree.Element("div")
    outer.append(build(tree))
    once = rich_text.of(etree.tostring(outer, encoding="unicode"))
    assert rich_text.of(once) == once
    for element in etree.fromstring(once).iter() if once else []:
        assert element.tag not in {"script", "style", "svg", "object", "onload"}
        assert not {"onclick", "src", "data"} & set(element.attrib)
        assert "javascript" not in element.get("href", "")
        assert element.get("style", "text-decoration:underline") == "text-decoration:underline"


@pytest.mark.parametrize("text", ["<div><b>x</div>", "<div>&amp</div>", "<div/><div/>", '<!DOCTYPE a [<!ENTITY b "c">]><div>&b;</div>'])
def test_what_looks_formatted_and_is_no_xml_is_refused_and_a_document_type_is_plain_text(text):
    if text.startswith("<!"):
        assert "DOCTYPE" in rich_text.plain(rich_text.of(text))
    else:
        with pytest.raises(Refused, match="well-formed"):
            rich_text.of(text)


# The object and its sides


def test_two_organisations_say_each_its_own_of_one_requirement(joint):
    made = founded(joint, number="GAC-1", status="proposed")
    with joint.acting("huawei") as tx:
        seen = requirements.edit(tx, made.id, Said(title="Range", text="At least 450 km", status="proposed", number="HW-9"), 0)
    assert [(one.side, one.number, rich_text.plain(one.text)) for one in seen.sides] == [
        ("gac", "GAC-1", "At least 500 km"), ("huawei", "HW-9", "At least 450 km"),
    ]  # fmt: skip
    assert seen.state == "open"
    with joint.acting("gac") as tx:
        assert requirements.one(tx, made.id) == seen


def test_they_agree_when_one_takes_over_the_others_text_and_both_accept_it(joint):
    made = founded(joint, status="accepted")
    with joint.acting("huawei") as tx:
        agreed = requirements.accept(tx, made.id, "gac", 1)
    assert agreed.state == "agreed"
    with joint.acting("gac") as tx:
        changed = requirements.edit(tx, made.id, replace(agreed.of("gac").said, text="At least 520 km"), 1)
    assert changed.state == "disagreed", "nobody accepts a text by having accepted another"
    with joint.acting("huawei") as tx, pytest.raises(Refused, match="since you read it"):
        requirements.accept(tx, made.id, "gac", 1)


def test_a_stale_edit_is_refused_with_both_writings_and_changes_nothing(joint):
    made = founded(joint)
    with joint.acting("gac") as tx:
        requirements.edit(tx, made.id, Said(title="Range", text="At least 600 km"), 1)
    with pytest.raises(Refused) as refused, joint.acting("gac") as tx:
        requirements.edit(tx, made.id, Said(title="Range", text="At least 400 km"), 1)
    assert refused.value.refusal.details["text, yours"] == "At least 400 km"
    assert refused.value.refusal.details["text, now"] == "At least 600 km"
    with joint.acting("gac") as tx:
        assert [rich_text.plain(one.text) for one in requirements.history(tx, made.id)] == ["At least 500 km", "At least 600 km"]


def test_of_two_edits_at_the_same_moment_one_counts(joint):
    made = founded(joint)
    barrier = Barrier(2)

    def edit(text):
        with joint.acting("gac") as tx:
            requirements.one(tx, made.id)
            barrier.wait()
            return requirements.edit(tx, made.id, Said(title="Range", text=text), 1)

    with ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(edit, text) for text in ("A", "B")]
        faults = [one.exception() for one in futures]
    assert sorted(type(one) for one in faults if one) == [Refused]
    winner = next(rich_text.plain(one.result().of("gac").text) for one, fault in zip(futures, faults, strict=True) if not fault)
    with joint.acting("gac") as tx:
        assert [rich_text.plain(one.text) for one in requirements.history(tx, made.id)] == ["At least 500 km", winner]


def test_writing_what_is_there_makes_no_new_version(joint):
    made = founded(joint)
    with joint.acting("gac") as tx:
        assert requirements.edit(tx, made.id, made.of("gac").said, 1) == made


def test_every_version_stays_with_who_wrote_it_and_when(joint):
    made = founded(joint)
    joint.database.clock.advance(timedelta(days=1))
    other = colleague(joint, "gac", "engineer")
    with joint.database.transaction(Actor("gac", other)) as tx:
        requirements.edit(tx, made.id, Said(title="Range, WLTC"), 1)
    with joint.acting("huawei") as tx:
        told = [(one.version, one.written_by, one.written_at, one.title) for one in requirements.history(tx, made.id)]
    assert told == [
        (1, joint.people["gac"], noon(2022, 3, 1), "Range"), (2, other, noon(2022, 3, 2), "Range, WLTC"),
    ]  # fmt: skip


def test_a_rival_finds_nothing_and_a_hidden_requirement_is_as_one_that_never_was(joint):
    made = founded(joint)
    with joint.acting("huawei") as tx:
        requirements.comment(tx, made.id, "Which cycle?")
    faults = []
    for identifier in (made.id, new_id()):
        for ask in (
            requirements.one,
            requirements.history,
            requirements.comments,
            lambda tx, at: requirements.edit(tx, at, Said(title="Mine"), 0),
            lambda tx, at: requirements.comment(tx, at, "Hello"),
            lambda tx, at: requirements.accept(tx, at, "gac", 1),
        ):
            with pytest.raises(Missing) as missing, joint.acting("seres") as tx:
                ask(tx, identifier)
            faults.append(str(missing.value))
    assert len(set(faults)) == 1
    with joint.acting("seres") as tx, pytest.raises(Missing):
        requirements.page(tx, joint.area())
    with joint.acting("seres") as tx, pytest.raises(Missing):
        requirements.found(tx, joint.area(), Said(title="Mine"))


def test_without_a_role_one_writes_nothing_and_a_viewer_only_looks(joint):
    made = founded(joint)
    with joint.acting("huawei") as tx, pytest.raises((Denied, Missing)):
        requirements.found(tx, joint.area("manufacture"), Said(title="Paint"))
    viewer = colleague(joint, "gac", "viewer")
    with joint.database.transaction(Actor("gac", viewer)) as tx:
        assert requirements.one(tx, made.id) == made
        with pytest.raises(Denied):
            requirements.edit(tx, made.id, Said(title="Range"), 1)


PAST_THE_SERVICE = [
    "update alliance.requirement set text = ''",
    "delete from alliance.requirement",
    "update alliance.requirement_comment set text = 'x'",
    "insert into alliance.requirement select 'gac', gen_random_uuid(), 'gac', 1, lead, programme, process, created_at, written_by,"
    " status from alliance.requirement",
    "insert into alliance.requirement (organisation, id, side, version, lead, programme, process, created_at, written_by, status)"
    " select 'huawei', id, 'gac', 1, lead, programme, process, foundation.instant(), foundation.person(), 'accepted'"
    " from alliance.requirement",
    "insert into alliance.requirement (organisation, id, side, version, lead, programme, process, created_at, written_by, status)"
    " select 'huawei', id, 'huawei', 1, lead, programme, process, foundation.instant() - interval '1 day', foundation.person(), 'draft'"
    " from alliance.requirement",
    "insert into alliance.requirement (organisation, id, side, version, lead, programme, process, created_at, written_by, status)"
    " select 'huawei', id, 'huawei', 1, lead, programme, 'manufacture', foundation.instant(), foundation.person(), 'draft'"
    " from alliance.requirement",
    "insert into alliance.requirement (organisation, id, side, version, lead, programme, process, created_at, written_by, status)"
    " select 'huawei', id, 'huawei', 2, lead, programme, process, foundation.instant(), foundation.person(), 'draft'"
    " from alliance.requirement",
]


def test_past_the_service_too_nobody_writes_anothers_side_or_changes_what_was_said(joint):
    founded(joint)
    for act in PAST_THE_SERVICE:
        with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.CheckViolation)), joint.acting("huawei") as tx:
            tx.execute(act)


def test_comments_and_relations_speak_only_of_what_one_sees(joint):
    one, two = founded(joint), founded(joint, title="Weight")
    with joint.acting("huawei") as tx:
        requirements.comment(tx, one.id, "Which cycle?")
        relation = requirements.relate(tx, two.id, one.id, "refines")
        assert requirements.relate(tx, two.id, one.id, "refines") == relation
        with pytest.raises(Missing):
            requirements.relate(tx, two.id, new_id(), "refines")
    with joint.acting("gac") as tx:
        assert [(said.side, said.text) for said in requirements.comments(tx, one.id)] == [("huawei", "Which cycle?")]
        assert [(said.source, said.target) for said in requirements.relations(tx, "gac", joint.programme)] == [(two.id, one.id)]
        with pytest.raises(Missing):
            requirements.unrelate(tx, relation.id)
    sql = (
        "insert into alliance.requirement_comment (organisation, id, requirement, side, lead, programme, process, created_at, text)"
        " values ('huawei', gen_random_uuid(), %s, 'huawei', 'gac', %s, %s, foundation.instant(), 'x')"
    )
    with pytest.raises(psycopg.errors.ForeignKeyViolation), joint.acting("huawei") as tx:
        tx.execute(sql, (new_id(), joint.programme, RD))


def test_a_requirement_cannot_stand_below_itself_nor_below_what_one_does_not_see(joint):
    one, two = founded(joint), founded(joint, title="Weight")
    with joint.acting("gac") as tx:
        requirements.edit(tx, two.id, replace(two.of("gac").said, parent=one.id), 1)
        with pytest.raises(Refused, match="below itself"):
            requirements.edit(tx, one.id, replace(one.of("gac").said, parent=two.id), 1)
        with pytest.raises(Missing):
            requirements.edit(tx, one.id, replace(one.of("gac").said, parent=new_id()), 1)


def test_pages_show_every_requirement_once_newest_first_with_all_its_sides(joint):
    made = [founded(joint, title=f"R{number}", status="accepted").id for number in range(7)]
    for one in made[::2]:
        with joint.acting("huawei") as tx:
            requirements.accept(tx, one, "gac", 1)
    seen: list[UUID] = []
    states = {}
    with joint.acting("huawei") as tx:
        while page := requirements.page(tx, joint.area(), seen[-1] if seen else None, 3):
            seen += [one.id for one in page]
            states |= {one.id: one.state for one in page}
    assert seen == sorted(made, reverse=True)
    assert states == {one: "agreed" if one in made[::2] else "one-sided" for one in made}


def test_who_sees_only_its_own_rows_sees_requirements_as_if_nobody_else_spoke(joint):
    made = founded(joint)
    founded(joint, title="GAC's alone")
    with joint.acting("huawei") as tx:
        requirements.edit(tx, made.id, Said(title="Range", text="At least 450 km"), 0)
    joint.change(date(2022, 4, 1))
    joint.database.clock.set(noon(2022, 4, 1))
    with joint.acting("huawei") as tx:
        (only,) = requirements.page(tx, joint.area())
        assert [one.side for one in only.sides] == ["huawei"]
        assert requirements.edit(tx, made.id, Said(title="Range", text="At least 460 km"), 1).of("huawei").version == 2
    with joint.acting("gac") as tx:
        assert [one.side for one in requirements.one(tx, made.id).sides] == ["gac", "huawei"]
        assert len(requirements.page(tx, joint.area())) == 2


def test_every_writing_is_told_in_the_same_transaction(joint, owner_dsn):
    made = founded(joint)
    with joint.acting("gac") as tx, pytest.raises(Refused):
        requirements.edit(tx, made.id, Said(title="x"), 7)
    from psycopg.conninfo import make_conninfo

    with psycopg.connect(make_conninfo(owner_dsn, user="marque_worker")) as worker:
        told = worker.execute(
            "select kind, body ->> 'requirement' from foundation.outbox where kind like 'alliance.requirement%'"
        ).fetchall()
    assert told == [("alliance.requirement-written", str(made.id))]
