"""The car of the updater's tests, and its server."""

from __future__ import annotations

import pytest
from updater_world import SAFE, Server, car_of, first, updater

from marque.car.uptane.reports import State


@pytest.fixture
def server():
    """Of the first release."""
    return Server(first())


@pytest.fixture
def car(tmp_path, server):
    """Provisioned; nothing is installed."""
    return car_of(tmp_path, server.world)


@pytest.fixture
def at_first(car, server):
    """The car runs release 1."""
    assert updater(car, server).once(SAFE).state is State.INSTALLED
    return car
