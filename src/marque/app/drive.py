"""`marque drive`: scenario files driven by the pilot and judged, as a table, as JSON, as replays."""

from __future__ import annotations

import json
import multiprocessing
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from marque.app.stories import stories_summary, stories_table
from marque.app.terminal import wide_console
from marque.common import InputError
from marque.simulation.drive import Result, drive_file, facts, warm_up
from marque.simulation.judge import Verdict
from marque.simulation.library import SOURCE, write_library
from marque.simulation.openscenario import StoryResult, is_scenario
from marque.vehicle.sensors import THREE_LIDARS

ALL_SUCCEEDED, SOME_FAILED, BAD_INPUT = 0, 1, 2

_STYLES = {
    Verdict.GOAL: "green",
    Verdict.ILL_POSED: "dim",
    Verdict.ERROR: "bold red",
    Verdict.COLLISION: "red",
    Verdict.ROAD_EDGE: "red",
    Verdict.INFEASIBLE: "red",
}


def drive(
    paths: Sequence[Path], json_out: Path | None, replays: Path | None, workers: int, library: bool, perfect: bool, seed: int
) -> None:
    """Drive and judge scenario files. Exits with 0 when every one is a strict success, 1 when not, 2 when nothing could be driven."""
    if json_out is not None:
        json_out.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="marque-library-") as folder:
        own = _own_files(Path(folder)) if library else []
        results = _drive_all(scenario_files([*paths, *own]), replays, workers, perfect, seed)
    console = wide_console()
    stories = [result for result in results if isinstance(result, StoryResult)]
    drives = [result for result in results if not isinstance(result, StoryResult)]
    if stories:
        console.print(stories_table(stories))
        console.print(stories_summary(stories), highlight=False)
    if drives:
        console.print(table(drives))
        console.print(summary(drives), highlight=False)
    console.print(perceived(results), highlight=False)
    if json_out is not None:
        json_out.write_text(
            json.dumps({"results": [facts(result) for result in results]}, indent=1, allow_nan=False) + "\n", encoding="utf-8"
        )
    raise typer.Exit(exit_status(results))


def _own_files(folder: Path) -> list[Path]:
    with Console(stderr=True).status("making the scenarios"):
        return write_library(folder)


def _drive_all(files: Sequence[Path], replays: Path | None, workers: int, perfect: bool, seed: int) -> list[Result]:
    """Every file's results, with a bar that moves meanwhile."""
    if replays is not None:
        replays.mkdir(parents=True, exist_ok=True)
    results: list[Result] = []
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("driving", total=len(files))
        for found in drive_files(files, replays, workers, perfect, seed):
            results += found
            progress.advance(bar)
    return results


def scenario_files(paths: Sequence[Path]) -> list[Path]:
    """The files to drive, in the order given; of a folder every *.xml and *.xosc below it, by name, but for catalogs.

    Raises InputError where there is none.
    """
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted([*path.rglob("*.xml"), *(file for file in path.rglob("*.xosc") if is_scenario(file))])
            if not inside:
                raise InputError(str(path), "", "the folder holds no .xml file, and no .xosc file to drive")
            files += inside
        elif path.exists():
            files.append(path)
        else:
            raise InputError(str(path), "", "there is no such file or folder")
    if not files:
        raise InputError("PATH", "", "no scenario is named", "Name files or folders, or use --library.")
    return files


def drive_files(files: Sequence[Path], replays: Path | None, workers: int, perfect: bool = False, seed: int = 0) -> Iterator[list[Result]]:
    """The results of each file, in order. A file that takes its worker down with it is an error, and the others are driven on.

    seed: of the sensors' errors.
    """
    work = partial(drive_file, replay=replays, suite=None if perfect else THREE_LIDARS, seed=seed)
    warm_up()  # compiles the kernels where that was never done; workers load them
    if workers <= 1 or len(files) == 1:
        yield from map(work, files)
        return
    left = list(files)
    while left:
        done = 0
        with _pool(min(workers, len(left))) as pool:
            futures: list[Future[list[Result]]] = [pool.submit(work, path) for path in left]
            for future in futures:
                try:
                    yield future.result()
                    done += 1
                except BrokenProcessPool:
                    break
        if done < len(left):  # one of those in flight did it: the first is driven alone, to be sure who
            yield _alone(work, left[done])
            done += 1
        left = left[done:]


