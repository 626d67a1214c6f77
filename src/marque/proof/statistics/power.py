"""How many runs it takes, stated beforehand. α for one of several cells is the policy's α divided by their number (Holm's first step)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from marque.common import Floats
from marque.proof.statistics.comparison import mcnemar
from marque.proof.statistics.intervals import at_most, more_than
from marque.proof.statistics.sequential import log_e_below

MOST_RUNS = 10**9


def runs_to_show(limit: float, alpha: float = 0.05, failures: int = 0) -> int:
    """The fewest runs that, with `failures` among them, show a failure probability below `limit` (Clopper–Pearson, one-sided).

    Without failures ln α / ln(1 − limit): 299 runs for 1 %, 2,995,731 for 1e-6. Raises ValueError for a limit outside (0, 1).
    """
    if not 0.0 < limit < 1.0:
        raise ValueError(f"limit {limit} lies outside (0, 1)")
    return _fewest(lambda n: bool(at_most(failures, n, limit) <= alpha), failures + 1)


def runs_to_show_under_peeking(limit: float, alpha: float = 0.05, failures: int = 0) -> int:
    """The fewest runs at which, with `failures` among them, the e-process against "the probability is ≥ `limit`" stands at 1/α."""
    if not 0.0 < limit < 1.0:
        raise ValueError(f"limit {limit} lies outside (0, 1)")
    return _fewest(lambda n: bool(log_e_below(failures, n, limit) >= -np.log(alpha)), failures + 1)


def power_to_show(runs: ArrayLike, probability: float, limit: float, alpha: float = 0.05) -> Floats:
    """The chance that `runs` runs of a release with true `probability` show it to be below `limit`."""
    n = np.asarray(runs, float)
    allowed = _allowed(n, limit, alpha)
    return at_most(allowed, n, probability)[()]


def runs_for_power(probability: float, limit: float, alpha: float = 0.05, power: float = 0.9) -> int:
    """Runs after which `power_to_show` stays at or above `power`. Raises ValueError if the release is not better than the limit."""
    if not 0.0 <= probability < limit < 1.0:
        raise ValueError("only a release with a failure probability below the limit can show it")
    return _fewest(lambda n: float(power_to_show(n, probability, limit, alpha)) >= power, 1)


def power_under_peeking(runs: int, probability: float, limit: float, alpha: float = 0.05) -> float:
    """The chance that after `runs` runs the e-process stands at 1/α or more; having looked before can only add to it."""
    k = np.arange(runs + 1)
    reached = log_e_below(k, runs, limit) >= -np.log(alpha)
    return float(at_most(np.count_nonzero(reached) - 1, runs, probability))


def runs_for_power_under_peeking(probability: float, limit: float, alpha: float = 0.05, power: float = 0.9) -> int:
    """Runs by which a release with true `probability` has passed under peeking, with chance ≥ `power`."""
    if not 0.0 <= probability < limit < 1.0:
        raise ValueError("only a release with a failure probability below the limit can show it")
    return _fewest(lambda n: power_under_peeking(n, probability, limit, alpha) >= power, 1, most=10**7)


def power_to_find(pairs: int, worse: float, better: float, alpha: float = 0.05) -> float:
    """The chance that McNemar's test finds a regression among `pairs` pairs, of which shares `worse` and `better` differ; exact sum."""
    differ, n = worse + better, np.arange(pairs + 1)
    chances = stats.binom.pmf(n, pairs, differ)
    used = n[chances > 1e-12]
    critical = _critical(used, alpha)
    found = np.where(critical > used, 0.0, more_than(critical - 1, used, worse / differ))
    return float(chances[used] @ found)


def pairs_to_find(worse: float, better: float, alpha: float = 0.05, power: float = 0.95) -> int:
    """Pairs after which a regression of that size is found with chance ≥ `power`. Raises ValueError if `worse` ≤ `better`."""
    if not 0.0 <= better < worse <= 1.0 - better:
        raise ValueError("a regression makes more pairs worse than better")
    return _fewest(lambda n: power_to_find(n, worse, better, alpha) >= power, 1, most=10**7)


def _allowed(n: Floats, limit: float, alpha: float) -> Floats:
    """The most failures among n that still show the limit; −1 where not even none does."""
    guess = stats.binom.ppf(alpha, n, limit) + 1.0  # the first count of at least α; step down to the last below it
    for _ in range(3):
        guess = np.where((guess >= 0) & (at_most(guess, n, limit) > alpha), guess - 1.0, guess)
    return np.asarray(guess)


def _critical(n: Floats, alpha: float) -> Floats:
    """The fewest worse pairs among n differing ones that are significant; n + 1 where none are."""
    critical = n + 1 - (mcnemar(n, 0) <= alpha)
    guess = np.maximum(stats.binom.isf(alpha, n, 0.5), 0.0)
    for step in (2.0, 1.0, 0.0):
        fits = mcnemar(np.minimum(guess + step, n), np.maximum(n - guess - step, 0.0)) <= alpha
        critical = np.where(fits & (guess + step <= n), guess + step, critical)
    return np.asarray(critical)


def _fewest(enough: Callable[[int], bool], start: int, most: int = MOST_RUNS) -> int:
    """The first number by doubling and halving; where `enough` saw-teeth, one at which it holds."""
    low, high = start - 1, start
    while not enough(high):
        if high >= most:
            raise ValueError(f"more than {most} runs would be needed")
        low, high = high, min(2 * high, most)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
