"""How files come: a Fetcher, and the one over HTTP that trusts no server with a car's time or memory."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn, Protocol
from urllib.parse import urlsplit

from marque.car.attacks import Attack, UpdateRefused
from marque.common import InputError, MarqueError, Unavailable

if TYPE_CHECKING:
    from http.client import HTTPConnection, HTTPResponse
    from socket import socket
    from ssl import SSLContext
    from urllib.parse import SplitResult

CHUNK = 64 * 1024
REDIRECTS = 3
AROUND = 256 * 1024
"""Bytes of headers, and of what comes around a body, that an answer may have beyond its body twice over."""
STALE = 2
"""Tries of a request over a connection kept alive: the server may have closed it meanwhile."""


class NotThere(MarqueError):
    """The server has no such file."""

    def __init__(self, path: str) -> None:
        self.path = path
        super().__init__(f"The repository has no {path}.")

    def __reduce__(self) -> tuple[type[NotThere], tuple[str]]:
        return type(self), (self.path,)


class Fetcher(Protocol):
    """Where metadata and targets come from. Paths are relative and quoted for a URL."""

    def get(self, path: str, at_most: int) -> bytes:
        """A whole file of at most so many bytes. NotThere; UpdateRefused (ENDLESS_DATA, SLOW_RETRIEVAL); Unavailable."""

    def download(self, path: str, length: int, write: Callable[[bytes], object], start: int = 0) -> None:
        """Hands a file of `length` bytes to `write` in pieces, from byte `start` on. As get; Unavailable also when it ends too early.

        What was written before an error stands, so that the next try can go on from there.
        """


class HttpFetcher:
    """Over HTTP or HTTPS, on one connection kept alive. Redirects are followed on the same server only.

    timeout_s: that nothing comes at all. least_bytes_per_s: that less comes, over any stretch of timeout_s, is slow retrieval.
    headers: sent along, an Authorization for example. context: whom to trust over HTTPS; None: whom the machine trusts. repository: as
    refusals name it. Raises InputError for an address that is none.
    """

    def __init__(
        self,
        base_url: str,
        *,
        least_bytes_per_s: float = 1024.0,
        timeout_s: float = 20.0,
        now: Callable[[], float] = time.monotonic,
        headers: Mapping[str, str] | None = None,
        context: SSLContext | None = None,
        repository: str = "",
    ) -> None:
        self._base = base_url.rstrip("/") + "/"
        where = _address(self._base)
        if where is None or where.scheme not in {"http", "https"} or not where.hostname:
            raise InputError(base_url, "", "is no address of a server over http or https")
        self._secure, self._host, self._port, self._folder = where.scheme == "https", where.hostname, where.port, where.path
        self._context, self._most = context, AROUND
        self._least, self._timeout, self._now = least_bytes_per_s, timeout_s, now
        self._headers, self._repository = dict(headers or {}), repository
        self._connection: HTTPConnection | None = None

    def get(self, path: str, at_most: int) -> bytes:
        """See Fetcher."""
        parts: list[bytes] = []
        self._most = AROUND + 2 * at_most
        with self._response(path, {}) as response:
            self._pieces(response, path, at_most, parts.append)
        return b"".join(parts)

    def download(self, path: str, length: int, write: Callable[[bytes], object], start: int = 0) -> None:
        """See Fetcher. A server that knows no ranges sends the file from its beginning; what is there already is passed over."""
        if start >= length > 0:
            return
        skip = 0
        self._most = AROUND + 2 * length
        with self._response(path, {"Range": f"bytes={start}-"} if start else {}) as response:
            if start and response.status == 206:
                if not (response.getheader("Content-Range") or "").startswith(f"bytes {start}-"):
                    self._refuse(Attack.ARBITRARY_SOFTWARE, path, "the server sends another part of the file than was asked for")
            else:
                skip = start
            taken = self._pieces(response, path, length - start + skip, _after(skip, write))
        if taken < length - start + skip:
            raise Unavailable(f"The connection ended {length - start + skip - taken} bytes before the end of {path}.")

    def close(self) -> None:
        """Ends the connection; the next request begins another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _refuse(self, attack: Attack, path: str, problem: str) -> NoReturn:
        raise UpdateRefused(attack, self._repository, path, problem)

    def _pieces(self, response: HTTPResponse, path: str, at_most: int, write: Callable[[bytes], object]) -> int:
        if (response.length or 0) > at_most:
            self._refuse(Attack.ENDLESS_DATA, path, f"the server announces {response.length} bytes, more than the {at_most} allowed")
        taken = 0
        while piece := response.read1(min(CHUNK, at_most - taken + 1)):
            taken += len(piece)
            if taken > at_most:
                self._refuse(Attack.ENDLESS_DATA, path, f"the server sends more than the {at_most} bytes allowed")
            write(piece)
        if response.length:  # what was announced and did not come
            raise Unavailable(f"The connection ended {response.length} bytes before the end of {path}.")
        return taken

    @contextmanager
    def _response(self, path: str, headers: Mapping[str, str]) -> Iterator[HTTPResponse]:
        from http.client import HTTPException

        complete = False
        try:
            with self._ask(self._folder + path, {**self._headers, **headers}, path) as response:
                yield response
                complete = True
        except NotThere:
            complete = True
            raise
        except _TooMuch:
            self._refuse(Attack.ENDLESS_DATA, path, "the server sends headers, or what stands around a body, without end")
        except _Slow as error:
            self._refuse(Attack.SLOW_RETRIEVAL, path, str(error))
        except (OSError, HTTPException) as error:
            raise Unavailable(f"{self._base} does not answer as it should ({error or type(error).__name__}).") from error
        finally:
            if not complete:  # what is left in it would be taken for the next answer
                self.close()

    def _ask(self, address: str, headers: Mapping[str, str], path: str) -> HTTPResponse:
        for _ in range(REDIRECTS + 1):
            response = self._send(address, headers)
            if response.status in {200, 206}:
                return response
            elsewhere = response.getheader("Location")
            response.read(CHUNK)
            if not (response.isclosed() or response.length == 0):
                self.close()
            response.close()
            if response.status in {403, 404, 410}:
                raise NotThere(path)
            if response.status not in {301, 302, 303, 307, 308} or not elsewhere:
                raise Unavailable(f"{self._base} answers {response.status} for {path}.")
            address = self._here(elsewhere, address, path)
        raise Unavailable(f"{self._base} redirects {path} again and again.")

    def _here(self, elsewhere: str, address: str, path: str) -> str:
        from urllib.parse import urljoin

        scheme = "https" if self._secure else "http"
        host = f"{self._host}:{self._port}" if self._port else self._host
        try:
            found = _address(urljoin(f"{scheme}://{host}{address}", elsewhere))
        except ValueError:
            found = None
        if found is None or (found.scheme, found.hostname, found.port) != (scheme, self._host, self._port):
            self._refuse(Attack.ARBITRARY_SOFTWARE, path, f"the server sends elsewhere, to {elsewhere[:80]!r}")
        return found.path + (f"?{found.query}" if found.query else "")

    def _send(self, address: str, headers: Mapping[str, str]) -> HTTPResponse:
        from http.client import BadStatusLine, CannotSendRequest, HTTPConnection, HTTPSConnection

        for left in reversed(range(STALE)):
            kept = self._connection is not None
            if self._connection is None:
                if self._secure:
                    self._connection = HTTPSConnection(self._host, self._port, timeout=self._timeout, context=self._context)
                else:
                    self._connection = HTTPConnection(self._host, self._port, timeout=self._timeout)
                self._connection.response_class = self._watched  # type: ignore[assignment]
            try:
                self._connection.request("GET", address, headers=dict(headers))
                return self._connection.getresponse()
            except (BadStatusLine, CannotSendRequest, ConnectionError):
                self.close()
                if not (kept and left):
                    raise
        raise AssertionError("unreachable: the last try returns or raises")

    def _watched(self, sock: socket, **how: Any) -> HTTPResponse:
        from http.client import HTTPResponse

        return HTTPResponse(_Watched(sock, self._most, self._least, self._timeout, self._now), **how)  # type: ignore[arg-type]


