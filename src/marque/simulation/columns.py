"""A parcel: named numeric arrays and a few words about them, compressed, in one checked piece of bytes.

Everything is little-endian. A replay is a chain of parcels; the page is sent the same parcels and opens them in the browser.

    offset  size
    0       8     b"MARQUE" and the format's version as u16
    8       4     h, size of the header
    12      4     CRC-32 of the header
    16      h     header, JSON in UTF-8: {"meta": …, "size": bytes after the header, "columns": [
                      {"name", "type": numpy's "<i4" …, "shape", "step": value of one unit or absent, "delta": bool,
                       "size": bytes, "crc": CRC-32 of these bytes}, …]}
    16 + h  …     the columns one after another, each a zlib stream

Inside a column's stream: if `delta`, each row but the first holds the difference to the row before (wrapping); then the bytes of all
values are laid out plane by plane (all first bytes, all second bytes …), which lets zlib see how little changes. A column with a
`step` holds integers; its values are integer · step, so it is exact to half a step.
"""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from marque.common import InputError

VERSION = 1
_MAGIC = b"MARQUE"
_HEAD = 16
HEADER_MAX = 1 << 20
"""Bytes within which a parcel's head and header end, so that a reader who wants only the words reads no more."""
_VALUES_MAX = 1 << 28
_TYPES = frozenset({"|u1", "<u2", "<u4", "<i2", "<i4", "<i8", "<f4", "<f8"})
_REMEDY = "Write the replay again; if it was copied from elsewhere, copy it again."


class Column(NamedTuple):
    """An array on its way into a parcel. With a step, real values are rounded to whole steps; delta suits rows that change slowly."""

    values: NDArray[Any]
    step: float | None = None
    delta: bool = False


class Parcel(NamedTuple):
    """An opened parcel: columns with a step are float64 in the column's own unit, all others as they were packed."""

    meta: dict[str, Any]
    columns: dict[str, NDArray[Any]]
    end: int
    """Offset of the first byte after the parcel."""


def pack(meta: Mapping[str, Any], columns: Mapping[str, Column]) -> bytes:
    """The parcel's bytes. meta must be JSON; a value outside what 32 bits of steps can hold, or not finite, is a ValueError."""
    payloads, entries = [], []
    for name, column in columns.items():
        values = _whole_steps(name, column) if column.step is not None else np.ascontiguousarray(column.values)
        payload = zlib.compress(_planes(_differences(values) if column.delta else values), 6)
        entry = {"name": name, "type": values.dtype.newbyteorder("<").str, "shape": values.shape, "delta": column.delta}
        if column.step is not None:
            entry["step"] = column.step
        entries.append(entry | {"size": len(payload), "crc": zlib.crc32(payload)})
        payloads.append(payload)
    size = sum(map(len, payloads))
    header = json.dumps(
        {"meta": meta, "size": size, "columns": entries}, ensure_ascii=False, allow_nan=False, separators=(",", ":")
    ).encode()
    if _HEAD + len(header) > HEADER_MAX:
        raise ValueError(f"{len(header)} bytes of words are more than a parcel's header holds")
    head = _MAGIC + VERSION.to_bytes(2, "little") + len(header).to_bytes(4, "little") + zlib.crc32(header).to_bytes(4, "little")
    return b"".join([head, header, *payloads])


def peek(data: bytes, offset: int, source: str) -> tuple[dict[str, Any], int]:
    """A parcel's meta and where it should end; its columns need not be there. Raises InputError where the header is unusable."""
    header, start = _header(data, offset, source)
    return header["meta"], start + header["size"]


def unpack(data: bytes, offset: int, source: str) -> Parcel:
    """Open the parcel that begins at `offset`; InputError (naming `source`) if it is none, is cut short, damaged, or of another version."""
    header, at = _header(data, offset, source)
    if at + header["size"] > len(data):
        raise InputError(source, f"byte {offset}", "the file ends in the middle", _REMEDY)
    columns = {}
    for entry in header["columns"]:
        try:
            columns[entry["name"]] = _open_column(data[at : at + entry["size"]], entry)
        except (ValueError, TypeError, KeyError, zlib.error) as fault:
            raise InputError(source, f"column {str(entry.get('name'))!r}", f"damaged: {fault}", _REMEDY) from fault
        at += entry["size"]
    return Parcel(header["meta"], columns, at)


