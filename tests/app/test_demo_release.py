"""The demonstration's releases: signed by both with their own keys, taken up where they were interrupted, driven into cars that report."""

from __future__ import annotations

import json
import sys
import tempfile
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from marque.alliance.audit import LogKey
from marque.alliance.passkeys import RelyingParty
from marque.app import demo_cars, demo_evidence, demo_line, demo_release
from marque.app.demo_cars import Road
from marque.app.demo_evidence import Driven
from marque.app.platform import Platform, server_key
from marque.app.settings import Settings
from marque.common import MarqueError
from marque.foundation import Actor
from marque.proof.campaign import Task
from marque.proof.campaign.inputs import inputs_of
from marque.proof.evidence import Input, Policy
from marque.proof.suites import read_suite
from marque.release import releases, repositories
from marque.release.devices import cars
from marque.release.model import Stage
from marque.release.rollouts import service
from marque.release.rollouts.model import State

sys.path.insert(0, str(Path(__file__).parents[1] / "proof"))
from sealed_world import run_line, sha


@pytest.fixture
def platform(database, addresses, tmp_path, monkeypatch):
    """With the two companies in it, and a fleet small enough for a test."""
    monkeypatch.setattr(demo_cars, "CARS", 12)
    settings = Settings(public_origin="http://localhost:8000", keys_folder=tmp_path / "keys", blobs=str(tmp_path / "blobs"))
    log = LogKey("localhost/audit", server_key(tmp_path / "audit-log.pem"))
    made = Platform(settings, addresses, database, RelyingParty("localhost", "Marque", ("http://localhost:8000",)), None, log)
    assert demo_line._companies(made)
    return made


@dataclass
class Quick:
    """Instead of minutes of driving, lines as a campaign writes them, under a policy that asks for so few."""

    driven: int = 0

    def __call__(self, platform, folder, parties):
        self.driven += 1
        now = platform.clock.now()
        rules = {
            "reference": "competent-and-careful", "confidence": 0.9, "limits": {"motorway": 0.95}, "outside": [],
            "least_runs": {"motorway": 2}, "baseline": "", "margin": None, "seed": 7,
        }  # fmt: skip
        policy = Policy(tuple(sorted(parties)), now, now + timedelta(days=60), {"alks": sha("suite/alks")}, {}, rules)
        runs = folder / "runs.jsonl"
        runs.write_bytes(b"".join(run_line(case, "passed", "motorway", weight=1.0) for case in range(4)))
        code = {name: digest for name, digest in _inputs().items() if name.startswith(("code/", "lock"))}
        said = (
            code | {name: sha(name) for name in ("map/town", "model/vela", "seeds", "simulator", "suite/alks")} | {"policy": policy.digest}
        )
        inputs = tuple(Input(name, digest) for name, digest in sorted(said.items()))
        platform.clock.advance(timedelta(seconds=2))
        return Driven(policy, runs, inputs, now + timedelta(seconds=1), platform.clock.now())


def _inputs():
    with tempfile.TemporaryDirectory() as folder:
        suite = Path(folder) / "suite.json"
        suite.write_text(json.dumps(demo_evidence.SUITE))
        return inputs_of(Task(suite, "vela", 7), [read_suite(suite)])


def seen(platform, organisation="linjiang"):
    with psycopg.connect(platform.addresses.owner.replace("user=marque_owner", "user=postgres")) as superuser:
        (person,) = superuser.execute(
            "select id from alliance.person where organisation = %s and email like 'engineering@%%'", (organisation,)
        ).fetchone()
        (programme,) = superuser.execute("select id from alliance.programme where organisation = 'linjiang'").fetchone()
    with platform.database.transaction(Actor(organisation, person)) as tx:
        found = {one.version: one for one in releases.page(tx, "linjiang", programme)}
        rolled = {one.release_name + str(one.counter): one.state for one in service.page(tx, "linjiang", programme)}
        return found, rolled, repositories.state(tx, "linjiang", programme)


def test_an_installation_without_the_two_companies_is_left_as_it_is(database, addresses, tmp_path):
    settings = Settings(public_origin="http://localhost:8000", keys_folder=tmp_path / "keys", blobs=str(tmp_path / "blobs"))
    made = Platform(settings, addresses, database, RelyingParty("localhost", "Marque", ("http://localhost:8000",)), None, None)
    assert demo_release.furnish(made, Quick()) is None
    assert not (tmp_path / "keys").exists()


@pytest.mark.slow
def test_three_releases_stand_where_the_demonstration_shows_them(platform):
    fleet = demo_release.furnish(platform, Quick())
    assert fleet is not None
    found, rolled, repository = seen(platform)
    assert {version: one.stage for version, one in found.items()} == {
        "1.0.0": Stage.SUPERSEDED, "1.1.0": Stage.PUBLISHED, "1.2.0": Stage.SIGNING,
    }  # fmt: skip
    assert rolled == {"pilot1": State.FINISHED, "pilot2": State.RUNNING}
    assert repository.parties == ("linjiang", "zhibei")
    with platform.database.transaction(fleet.reader) as tx:
        car = cars.one(tx, fleet.lead, fleet.programme, fleet.cars[0])
    assert {ecu.installed.version for ecu in car.vehicle.ecus.values()} == {"1.0.0"}
    road = Road()
    for _ in range(30):
        platform.clock.advance(timedelta(minutes=5))
        demo_cars.moment(platform, fleet, fleet.cars, road)
        demo_cars.moment(platform, fleet, fleet.cars, road)
        demo_cars._advance(platform, fleet)
        if seen(platform)[1]["pilot2"] is not State.RUNNING:
            break
    assert seen(platform)[1]["pilot2"] is State.FINISHED


@pytest.mark.slow
def test_what_was_interrupted_goes_on_and_nothing_is_done_twice(platform, monkeypatch):
    quick = Quick()

    def fails(*_):
        raise MarqueError("The power fails.")

    with monkeypatch.context() as patch:
        patch.setattr(demo_evidence, "sealed", fails)
        assert demo_release.furnish(platform, quick) is None
    assert {one.stage for one in seen(platform)[0].values()} == {Stage.DRAFT}
    assert demo_release.furnish(platform, quick) is not None
    before = seen(platform)
    assert demo_release.furnish(platform, quick) is not None
    assert quick.driven == 2, "what is proven is not driven again"
    assert seen(platform)[:2] == before[:2]
