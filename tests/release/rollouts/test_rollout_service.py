"""Roll-outs in a real database: who may start and stop them, which cars are handed what, and what their answers do."""

from __future__ import annotations

from dataclasses import replace
from datetime import time, timedelta
from uuid import UUID

import psycopg
import pytest
from rollout_world import CARMAKER, OTHER, PARTNER, colleague

from marque.alliance import audit, decisions
from marque.car.attacks import Attack
from marque.common import Denied, Missing, Refused
from marque.foundation import Actor
from marque.release.rollouts import rules, service
from marque.release.rollouts.model import (
    Act,
    CarState,
    FieldLimits,
    Filing,
    Group,
    GroupState,
    Plan,
    Road,
    State,
    Thresholds,
    Told,
    Window,
    place,
)
from marque.release.rollouts.rules import Cause

OPEN = Group(name="all", soak=timedelta(), thresholds=Thresholds(least=1, reported=1.0), attempts=1)
TENTH = replace(OPEN, name="tenth", percent=10.0)


def test_it_starts_when_everybody_who_decides_has_approved_and_its_market_is_cleared(world):
    release = world.release()
    world.register(20)
    rollout = world.drafted(release, OPEN)
    assert rollout.state is State.DRAFT
    with world.acting(CARMAKER) as tx:
        launched = service.launch(tx, rollout.id)
        assert launched.state is State.WAITING
        assert service.progress(tx, rollout.id).waits_for == (PARTNER,)
    assert world.advanced(rollout.id).state is State.WAITING
    with world.acting(PARTNER) as tx:
        decisions.approve(tx, launched.decision)
    started = world.advanced(rollout.id)
    assert (started.state, started.groups[0].state) == (State.RUNNING, GroupState.FILING)
    assert world.offers("LGX0000001") == [], "no market is cleared"
    world.cleared(release, "cn")
    assert world.advanced(rollout.id).groups[0].state is GroupState.FILING
    world.cleared(release, "eu")
    assert world.advanced(rollout.id).groups[0].state is GroupState.OPEN
    assert [one.release for one in world.offers("LGX0000001")] == [release]


def test_a_partner_who_does_not_agree_makes_it_a_draft_again_that_can_be_asked_about_anew(world):
    rollout = world.drafted(world.release(), OPEN)
    with world.acting(CARMAKER) as tx:
        asked = service.launch(tx, rollout.id)
    with world.acting(PARTNER) as tx:
        decisions.reject(tx, asked.decision, "not before the holidays")
    back = world.advanced(rollout.id)
    assert (back.state, back.details) == (State.DRAFT, {"reason": "not before the holidays"})
    assert world.approved(back).state is State.RUNNING
    with world.acting(CARMAKER) as tx:
        assert [one.cause for one in service.progress(tx, rollout.id).waits] == [Cause.CARS], "it waits for a car to begin with"


def test_a_car_gets_it_once_whatever_it_asks_and_tells(world):
    rollout = world.running(OPEN, cars=10)
    first = world.offers("LGX0000001", "LGX0000002")
    assert [one.attempt for one in first] == [1, 1]
    assert world.offers("LGX0000001", "LGX0000002") == first, "asked again before it answered"
    done = world.told("LGX0000001", 1)
    assert (world.record(done), world.record(done), world.record(done, done)) == (1, 0, 0)
    assert world.offers("LGX0000001") == []
    counts = world.one(rollout.id).groups[0].counts
    assert (counts.done, counts.offered, counts.waiting, counts.exposed, counts.attempts) == (1, 1, 8, 2, 2)


def test_a_car_that_failed_is_offered_it_again_later_and_no_more_often_than_the_plan_says(world):
    group = replace(OPEN, attempts=2, retry_after=timedelta(hours=6), thresholds=Thresholds(least=1, error=0.9, success=0.0))
    rollout = world.running(group, cars=5)
    world.offers("LGX0000001")
    world.record(world.told("LGX0000001", 1, Told.REFUSED, attack=Attack.FREEZE, problem="the timestamp has expired"))
    assert world.offers("LGX0000001") == []
    world.passes(hours=7)
    assert [one.attempt for one in world.offers("LGX0000001")] == [2]
    world.record(world.told("LGX0000001", 2, Told.FAILED, problem="no space"))
    world.passes(hours=7)
    assert world.offers("LGX0000001") == []
    counts = world.one(rollout.id).groups[0].counts
    assert (counts.failed, counts.failures, counts.refusals) == (1, 2, {Attack.FREEZE: 1})


