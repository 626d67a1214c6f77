"""The blob port: bytes by the digest of what they say; an organisation opens its own and no others.

    blobs = store_at(settings.blobs).of(actor.organisation)
    digest = blobs.put(path)
    with blobs.open(digest) as file: …

Both stores lay blobs out alike, ORGANISATION/FIRST TWO DIGITS/DIGEST, so that a folder which was outgrown is copied into a bucket as it is.
What a store promises is written once, as tests that run on both: tests/foundation/blobs_conformance.py.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Protocol, TypeAlias
from urllib.parse import parse_qs, urlsplit

from marque.common import InputError, MarqueError, Missing

CHUNK_BYTES = 1 << 20
CAP_BYTES = 4 << 30
"""The largest blob unless a store is told otherwise: a replay of an hour of a city is a tenth of it."""

_DIGEST = re.compile(r"[0-9a-f]{64}")
_ORGANISATION = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_ORGANISATION_LENGTH = 63

Source: TypeAlias = bytes | bytearray | memoryview | BinaryIO | Path
"""What can be put: bytes, a file, or anything with `read(size)` that gives bytes from where it stands to its end."""


class BlobChanged(MarqueError):
    """What the store holds is not what was put: a bit turned, a file cut short, another's hand."""

    def __init__(self, digest: str, place: str) -> None:
        self.digest, self.place = digest, place
        super().__init__(
            f"{place}: blob {digest} is not what was stored under this digest; none of it may be relied on.\n"
            "  Put the original again, which replaces it, or restore it from a backup; then look for what damaged the store."
        )

    def __reduce__(self) -> tuple[type[BlobChanged], tuple[str, str]]:
        return type(self), (self.digest, self.place)


class Digest(str):
    """The SHA-256 (FIPS 180-4) of a blob's bytes as 64 lower-case hexadecimal digits: its name here, in signed documents and in tables."""

    __slots__ = ()

    def __new__(cls, text: str) -> Digest:
        if not _DIGEST.fullmatch(text):
            raise InputError("digest", "", f"{text[:80]!r} is not 64 lower-case hexadecimal digits", "Give a blob's SHA-256.")
        return super().__new__(cls, text)

    @classmethod
    def of(cls, data: bytes | bytearray | memoryview) -> Digest:
        return cls(hashlib.sha256(data).hexdigest())


@dataclass(frozen=True)
class Blob:
    """One entry of a store's list. stored_at: when it was last put, by the store's clock, UTC."""

    digest: Digest
    size_bytes: int
    stored_at: datetime


class Blobs(Protocol):
    """The blobs of one organisation. Every method may be called by many threads and processes at once.

    Raises common.Missing for a blob that is not there or belongs to another organisation, which cannot be told apart; common.Unavailable,
    naming the store and the remedy, when it is full, cut off or shut; then nothing was changed and nothing lost.
    """

    def put(self, source: Source) -> Digest:
        """Stores all bytes of the source and gives their digest; when it returns they are durable.

        Readers see the whole blob or none, whenever the writer or the machine dies. Putting the same bytes again is fine, at the same time
        too, and mends a blob that was damaged. Raises InputError for more bytes than the store's cap, or a source that cannot be read.
        """

    def open(self, digest: str) -> BinaryIO:
        """The blob as a file to read from its beginning to its end. Close it.

        The last chunk is given out only when all bytes were found to be those of the digest: who reached the end has the true blob; before
        that, what was read is not to be acted on. Raises BlobChanged from `read` otherwise.
        """

    def read(self, digest: str) -> bytes:
        """The whole blob, verified, in memory. Raises BlobChanged."""

    def exists(self, digest: str) -> bool:
        """Whether a blob is stored under this digest; whether it is still true, only reading tells."""

    def delete(self, digest: str) -> None:
        """Takes the blob away, durably; nothing happens where there is none. Who is reading it may fail."""

    def list(self) -> Iterator[Blob]:
        """The organisation's blobs in the order of their digests, read as it goes: what comes or goes meanwhile may be in it or not."""


class BlobStore(Protocol):
    """Where blobs are kept."""

    def of(self, organisation: str) -> Blobs:
        """The blobs of the organisation with this code. Raises InputError if it is not one."""

    def check(self) -> None:
        """Returns if the store answers and takes blobs; raises common.Unavailable with place and remedy otherwise. For health checks."""


