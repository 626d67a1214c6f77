"""Circuits and half-done compilations in files: written whole or not at all, checked when read, read as flat arrays from mapped memory.

A file: the line `marque arrays 1`, a line of JSON (kind, version, digest of the formula, per array its name, type and length, SHA-256 of
all that follows the padding), spaces up to a multiple of 64, then the arrays one after the other, each padded to a multiple of 64 bytes.
A file that is broken, or of another version, is as if there were none; `reason` says what is wrong with it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from marque.product.encoding.cnf import Cnf
from marque.product.knowledge.circuit import Circuit
from marque.product.knowledge.compile_state import Formula, Search, Walk

VERSION = 1
"""Of the compiler: another one may make another circuit of the same formula."""

_MAGIC = b"marque arrays 1\n"
_ALIGNED = 64


class Broken(ValueError):
    """Why a file cannot be used, one clause."""


def circuit_path(folder: Path, digest: str) -> Path:
    return folder / f"{digest}-{VERSION}.circuit"


def walk_path(folder: Path, digest: str) -> Path:
    return folder / f"{digest}-{VERSION}.walk"


def save_circuit(folder: Path, circuit: Circuit) -> Path:
    names = ("kinds", "literals", "first", "children", "open_first", "open", "free")
    path = circuit_path(folder, circuit.digest)
    sizes = {"variables": circuit.variables, "counted": circuit.counted}
    _write(path, "circuit", circuit.digest, sizes, {name: getattr(circuit, name) for name in names})
    return path


def load_circuit(folder: Path, cnf: Cnf) -> Circuit | None:
    """The circuit of a formula, its arrays mapped and read-only; None if there is none that can be used."""
    path = circuit_path(folder, cnf.digest)
    try:
        return read_circuit(path, cnf)
    except (FileNotFoundError, Broken):
        return None


def read_circuit(path: Path, cnf: Cnf) -> Circuit:
    """Raises Broken, FileNotFoundError."""
    sizes, arrays = _read(path, "circuit", cnf.digest)
    if sizes != {"variables": cnf.variables, "counted": cnf.counted}:
        raise Broken("it is about another number of variables")
    try:
        circuit = Circuit(variables=cnf.variables, counted=cnf.counted, digest=cnf.digest, **arrays)
    except TypeError as error:
        raise Broken("it lacks an array") from error
    nodes, edges = len(circuit.kinds), len(circuit.children)
    if (len(circuit.literals), len(circuit.first), len(circuit.open_first)) != (nodes, nodes + 1, edges + 1) or nodes == 0:
        raise Broken("its arrays do not fit together")
    if circuit.first[-1] != edges or circuit.open_first[-1] != len(circuit.open):
        raise Broken("its arrays do not fit together")
    return circuit


class Kept(NamedTuple):
    """A compilation cut off: in which order it decides, the digest of the arrays it is about, and its own arrays, writable."""

    order: str
    formula: str
    search: Search
    walk: Walk


def save_walk(folder: Path, cnf: Cnf, order: str, formula: Formula, search: Search, walk: Walk) -> None:
    arrays = {f"search.{name}": array for name, array in search._asdict().items()}
    arrays |= {f"walk.{name}": array for name, array in walk._asdict().items()}
    _write(walk_path(folder, cnf.digest), "walk", cnf.digest, {"order": order, "formula": digest_of(formula)}, arrays)


def load_walk(folder: Path, cnf: Cnf) -> Kept | None:
    """The compilation as it was kept last; None if there is none that can be used."""
    try:
        sizes, arrays = _read(walk_path(folder, cnf.digest), "walk", cnf.digest)
    except (FileNotFoundError, Broken):
        return None
    search = {name: arrays[f"search.{name}"].copy() for name in Search._fields if f"search.{name}" in arrays}
    walk = {name: arrays[f"walk.{name}"].copy() for name in Walk._fields if f"walk.{name}" in arrays}
    if (len(search), len(walk)) != (len(Search._fields), len(Walk._fields)):
        return None
    return Kept(str(sizes.get("order")), str(sizes.get("formula")), Search(**search), Walk(**walk))


def forget_walk(folder: Path, cnf: Cnf) -> None:
    walk_path(folder, cnf.digest).unlink(missing_ok=True)


def digest_of(formula: Formula) -> str:
    """Of the reduced formula and the order to decide in."""
    digest = hashlib.sha256()
    for array in formula:
        digest.update(len(array).to_bytes(8, "little") + array.tobytes())
    return digest.hexdigest()


def _padding(length: int) -> bytes:
    return b"\0" * (-length % _ALIGNED)


def _write(path: Path, kind: str, digest: str, sizes: Mapping[str, int | str], arrays: Mapping[str, np.ndarray]) -> None:
    """Through a file of another name in the same folder, which takes the place of the old one when it is safe on the disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    body = hashlib.sha256()
    for array in arrays.values():
        body.update(array.data)
        body.update(_padding(array.nbytes))
    head = {
        "kind": kind,
        "version": VERSION,
        "digest": digest,
        "sizes": dict(sizes),
        "arrays": [[name, array.dtype.str, len(array)] for name, array in arrays.items()],
        "sha256": body.hexdigest(),
    }
    start = _MAGIC + json.dumps(head, separators=(",", ":")).encode()
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(start + b" " * (-(len(start) + 1) % _ALIGNED) + b"\n")
            for array in arrays.values():
                file.write(array.data)
                file.write(_padding(array.nbytes))
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    with contextlib.suppress(OSError):  # not every file system lets a folder be synced
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _read(path: Path, kind: str, digest: str) -> tuple[dict[str, int | str], dict[str, np.ndarray]]:
    with path.open("rb") as file:
        if file.read(len(_MAGIC)) != _MAGIC:
            raise Broken("it is not a file of arrays")
        line = file.readline(1 << 20)
        start = file.tell()
    try:
        head = json.loads(line)
        listed = [(str(name), np.dtype(type_), int(length)) for name, type_, length in head["arrays"]]
        told = (head["kind"], head["version"], head["digest"])
        sizes, body = dict(head["sizes"]), head["sha256"]
    except (ValueError, KeyError, TypeError) as error:
        raise Broken("its head cannot be read") from error
    if told != (kind, VERSION, digest):
        raise Broken("it is about something else, or of another version")
    spans = [length * type_.itemsize for _, type_, length in listed]
    total = sum(span + len(_padding(span)) for span in spans)
    if path.stat().st_size != start + total:
        raise Broken("it is shorter or longer than its head says")
    mapped = np.memmap(path, np.uint8, "r", start, total) if total else np.zeros(0, np.uint8)
    if hashlib.sha256(mapped.data).hexdigest() != body:
        raise Broken("its content was changed")
    arrays, at = {}, 0
    for (name, type_, _), span in zip(listed, spans, strict=True):
        arrays[name] = np.asarray(mapped[at : at + span]).view(type_)
        at += span + len(_padding(span))
    return sizes, arrays
