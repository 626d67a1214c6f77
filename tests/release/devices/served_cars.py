"""Cars in a test's process and the endpoint that serves them: two companies, published releases, a roll-out, a real database."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI

sys.path.insert(0, str(Path(__file__).parents[1] / "releases"))
sys.path.insert(0, str(Path(__file__).parents[2] / "app"))

from device_world import vehicle
from in_process import browser
from release_world import Releasing, releasing

from databases import OneDatabase
from marque.alliance import decisions
from marque.car.tuf.client import Client
from marque.car.tuf.fetch import NotThere
from marque.car.uptane import full, reports
from marque.car.uptane.director import Director
from marque.car.uptane.plan import Plan
from marque.car.uptane.reports import State
from marque.car.uptane.vehicle import Installed, Vehicle
from marque.common import new_id
from marque.foundation import Database, SetClock
from marque.release import repositories
from marque.release.devices import cars, ddi_web, web
from marque.release.devices.model import Draft
from marque.release.devices.serving import Devices
from marque.release.rollouts import service
from marque.release.rollouts.model import Filing, Group, Rollout
from marque.release.rollouts.model import Plan as RolloutPlan

__all__ = ["Car", "Served", "a_world", "releasing", "served", "there"]
UNITS = {"gateway": "gateway-1", "driving": "compute-2"}
ORIGIN = "http://cars.example"


@dataclass
class Served:
    """The releasing world with its own endpoint. tokens: of registered cars, by id."""

    world: Releasing
    devices: Devices
    app: FastAPI
    keys: dict[str, Ed25519PrivateKey] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)

    @property
    def of(self):
        return "gac", self.world.programme

    @property
    def now(self):
        return self.world.database.clock.now()

    def register(self, *ids: str, features=(), **more) -> None:
        drafts = [Draft(vehicle(self.keys, one, more.pop("model", "vela"), units=UNITS, **more), features) for one in ids]
        with self.world.acting(self.world.engineers["gac"]) as tx:
            self.tokens |= {one.vehicle: one.token for one in cars.register_all(tx, *self.of, drafts)}

    def rollout(self, release, *groups: Group, **more) -> Rollout:
        """Cleared in both markets, approved by both, running. more: of its one group."""
        for market in ("cn", "de"):
            with self.world.acting("gac") as tx:
                service.file(tx, *self.of, release.id, market, Filing.FILED, reference="1")
        given = groups or (Group(name="all", soak=timedelta(0), **more),)
        with self.world.acting("gac") as tx:
            made = service.draft(tx, *self.of, RolloutPlan(name="Spring", release=release.id, groups=given))
        with self.world.acting("gac") as tx:
            launched = service.launch(tx, made.id)
        with self.world.acting("huawei") as tx:
            decisions.approve(tx, launched.decision)
        with self.world.served_to() as tx:
            return service.advance(tx, made.id)

    def later(self, **step: float) -> None:
        """Time passes, and the server keeps its signatures fresh."""
        self.world.later(**step)
        with self.world.served_to() as tx:
            repositories.refresh_online(tx, self.world.online, *self.of)

    def client(self, **headers: str) -> httpx.Client:
        asks = browser(self.app, ORIGIN)
        asks.headers.update(headers)
        return asks

    def car(self, folder: Path, one: str = "V-1") -> Car:
        return Car(self, one, folder)


@dataclass
class Car:
    """A car that verifies as `marque.car` does, over the endpoint under test. Everything else of an updater is left out."""

    served: Served
    id: str
    folder: Path
    counter: int = 0
    state: Vehicle | None = None

    def __post_init__(self) -> None:
        with self.served.world.served_to() as tx:
            self.state = cars.store.one(tx, cars.Fleet(*self.served.of), self.id).car(
                cars.store.ecus(tx, cars.Fleet(*self.served.of), "gac", [self.id])
            ).vehicle  # fmt: skip
            roots = {one: repositories.metadata(tx, *self.served.of, one, "1.root.json") for one in ("image", "director")}
        self.base = f"/car/v1/gac/{self.served.world.programme}/{self.id}"
        self.http = self.served.client(Authorization=f"Bearer {self.served.tokens[self.id]}")
        for one in ("image", "director"):
            (self.folder / one).mkdir(parents=True, exist_ok=True)
        self.director = Director(self.folder / "director", self.id)
        self.director.init(roots["director"])
        self.image_root = roots["image"]

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self.http.get(f"{self.base}/{path}", headers=headers)

    def poll(self, nonces: str = "") -> dict:
        answer = self.get(f"poll?nonces={nonces}" if nonces else "poll")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def plan(self) -> Plan:
        """As the car decides; raises UpdateRefused."""
        now = self.served.now
        self.director.poll(_Files(self, "director"), now)
        image = Client(self.folder / "image", _Files(self, "metadata"), now)
        if not (self.folder / "image" / "root.json").exists():
            image.init(self.image_root)
        image.refresh()
        return full.verify(self.state, self.director, image, now)

    def download(self, step, **headers: str) -> httpx.Response:
        digest = step.target.hashes["sha256"]
        folder, _, name = step.target.path.rpartition("/")
        return self.get(f"targets/{folder}/{digest}.{name}", **headers)

    def install(self, plan: Plan) -> None:
        self.state = self.state.having({step.ecu: step.installed for step in plan.steps})

    def manifest(self, state: State = State.INSTALLED, nonce: str = "", counter: int = 0, **more) -> bytes:
        self.counter = counter or self.counter + 1
        nonce = nonce or self.poll()["nonce"]
        said = [
            reports.report(ecu.serial, ecu.hardware, ecu.installed, nonce, self.served.keys[ecu.serial].sign)
            for ecu in self.state.ecus.values()
        ]
        return reports.manifest(
            vehicle=self.id, primary=self.state.primary.serial, nonce=nonce, counter=self.counter, at=self.served.now,
            director_version=more.pop("director_version", 1), state=state, reports=said,
            sign=self.served.keys[self.state.primary.serial].sign, **more,
        )  # fmt: skip

    def report(self, raw: bytes) -> httpx.Response:
        return self.http.post(f"{self.base}/manifest", content=raw, headers={"Content-Type": "application/json"})


@dataclass
class _Files:
    """A fetcher over the endpoint."""

    car: Car
    folder: str

    def get(self, path: str, at_most: int) -> bytes:
        answer = self.car.get(f"{self.folder}/{path}")
        if answer.status_code == 404:
            raise NotThere(path)
        assert answer.status_code == 200, answer.text
        assert len(answer.content) <= at_most
        return answer.content

    def download(self, path, length, write, start=0) -> None:
        raise NotImplementedError


@contextmanager
def a_world(server, folder: Path):
    """Served, in a database of its own, its repository begun: for a whole module, because beginning one takes seconds."""
    apart = OneDatabase(server, "marque_template", f"test_{new_id().hex}")
    addresses = apart.emptied()
    with Database(addresses.app, SetClock(datetime(2026, 6, 1, 12, tzinfo=UTC))) as database:
        made = releasing(database, addresses.owner, folder)
        made.begin()
        with served(made) as told:
            yield told
    apart.drop()


@contextmanager
def served(world: Releasing):
    """The world with an application that has nothing but the endpoints of devices."""
    devices = Devices(world.database, world.blobs, world.online)
    app = FastAPI()
    app.state.devices = lambda: devices
    app.include_router(web.car_routes)
    app.include_router(ddi_web.routes)
    yield Served(world, devices, app)


def there(release: str, counter: int, sha256: str, path: str, evidence: str, version: str = "1.0.0", length: int = 10) -> Installed:
    return Installed(release, version, counter, sha256, length, path, evidence)
