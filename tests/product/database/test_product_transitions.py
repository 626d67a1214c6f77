"""A programme that changes its mode keeps exactly what the transition says: any history, against an oracle that shares no code."""

from __future__ import annotations

import json
import random
from datetime import UTC, date, datetime, timedelta

import pytest
from product_world import CARMAKER, PARTNER, Kind, World, mode_of, model, noon, price_list, world
from test_supply import module

from marque.alliance import transitions
from marque.alliance.access import Area
from marque.common import Missing
from marque.foundation import Database, SetClock
from marque.product import revisions, supply

MODES = ("balanced", "component-supplier", "inside", "joint-development", "smart-selection")
BOTH = (CARMAKER, PARTNER)
TEXTS = {Kind.RULES: model, Kind.MODULE: lambda number: model(number, "Lidar"), Kind.PRICES: price_list}
PROCESS = {Kind.RULES: "product-definition", Kind.MODULE: "software-supply", Kind.PRICES: "sales"}


class Oracle:
    """Rows, what was kept and what was copied, moved by hand through every change of mode."""

    def __init__(self) -> None:
        self.rows = {}  # id: [whose, process, written at]
        self.kept = {}  # (who, process): before
        self.frozen = {}  # (who, process): {id: number of the revision that left it}
        self.tables = []  # (since, roles, sights)

    def adopt(self, mode, since, clauses):
        before = self.tables[-1] if self.tables else None
        roles, sights = mode_of(mode)
        self.tables.append((since, roles, sights))
        number = len(self.tables)
        order = ["frozen-copy", "keeps-read", "destroyed", "returned"]
        for process, who, what in sorted(clauses, key=lambda one: (order.index(one[2]), one[0], one[1])):
            readable = self.kept.get((who, process))
            if before is not None and before[2][process][who] == "all":
                readable = since
            rows = [(key, row) for key, row in self.rows.items() if row[1] == process]
            if what == "keeps-read" and readable is not None:
                self.kept[who, process] = max(readable, self.kept.get((who, process), readable))
            elif what == "frozen-copy" and readable is not None:
                copies = self.frozen.setdefault((who, process), {})
                copies.update({key: number for key, row in rows if row[0] != who and row[2] < readable})
            elif what == "destroyed":
                for key, row in rows:
                    if row[0] == who and row[2] < since:
                        del self.rows[key]
                copies = self.frozen.get((who, process), {})
                for key in [key for key, left in copies.items() if left < number]:
                    del copies[key]
                self.kept.pop((who, process), None)
            elif what == "returned":
                leader = next(one for one in BOTH if roles[process][one] == "leads")
                for _, row in rows:
                    if row[0] == who and row[2] < since:
                        row[0] = leader

    def works(self, who, process):
        return self.tables[-1][1][process][who] != "none"

    def sees(self, who):
        found = set()
        for key, (whose, process, at) in self.rows.items():
            kept = self.kept.get((who, process))
            if whose == who or self.tables[-1][2][process][who] == "all" or (kept is not None and at < kept):
                found.add(key)
        return found


def copies(joint: World, who: str, process: str) -> set:
    with joint.acting(who) as tx:
        try:
            found = transitions.frozen(tx, Area(CARMAKER, joint.programme, process))
        except Missing:
            return set()
    return {json.loads(one.body)["id"] for one in found if one.source == "product.revision"}


def shown(joint: World, who: str) -> set:
    """What the service answers with, after both walls: row-level security and the gate."""
    found = set()
    with joint.acting(who) as tx:
        for process in PROCESS.values():
            try:
                found |= {one.id for one in revisions.page(tx, Area(CARMAKER, joint.programme, process), limit=200)}
            except Missing:
                continue
    return found


def clauses(chance: random.Random) -> list[tuple[str, str, str]]:
    """At most one end and any keeping, for some sides of some processes."""
    drawn = []
    for process in ("product-definition", "software-supply", "sales"):
        for who in BOTH:
            drawn += [(process, who, one) for one in ("keeps-read", "frozen-copy") if chance.random() < 0.3]
            if chance.random() < 0.3:
                drawn.append((process, who, chance.choice(["destroyed", "returned"])))
    return drawn


