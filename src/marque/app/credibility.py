"""`marque credibility`: what is known of how far the simulator can be believed, as a file for the report and as a page."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import metadata
from pathlib import Path

import numpy as np
import typer
from rich.table import Table

import marque
from marque import __version__
from marque.app.credibility_page import page
from marque.app.terminal import wide_console
from marque.common import InputError
from marque.foundation.compute import Compute
from marque.foundation.compute_pool import ProcessPool
from marque.proof.credibility import Credibility, Section
from marque.proof.credibility.experiments import behaviour, other_simulators, parameters, sumo, time_steps
from marque.proof.credibility.experiments.closed_loop import Trial, library
from marque.proof.evidence import digests
from marque.proof.suites import cases, located, read_suite
from marque.vehicle import MODELS

SAMPLE, TRAJECTORIES = 48, 10
_SEED = 1
_CODE = ("common", "driving", "simulation", "vehicle", "proof/credibility", "proof/suites")
_PACKAGES = ("numpy", "scipy", "numba", "openturns", "eclipse-sumo")
_MET = {True: "met", False: "[red]not met[/red]", None: "[yellow]not measured[/yellow]"}


def write_credibility(
    out: Path, *, commonroad: Path | None, suite: Path | None, vehicle: str, sample: int, sobol: int, workers: int
) -> Credibility:
    """Measures, writes `credibility.json` and `credibility.html` into `out`, and prints what came of it. Raises InputError.

    commonroad: a folder with recordings; without one recorded behaviour is not measured. suite: whose cases are driven at finer steps;
    without one scenes of the library. sample: so many cases. sobol: size of the sample of Sobol's indices, 0 for none.
    """
    if vehicle not in MODELS:
        raise InputError("--vehicle", vehicle, "there is no such vehicle model", f"There are {', '.join(MODELS)}.")
    if commonroad is not None and not commonroad.is_dir():
        raise InputError("--commonroad", commonroad.name, "there is no such folder")
    trials, rests_on, settings = _cases(suite, vehicle, sample)
    rests_on |= _code() | _recordings(commonroad)  # as they are before anything is measured
    with ProcessPool(workers) as compute:
        sections = _sections(trials, vehicle, commonroad, sobol, compute)
    found = Credibility(sections, rests_on, settings | _settings(vehicle, sample, sobol))
    out.mkdir(parents=True, exist_ok=True)
    (out / "credibility.json").write_bytes(found.dumps())
    (out / "credibility.html").write_text(page(found), encoding="utf-8")
    _print(found, out)
    return found


def _sections(trials: list[Trial], vehicle: str, commonroad: Path | None, sobol: int, compute: Compute) -> tuple[Section, ...]:
    """One after another, each told when it is there."""
    measurements: tuple[Callable[[], Section], ...] = (
        partial(time_steps.section, trials, vehicle, compute),
        partial(other_simulators.section, vehicle, compute),
        partial(parameters.section, vehicle, TRAJECTORIES, sobol, compute),
        partial(behaviour.section, commonroad, compute),
    )
    sections = []
    for measure in measurements:
        sections.append(measure())
        met = [item.met for item in sections[-1].items]
        typer.echo(f"{sections[-1].title}: {met.count(True)} met, {met.count(False)} not met, {met.count(None)} not measured", err=True)
    return tuple(sections)


def _cases(suite: Path | None, vehicle: str, sample: int) -> tuple[list[Trial], dict[str, str], dict[str, str]]:
    """(cases as they are, digests of what they come from, what was chosen)."""
    if suite is None:
        names = library(sample)
        return [Trial(name, vehicle, _SEED) for name in names], {}, {"cases": f"{len(names)} scenes of the library"}
    suite = located(suite)
    known = read_suite(suite)
    drawn = cases(known, _SEED)
    chosen = sorted({round(at) for at in np.linspace(0, len(drawn) - 1, min(sample, len(drawn)))})
    trials = [Trial(k, vehicle, drawn[k].seed, suite.resolve(), _SEED) for k in chosen]
    return trials, {f"suite/{known.name}": known.digest}, {"cases": f"{len(trials)} of {len(drawn)} cases of {known.name}"}


def _code() -> dict[str, str]:
    return digests.of_code(Path(marque.__file__).parent, _CODE)


def _recordings(folder: Path | None) -> dict[str, str]:
    if folder is None:
        return {}
    return {f"recording/{one.name}": digests.of_file(one) for place in behaviour.PLACES for one in behaviour.recordings(folder, place)}


def _settings(vehicle: str, sample: int, sobol: int) -> dict[str, str]:
    packages = ", ".join(f"{name} {metadata.version(name)}" for name in _PACKAGES)
    told = {"vehicle": vehicle, "sample": sample, "seed": _SEED, "walks of Morris": TRAJECTORIES, "sample of Sobol": sobol}
    return {name: str(value) for name, value in told.items()} | {"marque": __version__, "SUMO": sumo.version(), "packages": packages}


def _print(found: Credibility, out: Path) -> None:
    console, table = wide_console(), Table(show_edge=False)
    for column in ("what", "measured", "criterion", ""):
        table.add_column(column)
    for section in found.sections:
        table.add_section()
        for item in section.items:
            table.add_row(item.name, item.measured, item.criterion, _MET[item.met])
    console.print(table)
    unmet = sum(item.met is False for item in found.items)
    console.print(f"{len(found.items)} criteria, {unmet} not met; {out / 'credibility.html'}", highlight=False)
