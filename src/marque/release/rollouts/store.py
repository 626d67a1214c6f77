"""Roll-outs, their groups and acts, and filings, in SQL. What concerns cars by the thousand is in `fleet`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from marque.alliance.access import Area
from marque.alliance.model import Process
from marque.car.attacks import Attack
from marque.common import new_id
from marque.foundation import Transaction
from marque.release.rollouts.model import (
    Act,
    Counts,
    Done,
    Filing,
    FilingEntry,
    GroupState,
    Plan,
    Road,
    Rollout,
    Standing,
    State,
)
from marque.release.rollouts.plans import GroupShape, shape_of

_ROLLOUT = (
    "id, organisation, lead, programme, release, release_name, counter, model, markets, name, state, since, reason, details, decision,"
    " created_at, written_by"
)


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Of the release that is rolled out: what never changes once it is published. markets: as far as its evidence and its makers go."""

    id: UUID
    name: str
    counter: int
    model: str
    markets: tuple[str, ...]
    entitlement: str


@dataclass(frozen=True)
class Row:
    """A roll-out, as stored."""

    id: UUID
    organisation: str
    lead: str
    programme: UUID
    release: UUID
    release_name: str
    counter: int
    model: str
    markets: list[str]
    name: str
    state: str
    since: datetime
    reason: str
    details: dict[str, str]
    decision: UUID | None
    created_at: datetime
    written_by: UUID | None


@dataclass(frozen=True)
class GroupRow:
    """A group, as stored. in_markets: those in which it has cars."""

    rollout: UUID
    number: int
    said: dict[str, Any]
    state: str
    opened_at: datetime | None
    passed_at: datetime | None
    of_cars: int
    waiting: int
    offered: int
    retry: int
    done: int
    failed: int
    declined: int
    gone: int
    exposed: int
    tried: int
    failures: int
    metres: int
    disengagements: int
    minimal_risk: int
    in_markets: list[str]
    accepted: dict[str, int]


@dataclass(frozen=True)
class ActRow:
    """An act, as stored."""

    side: str
    created_at: datetime
    person: UUID | None
    act: str
    number: int | None
    state: str
    reason: str
    details: dict[str, str]


@dataclass(frozen=True)
class FilingRow:
    """An entry of a release in a market, as stored."""

    release: UUID
    market: str
    state: str
    reference: str
    note: str
    side: str
    written_by: UUID
    created_at: datetime


def area_of(lead: str, programme: UUID) -> Area:
    """Where roll-outs are decided, and whose rows they are."""
    return Area(lead, programme, Process.RELEASE_SIGNATURE)


def alone(tx: Transaction, lead: str, programme: UUID) -> None:
    """Until the end of the transaction nobody else writes to the programme's roll-outs."""
    tx.value("select release.alone(%s, %s)", (lead, programme))


def insert(tx: Transaction, area: Area, rollout: UUID, plan: Plan, facts: Facts) -> None:
    tx.execute(
        "insert into release.rollout (organisation, id, lead, programme, process, created_at, written_by, name, release, release_name,"
        " counter, model, markets, entitlement, since) values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            tx.actor.organisation, rollout, area.lead, area.programme, area.process, tx.now, tx.actor.person, plan.name.strip(), facts.id,
            facts.name, facts.counter, facts.model, list(facts.markets), facts.entitlement, tx.now,
        ),
    )  # fmt: skip
    for number, group in enumerate(plan.groups):
        tx.execute(
            "insert into release.rollout_group (organisation, rollout, number, lead, programme, process, created_at, said, models, markets,"
            " features, cars, share, attempts, retry_after, at_once, silent_after)"
            " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            (
                tx.actor.organisation, rollout, number, area.lead, area.programme, area.process, tx.now,
                Jsonb(shape_of(group).model_dump(mode="json")), list(group.models), list(group.markets), list(group.features),
                list(group.cars), group.share, group.attempts, group.retry_after, group.at_once, group.silent_after,
            ),
        )  # fmt: skip


def put(
    tx: Transaction, rollout: Rollout, act: Act, *, number: int | None = None, reason: str = "",
    details: Mapping[str, str] | None = None, decision: UUID | None = None,
) -> None:  # fmt: skip
    """Do something to a roll-out: the database moves its state, or refuses."""
    tx.execute(
        "insert into release.rollout_act (organisation, id, side, rollout, lead, programme, process, created_at, person, act, number,"
        " reason, details, decision) values (%s, %s, %s, %s, %s, %s, 'release-signature', %s, %s, %s, %s, %s, %s, %s)",
        (
            tx.actor.organisation, new_id(), tx.actor.organisation, rollout.id, rollout.lead, rollout.programme, tx.now, tx.actor.person,
            str(act), number, reason, Jsonb(dict(details or {})), decision,
        ),
    )  # fmt: skip


