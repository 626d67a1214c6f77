"""Holes made on purpose, one at a time: the comparison of what is hidden with what is missing, and the search for canaries, see each."""

from __future__ import annotations

import psycopg
import pytest
import structlog
from test_rivals import WAYS, bench, examine, furnished, operations  # noqa: F401

from databases import superuser
from marque.alliance import agreements, people, requirements
from marque.alliance.store import people as people_rows
from marque.app import headers
from marque.common import Denied, Missing


@pytest.fixture
def above(furnished):  # noqa: F811
    """The database as nobody of the application sees it; what is changed in its schema is changed back."""
    with psycopg.connect(superuser(furnished[0].addresses, "marque_test"), autocommit=True) as connection:
        yield connection


def hidden(above, table, identifier):
    return above.execute(f"select organisation from alliance.{table} where id = %s", (identifier,)).fetchone()


def found_in(bench, label):  # noqa: F811
    examine(bench, label, operations(bench)[label], 2, WAYS[:2])
    return "\n".join(bench.findings)


def test_a_view_with_its_owners_rights_is_seen(bench, above, monkeypatch):  # noqa: F811
    above.execute("create view alliance.everybody as select * from alliance.person")
    above.execute("alter view alliance.everybody owner to marque_owner; grant select on alliance.everybody to marque_app")
    told = "select organisation, id, name, email, duties, created_at, left_at from alliance.everybody"
    monkeypatch.setattr(people_rows, "people", lambda tx: tx.rows(people_rows.PersonRow, told))
    try:
        assert "tells ['" in found_in(bench, "GET /api/v1/people")
    finally:
        above.execute("drop view alliance.everybody")


def test_a_table_without_row_level_security_is_seen(bench, above):  # noqa: F811
    above.execute("alter table alliance.person disable row level security")
    try:
        assert "tells ['" in found_in(bench, "GET /api/v1/people")
    finally:
        above.execute("alter table alliance.person enable row level security")


def test_a_denial_where_nothing_should_be_is_seen(bench, above, monkeypatch):  # noqa: F811
    one = requirements.one

    def telling(tx, requirement):
        try:
            return one(tx, requirement)
        except Missing:
            if hidden(above, "requirement", requirement):
                raise Denied("This requirement is not yours to see.") from None
            raise

    monkeypatch.setattr(requirements, "one", telling)
    assert "hidden  403" in found_in(bench, "GET /api/v1/requirements/{requirement}")


def test_an_error_that_names_the_other_is_seen(bench, above, monkeypatch):  # noqa: F811
    agreement = agreements.agreement

    def telling(tx, owner, identifier):
        try:
            return agreement(tx, owner, identifier)
        except Missing:
            row = above.execute("select title from alliance.agreement where id = %s", (identifier,)).fetchone()
            raise Missing(row[0] if row else "agreement") from None

    monkeypatch.setattr(agreements, "agreement", telling)
    assert "tells ['canary-of-" in found_in(bench, "GET /api/v1/agreements/{owner}/{agreement}")


def test_a_log_line_with_what_was_said_is_seen(bench, monkeypatch):  # noqa: F811
    comment = requirements.comment

    def telling(tx, requirement, text):
        structlog.get_logger("marque.alliance").info("commented", said=text)
        return comment(tx, requirement, text)

    monkeypatch.setattr(requirements, "comment", telling)
    assert "the log tells spoken-quokka" in found_in(bench, "POST /api/v1/requirements/{requirement}/comments")


def test_a_log_line_with_an_address_that_passes_the_nets_is_seen(bench, monkeypatch):  # noqa: F811
    enlist = people.enlist

    def telling(tx, name, email, duties):
        bench.logged.write(f"enlisted {email}\n")
        return enlist(tx, name, email, duties)

    monkeypatch.setattr(people, "enlist", telling)
    assert "the log tells an e-mail address" in found_in(bench, "POST /api/v1/people")


@pytest.mark.parametrize("caught", [True, False])
def test_a_conflict_with_a_hidden_row_is_seen(bench, above, monkeypatch, caught):  # noqa: F811
    above.execute("create unique index everywhere on alliance.person (email)")
    add = people_rows.add_person

    def polite(tx, row):
        try:
            with tx.connection.transaction():
                return add(tx, row)
        except psycopg.errors.UniqueViolation:
            return False

    if caught:
        monkeypatch.setattr(people_rows, "add_person", polite)
    try:
        assert ("hidden  409" if caught else "hidden  500") in found_in(bench, "POST /api/v1/people")
    finally:
        above.execute("drop index alliance.everywhere")


def test_a_header_that_names_the_other_is_seen(bench, monkeypatch):  # noqa: F811
    monkeypatch.setitem(headers._HEADERS, "X-Known-Here", "alcyone, borealis")
    assert "tells ['borealis']" in found_in(bench, "GET /api/v1/organisations")


def test_a_longer_way_to_the_same_answer_is_seen(bench, above, monkeypatch):  # noqa: F811
    one = requirements.one

    def looking(tx, requirement):
        if hidden(above, "requirement", requirement):
            tx.value("select count(*) from alliance.requirement")
        return one(tx, requirement)

    monkeypatch.setattr(requirements, "one", looking)
    assert "statements for the hidden" in found_in(bench, "GET /api/v1/requirements/{requirement}")
