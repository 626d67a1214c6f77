"""More of the product's command line: what a whole line's files say together. Thin wrappers, as in `cli.py`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from marque.app.cli_product import Cache, Day, File, Given, JsonOut, Method, Search, product

__all__ = ["product"]

Bill = Annotated[Path, typer.Argument(metavar="BILL", help="A 150 % bill of materials: a JSON file, or a folder of them.")]


@product.command()
def parts(
    file: File, bill: Bill, json: JsonOut = None, cache: Cache = None, method: Method = "sat", search: Search = None
) -> None:  # fmt: skip
    """Prove that every car gets exactly one part in each slot, or show cars that do not. Exit status 1: there are such cars."""
    from marque.app.product import Opening
    from marque.app.product_line import parts as run

    raise typer.Exit(0 if run(Opening(file, cache, method, search or [], None, []), bill, json) else 1)


@product.command()
def price(
    file: File,
    prices: Annotated[Path, typer.Argument(metavar="PRICES", help="A folder of price lists and tax rules, JSON.")],
    market: Annotated[str, typer.Option(metavar="CODE", help="Whose list and rules.")],
    region: Annotated[str, typer.Option(metavar="CODE", help="Where the car is registered, where that matters.")] = "",
    select: Annotated[list[str] | None, typer.Option(metavar="FEATURE", help="Chosen; may be repeated.")] = None,
    deselect: Annotated[list[str] | None, typer.Option(metavar="FEATURE", help="Left out; may be repeated.")] = None,
    json: JsonOut = None,
    cache: Cache = None,
    method: Method = "auto",
    search: Search = None,
    on: Day = None,
    given: Given = None,
) -> None:
    """What the cheapest car with some features costs on a day, line by line, taxes included."""
    from marque.app.product import Opening
    from marque.app.product_line import price as run

    run(Opening(file, cache, method, search or [], on, given or []), prices, (market, region), select or [], deselect or [], json)


@product.command()
def differences(
    file: File,
    before: Annotated[str, typer.Argument(metavar="BEFORE", help="A feature, such as a model year.")],
    after: Annotated[str, typer.Argument(metavar="AFTER", help="Another one.")],
    bill: Annotated[Path | None, typer.Option(metavar="BILL", help="The bill of materials, to tell parts as well.")] = None,
    json: JsonOut = None,
    cache: Cache = None,
    method: Method = "auto",
    search: Search = None,
    given: Given = None,
) -> None:
    """What changes between two variants of a line: features that only one of them may have, and their parts."""
    from marque.app.product import Opening
    from marque.app.product_line import differences as run

    run(Opening(file, cache, method, search or [], None, given or []), before, after, bill, json)
