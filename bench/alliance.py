"""Authorisation, and a page of 50 among a million rows with and without row-level security, as Markdown.

python bench/alliance.py [--rows N]

Twenty carmakers with five programmes each, one technology partner in all of them. The same statements run by the serving role, bound by the
policies, and by a superuser, whom none binds; in turns, the best of three. Times are of statements as the client sees them, so other
load on the machine shows in p99.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from datetime import date
from pathlib import Path
from uuid import UUID

import psycopg
from psycopg.conninfo import make_conninfo

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "alliance"))
from small_alliance import PROCESSES, document, draft, enlist, found, noon, programme, propose, sign

from marque.alliance import access, requirements
from marque.alliance.access import Action, Area
from marque.app.platform import ROOMS
from marque.foundation import Actor, Database, SetClock, embedded
from marque.foundation.migrations import migrate, of_rooms

PARTNER = "partner"
LISTS = {
    "an area one sees all of": (
        "select id, side, version, title from alliance.requirement where lead = %s and programme = %s and process = %s"
        " order by id desc, side, version desc limit 50"
    ),
    "one's own rows of an area": (
        "select id, side, version, title from alliance.requirement"
        " where organisation = %s and lead = %s and programme = %s and process = %s order by id desc, side, version desc limit 50"
    ),
}


def build(database: Database, owner: str) -> tuple[list[tuple[str, UUID]], dict[str, UUID]]:
    """Programmes as (lead, id), the partner seeing all of every second carmaker's, and its own rows of the others'."""
    carmakers = [f"car{number}" for number in range(20)]
    people = found(owner, **dict.fromkeys(carmakers, "carmaker"), **{PARTNER: "technology"})
    enlist(database, people)
    programmes = []
    for number, one in enumerate(carmakers):
        agreement = draft(database, one)
        programmes += [(one, programme(database, one, agreement, f"P{each}")) for each in range(5)]
        matrix = {process: {one: "leads", PARTNER: "co-decides"} for process in PROCESSES}
        sight = {process: {one: "all", PARTNER: "all" if number % 2 == 0 else "own"} for process in PROCESSES}
        propose(database, one, agreement, 1, document(agreement, 1, "", date(2021, 7, 1), matrix, sight))
        for each in (one, PARTNER):
            sign(database, one, agreement, 1, each, people[each])
    for one, person in people.items():
        with database.transaction(Actor(one, person)) as tx:
            tx.execute("update alliance.person set duties = '{engineer,product}'")
    return programmes, people


def fill(superuser: str, programmes: list[tuple[str, UUID]], rows: int) -> None:
    chance = random.Random(1)
    with psycopg.connect(superuser) as connection:
        connection.execute("set session_replication_role = replica")
        columns = "organisation, id, side, version, lead, programme, process, created_at, status, title, text"
        with connection.cursor().copy(f"copy alliance.requirement ({columns}) from stdin") as copy:
            for number in range(rows):
                lead, key = programmes[chance.randrange(len(programmes))]
                whose = lead if chance.random() < 0.5 else PARTNER
                made = UUID(int=(0x0180_0000_0000 + number) << 80 | 7 << 76 | 2 << 62 | chance.getrandbits(62))
                copy.write_row(
                    (whose, made, whose, 1, lead, key, PROCESSES[number % 12], noon(2021, 8, 1), "proposed", f"R{number}", "The car stops.")
                )
    with psycopg.connect(superuser, autocommit=True) as connection:
        connection.execute("vacuum analyze alliance.requirement")
        connection.execute("analyze")


def quantiles(times: list[float]) -> tuple[float, float]:
    """Median and 99th percentile, ms."""
    ordered = sorted(times)
    return 1e3 * ordered[len(ordered) // 2], 1e3 * ordered[int(0.99 * len(ordered))]


def timed(act: Callable[[int], object], times: int) -> list[float]:
    for number in range(20):
        act(number)
    measured = []
    for number in range(times):
        began = time.perf_counter()
        act(number)
        measured.append(time.perf_counter() - began)
    return measured


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="marque-", ignore_cleanup_errors=True) as folder:
        addresses = embedded.start(Path(folder), "bench")
        migrate(addresses.owner, of_rooms(ROOMS))
        superuser = make_conninfo(addresses.owner, user="postgres")
        with Database(addresses.app, SetClock(noon(2021, 6, 1))) as database:
            programmes, people = build(database, addresses.owner)
            database.clock.set(noon(2022, 1, 1))
            fill(superuser, programmes, options.rows)
            measure(database, superuser, programmes, people)
        embedded.stop(Path(folder))


def measure(database: Database, superuser: str, programmes: list[tuple[str, UUID]], people: dict[str, UUID]) -> None:
    actor = Actor(PARTNER, people[PARTNER])
    with database.transaction(actor) as tx:
        areas = [Area(*programmes[number % 100], PROCESSES[number % 12]) for number in range(600)]
        median, p99 = quantiles(timed(lambda number: access.require(tx, Action.VIEW, areas[number % 600]), 600))
    print(f"authorisation (`access.require` on an area): median {median:.2f} ms, p99 {p99:.2f} ms\n")
    open_to_partner = [one for one in programmes if int(one[0][3:]) % 2 == 0]
    shut = [one for one in programmes if int(one[0][3:]) % 2]
    print("| a list of 50 | under row-level security, median / p99 ms | without | ratio of medians | plan |")
    print("|---|---|---|---|---|")
    for name, sql in LISTS.items():
        own = name.startswith("one's own")
        places = shut if own else open_to_partner
        given = [((PARTNER,) if own else ()) + (*places[number % 50], PROCESSES[number % 12]) for number in range(600)]
        bound, free, asking = [], [], sql.encode()
        with database.transaction(actor) as tx, closing(psycopg.connect(superuser)) as unbound:
            for _ in range(3):
                bound.append(
                    quantiles(timed(lambda number, one=asking, of=given: tx.connection.execute(one, of[number % 600]).fetchall(), 400))
                )
                free.append(quantiles(timed(lambda number, one=asking, of=given: unbound.execute(one, of[number % 600]).fetchall(), 400)))
            plan = "\n".join(row[0] for row in tx.connection.execute(f"explain {sql}".encode(), given[0]))
        (rls, rls99), (raw, raw99) = min(bound), min(free)
        scan = "SEQUENTIAL SCAN" if "Seq Scan on requirement" in plan else "index"
        print(f"| {name} | {rls:.2f} / {rls99:.2f} | {raw:.2f} / {raw99:.2f} | {rls / raw:.2f} | {scan} |")
    with database.transaction(actor) as tx:
        whole = [Area(*open_to_partner[number % 50], PROCESSES[number % 12]) for number in range(600)]
        median, p99 = quantiles(timed(lambda number: requirements.page(tx, whole[number % 600]), 300))
    print(f"\nthe service `requirements.page`, gate and values included: median {median:.2f} ms, p99 {p99:.2f} ms")


if __name__ == "__main__":
    main()
