"""The dialect of the Uptane test vectors (advancedtelematic/tuf-test-vectors) turned into today's, for the readers and rules of a car.

What differs there: `_type` in capitals, keys without `scheme`, signatures with `method` in base64 or hexadecimal, a director's root of two
roles, hashes of metadata over its canonical form, `ecuIdentifiers` and `hardwareIds` instead of claims. The signed bytes stay the vector's
own: only the fields that the readers look at are translated. No rule is here.
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import replace
from pathlib import Path

from marque.car.attacks import Attack, UpdateRefused
from marque.car.tuf import canonical, reading, search
from marque.car.tuf.client import Limits
from marque.car.tuf.fetch import NotThere
from marque.car.tuf.model import File
from marque.car.tuf.trusted import Trusted
from marque.car.uptane.claims import Claims, Reach
from marque.car.uptane.claims_json import custom_of
from marque.car.uptane.vehicle import Ecu, Vehicle

ECU, HARDWARE = "test_primary_ecu_serial", "test_primary_hardware_id"
VEHICLE = Vehicle("vector", "model", "market", {ECU: Ecu(ECU, HARDWARE, "primary", primary=True)})
LIMITS = Limits()
_TYPES = {name.capitalize(): name for name in ("root", "timestamp", "snapshot", "targets")}


class Step:
    """One folder of a vector, `N/director` or `N/image_repo`, as a Fetcher: at most so many bytes of what is there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def get(self, path, at_most):
        file = self.folder / path
        if not file.is_file():
            raise NotThere(path)
        if file.stat().st_size > at_most:
            raise UpdateRefused(Attack.ENDLESS_DATA, "", path, f"is more than {at_most} bytes long")
        return file.read_bytes()

    def root(self):
        """The bytes of the root that a car is provisioned with."""
        return (self.folder / "1.root.json").read_bytes()


class LegacyReader:
    """As `marque.car.tuf.reading`, with the payload that was signed in the vector."""

    def root(self, raw, file="root.json", repository=""):
        return self._read(reading.root, _root, raw, file, repository)

    def timestamp(self, raw, file="timestamp.json", repository=""):
        read = self._read(reading.timestamp, _same, raw, file, repository)
        listed = read.said.snapshot  # the length there is of the indented file, the hashes are of the canonical one
        return replace(read, said=replace(read.said, snapshot=File(listed.version, None, listed.hashes)))

    def snapshot(self, raw, file="snapshot.json", repository=""):
        return self._read(reading.snapshot, _same, raw, file, repository)

    def targets(self, raw, file="targets.json", repository=""):
        return self._read(reading.targets, _director if repository == "director" else _image, raw, file, repository)

    def _read(self, read, translate, raw, file, repository):
        whole = canonical.decode(raw, reading.LARGEST, file, repository)
        signed, methods = whole["signed"], {one["method"] for one in whole["signatures"]}
        modern = translate(dict(signed), methods) | {"_type": _TYPES.get(signed["_type"], signed["_type"]), "spec_version": "1.0.33"}
        signatures = [{"keyid": one["keyid"], "sig": _signature(one["sig"])} for one in whole["signatures"]]
        found = read(json.dumps({"signatures": signatures, "signed": modern}).encode(), file, repository)
        return replace(found, payload=canonical.encode(signed), raw=canonical.encode(whole))


