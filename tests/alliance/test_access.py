"""What people and programs may do follows from the revision in force: in time, by role and sight, by duty, and no further."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from uuid import uuid4

import psycopg
import pytest
from small_alliance import document, draft, enlist, found, noon, programme, propose, sign, someone

from marque.alliance import terms, tokens
from marque.alliance.access import ACTIONS, DUTIES, Action, Agreement, Area, Organisation, Record, Revision, actions_on, allowed, require
from marque.alliance.store.access import Stamp
from marque.common import Denied, MarqueError, Missing
from marque.foundation import NOBODY, Actor

RD = "research-and-development"
SHARED = {RD: {"gac": "leads", "huawei": "co-decides"}, "sales": {"gac": "consulted", "huawei": "leads"}}
SUPPLIED = {RD: {"gac": "leads", "huawei": "supplies"}, "sales": {"gac": "leads", "huawei": "none"}}
OPEN = {RD: {"gac": "all", "huawei": "all"}, "sales": {"gac": "all", "huawei": "all"}}
CLOSED = {RD: {"gac": "all", "huawei": "own"}, "sales": {"gac": "all", "huawei": "none"}}
MIDNIGHT = datetime.fromisoformat("2023-03-27T00:00:00+00:00")


@pytest.fixture
def people(database, owner_dsn):
    there = found(owner_dsn, gac="carmaker", huawei="technology", seres="carmaker")
    enlist(database, there)
    return there


@pytest.fixture
def ah8(database, people):
    """GAC and Huawei develop the AH8 together from 1 July 2021, and no longer do from 27 March 2023; all have signed."""
    database.clock.set(noon(2021, 6, 1))
    agreement = draft(database, "gac")
    code = programme(database, "gac", agreement, "AH8")
    digest = ""
    for number, day, roles, sights in ((1, date(2021, 7, 1), SHARED, OPEN), (2, date(2023, 3, 27), SUPPLIED, CLOSED)):
        digest = propose(database, "gac", agreement, number, document(agreement, number, digest, day, roles, sights))
        for one in ("gac", "huawei"):
            sign(database, "gac", agreement, number, one, people[one])
    database.clock.set(noon(2022, 1, 1))
    return agreement, code


def may(database, actor, action, *resources):
    with database.transaction(actor) as tx:
        answers = allowed(tx, action, resources)
    return answers if len(resources) > 1 else answers[0]


def told(database, actor, action, resource):
    """What `require` raises, as (type, text); None when it lets pass."""
    with database.transaction(actor) as tx:
        try:
            require(tx, action, resource)
        except MarqueError as fault:
            return type(fault), str(fault)
    return None


# In time


def test_rights_begin_and_end_with_the_force_of_a_revision_to_the_instant(database, people, ah8):
    """Back and forth, so that nothing remembered of one instant may answer for another."""
    huawei, area = someone(database, people, "huawei", "product", "viewer"), Area("gac", ah8[1], RD)
    record = Record(area, "gac", noon(2022, 1, 1))
    second = timedelta(microseconds=1)
    for _ in range(2):
        for at, decides, sees in (
            (noon(2021, 6, 30), False, False), (MIDNIGHT - second, True, True), (MIDNIGHT, False, False), (noon(2022, 1, 1), True, True),
            (noon(2030, 1, 1), False, False),
        ):  # fmt: skip
            database.clock.set(at)
            assert may(database, huawei, Action.DECIDE, area) is decides, at
            assert may(database, huawei, Action.VIEW, record) is sees, at


@pytest.fixture
def awaited(database, people, ah8):
    """On 1 January 2024 a third revision, from June 2023 on, awaits Huawei's signature alone. It would let Huawei decide again."""
    agreement, _ = ah8
    database.clock.set(noon(2024, 1, 1))
    with database.transaction(Actor("gac")) as tx:
        digest = tx.value("select digest from alliance.revision where number = 2")
    propose(database, "gac", agreement, 3, document(agreement, 3, digest, date(2023, 6, 1), SHARED, OPEN))
    sign(database, "gac", agreement, 3, "gac", people["gac"])
    return someone(database, people, "huawei", "product")


