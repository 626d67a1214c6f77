"""Who is around, as the driving system takes them to be: one record for each, slot by slot."""

from __future__ import annotations

import numpy as np

from marque.common import Records

TREND_S = 2.0
"""Time constant of TRACK's trend."""
CAPACITY = 96
"""Road users known at once; the nearest are kept."""
NO_ID = -(2**31)


TRACK = np.dtype(
    [
        ("id", "i8"),  # NO_ID in an empty slot
        ("kind", "i8"),  # `Kind`
        ("x", "f8"),  # centre of the body, m, world frame
        ("y", "f8"),
        ("heading", "f8"),
        ("speed", "f8"),
        ("doubt", "f8"),  # m/s by which the speed may be another; 0 where speeds are seen themselves
        ("acceleration", "f8"),
        ("trend", "f8"),  # acceleration as it was on the average of the last seconds, m/s²: noise of sensors mostly cancels
        ("yaw_rate", "f8"),
        ("length", "f8"),
        ("width", "f8"),
        ("standing_s", "f8"),  # how long it has not moved
        ("cycles", "i8"),  # how often it has been seen
        ("seen", "i8"),  # 1 where it is taken to be there now
        ("siren", "i8"),  # 1 where it has the right of way of an emergency vehicle on duty
    ],
    align=True,
)


def no_tracks() -> Records:
    """(CAPACITY,) TRACK: road users slot by slot."""
    tracks = np.zeros(CAPACITY, TRACK)
    tracks["id"] = NO_ID
    return tracks
