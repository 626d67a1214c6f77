"""Two invented companies, their image repository, a director, one vehicle of three ECUs, and the car's own folder: all in memory or small.

`first()` is the world at release 1, `after(world)` at the next; an attack is such a world that somebody changed. Metadata is built with
`marque.release.repository`, as the server builds it.
"""

from __future__ import annotations

import copy
import hashlib
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from marque.car.attacks import Attack, UpdateRefused
from marque.car.tuf import files
from marque.car.tuf.client import Client
from marque.car.tuf.fetch import NotThere
from marque.car.tuf.model import Target, Targets, Withdrawal
from marque.car.uptane import full
from marque.car.uptane.claims import Assignment, Claims, Delta, Reach
from marque.car.uptane.claims_json import custom_of, custom_with
from marque.car.uptane.director import Director
from marque.car.uptane.keeping import trial
from marque.car.uptane.partial import Secondary, check_image
from marque.car.uptane.vehicle import Ecu, Vehicle, dumps
from marque.release.repository.keys import FileSigner, signed
from marque.release.repository.online import file_of, snapshot_of, timestamp_of
from marque.release.repository.roles import Model, Party, delegations
from marque.release.repository.root import first_root

NOW = datetime(2026, 11, 29, 14, tzinfo=UTC)
YEAR, WEEK, DAY = timedelta(days=365), timedelta(days=7), timedelta(days=1)
CODES = ("gac", "huawei")
ROLES = tuple(f"vela-{code}" for code in CODES)
PILOT, GATEWAY, BRAKE = "PILOT-1", "GATEWAY-1", "BRAKE-1"
ECUS = {PILOT: "pilot", GATEWAY: "gateway", BRAKE: "brake"}


def signer(name, organisation=""):
    return FileSigner(Ed25519PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest()), organisation)


PEOPLE = {code: [signer(f"{code}-{number}", code) for number in range(3)] for code in CODES}
SNAPSHOT, TIMESTAMP, TIME, ONLINE, THIEF = (signer(name) for name in ("snapshot", "timestamp", "time", "director", "thief"))
BOTH = [*PEOPLE["gac"][:2], *PEOPLE["huawei"][:2]]
VEHICLE = Vehicle(
    "LVELA000000000001",
    "vela",
    "CN",
    {serial: Ecu(serial, f"vela-{role}", role, primary=role == "gateway", methods=("zstd-patch",)) for serial, role in ECUS.items()},
    frozenset({"city-pilot"}),
    frozenset({"motorway", "city"}),
)


def sha256(raw):
    return hashlib.sha256(raw).hexdigest()


def image_of(role, counter):
    return f"image of {role} {counter}\n".encode() * 20


def evidence_of(counter):
    return sha256(b"evidence %d" % counter)


def claims_of(role, counter):
    """The pilot needs a gateway of the same release and an entitlement; the brake drives nothing."""
    return Claims(
        release=f"vela-{role}",
        version=f"{counter}.0",
        counter=counter,
        digest=sha256(b"release %d" % counter),
        evidence=evidence_of(counter),
        verdict="PASSED",
        reach=(Reach("vela", "CN", ("motorway", "city") if role == "pilot" else ()),),
        hardware=(f"vela-{role}",),
        rxswin={"UN R157": f"RXSWIN-{counter}"},
        requires={"gateway": counter} if role == "pilot" else {},
        entitlement="city-pilot" if role == "pilot" else "",
    )


def target_of(role, counter, claims=None, content=None):
    content = content or image_of(role, counter)
    custom = custom_of(claims or claims_of(role, counter))
    return Target(f"vela/{role}/{role}-{counter}.bin", len(content), {"sha256": sha256(content)}, custom)


