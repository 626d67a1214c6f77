"""Authorisation, lists of 50 among a million rows with and without row-level security, and what reads tables from end to end; as Markdown.

python bench/alliance.py [--rows N] [--rounds N]

The world is that of `alliance_world.py`. Times are wall time of one statement, or of one call of a service, in an open transaction, as the
caller sees them: other load on the machine shows in p99. So everything is measured in rounds, and the best round of each is printed; on
Linux, `chrt -r 1` before the command lets bench and server go before whatever else runs. A list's statement is taken from the service
itself and runs, call by call in turns, as the serving role, which the policies bind, and as a superuser, whom none binds. Scans are counted
by the server (`pg_stat_xact_user_tables`), inside triggers and functions too.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import psycopg
from alliance_walk import walk
from alliance_world import CARMAKERS, PARTNER, World, build, noon
from psycopg.conninfo import make_conninfo

from marque.alliance import access, decisions, requirements, terms
from marque.alliance.access import Action, Agreement, Area, Organisation, Record, Revision
from marque.app.platform import ROOMS
from marque.common import Denied, Missing
from marque.foundation import Actor, Clock, Database, SetClock, Transaction, embedded
from marque.foundation.migrations import migrate, of_rooms

AUTHORISED_MS, LISTED_MS, RATIO = 2.0, 5.0, 1.5
Times = list[float]


class Noting(Transaction):
    """A transaction that notes the statements that read rows."""

    def __init__(self, tx: Transaction) -> None:
        super().__init__(tx.connection, tx.actor, tx.now)
        self.said: list[tuple[bytes, Any]] = []

    def rows(self, shape: Any, sql: str, params: Any = ()) -> Any:
        self.said.append((sql.encode(), params))
        return super().rows(shape, sql, params)


def quantile(times: Times, part: float) -> float:
    """In milliseconds."""
    return 1e3 * sorted(times)[int(part * len(times))]


def best(rounds: Sequence[Times]) -> tuple[float, float]:
    """Median and 99th percentile, ms, each of its best round."""
    return min(quantile(one, 0.5) for one in rounds), min(quantile(one, 0.99) for one in rounds)


def timed(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def row(*cells: object) -> None:
    print("| " + " | ".join(f"{one:.2f}" if isinstance(one, float) else str(one) for one in cells) + " |", flush=True)


def head(*cells: str) -> None:
    print()
    row(*cells)
    row(*["---"] * len(cells))


def verdict(holds: bool) -> str:
    return "yes" if holds else "**no**"


def forget() -> None:
    """Everything that authorisation remembers of signed texts, as after a start."""
    for remembered in (terms._revisions, terms._forces, terms._rights):
        remembered._values.clear()
    access._area_entity.cache_clear()
    access.gate().forget()


def questions(world: World) -> dict[str, list[tuple[Action, Any]]]:
    areas = [area for kind in ("all", "own", "kept") for area in world.areas(kind)]
    agreements = [Agreement(one, world.agreements[one]) for one in CARMAKERS]
    return {
        "view an area": [(Action.VIEW, one) for one in areas],
        "create in an area": [(Action.CREATE, one) for one in areas],
        "edit one's record": [(Action.EDIT, Record(one, PARTNER, noon(2022, 3, 1))) for one in areas],
        "view another's record": [(Action.VIEW, Record(one, one.lead, noon(2021, 8, 1))) for one in areas],
        "view an agreement": [(Action.VIEW, one) for one in agreements],
        "sign a revision": [(Action.SIGN, Revision(one, 2)) for one in agreements],
        "administer an organisation": [(Action.ADMINISTER, Organisation(PARTNER))],
    }


def authorisation(database: Database, app: str, world: World, rounds: int, calls: int) -> None:
    access.gate.cache_clear()
    began = time.perf_counter()
    access.gate()
    print(f"\nPolicies are parsed and checked once, in {1e3 * (time.perf_counter() - began):.0f} ms.")
    head("`access.require`, whole, ms", "who", "warm p50", "p99", "texts forgotten p50", "p99", "p99 ≤ 2 ms")
    for who, actor in {"a person": world.actor(PARTNER), "a program": world.program}.items():
        for name, asked in questions(world).items():
            warm, cold = ([_asked(database, actor, asked, calls, forgotten) for _ in range(rounds)] for forgotten in (False, True))
            (median, p99), (cold_median, cold_p99) = best(warm), best(cold)
            row(name, who, median, p99, cold_median, cold_p99, verdict(max(p99, cold_p99) <= AUTHORISED_MS))
    firsts = [_first(app, database.clock, world, one) for one in islice(cycle(world.areas("all")), 40)]
    print(
        f"\nThe first question on a new connection, whose server process has read no catalogue yet: median {quantile(firsts, 0.5):.1f} ms,"
        f" worst {1e3 * max(firsts):.1f} ms; once for each connection of the pool."
    )


def _asked(database: Database, actor: Actor, asked: list[tuple[Action, Any]], calls: int, forgotten: bool) -> Times:
    def one(tx: Transaction, action: Action, about: Any) -> None:
        with suppress(Missing, Denied):
            access.require(tx, action, about)

    times = []
    for number, (action, about) in enumerate(islice(cycle(asked), calls + 20)):
        with database.transaction(actor) as tx:
            if forgotten:
                forget()
            took = timed(lambda tx=tx, action=action, about=about: one(tx, action, about))
        if number >= 20:
            times.append(took)
    return times


def _first(app: str, clock: Clock, world: World, area: Area) -> float:
    forget()
    with Database(app, clock) as fresh, fresh.transaction(world.actor(PARTNER)) as tx:
        return timed(lambda: access.require(tx, Action.VIEW, area))


Place = tuple[Area, Any]


def lists(world: World) -> dict[str, tuple[Any, str, list[Place]]]:
    """By name: the service, who asks, and the pages asked for."""

    def later(ids: dict[Area, list[Any]], areas: list[Area]) -> list[Place]:
        return [(one, ids[one][min(len(ids[one]) - 1, 50 + 53 * number % max(1, len(ids[one]) - 50))]) for number, one in enumerate(areas)]

    found: dict[str, tuple[Any, str, list[Place]]] = {}
    for service, ids in ((requirements, world.requirements), (decisions, world.decisions)):
        what = service.__name__.rpartition(".")[2]
        kinds = {kind: world.areas(kind) for kind in ("all", "own", "kept")}
        kinds = {kind: [one for one in areas if one in ids] for kind, areas in kinds.items()}
        if service is requirements:
            told = {"all": "sees all", "own": "sees its own", "kept": "sees its own and kept ones"}
        else:
            told = {"all": "sees all"}
        for kind, saying in told.items():
            found[f"{what}, {saying}, first page"] = service, PARTNER, [(one, None) for one in kinds[kind]]
            found[f"{what}, {saying}, a later page"] = service, PARTNER, later(ids, kinds[kind])
        mixed = [place for areas in kinds.values() for place in [*[(one, None) for one in areas], *later(ids, areas)]]
        found[f"{what}, all of these"] = service, PARTNER, mixed[:: 7 if service is requirements else 5]
        own = [one for one in ids if one.lead == CARMAKERS[0]]
        found[f"{what}, the carmaker's own programme"] = service, CARMAKERS[0], [(one, None) for one in own]
    return found


def listed(database: Database, superuser: str, world: World, rounds: int, calls: int) -> None:
    head(
        "a page of 50", "statement under RLS p50, ms", "p99", "without p50", "p99", "ratio of p50", "of p99", "the service p50", "p99",
        "p99 ≤ 5 ms, ratio ≤ 1.5",
    )  # fmt: skip
    for name, (service, who, places) in lists(world).items():
        bound, free, whole = [], [], []
        for _ in range(rounds):
            asked = list(islice(cycle(places), calls))
            with database.transaction(world.actor(who)) as tx, closing(psycopg.connect(superuser)) as unbound:
                statements = [_statement(tx, service, *one) for one in asked]
                turns = [_turn(tx.connection, unbound, number, *one) for number, one in enumerate(statements)][20:]
            bound.append([one for one, _ in turns])
            free.append([one for _, one in turns])
            with database.transaction(world.actor(who)) as tx:
                whole.append([timed(lambda tx=tx, one=one, page=service.page: page(tx, *one)) for one in asked][20:])
        (median, p99), (plain, plain99), (all_of_it, all99) = best(bound), best(free), best(whole)
        holds = all99 <= LISTED_MS and p99 <= LISTED_MS and median <= RATIO * plain
        row(name, median, p99, plain, plain99, median / plain, p99 / plain99, all_of_it, all99, verdict(holds))


def _statement(tx: Transaction, service: Any, area: Area, before: Any) -> tuple[bytes, Any]:
    """Of a page, as the service says it."""
    noting = Noting(tx)
    service.page(noting, area, before)
    return next((sql, params) for sql, params in noting.said if b"%(limit)s" in sql)


def _turn(bound: Any, free: Any, number: int, sql: bytes, params: Any) -> tuple[float, float]:
    """How long the statement takes either way; who comes first, and finds less in the caches, alternates."""
    took = {}
    for connection in (bound, free) if number % 2 else (free, bound):
        took[connection] = timed(lambda connection=connection: connection.execute(sql, params).fetchall())
    return took[bound], took[free]


@contextmanager
def served(rows: int) -> Iterator[tuple[Database, str, str, World]]:
    with tempfile.TemporaryDirectory(prefix="marque-", ignore_cleanup_errors=True) as folder:
        addresses = embedded.start(Path(folder), "bench")
        migrate(addresses.owner, of_rooms(ROOMS))
        superuser = make_conninfo(addresses.owner, user="postgres")
        with Database(addresses.app, SetClock(noon(2021, 6, 1))) as database:
            yield database, addresses.app, superuser, build(database, addresses.owner, superuser, rows)
        embedded.stop(Path(folder))


def measure(database: Database, app: str, superuser: str, world: World, rounds: int, calls: int) -> None:
    authorisation(database, app, world, rounds, calls)
    listed(database, superuser, world, rounds, calls)
    head("services and look-ups", "calls of 36 that were not refused", "rows read, worst call", "read from end to end")
    offenders = 0
    for name, done, reads, scanned in walk(database, superuser, world):
        offenders += bool(scanned) or not done
        row(name, done, reads, ", ".join(scanned) or "nothing large")
    print(
        f"\n{offenders or 'No'} service{'s' if offenders != 1 else ''} read a table of 10,000 rows or more from end to end, or did nothing."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--calls", type=int, default=400, help="of each kind in a round")
    options = parser.parse_args()
    with served(options.rows) as (database, app, superuser, world):
        measure(database, app, superuser, world, options.rounds, options.calls)


if __name__ == "__main__":
    main()
