"""The speed profiles are those of the regulations: length, phases, distance and checksums that are published with them."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from marque.vehicle.cycles import CYCLES, cycle_speeds


@pytest.mark.parametrize("name", CYCLES)
def test_a_cycle_lasts_1800_s_and_begins_and_ends_at_rest(name):
    speeds = cycle_speeds(name)
    assert speeds.shape == (1801,)
    assert speeds[0] == speeds[-1] == 0.0
    assert speeds.min() == 0.0


def test_wltc_3b_has_the_checksums_of_the_regulation():
    kmph = cycle_speeds("wltc_3b") * 3.6
    ends = [0, 590, 1023, 1478, 1801]
    assert [round(float(kmph[a:b].sum()), 1) for a, b in itertools.pairwise(ends)] == [11140.3, 17121.2, 25782.2, 29714.9]
    assert [round(float(kmph[a:b].max()), 1) for a, b in itertools.pairwise(ends)] == [56.5, 76.6, 97.4, 131.3]


def test_cltc_p_has_the_figures_of_the_standard():
    kmph = cycle_speeds("cltc_p") * 3.6
    ends = [0, 674, 1367, 1801]
    assert [round(float(kmph[a:b].sum()) / 3600.0, 2) for a, b in itertools.pairwise(ends)] == [2.45, 5.91, 6.12]
    assert [round(float(kmph[a:b].max()), 1) for a, b in itertools.pairwise(ends)] == [48.1, 71.2, 114.0]
    central = (kmph[2:] - kmph[:-2]) / 7.2
    assert (round(float(central.max()), 2), round(float(central.min()), 2)) == (1.47, -1.47)
    moving = (kmph > 0.0).astype(int)
    assert int((np.diff(moving) == 1).sum()) == 11  # short trips
