"""Who is in the way of a line."""

import numpy as np
import pytest
from roads import drive, lane, straight, to_lane

from marque.driving.map.build import build_road_map
from marque.driving.map.specs import RoadSpec
from marque.driving.observation import Kind
from marque.vehicle import BMW_320I, VehicleState


def loop():
    """Eastwards to x = 40, three quarters round to the left, then southwards over where it came from, at (32, 0)."""
    angle = np.linspace(-np.pi / 2, np.pi, 40)
    lanes = [
        lane("out", straight(-60, 0, 40, 0), successors=["round"]),
        lane("round", np.column_stack((40 + 8 * np.cos(angle), 8 + 8 * np.sin(angle))), successors=["south"]),
        lane("south", straight(32, 8, 32, -120)),
    ]
    return build_road_map(RoadSpec("loop", "test", lanes))


@pytest.mark.parametrize("y_m", [2.6, 0.0, -1.0])
def test_who_stands_where_the_way_leads_over_itself_is_in_the_way_the_first_time_too(y_m):
    """Its middle is on the way back, its body on the way out."""
    road = loop()
    stands = (7, Kind.CAR, 32.0, y_m, -np.pi / 2, 0.0, 4.5, 1.8)
    _, states, touched = drive(road, to_lane(road, "south"), VehicleState(5.0, 0.0, 0.0, 8.0, 0.0, 0.0), 9.0, lambda _t: (stands,))
    assert not any(touched)
    assert 22.0 < states[-1].x_m + 0.5 * BMW_320I.length_m < 31.1
