"""A model line to read: its features as a tree, its rules as sentences, how many cars it has on a day in a market."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from marque.app.console import product_lines
from marque.app.console.product_lines import CONTEXTS, Asked, Shown, asked, configured
from marque.app.console.product_words import Teller, number_of_cars
from marque.app.console.visit import Visit, Visiting
from marque.app.words import Words
from marque.product.configure.decisions import Conflict
from marque.product.configure.session import Answer
from marque.product.model import Constraint, Feature, Group, GroupKind

routes = APIRouter(prefix="/console/product/lines")
PAGES = ("", "configure", "rules", "differences", "parts", "software")
"""Of a line, as its tabs show them."""
_RULES = 80


@dataclass(frozen=True)
class Row:
    """A feature in the tree, with what it says of itself. domain: 1 in every car of what was asked for, −1 in none."""

    feature: Feature
    label: str
    group: Group | None
    domain: int
    built: str
    children: tuple[Row, ...]

    @property
    def size(self) -> int:
        return 1 + sum(one.size for one in self.children)

    def found(self, text: str) -> Iterator[Row]:
        if text in self.label.casefold() or text in self.feature.name.casefold():
            yield self
        for one in self.children:
            yield from one.found(text)


def opened(visit: Visit, line: str) -> Shown:
    """Raises Missing. Nothing of the line is computed inside of the transaction."""
    with visit.transaction() as tx:
        found = product_lines.find(tx, line)
    return found.make()


def asked_of(visit: Visit, shown: Shown) -> Asked:
    fields = visit.fields or visit.request.query_params.multi_items()
    return asked(shown, fields, visit.platform.clock.now().date())


def around(visit: Visit, shown: Shown, asked: Asked, page: str) -> dict[str, Any]:
    """What the pages of a line have in common."""
    tell = shown.teller(visit.words)
    choices = {name: [(one.code, tell.name(one.feature)) for one in found] for name, found in shown.contexts.items() if found}
    return {
        "shown": shown,
        "asked": asked,
        "tell": tell,
        "tabs": [(name, f"{shown.here}{'/' if name else ''}{name}?{asked.query()}") for name in PAGES],
        "tab": page,
        "contexts": choices,
        "title": _title(shown, tell),
    }


def _title(shown: Shown, tell: Teller) -> str:
    """The names of its models, where it has some to choose from; otherwise its root's."""
    models = next((one for one in shown.model.features.values() if one.name.rpartition(".")[2] == "Model"), None)
    names = [child for group in models.groups for child in group.children] if models else []
    return " · ".join(map(tell.name, names[:4])) or tell.name(shown.model.root.name)


def counted(shown: Shown, answer: Answer, words: Words) -> dict[str, str] | None:
    """The number of cars of a state, exact and in words; None where it cannot be had."""
    if shown.count is None:
        return None
    exact = shown.count(answer.literals)
    return {"exact": f"{exact:,}", "words": number_of_cars(exact, words), "one": "1" if exact == 1 else ""}


@routes.get("/{line}")
def model(visit: Visiting, line: str) -> HTMLResponse:
    shown = opened(visit, line)
    wanted = asked_of(visit, shown)
    around_ = around(visit, shown, wanted, "")
    tell: Teller = around_["tell"]
    state = configured(shown, wanted)
    domains = state.domains if isinstance(state, Answer) else np.full(shown.product.features + 1, -1, dtype=np.int8)
    tree = _row(shown, tell, shown.model.root, None, domains)
    text = visit.request.query_params.get("q", "").strip().casefold()[:60]
    whole = product_lines.whole(shown)
    context = around_ | {
        "tree": tree,
        "q_text": visit.request.query_params.get("q", "")[:60],
        "hits": list(tree.found(text))[:100] if text else [],
        "state": state if isinstance(state, Answer) else None,
        "against": against(tell, state) if isinstance(state, Conflict) else None,
        "figures": _figures(shown, whole),
        "count": counted(shown, whole, visit.words),
        "here_count": counted(shown, state, visit.words) if isinstance(state, Answer) else None,
        "owners": _owners(shown),
        "kinds": GroupKind,
    }
    return visit.page("product_model.html", context)


def _row(shown: Shown, tell: Teller, feature: Feature, group: Group | None, domains: np.ndarray) -> Row:
    features = shown.model.features
    children = tuple(_row(shown, tell, features[child], one, domains) for one in feature.groups for child in one.children)
    domain = int(domains[shown.model.order[feature.name]])
    return Row(feature, tell.name(feature.name), group, domain, tell.built(feature.name), children)


def _figures(shown: Shown, whole: Answer) -> dict[str, int | str]:
    groups = [one for feature in shown.model.features.values() for one in feature.groups]
    root = 1
    return {
        "features": len(shown.model.features),
        "groups": len(groups),
        "rules": len(shown.model.constraints),
        "clauses": shown.product.cnf.clauses,
        "core": int(np.count_nonzero(whole.domains[1:] == 1)) - root,
        "dead": int(np.count_nonzero(whole.domains[1:] == -1)),
        "levels": ", ".join(shown.model.levels) or "–",
        "method": shown.product.reasoner.method,
    }


def _owners(shown: Shown) -> list[tuple[str, str, int, int]]:
    """Each module with its file, its number of features and of rules, the line's own first."""
    files = {one.owner: one.place.file for one in reversed(list(shown.model.features.values()))}
    return [
        (
            owner,
            files[owner],
            sum(one.owner == owner for one in shown.model.features.values()),
            sum(one.owner == owner for one in shown.model.constraints),
        )
        for owner in shown.owners
    ]


def against(tell: Teller, conflict: Conflict) -> dict[str, Any]:
    """A conflict as pages show it: its title, its decisions, its rules as sentences with the place where they are written."""
    words = tell.words
    title = words("product.conflict.none")
    if (wanted := conflict.wanted) is not None:
        title = words("product.conflict.title" if wanted.chosen else "product.conflict.title.without", name=tell.name(wanted.feature))
    return {
        "title": title,
        "decisions": [tell.decision(one, tell.built) for one in (*conflict.decisions, *conflict.given)],
        "rules": [
            {"said": tell.rule(one), "text": one.text, "place": f"{one.place.file}:{one.place.line}", "owner": one.owner}
            for one in conflict.rules
        ],
    }


@routes.get("/{line}/rules")
def rules(visit: Visiting, line: str) -> HTMLResponse:
    shown = opened(visit, line)
    wanted = asked_of(visit, shown)
    context = around(visit, shown, wanted, "rules")
    tell: Teller = context["tell"]
    query = visit.request.query_params
    text, owner = query.get("q", "")[:60], query.get("owner", "*")
    told = [(one, tell.formula(one.formula)) for one in shown.model.constraints if owner in ("*", one.owner)]
    found = [(one, said) for one, said in told if _meets(one, said, text.strip().casefold())]
    first = int(query.get("from", "0")) if query.get("from", "0").isascii() and query.get("from", "0").isdecimal() else 0
    first = min(first, max(0, len(found) - 1))
    context |= {
        "rules": found[first : first + _RULES], "found": len(found), "first": first, "step": _RULES, "q_text": text, "owner": owner,
        "owners": _owners(shown),
    }  # fmt: skip
    return visit.page("product_rules.html", context)


def _meets(rule: Constraint, said: str, text: str) -> bool:
    return text in said.casefold() or text in rule.text.casefold()


__all__ = ["CONTEXTS", "against", "around", "asked_of", "counted", "model", "opened", "routes", "rules"]
