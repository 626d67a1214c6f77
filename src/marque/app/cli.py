"""The command line: thin wrappers, so that `marque --help` loads none of what the commands need.

Each command is a function in a module of its own, `marque.app.<command>.<command>`; its wrapper here holds options and help, nothing else.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from marque import __version__
from marque.app import cli_companies, cli_product_line, cli_proof, cli_release
from marque.common import MarqueError

app = typer.Typer(
    help="A smart-car brand of two companies: driven in simulation, agreed and signed by both.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


app.add_typer(cli_companies.alliance, name="alliance")
app.add_typer(cli_companies.keys, name="keys")
app.add_typer(cli_companies.audit, name="audit")
app.add_typer(cli_product_line.product, name="product")
app.add_typer(cli_release.release, name="release")
cli_proof.add_to(app)


@app.callback(invoke_without_command=True)
def _options(version: bool = typer.Option(False, "--version", help="Print the version.")) -> None:
    if version:
        typer.echo(__version__)


@app.command()
def drive(
    paths: Annotated[
        list[Path] | None, typer.Argument(metavar="PATH...", help="CommonRoad (.xml) or OpenSCENARIO (.xosc) files, or folders.")
    ] = None,
    json: Annotated[Path | None, typer.Option("--json", metavar="OUT", help="Write the results as JSON.")] = None,
    replays: Annotated[Path | None, typer.Option(metavar="DIR", help="Keep a replay of every drive.")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes that drive at the same time.")] = 1,
    library: Annotated[bool, typer.Option("--library", help="Drive the scenarios that come with Marque.")] = False,
    perfect: Annotated[bool, typer.Option("--perfect", help="The car knows everything as it is, instead of through its sensors.")] = False,
    seed: Annotated[int, typer.Option(min=0, help="Another seed, other errors of the sensors.")] = 0,
) -> None:
    """Drive scenario files and say how it went. Exit status 0: every one a strict success; 1: not; 2: nothing usable."""
    from marque.app.drive import drive as run

    run(paths or [], json, replays, workers, library, perfect, seed)


@app.command()
def library(
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Write the files into a folder.")] = None,
) -> None:
    """The scenarios that come with Marque, by name, or as CommonRoad files."""
    from marque.app.library import library as run

    run(out)


@app.command("run")
def run_page(
    map_file: Annotated[Path | None, typer.Option("--map", metavar="FILE", help="A road map; else the default city.")] = None,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any free one.")] = 8000,
    vehicles: Annotated[int, typer.Option(min=0, max=5000, help="Vehicles in traffic.")] = 400,
    pedestrians: Annotated[int, typer.Option(min=0, max=5000, help="Pedestrians.")] = 60,
    cars: Annotated[int, typer.Option(min=0, max=100, help="Self-driving cars.")] = 10,
    seed: Annotated[int, typer.Option(min=0, help="Another seed, another day.")] = 1,
    replays: Annotated[Path | None, typer.Option(metavar="DIR", help="A folder of replays to show as well.")] = None,
    open_browser: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
) -> None:
    """The city on a page in the browser, until Ctrl-C."""
    from marque.app.run import run

    traffic = {"vehicles": vehicles, "pedestrians": pedestrians, "cars": cars, "seed": seed}
    run(map_file, host=host, port=port, replays=replays, open_browser=open_browser, **traffic)


@app.command()
def city(
    map_file: Annotated[Path | None, typer.Option("--map", metavar="FILE", help="A road map; else the default city.")] = None,
    hours: Annotated[float, typer.Option(min=0.001, max=100.0, help="Simulated hours.")] = 1.0,
    seed: Annotated[int, typer.Option(min=0, help="Another seed, another day.")] = 1,
    vehicles: Annotated[int, typer.Option(min=0, max=5000, help="Vehicles in traffic.")] = 400,
    pedestrians: Annotated[int, typer.Option(min=0, max=5000, help="Pedestrians.")] = 60,
    cars: Annotated[int, typer.Option(min=1, max=100, help="Self-driving cars.")] = 10,
    perfect: Annotated[bool, typer.Option("--perfect", help="The cars know everything as it is.")] = False,
    json: Annotated[Path | None, typer.Option("--json", metavar="OUT", help="Write everything counted as JSON.")] = None,
    replays: Annotated[Path | None, typer.Option(metavar="DIR", help="Keep a short replay around every incident.")] = None,
    seeds: Annotated[int, typer.Option(min=1, help="So many runs, each with the next seed.")] = 1,
    workers: Annotated[int, typer.Option(min=1, help="Processes that run at the same time, a seed each.")] = 1,
) -> None:
    """Hours of the city without a page: trips, collisions and whose fault, waits, comfort. Exit status 1: at fault, or stuck."""
    from marque.app.city import Run, runs_of
    from marque.app.city import city as run

    run(runs_of(Run(map_file, hours, seed, vehicles, pedestrians, cars, perfect, replays), seeds), workers, json)


@app.command()
def faults(
    json: Annotated[Path | None, typer.Option("--json", metavar="OUT", help="Write every drive's finding as JSON.")] = None,
    findings: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Append each finding as it comes; what the file holds is not driven again.")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Drives of each fault in each cell, a little different.")] = 1,
    seed: Annotated[int, typer.Option(min=1, help="The first of the seeds.")] = 1,
    pairs: Annotated[bool, typer.Option("--pairs", help="Two faults at a time instead of one.")] = False,
    cell: Annotated[list[str] | None, typer.Option(metavar="NAME", help="Only cells whose names hold this; may be repeated.")] = None,
    fault: Annotated[list[str] | None, typer.Option(metavar="NAME", help="Only this fault; may be repeated.")] = None,
    perfect: Annotated[bool, typer.Option("--perfect", help="Whoever a working sensor could see is known as he is.")] = False,
    vehicle: Annotated[str, typer.Option(metavar="MODEL", help="The vehicle model that is driven, with its actuators.")] = "vela",
    replays: Annotated[Path | None, typer.Option(metavar="DIR", help="Keep a replay of every drive.")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes that drive at the same time.")] = 1,
    sample: Annotated[int, typer.Option(min=1, metavar="N", help="Only each N-th drive, in turn over faults and cells.")] = 1,
    part: Annotated[int, typer.Option(min=0, metavar="K", help="Which of the N samples; all of them are every drive, once.")] = 0,
) -> None:
    """Break something in every cell of the domain and see where the car ends. Exit status 1: a drive was not safe."""
    from marque.app.faults import Way
    from marque.app.faults import faults as run

    run(
        json, findings, seeds=seeds, first_seed=seed, pairs=pairs, cells=cell or [], kinds=fault or [], workers=workers, sample=sample,
        part=part, way=Way(perfect, vehicle, replays),
    )  # fmt: skip


@app.command("map")
def show_map(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="SUMO, OpenDRIVE, OpenStreetMap or CommonRoad.")],
    png: Annotated[Path | None, typer.Option("--png", metavar="OUT", help="Draw it.")] = None,
) -> None:
    """What a road map holds and what was left out of it."""
    from marque.app.map import show_map as run

    run(file, png)


@app.command()
def serve(
    working: Annotated[bool, typer.Option("--working", help="Be the worker as well: for an installation of one process.")] = False,
) -> None:
    """The console and the API for an installation, as the settings (MARQUE_…) say, until SIGTERM."""
    from marque.app.operating import serve as run

    run(working)


@app.command()
def worker() -> None:
    """Deliver events and run jobs of an installation, until SIGTERM."""
    from marque.app.operating import work as run

    run()


def main() -> None:
    """Run the command line; what Marque raises on purpose, or a file that cannot be written, becomes one message and exit status 2."""
    try:
        app(prog_name="marque")
    except MarqueError as error:
        _stop(str(error))
    except OSError as error:
        if error.filename is None:
            raise
        _stop(f"{error.filename}: {error.strerror}.")


def _stop(message: str) -> NoReturn:
    command = next((argument for argument in sys.argv[1:] if not argument.startswith("-")), "")
    typer.echo(f"marque {command}: {message}", err=True)
    raise SystemExit(2) from None


if __name__ == "__main__":
    main()
