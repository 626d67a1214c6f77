"""Moments of a world as columns and back: the inside of a replay's blocks.

time         (T,)    s
actor_*      (n,)    id, kind, length, width: everyone who appears in the block
present      (T, n)  u8; where it is 0 the columns below repeat the moment before (so that they cost nothing) and mean nothing
x, y, heading, speed, flags  (T, n)
signals      (T, m)  `Colour`
view_*       (V,)    step, car, reason, subject, distance, target_speed, plan_step; plan_points, route_lanes, predictions: counts
plan_*       (Σ,)    x, y, heading, speed of all plans, one after another
route        (Σ,)    lanes of all routes
prediction_* (Σ,)    subject, probability, points: counts
path         (Σ, 2)  points of all predicted paths

T moments, n actors, m signals, V views (one per car of ours and moment), Σ whatever the counts add up to. Units as in `Frame` and `View`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marque.driving.view import Prediction, Reason, View
from marque.simulation.columns import Column
from marque.simulation.frame import Frame

_STEPS = {"x": 0.01, "y": 0.01, "heading": 0.001, "speed": 0.01}
"""Step of each quantised column: m, m, rad, m/s."""
_FIELDS = {"x": "x_m", "y": "y_m", "heading": "heading_rad", "speed": "speed_mps"}
_TIME_STEP_S = 1e-4


def moments_to_columns(frames: Sequence[Frame]) -> dict[str, Column]:
    actors, places = _actors(frames)
    present = np.zeros((len(frames), len(actors)), np.uint8)
    flags = np.zeros_like(present)
    for step, (frame, place) in enumerate(zip(frames, places, strict=True)):
        present[step, place] = 1
        flags[step, place] = frame.flags
    shown = _latest(present)
    columns = {
        "time": Column(np.array([frame.time_s for frame in frames]), _TIME_STEP_S, delta=True),
        "actor_id": Column(np.array([actor[0] for actor in actors], np.int32)),
        "actor_kind": Column(np.array([actor[1] for actor in actors], np.uint8)),
        "actor_length": Column(np.array([actor[2] for actor in actors]), 0.01),
        "actor_width": Column(np.array([actor[3] for actor in actors]), 0.01),
        "present": Column(present, delta=True),
        "flags": Column(np.take_along_axis(flags, shown, 0), delta=True),
        "signals": Column(np.array([frame.signals for frame in frames], np.uint8).reshape(len(frames), -1), delta=True),
    }
    for name, field in _FIELDS.items():
        values = np.zeros(present.shape)
        for step, (frame, place) in enumerate(zip(frames, places, strict=True)):
            values[step, place] = getattr(frame, field)
        columns[name] = Column(np.take_along_axis(values, shown, 0), _STEPS[name], delta=True)
    return columns | _views_to_columns(frames)


def moments_of(columns: Mapping[str, NDArray[Any]]) -> list[Frame]:
    """The frames `moments_to_columns` was given, road users in the table's order; ValueError, KeyError or IndexError for unfit columns."""
    present = columns["present"].astype(bool)
    if any(columns[name].shape != present.shape for name in (*_STEPS, "flags")) or len(columns["time"]) != len(present):
        raise ValueError("columns of one block differ in shape")
    views = _views_of(columns, len(present))
    frames = []
    for step, here in enumerate(present):
        frames.append(
            Frame(
                time_s=float(columns["time"][step]),
                ids=columns["actor_id"][here],
                kinds=columns["actor_kind"][here],
                x_m=columns["x"][step, here],
                y_m=columns["y"][step, here],
                heading_rad=columns["heading"][step, here],
                speed_mps=columns["speed"][step, here],
                length_m=columns["actor_length"][here],
                width_m=columns["actor_width"][here],
                flags=columns["flags"][step, here],
                signals=columns["signals"][step],
                views=views[step],
            )
        )
    return frames


_Actor = tuple[int, int, float, float]


def _actors(frames: Sequence[Frame]) -> tuple[list[_Actor], list[list[int]]]:
    """Everyone of the block, and per frame the row of each of its road users. One id with two sizes is two actors."""
    rows: dict[_Actor, int] = {}
    places = []
    for frame in frames:
        seen = zip(frame.ids.tolist(), frame.kinds.tolist(), frame.length_m.tolist(), frame.width_m.tolist(), strict=True)
        places.append([rows.setdefault(actor, len(rows)) for actor in seen])
    return list(rows), places