@dataclass
class World:
    """image, director: metadata files by name; files: targets by path; said: the image repository's roles as last said."""

    image: dict[str, bytes] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    director: dict[str, bytes] = field(default_factory=dict)
    said: dict[str, Targets] = field(default_factory=dict)
    newest: dict[str, bytes] = field(default_factory=dict)
    number: int = 0
    wanted: Targets | None = None
    now: datetime = NOW
    history: tuple[tuple[bytes, bytes], ...] = ()
    """The director's file and the timestamp of each release before."""

    def changed(self):
        """A world of its own."""
        return copy.deepcopy(self)

    def put(self, name, said, signers):
        """A role's file, of the version that it says."""
        self.raw(name, said, signed(said, signers))

    def raw(self, name, said, raw):
        self.said[name], self.newest[name] = said, raw
        self.image[f"{said.version}.{name}.json"] = raw

    def sign_role(self, code, **changes):
        """An organisation's next file for the model."""
        said = self.said[f"vela-{code}"]
        self.put(f"vela-{code}", replace(said, version=said.version + 1, **changes), PEOPLE[code][:2])

    def stamp(self, number=None, *, keep=(), expires=None):
        """What the online keys sign: all newest roles. keep: of these the version that the snapshot listed before."""
        before = self.number
        self.number = number or self.number + 1
        meta = {f"{name}.json": file_of(raw, self.said[name].version) for name, raw in self.newest.items()}
        meta |= {name: self.listed[name] for name in keep}
        self.listed = meta
        snapshot = signed(snapshot_of(self.number, self.now + WEEK, meta), [SNAPSHOT])
        self.image[f"{self.number}.snapshot.json"] = snapshot
        self.image["timestamp.json"] = signed(timestamp_of(self.number, expires or self.now + DAY, snapshot, self.number), [TIMESTAMP])
        return before

    def release(self, counter):
        """Both organisations list the targets of a release, and the online keys sign."""
        roles = tuple(ECUS.values())
        for role in roles:
            target = target_of(role, counter)
            self.files[f"vela/{role}/{target.hashes['sha256']}.{role}-{counter}.bin"] = image_of(role, counter)
        listed = {target.path: target for target in (target_of(role, counter) for role in roles)}
        for code in CODES:
            self.sign_role(code, targets=dict(self.said[f"vela-{code}"].targets) | listed)
        self.stamp()

    def want(self, counter, serials=tuple(ECUS), **changes):
        """The director wants a release in these ECUs."""
        targets = dict(wanted_of(ECUS[serial], counter, serial) for serial in serials)
        self.direct(targets=targets, **changes)

    def direct(self, signers=(ONLINE,), **changes):
        """The director's next file."""
        self.wanted = replace(self.wanted, **({"version": self.wanted.version + 1} | changes))
        self.director["targets.json"] = signed(self.wanted, signers)

    def change_wanted(self, role, **changes):
        """The director's next file, with one target's claims changed, or its "length", "hashes" or "ecus"."""
        path = next(path for path in self.wanted.targets if path.startswith(f"vela/{role}/"))
        self.direct(targets=dict(self.wanted.targets) | {path: changed_target(self.wanted.targets[path], role, **changes)})

    def claim(self, role, counter, codes=CODES, **changes):
        """The organisations, and the director after them, claim something else of a target."""
        claims = replace(claims_of(role, counter), **changes)
        target = target_of(role, counter, claims)
        for code in codes:
            self.sign_role(code, targets=dict(self.said[f"vela-{code}"].targets) | {target.path: target})
        self.stamp()
        self.change_wanted(role, **changes)

    def withdraw(self, code, evidence, signers=None, version=None):
        name = f"withdrawn-{code}"
        said = self.said[name]
        listed = dict(said.withdrawn) | {evidence: Withdrawal(NOW, "a run was wrongly labelled")}
        self.put(name, replace(said, version=version or said.version + 1, withdrawn=listed), signers or PEOPLE[code][:1])
        self.stamp()


def wanted_of(role, counter, serial):
    target = target_of(role, counter)
    delta = Delta("zstd-patch", sha256(image_of(role, counter - 1)), f"deltas/{role}-{counter}", 40, sha256(b"delta"))
    assignment = Assignment(ecus={serial: f"vela-{role}"}, deltas=(delta,))
    return target.path, replace(target, custom=custom_with(claims_of(role, counter), assignment))


def changed_target(target, role, *, length=None, hashes=None, ecus=None, **claims):
    counter = target.custom["marque"]["counter"]
    said = replace(claims_of(role, counter), **claims)
    assignment = Assignment(ecus=ecus or target.custom["assign"]["ecus"])
    return replace(target, length=length or target.length, hashes=hashes or target.hashes, custom=custom_with(said, assignment))


def image_root():
    parties = [Party(code, tuple(one.key for one in signers)) for code, signers in PEOPLE.items()]
    return first_root(parties, {"snapshot": SNAPSHOT.key, "timestamp": TIMESTAMP.key}, NOW + YEAR)


def director_root():
    parties = [Party(code, tuple(one.key for one in signers)) for code, signers in PEOPLE.items()]
    online = dict.fromkeys(("snapshot", "timestamp", "targets"), ONLINE.key)
    return first_root(parties, online, NOW + YEAR, time=TIME.key)


