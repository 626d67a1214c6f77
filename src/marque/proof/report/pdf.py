"""The report as a PDF, set by Typst. Words reach it as data, so that nothing in them can be taken for markup.

It is PDF/A-2a and PDF/UA-1: for archives, and for who has it read out. Those demand a shape for every letter. The fonts are Typst's own,
and the machine's for what is in none of them; a letter that is in neither stands there by its number, `[U+57CE]`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from datetime import datetime
from importlib import resources
from typing import Any

import typst

from marque.proof.report.view import View

PROPORTION = 0.62
"""Of a drawing's height to its width, with which it fills a page that lies on its side."""
FOREST_PX = 760.0
_MOST_ROUNDS = 8
_SHAPELESS = re.compile(r'the text `"((?:[^"\\]|\\.)+)"` could not be displayed')
_NUMBER = re.compile(r"\\u\{([0-9a-f]+)\}")


def pdf(
    view: View, *, made: datetime, footer: str, drawing: tuple[str, ...] = (), forest: tuple[str, ...] = (), machine_fonts: bool = True
) -> bytes:  # fmt: skip
    """drawing: pictures of the safety case, a page each; forest: pictures of the intervals by cell; all SVG. machine_fonts: whether those
    are looked for.
    """
    said = view | {"footer": footer, "drawing": list(drawing), "forest": list(forest)}
    for _ in range(_MOST_ROUNDS):
        try:
            return _set(said, made, machine_fonts)
        except typst.TypstError as fault:
            shapeless = _shapeless(f"{fault.message}\n{fault.diagnostic}")
            if not shapeless:
                raise
            said = _by_number(said, shapeless)
    return _set(said, made, machine_fonts)


def _set(said: View, made: datetime, machine_fonts: bool) -> bytes:
    program = (resources.files("marque.proof.report") / "templates/report.typ").read_bytes()
    done = typst.compile(
        program, format="pdf", sys_inputs={"view": json.dumps(said, ensure_ascii=False)}, timestamp=int(made.timestamp()),
        pdf_standards=["a-2a", "ua-1"], ignore_system_fonts=not machine_fonts,
    )  # fmt: skip
    assert isinstance(done, bytes)
    return done


def _shapeless(complaint: str) -> set[str]:
    """Letters that Typst complains of."""
    found = (_NUMBER.sub(lambda one: chr(int(one[1], 16)), text) for text in _SHAPELESS.findall(complaint))
    return {letter for text in found for letter in text.replace("\\", "")}


def _by_number(said: Any, shapeless: Collection[str]) -> Any:
    if isinstance(said, str):
        runs = re.compile(f"[{''.join(map(re.escape, sorted(shapeless)))}]+")
        return runs.sub(lambda run: f"[{' '.join(f'U+{ord(letter):04X}' for letter in run[0])}]", said)
    if isinstance(said, dict):
        return {name: _by_number(one, shapeless) for name, one in said.items()}
    return [_by_number(one, shapeless) for one in said] if isinstance(said, list) else said
