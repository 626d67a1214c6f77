"""Pairs of detections and tracks: as good as trying every possibility."""

from itertools import permutations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from marque.driving.association import NOBODY, assign, associate

SCORES = st.one_of(st.floats(-5.0, 10.0).map(lambda v: round(v, 3)), st.just(-np.inf))


def scores(most):
    return st.tuples(st.integers(1, most), st.integers(1, most)).flatmap(lambda shape: hnp.arrays(float, shape, elements=SCORES))


def best_total(score):
    """The greatest sum over all ways to pair rows with columns or leave them alone."""
    if len(score) == 0:
        return 0.0
    alone = best_total(score[1:])
    columns = [c for c in range(score.shape[1]) if score[0, c] > 0.0]
    return max([alone] + [score[0, c] + best_total(np.delete(score[1:], c, axis=1)) for c in columns])


@given(scores(5))
def test_no_other_set_of_pairs_is_worth_more(score):
    taken = np.empty(len(score), np.int64)
    associate(score, taken)
    pairs = [(i, j) for i, j in enumerate(taken) if j != NOBODY]
    assert len({j for _, j in pairs}) == len(pairs)
    assert all(score[pair] > 0.0 for pair in pairs)
    assert np.isclose(sum(score[pair] for pair in pairs), best_total(score))


@given(st.integers(1, 5).flatmap(lambda n: hnp.arrays(float, (n, n + 1), elements=st.floats(-9.0, 9.0))))
def test_an_assignment_costs_least_of_all_permutations(cost):
    column = assign(cost)
    assert len(set(column.tolist())) == len(cost)
    rows = range(len(cost))
    least = min(sum(cost[r, c] for r, c in zip(rows, chosen, strict=True)) for chosen in permutations(range(cost.shape[1]), len(cost)))
    assert np.isclose(cost[rows, column].sum(), least)


@given(st.integers(0, 2**32 - 1))
def test_clusters_that_share_nothing_are_solved_as_if_alone(seed):
    random = np.random.default_rng(seed)
    blocks = [random.uniform(-2.0, 8.0, (random.integers(1, 4), random.integers(1, 4))) for _ in range(4)]
    rows, columns = (np.cumsum([0, *(block.shape[k] for block in blocks)]) for k in (0, 1))
    whole = np.full((rows[-1], columns[-1]), -np.inf)
    for block, r, c in zip(blocks, rows, columns, strict=False):
        whole[r : r + block.shape[0], c : c + block.shape[1]] = block
    shuffled = random.permutation(columns[-1])
    taken = np.empty(len(whole), np.int64)
    associate(np.ascontiguousarray(whole[:, shuffled]), taken)
    total = sum(whole[i, shuffled[j]] for i, j in enumerate(taken) if j != NOBODY)
    assert np.isclose(total, sum(best_total(block) for block in blocks))
