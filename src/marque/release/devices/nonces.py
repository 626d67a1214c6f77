"""Nonces that manifests answer: nothing is stored, so a poll writes nothing.

A nonce is a window of the clock and HMAC-SHA256 of vehicle and window under a key that only the server has; it is good in its window and
the next one. Within a window the counter of manifests keeps replays out.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from datetime import datetime

from marque.release.devices.model import NONCE_LIFE, Fleet

_WINDOW_S = NONCE_LIFE.total_seconds() / 2
_MADE_FROM = b"marque: the key of manifests' nonces, version 1"


class Nonces:
    """sign: of a key that every server of the installation has, Ed25519, whose signatures of a text are always the same."""

    def __init__(self, sign: Callable[[bytes], bytes]) -> None:
        self._key = hashlib.sha256(sign(_MADE_FROM)).digest()

    def of(self, fleet: Fleet, vehicle: str, now: datetime) -> str:
        """The nonce that a car is given now."""
        return self._in(int(now.timestamp() // _WINDOW_S), fleet, vehicle)

    def holds(self, nonce: str, fleet: Fleet, vehicle: str, now: datetime) -> bool:
        """Whether a manifest may still answer this one."""
        window = int(now.timestamp() // _WINDOW_S)
        return any(hmac.compare_digest(nonce.encode(), self._in(one, fleet, vehicle).encode()) for one in (window, window - 1))

    def _in(self, window: int, fleet: Fleet, vehicle: str) -> str:
        said = f"{window}/{fleet.lead}/{fleet.programme}/{vehicle}".encode()
        return f"{window:x}-{hmac.digest(self._key, said, 'sha256').hex()[:40]}"
