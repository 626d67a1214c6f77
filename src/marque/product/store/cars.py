"""Events of built cars, in SQL."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from marque.alliance.access import Area
from marque.foundation import Transaction
from marque.product.software import Event


@dataclass(frozen=True)
class Row:
    """An event, as stored. body: what only some kinds have."""

    organisation: str
    kind: Any
    created_at: datetime
    feature: str
    owner: str
    body: dict[str, Any]

    @property
    def event(self) -> Event:
        body = self.body | {"features": frozenset(self.body.get("features", ()))}
        return Event(kind=self.kind, at=self.created_at, feature=self.feature, owner=self.owner, **body)


def lock(tx: Transaction, programme: UUID, car: str) -> None:
    """Until the end of the transaction nobody else adds an event of this car."""
    tx.value("select pg_advisory_xact_lock(hashtextextended('marque car ' || %s, 0))", (f"{programme}/{car}",))


def insert(tx: Transaction, area: Area, made: UUID, car: str, event: Event) -> None:
    body = {name: value for name in ("how", "months", "price", "release", "quote") if (value := getattr(event, name))}
    if event.features:
        body["features"] = sorted(event.features)
    tx.execute(
        "insert into product.car_event"
        " (organisation, id, lead, programme, process, created_at, written_by, car, kind, feature, owner, body)"
        " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            tx.actor.organisation, made, area.lead, area.programme, area.process, tx.now, tx.actor.person, car, event.kind, event.feature,
            event.owner, Jsonb(body),
        ),
    )  # fmt: skip


def events(tx: Transaction, area: Area, car: str) -> list[tuple[str, Event]]:
    """Whose row each visible event is, and the event, in order."""
    sql = """
        select organisation, kind, created_at, feature, owner, body from product.car_event
        where lead = %s and programme = %s and process = %s and car = %s order by created_at, id"""
    return [(row.organisation, row.event) for row in tx.rows(Row, sql, (area.lead, area.programme, area.process, car))]
