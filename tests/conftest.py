"""Fixtures every room's tests may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# The same examples on every run; no deadline, because the first call of a kernel compiles it.
settings.register_profile("marque", deadline=None, derandomize=True, database=None)
settings.load_profile("marque")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real material of others, where it is at hand; its tests skip elsewhere."""
    root = Path(os.environ.get("MARQUE_SHARED") or Path(__file__).parents[2] / "shared") / "data"
    if not root.is_dir():
        pytest.skip("the shared test material is not on this machine")
    return root
