"""A server for a car, in memory: the attack table's world behind the car's own endpoint, and a car provisioned for it."""

from __future__ import annotations

import hashlib
import json
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

sys.path.insert(0, str(Path(__file__).parent / "attacks"))

import zstandard
from attack_world import (
    BRAKE,
    ECUS,
    GATEWAY,
    NOW,
    PILOT,
    TIME,
    VEHICLE,
    Memory,
    World,
    after,
    claims_of,
    evidence_of,
    first,
    image_of,
    sha256,
)  # fmt: skip
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from marque.car.folder import Car, provision
from marque.car.install.conditions import Situation, Terms
from marque.car.install.slots import folder as ecu_folder
from marque.car.install.slots import place
from marque.car.link import Poll, Stale, read_poll
from marque.car.settings import Settings
from marque.car.updater import Updater
from marque.car.uptane import reports
from marque.car.uptane.claims import Assignment, Delta
from marque.car.uptane.claims_json import custom_with
from marque.car.uptane.time import attestation
from marque.car.uptane.vehicle import dumps
from marque.common import Unavailable

__all__ = [
    "BRAKE",
    "ECUS",
    "GATEWAY",
    "NOW",
    "PILOT",
    "SAFE",
    "VEHICLE",
    "Server",
    "after",
    "car_of",
    "counters",
    "evidence_of",
    "first",
    "image_of",
    "served",
    "updater",
]

SAFE = Situation(parked=True, charge_percent=80)
KEYS = {serial: Ed25519PrivateKey.from_private_bytes(hashlib.sha256(serial.encode()).digest()) for serial in ECUS}
REGISTERED = replace(
    VEHICLE,
    ecus={serial: replace(ecu, public_key=KEYS[serial].public_key().public_bytes_raw().hex()) for serial, ecu in VEHICLE.ecus.items()},
)


class Counted(Memory):
    """taken: bytes handed out, by path. breaks_at: of one path, the byte at which the connection breaks, once. asked: paths, in order."""

    def __init__(self, files, repository):
        super().__init__(files, repository)
        self.taken: dict[str, int] = {}
        self.breaks_at: dict[str, int] = {}
        self.asked: list[str] = []

    def get(self, path, at_most):
        self.asked.append(path)
        return super().get(path, at_most)

    def download(self, path, length, write, start=0):
        self.asked.append(path)
        until = self.breaks_at.pop(path, None)

        def counted(piece):
            cut = piece if until is None else piece[: max(0, until - start)]
            self.taken[path] = self.taken.get(path, 0) + len(cut)
            write(cut)
            if until is not None:
                raise Unavailable("The connection ended.")

        super().download(path, length, counted, start)


