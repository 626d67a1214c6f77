"""`marque reference-drivers`: cases of a table driven by the reference drivers of UN R157.

The table is written again, with what came of every case.
"""

from __future__ import annotations

import csv
import gzip
import io
import os
import tempfile
import zlib
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TypeVar

import numpy as np
import typer

from marque.common import Floats, InputError, Ints
from marque.proof import reference
from marque.proof.reference import Driver, Kind, Mode, Outcomes

DRIVERS = {"cc": Driver.CC, "cc_human_driver": Driver.CC, "fsm": Driver.FSM, "rss": Driver.RSS, "reg157": Driver.REG157}


@dataclass(frozen=True)
class Column:
    """A parameter as tables name it: in the first place our name for it, then the JRC's."""

    parameter: str
    names: tuple[str, ...]
    optional: bool = False
    unsigned: bool = False
    """Its sign says to which side, which makes no difference."""


_OWN_GAP = Column("gap_m", ("initial_dist_m", "initial_distance"), optional=True)
COLUMNS = {
    Kind.CUT_IN: (
        Column("ego_kmh", ("ego_kmh",)),
        Column("cut_in_kmh", ("cut_in_kmh",)),
        Column("gap_m", ("long_dist_m", "long_dist")),
        Column("lateral_mps", ("lat_vel_mps", "lat_vel")),
    ),
    Kind.CUT_OUT: (
        Column("ego_kmh", ("ego_kmh", "velocity")),
        Column("front_gap_m", ("front_dist_m", "front_distance")),
        Column("lateral_mps", ("lat_vel_mps", "lateral_velocities"), unsigned=True),
        _OWN_GAP,
    ),
    Kind.CAR_FOLLOWING: (
        Column("ego_kmh", ("ego_kmh", "velocity")),
        Column("lead_braking_g", ("lead_decel_g", "max_deceleration")),
        _OWN_GAP,
    ),
}
_GZIP = b"\x1f\x8b"
_Choice = TypeVar("_Choice", bound=Enum)
ADDED = ("crash", "crash_type", "max_pfs", "max_cfs", "ego_x_end", "ego_v_end", "steps")


@dataclass(frozen=True)
class Table:
    source: str
    header: list[str]
    rows: list[list[str]]
    lines: list[int]
    """In the file, of each row."""

    def place(self, row: int, column: str) -> str:
        return f"line {self.lines[row]}, column {column}"


def drive_cases(kind: str, cases: Path, mode: str, out: Path) -> None:
    """Drive every case of a CSV file (also .gz), and write its columns again with what came of each, in the same order.

    kind: cut-in, cut-out, car-following. mode: jrc, text. Raises InputError for whatever in the file or the options cannot be used; `out`
    is then as it was before.
    """
    situation, rules = _chosen(Kind, kind, "what is driven"), _chosen(Mode, mode, "--mode")
    table = _read(cases)
    drivers, parameters = _understand(table, situation)
    outcomes = reference.drive(drivers, reference.SITUATIONS[situation](**parameters), rules)
    _write(out, table, situation, outcomes)
    typer.echo(f"{len(table.rows)} cases of a {situation.value} driven, {int(outcomes.crash.sum())} end in a collision: {out}")


def _chosen(choices: type[_Choice], given: str, option: str) -> _Choice:
    for one in choices:
        if one.value == given:
            return one
    raise InputError(option, given, "there is no such choice", f"Choose one of: {', '.join(one.value for one in choices)}.")


def _read(path: Path) -> Table:
    """Header and rows; empty lines are left out."""
    line = 0
    try:
        data = path.read_bytes()
        text = (gzip.decompress(data) if data.startswith(_GZIP) else data).decode("utf-8-sig")
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        read = []
        for row in reader:
            line = reader.line_num
            if row:
                read.append((line, row))
    except UnicodeDecodeError as fault:
        raise InputError(path.name, f"byte {fault.start}", "this is no text in UTF-8", "Save the table as CSV in UTF-8.") from fault
    except csv.Error as fault:
        raise InputError(path.name, f"line {line + 1}", f"this is no CSV: {fault}", "Save the table as CSV, with commas.") from fault
    except (EOFError, zlib.error, gzip.BadGzipFile) as fault:
        raise InputError(path.name, "", f"the compressed file is damaged: {fault}", "Compress the table again.") from fault
    except OSError as fault:
        raise InputError(path.name, "", f"it cannot be read: {fault.strerror}", "Name a CSV file, one case a line.") from fault
    if not read:
        raise InputError(path.name, "", "the file is empty", "The first line names the columns; every further one is a case.")
    header = [name.strip() for name in read[0][1]]
    if len(read) == 1:
        raise InputError(path.name, "", "there is no case below the line that names the columns", "Write one case a line.")
    for line, row in read[1:]:
        if len(row) != len(header):
            raise InputError(path.name, f"line {line}", f"it has {len(row)} values, {len(header)} columns are named", "Complete the line.")
    return Table(path.name, header, [row for _, row in read[1:]], [line for line, _ in read[1:]])


