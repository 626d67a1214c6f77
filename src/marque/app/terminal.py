"""Where tables are printed."""

from __future__ import annotations

from rich.console import Console

_LEAST_WIDTH = 176
"""Columns: a row that a narrow terminal breaks once reads better than sixteen squeezed columns."""


def wide_console() -> Console:
    return Console(width=max(_LEAST_WIDTH, Console().width))
