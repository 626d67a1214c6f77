"""What the record of an update is made of, in SQL: read for many updates at once, and the signed records themselves."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from marque.foundation import Transaction


@dataclass(frozen=True, kw_only=True)
class Ended:
    """An update of a car that ended and of which there is no record. units: what each control unit says it runs now, with its key."""

    vehicle: str
    counter: int
    created_at: datetime
    at: datetime
    became: str
    told: str
    problem: str
    attack: str
    manifest: str
    consented: datetime | None
    attempt: int
    rollout: UUID
    rollout_name: str
    lead: str
    programme: UUID
    release: UUID
    group_name: str
    consent: bool
    market: str
    before: list[dict[str, Any]] | None
    first_at: datetime | None
    offered_at: datetime | None
    raw: bytes | None
    units: list[dict[str, Any]]


@dataclass(frozen=True)
class Signed:
    """A signature on one of a release's role files."""

    release: UUID
    organisation: str
    key: str
    role: str
    at: datetime


@dataclass(frozen=True)
class Approval:
    """Of a decision that let the roll-out start or go on."""

    rollout: UUID
    subject: str
    organisation: str
    person: UUID
    at: datetime


@dataclass(frozen=True)
class Entry:
    """A filing's entry."""

    release: UUID
    market: str
    state: str
    reference: str
    at: datetime


@dataclass(frozen=True)
class Approved:
    """What identifies type-approved software of a release, by regulation (UN R156), by the release's name and counter."""

    name: str
    counter: int
    model: str
    rxswin: dict[str, str]


@dataclass(frozen=True)
class Kept:
    """A record, as stored. organisation: whose car it is. envelope: as it is given away."""

    organisation: str
    vehicle: str
    counter: int
    rollout: UUID
    created_at: datetime
    digest: str
    envelope: bytes


def ended(tx: Transaction, most: int) -> list[Ended]:
    """The oldest first, of the acting organisation's cars; nobody else makes records of them before this transaction ends."""
    sql = """
        select t.vehicle, t.counter, t.created_at, t.at, t.became, t.told, t.problem, t.attack, t.manifest, t.consented, t.attempt,
               t.rollout, r.name as rollout_name, r.lead, r.programme, r.release, g.said ->> 'name' as group_name,
               (g.said ->> 'consent')::boolean as consent, k.market, k.before, k.first_at, k.offered_at, m.raw,
               coalesce(u.units, '[]') as units
        from (
            select * from release.rollout_told t
            where t.organisation = %(me)s and not t.recorded and t.became in ('done', 'failed', 'declined') and t.rollout is not null
            order by t.created_at, t.vehicle, t.counter limit %(most)s for update skip locked
        ) t
        join release.rollout r on r.organisation = t.organisation and r.id = t.rollout
        join release.rollout_group g on g.organisation = t.organisation and g.rollout = t.rollout and g.number = t.number
        join release.rollout_car k on k.organisation = t.organisation and k.rollout = t.rollout and k.vehicle = t.vehicle
        left join release.manifest m on m.organisation = t.organisation and m.lead = t.lead and m.programme = t.programme
            and m.vehicle = t.vehicle and m.counter = t.counter
        left join lateral (
            select jsonb_agg(jsonb_build_object(
                'ecu', e.serial, 'hardware', e.hardware, 'release', e.release, 'version', e.version, 'counter', e.counter,
                'sha256', e.sha256, 'key', e.public_key, 'primary', e.is_primary) order by e.serial) as units
            from release.ecu e
            where e.organisation = t.organisation and e.lead = t.lead and e.programme = t.programme and e.vehicle = t.vehicle
        ) u on true
        order by t.created_at, t.vehicle, t.counter"""
    return tx.rows(Ended, sql, {"me": tx.actor.organisation, "most": most})


