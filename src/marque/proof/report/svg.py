"""Drawing in SVG: elements with everything escaped, and text broken to a width."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from html import escape

INK, SOFT, LINE, PAPER = "#1a2129", "#55606e", "#c9d0d8", "#ffffff"
GOOD, BAD, OPEN = "#0b6b3a", "#b3261e", "#8a5300"
"""Of what is shown, of what speaks against it, of what is open; each reads on white at more than 4.5 : 1."""
FONT = "system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', 'Libertinus Serif', sans-serif"
_WIDE = {"W", "F"}
_NARROW, _BROAD = frozenset(" .,:;'|!()[]/ijlIftr-"), frozenset("mwMW%@—…")


def tag(name: str, *inside: str, **attributes: str | float) -> str:
    """An element. inside: markup. attributes: `_` stands for `-`; numbers with a tenth of a pixel."""
    said = "".join(f' {key.rstrip("_").replace("_", "-")}="{_value(value)}"' for key, value in attributes.items())
    return f"<{name}{said}>{''.join(inside)}</{name}>" if inside else f"<{name}{said}/>"


def text(said: str, x: float, y: float, **attributes: str | float) -> str:
    return tag("text", escape(said), x=x, y=y, **attributes)


def picture(width: float, height: float, *inside: str, title: str) -> str:
    """A whole drawing. title: what it shows, for who does not see it."""
    return tag(
        "svg", *inside, xmlns="http://www.w3.org/2000/svg", viewBox=f"0 0 {_value(width)} {_value(height)}", width=width,
        height=height, role="img", aria_label=title, font_family=FONT,
    )  # fmt: skip


def width_of(said: str, size: float) -> float:
    """About, in the unit of `size`; rather too much, for which font it will be is not known."""
    return size * sum(_em(one) for one in said)


def _em(one: str) -> float:
    if one in _NARROW:
        return 0.38
    if one in _BROAD or unicodedata.east_asian_width(one) in _WIDE:
        return 1.0
    return 0.7 if one.isupper() else 0.625


def wrapped(said: str, width: float, size: float, most: int = 99) -> list[str]:
    """Lines no wider than `width`, at most so many; what was left out is shown by an ellipsis. A long word is broken."""
    lines = list(_lines(said, width, size))
    if len(lines) <= most:
        return lines
    return [*lines[: most - 1], lines[most - 1][:-1] + "…"]


def _lines(said: str, width: float, size: float) -> Iterator[str]:
    line = ""
    for word in said.split():
        for part in _parts(word, width, size):
            if line and width_of(f"{line} {part}", size) > width:
                yield line
                line = part
            else:
                line = f"{line} {part}" if line else part
    yield line


def _parts(word: str, width: float, size: float) -> Iterator[str]:
    while width_of(word, size) > width and len(word) > 1:
        cut = max(1, next(k for k in range(len(word), 0, -1) if k == 1 or width_of(word[:k], size) <= width))
        yield word[:cut]
        word = word[cut:]
    yield word


def _value(value: str | float) -> str:
    return escape(value) if isinstance(value, str) else f"{round(value, 1):g}"
