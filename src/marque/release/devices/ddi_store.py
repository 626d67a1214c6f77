"""Actions and clients of DDI, in SQL; always of the acting organisation's own cars."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from marque.alliance.model import Process
from marque.foundation import Transaction
from marque.release.devices.ddi import Action, Client, State
from marque.release.devices.model import Fleet

_ACTION = "number, release, rollout, state, created_at, changed_at, keeps_on, statuses, messages"
_OF = "organisation = %(me)s and lead = %(lead)s and programme = %(programme)s and vehicle = %(vehicle)s"


@dataclass(frozen=True)
class _Row:
    number: int
    release: UUID
    rollout: UUID
    state: str
    created_at: datetime
    changed_at: datetime
    keeps_on: bool
    statuses: int
    messages: list[str]

    @property
    def action(self) -> Action:
        return Action(
            number=self.number, release=self.release, rollout=self.rollout, state=State(self.state), created_at=self.created_at,
            changed_at=self.changed_at, keeps_on=self.keeps_on, statuses=self.statuses, messages=tuple(self.messages),
        )  # fmt: skip


def open_action(tx: Transaction, fleet: Fleet, vehicle: str) -> Action | None:
    """There is one at most."""
    sql = f"select {_ACTION} from release.ddi_action where {_OF} and state in ('waiting', 'running', 'cancelling')"  # noqa: S608  names only
    row = tx.row(_Row, sql, _of(tx, fleet, vehicle))
    return row.action if row else None


def installed_action(tx: Transaction, fleet: Fleet, vehicle: str) -> Action | None:
    """The last that was finished."""
    sql = f"select {_ACTION} from release.ddi_action where {_OF} and state = 'finished' order by number desc limit 1"  # noqa: S608  names only
    row = tx.row(_Row, sql, _of(tx, fleet, vehicle))
    return row.action if row else None


def action(tx: Transaction, fleet: Fleet, vehicle: str, number: int) -> Action | None:
    sql = f"select {_ACTION} from release.ddi_action where {_OF} and number = %(number)s"  # noqa: S608  names only
    row = tx.row(_Row, sql, _of(tx, fleet, vehicle) | {"number": number})
    return row.action if row else None


def begin(tx: Transaction, fleet: Fleet, vehicle: str, release: UUID, rollout: UUID, state: State) -> Action:
    """The next action; nobody else may be writing those of this car."""
    sql = f"""
        insert into release.ddi_action
            (organisation, lead, programme, process, vehicle, number, created_at, release, rollout, state, changed_at)
        select %(me)s, %(lead)s, %(programme)s, %(process)s, %(vehicle)s, coalesce(max(number), 0) + 1, %(now)s, %(release)s, %(rollout)s,
               %(state)s, %(now)s
        from release.ddi_action where {_OF}
        returning {_ACTION}"""  # noqa: S608  names only
    given = {"process": Process.RELEASE_SIGNATURE, "now": tx.now, "release": release, "rollout": rollout, "state": state}
    row = tx.row(_Row, sql, _of(tx, fleet, vehicle) | given)
    assert row is not None
    return row.action


def change(tx: Transaction, fleet: Fleet, vehicle: str, action: Action) -> None:
    tx.execute(
        f"""
        update release.ddi_action set state = %(state)s, changed_at = %(changed_at)s, keeps_on = %(keeps_on)s, statuses = %(statuses)s,
            messages = %(messages)s
        where {_OF} and number = %(number)s""",  # noqa: S608  names only
        _of(tx, fleet, vehicle)
        | {
            "state": action.state, "changed_at": action.changed_at, "keeps_on": action.keeps_on, "statuses": action.statuses,
            "messages": Jsonb(list(action.messages)), "number": action.number,
        },
    )  # fmt: skip


def client(tx: Transaction, fleet: Fleet, vehicle: str) -> Client:
    """As a client that has said nothing yet, where nothing is kept."""
    sql = f"select attributes, told_at, confirms, auto_confirm from release.ddi_client where {_OF}"  # noqa: S608  names only
    found = tx.connection.execute(sql.encode(), _of(tx, fleet, vehicle)).fetchone()
    return Client(attributes=found[0], told_at=found[1], confirms=found[2], auto_confirm=found[3]) if found else Client(attributes={})


def put_client(tx: Transaction, fleet: Fleet, vehicle: str, one: Client) -> None:
    tx.execute(
        """
        insert into release.ddi_client
            (organisation, lead, programme, process, vehicle, created_at, attributes, told_at, confirms, auto_confirm)
        values (%(me)s, %(lead)s, %(programme)s, %(process)s, %(vehicle)s, %(now)s, %(attributes)s, %(told_at)s, %(confirms)s, %(auto)s)
        on conflict (organisation, lead, programme, vehicle) do update set attributes = excluded.attributes, told_at = excluded.told_at,
            confirms = excluded.confirms, auto_confirm = excluded.auto_confirm""",
        _of(tx, fleet, vehicle)
        | {
            "process": Process.RELEASE_SIGNATURE, "now": tx.now, "attributes": Jsonb(dict(one.attributes)), "told_at": one.told_at,
            "confirms": one.confirms, "auto": None if one.auto_confirm is None else Jsonb(dict(one.auto_confirm)),
        },
    )  # fmt: skip


def _of(tx: Transaction, fleet: Fleet, vehicle: str) -> dict[str, Any]:
    return {"me": tx.actor.organisation, "lead": fleet.lead, "programme": fleet.programme, "vehicle": vehicle}
