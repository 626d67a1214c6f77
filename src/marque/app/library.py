"""`marque library`: what scenarios come with Marque, as a list or as files."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.table import Table

from marque.simulation.library import FAMILIES, write_library


def library(out: Path | None) -> None:
    """Writes the files into a folder; without one, lists the families of scenarios."""
    console = Console()
    if out is not None:
        console.print(f"{len(write_library(out))} scenarios in {out}", highlight=False)
        return
    sheet = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("scenarios", "files", "what happens"):
        sheet.add_column(heading, justify="right" if heading == "files" else "left", overflow="fold")
    for family in FAMILIES:
        sheet.add_row(family.id, str(len(family.variants)), family.told)
    console.print(sheet)