def store_at(address: str, cap_bytes: int = CAP_BYTES) -> BlobStore:
    """The store at an address: a folder's path, or `s3://BUCKET/PREFIX?endpoint=URL&region=NAME` for an S3-compatible one.

    Keys to an S3-compatible store come from the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY) or the machine's role, never from
    the address, which is written to logs. Raises InputError for an address of neither form.
    """
    from marque.foundation.blob_folder import FolderBlobs
    from marque.foundation.blob_s3 import S3Blobs

    if "://" not in address:
        return FolderBlobs(Path(address), cap_bytes)
    url = urlsplit(address)
    options = {name: values[-1] for name, values in parse_qs(url.query).items()}
    if url.scheme != "s3" or not url.hostname or url.username or set(options) - {"endpoint", "region"}:
        told = address.rpartition("@")[2]
        expected = "a folder or s3://BUCKET/PREFIX?endpoint=URL&region=NAME"
        raise InputError("blobs", told, f"expected {expected}", "Keys belong into AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.")
    endpoint, region = options.get("endpoint", ""), options.get("region", "us-east-1")
    return S3Blobs(url.hostname, prefix=url.path.strip("/"), endpoint=endpoint, region=region, cap_bytes=cap_bytes)


def owner_key(organisation: str) -> str:
    """The organisation's code, safe as a folder's name and as a part of a key. Raises InputError."""
    if len(organisation) > _ORGANISATION_LENGTH or not _ORGANISATION.fullmatch(organisation):
        code = f"lower-case letters, digits and single hyphens, at most {_ORGANISATION_LENGTH}"
        raise InputError("organisation", "", f"{organisation[:80]!r} is not a code ({code})")
    return organisation


def blob_key(digest: str) -> str:
    """Where the blob lies below its organisation; 256 folders keep each of them small."""
    return f"{Digest(digest)[:2]}/{digest}"


def missing(digest: str) -> Missing:
    return Missing(f"blob {digest}")


def copy(source: Source, write: Callable[[bytes | memoryview], object], cap_bytes: int) -> Digest:
    """Hands the source on in chunks and gives the digest of what was handed on. Raises InputError."""
    seen, size = hashlib.sha256(), 0
    for chunk in _chunks(source):
        size += len(chunk)
        if size > cap_bytes:
            problem = f"it has more than the {cap_bytes:,} bytes that the store takes"
            raise InputError("blob", "", problem, "Split it, or raise the store's cap.")
        seen.update(chunk)
        write(chunk)
    return Digest(seen.hexdigest())


def _chunks(source: Source) -> Iterator[bytes | memoryview]:
    if isinstance(source, bytes | bytearray | memoryview):
        view = memoryview(source).cast("B")
        yield from (view[start : start + CHUNK_BYTES] for start in range(0, len(view), CHUNK_BYTES))
        return
    try:
        with source.open("rb") if isinstance(source, Path) else nullcontext(source) as file:
            yield from iter(lambda: file.read(CHUNK_BYTES), b"")
    except OSError as error:
        name = source.name if isinstance(source, Path) else "the blob's source"
        raise InputError(name, "", f"it cannot be read ({error.strerror or error})") from error


def verified(chunks: Iterator[bytes], digest: str, place: str) -> Iterator[bytes]:
    """The chunks, each held back until the next has come, the last one until all are found to be the digest's. Raises BlobChanged."""
    seen, held = hashlib.sha256(), b""
    for chunk in chunks:
        seen.update(chunk)
        if held:
            yield held
        held = chunk
    if seen.hexdigest() != digest:
        raise BlobChanged(digest, place)
    yield held


class Reading(io.RawIOBase):
    """Chunks as a file; closing it closes what they come from."""

    def __init__(self, chunks: Iterator[bytes], close: Callable[[], object]) -> None:
        self._chunks, self._rest, self._close = chunks, memoryview(b""), close

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        into = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._rest = memoryview(chunk)
        count = min(len(into), len(self._rest))
        into[:count], self._rest = self._rest[:count], self._rest[count:]
        return count

    def close(self) -> None:
        if not self.closed:
            self._close()
        super().close()
