"""Deltas: the image that was signed comes out, or nothing counts; whatever the patch says."""

from __future__ import annotations

import bz2
import shutil
import subprocess
import zlib
from contextlib import suppress
from functools import cache
from hashlib import sha256

import bsdiff4
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from marque.car.install.deltas import BSDIFF, ZSTD_PATCH, DeltaFailed, apply, worthwhile
from marque.car.uptane.claims import Delta

BASE = b"".join(b"function %d does %d things\n" % (each, each * each % 97) for each in range(800))
NEW = BASE[:5000] + b"and one thing more" * 9 + BASE[5200:12000] + BASE[13000:]
METHODS = (ZSTD_PATCH, BSDIFF)


def make(method, base, new):
    if method == BSDIFF:
        return bsdiff4.diff(base, new)
    dictionary = zstandard.ZstdCompressionDict(base, dict_type=zstandard.DICT_TYPE_RAWCONTENT) if base else None
    return zstandard.ZstdCompressor(level=19, dict_data=dictionary).compress(new)


@cache
def honest(method):
    return make(method, BASE, NEW)


def applied(method, patch, base=BASE, new=NEW):
    out = []
    apply(method, memoryview(base), patch, out.append, length=len(new), sha256=sha256(new).hexdigest())
    return b"".join(out)


def bsdiff(control, added, inserted, length):
    """A patch of any content. control: triples."""
    steps = b"".join(
        abs(number).to_bytes(8, "little")[:7] + bytes([(abs(number) >> 56) | (0x80 if number < 0 else 0)]) for number in control
    )
    blocks = [bz2.compress(block) for block in (steps, added, inserted)]
    head = b"BSDIFF40" + b"".join(number.to_bytes(8, "little") for number in (len(blocks[0]), len(blocks[1]), length))
    return head + b"".join(blocks)


@pytest.mark.parametrize("method", METHODS)
def test_the_image_comes_out(method):
    patch = make(method, BASE, NEW)
    assert len(patch) < len(NEW) // 8
    assert applied(method, patch) == NEW


@settings(max_examples=60)
@given(base=st.binary(max_size=300), new=st.binary(max_size=300), method=st.sampled_from(METHODS))
def test_any_image_from_any_base(base, new, method):
    if method == BSDIFF or new:
        assert applied(method, make(method, base, new), base, new) == new


@pytest.mark.skipif(shutil.which("zstd") is None, reason="no zstd here")
def test_patches_of_the_zstd_program_apply(tmp_path):
    (tmp_path / "base").write_bytes(BASE)
    (tmp_path / "new").write_bytes(NEW)
    patched = ["zstd", "-q", "-19", f"--patch-from={tmp_path / 'base'}", str(tmp_path / "new"), "-o", str(tmp_path / "patch")]
    subprocess.run(patched, check=True)
    assert applied(ZSTD_PATCH, (tmp_path / "patch").read_bytes()) == NEW


@pytest.mark.parametrize("method", METHODS)
def test_another_base_is_noticed(method):
    with pytest.raises(DeltaFailed):
        applied(method, make(method, BASE, NEW), base=BASE[:-1] + b"?")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("other", [NEW + b"!", NEW[:-1], NEW[:-1] + b"?", b""])
def test_a_patch_to_another_image_is_refused(method, other):
    with pytest.raises(DeltaFailed):
        applied(method, make(method, BASE, other or b"x"))


def test_no_more_is_handed_on_than_the_image_has():
    for method in METHODS:
        out = []
        with pytest.raises(DeltaFailed):
            apply(method, memoryview(BASE), make(method, BASE, NEW + bytes(1_000_000)), out.append, length=len(NEW), sha256="0" * 64)
        assert sum(map(len, out)) <= len(NEW)


@settings(max_examples=300)
@given(method=st.sampled_from(METHODS), at=st.integers(0, 10_000), by=st.integers(1, 255), end=st.integers(0, 10_000))
def test_a_spoilt_patch_makes_the_image_or_is_refused(method, at, by, end):
    """It never crashes, and never makes anything else."""
    patch = bytearray(honest(method))
    patch[at % len(patch)] ^= by
    with suppress(DeltaFailed):
        assert applied(method, bytes(patch[: len(patch) - end % 7])) == NEW


