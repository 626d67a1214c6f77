"""Looking after every car: tests of a rate of failures and of a rate per distance that hold however often one looks."""

from __future__ import annotations

from math import inf, log

from scipy import special

from marque.proof.statistics import sequential


def share_is_above(failed: int, cars: int, limit: float, confidence: float) -> bool:
    """Whether more than `limit` of cars are shown to fail; wrong with probability ≤ 1 − confidence over all looks together."""
    return bool(cars > 0 and sequential.log_e_above(failed, cars, limit) >= -log(1.0 - confidence))


def rate_is_above(events: int, distance: float, limit: float, confidence: float) -> bool:
    """Whether `events` in `distance` are shown to be more than `limit` per unit of it; see `share_is_above`."""
    return log_e_rate_above(events, distance, limit) >= -log(1.0 - confidence)


def log_e_rate_above(events: int, distance: float, limit: float) -> float:
    """Logarithm of the e-value against "a Poisson process has at most `limit` events per unit of distance".

    The likelihood ratio of u times the limit, uᴺ·e^(−(u−1)t) with t = limit·distance, mixed over u ~ Gamma(1/2, 1/2) cut to (1, ∞): for
    each u > 1 a supermartingale in distance under every rate up to the limit, hence so is the mixture. Where the incomplete gamma function
    underflows the value is −∞, never overstated. Source: Robbins 1970 (method of mixtures); Ville 1939.
    """
    if limit <= 0.0:
        return inf if events > 0 else 0.0
    t = limit * distance
    shape, rate = events + 0.5, t + 0.5
    above, all_above = special.gammaincc(shape, rate), special.gammaincc(0.5, 0.5)
    if above <= 0.0:
        return -inf
    mixed = special.gammaln(shape) + log(above) - shape * log(rate)
    prior = special.gammaln(0.5) + log(all_above) - 0.5 * log(0.5)
    return float(mixed - prior + t)
