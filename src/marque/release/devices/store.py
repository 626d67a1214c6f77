"""Registered cars and what they said, in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from marque.car.uptane.vehicle import Ecu, Installed, Vehicle
from marque.foundation import Transaction
from marque.release.devices.model import Car, DirectorFile, Draft, Fleet, Listed, Reported

CAR = """
    organisation, vehicle, created_at, model, market, features, entitlements, domain, counter, attack, state, driven, seen_at,
    reported_at, retired_at
"""
_INSTALLED = ("release", "version", "counter", "sha256", "length", "path", "evidence")


@dataclass(frozen=True)
class CarRow:
    """driven: counts of the last manifest, since what is installed was installed."""

    organisation: str
    vehicle: str
    created_at: datetime
    model: str
    market: str
    features: list[str]
    entitlements: list[str]
    domain: list[str]
    counter: int
    attack: str
    state: str
    driven: dict[str, int]
    seen_at: datetime | None
    reported_at: datetime | None
    retired_at: datetime | None

    def car(self, ecus: Sequence[EcuRow]) -> Car:
        known = {one.serial: one.ecu for one in ecus}
        vehicle = Vehicle(self.vehicle, self.model, self.market, known, frozenset(self.entitlements), frozenset(self.domain))
        return Car(
            organisation=self.organisation, vehicle=vehicle, features=tuple(self.features), registered_at=self.created_at,
            counter=self.counter, attack=self.attack, state=self.state, seen_at=self.seen_at, reported_at=self.reported_at,
            retired_at=self.retired_at,
        )  # fmt: skip


@dataclass(frozen=True)
class EcuRow:
    """A control unit, as stored; release '': nothing is known to be installed."""

    vehicle: str
    serial: str
    hardware: str
    role: str
    is_primary: bool
    methods: list[str]
    public_key: str
    release: str
    version: str
    counter: int
    sha256: str
    length: int
    path: str
    evidence: str

    @property
    def ecu(self) -> Ecu:
        installed = Installed(*(getattr(self, name) for name in _INSTALLED)) if self.sha256 else None
        return Ecu(self.serial, self.hardware, self.role, self.is_primary, installed, tuple(self.methods), self.public_key)


def registered(tx: Transaction, fleet: Fleet, vehicles: Sequence[str]) -> list[str]:
    """Of these, those that are there already, whoever's they are; nobody registers others before the transaction ends."""
    found = tx.connection.execute("select release.registered(%s, %s, %s)", (fleet.lead, fleet.programme, list(vehicles))).fetchall()
    return sorted(row[0] for row in found)


def insert(tx: Transaction, fleet: Fleet, process: str, drafts: Sequence[Draft], digests: Sequence[bytes]) -> None:
    """None of them may be there already."""
    asked = [
        (one.vehicle.id, one.vehicle.model, one.vehicle.market, digest, list(one.features), sorted(one.vehicle.entitlements),
         sorted(one.vehicle.domain))
        for one, digest in zip(drafts, digests, strict=True)
    ]  # fmt: skip
    # Lists of lists of different lengths are no array of PostgreSQL's: they travel as JSON.
    tx.execute(
        """
        insert into release.car (organisation, lead, programme, process, vehicle, created_at, written_by, model, market, token, token_at,
            features, entitlements, domain)
        select %(me)s, %(lead)s, %(programme)s, %(process)s, g.vehicle, %(now)s, %(person)s, g.model, g.market, g.token, %(now)s,
            array(select jsonb_array_elements_text(g.features)), array(select jsonb_array_elements_text(g.entitlements)),
            array(select jsonb_array_elements_text(g.domain))
        from unnest(%(vehicles)s::text[], %(models)s::text[], %(markets)s::text[], %(tokens)s::bytea[], %(features)s::jsonb[],
                    %(entitlements)s::jsonb[], %(domains)s::jsonb[])
            as g (vehicle, model, market, token, features, entitlements, domain)""",
        {
            "me": tx.actor.organisation, "lead": fleet.lead, "programme": fleet.programme, "process": process, "now": tx.now,
            "person": tx.actor.person, "vehicles": [one[0] for one in asked], "models": [one[1] for one in asked],
            "markets": [one[2] for one in asked], "tokens": [one[3] for one in asked], "features": [Jsonb(one[4]) for one in asked],
            "entitlements": [Jsonb(one[5]) for one in asked], "domains": [Jsonb(one[6]) for one in asked],
        },
    )  # fmt: skip
    ecus = [(draft.vehicle.id, ecu) for draft in drafts for ecu in draft.vehicle.ecus.values()]
    with tx.connection.cursor() as cursor:
        cursor.executemany(
            """
            insert into release.ecu (organisation, lead, programme, process, vehicle, serial, created_at, hardware, role, is_primary,
                methods, public_key, release, version, counter, sha256, length, path, evidence)
            values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)""",
            [
                (tx.actor.organisation, fleet.lead, fleet.programme, process, vehicle, ecu.serial, tx.now, ecu.hardware, ecu.role,
                 ecu.primary, list(ecu.methods), ecu.public_key, *values_of(ecu.installed))
                for vehicle, ecu in ecus
            ],
        )  # fmt: skip


def values_of(installed: Installed | None) -> tuple[Any, ...]:
    """Of what is installed, the columns that keep it, in their order."""
    return tuple(getattr(installed, name) for name in _INSTALLED) if installed else ("", "", 0, "", 0, "", "")


def one(tx: Transaction, fleet: Fleet, vehicle: str, *, hold: bool = False) -> CarRow | None:
    """The visible row of this vehicle, one's own before another's. hold: and nobody else changes it before the transaction ends."""
    sql = f"""
        select {CAR} from release.car where lead = %s and programme = %s and vehicle = %s
        order by organisation <> %s limit 1 {"for update" if hold else ""}"""  # noqa: S608  names only
    return tx.row(CarRow, sql, (fleet.lead, fleet.programme, vehicle, tx.actor.organisation))


