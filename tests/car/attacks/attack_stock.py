"""Stock python-tuf before the same attacks: its Updater on the director and on the image repository, as it comes.

A director has neither snapshot nor timestamp, which python-tuf asks for, so the deployer's online key signs both around its targets file.
"""

from __future__ import annotations

import re

from attack_wire import served
from attack_world import ONLINE, WEEK, after, first
from tuf.api.exceptions import DownloadError, DownloadHTTPError, RepositoryError
from tuf.ngclient import Updater
from tuf.ngclient.fetcher import FetcherInterface

from marque.release.repository.keys import signed
from marque.release.repository.online import file_of, snapshot_of, timestamp_of

BASE = "http://stock"


class InMemory(FetcherInterface):
    def __init__(self, trees):
        self.trees = trees

    def _fetch(self, url):
        repository, _, path = url.removeprefix(f"{BASE}/").partition("/")
        raw = self.trees[repository].get(path)
        if raw is None:
            raise DownloadHTTPError(f"{url} is not there", 404)
        yield raw


def director_of(world):
    """The director's files as a repository that stock clients can read."""
    raw = world.director.get("targets.json")
    if raw is None:
        return dict(world.director)
    found = re.search(rb'"version":\s*([0-9]+)', raw)
    version = int(found[1]) if found else 1
    return dict(world.director) | {f"{version}.targets.json": raw} | _around(raw, version, world.now)


def _around(raw, version, now):
    snapshot = signed(snapshot_of(version, now + WEEK, {"targets.json": file_of(raw, version)}), [ONLINE])
    return {f"{version}.snapshot.json": snapshot, "timestamp.json": signed(timestamp_of(version, now + WEEK, snapshot, version), [ONLINE])}


class StockCar:
    """Installs what the director wants and the image repository has, by python-tuf's checks alone."""

    def __init__(self, folder, world):
        self.folder = folder
        self.roots = {"director": world.director["1.root.json"], "image": world.image["1.root.json"]}

    def update(self, world, wire=""):
        """ "accepted", or by which error it was refused."""
        trees = {"director": director_of(world), "image": world.image, "targets": world.files}
        try:
            if not wire:
                return self._update(BASE, InMemory(trees), world)
            with served(wire, trees) as address:
                return self._update(address, None, world)
        except (RepositoryError, DownloadError, ValueError) as error:
            return f"refused: {type(error).__name__}"

    def _update(self, base, fetcher, world):
        director, image = (self._updater(name, base, fetcher, world.now) for name in ("director", "image"))
        director.refresh()
        image.refresh()
        for path in sorted(director._trusted_set.targets.targets):
            if director.get_targetinfo(path) is None:
                return "refused: not listed"
            info = image.get_targetinfo(path)
            if info is None:
                return "refused: not listed"
            image.download_target(info, str(self.folder / path.replace("/", "-")))
        return "accepted"

    def _updater(self, name, base, fetcher, now):
        metadata = self.folder / name
        fresh = not metadata.exists()
        metadata.mkdir(exist_ok=True, parents=True)
        updater = Updater(
            str(metadata),
            f"{base}/{name}/",
            str(self.folder),
            f"{base}/targets/",
            fetcher,
            bootstrap=self.roots[name] if fresh else None,
        )
        updater._trusted_set.reference_time = now
        return updater


def outcome(row, folder):
    """What stock python-tuf does before the attack, with the release before it installed."""
    start = first()
    for _ in range(row.start - 1):
        start = after(start)
    if row.before:
        row.before(start)
    car = StockCar(folder, first())
    assert car.update(start) == "accepted"
    attack = after(start)
    row.change(attack)
    return car.update(attack, row.wire)
