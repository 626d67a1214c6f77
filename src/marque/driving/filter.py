"""How one road user may be moving, as Kalman filters under several modes, and how a measurement tells between them.

A road user is a POINT (x m, y m, vx m/s, vy m/s, –, –; constant velocity) while its heading is unknown and where it may step sideways, or a
BODY (x m, y m, heading rad, speed m/s, yaw rate rad/s, acceleration m/s²; x' = v cos ψ, y' = v sin ψ). Each has three modes: it stands, it
moves evenly, it manoeuvres. The modes' states are mixed from cycle to cycle and weighed by how well each foresaw what was measured.

Sources: Blom, Bar-Shalom 1988, "The interacting multiple model algorithm for systems with Markovian switching coefficients"; Bar-Shalom,
Li, Kirubarajan 2001, "Estimation with applications to tracking and navigation", 11.6; Singer 1970 for rates that fade.
"""

from __future__ import annotations

import math

from marque.common import Floats
from marque.driving.map.geometry import wrap
from marque.vehicle import inlined, kernel, lean

POINT, BODY = 1, 2
STANDING, EVEN, MANOEUVRING = 0, 1, 2
MODES = 3
SIZE = 6

_STARTS_PER_S, _STOPS_PER_S, _MANOEUVRES_PER_S, _SETTLES_PER_S = 0.3, 1.0, 0.6, 1.5
"""How often who stands starts, who moves slowly stops, who moves evenly manoeuvres, who manoeuvres moves evenly again."""
_STOPS_BELOW_MPS = 1.0
LEAST = 1e-6
"""Probability no mode falls below: it must be able to come back."""
_FADES_S = 1.5, 1.0
"""Time constants with which yaw rate and acceleration go back to nothing."""
_JERK = 0.0, 2.0, 20.0
"""(m/s³)²·s, spectral density of the change of acceleration, by mode."""
_YAW = 0.0, 0.01, 0.3
"""(rad/s²)²·s, and of the change of yaw rate."""
_PUSH = 0.0, 0.15, 4.0
"""(m/s²)²·s, of a point's acceleration."""
_SLIP_M2PS = 1e-4, 1e-2, 1e-2
"""m²/s, drift of the place that the motion does not explain; where it stands, the sensors' own."""
_YAW_RATE_VARIANCE, _ACCELERATION_VARIANCE = 0.04, 2.0
"""(rad/s)², (m/s²)²: what is known of the rates of a body just found."""
_VEER_RAD2PS = 1e-5, 1e-4, 1e-4


@lean
def predict(form: int, mode: int, x: Floats, P: Floats, dt: float) -> None:
    """State x (6,) and covariance P (6, 6) dt s on, under a mode."""
    if mode == STANDING:
        P[0, 0] += _SLIP_M2PS[mode] * dt
        P[1, 1] += _SLIP_M2PS[mode] * dt
        if form == BODY:
            P[2, 2] += _VEER_RAD2PS[mode] * dt
    elif form == POINT:
        _predict_point(x, P, dt, _PUSH[mode])
    else:
        _predict_body(x, P, dt, _JERK[mode], _YAW[mode], _SLIP_M2PS[mode], _VEER_RAD2PS[mode])


@lean
def _predict_point(x: Floats, P: Floats, dt: float, push: float) -> None:
    x[0] += dt * x[2]
    x[1] += dt * x[3]
    for k in range(4):
        P[0, k] += dt * P[2, k]
        P[1, k] += dt * P[3, k]
    for k in range(4):
        P[k, 0] += dt * P[k, 2]
        P[k, 1] += dt * P[k, 3]
    for k in range(2):
        P[k, k] += push * dt**3 / 3.0
        P[k, k + 2] += push * dt * dt / 2.0
        P[k + 2, k] += push * dt * dt / 2.0
        P[k + 2, k + 2] += push * dt


@lean
def _predict_body(x: Floats, P: Floats, dt: float, jerk: float, yaw: float, slip: float, veer: float) -> None:
    """Constant turn rate and acceleration over a short time, the arc taken as its chord; braking ends where the car stands."""
    middle = x[2] + 0.5 * dt * x[4]
    cos, sin = math.cos(middle), math.sin(middle)
    halts = x[3] * (x[3] + dt * x[5]) < 0.0
    if halts:
        x[5] = -x[3] / dt
    way = dt * x[3] + 0.5 * dt * dt * x[5]
    fade_yaw, fade_a = math.exp(-dt / _FADES_S[0]), math.exp(-dt / _FADES_S[1])
    x[0] += way * cos
    x[1] += way * sin
    x[2] += dt * x[4]
    x[3] = 0.0 if halts else x[3] + dt * x[5]
    x[4] *= fade_yaw
    x[5] *= 0.0 if halts else fade_a
    # P ← F P Fᵀ, first the rows, then the columns: each needs only those below it, which are still the old ones.
    half = 0.5 * dt
    for k in range(SIZE):
        turn, stretch = way * (P[2, k] + half * P[4, k]), dt * (P[3, k] + half * P[5, k])
        P[0, k] += cos * stretch - sin * turn
        P[1, k] += sin * stretch + cos * turn
        P[2, k] += dt * P[4, k]
        P[3, k] += dt * P[5, k]
        P[4, k] *= fade_yaw
        P[5, k] *= fade_a
    for k in range(SIZE):
        turn, stretch = way * (P[k, 2] + half * P[k, 4]), dt * (P[k, 3] + half * P[k, 5])
        P[k, 0] += cos * stretch - sin * turn
        P[k, 1] += sin * stretch + cos * turn
        P[k, 2] += dt * P[k, 4]
        P[k, 3] += dt * P[k, 5]
        P[k, 4] *= fade_yaw
        P[k, 5] *= fade_a
    P[0, 0] += slip * dt
    P[1, 1] += slip * dt
    _push(P, 2, 4, yaw, dt)
    _push(P, 3, 5, jerk, dt)
    P[2, 2] += veer * dt