def _pool(workers: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"), initializer=warm_up)


def _alone(work: partial[list[Result]], path: Path) -> list[Result]:
    with _pool(1) as pool:
        try:
            return pool.submit(work, path).result()
        except BrokenProcessPool:
            return [Result(path.name, path.stem, "", None, Verdict.ERROR, "the process that drove it died")]


def exit_status(results: Sequence[Result]) -> int:
    if results and all(result.strict_success for result in results):
        return ALL_SUCCEEDED
    return BAD_INPUT if all(result.problem is None for result in results) else SOME_FAILED


def table(results: Sequence[Result]) -> Table:
    sheet = Table(box=None, pad_edge=False, header_style="bold")
    left = {"scenario", "verdict", "collision", "at fault"}
    for heading in (
        "scenario",
        "verdict",
        "goal s",
        "collision",
        "at fault",
        "edge s",
        "brake",
        "lateral",
        "jerk",
        "TTC s",
        "p50 ms",
        "p99 ms",
        "× real time",
        "score",
    ):
        sheet.add_column(heading, no_wrap=True, justify="left" if heading in left else "right")
    sheet.add_column("why", overflow="fold")
    for result in results:
        sheet.add_row(*_row(result), style=_STYLES.get(result.verdict))
    return sheet


def _row(result: Result) -> list[str]:
    felt = result.comfort
    hit = "" if result.collision_s is None else f"{result.collision_s:.1f} s with {result.collision_with}"
    return [
        result.file.removesuffix(".xml"),
        str(result.verdict),
        _figure(result.goal_s, 1),
        hit,
        "" if result.at_fault is None else "yes" if result.at_fault else "no",
        _figure(result.edge_s, 1),
        *(("", "", "") if felt is None else (f"{felt.braking_max_mps2:.1f}", f"{felt.lateral_max_mps2:.1f}", f"{felt.jerk_max_mps3:.0f}")),
        _figure(result.ttc_min_s, 1),
        _figure(result.cycle_ms_p50, 2),
        _figure(result.cycle_ms_p99, 2),
        _figure(result.real_time_factor, 0),
        _figure(None if result.scores is None else result.scores["nuplan"], 2),
        result.why,
    ]


def _figure(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"


_RECORDINGS = (
    "ngsim",
    "next generation simulation",
    "highd",
    "ind dataset",
    "round dataset",
    "exid",
    "unid",
    "interaction dataset",
    "recorded",
)


def origin(result: Result) -> str:
    """Where a scenario is from, by its `source` attribute: the library, recorded traffic, SUMO's, hand-made; or unreadable."""
    said = result.source.lower()
    if result.problem is None:
        return "unreadable"
    if result.source == SOURCE:
        return "library"
    return "recorded" if any(word in said for word in _RECORDINGS) else "SUMO" if "sumo" in said else "hand-made"


def perceived(results: Sequence[Result]) -> str:
    """What the cars were given to see, by the number of drives."""
    kinds = Counter(result.perception for result in results if result.perception is not None)
    return "perception: " + (", ".join(f"{kind} in {count} drives" for kind, count in kinds.most_common()) or "nothing was driven")


def summary(results: Sequence[Result]) -> str:
    """How many of the well-posed ones succeeded, by origin, and how many of each verdict."""
    lines = []
    origins = [origin(result) for result in results]
    for kind in ("all", "library", "recorded", "SUMO", "hand-made", "unreadable"):
        group = [result for result, its in zip(results, origins, strict=True) if kind in {"all", its}]
        posed = [result for result in group if result.verdict is not Verdict.ILL_POSED]
        if group and (kind != "all" or len(set(origins)) > 1):
            successes = sum(result.strict_success for result in posed)
            share = f" ({100.0 * successes / len(posed):.0f} %)" if posed else ""
            lines.append(f"{kind}: {successes} of {len(posed)} well-posed reached strictly{share}, {len(group) - len(posed)} ill-posed")
    counts: Counter[str] = Counter(str(result.verdict) for result in results)
    excused = sum(result.at_fault is False for result in results)
    lines.append(", ".join(f"{name} {count}" for name, count in counts.most_common()) + (f"; not at fault in {excused}" if excused else ""))
    return "\n".join(lines)