def _header(data: bytes, offset: int, source: str) -> tuple[dict[str, Any], int]:
    head, place = data[offset : offset + _HEAD], f"byte {offset}"
    if head[:6] != _MAGIC[: len(head)] or not head:
        raise InputError(
            source, place, "not a Marque replay: it does not begin with MARQUE", "Give a file that `marque drive --replays` wrote."
        )
    if len(head) < _HEAD:
        raise InputError(source, place, "the file ends in the middle", _REMEDY)
    version, size, crc = (int.from_bytes(head[a:b], "little") for a, b in ((6, 8), (8, 12), (12, 16)))
    if version != VERSION:
        raise InputError(source, place, f"format version {version}, this Marque reads version {VERSION}", "Write the replay again.")
    start = offset + _HEAD + size
    if _HEAD + size > HEADER_MAX or start > len(data):
        raise InputError(source, place, "the file ends in the middle", _REMEDY)
    raw = data[offset + _HEAD : start]
    if zlib.crc32(raw) != crc:
        raise InputError(source, place, "the header is damaged", _REMEDY)
    try:
        header = json.loads(raw)
        sizes = [entry["size"] for entry in header["columns"]]
        sizes_sound = all(isinstance(size, int) and size >= 0 for size in sizes) and sum(sizes) == header["size"]
        sound = sizes_sound and isinstance(header["meta"], dict)
    except (ValueError, TypeError, KeyError, RecursionError) as fault:
        raise InputError(source, place, f"the header is damaged: {fault!r}", _REMEDY) from fault
    if not sound:
        raise InputError(source, place, "the header contradicts itself", _REMEDY)
    return header, start


def _open_column(payload: bytes, entry: dict[str, Any]) -> NDArray[Any]:
    if zlib.crc32(payload) != entry["crc"]:
        raise ValueError("its checksum does not fit")
    shape = entry["shape"]
    if entry["type"] not in _TYPES or not all(isinstance(extent, int) and extent >= 0 for extent in shape) or not 1 <= len(shape) <= 3:
        raise ValueError("its type or shape is unknown")
    dtype, count = np.dtype(entry["type"]), math.prod(shape)
    if count > _VALUES_MAX:
        raise ValueError(f"{count} values are more than any replay holds")
    size = count * dtype.itemsize
    inflater = zlib.decompressobj()
    raw = inflater.decompress(payload, size + 1)
    if len(raw) != size:
        raise ValueError(f"it does not hold the {size} bytes its shape asks for")
    planes = np.frombuffer(raw, np.uint8).reshape(dtype.itemsize, count)
    values: NDArray[Any] = np.ascontiguousarray(planes.T).view(dtype).reshape(shape).astype(dtype.newbyteorder("="), copy=False)
    if entry["delta"]:
        values = np.cumsum(values, axis=0, dtype=values.dtype)
    if "step" not in entry:
        return values
    if not (isinstance(entry["step"], float) and math.isfinite(entry["step"])):
        raise ValueError("its step is no number")
    real: NDArray[np.float64] = values * entry["step"]
    return real


def _whole_steps(name: str, column: Column) -> NDArray[np.int32]:
    steps = np.rint(np.asarray(column.values, np.float64) / float(column.step or 1.0))
    if not (np.abs(steps) < 2**31).all():
        raise ValueError(f"column {name!r} holds a value that is not finite or beyond ±2³¹ steps of {column.step}")
    return steps.astype(np.int32)


def _differences(values: NDArray[Any]) -> NDArray[Any]:
    changes = values.copy()
    with np.errstate(over="ignore"):
        changes[1:] -= values[:-1]
    return changes


def _planes(values: NDArray[Any]) -> bytes:
    little = np.ascontiguousarray(values.astype(values.dtype.newbyteorder("<"), copy=False))
    return little.reshape(-1).view(np.uint8).reshape(little.size, little.dtype.itemsize).T.tobytes()
