"""How good predictions are: what the driving system expected of everyone in a recorded scenario, beside what they then did.

Only perception and prediction run, on the present row of the log at each moment; nobody drives. Errors are in metres between centres of
bodies; instants are `predict.STEP_S` apart, the first one STEP_S after the moment of the forecast.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marque.common import Bools, Floats, Ints
from marque.driving.perceive import follow_all
from marque.driving.predict import HYPOTHESES, STEP_S, STEPS, no_predictions, predict, spread
from marque.driving.tracks import no_tracks
from marque.simulation.drive import Observer
from marque.simulation.scenario import ActorLog, Scenario

HISTORY_S = 1.0
"""How long somebody has been seen before forecasts of them count."""
MISS_M = 2.0
TIMES_S = STEP_S * np.arange(1, STEPS)
_APART = 2.0
"""Ways that end within so many standard deviations are one alternative: which of them came true cannot be told."""
_SHORTEST_S = 1.0


@dataclass(frozen=True, slots=True)
class Forecasts:
    """n forecasts of at most H ways each, over T instants; world frame, metres, rad.

    probability is 0 for ways that are not used. known says where the log goes on: elsewhere the truth means nothing.
    """

    probability: Floats  # (n, H)
    x_m: Floats  # (n, H, T)
    y_m: Floats
    heading_rad: Floats
    true_x_m: Floats  # (n, T)
    true_y_m: Floats
    known: Bools  # (n, T)
    now: Floats  # (n, 5): x m, y m, heading rad, speed m/s, yaw rate rad/s
    kind: Ints  # (n,) `Kind`
    subject: Ints  # (n,) id of the road user
    file: Ints  # (n,) whatever the caller counts files by

    def __len__(self) -> int:
        return len(self.probability)


def join(parts: list[Forecasts]) -> Forecasts:
    return Forecasts(*(np.concatenate([getattr(part, name) for part in parts]) for name in Forecasts.__slots__))


def choose(forecasts: Forecasts, which: NDArray[np.generic]) -> Forecasts:
    """Some of them, by mask or index."""
    return Forecasts(*(getattr(forecasts, name)[which] for name in Forecasts.__slots__))


def forecast(scenario: Scenario, *, every_s: float = 0.2, file: int = 0) -> Forecasts:
    """All forecasts of one recorded scenario: every every_s seconds, of everyone who can move, has been seen for HISTORY_S, and is seen for
    at least another second.
    """
    road, actors, step_s = scenario.road_map.arrays, scenario.actors, scenario.step_s
    observer, tracks, predictions = Observer(scenario), no_tracks(), no_predictions()
    nowhere = np.full(len(road.lanes), np.inf)
    stride, cycles = max(1, round(every_s / step_s)), 1 + round(HISTORY_S / step_s)
    moving = {int(name): body for body, name in enumerate(actors.ids) if not actors.stands[body]}
    found = []
    for step in range(actors.steps):
        seen = observer.at(step)
        follow_all(tracks, seen, *_middle(seen.x_m, seen.y_m), step_s)
        if step % stride:
            continue
        predict(road, tracks, seen.signals, nowhere, predictions)
        modes = predictions.mode[: predictions.used[0]]
        for slot in np.flatnonzero(tracks["seen"] * (tracks["cycles"] >= cycles)):
            body = moving.get(int(tracks["id"][slot]))
            if body is not None:
                ways = np.flatnonzero(modes["owner"] == slot)
                found.append(_one(tracks[slot], modes["probability"][ways], predictions.at[ways], actors, body, step, step_s, file))
    return join([part for part in found if part.known[0, round(_SHORTEST_S / STEP_S) - 1]] or [_none()])


def _middle(x: Floats, y: Floats) -> tuple[float, float]:
    return (float(x.mean()), float(y.mean())) if len(x) else (0.0, 0.0)


def _none() -> Forecasts:
    shape = (0, HYPOTHESES, STEPS - 1)
    way, true, whole = np.zeros(shape), np.zeros((0, STEPS - 1)), np.zeros(0, np.int32)
    return Forecasts(np.zeros(shape[:2]), way, way, way, true, true, true.astype(np.bool_), np.zeros((0, 5)), whole, whole, whole)


def _one(
    track: NDArray[np.void], probability: Floats, at: NDArray[np.void], actors: ActorLog, body: int, step: int, step_s: float, file: int
) -> Forecasts:
    unused = HYPOTHESES - len(probability)
    x, y, heading = (np.pad(at[name][:, 1:], ((0, unused), (0, 0)))[None] for name in ("x", "y", "heading"))
    true_x, true_y, known = _truth(actors, body, step, step_s)
    now = np.array([[track["x"], track["y"], track["heading"], track["speed"], track["yaw_rate"]]])
    kind, subject, source = (np.array([value], np.int32) for value in (track["kind"], track["id"], file))
    return Forecasts(np.pad(probability, (0, unused))[None], x, y, heading, true_x, true_y, known, now, kind, subject, source)


def _truth(actors: ActorLog, body: int, step: int, step_s: float) -> tuple[Floats, Floats, Bools]:
    """Where a body then was, (1, T) each, linear between the rows of the log."""
    present = actors.present[step:, body]
    gone = np.flatnonzero(~present)
    rows = np.arange(step, step + int(gone[0]) if gone.size else actors.steps)
    at = (rows - step) * step_s
    known = at[-1] + 1e-9 >= TIMES_S
    x, y = (np.interp(TIMES_S, at, values[rows, body]) for values in (actors.x_m, actors.y_m))
    return x[None], y[None], known[None]


# -- what others would forecast --


def constant_velocity(forecasts: Forecasts) -> Forecasts:
    """The same forecasts made by going straight on at the present speed."""
    return _as_one_way(forecasts, np.zeros(len(forecasts)))


def constant_turn(forecasts: Forecasts) -> Forecasts:
    """The same forecasts made by going on at the present speed and yaw rate (CTRV); on a straight line below 1 m/s."""
    return _as_one_way(forecasts, np.where(forecasts.now[:, 3] > 1.0, forecasts.now[:, 4], 0.0))


def most_probable(forecasts: Forecasts) -> Forecasts:
    """Only the most probable way of each."""
    best = forecasts.probability.argmax(axis=1)[:, None]
    x, y, heading = (
        np.take_along_axis(way, best[:, :, None], 1) for way in (forecasts.x_m, forecasts.y_m, forecasts.heading_rad)
    )  # fmt: skip
    return _with(forecasts, np.ones((len(forecasts), 1)), x, y, heading)


def _as_one_way(forecasts: Forecasts, yaw_rate: Floats) -> Forecasts:
    x, y, heading, speed, _ = forecasts.now.T[:, :, None]
    times = TIMES_S[: forecasts.known.shape[1]]
    turned = yaw_rate[:, None] * times
    # The chord of an arc: as long as the arc times sinc of half its angle, in the direction of half the turn.
    chord = speed * times * np.sinc(0.5 * turned / np.pi)
    ways = x + chord * np.cos(heading + 0.5 * turned), y + chord * np.sin(heading + 0.5 * turned), heading + turned
    return _with(forecasts, np.ones((len(forecasts), 1)), *(way[:, None] for way in ways))


def _with(forecasts: Forecasts, probability: Floats, x: Floats, y: Floats, heading: Floats) -> Forecasts:
    return Forecasts(
        probability, x, y, heading, forecasts.true_x_m, forecasts.true_y_m, forecasts.known, forecasts.now,
        forecasts.kind, forecasts.subject, forecasts.file,
    )  # fmt: skip


# -- distances --


def errors(forecasts: Forecasts) -> Floats:
    """(n, H, T) metres between each way and the truth: inf for unused ways, NaN where the truth is not known."""
    error = np.hypot(forecasts.x_m - forecasts.true_x_m[:, None], forecasts.y_m - forecasts.true_y_m[:, None])
    error[forecasts.probability == 0.0] = np.inf
    error[np.broadcast_to(~forecasts.known[:, None], error.shape)] = np.nan
    return error


def reach_to(forecasts: Forecasts, horizon_s: float) -> Forecasts:
    """Those whose truth is known up to the horizon, cut there."""
    last = round(horizon_s / STEP_S)
    kept = choose(forecasts, forecasts.known[:, last - 1])
    x, y, heading = (way[:, :, :last] for way in (kept.x_m, kept.y_m, kept.heading_rad))
    true_x, true_y, known = kept.true_x_m[:, :last], kept.true_y_m[:, :last], kept.known[:, :last]
    return Forecasts(kept.probability, x, y, heading, true_x, true_y, known, kept.now, kept.kind, kept.subject, kept.file)


def min_ade(forecasts: Forecasts) -> Floats:
    """(n,) m: mean displacement of the way for which it is least (minADE over at most H ways)."""
    return np.asarray(np.nanmean(errors(forecasts), axis=2).min(axis=1))


def min_fde(forecasts: Forecasts) -> Floats:
    """(n,) m: the least displacement at the last known instant."""
    return np.asarray(_last(errors(forecasts), forecasts.known).min(axis=1))


def _last(values: Floats, known: Bools) -> Floats:
    """(n, H): values (n, H, T) at the last known instant."""
    last = known.sum(axis=1) - 1
    return np.asarray(np.take_along_axis(values, last[:, None, None], 2)[:, :, 0])


# -- probabilities --


def own_spread(forecasts: Forecasts) -> Floats:
    """(n, H, T, 2) m: the standard deviations along and across each way that the driving system states of its predictions."""
    way = np.hypot(forecasts.x_m - forecasts.now[:, :1, None], forecasts.y_m - forecasts.now[:, 1:2, None])
    speed = np.broadcast_to(forecasts.now[:, 3, None, None], way.shape)
    times = np.broadcast_to(TIMES_S[: way.shape[2]], way.shape)
    return np.stack(spread(speed, way, times), axis=-1)


def fitted_spread(forecasts: Forecasts, group: Ints) -> Floats:
    """(n, 1, T, 2) m: the likeliest standard deviations of forecasts of one way, for each group (n,) and instant apart.

    They are the roots of the mean squares of these very errors: no other Gaussian of that mean explains them better.
    """
    along, across = _offsets(forecasts)
    out = np.ones((*along.shape, 2))
    for members in (group == k for k in np.unique(group)):
        for t in range(along.shape[2]):
            those = members & forecasts.known[:, t]
            if those.any():
                out[members, 0, t] = [max(0.05, float(np.sqrt(np.mean(error[those, 0, t] ** 2)))) for error in (along, across)]
    return out


def _offsets(forecasts: Forecasts) -> tuple[Floats, Floats]:
    """(n, H, T) m: how far the truth lies ahead of each way, and to its left, in the way's own heading."""
    dx, dy = forecasts.true_x_m[:, None] - forecasts.x_m, forecasts.true_y_m[:, None] - forecasts.y_m
    cos, sin = np.cos(forecasts.heading_rad), np.sin(forecasts.heading_rad)
    return np.asarray(dx * cos + dy * sin), np.asarray(dy * cos - dx * sin)


