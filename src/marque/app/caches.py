"""Where Marque keeps what it has worked out once: per user, free to be deleted."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder(name: str) -> Path:
    """A folder of the user's cache (XDG base directories; MARQUE_CACHE overrides). It need not exist yet."""
    root = os.environ.get("MARQUE_CACHE") or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "marque"
    return Path(root) / name