def sign_and_ask(tx, agreement, area):
    """The last signature, and whether its signatory may decide then, all in one transaction."""
    before = allowed(tx, Action.DECIDE, [area])
    tx.execute(
        "insert into alliance.signature (organisation, agreement, number, signatory, person, envelope, confirmation, signed_at)"
        " values ('gac', %s, 3, 'huawei', %s, '', '{}', %s)",
        (agreement, tx.actor.person, tx.now),
    )
    return before + allowed(tx, Action.DECIDE, [area])


def test_a_revision_counts_from_the_last_signature_on_within_the_very_transaction(database, ah8, awaited):
    agreement, code = ah8
    area = Area("gac", code, RD)
    with database.transaction(awaited) as tx:
        assert sign_and_ask(tx, agreement, area) == [False, True]
    database.clock.set(noon(2023, 12, 31))
    assert not may(database, awaited, Action.DECIDE, area), "a late signature never reaches back"


def test_a_signature_that_was_rolled_back_gave_nothing(database, ah8, awaited):
    agreement, code = ah8
    area = Area("gac", code, RD)
    with database.transaction(awaited) as tx, tx.connection.transaction(force_rollback=True):
        assert sign_and_ask(tx, agreement, area) == [False, True]
    assert not may(database, awaited, Action.DECIDE, area)
    database.clock.set(noon(2024, 6, 1))
    with database.transaction(awaited) as tx:
        assert sign_and_ask(tx, agreement, area) == [False, True]
    database.clock.set(noon(2024, 3, 1))
    assert not may(database, awaited, Action.DECIDE, area), "it counts from the signature that was kept, not from the other"


def test_a_decision_opened_under_an_old_revision_is_taken_by_those_it_names(database, people, ah8):
    huawei, area = someone(database, people, "huawei", "product"), Area("gac", ah8[1], RD)
    database.clock.set(noon(2024, 1, 1))
    assert may(database, huawei, Action.DECIDE, area, replace(area, revision=1), replace(area, revision=2)) == [False, True, False]
    assert may(database, huawei, Action.VIEW, replace(area, revision=1))
    assert not may(database, huawei, Action.DECIDE, replace(area, revision=7))
    database.clock.set(noon(2022, 1, 1))
    assert not may(database, someone(database, people, "huawei", "product"), Action.DECIDE, replace(area, revision=2)), "not in force yet"


def test_a_text_with_another_digest_than_it_is_found_by_is_never_read():
    stamp = Stamp(uuid4(), "AH8", 1, "0" * 64, ["gac"], [noon(2021, 1, 1)])
    with pytest.raises(MarqueError, match="tampered"):
        terms.in_force_until([stamp], noon(2022, 1, 1), lambda _: "{}")


# Hidden and missing


def test_hidden_and_missing_cannot_be_told_apart(database, people, ah8):
    agreement, code = ah8
    stranger = someone(database, people, "seres", *DUTIES)
    database.clock.set(noon(2024, 1, 1))
    partner = someone(database, people, "huawei", *DUTIES)
    for actor, hidden, missing in (
        (stranger, Area("gac", code, RD), Area("gac", uuid4(), RD)),
        (stranger, Record(Area("gac", code, RD), "gac", noon(2022, 1, 1)), Record(Area("gac", uuid4(), RD), "gac", noon(2022, 1, 1))),
        (stranger, Agreement("gac", agreement), Agreement("gac", uuid4())),
        (stranger, Revision(Agreement("gac", agreement), 1), Revision(Agreement("gac", agreement), 9)),
        (stranger, Organisation("gac"), Organisation("nobody")),
        (partner, Area("gac", code, "sales"), Area("gac", code, "no-such-process")),
        (partner, Organisation("seres"), Organisation("nobody")),
    ):
        for action in ACTIONS[type(hidden)]:
            assert told(database, actor, action, hidden) == told(database, actor, action, missing)
            assert told(database, actor, action, hidden)[0] is Missing


