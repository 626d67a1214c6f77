"""Recorded behaviour: vehicles of NGSIM's recordings against our traffic on comparable roads.

A recording shows a few seconds of the vehicles about one of them. Our traffic is looked at through the same window: as many seconds of a
stretch of road, at the density at which our traffic is on average as fast as the recorded one; for streets, in a city.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from marque.common import Floats, InputError
from marque.driving.importers import default_city, load_map
from marque.driving.map import RoadMap
from marque.foundation.compute import Compute
from marque.proof.credibility.distributions import Distance, Sample, density, distance
from marque.proof.credibility.experiments.telling import all_of, said, series
from marque.proof.credibility.experiments.tracks import beside, of_log, of_traffic, window, write_ring
from marque.proof.credibility.model import Chart, Item, Row, Section, Table
from marque.proof.credibility.recorded import LaneChanges, Tracks, accelerations, headways, lane_changes, speeds, together
from marque.proof.statistics import intervals
from marque.simulation.commonroad import read_scenario
from marque.simulation.traffic import Traffic

FAR = 0.2
"""Of two distributions: a greater Kolmogorov-Smirnov distance counts as different, unless chance brings about as much."""
STEP_S, WARM_UP_S, LASTS_S = 0.1, 300.0, 40.0
ROUND_M, LANES, LIMIT_MPS = 3000.0, 5, 55.0 * 0.44704
"""Like US-101 in Los Angeles: five lanes, 55 mph."""
DENSITIES = (12, 20, 28, 36, 44, 52, 60, 68)
STRETCH_M = 500.0
CITY_VEHICLES = 400
SLOWS_MPS2 = 1.0
_OPTIMISED = "optimized"
"""In the source of recordings that were bent towards danger."""


@dataclass(frozen=True)
class Place:
    """Roads of one kind. prefixes: of the names of files; on_ring: compared on a motorway ring, else in a city."""

    name: str
    prefixes: tuple[str, ...]
    on_ring: bool


PLACES = (
    Place("motorway (US-101)", ("USA_US101",), on_ring=True),
    Place("streets (Lankershim, Peachtree)", ("USA_Lanker", "USA_Peach"), on_ring=False),
)


@dataclass(frozen=True)
class Behaviour:
    """Of one side on one kind of road."""

    headways: Sample
    speeds: Sample
    accelerations: Sample
    changes: LaneChanges


QUANTITIES: tuple[tuple[str, str, Callable[[Behaviour], Sample], Floats], ...] = (
    ("time headway", "s", lambda one: one.headways, np.linspace(0.0, 8.0, 33)),
    ("speed", "m/s", lambda one: one.speeds, np.linspace(0.0, 25.0, 26)),
    ("acceleration", "m/s²", lambda one: one.accelerations, np.linspace(-4.0, 4.0, 33)),
)


def recordings(folder: Path, place: Place) -> list[Path]:
    """The files of a kind of road, in order; those that cannot be read, and those that are no recordings any more, are left out."""
    found = []
    for path in sorted(one for prefix in place.prefixes for one in folder.glob(f"{prefix}*.xml")):
        try:
            scenario = read_scenario(path)
        except InputError:
            continue
        if _OPTIMISED not in scenario.source and scenario.actors.steps > 10 and not scenario.actors.stands.all():
            found.append(path)
    return found


@dataclass(frozen=True)
class Recording:
    """slows_mps2: mean over all its vehicles of how each one's speed falls from its first to its last moment."""

    behaviour: Behaviour
    speed_mps: float
    steps: int
    slows_mps2: float


def recorded(path: Path) -> Recording:
    """One recording, read."""
    scenario = read_scenario(path)
    tracks = of_log(scenario)
    mean = float(tracks.speed_mps[tracks.present].mean())
    return Recording(behaviour(tracks, beside(scenario.road_map)), mean, len(tracks.present), _slows(tracks))


def _slows(tracks: Tracks) -> float:
    rates = []
    for there, speed in zip(tracks.present.T, tracks.speed_mps.T, strict=True):
        seen = speed[there]
        if seen.size > 10:
            rates.append(float(seen[0] - seen[-1]) / ((seen.size - 1) * tracks.step_s))
    return float(np.mean(rates)) if rates else 0.0


def behaviour(tracks: Tracks, neighbours: Mapping[int, tuple[frozenset[int], frozenset[int]]]) -> Behaviour:
    return Behaviour(headways(tracks), speeds(tracks), accelerations(tracks), lane_changes(tracks, neighbours))


def simulated(density_per_km: int) -> Tracks:
    """Our traffic after it has settled, on the ring at a density per lane; in the city for 0."""
    road_map = _roads(density_per_km > 0)
    vehicles = round(density_per_km * ROUND_M / 1e3) * LANES if density_per_km else CITY_VEHICLES
    traffic = Traffic(road_map, vehicles=vehicles, seed=1, step_s=STEP_S)
    traffic.step(steps=round(WARM_UP_S / STEP_S))
    return of_traffic(traffic, round(LASTS_S / STEP_S))


