"""What the guard did is in the result, names the road user of the file, and is the reason of its moment in the replay."""

from __future__ import annotations

import json

import pytest

from marque.driving.view import Reason
from marque.simulation.drive import drive_file, facts
from marque.simulation.replay import read_replay
from marque.vehicle.sensors import THREE_LIDARS
from scenes import car, document, goal, problem, rectangle, strip, write

FAR = goal(80, 90, region=rectangle(10.0, 3.0, 180.0, 0.0))
AHEAD = 31
"""It drives before the ego and stands within a step, as nobody who brakes can."""
STOPS_DEAD = [(45.0 + 1.2 * min(k, 20), 0.0, 0.0, 12.0 if k < 20 else 0.0) for k in range(100)]


@pytest.fixture(scope="module", params=["perfect", "sensed"])
def driven(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("guard")
    file = write(folder, document(strip(1, 0.0), car(AHEAD, STOPS_DEAD), problem(28.0, 0.0, 12.0, FAR)))
    (result,) = drive_file(file, suite=None if request.param == "perfect" else THREE_LIDARS, replay=folder)
    return result, read_replay(folder / result.replay)


def test_the_result_tells_each_intervention_as_json(driven):
    result, _ = driven
    told = json.loads(json.dumps(facts(result), allow_nan=False))["guard"]
    assert told["count"] >= len(told["interventions"]) >= 1
    first = told["interventions"][0]
    assert first["subject"] == AHEAD
    assert first["rule"] in {"following", "next_best", "stop"}
    assert 1.8 < first["since_s"] <= first["until_s"] < 6.0
    assert told["too_near_s"]["following"] > 0.0


def test_every_moment_of_a_replay_says_why_and_the_guards_moments_say_so(driven):
    result, replay = driven
    reasons = [next(iter(frame.views.values())) for frame in replay.frames()]
    assert len(reasons) == len(replay)
    guards = {Reason.GUARD_DISTANCE, Reason.EMERGENCY}
    for one in result.guard.interventions:
        if one.rule in {"following", "stop"}:
            assert reasons[round(one.since_s / 0.1)].reason in guards
            assert reasons[round(one.since_s / 0.1)].subject == AHEAD
