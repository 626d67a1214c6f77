"""The facts of a moment in words: who is named, how far, and what is said when nothing is known."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from stand_in import StandInCity

from marque.app.telling import Lanes, card, results, rows, sentence, totals
from marque.app.words import LANGUAGES, words_of
from marque.driving.observation import Kind
from marque.driving.view import Reason, View
from marque.simulation.frame import Flag, Frame
from small_town import small_town

CARS = [0, 1]
LANES = Lanes(np.full(9, 50 / 3.6), np.full(9, 600.0))


@pytest.fixture
def frame():
    return StandInCity(small_town(), vehicles=10, pedestrians=2, cars=2).frame()


def view_of(reason, subject=-1, distance_m=np.inf):
    return View(reason, subject, distance_m, 5.0, np.empty((0, 4)), 0.1, np.array([1, 2], np.int32), ())


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("reason", Reason)
@pytest.mark.parametrize("standing", [False, True])
def test_every_reason_is_told_with_and_without_a_subject(frame, language, reason, standing):
    words = words_of(language)
    for view in (view_of(reason), view_of(reason, 5, 12.4), view_of(reason, 10**6, 0.2), view_of(reason, -1, np.nan)):
        text = sentence(words, frame, CARS, view, standing=standing)
        assert "{" not in text
        assert "nan" not in text


@pytest.mark.parametrize("kind", Kind)
def test_the_subject_is_named_by_what_it_is(frame, kind):
    kinds = frame.kinds.copy()
    kinds[frame.ids == 5] = kind
    words = words_of("en")
    text = sentence(words, frame._replace(kinds=kinds), CARS, view_of(Reason.FOLLOW, 5, 12.4), standing=False)
    assert text == f"It follows {words(f'kind.{kind.name}')} 12\u00a0m ahead at a safe gap."


def test_our_own_cars_are_named_by_their_number(frame):
    assert "Marque 2" in sentence(words_of("en"), frame, CARS, view_of(Reason.YIELD, 1, 3.0), standing=True)


def test_a_row_says_whom_a_waiting_car_waits_for(frame):
    flags, speeds = frame.flags.copy(), frame.speed_mps.copy()
    flags[0] |= Flag.WAITING
    speeds[0] = 0.0
    waiting = frame._replace(flags=flags, speed_mps=speeds, views={0: view_of(Reason.RED_LIGHT, 0, 2.0), 1: view_of(Reason.CRUISE)})
    first, second = rows(words_of("en"), waiting, CARS)
    assert (first.waiting_for, first.speed, first.doing) == ("the traffic light", "0\u00a0km/h", "Red light")
    assert second.waiting_for == "–"


def test_cars_keep_their_numbers_while_others_are_away(frame):
    alone = frame._replace(views={1: view_of(Reason.CRUISE)})
    assert [(row.id, row.number) for row in rows(words_of("en"), alone, CARS)] == [(1, 2)]


def test_a_card_adds_up_the_route_and_names_the_limit(frame):
    told = card(words_of("en"), frame._replace(views={0: view_of(Reason.FOLLOW, 1, 12.0)}), CARS, 0, LANES)
    facts = dict(told.facts)
    assert (facts["Limit"], facts["Route ahead"], facts["Because of"], facts["Distance"]) == (
        "50\u00a0km/h",
        "1.2\u00a0km",
        "Marque 2",
        "12\u00a0m",
    )


def test_a_route_over_lanes_the_map_does_not_have_is_told_as_far_as_it_goes(frame):
    lost = dataclasses.replace(view_of(Reason.NO_ROUTE), route=np.array([-1, 99], np.int32))
    assert dict(card(words_of("en"), frame._replace(views={0: lost}), CARS, 0, LANES).facts)["Limit"] == "–"


def test_there_is_no_card_of_a_car_that_is_not_there(frame):
    assert card(words_of("en"), frame, CARS, 7, LANES) is None


def test_totals_of_an_empty_road_are_zero(frame):
    nobody = Frame(*(value[:0] if isinstance(value, np.ndarray) else value for value in frame[:-1]), {})
    assert dict(totals(words_of("en"), nobody))["Mean speed"] == "0\u00a0km/h"


def test_results_tell_what_is_known_and_leave_out_the_rest():
    facts = {
        "verdict": "goal",
        "goal_s": 3.25,
        "collision_s": None,
        "at_fault": False,
        "comfort": {"braking_max_mps2": "?"},
        "ttc_min_s": True,
    }
    assert results(words_of("en"), facts) == [("Goal after", "3.2\u00a0s"), ("At fault", "no")]
    assert results(words_of("zh"), {}) == []
