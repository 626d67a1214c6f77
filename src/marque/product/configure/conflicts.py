"""Which decisions and rules cannot hold together: conflict sets from which nothing can be left out."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from marque.product.encoding.cnf import Cnf, RuleKind

_ROUNDS = 4
"""Of asking again with the last answer alone, which mostly halves a core, before anything is left out on trial."""
_RESTARTS = 8
_SMALL = 6
"""Members of a conflict set that a reader takes in; for a larger one the solver starts over in other orders."""
PATIENCE = 200
"""Questions to the solver that may go into finding a smaller conflict set than the first one."""


@dataclass(frozen=True, slots=True)
class Core:
    """Literals (±variable) and rules (indices into `Cnf.rules`) that leave no car together; leave out any one and there is a car.

    smallest: that no conflict set has fewer members was proved.
    """

    literals: tuple[int, ...]
    rules: tuple[int, ...]
    smallest: bool

    def __len__(self) -> int:
        return len(self.literals) + len(self.rules)


class Clauses:
    """The formula with a switch for each rule: a variable that its clauses hold with. What auxiliary variables stand for always holds.

    clauses: literals, the switch last. switches: of all rules that have one.
    """

    def __init__(self, cnf: Cnf) -> None:
        self.cnf = cnf
        first = cnf.variables + 1
        defined = {rule for rule, said in enumerate(cnf.rules) if said.kind is RuleKind.DEFINITION}
        literals, offsets = cnf.literals.tolist(), cnf.offsets.tolist()
        self.clauses = [
            literals[start:end] + ([] if origin in defined else [-(first + origin)])
            for start, end, origin in zip(offsets[:-1], offsets[1:], cnf.origins.tolist(), strict=True)
        ]
        self.switches = [first + rule for rule in range(len(cnf.rules)) if rule not in defined]


class RuleSets:
    """A solver that is told which rules count. Its answers depend on what it was asked before: a new one for each question of a user.

    A context manager; not for several threads at once.
    """

    def __init__(self, clauses: Clauses) -> None:
        from pysat.solvers import Solver

        self.cnf, self._rules = clauses.cnf, clauses.switches
        self._solver = Solver(name="glucose4", bootstrap_with=clauses.clauses)
        self._solver.set_phases(self._rules)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._solver.delete()

    def possible(self, literals: Iterable[int], rules: Iterable[int] | None = None) -> bool:
        """Whether a car has all literals and keeps these rules (all of them unless named)."""
        first = self.cnf.variables + 1
        return self._ask([*literals, *(self._rules if rules is None else (first + rule for rule in rules))]) is None

    def car(self, literals: Iterable[int], near: Sequence[int] = ()) -> np.ndarray | None:
        """A car with all literals, bool [variables + 1], near the literals `near` without a promise; None where there is none."""
        if len(near):
            self._solver.set_phases(list(near))
        if self._ask([*literals, *self._rules]) is not None:
            return None
        return self._model()

    def conflict(self, needed: Sequence[int], others: Sequence[int] = (), patience: int = PATIENCE) -> Core | None:
        """A small conflict set within the literals and all rules; None where they leave a car.

        needed: literals that are in it anyway, whether or not it could do without: the question that is asked. Of `others` only those that
        cannot be left out. The literals alone, without any rule, must not contradict each other. Shrunk by what the solver needed, then by
        leaving out one by one; then smaller ones are looked for by implicit hitting sets (Ignatiev, Previti, Liffiton, Marques-Silva 2015,
        "Smallest MUS extraction with minimal hitting set dualization") for at most `patience` questions.
        """
        asked, universe = list(dict.fromkeys(needed)), [*others, *self._rules]
        members = self._found(asked, universe)
        if members is None:
            return None
        shuffled = random.Random(0)
        for _ in range(_RESTARTS if len(members) > _SMALL and patience else 0):
            shuffled.shuffle(universe)
            other = self._found(asked, universe)
            assert other is not None
            members = min(members, other, key=len)
        members, smallest = self._smaller(asked, members, universe, patience)
        variables = self.cnf.variables
        return Core(
            (*asked, *(one for one in members if abs(one) <= variables)),
            tuple(sorted(one - variables - 1 for one in members if abs(one) > variables)),
            smallest,
        )

    def _found(self, asked: list[int], universe: list[int]) -> list[int] | None:
        """Members of the universe from which nothing can be left out; None where all of it leaves a car."""
        found = self._ask([*asked, *universe])
        if found is None:
            return None
        for _ in range(_ROUNDS):
            again = self._ask([*asked, *_without(found, asked)])
            assert again is not None
            if len(again) >= len(found):
                break
            found = again
        return self._minimal(asked, _without(found, asked))

    def _ask(self, literals: list[int]) -> list[int] | None:
        """None where there is a model, otherwise the literals among these that the refutation used."""
        if self._solver.solve(assumptions=literals):
            return None
        return self._solver.get_core() or []

    def _model(self) -> np.ndarray:
        model = self._solver.get_model()
        return np.concatenate([[False], np.array(model[: self.cnf.variables], dtype=np.int64) > 0])

    def _minimal(self, asked: list[int], members: list[int]) -> list[int]:
        """Leaves out one after another, rules before decisions: what stays is needed."""
        kept: list[int] = []
        waiting = sorted(members, key=lambda one: (abs(one) <= self.cnf.variables, -abs(one)))
        while waiting:
            tried = waiting.pop(0)
            found = self._ask([*asked, *kept, *waiting])
            if found is None:
                kept.append(tried)
            else:
                used = set(found)
                waiting = [one for one in waiting if one in used]
        return kept

    def _smaller(self, asked: list[int], best: list[int], universe: list[int], patience: int) -> tuple[list[int], bool]:
        """Hits every known correction set with as few members as possible, until that is a conflict or no smaller than the best one."""
        from pysat.examples.hitman import Hitman

        if len(best) <= 1:
            return best, not best or self._ask(asked) is None
        with Hitman(bootstrap_with=[], htype="sorted") as hitting:
            while patience > 0:
                tried: list[int] = hitting.get() or []
                if len(tried) >= len(best):
                    return best, True
                patience -= 1
                if self._ask([*asked, *tried]) is not None:
                    return self._minimal(asked, tried), True
                missing, spent = self._correction(asked, universe)
                patience -= spent
                hitting.hit(missing)
        return best, False

    def _correction(self, asked: list[int], universe: list[int]) -> tuple[list[int], int]:
        """Members of the universe, none too many, that the model just found does without; and how many questions it took."""
        model = self._solver.get_model()
        size = len(model)
        held = [one for one in universe if (model[abs(one) - 1] > 0) == (one > 0) and abs(one) <= size]
        missing, questions = _without(universe, held), 0
        waiting, missing = missing, []
        while waiting:
            tried = waiting.pop(0)
            questions += 1
            if self._ask([*asked, *held, tried]) is not None:
                missing.append(tried)
                continue
            model = self._solver.get_model()
            held.append(tried)
            now = [one for one in waiting if (model[abs(one) - 1] > 0) == (one > 0)]
            held.extend(now)
            waiting = _without(waiting, now)
        return missing, questions


def _without(members: Iterable[int], others: Iterable[int]) -> list[int]:
    gone = set(others)
    return [one for one in members if one not in gone]
