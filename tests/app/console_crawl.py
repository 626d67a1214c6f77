"""Somebody who goes through every page of the console and writes the same words into every field of every form."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit

import httpx
from console_routes import faults_of_markup, tree
from fastapi.routing import APIRoute
from lxml import html

WORDS = "\"'><script>canary</script><b onclick=canary>&amp;{{7*7}}"
"""What they write."""
FITTING = {
    "code": "canary", "email": "<script>canary</script>@x.example", "owner": "alcyone", "since": "2022-02-02", "effective": "2022-05-05",
    "expires": "2022-05-05", "part": "canary", "model": 'features\n    "<script>canary</script>"\n', "file": "", "starts": "", "ends": "",
    "years": "", "markets": "", "plants": "", "version": "1", "release_name": "canary", "digest": "0" * 64, "vehicle_model": "vela",
    "for_markets": "cn", "rxswin": "", "requires": "", "conflicts": "", "state": "filed", "0-name": "canary",
} | {f"{row}-{name}": "" for row in range(6) for name in (
    "percent", "soak", "success", "error", "models", "markets", "features", "cars", "reported", "least", "attempts", "disengagements",
    "minimal-risk", "least-km", "from", "until", *(["name"] if row else []),
)}  # fmt: skip
"""Where a field takes no words, what it takes that is nearest to them."""
ENOUGH = 3
"""So many pages of one route, and so many forms of one."""


@dataclass
class Crawl:
    """ask: sends method, address and form. seen: answers by route; shown: routes on whose pages the words stand; wrong: what they did."""

    ask: Callable[..., httpx.Response]
    routes: list[APIRoute]
    writes: bool = True
    seen: dict[str, int] = field(default_factory=dict)
    sent: dict[str, set[int]] = field(default_factory=dict)
    shown: set[str] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)
    led: list[str] = field(default_factory=list)
    """Where forms that were taken lead to."""

    def through(self, start: str) -> None:
        """Everywhere that links lead to, and where what was written has made new places, once more."""
        for _ in range(2):
            self.seen.clear()
            waiting, known = [start], {start}
            while waiting:
                where = waiting.pop(0)
                page = self.visit(where)
                if page is None:
                    continue
                if self.writes:
                    self.write_all(where, page)
                links = [urljoin(where, one) for one in page.xpath("//a[not(@download)]/@href")]
                for one in (*links, *self.led):
                    there = one.split("#")[0]
                    if there.startswith("/console") and "lang=" not in there and there not in known:
                        known.add(there)
                        waiting.append(there)

    def visit(self, where: str) -> html.HtmlElement | None:
        route = self.route(where)
        if self.seen.get(route, 0) >= ENOUGH:
            return None
        self.seen[route] = self.seen.get(route, 0) + 1
        return self.look(route, self.ask("GET", where))

    def look(self, route: str, answer: httpx.Response) -> html.HtmlElement | None:
        if "html" not in answer.headers.get("content-type", ""):
            return None
        page = tree(answer.text)
        self.wrong += [f"{route}: {one}" for one in faults_of_markup(page)]
        if "<script>canary</script>" in answer.text:
            self.wrong.append(f"{route}: the words as they are")
        if "<script>canary</script>" in page.text_content() or any("<script>canary" in value for value in _values(page)):
            self.shown.add(route)
        return page

    def write_all(self, where: str, page: html.HtmlElement) -> None:
        for form in page.xpath("//form[@method='post'][not(contains(@action, '/sign-out'))]"):
            action = urljoin(where, form.get("action") or where)
            route = self.route(action)
            if len(self.sent.get(route, ())) >= ENOUGH and 303 in self.sent[route]:
                continue
            for fitting in (False, True):
                fields = list(_filled(form, fitting=fitting))
                answer = self.ask("POST", action, fields)
                self.sent.setdefault(route, set()).add(answer.status_code)
                self.look(route, answer)
                if answer.status_code == 303:
                    self.led.append(urljoin(where, answer.headers["location"]))
                if answer.status_code < 400:
                    break

    def route(self, where: str) -> str:
        path = urlsplit(where).path
        return next((one.path for one in self.routes if one.path_regex.match(path)), path)


def _filled(form: html.HtmlElement, *, fitting: bool) -> Iterator[tuple[str, str]]:
    """The form's fields as a browser sends them, with the words in whatever takes text."""
    for one in form.xpath(".//input[@name] | .//textarea[@name] | .//select[@name]"):
        name, kind = one.get("name"), one.get("type", one.tag)
        if kind == "hidden":
            yield name, one.get("value", "")
        elif kind == "checkbox":
            if one.get("checked") is not None or not form.xpath(".//input[@type='checkbox'][@checked]"):
                yield name, one.get("value", "on")
        elif kind == "select":
            chosen = one.xpath("./option[@selected]/@value") or one.xpath("./option/@value")
            yield name, chosen[0]
        else:
            yield name, FITTING[name] if fitting and name in FITTING else WORDS


def _values(page: html.HtmlElement) -> list[str]:
    return [
        value for one in page.iter(html.etree.Element) for name, value in one.attrib.items() if re.fullmatch("value|aria-label|title", name)
    ]
