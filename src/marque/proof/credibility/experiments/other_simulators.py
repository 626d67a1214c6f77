"""Cross-checks: our traffic against SUMO and against theory, our car against the published equations solved by somebody else's solver."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from scipy.integrate import solve_ivp

from marque.common import Floats
from marque.driving.importers import load_map
from marque.driving.map import RoadMap
from marque.foundation.compute import Compute
from marque.proof.credibility.cross_check import Driver, Stream, deviations, equilibrium_speed, stream
from marque.proof.credibility.distributions import Distance, Sample, density, distance
from marque.proof.credibility.experiments import sumo
from marque.proof.credibility.experiments.telling import all_of, said, series
from marque.proof.credibility.experiments.time_steps import MANOEUVRES, STEP_S
from marque.proof.credibility.experiments.tracks import of_traffic, write_ring
from marque.proof.credibility.model import Chart, Item, Row, Section, Table
from marque.proof.credibility.recorded import headways, speeds
from marque.simulation.traffic import Traffic
from marque.vehicle import MODELS, Command, VehicleState, step

ROUND_M, LIMIT_MPS = 2500.0, 80.0 / 3.6
DENSITIES = (10, 20, 30, 45, 65)
"""Vehicles per km and lane; more do not fit into the traffic's places to begin at."""
MIXED = (10, 25, 40, 60)
WARM_UP_S, LASTS_S, _EVERY_S = 300.0, 120.0, 5.0
SAME = Driver(LIMIT_MPS, 1.15, 1.6, 2.0, 2.0, 4.5)
"""Middle values of our drivers, one for all."""
_IDM = (
    f'carFollowModel="IDM" length="{SAME.length_m}" tau="{SAME.headway_s}" minGap="{SAME.jam_gap_m}" accel="{SAME.acceleration_mps2}" '
    f'decel="{SAME.braking_mps2}" delta="4" maxSpeed="60" speedFactor="1" speedDev="0"'
)
_DEFAULT = 'length="4.5" speedFactor="normc(0.94,0.035,0.88,1.0)"'
"""SUMO's own driver (Krauss), with our spread of wanted speeds."""
SAME_FLOW, MIXED_FLOW, SAME_DRIVER_KS, PUBLISHED_M = 0.03, 0.15, 0.2, 1e-6


@dataclass(frozen=True)
class Run:
    """density: vehicles per km and lane. same: all drivers are `SAME`. by: whose traffic, marque or sumo."""

    by: str
    density: int
    lanes: int
    same: bool

    @property
    def vehicles(self) -> int:
        return round(self.density * ROUND_M / 1e3) * self.lanes


@dataclass(frozen=True)
class Seen:
    """What came of a run: its stream by every second, samples by every fifth."""

    stream: Stream
    speeds: Sample
    headways: Sample


def observe(run: Run) -> Seen:
    """One run to its end."""
    with TemporaryDirectory(prefix="marque-credibility-") as folder:
        network = write_ring(Path(folder), ROUND_M, run.lanes, LIMIT_MPS)
        if run.by == "sumo":
            kind = _IDM if run.same else _DEFAULT
            tracks = sumo.drive(network, sumo.Demand(ROUND_M, run.lanes, run.vehicles, kind, WARM_UP_S, LASTS_S))
        else:
            traffic = Traffic(_ring(run.lanes), vehicles=run.vehicles, seed=1, step_s=STEP_S)
            if run.same:
                make_same(traffic)
            traffic.step(steps=round(WARM_UP_S / STEP_S))
            tracks = of_traffic(traffic, round(LASTS_S / STEP_S))
    taken = speeds(tracks)
    metres, seconds = float(taken.values.sum()), float(taken.values.size)
    seen = stream(metres, seconds, ROUND_M, run.lanes, seconds / run.vehicles)
    return Seen(seen, speeds(tracks, _EVERY_S), headways(tracks, every_s=_EVERY_S))


@cache
def _ring(lanes: int) -> RoadMap:
    with TemporaryDirectory(prefix="marque-credibility-") as folder:
        return load_map(write_ring(Path(folder), ROUND_M, lanes, LIMIT_MPS))


def make_same(traffic: Traffic) -> None:
    """All drivers become `SAME`."""
    drivers = traffic.state.drivers
    for name, value in (
        ("headway", SAME.headway_s), ("accelerate", SAME.acceleration_mps2), ("brake", SAME.braking_mps2), ("jam_gap", SAME.jam_gap_m),
        ("factor", 1.0), ("length", SAME.length_m), ("wheelbase", 0.6 * SAME.length_m), ("overhang", 0.2 * SAME.length_m),
    ):  # fmt: skip
        drivers[name] = value
    traffic.state.nodes["length"][:, : drivers.shape[1]] = SAME.length_m
    traffic.state.bodies["length"][:, : drivers.shape[1]] = SAME.length_m


