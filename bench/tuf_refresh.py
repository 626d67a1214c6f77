"""A cold refresh of a repository with 100,000 targets in hash bins, and one target found, beside python-tuf in one run; as Markdown.

python bench/tuf_refresh.py [--targets N] [--rounds N]

The repository is written by `release.repository` (two parties, 2 of 3 keys of each on every file of targets). It is served over HTTP on
127.0.0.1 by a process of its own. Cold: a folder that holds the first root and nothing else. In turns: our `Client` with `HttpFetcher`;
python-tuf's `Updater` with its own fetcher, which asks for no keys of each party; `marque-car tuf download` as a process from its start.
By the clock and in processor time of the client; best and median of the rounds. Exit status 1: more than 0.3 s or 250 kB.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from director import image
from tuf.ngclient import Updater

from marque.car.tuf.client import Client, wanted
from marque.car.tuf.fetch import HttpFetcher
from marque.car.tuf.model import Target, Targets
from marque.release.repository import bins
from marque.release.repository.folder import Folder, Online
from marque.release.repository.keys import FileSigner, signed
from marque.release.repository.roles import Party
from marque.release.repository.root import first_root

MOST_S = 0.3
MOST_BYTES = 250_000
EXPIRES = datetime.now(UTC).replace(microsecond=0) + timedelta(days=7)


def written(place: Path, count: int) -> list[Target]:
    """A repository of so many targets in a folder."""
    people = {code: [FileSigner(Ed25519PrivateKey.generate(), code) for _ in range(3)] for code in ("gac", "huawei")}
    parties = [Party(code, tuple(one.key for one in signers)) for code, signers in people.items()]
    both = [one for signers in people.values() for one in signers[:2]]
    online = Online(FileSigner(Ed25519PrivateKey.generate()), FileSigner(Ed25519PrivateKey.generate()))
    folder = Folder(place)
    folder.add_root(signed(first_root(parties, {"snapshot": online.snapshot.key, "timestamp": online.timestamp.key}, EXPIRES), both))
    targets = [image(number) for number in range(count)]
    below = bins.delegated(parties, bins.bits_for(count))
    assert below.bins is not None
    roles = {"targets": signed(Targets(version=1, expires=EXPIRES, targets={}, delegations=below), both)}
    roles |= dict(bins.files(bins.spread(targets, below.bins), 1, EXPIRES, both))
    folder.publish(roles, online, datetime.now(UTC), by_version_alone="bin-")
    return targets


class _Handler(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # as web servers do; else each answer waits 40 ms for an acknowledgement

    def log_message(self, *_: object) -> None:
        """Nothing."""


def serve(folder: str) -> None:
    """Serves a folder until the process is ended; its address stands on the first line."""
    os.chdir(folder)
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        print(server.server_address[1], flush=True)
        server.serve_forever()


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of a folder, served by a process of its own."""
    with subprocess.Popen([sys.executable, __file__, "--serve", str(folder)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}/metadata/"
        finally:
            process.kill()


def ours(url: str, root: bytes, path: str, folder: Path) -> Callable[[], int]:
    """Our client, its root trusted beforehand; it gives the length found."""
    fetcher = HttpFetcher(url)
    Client(folder, fetcher, datetime.now(UTC)).init(root)

    def refresh() -> int:
        with closing(fetcher):
            return wanted(Client(folder, fetcher, datetime.now(UTC)), path).length

    return refresh


def theirs(url: str, root: bytes, path: str, folder: Path) -> Callable[[], int]:
    """python-tuf's client, likewise."""
    folder.mkdir()
    Updater(str(folder), url, bootstrap=root)

    def refresh() -> int:
        found = Updater(str(folder), url, bootstrap=None).get_targetinfo(path)
        assert found is not None
        return found.length

    return refresh


def as_process(url: str, root: bytes, path: str, folder: Path) -> Callable[[], int]:
    """`marque-car tuf` from its start. The image itself is not there, so it ends with 1 once everything was verified."""
    Client(folder, HttpFetcher(url), datetime.now(UTC)).init(root)
    program = Path(sys.executable).with_name("marque-car")
    where = ["--metadata-dir", str(folder), "--metadata-url", url, "--target-base-url", url, "--target-dir", str(folder / "out")]

    def refresh() -> int:
        done = subprocess.run([program, "tuf", *where, "--target-name", path, "download"], capture_output=True, text=True, check=False)
        assert "withheld" in done.stderr, done.stderr
        return 0

    return refresh


def main(count: int, rounds: int) -> bool:
    """Print the comparison; whether both bars are met."""
    chance, taken = random.Random(1), {"ours": [(0.0, 0.0)] * 0, "python-tuf": [], "`marque-car tuf`": []}
    ways = dict(zip(taken, (ours, theirs, as_process), strict=True))
    loaded = 0
    with tempfile.TemporaryDirectory() as place:
        targets = written(Path(place), count)
        root = Folder(Path(place)).read("root")
        with served(Path(place)) as url:
            for number in range(rounds):
                target = chance.choice(targets)
                for name, way in ways.items():
                    folder = Path(place) / f"{name.strip('`')} {number}"
                    refresh = way(url, root, target.path, folder)
                    clock, used = time.perf_counter(), time.process_time()
                    assert refresh() in {target.length, 0}
                    taken[name].append((time.perf_counter() - clock, time.process_time() - used))
                    if name == "ours":
                        loaded = max(loaded, sum(file.stat().st_size for file in folder.iterdir()))
    print(f"{count:,} targets, cold refresh and one target found; {loaded:,} bytes of metadata at most (asked: {MOST_BYTES:,}).\n")
    print("| | best, s | median, s | processor, s (median) |\n|---|---|---|---|")
    for name, times in taken.items():
        by_clock, used = zip(*times, strict=True)
        print(f"| {name} | {min(by_clock):.3f} | {statistics.median(by_clock):.3f} | {statistics.median(used):.3f} |")
    slowest = statistics.median(clock for clock, _ in taken["ours"])
    print(f"\nAsked: {MOST_S} s.")
    return slowest <= MOST_S and loaded < MOST_BYTES


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--targets", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.serve:
        serve(asked.serve)
    sys.exit(0 if main(asked.targets, asked.rounds) else 1)
