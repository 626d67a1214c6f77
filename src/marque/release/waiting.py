"""Who has to do what next: of one release, of a programme's repository, and of everything that waits for the acting organisation."""

from __future__ import annotations

from uuid import UUID

from marque.alliance.access import Action, allowed
from marque.foundation import Transaction
from marque.release import releases, repositories
from marque.release.drafts import RENEW_WITHIN
from marque.release.model import Change, Purpose, Release, Repository, Stage, State, Waiting, What, area_of
from marque.release.store import changes as change_store
from marque.release.store import metadata as metadata_store
from marque.release.store import releases as release_store

_OF = {
    Purpose.RELEASE: What.SIGNATURES, Purpose.REPOSITORY: What.REPOSITORY, Purpose.WITHDRAWAL: What.WITHDRAWAL,
    Purpose.RENEWAL: What.RENEWAL,
}  # fmt: skip


def of_release(tx: Transaction, release: UUID) -> list[Waiting]:
    """What a release waits for, of whom. Raises Missing."""
    found = releases.one(tx, release)
    if found.stage is Stage.SIGNING and found.change is not None:
        change = change_store.by_id(tx, found.change)
        return of_change(change) if change else []
    if found.stage is Stage.WITHDRAWN:
        change = change_store.by_id(tx, found.withdrawn.change) if found.withdrawn and found.withdrawn.change else None
        return of_change(change) if change else []
    if found.stage in {Stage.DRAFT, Stage.PROVEN}:
        return _before_signing(found) + of_repository(repositories.as_it_stands(tx, found.area))
    return []


def of_change(change: Change) -> list[Waiting]:
    """Whose signatures are missing, and by how many people."""
    if change.state is not State.OPEN:
        return []
    return [
        Waiting(organisation, _OF[change.purpose], people, str(change.id), change.title, change.lead, change.programme)
        for organisation, people in sorted(change.lacks.items())
    ]


def of_repository(repository: Repository) -> list[Waiting]:
    """What has to be done before anything can be signed in it; nothing where all is well."""
    if repository.pending is not None:
        return of_change(repository.pending)
    if repository.begun and not repository.outdated:
        return []
    have = {one.organisation for one in repository.named}
    of = ("", "", repository.lead, repository.programme)
    lacking = [Waiting(one, What.KEYS, repository.each + 1, *of) for one in repository.deciders if one not in have]
    return lacking or [Waiting(one, What.REPOSITORY, 1, *of) for one in repository.deciders]


def for_me(tx: Transaction) -> list[Waiting]:
    """Everything of every programme that waits for the acting organisation: signatures, drafts, and what expires within a month."""
    me = tx.actor.organisation
    found = [one for change in change_store.open_everywhere(tx) for one in of_change(change) if one.organisation == me]
    found += [one for release in release_store.unfinished(tx) for one in _before_signing(release) if one.organisation == me]
    found += _expiring(tx)
    areas = {(one.lead, one.programme): area_of(one.lead, one.programme) for one in found if one.programme is not None}
    seen = dict(zip(areas, allowed(tx, Action.VIEW, areas.values()), strict=True))
    return [one for one in found if one.programme is not None and seen[one.lead, one.programme]]


def _before_signing(release: Release) -> list[Waiting]:
    title = f"{release.name} {release.version} for {release.model}"
    of = (1, str(release.id), title, release.lead, release.programme)
    if not release.images:
        return [Waiting(release.organisation, What.IMAGES, *of)]
    if release.evidence is None or release.withdrawn is not None:
        return [Waiting(release.organisation, What.EVIDENCE, *of)]
    return [Waiting(release.organisation, What.ASK, *of)]


def _expiring(tx: Transaction) -> list[Waiting]:
    me = tx.actor.organisation
    return [
        Waiting(me, What.RENEWAL, 1, "", ", ".join(place.roles), place.lead, place.programme)
        for place in metadata_store.expiring(tx, tx.now + RENEW_WITHIN)
        if me in repositories.parties_in_force(tx, area_of(place.lead, place.programme))
    ]