@inlined
def _push(P: Floats, value: int, rate: int, density: float, dt: float) -> None:
    """White noise on the change of a rate, integrated into the rate and its value."""
    P[value, value] += density * dt**3 / 3.0
    P[value, rate] += density * dt * dt / 2.0
    P[rate, value] += density * dt * dt / 2.0
    P[rate, rate] += density * dt


@lean
def observe(x: Floats, P: Floats, i: int, hi: float, j: int, hj: float, residual: float, variance: float) -> float:
    """Takes in a measurement of hi·x[i] + hj·x[j] that differs by residual from what x says; returns the logarithm of its likelihood.

    Independent scalars one after the other give exactly what their vector would give at once.
    """
    s = variance + hi * hi * P[i, i] + 2.0 * hi * hj * P[i, j] + hj * hj * P[j, j]
    p0, p1, p2 = hi * P[i, 0] + hj * P[j, 0], hi * P[i, 1] + hj * P[j, 1], hi * P[i, 2] + hj * P[j, 2]
    p3, p4, p5 = hi * P[i, 3] + hj * P[j, 3], hi * P[i, 4] + hj * P[j, 4], hi * P[i, 5] + hj * P[j, 5]
    p, gain = (p0, p1, p2, p3, p4, p5), residual / s
    for a in range(SIZE):
        x[a] += gain * p[a]
        share = p[a] / s
        for b in range(SIZE):
            P[a, b] -= share * p[b]
    return float(-0.5 * (residual * gain + math.log(2.0 * math.pi * s)))


@lean
def rate_row(form: int, x: Floats, ray: float) -> tuple[float, float, float]:
    """(speed along a ray, m/s, its derivatives by x[2] and x[3]); ray: the direction, rad."""
    cos, sin = math.cos(ray), math.sin(ray)
    if form == POINT:
        return x[2] * cos + x[3] * sin, cos, sin
    ahead, aside = math.cos(x[2] - ray), math.sin(x[2] - ray)
    return x[3] * ahead, -x[3] * aside, ahead


@lean
def velocity(form: int, x: Floats) -> tuple[float, float]:
    """(vx, vy), m/s."""
    if form == POINT:
        return x[2], x[3]
    return x[3] * math.cos(x[2]), x[3] * math.sin(x[2])


@lean
def stop(form: int, x: Floats, P: Floats) -> None:
    """What standing means for a state: no speed, no rates, and no doubt about them. A body keeps its heading."""
    for k in range(2 if form == POINT else 3, SIZE):
        x[k] = 0.0
        for a in range(SIZE):
            P[k, a] = P[a, k] = 0.0


@kernel
def mix(form: int, x: Floats, P: Floats, chance: Floats, dt: float, x_old: Floats, P_old: Floats) -> None:
    """The modes' states at the start of a cycle, from those at the end of the last: who may have changed from which mode to which.

    x (3, 6), P (3, 6, 6), chance (3,): states and probabilities of the modes, changed in place. x_old, P_old: room for copies.
    """
    x_old[:] = x
    P_old[:] = P
    speed = math.hypot(x[EVEN, 2], x[EVEN, 3]) if form == POINT else abs(x[EVEN, 3])
    stops = 1.0 - math.exp(-_STOPS_PER_S * dt) if speed < _STOPS_BELOW_MPS else LEAST
    starts, begins, ends = (
        1.0 - math.exp(-_STARTS_PER_S * dt),
        1.0 - math.exp(-_MANOEUVRES_PER_S * dt),
        1.0 - math.exp(-_SETTLES_PER_S * dt),
    )
    stands, even, turns = chance[0], chance[1], chance[2]
    from_standing = (1.0 - starts) * stands, stops * even, stops * turns
    from_even = 0.5 * starts * stands, (1.0 - begins) * (1.0 - stops) * even, ends * (1.0 - stops) * turns
    from_turning = 0.5 * starts * stands, begins * (1.0 - stops) * even, (1.0 - ends) * (1.0 - stops) * turns
    for mode in range(MODES):
        share = from_standing if mode == STANDING else (from_even if mode == EVEN else from_turning)
        total = share[0] + share[1] + share[2]
        chance[mode] = total
        merge(form, x_old, P_old, (share[0] / total, share[1] / total, share[2] / total), x[mode], P[mode])
    stop(form, x[STANDING], P[STANDING])


