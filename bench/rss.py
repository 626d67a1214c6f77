"""How far `driving.rss` and Intel's ad-rss-lib agree: bench/rss.py [--constellations N] [--seed S]

Random constellations of every kind, N each: distances to those who follow, come towards one or are beside one; times of arrival; whether
two on crossing routes are safe, and why; what is owed over four instants. Printed: the worst difference, and CPU time per constellation of
both. The library compares with tolerances of 1 mm and 1 ms and its own code passes the ego's greatest speed for the other's at
intersections: constellations nearer than that to a threshold (or refused) are left out, and there both have the same.
"""

from __future__ import annotations

import argparse
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numpy as np

from marque.driving.rss import (
    UNKNOWN,
    Answer,
    RssParameters,
    _responding,
    answering_distance,
    crossing_safety,
    earliest_arrival,
    latest_arrival,
    respond,
    safe_distance_beside,
    safe_distance_following,
    safe_distance_oncoming,
    stopping_distance,
)

Rows = np.ndarray[Any, np.dtype[np.float64]]
HERE = Path(__file__).parent
PEER = HERE / "peers" / ".venv-rss" / "bin" / "python"
NEAR = 2e-3
"""The library's own tolerance is half of it."""
EDGE_M = 0.1
NEVER_S = 1e5
"""Later than this is never."""


def parameters(random: np.random.Generator, count: int) -> Rows:
    """(count, 10) `RssParameters`, each of them of its own."""
    brake_max = random.uniform(4.0, 11.0, count)
    brake_min = brake_max * random.uniform(0.3, 1.0, count)
    return np.column_stack([
        random.uniform(0.1, 2.0, count), random.uniform(0.5, 6.0, count), brake_max, brake_min, brake_min * random.uniform(0.3, 1.0, count),
        random.uniform(0.05, 1.5, count), random.uniform(0.3, 3.0, count), random.uniform(0.0, 0.5, count), random.uniform(0.0, 3.0, count),
        random.uniform(5.0, 60.0, count),
    ])  # fmt: skip


def speeds(random: np.random.Generator, count: int) -> Rows:
    return random.uniform(0.0, 50.0, (count, 2)) * (random.random((count, 2)) > 0.1)


def make_following(random: np.random.Generator, count: int) -> Rows:
    return np.hstack([speeds(random, count), parameters(random, count), parameters(random, count)])


def make_beside(random: np.random.Generator, count: int) -> Rows:
    return np.hstack([random.uniform(-3.0, 3.0, (count, 2)), parameters(random, count), parameters(random, count)])


def make_arrival(random: np.random.Generator, count: int) -> Rows:
    return np.hstack([random.uniform(0.0, 120.0, (count, 1)), speeds(random, count)[:, :1], parameters(random, count)])


def make_crossing(random: np.random.Generator, count: int) -> Rows:
    enter = random.uniform(0.5, 60.0, (count, 2))
    leave = enter + random.uniform(2.0, 25.0, (count, 2))
    speed = random.uniform(1.0, 25.0, (count, 2))
    ahead = (enter[:, 1] - enter[:, 0]) * random.choice([0.0, 0.5, 1.0], count)
    first = random.integers(0, 3, count).astype(float)
    ego, other = parameters(random, count), parameters(random, count)
    other[:, 9] = ego[:, 9]
    who = [enter[:, 0], leave[:, 0], speed[:, 0], enter[:, 1], leave[:, 1], speed[:, 1], ahead, first]
    return np.hstack([np.column_stack(who), ego, other])


def make_response(random: np.random.Generator, count: int) -> Rows:
    what = random.integers(0, 4, count).astype(float)
    who = [what, random.integers(0, 2, count).astype(float), *random.uniform(0.0, 30.0, (2, count)), *random.uniform(-0.5, 0.5, (2, count))]
    gaps = [random.uniform(0.5, 120.0, (count, 4)), random.uniform(0.05, 3.0, (count, 4))]
    return np.hstack([np.column_stack(who), *gaps, parameters(random, count), parameters(random, count)])


@numba.njit
def _of(row: Rows) -> RssParameters:
    return RssParameters(row[0], row[1], row[2], row[3], row[4], row[5], row[6], row[7], row[8], row[9])


