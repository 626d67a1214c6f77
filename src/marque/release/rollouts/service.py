"""Roll-outs as people and programs use them.

Acts of people go through the gate of the area where releases are signed; a partner who decides there may stop any roll-out and start none.
What the server does on its own (`offers`, `record`, `assign`, `advance`) runs as the organisation whose cars they are, under row-level
security alone: whoever calls it has asked for itself who the car is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from marque.alliance import decisions, rich_text
from marque.alliance.access import Action, Record, allowed, require
from marque.alliance.codevelopment import record as into_audit_log
from marque.common import Missing, Refusal, new_id, ok
from marque.foundation import Transaction
from marque.release import releases
from marque.release.rollouts import fleet, rules, store
from marque.release.rollouts import progress as progress_of
from marque.release.rollouts.acts import acted, known, require_distributable
from marque.release.rollouts.model import Act, Filing, FilingEntry, Plan, Rollout, State
from marque.release.rollouts.progress import Progress
from marque.release.rollouts.server import advance, assign, go_on, offers, record, stop_releases
from marque.release.rollouts.store import Facts, area_of

__all__ = [
    "advance", "area_of", "assign", "cancel", "draft", "file", "filings", "finish", "halt", "launch", "offers", "one", "page", "pause",
    "progress", "record", "resume", "stop_releases", "subject",
]  # fmt: skip

PAGE, MOST = 50, 200
LONGEST_REASON, LONGEST_LINE = 2_000, 200


def subject(rollout: UUID) -> str:
    """What the decision about a roll-out is called, and how those about going on again begin."""
    return f"rollout/{rollout}"


def draft(tx: Transaction, lead: str, programme: UUID, plan: Plan) -> Rollout:
    """A roll-out of a published release, by the organisation whose cars they are.

    Raises Missing, Denied without the right to propose, Refused for a plan that does not hold together or a release that is not published.
    """
    area = area_of(lead, programme)
    require(tx, Action.PROPOSE, area)
    if tx.actor.person is None:
        ok(Refusal("roll-outs are drafted by people: sign in as one"))
    if store.keeps_other_cars(tx, area):
        ok(Refusal("a roll-out is moved on by its own organisation; others that decide may pause and halt it"))
    plan = ok(rules.planned(plan))
    made = new_id()
    store.insert(tx, area, made, plan, _facts(tx, lead, programme, plan.release))
    rollout = known(tx, made)
    return acted(tx, rollout, Act.DRAFT)


def launch(tx: Transaction, rollout: UUID) -> Rollout:
    """Ask who decides (subject `rollout/<id>`); it starts with the last approval. Who asks has approved for its own side, if it may decide.

    Raises Missing, Denied, Refused.
    """
    held = _own(tx, rollout, Action.PROPOSE)
    ok(rules.act(held.state, Act.LAUNCH, own=True))
    require_distributable(tx, held)
    asked = _ask(tx, held, subject(held.id))
    return go_on(tx, acted(tx, held, Act.LAUNCH, decision=asked))


def pause(tx: Transaction, rollout: UUID, reason: str) -> Rollout:
    """Nothing more is handed out until it is resumed. By anybody who decides there. Raises Missing, Denied, Refused."""
    return _stop(tx, rollout, Act.PAUSE, reason)


def halt(tx: Transaction, rollout: UUID, reason: str) -> Rollout:
    """Stop it, so that it goes on only by a new decision of all. By either partner that decides, alone. Raises as `pause`."""
    return _stop(tx, rollout, Act.HALT, reason)


def resume(tx: Transaction, rollout: UUID, reason: str = "") -> Rollout:
    """Of a paused one: by its own organisation. Of a halted one: asks who decides anew, and goes on with the last approval.

    What the cars have told until a halt is accepted by that decision: thresholds judge what comes after it. Raises as `pause`.
    """
    held, said = _own(tx, rollout, Action.DECIDE), _reason(reason, needed=False)
    if held.state is not State.HALTED:
        ok(rules.act(held.state, Act.RESUME, own=True))
        require_distributable(tx, held)
        return go_on(tx, acted(tx, held, Act.RESUME, reason=said))
    require_distributable(tx, held)
    if held.decision is not None and decisions.one(tx, held.decision).state == "open":
        ok(Refusal("whether it goes on was asked already", {"decision": str(held.decision)}))
    asked = _ask(tx, held, f"{subject(held.id)}/resume/{new_id()}", said)
    return go_on(tx, acted(tx, held, Act.ASK_RESUME, reason=said, decision=asked))


def cancel(tx: Transaction, rollout: UUID, reason: str) -> Rollout:
    """End it for good, by its own organisation. What cars have, they keep. Raises as `pause`."""
    held, said = _own(tx, rollout, Action.DECIDE), _reason(reason)
    ok(rules.act(held.state, Act.CANCEL, own=True))
    store.alone(tx, held.lead, held.programme)
    fleet.leave(tx, held, everybody=True)
    return acted(tx, held, Act.CANCEL, reason=said)


def finish(tx: Transaction, rollout: UUID, reason: str = "") -> Rollout:
    """End one whose groups have all passed, although cars are left that never answered. Raises as `pause`."""
    held, said = _own(tx, rollout, Action.DECIDE), _reason(reason, needed=False)
    if held.current is not None:
        ok(Refusal("a group of the roll-out has not passed yet", {"group": held.current.group.name}))
    ok(rules.act(held.state, Act.FINISH, own=True))
    store.alone(tx, held.lead, held.programme)
    fleet.leave(tx, held, everybody=True)
    return acted(tx, held, Act.FINISH, reason=said)


def one(tx: Transaction, rollout: UUID) -> Rollout:
    """Raises Missing."""
    found = store.by_ids(tx, [rollout])
    if not found or not _seen(tx, found):
        raise Missing("roll-out")
    return found[0]


def page(tx: Transaction, lead: str, programme: UUID, before: UUID | None = None, limit: int = PAGE) -> list[Rollout]:
    """The newest roll-outs of a programme first. Raises Missing."""
    area = area_of(lead, programme)
    found = _seen(tx, store.page(tx, area, before, max(1, min(limit, MOST))))
    if not found:
        require(tx, Action.VIEW, area)
    return found


def progress(tx: Transaction, rollout: UUID) -> Progress:
    """How far it is, why it stands where it stands, and what happened. Raises Missing."""
    return progress_of.of(tx, one(tx, rollout))


def file(
    tx: Transaction, lead: str, programme: UUID, release: UUID, market: str, state: Filing, *, reference: str = "", note: str = ""
) -> FilingEntry:
    """Record where a release stands with a market's authority; the last entry holds. Raises Missing, Denied, Refused."""
    area = area_of(lead, programme)
    require(tx, Action.DECIDE, area)
    if tx.actor.person is None:
        ok(Refusal("filings are recorded by people: sign in as one"))
    assert tx.actor.person is not None
    facts = _facts(tx, lead, programme, release)
    market, reference, note = (rich_text.line(one) for one in (market, reference, note))
    if market not in facts.markets:
        ok(Refusal("the release is not meant for this market", {"market": market, "markets": ", ".join(facts.markets)}))
    if len(reference) > LONGEST_LINE or len(note) > LONGEST_REASON:
        ok(Refusal("a reference has at most 200 characters, a note 2,000"))
    if state in {Filing.FILED, Filing.APPROVED} and not reference:
        ok(Refusal("what was filed or approved has the authority's reference", {"market": market}))
    if state is Filing.NOT_NEEDED and not note:
        ok(Refusal("that no filing is needed has a reason", {"market": market}))
    entry = FilingEntry(
        release=release, market=market, state=state, reference=reference, note=note, organisation=tx.actor.organisation,
        person=tx.actor.person, at=tx.now,
    )  # fmt: skip
    store.file(tx, area, entry)
    told = {"release": str(release), "market": market, "state": str(state), "reference": reference}
    tx.emit("release.filed", told | {"lead": lead, "programme": str(programme)})
    into_audit_log(tx, area, "release-filed", told)
    return entry


