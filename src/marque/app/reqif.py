"""`marque alliance reqif export|import`: requirements of a programme to and from ReqIF files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

import typer
from rich.markup import escape
from rich.table import Table

from marque.alliance import agreements, reqif
from marque.alliance.access import Area
from marque.alliance.model import Process
from marque.alliance.reqif import Difference, Report
from marque.alliance.reqif_read import BIGGEST_BYTES
from marque.app.terminal import wide_console
from marque.common import InputError
from marque.foundation import Actor, Database, Transaction

_WIDEST = 60


def export(database: Database, actor: Actor, programme: str, out: Path, process: str | None = None) -> None:
    """Write what the actor sees of a programme, or of one process of it, into a new file.

    programme: its code, or `<code of the organisation in its key>/<code>` where several agreements have one. Raises InputError.
    """
    if out.exists():
        raise InputError(out.name, "", "the file is already there", "Choose another name, or remove it first.")
    with database.transaction(actor) as tx:
        lead, found = _programme(tx, programme)
        data = reqif.export(tx, lead, found, _process(process))
    try:
        with out.open("xb") as file:
            file.write(data)
    except OSError as fault:
        raise InputError(out.name, "", f"it cannot be written: {os.strerror(fault.errno or 0)}") from fault
    typer.echo(f"{data.count(b'<SPEC-OBJECT ')} requirements into {out}")


def take_in(database: Database, actor: Actor, programme: str, process: str, file: Path, *, only_look: bool = False) -> Report:
    """Take a file in, for the side of the actor's organisation; print what was done, or with `only_look` would be. Raises InputError.

    process: where requirements go that are new here.
    """
    try:
        if file.stat().st_size > BIGGEST_BYTES:
            raise InputError(file.name, "", f"it has more than {BIGGEST_BYTES:,} bytes", "Export fewer requirements at once.")
        data = file.read_bytes()
    except OSError as fault:
        raise InputError(file.name, "", f"it cannot be read: {os.strerror(fault.errno or 0)}") from fault
    with database.transaction(actor) as tx:
        lead, found = _programme(tx, programme)
        report = reqif.take_in(tx, Area(lead, found, _process(process) or ""), data, file.name, only_look=only_look)
    done = "would be " if only_look else ""
    typer.echo(
        f"{len(report.created)} {done}created, {len(report.updated)} {done}updated, {report.unchanged} as they were,"
        f" {report.related} relations {done}added"
    )
    _tell("Conflicts: changed in the file on an old version; nothing of these was taken in", report.conflicts)
    _tell("Proposals: the file says this of another side, which only its organisation writes", report.proposals)
    return report


def _tell(title: str, differences: Sequence[Difference]) -> None:
    if not differences:
        return
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for heading in ("requirement", "side", "field", "here", "in the file"):
        table.add_column(heading, overflow="fold")
    for one in differences:
        table.add_row(*(escape(_short(text)) for text in (one.title or one.object, one.side, one.field, one.here, one.file)))
    wide_console().print(table)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _WIDEST else line[: _WIDEST - 1] + "…"


def _programme(tx: Transaction, named: str) -> tuple[str, UUID]:
    *lead, code = named.split("/", 1)
    found = [one for one in agreements.programmes(tx) if one.code == code and (not lead or one.organisation == lead[0])]
    if not found:
        raise InputError("--programme", named, "there is no such programme")
    if len(found) > 1:
        choices = ", ".join(sorted({f"{one.organisation}/{one.code}" for one in found}))
        raise InputError("--programme", named, f"several agreements have one: {choices}", "Name one of these.")
    return found[0].organisation, found[0].id


def _process(named: str | None) -> str | None:
    if named is not None and named not in set(Process):
        raise InputError("--process", named, "there is no such process", f"Processes are {', '.join(Process)}.")
    return named