def test_too_many_failures_halt_it_at_once_and_nothing_more_is_handed_out(world):
    rollout = world.running(replace(OPEN, thresholds=Thresholds(error=0.2, success=0.0, least=1)), cars=10)
    cars = [one.car for one in world.offers(*(f"LGX{car:07}" for car in range(6)))]
    world.record(*(world.told(car, 1, Told.FAILED) for car in cars[:2]))
    assert world.one(rollout.id).state is State.RUNNING
    world.record(world.told(cars[2], 1, Told.FAILED))
    halted = world.one(rollout.id)
    assert (halted.state, halted.reason) == (State.HALTED, "more cars of the group have failed than may")
    assert halted.details["failed"] == "3"
    assert world.offers(*(f"LGX{car:07}" for car in range(10))) == []
    assert world.record(world.told(cars[3], 1)) == 1, "what was in flight is still heard of"


def test_a_halted_one_goes_on_only_if_all_agree_anew_and_judges_what_comes_after(world):
    rollout = world.running(replace(OPEN, thresholds=Thresholds(error=0.2, success=0.0, least=1)), cars=20)
    cars = [one.car for one in world.offers(*(f"LGX{car:07}" for car in range(10)))]
    world.record(*(world.told(car, 1, Told.FAILED) for car in cars[:5]))
    assert world.one(rollout.id).state is State.HALTED
    with world.acting(CARMAKER) as tx:
        asked = service.resume(tx, rollout.id, "the network of one workshop")
        assert asked.state is State.HALTED
        with pytest.raises(Refused, match="asked already"):
            service.resume(tx, rollout.id)
    assert world.advanced(rollout.id).state is State.HALTED
    with world.acting(PARTNER) as tx:
        decisions.approve(tx, asked.decision)
    assert world.advanced(rollout.id).state is State.RUNNING
    assert len(world.offers(*(f"LGX{car:07}" for car in range(20)))) == 15
    world.record(*(world.told(f"LGX{car:07}", 1, Told.FAILED) for car in range(10, 14)))
    assert world.one(rollout.id).state is State.HALTED, "4 of the other 15"


def test_the_partner_stops_a_roll_out_alone_and_does_nothing_else_to_it(world):
    rollout = world.running(OPEN, cars=10)
    with world.acting(PARTNER) as tx:
        for act in (service.resume, service.launch, service.cancel):
            with pytest.raises(Refused, match="own organisation"):
                act(tx, rollout.id, *(() if act is service.launch else ("why",)))
        assert service.halt(tx, rollout.id, "a report from the road").state is State.HALTED
    assert world.offers("LGX0000001") == []
    with world.acting(PARTNER) as tx:
        entry = service.progress(tx, rollout.id).history[0]
        assert (entry.organisation, entry.act, entry.reason) == (PARTNER, Act.HALT, "a report from the road")


def test_who_is_not_in_the_agreement_sees_nothing_and_who_does_not_decide_stops_nothing(world):
    rollout = world.running(OPEN, cars=3)
    with world.acting(OTHER) as tx:
        for act in (service.one, service.progress):
            with pytest.raises(Missing):
                act(tx, rollout.id)
        with pytest.raises(Missing):
            service.page(tx, *world.of)
        assert tx.value("select count(*) from release.rollout") == 0
    engineer = colleague(world.joint, PARTNER, "engineer")
    with world.database.transaction(Actor(PARTNER, engineer, "test")) as tx, pytest.raises(Denied):
        service.pause(tx, rollout.id, "why")


