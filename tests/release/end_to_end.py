"""Everything in processes of its own: PostgreSQL, the application with its worker, cars; and somebody on the wire between the two."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).parent / "releases"))

from release_world import Releasing, releasing

from databases import OneDatabase
from marque.alliance import decisions, tokens
from marque.common import new_id
from marque.foundation import Database, SetClock
from marque.release import repositories
from marque.release.rollouts import service
from marque.release.rollouts.model import Filing, Group, Plan, Thresholds

HERE = Path(__file__).parent
UNITS = {"gateway": "gateway-1", "driving": "compute-2"}
PATIENCE_S = 60.0


class RunningClock:
    """A clock that was set once and goes on; the same in every process that is told when."""

    def __init__(self, began: datetime, wall_s: float) -> None:
        self.began, self.wall_s = began, wall_s

    def now(self) -> datetime:
        return self.began + timedelta(seconds=time.time() - self.wall_s)


@dataclass
class Whole:
    """Two companies, their server and its address, and the clock of all of them."""

    world: Releasing
    clock: RunningClock
    address: str
    folder: Path
    gateway: str
    log: Path

    @property
    def of(self):
        return "gac", self.world.programme

    def car(self, vehicle: str = "V-1", through: str = "") -> Car:
        """Keys made, registered over the API, provisioned; through: the address of whoever is on the wire."""
        home = self.folder / vehicle
        home.mkdir()
        ecus = {f"{vehicle}-{role}": {"hardware": one, "role": role, "methods": ["zstd-patch", "bsdiff"]} for role, one in UNITS.items()}
        ecus[f"{vehicle}-gateway"]["primary"] = True
        (home / "vehicle.json").write_text(json.dumps({"vehicle": vehicle, "model": "vela", "market": "cn", "ecus": ecus}))
        marque_car("keys", home / "vehicle.json", "--keys", home / "keys")
        said = {"cars": [json.loads((home / "vehicle.json").read_text())]}
        told = self.ask("POST", f"/api/v1/programmes/gac/{self.world.programme}/update-cars", said)
        (home / "token").write_text(told[0]["token"])
        with self.world.served_to() as tx:
            for one in ("image", "director"):
                (home / f"{one}.json").write_bytes(repositories.metadata(tx, *self.of, one, "1.root.json"))
        server = f"{through or self.address}/car/v1/gac/{self.world.programme}/{vehicle}"
        given = ["provision", home / "car", "--vehicle", home / "vehicle.json", "--root-image", home / "image.json", "--root-director",
                 home / "director.json", "--server", server, "--token-file", home / "token", "--keys", home / "keys"]  # fmt: skip
        # The workshop's clock is the one thing that a car believes at its provisioning.
        code = (
            "import sys; from datetime import datetime; from marque.car import cli, commands;"
            f"commands._now = lambda: datetime.fromisoformat({self.clock.now().isoformat()!r}); sys.exit(cli.main(sys.argv[1:]))"
        )
        done = subprocess.run([sys.executable, "-c", code, *map(str, given)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return Car(home / "car")

    def get_as(self, vehicle: str, path: str) -> bytes:
        """What the server gives a car, without the car."""
        where = urlsplit(self.address)
        connection = http.client.HTTPConnection(where.hostname, where.port, timeout=30)
        token = (self.folder / vehicle / "token").read_text()
        connection.request("GET", f"/car/v1/gac/{self.world.programme}/{vehicle}/{path}", headers={"Authorization": f"Bearer {token}"})
        raw = connection.getresponse().read()
        connection.close()
        return raw

    def ask(self, method: str, path: str, said: object = None) -> object:
        where = urlsplit(self.address)
        connection = http.client.HTTPConnection(where.hostname, where.port, timeout=30)
        headers = {"Authorization": f"Bearer {self.gateway}", "Content-Type": "application/json"}
        connection.request(method, path, None if said is None else json.dumps(said), headers)
        answer = connection.getresponse()
        raw = answer.read()
        connection.close()
        assert answer.status < 300, (answer.status, raw)
        return json.loads(raw)

    def rollout(self, release, *cars: str):
        """Approved by both; that it starts is up to the server's worker."""
        for market in ("cn", "de"):
            with self.world.acting("gac") as tx:
                service.file(tx, *self.of, release.id, market, Filing.FILED, reference="1")
        with self.world.acting("gac") as tx:
            group = Group(name="all", cars=cars, soak=timedelta(0), attempts=20, retry_after=timedelta(0), thresholds=Thresholds(error=1.0))
            made = service.draft(tx, *self.of, Plan(name=f"{release.version}", release=release.id, groups=(group,)))
        with self.world.acting("gac") as tx:
            launched = service.launch(tx, made.id)
        with self.world.acting("huawei") as tx:
            decisions.approve(tx, launched.decision)
        return made

    def until(self, holds, what: str) -> None:
        ends = time.monotonic() + PATIENCE_S
        while not holds():
            assert time.monotonic() < ends, f"{what}\n{self.log.read_text()[-3000:]}"
            time.sleep(0.2)