@dataclass
class Server:
    """A Link. manifests: as checked, newest last; nonce: the one that the next manifest has to carry."""

    world: World
    manifests: list[reports.Manifest] = field(default_factory=list)
    number: int = 0
    down: bool = False
    lies_about_time: bool = False
    silent_about_time: bool = False
    known: dict[str, str] = field(default_factory=lambda: {serial: ecu.public_key for serial, ecu in REGISTERED.ecus.items()})

    def __post_init__(self):
        self.director, self.image, self.targets = (
            Counted(self.world.director, "director"), Counted(self.world.image, "image"), Counted(self.world.files, "targets"),
        )  # fmt: skip

    @property
    def nonce(self):
        return f"{self.number:032x}"

    def moves_to(self, world):
        """The same server, later."""
        self.world = world
        self.director.files, self.image.files, self.targets.files = world.director, world.image, world.files

    def answer(self, nonces):
        if self.down:
            raise Unavailable("The server does not answer.")
        wanted = self.world.wanted
        said = {
            "nonce": self.nonce,
            "director": {"root": 1, "targets": wanted.version},
            "image": {"root": 1, "timestamp": self.world.number},
            "poll_after_s": 60,
        }
        if nonces and not self.silent_about_time:
            answered = ["00" * 16] if self.lies_about_time else nonces
            now = self.world.now
            said["time"] = json.loads(attestation(answered, now, now + timedelta(minutes=10), [(TIME.key.id, TIME.sign)]))
        return json.dumps(said).encode()

    def poll(self, nonce) -> Poll:
        return read_poll(self.answer([nonce] if nonce else []))

    def report(self, manifest):
        last = self.manifests[-1].counter if self.manifests else 0
        try:
            checked = reports.check(manifest, self.known, self.nonce, last, vehicle=VEHICLE.id, primary=REGISTERED.primary.serial)
        except reports.UpdateRefused as refused:
            raise Stale(str(refused)) from None
        self.manifests.append(checked)
        self.number += 1
        return self.nonce

    def offer_deltas(self, counter):
        """Real patches for the release, in the director's next file."""
        targets = {}
        for path, target in self.world.wanted.targets.items():
            role = path.split("/")[1]
            base, new = (image_of(role, each) for each in (counter - 1, counter))
            patch = zstandard.ZstdCompressor(
                dict_data=zstandard.ZstdCompressionDict(base, dict_type=zstandard.DICT_TYPE_RAWCONTENT)
            ).compress(new)
            self.world.files[f"deltas/{role}-{counter}"] = patch
            delta = Delta("zstd-patch", sha256(base), f"deltas/{role}-{counter}", len(patch), sha256(patch))
            assignment = Assignment(ecus=target.custom["assign"]["ecus"], deltas=(delta,))
            targets[path] = replace(target, custom=custom_with(claims_of(role, counter), assignment))
        self.world.direct(targets=targets)


def write_keys(keys: Path) -> Path:
    keys.mkdir(exist_ok=True)
    for serial, key in KEYS.items():
        (keys / f"{ecu_folder(serial)}.key").write_text(key.private_bytes_raw().hex())
    return keys


def car_of(path: Path, world: World, *, consent=False, server="http://127.0.0.1:9/car/v1/gac/x/y", start=()) -> Car:
    """Provisioned, with nothing installed yet."""
    return provision(
        path / "car",
        vehicle=dumps(REGISTERED),
        root_image=world.image["1.root.json"],
        root_director=world.director["1.root.json"],
        told=Settings(server, Terms(consent=consent), start),
        now=NOW,
        keys=write_keys(path / "keys"),
    )


def updater(car: Car, server: Server, **how) -> Updater:
    return Updater(car, server, **how)


@contextmanager
def served(server: Server):
    """The car's address of the same server over HTTP."""
    trees = {"director": server.director, "metadata": server.image, "targets": server.targets}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            path, _, query = self.path.removeprefix("/car/").partition("?")
            if path == "poll":
                self.say(200, server.answer(query.removeprefix("nonces=").split(",") if query else []))
                return
            tree, _, name = path.partition("/")
            raw = trees[tree].files.get(name)
            if raw is None:
                self.say(404, b"")
                return
            start = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").rstrip("-"))
            self.say(206 if start else 200, raw[start:], f"bytes {start}-{len(raw) - 1}/{len(raw)}" if start else "")

        def do_POST(self):
            raw = self.rfile.read(int(self.headers["Content-Length"]))
            try:
                self.say(200, json.dumps({"accepted": True, "nonce": server.report(raw)}).encode())
            except Stale as fault:
                self.say(409, json.dumps({"detail": str(fault)}).encode())

        def say(self, status, raw, content_range=""):
            self.send_response(status)
            self.send_header("Content-Length", str(len(raw)))
            if content_range:
                self.send_header("Content-Range", content_range)
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_):
            pass

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listening.daemon_threads = True
    thread = Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.server_port}/car"
    finally:
        listening.shutdown()
        listening.server_close()
        thread.join()


def counters(car):
    """What every ECU runs, whose images lie there byte for byte."""
    state = car.look()
    for serial, image in state.running().items():
        assert car.storage.read(place(serial, state.slot(serial))) == image_of(ECUS[serial], image.counter)
    return {serial: image.counter for serial, image in state.running().items()}
