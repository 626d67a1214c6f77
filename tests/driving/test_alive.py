"""Sensors that froze: found out by telling the same twice, and believed again when they tell something new."""

from __future__ import annotations

import numpy as np
from roads import observation, two_lanes

from marque.driving.alive import Liveness
from marque.driving.observation import DETECTION

ROAD = two_lanes()


def told(*places):
    """An observation in which sensor k reports a body at each of places[k], m ahead."""
    rows = np.zeros(sum(map(len, places)), DETECTION)
    rows["sensor"] = [k for k, mine in enumerate(places) for _ in mine]
    rows["x"] = [x for mine in places for x in mine]
    return observation(0.0, ROAD)._replace(perfect=False, detections=rows, working=np.ones(len(places), np.uint8))


def test_who_tells_the_same_again_and_again_is_not_listened_to_until_he_tells_something_new():
    liveness = Liveness()
    for k in range(6):
        seen = liveness.check(told([10.0, 20.0], [10.0 + 0.01 * k], []))
    assert seen.working.tolist() == [0, 1, 1]
    assert seen.detections["sensor"].tolist() == [1]
    assert liveness.check(told([10.0, 20.1], [10.2], [])).working.tolist() == [1, 1, 1]


def test_the_same_once_more_is_no_reason():
    liveness = Liveness()
    for _ in range(2):
        seen = liveness.check(told([10.0]))
    assert seen.working.tolist() == [1]


def test_a_beginning_forgets():
    liveness = Liveness()
    for _ in range(5):
        liveness.check(told([10.0]))
    liveness.begin()
    assert liveness.check(told([10.0])).working.tolist() == [1]