class LegacyImage:
    """An image repository in the dialect, refreshed by the workflow of `Trusted` and searched by `search`, as `Client` does it.

    It keeps nothing but the root between steps. The vectors follow the Uptane Standard, by which a timestamp of the version that was there
    already replaces it (5.4.4.4); TUF 1.0.33 keeps the old one (5.4.3), and so does our client.
    """

    def __init__(self, root, now):
        self.trusted = Trusted(LegacyReader().root(root, "root.json", "image"), now, repository="image")

    def refresh(self, fetcher):
        self._fetcher = fetcher
        self.trusted = Trusted(self.trusted.root, self.trusted.now, repository="image")
        for _ in range(LIMITS.roots):
            raw = self._get(f"{self.trusted.root.said.version + 1}.root.json", LIMITS.root, optional=True)
            if raw is None:
                break
            self.trusted.update_root(LegacyReader().root(raw, "root.json", "image"))
        self.trusted.update_timestamp(LegacyReader().timestamp(self._get("timestamp.json", LIMITS.timestamp), repository="image"))
        self.trusted.update_snapshot(LegacyReader().snapshot(self._get("snapshot.json", LIMITS.snapshot), repository="image"))
        self._load("targets", "root")

    def target(self, path):
        return search.find(path, self.trusted, self._load, LIMITS.roles)

    def withdrawn(self):
        return {}

    def _load(self, name, delegator):
        if name in self.trusted.targets:
            return self.trusted.verify_again(name, delegator)
        self.trusted.listed(name)
        where = f"{name}.json" if name == "targets" else f"delegations/{name}.json"
        raw = LegacyReader().targets(self._get(where, LIMITS.targets), f"{name}.json", "image")
        return self.trusted.update_targets(raw, name, delegator)

    def _get(self, path, at_most, *, optional=False):
        try:
            return self._fetcher.get(path, at_most)
        except NotThere:
            if optional:
                return None
            raise UpdateRefused(Attack.MISSING, "image", path, "is not there") from None
        except UpdateRefused as refused:
            raise UpdateRefused(refused.attack, "image", path, refused.problem) from None


def _signature(text):
    return text if re.fullmatch(r"(?:[0-9a-f]{2})+", text) else base64.b64decode(text).hex()


def _same(signed, _methods):
    return signed


def _keys(keys, methods):
    """A key says no scheme there; an RSA key is used as the file's own RSA signatures are."""
    rsa = next((method for method in sorted(methods) if method.startswith("rsa")), "rsassa-pss-sha256")
    return {id_: {"scheme": rsa if key["keytype"] == "rsa" else key["keytype"]} | _stripped(key) for id_, key in keys.items()}


def _stripped(key):
    return key | {"keyval": {"public": key["keyval"]["public"].strip()}}


def _root(signed, methods):
    """A director there has no timestamp and no snapshot; the targets key stands in for those, and signs neither."""
    roles = {name: signed["roles"].get("targets") for name in ("timestamp", "snapshot")} | signed["roles"]
    return signed | {"roles": roles, "keys": _keys(signed["keys"], methods)}


def _claims(hardware):
    """The dialect knows nothing else that is claimed, so the rest is the same for every target."""
    claims = Claims(
        release="vector",
        version="1",
        counter=1,
        digest="0" * 64,
        evidence="1" * 64,
        verdict="PASSED",
        reach=(Reach("model", "market"),),
        hardware=tuple(hardware),
    )
    return custom_of(claims)


def _image(signed, methods):
    signed = signed | {"targets": {path: _image_target(target) for path, target in signed["targets"].items()}}
    if "delegations" in signed:
        signed["delegations"] = signed["delegations"] | {"keys": _keys(signed["delegations"]["keys"], methods)}
    return signed


def _image_target(target):
    custom = target["custom"]
    hardware = custom.get("hardwareIds") or [one["hardwareId"] for one in custom.get("ecuIdentifiers", {}).values()]
    return target | {"custom": _claims(hardware)}


def _director(signed, methods):
    targets = {path: _director_target(target) for path, target in signed["targets"].items()}
    return _image(signed | {"targets": {}}, methods) | {"targets": targets, "x-marque-vehicle": VEHICLE.id}


def _director_target(target):
    ecus = {serial: one["hardwareId"] for serial, one in target["custom"]["ecuIdentifiers"].items()}
    return target | {"custom": _claims(sorted(set(ecus.values()))) | {"assign": {"ecus": ecus}}}
