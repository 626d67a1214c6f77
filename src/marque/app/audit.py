"""`marque audit`: take the log away, check it offline, be its witness; and on the server, ask witnesses and take their answers.

Keys are read from a file of lines `log <verifier key>` and `witness <verifier key>` (C2SP signed-note), which its reader has to get from
the organisations themselves.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from marque.alliance import audit, key_files
from marque.alliance.audit import note
from marque.app.small_files import passphrase, read_small
from marque.common import InputError, ok
from marque.foundation import NOBODY, Actor, Database

_MOST_BYTES = 1 << 21
_Read = TypeVar("_Read")


def verify_export(file: Path, keys: Path, previous: Path | None = None, other: Path | None = None) -> bool:
    """Whether the export is sound, also against an earlier one and another organisation's; says what it holds, and what is wrong.

    Reads these files and nothing else. Raises InputError when the file of keys is none, or a file cannot be opened.
    """
    trusted = _keys(keys)
    try:
        report = audit.verify(file, trusted, previous, other)
    except OSError as fault:
        raise InputError(Path(str(fault.filename)).name, "", f"it cannot be read: {fault.strerror}") from fault
    if report.checkpoint is not None:
        typer.echo(f"log       {report.checkpoint.origin}, {report.checkpoint.size} entries, root {report.checkpoint.root.hex()}")
        typer.echo(f"export    of {report.organisation}, {report.own_entries} entries with their documents")
    for name, seconds in report.cosigned.items():
        typer.echo(f"cosigned  {name}, {datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC")
    for finding in report.findings:
        typer.echo(f"wrong     {finding}")
    if report.more:
        typer.echo(f"          … and {report.more} more entries")
    typer.echo("sound" if report.ok else "NOT SOUND: keep these files as they are")
    return report.ok


def export_log(database: Database, organisation: str, out: Path, keys: Path, shared_with: str = "") -> None:
    """Writes what the organisation takes away, up to the newest checkpoint that the log and all witnesses of the keys have signed.

    shared_with: only what concerns that organisation as well, to be shown to it.
    """
    trusted = _keys(keys)
    _must_be_new(out)
    with out.open("xb") as file:
        try:
            with database.transaction(Actor(organisation, purpose="audit export")) as tx:
                checkpoint = audit.export(tx, file, trusted.log, witnesses=trusted.witnesses, shared_with=shared_with)
        except BaseException:
            out.unlink()
            raise
    typer.echo(f"{checkpoint.size} entries of {checkpoint.origin} into {out}")


def new_audit_key(file: Path, name: str, kind: str, passphrase_file: Path | None) -> None:
    """A key of a log or of a witness, encrypted in `file`; prints its line for a file of keys. kind: log, witness."""
    kinds = {"log": note.ED25519, "witness": note.COSIGNATURE_V1}
    if kind not in kinds or not note.is_name(name):
        raise InputError("--name", name, "a log's or witness's name has no spaces and no +", "Best an address: witness.gac.example.")
    key = Ed25519PrivateKey.generate()
    key_files.write_key(file, key, passphrase(passphrase_file, twice=True))
    typer.echo(f"{kind} {audit.VerifierKey(name, kinds[kind], key.public_key().public_bytes_raw())}")


def witness(
    request: Path | None,
    name: str,
    *,
    key_file: Path,
    keys: Path,
    state: Path,
    out: Path | None = None,
    passphrase_file: Path | None = None,
) -> None:
    """Cosigns what a log asks for, after checking that it grew from what was cosigned before; without a request, begins the state.

    Raises Refused for a fork, a smaller log and anything else that is not to be cosigned.
    """
    one = audit.Witness(name, key_files.read_key(key_file, passphrase(passphrase_file)), _keys(keys).log, state)
    if request is None:
        one.begin()
        typer.echo(f"witness {one.verifier_key}")
        return
    if out is not None:
        _must_be_new(out)
    signature = ok(one.cosign(read_small(request, _MOST_BYTES), int(datetime.now(UTC).timestamp())))
    if out is None:
        typer.echo(signature.line, nl=False)
    else:
        out.write_text(signature.line, encoding="utf-8")


def ask_witness(database: Database, log: audit.LogKey, witness_key: str, out: Path) -> None:
    """Signs a checkpoint of the log as it is, and writes what to send to a witness (C2SP tlog-witness, add-checkpoint)."""
    asked = _parsed("--witness", audit.VerifierKey.parse, witness_key)
    _must_be_new(out)
    with database.transaction(NOBODY) as tx:
        size = audit.Checkpoint.parse(audit.sign_checkpoint(tx, log).text).size
    with database.transaction(NOBODY) as tx:
        out.write_bytes(audit.ask_witness(tx, size, asked).dumps())
    typer.echo(f"{size} entries; give {out} to {asked.name}")


def take_cosignature(database: Database, witness_key: str, request: Path, answer: Path) -> None:
    """Keeps a witness's answer to a request. Raises Refused when it is not that witness's, or of something else."""
    asked = _parsed("--witness", audit.VerifierKey.parse, witness_key)
    checkpoint = _parsed(
        request.name, lambda data: audit.Checkpoint.parse(audit.Request.parse(data).note.text), read_small(request, _MOST_BYTES)
    )
    signature = _parsed(answer.name, audit.Signature.parse, read_small(answer, _MOST_BYTES).decode(errors="replace").rstrip("\n"))
    with database.transaction(NOBODY) as tx:
        refusal = audit.add_cosignature(tx, checkpoint.size, signature, asked)
        if refusal is not None:
            ok(refusal)
    typer.echo(f"{asked.name} cosigned {checkpoint.size} entries")


_Given = TypeVar("_Given")


def _keys(file: Path) -> audit.Keys:
    return _parsed(file.name, audit.Keys.parse, read_small(file, _MOST_BYTES).decode(errors="replace"))


def _parsed(source: str, parse: Callable[[_Given], _Read], given: _Given) -> _Read:
    try:
        return parse(given)
    except note.Malformed as fault:
        raise InputError(source, "", str(fault)) from fault


def _must_be_new(file: Path) -> None:
    if file.exists():
        raise InputError(file.name, "", "the file is already there", "Choose another name.")
