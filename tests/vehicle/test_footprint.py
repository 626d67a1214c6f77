"""Overlap of rectangles against the plainest oracle there is: cut one polygon with the other and see whether anything is left."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marque.vehicle import boxes_overlap

boxes = st.tuples(
    st.floats(-8.0, 8.0), st.floats(-8.0, 8.0), st.floats(-7.0, 7.0), st.floats(0.1, 15.0), st.floats(0.1, 4.0)
)  # x, y, heading, length, width


def corners(box, scale=1.0):
    x, y, heading, length, width = box
    c, s = math.cos(heading), math.sin(heading)
    l, w = scale * length / 2, scale * width / 2  # noqa: E741
    return [(x + c * u - s * v, y + s * u + c * v) for u, v in ((l, w), (-l, w), (-l, -w), (l, -w))]


def cut(polygon, a, b):
    """The part of a polygon on the left of the line a → b (Sutherland and Hodgman)."""

    def side(p):
        return (b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0])

    kept = []
    for here, there in zip(polygon, polygon[1:] + polygon[:1], strict=True):
        if side(here) >= 0:
            kept.append(here)
        if (side(here) > 0 > side(there)) or (side(here) < 0 < side(there)):
            share = side(here) / (side(here) - side(there))
            kept.append((here[0] + share * (there[0] - here[0]), here[1] + share * (there[1] - here[1])))
    return kept


def something_is_left(box, other, scale):
    polygon, around = corners(box), corners(other, scale)
    for a, b in zip(around, around[1:] + around[:1], strict=True):
        polygon = cut(polygon, a, b)
    return bool(polygon)


@given(boxes, boxes)
def test_boxes_overlap_exactly_where_cutting_leaves_something(box, other):
    if something_is_left(box, other, 1.0 - 1e-9):
        assert boxes_overlap(*box, *other)
        assert boxes_overlap(*other, *box)
    elif not something_is_left(box, other, 1.0 + 1e-9):
        assert not boxes_overlap(*box, *other)
        assert not boxes_overlap(*other, *box)


@given(boxes, st.floats(-0.49, 0.49), st.floats(-0.49, 0.49), st.floats(-7.0, 7.0))
def test_a_box_whose_centre_lies_in_another_overlaps_it(box, along, across, heading):
    x, y, h, length, width = box
    inside = (
        x + along * length * math.cos(h) - across * width * math.sin(h),
        y + along * length * math.sin(h) + across * width * math.cos(h),
    )
    assert boxes_overlap(*box, *inside, heading, 0.2, 0.1)


@pytest.mark.parametrize(("gap", "touching"), [(0.0, True), (1e-9, False), (-1e-9, True)])
def test_touching_counts(gap, touching):
    assert boxes_overlap(0.0, 0.0, 0.0, 4.0, 2.0, 4.0 + gap, 0.0, 0.0, 4.0, 2.0) is touching
    assert boxes_overlap(0.0, 0.0, 0.0, 4.0, 2.0, 0.0, 2.0 + gap, 0.0, 4.0, 2.0) is touching