class _Slow(Exception):
    """Too little came for too long."""


class _TooMuch(Exception):
    """More came than any honest answer has."""


class _Watched(io.RawIOBase):
    """A socket's bytes, header and body, with an eye on the clock. It passes for a socket where HTTPResponse wants a file of one."""

    def __init__(self, sock: socket, most: int, least: float, window_s: float, now: Callable[[], float]) -> None:
        self._raw = sock.makefile("rb", buffering=0)
        self._left, self._least, self._window, self._now = most, least, window_s, now
        self._since, self._taken = now(), 0

    def makefile(self, _mode: str) -> io.BufferedReader:
        """What HTTPResponse asks of a socket."""
        return io.BufferedReader(self, CHUNK)

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, into: Any) -> int | None:
        """Some bytes. Raises _Slow when in window_s nothing came, or less than the least rate, and _TooMuch."""
        try:
            count = self._raw.readinto(into)
        except TimeoutError:
            raise _Slow(f"nothing came for {self._window:g} seconds") from None
        self._taken += count or 0
        self._left -= count or 0
        if self._left < 0:
            raise _TooMuch
        elapsed = self._now() - self._since
        if elapsed >= self._window:
            if self._taken < self._least * elapsed:
                raise _Slow(f"comes at {self._taken / elapsed:.0f} bytes per second, less than {self._least:.0f}")
            self._since, self._taken = self._now(), 0
        return count

    def close(self) -> None:
        """Lets the socket go."""
        self._raw.close()
        super().close()


def _address(url: str) -> SplitResult | None:
    """Its parts; None where it is none that can be asked."""
    try:
        found = urlsplit(url)
        _ = found.port
    except ValueError:
        return None
    return found if url.isascii() else None


def _after(skip: int, write: Callable[[bytes], object]) -> Callable[[bytes], object]:
    """Passes the first `skip` bytes over."""
    if not skip:
        return write
    left = skip

    def rest(piece: bytes) -> None:
        nonlocal left
        if len(piece) > left:
            write(piece[left:])
        left = max(0, left - len(piece))

    return rest
