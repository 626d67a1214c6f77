"""A release that was really proven, signed by both and published, rolled out to a car; its record; and what withdrawing stops."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "releases"))

from release_world import releasing

from marque.alliance import decisions
from marque.common import Refused
from marque.release import withdrawals
from marque.release.rollouts import records, service
from marque.release.rollouts.model import CarEvent, Filing, Group, Plan, State, Told

GROUP = Group(name="all", soak=timedelta(), attempts=1)


@pytest.fixture
def world(database, owner_dsn, tmp_path):
    made = releasing(database, owner_dsn, tmp_path)
    made.begin()
    return made


def register(world, *cars):
    with world.served_to() as tx:
        for car in cars:
            tx.execute(
                "insert into release.car (organisation, lead, programme, vehicle, created_at, model, market, token, token_at)"
                " values ('gac', 'gac', %s, %s, %s, 'vela', 'cn', sha256(convert_to(%s, 'UTF8')), %s)",
                (world.programme, car, tx.now, car, tx.now),
            )


def running(world, release):
    of = ("gac", world.programme)
    with world.acting("gac") as tx:
        for market in ("cn", "de"):
            service.file(tx, *of, release.id, market, Filing.FILED, reference="7")
        drafted = service.draft(tx, *of, Plan(name="Autumn", release=release.id, groups=(GROUP,)))
        launched = service.launch(tx, drafted.id)
    world.later(minutes=1)
    with world.acting("huawei") as tx:
        decisions.approve(tx, launched.decision)
    with world.served_to() as tx:
        return service.advance(tx, launched.id)


def offers(world, *cars):
    with world.served_to() as tx:
        return service.offers(tx, "gac", world.programme, cars)


def test_the_record_names_the_keys_of_both_that_signed_and_withdrawing_stops_everything(world):
    release = world.published()
    register(world, "A1", "A2")
    rollout = running(world, release)
    assert (rollout.state, rollout.model, rollout.markets) == (State.RUNNING, "vela", ("cn", "de"))
    assert [one.release for one in offers(world, "A1")] == [release.id]
    with world.served_to() as tx:
        service.record(tx, "gac", world.programme, [CarEvent(car="A1", counter=1, told=Told.INSTALLED, at=tx.now, release=release.id)])
        assert records.make(tx, world.online.records) == 1
    with world.acting("huawei") as tx:
        (kept,) = records.of_car(tx, "gac", world.programme, "A1")
    checked = records.verify(kept.envelope, [world.online.records.key])
    assert checked.ok
    signed = {(one["organisation"], one["key"]) for one in checked.said["signatures"]}
    assert [sum(who == side for who, _ in signed) for side in ("gac", "huawei")] == [2, 2]
    assert checked.said["evidence"] == release.evidence.sha256
    assert checked.said["release"]["digest"] == release.digest

    with world.acting("huawei") as tx:
        withdrawals.withdraw(tx, "gac", world.programme, release.evidence.sha256, "a fault was found on the road")
    assert offers(world, "A1", "A2") == []
    with world.acting("gac") as tx:
        halted = service.one(tx, rollout.id)
        assert (halted.state, halted.details["reason"]) == (State.HALTED, "a fault was found on the road")
        with pytest.raises(Refused, match="published"):
            service.resume(tx, rollout.id)


def test_a_release_that_is_not_published_yet_is_not_rolled_out(world):
    release = world.attach(world.drafted())
    with world.acting("gac") as tx, pytest.raises(Refused, match="published"):
        service.draft(tx, "gac", world.programme, Plan(name="x", release=release.id, groups=(replace(GROUP),)))