@numba.njit
def following(row: Rows, out: Rows) -> None:
    out[0] = safe_distance_following(row[0], row[1], _of(row[2:12]), _of(row[12:]))


@numba.njit
def oncoming(row: Rows, out: Rows) -> None:
    out[0] = safe_distance_oncoming(row[0], row[1], _of(row[2:12]), _of(row[12:]))


@numba.njit
def beside(row: Rows, out: Rows) -> None:
    out[0] = safe_distance_beside(row[0], row[1], _of(row[2:12]), _of(row[12:]))


@numba.njit
def arrival(row: Rows, out: Rows) -> None:
    its = _of(row[2:])
    out[0], out[1] = earliest_arrival(row[0], row[1], its), latest_arrival(row[0], row[1], its.braking_max_mps2)


@numba.njit
def crossing(row: Rows, out: Rows) -> None:
    ego, other = _of(row[8:18]), _of(row[18:])
    out[0] = crossing_safety(row[0], row[1], row[2], ego, row[7] == 1.0, row[3], row[4], row[5], other, row[7] == 2.0, row[6]).value


@numba.njit
def response(row: Rows, out: Rows) -> None:
    ego, other = _of(row[14:24]), _of(row[24:])
    what, on_the_left = row[0], row[1] == 1.0
    along, across = _safe_distances(row, ego, other)
    memory = UNKNOWN
    for k in range(4):
        answers_along, answers_across, memory = respond(row[6 + k] >= along, row[10 + k] >= across, memory)
        brakes = Answer.BRAKE_CORRECT if what == 2.0 else Answer.NONE if what == 1.0 else Answer.BRAKE
        out[3 * k] = brakes.value if answers_along else 0
        out[3 * k + 1], out[3 * k + 2] = answers_across and not on_the_left, answers_across and on_the_left


@numba.njit
def _safe_distances(row: Rows, ego: RssParameters, other: RssParameters) -> tuple[float, float]:
    what = row[0]
    if what == 0.0:
        along = safe_distance_following(row[2], row[3], ego, other)
    elif what == 1.0:
        along = safe_distance_following(row[3], row[2], other, ego)
    elif what == 2.0:
        along = safe_distance_oncoming(row[2], row[3], ego, other)
    else:
        along = safe_distance_oncoming(row[3], row[2], other, ego)
    if row[1] == 1.0:
        return along, safe_distance_beside(row[4], row[5], ego, other)
    return along, safe_distance_beside(row[5], row[4], other, ego)


def near_top_speed(speed: float, its: Rows) -> bool:
    """Whether somebody is at its greatest speed, or reaches it as the response time ends, up to the library's tolerance."""
    return min(abs(speed - its[9]), abs(speed + its[1] * its[0] - its[9])) < NEAR


def near_following(row: Rows) -> bool:
    rear, front = RssParameters(*row[2:12]), RssParameters(*row[12:])
    gap = answering_distance(row[0], rear.braking_min_mps2, rear) - stopping_distance(row[1], front.braking_max_mps2)
    return near_top_speed(row[0], row[2:12]) or abs(gap) < NEAR


def near_oncoming(row: Rows) -> bool:
    return near_top_speed(row[0], row[2:12]) or near_top_speed(row[1], row[12:]) or abs(row[10] - row[20]) < NEAR


def near_arrival(row: Rows) -> bool:
    return near_edge(row[0], row[1], row[2:])


def near_edge(distance: float, speed: float, parameters: Rows) -> bool:
    """Whether a place is here, or where a phase of the motion ends: the library then takes the later root of its parabola."""
    its = RssParameters(*parameters)
    covered, _ = _responding(speed, its)
    braked = speed * its.response_s - 0.5 * its.braking_max_mps2 * its.response_s**2
    stops = answering_distance(speed, its.braking_min_mps2, its), stopping_distance(speed, its.braking_max_mps2)
    return near_top_speed(speed, parameters) or min(abs(distance - place) for place in (0.0, covered, braked, *stops)) < EDGE_M


