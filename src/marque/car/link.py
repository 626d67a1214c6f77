"""The car's line to the server of its programme: three folders to read, one question, one answer.

Everything lies below one address, `{server}/car/v1/{lead}/{programme}/{vehicle}`, and is asked for with the car's token. What the server
says here is believed as far as it costs time alone: what is installed, signed metadata says.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from socket import SHUT_RDWR, socket
from threading import Event, Timer
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import urlsplit

from marque.car.attacks import UpdateRefused
from marque.car.tuf import canonical
from marque.car.tuf.fetch import Fetcher, HttpFetcher, NotThere
from marque.car.uptane.fields import Fields
from marque.car.uptane.time import ATTESTATION_AT_MOST
from marque.common import InputError, Unavailable

if TYPE_CHECKING:
    from ssl import SSLContext

_ANSWER_AT_MOST: Final = 64 * 1024
_POLL_AT_MOST: Final = ATTESTATION_AT_MOST + _ANSWER_AT_MOST
_TIMEOUT_S: Final = 20.0
_ANSWER_WITHIN_S: Final = 60.0
"""A report and its answer, from the first byte to the last."""
_UNKNOWN: Final = "Give it the token of its registration: marque-car provision … --token-file FILE."


@dataclass(frozen=True)
class Poll:
    """nonce: goes into the next manifest. director, image: versions of what the server has, by role. time: the attestation, as signed.

    after_s: when to ask again.
    """

    nonce: str
    director: Mapping[str, int]
    image: Mapping[str, int]
    after_s: float
    time: bytes | None = None


class Stale(Unavailable):
    """The server does not take the manifest under its nonce any more; there is a new one to be had."""


class Link(Protocol):
    """director, image: fetchers of metadata; targets: of images and deltas, by path."""

    @property
    def director(self) -> Fetcher: ...

    @property
    def image(self) -> Fetcher: ...

    @property
    def targets(self) -> Fetcher: ...

    def poll(self, nonce: str) -> Poll:
        """Ask, with a nonce for the attestation of time; empty: the time is not asked for."""

    def report(self, manifest: bytes) -> str:
        """Hand in a manifest; the nonce for the next. `Stale`; Unavailable."""


class HttpLink:
    """Over HTTP or HTTPS. address: of this car, without a slash at the end. context: whom HTTPS trusts; None: whom this machine trusts."""

    def __init__(self, address: str, token: str, *, context: SSLContext | None = None, timeout_s: float = _TIMEOUT_S) -> None:
        self._address, self._context, self._timeout = address.rstrip("/"), context, timeout_s
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.director = self._fetcher("director", "director")
        self.image = self._fetcher("metadata", "image")
        self.targets = self._fetcher("targets", "image")
        self._root = self._fetcher("", "")

    def poll(self, nonce: str) -> Poll:
        try:
            raw = self._root.get(f"poll?nonces={nonce}" if nonce else "poll", _POLL_AT_MOST)
        except NotThere:
            raise Unavailable(f"{self._address} does not know this car. {_UNKNOWN}") from None
        return read_poll(raw)

    def report(self, manifest: bytes) -> str:
        from http.client import HTTPConnection, HTTPException, HTTPSConnection

        where = urlsplit(self._address)
        host, port = str(where.hostname), where.port
        connection = HTTPConnection(host, port, timeout=self._timeout)
        if where.scheme == "https":
            connection = HTTPSConnection(host, port, timeout=self._timeout, context=self._context)
        try:
            connection.connect()
            with _within(_ANSWER_WITHIN_S, connection.sock):
                connection.request("POST", f"{where.path}/manifest", manifest, {**self._headers, "Content-Type": "application/json"})
                answer = connection.getresponse()
                said = answer.read(_ANSWER_AT_MOST)
        except (OSError, HTTPException) as fault:
            raise Unavailable(f"{self._address} does not take the car's report ({fault or type(fault).__name__}).") from fault
        finally:
            connection.close()
        if answer.status == 409:
            raise Stale(f"{self._address} wants the car's report under a new nonce.")
        if answer.status not in {200, 201, 202, 204}:
            raise Unavailable(f"{self._address} refuses the car's report: {answer.status} {_field(said, 'detail')}".rstrip())
        return _field(said, "nonce")

    def close(self) -> None:
        for each in (self.director, self.image, self.targets, self._root):
            each.close()

    def _fetcher(self, folder: str, repository: str) -> HttpFetcher:
        address = f"{self._address}/{folder}"
        return HttpFetcher(address, timeout_s=self._timeout, headers=self._headers, context=self._context, repository=repository)


@contextmanager
def _within(seconds: float, sock: socket) -> Iterator[None]:
    """TimeoutError when it takes longer, the connection being ended: a server that sends a byte now and then keeps no car busy."""
    ended = Event()

    def end() -> None:
        ended.set()
        with suppress(OSError):
            sock.shutdown(SHUT_RDWR)

    timer = Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
    if ended.is_set():
        raise TimeoutError(f"it took more than {seconds:g} seconds")


def read_poll(raw: bytes) -> Poll:
    """Unavailable where the answer is none: nothing is signed here, so nothing is an attack."""
    try:
        said = Fields(json.loads(raw), "poll")
        time = said.inner("time").found if said.has("time") else None
        return Poll(
            nonce=said.text("nonce"),
            director=_counts(said.inner("director")),
            image=_counts(said.inner("image")),
            after_s=float(said.count("poll_after_s", 1)),
            time=None if time is None else canonical.encode(dict(time)),
        )
    except (UpdateRefused, ValueError, TypeError, RecursionError) as fault:
        raise Unavailable(f"The server's answer to the poll cannot be read: {fault}".rstrip(".") + ".") from None


def check_address(address: str) -> str:
    """The address as it is kept. InputError where it is none."""
    where = urlsplit(address)
    if where.scheme not in {"http", "https"} or not where.hostname or where.query or where.fragment:
        raise InputError("--server", address, "is not an address over http or https", "It is told when the car is registered.")
    return address.rstrip("/")


def _counts(said: Fields) -> dict[str, int]:
    return {name: said.count(name) for name in said.names()}


def _field(said: bytes, name: str) -> str:
    try:
        found: Any = json.loads(said)
    except ValueError:
        return ""
    return str(found.get(name) or "") if isinstance(found, dict) else ""
