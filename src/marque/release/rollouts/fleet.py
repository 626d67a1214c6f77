"""Cars of roll-outs by the thousand, in SQL over sets: put into groups, handed the release, heard of.

Every function here but `offered` writes, and is called with the programme's roll-outs held (`store.alone`). The counts of a group move in
the same statement as its cars.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from marque.foundation import Transaction
from marque.release.rollouts.model import CarEvent, Rollout

_COUNTS = ("cars", "waiting", "offered", "retry", "done", "failed", "declined", "gone", "exposed", "tried", "failures", "metres",
           "disengagements", "minimal_risk")  # fmt: skip
_COLUMN = {"cars": "of_cars"}
_STATES = {"waiting": "waiting", "offered": "offered", "retry": "retry", "done": "done", "failed": "failed", "declined": "declined",
           "gone": "left"}  # fmt: skip
"""The columns of a group that count its cars, and the state of those."""


def _counting(source: str, was: str, becomes: str, **more: str) -> str:
    """Common table expressions that move the counts of groups as their cars were moved.

    source: a relation with rollout, number, and the car's state as `was` and `becomes` name it; more: further counts, as expressions.
    """
    states = {column: f"({becomes} = '{state}')::int - ({was} = '{state}')::int" for column, state in _STATES.items()}
    said = dict.fromkeys(_COUNTS, "0") | states | more
    tally = ", ".join(f"sum({said[one]}) as {one}" for one in _COUNTS)
    added = ", ".join(f"{_COLUMN.get(one, one)} = g.{_COLUMN.get(one, one)} + s.{one}" for one in _COUNTS)
    return f"""
        tally as (select rollout, number, {tally} from {source} where rollout is not null group by rollout, number),
        counted as (
            update release.rollout_group g set {added}
            from tally s where g.organisation = %(me)s and g.rollout = s.rollout and g.number = s.number returning g.rollout
        )"""  # noqa: S608  nothing of a user's


_WORTH_COUNTING = 500
"""So many new rows at once change what the planner should know of the table."""
_GONE = _counting("moved", "was", "'left'")


@dataclass(frozen=True)
class Held:
    """A car to which a release is handed. vehicle: its id."""

    vehicle: str
    rollout: UUID
    release: UUID
    number: int
    attempt: int
    said: dict[str, Any]


@dataclass(frozen=True)
class Portion:
    """Of the fleet, how many cars were looked at, the last of them, and how many came into a group."""

    considered: int
    last: str
    put: int


@dataclass(frozen=True)
class Heard:
    """What an event did. fresh: it was new; rollout None: it is about nothing that was handed out."""

    vehicle: str
    counter: int
    rollout: UUID | None
    was: str
    became: str


def assign(tx: Transaction, rollout: Rollout, vehicles: Sequence[str] | None, after: str, most: int) -> Portion:
    """Of the cars of the fleet behind `after` that are in no group of it yet, so many into the first group whose conditions they meet and
    whose share reaches their place.

    Left out: cars of another model or market than the release's, without its entitlement, retired, or that run it or a later one.
    """
    sql = """
        with pool as (
            select c.vehicle from release.car c
            where c.organisation = %(me)s and c.lead = %(lead)s and c.programme = %(programme)s and c.vehicle > %(after)s
              and c.retired_at is null and c.model = %(model)s and c.market = any (%(markets)s)
              and (%(entitlement)s = '' or %(entitlement)s = any (c.entitlements))
              and (%(vehicles)s::text[] is null or c.vehicle = any (%(vehicles)s))
            except
            select k.vehicle from release.rollout_car k
            where k.organisation = %(me)s and k.rollout = %(rollout)s and k.vehicle > %(after)s
            order by vehicle limit %(most)s
        ), found as (
            select p.vehicle, c.market, g.number
            from pool p
            cross join lateral (
                select c.model, c.market, c.features from release.car c
                where c.organisation = %(me)s and c.lead = %(lead)s and c.programme = %(programme)s and c.vehicle = p.vehicle limit 1
            ) c
            cross join lateral (
                select g.number from release.rollout_group g
                where g.organisation = %(me)s and g.rollout = %(rollout)s
                  and (g.models = '{}' or c.model = any (g.models)) and (g.markets = '{}' or c.market = any (g.markets))
                  and g.features <@ c.features and (g.cars = '{}' or p.vehicle = any (g.cars))
                  and release.place(%(rollout)s, p.vehicle) < g.share
                order by g.number limit 1
            ) g
            where (
                select true from release.ecu e
                where e.organisation = %(me)s and e.lead = %(lead)s and e.programme = %(programme)s and e.vehicle = p.vehicle
                  and e.release = %(name)s and e.counter >= %(counter)s
                limit 1
            ) is null
        ), put as (
            insert into release.rollout_car (organisation, rollout, vehicle, number, lead, programme, process, created_at, market)
            select %(me)s, %(rollout)s, vehicle, number, %(lead)s, %(programme)s, 'release-signature', %(now)s, market from found
            returning number, market
        ), noted as (
            select number, count(*) as cars, array_agg(distinct market) as markets from put group by number
        ), counted as (
            update release.rollout_group g set of_cars = g.of_cars + n.cars, waiting = g.waiting + n.cars,
                in_markets = array(select distinct one from unnest(g.in_markets || n.markets) as one order by one)
            from noted n where g.organisation = %(me)s and g.rollout = %(rollout)s and g.number = n.number
            returning n.cars
        )
        select (select count(*)::int from pool) as considered, coalesce((select max(vehicle) from pool), '') as last,
               coalesce((select sum(cars) from counted), 0)::int as put"""
    given = {
        "me": tx.actor.organisation, "rollout": rollout.id, "lead": rollout.lead, "programme": rollout.programme, "model": rollout.model,
        "markets": list(rollout.markets), "entitlement": _entitlement(tx, rollout), "name": rollout.release_name,
        "counter": rollout.counter, "vehicles": None if vehicles is None else list(vehicles), "after": after, "most": most, "now": tx.now,
    }  # fmt: skip
    found = tx.row(Portion, sql, given)
    assert found is not None
    if found.put >= _WORTH_COUNTING:
        tx.value("select release.count_rollout_cars()")
    return found


def leave(tx: Transaction, rollout: Rollout, *, everybody: bool = False) -> int:
    """Cars that wait and are no cars of the fleet any more, out of the roll-out; or (everybody) all that have not answered."""
    sql = f"""
        with gone as (
            select k.rollout, k.vehicle, k.state as was from release.rollout_car k
            join release.car c using (organisation, lead, programme, vehicle)
            where k.organisation = %(me)s and k.rollout = %(rollout)s and k.state in ('waiting', 'offered', 'retry')
              and (%(everybody)s or c.retired_at is not null)
        ), moved as (
            update release.rollout_car k set state = 'left', due_at = null from gone
            where k.organisation = %(me)s and k.rollout = gone.rollout and k.vehicle = gone.vehicle
            returning k.rollout, k.number, gone.was
        ), {_GONE}
        select count(*)::int from moved"""  # noqa: S608  nothing of a user's
    return int(tx.value(sql, {"me": tx.actor.organisation, "rollout": rollout.id, "everybody": everybody}))


def offered(tx: Transaction, lead: str, programme: UUID, vehicles: Collection[str]) -> list[Held]:
    """What these cars hold now of running roll-outs."""
    sql = """
        select k.vehicle, k.rollout, r.release, k.number, k.attempt, g.said
        from release.rollout_car k
        join release.rollout r on r.organisation = k.organisation and r.id = k.rollout and r.state = 'running'
        join release.rollout_group g on g.organisation = k.organisation and g.rollout = k.rollout and g.number = k.number
        where k.organisation = %s and k.lead = %s and k.programme = %s and k.vehicle = any(%s) and k.state = 'offered'"""
    return tx.rows(Held, sql, (tx.actor.organisation, lead, programme, list(vehicles)))


def candidates(tx: Transaction, lead: str, programme: UUID, vehicles: Collection[str]) -> list[UUID]:
    """Releases that some of these cars, which hold nothing, are to be handed now. Empty for most polls: nothing is locked for them."""
    sql = f"select distinct release from ({_NEXT}) as next"  # noqa: S608  nothing of a user's
    given = {"me": tx.actor.organisation, "lead": lead, "programme": programme, "vehicles": list(vehicles), "now": tx.now, "releases": None}
    return [row[0] for row in tx.connection.execute(sql.encode(), given).fetchall()]


_NEXT = """
    select n.* from unnest(%(vehicles)s::text[]) as asked (vehicle)
    cross join lateral (
        select k.rollout, k.vehicle, k.number, k.state as was, k.attempt, r.release, g.at_once, g.silent_after
        from release.rollout_car k
        join release.rollout r on r.organisation = k.organisation and r.id = k.rollout and r.state = 'running'
        join release.rollout_group g on g.organisation = k.organisation and g.rollout = k.rollout and g.number = k.number
            and g.state in ('open', 'passed')
        where k.organisation = %(me)s and k.lead = %(lead)s and k.programme = %(programme)s and k.vehicle = asked.vehicle
          and (k.state = 'waiting' or k.state = 'retry' and k.due_at <= %(now)s)
          and (%(releases)s::uuid[] is null or r.release = any (%(releases)s))
        order by r.created_at, r.id limit 1
    ) n
    where (
        select true from release.rollout_car held
        where held.organisation = %(me)s and held.lead = %(lead)s and held.programme = %(programme)s and held.vehicle = n.vehicle
          and held.state = 'offered'
        limit 1
    ) is null and (
        select c.retired_at is null from release.car c
        where c.organisation = %(me)s and c.lead = %(lead)s and c.programme = %(programme)s and c.vehicle = n.vehicle
        limit 1
    )"""


def hand_out(tx: Transaction, lead: str, programme: UUID, vehicles: Collection[str], releases: Collection[UUID]) -> int:
    """Hand these releases to those of the cars whose turn it is, no more of a group at once than it allows. Returns to how many."""
    counting = _counting("moved", "was", "'offered'", exposed="(attempt = 1)::int", tried="1")
    sql = f"""
        with next as ({_NEXT}), room as (
            select n.*, n.at_once - (
                select count(*) from release.rollout_car k
                where k.organisation = %(me)s and k.rollout = n.rollout and k.number = n.number and k.state = 'offered'
                  and k.offered_at > %(now)s - n.silent_after
            ) as room
            from (select distinct rollout, number, at_once, silent_after from next where at_once > 0) n
        ), turn as (
            select n.*, row_number() over (partition by n.rollout, n.number order by n.vehicle) as place from next n
        ), chosen as (
            select t.* from turn t left join room using (rollout, number) where t.at_once = 0 or t.place <= room.room
        ), moved as (
            update release.rollout_car k set
                state = 'offered', attempt = k.attempt + 1, offered_at = %(now)s, due_at = null, first_at = coalesce(k.first_at, %(now)s),
                before = coalesce(k.before, (
                    select jsonb_agg(jsonb_build_object(
                        'ecu', e.serial, 'hardware', e.hardware, 'release', e.release, 'version', e.version, 'counter', e.counter,
                        'sha256', e.sha256) order by e.serial)
                    from release.ecu e
                    where e.organisation = k.organisation and e.lead = k.lead and e.programme = k.programme and e.vehicle = k.vehicle
                ), '[]')
            from chosen c where k.organisation = %(me)s and k.rollout = c.rollout and k.vehicle = c.vehicle
            returning k.rollout, k.number, k.attempt, c.was
        ), {counting}
        select count(*)::int from moved"""  # noqa: S608  nothing of a user's
    given = {
        "me": tx.actor.organisation, "lead": lead, "programme": programme, "vehicles": list(vehicles), "releases": list(releases),
        "now": tx.now,
    }  # fmt: skip
    return int(tx.value(sql, given))


_BECOMES = """case
    when k.rollout is null then ''
    when g.told = 'installed' then 'done'
    when g.told in ('failed', 'refused') and k.state in ('offered', 'done')
        then case when k.attempt < gr.attempts then 'retry' else 'failed' end
    when g.told = 'declined' and k.state in ('offered', 'retry') then 'declined'
    else k.state end"""
"""The state of a car after it told something. What contradicts it and is not about an offer is history, and changes nothing.

