"""`marque product check`, and how the product's other commands open a model."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from marque.app.caches import cache_folder
from marque.common import InputError
from marque.product.configure import Answer, Conflict, Decision, Product, begin, chosen, load, on_day

_NAMED = 40
"""Features that are listed on the terminal; all of them are in the JSON."""


@dataclass(frozen=True)
class Opening:
    """What every command is told: the file, how to answer, what is decided beforehand. on: YYYY-MM-DD. compile_s: see `load`."""

    file: Path
    cache: Path | None
    method: str
    search: Sequence[Path]
    on: str | None
    given: Sequence[str]
    compile_s: float | None = None

    def product(self) -> Product:
        """Read, encoded, and compiled or taken from the cache; how far compiling is stands on stderr. Raises InputError."""
        with _watched() as told:
            cache = self.cache or cache_folder("product")
            return load(self.file, cache, search=self.search, method=self.method, progress=told, compile_s=self.compile_s)

    def decided(self, product: Product) -> tuple[Decision, ...]:
        """Raises InputError for a day that is none, and for unknown features."""
        for name in self.given:
            product.variable(name)
        return (*(on_day(product.model, _day(self.on)) if self.on else ()), *chosen(self.given, "decided beforehand"))

    def begin(self) -> Answer:
        """Raises InputError, and NoCar where none can be built."""
        product = self.product()
        return first(begin(product, self.decided(product)))


def first(answer: Answer | Conflict) -> Answer:
    from marque.product.configure import NoCar

    if isinstance(answer, Conflict):
        raise NoCar(answer)
    return answer


def check(opening: Opening, json_out: Path | None) -> bool:
    """Prints what a model holds, and writes it. False where it has no car. Raises InputError."""
    began = time.perf_counter()
    product = opening.product()
    answer = begin(product, opening.decided(product))
    facts = _facts(product, answer)
    facts["seconds"] = round(time.perf_counter() - began, 3)
    if json_out is not None:
        write(json_out, facts)
    console = Console(highlight=False)
    console.print(_table(facts))
    for title, names in (("in every car", facts["core_features"]), ("in no car", facts["dead_features"])):
        if names:
            rest = f" … and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
            console.print(f"{title}: {escape(', '.join(names[:_NAMED]))}{rest}", soft_wrap=True)
    if isinstance(answer, Conflict):
        console.print(escape(str(answer)), soft_wrap=True)
    return isinstance(answer, Answer)


def write(file: Path, said: Any) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(said, ensure_ascii=False, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def conflict_said(conflict: Conflict) -> dict[str, Any]:
    """As JSON tells a conflict."""
    return {
        "wanted": None if conflict.wanted is None else decision_said(conflict.wanted),
        "decisions": [decision_said(one) for one in conflict.decisions],
        "given": [decision_said(one) for one in conflict.given],
        "rules": [
            {
                "text": rule.text, "kind": rule.kind.value, "file": rule.place.file, "line": rule.place.line, "column": rule.place.column,
                "owner": rule.owner, "figures": [{"attribute": one.attribute, "parts": dict(one.parts)} for one in figures],
            }
            for rule, figures in zip(conflict.rules, conflict.figures or ((),) * len(conflict.rules), strict=True)
        ],
        "smallest": conflict.smallest,
        "text": str(conflict),
    }  # fmt: skip


def decision_said(decision: Decision) -> dict[str, str]:
    said = {"select" if decision.chosen else "deselect": decision.feature}
    return {**said, "because": decision.given} if decision.given else said


def count_said(answer: Answer) -> str | None:
    count = answer.count
    return None if count is None else str(count)


def _facts(product: Product, answer: Answer | Conflict) -> dict[str, Any]:
    core, dead = (answer.forced, answer.forbidden) if isinstance(answer, Answer) else ([], list(product.cnf.names))
    return {
        "features": product.features,
        "clauses": product.cnf.clauses,
        "core": len(core),
        "dead": len(dead),
        "count": count_said(answer) if isinstance(answer, Answer) else "0",
        "seconds": 0.0,
        "method": product.reasoner.method,
        "constraints": len(product.model.constraints),
        "variables": product.cnf.variables,
        "core_features": core,
        "dead_features": dead,
        "conflict": conflict_said(answer) if isinstance(answer, Conflict) else None,
    }


def _table(facts: dict[str, Any]) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column()
    table.add_column(justify="right", overflow="fold")
    names = {
        "features": "features",
        "constraints": "constraints",
        "clauses": "clauses",
        "core": "features in every car",
        "dead": "in no car",
    }
    for name, told in names.items():
        table.add_row(told, f"{facts[name]:,}")
    table.add_row("cars", _told(facts["count"]))
    table.add_row("answered by", facts["method"])
    table.add_row("seconds", f"{facts['seconds']:.2f}")
    return table


def _told(count: str | None) -> str:
    if count is None:
        return "not counted: compiling took longer than --compile-s, and a solver does not count"
    return f"{int(count):,}" if len(count) <= 15 else f"{count[0]}.{count[1:4]}e{len(count) - 1} ({len(count)} digits, exact in the JSON)"


def _day(said: str) -> date:
    try:
        return date.fromisoformat(said)
    except ValueError:
        raise InputError("--on", said, "this is not a day", "Write YYYY-MM-DD.") from None


@contextmanager
def _watched() -> Iterator[Any]:
    """Says on stderr how far compiling is, once that takes longer than a moment."""
    console = Console(stderr=True)
    with console.status("reading the model") as status:

        def told(progress: Any) -> None:
            done = f"{100 * progress.done:.0f} %, " if progress.done else ""
            status.update(f"compiling: {done}{progress.nodes:,} nodes, {progress.seconds:.0f} s")

        yield told
