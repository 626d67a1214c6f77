"""Bar 6: a fleet in five phases, a server that is killed at random: halted before the next phase, nobody skipped, nobody updated twice."""

from __future__ import annotations

import random
from datetime import timedelta

import psycopg
import pytest
from killed_server import Drive, Fleet, Server, drive
from rollout_world import CARMAKER

from marque.release.rollouts.model import Group, GroupState, State, Thresholds

SHARES = (1.0, 5.0, 20.0, 50.0, 100.0)


def phases(**limits: float) -> list[Group]:
    thresholds = Thresholds(reported=1.0, least=10, **limits)
    return [
        Group(name=f"up to {share:g} %", percent=share, soak=timedelta(), retry_after=timedelta(), attempts=2, thresholds=thresholds)
        for share in SHARES
    ]


def rolled_out(world, addresses, cars: int, bad: float, clumsy: float, kills: int, batch: int, among: int, **limits: float):
    """Drive it; the fleet as it is afterwards, and the rows of its cars."""
    chance = random.Random(7)
    rollout = world.running(*phases(**limits), cars=cars)
    names = [f"LGX{car:07}" for car in range(cars)]
    drawn = {name: chance.random() for name in names}
    fleet = Fleet(
        names,
        frozenset(name for name in names if drawn[name] < bad),
        frozenset(name for name in names if bad <= drawn[name] < bad + clumsy),
    )
    server = Server(addresses.app, *world.of, kills, among, seed=3)
    try:
        drove: Drive = drive(server, rollout.id, fleet, batch, seed=5)
    finally:
        server.close()
    assert drove.killed == kills
    with psycopg.connect(addresses.owner) as owner:
        sql = "select vehicle, number, state, attempt from release.rollout_car where rollout = %s"
        rows = {vehicle: (number, state, attempt) for vehicle, number, state, attempt in owner.execute(sql, (rollout.id,))}
        told = dict(owner.execute("select vehicle, count(*) from release.rollout_told where told = 'installed' group by 1").fetchall())
        consistent(owner)
    return drove, fleet, rows, told


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


def assert_halted_before_the_next_phase(drove, fleet, rows):
    assert (drove.state, drove.groups[1][0]) == (State.HALTED, GroupState.PENDING)
    assert "fail" in drove.reason
    exposed = {car for car, (_, _, attempt) in rows.items() if attempt > 0}
    first = {car for car, (number, _, _) in rows.items() if number == 0}
    assert set(fleet.obeyed) <= exposed <= first, "nobody outside of the first phase was ever handed it"


def assert_everybody_once(drove, fleet, rows, told):
    assert drove.state is State.FINISHED
    assert {state for _, state, _ in rows.values()} == {"done"}
    assert set(rows) == set(fleet.cars), "nobody was skipped"
    assert set(fleet.installs.values()) == {1}, "nobody was updated twice"
    assert set(told.values()) == {1}, "and nobody is counted twice"
    assert {car for car, (_, _, attempt) in rows.items() if attempt == 2} == fleet.clumsy
    assert max(attempt for _, _, attempt in rows.values()) <= 2


@pytest.mark.usefixtures("database")
def test_two_percent_bad_cars_halt_a_roll_out_before_the_next_phase_though_its_server_is_killed(world, addresses):
    drove, fleet, rows, _ = rolled_out(world, addresses, 2_000, bad=0.2, clumsy=0.0, kills=2, batch=400, among=8)
    assert_halted_before_the_next_phase(drove, fleet, rows)


def test_a_good_release_reaches_every_car_once_though_its_server_is_killed(world, addresses):
    drove, fleet, rows, told = rolled_out(world, addresses, 1_000, 0.0, 0.01, kills=4, batch=250, among=30, error=0.2, success=0.9)
    assert_everybody_once(drove, fleet, rows, told)
    assert world.of[0] == CARMAKER


@pytest.mark.slow
def test_a_hundred_thousand_cars_halt_before_the_next_phase(world, addresses):
    drove, fleet, rows, _ = rolled_out(world, addresses, 100_000, bad=0.02, clumsy=0.0, kills=20, batch=2_000, among=70)
    assert_halted_before_the_next_phase(drove, fleet, rows)


@pytest.mark.slow
def test_a_hundred_thousand_cars_are_updated_once_each(world, addresses):
    drove, fleet, rows, told = rolled_out(world, addresses, 100_000, 0.0, 0.003, kills=20, batch=2_000, among=300)
    assert_everybody_once(drove, fleet, rows, told)
