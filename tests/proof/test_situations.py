"""A collision is put into the terms of UN R157 with the parameters that it was made with."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from marque.proof.campaign.situations import MODELS, preventable_by_models, situation
from marque.proof.reference import CarFollowing, CutIn, Driver, preventable
from marque.simulation.judge import Trajectory
from marque.simulation.scenario import ActorLog
from marque.vehicle import BMW_320I

STEP_S, WIDTH_M, LENGTH_M = 0.1, 1.9, 4.3


@dataclasses.dataclass
class Logged:
    """As much of a scenario as is looked at."""

    actors: ActorLog
    step_s: float = STEP_S


def meeting(ego_mps, x, y, speed, heading=0.0, turned=0.3):
    """The ego straight on at its speed, everything turned on the map; (n,) of the other's middle along and across the ego's way."""
    n = len(x)
    own = ego_mps * STEP_S * np.arange(n)
    c, s = np.cos(turned), np.sin(turned)
    rows = {
        "x_m": c * (own + x) - s * y, "y_m": s * (own + x) + c * y, "heading_rad": np.full(n, heading + turned), "speed_mps": speed,
        "length_m": np.full(n, LENGTH_M), "width_m": np.full(n, WIDTH_M), "present": np.ones(n, bool),
    }  # fmt: skip
    one = np.array([7], np.int32)
    log = ActorLog(ids=one, obstacles=one, kinds=np.ones(1, np.uint8), stands=np.zeros(1, bool), **{k: v[:, None] for k, v in rows.items()})
    driven = Trajectory(c * own, s * own, np.full(n, turned), np.full(n, ego_mps), np.zeros(n))
    return Logged(log), driven


def cut_in(ego_mps, other_mps, gap_m, lateral_mps, side, waits=12):
    """Beside the ego for a while, then over into its lane at a constant speed across."""
    over = int(3.5 / lateral_mps / STEP_S) + 1
    aside = side * np.concatenate([np.full(waits, 3.5), np.maximum(0.0, 3.5 - lateral_mps * STEP_S * np.arange(over))])
    n = len(aside)
    ahead = gap_m + 0.5 * (LENGTH_M + BMW_320I.length_m) + (other_mps - ego_mps) * STEP_S * (np.arange(n) - waits)
    return meeting(ego_mps, ahead, aside, np.full(n, other_mps)), n - 1


speeds = st.floats(10.0, 36.0)


@given(speeds, st.floats(0.3, 1.0), st.floats(5.0, 80.0), st.floats(0.4, 1.8), st.sampled_from([1.0, -1.0]))
def test_a_cut_in_is_told_with_its_speeds_gap_and_speed_across(ego_mps, part, gap_m, lateral_mps, side):
    (scenario, driven), step = cut_in(ego_mps, part * ego_mps, gap_m, lateral_mps, side)
    found = situation(scenario, driven, BMW_320I, step, 7)
    assume(found is not None)  # past the ego before it is in its lane
    assert isinstance(found, CutIn)
    assert found.ego_kmh == pytest.approx(3.6 * ego_mps)
    assert found.cut_in_kmh == pytest.approx(3.6 * part * ego_mps)
    assert found.lateral_mps == pytest.approx(lateral_mps, rel=0.12)
    assert found.gap_m == pytest.approx(gap_m, abs=2.5 * abs(ego_mps - part * ego_mps) * STEP_S + 1e-6)


def test_most_cut_ins_are_told():
    told = [
        situation(*cut_in(25.0, 15.0, gap, lateral, 1.0)[0], BMW_320I, cut_in(25.0, 15.0, gap, lateral, 1.0)[1], 7)
        for gap in (20.0, 40.0, 60.0)
        for lateral in (0.8, 1.2, 1.8)
    ]
    assert all(isinstance(one, CutIn) for one in told)


def test_the_models_are_asked_about_just_that_situation():
    (scenario, driven), step = cut_in(30.0, 15.0, 25.0, 1.5, -1.0)
    found = situation(scenario, driven, BMW_320I, step, 7)
    told = preventable_by_models(scenario, driven, BMW_320I, step, 7)
    assert told == {name: bool(preventable(model, found)[0]) for name, model in MODELS.items()}
    assert set(MODELS.values()) == {Driver.CC, Driver.FSM}
    (close, driven), _ = cut_in(30.0, 22.0, 4.0, 1.8, 1.0)
    assert preventable_by_models(close, driven, BMW_320I, 22, 7) == dict.fromkeys(MODELS, False)


@given(speeds, st.floats(0.1, 0.9))
def test_a_lead_that_brakes_is_told_with_its_braking(ego_mps, braking_g):
    n = 30
    speed = np.maximum(0.0, ego_mps - 9.81 * braking_g * STEP_S * np.arange(n))
    ahead = 30.0 + np.cumsum(speed - ego_mps) * STEP_S
    scenario, driven = meeting(ego_mps, ahead, np.full(n, 0.2), speed)
    found = situation(scenario, driven, BMW_320I, n - 1, 7)
    assert isinstance(found, CarFollowing)
    assert found.lead_braking_g == pytest.approx(braking_g, rel=1e-6)
    assert found.ego_kmh == pytest.approx(3.6 * ego_mps)


@pytest.mark.parametrize(("ahead_m", "heading"), [(-20.0, 0.0), (30.0, np.pi), (30.0, np.pi / 2)])
def test_who_comes_from_behind_head_on_or_across_is_no_situation_of_theirs(ahead_m, heading):
    n = 20
    scenario, driven = meeting(20.0, np.full(n, ahead_m), np.linspace(2.0, 0.0, n), np.full(n, 10.0), heading)
    assert situation(scenario, driven, BMW_320I, n - 1, 7) is None
    assert preventable_by_models(scenario, driven, BMW_320I, n - 1, 7) == {}


def test_who_was_hidden_before_is_judged_from_where_it_came_up():
    (scenario, driven), step = cut_in(25.0, 15.0, 40.0, 1.2, 1.0, waits=20)
    scenario.actors.present[3:6] = False
    assert isinstance(situation(scenario, driven, BMW_320I, step, 7), CutIn)
    scenario.actors.present[step] = False
    assert situation(scenario, driven, BMW_320I, step, 7) is None
