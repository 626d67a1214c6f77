"""Many at once, on connections of their own: every car is answered, and everything happens once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from rollout_world import CARMAKER

from marque.release.rollouts import fleet, service
from marque.release.rollouts.model import Act, Group, State, Thresholds

OPEN = Group(name="all", soak=timedelta(), thresholds=Thresholds(least=1, reported=1.0), attempts=1)


def test_a_car_that_asks_twice_at_once_is_answered_the_same_whichever_comes_in_between(world, monkeypatch):
    world.running(OPEN, cars=1)
    first = iter([True])

    def then_the_other(read):
        def reads(*asked):
            seen = read(*asked)
            if next(first, False):
                assert len(world.offers("LGX0000000")) == 1
            return seen

        return reads

    monkeypatch.setattr(fleet, "candidates", then_the_other(fleet.candidates))
    monkeypatch.setattr(fleet, "offered", then_the_other(fleet.offered))
    assert len(world.offers("LGX0000000")) == 1


def test_of_many_who_do_the_same_at_once_one_has_done_it(world):
    rollout = world.running(OPEN, cars=60)
    cars = [f"LGX{car:07}" for car in range(60)]

    def ask(turn: int) -> int:
        return len(world.offers(*cars[turn % 3 :: 3]))

    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(ask, range(12))) == {20}
        counts = world.one(rollout.id).groups[0].counts
        assert (counts.offered, counts.attempts) == (60, 60)
        events = [world.told(car, 1) for car in cars]
        assert sum(pool.map(lambda turn: world.record(*events[turn % 3 :: 3]), range(12))) == 60
        list(pool.map(lambda _: world.advanced(rollout.id), range(6)))
    done = world.one(rollout.id)
    assert (done.state, done.groups[0].counts.done) == (State.FINISHED, 60)
    with world.acting(CARMAKER) as tx:
        acts = [one.act for one in service.progress(tx, rollout.id).history]
    assert acts == [Act.FINISH, Act.PASS, Act.OPEN, Act.START, Act.LAUNCH, Act.DRAFT], "each once"
