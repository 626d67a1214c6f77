from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from marque.proof.credibility.distributions import Sample, density, distance

VALUES = st.lists(st.floats(-50.0, 50.0), min_size=1, max_size=40)


def alone(values):
    """Every value of a vehicle of its own."""
    return Sample(np.array(values, float), np.arange(len(values)))


@given(VALUES, VALUES)
@settings(deadline=None)
def test_the_distances_are_those_of_their_definitions(a, b):
    found = distance(alone(a), alone(b), resamples=2)
    counted = max(abs(np.mean(np.array(a) <= x) - np.mean(np.array(b) <= x)) for x in (*a, *b))
    assert found.kolmogorov == pytest.approx(counted, abs=1e-12)
    assert found.wasserstein == pytest.approx(stats.wasserstein_distance(a, b), abs=1e-9)


def test_distances_of_known_distributions_lie_in_their_intervals_as_often_as_they_say():
    """Uniform on [0, 1] and on [0.3, 1.3]: the distribution functions differ by 0.3, and so do the values."""
    random = np.random.default_rng(1)
    held = np.zeros(2)
    for _ in range(40):
        found = distance(alone(random.uniform(0.0, 1.0, 200)), alone(random.uniform(0.3, 1.3, 200)), resamples=100)
        held += [low < 0.3 < high for low, high in (found.kolmogorov_range, found.wasserstein_range)]
        assert found.by_chance < found.kolmogorov
    assert np.all(held >= 32)


def test_samples_of_one_distribution_are_no_farther_apart_than_chance_brings_about():
    random = np.random.default_rng(2)
    within = 0
    for _ in range(20):
        found = distance(alone(random.normal(size=100)), alone(random.normal(size=100)), resamples=100)
        within += found.kolmogorov <= found.by_chance
    assert within >= 17


def test_values_of_one_vehicle_count_as_one_observation():
    """Ten vehicles, each with one value a hundred times: no more is known than by ten values."""
    random = np.random.default_rng(3)
    values, owners = random.normal(size=10), np.repeat(np.arange(10), 100)
    many = distance(Sample(np.repeat(values, 100), owners), alone(random.normal(size=500)))
    few = distance(alone(values), alone(random.normal(size=500)))
    width = lambda found: found.wasserstein_range[1] - found.wasserstein_range[0]  # noqa: E731
    assert width(many) == pytest.approx(width(few), rel=0.35)
    assert many.by_chance > 0.3


def test_the_distance_does_not_hang_on_the_order_or_names_of_vehicles():
    one = Sample(np.array([1.0, 2.0, 3.0, 4.0]), np.array([7, 5, 7, 9]))
    shuffled = Sample(np.array([4.0, 3.0, 1.0, 2.0]), np.array([9, 7, 7, 5]))
    other = alone([0.0, 2.5])
    assert distance(one, other).kolmogorov_range == distance(shuffled, other).kolmogorov_range
    assert one.vehicles == 3


@given(VALUES)
def test_a_density_integrates_to_the_share_within_its_edges(values):
    edges = np.linspace(-20.0, 20.0, 9)
    inside = np.mean((np.array(values) >= -20.0) & (np.array(values) <= 20.0))
    assert float((density(np.array(values), edges) * np.diff(edges)).sum()) == pytest.approx(inside)