def test_whoever_sees_but_may_not_is_told_what_it_takes(database, people, ah8):
    area = Area("gac", ah8[1], RD)
    huawei = someone(database, people, "huawei", "viewer")
    assert told(database, huawei, Action.VIEW, area) is None
    assert told(database, huawei, Action.DECIDE, area) == (
        Denied, "To decide here takes another duty in huawei than yours: product."
    )  # fmt: skip
    huawei = someone(database, people, "huawei", *DUTIES)
    database.clock.set(noon(2024, 1, 1))
    assert told(database, huawei, Action.DECIDE, area) == (
        Denied, "huawei has no right to decide here under the revision in force (area-not-decided-by-it)."
    )  # fmt: skip


def test_an_act_that_nobody_can_do_to_such_a_thing_is_a_mistake_of_the_caller(database, people):
    with database.transaction(Actor("gac", people["gac"])) as tx, pytest.raises(ValueError, match="sell"):
        require(tx, Action.SELL, Organisation("gac"))


# Who asks


@pytest.mark.parametrize("actor", [NOBODY, Actor("gac"), Actor("gac", uuid4()), Actor("gac", None, f"service:{uuid4()}")])
def test_whoever_is_neither_a_person_nor_a_program_of_the_organisation_sees_nothing(database, ah8, actor):
    agreement, code = ah8
    for resource in (Area("gac", code, RD), Agreement("gac", agreement), Organisation("gac")):
        with database.transaction(actor) as tx:
            assert actions_on(tx, resource) == frozenset()


def test_a_person_of_one_organisation_is_nobody_in_another(database, people, ah8):
    someone(database, people, "huawei", *DUTIES)
    for organisation in ("gac", "seres"):
        with database.transaction(Actor(organisation, people["huawei"], "console")) as tx:
            assert actions_on(tx, Area("gac", ah8[1], RD)) == frozenset()


def test_who_leaves_loses_everything_in_that_instant_and_who_loses_a_duty_what_it_gave(database, people, ah8):
    area, gac = Area("gac", ah8[1], RD), someone(database, people, "gac", "product")
    with database.transaction(gac) as tx:
        assert Action.DECIDE in actions_on(tx, area)
    someone(database, people, "gac", "engineer")
    with database.transaction(gac) as tx:
        assert actions_on(tx, area) == {Action.VIEW, Action.CREATE, Action.PROPOSE}
        tx.execute("update alliance.person set left_at = %s where id = %s", (tx.now + timedelta(hours=1), people["gac"]))
        assert actions_on(tx, area) == {Action.VIEW, Action.CREATE, Action.PROPOSE}
    database.clock.advance(timedelta(hours=1))
    with database.transaction(gac) as tx:
        assert actions_on(tx, area) == frozenset()


def test_a_program_does_what_its_scopes_name_while_its_token_holds(database, people, ah8):
    area = Area("gac", ah8[1], RD)
    administrator = someone(database, people, "huawei", "administrator")
    with database.transaction(administrator) as tx:
        text, token = tokens.issue(tx, "bench", "test benches report", [f"create:{RD}", "view:*"], tx.now + timedelta(days=30))
    actor = tokens.find(database, text).actor
    with database.transaction(actor) as tx:
        assert actions_on(tx, area) == {Action.VIEW, Action.CREATE}
        assert actions_on(tx, replace(area, process="sales")) == {Action.VIEW}
        assert actions_on(tx, Record(area, "huawei", tx.now)) == {Action.VIEW}
        assert actions_on(tx, Organisation("huawei")) == frozenset()
    database.clock.set(noon(2023, 4, 1))
    with database.transaction(actor) as tx:
        assert actions_on(tx, area) == frozenset(), "it has expired"
    database.clock.set(noon(2022, 1, 2))
    with database.transaction(administrator) as tx:
        tokens.revoke(tx, token.id)
    with database.transaction(actor) as tx:
        assert actions_on(tx, area) == frozenset(), "it was revoked"


# What there is besides areas


