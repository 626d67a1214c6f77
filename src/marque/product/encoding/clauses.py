"""Formulas to clauses: by distribution while that stays small, with auxiliary variables that the others determine where it does not."""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from marque.product.encoding.cnf import Cnf, Rule, RuleKind
from marque.product.model import And, Compare, Constant, Formula, Iff, Implies, Name, Not, Or, Place

Clause = frozenset[int]
"""Literals; the empty clause is false."""

MOST_CLAUSES = 256
"""What one formula may become by distribution; beyond it, parts of it get a variable of their own."""

_MOST_ON_THE_WAY = 8192
_MOST_WHEN_NAMED = 16
_MOST_OF_EQUIVALENCE = 64
_SUBSUMPTION_UP_TO = 256
_DEFINITION = Rule(RuleKind.DEFINITION, "what an auxiliary variable stands for", Place("", 0, 0))


@dataclass
class Builder:
    """A formula that grows. variables: used so far; index: of the features' names.

    compare: gives a comparison the clauses it stands for; set by who knows attributes and values.
    """

    names: tuple[str, ...]
    index: Mapping[str, int]
    variables: int
    counted: int
    rules: list[Rule] = field(default_factory=list)
    literals: array[int] = field(default_factory=lambda: array("i"))
    lengths: array[int] = field(default_factory=lambda: array("i"))
    origins: array[int] = field(default_factory=lambda: array("i"))
    compare: Callable[[Compare, bool], list[Clause]] | None = None
    _known: dict[tuple[frozenset[int], ...], int] = field(default_factory=dict)
    _both: dict[int, tuple[Formula, list[Clause], list[Clause]]] = field(default_factory=dict)
    _definition: int = -1

    def fresh(self) -> int:
        self.variables += 1
        return self.variables

    def rule(self, rule: Rule) -> int:
        self.rules.append(rule)
        return len(self.rules) - 1

    def add(self, clause: Iterable[int], origin: int) -> None:
        before = len(self.literals)
        self.literals.extend(clause)
        self.lengths.append(len(self.literals) - before)
        self.origins.append(origin)

    def add_all(self, clauses: Iterable[Clause], origin: int) -> None:
        for clause in clauses:
            self.add(sorted(clause, key=abs), origin)

    def add_block(self, block: np.ndarray, origin: int) -> None:
        """block: int32 [clauses, width], literals of clauses of one width."""
        self.literals.frombytes(np.ascontiguousarray(block, dtype=np.intc).tobytes())
        self.lengths.frombytes(np.full(len(block), block.shape[1], dtype=np.intc).tobytes())
        self.origins.frombytes(np.full(len(block), origin, dtype=np.intc).tobytes())

    def define(self, clauses: Iterable[Iterable[int]]) -> None:
        """Clauses that say what an auxiliary variable stands for; whichever rules hold, they do."""
        if self._definition < 0:
            self._definition = self.rule(_DEFINITION)
        for clause in clauses:
            self.add(sorted(clause, key=abs), self._definition)

    def cnf(self) -> Cnf:
        offsets = np.zeros(len(self.lengths) + 1, dtype=np.int32)
        np.cumsum(np.frombuffer(self.lengths, dtype=np.intc), out=offsets[1:])
        return Cnf(
            self.names,
            self.variables,
            self.counted,
            np.array(self.literals, dtype=np.int32),
            offsets,
            np.array(self.origins, dtype=np.int32),
            tuple(self.rules),
        )

    # Formulas

    def clauses(self, formula: Formula, holds: bool = True) -> list[Clause]:
        """Clauses that hold where formula does (where it does not, for holds false); no tautologies, none twice, none subsumed."""
        match formula:
            case Name(feature):
                variable = self.index[feature]
                return [frozenset((variable if holds else -variable,))]
            case Constant(value):
                return [] if bool(value) == holds else [frozenset()]
            case Not(operand):
                return self.clauses(operand, not holds)
            case And() | Or():
                parts = [self.clauses(part, holds) for part in _flat(formula)]
                return all_of(parts) if isinstance(formula, And) == holds else self.any_of(parts)
            case Implies(left, right):
                if holds:
                    return self.any_of([self.clauses(left, False), self.clauses(right, True)])
                return all_of([self.clauses(left, True), self.clauses(right, False)])
            case Iff(left, right):
                return self._equivalence(left, right, holds)
            case Compare():
                assert self.compare is not None
                return self.compare(formula, holds)

    def literal(self, formula: Formula) -> int:
        """A literal that is equivalent to formula."""
        return self.named(self.clauses(formula), lambda: self.clauses(formula, False))

    def named(self, clauses: list[Clause], negation: Callable[[], list[Clause]] | None = None) -> int:
        """A literal that is equivalent to a conjunction of clauses; negation gives those of its contrary, where the caller knows them."""
        if len(clauses) == 1 and len(clauses[0]) == 1:
            return next(iter(clauses[0]))
        key = tuple(sorted(clauses, key=sorted))
        known = self._known.get(key)
        if known is not None:
            return known
        contrary = negation() if negation is not None else self.any_of([_negated(clause) for clause in clauses])
        if len(contrary) == 1 and len(contrary[0]) == 1:
            return -next(iter(contrary[0]))
        variable = self._known[key] = self.fresh()
        self.define({*clause, -variable} for clause in clauses)
        self.define({*clause, variable} for clause in contrary)
        return variable

    def any_of(self, parts: Sequence[list[Clause]]) -> list[Clause]:
        """A disjunction of conjunctions of clauses. The parts with most clauses are named where the product would be too large."""
        parts = sorted(parts, key=len)
        if parts and not parts[0]:
            return []
        product = _distributed(parts)
        if product is None:
            size = math.prod(map(len, parts))
            while size > _MOST_WHEN_NAMED and len(parts[-1]) > 1:
                size //= len(parts[-1])
                parts.insert(0, [frozenset((self.named(parts.pop()),))])
            product = _distributed(parts)
            assert product is not None
        return product

    def _equivalence(self, left: Formula, right: Formula, holds: bool) -> list[Clause]:
        (left_holds, left_fails), (right_holds, right_fails) = sides = self._both_ways(left), self._both_ways(right)
        if len(left_holds) * len(right_fails) + len(left_fails) * len(right_holds) > _MOST_OF_EQUIVALENCE:
            (left_holds, left_fails), (right_holds, right_fails) = (self._shortened(*side) for side in sides)
        if not holds:
            right_holds, right_fails = right_fails, right_holds
        return all_of([self.any_of([left_fails, right_holds]), self.any_of([left_holds, right_fails])])

    def _shortened(self, holds: list[Clause], fails: list[Clause]) -> tuple[list[Clause], list[Clause]]:
        if max(len(holds), len(fails)) <= 1:
            return holds, fails
        literal = self.named(holds, lambda: fails)
        return [frozenset((literal,))], [frozenset((-literal,))]

    def _both_ways(self, formula: Formula) -> tuple[list[Clause], list[Clause]]:
        """Remembered: in a chain of equivalences each part is asked for twice by each that is around it."""
        known = self._both.get(id(formula))
        if known is None:
            known = self._both[id(formula)] = formula, self.clauses(formula, True), self.clauses(formula, False)
        return known[1], known[2]


