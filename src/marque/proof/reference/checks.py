"""What the drivers look at: the fuzzy metrics, the distances of Responsibility-Sensitive Safety, and the rule of UN R157 for a cut-in.

Scalars in SI units. The order of operations is that of the JRC's program, so that its results come out bit for bit. Division by zero
gives inf or nan, as IEEE has it.
"""

from __future__ import annotations

from marque.vehicle import inlined

CAR_LENGTH_M, CAR_WIDTH_M = 4.3, 1.9
HALF_LENGTH_M, HALF_WIDTH_M = 2.15, 0.95
RESPONSE_S = 0.75

_COMFORT_MPS2, _BRAKING_MPS2, _LEAD_BRAKING_MPS2, _MARGIN_M = 4.0, 6.0, 7.0, 2.0
_RSS_ACCELERATION_MPS2, _RSS_BRAKING_MPS2, _RSS_LATERAL_MPS2, _RSS_MARGIN_M = 3.0, 6.0, 1.0, 0.3


@inlined
def gap_along(apart_m: float) -> float:
    """From bumper to bumper, of two whose middles are so far apart along the road."""
    return apart_m - HALF_LENGTH_M - HALF_LENGTH_M


@inlined
def gap_across(aside_m: float) -> float:
    """From side to side, of two whose middles are so far apart across the road; below 0 they overlap."""
    return abs(aside_m) - HALF_WIDTH_M - HALF_WIDTH_M


@inlined
def proactive(gap_m: float, ego_mps: float, lead_mps: float) -> float:
    """Proactive Fuzzy Surrogate Safety Metric, 0 (safe: comfortable braking is enough if the lead brakes) to 1.

    Source: Mattas et al. 2020, Accident Analysis & Prevention 148:105794, section 2; UN R157, Annex 3, performance model 2.
    """
    beyond = gap_m - _MARGIN_M
    lead_stops = lead_mps * lead_mps / (2.0 * _LEAD_BRAKING_MPS2)
    safe = ego_mps * RESPONSE_S + ego_mps * ego_mps / (2.0 * _COMFORT_MPS2) - lead_stops + _MARGIN_M
    if beyond > safe:
        return 0.0
    unsafe = ego_mps * RESPONSE_S + ego_mps * ego_mps / (2.0 * _BRAKING_MPS2) - lead_stops
    if beyond < unsafe:
        return 1.0
    return (beyond - safe) / (unsafe - safe)


@inlined
def critical(gap_m: float, ego_mps: float, lead_mps: float, acceleration_mps2: float) -> float:
    """Critical Fuzzy Surrogate Safety Metric, 0 (safe: comfortable braking is enough if both keep their speeds) to 1; source as above.

    acceleration_mps2: the ego's own, which it is taken to keep while it responds.
    """
    if ego_mps <= lead_mps:
        return 0.0
    kept = max(acceleration_mps2, -_COMFORT_MPS2)
    after = ego_mps + RESPONSE_S * kept
    if after < lead_mps:
        closing = ego_mps - lead_mps
        return 1.0 if gap_m < closing * closing / abs(2.0 * acceleration_mps2) else 0.0
    responding = (ego_mps + kept * RESPONSE_S / 2.0 - lead_mps) * RESPONSE_S
    square = (after - lead_mps) * (after - lead_mps)
    safe = responding + square / (2.0 * _COMFORT_MPS2)
    if gap_m > safe:
        return 0.0
    unsafe = responding + square / (2.0 * _BRAKING_MPS2)
    if gap_m < unsafe:
        return 1.0
    return (gap_m - safe) / (unsafe - safe)


@inlined
def comes_in_front(aside_gap_m: float, sideways_mps: float, apart_m: float, closing_mps: float) -> bool:
    """Whether somebody beside the lane gets in front before the ego has passed it, 0.1 s counted against it.

    Source: UN R157, Annex 3, performance model 2, lateral safety check. sideways_mps: towards the ego. apart_m: between the middles.
    """
    if sideways_mps <= 0.0:
        return False
    # Not turned round: with nan on one side it is dangerous, as in the JRC's program.
    return not aside_gap_m / sideways_mps > (apart_m + CAR_LENGTH_M) / closing_mps + 0.1


@inlined
def rss_along(ego_mps: float, lead_mps: float) -> float:
    """Safe distance behind a lead, m; below 0 where any is (RSS, arXiv:1708.06374, lemma 2; parameters of the JRC's comparison).

    Equal to `driving.rss.safe_distance_following` with these parameters, but that one is never below 0.
    """
    fastest = ego_mps + RESPONSE_S * _RSS_ACCELERATION_MPS2
    responding = ego_mps * RESPONSE_S + _RSS_ACCELERATION_MPS2 * (RESPONSE_S * RESPONSE_S) / 2.0
    return responding + fastest * fastest / (2.0 * _RSS_BRAKING_MPS2) - lead_mps * lead_mps / (2.0 * _RSS_BRAKING_MPS2)


@inlined
def rss_across(sideways_mps: float) -> float:
    """Safe distance beside somebody who moves across the road, m (RSS, definition 6); the ego itself keeps its line."""
    speed = abs(sideways_mps)
    gained = _RSS_LATERAL_MPS2 * RESPONSE_S
    return _RSS_MARGIN_M + abs((2.0 * speed + gained) * RESPONSE_S / 2.0) + (speed + gained) * (speed + gained) / (2.0 * _RSS_LATERAL_MPS2)


@inlined
def intrusion_limit(closing_mps: float) -> float:
    """Time to collision from which on a system has to avoid a collision with somebody who cuts in, s (UN R157, 5.2.5.2)."""
    return closing_mps / (2.0 * _BRAKING_MPS2) + 0.35


@inlined
def fsm_gap(speed_mps: float) -> float:
    """Gap at which the fuzzy driver follows somebody as fast as itself without acting, m: `proactive` is 0 from here on."""
    stops = speed_mps * speed_mps / (2.0 * _COMFORT_MPS2) - 0.0
    return speed_mps * RESPONSE_S + stops - speed_mps * speed_mps / (2.0 * _LEAD_BRAKING_MPS2) + 2.0 * _MARGIN_M


@inlined
def rss_gap(speed_mps: float) -> float:
    """The same by RSS, m: still safe once the lead has braked for the response time."""
    after = max(0.0, speed_mps - _RSS_BRAKING_MPS2 * RESPONSE_S)
    return rss_along(speed_mps, after) + _RSS_BRAKING_MPS2 * (RESPONSE_S * RESPONSE_S) / 2.0
