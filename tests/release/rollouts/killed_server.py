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
from datetime import UTC, datetime
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any
from uuid import UUID

from marque.foundation import Actor, Database, SystemClock
from marque.release.rollouts import service
from marque.release.rollouts.model import CarEvent, GroupState, State, Told

_CONTEXT = get_context("forkserver")
_CONTEXT.set_forkserver_preload(["marque.release.rollouts.service", "killed_server"])


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
        """Until it is answered, by whichever process."""
        self._asked += 1
        if self._asked in self._doomed:
            self._wire.send((what, given))
            time.sleep(self._random.random() ** 2 * 0.1)
            self._process.kill()
            self._process.join()
            self.killed += 1
            try:
                return self._wire.recv()  # it was quicker
            except EOFError:
                self.cut += 1
                self._start()
        self._wire.send((what, given))
        try:
            return self._wire.recv()
        except EOFError:
            self._start()
            return self.ask(what, given)

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
