"""Databases for tests: one that is emptied rather than made again, because making one takes longer than most tests."""

from __future__ import annotations

from dataclasses import dataclass, field

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from marque.foundation.embedded import APP, OWNER, WORKER, Addresses

_TABLES = """
    select c.oid::regclass::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast') order by 1"""
_OTHERS = "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
_RESTARTED = """
    select setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false) from pg_sequences where last_value is not null"""


def superuser(addresses: Addresses, database: str = "postgres") -> str:
    return make_conninfo(addresses.owner, user="postgres", dbname=database)


def forget_safely(addresses: Addresses) -> None:
    """Do not wait for the disk: what a crash of the machine would lose is no loss here."""
    with psycopg.connect(superuser(addresses), autocommit=True) as connection:
        for name in ("fsync", "full_page_writes", "synchronous_commit"):
            connection.execute(sql.SQL("alter system set {} = off").format(sql.Identifier(name)))
        connection.execute("select pg_reload_conf()")


@dataclass
class OneDatabase:
    """A copy of the template, made when first needed, and again when emptying it would not make it equal to the template."""

    server: Addresses
    template: str
    name: str
    seeds: dict[str, str] = field(default_factory=dict)
    """The tables the migrations filled, and a digest of what they hold."""
    made: bool = False
    kept: psycopg.Connection | None = None
    """Open from one emptying to the next: a new one would look up every table anew, which takes longer than emptying."""

    def emptied(self) -> Addresses:
        if not self.made or not self._empty():
            self._make()
        return self.server.of(self.name)

    def drop(self) -> None:
        if self.kept is not None:
            self.kept.close()
            self.kept = None
        with psycopg.connect(superuser(self.server), autocommit=True) as connection:
            connection.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(self.name)))

    def _make(self) -> None:
        self.drop()
        name, template, owner = (sql.Identifier(one) for one in (self.name, self.template, OWNER))
        with psycopg.connect(superuser(self.server), autocommit=True) as connection:
            connection.execute(sql.SQL("create database {} template {} owner {}").format(name, template, owner))
            connection.execute(sql.SQL("grant connect on database {} to {}, {}").format(name, sql.Identifier(APP), sql.Identifier(WORKER)))
        with psycopg.connect(superuser(self.server, self.name), autocommit=True) as connection:
            self.seeds = {table: self._digest(connection, table) for table in self._filled(connection)}
        self.made = True

    def _empty(self) -> bool:
        connection = self.kept = self.kept or psycopg.connect(superuser(self.server, self.name), autocommit=True)
        try:
            connection.execute(_OTHERS)
            connection.execute("set session_replication_role = replica")  # some tables refuse to be emptied, by a trigger
            grown = [table for table in self._filled(connection) if table not in self.seeds]
            if any(self._digest(connection, table) != digest for table, digest in self.seeds.items()):
                return False
            # Not `truncate`, which makes a new file for each table and each index of it: for a few rows 100 ms instead of 5.
            connection.execute(";".join([*(f"delete from {table}" for table in grown), _RESTARTED]))
            return self._filled(connection) == sorted(self.seeds)
        except psycopg.OperationalError:  # the connection was ended by a test that ends all
            return False

    @staticmethod
    def _filled(connection: psycopg.Connection) -> list[str]:
        tables = [table for (table,) in connection.execute(_TABLES)]
        asked = " union all ".join(f"(select '{table}' from {table} limit 1)" for table in tables)
        return sorted(table for (table,) in connection.execute(asked))

    @staticmethod
    def _digest(connection: psycopg.Connection, table: str) -> str:
        return connection.execute(f"select md5(string_agg(t::text, '|' order by t::text)) from {table} t").fetchone()[0]
