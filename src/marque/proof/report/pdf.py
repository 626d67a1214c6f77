"""The report as a PDF, set by Typst. Words reach it as data, so that nothing in them can be taken for markup."""

from __future__ import annotations

import json
from datetime import datetime
from importlib import resources

import typst

from marque.proof.report.view import View

PROPORTION = 0.62
"""Of a drawing's height to its width, with which it fills a page that lies on its side."""
FOREST_PX = 760.0


def pdf(view: View, *, made: datetime, footer: str, drawing: tuple[str, ...] = (), forest: tuple[str, ...] = ()) -> bytes:
    """drawing: pictures of the safety case, a page each; forest: pictures of the intervals by cell; all SVG.

    The fonts are Typst's own; where a letter is in none of them, one of the machine's is taken if there is any that has it.
    """
    said = view | {"footer": footer, "drawing": list(drawing), "forest": list(forest)}
    program = (resources.files("marque.proof.report") / "templates/report.typ").read_bytes()
    made_pdf = typst.compile(
        program, format="pdf", sys_inputs={"view": json.dumps(said, ensure_ascii=False)}, timestamp=int(made.timestamp())
    )
    assert isinstance(made_pdf, bytes)
    return made_pdf
