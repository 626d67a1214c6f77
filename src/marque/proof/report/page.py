"""The report as one HTML page: nothing in it comes from elsewhere, nothing runs, and it prints."""

from __future__ import annotations

from importlib import resources

from jinja2 import Environment, PackageLoader, StrictUndefined

from marque.proof.report.view import View


def unsound_page(view: View) -> str:
    return _environment().get_template("unsound.html").render(view, css=_css())


def page(view: View, drawing: str, forest_wide: tuple[str, ...], forest_narrow: tuple[str, ...]) -> str:
    """view: of a sound release. drawing: the safety case; forest_…: the intervals by cell, for a desk and for a telephone; all SVG, which
    the templates take as it is: everything in it was escaped when it was drawn.
    """
    template = _environment().get_template("report.html")
    return template.render(view, css=_css(), drawing=drawing, forest_wide=forest_wide, forest_narrow=forest_narrow)


def _css() -> str:
    return (resources.files("marque.proof.report") / "templates/report.css").read_text("utf-8")


def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("marque.proof.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
