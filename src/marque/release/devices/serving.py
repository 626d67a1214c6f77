"""Who a car is that calls, and bytes on their way to it: what both endpoints share."""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import BinaryIO

from marque.alliance import tokens
from marque.alliance.access import Action, require
from marque.common import Denied, MarqueError, Missing
from marque.foundation import NOBODY, Actor, Database, Transaction
from marque.foundation.blobs import BlobStore
from marque.release import releases
from marque.release.devices import cars, delta_store, store
from marque.release.devices.model import Fleet
from marque.release.devices.nonces import Nonces
from marque.release.devices.store import CarRow
from marque.release.model import area_of
from marque.release.online_keys import OnlineKeys

_SEEN_EVERY = timedelta(minutes=1)
_MOST_KNOWN = 100_000
_OF_CAR = re.compile(r"mc_[A-Za-z0-9_-]{43}")
_SCHEME = re.compile(r"(Bearer|TargetToken|GatewayToken) +(\S+)", re.IGNORECASE)
_CONSISTENT = re.compile(r"(?:(?P<folder>.+)/)?(?P<sha256>[0-9a-f]{64})\.(?P<name>[^/]+)")
_DELTA = re.compile(r"deltas/(?P<sha256>[0-9a-f]{64})")
CHUNK_BYTES = 1 << 18


class NotKnown(MarqueError):
    """Nobody is known by what was shown; the answer is 401, and says no more."""

    def __init__(self) -> None:
        super().__init__("Show the token that the car's registration gave.")


@dataclass(frozen=True)
class Caller:
    """A car, or a gateway that speaks for it (token None). organisation: whose car it is."""

    organisation: str
    fleet: Fleet
    vehicle: str
    token: bytes | None

    @property
    def actor(self) -> Actor:
        return Actor(self.organisation, purpose=f"car {self.vehicle}")


@dataclass(frozen=True)
class File:
    """Something to download. owner: whose blob it is; length in bytes."""

    owner: str
    sha256: str
    length: int


class Devices:
    """What answering cars needs, for one process."""

    def __init__(self, database: Database, blobs: BlobStore, online: OnlineKeys) -> None:
        self.database, self.blobs, self.online = database, blobs, online
        self._whose: OrderedDict[tuple[Fleet, str, bytes], str] = OrderedDict()
        self._lock = threading.Lock()

    @cached_property
    def nonces(self) -> Nonces:
        return Nonces(self.online.records.sign)

    def caller(self, authorization: str, fleet: Fleet, vehicle: str) -> Caller:
        """Who shows this header for that car. Raises NotKnown. That the token holds still is asked again by `transaction`."""
        scheme = _SCHEME.fullmatch(authorization.strip())
        if scheme is None:
            raise NotKnown
        if not _OF_CAR.fullmatch(scheme[2]):
            return Caller(self.gateway(authorization, fleet), fleet, vehicle, None)
        digest = cars.digest(scheme[2])
        key = fleet, vehicle, digest
        if (whose := self._whose.get(key)) is None:
            with self.database.transaction(NOBODY) as tx:
                whose = store.find(tx, fleet, vehicle, digest)
            if whose is None:
                raise NotKnown
            with self._lock:
                self._whose[key] = whose
                if len(self._whose) > _MOST_KNOWN:
                    self._whose.popitem(last=False)
        return Caller(whose, fleet, vehicle, digest)

    def gateway(self, authorization: str, fleet: Fleet) -> str:
        """The organisation whose gateway shows this header: a service token that may write in the area of releases. Raises NotKnown."""
        scheme = _SCHEME.fullmatch(authorization.strip())
        service = tokens.find(self.database, scheme[2]) if scheme is not None else None
        if service is None:
            raise NotKnown
        try:
            with self.database.transaction(service.actor) as tx:
                require(tx, Action.CREATE, area_of(fleet.lead, fleet.programme))
        except (Missing, Denied):
            raise NotKnown from None
        return service.organisation

    @contextmanager
    def transaction(self, caller: Caller) -> Iterator[tuple[Transaction, CarRow]]:
        """In the name of the car's organisation, with the car as it is. Raises NotKnown where its token holds no longer, Missing where a
        gateway's organisation has no such car.
        """
        with self.database.transaction(caller.actor) as tx:
            row = store.by_token(tx, caller.fleet, caller.vehicle, caller.token)
            if row is None:
                with self._lock:
                    if caller.token is not None:
                        self._whose.pop((caller.fleet, caller.vehicle, caller.token), None)
                raise NotKnown if caller.token is not None else Missing("car")
            yield tx, row
            # Last, because it locks the car: whoever hands out or takes in locks the programme's roll-outs before a car.
            if row.seen_at is None or tx.now - row.seen_at >= _SEEN_EVERY:
                store.change(tx, caller.fleet, caller.vehicle, seen_at=tx.now)

    def open(self, file: File) -> BinaryIO:
        return self.blobs.of(file.owner).open(file.sha256)


def file_at(tx: Transaction, fleet: Fleet, path: str) -> File:
    """What lies at a path below `targets/`: an image of a release that cars may be given, by its consistent name, or a patch.

    Raises Missing.
    """
    if patch := _DELTA.fullmatch(path):
        if (row := delta_store.by_file(tx, fleet, patch["sha256"])) is not None:
            return File(row.side, row.sha256, row.length)
    elif consistent := _CONSISTENT.fullmatch(path):
        plain = f"{consistent['folder']}/{consistent['name']}" if consistent["folder"] else consistent["name"]
        listed = delta_store.listings(tx, fleet, plain, consistent["sha256"])
        given = releases.distributable(tx, [one.release for one in listed])
        if (found := next((one for one in listed if one.release in given), None)) is not None:
            return File(found.owner, consistent["sha256"], found.length)
    raise Missing("target")


def span(header: str, length: int) -> tuple[int, int] | None:
    """The bytes that a Range header asks for, from and to before (RFC 9110, 14.2): the whole file where it asks for none we give.

    None: it asks for what is not there (416).
    """
    found = re.fullmatch(r"bytes=(\d{0,18})-(\d{0,18})", header.replace(" ", "")) if header else None
    if found is None or found[0] == "bytes=-":
        return 0, length
    first, last = found[1], found[2]
    if not first:
        count = int(last)
        return (max(0, length - count), length) if count and length else None
    if last and int(last) < int(first):
        return 0, length
    return (int(first), min(length, int(last) + 1 if last else length)) if int(first) < length else None


def pieces(file: BinaryIO, start: int, end: int) -> Iterator[bytes]:
    """Bytes from start to before end. What lies before is read as well: a store gives bytes only with the digest watched."""
    with file:
        here = 0
        while here < end and (piece := file.read(CHUNK_BYTES)):
            told = piece[max(0, start - here) : end - here]
            here += len(piece)
            if told:
                yield told
