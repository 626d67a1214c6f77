"""A demonstration to begin with: the public history of the partners, and invented people who may sign in without a password."""

from __future__ import annotations

from uuid import UUID

import psycopg

from marque.alliance import history, installation, reported
from marque.app.platform import Platform

PEOPLE = (
    ("Lin Wei", "management", ("administrator", "signatory", "viewer")),
    ("Chen Yu", "engineering", ("engineer", "product", "release-manager")),
)
"""Invented; the same two in every organisation, told apart by their addresses."""


def furnish(platform: Platform) -> None:
    """Take the public history in. What was interrupted goes on where it stopped; what is there stays, and is not looked at again.

    An installation with any organisation that the public history does not know is somebody's own, and is left as it is.
    """
    known = history.public()
    codes = set(known.organisations)
    with psycopg.connect(platform.addresses.owner) as owner:
        there = {code for (code,) in owner.execute("select organisation from alliance.organisation")}
        missing = [told for told in known.agreements if not _is_there(owner, told)]
        if there - codes or (there == codes and not missing):
            return
        for one in sorted(known.organisations.values(), key=lambda one: bool(one.parent)):
            installation.found(owner, one.code, one.name, one.kind, name_zh=one.name_zh, parent=one.parent or None)
        people: dict[str, UUID] = {}
        for code in sorted(codes):
            for name, place, duties in PEOPLE:
                person = installation.appoint(owner, code, name, f"{place}@{code}.example", duties, platform.clock.now())
                people.setdefault(code, person)
        for brand in known.brands.values():
            owners = [(one.organisation, one.since, "as publicly reported") for one in brand.owners if one.organisation in codes]
            carrying = [told for told in known.agreements if any(one.brand == brand.code for one in told.programmes)]
            shown_to = {party for told in carrying for revision in told.agreement.revisions for party in revision.parties}
            if owners:
                installation.keep_brand(owner, brand, owners, shown_to, platform.clock.now())
    for told in missing:
        reported.take_in(str(platform.addresses.app), told, people)


def _is_there(owner: psycopg.Connection, told: history.Told) -> bool:
    """Whether all signatures and programmes of an agreement are."""
    signed = sum(len(one.signatories) for one in told.agreement.revisions)
    sql = (
        "select (select count(*) from alliance.signature where agreement = %(agreement)s) >= %(signed)s"
        " and (select count(*) from alliance.programme where agreement = %(agreement)s) >= %(programmes)s"
    )
    asked = {"agreement": told.agreement.revisions[0].agreement, "signed": signed, "programmes": len(told.programmes)}
    found = owner.execute(sql, asked).fetchone()
    assert found is not None
    return bool(found[0])
