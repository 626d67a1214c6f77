"""Blobs in an S3-compatible store: for more than one machine.

Such a store takes an object whole or not at all and answers once it is durable. A long upload goes in parts; parts of one that was
cut off are seen by nobody, but are kept: give the bucket a lifecycle rule that aborts incomplete uploads after a day.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from io import BufferedReader
from typing import IO, TYPE_CHECKING, BinaryIO, cast

import obstore
from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import S3Store

from marque.common import InputError, Missing, Unavailable
from marque.foundation.blobs import CAP_BYTES, CHUNK_BYTES, Blob, Digest, Reading, Source, blob_key, copy, missing, owner_key, verified

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig, S3Config

_PART_BYTES = 8 << 20
"""Up to here a blob waits in memory and is sent at once; larger ones wait in a temporary file and go in parts of this size."""
_PARTS_AT_ONCE = 4


class S3Blobs:
    """A BlobStore in a bucket, below a prefix.

    endpoint:   the store's URL; empty for AWS itself.
    key_id, key: empty to take them from the environment or the machine's role.
    patience_s: for so long a request that fails is tried again.
    """

    def __init__(
        self,
        bucket: str,
        *,
        prefix: str = "",
        endpoint: str = "",
        region: str = "us-east-1",
        key_id: str = "",
        key: str = "",
        cap_bytes: int = CAP_BYTES,
        patience_s: float = 30.0,
    ) -> None:
        self.place = f"blobs in bucket {bucket}" + (f" at {endpoint}" if endpoint else "")
        self.prefix, self.cap_bytes = f"{prefix}/" if prefix else "", cap_bytes
        config: S3Config = {"region": region}
        if endpoint:
            config["endpoint"] = endpoint
        if key_id:
            config["access_key_id"], config["secret_access_key"] = key_id, key
        client: ClientConfig = {
            "connect_timeout": "5s",
            "read_timeout": "60s",
            "timeout": "15m",
            "allow_http": endpoint.startswith("http://"),
        }
        retry: RetryConfig = {
            "max_retries": 10,
            "retry_timeout": timedelta(seconds=patience_s),
            "backoff": {"init_backoff": timedelta(milliseconds=100), "max_backoff": timedelta(seconds=5), "base": 2},
        }
        self.store = S3Store(bucket, config=config, client_options=client, retry_config=retry)

    def of(self, organisation: str) -> _OrganisationPrefix:
        return _OrganisationPrefix(self, owner_key(organisation))

    def check(self) -> None:
        with self.telling():
            obstore.put(self.store, f"{self.prefix}.check", b"")

    @contextmanager
    def telling(self, digest: str = "") -> Iterator[None]:
        """What the client says, as a sentence with the place and the remedy. With a digest, its absence is Missing."""
        try:
            yield
        except (BaseError, OSError) as error:
            if "NoSuchBucket" in str(error):
                raise self._unavailable("there is no such bucket", error, "Make the bucket, or name another one.") from error
            if digest and isinstance(error, FileNotFoundError):
                raise missing(digest) from None
            if isinstance(error, PermissionDeniedError | UnauthenticatedError):
                raise self._unavailable("the store refuses the keys", error, "Check them and the bucket's policy.") from error
            raise self._unavailable("the store does not serve the request", error, "See that it runs, is reached and has room.") from error

    def _unavailable(self, problem: str, error: Exception, remedy: str) -> Unavailable:
        said = str(error).partition("\n")[0].partition(": <?xml")[0]
        return Unavailable(f"{self.place}: {problem}; what was stored before is as it was.\n  {remedy} It said: {said}.")


class _OrganisationPrefix:
    def __init__(self, store: S3Blobs, organisation: str) -> None:
        self._store, self._home = store, f"{store.prefix}{organisation}/"

    def _key(self, digest: str) -> str:
        return self._home + blob_key(digest)

    def put(self, source: Source) -> Digest:
        # The name is known only after the last byte, so the bytes wait here; a source that changes meanwhile is stored as it was read.
        with tempfile.SpooledTemporaryFile(_PART_BYTES) as spool:
            digest = copy(source, lambda chunk: self._spool(spool, chunk), self._store.cap_bytes)
            spool.seek(0)
            with self._store.telling():
                waiting = cast("IO[bytes]", spool)
                obstore.put(self._store.store, self._key(digest), waiting, chunk_size=_PART_BYTES, max_concurrency=_PARTS_AT_ONCE)
        return digest

    def _spool(self, spool: tempfile.SpooledTemporaryFile[bytes], chunk: bytes | memoryview) -> None:
        try:
            spool.write(chunk)
        except OSError as error:
            problem = f"no room for a blob on its way to its store ({error.strerror}); nothing was changed"
            remedy = "Free some space there, or set TMPDIR to a folder that has more."
            raise Unavailable(f"temporary files in {tempfile.gettempdir()}: {problem}.\n  {remedy}") from error

    def open(self, digest: str) -> BinaryIO:
        key = self._key(digest)
        with self._store.telling(digest):
            found = obstore.get(self._store.store, key)
        return BufferedReader(Reading(verified(self._chunks(found), digest, self._store.place), lambda: None))

    def _chunks(self, found: obstore.GetResult) -> Iterator[bytes]:
        with self._store.telling():
            for chunk in found.stream(CHUNK_BYTES):
                yield bytes(chunk)

    def read(self, digest: str) -> bytes:
        with self.open(digest) as file:
            return file.read()

    def exists(self, digest: str) -> bool:
        with suppress(Missing):
            with self._store.telling(digest):
                obstore.head(self._store.store, self._key(digest))
            return True
        # No answer to a HEAD has a body, which would tell a missing bucket from a missing blob.
        with suppress(Missing):
            self.open(digest).close()
            return True
        return False

    def delete(self, digest: str) -> None:
        with self._store.telling():
            obstore.delete(self._store.store, self._key(digest))

    def list(self) -> Iterator[Blob]:
        with self._store.telling():
            for page in obstore.list(self._store.store, self._home, chunk_size=1000):
                for found in page:
                    try:
                        digest = Digest(found["path"].rpartition("/")[2])
                    except InputError:
                        continue
                    yield Blob(digest, found["size"], found["last_modified"])
