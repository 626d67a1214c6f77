"""How moments travel to the browser: binary messages, little-endian, each a multiple of 8 bytes long.

    message   u32 size of the whole message, u32 type, body, zeros up to a multiple of 8

    moment    type 1: what everybody sees
              f64 time_s; f32 wanted, f32 reached: speed of the clock (× real time; wanted 0 = paused); u32 n road users, m signals,
              k cars of ours, step (of a replay; else 0)
              i32 id[n]; f32 x[n], y[n], heading[n], speed[n], length[n], width[n]
              per car: i32 id[k], reason[k], subject[k]; f32 distance[k], target_speed[k]
              u8 kind[n], flags[n], signal[m]

    thoughts  type 2: one car's mind, of the moment sent just before
              i32 car; f32 plan_step_s; u32 p points, r lanes, q predictions, s path points
              f32 plan[p][4]: x, y, heading, speed; i32 route[r]
              i32 subject[q]; f32 probability[q]; u32 points[q]; f32 path[s][2]

Positions are metres from the ground's origin, so that 32-bit floats resolve less than a millimetre in any city.
The reader is web/src/data/wire.ts.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marque.driving.view import Prediction, Reason, View
from marque.simulation.frame import Frame

MOMENT, THOUGHTS = 1, 2
_MOMENT = struct.Struct("<IIdffIIII")
_THOUGHTS = struct.Struct("<IIifIIII")


@dataclass(frozen=True, slots=True)
class Clock:
    """How fast a world's clock runs, × real time: as wanted (0 = paused) and as it really does."""

    wanted: float = 1.0
    reached: float = 1.0


def encode_moment(frame: Frame, origin_m: tuple[float, float], clock: Clock | None = None, step: int = 0) -> bytes:
    views, clock = frame.views, clock or Clock()
    body = [
        frame.ids.astype("<i4"),
        _f4(frame.x_m - origin_m[0]),
        _f4(frame.y_m - origin_m[1]),
        *map(_f4, (frame.heading_rad, frame.speed_mps, frame.length_m, frame.width_m)),
        np.array([list(views), [view.reason for view in views.values()], [view.subject for view in views.values()]], "<i4"),
        np.array([[view.distance_m for view in views.values()], [view.target_speed_mps for view in views.values()]], "<f4"),
        *(part.astype(np.uint8) for part in (frame.kinds, frame.flags, frame.signals)),
    ]
    head = (frame.time_s, clock.wanted, clock.reached, len(frame.ids), len(frame.signals), len(views), step)
    return _message(_MOMENT, MOMENT, head, body)


def encode_thoughts(car: int, view: View, origin_m: tuple[float, float]) -> bytes:
    paths = [prediction.path_m for prediction in view.predictions]
    plan = view.plan.reshape(-1, 4) - np.array([*origin_m, 0.0, 0.0])
    path = np.concatenate([np.empty((0, 2)), *paths]) - np.array(origin_m)
    body = [
        _f4(plan),
        view.route.astype("<i4"),
        np.array([prediction.subject for prediction in view.predictions], "<i4"),
        np.array([prediction.probability for prediction in view.predictions], "<f4"),
        np.array([len(path) for path in paths], "<u4"),
        _f4(path),
    ]
    return _message(_THOUGHTS, THOUGHTS, (car, view.plan_step_s, len(plan), len(view.route), len(view.predictions), len(path)), body)


def decode_moment(message: bytes, origin_m: tuple[float, float]) -> tuple[Frame, Clock]:
    """What `encode_moment` was given, to 32 bits; views hold reason, subject, distance and target speed, no plans."""
    _, kind, time_s, wanted, reached, n, m, k, _ = _MOMENT.unpack_from(message)
    if kind != MOMENT:
        raise ValueError(f"message type {kind} is no moment")
    at = _MOMENT.size

    def take(dtype: str, count: int) -> NDArray[Any]:
        nonlocal at
        values = np.frombuffer(message, dtype, count, at)
        at += values.nbytes
        return values

    ids = take("<i4", n).astype(np.int32)
    x, y, heading, speed, length, width = take("<f4", 6 * n).reshape(6, n).astype(np.float64)
    cars, reasons, subjects = take("<i4", 3 * k).reshape(3, k).tolist()
    distances, targets = take("<f4", 2 * k).reshape(2, k).tolist()
    kinds, flags = take("u1", 2 * n).reshape(2, n).astype(np.uint8)
    signals = take("u1", m).astype(np.uint8)
    views = {
        car: _brief(reason, subject, distance, target)
        for car, reason, subject, distance, target in zip(cars, reasons, subjects, distances, targets, strict=True)
    }
    frame = Frame(time_s, ids, kinds, x + origin_m[0], y + origin_m[1], heading, speed, length, width, flags, signals, views)
    return frame, Clock(wanted, reached)


def decode_thoughts(message: bytes, origin_m: tuple[float, float], brief: View) -> View:
    """The whole view: plan, route and predictions of the message, all else of the brief view that came with the moment."""
    _, kind, _, plan_step_s, p, r, q, s = _THOUGHTS.unpack_from(message)
    if kind != THOUGHTS:
        raise ValueError(f"message type {kind} holds no thoughts")
    sizes = np.cumsum([_THOUGHTS.size, 16 * p, 4 * r, 4 * q, 4 * q, 4 * q])
    plan = np.frombuffer(message, "<f4", 4 * p, sizes[0]).reshape(p, 4) + np.array([*origin_m, 0.0, 0.0])
    route = np.frombuffer(message, "<i4", r, sizes[1]).astype(np.int32)
    subjects, points = np.frombuffer(message, "<i4", q, sizes[2]).tolist(), np.frombuffer(message, "<u4", q, sizes[4])
    probabilities = np.frombuffer(message, "<f4", q, sizes[3]).tolist()
    paths = np.split(np.frombuffer(message, "<f4", 2 * s, sizes[5]).reshape(s, 2) + np.array(origin_m), np.cumsum(points)[:-1]) if q else []
    predictions = tuple(Prediction(*parts) for parts in zip(subjects, probabilities, paths, strict=True))
    return replace(brief, plan=plan, plan_step_s=plan_step_s, route=route, predictions=predictions)


def _brief(reason: int, subject: int, distance_m: float, target_speed_mps: float) -> View:
    return View(Reason(reason), subject, distance_m, target_speed_mps, np.empty((0, 4)), 0.1, np.empty(0, np.int32), ())


def _f4(values: NDArray[np.float64]) -> NDArray[np.float32]:
    return values.astype("<f4")


def _message(head: struct.Struct, kind: int, fields: tuple[float, ...], body: Sequence[NDArray[Any]]) -> bytes:
    size = head.size + sum(part.nbytes for part in body)
    padding = -size % 8
    return b"".join([head.pack(size + padding, kind, *fields), *(part.tobytes() for part in body), bytes(padding)])