def test_the_database_itself_lets_nobody_move_a_roll_out_but_by_an_act_that_is_theirs(world):
    rollout = world.running(OPEN, cars=3)
    for sql in (
        "update release.rollout set state = 'finished'",
        "update release.rollout_act set reason = ''",
        "delete from release.rollout",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege), world.acting(CARMAKER) as tx:
            tx.execute(sql)
    with pytest.raises(psycopg.errors.InsufficientPrivilege), world.acting(PARTNER) as tx:
        service.store.put(tx, rollout, Act.CANCEL)
    with world.acting(CARMAKER) as tx:
        halted = service.halt(tx, rollout.id, "why")
    with pytest.raises(psycopg.errors.InsufficientPrivilege), world.acting(CARMAKER) as tx:
        service.store.put(tx, halted, Act.RESUME)
    assert world.one(rollout.id).state is State.HALTED


def test_the_rules_and_the_database_know_one_table_of_acts(world, owner_dsn):
    rollout = world.drafted(world.release(), OPEN)
    for state in State:
        for act, (before, after) in rules._FROM.items():
            with psycopg.connect(owner_dsn) as owner:
                owner.execute("update release.rollout set state = %s where id = %s", (state, rollout.id))
            needs_decision = act is Act.START or (act is Act.RESUME and state is State.HALTED)
            expected = psycopg.errors.InsufficientPrivilege if needs_decision else psycopg.errors.CheckViolation
            if state in before and not needs_decision:
                with world.acting(CARMAKER) as tx:
                    service.store.put(tx, rollout, act)
                assert world.one(rollout.id).state is after
            else:
                with pytest.raises(expected if state in before else psycopg.errors.CheckViolation), world.acting(CARMAKER) as tx:
                    service.store.put(tx, rollout, act)


def test_withdrawn_evidence_stops_it_whichever_partner_withdraws_and_for_good(world):
    rollout = world.running(OPEN, cars=10)
    assert len(world.offers("LGX0000001")) == 1
    world.withdraw(by=PARTNER)
    assert world.offers("LGX0000001", "LGX0000002") == [], "even before the roll-out was told"
    with world.acting(PARTNER) as tx:
        assert service.stop_releases(tx, [rollout.release], "a fault") == [rollout.id]
        assert service.stop_releases(tx, [rollout.release], "a fault") == []
    assert world.one(rollout.id).state is State.HALTED
    with world.acting(CARMAKER) as tx, pytest.raises(Refused, match="published"):
        service.resume(tx, rollout.id)


def test_only_a_published_release_of_the_programme_is_rolled_out(world):
    with world.acting(CARMAKER) as tx, pytest.raises(Missing):
        service.draft(tx, *world.of, Plan(name="x", release=UUID(int=1), groups=(OPEN,)))
    release = world.release()
    world.withdraw()
    with world.acting(CARMAKER) as tx, pytest.raises(Refused, match="published"):
        service.draft(tx, *world.of, Plan(name="x", release=release, groups=(OPEN,)))


def test_a_roll_out_is_drafted_by_the_organisation_whose_cars_they_are(world):
    release = world.release()
    world.register(1)
    with world.acting(PARTNER) as tx, pytest.raises(Refused, match="its own organisation"):
        service.draft(tx, *world.of, Plan(name="x", release=release, groups=(OPEN,)))


def test_cars_come_to_the_first_group_that_they_meet_and_that_reaches_their_place(world):
    chosen = replace(OPEN, name="named", cars=("LGX0000003", "LGX0000004"))
    lidar = replace(OPEN, name="lidar", features=("Lidar",), percent=50.0)
    europe = replace(OPEN, name="europe", markets=("eu",))
    world.register(100)
    world.register(100, first=100, features=["Lidar", "Hook"])
    world.register(5, first=200, model="Corvus")
    world.register(5, first=205, installed=1)
    rollout = world.running(chosen, lidar, europe, replace(OPEN, name="rest"))
    for car, (state, number) in (found := world.cars(rollout.id)).items():
        at = int(car[3:])
        first = 0 if at in {3, 4} else 1 if at >= 100 and place(rollout.id, car) < 500_000 else 3 if at % 2 else 2
        assert (state, number) == ("waiting", first), car
    assert len(found) == 200, "another model, and those who have it already, are in none"
    assert [one.counts.cars for one in world.one(rollout.id).groups] == [sum(n == g for _, n in found.values()) for g in range(4)]
    assert sum(n == 1 for _, n in found.values()) in range(35, 66)


