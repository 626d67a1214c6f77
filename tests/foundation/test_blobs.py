"""The blob port: its promises on both stores, and what only one of them has to stand."""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path

import obstore
import pytest
from blobs_conformance import CAP_BYTES, LARGE, BlobStoreConformance, name_of

from marque.common import InputError, Unavailable
from marque.foundation.blob_folder import FolderBlobs
from marque.foundation.blob_s3 import S3Blobs
from marque.foundation.blobs import Digest, blob_key, store_at

SERVER = Path(__file__).parents[2] / "bench/peers/.venv-s3/bin/moto_server"
KEYS = {"key_id": "a-key", "key": "a-secret-key"}


def files_in(root):
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


class TestFolder(BlobStoreConformance):
    @pytest.fixture
    def store(self, tmp_path):
        return FolderBlobs(tmp_path / "blobs", CAP_BYTES)

    @pytest.fixture
    def put_raw(self, store):
        return lambda key, data: (store.root / key).write_bytes(data)


class TestFolderAlone:
    @pytest.fixture
    def root(self, tmp_path):
        return tmp_path / "blobs"

    def test_nothing_but_blobs_lies_in_the_folder_after_puts_that_worked_and_failed(self, root):
        blobs = FolderBlobs(root, 10).of("gac")
        digest = blobs.put(b"0123456789")
        with pytest.raises(InputError):
            blobs.put(b"0123456789a")
        FolderBlobs(root).check()
        assert files_in(root) == [f"gac/{digest[:2]}/{digest}"]

    def test_a_blob_is_on_the_disk_before_it_has_its_name_and_the_name_before_put_returns(self, root, monkeypatch):
        store, done = FolderBlobs(root), []
        fsync, replace = os.fsync, os.replace

        def seen_fsync(number):
            done.append(("flush", Path(f"/proc/self/fd/{number}").readlink()))
            fsync(number)

        def seen_replace(old, new):
            done.append(("rename", Path(new)))
            replace(old, new)

        monkeypatch.setattr(os, "fsync", seen_fsync)
        monkeypatch.setattr(os, "replace", seen_replace)
        digest = store.of("gac").put(b"evidence")
        (first, written), *later = done
        assert (first, written.parent) == ("flush", root / ".incoming")
        place = root / "gac" / digest[:2]
        assert later == [("rename", place / digest), ("flush", place), ("flush", root / "gac"), ("flush", root)]

    def test_a_writer_killed_at_any_moment_leaves_whole_blobs_only(self, root):
        chance = random.Random(7)
        script = (
            "import itertools, sys; from pathlib import Path; from marque.foundation.blob_folder import FolderBlobs\n"
            "blobs = FolderBlobs(Path(sys.argv[1])).of('gac'); print(flush=True)\n"
            "for i in itertools.count(): print(blobs.put(f'{sys.argv[2]} {i} '.encode() * 200_000), flush=True)"
        )
        promised = set()
        for round_ in range(4):
            writer = subprocess.Popen([sys.executable, "-c", script, root, str(round_)], stdout=subprocess.PIPE, text=True)
            writer.stdout.readline()
            time.sleep(chance.uniform(0.02, 0.15))
            writer.send_signal(signal.SIGKILL)
            promised |= set(writer.communicate()[0].splitlines())
        blobs = FolderBlobs(root).of("gac")
        found = {blob.digest for blob in blobs.list()}
        assert promised
        assert promised <= found
        for digest in found:
            assert name_of(blobs.read(digest)) == digest

    def test_what_a_dead_writer_left_is_swept_a_day_later_and_what_is_being_written_is_not(self, root):
        FolderBlobs(root)
        for name, hours in [("dead", 25), ("alive", 23)]:
            left = root / ".incoming" / name
            left.write_bytes(b"half")
            os.utime(left, (time.time() - hours * 3600,) * 2)
        FolderBlobs(root)
        assert files_in(root) == [".incoming/alive"]

    def test_a_full_disk_loses_nothing_and_says_where_and_what_to_do(self, root):
        """On a file system of 256 KiB that only this test's process sees."""
        script = (
            "import sys; from pathlib import Path; from marque.common import Unavailable\n"
            "from marque.foundation.blob_folder import FolderBlobs\n"
            "store = FolderBlobs(Path(sys.argv[1]) / 'blobs'); blobs = store.of('gac'); kept = blobs.put(b'k' * 90_000)\n"
            "try: blobs.put(b'x' * 250_000)\n"
            "except Unavailable as error: print(error)\n"
            "assert [blob.digest for blob in blobs.list()] == [kept] and blobs.read(kept) == b'k' * 90_000\n"
            "assert list((store.root / '.incoming').iterdir()) == []\n"
            "blobs.delete(kept); blobs.read(blobs.put(b'x' * 200_000))"
        )
        root.mkdir()
        alone = [
            "unshare",
            "--user",
            "--map-root-user",
            "--mount",
            "sh",
            "-c",
            'mount -t tmpfs -o size=256k none "$1" && shift && exec "$@"',
            "sh",
        ]
        if not shutil.which("unshare") or subprocess.run([*alone, root, "true"], capture_output=True, check=False).returncode:
            pytest.skip("this machine lets nobody mount a small file system of their own")
        told = subprocess.run([*alone, root, sys.executable, "-c", script, root], capture_output=True, text=True, check=False)
        assert told.returncode == 0, told.stderr
        assert told.stdout.startswith(
            f"blobs in {root}/blobs: no room is left (No space left on device); what was stored before is as it was.\n"
        )
        assert "Free some space" in told.stdout

    def test_a_file_system_that_cuts_off_large_files_loses_nothing(self, root):
        script = (
            "import resource, signal, sys; from pathlib import Path; from marque.common import Unavailable\n"
            "from marque.foundation.blob_folder import FolderBlobs\n"
            "blobs = FolderBlobs(Path(sys.argv[1])).of('gac'); kept = blobs.put(b'kept')\n"
            "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
            "try: blobs.put(b'x' * 100_001)\n"
            "except Unavailable as error: print(error)\n"
            "assert [blob.digest for blob in blobs.list()] == [kept]"
        )
        told = subprocess.run([sys.executable, "-c", script, root], capture_output=True, text=True, check=True).stdout
        assert "no room is left (File too large)" in told
        assert files_in(root) == [f"gac/{blob_key(Digest.of(b'kept'))}"]

    def test_a_place_that_is_no_folder_is_named(self, tmp_path):
        (tmp_path / "file").write_text("")
        with pytest.raises(Unavailable, match=f"blobs in {tmp_path}/file/x: .*Not a directory"):
            FolderBlobs(tmp_path / "file/x")

    def test_other_files_in_the_folder_are_no_blobs(self, root):
        blobs = FolderBlobs(root).of("gac")
        digest = blobs.put(b"a")
        (root / "gac" / digest[:2] / "notes.txt").write_text("mine")
        (root / "gac" / ".DS_Store").write_text("")
        assert [blob.digest for blob in blobs.list()] == [digest]