def compared(joint: World, oracle: Oracle) -> None:
    for who in BOTH:
        assert joint.seen(who) == shown(joint, who) == oracle.sees(who), (who, oracle.tables[-1][0])
        for process in ("product-definition", "software-supply", "sales"):
            assert copies(joint, who, process) == {str(key) for key in oracle.frozen.get((who, process), {})}
    assert joint.seen("seres") == set()


def live(database, owner_dsn, seed: int, changes: int) -> int:
    """A random history, compared after every change. Returns how many rows were ever written."""
    chance = random.Random(seed)
    first = chance.choice(MODES)
    joint, oracle, written, day = world(database, owner_dsn, first), Oracle(), 0, date(2022, 3, 1)
    oracle.adopt(first, datetime(2021, 7, 1, tzinfo=UTC), [])
    for _ in range(changes):
        for _ in range(chance.randrange(1, 4)):
            who, kind = chance.choice(BOTH), chance.choice(list(TEXTS))
            written += 1
            try:
                made = joint.propose(who, kind, TEXTS[kind](str(written)), f"{kind}{chance.randrange(2)}")
            except Missing:
                assert not oracle.works(who, PROCESS[kind])
                continue
            assert oracle.works(who, PROCESS[kind])
            oracle.rows[made.id] = [who, PROCESS[kind], joint.database.clock.now()]
            joint.database.clock.advance(timedelta(minutes=1))
        day += timedelta(days=1)
        mode, drawn = chance.choice(MODES), clauses(chance)
        joint.adopt(day, mode, *drawn)
        joint.at(noon(day.year, day.month, day.day))
        oracle.adopt(mode, datetime(day.year, day.month, day.day, tzinfo=UTC), drawn)
        compared(joint, oracle)
    return written


@pytest.fixture
def fresh(shared_database):
    """A database without a row, for each history."""
    opened = []

    def made():
        for one in opened:
            one.close()
        addresses = shared_database.emptied()
        opened[:] = [Database(addresses.app, SetClock(noon(2021, 6, 1))).open()]
        return opened[0], addresses.owner

    yield made
    for one in opened:
        one.close()


def test_a_few_histories_of_modes_keep_exactly_what_their_clauses_say(fresh):
    assert sum(live(*fresh(), seed, 4) for seed in range(4)) > 20


@pytest.mark.slow
def test_many_histories_of_modes_keep_exactly_what_their_clauses_say(fresh, thorough):
    histories = 40 if thorough else 15
    assert sum(live(*fresh(), seed, 6) for seed in range(100, 100 + histories)) > 10 * histories


def test_the_partner_of_a_joint_development_that_becomes_a_supplier(fresh):
    """As the AH8 on 27 March 2023: what the partner wrote of the product's definition is destroyed, what it developed it keeps a copy of,
    its modules go on, and the carmaker decides alone on them from then on."""
    joint = world(*fresh())
    with joint.acting(PARTNER) as tx:
        supply.publish(tx, module())
        supply.publish(tx, module("2.0", module().text + "// two\n"))
        first = supply.offer(tx, CARMAKER, joint.programme, "technology.sensors", "1.0")
    joint.assent(CARMAKER, first)
    ours = joint.agreed(CARMAKER, Kind.RULES, model("ours"), "rules.cn")
    theirs = joint.agreed(PARTNER, Kind.RULES, model("theirs"), "rules.de")
    left = [("product-definition", PARTNER, "destroyed"), ("software-supply", PARTNER, "keeps-read")]
    joint.adopt(date(2023, 3, 27), "component-supplier", *left)
    assert {ours.id, theirs.id, first.id} <= joint.seen(PARTNER)
    joint.at(noon(2023, 3, 27))
    assert joint.seen(CARMAKER) == {ours.id, first.id}
    assert joint.seen(PARTNER) == {first.id}
    with joint.acting(PARTNER) as tx:
        second = supply.offer(tx, CARMAKER, joint.programme, "technology.sensors", "2.0")
        assert [(one.version, one.mode, one.state) for one in supply.bindings(tx)] == [
            ("2.0", "component-supplier", "open"), ("1.0", "joint-development", "taken"),
        ]  # fmt: skip
    assert joint.assent(CARMAKER, second).state == "taken"