def published_difference(vehicle: str) -> float:
    """Greatest difference of place, heading and speed, m, rad, m/s, of our kinematic car to the published equations, over 6 s.

    Equations: Althoff, Koschi, Manzinger 2017, CommonRoad vehicle models, KS; solver: scipy's DOP853, relative error 1e-12.
    """
    parameters, worst = MODELS[vehicle].vehicle, 0.0
    rear, wheelbase = parameters.rear_axle_m, parameters.wheelbase_m
    for name in list(MANOEUVRES)[:3]:
        speed, command = MANOEUVRES[name]
        ours, y = VehicleState(0.0, 0.0, 0.0, speed, 0.0, 0.0), np.array([-rear, 0.0, 0.0, speed, 0.0])
        for k in range(60):
            given = command(STEP_S * k)
            ours = VehicleState(*step(ours, given, STEP_S, parameters))
            y = solve_ivp(_kinematic, (0.0, STEP_S), y, "DOP853", rtol=1e-12, atol=1e-12, args=(given, wheelbase)).y[:, -1]
            theirs = (y[0] + rear * math.cos(y[2]), y[1] + rear * math.sin(y[2]), y[2], y[3])
            worst = max(worst, *(abs(a - b) for a, b in zip(ours[:4], theirs, strict=True)))
    return worst


def _kinematic(_: float, y: Floats, command: Command, wheelbase_m: float) -> list[float]:
    turning = y[3] / wheelbase_m * math.tan(y[4])
    return [y[3] * math.cos(y[2]), y[3] * math.sin(y[2]), turning, command.acceleration_mps2, command.steering_rate_radps]


def section(vehicle: str, compute: Compute) -> Section:
    """All of it; about 10 million vehicle steps on either side."""
    alike = [Run(by, one, 1, same=True) for by in ("marque", "sumo") for one in DENSITIES]
    mixed = [Run(by, one, 2, same=False) for by in ("marque", "sumo") for one in MIXED]
    seen = all_of(compute, observe, [*alike, *mixed])
    ours, theirs = seen[: len(DENSITIES)], seen[len(DENSITIES) : 2 * len(DENSITIES)]
    ours_mixed, theirs_mixed = seen[2 * len(DENSITIES) : -len(MIXED)], seen[-len(MIXED) :]
    theory = [3.6 * one * 1e3 * equilibrium_speed(SAME, 1e3 / one) / 1e3 for one in DENSITIES]
    apart = [(distance(a.headways, b.headways), distance(a.speeds, b.speeds)) for a, b in zip(ours_mixed, theirs_mixed, strict=True)]
    published = published_difference(vehicle)
    return Section(
        "cross-check", "Cross-checks against others",
        (
            f"Traffic: a ring of {ROUND_M / 1e3:g} km at {3.6 * LIMIT_MPS:.0f} km/h, {WARM_UP_S:g} s to settle, {LASTS_S:g} s on record. "
            f"First with one lane and one driver for all, by the Intelligent Driver Model with the same parameters in our traffic, in SUMO "
            f"{sumo.version()} and in theory: what differs there is a mistake. Then with two lanes and the drivers that each simulator has "
            "by default: what differs there is the choice of a model, which is stated and not corrected.",
            "The car: the kinematic single-track model as published, solved by another solver.",
        ),
        (*_same_items(ours, theirs, theory), *_mixed_items(ours_mixed, theirs_mixed, apart), _published_item(published)),
        (_same_table(ours, theirs, theory), _mixed_table(ours_mixed, theirs_mixed, apart)),
        (_diagram(ours, theirs, theory, ours_mixed, theirs_mixed), _headway_chart(ours_mixed[2], theirs_mixed[2])),
    )  # fmt: skip


def _flows(seen: Sequence[Seen]) -> Floats:
    return np.array([one.stream.flow_per_h for one in seen])


def _same_items(ours: Sequence[Seen], theirs: Sequence[Seen], theory: Sequence[float]) -> tuple[Item, ...]:
    items = []
    for name, others in (("SUMO's", _flows(theirs)), ("theory's", np.array(theory))):
        off = deviations(_flows(ours), others)
        worst = int(np.argmax(np.abs(off)))
        items.append(
            Item(
                f"same drivers, {name} flow", f"flow within {100.0 * SAME_FLOW:g} % of capacity at every density",
                f"{100.0 * abs(off[worst]):.2g} %", bool(np.all(np.abs(off) <= SAME_FLOW)),
                f"With the same drivers our flow differs from {name} by at most {100.0 * abs(off[worst]):.2g} % of capacity, at "
                f"{DENSITIES[worst]} vehicles per km.",
            )
        )  # fmt: skip
    return tuple(items)


