"""The report as a PDF, set by Typst. Words reach it as data, so that nothing in them can be taken for markup."""

from __future__ import annotations

import json
from datetime import datetime
from importlib import resources

import typst

from marque.proof.report.view import View

PAGE_PX = 1030.0
"""A drawing as wide as this fills a page that lies on its side, with letters that can be read."""
MOST_HEIGHT_PX = 640.0


def pdf(view: View, *, made: datetime, footer: str, drawing: tuple[tuple[str, float], ...] = (), forest: tuple[str, ...] = ()) -> bytes:
    """drawing: pictures of the safety case with their widths in pixels; forest: pictures of the intervals by cell; all SVG.

    The fonts are Typst's own; where a letter is in none of them, one of the machine's is taken if there is any that has it.
    """
    pictures = [{"svg": svg, "width": min(1.0, width / PAGE_PX)} for svg, width in drawing]
    said = view | {"footer": footer, "drawing": pictures, "forest": list(forest)}
    program = (resources.files("marque.proof.report") / "templates/report.typ").read_bytes()
    made_pdf = typst.compile(
        program, format="pdf", sys_inputs={"view": json.dumps(said, ensure_ascii=False)}, timestamp=int(made.timestamp())
    )
    assert isinstance(made_pdf, bytes)
    return made_pdf
