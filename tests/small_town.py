"""A small town for tests: four one-way streets around a block, a signal, a footpath and a zebra crossing."""

from __future__ import annotations

import functools

import numpy as np

from marque.driving.map import Colour, Road, RoadMap, Turn
from marque.driving.map.build import build_road_map
from marque.driving.map.specs import CrossingSpec, LaneSpec, RoadSpec, SignalSpec

SIDE_M = 160.0
_BEND_M = 10.0


@functools.cache
def small_town() -> RoadMap:
    """Counter-clockwise: street0 runs east along the south side; bend0 leads from it into street1, and so on."""
    lanes = [_lane("footpath", np.array([[0.0, -6.0], [SIDE_M, -6.0]]), Road.PEDESTRIAN)]
    for k in range(4):
        following = (k + 1) % 4
        street = _turned(np.array([[_BEND_M, 0.0], [SIDE_M / 2, 0.0], [SIDE_M - _BEND_M, 0.0]]), k)
        angle = np.linspace(0.0, np.pi / 2, 9)[:, None]
        arc = np.hstack([SIDE_M - _BEND_M + _BEND_M * np.sin(angle), _BEND_M - _BEND_M * np.cos(angle)])
        signal = "light" if k == 0 else None
        lanes += [
            _lane(f"street{k}", street, Road.CAR, [f"bend{k}"], limit=13.9),
            _lane(
                f"bend{k}",
                _turned(arc, k),
                Road.CAR,
                [f"street{following}"],
                junction=f"corner{k}",
                turn=Turn.LEFT,
                signal=signal,
                limit=8.3,
            ),
        ]
    crossing = CrossingSpec("zebra", np.array([[80.0, -4.0], [80.0, 4.0]]), 4.0)
    signal = SignalSpec("light", [(20.0, Colour.GREEN), (3.0, Colour.AMBER), (20.0, Colour.RED)], junction="corner0")
    return build_road_map(RoadSpec("small town", "test", lanes, [crossing], [signal]))


def _lane(name, centre, road, successors=(), *, limit=1.4, **more):
    direction = np.gradient(centre, axis=0)
    normal = np.column_stack([-direction[:, 1], direction[:, 0]]) / np.linalg.norm(direction, axis=1, keepdims=True)
    return LaneSpec(name, centre, centre + 1.75 * normal, centre - 1.75 * normal, road, limit, list(successors), **more)


def _turned(points, quarters):
    """Turned by quarters around the middle of the block."""
    middle = np.array([SIDE_M / 2, SIDE_M / 2])
    c, s = [(1, 0), (0, 1), (-1, 0), (0, -1)][quarters]
    return (points - middle) @ np.array([[c, s], [-s, c]]) + middle