def _mixed_items(ours: Sequence[Seen], theirs: Sequence[Seen], apart: Sequence[tuple[Distance, Distance]]) -> tuple[Item, ...]:
    off = deviations(_flows(ours), _flows(theirs))
    worst, far = int(np.argmax(np.abs(off))), int(np.argmax([one.kolmogorov for one, _ in apart]))
    mean = float(np.mean(ours[far].headways.values) - np.mean(theirs[far].headways.values))
    return (
        Item(
            "default drivers, flow", f"flow within {100.0 * MIXED_FLOW:g} % of SUMO's capacity at every density",
            f"{100.0 * abs(off[worst]):.2g} %", bool(np.all(np.abs(off) <= MIXED_FLOW)),
            f"With each simulator's own drivers flows differ by at most {100.0 * abs(off[worst]):.2g} % of capacity, ours being "
            f"{'higher' if off[worst] > 0.0 else 'lower'}, at {MIXED[worst]} vehicles per km and lane.",
        ),
        Item(
            "default drivers, headways", f"Kolmogorov-Smirnov distance of time headways ≤ {SAME_DRIVER_KS:g} at every density",
            f"{apart[far][0].kolmogorov:.2f}", apart[far][0].kolmogorov <= SAME_DRIVER_KS,
            f"Headways differ most at {MIXED[far]} vehicles per km and lane, by a distance of {apart[far][0].kolmogorov:.2f}; our mean is "
            f"{said(abs(mean), 's')} {'longer' if mean > 0.0 else 'shorter'}. SUMO's drivers keep one headway of their own, ours one each.",
        ),
    )  # fmt: skip


def _published_item(difference: float) -> Item:
    return Item(
        "the car as published", f"place, heading and speed within {PUBLISHED_M:g} m, rad and m/s over 6 s", f"{difference:.1g}",
        difference <= PUBLISHED_M, f"Our car follows the published equations, solved by another solver, within {difference:.1g}.",
    )  # fmt: skip


def _same_table(ours: Sequence[Seen], theirs: Sequence[Seen], theory: Sequence[float]) -> Table:
    rows: list[Row] = [
        (float(one), a.stream.flow_per_h, b.stream.flow_per_h, flow, a.stream.speed_mps, b.stream.speed_mps)
        for one, a, b, flow in zip(DENSITIES, ours, theirs, theory, strict=True)
    ]
    columns = ("vehicles/km", "flow/h, ours", "SUMO", "theory", "speed, m/s, ours", "SUMO")
    return Table("One lane, the same driver everywhere", columns, tuple(rows))


def _mixed_table(ours: Sequence[Seen], theirs: Sequence[Seen], apart: Sequence[tuple[Distance, Distance]]) -> Table:
    rows: list[Row] = []
    for one, a, b, (of_headways, of_speeds) in zip(MIXED, ours, theirs, apart, strict=True):
        figures = (of_headways.kolmogorov, *of_headways.kolmogorov_range, of_headways.wasserstein)
        rows.append((float(one), a.stream.flow_per_h, b.stream.flow_per_h, *figures, of_speeds.kolmogorov, of_speeds.wasserstein))
    columns = ("vehicles/km", "flow/h, ours", "SUMO", "headways: KS", "from", "to", "Wasserstein, s", "speeds: KS", "Wasserstein, m/s")
    return Table("Two lanes, each simulator's own drivers; per lane", columns, tuple(rows))


def _diagram(
    ours: Sequence[Seen], theirs: Sequence[Seen], theory: Sequence[float], ours_mixed: Sequence[Seen], theirs_mixed: Sequence[Seen]
) -> Chart:
    lines = (
        series("theory, same drivers", DENSITIES, theory), series("ours, same drivers", DENSITIES, _flows(ours)),
        series("SUMO, same drivers", DENSITIES, _flows(theirs)), series("ours, own drivers", MIXED, _flows(ours_mixed)),
        series("SUMO, own drivers", MIXED, _flows(theirs_mixed)),
    )  # fmt: skip
    return Chart("Fundamental diagram", "vehicles per km and lane", "vehicles per hour and lane", lines, marks=True)


def _headway_chart(ours: Seen, theirs: Seen) -> Chart:
    edges = np.linspace(0.0, 6.0, 31)
    lines = tuple(series(name, edges[:-1], density(one.headways.values, edges)) for name, one in (("ours", ours), ("SUMO", theirs)))
    return Chart(f"Time headways, own drivers, {MIXED[2]} vehicles per km and lane", "time headway, s", "share per s", lines, steps=True)
