"""What follows in the database from signed revisions, and only from them."""

from __future__ import annotations

from datetime import date

import psycopg
import pytest
from small_alliance import document, draft, enlist, found, noon, programme, propose, sign

from marque.foundation import Actor

SHARED = {"research-and-development": {"gac": "leads", "huawei": "co-decides"}}
SUPPLIED = {"research-and-development": {"gac": "leads", "huawei": "supplies"}}
OPEN, CLOSED = {"research-and-development": {"gac": "all", "huawei": "all"}}, {"research-and-development": {"gac": "all", "huawei": "own"}}


@pytest.fixture
def people(database, owner_dsn):
    found_people = found(owner_dsn, gac="carmaker", huawei="technology", seres="carmaker")
    enlist(database, found_people)
    return found_people


@pytest.fixture
def first(database, people):
    """GAC and Huawei develop the AH8 together from 1 July 2021; both have signed."""
    database.clock.set(noon(2021, 6, 1))
    agreement = draft(database, "gac")
    ah8 = programme(database, "gac", agreement, "AH8")
    digest = propose(database, "gac", agreement, 1, document(agreement, 1, "", date(2021, 7, 1), SHARED, OPEN))
    for one in ("gac", "huawei"):
        sign(database, "gac", agreement, 1, one, people[one])
    return agreement, ah8, digest


def rights(database, organisation):
    with database.transaction(Actor(organisation)) as tx:
        sql = "select role, sight from alliance.area_right where process = 'research-and-development' and starts <= %s and %s < ends"
        return tx.connection.execute(sql, (tx.now, tx.now)).fetchall()


@pytest.mark.usefixtures("first")
def test_rights_begin_on_the_effective_date_and_not_before(database):
    database.clock.set(noon(2021, 6, 30))
    assert rights(database, "huawei") == []
    database.clock.set(noon(2021, 7, 1))
    assert rights(database, "huawei") == [("co-decides", "all")]
    assert rights(database, "seres") == []


def test_a_revision_that_one_party_has_not_signed_changes_nothing(database, people, first):
    agreement, _, digest = first
    propose(database, "gac", agreement, 2, document(agreement, 2, digest, date(2023, 3, 27), SUPPLIED, CLOSED))
    sign(database, "gac", agreement, 2, "gac", people["gac"])
    database.clock.set(noon(2024, 1, 1))
    assert rights(database, "huawei") == [("co-decides", "all")]
    sign(database, "gac", agreement, 2, "huawei", people["huawei"])
    assert rights(database, "huawei") == [("supplies", "own")]
    database.clock.set(noon(2023, 12, 31))
    assert rights(database, "huawei") == [("co-decides", "all")], "a late signature does not reach back"


def test_a_mode_changes_at_its_date_without_anybody_doing_anything(database, people, first):
    agreement, _, digest = first
    propose(database, "gac", agreement, 2, document(agreement, 2, digest, date(2023, 3, 27), SUPPLIED, CLOSED), by="huawei")
    for one in ("huawei", "gac"):
        sign(database, "gac", agreement, 2, one, people[one])
    database.clock.set(noon(2023, 3, 26))
    assert rights(database, "huawei") == [("co-decides", "all")]
    database.clock.set(noon(2023, 3, 27))
    assert rights(database, "huawei") == [("supplies", "own")]


@pytest.mark.usefixtures("first")
def test_an_agreement_is_invisible_to_a_rival(database):
    for table in ("agreement", "revision", "signature", "programme", "force", "area_right"):
        with database.transaction(Actor("seres")) as tx:
            assert tx.value(f"select count(*) from alliance.{table}") == 0, table
        with database.transaction(Actor("huawei")) as tx:
            assert tx.value(f"select count(*) from alliance.{table}") > 0, table


@pytest.mark.usefixtures("first")
def test_a_rival_is_an_organisation_one_cannot_see(database):
    with database.transaction(Actor("seres")) as tx:
        assert [row[0] for row in tx.connection.execute("select organisation from alliance.organisation")] == ["seres"]
    with database.transaction(Actor("gac")) as tx:
        assert {row[0] for row in tx.connection.execute("select organisation from alliance.organisation")} == {"gac", "huawei"}


@pytest.mark.usefixtures("first")
@pytest.mark.parametrize(
    "act",
    [
        "update alliance.revision set document = document",
        "delete from alliance.signature",
        "insert into alliance.area_right select 'seres', owner, programme, process, starts, ends, role, 'all', agreement, number"
        " from alliance.area_right",
        "update alliance.area_right set sight = 'all'",
        "update alliance.force set starts = '-infinity'",
        "select alliance.derive('gac', gen_random_uuid())",
    ],
)
def test_the_serving_role_cannot_write_what_is_derived_or_signed(database, act):
    with pytest.raises(psycopg.errors.InsufficientPrivilege), database.transaction(Actor("huawei")) as tx:
        tx.execute(act)


def test_nobody_signs_for_another(database, people, first):
    agreement, _, digest = first
    propose(database, "gac", agreement, 2, document(agreement, 2, digest, date(2023, 3, 27), SUPPLIED, CLOSED))
    sql = (
        "insert into alliance.signature (organisation, agreement, number, signatory, person, envelope, confirmation, signed_at)"
        " values ('gac', %s, 2, 'huawei', %s, '', '{}', %s)"
    )
    with pytest.raises(psycopg.errors.InsufficientPrivilege), database.transaction(Actor("gac", people["gac"])) as tx:
        tx.execute(sql, (agreement, people["huawei"], tx.now))


def test_a_revision_that_does_not_follow_the_last_is_refused(database, first):
    from marque.common import Unavailable

    agreement, _, digest = first
    with pytest.raises(Unavailable):
        propose(database, "gac", agreement, 3, document(agreement, 3, digest, date(2023, 3, 27), SUPPLIED, CLOSED))
    with pytest.raises(Unavailable):
        propose(database, "gac", agreement, 2, document(agreement, 2, "00", date(2023, 3, 27), SUPPLIED, CLOSED))


def test_an_outsider_cannot_propose_himself_into_an_agreement(database, first):
    agreement, _, digest = first
    text = document(agreement, 2, digest, date(2023, 3, 27), SUPPLIED, CLOSED, parties=["gac", "huawei", "seres"])
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        propose(database, "gac", agreement, 2, text, by="seres")
