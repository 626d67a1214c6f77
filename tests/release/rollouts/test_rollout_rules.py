"""The rules of roll-outs, as properties: a group follows another only if that one was good, and what is broken stops everything."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from marque.common import InputError, Refusal
from marque.release.rollouts import looks, plans, rules
from marque.release.rollouts.model import (
    WHOLE,
    Act,
    Counts,
    FieldLimits,
    Filing,
    Group,
    GroupState,
    Plan,
    Road,
    Standing,
    State,
    Thresholds,
    Window,
    place,
)
from marque.release.rollouts.rules import Cause

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
CLEAR = {"cn": Filing.FILED, "eu": Filing.APPROVED}
QUICK = Group(name="first", soak=timedelta(), thresholds=Thresholds(least=1))

shares = st.integers(0, 100).map(lambda whole: whole / 100)
groups = st.builds(
    Group,
    name=st.text("abcdefgh", min_size=1, max_size=12),
    models=st.lists(st.sampled_from(["Vela", "Corvus"]), max_size=2, unique=True).map(tuple),
    markets=st.lists(st.sampled_from(["cn", "eu"]), max_size=2, unique=True).map(tuple),
    percent=st.integers(1, 10_000).map(lambda part: part / 100),
    thresholds=st.builds(
        Thresholds, success=shares, error=shares, reported=shares, least=st.integers(0, 50), confidence=st.sampled_from([0.9, 0.99])
    ),
    road=st.builds(FieldLimits, disengagements=st.none() | st.integers(0, 5).map(float), least_km=st.integers(1, 5_000).map(float)),
    soak=st.integers(0, 72).map(lambda hours: timedelta(hours=hours)),
    window=st.none() | st.just(Window(time(22), time(5))),
    attempts=st.integers(1, 5),
    at_once=st.integers(0, 100),
    consent=st.booleans(),
)
counts = st.tuples(*[st.integers(0, 300)] * 7).map(
    lambda n: Counts(cars=sum(n), waiting=n[0], offered=n[1], retry=n[2], done=n[3], failed=n[4], declined=n[5], left=n[6])
)
roads = st.builds(Road, st.floats(0, 50_000), st.integers(0, 60), st.integers(0, 20))


def standing(
    group: Group = QUICK, number: int = 0, state: GroupState = GroupState.OPEN, opened: datetime = NOON, **counted: int
) -> Standing:
    found = Counts(cars=sum(counted.values()), **counted)
    return Standing(number=number, group=group, state=state, opened_at=opened, markets=("cn",), counts=found)


@given(st.lists(st.tuples(groups, counts, roads, st.sampled_from(list(GroupState))), min_size=1, max_size=4), st.integers(0, 100))
def test_a_group_opens_only_behind_groups_that_have_passed_and_nothing_opens_where_something_is_broken(listed, hours):
    """Whatever was stored: the rules take no step that skips a group."""
    order = sorted((one[3] for one in listed), key=[GroupState.PASSED, GroupState.OPEN, GroupState.FILING, GroupState.PENDING].index)
    held = tuple(
        Standing(number=number, group=group, state=order[number], opened_at=NOON, markets=("cn",), counts=found, road=road)
        for number, (group, found, road, _) in enumerate(listed)
    )
    now = NOON + timedelta(hours=hours)
    match rules.step(held, CLEAR, now):
        case rules.Opened(number):
            assert all(one.state is GroupState.PASSED for one in held[:number])
            assert not any(rules.halts(one, CLEAR) for one in held[:number])
        case rules.Passed(number):
            one, limits = held[number], held[number].group.thresholds
            assert one.counts.done >= limits.success * one.counts.answered - 1e-9
            assert one.counts.broken <= limits.error * one.counts.expected + 1e-9
            assert one.counts.answered >= min(limits.least, one.counts.expected)
            assert one.counts.expected == 0 or (now >= NOON + one.group.soak and one.road.km >= one.group.road.least_km)
        case rules.Halted(number, why):
            assert held[number].state in {GroupState.OPEN, GroupState.PASSED}
            assert why.reason
        case rules.Finished():
            assert all(one.state is GroupState.PASSED and one.counts.waiting + one.counts.offered + one.counts.retry == 0 for one in held)
        case event:
            assert event is None, "every market is cleared"


@given(counts, groups)
def test_more_failures_never_un_halt(found, group):
    """A car that fails instead of succeeding can only bring the halt nearer."""
    before = replace(standing(group), counts=found)
    if found.done and rules.halts(before, CLEAR) is not None:
        worse = replace(before, counts=replace(found, done=found.done - 1, failed=found.failed + 1))
        assert rules.halts(worse, CLEAR) is not None


@settings(max_examples=40)
@given(st.integers(1, 400), st.floats(0, 0.3), st.integers(0, 2**32))
def test_however_cars_answer_a_group_ends_passed_or_halted_and_the_next_opens_only_after_a_pass(cars, bad, seed):
    group = replace(QUICK, thresholds=Thresholds(least=5, reported=1.0), attempts=1)
    second = replace(group, name="second")
    fails = np.random.default_rng(seed).random(cars) < bad
    held = (standing(group, waiting=cars), replace(standing(second, 1, waiting=10), state=GroupState.PENDING))
    for done in range(cars + 1):
        failed = int(fails[:done].sum())
        now = replace(held[0].counts, waiting=cars - done, done=done - failed, failed=failed)
        held = (replace(held[0], counts=now), held[1])
        event = rules.step(held, CLEAR, NOON)
        if event is not None:
            break
    if isinstance(event, rules.Halted):
        assert failed > 0.01 * cars or cars - failed < 0.97 * cars or looks.share_is_above(failed, done, 0.01, 0.99)
    else:
        assert event == rules.Passed(0)
        assert failed <= 0.01 * cars
        assert rules.step(rules.applied(held, event, NOON), CLEAR, NOON) == rules.Opened(1)


def test_the_first_failure_too_many_halts_although_most_have_not_answered():
    thousand = replace(QUICK, thresholds=Thresholds(error=0.01))
    assert rules.halts(standing(thousand, waiting=500, done=490, failed=10), CLEAR) is None
    why = rules.halts(standing(thousand, waiting=500, done=489, failed=11), CLEAR)
    assert why is not None
    assert why.reason == "more cars of the group have failed than may"
    assert why.details["limit"] == "1 %"


def test_an_error_share_is_exact_as_it_is_written():
    group = replace(QUICK, thresholds=Thresholds(error=0.29, success=0.0, confidence=0.999999))
    assert rules.halts(standing(group, done=71, failed=29), CLEAR) is None
    assert rules.halts(standing(group, done=70, failed=30), CLEAR) is not None


def test_early_failures_halt_long_before_the_share_of_the_whole_group_is_reached():
    why = rules.halts(standing(QUICK, waiting=9_980, done=12, failed=8), CLEAR)
    assert why is not None
    assert why.reason == "cars of the group are shown to fail more often than may be"


def test_a_group_in_a_market_that_is_not_cleared_waits_and_says_so_and_one_that_lost_it_halts():
    pending = replace(standing(waiting=5), state=GroupState.PENDING, markets=("cn", "eu"))
    assert rules.step((pending,), {"cn": Filing.FILED}, NOON) == rules.WaitsForFiling(0, ("eu",))
    filing = replace(pending, state=GroupState.FILING)
    assert rules.step((filing,), {"cn": Filing.FILED, "eu": Filing.APPROVAL_NEEDED}, NOON) is None
    assert rules.waits(filing, {"cn": Filing.FILED}, NOON) == (rules.Wait(Cause.FILING, {"markets": "eu not-filed"}),)
    assert rules.step((filing,), CLEAR, NOON) == rules.Opened(0)
    opened = replace(pending, state=GroupState.OPEN)
    assert isinstance(rules.step((opened,), {"cn": Filing.FILED, "eu": Filing.REFUSED}, NOON), rules.Halted)


def test_the_road_halts_what_every_installation_passed():
    limits = FieldLimits(disengagements=1.0, minimal_risk=0.2, least_km=1_000.0)
    good = replace(standing(replace(QUICK, road=limits), done=100), road=Road(10_000.0, 8, 1))
    assert rules.halts(good, CLEAR) is None
    assert rules.step((good,), CLEAR, NOON) == rules.Passed(0)
    bad = replace(good, road=Road(10_000.0, 60, 1))
    assert "disengagements" in rules.halts(bad, CLEAR).reason
    assert "minimal-risk" in rules.halts(replace(good, road=Road(10_000.0, 8, 15)), CLEAR).reason
    assert [one.cause for one in rules.waits(replace(good, road=Road(500.0, 0, 0)), CLEAR, NOON)] == [Cause.DISTANCE]
    assert [one.cause for one in rules.waits(replace(good, road=Road(2_000.0, 3, 0)), CLEAR, NOON)] == [Cause.RATE]


def test_what_those_who_decide_have_seen_is_accepted_and_the_same_again_is_not():
    broken = standing(QUICK, waiting=500, done=480, failed=20)
    assert rules.halts(broken, CLEAR) is not None
    accepted = replace(broken, accepted=broken.counts)
    assert rules.halts(accepted, CLEAR) is None
    later = replace(accepted, counts=Counts(cars=1000, waiting=250, done=720, failed=30))
    assert rules.halts(later, CLEAR) is not None, "10 more of 500"


def test_a_group_soaks_and_says_everything_it_waits_for():
    group = replace(QUICK, soak=timedelta(hours=24), window=Window(time(22), time(5)), thresholds=Thresholds(least=20))
    held = standing(group, waiting=90, done=10)
    causes = [one.cause for one in rules.waits(held, CLEAR, NOON + timedelta(hours=1))]
    assert causes == [Cause.SOAK, Cause.WINDOW, Cause.ANSWERS]
    assert rules.waits(replace(held, state=GroupState.PENDING), CLEAR, NOON) == (rules.Wait(Cause.HELD),)


@given(st.floats(0.01, 5), st.floats(0.01, 1), st.floats(0.1, 200))
def test_no_rate_within_its_limit_lets_the_e_value_grow_in_expectation(limit, part, distance):
    """What makes it valid to look after every manifest: summed exactly over the Poisson distribution."""
    mean = limit * part * distance
    seen = np.arange(int(mean + 40 * math.sqrt(mean + 1)) + 40)
    logs = np.array([looks.log_e_rate_above(int(k), distance, limit) for k in seen])
    assert np.exp(logs + stats.poisson.logpmf(seen, mean)).sum() <= 1.0 + 1e-6


def test_a_rate_three_times_its_limit_is_shown_soon_and_one_at_the_limit_hardly_ever():
    random = np.random.default_rng(1)
    shown = [looks.rate_is_above(int(random.poisson(3.0 * 20)), 20.0, 1.0, 0.99) for _ in range(200)]
    assert sum(shown) > 190
    paths = np.cumsum(random.poisson(1.0, (400, 60)), axis=1)
    ever = [any(looks.rate_is_above(int(seen), float(km + 1), 1.0, 0.99) for km, seen in enumerate(path)) for path in paths]
    assert sum(ever) <= 8, "1 % of 400, with room"


@given(st.sampled_from(State), st.sampled_from([one for one in Act if one in rules._FROM]), st.booleans())
def test_another_organisation_stops_and_does_nothing_else(state, act, own):
    answer = rules.act(state, act, own=own)
    if isinstance(answer, State):
        assert own or answer in {State.PAUSED, State.HALTED}
    assert state not in {State.FINISHED, State.CANCELLED} or isinstance(answer, Refusal)


@given(st.lists(groups, min_size=1, max_size=5))
def test_a_plan_reads_back_as_it_was_written(listed):
    plan = Plan(name="Spring", release=UUID(int=7), groups=tuple(listed))
    assert plans.read(plans.write(plan), "plan.json") == plan


@pytest.mark.parametrize(
    ("change", "place"),
    [({"percent": 0}, "groups.0.percent"), ({"percnt": 5}, "groups.0.percnt"), ({"markets": ["c\0n"]}, "groups.0.markets.0"),
     ({"attempts": "3"}, "groups.0.attempts"),
     ({"window": {"start": "25:00", "end": "05:00"}}, "groups.0.window.start"),
     ({"thresholds": {"error": 2}}, "groups.0.thresholds.error")],
)  # fmt: skip
def test_a_plan_that_cannot_be_read_names_the_place(change, place):
    said = {
        "kind": "https://marque.example/roll-out-plan/v1",
        "name": "Spring",
        "release": str(UUID(int=7)),
        "groups": [{"name": "a"} | change],
    }
    with pytest.raises(InputError) as fault:
        plans.read(json.dumps(said), "plan.json")
    assert fault.value.place == place


@pytest.mark.parametrize(
    ("group", "reason"),
    [(replace(QUICK, percent=0.00001), "share"), (replace(QUICK, thresholds=Thresholds(error=1.5)), "thresholds"),
     (replace(QUICK, road=FieldLimits(disengagements=1.0)), "least distance"), (replace(QUICK, soak=timedelta(days=-1)), "times"),
     (replace(QUICK, attempts=0), "attempts"), (replace(QUICK, name=" "), "name"),
     (replace(QUICK, road=FieldLimits(minimal_risk=math.nan, least_km=1)), "numbers")],
)  # fmt: skip
def test_a_plan_that_does_not_hold_together_is_refused(group, reason):
    refused = rules.planned(Plan(name="Spring", release=UUID(int=7), groups=(group,)))
    assert isinstance(refused, Refusal)
    assert reason in refused.reason


def test_two_groups_of_one_name_and_a_plan_without_groups_are_refused():
    assert isinstance(rules.planned(Plan(name="Spring", release=UUID(int=7), groups=(QUICK, QUICK))), Refusal)
    assert isinstance(rules.planned(Plan(name="Spring", release=UUID(int=7), groups=())), Refusal)


def test_places_are_spread_evenly_and_differ_between_roll_outs():
    one = np.array([place(UUID(int=1), f"LGX{car}") for car in range(20_000)])
    two = np.array([place(UUID(int=2), f"LGX{car}") for car in range(20_000)])
    assert stats.kstest(one / WHOLE, "uniform").pvalue > 1e-3
    assert abs(np.corrcoef(one, two)[0, 1]) < 0.03


def test_a_window_over_midnight_holds_on_both_sides_of_it():
    window = Window(time(22), time(5))
    assert [window.holds(NOON.replace(hour=hour)) for hour in (21, 22, 23, 0, 4, 5)] == [False, True, True, True, True, False]