def test_records_are_seen_by_sight_and_changed_by_their_owner_with_a_role(database, people, ah8):
    area, huawei = Area("gac", ah8[1], RD), someone(database, people, "huawei", "engineer")
    own, other = Record(area, "huawei", noon(2021, 12, 1)), Record(area, "gac", noon(2021, 12, 1))
    with database.transaction(huawei) as tx:
        assert actions_on(tx, own) == {Action.VIEW, Action.EDIT, Action.COMMENT}
        assert actions_on(tx, other) == {Action.VIEW, Action.COMMENT}
    database.clock.set(noon(2024, 1, 1))
    sales = replace(area, process="sales")
    with database.transaction(huawei) as tx:
        assert actions_on(tx, own) == {Action.VIEW, Action.EDIT, Action.COMMENT}
        assert actions_on(tx, other) == frozenset()
        assert actions_on(tx, replace(own, area=sales)) == {Action.VIEW}, "its own rows stay its own without a role"
        assert actions_on(tx, replace(other, area=sales)) == frozenset()


def test_what_a_transition_kept_readable_is_read_and_nothing_more(database, people, ah8, owner_dsn):
    area, huawei = Area("gac", ah8[1], RD), someone(database, people, "huawei", "engineer")
    with psycopg.connect(owner_dsn) as connection:
        connection.execute("insert into alliance.kept values ('huawei', 'gac', %s, %s, %s)", (ah8[1], RD, MIDNIGHT))
    database.clock.set(noon(2024, 1, 1))
    old, new = Record(area, "gac", MIDNIGHT - timedelta(seconds=1)), Record(area, "gac", MIDNIGHT)
    assert may(database, huawei, Action.VIEW, old, new, replace(old, area=replace(area, process="platform"))) == [True, False, False]
    assert not may(database, huawei, Action.EDIT, old)


def test_agreements_are_seen_by_whom_they_name_and_signed_by_their_signatories(database, people, ah8):
    agreement, second = Agreement("gac", ah8[0]), Revision(Agreement("gac", ah8[0]), 2)
    for organisation in ("gac", "huawei"):
        actor = someone(database, people, organisation, "signatory")
        with database.transaction(actor) as tx:
            assert actions_on(tx, agreement) == {Action.VIEW, Action.PROPOSE, Action.CREATE}
            assert actions_on(tx, second) == {Action.VIEW, Action.SIGN}
            assert actions_on(tx, Organisation(organisation)) == {Action.VIEW, Action.DRAFT}
        actor = someone(database, people, organisation, "engineer")
        with database.transaction(actor) as tx:
            assert actions_on(tx, agreement) == actions_on(tx, second) == {Action.VIEW}
    with database.transaction(someone(database, people, "seres", *DUTIES)) as tx:
        assert actions_on(tx, agreement) == actions_on(tx, second) == frozenset()


def test_an_agreement_without_a_revision_is_its_drafters(database, people):
    agreement = Agreement("gac", draft(database, "gac"))
    assert may(database, someone(database, people, "gac", "signatory"), Action.PROPOSE, agreement)
    assert not may(database, someone(database, people, "huawei", "signatory"), Action.VIEW, agreement)


@pytest.mark.usefixtures("ah8")
def test_partners_and_ones_own_tree_are_known_but_only_ones_own_is_administered(database, people, owner_dsn):
    with psycopg.connect(owner_dsn) as connection:
        connection.execute("insert into alliance.organisation (organisation, parent, name, kind) values ('aion', 'gac', 'Aion', 'brand')")
    gac = someone(database, people, "gac", *DUTIES)
    assert may(database, gac, Action.VIEW, *map(Organisation, ("gac", "huawei", "aion", "seres"))) == [True, True, True, False]
    for action in (Action.ADMINISTER, Action.AUDIT, Action.DRAFT):
        assert may(database, gac, action, *map(Organisation, ("gac", "huawei", "aion", "seres"))) == [True, False, False, False]


def test_a_parent_gets_nothing_of_what_its_subsidiary_has(database, people, ah8, owner_dsn):
    with psycopg.connect(owner_dsn) as connection:
        connection.execute("update alliance.organisation set parent = 'seres' where organisation = 'huawei'")
    with database.transaction(someone(database, people, "seres", *DUTIES)) as tx:
        assert actions_on(tx, Area("gac", ah8[1], RD)) == actions_on(tx, Agreement("gac", ah8[0])) == frozenset()
