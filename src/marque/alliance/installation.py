"""What the operator of an installation does, as the role that owns: bring organisations in, each with its first administrator."""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Sequence
from datetime import date, datetime
from uuid import UUID

import psycopg

from marque.alliance.documents import CODE
from marque.alliance.model import Brand
from marque.common import InputError, new_id

KINDS = ("carmaker", "technology", "brand", "supplier", "operator")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")


def found(owner: psycopg.Connection, code: str, name: str, kind: str, *, name_zh: str = "", parent: str | None = None) -> bool:
    """Bring an organisation in; False when it is there already. Its code stands in signed texts and never changes. Raises InputError."""
    if not CODE.fullmatch(code):
        raise InputError("organisation", code, "not a code", "Lower-case letters, digits and hyphens, 40 at most, a letter first.")
    if kind not in KINDS:
        raise InputError("organisation", code, f"there is no kind {kind!r}", f"One of {', '.join(KINDS)}.")
    if not name.strip():
        raise InputError("organisation", code, "it has no name", "Give the name that people read.")
    sql = (
        "insert into alliance.organisation (organisation, name, name_zh, kind, parent) values (%s, %s, %s, %s, %s)"
        " on conflict (organisation) do nothing"
    )
    try:
        return owner.execute(sql, (code, name.strip(), name_zh.strip(), kind, parent)).rowcount == 1
    except psycopg.errors.ForeignKeyViolation as fault:
        raise InputError(
            "organisation", code, f"there is no organisation {parent!r} for it to belong to", "Bring that one in first."
        ) from fault


def keep_brand(
    owner: psycopg.Connection, brand: Brand, owners: Sequence[tuple[str, date, str]], shown_to: Collection[str], at: datetime
) -> None:
    """A brand in the keeping of its first owner. owners: code, since when, and who says so. What is recorded already stays.

    Raises InputError for owners that are not in the order of time: each has the marks until the next one's day.
    """
    days = [since for _, since, _ in owners]
    if not owners or any(later <= earlier for earlier, later in itertools.pairwise(days)):
        raise InputError("brand", brand.code, "its owners are not in the order of time", "Name at least one, each with a later day.")
    sql = (
        "insert into alliance.brand (organisation, code, name, name_zh, shown_to, created_at) values (%s, %s, %s, %s, %s, %s)"
        " on conflict (organisation, code) do nothing"
    )
    organisation, code = owners[0][0], brand.code
    owner.execute(sql, (organisation, code, brand.name, brand.name_zh, sorted(shown_to), at))
    sql = (
        "insert into alliance.brand_owner (organisation, brand, since, owner, source, recorded_at) values (%s, %s, %s, %s, %s, %s)"
        " on conflict (organisation, brand, since) do nothing"
    )
    for whose, since, source in owners:
        owner.execute(sql, (organisation, code, since, whose, source, at))


def organisations(owner: psycopg.Connection) -> list[tuple[str, str]]:
    """Every organisation that somebody may act for: code and name, in both languages where it has two, by name."""
    sql = (
        "select organisation, case when name_zh in ('', name) then name else name || ' · ' || name_zh end from alliance.organisation o"
        " where exists (select from alliance.person p where p.organisation = o.organisation and p.left_at is null)"
        " order by name, organisation"
    )
    return [(str(code), str(name)) for code, name in owner.execute(sql)]


def appoint(owner: psycopg.Connection, organisation: str, name: str, email: str, duties: Sequence[str], at: datetime) -> UUID:
    """A person of an organisation, by the operator: its first administrator. Somebody with this address stays who they are.

    Raises InputError, also for somebody who has left: only their own organisation takes them in again.
    """
    if not _EMAIL.fullmatch(email.strip()):
        raise InputError("person", email, "not an e-mail address")
    sql = (
        "insert into alliance.person (organisation, id, name, email, duties, created_at)"
        " select %(of)s, %(id)s, %(name)s, %(email)s, %(duties)s, %(at)s"
        " where not exists (select from alliance.person where organisation = %(of)s and email = %(email)s)"
        " on conflict (organisation, email) where left_at is null do nothing"
    )
    row = {"of": organisation, "id": new_id(), "name": name.strip(), "email": email.strip().lower(), "duties": list(duties), "at": at}
    try:
        owner.execute(sql, row)
    except psycopg.errors.ForeignKeyViolation as fault:
        raise InputError("person", email, f"there is no organisation {organisation!r}", "Bring it in first.") from fault
    sql = "select id, left_at from alliance.person where organisation = %(of)s and email = %(email)s order by left_at desc nulls first"
    known = owner.execute(sql, row).fetchone()
    assert known is not None
    if known[1] is not None:
        raise InputError("person", email, "somebody with this address has left the organisation", "Name somebody else.")
    return UUID(str(known[0]))
