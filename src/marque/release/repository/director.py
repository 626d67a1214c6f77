"""The director: which targets one vehicle is to have, signed online for that vehicle alone.

A fleet is many vehicles and few images, so what is the same for all of them is rendered once (`part_of`), and a vehicle's file is those
parts with its own serial numbers between them, hashed and signed once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from json.encoder import encode_basestring

from marque.car.tuf.canonical import encode
from marque.car.tuf.model import Target
from marque.car.uptane.claims import Delta
from marque.common import InputError
from marque.release.repository.keys import Signer
from marque.release.repository.writing import SPECIFICATION, instant, json_of

_HEAD = b'{"_type":"targets","expires":"'
_SPECIFICATION = SPECIFICATION.encode()


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
        self._before = b'{"signatures":[{"keyid":%s,"sig":"' % encode(signer.key.id)

    def targets(self, vehicle: str, version: int, expires: datetime, targets: Sequence[Assigned]) -> bytes:
        """The file `targets.json` for one vehicle. version: greater with each file for it. Raises InputError for one path or ECU twice."""
        ordered = sorted(targets, key=_path) if len(targets) > 1 else targets
        serials = [serial for one in ordered for serial in one.ecus]
        if len(set(serials)) < len(serials) or len({one.part.path for one in ordered}) < len(ordered):
            raise InputError(vehicle, "targets", "an ECU or a target is listed twice")
        listed = b",".join([one.part.before + _object(one.ecus) + one.part.after for one in ordered])
        payload = b'%s%s","spec_version":"%s","targets":{%s},"version":%d,"x-marque-vehicle":%s}' % (
            _HEAD, _instant(expires), _SPECIFICATION, listed, version, _text(vehicle),
        )  # fmt: skip
        signature = self._signer.sign(payload).hex().encode()
        return b"".join((self._before, signature, b'"}],"signed":', json_of(payload), b"}"))


def _path(one: Assigned) -> str:
    return one.part.path


def _object(texts: Mapping[str, str]) -> bytes:
    if len(texts) == 1:
        ((name, text),) = texts.items()
        return b"{%s:%s}" % (_text(name), _text(text))
    return b"{" + b",".join([_text(name) + b":" + _text(texts[name]) for name in sorted(texts)]) + b"}"


def _text(text: str) -> bytes:
    """As `encode` writes it, without its care where none is needed: Python's own writing differs only where it escapes."""
    written = encode_basestring(text)
    return encode(text) if "\\" in written else written.encode()


@lru_cache(maxsize=64)
def _instant(at: datetime) -> bytes:
    return instant(at).encode()