def test_a_release_for_who_is_entitled_reaches_nobody_else(world):
    world.register(3)
    world.register(2, first=3, entitlements=["Pilot"])
    rollout = world.running(OPEN, release=world.release(needs="Pilot"))
    assert sorted(world.cars(rollout.id)) == ["LGX0000003", "LGX0000004"]


def test_a_new_car_joins_a_running_roll_out_and_a_retired_one_leaves_it(world):
    rollout = world.running(OPEN, cars=5)
    world.register(2, first=5)
    with world.serving() as tx:
        tx.execute("update release.car set retired_at = now() where vehicle = 'LGX0000000'")
    world.advanced(rollout.id)
    counts = world.one(rollout.id).groups[0].counts
    assert (counts.cars, counts.waiting, counts.left) == (7, 6, 1)
    assert world.offers("LGX0000000") == []


def test_a_group_hands_out_no_more_at_once_than_it_says_and_forgets_who_is_silent(world):
    rollout = world.running(replace(OPEN, at_once=3, silent_after=timedelta(days=2)), cars=10)
    everybody = [f"LGX{car:07}" for car in range(10)]
    assert len(world.offers(*everybody)) == 3
    assert len(world.offers(*everybody)) == 3
    world.record(world.told("LGX0000000", 1))
    assert len(world.offers(*everybody)) == 3
    world.passes(days=3)
    assert len(world.offers(*everybody)) == 6, "three have been silent"
    assert world.one(rollout.id).groups[0].counts.exposed == 7


def test_a_group_opens_only_after_the_one_before_has_passed(world):
    soaking = replace(TENTH, soak=timedelta(hours=12))
    rollout = world.running(soaking, OPEN, cars=200)
    everybody = [f"LGX{car:07}" for car in range(200)]
    first = {one.car for one in world.offers(*everybody)}
    assert first == {car for car in everybody if place(rollout.id, car) < 100_000}
    world.record(*(world.told(car, 1) for car in first))
    assert world.advanced(rollout.id).groups[1].state is GroupState.PENDING
    with world.acting(CARMAKER) as tx:
        assert [one.cause for one in service.progress(tx, rollout.id).waits] == [Cause.SOAK]
    world.passes(hours=13)
    assert [one.state for one in world.advanced(rollout.id).groups] == [GroupState.PASSED, GroupState.OPEN]
    assert len(world.offers(*everybody)) == 200 - len(first)
    world.record(*(world.told(car, 1) for car in set(everybody) - first))
    assert world.advanced(rollout.id).state is State.FINISHED


def test_one_whose_last_cars_never_answer_is_finished_by_a_person(world):
    rollout = world.running(replace(OPEN, thresholds=Thresholds(least=1, reported=0.5)), cars=4)
    world.offers(*(f"LGX{car:07}" for car in range(3)))
    with world.acting(CARMAKER) as tx, pytest.raises(Refused, match="has not passed"):
        service.finish(tx, rollout.id)
    world.record(*(world.told(f"LGX{car:07}", 1) for car in range(2)))
    assert world.advanced(rollout.id).state is State.RUNNING, "two may still answer"
    with world.acting(CARMAKER) as tx:
        done = service.finish(tx, rollout.id)
    assert (done.state, done.groups[0].counts.left) == (State.FINISHED, 2)


def test_the_road_halts_a_roll_out_that_every_car_installed(world):
    road = FieldLimits(disengagements=0.5, least_km=1_000.0)
    rollout = world.running(replace(TENTH, road=road), OPEN, cars=100)
    cars = [one.car for one in world.offers(*(f"LGX{car:07}" for car in range(100)))]
    world.record(*(world.told(car, 1, road=Road(1.0, 0, 0)) for car in cars))
    assert world.advanced(rollout.id).groups[0].state is GroupState.OPEN, "nobody has driven far enough"
    world.record(*(world.told(car, 2, Told.ROAD, release=rollout.release, road=Road(300.0, 3, 0)) for car in cars))
    halted = world.one(rollout.id)
    assert (halted.state, halted.groups[1].state) == (State.HALTED, GroupState.PENDING)
    assert "disengagements" in halted.reason
    assert halted.groups[0].road == Road(300.0 * len(cars), 3 * len(cars), 0), "counts since installation, not added twice"