@cache
def _roads(ring: bool) -> RoadMap:
    if not ring:
        return load_map(default_city())
    with TemporaryDirectory(prefix="marque-credibility-") as folder:
        return load_map(write_ring(Path(folder), ROUND_M, LANES, LIMIT_MPS))


def through_window(tracks: Tracks, number: int, steps: int, ring: bool) -> Tracks:
    """As much of our traffic as a recording of so many steps shows: one stretch of the ring, all of the city. number: which one."""
    first = (number * steps) % max(1, len(tracks.present) - steps)
    if not ring:
        return window(tracks, first, steps, np.arange(tracks.present.shape[1]))
    middle = first + steps // 2
    begin = 2.0 * math.pi * ((number * 0.618034) % 1.0)
    angle = (np.arctan2(tracks.y_m[middle], tracks.x_m[middle]) - begin) % (2.0 * math.pi)
    return window(tracks, first, steps, np.flatnonzero(angle < 2.0 * math.pi * STRETCH_M / ROUND_M))


def section(folder: Path | None, compute: Compute) -> Section:
    """folder: with CommonRoad files; without it nothing is compared, and that is said."""
    told: tuple[str, ...] = (
        "Vehicles of NGSIM's recordings, as CommonRoad has them, against our traffic on comparable roads. Both are read by the same "
        "instrument and through the same window: a few seconds of a stretch. On the motorway the density, which recordings do not tell, "
        "is the one at which our traffic is as fast as the recorded one; the mean speed there is therefore no prediction.",
        "The recordings lack the one vehicle that their planning problem stands for, so that about one headway in fourteen is too long. "
        "Values of one vehicle resemble each other: intervals and what chance brings about are found by drawing vehicles, not values.",
    )
    name, heading = "recorded-behaviour", "Traffic against recorded behaviour"
    files = {place: recordings(folder, place) for place in PLACES} if folder is not None else {}
    known = {place: paths for place, paths in files.items() if len(paths) > 1}
    if not known:
        why = "there were no recordings where it was measured"
        items = tuple(_unknown(f"{place.name}, {what[0]}", why) for place in PLACES for what in QUANTITIES)
        return Section(name, heading, told, items)
    items_found: list[Item] = []
    tables: list[Table] = []
    charts: list[Chart] = []
    for place, paths in known.items():
        seen = [recorded(path) for path in paths]
        told = (*told, _selection(place, seen))
        theirs, ours = _both(place, seen, compute)
        apart = [distance(pick(theirs), pick(ours)) for _, _, pick, _ in QUANTITIES]
        items_found += [_item(place, what, theirs, ours, one) for what, one in zip(QUANTITIES, apart, strict=True)]
        items_found.append(_change_item(place, theirs.changes, ours.changes))
        tables += [_table(place, theirs, ours, apart), _change_table(place, theirs.changes, ours.changes)]
        charts += [_chart(place, what, theirs, ours) for what in QUANTITIES]
    return Section(name, heading, told, tuple(items_found), tuple(tables), tuple(charts))


def _selection(place: Place, seen: Sequence[Recording]) -> str:
    slowing = sum(one.slows_mps2 > SLOWS_MPS2 for one in seen)
    told = f"{place.name}: {len(seen)} recordings of {sum(one.steps for one in seen) * STEP_S:.0f} s altogether."
    if not slowing:
        return told
    return (
        f"{told} In {slowing} of them all vehicles together slow by more than {SLOWS_MPS2:g} m/s² from beginning to end: what is at hand "
        "was chosen for being critical, and is no fair sample of what was recorded."
    )


def _both(place: Place, seen: Sequence[Recording], compute: Compute) -> tuple[Behaviour, Behaviour]:
    densities = DENSITIES if place.on_ring else (0,)
    runs = all_of(compute, simulated, densities)
    means = np.array([float(run.speed_mps.mean()) for run in runs])
    neighbours = beside(_roads(place.on_ring))
    ours = []
    for number, one in enumerate(seen):
        run = runs[int(np.argmin(np.abs(means - one.speed_mps)))]
        ours.append(behaviour(through_window(run, number, one.steps, place.on_ring), neighbours))
    return _joined([one.behaviour for one in seen]), _joined(ours)


def _joined(parts: Sequence[Behaviour]) -> Behaviour:
    changes = [one.changes for one in parts]
    return Behaviour(
        together([one.headways for one in parts]), together([one.speeds for one in parts]), together([one.accelerations for one in parts]),
        LaneChanges(
            sum(one.count for one in changes), sum(one.driven_km for one in changes), sum(one.driven_h for one in changes),
            np.concatenate([one.durations_s for one in changes]),
        ),
    )  # fmt: skip