def _latest(present: NDArray[np.uint8]) -> NDArray[np.intp]:
    """(T, n): the last step at which each actor was present up to now; before its first appearance, that."""
    steps = np.where(present, np.arange(len(present))[:, None], -1)
    latest = np.maximum.accumulate(steps, axis=0) if len(steps) else steps
    first = np.argmax(present, axis=0) if len(present) else np.zeros(present.shape[1], np.intp)
    return np.where(latest < 0, first, latest).astype(np.intp)


def _views_to_columns(frames: Sequence[Frame]) -> dict[str, Column]:
    views = [(step, car, view) for step, frame in enumerate(frames) for car, view in frame.views.items()]
    predictions = [prediction for _, _, view in views for prediction in view.predictions]

    def integers(values: list[int]) -> Column:
        return Column(np.array(values, np.int32))

    def floats(values: list[float]) -> Column:
        return Column(np.array(values, np.float32))

    plans = _joined([view.plan for _, _, view in views], 4)
    return {
        "view_step": integers([step for step, _, _ in views]),
        "view_car": integers([car for _, car, _ in views]),
        "view_reason": integers([view.reason for _, _, view in views]),
        "view_subject": integers([view.subject for _, _, view in views]),
        "view_distance": floats([view.distance_m for _, _, view in views]),
        "view_target_speed": floats([view.target_speed_mps for _, _, view in views]),
        "view_plan_step": floats([view.plan_step_s for _, _, view in views]),
        "view_plan_points": integers([len(view.plan) for _, _, view in views]),
        "view_route_lanes": integers([len(view.route) for _, _, view in views]),
        "view_predictions": integers([len(view.predictions) for _, _, view in views]),
        **{f"plan_{name}": Column(plans[:, i], step, delta=True) for i, (name, step) in enumerate(_STEPS.items())},
        "route": Column(np.concatenate([np.empty(0, np.int32), *(view.route for _, _, view in views)]).astype(np.int32), delta=True),
        "prediction_subject": integers([prediction.subject for prediction in predictions]),
        "prediction_probability": floats([prediction.probability for prediction in predictions]),
        "prediction_points": integers([len(prediction.path_m) for prediction in predictions]),
        "path": Column(_joined([prediction.path_m for prediction in predictions], 2), _STEPS["x"], delta=True),
    }


def _views_of(columns: Mapping[str, NDArray[Any]], steps: int) -> list[dict[int, View]]:
    plan = np.stack([columns[f"plan_{name}"] for name in _STEPS], axis=1)
    plans = _split(plan, columns["view_plan_points"])
    routes = _split(columns["route"], columns["view_route_lanes"])
    paths = _split(columns["path"].reshape(-1, 2), columns["prediction_points"])
    predictions = [
        Prediction(int(subject), float(probability), path)
        for subject, probability, path in zip(columns["prediction_subject"], columns["prediction_probability"], paths, strict=True)
    ]
    ends = np.cumsum(columns["view_predictions"])
    if len(predictions) != (ends[-1] if len(ends) else 0):
        raise ValueError("predictions do not fit their views")
    views: list[dict[int, View]] = [{} for _ in range(steps)]
    for i, step in enumerate(columns["view_step"].tolist()):
        if not 0 <= step < steps:
            raise ValueError("a view lies outside its block")
        views[step][int(columns["view_car"][i])] = View(
            reason=Reason(int(columns["view_reason"][i])),
            subject=int(columns["view_subject"][i]),
            distance_m=float(columns["view_distance"][i]),
            target_speed_mps=float(columns["view_target_speed"][i]),
            plan=plans[i],
            plan_step_s=float(columns["view_plan_step"][i]),
            route=routes[i],
            predictions=tuple(predictions[ends[i] - columns["view_predictions"][i] : ends[i]]),
        )
    return views


def _joined(parts: list[NDArray[Any]], width: int) -> NDArray[np.float64]:
    return np.concatenate([np.empty((0, width)), *(part.reshape(-1, width) for part in parts)])


def _split(values: NDArray[Any], counts: NDArray[Any]) -> list[NDArray[Any]]:
    if (counts < 0).any() or int(counts.sum()) != len(values):
        raise ValueError("counts do not fit what they count")
    return np.split(values, np.cumsum(counts)[:-1]) if len(counts) else []
