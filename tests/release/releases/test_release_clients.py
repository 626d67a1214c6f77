"""What clients make of a programme's repository as it is served from the database: the car's own, and stock python-tuf."""

from __future__ import annotations

import hashlib

import pytest
from release_world import MODELS
from test_release_repository_life import next_root
from tuf.api.exceptions import DownloadHTTPError
from tuf.ngclient import Updater, UpdaterConfig
from tuf.ngclient.fetcher import FetcherInterface

from marque.car.attacks import Attack, UpdateRefused
from marque.car.tuf.client import Client
from marque.car.tuf.fetch import NotThere
from marque.common import Missing
from marque.release import repositories, signatures, withdrawals
from marque.release.model import State


class Served:
    """Metadata and images as a server hands them out."""

    def __init__(self, world):
        self.world, self.asked = world, []

    def metadata(self, name):
        self.asked.append(name)
        with self.world.served_to() as tx:
            return repositories.metadata(tx, "gac", self.world.programme, "image", name)

    def get(self, path, at_most):
        try:
            raw = self.metadata(path)
        except Missing:
            raise NotThere(path) from None
        assert len(raw) <= at_most
        return raw


class Stock(FetcherInterface):
    def __init__(self, world):
        self.served = Served(world)

    def _fetch(self, url):
        if "/targets/" in url:
            sha256 = url.rsplit("/", 1)[1].split(".", 1)[0]
            yield self.served.world.blobs.of("gac").read(sha256)
            return
        try:
            yield self.served.metadata(url.rsplit("/", 1)[1])
        except Missing:
            raise DownloadHTTPError("no such file", 404) from None


def our_client(world, folder):
    made = Client(folder, Served(world), world.database.clock.now())
    if not (folder / "root.json").exists():
        made.init(made.fetcher.metadata("1.root.json"))
    made.refresh()
    return made


def stock_client(world, folder):
    for name in ("trusted", "downloads"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    served = Stock(world)
    places = str(folder / "trusted"), "http://r/metadata/", str(folder / "downloads"), "http://r/targets/"
    made = Updater(*places, served, UpdaterConfig(), bootstrap=served.served.metadata("1.root.json"))
    made._trusted_set.reference_time = world.database.clock.now()
    made.refresh()
    return made


def test_both_find_a_published_release_with_its_claims_and_bytes(begun, tmp_path):
    release = begun.published()
    ours, stock = our_client(begun, tmp_path / "ours"), stock_client(begun, tmp_path / "stock")
    for image in release.images:
        found, told = ours.target(image.path), stock.get_targetinfo(image.path)
        assert (found.length, found.hashes, found.custom) == (told.length, told.hashes, told.custom)
        with open(stock.download_target(told), "rb") as file:  # noqa: PTH123
            assert hashlib.sha256(file.read()).hexdigest() == image.sha256


@pytest.mark.slow
def test_both_go_on_through_roots_releases_and_withdrawals(begun, tmp_path):
    first = begun.published("1.1.0", sequence=1)
    our_client(begun, tmp_path / "ours")
    stock_client(begun, tmp_path / "stock")
    begun.later(hours=1)
    begun.sign_all(next_root(begun, models={**MODELS, "corvus": ("compute-2",)}))
    second = begun.published("1.2.0", sequence=2)
    with begun.acting("huawei") as tx:
        withdrawals.withdraw(tx, "gac", begun.programme, first.evidence.sha256, "field reports")
        (change,) = [one for one in signatures.changes(tx, "gac", begun.programme) if one.state is State.OPEN]
    begun.sign_all(change)
    ours, stock = our_client(begun, tmp_path / "ours"), stock_client(begun, tmp_path / "stock")
    assert ours.trusted.root.said.version == 2
    assert ours.target(second.images[0].path) is not None
    assert stock.get_targetinfo(second.images[0].path) is not None
    assert {evidence: one.by for evidence, one in ours.withdrawn().items()} == {first.evidence.sha256: "huawei"}


def test_a_car_that_knows_it_all_asks_for_a_root_and_the_timestamp_alone(begun, tmp_path):
    release = begun.published()
    our_client(begun, tmp_path / "ours").target(release.images[0].path)
    again = our_client(begun, tmp_path / "ours")
    assert again.target(release.images[0].path) is not None
    assert again.fetcher.asked == ["2.root.json", "timestamp.json"]


def test_a_server_that_falls_silent_is_found_out_after_a_day(begun, tmp_path):
    our_client(begun, tmp_path / "ours")
    begun.later(hours=25)
    with pytest.raises(UpdateRefused) as met:
        our_client(begun, tmp_path / "ours")
    assert met.value.attack is Attack.FREEZE
