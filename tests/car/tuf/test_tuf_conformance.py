"""The public conformance suite for TUF clients, where a checkout of it is at hand."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_every_test_of_the_public_suite_passes() -> None:
    """MARQUE_TUF_CONFORMANCE: a checkout of github.com/theupdateframework/tuf-conformance, `make dev` done; `faketime` on the path."""
    checkout = os.environ.get("MARQUE_TUF_CONFORMANCE")
    if not checkout:
        pytest.skip("MARQUE_TUF_CONFORMANCE names no checkout of the suite")
    own = Path(checkout) / "env/bin/python"
    program = f"{Path(sys.executable).with_name('marque-car')} tuf"
    command = [str(own if own.exists() else sys.executable), "-m", "pytest", "tuf_conformance", "-q", "--entrypoint", program]
    done = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:]
    assert " passed" in done.stdout