@lean
def merge(form: int, xs: Floats, Ps: Floats, share: tuple[float, float, float], x: Floats, P: Floats) -> None:
    """Mean and covariance of a mixture of modes, xs (3, 6), Ps (3, 6, 6) → x (6,), P (6, 6)."""
    best = 0
    for mode in range(1, MODES):
        if share[mode] > share[best]:
            best = mode
    origin = xs[best, 2]
    for k in range(SIZE):
        x[k] = share[0] * xs[0, k] + share[1] * xs[1, k] + share[2] * xs[2, k]
    if form == BODY:
        x[2] = origin + share[0] * wrap(xs[0, 2] - origin) + share[1] * wrap(xs[1, 2] - origin) + share[2] * wrap(xs[2, 2] - origin)
    P[:] = 0.0
    for mode in range(MODES):
        if share[mode] < 1e-9:
            continue
        off2 = xs[mode, 2] - x[2] if form == POINT else wrap(xs[mode, 2] - x[2])
        off = (xs[mode, 0] - x[0], xs[mode, 1] - x[1], off2, xs[mode, 3] - x[3], xs[mode, 4] - x[4], xs[mode, 5] - x[5])
        for a in range(SIZE):
            for b in range(SIZE):
                P[a, b] += share[mode] * (Ps[mode, a, b] + off[a] * off[b])


@lean
def to_body(x: Floats, P: Floats, heading: float, variance: float, lever: float) -> None:
    """A point becomes a body that points to heading, rad; its motion across that is forgotten.

    Where the heading was measured, lever is 0 and variance, rad², that of the measurement; where it is the direction of motion, lever is
    1 / speed, s/m, and its uncertainty is that of the velocity across it, with all it has in common with place and speed.
    """
    cos, sin = math.cos(heading), math.sin(heading)
    tx, ty = -lever * sin, lever * cos
    speed = x[2] * cos + x[3] * sin
    place_turn = tx * P[0, 2] + ty * P[0, 3], tx * P[1, 2] + ty * P[1, 3]
    place_speed = cos * P[0, 2] + sin * P[0, 3], cos * P[1, 2] + sin * P[1, 3]
    turn = tx * tx * P[2, 2] + 2.0 * tx * ty * P[2, 3] + ty * ty * P[3, 3] + variance
    along = cos * cos * P[2, 2] + 2.0 * cos * sin * P[2, 3] + sin * sin * P[3, 3]
    both = tx * (cos * P[2, 2] + sin * P[2, 3]) + ty * (cos * P[2, 3] + sin * P[3, 3])
    for k in range(2, SIZE):
        x[k] = 0.0
        for a in range(SIZE):
            P[k, a] = P[a, k] = 0.0
    x[2], x[3] = heading, speed
    for k in range(2):
        P[k, 2] = P[2, k] = place_turn[k]
        P[k, 3] = P[3, k] = place_speed[k]
    P[2, 3] = P[3, 2] = both
    P[2, 2], P[3, 3], P[4, 4], P[5, 5] = turn, along, _YAW_RATE_VARIANCE, _ACCELERATION_VARIANCE


@lean
def to_point(x: Floats, P: Floats) -> None:
    """A body becomes a point that moves as it did."""
    cos, sin, speed = math.cos(x[2]), math.sin(x[2]), x[3]
    xx, xy = (P[0, 3] * cos - P[0, 2] * speed * sin, P[0, 3] * sin + P[0, 2] * speed * cos)
    yx, yy = (P[1, 3] * cos - P[1, 2] * speed * sin, P[1, 3] * sin + P[1, 2] * speed * cos)
    along, turn, both = P[3, 3], speed * speed * P[2, 2], speed * P[2, 3]
    for k in range(2, SIZE):
        x[k] = 0.0
        for a in range(SIZE):
            P[k, a] = P[a, k] = 0.0
    x[2], x[3] = speed * cos, speed * sin
    P[0, 2] = P[2, 0] = xx
    P[0, 3] = P[3, 0] = xy
    P[1, 2] = P[2, 1] = yx
    P[1, 3] = P[3, 1] = yy
    P[2, 2] = cos * cos * along - 2.0 * cos * sin * both + sin * sin * turn
    P[3, 3] = sin * sin * along + 2.0 * cos * sin * both + cos * cos * turn
    P[2, 3] = P[3, 2] = cos * sin * (along - turn) + (cos * cos - sin * sin) * both