def signatures(tx: Transaction, releases: Collection[UUID]) -> list[Signed]:
    """On the documents that published these."""
    sql = """
        select c.subject::uuid as release, s.side as organisation, s.key, d.role, s.created_at as at
        from release.change c
        join release.closing k on k.change = c.id and k.state = 'in-force'
        join release.document d on d.change = c.id
        join release.signature s on s.document = d.id
        where c.purpose = 'release' and c.subject = any(%s) order by s.created_at, s.key"""
    return tx.rows(Signed, sql, ([str(one) for one in releases],))


def approvals(tx: Transaction, rollouts: Collection[UUID]) -> list[Approval]:
    """Of every decision about these that was taken."""
    sql = """
        select r.id as rollout, d.subject, a.organisation, a.person, a.created_at as at
        from release.rollout r
        join alliance.decision d on (d.lead, d.programme, d.process) = (r.lead, r.programme, r.process) and d.state = 'taken'
            and (d.subject = 'rollout/' || r.id or starts_with(d.subject, 'rollout/' || r.id || '/'))
        join alliance.decision_act a on a.opener = d.organisation and a.decision = d.id and a.round = d.round and a.kind = 'approve'
        where r.id = any(%s) order by a.created_at, a.organisation"""
    return tx.rows(Approval, sql, (list(rollouts),))


def filings(tx: Transaction, releases: Collection[UUID]) -> list[Entry]:
    """Every entry of these, the oldest first."""
    sql = "select release, market, state, reference, created_at as at from release.filing where release = any(%s) order by created_at, id"
    return tx.rows(Entry, sql, (list(releases),))


def approved_software(tx: Transaction, lead: str, programme: UUID, names: Collection[str]) -> list[Approved]:
    """Of every release of these names."""
    sql = """
        select name, counter, model, coalesce(said -> 'rxswin', '{}') as rxswin from release.release
        where lead = %s and programme = %s and name = any(%s)"""
    return tx.rows(Approved, sql, (lead, programme, list(names)))


def keep(tx: Transaction, kept: Sequence[tuple[Ended, str, bytes]]) -> None:
    """Records with their digests and envelopes."""
    sql = """
        insert into release.update_record (organisation, lead, programme, process, vehicle, counter, created_at, rollout, digest, envelope)
        select %s, t.lead, t.programme, 'release-signature', t.vehicle, t.counter, %s, t.rollout, t.digest, t.envelope
        from unnest(%s::text[], %s::uuid[], %s::text[], %s::bigint[], %s::uuid[], %s::text[], %s::bytea[])
            as t (lead, programme, vehicle, counter, rollout, digest, envelope)"""
    columns = [[getattr(one, name) for one, _, _ in kept] for name in ("lead", "programme", "vehicle", "counter", "rollout")]
    tx.execute(sql, (tx.actor.organisation, tx.now, *columns, [digest for _, digest, _ in kept], [raw for _, _, raw in kept]))
    sql = """
        update release.rollout_told t set recorded = true
        from unnest(%s::text[], %s::uuid[], %s::text[], %s::bigint[]) as d (lead, programme, vehicle, counter)
        where t.organisation = %s and (t.lead, t.programme, t.vehicle, t.counter) = (d.lead, d.programme, d.vehicle, d.counter)"""
    tx.execute(sql, (*columns[:4], tx.actor.organisation))


def of_car(tx: Transaction, lead: str, programme: UUID, vehicle: str) -> list[Kept]:
    """Records of a car, the last first."""
    sql = """
        select organisation, vehicle, counter, rollout, created_at, digest, envelope from release.update_record
        where lead = %s and programme = %s and vehicle = %s order by counter desc"""
    return tx.rows(Kept, sql, (lead, programme, vehicle))


def of_rollout(tx: Transaction, rollout: UUID, after: str, limit: int) -> list[Kept]:
    """Records of a roll-out by vehicle, those after one."""
    sql = """
        select organisation, vehicle, counter, rollout, created_at, digest, envelope from release.update_record
        where rollout = %s and vehicle > %s order by vehicle, counter limit %s"""
    return tx.rows(Kept, sql, (rollout, after, limit))
