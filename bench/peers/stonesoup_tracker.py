"""The peer's side of bench/tracking.py: Stone Soup tracks the same detections. Runs in bench/peers/.venv-tracking, never with Marque.

Reads a JSON job from stdin, writes to stdout, per scene: the places of the tracks at every step, the CPU seconds of tracking alone, and
Stone Soup's own GOSPA of these places against the truth.

The reference: an extended Kalman filter with nearly constant velocity, probabilities of association in a gate, globally nearest neighbours
by 2D assignment, initiation by several measurements, deletion by time without one. A radar has a measurement model with bearing and rate.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import sys
import time
from typing import Any

import numpy as np
from stonesoup.base import Property
from stonesoup.dataassociator.neighbour import GNNWith2DAssignment
from stonesoup.deleter.time import UpdateTimeDeleter
from stonesoup.hypothesiser.distance import DistanceHypothesiser
from stonesoup.hypothesiser.probability import PDAHypothesiser
from stonesoup.initiator.simple import MultiMeasurementInitiator, SinglePointMeasurementInitiator
from stonesoup.measures import Mahalanobis
from stonesoup.metricgenerator.ospametric import GOSPAMetric
from stonesoup.models.base import ReversibleModel
from stonesoup.models.measurement.linear import LinearGaussian
from stonesoup.models.measurement.nonlinear import CartesianToBearingRangeRate2D
from stonesoup.models.transition.linear import CombinedLinearGaussianTransitionModel, ConstantVelocity
from stonesoup.predictor.kalman import ExtendedKalmanPredictor
from stonesoup.tracker.simple import MultiTargetTracker
from stonesoup.types.array import StateVector
from stonesoup.types.detection import Detection
from stonesoup.types.state import GaussianState, State
from stonesoup.updater.kalman import ExtendedKalmanUpdater

START = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
PLACE = (0, 2)


class Radar(CartesianToBearingRangeRate2D, ReversibleModel):
    """Bearing, range and rate, with the way back that initiation needs: the speed it does not see is taken to be 0."""

    ndim_state: int = Property(default=4)

    def inverse_function(self, detection: Detection, **_: Any) -> StateVector:
        bearing, distance, rate = (float(v) for v in detection.state_vector[:, 0])
        cos, sin = math.cos(bearing), math.sin(bearing)
        x, y = (float(v) for v in self.translation_offset[:, 0])
        return StateVector([x + distance * cos, rate * cos, y + distance * sin, rate * sin])


def detection(seen: dict[str, Any], when: dt.datetime) -> Detection:
    if seen["rate"] is None:
        cos, sin = math.cos(seen["ray"]), math.sin(seen["ray"])
        turn = np.array([[cos, -sin], [sin, cos]])
        noise = turn @ np.diag([seen["var_along"], seen["var_across"]]) @ turn.T
        model = LinearGaussian(4, PLACE, noise)
        return Detection(StateVector([seen["x"], seen["y"]]), timestamp=when, measurement_model=model)
    dx, dy = seen["x"] - seen["from"][0], seen["y"] - seen["from"][1]
    distance = math.hypot(dx, dy)
    noise = np.diag([seen["var_across"] / distance**2, seen["var_along"], seen["var_rate"]])
    model = Radar(mapping=PLACE, velocity_mapping=(1, 3), noise_covar=noise, translation_offset=StateVector(seen["from"]))
    return Detection(StateVector([math.atan2(dy, dx), distance, seen["rate"]]), timestamp=when, measurement_model=model)


def at(seconds: float) -> dt.datetime:
    return START + dt.timedelta(seconds=seconds)


def tracker(settings: dict[str, Any]) -> MultiTargetTracker:
    transition = CombinedLinearGaussianTransitionModel([ConstantVelocity(settings["push"]), ConstantVelocity(settings["push"])])
    predictor, updater = ExtendedKalmanPredictor(transition), ExtendedKalmanUpdater(None)
    if settings["hypotheses"] == "distance":
        hypothesiser = DistanceHypothesiser(predictor, updater, Mahalanobis(), missed_distance=settings["gate"])
    else:
        hypothesiser = PDAHypothesiser(predictor, updater, settings["clutter"], settings["p_detect"], 0.9995)
    associator = GNNWith2DAssignment(hypothesiser)
    prior = GaussianState(StateVector([0, 0, 0, 0]), np.diag([100.0**2, settings["speed"] ** 2, 100.0**2, settings["speed"] ** 2]), at(0.0))
    initiator = MultiMeasurementInitiator(
        prior, UpdateTimeDeleter(dt.timedelta(seconds=settings["forgets_s"])), associator, updater, min_points=settings["points"],
        initiator=SinglePointMeasurementInitiator(prior, updater=updater),
    )  # fmt: skip
    return MultiTargetTracker(initiator, UpdateTimeDeleter(dt.timedelta(seconds=settings["keeps_s"])), [], associator, updater)


def run(scene: dict[str, Any], settings: dict[str, Any]) -> dict[str, Any]:
    """Scans go in one by one in order of time; at every step the tracks are moved on to its time, which is not timed."""
    peer = tracker(settings)
    metric = GOSPAMetric(
        p=2, c=5.0, measure=lambda a, b: float(np.hypot(*(np.asarray(a.state_vector - b.state_vector, dtype=float)[:, 0])))
    )
    cpu_s, places, gospa = 0.0, [], []
    for step in scene["steps"]:
        scans = [(at(scan["time"]), {detection(seen, at(scan["time"])) for seen in scan["seen"]}) for scan in step["scans"]]
        began = time.process_time()
        for scan in scans:
            peer.detector_iter = iter([scan])
            next(peer)
        cpu_s += time.process_time() - began
        predictor = peer.data_associator.hypothesiser.predictor
        now = [predictor.predict(track, timestamp=at(step["now"])) for track in peer.tracks]
        points = [[float(state.state_vector[k, 0]) for k in PLACE] for state in now]
        places.append(points)
        own = [State(StateVector(point)) for point in points]
        truth = [State(StateVector(point)) for point in step["truth"]]
        value = metric.compute_gospa_metric(own, truth)[0].value
        gospa.append([float(value[key]) for key in ("distance", "localisation", "missed", "false")])
    return {"places": places, "cpu_s": cpu_s, "gospa": gospa}


def main() -> None:
    job = json.load(sys.stdin)
    json.dump({"scenes": [run(scene, job["settings"]) for scene in job["scenes"]]}, sys.stdout)


if __name__ == "__main__":
    main()
