"""What the tests judge traffic by, written apart from it: plain geometry of the frames, and the Intelligent Driver Model as published."""

from __future__ import annotations

import numpy as np

from marque.driving.observation import Kind


def corners(frame, k):
    """(4, 2) of body k, counter-clockwise."""
    along = np.array([np.cos(frame.heading_rad[k]), np.sin(frame.heading_rad[k])])
    aside = np.array([-along[1], along[0]])
    half = 0.5 * frame.length_m[k] * along, 0.5 * frame.width_m[k] * aside
    return np.array([frame.x_m[k], frame.y_m[k]]) + np.array([half[0] + half[1], half[1] - half[0], -half[0] - half[1], half[0] - half[1]])


def common_area(a, b):
    """Of two convex polygons, counter-clockwise: one is cut by every edge of the other (Sutherland and Hodgman 1974), m²."""
    for p, q in zip(b, np.roll(b, -1, axis=0), strict=True):
        if not len(a):
            return 0.0
        inside = (q[0] - p[0]) * (a[:, 1] - p[1]) - (q[1] - p[1]) * (a[:, 0] - p[0])
        kept = []
        for k in range(len(a)):
            after = (k + 1) % len(a)
            if inside[k] >= 0.0:
                kept.append(a[k])
            if inside[k] * inside[after] < 0.0:
                kept.append(a[k] + inside[k] / (inside[k] - inside[after]) * (a[after] - a[k]))
        a = np.array(kept)
    return 0.5 * abs(np.sum(a[:, 0] * np.roll(a[:, 1], -1) - a[:, 1] * np.roll(a[:, 0], -1))) if len(a) else 0.0


def overlapping(frame, least_m2=1e-6):
    """All pairs (ids) of bodies that share more ground than that, pedestrians among themselves left out."""
    x, y, reach = frame.x_m, frame.y_m, 0.5 * np.hypot(frame.length_m, frame.width_m)
    near = np.hypot(x[:, None] - x, y[:, None] - y) < reach[:, None] + reach
    walks = frame.kinds == Kind.PEDESTRIAN
    near &= ~(walks[:, None] & walks)
    pairs = zip(*np.nonzero(np.triu(near, 1)), strict=True)
    return [(int(frame.ids[a]), int(frame.ids[b])) for a, b in pairs if common_area(corners(frame, a), corners(frame, b)) > least_m2]


def fronts(frame):
    """(n, 2) the middle of every front bumper."""
    return np.column_stack([
        frame.x_m + 0.5 * frame.length_m * np.cos(frame.heading_rad),
        frame.y_m + 0.5 * frame.length_m * np.sin(frame.heading_rad),
    ])  # fmt: skip


def equilibrium_speed(gap, wanted, headway, jam_gap):
    """IDM's speed at which everyone keeps the same gap: gap = (s0 + vT) / √(1 − (v/v0)⁴) (Treiber, Hennecke, Helbing 2000, eq. 6)."""
    low, high = 0.0, wanted
    for _ in range(80):
        v = 0.5 * (low + high)
        low, high = (v, high) if jam_gap + v * headway < gap * np.sqrt(1.0 - (v / wanted) ** 4) else (low, v)
    return low
