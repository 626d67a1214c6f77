"""What people and programs may do, against oracles that read agreement and duties for themselves."""

from __future__ import annotations

import json
import random
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_alliance import PROCESSES, document, draft, enlist, found, programme, propose, sign, someone

from marque.alliance import access
from marque.alliance.access import ACTIONS, DUTIES, Action, Area, Record, actions_on
from marque.foundation.gate import Entity, Question, Uid


@pytest.fixture
def people(database, owner_dsn):
    there = found(owner_dsn, gac="carmaker", huawei="technology", seres="carmaker")
    enlist(database, there)
    return there


ROLES, SIGHTS = ("co-decides", "consulted", "supplies", "none"), ("all", "own", "none")


def said_by(text, programme_code, process, organisation):
    """Role and sight, read from the JSON without any of our code."""
    said = json.loads(text)
    special = said["programmes"].get(programme_code, {"matrix": {}, "sight": {}})
    return [
        special[what].get(process, {}).get(organisation, said[what].get(process, {}).get(organisation, "none"))
        for what in ("matrix", "sight")
    ]


def expected(role, sight, process):
    """What somebody with every duty may do in an area, and to records of their own and of somebody else's."""
    works, decides = role != "none", role in {"leads", "co-decides"}
    area = {Action.VIEW} if works or sight != "none" else set()
    area |= {Action.CREATE, Action.PROPOSE} if works else set()
    area |= {Action.DECIDE} if decides else set()
    area |= {Action.SIGN} if decides and process == "release-signature" else set()
    area |= {Action.SELL} if decides and process == "sales" else set()
    own = {Action.VIEW, Action.EDIT, Action.COMMENT} if works else {Action.VIEW}
    other = ({Action.VIEW, Action.COMMENT} if works else {Action.VIEW}) if sight == "all" else set()
    return area, own, other


@pytest.mark.parametrize("seed", range(3))
def test_every_cell_of_a_random_agreement_is_what_its_document_says(database, people, seed):
    chance, parties = random.Random(seed), ["gac", "huawei", "seres"]

    def row(words, leads):
        said = {one: chance.choice(words) for one in parties}
        return said | ({leads: "leads"} if leads else {})

    matrix = {process: row(ROLES, chance.choice(parties)) for process in PROCESSES}
    sight = {process: row(SIGHTS, "") for process in PROCESSES}
    special = {
        "matrix": {process: row(ROLES, chance.choice(parties)) for process in chance.sample(PROCESSES, 4)},
        "sight": {process: {"seres": chance.choice(SIGHTS)} for process in chance.sample(PROCESSES, 4)},
    }
    agreement = draft(database, "gac")
    of = {code: programme(database, "gac", agreement, code) for code in ("AH8", "AH9")}
    text = document(agreement, 1, "", date(2025, 1, 1), matrix, sight, programmes={"AH9": special})
    propose(database, "gac", agreement, 1, text)
    for one in parties:
        sign(database, "gac", agreement, 1, one, people[one])
    for organisation in parties:
        with database.transaction(someone(database, people, organisation, *DUTIES)) as tx:
            for code, process in ((code, process) for code in of for process in PROCESSES):
                area = Area("gac", of[code], process)
                another = "gac" if organisation == "seres" else "seres"
                asked = (area, Record(area, organisation, tx.now), Record(area, another, tx.now))
                got = tuple(set(actions_on(tx, one)) for one in asked)
                assert got == expected(*said_by(text, code, process, organisation), process), (organisation, code, process)


BY_DUTY = {
    "viewer": {Area: {"view"}, Record: {"view"}},
    "engineer": {Area: {"view", "create", "propose"}, Record: {"view", "edit", "comment"}},
    "product": {Area: {"view", "create", "propose", "decide", "sell"}, Record: {"view", "edit", "comment"}},
    "release-manager": {Area: {"view", "propose", "decide", "sign"}, Record: {"view", "comment"}},
    "service": {Area: {"view", "create"}, Record: {"view", "edit", "comment"}},
    "signatory": {Area: {"view"}, Record: {"view"}},
    "administrator": {Area: set(), Record: set()},
}
EVIDENCE_AND_RELEASES = {"evidence-approval", "release-signature"}


def duty_gives(duty, kind, action, process):
    if action == "decide" and duty in {"product", "release-manager"}:
        return (process in EVIDENCE_AND_RELEASES) == (duty == "release-manager")
    if duty == "service" and process not in {"after-sales", "user-data"}:
        return False
    return action in BY_DUTY[duty][kind]


def organisation_gets(kind, action, process, in_sets, owns):
    sees_all, sees_own, works, decides, kept = in_sets
    if kind is Area:
        gets = {"view": sees_all or sees_own or works or decides, "create": works, "propose": works, "decide": decides}
        return (gets | {"sign": decides and process == "release-signature", "sell": decides and process == "sales"})[action]
    sees = owns or sees_all or kept
    return {"view": sees, "edit": owns and works, "comment": sees and works}[action]


@given(
    st.sets(st.sampled_from(DUTIES)), st.sampled_from(PROCESSES), st.tuples(*[st.booleans()] * 5), st.booleans(), st.sets(st.just("byd"))
)
def test_nobody_gets_more_than_their_duty_or_more_than_their_organisation(duties, process, in_sets, owns, others):
    gac = Uid("Organisation", "gac")
    also = [Uid("Organisation", one) for one in others]
    sets = [[gac, *also] if held else also for held in in_sets]
    person = Entity(Uid("Person", "p"), {"organisation": gac, "duties": sorted(duties)})
    area = Entity(
        Uid("Area", "a"),
        {"process": process} | dict(zip(("seesAll", "seesOwn", "works", "decides"), sets[:4], strict=True)),
    )
    owner = gac if owns else Uid("Organisation", "byd")
    record = Entity(Uid("Record", "r"), {"area": area.uid, "owner": owner, "keptBy": sets[4]})
    asked = [(kind, uid, action) for kind, uid in ((Area, area.uid), (Record, record.uid)) for action in ACTIONS[kind]]
    questions = [Question(person.uid, Uid("Action", action), uid) for _, uid, action in asked]
    for (kind, _, action), answer in zip(asked, access.gate().decide_all(questions, [person, area, record]), strict=True):
        duty = any(duty_gives(one, kind, action, process) for one in duties)
        assert answer.errors == ()
        assert answer.allowed == (duty and organisation_gets(kind, action, process, in_sets, owns)), (kind, action)
