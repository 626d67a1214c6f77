"""The log on the server: entries are added, checkpoints signed, cosignatures kept, exports written. One transaction of an actor each.

Lock order: the log is locked by the first `append` of a transaction and stays so until the transaction ends. Everything else a
transaction locks, it locks before; so `append` comes last, and no two transactions wait for each other.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from marque.alliance.audit import entry, note, tree
from marque.alliance.audit.bundle import Head, Leaf, Writer
from marque.alliance.audit.checkpoint import Checkpoint, Request
from marque.alliance.audit.entry import Statement
from marque.alliance.audit.note import Note, Signature, VerifierKey
from marque.alliance.store import audit as store
from marque.common import MarqueError, Missing, Refusal
from marque.foundation import Transaction

_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


@dataclass(frozen=True)
class LogKey:
    """The log's name (origin) and its private key. The name has no spaces and no `+`: best an address without a scheme."""

    name: str
    key: Ed25519PrivateKey

    @property
    def verifier_key(self) -> VerifierKey:
        return VerifierKey(self.name, note.ED25519, self.key.public_key().public_bytes_raw())


def append(tx: Transaction, concerned: Collection[str], kind: str, body: Mapping[str, Any]) -> int:
    """Add an entry; returns its index, from 0. It is in the log when the transaction commits, and leaves no gap when it does not.

    concerned: codes of the organisations that get to see it: the actor's own, and others of its tree or its agreements.
    body: JSON as RFC 8785 knows it (integers below 2⁵³, finite floats), without NUL, at most 1 MiB; raises ValueError otherwise.
    Call it last in a transaction (see above). Raises Denied when somebody unrelated is concerned.
    """
    index, links = store.open_entry(tx, sorted(set(concerned)))
    by = {"organisation": tx.actor.organisation, "person": str(tx.actor.person) if tx.actor.person else None}
    said: dict[str, Any] = {"at": tx.now.isoformat(), "body": dict(body), "by": by, "concerned": links, "index": index, "kind": kind}
    document = rfc8785.dumps(said)
    if _NUL.search(document):
        raise ValueError("an entry of the audit log holds no NUL characters, which PostgreSQL cannot keep in text")
    if len(document) > entry.MAX_DOCUMENT_BYTES:
        raise ValueError(f"an entry of the audit log has at most {entry.MAX_DOCUMENT_BYTES} bytes, this one {len(document)}")
    store.append(tx, os.urandom(entry.SALT_BYTES), document)
    return index


def sign_checkpoint(tx: Transaction, log: LogKey) -> Note:
    """The log as it is, signed; with the cosignatures that are known for this size. The same size is signed once.

    Raises MarqueError in a transaction that has added entries itself: were it rolled back, the log would have signed what never was.
    """
    if store.is_uncertain(tx):
        raise MarqueError("A checkpoint is signed in a transaction of its own, after the entries it covers were committed.")
    now = Checkpoint(log.name, size := store.size(tx), _root(tx, size))
    kept = store.checkpoint(tx, now.size) or store.add_checkpoint(tx, now.size, now.text)
    if kept != now.text:
        raise MarqueError(
            f"The audit log's checkpoint at {now.size} entries is another than the one kept. Nothing was signed; verify the log."
        )
    signed = _note(tx, now.size)
    try:
        if note.is_signed(signed, log.verifier_key):
            return signed
    except note.Malformed as fault:
        raise MarqueError(
            f"A signature kept for the audit log's checkpoint at {now.size} entries is none of the log's: {fault}."
        ) from fault
    _keep(tx, now.size, note.sign(log.name, log.key, now.text))
    return _note(tx, now.size)


def ask_witness(tx: Transaction, size: int, witness: VerifierKey, old: int | None = None) -> Request:
    """What to ask a witness: to cosign the checkpoint of this size, with a proof from the last one it cosigned.

    old: that one's size, where the witness has told it; else the last that is known here. Raises Missing when there is no such checkpoint.
    """
    data = _note(tx, size)
    old = store.last_signed(tx, (witness.name, witness.id), up_to=size) if old is None or old > size else old
    plan = tree.consistency_plan(old, size)
    return Request(old, tuple(_carry_out(tx, plan)), data)


def add_cosignature(tx: Transaction, size: int, signature: Signature, witness: VerifierKey) -> Refusal | None:
    """Keep a witness's answer; a refusal when it is not that witness's or does not fit. Raises Missing as above."""
    try:
        given = note.cosigned_at(Note(_note(tx, size).text, (signature,)), witness)
    except note.Malformed as fault:
        return Refusal(str(fault))
    if given is None:
        return Refusal("this is not a cosignature of that witness", {"expected": str(witness), "found": signature.name[:80]})
    _keep(tx, size, signature)
    return None


def entries(tx: Transaction, *, before: int | None = None, limit: int = 50) -> list[Statement]:
    """What concerns the actor's organisation, the newest first. before: an index, exclusive."""
    return [entry.read(one) for one in store.documents(tx, before, limit)]


def inclusion(tx: Transaction, index: int, size: int) -> tuple[bytes, ...]:
    """The proof that entry `index` is in the log of `size` entries (RFC 9162, 2.1.3). Raises Missing when there are not so many."""
    if not 0 <= index < size <= store.size(tx):
        raise Missing("entry of the audit log")
    return tuple(_carry_out(tx, tree.inclusion_plan(index, size)))


def export(tx: Transaction, out: BinaryIO, log: VerifierKey, *, witnesses: Sequence[VerifierKey] = (), shared_with: str = "") -> Checkpoint:
    """Write what the actor's organisation takes away, up to the newest checkpoint signed by the log and all of these witnesses.

    shared_with: leave out what does not concern that organisation as well, and the seed, so that the file may be shown to it.
    Raises Missing when there is no such checkpoint.
    """
    size = store.last_signed_by_all(tx, [(key.name, key.id) for key in (log, *witnesses)])
    if size is None:
        raise Missing("checkpoint of the audit log with these signatures")
    data = _note(tx, size)
    writer = Writer(out, Head(tx.actor.organisation, shared_with or store.seed(tx), data))
    for leaf, salt, document in store.leaves(tx, size):
        shown = document is not None and (not shared_with or shared_with in entry.read(document).concerned)
        writer.leaf(Leaf(leaf, salt, document) if shown else Leaf(leaf))
    writer.end()
    return Checkpoint.parse(data.text)


def _note(tx: Transaction, size: int) -> Note:
    text = store.checkpoint(tx, size)
    if text is None:
        raise Missing("checkpoint of the audit log")
    return Note(text, tuple(Signature(*one) for one in store.signatures(tx, size)))


def _keep(tx: Transaction, size: int, one: Signature) -> None:
    store.add_signature(tx, size, (one.name, one.key_id), one.value)


def _root(tx: Transaction, size: int) -> bytes:
    return _carry_out(tx, tree.root_plan(size))[0]


def _carry_out(tx: Transaction, plan: tree.Plan) -> list[bytes]:
    return tree.carry_out(plan, store.nodes(tx, tree.all_places([plan])))
