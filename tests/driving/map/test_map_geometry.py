"""Angles."""

import math

from hypothesis import given
from hypothesis import strategies as st

from marque.driving.map.geometry import wrap

TURN = 2.0 * math.pi


@given(st.one_of(st.floats(-50.0, 50.0), st.sampled_from([-math.pi, math.pi, 0.0, -0.0, 3.0 * math.pi, math.nextafter(math.pi, 0.0)])))
def test_a_wrapped_angle_is_the_same_one_within_half_a_turn(angle):
    wrapped = wrap(angle)
    assert -math.pi <= wrapped < math.pi + 1e-15
    assert wrapped == (angle + math.pi) % TURN - math.pi, "to the bit, however it is worked out"