def delegated():
    parties = [Party(code, tuple(one.key for one in signers)) for code, signers in PEOPLE.items()]
    return delegations([Model("vela", tuple(f"vela-{role}" for role in ECUS.values()))], parties)


@cache
def _first():
    world = World()
    world.image["1.root.json"] = signed(image_root(), BOTH)
    world.director["1.root.json"] = signed(director_root(), BOTH)
    world.put("targets", Targets(version=1, expires=NOW + YEAR, targets={}, delegations=delegated()), BOTH)
    for code in CODES:
        world.put(f"vela-{code}", Targets(version=1, expires=NOW + YEAR, targets={}), PEOPLE[code][:2])
        world.put(f"withdrawn-{code}", Targets(version=1, expires=NOW + YEAR, targets={}), PEOPLE[code][:1])
    world.wanted = Targets(version=0, expires=NOW + DAY, targets={}, vehicle=VEHICLE.id)
    world.release(1)
    world.want(1)
    return world


def first():
    """At release 1."""
    return _first().changed()


def after(world):
    """The next release, honestly."""
    following = world.changed()
    following.history += ((world.director["targets.json"], world.image["timestamp.json"]),)
    counter = len(following.history) + 1
    following.release(counter)
    following.want(counter)
    return following


class Memory:
    """A Fetcher of files in memory."""

    def __init__(self, files, repository=""):
        self.files, self.repository = files, repository

    def get(self, path, at_most):
        if path not in self.files:
            raise NotThere(path)
        raw = self.files[path]
        if len(raw) > at_most:
            raise UpdateRefused(Attack.ENDLESS_DATA, self.repository, path, f"is more than {at_most} bytes long")
        return raw

    def download(self, path, length, write, start=0):
        if path not in self.files:
            raise NotThere(path)
        raw = self.files[path]
        if len(raw) > length:
            raise UpdateRefused(Attack.ENDLESS_DATA, self.repository, path, f"is more than {length} bytes long")
        write(raw[start:])


def by_name(world):
    """What a primary hands on to its secondaries: each role's newest file under its own name, and the roots."""
    snapshot = {f"{name}.json": raw for name, raw in world.newest.items()}
    return {name: raw for name, raw in world.image.items() if name.endswith(".root.json")} | snapshot


def in_memory(world, metadata):
    """Fetchers of the director, of the image repository's metadata, and of its targets."""
    return tuple(Memory(files, name) for name, files in (("director", world.director), ("image", metadata), ("targets", world.files)))


class FullCar:
    """The primary: verifies in full, downloads, and runs what it installed."""

    def __init__(self, folder, world):
        self.folder, self.vehicle, self.reach = folder, VEHICLE, in_memory
        Director(folder / "trust" / "director", VEHICLE.id).init(world.director["1.root.json"])
        Client(folder / "trust" / "image", Memory({}), NOW).init(world.image["1.root.json"])

    def update(self, world):
        """The Plan, installed; UpdateRefused."""
        director, image, content = self.reach(world, world.image)
        with trial(self.folder) as folder:
            trusted = Director(folder / "trust" / "director", VEHICLE.id)
            trusted.poll(director, world.now)
            client = Client(folder / "trust" / "image", image, world.now)
            client.refresh()
            plan = full.verify(self.vehicle, trusted, client, world.now)
            for step in plan.steps:
                client.download(step.target, folder / "downloads", content)
        self.vehicle = self.vehicle.having({step.ecu: step.installed for step in plan.steps})
        return plan

    def state(self):
        return _state(self.folder, self.vehicle)


class PartialCar:
    """One secondary, the pilot: verifies what its primary hands on, by itself."""

    def __init__(self, folder, world):
        self.folder, self.vehicle, self.reach = folder, VEHICLE, in_memory
        Secondary(folder / "trust", PILOT, VEHICLE).init(world.director["1.root.json"], world.image["1.root.json"], NOW)

    def update(self, world):
        """The Step, installed, or None; UpdateRefused."""
        director, handed, content = self.reach(world, by_name(world))
        with trial(self.folder) as folder:
            step = Secondary(folder / "trust", PILOT, self.vehicle).verify(director, handed, world.now)
            if step is None:
                return None
            image = files.download(step.target, folder / "downloads", content, consistent=True, repository="image")
            check_image(step.target, image.read_bytes())
        self.vehicle = self.vehicle.having({PILOT: step.installed})
        return step

    def state(self):
        return _state(self.folder, self.vehicle)


def _state(folder, vehicle):
    files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return files, dumps(vehicle)
