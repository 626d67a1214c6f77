"""What the server does with roll-outs on its own: hands out, takes in, judges, goes on.

All of it runs as the organisation whose cars they are, under row-level security alone: whoever calls it has asked who the car is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from uuid import UUID

from marque.common import Refusal, ok
from marque.foundation import Transaction
from marque.product.rules import CAR
from marque.release import releases
from marque.release.rollouts import fleet, rules, store
from marque.release.rollouts.acts import acted, filed, known
from marque.release.rollouts.model import Act, CarEvent, Group, Offer, Rollout, Standing, State
from marque.release.rollouts.plans import GroupShape

AT_ONCE = 5_000
"""So many cars are put into groups by one transaction; the job goes on with the next ones."""
ADVANCE = "advance-rollout"
"""The job that goes on with one roll-out; body: {"rollout": id}."""
WITHDRAWN = "the evidence behind the release was withdrawn"
_NOT_AGREED = "those who decide have not agreed"


def offers(tx: Transaction, lead: str, programme: UUID, cars: Sequence[str]) -> list[Offer]:
    """What each of these cars is to have now, at most one release for each; hands out to those whose turn it is, before this is committed.

    As the organisation whose cars they are. Asked again, it answers the same until the car has answered.
    """
    # Candidates before offers: what another transaction hands out in between is then seen as an offer, not as neither.
    if (waiting := fleet.candidates(tx, lead, programme, cars)) and (given := releases.distributable(tx, waiting)):
        store.alone(tx, lead, programme)
        fleet.hand_out(tx, lead, programme, cars, given)
    held = fleet.offered(tx, lead, programme, cars)
    still = releases.distributable(tx, {one.release for one in held}) if held else frozenset()
    found, groups = [], dict[tuple[UUID, int], Group]()
    for each in held:
        if each.release in still:
            key = (each.rollout, each.number)
            group = groups[key] if key in groups else groups.setdefault(key, GroupShape.model_validate(each.said, strict=False).group())
            found.append(Offer(
                car=each.vehicle, rollout=each.rollout, release=each.release, group=each.number, attempt=each.attempt, window=group.window,
                installable=group.window is None or group.window.holds(tx.now), consent=group.consent,
            ))  # fmt: skip
    return found


def record(tx: Transaction, lead: str, programme: UUID, events: Iterable[CarEvent]) -> int:
    """Take in what cars told; returns how many were new. Halts a roll-out in this transaction where a threshold or the road says so.

    As the organisation whose cars they are. Idempotent by car and counter of the manifest; one event for each.
    """
    rounds = _rounds(events)
    if not rounds:
        return 0
    store.alone(tx, lead, programme)
    heard = [one for events in rounds for one in fleet.take_in(tx, lead, programme, events)]
    if installed := {one.vehicle: one.rollout for one in heard if one.became == "done" and one.rollout is not None}:
        fleet.outdated(tx, lead, programme, installed)
    for rollout in store.by_ids(tx, sorted({one.rollout for one in heard if one.rollout is not None})):
        if rollout.state is State.RUNNING:
            judge(tx, rollout)
    return len(heard)


def assign(tx: Transaction, rollout: UUID, cars: Sequence[str] | None = None) -> int:
    """Put cars of the fleet into their groups: these, or AT_ONCE of those that are in none yet. Returns how many were put.

    As the roll-out's organisation. Raises Missing.
    """
    held = known(tx, rollout)
    store.alone(tx, held.lead, held.programme)
    return 0 if held.state.over else fleet.assign(tx, held, cars, "", AT_ONCE).put


def advance(tx: Transaction, rollout: UUID) -> Rollout:
    """Do what is due: cars that are new, groups that pass, open, wait or halt. Any number of times, by anybody at the same time.

    As the roll-out's organisation. Cars are put into groups AT_ONCE at a time: nothing opens before all of them are. Raises Missing.
    """
    held = known(tx, rollout)
    store.alone(tx, held.lead, held.programme)
    held = _decided(tx, known(tx, rollout))
    if held.state is not State.RUNNING:
        return held
    fleet.leave(tx, held)
    portion = fleet.assign(tx, held, None, store.considered(tx, held), AT_ONCE)
    whole = portion.considered < AT_ONCE
    store.consider(tx, held, "" if whole else portion.last)
    if not whole:
        tx.defer(ADVANCE, {"rollout": str(held.id)}, once=str(held.id))
        return known(tx, rollout)
    held, cleared = known(tx, rollout), filed(tx, held)
    groups: tuple[Standing, ...] = held.groups
    while (event := rules.step(groups, cleared, tx.now)) is not None:
        groups = rules.applied(groups, event, tx.now)
        held = _happened(tx, held, event, groups)
        if held.state is not State.RUNNING:
            break
    return known(tx, rollout)


def stop_releases(tx: Transaction, withdrawn: Sequence[UUID], reason: str) -> list[UUID]:
    """Halt every roll-out of withdrawn releases in this transaction, whoever of the partners acts; returns those halted."""
    stopped = []
    for held in store.of_releases(tx, withdrawn):
        if held.state is State.HALTED and held.reason == WITHDRAWN:
            continue
        acted(tx, held, Act.WITHDRAW, reason=WITHDRAWN, details={"reason": reason})
        stopped.append(held.id)
    return stopped


def go_on(tx: Transaction, held: Rollout) -> Rollout:
    """After an act of a person: what an answer that is there leads to, and what has to stop; the rest is the job's."""
    store.alone(tx, held.lead, held.programme)
    held = _decided(tx, held)
    if held.state is State.RUNNING:
        judge(tx, held)
        tx.defer(ADVANCE, {"rollout": str(held.id)}, once=str(held.id))
    return known(tx, held.id)