Who drove says so of what is installed: the road counts for cars that have the release.
"""


def take_in(tx: Transaction, lead: str, programme: UUID, events: Sequence[CarEvent]) -> list[Heard]:
    """At most one event of each car. Those that are new, with what they did."""
    counting = _counting(
        "next", "was", "becomes", failures="(told in ('failed', 'refused') and was <> becomes)::int", metres="road[1] - had[1]",
        disengagements="road[2] - had[2]", minimal_risk="road[3] - had[3]",
    )  # fmt: skip
    sql = f"""
        with given as (
            select * from unnest(%(vehicle)s::text[], %(counter)s::bigint[], %(told)s::text[], %(at)s::timestamptz[], %(release)s::uuid[],
                                 %(problem)s::text[], %(attack)s::text[], %(manifest)s::text[], %(consented)s::timestamptz[],
                                 %(metres)s::bigint[], %(disengagements)s::bigint[], %(minimal_risk)s::bigint[])
                as g (vehicle, counter, told, at, release, problem, attack, manifest, consented, metres, disengagements, minimal_risk)
        ), matched as (
            select g.*, k.rollout, k.number, coalesce(k.attempt, 0) as attempt, coalesce(k.state, '') as was,
                   coalesce(b.becomes, '') as becomes, gr.retry_after,
                   array[k.metres, k.disengagements, k.minimal_risk] as had,
                   case when b.becomes = 'done'
                        then array[greatest(k.metres, g.metres), greatest(k.disengagements, g.disengagements),
                                   greatest(k.minimal_risk, g.minimal_risk)]
                        else array[k.metres, k.disengagements, k.minimal_risk] end as road
            from given g
            left join lateral (
                select k.* from release.rollout_car k
                join release.rollout r on r.organisation = k.organisation and r.id = k.rollout
                where k.organisation = %(me)s and k.lead = %(lead)s and k.programme = %(programme)s and k.vehicle = g.vehicle
                  and (g.release is null and k.state = 'offered' or r.release = g.release)
                order by k.state = 'offered' desc, k.attempt > 0 desc, r.created_at desc, r.id desc limit 1
            ) k on true
            left join release.rollout_group gr
                on gr.organisation = k.organisation and gr.rollout = k.rollout and gr.number = k.number
            cross join lateral (select {_BECOMES} as becomes) b
        ), fresh as (
            insert into release.rollout_told (organisation, lead, programme, process, vehicle, counter, created_at, at, rollout, number,
                                              attempt, told, was, became, problem, attack, manifest, consented)
            select %(me)s, %(lead)s, %(programme)s, 'release-signature', vehicle, counter, %(now)s, at, rollout, number, attempt, told, was,
                   case when was = becomes then '' else becomes end, problem, attack, manifest, consented
            from matched on conflict do nothing
            returning vehicle, counter
        ), next as (
            select m.* from matched m join fresh using (vehicle, counter)
        ), moved as (
            update release.rollout_car k set
                state = n.becomes, metres = n.road[1], disengagements = n.road[2], minimal_risk = n.road[3],
                due_at = case when n.becomes = 'retry' then coalesce(k.due_at, %(now)s + n.retry_after) end,
                answered_at = case when n.becomes <> n.was then %(now)s else k.answered_at end
            from next n where k.organisation = %(me)s and k.rollout = n.rollout and k.vehicle = n.vehicle
            returning k.vehicle
        ), {counting}
        select vehicle, counter, rollout, was, case when was = becomes then '' else becomes end as became from next"""  # noqa: S608
    given: dict[str, Any] = {
        "me": tx.actor.organisation, "lead": lead, "programme": programme, "now": tx.now,
        "vehicle": [one.car for one in events], "counter": [one.counter for one in events], "told": [str(one.told) for one in events],
        "at": [one.at for one in events], "release": [one.release for one in events], "problem": [one.problem for one in events],
        "attack": [str(one.attack or "") for one in events], "manifest": [one.manifest for one in events],
        "consented": [one.consented for one in events], "metres": [round(one.road.km * 1000) for one in events],
        "disengagements": [one.road.disengagements for one in events], "minimal_risk": [one.road.minimal_risk for one in events],
    }  # fmt: skip
    return tx.rows(Heard, sql, given)


def outdated(tx: Transaction, lead: str, programme: UUID, installed: Mapping[str, UUID]) -> int:
    """Cars that have installed a release are not to be handed an earlier one of the same name: out of the roll-outs that would."""
    sql = f"""
        with given as (
            select g.vehicle, r.release_name, max(r.counter) as counter
            from unnest(%(vehicle)s::text[], %(rollout)s::uuid[]) as g (vehicle, rollout)
            join release.rollout r on r.organisation = %(me)s and r.id = g.rollout group by g.vehicle, r.release_name
        ), gone as (
            select k.rollout, k.vehicle, k.state as was
            from given g
            join release.rollout_car k on k.organisation = %(me)s and k.lead = %(lead)s and k.programme = %(programme)s
                and k.vehicle = g.vehicle and k.state in ('waiting', 'offered', 'retry')
            join release.rollout r on r.organisation = k.organisation and r.id = k.rollout
            where r.release_name = g.release_name and r.counter <= g.counter
        ), moved as (
            update release.rollout_car k set state = 'left', due_at = null from gone
            where k.organisation = %(me)s and k.rollout = gone.rollout and k.vehicle = gone.vehicle
            returning k.rollout, k.number, gone.was
        ), {_GONE}
        select count(*)::int from moved"""  # noqa: S608  nothing of a user's
    given = {
        "me": tx.actor.organisation, "lead": lead, "programme": programme, "vehicle": list(installed), "rollout": list(installed.values()),
    }  # fmt: skip
    return int(tx.value(sql, given))


def _entitlement(tx: Transaction, rollout: Rollout) -> str:
    sql = "select entitlement from release.rollout where organisation = %s and id = %s"
    return str(tx.value(sql, (rollout.organisation, rollout.id)))
