"""What the database itself must be like for the second wall to stand: read from PostgreSQL's own catalogue, not from our migrations.

A *tenant table* has a column `organisation`. For each: row-level security enabled and forced; the primary key, every unique index and every
foreign key to it lead with the owner, so that hidden and missing give the same answer; policies name their roles; views ask as who looks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import psycopg

_TENANTS = """
    tenant as (
        select c.oid, n.nspname || '.' || c.relname as name, c.relrowsecurity, c.relforcerowsecurity, a.attnum as owner_column
        from pg_class c join pg_namespace n on n.oid = c.relnamespace
        join pg_attribute a on a.attrelid = c.oid and a.attname = 'organisation' and not a.attisdropped
        where n.nspname = any (%(schemas)s) and c.relkind in ('r', 'p')
    )"""

_CHECKS = {
    "row-level security is not enabled": "with {tenants} select name from tenant where not relrowsecurity",
    "row-level security is not forced: its owner would pass": "with {tenants} select name from tenant where not relforcerowsecurity",
    "neither has a column organisation nor is listed as global": """
        select n.nspname || '.' || c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = any (%(schemas)s) and c.relkind in ('r', 'p') and n.nspname || '.' || c.relname <> all (%(shared)s)
        and not exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'organisation' and not a.attisdropped)""",
    "has no primary key that leads with organisation": """with {tenants} select name from tenant t where not exists (
        select from pg_index i where i.indrelid = t.oid and i.indisprimary and i.indkey[0] = t.owner_column)""",
    "a unique index does not lead with organisation: its conflicts would tell of hidden rows": """with {tenants}
        select name || ' (' || i.indexrelid::regclass || ')' from tenant t join pg_index i on i.indrelid = t.oid
        where i.indisunique and i.indkey[0] <> t.owner_column and i.indexrelid::regclass::text <> all (%(unique)s)""",
    "a foreign key leaves out the owner of what it refers to": """with {tenants}
        select k.conrelid::regclass || ' (' || k.conname || ')'
        from tenant t join pg_constraint k on k.confrelid = t.oid and k.contype = 'f' where t.owner_column <> all (k.confkey)""",
    "a view that does not ask as its invoker": """
        select n.nspname || '.' || c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = any (%(schemas)s) and (c.relkind = 'm' or c.relkind = 'v'
        and coalesce(array_to_string(c.reloptions, ','), '') !~* 'security_invoker=(true|on|1|yes)')""",
    "a policy for everybody, or one that lets the serving role see all": """with {tenants}
        select name || ' (' || p.polname || ')' from tenant t join pg_policy p on p.polrelid = t.oid
        where p.polroles = array[0]::oid[] or ('marque_app'::regrole = any (p.polroles)
        and coalesce(pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)) = 'true')""",
    "a policy of the serving role does not ask who acts": """with {tenants}
        select name || ' (' || p.polname || ')' from tenant t join pg_policy p on p.polrelid = t.oid
        where 'marque_app'::regrole = any (p.polroles) and p.polpermissive
        and concat(pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)) !~ 'foundation.organisation|SELECT'""",
    "the serving role may do more than read and write rows": """
        select n.nspname || '.' || c.relname || ' (' || p.privilege_type || ')'
        from pg_class c join pg_namespace n on n.oid = c.relnamespace, lateral aclexplode(c.relacl) p
        where n.nspname = any (%(schemas)s) and c.relkind in ('r', 'p', 'v') and p.grantee in (0, 'marque_app'::regrole)
        and (p.grantee = 0 or p.privilege_type not in ('SELECT', 'INSERT', 'UPDATE', 'DELETE'))""",
    "a function with its owner's rights has no fixed search path, or anybody may call it": """
        select p.oid::regprocedure::text from pg_proc p join pg_namespace n on n.oid = p.pronamespace
        where n.nspname = any (%(schemas)s) and p.prosecdef and (coalesce(array_to_string(p.proconfig, ','), '') !~ 'search_path='
        or p.prorettype <> 'trigger'::regtype and (p.proacl is null or exists (select from aclexplode(p.proacl) x where x.grantee = 0)))""",
    "owned by a role that serves, or that is bound by no policy": """
        select n.nspname || '.' || c.relname
        from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_roles r on r.oid = c.relowner
        where n.nspname = any (%(schemas)s) and c.relkind in ('r', 'p', 'v')
        and (r.rolname in ('marque_app', 'marque_worker') or r.rolsuper or r.rolbypassrls)""",
    "a role of Marque is bound by no policy, or inherits from one": """
        select r.rolname from pg_roles r where r.rolname in ('marque_owner', 'marque_app', 'marque_worker')
        and (r.rolsuper or r.rolbypassrls or r.rolcreaterole or exists (select from pg_auth_members m where m.member = r.oid))""",
}


@dataclass(frozen=True)
class Fault:
    """A place in the database where the wall has a hole."""

    where: str
    problem: str

    def __str__(self) -> str:
        return f"{self.where}: {self.problem}"


@dataclass(frozen=True)
class OnPurpose:
    """What a room's public face says is as it is on purpose, by qualified name; the reason stands beside it in the room's schema."""

    shared: tuple[str, ...] = ()
    """Tables that belong to no organisation."""
    unique: tuple[str, ...] = ()
    """Unique indexes over all organisations."""


def faults(connection: psycopg.Connection, schemas: Sequence[str], purpose: OnPurpose) -> list[Fault]:
    """Every hole in these schemas."""
    told: list[Fault] = []
    asked = {"schemas": list(schemas), "shared": list(purpose.shared), "unique": list(purpose.unique)}
    for problem, sql in _CHECKS.items():
        asking = sql.replace("{tenants}", _TENANTS).encode()
        told += [Fault(where, problem) for (where,) in connection.execute(asking, asked)]
    return sorted(told, key=lambda fault: (fault.where, fault.problem))
