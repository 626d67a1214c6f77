"""The command line of the product's room: thin wrappers, as in `cli.py`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

product = typer.Typer(no_args_is_help=True, help="Feature models: which cars may be built, and configuring one, click by click.")

File = Annotated[Path, typer.Argument(metavar="FILE.uvl", help="A feature model in UVL.")]
JsonOut = Annotated[Path | None, typer.Option("--json", metavar="OUT", help="Write the answer as JSON.")]
Cache = Annotated[Path | None, typer.Option(metavar="DIR", help="Where compiled models are kept; the user's cache unless named.")]
Method = Annotated[str, typer.Option(help="circuit, sat, or auto: a circuit where one can be had in reasonable time.")]
Search = Annotated[list[Path] | None, typer.Option(metavar="DIR", help="Where imported models are looked for besides; may be repeated.")]
Day = Annotated[str | None, typer.Option("--on", metavar="YYYY-MM-DD", help="The day of building: what is not built then is excluded.")]
Given = Annotated[list[str] | None, typer.Option(metavar="FEATURE", help="Decided beforehand, such as the market; may be repeated.")]
Compile = Annotated[float, typer.Option("--compile-s", min=0.0, help="Processor time for compiling; what is made by then is kept.")]
Repairs = Annotated[int, typer.Option(min=0, max=20, help="So many ways of making a refused click possible.")]


@product.command()
def check(
    file: File,
    json: JsonOut = None,
    cache: Cache = None,
    method: Method = "auto",
    search: Search = None,
    on: Day = None,
    given: Given = None,
    compile_s: Compile = 600.0,
) -> None:
    """How many cars a model has, exactly, and which features are in all of them, or in none. Exit status 1: there is no car."""
    from marque.app.product import Opening
    from marque.app.product import check as run

    raise typer.Exit(0 if run(Opening(file, cache, method, search or [], on, given or [], compile_s), json) else 1)


@product.command()
def clicks(
    file: File,
    trace: Annotated[Path, typer.Argument(metavar="TRACE.json", help='A list of {"select"|"deselect"|"retract": FEATURE}.')],
    json: JsonOut = None,
    cache: Cache = None,
    method: Method = "auto",
    search: Search = None,
    on: Day = None,
    given: Given = None,
    compile_s: Compile = 60.0,
    repairs: Repairs = 0,
    count: Annotated[bool, typer.Option("--count", help="How many cars are left after each click, exactly.")] = False,
) -> None:
    """Answer a trace of clicks: what is forced, forbidden and free after each, or why it is refused."""
    from marque.app.product import Opening
    from marque.app.product_clicks import clicks as run

    run(Opening(file, cache, method, search or [], on, given or [], compile_s), trace, json, repairs, count)


@product.command()
def explain(
    file: File,
    feature: Annotated[str, typer.Argument(metavar="FEATURE", help="The feature that is asked about.")],
    select: Annotated[list[str] | None, typer.Option(metavar="FEATURE", help="Decided before, in this order; may be repeated.")] = None,
    deselect: Annotated[list[str] | None, typer.Option(metavar="FEATURE", help="Decided against before; may be repeated.")] = None,
    repairs: Repairs = 3,
    json: JsonOut = None,
    cache: Cache = None,
    method: Method = "auto",
    search: Search = None,
    on: Day = None,
    given: Given = None,
    compile_s: Compile = 60.0,
) -> None:
    """Why a feature is forced or forbidden after some decisions, and what to change to have it otherwise."""
    from marque.app.product import Opening
    from marque.app.product_clicks import explain as run

    run(Opening(file, cache, method, search or [], on, given or [], compile_s), feature, select or [], deselect or [], repairs, json)


@product.command()
def configure(
    file: File,
    cache: Cache = None,
    method: Method = "auto",
    search: Search = None,
    on: Day = None,
    given: Given = None,
    compile_s: Compile = 60.0,
    repairs: Repairs = 3,
) -> None:
    """Configure a car in the terminal: one click a line, until `quit` or the end of the input; `help` tells the words."""
    from marque.app.product import Opening
    from marque.app.product_dialogue import configure as run

    run(Opening(file, cache, method, search or [], on, given or [], compile_s), repairs)
