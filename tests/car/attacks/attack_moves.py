"""What an attacker does to an honest world: functions that make the change, for the rows of the table."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from attack_world import (
    BOTH,
    CODES,
    PEOPLE,
    PILOT,
    THIEF,
    changed_target,
    delegated,
    director_root,
    evidence_of,
    image_root,
    target_of,
    wanted_of,
)

from marque.car.tuf.model import Delegation, Delegations, Role
from marque.car.uptane.claims import Assignment
from marque.car.uptane.claims_json import claims_of, custom_with
from marque.release.repository.keys import signed

HOUR = timedelta(hours=1)
TOO_FAR = 2**40


def raw(world, change):
    world.director["targets.json"] = change(world.director["targets.json"])


def doubled_field(raw):
    return raw.replace(b'"signed":', b'"signed":{},"signed":')


def direct(**changes):
    return lambda world: world.direct(**changes)


def wanted(role, **changes):
    return lambda world: world.change_wanted(role, **changes)


def claim(role, **changes):
    return lambda world: world.claim(role, 2, **changes)


def only(role, counter, serial, **changes):
    """The director's file with this target alone."""

    def change(world):
        path, target = wanted_of(role, counter, serial)
        world.direct(targets={path: changed_target(target, role, **changes)})

    return change


EVIL = b"what a thief wrote"


def _evil_target(claims=None):
    return replace(target_of("pilot", 2, claims, EVIL), path="vela/pilot/evil.bin")


def evil_wanted(world):
    target = _evil_target()
    world.files[f"vela/pilot/{target.hashes['sha256']}.evil.bin"] = EVIL
    assignment = Assignment(ecus={PILOT: "vela-pilot"})
    world.direct(targets={target.path: replace(target, custom=custom_with(claims_of(target.custom, target.path), assignment))})


def evil(signers):
    """A target of the thief's in both roles, and wanted; signers: by organisation, who signs its role."""

    def change(world):
        target = _evil_target()
        for code, names in signers.items():
            said = world.said[f"vela-{code}"]
            listed = dict(said.targets) | {target.path: target}
            world.put(f"vela-{code}", replace(said, version=said.version + 1, targets=listed), names)
        world.stamp()
        evil_wanted(world)

    return change


def root(where, signers, **changes):
    """A root 2 that changes something, signed by these."""

    def change(world):
        root = replace(director_root() if where == "director" else image_root(), **({"version": 2} | changes))
        getattr(world, where)["2.root.json"] = signed(root, signers)

    return change


def thief_for(where, role):
    root = director_root() if where == "director" else image_root()
    return {"keys": dict(root.keys) | {THIEF.key.id: THIEF.key}, "roles": dict(root.roles) | {role: Role((THIEF.key.id,), 1)}}


def alone(where):
    """Huawei out: a root of one party."""
    root = director_root() if where == "director" else image_root()
    mine = tuple(one.key.id for one in PEOPLE["gac"])
    return {"parties": (), "roles": dict(root.roles) | {"root": Role(mine, 2), "targets": Role(mine, 2)}}


def two_ids(where):
    """A third key of GAC that is its first once more."""
    root = director_root() if where == "director" else image_root()
    twin = replace(PEOPLE["gac"][0].key, id="f" * 64)
    rule = root.roles["root"]
    keys = tuple(twin.id if one == PEOPLE["gac"][2].key.id else one for one in rule.keys)
    return {"keys": dict(root.keys) | {twin.id: twin}, "roles": dict(root.roles) | {"root": replace(rule, keys=keys)}}


def top(signers, **changes):
    def change(world):
        said = world.said["targets"]
        world.put("targets", replace(said, version=said.version + 1, **changes), signers)
        world.stamp()

    return change


def role(code, signers, **changes):
    def change(world):
        said = world.said[f"vela-{code}"]
        world.put(f"vela-{code}", replace(said, **({"version": said.version + 1} | changes)), signers)
        world.stamp()

    return change


def role_raw(change_raw):
    """The bytes of GAC's role changed, as the online keys do not list them."""

    def change(world):
        raw = change_raw(world.newest["vela-gac"])
        world.newest["vela-gac"] = raw
        world.image[f"{world.said['vela-gac'].version}.vela-gac.json"] = raw

    return change


def listed_raw(change_raw):
    """The bytes of GAC's role changed, and listed by whoever has the online keys."""

    def change(world):
        said = world.said["vela-gac"]
        world.raw("vela-gac", replace(said, version=said.version + 1), change_raw(world))
        world.stamp()

    return change


def twin_in_role(world):
    """Top-level targets that list one key under two ids for GAC's role, and that role signed by this one key."""
    twin = replace(PEOPLE["gac"][0].key, id="f" * 64)
    below = delegated()
    two = Role((PEOPLE["gac"][0].key.id, twin.id), 2)
    roles = tuple(replace(one, role=two) if one.name == "vela-gac" else one for one in below.roles)
    top(BOTH, delegations=replace(below, keys=dict(below.keys) | {twin.id: twin}, roles=roles))(world)
    role("gac", [PEOPLE["gac"][0], _Twin(twin)])(world)


class _Twin:
    def __init__(self, key):
        self.key = key

    def sign(self, payload):
        return PEOPLE["gac"][0].sign(payload)


def doubled_signature(world):
    said = world.said["vela-gac"]
    raw = signed(replace(said, version=said.version + 1), PEOPLE["gac"][:1])
    start, end = raw.index(b"[") + 1, raw.index(b"]")
    return raw[:end] + b"," + raw[start:end] + raw[end:]


def delegating(name):
    """GAC's role delegates that role to GAC's keys."""
    keys = {one.key.id: one.key for one in PEOPLE["gac"]}
    return Delegations(keys=keys, roles=(Delegation(name=name, role=Role(tuple(keys), 2), paths=("vela/*/*",)),))


def older(names, *, listed):
    """Files of the release before in place of the newest. listed: of the one before that, and the online keys stand for them."""

    def change(world):
        for name in names:
            version, back = world.said[name].version, 2 if listed else 1
            raw = world.image[f"{version - back}.{name}.json"]
            if listed:
                world.said[name], world.newest[name] = replace(world.said[name], version=version - back), raw
            else:
                world.newest[name] = world.image[f"{version}.{name}.json"] = raw
        if listed:
            world.stamp()

    return change


def without(*names):
    def change(world):
        for name in names:
            world.newest.pop(name, None)
            world.image = {file: raw for file, raw in world.image.items() if name not in file}
            if name == "targets.json":
                world.director.pop(name)

    return change


def content(change_raw):
    def change(world):
        world.files = {path: change_raw(raw) for path, raw in world.files.items()}

    return change


def no_claims(world):
    targets = {path: replace(one, custom={"assign": one.custom["assign"]}) for path, one in world.wanted.targets.items()}
    for code in CODES:
        said = world.said[f"vela-{code}"]
        world.sign_role(code, targets={path: replace(one, custom={}) for path, one in said.targets.items()})
    world.stamp()
    world.direct(targets=targets)


def nothing(_world):
    """The attack is on the wire alone."""


def withheld_withdrawal(world):
    world.withdraw("gac", evidence_of(7))
    without("withdrawn-gac")(world)


def withdraw_shorter(world):
    said = world.said["withdrawn-gac"]
    world.put("withdrawn-gac", replace(said, version=said.version + 1, withdrawn={}), PEOPLE["gac"][:1])
    world.stamp()
