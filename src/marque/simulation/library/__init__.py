"""Marque's own scenarios: a generator of CommonRoad 2020a files, on hand-laid roads and on pieces of a real city."""

from __future__ import annotations

from pathlib import Path

from marque.simulation.library.families import FAMILIES, LOGICAL, Logical
from marque.simulation.library.write import SOURCE, document

__all__ = ["FAMILIES", "LOGICAL", "SOURCE", "Logical", "document", "write_library"]


def write_library(folder: Path) -> list[Path]:
    """Writes every scenario into a folder, which is made where it is missing; the same bytes every time. Returns the files in order."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for family in FAMILIES:
        for name, scene in family.scenes():
            path = folder / f"{name}.xml"
            path.write_bytes(document(name, scene))
            files.append(path)
    return files
