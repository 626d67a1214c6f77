"""A server killed at any moment, while agreements are signed and modes change: nothing half done, nothing lost, a log that verifies."""

from __future__ import annotations

import random
import sys
import tempfile
import threading
import time
from collections import deque
from contextlib import ExitStack, contextmanager, suppress
from itertools import cycle, islice, takewhile
from pathlib import Path

import httpx
import psycopg
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "alliance"))
import whole
from prey import Installation
from signing_clients import CARMAKERS, PARTNER, Ledger, Worker, found_companies

from marque.alliance import audit
from marque.app.platform import ON_PURPOSE, ROOMS, server_key
from marque.foundation import NOBODY, Actor, Database, SystemClock
from marque.foundation.catalogue import faults as holes
from marque.foundation.migrations import migrate, of_rooms

KILLS = 50
KINDS = {"agreement", "programme", "revision", "signature", "requirement", "decision", "act"}
SEAMS = [
    *((place, kind) for place in ("event", "record") for kind in ("revision-proposed", "revision-signed", "requirement-written",
                                                                  "decision-opened", "decision-approved", "transition-applied")),
    ("transition", "transition-applied"),
]  # fmt: skip
PREY = ("application", "postmaster", "worker", "application", "backend", "both")


@pytest.fixture
def installation():
    """Not below pytest's own folder: see the fixture `server`. With every promise of PostgreSQL's defaults kept: it waits for the disk."""
    with tempfile.TemporaryDirectory(prefix="marque-", ignore_cleanup_errors=True) as folder:
        made = Installation(Path(folder))
        migrate(made.addresses.owner, of_rooms(ROOMS))
        yield made
        made.end()


class Auditor:
    """Takes the log away after every kill, and checks it offline, each time against the export before."""

    def __init__(self, installation, database):
        self.folder, self.database, self.before = installation.folder, database, {}
        self.log = audit.LogKey("localhost/audit", server_key(installation.keys / "audit-log.pem"))

    def faults(self, organisation):
        with self.database.transaction(NOBODY) as tx:
            audit.sign_checkpoint(tx, self.log)
        taken = self.folder / f"{organisation}-{len(self.before.get(organisation, ()))}.export"
        with self.database.transaction(Actor(organisation)) as tx, taken.open("xb") as file:
            audit.export(tx, file, self.log.verifier_key)
        earlier = self.before.setdefault(organisation, [])
        report = audit.verify(taken, audit.Keys(self.log.verifier_key), earlier[-1] if earlier else None)
        earlier.append(taken)
        return [] if report.ok else [f"the log of {organisation}: {finding}" for finding in report.findings]


@contextmanager
def at_work(workers, until_s):
    """All of them for so long; ended when the block ends."""
    stop = threading.Event()
    threads = [threading.Thread(target=one.run, args=(stop,)) for one in workers]
    for thread in threads:
        thread.start()
    time.sleep(until_s)
    yield
    stop.set()
    for thread in threads:
        thread.join()


def strike(installation, prey, chance):
    if prey == "both":
        installation.kill("application", "worker")
    elif prey in {"application", "worker"}:
        installation.kill(prey)
    else:
        installation.kill_database(whole=prey == "postmaster", chance=chance.random())


@contextmanager
def hired(installation, chance):
    """People of three pairs of companies, and what they were told."""
    ledger = Ledger()
    with Database(installation.addresses.app, SystemClock()) as database, ExitStack() as stack:
        pairs = found_companies(installation.addresses.owner, database, installation.origin)
        people = [(one, lead) for lead, pair in pairs.items() for one in pair]
        workers = [Worker(installation.origin, one, lead, ledger, random.Random(chance.random())) for one, lead in people]
        for worker in workers:
            stack.callback(worker.close)
        yield database, workers, ledger


@pytest.mark.slow
def test_killed_at_fifty_random_moments_nothing_is_half_done_and_nothing_is_lost(installation):
    chance = random.Random(2023_03_27)
    with hired(installation, chance) as (database, workers, ledger):
        auditor = Auditor(installation, database)
        for number in range(KILLS):
            prey = PREY[number % len(PREY)]
            installation.begin()
            installation.wait()
            with at_work(workers, chance.uniform(0.05, 1.0)):
                strike(installation, prey, chance)
            found = whole.faults(installation.superuser, ledger, everything=number == KILLS - 1)
            found += auditor.faults(PARTNER) + auditor.faults(CARMAKERS[number % len(CARMAKERS)])
            assert found == [], f"after kill {number + 1}, of {prey}\n{installation.told()}"
    with psycopg.connect(installation.addresses.owner) as connection:
        assert holes(connection, ROOMS, ON_PURPOSE) == []
    assert {one.kind for one in ledger.claims if one.told == "done"} == KINDS, "nothing of a kind was ever done: the test looks at nothing"
    assert len([one for one in ledger.claims if one.told == "unknown"]) >= KILLS // 2, "hardly any kill met an act"


# Whether it would be noticed --------------------------------------------------------------------------------------------------------------


def work_until_dead(installation, workers):
    """In turn, so that it is the same each time; the application dies at its place."""
    installation.begin("application")
    installation.wait()
    with suppress(httpx.TransportError):
        for worker in islice(cycle(workers), 4000):
            worker.step()
    assert installation.died(), "the application never came to the place where it dies"


@pytest.mark.slow
def test_a_death_at_every_seam_of_an_act_leaves_nothing_and_the_same_act_in_two_transactions_is_noticed(installation):
    with hired(installation, random.Random(1)) as (_, workers, ledger):
        for place, kind in SEAMS:
            installation.fault = f"dies-before-{place}:{kind}"
            work_until_dead(installation, workers[:2])
            assert whole.faults(installation.superuser, ledger) == [], installation.fault
        known = set()
        for place, kind in SEAMS:
            installation.fault = f"{place}-apart:{kind}"
            work_until_dead(installation, workers[:2])
            found = set(whole.faults(installation.superuser, ledger))
            assert found - known, installation.fault
            known |= found


@pytest.mark.slow
def test_an_answer_before_the_disk_has_it_and_a_signature_without_its_rights_are_noticed(installation):
    with hired(installation, random.Random(2)) as (_, workers, ledger), ExitStack() as stack:
        superuser = stack.enter_context(psycopg.connect(installation.superuser, autocommit=True))
        turns = (worker.step() for worker in cycle(workers[:2]))
        installation.begin("application")
        installation.wait()
        deque(islice(turns, 60), 0)
        assert whole.faults(installation.superuser, ledger) == []

        superuser.execute("alter table alliance.signature disable trigger derive")
        signed = len(ledger.all("signature", "done"))
        deque(takewhile(lambda _: len(ledger.all("signature", "done")) < signed + 2, islice(turns, 4000)), 0)
        assert any(one.startswith("force") for one in whole.faults(installation.superuser, ledger))

        installation.kill("application")
        superuser.execute("alter role marque_app set synchronous_commit = off")
        superuser.execute("alter system set wal_writer_delay = '10s'")
        superuser.execute("select pg_reload_conf()")
        installation.begin("application")
        installation.wait()
        deque(islice(turns, 30), 0)
        installation.kill_database(whole=True, chance=0.0)
        assert any(one.startswith("lost") for one in whole.faults(installation.superuser, ledger))
