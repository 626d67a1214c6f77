"""Identifiers: UUIDs that sort by the time they were made."""

from __future__ import annotations

import os
import threading
import time
from uuid import UUID

_VERSION_AND_VARIANT = 0x7 << 76 | 0b10 << 62
_lock = threading.Lock()
_last = 0


def new_id() -> UUID:
    """A UUID of version 7 (RFC 9562, 5.7): milliseconds since 1970, then 12 bits that keep one process's order, then 62 random bits."""
    global _last  # noqa: PLW0603  the order within a millisecond belongs to the process
    with _lock:
        stamp = max((time.time_ns() * 4096) // 1_000_000, _last + 1)
        _last = stamp
    milliseconds, order = stamp >> 12, stamp & 0xFFF
    chance = int.from_bytes(os.urandom(8)) & (1 << 62) - 1
    return UUID(int=milliseconds << 80 | _VERSION_AND_VARIANT | order << 64 | chance)