def _distributed(parts: Sequence[list[Clause]]) -> list[Clause] | None:
    """None when that becomes more than MOST_CLAUSES on the way."""
    product: list[Clause] = [frozenset()]
    for part in parts:
        if len(product) * len(part) > _MOST_ON_THE_WAY:
            return None
        product = _reduced(first | second for first in product for second in part)
        if len(product) > MOST_CLAUSES:
            return None
    return product


def all_of(parts: Iterable[list[Clause]]) -> list[Clause]:
    return _reduced(clause for part in parts for clause in part)


def _flat(formula: And | Or) -> Iterator[Formula]:
    """The operands, those of operands of the same kind among them; without recursion, for a long chain nests deeply."""
    kind = type(formula)
    waiting: list[Formula] = [formula]
    while waiting:
        part = waiting.pop()
        if isinstance(part, And | Or) and type(part) is kind:
            waiting.extend(reversed(part.operands))
        else:
            yield part


def _negated(clause: Clause) -> list[Clause]:
    return [frozenset((-literal,)) for literal in clause]


def _reduced(clauses: Iterable[Clause]) -> list[Clause]:
    """Without tautologies and repetitions; without subsumed clauses where there are few."""
    kept = list(dict.fromkeys(clause for clause in clauses if not any(-literal in clause for literal in clause)))
    if not 1 < len(kept) <= _SUBSUMPTION_UP_TO:
        return kept
    shortest = min(map(len, kept))
    if all(len(clause) == shortest for clause in kept):
        return kept
    found: list[Clause] = []
    for clause in sorted(kept, key=len):
        if not any(smaller <= clause for smaller in found):
            found.append(clause)
    return found
