"""A release from draft to withdrawal, in the database."""

from __future__ import annotations

from release_world import DAY, PARTY

from marque.release import releases
from marque.release.model import Stage


def test_a_release_is_published_with_the_last_signature_of_both(begun):
    release = begun.drafted()
    assert release.stage is Stage.DRAFT
    proven = begun.attach(release)
    assert proven.stage is Stage.PROVEN
    change = begun.asked(proven)
    assert begun.one(release.id).stage is Stage.SIGNING
    first, second = begun.managers["gac"][:2]
    for document in change.documents:
        for person in (first, second):
            if person.organisation in document.lacks:
                begun.sign(document, person)
    assert begun.one(release.id).stage is Stage.SIGNING
    done = begun.sign_all(change)
    assert done.lacks == {}
    published = begun.one(release.id)
    assert published.stage is Stage.PUBLISHED
    assert published.distributable
    with begun.served_to() as tx:
        assert releases.distributable(tx, [release.id]) == {release.id}
