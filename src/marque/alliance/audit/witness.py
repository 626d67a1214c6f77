"""A partner's witness: it remembers how far the log had come, and signs only for what grew from there.

What it remembers is one file, the last checkpoint it cosigned (a signed note with its own cosignature). The file is written whole, on
disk before a cosignature leaves, and never made anew by itself: a witness that has forgotten would cosign a fork. Two of its processes on
one file wait for each other.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from marque.alliance.audit import note
from marque.alliance.audit.checkpoint import Checkpoint, Request, verified
from marque.alliance.audit.note import Malformed, Note, Signature, VerifierKey
from marque.alliance.audit.tree import EMPTY_ROOT, grows
from marque.common import InputError, Refusal


class Witness:
    """One witness of one log."""

    def __init__(self, name: str, key: Ed25519PrivateKey, log: VerifierKey, state: Path) -> None:
        """name: in the cosignatures, best an address without a scheme (`witness.gac.example`). state: the file, made by `begin`."""
        self.name, self.log, self.state = name, log, state
        self._key = key

    @property
    def verifier_key(self) -> VerifierKey:
        """What others need to check its cosignatures."""
        return VerifierKey(self.name, note.COSIGNATURE_V1, self._key.public_key().public_bytes_raw())

    def begin(self) -> None:
        """Start from the empty log. Raises InputError when there is a state already."""
        if self.state.exists():
            raise InputError(self.state.name, "", "the witness has a state already", "It goes on from there by itself.")
        empty = Checkpoint(self.log.name, 0, EMPTY_ROOT)
        self._keep(Note(empty.text, (note.cosign(self.name, self._key, empty.text, 0),)))

    def last(self) -> Checkpoint:
        """The last checkpoint it cosigned. Raises InputError when its file is missing or damaged."""
        lost = "Restore it from a copy; a witness that starts anew would cosign a log that was rewritten."
        try:
            kept = Note.parse(self.state.read_bytes())
            checkpoint = Checkpoint.parse(kept.text)
            sound = note.cosigned_at(kept, self.verifier_key) is not None and checkpoint.origin == self.log.name
        except OSError as fault:
            raise InputError(self.state.name, "", f"the witness's state cannot be read: {fault.strerror}", lost) from fault
        except Malformed as fault:
            raise InputError(self.state.name, "", f"the witness's state is damaged: {fault}", lost) from fault
        if not sound:
            raise InputError(self.state.name, "", f"the witness's state is not {self.name}'s own for {self.log.name}", lost)
        return checkpoint

    def cosign(self, request: bytes, seconds: int) -> Signature | Refusal:
        """A cosignature on the checkpoint of the request (C2SP tlog-witness, add-checkpoint), or why not. seconds: now, since 1970.

        Raises InputError when its own state is missing or damaged.
        """
        try:
            asked = Request.parse(request)
            new = verified(asked.note, self.log)
        except Malformed as fault:
            return Refusal(str(fault))
        with self._alone():
            last = self.last()
            if (refusal := _judge(last, new, asked)) is not None:
                return refusal
            signature = note.cosign(self.name, self._key, new.text, seconds)
            self._keep(asked.note.also(signature))
        return signature

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with self.state.with_name(self.state.name + ".lock").open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _keep(self, kept: Note) -> None:
        descriptor, name = tempfile.mkstemp(dir=self.state.parent, prefix=f".{self.state.name}.")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(kept.dumps())
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(self.state)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        folder = os.open(self.state.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _judge(last: Checkpoint, new: Checkpoint, asked: Request) -> Refusal | None:
    sizes = {"cosigned": str(last.size), "offered": str(new.size)}
    if new.size < last.size:
        return Refusal("a smaller log than the one already cosigned: entries were removed", sizes)
    if asked.old != last.size:
        return Refusal("the proof starts from another size than the last one cosigned", sizes | {"proof from": str(asked.old)})
    if new.size == last.size and new.root != last.root:
        return Refusal("a fork: other entries than those already cosigned, and as many", sizes)
    if not grows(last.size, last.root, new.size, new.root, asked.proof):
        return Refusal("a fork, or a broken proof: it does not show that the log grew from what was cosigned", sizes)
    return None
