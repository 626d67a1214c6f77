"""Deltas between real shared libraries: two versions of a wheel, by pip, not installed."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from hashlib import sha256

import bsdiff4
import pytest

from marque.car.install.deltas import BSDIFF, ZSTD_PATCH, apply
from marque.release.devices.deltas import make

NAME, OLD, NEW = "cryptography", "45.0.6", "45.0.7"
SHARE = 0.12


@pytest.fixture(scope="module")
def libraries(tmp_path_factory):
    """The extension module of both versions."""
    folder = tmp_path_factory.mktemp("wheels")
    for version in (OLD, NEW):
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:", "--dest", str(folder)]
        if subprocess.run([*pip, f"{NAME}=={version}"], check=False, capture_output=True).returncode:
            pytest.skip("there is no package index to be reached")
    found = []
    for version in (OLD, NEW):
        (wheel,) = folder.glob(f"{NAME}-{version}-*.whl")
        with zipfile.ZipFile(wheel) as archive:
            (name,) = (each for each in archive.namelist() if each.endswith(".so"))
            found.append(archive.read(name))
    return found


@pytest.mark.slow
@pytest.mark.parametrize("method", [ZSTD_PATCH, BSDIFF])
def test_a_patch_is_a_small_part_of_the_library_and_makes_it(method, libraries):
    old, new = libraries
    assert old != new
    patch = make(method, old, new)
    assert len(patch) <= SHARE * len(new)
    out = []
    apply(method, memoryview(old), patch, out.append, length=len(new), sha256=sha256(new).hexdigest())
    assert b"".join(out) == new
    if method == BSDIFF:
        assert bsdiff4.patch(old, patch) == new
