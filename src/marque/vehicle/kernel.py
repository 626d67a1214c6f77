"""The one way this house compiles a numerical kernel, and where it keeps what it compiled."""

from __future__ import annotations

import contextlib
import functools
import getpass
import hashlib
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
from numba.core import config as numba_config
from numba.core import types

from marque.vehicle.part import PartCache, PartCompiler, WholeCompiler

_F = TypeVar("_F", bound=Callable[..., object])

_PACKAGE = Path(__file__).parents[1]
_IMPORT = re.compile(r"^\s*(?:from|import) (marque[\w.]*)(?: import (\([^)]*\).*|.*))?$", re.MULTILINE)
_POLICY: dict[str, Any] = {"fastmath": False, "error_model": "numpy", "nogil": True}
_njit: Any = numba.njit  # its stubs do not know all its options
_types: Any = types  # nor all of a type
_KEPT_S = 7 * 24 * 3600.0


def kernel(function: _F) -> _F:
    """Compile a function with numba and keep the machine code for later processes.

    No fastmath: a replay must give the same bytes in every process. Division follows IEEE (inf, nan) as numpy does, which also spares a
    branch per division. Kernels release the GIL.
    """
    return _compiled(function, cache=True)


def lean(function: _F) -> _F:
    """A kernel that makes no arrays but views: numba then counts no references, whose atomic operations, for every array handed to a small
    function, cost more than the function does.
    """
    return _compiled(function, cache=True, _nrt=False)


def inlined(function: _F) -> _F:
    """A part of lean kernels that is laid out inside each of them: for small functions that are handed many arrays."""
    return _compiled(function, _nrt=False, forceinline=True)


def _compiled(function: _F, **options: bool) -> _F:
    """Two of it: one that Python calls, and one that other kernels call (`part`).

    The second comes without what takes arguments out of Python's objects, a third of all machine code, and once for signed integers of any
    width and for constants: numba alone would compile it, and all it calls, anew for an int32, for an int64 and for each constant.
    """
    _choose_cache(function, "wholes")
    for_python = _njit(pipeline_class=WholeCompiler, **options, **_POLICY)(function)
    _choose_cache(function, "parts")
    for_kernels = _njit(pipeline_class=PartCompiler, no_cpython_wrapper=True, no_cfunc_wrapper=True, **options, **_POLICY)(function)
    if options.get("cache"):
        for_kernels._cache = PartCache(function)

    def get_call_template(args: tuple[Any, ...], kws: dict[str, Any]) -> Any:
        return for_kernels.get_call_template(tuple(map(_widest, args)), {name: _widest(one) for name, one in kws.items()})

    # What numba asks a function for, when it compiles another that calls it.
    for_python.get_call_template, for_python.get_overload = get_call_template, for_kernels.get_overload
    return cast("_F", for_python)


def _widest(one: Any) -> Any:
    """The type under which a kernel takes an argument of this one from another."""
    if isinstance(one, _types.IntegerLiteral):
        one = one.literal_type
    return _types.int64 if isinstance(one, _types.Integer) and one.signed else one


def _choose_cache(function: Callable[..., object], caller: str) -> None:
    """Apart by the caller: to numba both are the same function."""
    vars(numba_config)["CACHE_DIR"] = str(_cache(function.__module__) / caller)


@functools.cache
def _cache(module: str) -> Path:
    """The folder of a module's machine code, named by a digest of all sources it was compiled from: its own and all it imports, and they.

    numba looks only at the file of the kernel itself and would go on using a caller compiled against an older callee.
    """
    digest = hashlib.blake2b(digest_size=8)
    for source in sorted(_sources(module)):
        digest.update(source.relative_to(_PACKAGE).as_posix().encode() + b"\0" + source.read_bytes() + b"\0")
    folder = _base() / f"{module}-{digest.hexdigest()}"
    if not folder.exists():
        _forget_old(folder.parent, module)
        folder.mkdir(parents=True, exist_ok=True)
    return folder


@functools.cache
def _sources(module: str) -> frozenset[Path]:
    """The files of this package that a module's kernels may call into: those it imports, directly or not."""
    found: set[Path] = set()
    waiting = [_file(module)]
    while waiting:
        source = waiting.pop()
        if source is not None and source not in found:
            found.add(source)
            waiting += _imported(source)
    return frozenset(found)


@functools.cache
def _imported(source: Path) -> tuple[Path | None, ...]:
    """By a look at the text: parsing it all would take a third of a warm start."""
    names: list[str] = []
    for module, members in _IMPORT.findall(source.read_text(encoding="utf-8")):
        names += [module, *(f"{module}.{name}" for name in re.findall(r"\w+", members))]
    return tuple(_file(name) for name in names)


def _file(module: str) -> Path | None:
    """Where a module of this package is written; None for others and for names that are no modules."""
    first, *rest = module.split(".")
    if first != _PACKAGE.name:
        return None
    place = _PACKAGE.joinpath(*rest)
    return next((file for file in (place.with_suffix(".py"), place / "__init__.py") if file.is_file()), None)


def _base() -> Path:
    """Beside the sources where they may be written to, else in the user's cache, else among temporary files."""
    users = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    for folder in (_PACKAGE / "__pycache__" / "kernels", users / "marque" / "kernels"):
        with contextlib.suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            if os.access(folder, os.W_OK):
                return folder
    return Path(tempfile.gettempdir()) / f"marque-kernels-{getpass.getuser()}"


def _forget_old(base: Path, module: str) -> None:
    for folder in base.glob(f"{module}-*"):
        if time.time() - folder.stat().st_mtime > _KEPT_S:
            shutil.rmtree(folder, ignore_errors=True)