def filings(tx: Transaction, lead: str, programme: UUID, release: UUID) -> Mapping[str, FilingEntry]:
    """The last entry of each market that has one."""
    return store.filings(tx, area_of(lead, programme), release)


def _facts(tx: Transaction, lead: str, programme: UUID, release: UUID) -> Facts:
    """Of a release that may be handed out. Raises Missing, Refused."""
    found = releases.one(tx, release)
    if (found.lead, found.programme) != (lead, programme):
        raise Missing("release")
    if not found.distributable:
        ok(Refusal("only a published release whose evidence holds is rolled out", {"stage": str(found.stage)}))
    markets = tuple(sorted({one.market for one in found.reach}))
    return Facts(
        id=found.id, name=found.name, counter=found.counter, model=found.model, markets=markets, entitlement=found.said.entitlement
    )  # fmt: skip


def _own(tx: Transaction, rollout: UUID, action: Action) -> Rollout:
    held = one(tx, rollout)
    require(tx, action, area_of(held.lead, held.programme))
    if held.organisation != tx.actor.organisation:
        ok(Refusal("a roll-out is moved on by its own organisation; others that decide may pause and halt it", {"of": held.organisation}))
    return held


def _seen(tx: Transaction, found: Sequence[Rollout]) -> list[Rollout]:
    asked = [Record(area_of(each.lead, each.programme), each.organisation, each.created_at) for each in found]
    return [each for each, seen in zip(found, allowed(tx, Action.VIEW, asked), strict=True) if seen]


def _stop(tx: Transaction, rollout: UUID, act: Act, reason: str) -> Rollout:
    held, said = one(tx, rollout), _reason(reason)
    require(tx, Action.DECIDE, area_of(held.lead, held.programme))
    ok(rules.act(held.state, act, own=held.organisation == tx.actor.organisation))
    return acted(tx, held, act, reason=said)


def _reason(said: str, *, needed: bool = True) -> str:
    said = rich_text.legal(said).strip()
    if needed and not said:
        ok(Refusal("stopping a roll-out has a reason"))
    if len(said) > LONGEST_REASON:
        ok(Refusal("a reason has at most 2,000 characters"))
    return said


def _ask(tx: Transaction, held: Rollout, about: str, why: str = "") -> UUID:
    """The decision, with the asker's own approval where its organisation decides and the person may."""
    area = area_of(held.lead, held.programme)
    title = f"{held.name}: {held.release_name} {held.counter}"
    standing = [each for each in decisions.about(tx, area, about) if each.state in {"open", "taken"}]
    asked = standing[0] if standing and standing[0].state == "open" else None
    if asked is None:
        known = [each for each in decisions.about(tx, area, about) if each.state in {"refused", "withdrawn"}]
        asked = decisions.reopen(tx, known[0].id, why) if known else decisions.open_decision(tx, area, about, title, why)
    if tx.actor.organisation in asked.waited_for() and allowed(tx, Action.DECIDE, [area])[0]:
        decisions.approve(tx, asked.id)
    return asked.id
