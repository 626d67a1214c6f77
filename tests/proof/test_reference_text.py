"""The reference drivers as the regulation's text has them, against closed forms; distances and limits against what is published."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from marque.driving.rss import RssParameters, safe_distance_beside, safe_distance_following
from marque.proof.reference import RULES, CarFollowing, CutIn, CutOut, Driver, Mode, drive, eu_2022_1426, preventable
from marque.proof.reference.checks import critical, proactive, rss_across, rss_along
from marque.proof.reference.eu_2022_1426 import RELATIVE_SPEEDS_KMH, TABLE_S, Occupants, cut_in_limit, must_avoid_cut_in
from marque.proof.reference.model import TEXT
from marque.proof.reference.reaction import Sight, attentive, next_speed

FULL_MPS2, AEB_MPS2, BUILD_UP_S = 0.774 * 9.81, 0.85 * 9.81, 0.6
WANDER_M, RISK_S, DELAY_S = 0.375, 0.4, 0.75
NEAR_M = 0.7
"""How much steps of 0.01 s can make of it."""

kmh = st.floats(20.0, 140.0)


def braked(closing):
    """Distance on which `closing` m/s are braked away, deceleration building up in 0.6 s."""
    lost = 0.5 * FULL_MPS2 * BUILD_UP_S
    if closing <= lost:
        jerk = FULL_MPS2 / BUILD_UP_S
        needed = np.sqrt(2.0 * closing / jerk)
        return closing * needed - jerk * needed**3 / 6.0
    built_up = closing * BUILD_UP_S - FULL_MPS2 * BUILD_UP_S**2 / 6.0
    return built_up + (closing - lost) ** 2 / (2.0 * FULL_MPS2)


def room_after_cut_in(closing, lateral, ttc):
    """Gap left in the end, integrated on a grid of 1 ms from the instant of perception; AEB helps once the other has come in by 3.5 m."""
    time = np.arange(0.0, 12.0, 1e-3)
    wrapped = 3.5 / lateral - WANDER_M / lateral - RISK_S
    by_driver = np.minimum(FULL_MPS2, FULL_MPS2 / BUILD_UP_S * np.maximum(0.0, time - DELAY_S))
    # Its own build-up begins at what is braked with then.
    begun = max(wrapped, DELAY_S)
    so_far = min(FULL_MPS2, FULL_MPS2 / BUILD_UP_S * (begun - DELAY_S))
    with_aeb = np.minimum(AEB_MPS2, so_far + AEB_MPS2 / BUILD_UP_S * np.maximum(0.0, time - begun))
    braking = np.where(time < begun, by_driver, with_aeb)
    left = np.maximum(0.0, closing - np.cumsum(braking) * 1e-3)
    return closing * ttc - np.sum(left) * 1e-3


@given(ego=st.floats(40.0, 140.0), share=st.floats(0.0, 0.85), lateral=st.floats(1.1, 1.8), ttc=st.floats(0.5, 1.95))
def test_the_careful_driver_avoids_a_cut_in_if_braking_at_1_15_s_past_the_wander_is_soon_enough(ego, share, lateral, ttc):
    closing = ego * (1.0 - share) / 3.6
    room = room_after_cut_in(closing, lateral, ttc)
    gap = closing * (WANDER_M / lateral + RISK_S + ttc)
    assume(abs(room) > NEAR_M)
    assert preventable(Driver.CC, CutIn(ego, ego * share, gap, lateral)).all() == (room > 0.0)


@given(ego=kmh, share=st.floats(0.0, 0.95), lateral=st.floats(0.2, 1.8), ttc=st.floats(2.05, 6.0))
def test_a_cut_in_is_no_danger_to_the_careful_driver_above_2_s(ego, share, lateral, ttc):
    closing = ego * (1.0 - share) / 3.6
    gap = closing * (WANDER_M / lateral + RISK_S + ttc)
    out = drive(Driver.CC, CutIn(ego, ego * share, gap, lateral), Mode.TEXT)
    assert not out.crash.any()
    assert out.ego_v_end_mps == pytest.approx(ego / 3.6)


@given(ego=kmh, front=st.floats(1.0, 150.0), lateral=st.floats(0.4, 3.0))
def test_the_careful_driver_stops_behind_what_a_cut_out_shows_if_there_is_room(ego, front, lateral):
    speed = ego / 3.6
    assume(front / speed > 1.95 / lateral)
    room = 2.0 * speed + 4.3 + front - speed * (WANDER_M / lateral + RISK_S + DELAY_S) - braked(speed)
    assume(abs(room) > NEAR_M)
    assert preventable(Driver.CC, CutOut(ego, front, lateral)).all() == (room > 0.0)


@given(ego=kmh, braking=st.floats(0.78, 1.2), gap=st.floats(0.5, 60.0))
def test_the_careful_driver_stops_behind_a_lead_that_brakes_harder_if_there_is_room(ego, braking, gap):
    speed = ego / 3.6
    room = gap + speed**2 / (2.0 * braking * 9.81) - speed * (RISK_S + DELAY_S) - braked(speed)
    assume(abs(room) > NEAR_M)
    assert preventable(Driver.CC, CarFollowing(ego, braking, gap)).all() == (room > 0.0)


@given(ego=kmh, braking=st.floats(0.0, 0.5096))
def test_a_lead_that_brakes_up_to_5_mps2_is_no_danger_to_the_careful_driver(ego, braking):
    assert preventable(Driver.CC, CarFollowing(ego, braking)).all()


@given(driver=st.sampled_from(Driver), ego=kmh, share=st.floats(0.0, 1.0), gap=st.floats(0.0, 100.0), lateral=st.floats(0.0, 1.8))
def test_more_room_never_makes_a_cut_in_unpreventable(driver, ego, share, gap, lateral):
    nearer, farther = preventable(driver, CutIn(ego, ego * share, np.array([gap, gap + 0.5 * gap + 5.0]), lateral))
    passed = ego * (1.0 - share) / 3.6 * 1.6 / max(lateral, 1e-9) > gap  # else the ego is by before the other is in
    assert farther or not nearer or passed


def test_full_braking_takes_0_6_s_and_with_the_other_in_front_reaches_0_85_g():
    for wrapped, full in ((False, 0.774 * 9.81), (True, 0.85 * 9.81)):
        reaction, speed, last = attentive(int(Driver.CC), TEXT)._replace(waiting=0), 30.0, 30.0
        for step in range(70):
            last = speed
            speed, reaction = next_speed(int(Driver.CC), speed, 30.0, Sight(False, False, 0.0, 0.0), wrapped, TEXT, reaction)
            assert (reaction.braking_mps2 == pytest.approx(full, rel=1e-3)) == (step >= 59)
        assert (last - speed) * TEXT.rate_hz == pytest.approx(full)


def test_the_reaction_takes_as_long_as_the_regulation_says():
    assert (TEXT.reaction_steps / TEXT.rate_hz, TEXT.intrusion_steps / TEXT.rate_hz) == (0.75, 0.35)
    assert (TEXT.risk_steps / TEXT.rate_hz, TEXT.seen_steps / TEXT.rate_hz) == (0.4, 0.72)


@pytest.mark.slow
@pytest.mark.parametrize("driver", Driver)
def test_half_the_step_changes_few_verdicts(driver, monkeypatch):
    random = np.random.default_rng(1)
    count = 4000
    ego = random.uniform(20.0, 130.0, count)
    case = CutIn(ego, ego * random.random(count), random.uniform(0.0, 60.0, count), random.uniform(0.1, 1.8, count))
    whole = preventable(driver, case)
    halved = TEXT._replace(
        rate_hz=200.0, steps=7000, reaction_steps=150, intrusion_steps=70, risk_steps=80, seen_steps=144, jerk_step_mps2=0.06325
    )
    monkeypatch.setitem(RULES, Mode.TEXT, halved)
    half = preventable(driver, case)
    assert 0.02 < np.mean(~whole) < 0.9
    assert np.mean(whole != half) < 0.005


@given(ego=st.floats(0.0, 60.0), lead=st.floats(0.0, 60.0))
def test_the_distance_behind_is_that_of_rss(ego, lead):
    assumed = RssParameters(0.75, 3.0, 6.0, 6.0, 6.0, 1.0, 1.0, 0.3, 0.0)
    assert max(0.0, rss_along(ego, lead)) == pytest.approx(safe_distance_following(ego, lead, assumed, assumed), abs=1e-12)


@given(sideways=st.floats(0.0, 5.0))
def test_the_distance_beside_is_that_of_rss_for_an_ego_that_keeps_its_line(sideways):
    other = RssParameters(0.75, 3.0, 6.0, 6.0, 6.0, 1.0, 1.0, 0.3)
    ego = other._replace(lateral_acceleration_max_mps2=0.0)
    assert rss_across(sideways) == pytest.approx(safe_distance_beside(-sideways, 0.0, other, ego), abs=1e-12)


@given(gap=st.floats(0.0, 200.0), ego=st.floats(0.0, 50.0), lead=st.floats(0.0, 50.0), acceleration=st.floats(-8.0, 3.0))
def test_fuzzy_metrics_are_shares_and_fall_as_the_gap_grows(gap, ego, lead, acceleration):
    near = proactive(gap, ego, lead), critical(gap, ego, lead, acceleration)
    far = proactive(gap + 1.0, ego, lead), critical(gap + 1.0, ego, lead, acceleration)
    assert all(0.0 <= after <= before <= 1.0 for before, after in zip(near, far, strict=True))


@pytest.mark.parametrize("occupants", Occupants)
def test_the_twelve_cells_of_eu_2022_1426_are_what_its_formula_gives(occupants):
    limits = cut_in_limit(np.array(RELATIVE_SPEEDS_KMH) / 3.6, occupants)
    assert [round(float(limit), 2) for limit in limits] == list(TABLE_S[occupants])


@given(closing=st.floats(-20.0, 40.0), gap=st.floats(0.0, 100.0), occupants=st.sampled_from(Occupants))
def test_whoever_enters_above_the_limit_has_to_be_avoided(closing, gap, occupants):
    limit = float(cut_in_limit(closing, occupants))
    assert bool(must_avoid_cut_in(gap, closing, occupants)) == (closing <= 0.0 or gap > limit * closing)
    assert not must_avoid_cut_in(-0.1, closing, occupants)


@given(closing=st.floats(0.5, 40.0), occupants=st.sampled_from(Occupants))
def test_braking_as_the_limit_reckons_just_avoids_the_collision(closing, occupants):
    a = occupants.value
    build_up = 0.05 * a
    reaction = eu_2022_1426.REACTION_S
    assume(closing > 0.5 * a * build_up)
    lost = 0.5 * a * build_up
    needed = closing * reaction + closing * build_up - a * build_up**2 / 6.0 + (closing - lost) ** 2 / (2.0 * a)
    # The regulation takes half of the build-up for the whole; what it neglects is below the braking's own share of it.
    assert needed == pytest.approx(closing * float(cut_in_limit(closing, occupants)), abs=a * build_up**2 / 24.0 + 1e-9)


def test_a_parameter_out_of_its_limits_is_refused():
    with pytest.raises(ValueError, match=r"lateral_mps is -0\.5"):
        drive(Driver.CC, CutIn(50.0, 30.0, 20.0, -0.5), Mode.JRC)
    with pytest.raises(ValueError, match="gap_m is nan"):
        drive(Driver.CC, CutIn(50.0, 30.0, np.nan, 0.5), Mode.JRC)
    with pytest.raises(ValueError, match="REG157 says nothing of a car-following"):
        drive(Driver.REG157, CarFollowing(50.0, 0.5), Mode.TEXT)
    with pytest.raises(ValueError, match="one value per case"):
        drive(Driver.CC, CutIn(np.ones((2, 2)), 30.0, 20.0, 0.5), Mode.JRC)


def test_one_value_serves_all_cases_and_each_case_may_have_its_own_driver():
    case = CutIn(np.array([100.0, 100.0, 100.0]), 20.0, 30.0, 1.0)
    each = [bool(preventable(driver, CutIn(100.0, 20.0, 30.0, 1.0))[0]) for driver in (Driver.CC, Driver.FSM, Driver.RSS)]
    assert preventable(np.array([0, 1, 2], np.int32), case).tolist() == each
    assert len(drive(Driver.CC, CutIn(np.empty(0), 1.0, 1.0, 1.0), Mode.JRC).crash) == 0