@dataclass
class Car:
    """A provisioned folder."""

    folder: Path

    def update(self) -> tuple[int, str]:
        return marque_car("update", self.folder, "--consent", "--parked", "--charge", "80", may_fail=True)

    def status(self) -> dict:
        return json.loads(marque_car("status", self.folder, "--json")[1])

    def versions(self) -> dict[str, str]:
        return {serial: ecu["installed"]["version"] for serial, ecu in self.status()["ecus"].items() if ecu.get("installed")}

    def slots(self) -> dict[str, bytes]:
        """Everything that the ECUs hold, but what they have learned of who signs what."""
        files = [file for file in sorted((self.folder / "ecus").rglob("*")) if file.is_file() and "trust" not in file.parts]
        return {str(file.relative_to(self.folder)): file.read_bytes() for file in files}


def marque_car(*arguments: object, may_fail: bool = False) -> tuple[int, str]:
    command = [str(Path(sys.executable).parent / "marque-car"), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert may_fail or done.returncode == 0, done.stderr
    return done.returncode, done.stdout + done.stderr


@dataclass
class OnTheWire:
    """Whoever sits between car and server. tamper: (path, status, body) → what the car gets; last: what was given, by car and path."""

    address: str
    tamper: object = None
    last: dict[str, bytes] = field(default_factory=dict)
    posted: list[bytes] = field(default_factory=list)


@contextmanager
def on_the_wire(server: str):
    where, wire = urlsplit(server), OnTheWire("")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one(self, body: bytes | None) -> None:
            connection = http.client.HTTPConnection(where.hostname, where.port, timeout=30)
            headers = {name: value for name, value in self.headers.items() if name.lower() not in {"host", "connection"}}
            connection.request(self.command, self.path, body, headers | {"Host": f"127.0.0.1:{where.port}"})
            answer = connection.getresponse()
            raw = answer.read()
            connection.close()
            vehicle, path = self.path.split("?")[0].split("/", 6)[5:]
            status = answer.status
            wire.last[f"{vehicle}/{path}"] = raw
            if wire.tamper is not None:
                status, raw = wire.tamper(path, status, raw)
            self.send_response(status)
            for name in ("Content-Type", "Content-Range", "ETag"):
                if (value := answer.headers.get(name)) is not None:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            with suppress(ConnectionError):  # a car that has seen enough hangs up
                self.wfile.write(raw)

        def do_GET(self) -> None:
            self.handle_one(None)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            wire.posted.append(body)
            self.handle_one(body)

        def log_message(self, *_: object) -> None:
            pass

    proxy = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    proxy.daemon_threads = True
    thread = threading.Thread(target=proxy.serve_forever)
    thread.start()
    wire.address = f"http://127.0.0.1:{proxy.server_address[1]}"
    try:
        yield wire
    finally:
        proxy.shutdown()
        proxy.server_close()
        thread.join()


@contextmanager
def whole(server, folder: Path):
    """The world, and `marque serve --working` in a process of its own on the same database, blobs and keys."""
    apart = OneDatabase(server, "marque_template", f"test_{new_id().hex}")
    addresses = apart.emptied()
    with Database(addresses.app, SetClock(datetime(2026, 6, 1, 12, tzinfo=UTC))) as database:
        world = releasing(database, addresses.owner, folder)
        clock = RunningClock(database.clock.now(), time.time())
        database.clock = clock
        world.begin()
        administrator = world.companies.appoint("gac", "administrator", name="administrator")
        with world.acting(administrator) as tx:
            token, _ = tokens.issue(tx, "factory", "registers cars", ["create:release-signature", "view:release-signature"],
                                    clock.now() + timedelta(days=30))  # fmt: skip
        environment = {
            "PATH": os.environ["PATH"], "MARQUE_DATABASE_OWNER": addresses.owner, "MARQUE_DATABASE_APP": addresses.app,
            "MARQUE_DATABASE_WORKER": addresses.worker, "MARQUE_BLOBS": str(folder / "blobs"), "MARQUE_KEYS_FOLDER": str(folder / "keys"),
            "MARQUE_PUBLIC_ORIGIN": "https://marque.example", "MARQUE_LOG_FORMAT": "json",
        }  # fmt: skip
        log = folder / "server.log"
        command = [sys.executable, str(HERE / "served_process.py"), clock.began.isoformat(), str(clock.wall_s), str(folder / "address")]
        with log.open("wb") as said, subprocess.Popen(command, env=environment, stdout=said, stderr=said) as process:
            try:
                ends = time.monotonic() + PATIENCE_S
                while not (folder / "address").exists():
                    assert process.poll() is None, log.read_text()[-3000:]
                    assert time.monotonic() < ends, log.read_text()[-3000:]
                    time.sleep(0.1)
                yield Whole(world, clock, (folder / "address").read_text(), folder, token, log)
            finally:
                process.terminate()
                process.wait(30)
    apart.drop()