def negative_log_likelihood(forecasts: Forecasts, spread_m: Floats) -> Floats:
    """(n, T) nats: −log of the mixture's density in 1/m² at the truth, each way a Gaussian with its spread; NaN where that is unknown."""
    along, across = _offsets(forecasts)
    sigma_along, sigma_across = spread_m[..., 0], spread_m[..., 1]
    exponent = -0.5 * ((along / sigma_along) ** 2 + (across / sigma_across) ** 2) - np.log(2.0 * np.pi * sigma_along * sigma_across)
    with np.errstate(divide="ignore"):
        exponent = exponent + np.log(forecasts.probability)[:, :, None]
    top = exponent.max(axis=1)
    loss = -(top + np.log(np.exp(exponent - top[:, None]).sum(axis=1)))
    loss[~forecasts.known] = np.nan
    return np.asarray(loss)


def alternatives(forecasts: Forecasts, spread_m: Floats) -> tuple[Floats, Bools]:
    """(k, H) probabilities of what could be told apart, and which of it came true, for the k forecasts that leave a choice.

    Judged at the last known instant, in standard deviations of the ways' own spread: ways that end closer than _APART to one more
    probable are one alternative with it; true came the one with the way nearest to the truth.
    """
    n = np.arange(len(forecasts))[:, None]
    last = forecasts.known.sum(axis=1)[:, None] - 1
    ways = np.arange(forecasts.probability.shape[1])[None]
    x, y, heading, sigma = (values[n, ways, last] for values in (forecasts.x_m, forecasts.y_m, forecasts.heading_rad, spread_m))
    true_x, true_y = forecasts.true_x_m[n, last], forecasts.true_y_m[n, last]
    away = _deviations(true_x - x, true_y - y, heading, sigma)
    nearest = np.where(forecasts.probability > 0.0, away, np.inf).argmin(axis=1)
    probability = np.zeros_like(forecasts.probability)
    came = np.zeros(probability.shape, np.bool_)
    for i, p in enumerate(forecasts.probability):
        heads: list[int] = []
        for k in (int(k) for k in np.argsort(-p, kind="stable") if p[k] > 0.0):
            near = [h for h in heads if _deviations(x[i, k] - x[i, h], y[i, k] - y[i, h], heading[i, h], sigma[i, h]) < _APART]
            head = near[0] if near else k
            heads += [head] if head == k else []
            probability[i, head] += p[k]
            came[i, head] |= k == nearest[i]
    chosen = (probability > 0.0).sum(axis=1) > 1
    return probability[chosen], came[chosen]