def by_token(tx: Transaction, fleet: Fleet, vehicle: str, token: bytes | None) -> CarRow | None:
    """The acting organisation's car that shows this token; None: of which a gateway of the organisation speaks."""
    sql = f"""
        select {CAR} from release.car
        where organisation = %s and lead = %s and programme = %s and vehicle = %s and retired_at is null
          and (%s::bytea is null or token = %s)"""  # noqa: S608  names only
    return tx.row(CarRow, sql, (tx.actor.organisation, fleet.lead, fleet.programme, vehicle, token, token))


def find(tx: Transaction, fleet: Fleet, vehicle: str, token: bytes) -> str | None:
    """Whose car shows this token; for who does not know yet in whose name to ask."""
    found: str | None = tx.value("select release.find_car(%s, %s, %s, %s)", (fleet.lead, fleet.programme, vehicle, token))
    return found


def ecus(tx: Transaction, fleet: Fleet, organisation: str, vehicles: Sequence[str]) -> list[EcuRow]:
    return tx.rows(
        EcuRow,
        "select vehicle, serial, hardware, role, is_primary, methods, public_key, release, version, counter, sha256, length, path, evidence"
        " from release.ecu where organisation = %s and lead = %s and programme = %s and vehicle = any (%s) order by vehicle, serial",
        (organisation, fleet.lead, fleet.programme, list(vehicles)),
    )


def page(tx: Transaction, fleet: Fleet, search: str, after: str, limit: int) -> list[Listed]:
    """Those whose id begins with the searched text, by id, behind `after`."""
    sql = """
        select c.vehicle, c.organisation, c.model, c.market, coalesce(e.release, '') as release, coalesce(e.version, '') as version,
               c.attack, c.state, c.seen_at, c.reported_at, c.retired_at
        from release.car c
        left join release.ecu e on e.organisation = c.organisation and e.lead = c.lead and e.programme = c.programme
          and e.vehicle = c.vehicle and e.is_primary
        where c.lead = %(lead)s and c.programme = %(programme)s and c.vehicle > %(after)s
          and c.vehicle >= %(search)s and (%(search)s = '' or c.vehicle < %(beyond)s)
        order by c.vehicle, c.organisation limit %(limit)s"""
    beyond = search + "\U0010ffff"
    asked = {"lead": fleet.lead, "programme": fleet.programme, "after": after, "search": search, "beyond": beyond, "limit": limit}
    return tx.rows(Listed, sql, asked)


def change(tx: Transaction, fleet: Fleet, vehicle: str, **columns: Any) -> bool:
    """Of the acting organisation's own car; False: there is none."""
    given = {name: Jsonb(value) if isinstance(value, dict) else value for name, value in columns.items()}
    told = ", ".join(f"{name} = %({name})s" for name in given)
    sql = f"""
        update release.car set {told}
        where organisation = %(me)s and lead = %(lead)s and programme = %(programme)s and vehicle = %(vehicle)s"""  # noqa: S608  names only
    where = {"me": tx.actor.organisation, "lead": fleet.lead, "programme": fleet.programme, "vehicle": vehicle}
    return tx.execute(sql, given | where) == 1


def manifests(tx: Transaction, fleet: Fleet, vehicle: str, before: int | None, limit: int) -> list[Reported]:
    """The last one first."""
    rows = tx.connection.execute(
        "select vehicle, counter, created_at, digest, attacks from release.manifest"
        " where lead = %s and programme = %s and vehicle = %s and (%s::bigint is null or counter < %s)"
        " order by counter desc limit %s",
        (fleet.lead, fleet.programme, vehicle, before, before, limit),
    ).fetchall()
    return [Reported(row[0], row[1], row[2], row[3], tuple(row[4])) for row in rows]


def manifest(tx: Transaction, fleet: Fleet, vehicle: str, counter: int) -> bytes | None:
    found = tx.value(
        "select raw from release.manifest where lead = %s and programme = %s and vehicle = %s and counter = %s",
        (fleet.lead, fleet.programme, vehicle, counter),
    )
    return None if found is None else bytes(found)


def director_file(tx: Transaction, fleet: Fleet, vehicle: str) -> DirectorFile | None:
    return tx.row(
        DirectorFile,
        "select version, said, signed_at, expires_at, raw from release.director_file"
        " where organisation = %s and lead = %s and programme = %s and vehicle = %s",
        (tx.actor.organisation, fleet.lead, fleet.programme, vehicle),
    )


def put_director_file(tx: Transaction, fleet: Fleet, process: str, vehicle: str, made: DirectorFile) -> None:
    """In the place of the one before."""
    tx.execute(
        """
        insert into release.director_file as f
            (organisation, lead, programme, process, vehicle, created_at, version, said, signed_at, expires_at, raw)
        values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
        on conflict (organisation, lead, programme, vehicle) do update set version = excluded.version, said = excluded.said,
            signed_at = excluded.signed_at, expires_at = excluded.expires_at, raw = excluded.raw
        where f.version < excluded.version""",
        (
            tx.actor.organisation, fleet.lead, fleet.programme, process, vehicle, tx.now, made.version, made.said, made.signed_at,
            made.expires_at, made.raw,
        ),
    )  # fmt: skip


def programmes(tx: Transaction) -> list[tuple[str, UUID]]:
    """Where the acting organisation has cars."""
    sql = "select distinct lead, programme from release.car where organisation = %s order by lead, programme"
    return [(row[0], row[1]) for row in tx.connection.execute(sql, (tx.actor.organisation,)).fetchall()]