def set_group(tx: Transaction, rollout: Rollout, standing: Standing) -> None:
    tx.execute(
        "update release.rollout_group set state = %s, opened_at = %s, passed_at = %s"
        " where organisation = %s and rollout = %s and number = %s",
        (str(standing.state), standing.opened_at, standing.passed_at, rollout.organisation, rollout.id, standing.number),
    )


def considered(tx: Transaction, rollout: Rollout) -> str:
    """The last car that was looked at, of a pass over the fleet that is under way; empty: a new one begins."""
    sql = "select considered from release.rollout where organisation = %s and id = %s"
    return str(tx.value(sql, (rollout.organisation, rollout.id)))


def consider(tx: Transaction, rollout: Rollout, last: str) -> None:
    """Where the pass over the fleet goes on."""
    sql = "update release.rollout set considered = %s where organisation = %s and id = %s and considered <> %s"
    tx.execute(sql, (last, rollout.organisation, rollout.id, last))


def accept(tx: Transaction, rollout: Rollout) -> None:
    """What cars have told until now is accepted: thresholds are about what comes after it."""
    sql = """
        update release.rollout_group set accepted = jsonb_build_object(
            'done', done, 'failed', failed, 'retry', retry, 'metres', metres, 'disengagements', disengagements,
            'minimal_risk', minimal_risk)
        where organisation = %s and rollout = %s"""
    tx.execute(sql, (rollout.organisation, rollout.id))


def answer(tx: Transaction, decision: UUID) -> tuple[str, str]:
    """The state of a decision, and the reasons of those who were against it; by row-level security alone, for who acts is no person."""
    sql = """
        select d.state, coalesce(string_agg(a.reason, '; ' order by a.created_at) filter (
            where a.kind in ('reject', 'withdraw') and a.round = d.round and a.reason <> ''), '')
        from alliance.decision d left join alliance.decision_act a on a.opener = d.organisation and a.decision = d.id
        where d.id = %s group by d.state"""
    row = tx.connection.execute(sql, (decision,)).fetchone()
    return ("open", "") if row is None else (row[0], row[1])


def by_ids(tx: Transaction, rollouts: Sequence[UUID]) -> list[Rollout]:
    sql = f"select {_ROLLOUT} from release.rollout where id = any(%s) order by id"  # noqa: S608  names only
    return _assembled(tx, tx.rows(Row, sql, (list(rollouts),)))


def keeps_other_cars(tx: Transaction, area: Area) -> bool:
    """Whether there are cars of the programme to see, and none is the acting organisation's."""
    sql = """
        select exists (select from release.car where lead = %(lead)s and programme = %(programme)s)
           and not exists (select from release.car where organisation = %(me)s and lead = %(lead)s and programme = %(programme)s)"""
    return bool(tx.value(sql, {"me": tx.actor.organisation, "lead": area.lead, "programme": area.programme}))


def page(tx: Transaction, area: Area, before: UUID | None, limit: int) -> list[Rollout]:
    sql = f"""
        select {_ROLLOUT} from release.rollout
        where lead = %s and programme = %s and process = %s and (%s::uuid is null or id < %s) order by id desc limit %s"""  # noqa: S608
    return _assembled(tx, tx.rows(Row, sql, (area.lead, area.programme, area.process, before, before, limit)))


def of_releases(tx: Transaction, releases: Sequence[UUID]) -> list[Rollout]:
    """Those that are not over."""
    sql = f"""
        select {_ROLLOUT} from release.rollout
        where release = any(%s) and state not in ('finished', 'cancelled') order by id"""  # noqa: S608  names only
    return _assembled(tx, tx.rows(Row, sql, (list(releases),)))


def history(tx: Transaction, rollout: UUID, limit: int) -> list[Done]:
    """The last first."""
    sql = """
        select side, created_at, person, act, number, state, reason, details from release.rollout_act
        where rollout = %s order by id desc limit %s"""
    return [
        Done(
            act=Act(row.act), at=row.created_at, organisation=row.side, person=row.person, group=row.number, state=State(row.state),
            reason=row.reason, details=row.details,
        )
        for row in tx.rows(ActRow, sql, (rollout, limit))
    ]  # fmt: skip