def _deviations(dx: Floats, dy: Floats, heading: Floats, sigma: Floats) -> Floats:
    """Distance in standard deviations along and across (Mahalanobis)."""
    cos, sin = np.cos(heading), np.sin(heading)
    return np.asarray(np.hypot((dx * cos + dy * sin) / sigma[..., 0], (dy * cos - dx * sin) / sigma[..., 1]))


def brier(probability: Floats, came: Bools) -> Floats:
    """(k,) Brier scores, 0 … 2: the sum over alternatives of the squared difference between probability and outcome (Brier 1950, eq. 2)."""
    return np.asarray(((probability - came) ** 2).sum(axis=1))


@dataclass(frozen=True, slots=True)
class Reliability:
    """Per bin of stated probability: how many alternatives, their mean probability, and how often they came true (NaN in an empty bin)."""

    count: Ints
    stated: Floats
    observed: Floats

    @property
    def calibration_error(self) -> float:
        """Expected calibration error: the mean gap between stated and observed, weighted by count (Naeini et al. 2015)."""
        filled = self.count > 0
        gap = np.abs(self.stated[filled] - self.observed[filled])
        return float((self.count[filled] * gap).sum() / max(1, self.count.sum()))


def reliability(probability: Floats, came: Bools, bins: int = 10) -> Reliability:
    """Every alternative of `alternatives` in equal bins of its probability."""
    used = probability > 0.0
    p, hit = probability[used], came[used]
    place = np.minimum((p * bins).astype(np.int64), bins - 1)
    count = np.bincount(place, minlength=bins).astype(np.int32)
    with np.errstate(invalid="ignore"):
        stated, observed = np.bincount(place, p, bins) / count, np.bincount(place, hit.astype(float), bins) / count
    return Reliability(count, stated, observed)
