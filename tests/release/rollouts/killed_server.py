"""A fleet of simulated cars against a server that is killed in the middle of its work, again and again.

The server is a process of its own with its own connections; a kill is SIGKILL at a random instant after a request was sent. Cars are honest
and stubborn: a manifest that was not acknowledged is sent again, a poll that was not answered is asked again. What a car has installed it
does not install again for the same attempt; a new attempt it obeys, so that a server that forgets shows up as a car updated twice.
"""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any
from uuid import UUID

import psycopg
from rollout_world import RolloutWorld

from marque.foundation import Actor, Database, SystemClock
from marque.foundation.embedded import Addresses
from marque.release.rollouts import service
from marque.release.rollouts.model import CarEvent, Group, GroupState, State, Thresholds, Told

SHARES = (1.0, 5.0, 20.0, 50.0, 100.0)
"""Of the phases: each "up to" so many per cent of the fleet."""
_CONTEXT = get_context("forkserver")
_CONTEXT.set_forkserver_preload(["marque.release.rollouts.service"])


def serve(wire: Connection, dsn: str, lead: str, programme: UUID) -> None:
    """Answer requests until killed; each is one transaction, answered when it is committed."""
    with Database(dsn, SystemClock(), connections=2) as database:
        while True:
            what, given = wire.recv()
            with database.transaction(Actor(lead, purpose="simulated cars")) as tx:
                if what == "offers":
                    answer: Any = [(one.car, one.attempt) for one in service.offers(tx, lead, programme, given)]
                elif what == "record":
                    answer = service.record(tx, lead, programme, given)
                else:
                    rollout = service.advance(tx, given)
                    answer = (rollout.state, rollout.reason, [(one.state, one.counts) for one in rollout.groups])
            wire.send(answer)


class Server:
    """The process, and the one that takes its place. kills: how many are left; every request may be the last of a process."""

    def __init__(self, dsn: str, lead: str, programme: UUID, kills: int, among: int, seed: int) -> None:
        self._given, self._random, self._asked = (dsn, lead, programme), random.Random(seed), 0
        self._doomed = set(self._random.sample(range(1, among), kills))
        self.killed, self.cut = 0, 0
        self._start()

    def ask(self, what: str, given: Any) -> Any:
        """Until it is answered, by whichever process. Raises RuntimeError for a server that ends by itself."""
        self._asked += 1
        self._wire.send((what, given))
        if self._asked in self._doomed:
            time.sleep(self._random.random() ** 2 * 0.1)
            self._process.kill()
            self._process.join()
            self.killed += 1
            try:
                return self._wire.recv()  # it was quicker
            except (EOFError, ConnectionResetError):
                self.cut += 1
            finally:
                self._start()
            self._wire.send((what, given))
        try:
            return self._wire.recv()
        except (EOFError, ConnectionResetError):
            raise RuntimeError(f"the server ended by itself while it was asked for {what}") from None

    def close(self) -> None:
        self._process.kill()
        self._process.join()

    def _start(self) -> None:
        self._wire, theirs = _CONTEXT.Pipe()
        self._process = _CONTEXT.Process(target=serve, args=(theirs, *self._given), daemon=True)
        self._process.start()
        theirs.close()


@dataclass
class Fleet:
    """Cars by name. bad: those in which the release never works; clumsy: in which it works the second time.

    installs: how often each installed it; obeyed: the last attempt that each acted upon.
    """

    cars: Sequence[str]
    bad: frozenset[str]
    clumsy: frozenset[str]
    installs: dict[str, int] = field(default_factory=dict)
    obeyed: dict[str, int] = field(default_factory=dict)
    manifests: dict[str, int] = field(default_factory=dict)

    def act_on(self, offers: Sequence[tuple[str, int]]) -> list[CarEvent]:
        """What cars do about offers, and tell of it."""
        told = []
        for car, attempt in offers:
            if attempt <= self.obeyed.get(car, 0):
                continue
            self.obeyed[car] = attempt
            fails = car in self.bad or (car in self.clumsy and attempt == 1)
            self.installs[car] = self.installs.get(car, 0) + (not fails)
            self.manifests[car] = self.manifests.get(car, 0) + 1
            what = Told.FAILED if fails else Told.INSTALLED
            told.append(CarEvent(car=car, counter=self.manifests[car], told=what, at=datetime.now(UTC), problem="no boot" if fails else ""))
        return told


@dataclass
class Drive:
    """How a roll-out went. rounds: so often every car asked. state, reason, groups: at the end, as the server says."""

    rounds: int
    requests: int
    killed: int
    cut: int
    state: State
    reason: str
    groups: list[tuple[GroupState, Any]]
    in_flight: int


