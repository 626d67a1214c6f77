"""What the operator does: organisations and their administrators are brought in once, brands with owners in the order of time."""

from __future__ import annotations

from datetime import UTC, date, datetime
from threading import Thread

import psycopg
import pytest

from marque.alliance import brands, history, installation, people
from marque.alliance.model import Brand
from marque.common import InputError
from marque.foundation import Actor

AT = datetime(2021, 6, 1, tzinfo=UTC)


@pytest.fixture
def owner(owner_dsn):
    with psycopg.connect(owner_dsn, autocommit=True) as connection:
        yield connection


def organisations(owner):
    return owner.execute("select organisation, name, kind, parent from alliance.organisation order by organisation").fetchall()


def test_an_organisation_is_brought_in_once_and_stays_what_it_was(owner):
    assert installation.found(owner, "gac", " GAC Group ", "carmaker", name_zh="广汽集团")
    assert not installation.found(owner, "gac", "Another", "supplier")
    assert installation.found(owner, "gac-aion", "Aion", "brand", parent="gac")
    assert organisations(owner) == [("gac", "GAC Group", "carmaker", None), ("gac-aion", "Aion", "brand", "gac")]


def test_two_operators_at_the_same_moment_bring_it_in_once(owner, owner_dsn):
    answers = []

    def bring():
        with psycopg.connect(owner_dsn) as connection:
            answers.append(installation.found(connection, "gac", "GAC", "carmaker"))

    at_once = [Thread(target=bring) for _ in range(4)]
    for one in at_once:
        one.start()
    for one in at_once:
        one.join()
    assert sorted(answers) == [False, False, False, True]
    assert len(organisations(owner)) == 1


@pytest.mark.parametrize(
    ("code", "name", "kind", "parent", "words"),
    [
        ("GAC", "GAC", "carmaker", None, "not a code"),
        ("1gac", "GAC", "carmaker", None, "not a code"),
        ("gac\n", "GAC", "carmaker", None, "not a code"),
        ("g" * 41, "GAC", "carmaker", None, "not a code"),
        ("", "GAC", "carmaker", None, "not a code"),
        ("gac", " ", "carmaker", None, "it has no name"),
        ("gac", "GAC", "bank", None, "there is no kind 'bank'"),
        ("gac", "GAC", "carmaker", "sasac", "no organisation 'sasac'"),
    ],
)
def test_what_could_not_stand_in_a_signed_text_is_not_brought_in(owner, code, name, kind, parent, words):
    with pytest.raises(InputError, match=words):
        installation.found(owner, code, name, kind, parent=parent)
    assert organisations(owner) == []


def test_every_kind_there_is_can_be_brought_in(owner):
    assert all(installation.found(owner, f"one-{kind}", kind, kind) for kind in installation.KINDS)


def test_somebody_appointed_again_stays_who_they_are(owner, database):
    installation.found(owner, "gac", "GAC", "carmaker")
    first = installation.appoint(owner, "gac", "Lin", "Lin@gac.example", ["administrator"], AT)
    assert installation.appoint(owner, "gac", "Wei", " lin@GAC.example", ["viewer"], AT) == first
    with database.transaction(Actor("gac", first)) as tx:
        (lin,) = people.people(tx)
    assert (lin.name, lin.email, lin.duties, lin.created_at) == ("Lin", "lin@gac.example", ["administrator"], AT)


def test_who_has_left_or_belongs_nowhere_is_not_appointed(owner, database):
    installation.found(owner, "gac", "GAC", "carmaker")
    first, second = (installation.appoint(owner, "gac", one, f"{one}@gac.example", ["administrator"], AT) for one in ("lin", "wei"))
    with database.transaction(Actor("gac", first)) as tx:
        people.leave(tx, second)
    wrong = {
        "wei@gac.example": ("gac", "has left"),
        "nobody": ("gac", "not an e-mail address"),
        "a@b.example": ("seres", "organisation 'seres'"),
    }
    for email, (organisation, words) in wrong.items():
        with pytest.raises(InputError, match=words):
            installation.appoint(owner, organisation, "A", email, ["administrator"], AT)


def test_somebody_can_act_for_those_organisations_only_that_have_people(owner, database):
    for code in ("seres", "gac", "baic"):
        installation.found(owner, code, code.upper(), "carmaker")
    people_of = {code: installation.appoint(owner, code, "A", f"a@{code}.example", ["administrator"], AT) for code in ("seres", "gac")}
    assert installation.organisations(owner) == [("gac", "GAC"), ("seres", "SERES")]
    other = installation.appoint(owner, "gac", "B", "b@gac.example", ["administrator"], AT)
    with database.transaction(Actor("gac", other)) as tx:
        people.leave(tx, people_of["gac"])
    assert installation.organisations(owner) == [("gac", "GAC"), ("seres", "SERES")]


# Brands


@pytest.fixture
def known(owner):
    """Huawei, Seres and Chery, somebody of each."""
    for code, kind in {"huawei": "technology", "seres": "carmaker", "chery": "carmaker"}.items():
        installation.found(owner, code, code.upper(), kind)
    return {
        code: installation.appoint(owner, code, "A", f"a@{code}.example", ["administrator"], AT) for code in ("huawei", "seres", "chery")
    }


def seen(database, known, code):
    with database.transaction(Actor(code, known[code])) as tx:
        return brands.brands(tx)


def test_the_aito_marks_are_the_partners_from_2023_and_the_carmakers_again_from_july_2024(owner, database, known):
    """As the public history tells it, kept twice: what is recorded already stays."""
    aito = history.public().brands["aito"]
    owners = [(one.organisation, one.since, "as publicly reported") for one in aito.owners]
    for _ in range(2):
        installation.keep_brand(owner, aito, owners, {"huawei", "seres"}, AT)
    days = {
        date(2023, 6, 9): "",
        date(2023, 6, 10): "huawei",
        date(2024, 7, 1): "huawei",
        date(2024, 7, 2): "seres",
        date(2026, 1, 1): "seres",
    }
    for code in ("huawei", "seres"):
        (brand,) = seen(database, known, code)
        assert (brand.row.organisation, brand.row.name_zh, len(brand.owners)) == ("huawei", "问界", 2)
        assert {day: brand.owner(day) for day in days} == days
    assert seen(database, known, "chery") == []


@pytest.mark.parametrize(
    "days", [(), (date(2023, 6, 10),) * 2, (date(2024, 7, 2), date(2023, 6, 10))], ids=["none", "the same day", "backwards"]
)
def test_owners_that_overlap_or_go_backwards_are_refused(owner, database, known, days):
    owners = [(code, since, "") for code, since in zip(("huawei", "seres"), days, strict=False)]
    with pytest.raises(InputError, match="order of time"):
        installation.keep_brand(owner, Brand("aito", "AITO", ()), owners, {"seres"}, AT)
    assert seen(database, known, "huawei") == []