def file(tx: Transaction, area: Area, entry: FilingEntry) -> None:
    tx.execute(
        "insert into release.filing (organisation, id, lead, programme, process, side, created_at, written_by, release, market, state,"
        " reference, note) values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            tx.actor.organisation, new_id(), area.lead, area.programme, area.process, tx.actor.organisation, tx.now, entry.person,
            entry.release, entry.market, str(entry.state), entry.reference, entry.note,
        ),
    )  # fmt: skip


def filings(tx: Transaction, area: Area, release: UUID) -> dict[str, FilingEntry]:
    """The last entry of each market."""
    sql = """
        select distinct on (market) release, market, state, reference, note, side, written_by, created_at from release.filing
        where lead = %s and programme = %s and process = %s and release = %s order by market, created_at desc, id desc"""
    return {
        row.market: FilingEntry(
            release=row.release, market=row.market, state=Filing(row.state), reference=row.reference, note=row.note,
            organisation=row.side, person=row.written_by, at=row.created_at,
        )
        for row in tx.rows(FilingRow, sql, (area.lead, area.programme, area.process, release))
    }  # fmt: skip


def finished_since(tx: Transaction, rollout: Rollout, since: datetime) -> int:
    """Cars that answered for good since then."""
    sql = """
        select count(distinct vehicle) from release.rollout_told
        where organisation = %s and rollout = %s and became in ('done', 'failed') and created_at > %s"""
    return int(tx.value(sql, (rollout.organisation, rollout.id, since)))


def _assembled(tx: Transaction, rows: Sequence[Row]) -> list[Rollout]:
    ids = [row.id for row in rows]
    refusals: dict[tuple[UUID, int], dict[Attack, int]] = {}
    if ids:
        counted = """
            select rollout, number, attack, count(*) from release.rollout_told
            where rollout = any(%s) and attack <> '' group by rollout, number, attack order by 4 desc"""
        for rollout, number, attack, many in tx.connection.execute(counted, (ids,)).fetchall():
            refusals.setdefault((rollout, number), {})[Attack(attack)] = many
    groups: dict[UUID, list[Standing]] = {}
    for group in _groups(tx, ids):
        groups.setdefault(group.rollout, []).append(_standing(group, refusals.get((group.rollout, group.number), {})))
    return [
        Rollout(
            id=row.id, organisation=row.organisation, lead=row.lead, programme=row.programme, release=row.release,
            release_name=row.release_name, counter=row.counter, model=row.model, markets=tuple(row.markets), name=row.name,
            state=State(row.state), since=row.since, reason=row.reason, details=row.details, decision=row.decision,
            created_at=row.created_at, written_by=row.written_by, groups=tuple(groups.get(row.id, ())),
        )
        for row in rows
    ]  # fmt: skip


def _groups(tx: Transaction, rollouts: Sequence[UUID]) -> list[GroupRow]:
    sql = """
        select rollout, number, said, state, opened_at, passed_at, of_cars, waiting, offered, retry, done, failed, declined, gone, exposed,
               tried, failures, metres, disengagements, minimal_risk, in_markets, accepted
        from release.rollout_group g where rollout = any(%s) order by rollout, number"""
    return tx.rows(GroupRow, sql, (list(rollouts),)) if rollouts else []


def _standing(row: GroupRow, refusals: Mapping[Attack, int]) -> Standing:
    counts = Counts(
        cars=row.of_cars, waiting=row.waiting, offered=row.offered, retry=row.retry, done=row.done, failed=row.failed,
        declined=row.declined, left=row.gone, exposed=row.exposed, attempts=row.tried, failures=row.failures, refusals=dict(refusals),
    )  # fmt: skip
    had = row.accepted
    return Standing(
        number=row.number, group=GroupShape.model_validate(row.said, strict=False).group(), state=GroupState(row.state),
        opened_at=row.opened_at, passed_at=row.passed_at, markets=tuple(row.in_markets), counts=counts,
        road=Road(row.metres / 1000.0, row.disengagements, row.minimal_risk),
        accepted=Counts(done=had.get("done", 0), failed=had.get("failed", 0), retry=had.get("retry", 0)),
        accepted_road=Road(had.get("metres", 0) / 1000.0, had.get("disengagements", 0), had.get("minimal_risk", 0)),
    )  # fmt: skip
