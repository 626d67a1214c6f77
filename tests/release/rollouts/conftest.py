"""The world of roll-outs as a fixture."""

from __future__ import annotations

import pytest
from rollout_world import rollout_world


@pytest.fixture
def world(database, owner_dsn):
    return rollout_world(database, owner_dsn)


@pytest.fixture(autouse=True)
def _until_e(monkeypatch):
    from marque.release import releases
    from marque.release.store import releases as rows

    monkeypatch.setattr(releases, "distributable", lambda tx, ids: frozenset(rows.distributable(tx, ids)))

    def one(tx, release):
        from marque.common import Missing

        if not (found := rows.by_ids(tx, [release])):
            raise Missing("release")
        return found[0]

    monkeypatch.setattr(releases, "one", one)