def drive(server: Server, rollout: UUID, fleet: Fleet, batch: int, seed: int, most_rounds: int = 40) -> Drive:
    """Until it is over or halted. Reports arrive a batch late: while one is on its way, others are offered the release."""
    order, rounds, flying = random.Random(seed), 0, list[CarEvent]()
    while True:
        state, reason, groups = server.ask("advance", rollout)
        if state is not State.RUNNING or rounds == most_rounds:
            break
        if not any(group is GroupState.OPEN for group, _ in groups) and groups[-1][0] is not GroupState.PASSED:
            continue  # cars are still being put into groups
        rounds += 1
        cars = list(fleet.cars)
        order.shuffle(cars)
        for start in range(0, len(cars), batch):
            told = fleet.act_on(server.ask("offers", cars[start : start + batch]))
            if flying:
                server.ask("record", flying)
            flying = told
        server.ask("record", flying)
        flying = []
    return Drive(rounds, server._asked, server.killed, server.cut, state, reason, groups, len(flying))


@dataclass
class Result:
    """rows: group, state and attempts by car, as the database has them; told: how often each said that it installed."""

    drove: Drive
    fleet: Fleet
    rows: dict[str, tuple[int, str, int]]
    told: dict[str, int]


def phases(**limits: float) -> list[Group]:
    thresholds = Thresholds(reported=1.0, least=10, **limits)
    return [
        Group(name=f"up to {share:g} %", percent=share, soak=timedelta(), retry_after=timedelta(), attempts=2, thresholds=thresholds)
        for share in SHARES
    ]


def rolled_out(
    world: RolloutWorld, addresses: Addresses, cars: int, bad: float, clumsy: float, kills: int, batch: int, among: int, **limits: float
) -> Result:
    """A roll-out in five phases, driven; kills: of its server, among so many of the first requests."""
    chance = random.Random(7)
    rollout = world.running(*phases(**limits), cars=cars)
    names = [f"LGX{car:07}" for car in range(cars)]
    drawn = {name: chance.random() for name in names}
    late = frozenset(name for name in names if bad <= drawn[name] < bad + clumsy)
    fleet = Fleet(names, frozenset(name for name in names if drawn[name] < bad), late)
    server = Server(addresses.app, *world.of, kills, among, seed=3)
    try:
        drove = drive(server, rollout.id, fleet, batch, seed=5)
    finally:
        server.close()
    assert drove.killed == kills
    with psycopg.connect(addresses.owner) as owner:
        sql = "select vehicle, number, state, attempt from release.rollout_car where rollout = %s"
        rows = {vehicle: (number, state, attempt) for vehicle, number, state, attempt in owner.execute(sql, (rollout.id,))}
        told = dict(owner.execute("select vehicle, count(*) from release.rollout_told where told = 'installed' group by 1").fetchall())
        consistent(owner)
    return Result(drove, fleet, rows, told)


def consistent(owner: psycopg.Connection) -> None:
    """The counts of every group are those of its cars."""
    sql = """
        select g.number, array[g.of_cars, g.waiting, g.offered, g.retry, g.done, g.failed, g.declined, g.gone, g.exposed, g.tried],
               (select array[count(*), count(*) filter (where state = 'waiting'), count(*) filter (where state = 'offered'),
                             count(*) filter (where state = 'retry'), count(*) filter (where state = 'done'),
                             count(*) filter (where state = 'failed'), count(*) filter (where state = 'declined'),
                             count(*) filter (where state = 'left'), count(*) filter (where attempt > 0), coalesce(sum(attempt), 0)]
                from release.rollout_car c where c.rollout = g.rollout and c.number = g.number)
        from release.rollout_group g"""
    for number, counted, cars in owner.execute(sql):
        assert [int(one) for one in counted] == [int(one) for one in cars], f"group {number}"


def assert_halted_before_the_next_phase(result: Result) -> int:
    """Nobody was handed it outside of the phase in which it halted and those before, which had been good. The phase, from 0."""
    drove, fleet, rows = result.drove, result.fleet, result.rows
    assert drove.state is State.HALTED
    assert "fail" in drove.reason
    states = [state for state, _ in drove.groups]
    halted = states.index(GroupState.OPEN)
    assert states == [GroupState.PASSED] * halted + [GroupState.OPEN] + [GroupState.PENDING] * (len(states) - halted - 1)
    assert all(counts.broken <= Thresholds().error * counts.cars for _, counts in drove.groups[:halted])
    exposed = {car for car, (_, _, attempt) in rows.items() if attempt > 0}
    assert set(fleet.obeyed) <= exposed <= {car for car, (number, _, _) in rows.items() if number <= halted}
    return halted


def assert_everybody_once(result: Result) -> None:
    """Nobody was skipped, updated twice, or counted twice; who failed the first time had a second one."""
    drove, fleet, rows = result.drove, result.fleet, result.rows
    assert drove.state is State.FINISHED
    assert {state for _, state, _ in rows.values()} == {"done"}
    assert set(rows) == set(fleet.cars)
    assert set(fleet.installs.values()) == {1}
    assert set(result.told.values()) == {1}
    assert {car for car, (_, _, attempt) in rows.items() if attempt == 2} == fleet.clumsy
    assert max(attempt for _, _, attempt in rows.values()) <= 2
