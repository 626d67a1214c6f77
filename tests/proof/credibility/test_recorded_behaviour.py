"""Tracks laid out so that headways, accelerations and lane changes are known."""

from __future__ import annotations

import numpy as np
import pytest

from marque.proof.credibility.distributions import Sample
from marque.proof.credibility.recorded import Tracks, accelerations, headways, lane_changes, speeds, together

STEP_S, STEPS = 0.1, 101


def tracks(x, y, speed, *, heading=0.0, present=None, lane=None, lateral=None):
    x, y, speed = (np.broadcast_to(np.asarray(one, float), (STEPS, len(np.atleast_1d(x[-1])))).copy() for one in (x, y, speed))
    return Tracks(
        STEP_S, np.ones(x.shape, bool) if present is None else present, x, y, np.full(x.shape, heading), speed, np.full(x.shape, 4.0),
        np.zeros(x.shape, np.int64) if lane is None else lane, np.zeros(x.shape) if lateral is None else lateral,
    )  # fmt: skip


def times():
    return STEP_S * np.arange(STEPS)[:, None]


def column(places, speed=10.0, heading=0.0):
    """Vehicles in one lane, at constant speed."""
    along = np.asarray(places, float)[None, :] + speed * times()
    return tracks(along * np.cos(heading), along * np.sin(heading), np.full((STEPS, len(places)), speed), heading=heading)


@pytest.mark.parametrize("heading", [0.0, 0.7, 3.1, -2.0])
def test_a_headway_is_the_way_from_front_to_front_over_the_followers_speed(heading):
    found = headways(column([0.0, 20.0, 35.0], heading=heading))
    assert sorted(set(np.round(found.values, 9))) == [1.5, 2.0]
    assert set(found.owners) == {0, 1}


def test_who_drives_beside_or_the_other_way_is_no_leader():
    beside = column([0.0, 20.0])
    beside.y_m[:, 1] = 3.0
    assert headways(beside).values.size == 0
    oncoming = column([0.0, 20.0])
    oncoming.heading_rad[:, 1] = np.pi
    assert headways(oncoming).values.size == 0


def test_who_is_absent_neither_leads_nor_follows():
    gone = column([0.0, 20.0, 45.0])
    gone.present[:, 1] = False
    assert set(np.round(headways(gone).values, 9)) == {4.5}


def test_accelerations_are_those_of_the_speeds():
    speed = 5.0 + np.array([[1.5, -0.5]]) * times()
    found = accelerations(tracks(np.cumsum(speed * STEP_S, axis=0), np.zeros_like(speed), speed))
    assert found.values[found.owners == 0] == pytest.approx(1.5)
    assert found.values[found.owners == 1] == pytest.approx(-0.5)


def test_speeds_are_taken_once_a_second_where_somebody_is():
    there = column([0.0, 50.0])
    there.present[50:, 1] = False
    assert np.bincount(speeds(there).owners).tolist() == [11, 5]


def test_a_lane_change_is_counted_once_and_lasts_as_long_as_it_moves_sideways():
    lane, lateral = np.zeros((STEPS, 1), np.int64), np.zeros((STEPS, 1))
    lane[50:], lateral[30:71] = 1, 3.5 / 4.1
    changed = tracks(10.0 * times(), lateral.cumsum(axis=0) * STEP_S, np.full((STEPS, 1), 10.0), lane=lane, lateral=lateral)
    beside = {0: (frozenset({1}), frozenset()), 1: (frozenset(), frozenset({0}))}
    found = lane_changes(changed, beside)
    assert (found.count, found.driven_km, found.driven_h) == (1, pytest.approx(0.1), pytest.approx(10.0 / 3600.0))
    assert found.durations_s == pytest.approx([4.5], abs=0.11)  # the mean over half a second makes it 0.4 s longer


def test_a_lane_that_follows_the_other_is_no_change_and_a_cut_off_change_has_no_duration():
    lane, lateral = np.zeros((STEPS, 1), np.int64), np.zeros((STEPS, 1))
    lane[50:], lateral[:71] = 1, 0.8
    changed = tracks(10.0 * times(), np.zeros((STEPS, 1)), np.full((STEPS, 1), 10.0), lane=lane, lateral=lateral)
    assert lane_changes(changed, {}).count == 0
    found = lane_changes(changed, {0: (frozenset({1}), frozenset())})
    assert found.count == 1
    assert found.durations_s.size == 0


def test_vehicles_of_different_records_are_different_ones():
    both = together([Sample(np.array([1.0, 2.0]), np.array([0, 3])), Sample(np.array([3.0]), np.array([0]))])
    assert both.vehicles == 3
    assert together([]).values.size == 0