@pytest.fixture(scope="session")
def s3_server():
    """The URL of an S3-compatible server, a process of its own."""
    if not SERVER.exists():
        pytest.skip("made by: bench/peers/make s3")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    server = subprocess.Popen([SERVER, "-H", "127.0.0.1", "-p", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not answers(url):
            assert server.poll() is None, "the server ended"
            time.sleep(0.05)
        yield url
    finally:
        server.terminate()
        server.wait()


def answers(url):
    try:
        with urllib.request.urlopen(f"{url}/moto-api/"):
            return True
    except urllib.error.URLError:
        return False


@pytest.fixture
def bucket(s3_server):
    """An empty bucket's name."""
    name = f"blobs-{os.urandom(6).hex()}"
    headers = {"Authorization": f"AWS4-HMAC-SHA256 Credential={KEYS['key_id']}/20250101/us-east-1/s3/aws4_request"}
    with urllib.request.urlopen(urllib.request.Request(f"{s3_server}/{name}", method="PUT", headers=headers)):
        return name


@pytest.mark.slow
class TestS3(BlobStoreConformance):
    @pytest.fixture
    def store(self, s3_server, bucket):
        return S3Blobs(bucket, endpoint=s3_server, prefix="marque", cap_bytes=CAP_BYTES, **KEYS)

    @pytest.fixture
    def put_raw(self, store):
        return lambda key, data: obstore.put(store.store, f"marque/{key}", data)


class CuttingLine:
    """A line to a server that is cut whenever so many bytes have gone one way, so many times; then it holds."""

    def __init__(self, url, way, after, times):
        self.target, self.way, self.after, self.times = int(url.rpartition(":")[2]), way, after, times
        self.cuts, self.left, self.lock = 0, after, threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.threads = [threading.Thread(target=self.accept)]
        self.threads[0].start()

    def accept(self):
        with suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                self.threads.append(threading.Thread(target=self.connect, args=(client,)))
                self.threads[-1].start()

    def connect(self, client):
        with client, socket.create_connection(("127.0.0.1", self.target)) as server:
            down = threading.Thread(target=self.pass_on, args=(server, client, "down"))
            down.start()
            self.pass_on(client, server, "up")
            down.join()

    def pass_on(self, source, sink, way):
        with suppress(OSError):
            while (data := source.recv(65536)) and not (way == self.way and self.cut_now(len(data))):
                sink.sendall(data)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def cut_now(self, count):
        with self.lock:
            self.left -= count
            if self.left > 0 or self.cuts == self.times:
                return False
            self.cuts, self.left = self.cuts + 1, self.after
            return True

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for thread in self.threads:
            thread.join()


@pytest.fixture
def line(s3_server):
    """Makes lines to the server that are cut."""
    made = []

    def make(way, *, times=sys.maxsize):
        made.append(CuttingLine(s3_server, way, 500_000, times))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.mark.slow
class TestS3Alone:
    def test_an_upload_cut_off_again_and_again_is_seen_by_nobody_and_told(self, s3_server, bucket, line):
        blobs = S3Blobs(bucket, endpoint=s3_server, **KEYS).of("gac")
        kept, cut = blobs.put(b"kept"), line("up")
        for data in (LARGE[: 3 << 20], LARGE):
            with pytest.raises(Unavailable, match=f"blobs in bucket {bucket} at {cut.url}: the store does not serve the request"):
                S3Blobs(bucket, endpoint=cut.url, patience_s=0.5, **KEYS).of("gac").put(data)
        assert cut.cuts
        assert [blob.digest for blob in blobs.list()] == [kept]

    def test_an_upload_cut_off_once_is_tried_again(self, s3_server, bucket, line):
        cut = line("up", times=1)
        digest = S3Blobs(bucket, endpoint=cut.url, **KEYS).of("gac").put(LARGE)
        assert cut.cuts == 1
        assert S3Blobs(bucket, endpoint=s3_server, **KEYS).of("gac").read(digest) == LARGE

    def test_a_download_that_stays_cut_off_is_an_error_not_a_short_blob(self, s3_server, bucket, line):
        digest = S3Blobs(bucket, endpoint=s3_server, **KEYS).of("gac").put(LARGE)
        with pytest.raises(Unavailable, match="does not serve the request"):
            S3Blobs(bucket, endpoint=line("down").url, patience_s=0.5, **KEYS).of("gac").read(digest)

    def test_a_server_that_is_not_there_and_a_bucket_that_is_not_there_are_named(self, s3_server):
        with socket.socket() as nobody:
            nobody.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{nobody.getsockname()[1]}"
            self.every_question_tells(S3Blobs("b", endpoint=url, patience_s=0.2, **KEYS), f"bucket b at {url}: the store does not serve")
        self.every_question_tells(S3Blobs("no-such", endpoint=s3_server, **KEYS), "bucket no-such .*: there is no such bucket")

    def every_question_tells(self, store, told):
        blobs, digest = store.of("gac"), Digest.of(b"a")
        asked = [lambda: blobs.put(b"a"), lambda: blobs.read(digest), lambda: blobs.exists(digest), lambda: blobs.delete(digest)]
        for ask in [*asked, lambda: list(blobs.list()), store.check]:
            with pytest.raises(Unavailable, match=told) as error:
                ask()
            assert KEYS["key"] not in str(error.value)

    def test_a_folder_that_was_outgrown_is_copied_into_a_bucket_as_it_is(self, s3_server, bucket, tmp_path):
        folder = FolderBlobs(tmp_path)
        digests = {code: [folder.of(code).put(f"{code} {i}".encode()) for i in range(3)] for code in ("gac", "huawei")}
        for name in files_in(tmp_path):
            obstore.put(S3Blobs(bucket, endpoint=s3_server, **KEYS).store, name, tmp_path / name)
        for code, names in digests.items():
            blobs = S3Blobs(bucket, endpoint=s3_server, **KEYS).of(code)
            assert [blob.digest for blob in blobs.list()] == sorted(names)
            assert [blobs.read(name) for name in names] == [folder.of(code).read(name) for name in names]


def test_an_address_says_which_store_it_is(tmp_path):
    assert store_at(str(tmp_path)).root == tmp_path
    store = store_at("s3://bucket/a/b?endpoint=http://127.0.0.1:9000&region=eu-west-1")
    assert (store.place, store.prefix) == ("blobs in bucket bucket at http://127.0.0.1:9000", "a/b/")


@pytest.mark.parametrize("address", ["http://bucket", "s3://", "s3://id:secret@bucket", "s3://bucket?key=secret", "file:///x"])
def test_an_address_of_another_form_is_refused_without_repeating_keys(address):
    with pytest.raises(InputError, match="expected a folder or s3://BUCKET") as error:
        store_at(address)
    assert "id:secret" not in str(error.value)
