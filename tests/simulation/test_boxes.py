"""Rectangles that cover other shapes."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marque.simulation.boxes import boxes_of, circle, rectangle, smallest_box

hulls = st.lists(st.tuples(st.floats(-20.0, 20.0), st.floats(-20.0, 20.0)), min_size=3, max_size=12)


@given(hulls)
def test_the_boxes_of_a_polygon_hold_it(corners):
    polygon = np.array(corners)
    border = np.vstack([np.linspace(a, b, 12) for a, b in zip(polygon, np.roll(polygon, -1, axis=0), strict=True)])
    held = np.zeros(len(border), bool)
    for box in boxes_of(polygon):
        c, s = math.cos(box.heading), math.sin(box.heading)
        local = np.abs((border - (box.x, box.y)) @ np.array([[c, -s], [s, c]]))
        held |= np.all(local <= (0.5 * box.length + 1e-6, 0.5 * box.width + 1e-6), axis=1)
    assert held.all()


@given(st.floats(-50.0, 50.0), st.floats(-50.0, 50.0), st.floats(-3.0, 3.0), st.floats(0.5, 20.0), st.floats(0.5, 20.0))
def test_a_rectangle_is_its_own_smallest_box(x, y, heading, length, width):
    box = smallest_box(rectangle(x, y, heading, length, width))
    assert (box.x, box.y) == pytest.approx((x, y), abs=1e-6)
    assert sorted((box.length, box.width)) == pytest.approx(sorted((length, width)), abs=1e-6)


def test_a_small_circle_is_one_square_around_it():
    (box,) = boxes_of(circle(3.0, 4.0, 0.3))
    assert (box.x, box.y) == pytest.approx((3.0, 4.0))
    assert 0.6 - 1e-9 <= box.width <= box.length <= 0.62
