"""The world of roll-outs as a fixture."""

from __future__ import annotations

import pytest
from rollout_world import rollout_world


@pytest.fixture
def world(database, owner_dsn):
    return rollout_world(database, owner_dsn)