_CRITERION = f"Kolmogorov-Smirnov distance ≤ {FAR:g}, or no more than chance brings about (95 %)"


def _unknown(name: str, why: str) -> Item:
    return Item(name, _CRITERION, "not measured", None, f"It could not be compared: {why}.")


Quantity = tuple[str, str, Callable[[Behaviour], Sample], Floats]


def _item(place: Place, what: Quantity, theirs: Behaviour, ours: Behaviour, apart: Distance) -> Item:
    name, unit, pick, _ = what
    (low, middle, high), (low_ours, middle_ours, high_ours) = (pick(one).quantiles([0.05, 0.5, 0.95]).tolist() for one in (theirs, ours))
    met = apart.kolmogorov <= max(FAR, apart.by_chance)
    return Item(
        f"{place.name}, {name}", _CRITERION,
        f"{apart.kolmogorov:.2f} ({apart.kolmogorov_range[0]:.2f} to {apart.kolmogorov_range[1]:.2f}; chance {apart.by_chance:.2f})", met,
        f"Recorded values have their median at {said(middle, unit)}, nine of ten between {said(low)} and {said(high, unit)}; ours have it "
        f"at {said(middle_ours, unit)}, between {said(low_ours)} and {said(high_ours, unit)}. On average they are "
        f"{said(apart.wasserstein, unit)} apart. {pick(theirs).vehicles} recorded vehicles.",
    )  # fmt: skip


def _change_item(place: Place, theirs: LaneChanges, ours: LaneChanges) -> Item:
    bounds = intervals.rate(theirs.count, theirs.driven_km)
    low, high = float(bounds.low), float(bounds.high)
    rate = ours.count / ours.driven_km if ours.driven_km else math.nan
    return Item(
        f"{place.name}, lane changes", "our rate per km lies in the exact 95 % interval of the recorded one",
        f"{said(rate)} against {said(low)} to {said(high)} per km", low <= rate <= high,
        f"Recorded are {theirs.count} changes in {said(theirs.driven_km, 'km')}, {said(theirs.count / theirs.driven_km)} per km; our "
        f"traffic changes lanes {said(rate)} times per km. {_lasting('recorded', theirs)}, {_lasting('of ours', ours)}.",
    )  # fmt: skip


def _lasting(whose: str, changes: LaneChanges) -> str:
    """Those that are on record from end to end."""
    if not changes.durations_s.size:
        return f"none {whose} is on record from end to end"
    middle = said(float(np.median(changes.durations_s)), "s")
    return f"{changes.durations_s.size} {whose} are on record from end to end, {middle} in the middle"


_SHARES = (0.05, 0.25, 0.5, 0.75, 0.95)


def _table(place: Place, theirs: Behaviour, ours: Behaviour, apart: Sequence[Distance]) -> Table:
    rows: list[Row] = []
    for (name, unit, pick, _), one in zip(QUANTITIES, apart, strict=True):
        for side, whose in (("recorded", theirs), ("ours", ours)):
            sample = pick(whose)
            told: Row = (f"{name}, {unit}, {side}", float(sample.vehicles), *(float(value) for value in sample.quantiles(_SHARES)))
            distances: Row = (one.kolmogorov, one.by_chance, one.wasserstein, *one.wasserstein_range) if side == "ours" else (None,) * 5
            rows.append((*told, *distances))
    columns = ("what", "vehicles", *(f"{100.0 * share:g} %" for share in _SHARES), "KS", "by chance", "Wasserstein", "from", "to")
    return Table(f"{place.name}: quantiles, and how far ours are from the recorded", columns, tuple(rows))


def _change_table(place: Place, theirs: LaneChanges, ours: LaneChanges) -> Table:
    rows: list[Row] = []
    for name, one in (("recorded", theirs), ("ours", ours)):
        bounds = intervals.rate(one.count, one.driven_km)
        lasts = [float(value) for value in np.quantile(one.durations_s, [0.25, 0.5, 0.75])] if one.durations_s.size else [None] * 3
        rate = one.count / one.driven_km if one.driven_km else None
        rows.append(
            (name, float(one.count), one.driven_km, rate, float(bounds.low), float(bounds.high), float(one.durations_s.size), *lasts)
        )
    columns = ("side", "changes", "km", "per km", "from", "to", "whole", "lasts, s: 25 %", "50 %", "75 %")
    return Table(f"{place.name}: lane changes", columns, tuple(rows))


def _chart(place: Place, what: Quantity, theirs: Behaviour, ours: Behaviour) -> Chart:
    name, unit, pick, edges = what
    lines = tuple(series(side, edges[:-1], density(pick(one).values, edges)) for side, one in (("recorded", theirs), ("ours", ours)))
    return Chart(f"{place.name}: {name}", f"{name}, {unit}", f"share per {unit}", lines, steps=True)
