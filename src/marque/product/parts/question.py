"""A line and its bill of materials in one solver: cars, days and items, asked together.

To the formula of the line come one variable for each period of days, of which exactly one holds; what may not be built in it is excluded. A
usage has a literal that holds where its condition, plants and days do; a slot has one for "some item" and one for "more than one".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any, Protocol

from marque.product.encoding.cnf import Cnf
from marque.product.encoding.conditions import with_formulas
from marque.product.model import Constant, FeatureModel, Formula, Name
from marque.product.parts.bill import Bill, Slot, Usage
from marque.product.parts.names import unknown
from marque.product.parts.periods import Period, of_feature, periods


class Line(Protocol):
    """What is asked of a product: its model and the formula of it."""

    @property
    def model(self) -> FeatureModel: ...

    @property
    def cnf(self) -> Cnf: ...


@dataclass(frozen=True, slots=True)
class Witness:
    """A car that may be built on a day. features: all that it has. on: the day; None where no day matters."""

    features: frozenset[str]
    on: date | None


@dataclass(frozen=True, slots=True)
class Asked:
    """Literals of a slot. filled: some usage holds; doubled: more than one does."""

    required: int
    usages: tuple[int, ...]
    filled: int
    doubled: int


def misnamed(model: FeatureModel, slot: Slot) -> Iterator[tuple[str, Usage | None]]:
    """What the slot and its usages name that the model does not have, each with the usage; None for the slot's own condition."""
    if told := unknown(slot.required, model):
        yield told, None
    for usage in slot.usages:
        if told := unknown(usage.when, model) or next(filter(None, (unknown(Name(plant), model) for plant in usage.plants)), ""):
            yield told, usage


class Question:
    """Answers by one incremental solver. One thread at a time; closed with `close`, or used as a context."""

    def __init__(self, line: Line, bill: Bill) -> None:
        from pysat.solvers import Solver

        self.model = line.model
        self.slots = {code: slot for code, slot in bill.slots.items() if not any(misnamed(line.model, slot))}
        """Those whose conditions can be asked."""
        formulas = list(dict.fromkeys(formula for slot in self.slots.values() for formula in _formulas(slot)))
        cnf, literals = with_formulas(line.cnf, [one for one in formulas if not isinstance(one, Constant)], line.model)
        self._names, self._top = cnf.names, cnf.variables + 1
        self._solver: Any = Solver(name="glucose4")
        clauses, offsets = cnf.literals.tolist(), cnf.offsets.tolist()
        for start, end in pairwise(offsets):
            self._solver.add_clause(clauses[start:end])
        self._true = self._top
        self._solver.add_clause([self._true])
        self._literals: dict[Formula, int] = dict(
            zip([one for one in formulas if not isinstance(one, Constant)], literals.tolist(), strict=True)
        )
        self.periods = periods(line.model, bill)
        self._period = [self._fresh() for _ in self.periods]
        self._days()
        self.asked = {code: self._slot(slot) for code, slot in self.slots.items()}

    def close(self) -> None:
        self._solver.delete()

    def __enter__(self) -> Question:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def solve(self, assumptions: Iterable[int]) -> list[int] | None:
        """A solution with these literals, or None. Position i is the literal of variable i + 1."""
        return self._solver.get_model() if self._solver.solve(assumptions=list(assumptions)) else None

    def witness(self, solution: Sequence[int]) -> Witness:
        features = frozenset(name for name, literal in zip(self._names, solution, strict=False) if literal > 0)
        period = next(one for one, variable in zip(self.periods, self._period, strict=True) if solution[variable - 1] > 0)
        return Witness(features, period.day if len(self.periods) > 1 else None)

    def on(self, day: date) -> int:
        """The literal of the period that a day is in."""
        return next(variable for one, variable in zip(self.periods, self._period, strict=True) if one.holds(day))

    def feature(self, name: str) -> int:
        return self.model.order[name]

    # The formula

    def _fresh(self) -> int:
        self._top += 1
        return self._top

    def _days(self) -> None:
        self._solver.add_clause(self._period)
        for number, first in enumerate(self._period):
            for second in self._period[number + 1 :]:
                self._solver.add_clause([-first, -second])
        for name, feature in self.model.features.items():
            holds = of_feature(feature)
            if holds != Period():
                self._solver.add_clause([-self.model.order[name], *self._within(holds)])

    def _within(self, holds: Period) -> list[int]:
        return [variable for one, variable in zip(self.periods, self._period, strict=True) if one.within(holds)]

    def _literal(self, formula: Formula) -> int:
        if isinstance(formula, Constant):
            return self._true if formula.value else -self._true
        return self._literals[formula]

    def _usage(self, usage: Usage) -> int:
        parts = [self._literal(usage.when)]
        if usage.plants:
            parts.append(self._any([self.model.order[plant] for plant in usage.plants]))
        if usage.since or usage.until:
            parts.append(self._any(self._within(Period(usage.since, usage.until))))
        return parts[0] if len(parts) == 1 else -self._any([-part for part in parts])

    def _any(self, literals: Sequence[int]) -> int:
        """A literal that holds where one of these does."""
        if len(literals) == 1:
            return literals[0]
        either = self._fresh()
        self._solver.add_clause([-either, *literals])
        for literal in literals:
            self._solver.add_clause([either, -literal])
        return either

    def _slot(self, slot: Slot) -> Asked:
        usages = tuple(self._usage(usage) for usage in slot.usages)
        filled, doubled = usages[0], -self._true
        for literal in usages[1:]:
            both = -self._any([-filled, -literal])
            doubled = self._any([doubled, both])
            filled = self._any([filled, literal])
        return Asked(self._literal(slot.required), usages, filled, doubled)


def _formulas(slot: Slot) -> Iterator[Formula]:
    yield slot.required
    for usage in slot.usages:
        yield usage.when
