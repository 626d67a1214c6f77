"""Worlds in which releases are made: built once for a process, copied for each test."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest
from release_world import Releasing, releasing

from databases import OneDatabase
from marque.common import new_id
from marque.foundation import Database, SetClock
from marque.foundation.embedded import Addresses

TEMPLATE = "marque_template"


@dataclass
class Copies:
    """A database that nobody is connected to, and the world in it."""

    server: Addresses
    name: str
    world: Releasing

    def one(self) -> Iterator[Releasing]:
        """A copy, its clock where the world's stands; gone when the test ends."""
        apart = OneDatabase(self.server, self.name, f"test_{new_id().hex}")
        addresses = apart.emptied()
        with Database(addresses.app, SetClock(self.world.database.clock.now())) as database:
            yield self.world.elsewhere(database, addresses)
        apart.drop()


def built(server: Addresses, folder, name: str, *, begun: bool) -> Copies:
    addresses = OneDatabase(server, TEMPLATE, name).emptied()
    with Database(addresses.app, SetClock(datetime(2021, 6, 1, tzinfo=UTC))) as database:
        world = replace(releasing(database, addresses.owner, folder), addresses=addresses)
        if begun:
            world.begin()
    return Copies(server, name, world)


@pytest.fixture(scope="session")
def unbegun_worlds(server, tmp_path_factory):
    return built(server, tmp_path_factory.mktemp("unbegun"), "marque_releasing", begun=False)


@pytest.fixture(scope="session")
def begun_worlds(server, tmp_path_factory):
    return built(server, tmp_path_factory.mktemp("begun"), "marque_begun", begun=True)


@pytest.fixture
def world(unbegun_worlds):
    """Keys are there, the repository is not begun."""
    yield from unbegun_worlds.one()


@pytest.fixture
def begun(begun_worlds):
    """Its repository is in force."""
    yield from begun_worlds.one()
