"""`credibility.html`: one page that needs nothing else, readable without script, in print and in the dark."""

from __future__ import annotations

import math
from types import SimpleNamespace

from jinja2 import Environment, PackageLoader, StrictUndefined

from marque.app.credibility_charts import svg
from marque.proof.credibility import Chart, Credibility, Table

_WORDS = {
    True: SimpleNamespace(text="met", **{"class": "met"}),
    False: SimpleNamespace(text="not met", **{"class": "unmet"}),
    None: SimpleNamespace(text="not measured", **{"class": "open"}),
}


def page(credibility: Credibility) -> str:
    """The same bytes for the same credibility."""
    environment = Environment(
        loader=PackageLoader("marque.app"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )  # fmt: skip
    environment.globals.update(svg=svg, figures=figures, figure=figure, words=_WORDS)
    met = [item.met for item in credibility.items]
    counts = {"all": len(met), "met": met.count(True), "unmet": met.count(False), "open": met.count(None)}
    return environment.get_template("credibility.html").render(credibility=credibility, counts=counts)


def figure(value: float | None) -> str:
    """Four significant digits at most; a dash where there is nothing."""
    if value is None or not math.isfinite(value):
        return "–"
    if value == 0.0 or 1e-4 <= abs(value) < 1e6:
        return f"{float(f'{value:.4g}'):,.10g}".replace("-", "−")
    return f"{value:.3g}".replace("-", "−")


def figures(chart: Chart) -> Table:
    """What a chart draws: by x, one column for each series; "" is the title, which the chart has."""
    xs = sorted({x for one in chart.series for x in one.x})
    found = [dict(zip(one.x, one.y, strict=True)) for one in chart.series]
    rows = tuple((x, *(one.get(x) for one in found)) for x in xs)
    return Table("", (chart.x, *(f"{one.name}: {chart.y}" for one in chart.series)), rows)