def test_a_car_holds_one_release_at_a_time_and_a_later_one_ends_what_it_has_overtaken(world):
    old = world.running(OPEN, release=world.release(1), cars=2)
    new = world.running(OPEN, release=world.release(2), name="Summer")
    other = world.running(OPEN, release=world.release(1, name="dialogue"), name="Words")
    assert [one.rollout for one in world.offers("LGX0000000")] == [old.id]
    world.record(world.told("LGX0000000", 1))
    assert [one.rollout for one in world.offers("LGX0000000")] == [new.id]
    world.record(world.told("LGX0000000", 2))
    assert [one.rollout for one in world.offers("LGX0000000")] == [other.id]
    assert [one.release for one in world.offers("LGX0000001")] == [old.release]
    world.record(world.told("LGX0000001", 1, release=new.release))
    assert world.cars(old.id)["LGX0000001"] == (CarState.LEFT, 0), "it has the later one"
    assert [one.rollout for one in world.offers("LGX0000001")] == [other.id]


def test_somebody_at_the_car_says_no(world):
    rollout = world.running(OPEN, cars=3)
    world.offers("LGX0000000")
    world.record(world.told("LGX0000000", 1, Told.DECLINED))
    assert world.cars(rollout.id)["LGX0000000"][0] == CarState.DECLINED
    assert world.offers("LGX0000000") == []


def test_an_offer_says_when_it_may_be_installed(world):
    world.running(replace(OPEN, window=Window(time(22), time(5)), consent=False), cars=1)
    (noon,) = world.offers("LGX0000000")
    assert (noon.installable, noon.consent) == (False, False)
    world.passes(hours=11)
    assert world.offers("LGX0000000")[0].installable


def test_what_a_car_tells_unasked_is_kept_and_changes_no_roll_out(world):
    rollout = world.running(OPEN, cars=3)
    events = [world.told("LGX0000000", 1, Told.FAILED), world.told("LGX0000001", 1, Told.ROAD, road=Road(5.0, 1, 0))]
    assert world.record(*events) == 2
    assert world.one(rollout.id).groups[0].counts.waiting == 3
    with world.serving() as tx, pytest.raises(Refused, match="counted from 1"):
        service.record(tx, *world.of, [world.told("LGX0000000", 0)])


def test_a_filing_needs_what_shows_it_and_only_for_markets_of_the_release(world):
    release = world.release(markets=("cn",))
    with world.acting(CARMAKER) as tx:
        for market, state, more in (("eu", Filing.FILED, {"reference": "1"}), ("cn", Filing.FILED, {}), ("cn", Filing.NOT_NEEDED, {})):
            with pytest.raises(Refused):
                service.file(tx, *world.of, release, market, state, **more)
        service.file(tx, *world.of, release, "cn", Filing.APPROVAL_NEEDED)
    world.passes(days=3)
    with world.acting(PARTNER) as tx:
        service.file(tx, *world.of, release, "cn", Filing.APPROVED, reference="MIIT 7")
        entry = service.filings(tx, *world.of, release)["cn"]
    assert (entry.state, entry.reference, entry.organisation) == (Filing.APPROVED, "MIIT 7", PARTNER)


def test_every_act_is_in_the_audit_log_of_both(world):
    rollout = world.running(OPEN, cars=1)
    for side in (CARMAKER, PARTNER):
        with world.acting(side) as tx:
            found = [one.body for one in audit.entries(tx, limit=50) if one.kind == "release-rollout"]
            assert {"draft", "launch", "start", "open"} <= {one["act"] for one in found if one["rollout"] == str(rollout.id)}
