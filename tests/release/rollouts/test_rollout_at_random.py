"""Anything in any order: whatever people, cars and the clock do, what a roll-out promises holds at every commit.

An oracle of a few lines follows each car; the database is asked after every step.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from killed_server import consistent
from rollout_world import CARMAKER, PARTNER, RolloutWorld

from marque.alliance import decisions
from marque.car.attacks import Attack
from marque.common import Refused
from marque.release.rollouts import service
from marque.release.rollouts.model import CarEvent, Group, GroupState, Road, Rollout, State, Thresholds, Told

CARS, ATTEMPTS, AT_ONCE = 12, 2, 5
LOOSE = Thresholds(least=1, reported=0.5, success=0.0, error=0.6, confidence=0.999)
FIRST = Group(
    name="first", percent=50.0, soak=timedelta(hours=2), thresholds=LOOSE, attempts=ATTEMPTS, retry_after=timedelta(hours=1),
    at_once=AT_ONCE, silent_after=timedelta(days=30),
)  # fmt: skip
REST = Group(name="rest", soak=timedelta(), thresholds=LOOSE, attempts=ATTEMPTS, retry_after=timedelta(hours=1))
fresh = count(1)

steps = st.lists(
    st.tuples(
        st.sampled_from(
            ["poll", "poll", "tell", "tell", "tell", "again", "advance", "advance", "pause", "halt", "resume", "later", "both"]
        ),
        st.integers(0, CARS - 1),
        st.sampled_from([*Told, Told.INSTALLED, Told.INSTALLED]),
    ),
    min_size=5,
    max_size=30,
)


@dataclass
class Oracle:
    """What must be true of each car: the attempts that it was given, what it told of them, and that it is done."""

    world: RolloutWorld
    rollout: Rollout
    cars: list[str]
    counters: dict[str, int] = field(default_factory=dict)
    attempts: dict[str, int] = field(default_factory=dict)
    holds: dict[str, int] = field(default_factory=dict)
    said: list[CarEvent] = field(default_factory=list)

    @property
    def state(self) -> State:
        return self.world.one(self.rollout.id).state

    def poll(self, first: int, _: Told) -> None:
        asked = [self.cars[(first + step) % CARS] for step in range(4)]
        running = self.state is State.RUNNING
        before = dict(self.holds)
        for offer in self.world.offers(*asked):
            assert running, "handed out while it stood still"
            assert offer.attempt == before.get(offer.car, self.attempts.get(offer.car, 0) + 1), "an attempt was skipped or doubled"
            self.attempts[offer.car] = self.holds[offer.car] = offer.attempt
        assert max(self.attempts.values(), default=0) <= ATTEMPTS

    def tell(self, at: int, told: Told) -> None:
        car = self.cars[at]
        self.counters[car] = self.counters.get(car, 0) + 1
        attack = Attack.FREEZE if told is Told.REFUSED else None
        event = self.world.told(
            car, self.counters[car], told, release=self.rollout.release, attack=attack, road=Road(float(self.counters[car]), 0, 0)
        )
        assert self.world.record(event) == 1
        self.said.append(event)
        if told in {Told.INSTALLED, Told.FAILED, Told.REFUSED, Told.DECLINED}:
            self.holds.pop(car, None)

    def again(self, _: int, __: Told) -> None:
        """Everything that was ever told, once more."""
        assert self.world.record(*self.said) == 0

    def advance(self, _: int, __: Told) -> None:
        self.world.advanced(self.rollout.id)

    def later(self, hours: int, _: Told) -> None:
        self.world.passes(hours=hours / 4)

    def pause(self, _: int, __: Told) -> None:
        self._try(PARTNER, lambda tx: service.pause(tx, self.rollout.id, "why"))

    def halt(self, _: int, __: Told) -> None:
        self._try(PARTNER, lambda tx: service.halt(tx, self.rollout.id, "why"))

    def resume(self, _: int, __: Told) -> None:
        self._try(CARMAKER, lambda tx: service.resume(tx, self.rollout.id, "why"))

    def both(self, _: int, __: Told) -> None:
        """The partner agrees to whatever waits for it."""
        with self.world.acting(PARTNER) as tx:
            for waiting in decisions.waiting(tx):
                decisions.approve(tx, waiting.id)

    def _try(self, side: str, act: Callable) -> None:
        try:
            with self.world.acting(side) as tx:
                act(tx)
        except Refused:
            return

    def check(self, owner: psycopg.Connection) -> None:
        consistent(owner)
        first, rest = self.world.one(self.rollout.id).groups
        assert first.counts.offered <= AT_ONCE
        assert rest.state is GroupState.PENDING or first.state is GroupState.PASSED
        assert rest.state is not GroupState.PENDING or rest.counts.exposed == 0, "handed out before its turn"
        sql = "select vehicle, attempt, state from release.rollout_car where rollout = %s"
        for vehicle, attempt, state in owner.execute(sql, (self.rollout.id,)):
            assert attempt == self.attempts.get(vehicle, 0)
            assert (state == "offered") == (vehicle in self.holds) or state in {"done", "left"}


def run(world: RolloutWorld, owner: psycopg.Connection, listed) -> None:
    number = next(fresh)
    cars = world.register(CARS, first=number * 100, model=f"M{number}")
    release = world.release(name=f"pilot-{number}", model=f"M{number}")
    oracle = Oracle(world, world.running(FIRST, REST, release=release), cars)
    for what, at, told in listed:
        getattr(oracle, what)(at, told)
        oracle.check(owner)
    oracle.again(0, Told.ROAD)
    oracle.check(owner)
    with world.acting(CARMAKER) as tx:  # the next example's clock and roll-outs are its own
        if oracle.state not in {State.FINISHED, State.CANCELLED}:
            service.cancel(tx, oracle.rollout.id, "the example is over")


@pytest.mark.parametrize("examples", [4, pytest.param(80, marks=pytest.mark.slow)], ids=["a-few", "many"])
def test_whatever_happens_in_whatever_order_nothing_is_handed_out_twice_unasked_or_before_its_turn(world, owner_dsn, examples):
    with psycopg.connect(owner_dsn, autocommit=True) as owner:

        @settings(max_examples=examples, suppress_health_check=list(HealthCheck))
        @given(steps)
        def any_order(listed):
            run(world, owner, listed)

        any_order()
