"""Brands: whose the marks are on a day, and to whom a brand is shown."""

from __future__ import annotations

from datetime import date, timedelta

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_alliance import document, draft, enlist, found, propose, sign

from marque.alliance import brands
from marque.common import Denied, Missing, Refused, new_id
from marque.foundation import Actor


@pytest.fixture
def people(database, owner_dsn):
    """Huawei has an agreement with Seres, and one with Chery."""
    people = found(owner_dsn, seres="carmaker", chery="carmaker", huawei="technology")
    enlist(database, people)
    for carmaker in ("seres", "chery"):
        agreement = draft(database, carmaker)
        text = document(agreement, 1, "", date(2021, 1, 1), {"sales": {carmaker: "leads", "huawei": "consulted"}}, {})
        propose(database, carmaker, agreement, 1, text)
        for one in (carmaker, "huawei"):
            sign(database, carmaker, agreement, 1, one, people[one])
    return people


@pytest.fixture
def aito(database, people):
    """Kept by Huawei, whose marks they are from 10 June 2023 on, and Seres' from 2 July 2024 on."""
    with database.transaction(Actor("huawei", people["huawei"])) as tx:
        brands.found(tx, "aito", "AITO", "问界", "huawei", date(2023, 6, 10), "reported")
    with database.transaction(Actor("huawei", people["huawei"])) as tx:
        brands.pass_on(tx, "aito", "seres", date(2024, 7, 2), "reported")


def seen(database, people, organisation):
    with database.transaction(Actor(organisation, people[organisation])) as tx:
        return brands.brands(tx)


@pytest.mark.usefixtures("aito")
@pytest.mark.parametrize(
    ("day", "owner"),
    [("2023-06-09", ""), ("2023-06-10", "huawei"), ("2024-07-01", "huawei"), ("2024-07-02", "seres"), ("2030-01-01", "seres")],
)
def test_the_marks_are_whose_they_were_on_the_day(database, people, day, owner):
    (brand,) = seen(database, people, "huawei")
    assert brand.owner(date.fromisoformat(day)) == owner


@pytest.mark.usefixtures("aito")
def test_a_brand_is_shown_to_its_owners_and_to_no_other_partner(database, people):
    assert [brand.row.code for brand in seen(database, people, "seres")] == ["aito"]
    assert seen(database, people, "chery") == []


@pytest.mark.usefixtures("aito")
def test_owning_the_marks_is_not_keeping_them(database, people):
    with pytest.raises(Missing), database.transaction(Actor("seres", people["seres"])) as tx:
        brands.pass_on(tx, "aito", "seres", date(2025, 1, 1))


@pytest.mark.usefixtures("aito")
def test_what_is_recorded_for_a_day_is_not_recorded_again(database, people):
    with pytest.raises(Refused, match="recorded for this day"), database.transaction(Actor("huawei", people["huawei"])) as tx:
        brands.pass_on(tx, "aito", "huawei", date(2024, 7, 2))
    with pytest.raises(psycopg.errors.InsufficientPrivilege), database.transaction(Actor("huawei")) as tx:
        tx.execute("update alliance.brand_owner set owner = 'huawei'")


def test_a_stranger_cannot_be_made_an_owner(database, people):
    with pytest.raises(Missing), database.transaction(Actor("seres", people["seres"])) as tx:
        brands.found(tx, "seres", "Seres", "", "chery", date(2021, 1, 1))


def test_who_does_not_administer_records_no_brand(database, people):
    with database.transaction(Actor("seres")) as tx:
        tx.execute("update alliance.person set duties = '{engineer}'")
    with pytest.raises(Denied), database.transaction(Actor("seres", people["seres"])) as tx:
        brands.found(tx, "seres", "Seres", "", "seres", date(2021, 1, 1))


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 9), st.sampled_from(["seres", "chery", "huawei"])), max_size=6), st.data())
def test_in_whatever_order_owners_are_recorded_every_day_from_the_first_on_has_exactly_one(database, people, later, data):
    """Neither gap nor overlap can be written down: an owner has the marks until the next one's day."""
    code = f"b{new_id().hex[:20]}"
    first = date(2023, 1, 1) + timedelta(days=data.draw(st.integers(0, 9)))
    days = {first: "huawei"}
    with database.transaction(Actor("huawei", people["huawei"])) as tx:
        brands.found(tx, code, "A brand", "", "huawei", first)
    for step, owner in later:
        on = date(2023, 1, 1) + timedelta(days=step)
        with database.transaction(Actor("huawei", people["huawei"])) as tx:
            if on in days:
                with pytest.raises(Refused, match="recorded for this day"):
                    brands.pass_on(tx, code, owner, on)
            else:
                brands.pass_on(tx, code, owner, on)
        days.setdefault(on, owner)
    (brand,) = [one for one in seen(database, people, "huawei") if one.row.code == code]
    held = ""
    for step in range(-1, 11):
        on = date(2023, 1, 1) + timedelta(days=step)
        held = days.get(on, held)
        assert brand.owner(on) == held
    for one in ("seres", "chery"):
        assert (code in [other.row.code for other in seen(database, people, one)]) == (one in days.values())
