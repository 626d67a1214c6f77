"""How vehicles behave, from their tracks: headways, speeds, accelerations, lane changes. Numbers in, numbers out.

The same instrument reads recorded and simulated tracks, so that what it does wrong it does wrong on both sides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from marque.common import Bools, Floats, Indices
from marque.proof.credibility.distributions import Sample

_AHEAD_M = 100.0
_BESIDE_M = 1.4
_ALONG_RAD = 0.35
_MOVES_MPS = 1.0
"""Slower, a time headway grows beyond all bounds."""
_WINDOW_S = 1.0
"""Accelerations are those over it: recorded places are noisy (Punzo, Borzacchiello, Ciuffo 2011 on NGSIM)."""
_SIDEWAYS_MPS = 0.15
_LATERAL_WINDOW_S = 0.5


@dataclass(frozen=True)
class Tracks:
    """T steps of n vehicles, all (T, n), SI units; where `present` is false the other values mean nothing.

    lane: which lane the middle is on, −1 for none. lateral_mps: of the place, to the left of the lane's direction.
    """

    step_s: float
    present: Bools
    x_m: Floats
    y_m: Floats
    heading_rad: Floats
    speed_mps: Floats
    length_m: Floats
    lane: Indices
    lateral_mps: Floats


@dataclass(frozen=True)
class LaneChanges:
    """count in so many kilometres and hours of driving, and how long those took that are on record from end to end; s."""

    count: int
    driven_km: float
    driven_h: float
    durations_s: Floats


def speeds(tracks: Tracks, every_s: float = 1.0) -> Sample:
    """m/s, one value for each vehicle and `every_s`."""
    return _sampled(tracks, tracks.speed_mps, tracks.present, every_s)


def accelerations(tracks: Tracks, every_s: float = 1.0) -> Sample:
    """m/s², mean over a second, along the way."""
    half = max(1, round(0.5 * _WINDOW_S / tracks.step_s))
    values, there = np.zeros_like(tracks.speed_mps), np.zeros_like(tracks.present)
    values[half:-half] = (tracks.speed_mps[2 * half :] - tracks.speed_mps[: -2 * half]) / (2 * half * tracks.step_s)
    there[half:-half] = tracks.present[2 * half :] & tracks.present[: -2 * half] & tracks.present[half:-half]
    return _sampled(tracks, values, there, every_s)


def headways(tracks: Tracks, longest_s: float = 8.0, every_s: float = 1.0) -> Sample:
    """Time headways, s: from front to front over the follower's speed, of whoever moves with somebody less than longest_s ahead."""
    values, there = np.zeros_like(tracks.speed_mps), np.zeros_like(tracks.present)
    for k in range(0, len(values), max(1, round(every_s / tracks.step_s))):
        values[k], there[k] = _headways_at(tracks, k)
    return _sampled(tracks, values, there & (values < longest_s), every_s)


def _headways_at(tracks: Tracks, k: int) -> tuple[Floats, Bools]:
    """(n,) of a step; and for whom there is one."""
    x, y, heading, speed = tracks.x_m[k], tracks.y_m[k], tracks.heading_rad[k], tracks.speed_mps[k]
    cos, sin = np.cos(heading)[:, None], np.sin(heading)[:, None]
    dx, dy = x[None, :] - x[:, None], y[None, :] - y[:, None]
    ahead, beside = dx * cos + dy * sin, np.abs(dy * cos - dx * sin)
    turned = np.abs((heading[None, :] - heading[:, None] + np.pi) % (2.0 * np.pi) - np.pi)
    leads = (ahead > 0.1) & (ahead < _AHEAD_M) & (beside < _BESIDE_M) & (turned < _ALONG_RAD) & tracks.present[k][None, :]
    leader = np.argmin(np.where(leads, ahead, np.inf), axis=1)
    own = np.arange(len(x))
    fronts = ahead[own, leader] + 0.5 * (tracks.length_m[k, leader] - tracks.length_m[k])
    there = leads.any(axis=1) & tracks.present[k] & (speed > _MOVES_MPS)
    return np.where(there, fronts / np.maximum(speed, _MOVES_MPS), np.inf), there


def lane_changes(tracks: Tracks, beside: Mapping[int, tuple[frozenset[int], frozenset[int]]]) -> LaneChanges:
    """beside: by lane the lanes to its left, and those to its right.

    A change is a step on which the middle passes from a lane to one beside it. It lasts as long as the vehicle moves that way, about the
    step, faster than 0.15 m/s; a movement that is cut off by an end of the record has no duration.
    """
    both = tracks.present[1:] & tracks.present[:-1]
    way = np.where(both, tracks.speed_mps[1:] * tracks.step_s, 0.0)
    count, durations = 0, []
    smooth = _smoothed(tracks)
    for k, i in np.argwhere(both & (tracks.lane[1:] != tracks.lane[:-1])):
        left, right = beside.get(int(tracks.lane[k, i]), (frozenset(), frozenset()))
        onto = int(tracks.lane[k + 1, i])
        side = 1 if onto in left else -1 if onto in right else 0
        if side == 0:
            continue
        count += 1
        lasts = _movement(side * smooth[:, i], tracks.present[:, i], int(k))
        if lasts > 0:
            durations.append(lasts * tracks.step_s)
    return LaneChanges(count, float(way.sum()) / 1e3, float(both.sum()) * tracks.step_s / 3600.0, np.array(durations))


def _smoothed(tracks: Tracks) -> Floats:
    """Sideways speeds, means over half a second."""
    width = max(1, round(_LATERAL_WINDOW_S / tracks.step_s)) | 1
    moving = np.where(tracks.present, tracks.lateral_mps, 0.0)
    padded = np.pad(moving, ((width // 2, width // 2), (0, 0)), mode="edge")
    return np.asarray(np.lib.stride_tricks.sliding_window_view(padded, width, axis=0).mean(axis=2))


def _movement(sideways: Floats, present: Bools, k: int) -> int:
    """How many steps about step k it moves that way; 0 where it does not, or where a record's end cuts the movement off."""
    moves = (sideways > _SIDEWAYS_MPS) & present
    if not moves[k]:
        return 0
    first = last = k
    while first > 0 and moves[first - 1]:
        first -= 1
    while last + 1 < len(moves) and moves[last + 1]:
        last += 1
    whole = first > 0 and last + 1 < len(moves) and present[first - 1] and present[last + 1]
    return last - first + 1 if whole else 0


def _sampled(tracks: Tracks, values: Floats, there: Bools, every_s: float) -> Sample:
    every = max(1, round(every_s / tracks.step_s))
    rows, owners = np.nonzero(there[::every])
    return Sample(values[::every][rows, owners], owners)


def together(samples: list[Sample]) -> Sample:
    """One sample of several records; vehicles of different records are different ones."""
    values, owners, first = [np.empty(0)], [np.empty(0, np.int64)], 0
    for sample in samples:
        values.append(sample.values)
        owners.append(sample.owners + first)
        first += int(sample.owners.max(initial=-1)) + 1
    return Sample(np.concatenate(values), np.concatenate(owners))
