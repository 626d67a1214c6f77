"""What there is to ask of the application by a browser, read off its routers; and pages as trees."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fastapi.routing import APIRoute
from lxml import html

ELSEWHERE = ("/api/", "/health/", "/metrics", "/static", "/car/", "/{tenant}/")
"""What the application answers to programs."""


def routes_of(routes: Iterable[object]) -> Iterator[tuple[str, APIRoute]]:
    """Every route that a browser may be led to, wherever it was included from, as method and route."""
    for route in routes:
        if isinstance(route, APIRoute):
            if not route.path.startswith(ELSEWHERE):
                yield from ((method, route) for method in sorted(route.methods))
        elif (inner := getattr(route, "original_router", None)) is not None:
            yield from routes_of(inner.routes)


def tree(text: str) -> html.HtmlElement:
    return html.document_fromstring(text)


def faults_of_markup(page: html.HtmlElement) -> list[str]:
    """What somebody's words could have made of a page: everything that runs, or that leads to what runs."""
    found = [html.tostring(one).decode() for one in page.iter("script") if not (one.get("src") or "").startswith("/static/") or one.text]
    for one in page.iter(html.etree.Element):
        found += [f"{one.tag} {name}={value}" for name, value in one.attrib.items() if name.startswith("on") or name in {"style", "srcdoc"}]
        found += [
            f"{name}={value}"
            for name in ("href", "action", "formaction", "src")
            if (value := one.get(name)) and not value.startswith(("/", "?", "#", "http://", "https://"))
        ]
    return found + [one.tag for one in page.iter("iframe", "object", "embed", "svg", "base", "img")]
