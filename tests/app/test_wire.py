"""What the browser is sent can be read back, and has the alignment its typed arrays need."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stand_in import StandInCity

from marque.app.wire import Clock, decode_moment, decode_thoughts, encode_moment, encode_thoughts
from marque.driving.observation import no_one
from marque.simulation.frame import Frame
from small_town import small_town

ORIGIN = (70.0, -30.0)


def a_frame(**settings):
    city = StandInCity(small_town(), **settings)
    for _ in range(7):
        city.step()
    return city.frame()


@given(vehicles=st.integers(1, 9), pedestrians=st.integers(0, 3), cars=st.integers(0, 3))
def test_a_moment_comes_back_as_it_was_sent(vehicles, pedestrians, cars):
    frame = a_frame(vehicles=vehicles, pedestrians=pedestrians, cars=cars)
    message = encode_moment(frame, ORIGIN, Clock(2.0, 1.5), step=3)
    assert len(message) % 8 == 0
    assert int.from_bytes(message[:4], "little") == len(message)
    read, clock = decode_moment(message, ORIGIN)
    assert clock == Clock(2.0, 1.5)
    for name, value in frame._asdict().items():
        if name == "views":
            assert read.views.keys() == value.keys()
        elif name == "time_s":
            assert read.time_s == value
        else:
            np.testing.assert_allclose(getattr(read, name), value, rtol=1e-6, atol=1e-4, err_msg=name)


def test_thoughts_come_back_as_they_were_sent():
    frame = a_frame(vehicles=20, cars=2)
    car, view = next((car, view) for car, view in frame.views.items() if len(view.predictions) > 1)
    message = encode_thoughts(car, view, ORIGIN)
    assert len(message) % 8 == 0
    brief = decode_moment(encode_moment(frame, ORIGIN), ORIGIN)[0].views[car]
    read = decode_thoughts(message, ORIGIN, brief)
    assert (read.reason, read.subject) == (view.reason, view.subject)
    np.testing.assert_allclose(read.plan, view.plan, atol=1e-4)
    np.testing.assert_array_equal(read.route, view.route)
    for mine, sent in zip(read.predictions, view.predictions, strict=True):
        assert (mine.subject, mine.probability) == (sent.subject, pytest.approx(sent.probability))
        np.testing.assert_allclose(mine.path_m, sent.path_m, atol=1e-4)


def test_an_empty_road_is_a_moment_too():
    nobody = no_one(1.0, np.zeros(2, np.uint8))
    bodies = nobody[: nobody._fields.index("signals")]
    frame = Frame(*bodies, np.empty(0, np.uint8), nobody.signals, {})
    assert len(decode_moment(encode_moment(frame, ORIGIN), ORIGIN)[0].ids) == 0
