"""Counter-based random numbers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marque.simulation.random import choice, philox, uniform

words = st.integers(0, 2**63 - 1)


@given(words, words, words, words)
def test_the_words_are_those_of_numpys_philox(seed, agent, step, purpose):
    # numpy counts up before its first block.
    counter = (agent + (step << 64) + (purpose << 128) - 1) % 2**256
    theirs = np.random.Philox(key=seed, counter=counter).random_raw(4)
    assert [int(w) for w in philox(np.uint64(seed), np.uint64(agent), np.uint64(step), np.uint64(purpose))] == theirs.tolist()


@pytest.mark.parametrize("axis", ["seed", "agent", "step", "purpose"])
def test_draws_are_uniform_along_every_part_of_the_key(axis):
    key = {"seed": 3, "agent": 5, "step": 7, "purpose": 1}
    draws = np.array([uniform(**(key | {axis: i})) for i in range(20_000)])
    counts, _ = np.histogram(draws, bins=50, range=(0.0, 1.0))
    chi_square = float(np.sum((counts - 400.0) ** 2) / 400.0)
    assert 49 - 5 * np.sqrt(98) < chi_square < 49 + 5 * np.sqrt(98)
    assert abs(np.corrcoef(draws[:-1], draws[1:])[0, 1]) < 0.04


def test_a_choice_reaches_every_outcome_about_equally_often():
    counts = np.bincount([choice(1, i, 0, 2, 3) for i in range(9_000)], minlength=3)
    assert counts.size == 3
    assert np.all(np.abs(counts - 3_000) < 250)
