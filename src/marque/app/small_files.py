"""Small files that commands are given: read whole or refused, and passphrases from them or from whoever sits there."""

from __future__ import annotations

from pathlib import Path

import typer

from marque.common import InputError


def read_small(file: Path, most_bytes: int) -> bytes:
    """Raises InputError for a file that cannot be read, or is larger."""
    try:
        with file.open("rb") as opened:
            text = opened.read(most_bytes + 1)
    except OSError as fault:
        raise InputError(file.name, "", f"it cannot be read: {fault.strerror}") from fault
    if len(text) > most_bytes:
        raise InputError(file.name, "", f"it is larger than {most_bytes} bytes", "It is not one of these files.")
    return text


def passphrase(file: Path | None, *, twice: bool = False) -> str:
    """What a file holds, without its last end of line; without a file it is asked for, twice where it is a new one."""
    if file is None:
        said: str = typer.prompt("Passphrase", hide_input=True, confirmation_prompt=twice)
        return said
    return read_small(file, _MOST_BYTES).decode().rstrip("\r\n")


_MOST_BYTES = 1 << 21
