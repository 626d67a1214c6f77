"""The audit log on the server that comes with Marque, as Markdown: how fast it grows, and how long taking it away and verifying it takes.

python bench/audit.py [--entries N]

Entries of two partners and a third organisation, alone and together. One entry in a transaction waits for the disk; many in one are those
of an import. What is verified are files that the server wrote, cosigned by two witnesses: alone, against an earlier one, and against the
other partner's. Verifying is measured in CPU time, the rest in wall time.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "alliance" / "audit"))
from ledgers import KEYS, LOG, WITNESS_KEYS, WITNESSES

from marque.alliance import audit
from marque.alliance.audit import note
from marque.app.platform import ROOMS
from marque.common import new_id
from marque.foundation import Actor, Database, SystemClock, embedded
from marque.foundation.migrations import migrate, of_rooms

VERIFIED_S = 30.0
CONCERNED = [("gac",), ("huawei",), ("gac", "huawei"), ("byd",), ("byd", "huawei")]


def founded(owner: str) -> None:
    with psycopg.connect(owner) as connection:
        connection.execute(
            "insert into alliance.organisation (organisation, name, kind) select one, one, 'carmaker' from unnest(%s::text[]) as t (one)",
            (["gac", "huawei", "byd"],),
        )
        for one in ("gac", "byd"):
            connection.execute(
                "insert into alliance.agreement (organisation, id, title, invited, created_at) values (%s, %s, 'An agreement', %s, now())",
                (one, new_id(), [one, "huawei"]),
            )


class Log:
    """Appends to the log, always the same entries."""

    def __init__(self, database: Database) -> None:
        self.database, self.chance = database, random.Random(1)

    def append(self, count: int) -> None:
        """In one transaction."""
        concerned = self.chance.choice(CONCERNED)
        with self.database.transaction(Actor(concerned[0])) as tx:
            for number in range(count):
                among = [one for one in CONCERNED if one[0] == concerned[0]]
                audit.append(
                    tx, self.chance.choice(among), "requirement-written", {"requirement": str(new_id()), "side": "Größe", "version": number}
                )

    def signed(self) -> int:
        """A checkpoint of all entries, cosigned; its size."""
        with self.database.transaction(Actor("gac")) as tx:
            made = audit.sign_checkpoint(tx, LOG)
        size = audit.Checkpoint.parse(made.text).size
        for key, (name, private) in zip(WITNESS_KEYS, WITNESSES.items(), strict=True):
            with self.database.transaction(Actor("gac")) as tx:
                refused = audit.add_cosignature(tx, size, note.cosign(name, private, made.text, 1748779200), key)
            assert refused is None, refused
        return size

    def export(self, organisation: str, path: Path) -> Path:
        with self.database.transaction(Actor(organisation)) as tx, path.open("wb") as out:
            audit.export(tx, out, LOG.verifier_key, witnesses=WITNESS_KEYS)
        return path


def row(what: str, figure: str) -> None:
    print(f"| {what} | {figure} |", flush=True)


@contextmanager
def stopwatch(clock: object = time.perf_counter) -> Iterator[list[float]]:
    took: list[float] = []
    began = clock()
    yield took
    took.append(clock() - began)


def measure(log: Log, folder: Path, entries: int) -> None:
    print("| | |\n|---|---|")
    singly = []
    for _ in range(1000):
        with stopwatch() as took:
            log.append(1)
        singly += took
    singly.sort()
    row(
        "one entry, in a transaction of its own",
        f"median {1e3 * singly[500]:.2f} ms, p99 {1e3 * singly[990]:.2f} ms, {1000 / sum(singly):.0f} a second",
    )
    with stopwatch() as took:
        for _ in range((entries * 9 // 10 - 1000) // 1000):
            log.append(1000)
    row("1,000 entries in each transaction", f"{(entries * 9 // 10 - 1000) / took[0]:.0f} a second")
    log.signed()
    earlier = log.export("gac", folder / "earlier")
    for _ in range(entries // 10 // 1000):
        log.append(1000)
    with stopwatch() as took:
        size = log.signed()
    row(f"a checkpoint of {size:,} entries, with two cosignatures", f"{1e3 * took[0]:.1f} ms")
    with stopwatch() as took:
        ours = log.export("gac", folder / "ours")
    row("its export for one organisation", f"{took[0]:.1f} s, {ours.stat().st_size / 1e6:.1f} MB")
    others = log.export("huawei", folder / "others")
    for what, given in {
        "verifying it": {},
        "and that it continues an earlier one": {"previous": earlier},
        "and that the partner has the same log": {"previous": earlier, "other": others},
    }.items():
        with stopwatch(time.process_time) as took:
            report = audit.verify(ours, KEYS, **given)
        assert report.ok, report.findings[:3]
        row(
            f"{what} ({report.own_entries:,} entries of its own)",
            f"{took[0]:.1f} s of CPU time{'' if took[0] <= VERIFIED_S else ' — **over 30 s**'}",
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=100_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="marque-", ignore_cleanup_errors=True) as folder:
        addresses = embedded.start(Path(folder) / "database", "bench")
        migrate(addresses.owner, of_rooms(ROOMS))
        founded(addresses.owner)
        with Database(addresses.app, SystemClock()) as database, tempfile.TemporaryDirectory() as files:
            measure(Log(database), Path(files), options.entries)
        embedded.stop(Path(folder) / "database")


if __name__ == "__main__":
    main()
