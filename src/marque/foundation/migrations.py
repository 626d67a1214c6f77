"""Schema changes: `.sql` files of the rooms, applied once each, in order, by the role that owns."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable

import psycopg

from marque.common import InputError, MarqueError, Unavailable

_NAME = re.compile(r"(\d{4})_\w+\.sql")
_ENDS = re.compile(r"^[ \t]*(commit|rollback|begin|start transaction)\b[ \t\w]*;", re.IGNORECASE | re.MULTILINE)
_LEDGER = """
create schema if not exists marque;
create table if not exists marque.migration (
    room text, number integer, name text not null, digest text not null, applied_at timestamptz not null default now(),
    primary key (room, number)
);
grant usage on schema marque to marque_app, marque_worker;
grant select on marque.migration to marque_app, marque_worker"""
_LIMITS = "set local lock_timeout = '5s'; set local statement_timeout = '10min'; set local check_function_bodies = on"


@dataclass(frozen=True)
class Migration:
    """One file of a room's `schema/`."""

    room: str
    number: int
    name: str
    text: str

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()


def of_rooms(rooms: Sequence[str]) -> list[Migration]:
    """Every migration of these rooms (packages below `marque`), the rooms in the given order, each room's by number."""
    found: list[Migration] = []
    for room in rooms:
        found += sorted(_read(room, resources.files(f"marque.{room}").joinpath("schema")), key=lambda one: one.number)
    return found


def _read(room: str, folder: Traversable) -> list[Migration]:
    matched = [(_NAME.fullmatch(file.name), file) for file in folder.iterdir()]
    return [Migration(room, int(match[1]), file.name, file.read_text(encoding="utf-8")) for match, file in matched if match]


def migrate(owner: str, migrations: Sequence[Migration]) -> list[Migration]:
    """Apply what is missing, each file in a transaction of its own; two starts at once wait for each other. Returns what was applied.

    Raises MarqueError when an applied file was changed since, when the database is newer than this program, or when a file fails: the
    files before it stay applied, of it nothing does. Raises Unavailable when the database does not answer or does not let the owner in.
    """
    applied: list[Migration] = []
    with _opened(owner) as connection:
        connection.execute("select pg_advisory_lock(hashtext('marque migrations'))")
        connection.execute(_LEDGER)
        ledger = {
            (room, number): digest for room, number, digest in connection.execute("select room, number, digest from marque.migration")
        }
        known = {(one.room, one.number) for one in migrations}
        if newer := sorted(ledger.keys() - known):
            raise MarqueError(
                f"The database has migrations this version of Marque does not know ({newer[-1][0]} {newer[-1][1]:04}): use a newer one."
            )
        for one in migrations:
            if (digest := ledger.get((one.room, one.number))) is None:
                _apply(connection, one)
                applied.append(one)
            elif digest != one.digest:
                raise MarqueError(
                    f"{one.room}/schema/{one.name} was changed after it was applied to this database; write a new file instead."
                )
    return applied


def _opened(owner: str) -> psycopg.Connection:
    try:
        return psycopg.connect(owner, autocommit=True)
    except psycopg.OperationalError as fault:
        reason = str(fault).splitlines()[0].removeprefix("connection is bad: ")
        raise Unavailable(f"The database cannot be reached as its owner: {reason}") from fault


def missing(connection: psycopg.Connection, migrations: Sequence[Migration]) -> list[Migration]:
    """Those that this database has not seen, or has seen with another text. For any of the roles. Raises psycopg.Error without a ledger."""
    ledger = set(connection.execute("select room, number, digest from marque.migration").fetchall())
    return [one for one in migrations if (one.room, one.number, one.digest) not in ledger]


def _apply(connection: psycopg.Connection, one: Migration) -> None:
    if ends := _ENDS.search(re.sub(r"\$(\w*)\$.*?\$\1\$", lambda body: "\n" * body[0].count("\n"), one.text, flags=re.DOTALL)):
        line = ends.string[: ends.start()].count("\n") + 1
        raise InputError(f"{one.room}/schema/{one.name}", f"line {line}", f"{ends[1]} would end its transaction", "Leave it out.")
    try:
        with connection.transaction():
            connection.execute(_LIMITS)
            connection.execute(one.text.encode())
            connection.execute(
                "insert into marque.migration (room, number, name, digest) values (%s, %s, %s, %s)",
                (one.room, one.number, one.name, one.digest),
            )
    except psycopg.Error as fault:
        line = one.text[: int(fault.diag.statement_position or 1)].count("\n") + 1
        problem = f"{fault.diag.message_primary or fault}; nothing of this file was applied"
        held = isinstance(fault, psycopg.errors.LockNotAvailable)
        remedy = "Another connection held a lock for too long; start again." if held else "The database is as the migration before left it."
        raise InputError(f"{one.room}/schema/{one.name}", f"line {line}", problem, remedy) from fault
