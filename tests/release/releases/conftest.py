"""A world in which releases are made, once for each test."""

from __future__ import annotations

import pytest
from release_world import releasing


@pytest.fixture
def world(database, owner_dsn, tmp_path):
    """Keys are there, the repository is not begun."""
    return releasing(database, owner_dsn, tmp_path)


@pytest.fixture
def begun(world):
    """Its repository is in force."""
    world.begin()
    return world
