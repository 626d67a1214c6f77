"""An image from the one before it and a patch: `zstd-patch` and `bsdiff`. What comes out counts only if it is the image that was signed.

`zstd-patch` is one zstd frame (RFC 8878) with the base as raw-content dictionary, as `zstd --patch-from` makes it. `bsdiff` is Colin
Percival's BSDIFF40. A patch is signed by the director alone, so nothing in it is believed: no output longer than the image is ever made,
no memory taken beyond what base and image need, and no number reaches compiled code unchecked (bsdiff4 is not asked to check it).
"""

from __future__ import annotations

import bz2
import sys
from array import array
from collections.abc import Callable, Sequence
from hashlib import sha256 as _sha256
from typing import Final

from marque.car.uptane.claims import Delta
from marque.common import MarqueError

ZSTD_PATCH: Final = "zstd-patch"
BSDIFF: Final = "bsdiff"

_CHUNK: Final = 1 << 20
_LEAST_WINDOW: Final = 1 << 23
_MAGIC: Final = b"BSDIFF40"
_LONGEST: Final = 2**31 - 1
"""bsdiff4 counts in C's int."""
_BYTES_PER_STEP: Final = 4
"""A bsdiff step stands for more than so many bytes of the image, or the patch is made to waste time: bsdiff begins one to save 8 bytes."""


class DeltaFailed(MarqueError):
    """The patch does not make the image. The full image does."""


def worthwhile(length: int, deltas: Sequence[Delta], base: str, methods: Sequence[str]) -> tuple[Delta, ...]:
    """Those of `deltas` that start from what is installed, that the ECU applies, and that are smaller than the image; smallest first.

    length: of the full image, in bytes. base: SHA-256 of what is installed.
    """
    able = (delta for delta in deltas if delta.base == base and delta.method in methods and delta.length < length)
    return tuple(sorted(able, key=lambda delta: (delta.length, delta.method)))


def apply(method: str, base: memoryview, patch: bytes, out: Callable[[bytes], object], *, length: int, sha256: str) -> None:
    """Hand the image to `out`, piece by piece; DeltaFailed when it is not the one of that length and SHA-256 (what was handed is void)."""
    met = _sha256()
    made = 0

    def keep(piece: bytes) -> None:
        nonlocal made
        made += len(piece)
        if made > length:
            raise DeltaFailed("The patch makes more than the image.")
        met.update(piece)
        out(piece)

    if method == ZSTD_PATCH:
        _zstd(base, patch, keep, length)
    elif method == BSDIFF:
        _bsdiff(base, patch, keep, length)
    else:
        raise DeltaFailed(f'This car knows no delta of the method "{method}".')
    if made != length or met.hexdigest() != sha256:
        raise DeltaFailed("The patch makes another image than the one that was signed.")


def _zstd(base: memoryview, patch: bytes, keep: Callable[[bytes], None], length: int) -> None:
    import zstandard

    widest = max(_LEAST_WINDOW, 1 << (len(base) + length).bit_length())
    try:
        frame = zstandard.get_frame_parameters(patch)
        if frame.content_size != length or frame.dict_id != 0 or frame.window_size > widest:
            raise DeltaFailed("The patch is for another image.")
        dictionary = zstandard.ZstdCompressionDict(base, dict_type=zstandard.DICT_TYPE_RAWCONTENT) if len(base) else None
        reader = zstandard.ZstdDecompressor(dict_data=dictionary, max_window_size=widest).stream_reader(patch, read_size=_CHUNK)
        while piece := reader.read(_CHUNK):
            keep(piece)
    except zstandard.ZstdError:
        raise DeltaFailed("The patch is damaged.") from None


def _bsdiff(base: memoryview, patch: bytes, keep: Callable[[bytes], None], length: int) -> None:
    from bsdiff4 import core

    if len(patch) < 32 or patch[:8] != _MAGIC:
        raise DeltaFailed("The patch is no BSDIFF40.")
    steps_end, added_end, said = (int.from_bytes(patch[at : at + 8], "little") for at in (8, 16, 24))
    steps_end += 32
    added_end += steps_end
    if said != length or added_end > len(patch) or max(len(base), length) > _LONGEST:
        raise DeltaFailed("The patch is for another image.")
    steps = _expanded(patch[32:steps_end], 24 * (64 + length // _BYTES_PER_STEP))
    added = _expanded(patch[steps_end:added_end], length)
    inserted = _expanded(patch[added_end:], length)
    if _sums(steps) != (len(added), len(inserted)) or len(added) + len(inserted) != length:
        raise DeltaFailed("The patch does not add up to the image.")
    made = core.patch(bytes(base), length, steps, added, inserted)
    for at in range(0, length, _CHUNK):
        keep(made[at : at + _CHUNK])


def _sums(steps: bytes) -> tuple[int, int]:
    """How many bytes all steps add to the base's, and how many they insert; DeltaFailed when one moves further than 32 bits can say.

    A step is three numbers of 8 bytes, little end first: bytes to add, bytes to insert, and, as sign and magnitude, to move on in the base.
    The first two cannot be negative here, so sums that are right leave no single one too large.
    """
    signs = steps[23::24].strip(b"\0\x80")
    if len(steps) % 24 or signs or any(steps[at::24].strip(b"\0") for at in (20, 21, 22)):
        raise DeltaFailed("The patch is damaged.")
    numbers = array("Q")
    numbers.frombytes(steps)
    if sys.byteorder == "big":
        numbers.byteswap()
    return sum(numbers[0::3]), sum(numbers[1::3])


def _expanded(block: bytes, most: int) -> bytes:
    """One bz2 stream, of at most so many bytes."""
    stream = bz2.BZ2Decompressor()
    try:
        expanded = stream.decompress(block, max_length=most + 1)
    except OSError:
        raise DeltaFailed("The patch is damaged.") from None
    if len(expanded) > most or (not stream.eof and stream.decompress(b"", max_length=1)):
        raise DeltaFailed("The patch makes more than the image.")
    if not stream.eof or stream.unused_data:
        raise DeltaFailed("The patch is damaged.")
    return expanded