def _understand(table: Table, kind: Kind) -> tuple[Ints, dict[str, Floats]]:
    """Who drives each case, and the parameters by their names."""
    for name in (*ADDED, "lead_crash", "impact_mps"):
        if name in table.header:
            raise InputError(table.source, f"column {name}", "it is there already, and would be written", "Rename it, or leave it out.")
    twice = [name for name in table.header if table.header.count(name) > 1]
    if twice:
        raise InputError(table.source, f"column {twice[0]}", "it is there more than once", "Leave one.")
    drivers = _drivers(table, kind)
    return drivers, {column.parameter: values for column in COLUMNS[kind] if (values := _numbers(table, column, kind)) is not None}


def _find(table: Table, names: tuple[str, ...], kind: Kind) -> int:
    for name in names:
        if name in table.header:
            return table.header.index(name)
    wanted = ", ".join(("model", *(column.names[0] for column in COLUMNS[kind] if not column.optional)))
    raise InputError(
        table.source,
        "line 1",
        f"there is no column {names[0]}, but {', '.join(table.header)}",
        f"A {kind.value} needs the columns {wanted}.",
    )


def _drivers(table: Table, kind: Kind) -> Ints:
    at = _find(table, ("model",), kind)
    found = np.empty(len(table.rows), np.int32)
    for row, values in enumerate(table.rows):
        driver = DRIVERS.get(values[at].strip().lower())
        if driver is None or not reference.knows(driver, kind):
            problem = (
                f"there is no model {values[at].strip() or '(empty)'}" if driver is None else f"{values[at]} says nothing of a {kind.value}"
            )
            known = ", ".join(name for name, one in DRIVERS.items() if reference.knows(one, kind))
            raise InputError(table.source, table.place(row, "model"), problem, f"Models of a {kind.value}: {known}.")
        found[row] = driver
    return found


def _numbers(table: Table, column: Column, kind: Kind) -> Floats | None:
    if column.optional and not any(name in table.header for name in column.names):
        return None
    at = _find(table, column.names, kind)
    name = table.header[at]
    texts = [row[at] for row in table.rows]
    try:
        values = np.array([float(text) for text in texts])
    except ValueError:
        values = None
    if values is None or any("_" in text for text in texts):
        row = next(row for row, text in enumerate(texts) if not _is_number(text))
        told = texts[row].strip() or "(empty)"
        raise InputError(table.source, table.place(row, name), f"{told} is no number", "Write it as 12.5, with a point and without a unit.")
    if column.unsigned:
        values = np.abs(values)
    lowest, highest = reference.limits(kind, column.parameter)
    wrong = np.flatnonzero(~((values >= lowest) & (values <= highest)))
    if len(wrong):
        row = int(wrong[0])
        raise InputError(
            table.source,
            table.place(row, name),
            f"{texts[row].strip()} is not from {lowest:g} to {highest:g}",
            "Mend the value, or leave the case out.",
        )
    return values


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text


def _write(out: Path, table: Table, kind: Kind, outcomes: Outcomes) -> None:
    """The whole file or nothing of it; compressed if its name ends in .gz. Numbers as Python writes them: read again, they are the same."""
    names = [*table.header, *ADDED]
    columns = [
        outcomes.crash.astype(np.int32).tolist(), outcomes.crash_type.tolist(), outcomes.max_pfs.tolist(), outcomes.max_cfs.tolist(),
        outcomes.ego_x_end_m.tolist(), outcomes.ego_v_end_mps.tolist(), outcomes.steps.tolist(),
    ]  # fmt: skip
    if kind is Kind.CUT_OUT:
        names.append("lead_crash")
        columns.append(outcomes.lead_crash.astype(np.int32).tolist())
    if kind is Kind.CAR_FOLLOWING:
        names.append("impact_mps")
        columns.append(outcomes.speed_difference_mps.tolist())
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([*row, *added] for row, added in zip(table.rows, zip(*columns, strict=True), strict=True))
    data = text.getvalue().encode()
    _replace(out, gzip.compress(data, mtime=0) if out.suffix == ".gz" else data)


def _replace(out: Path, data: bytes) -> None:
    try:
        handle, draft = tempfile.mkstemp(dir=out.parent, prefix=f".{out.name}.")
    except OSError as fault:
        raise InputError(
            "--out", str(out), f"nothing can be written there: {fault.strerror}", "Name a file in a folder that exists."
        ) from fault
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(draft).chmod(0o644)
        Path(draft).replace(out)
    except OSError as fault:
        Path(draft).unlink(missing_ok=True)
        raise InputError("--out", str(out), f"it cannot be written: {fault.strerror}", "Name a file, and make room for it.") from fault
