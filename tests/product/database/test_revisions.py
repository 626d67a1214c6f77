"""Revisions of a model line's parts: who proposes, whose assent it takes, who sees them, and which one holds."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import psycopg
import pytest
from product_world import CARMAKER, OTHER, PARTNER, Draft, Kind, Where, colleague, model, noon, price_list, world

from marque.alliance import audit, decisions
from marque.alliance.model import Process
from marque.common import Denied, Missing, Refused, new_id
from marque.foundation import Actor
from marque.product import revisions, rules


@pytest.fixture
def joint(database, owner_dsn):
    return world(database, owner_dsn)


def holding(joint, by, kind, part="corvus", where=None):
    with joint.acting(by) as tx:
        return revisions.in_force(tx, CARMAKER, joint.programme, kind, part, where or Where(tx.now.date())).id


def test_a_revision_counts_once_everybody_who_decides_there_has_assented(joint):
    made = joint.propose(CARMAKER, Kind.RULES, model(), "rules.cn")
    assert (made.state, made.assented_at) == ("open", None), "the partner co-decides"
    with pytest.raises(Missing):
        holding(joint, CARMAKER, Kind.RULES, "rules.cn")
    joint.database.clock.advance(timedelta(days=1))
    assented = joint.assent(PARTNER, made)
    assert (assented.state, assented.assented_at) == ("taken", joint.database.clock.now())
    assert holding(joint, PARTNER, Kind.RULES, "rules.cn") == made.id


def test_who_decides_alone_has_decided_by_proposing(joint):
    made = joint.propose(CARMAKER, Kind.PRICES, price_list())
    assert made.state == "taken"
    assert holding(joint, CARMAKER, Kind.PRICES) == made.id


def test_an_engineer_proposes_and_a_product_person_assents(joint):
    engineer = colleague(joint, CARMAKER, "engineer")
    with joint.database.transaction(Actor(CARMAKER, engineer, "test")) as tx:
        made = revisions.propose(tx, CARMAKER, joint.programme, Draft(kind=Kind.PRICES, part="cn", text=price_list()))
        assert made.state == "open"
        with pytest.raises(Denied):
            decisions.approve(tx, made.decision)
    assert joint.assent(CARMAKER, made).state == "taken"


def test_the_text_is_kept_as_it_is_under_its_digest(joint):
    said = 'features\n\t"Corvus 鸦"\n'
    made = joint.propose(PARTNER, Kind.MODULE, said, "technology.sensors", note="First")
    assert (made.digest, made.length) == (hashlib.sha256(said.encode()).hexdigest(), len(said.encode()))
    assert (made.side, made.area.process, made.note) == (PARTNER, "software-supply", "First")
    with joint.acting(CARMAKER) as tx:
        assert revisions.text(tx, made.id) == said


def test_who_has_no_part_in_the_agreement_finds_nothing(joint):
    made = joint.propose(CARMAKER, Kind.RULES, model(), "rules.cn")
    with joint.acting(OTHER) as tx:
        for asking in (
            lambda: revisions.one(tx, made.id),
            lambda: revisions.text(tx, made.id),
            lambda: revisions.in_force(tx, CARMAKER, joint.programme, Kind.RULES, "rules.cn", Where(tx.now.date())),
            lambda: revisions.propose(tx, CARMAKER, joint.programme, Draft(kind=Kind.RULES, part="rules.cn", text="x")),
        ):
            with pytest.raises(Missing):
                asking()
        assert revisions.parts(tx, CARMAKER, joint.programme) == []


def test_who_has_no_role_in_a_process_neither_sees_nor_proposes_its_parts(joint):
    made = joint.propose(CARMAKER, Kind.PRICES, price_list())
    with joint.acting(PARTNER) as tx:
        with pytest.raises(Missing):
            revisions.one(tx, made.id)
        with pytest.raises(Missing):
            revisions.page(tx, made.area)
        assert revisions.parts(tx, CARMAKER, joint.programme) == []
    with pytest.raises(Missing):
        joint.propose(PARTNER, Kind.PRICES, price_list(), "de")


def test_a_revision_made_on_another_than_the_last_one_is_refused(joint):
    first = joint.propose(CARMAKER, Kind.PRICES, price_list())
    joint.propose(CARMAKER, Kind.PRICES, price_list("2"), base=first.digest)
    with pytest.raises(Refused, match="meanwhile"):
        joint.propose(CARMAKER, Kind.PRICES, price_list("3"), base=first.digest)


def test_of_two_who_write_at_once_on_the_same_base_one_is_told_to_look_again(joint):
    first = joint.propose(CARMAKER, Kind.PRICES, price_list())

    def write(number):
        try:
            return joint.propose(CARMAKER, Kind.PRICES, price_list(f"{number + 2}"), base=first.digest)
        except Refused as refused:
            return refused

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(write, range(4)))
    assert sum(isinstance(one, Refused) for one in answers) == 3
    with joint.acting(CARMAKER) as tx:
        assert len(revisions.of_part(tx, CARMAKER, joint.programme, Kind.PRICES, "corvus")) == 2


def test_a_refused_revision_never_counts_and_the_next_is_made_on_it(joint):
    first = joint.agreed(CARMAKER, Kind.RULES, model("one"), "rules.cn")
    second = joint.propose(PARTNER, Kind.RULES, model("two"), "rules.cn")
    with joint.acting(CARMAKER) as tx:
        decisions.reject(tx, second.decision, "Not in this market.")
    assert holding(joint, PARTNER, Kind.RULES, "rules.cn") == first.id
    third = joint.agreed(CARMAKER, Kind.RULES, model("three"), "rules.cn")
    assert third.previous == second.digest
    assert holding(joint, PARTNER, Kind.RULES, "rules.cn") == third.id


def test_what_was_written_last_holds_although_an_older_one_is_assented_to_later(joint):
    older = joint.propose(CARMAKER, Kind.RULES, model("one"), "rules.cn")
    joint.database.clock.advance(timedelta(hours=1))
    newer = joint.propose(CARMAKER, Kind.RULES, model("two"), "rules.cn")
    joint.assent(PARTNER, newer)
    joint.database.clock.advance(timedelta(hours=1))
    joint.assent(PARTNER, older)
    assert holding(joint, CARMAKER, Kind.RULES, "rules.cn") == newer.id


def test_nobody_takes_an_older_revision_for_the_one_that_holds_because_it_sees_no_other(database, owner_dsn):
    inside = world(database, owner_dsn, "inside")
    mine = inside.agreed(PARTNER, Kind.RULES, model("one"), "rules.cn")
    assert holding(inside, PARTNER, Kind.RULES, "rules.cn") == mine.id, "proposed by who is consulted, taken by who leads"
    inside.propose(CARMAKER, Kind.RULES, model("two"), "rules.cn", base=mine.digest)
    with pytest.raises(Missing):
        holding(inside, PARTNER, Kind.RULES, "rules.cn")


def test_a_module_can_be_left_out_from_a_day_on_and_nothing_else_can_be_empty(joint):
    joint.agreed(PARTNER, Kind.MODULE, model(root="Lidar"), "technology.lidar")
    none = joint.agreed(PARTNER, Kind.MODULE, "", "technology.lidar")
    with joint.acting(CARMAKER) as tx:
        assert revisions.in_force(tx, CARMAKER, joint.programme, Kind.MODULE, "technology.lidar", Where(tx.now.date())).withdrawn_part
    assert none.state == "taken"
    for kind, part in ((Kind.MODULE, "technology.radar"), (Kind.RULES, "rules.cn")):
        with pytest.raises(Refused, match="says something"):
            joint.propose(CARMAKER, kind, "", part)


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"part": "../x"}, "part's name"),
        ({"text": "a\0b"}, "NUL"),
        ({"starts": noon(2022, 1, 2).date(), "ends": noon(2022, 1, 2).date()}, "last day"),
        ({"markets": frozenset({"c n"})}, "markets and plants"),
        ({"model_years": frozenset({12})}, "model year"),
        ({"note": "x" * 2001}, "2,000"),
    ],
)
def test_what_cannot_be_meant_is_refused(joint, more, why):
    given = {"text": price_list(), "part": "corvus"} | more
    with pytest.raises(Refused, match=why):
        joint.propose(CARMAKER, Kind.PRICES, **given)


def test_everything_is_told_once_in_the_audit_log_and_the_outbox(joint, addresses):
    made = joint.propose(PARTNER, Kind.MODULE, model(root="Lidar"), "technology.lidar")
    for organisation in (CARMAKER, PARTNER):
        with joint.acting(organisation) as tx:
            told = [one for one in audit.entries(tx) if one.kind == "product-revision-proposed"]
            assert [one.body["digest"] for one in told] == [made.digest]
    with joint.acting(OTHER) as tx:
        assert str(made.id) not in str(audit.entries(tx))
    with psycopg.connect(addresses.owner.replace("user=marque_owner", "user=postgres")) as superuser:
        kinds = superuser.execute("select kind from foundation.outbox where kind like 'product.%'").fetchall()
    assert kinds == [("product.revision-proposed",)]


REST, PLACE = "kind, part, lead, programme, process, created_at, written_by, digest, text", "'brand'"
COLUMNS = f"organisation, id, side, {REST}"
PAST_THE_SERVICE = [
    "update product.revision set text = 'other'",
    "delete from product.revision",
    f"insert into product.revision ({COLUMNS}) select organisation, gen_random_uuid(), 'huawei', {REST} from product.revision",
    f"insert into product.revision ({COLUMNS})"
    f" select organisation, gen_random_uuid(), side, {REST.replace('process', PLACE)} from product.revision",
]  # fmt: skip


@pytest.mark.parametrize("act", PAST_THE_SERVICE)
def test_the_serving_role_changes_no_revision_and_writes_none_for_others_or_elsewhere(joint, act):
    joint.propose(CARMAKER, Kind.PRICES, price_list())
    with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.CheckViolation)), joint.acting(CARMAKER) as tx:
        tx.execute(act)


def test_a_digest_is_of_the_text_whatever_is_claimed(joint):
    with joint.acting(CARMAKER) as tx:
        made = new_id()
        tx.execute(
            f"insert into product.revision ({COLUMNS})"
            " values ('gac', %s, 'gac', 'prices', 'cn', 'gac', %s, 'sales', %s, %s, 'claimed', 'text')",
            (made, joint.programme, tx.now, joint.people[CARMAKER]),
        )
        assert revisions.one(tx, made).digest == hashlib.sha256(b"text").hexdigest()


def test_the_processes_of_the_rules_are_those_of_the_schema(database, owner_dsn):
    every = world(database, owner_dsn, "component-supplier")
    assert set(rules.PROCESS) == set(Kind)
    with every.acting(CARMAKER) as tx:
        for kind in Kind:
            for process in Process:
                values = (new_id(), kind, every.programme, process, tx.now, every.people[CARMAKER])
                fits = True
                try:
                    with tx.connection.transaction():
                        tx.execute(
                            f"insert into product.revision ({COLUMNS}) values ('gac', %s, 'gac', %s, 'x', 'gac', %s, %s, %s, %s, '', 'x')",
                            values,
                        )
                except psycopg.errors.CheckViolation:
                    fits = False
                assert fits == (rules.PROCESS[kind] == process)
