"""The one way this house compiles a numerical kernel, and where it keeps what it compiled."""

from __future__ import annotations

import contextlib
import functools
import getpass
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
from numba.core import config as numba_config

_F = TypeVar("_F", bound=Callable[..., object])

_PACKAGE = Path(__file__).parents[1]
_COMPILING_ROOMS = ("common", "vehicle", "driving", "simulation")
"""From the lowest floor up: a kernel may call kernels of its own room and of those before it."""
_POLICY: dict[str, Any] = {"fastmath": False, "error_model": "numpy", "nogil": True}
_njit: Any = numba.njit  # its stubs do not know all its options
_KEPT_S = 7 * 24 * 3600.0


def kernel(function: _F) -> _F:
    """Compile a function with numba and keep the machine code for later processes.

    No fastmath: a replay must give the same bytes in every process. Division follows IEEE (inf, nan) as numpy does, which also spares a
    branch per division. Kernels release the GIL.
    """
    _choose_cache(function)
    return cast("_F", numba.njit(cache=True, **_POLICY)(function))


def lean(function: _F) -> _F:
    """A kernel that makes no arrays but views: numba then counts no references, whose atomic operations, for every array handed to a small
    function, cost more than the function does.
    """
    _choose_cache(function)
    return cast("_F", _njit(cache=True, _nrt=False, **_POLICY)(function))


def inlined(function: _F) -> _F:
    """A part of lean kernels that is laid out inside each of them: for small functions that are handed many arrays."""
    return cast("_F", _njit(_nrt=False, forceinline=True, **_POLICY)(function))


def _choose_cache(function: Callable[..., object]) -> None:
    room = function.__module__.split(".")[1]
    vars(numba_config)["CACHE_DIR"] = str(_cache(room if room in _COMPILING_ROOMS else _COMPILING_ROOMS[-1]))


@functools.cache
def _cache(room: str) -> Path:
    """The folder of a room's machine code, named by a digest of all sources it was compiled from.

    numba looks only at the file of the kernel itself and would go on using a caller compiled against an older callee.
    """
    digest = hashlib.blake2b(digest_size=8)
    for below in _COMPILING_ROOMS[: _COMPILING_ROOMS.index(room) + 1]:
        for source in sorted((_PACKAGE / below).rglob("*.py")):
            digest.update(source.relative_to(_PACKAGE).as_posix().encode() + b"\0" + source.read_bytes() + b"\0")
    folder = _base() / f"{room}-{digest.hexdigest()}"
    if not folder.exists():
        _forget_old(folder.parent, room)
        folder.mkdir(parents=True, exist_ok=True)
    return folder


def _base() -> Path:
    """Beside the sources where they may be written to, else in the user's cache, else among temporary files."""
    users = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    for folder in (_PACKAGE / "__pycache__" / "kernels", users / "marque" / "kernels"):
        with contextlib.suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            if os.access(folder, os.W_OK):
                return folder
    return Path(tempfile.gettempdir()) / f"marque-kernels-{getpass.getuser()}"


def _forget_old(base: Path, room: str) -> None:
    for folder in base.glob(f"{room}-*"):
        if time.time() - folder.stat().st_mtime > _KEPT_S:
            shutil.rmtree(folder, ignore_errors=True)