@settings(max_examples=300)
@given(
    control=st.lists(st.integers(-(2**63) + 1, 2**63 - 1) | st.integers(-40, 40), max_size=12),
    added=st.binary(max_size=40),
    inserted=st.binary(max_size=40),
    length=st.integers(0, 100) | st.integers(0, 2**64 - 1),
)
def test_no_bsdiff_reaches_compiled_code_that_does_not_add_up(control, added, inserted, length):
    new = b"n" * (length if length <= 100 else 7)
    with suppress(DeltaFailed):
        assert applied(BSDIFF, bsdiff(control, added, inserted, length), new=new) == new


@pytest.mark.parametrize(
    ("control", "added", "inserted"),
    [
        ((-4, 14, 0), b"", b"0123456789"),
        ((0, -10, 0, 0, 20, 0), b"", b"0123456789"),
        ((0, 2**62, 0), b"", b"0123456789"),
        ((2**63 - 1, 0, 0), b"0123456789", b""),
        ((0, 10, 2**40), b"", b"0123456789"),
        ((0, 10), b"", b"0123456789"),
        ((0, 4, 0), b"", b"0123456789"),
        ((0, 11, 0), b"", b"0123456789"),
    ],
)
def test_steps_that_would_copy_what_is_not_theirs(control, added, inserted):
    with pytest.raises(DeltaFailed):
        applied(BSDIFF, bsdiff(control, added, inserted, 10), new=b"0123456789")


def test_moves_before_the_beginning_and_past_the_end_read_nothing():
    """As bsdiff itself: bytes that the base does not have count as 0."""
    patch = bsdiff((0, 0, -5, 10, 0, 0), b"0123456789", b"", 10)
    assert applied(BSDIFF, patch, base=b"", new=b"0123456789") == bsdiff4.patch(b"", patch) == b"0123456789"


def test_a_patch_that_swells_is_stopped_early():
    bomb = bz2.compress(bytes(20_000_000))
    patch = b"BSDIFF40" + b"".join(number.to_bytes(8, "little") for number in (len(bomb), 14, len(NEW))) + bomb + bz2.compress(b"") * 2
    with pytest.raises(DeltaFailed, match="more than the image"):
        applied(BSDIFF, patch)


def frame(window_log, content):
    """A zstd frame of one raw block that asks for a window of that size (RFC 8878, 3.1.1)."""
    head = bytes([0x80, (window_log - 10) << 3]) + len(content).to_bytes(4, "little")
    return bytes.fromhex("28b52ffd") + head + (len(content) << 3 | 1).to_bytes(3, "little") + content


def test_a_window_wider_than_base_and_image_is_not_allocated():
    assert applied(ZSTD_PATCH, frame(23, NEW)) == NEW
    with pytest.raises(DeltaFailed, match="another image"):
        applied(ZSTD_PATCH, frame(30, NEW))


def test_an_unknown_method_is_refused():
    with pytest.raises(DeltaFailed, match="courgette"):
        applied("courgette", zlib.compress(NEW))


def test_what_is_worth_its_bytes():
    here, there = "aa" * 32, "bb" * 32
    small, smaller, large, elsewhere, foreign = (
        Delta("bsdiff", here, "a", 40, here), Delta("zstd-patch", here, "b", 30, here), Delta("bsdiff", here, "c", 100, here),
        Delta("bsdiff", there, "d", 1, here), Delta("courgette", here, "e", 1, here),
    )  # fmt: skip
    offered = (small, smaller, large, elsewhere, foreign)
    assert worthwhile(100, offered, here, METHODS) == (smaller, small)
    assert worthwhile(100, offered, here, (BSDIFF,)) == (small,)
    assert worthwhile(100, offered, "", METHODS) == ()
    assert worthwhile(20, offered, here, METHODS) == ()