def _decided(tx: Transaction, held: Rollout) -> Rollout:
    """Started, or returned, once those who decide have answered."""
    if held.decision is None or held.state not in {State.WAITING, State.HALTED}:
        return held
    answer, reasons = store.answer(tx, held.decision)
    if answer == "taken" and held.release in releases.distributable(tx, [held.release]):
        if held.state is State.HALTED:
            store.accept(tx, held)
        return acted(tx, held, Act.START if held.state is State.WAITING else Act.RESUME)
    if answer in {"refused", "withdrawn"} and held.state is State.WAITING:
        return acted(tx, held, Act.RETURN, reason=_NOT_AGREED, details={"reason": reasons} if reasons else {})
    return held


def _happened(tx: Transaction, held: Rollout, event: rules.Event, groups: Sequence[Standing]) -> Rollout:
    """Write down what the rules say happened to a roll-out."""
    match event:
        case rules.Halted(number, why):
            return acted(tx, held, Act.HALT, number=number, reason=why.reason, details=why.details)
        case rules.Finished():
            return acted(tx, held, Act.FINISH)
        case rules.WaitsForFiling(number, markets):
            act, details = Act.WAIT_FILING, {"markets": ", ".join(markets)}
        case rules.Opened(number):
            act, details = Act.OPEN, {}
        case rules.Passed(number):
            act, details = Act.PASS, {}
    store.set_group(tx, held, groups[number])
    return replace(acted(tx, held, act, number=number, details=details), groups=tuple(groups))


def judge(tx: Transaction, held: Rollout) -> None:
    """Halt at once what has to be; what may go on goes on by the job."""
    match rules.step(held.groups, filed(tx, held), tx.now):
        case rules.Halted() as event:
            _happened(tx, held, event, held.groups)
        case None:
            pass
        case _:
            tx.defer(ADVANCE, {"rollout": str(held.id)}, once=str(held.id))


def _rounds(events: Iterable[CarEvent]) -> list[list[CarEvent]]:
    """Each car at most once in a round, its manifests in the order of their counters; of two with one counter the first counts."""
    numbered: dict[str, dict[int, CarEvent]] = {}
    for event in events:
        if not CAR.fullmatch(event.car) or event.counter < 1:
            ok(Refusal("an event is of a car by its number, and of a manifest counted from 1", {"car": event.car}))
        numbered.setdefault(event.car, {}).setdefault(event.counter, event)
    ordered = [[counted[counter] for counter in sorted(counted)] for counted in numbered.values()]
    return [[each[turn] for each in ordered if turn < len(each)] for turn in range(max(map(len, ordered), default=0))]
