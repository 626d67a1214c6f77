"""Against models whose effects and indices are known in closed form."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marque.proof.credibility.sensitivity import elasticity, elementary_effects, morris_design, sobol_design, sobol_indices


@given(st.integers(1, 6), st.integers(2, 8), st.sampled_from([2, 4, 6, 8]), st.integers(0, 2**32))
@settings(deadline=None, max_examples=60)
def test_each_step_of_a_walk_moves_one_parameter_and_each_parameter_once(parameters, trajectories, levels, seed):
    design = morris_design(parameters, trajectories, levels, seed)
    assert design.shape == (trajectories, parameters + 1, parameters)
    assert np.all((design > -1e-12) & (design < 1.0 + 1e-12))
    assert np.allclose(design * (levels - 1), np.round(design * (levels - 1)))
    moved = np.abs(np.diff(design, axis=1))
    assert np.allclose(moved.sum(axis=1), levels / (2.0 * (levels - 1)))
    assert np.all((moved > 1e-9).sum(axis=2) == 1)


@given(st.lists(st.floats(-5.0, 5.0), min_size=1, max_size=5), st.integers(0, 99))
@settings(deadline=None, max_examples=40)
def test_the_effects_of_a_linear_model_are_its_slopes_without_spread(slopes, seed):
    design = morris_design(len(slopes), 6, 4, seed)
    found = elementary_effects(design, 3.0 + design @ np.array(slopes), resamples=50)
    assert found.mean == pytest.approx(slopes, abs=1e-9)
    assert found.size == pytest.approx(np.abs(slopes), abs=1e-9)
    assert found.spread == pytest.approx(np.zeros(len(slopes)), abs=1e-9)
    assert np.allclose(found.low, found.high)


def test_an_interaction_shows_as_spread_and_what_plays_no_part_as_nothing():
    design = morris_design(3, 40, 4, 1)
    found = elementary_effects(design, design[:, :, 0] * design[:, :, 1])
    assert found.spread[0] > 0.2
    assert found.size[2] == found.spread[2] == 0.0
    assert found.low[0] < found.size[0] < found.high[0]


def test_every_level_of_the_grid_is_as_likely():
    design = morris_design(1, 8000, 4, 3)[:, 0, 0]
    counts = np.bincount(np.round(3.0 * design).astype(int), minlength=4)
    assert np.abs(counts / 8000.0 - 0.25).max() < 0.02


def test_indices_of_a_linear_model_are_the_shares_of_its_variance():
    slopes = np.array([4.0, 2.0, 1.0])
    design = sobol_design(3, 2048, 1)
    found = sobol_indices(design, design @ slopes, 2048)
    assert found.first == pytest.approx(slopes**2 / (slopes**2).sum(), abs=0.08)
    assert found.total == pytest.approx(slopes**2 / (slopes**2).sum(), abs=0.05)
    assert np.all((found.low <= found.total) & (found.total <= found.high))


def test_indices_of_the_ishigami_function():
    """Ishigami, Homma 1990, with a = 7, b = 0.1: the variances in closed form."""
    a, b = 7.0, 0.1
    design = sobol_design(3, 4096, 2)
    x = -math.pi + 2.0 * math.pi * design
    found = sobol_indices(design, np.sin(x[:, 0]) + a * np.sin(x[:, 1]) ** 2 + b * x[:, 2] ** 4 * np.sin(x[:, 0]), 4096)
    parts = [0.5 * (1.0 + b * math.pi**4 / 5.0) ** 2, a**2 / 8.0, 0.0]
    third = b**2 * math.pi**8 * 8.0 / 225.0
    whole = sum(parts) + third
    assert found.first == pytest.approx([parts[0] / whole, parts[1] / whole, 0.0], abs=0.05)
    assert found.total == pytest.approx([(parts[0] + third) / whole, parts[1] / whole, third / whole], abs=0.05)


def test_the_elasticity_of_a_power_is_its_exponent():
    assert elasticity(0.99**3, 1.0, 1.01**3, 0.01) == pytest.approx(3.0, rel=1e-3)
    assert elasticity(0.0, 0.0, 0.0, 0.1) == 0.0


def test_a_grid_with_an_odd_number_of_levels_is_refused():
    with pytest.raises(ValueError, match="even"):
        morris_design(2, 2, 3, 0)
