"""What cars said, many at once, in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from marque.car.uptane.vehicle import Installed
from marque.foundation import Transaction
from marque.release.devices.model import Fleet, Reported
from marque.release.devices.store import CAR, CarRow, values_of
from marque.release.model import Image


@dataclass(frozen=True)
class Named:
    """A release that control units name, and its images."""

    id: UUID
    images: tuple[Image, ...]


def cars(tx: Transaction, fleet: Fleet, vehicles: Sequence[str], *, hold: bool = False) -> list[CarRow]:
    """The acting organisation's cars among these. hold: nobody else changes them; in the order of their ids, so none wait crosswise."""
    sql = f"""
        select {CAR} from release.car
        where organisation = %s and lead = %s and programme = %s and vehicle = any (%s) and retired_at is null
        order by vehicle {"for update" if hold else ""}"""  # noqa: S608  names only
    return tx.rows(CarRow, sql, (tx.actor.organisation, fleet.lead, fleet.programme, list(vehicles)))


def put(tx: Transaction, fleet: Fleet, process: str, said: Sequence[tuple[Reported, bytes]]) -> None:
    """The manifests themselves."""
    sql = """
        insert into release.manifest (organisation, lead, programme, process, vehicle, counter, created_at, digest, raw, attacks)
        values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"""
    rows = [
        (tx.actor.organisation, fleet.lead, fleet.programme, process, one.vehicle, one.counter, one.at, one.digest, raw, list(one.attacks))
        for one, raw in said
    ]
    with tx.connection.cursor() as cursor:
        cursor.executemany(sql, rows)


def put_installed(tx: Transaction, fleet: Fleet, said: Sequence[tuple[str, str, Installed | None]]) -> None:
    """What control units report, by vehicle and serial; where that is what was known, nothing is written."""
    columns = list(zip(*[(vehicle, serial, *values_of(installed)) for vehicle, serial, installed in said], strict=True))
    if not columns:
        return
    tx.execute(
        """
        update release.ecu e set release = g.release, version = g.version, counter = g.counter, sha256 = g.sha256, length = g.length,
            path = g.path, evidence = g.evidence, reported_at = %(now)s
        from unnest(%(g0)s::text[], %(g1)s::text[], %(g2)s::text[], %(g3)s::text[], %(g4)s::bigint[], %(g5)s::text[], %(g6)s::bigint[],
                    %(g7)s::text[], %(g8)s::text[])
            as g (vehicle, serial, release, version, counter, sha256, length, path, evidence)
        where e.organisation = %(me)s and e.lead = %(lead)s and e.programme = %(programme)s and e.vehicle = g.vehicle
          and e.serial = g.serial
          and (e.release, e.version, e.counter, e.sha256, e.path, e.evidence)
              is distinct from (g.release, g.version, g.counter, g.sha256, g.path, g.evidence)""",
        _fleet(tx, fleet) | {f"g{number}": list(column) for number, column in enumerate(columns)},
    )


def put_said(tx: Transaction, fleet: Fleet, said: Sequence[tuple[str, int, str, str, dict[str, int]]]) -> None:
    """The last word of each car: counter, attack, state, and what was driven."""
    columns = list(zip(*said, strict=True))
    tx.execute(
        """
        update release.car c set counter = g.counter, attack = g.attack, state = g.state, driven = g.driven, reported_at = %(now)s,
            seen_at = %(now)s
        from unnest(%(g0)s::text[], %(g1)s::bigint[], %(g2)s::text[], %(g3)s::text[], %(g4)s::jsonb[])
            as g (vehicle, counter, attack, state, driven)
        where c.organisation = %(me)s and c.lead = %(lead)s and c.programme = %(programme)s and c.vehicle = g.vehicle""",
        _fleet(tx, fleet)
        | {f"g{number}": list(map(str, column)) if number in (2, 3) else list(column) for number, column in enumerate(columns[:4])}
        | {"g4": [Jsonb(one) for one in columns[4]]},
    )


def releases_named(tx: Transaction, fleet: Fleet, named: Sequence[tuple[str, str, int]]) -> dict[tuple[str, str, int], Named]:
    """By model, name and counter; as far as they are visible."""
    if not named:
        return {}
    sql = """
        select r.id, r.model, r.name, r.counter, i.path, i.role, i.hardware, i.length, i.sha256, i.side
        from unnest(%s::text[], %s::text[], %s::bigint[]) as g (model, name, counter)
        join release.release r on r.model = g.model and r.name = g.name and r.counter = g.counter
        join release.image i on i.release = r.id and i.lead = r.lead and i.programme = r.programme
        where r.lead = %s and r.programme = %s order by i.path"""
    asked = (*(list(column) for column in zip(*named, strict=True)), fleet.lead, fleet.programme)
    told: dict[tuple[str, str, int], Named] = {}
    for made, model, name, counter, path, role, hardware, length, sha256, side in tx.connection.execute(sql, asked).fetchall():
        image = Image(path=path, role=role, hardware=tuple(hardware), length=length, sha256=sha256, owner=side)
        before = told.get((model, name, counter))
        told[model, name, counter] = Named(made, (*(before.images if before else ()), image))
    return told


def _fleet(tx: Transaction, fleet: Fleet) -> dict[str, Any]:
    return {"me": tx.actor.organisation, "lead": fleet.lead, "programme": fleet.programme, "now": tx.now}
