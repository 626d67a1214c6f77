"""Fixtures every room's tests may use."""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import settings

from databases import OneDatabase, forget_safely
from marque.app.platform import ROOMS
from marque.common import new_id
from marque.foundation import Database, SetClock, embedded
from marque.foundation.embedded import Addresses
from marque.foundation.migrations import migrate, of_rooms

_TEMPLATE = "marque_template"

# The same examples on every run; no deadline, because the first call of a kernel compiles it.
settings.register_profile("marque", deadline=None, derandomize=True, database=None)
settings.load_profile("marque")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--thorough", action="store_true", help="as many cases as docs/bars.md tells of, where that takes longer than CI may")


_COMPILES = "simulation/test_city.py"
_KERNELS = ("vehicle", "driving", "simulation", "proof", "app")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """First one file that compiles nearly all kernels, then the rooms without any, then those that find them compiled.

    Of several workers one is busy with that for two minutes; in the order of the alphabet every worker would compile them all.
    """
    tests = Path(__file__).parent
    files = Counter(item.path for item in items)

    def turn(item: pytest.Item) -> tuple[int, int]:
        place = item.path.relative_to(tests)
        return (0 if str(place) == _COMPILES else 2 if place.parts[0] in _KERNELS else 1), -files[item.path]

    items.sort(key=turn)


@pytest.fixture(scope="session")
def thorough(request: pytest.FixtureRequest) -> bool:
    """Whether time does not matter."""
    return bool(request.config.getoption("--thorough"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real material of others, where it is at hand; its tests skip elsewhere."""
    root = Path(os.environ.get("MARQUE_SHARED") or Path(__file__).parents[2] / "shared") / "data"
    if not root.is_dir():
        pytest.skip("the shared test material is not on this machine")
    return root


@pytest.fixture(scope="session")
def server() -> Iterator[Addresses]:
    """One PostgreSQL for all tests of a process, with a migrated database to copy from.

    Not below pytest's own folder: every start of pytest closes that one to other users, and started by root the server is another user.
    """
    with tempfile.TemporaryDirectory(prefix="marque-", ignore_cleanup_errors=True) as folder:
        addresses = embedded.start(Path(folder), _TEMPLATE)
        forget_safely(addresses)
        migrate(addresses.owner, of_rooms(ROOMS))
        yield addresses
        embedded.stop(Path(folder))


@pytest.fixture(scope="session")
def shared_database(server: Addresses) -> Iterator[OneDatabase]:
    shared = OneDatabase(server, _TEMPLATE, "marque_test")
    yield shared
    shared.drop()


@pytest.fixture
def addresses(shared_database: OneDatabase) -> Addresses:
    """A migrated database without a row but those of the migrations."""
    return shared_database.emptied()


@pytest.fixture
def own_addresses(server: Addresses) -> Iterator[Addresses]:
    """A migrated database of the test's own, whose schema it may change."""
    apart = OneDatabase(server, _TEMPLATE, f"test_{new_id().hex}")
    yield apart.emptied()
    apart.drop()


@pytest.fixture
def owner_dsn(addresses: Addresses) -> str:
    return addresses.owner


@pytest.fixture
def database(addresses: Addresses) -> Iterator[Database]:
    """The door to a fresh database, as the role that serves requests; its clock stands at noon of 1 June 2025."""
    with Database(addresses.app, SetClock(datetime(2025, 6, 1, 12, tzinfo=UTC))) as opened:
        yield opened
