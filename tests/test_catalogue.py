"""Every table of every room, as PostgreSQL describes it, keeps one organisation's rows from another's eyes; and what does not is found."""

from __future__ import annotations

import psycopg
import pytest

from marque.app.platform import ON_PURPOSE, ROOMS
from marque.foundation.catalogue import faults

HOLES = {
    "row security off": ("alter table alliance.agreement disable row level security", "alliance.agreement", "not enabled"),
    "row security not forced": ("alter table alliance.signature no force row level security", "alliance.signature", "not forced"),
    "a table of nobody": ("create table alliance.note (id uuid primary key)", "alliance.note", "neither"),
    "a key without its owner": (
        "create table alliance.note (organisation text, id uuid primary key); alter table alliance.note enable row level security, force"
        " row level security; create policy own on alliance.note to marque_app using (organisation = (select foundation.organisation()))",
        "alliance.note",
        "primary key",
    ),
    "uniqueness across organisations": ("create unique index title on alliance.agreement (title)", "alliance.agreement (", "unique index"),
    "a single-column foreign key": (
        "alter table alliance.agreement add constraint alone unique (id); create table alliance.note (organisation text, id uuid,"
        " agreement uuid constraint single references alliance.agreement (id), primary key (organisation, id))",
        "alliance.note (single)",
        "foreign key",
    ),
    "a definer's view": ("create view alliance.every_agreement as select * from alliance.agreement", "alliance.every_agreement", "invoker"),
    "a materialised view": ("create materialized view alliance.copied as select 1 as one", "alliance.copied", "invoker"),
    "a policy for everybody": ("create policy open on alliance.agreement using (true)", "alliance.agreement (open)", "everybody"),
    "a policy that sees all": (
        "create policy open on alliance.agreement to marque_app using (true)",
        "alliance.agreement (open)",
        "everybody",
    ),
    "a policy that asks nobody": (
        "create policy named on alliance.agreement to marque_app using (title = 'public')",
        "(named)",
        "who acts",
    ),
    "a right to empty a table": ("grant truncate on alliance.agreement to marque_app", "alliance.agreement (TRUNCATE)", "more than"),
    "a right of everybody": ("grant select on alliance.agreement to public", "alliance.agreement (SELECT)", "more than"),
    "a definer's function for all": (
        "create function alliance.peek() returns bigint language sql security definer set search_path = '' as"
        " 'select count(*) from alliance.agreement'",
        "alliance.peek()",
        "search path",
    ),
    "a definer's function on any path": (
        "create function alliance.peek() returns bigint language sql security definer as 'select count(*) from alliance.agreement';"
        " revoke all on function alliance.peek() from public",
        "alliance.peek()",
        "search path",
    ),
}
BY_SUPERUSER = {
    "a table of the serving role": ("alter table alliance.agreement owner to marque_app", "alliance.agreement", "owned by"),
    "a table of a superuser": ("alter table alliance.agreement owner to postgres", "alliance.agreement", "owned by"),
}


def found(connection):
    return faults(connection, ROOMS, ON_PURPOSE)


def test_no_table_of_any_room_has_a_hole(own_addresses):
    with psycopg.connect(own_addresses.owner) as connection:
        assert [str(fault) for fault in found(connection)] == []


@pytest.mark.parametrize("name", [*HOLES, *BY_SUPERUSER])
def test_a_hole_is_found(own_addresses, name):
    act, where, problem = (HOLES | BY_SUPERUSER)[name]
    dsn = own_addresses.owner.replace("user=marque_owner", "user=postgres") if name in BY_SUPERUSER else own_addresses.owner
    with psycopg.connect(dsn) as connection:
        connection.execute(act)
        told = found(connection)
    assert any(where in fault.where and problem in fault.problem for fault in told), told


@pytest.mark.parametrize("right", ["bypassrls", "superuser", "createrole"])
def test_a_role_that_no_policy_binds_is_found(own_addresses, right):
    with psycopg.connect(own_addresses.owner.replace("user=marque_owner", "user=postgres")) as connection:
        connection.execute(f"alter role marque_app {right}")
        told = found(connection)
        connection.rollback()
    assert any(fault.where == "marque_app" for fault in told)
