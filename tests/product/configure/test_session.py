"""Clicks: exact answers, refusals that change nothing, and ways back."""

from __future__ import annotations

import random
from datetime import date

import numpy as np
import pytest
from little_models import every_car, model, product, random_model
from test_conflicts import CAR, RULES

from marque.common import InputError, Refusal
from marque.product.configure import (
    Answer,
    Configuration,
    Conflict,
    Decision,
    NoCar,
    Standing,
    Verb,
    begin,
    chosen,
    click,
    on_day,
)
from marque.product.model import Name, Not


@pytest.fixture
def car():
    return Configuration(product(model(CAR, *RULES)))


@pytest.mark.parametrize("seed", range(10))
def test_an_answer_is_what_all_cars_that_are_left_say(seed):
    made = product(random_model(seed))
    cars, chance, answer = every_car(made.cnf), random.Random(seed), begin(made)
    for _ in range(40):
        after = click(answer, chance.choice([*Verb]), chance.choice(made.cnf.names))
        if isinstance(after, Answer):
            answer = after
        left = np.ones(len(cars), dtype=bool)
        for one in answer.decisions:
            left &= cars[:, made.variable(one.feature)] == one.chosen
        named = np.array(["", *made.cnf.names])
        always, never = cars[left].all(axis=0), ~cars[left].any(axis=0)
        never[0] = False
        assert left.any()
        assert answer.forced == named[always[: len(named)]].tolist()
        assert answer.forbidden == named[never[: len(named)]].tolist()
        assert answer.free_count == len(made.cnf.names) - always.sum() - never.sum() == len(answer.free)
        if isinstance(after, Conflict):
            left = np.ones(len(cars), dtype=bool)
            for one in (after.wanted, *after.decisions):
                left &= cars[:, made.variable(one.feature)] == one.chosen
            assert not left.any()


def test_what_is_in_every_car_and_in_none_is_told_from_the_start(car):
    assert car.answer.forced == ["Car", "Wheels", "Power"]
    assert car.answer.forbidden == []
    assert car.answer.free_count == 7


def test_a_click_that_leaves_no_car_is_refused_and_changes_nothing(car):
    before = car.select("W21")
    refused = car.select("Hook")
    assert isinstance(refused, Conflict)
    assert refused.wanted == Decision("Hook", True)
    assert car.answer is before


def test_an_unknown_feature_is_named_with_what_was_meant(car):
    before = car.answer
    with pytest.raises(InputError, match=r"there is no such feature\.\n  Did you mean “Hook”"):
        car.select("hook")
    with pytest.raises(InputError, match="Did you mean “Wheels”"):
        car.deselect("Whels")
    assert car.answer is before


def test_what_follows_already_is_recorded_when_it_is_chosen(car):
    car.select("Roof")
    assert car.answer.standing("Front") is Standing.FORCED
    car.select("Front")
    assert car.answer.standing("Front") is Standing.CHOSEN
    car.retract("Roof")
    assert "Front" in car.answer.forced
    assert car.answer.standing("Rear") is Standing.FREE


def test_another_decision_about_a_feature_replaces_the_first(car):
    car.deselect("Hook")
    after = car.select("Hook")
    assert isinstance(after, Answer)
    assert after.decisions == (Decision("Hook", True),)


def test_taking_back_what_was_not_decided_says_so_and_changes_nothing(car):
    before = car.select("Roof")
    refused = car.retract("Front")
    assert isinstance(refused, Refusal)
    assert "Front" in refused.reason
    assert car.answer is before


def test_undo_leads_back_click_by_click_to_the_first_state(car):
    first = car.answer
    second = car.select("Roof")
    car.select("W21")
    assert car.undo() is second
    assert car.undo() is first
    assert car.undo() is first


def test_changes_are_told_from_one_answer_to_the_next(car):
    before = car.answer
    after = car.select("Hook")
    assert after.changes(before).forced == ("Hook",)
    assert after.changes(before).forbidden == ("W21",)
    assert car.retract("Hook").changes(after).free == ("W21", "Hook")


def test_why_a_feature_is_forced_or_forbidden(car):
    car.select("Roof")
    assert [one.feature for one in car.why("W19").decisions] == ["Roof"]
    assert [rule.text for rule in car.why("Front").rules] == ["Roof => Front & Rear"]
    assert car.why("Hook") is None
    assert car.why("Roof") is None
    assert car.why("Car").decisions == ()


def test_what_is_given_cannot_be_clicked_away(car):
    bound = Configuration(car.answer.product, chosen(["W21"], "for this market"))
    assert bound.answer.standing("W21") is Standing.GIVEN
    assert bound.answer.standing("W20") is Standing.FORBIDDEN
    assert isinstance(bound.deselect("W21"), Conflict)
    assert isinstance(bound.retract("W21"), Refusal)
    told = bound.select("Hook")
    assert told.decisions == ()
    assert [one.given for one in told.given] == ["for this market"]


def test_features_are_built_from_their_first_day_to_their_last():
    dated = model(CAR, attributes={"W19": {"from": "2026-03-01"}, "W21": {"until": "2026-10-30"}})
    for day, gone in (("2026-02-28", ["W19"]), ("2026-03-01", []), ("2026-10-30", []), ("2026-10-31", ["W21"])):
        assert [one.feature for one in on_day(dated, date.fromisoformat(day))] == gone
    early = Configuration(product(dated), on_day(dated, date(2026, 1, 1)))
    assert early.answer.standing("W19") is Standing.EXCLUDED
    assert early.select("W19").given == (Decision("W19", False, "not built before 2026-03-01"),)


def test_a_date_that_is_none_is_refused_with_its_line():
    dated = model(CAR, attributes={"W19": {"from": "spring"}})
    with pytest.raises(InputError, match=r"little\.uvl, line 4: from of “W19” is 'spring', not a date"):
        on_day(dated, date(2026, 1, 1))


def test_a_model_that_leaves_no_car_is_told_with_its_conflict():
    with pytest.raises(NoCar, match="No car can be built"):
        Configuration(product(model(CAR, (Not(Name("Wheels")), "!Wheels"))))