def near_crossing(row: Rows) -> bool:
    """Whether any of the comparisons behind an answer is closer than the library's tolerance."""
    ego, other = RssParameters(*row[8:18]), RssParameters(*row[18:])
    ego_left, other_left = latest_arrival(row[1], row[2], ego.braking_max_mps2), latest_arrival(row[4], row[5], other.braking_max_mps2)
    margins = [
        answering_distance(row[2], ego.braking_min_mps2, ego) + ego.distance_min_m - row[0],
        answering_distance(row[5], other.braking_min_mps2, other) + other.distance_min_m - row[3],
        safe_distance_following(row[2], row[5], ego, other) + row[6],
        safe_distance_following(row[5], row[2], other, ego) - row[6],
        min(ego_left, NEVER_S) - min(earliest_arrival(row[3], row[5], other), 2.0 * NEVER_S),
        min(other_left, NEVER_S) - min(earliest_arrival(row[0], row[2], ego), 2.0 * NEVER_S),
    ]
    edges = near_edge(row[3], row[5], row[18:]) or near_edge(row[4], row[5], row[18:])
    edges = edges or near_edge(row[0], row[2], row[8:18]) or near_edge(row[1], row[2], row[8:18])
    return edges or min(map(abs, margins)) < NEAR


def near_response(row: Rows) -> bool:
    along, across = _safe_distances(row, RssParameters(*row[14:24]), RssParameters(*row[24:]))
    return bool(np.any(np.abs(row[6:10] - along) < NEAR) or np.any(np.abs(row[10:14] - across) < NEAR))


Make = Callable[[np.random.Generator, int], Rows]
KINDS: dict[str, tuple[Make, Any, int, Callable[[Rows], bool] | None]] = {
    "following": (make_following, following, 1, near_following),
    "oncoming": (make_following, oncoming, 1, near_oncoming),
    "beside": (make_beside, beside, 1, None),
    "arrival": (make_arrival, arrival, 2, near_arrival),
    "crossing": (make_crossing, crossing, 1, near_crossing),
    "response": (make_response, response, 12, near_response),
}


def ask_peer(kind: str, rows: Rows, width: int) -> tuple[float, Rows]:
    """(CPU seconds, answers) of the library."""
    done = subprocess.run(
        [str(PEER), str(HERE / "peers" / "rss_distances.py"), kind], input=rows.tobytes(), capture_output=True, check=False
    )
    if done.returncode:
        raise SystemExit(done.stderr.decode()[-3000:])
    answers = np.frombuffer(done.stdout)
    return float(answers[0]), answers[1:].reshape(-1, width)


@numba.njit
def _all(function: Any, rows: Rows, out: Rows) -> None:
    for i in range(len(rows)):
        function(rows[i], out[i])


def compare(kind: str, count: int, seed: int) -> tuple[float, int, float, float]:
    """(worst difference, constellations compared, our CPU time and theirs per constellation, µs)."""
    make, function, width, near = KINDS[kind]
    rows = make(np.random.default_rng([seed, len(kind)]), count)
    ours = np.empty((count, width))
    _all(function, rows, ours)
    began = time.process_time()
    _all(function, rows, ours)
    own_s = time.process_time() - began
    their_s, theirs = ask_peer(kind, rows, width)
    tiny = np.any(((ours != 0.0) & (np.abs(ours) < NEAR)) | ((theirs != 0.0) & (np.abs(theirs) < NEAR)) | np.isnan(theirs), axis=1)
    clear = ~tiny & np.array([near is None or not near(row) for row in rows])
    difference = np.abs(np.minimum(ours, NEVER_S) - np.minimum(theirs, NEVER_S))[clear]
    return float(difference.max()), int(clear.sum()), 1e6 * own_s / count, 1e6 * their_s / count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--constellations", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    for kind in KINDS:
        worst, count, own_us, their_us = compare(kind, arguments.constellations, arguments.seed)
        cost = f"{own_us:.3f} µs, ad-rss {their_us:.1f} µs ({their_us / own_us:.0f} ×)"
        print(f"{kind:10s} {count:7d} compared, worst difference {worst:.1e}; {cost}")


if __name__ == "__main__":
    main()
