"""Evidence that counts no longer: stopped here at once, and told to cars by a list that the organisation's own key signs.

Stopping takes one person of either party and a reason, and is done when the transaction commits: every release that rests on the evidence
is withdrawn (`releases.distributable` leaves it out), its roll-outs are halted, its signing ends. The signed list comes after it and
needs a person's key, not one of the server's: who breaks into the server shall not be able to switch a fleet's features off for ever.
"""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from marque.alliance.access import Action, Area, require
from marque.common import Refusal, ok
from marque.foundation import Transaction
from marque.release import acts, drafts, publishing, rules
from marque.release.model import Change, Purpose, Release, State, Withdrawn, area_of
from marque.release.repositories import open_change
from marque.release.repository.roles import withdrawn_role
from marque.release.rollouts.server import stop_releases
from marque.release.store import changes as change_store
from marque.release.store import releases as release_store
from marque.release.store import rows
from marque.release.store import withdrawals as store


def withdraw(tx: Transaction, lead: str, programme: UUID, evidence: str, reason: str) -> Withdrawn:
    """evidence: SHA-256 of the sealed file. Opens the change of the acting organisation's list. Raises Missing, Denied, Refused (twice)."""
    area = area_of(lead, programme)
    acts.by_person(tx, Action.SIGN, area)
    rows.lock(tx, programme)
    resting = release_store.resting_on(tx, area, evidence)
    if (refused := rules.withdrawal(reason, resting, evidence, tx.actor.organisation)) is not None:
        ok(refused)
    store.insert(tx, area, evidence, reason.strip())
    for one in resting:
        _stop(tx, area, one)
    stop_releases(tx, [one.id for one in resting], reason.strip())
    if publishing.now_held(tx, area).root is not None:
        draft_list(tx, area)
    said = {"evidence": evidence, "reason": reason.strip(), "releases": [str(one.id) for one in resting]}
    for one in resting:
        tx.emit("release.withdrawn", {"lead": lead, "programme": str(programme), "reason": reason.strip()} | acts.about(one))
    acts.told(tx, area, "evidence-withdrawn", said)
    return next(one for one in store.page(tx, area) if one.evidence == evidence and one.organisation == tx.actor.organisation)


def ask_again(tx: Transaction, lead: str, programme: UUID) -> Change:
    """Draft the acting organisation's list anew, for one that waits cannot be completed: a root has come into force with other keys.

    Raises Missing, Denied, Refused when the organisation has withdrawn nothing.
    """
    area = area_of(lead, programme)
    acts.by_person(tx, Action.SIGN, area)
    rows.lock(tx, programme)
    if not store.by_side(tx, area, tx.actor.organisation):
        ok(Refusal("your organisation has withdrawn nothing"))
    return draft_list(tx, area)


def draft_list(tx: Transaction, area: Area) -> Change:
    """The acting organisation's next list, with everything that it ever withdrew; one that waits to be signed gives way to it."""
    me = tx.actor.organisation
    for one in change_store.open_of(tx, area):
        if one.purpose is Purpose.WITHDRAWAL and one.subject == me:
            change_store.close(tx, area, one.id, State.DROPPED, "a longer list takes its place")
    before = publishing.now_held(tx, area)
    if before.targets is None or before.targets.said.delegations is None:
        ok(Refusal("the repository is not begun; both partners name their keys and sign its first root"))
    assert before.targets is not None
    assert before.targets.said.delegations is not None
    role = next((one for one in before.targets.said.delegations.roles if one.name == withdrawn_role(me)), None)
    if role is None:
        ok(Refusal("your organisation is no party of the root in force"))
    assert role is not None
    document = drafts.withdrawals(me, role.role.keys, store.by_side(tx, area, me), before, tx.now)
    return open_change(tx, area, Purpose.WITHDRAWAL, me, f"What {me} has withdrawn", [document])


def page(tx: Transaction, lead: str, programme: UUID) -> list[Withdrawn]:
    """Everything withdrawn in a programme, the newest first. Raises Missing."""
    area = area_of(lead, programme)
    require(tx, Action.VIEW, area)
    return store.page(tx, area)


def among(tx: Transaction, lead: str, programme: UUID, evidence: Collection[str]) -> frozenset[str]:
    """Those of these that were withdrawn. By row-level security alone."""
    return store.among(tx, lead, programme, evidence)


def _stop(tx: Transaction, area: Area, release: Release) -> None:
    """What was being signed of it is not signed on."""
    if release.change is not None and release.published_at is None:
        change_store.close(tx, area, release.change, State.DROPPED, "its evidence was withdrawn")
