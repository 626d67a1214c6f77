"""SQL of the audit log. Hashes, checkpoints and signatures are everybody's; documents and salts only of the organisations concerned."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

import psycopg

from marque.common import Denied, Missing, Sentence
from marque.foundation import Transaction

Signer = tuple[str, bytes]
"""The name and the id (4 bytes) of a key."""
_AT_ONCE = 4096


def open_entry(tx: Transaction, concerned: Sequence[str]) -> tuple[int, dict[str, str]]:
    """Lock the log until the transaction ends; the next index, and the link of each organisation. Raises Denied for an unrelated one."""
    try:
        row = tx.connection.execute(b"select next, links from alliance.audit_open(%s)", (list(concerned),)).fetchone()
    except psycopg.errors.InsufficientPrivilege as fault:
        raise Denied(Sentence("This cannot be written down: {fault}.", fault=fault.diag.message_primary)) from fault
    except psycopg.errors.ForeignKeyViolation as fault:
        raise Missing("organisation") from fault
    assert row is not None
    return row[0], row[1]


def append(tx: Transaction, salt: bytes, document: bytes) -> None:
    tx.execute("select alliance.audit_append(%s, %s)", (salt, document.decode()))


def size(tx: Transaction) -> int:
    """How many entries there are."""
    return int(tx.value("select alliance.audit_size()"))


def is_uncertain(tx: Transaction) -> bool:
    """Whether this transaction itself has added entries, which may still be rolled back."""
    return bool(tx.value("select alliance.audit_uncertain()"))


def nodes(tx: Transaction, places: Collection[tuple[int, int]]) -> dict[tuple[int, int], bytes]:
    found = tx.connection.execute(
        b"select level, index, hash from unnest(%s::smallint[], %s::bigint[]) as asked (level, index)"
        b" join alliance.audit_node using (level, index)",
        ([level for level, _ in places], [index for _, index in places]),
    )
    return {(level, index): node for level, index, node in found}


def leaves(tx: Transaction, up_to: int) -> Iterator[tuple[bytes, bytes | None, bytes | None]]:
    """The first so many leaf hashes in order, with salt and document where they concern the actor's organisation; a part at a time."""
    with tx.connection.cursor(name="audit_leaves") as cursor:
        cursor.itersize = _AT_ONCE
        cursor.execute(
            b"select n.hash, e.salt, e.document from alliance.audit_node n"
            b" left join alliance.audit_entry e on e.organisation = %s and e.index = n.index"
            b" where n.level = 0 and n.index < %s order by n.index",
            (tx.actor.organisation, up_to),
        )
        for leaf, salt, document in cursor:
            yield leaf, salt, None if document is None else document.encode()


def documents(tx: Transaction, before: int | None, limit: int) -> list[bytes]:
    """Of the actor's organisation, the newest first."""
    found = tx.connection.execute(
        b"select document from alliance.audit_entry where organisation = %s and index < coalesce(%s, 9223372036854775807)"
        b" order by index desc limit %s",
        (tx.actor.organisation, before, limit),
    )
    return [document.encode() for (document,) in found]


def seed(tx: Transaction) -> bytes:
    """Of the actor's organisation; 32 zero bytes while no entry concerns it."""
    return tx.value("select seed from alliance.audit_seed where organisation = %s", (tx.actor.organisation,)) or bytes(32)


def checkpoint(tx: Transaction, at: int) -> str | None:
    """The text kept for this size."""
    text: str | None = tx.value("select text from alliance.audit_checkpoint where size = %s", (at,))
    return text


def add_checkpoint(tx: Transaction, at: int, text: str) -> str:
    """The text kept for this size, which another transaction may have put there first."""
    tx.execute("insert into alliance.audit_checkpoint (size, text, made_at) values (%s, %s, %s) on conflict do nothing", (at, text, tx.now))
    return str(tx.value("select text from alliance.audit_checkpoint where size = %s", (at,)))


def signatures(tx: Transaction, at: int) -> list[tuple[str, bytes, bytes]]:
    """Name, key id and value of each, in the order they came."""
    found = tx.connection.execute(
        b"select name, key_id, value from alliance.audit_signature where size = %s order by made_at, name, key_id", (at,)
    )
    return [(name, key_id, value) for name, key_id, value in found]


def add_signature(tx: Transaction, at: int, by: Signer, value: bytes) -> None:
    """The first one of a key stays."""
    tx.execute(
        "insert into alliance.audit_signature (size, name, key_id, value, made_at) values (%s, %s, %s, %s, %s) on conflict do nothing",
        (at, *by, value, tx.now),
    )


def last_signed(tx: Transaction, by: Signer, up_to: int) -> int:
    """The largest size, not above `up_to`, that this key has signed; 0 when there is none."""
    sql = "select max(size) from alliance.audit_signature where name = %s and key_id = %s and size <= %s"
    return tx.value(sql, (*by, up_to)) or 0


def last_signed_by_all(tx: Transaction, keys: Sequence[Signer]) -> int | None:
    """The largest size that every one of these keys has signed."""
    size: int | None = tx.value(
        "select size from alliance.audit_signature"
        " join unnest(%s::text[], %s::bytea[]) as asked (name, key_id) using (name, key_id)"
        " group by size having count(*) = %s order by size desc limit 1",
        ([name for name, _ in keys], [key_id for _, key_id in keys], len(keys)),
    )
    return size
