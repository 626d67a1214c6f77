"""Roads laid by hand."""

from collections.abc import Callable

import numpy as np
import pytest

from marque.driving.map.geometry import offset_borders
from marque.driving.map.specs import LaneSpec


@pytest.fixture(scope="session")
def lay() -> Callable[..., LaneSpec]:
    """A lane of even width along points."""
    from marque.driving.map import Road

    def lay_lane(name, points, width_m=3.5, road=Road.CAR, **more):
        centre = np.array(points, float)
        left, right = np.empty_like(centre), np.empty_like(centre)
        offset_borders(centre, np.array([0, len(centre)], np.int32), np.array([0.5 * width_m]), left, right)
        return LaneSpec(name, centre, left, right, road, **more)

    return lay_lane
