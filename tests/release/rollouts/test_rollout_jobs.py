"""What the worker does for roll-outs, run as the worker runs it."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from rollout_world import CARMAKER, PARTNER

from marque.alliance import decisions
from marque.common import Unavailable, new_id
from marque.foundation import Event, Job, Registry
from marque.release.repository.keys import FileSigner
from marque.release.rollouts import jobs, records, server, service
from marque.release.rollouts.model import Group, State, Thresholds

GROUP = Group(name="all", soak=timedelta(), thresholds=Thresholds(least=1, reported=1.0), attempts=1)
SIGNER = FileSigner(Ed25519PrivateKey.from_private_bytes(b"s" * 32))


@pytest.fixture
def registry(addresses):
    made = Registry()
    jobs.register(made, addresses, lambda: SIGNER)
    return made


def run(world, registry, name, organisation="", **body):
    work, _ = registry.jobs[name]
    work(world.database, Job(organisation, 1, name, body, 1))


def heard(world, registry, kind, organisation, **body):
    for handler in registry.handlers[kind].values():
        with world.serving() if organisation == CARMAKER else world.acting(organisation) as tx:
            handler(tx, Event(organisation, new_id(), kind, body, tx.now, 1))


def test_a_roll_out_starts_within_a_minute_of_the_last_approval_whoever_gave_it(world, registry):
    release = world.release()
    world.register(3)
    world.cleared(release)
    rollout = world.drafted(release, GROUP)
    with world.acting(CARMAKER) as tx:
        asked = service.launch(tx, rollout.id)
    with world.acting(PARTNER) as tx:
        decisions.approve(tx, asked.decision)
    run(world, registry, "advance-rollouts")
    assert world.one(rollout.id).state is State.RUNNING
    assert len(world.offers("LGX0000000")) == 1


def test_more_cars_than_one_transaction_takes_are_all_in_before_anything_opens(world, registry, monkeypatch):
    monkeypatch.setattr(server, "AT_ONCE", 4)
    rollout = world.running(GROUP, cars=10)
    for counted, opened in ((4, False), (8, False), (10, True)):
        (group,) = world.one(rollout.id).groups
        assert (group.counts.cars, bool(world.offers("LGX0000000"))) == (counted, opened)
        run(world, registry, "advance-rollout", CARMAKER, rollout=str(rollout.id))


def test_its_own_organisation_hears_of_a_decision_and_puts_the_job_into_the_queue_once(world, registry, owner_dsn):
    rollout = world.drafted(world.release(), GROUP)
    for subject in (f"rollout/{rollout.id}", f"rollout/{rollout.id}/resume/{new_id()}", f"release/{new_id()}"):
        for organisation in (CARMAKER, PARTNER):
            heard(world, registry, "alliance.decision-taken", organisation, subject=subject, decision=str(new_id()))
    with psycopg.connect(owner_dsn) as owner:
        queued = owner.execute("select args ->> 'organisation' from jobs.procrastinate_jobs where task_name = 'advance-rollout'").fetchall()
    assert queued == [(CARMAKER,)]


def test_a_withdrawn_release_halts_its_roll_outs_whoever_of_both_withdrew_it(world, registry):
    rollout = world.running(GROUP, cars=3)
    heard(world, registry, "release.withdrawn", PARTNER, release=str(rollout.release), reason="a fault")
    assert world.one(rollout.id).state is State.HALTED


def test_records_are_made_by_the_job_and_each_once(world, registry):
    world.running(GROUP, cars=3)
    world.record(*(world.told(one.car, 1) for one in world.offers("LGX0000000", "LGX0000001")))
    for _ in range(2):
        run(world, registry, "make-update-records")
    with world.acting(CARMAKER) as tx:
        assert [len(records.of_car(tx, *world.of, f"LGX000000{car}")) for car in range(2)] == [1, 1]


def test_a_worker_that_ends_leaves_the_rest_to_the_next_one(world, registry):
    world.running(GROUP, cars=1)
    work, _ = registry.jobs["advance-rollouts"]
    with pytest.raises(Unavailable):
        work(world.database, Job("", 1, "advance-rollouts", {}, 1, partial(bool, 1)))
