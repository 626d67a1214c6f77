"""What a change of the agreement does to releases: drafts and evidence follow its clauses, what both have signed stays for the cars."""

from __future__ import annotations

from datetime import date

import pytest
from test_release_life import as_a_car

from marque.alliance import transitions
from marque.alliance.model import Clause, Matrix, Process, Transition, What
from marque.common import Missing
from marque.release import releases, repositories
from marque.release.model import Stage

CLAUSES = [What.KEEPS_READ, What.FROZEN_COPY, What.RETURNED, What.DESTROYED]


def leaves(world, *what):
    """The partner has no part in releases any more, by these clauses."""
    clauses = tuple(Clause(Process.RELEASE_SIGNATURE, "huawei", one) for one in what)
    world.adopt(date(2026, 12, 2), "component-supplier", Transition(clauses, Matrix.OLD))
    world.companies.at(2026, 12, 3)
    with world.acting("gac") as tx:
        transitions.apply_due(tx)


@pytest.mark.parametrize("what", CLAUSES, ids=str)
def test_what_both_have_signed_is_served_as_before(begun, what):
    release = begun.published()
    before = served(begun)
    leaves(begun, what)
    assert served(begun) == before
    assert begun.one(release.id).stage is Stage.PUBLISHED
    with begun.served_to() as tx:
        assert releases.distributable(tx, [release.id]) == {release.id}
        repositories.refresh_online(tx, begun.online, "gac", begun.programme)
    assert release.images[0].path in as_a_car(begun).targets["vela-gac"].said.targets


def served(world):
    with world.served_to() as tx:
        return [(one.repository, one.name, one.sha256) for one in repositories.served(tx, "gac", world.programme)]


def test_a_draft_of_the_partners_is_returned_to_who_leads_with_images_and_evidence(begun):
    drafted = begun.attach(begun.drafted("1.3.0", by="huawei"), who="huawei")
    leaves(begun, What.RETURNED)
    ours = begun.one(drafted.id)
    assert (ours.organisation, ours.stage, len(ours.images)) == ("gac", Stage.PROVEN, 2)
    assert begun.blobs.of(ours.images[0].owner).exists(ours.images[0].sha256), "the bytes lie where they lay"


def test_a_draft_of_the_partners_is_destroyed_where_the_agreement_says_so(begun):
    mine, theirs = begun.drafted("1.2.0"), begun.drafted("1.3.0", by="huawei")
    leaves(begun, What.DESTROYED)
    assert begun.one(mine.id).stage is Stage.DRAFT
    with pytest.raises(Missing):
        begun.one(theirs.id)


@pytest.mark.parametrize(("what", "sees"), [((), 0), ((What.KEEPS_READ,), 1)], ids=["nothing", "keeps-read"])
def test_who_left_reads_what_the_clause_left_it_and_nothing_new(begun, what, sees):
    begun.published()
    leaves(begun, *what)
    begun.drafted("1.4.0")
    with begun.database.transaction(begun.managers["huawei"][0].actor) as tx:
        if not sees:
            with pytest.raises(Missing):
                releases.page(tx, "gac", begun.programme)
        else:
            assert [one.version for one in releases.page(tx, "gac", begun.programme)] == ["1.2.0"]
