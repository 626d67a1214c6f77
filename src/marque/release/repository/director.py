"""The director: which targets one vehicle is to have, signed online for that vehicle alone.

A fleet is many vehicles and few images, so what is the same for all of them is rendered once (`part_of`), and a vehicle's file is those
parts with its own serial numbers between them, hashed and signed once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from marque.car.tuf.canonical import encode
from marque.car.tuf.model import Target
from marque.car.uptane.claims import Delta
from marque.common import InputError
from marque.release.repository.keys import Signer
from marque.release.repository.writing import SPECIFICATION, instant, json_of


@dataclass(frozen=True)
class Part:
    """A target as any vehicle's metadata lists it, rendered, without the ECUs: what stands before them and after."""

    path: str
    before: bytes
    after: bytes


@dataclass(frozen=True)
class Assigned:
    """A target for these ECUs of one vehicle: hardware id by serial."""

    part: Part
    ecus: Mapping[str, str]


def part_of(target: Target, deltas: Sequence[Delta] = ()) -> Part:
    """A target of the image repository, claims and all, with the ways to save bytes that are offered. Raises InputError without claims."""
    if "marque" not in target.custom:
        raise InputError(target.path, "custom", "the target has no claims", "The director offers only what the image repository claims.")
    ways = [{"method": one.method, "base": one.base, "path": one.path, "length": one.length, "sha256": one.sha256} for one in deltas]
    claims, hashes = encode(dict(target.custom["marque"])), encode(dict(target.hashes))
    before = b'%s:{"custom":{"assign":{"deltas":%s,"ecus":' % (encode(target.path), encode(ways))
    after = b'},"marque":%s},"hashes":%s,"length":%d}' % (claims, hashes, target.length)
    return Part(target.path, before, after)


class Director:
    """Signs what each vehicle is to have. signer: the online key of the director's targets role."""

    def __init__(self, signer: Signer) -> None:
        self._signer = signer
        self._key = json.dumps(signer.key.id).encode()

    def targets(self, vehicle: str, version: int, expires: datetime, targets: Sequence[Assigned]) -> bytes:
        """The file `targets.json` for one vehicle. version: greater with each file for it. Raises InputError for one path or ECU twice."""
        ordered = sorted(targets, key=lambda one: one.part.path)
        serials = [serial for one in ordered for serial in one.ecus]
        if len(set(serials)) < len(serials) or len({one.part.path for one in ordered}) < len(ordered):
            raise InputError(vehicle, "targets", "an ECU or a target is listed twice")
        listed = b",".join(one.part.before + _object(one.ecus) + one.part.after for one in ordered)
        payload = b'{"_type":"targets","expires":"%s","spec_version":"%s","targets":{%s},"version":%d,"x-marque-vehicle":%s}' % (
            instant(expires).encode(), SPECIFICATION.encode(), listed, version, encode(vehicle),
        )  # fmt: skip
        signature = self._signer.sign(payload).hex().encode()
        return b'{"signatures":[{"keyid":%s,"sig":"%s"}],"signed":%s}' % (self._key, signature, json_of(payload))


def _object(texts: Mapping[str, str]) -> bytes:
    return b"{" + b",".join(encode(name) + b":" + encode(texts[name]) for name in sorted(texts)) + b"}"
