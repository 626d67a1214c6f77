"""What a configurator loads once: a model, its formula, and something that answers which features are in every car, and in none."""

from __future__ import annotations

import difflib
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from marque.common import InputError
from marque.product.configure.conflicts import Clauses, Core, RuleSets
from marque.product.encoding.cnf import Cnf
from marque.product.model import FeatureModel

METHODS = ("auto", "circuit", "sat")
"""auto: a circuit where one can be had in reasonable time, otherwise a solver."""


class Reasoner(Protocol):
    """Answers the question of every click. method: how, "circuit" or "sat"."""

    @property
    def method(self) -> str: ...

    def after(self, decisions: np.ndarray) -> np.ndarray | None:
        """int8 [variables + 1]: 0 free, 1 in every car, −1 in none; None if no car has these literals (int32). May reuse its array."""


@dataclass(frozen=True, eq=False)
class Product:
    """Shared by any number of configurations and threads; answers are given one at a time."""

    model: FeatureModel
    cnf: Cnf
    reasoner: Reasoner
    _alone: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def features(self) -> int:
        return len(self.cnf.names)

    @cached_property
    def names(self) -> np.ndarray:
        """Objects [features + 1]: the name of each variable that is a feature; row 0 unused."""
        told = np.empty(self.features + 1, dtype=object)
        told[0], told[1:] = "", self.cnf.names
        return told

    @cached_property
    def clauses(self) -> Clauses:
        """Made when the first explanation is asked for."""
        return Clauses(self.cnf)

    @cached_property
    def constraint_model(self) -> Any:
        """Made when the first repair is asked for; to be cloned, not changed."""
        from marque.product.configure.objective import constraint_model

        return constraint_model(self.cnf)

    def variable(self, name: str) -> int:
        """Raises InputError, with what may have been meant, for a name that the model does not have."""
        number = self.model.order.get(name)
        if number is None:
            raise InputError(self.model.name or "the model", name, "there is no such feature", self._meant(name))
        return number

    def after(self, literals: Iterable[int]) -> np.ndarray | None:
        """int8 [features + 1], the caller's own: 0 free, 1 in every car, −1 in none; None where no car has all these literals."""
        with self._alone:
            domains = self.reasoner.after(np.fromiter(literals, dtype=np.int32))
            return None if domains is None else np.array(domains[: self.features + 1], dtype=np.int8)

    def count(self, literals: Iterable[int]) -> int | None:
        """Cars with all these literals, exactly; None where a solver answers, which does not count."""
        from marque.product.knowledge.counting import count

        circuit = getattr(self.reasoner, "circuit", None)
        with self._alone:
            return None if circuit is None else count(circuit, np.fromiter(literals, dtype=np.int32))

    def conflict(self, needed: Sequence[int], others: Sequence[int] = ()) -> Core | None:
        """See RuleSets.conflict. The same question has the same answer."""
        with RuleSets(self.clauses) as asked:
            return asked.conflict(needed, others)

    def car(self, literals: Iterable[int], near: np.ndarray) -> np.ndarray | None:
        """See RuleSets.car; near: int, literals."""
        with RuleSets(self.clauses) as asked:
            return asked.car(literals, near.tolist())

    def _meant(self, name: str) -> str:
        folded = {one.casefold(): one for one in self.cnf.names}
        plain = name.strip().strip('"').casefold()
        last = {one.rpartition(".")[2]: one for one in folded}
        near = [last.get(plain, plain)] if plain in folded or plain in last else difflib.get_close_matches(plain, folded, 3, 0.7)
        if not near:
            return "`marque product check` lists the features of a model."
        return f"Did you mean {' or '.join(f'“{folded[one]}”' for one in near)}?"


def load(
    path: Path, cache: Path | None, *, search: Sequence[Path] = (), method: str = "auto", progress: Callable[[Any], None] | None = None,
    compile_s: float | None = None,
) -> Product:  # fmt: skip
    """Reads, encodes and compiles a model, or takes what was compiled before from the folder `cache`.

    progress is told how far compiling has come; compile_s: see reasoner_of. Raises InputError for a file that cannot be read, or a method
    there is not.
    """
    from marque.product.encoding.encode import encode
    from marque.product.uvl import read

    model = read(path, search=search)
    cnf = encode(model)
    return Product(model, cnf, reasoner_of(cnf, cache, method=method, progress=progress, compile_s=compile_s))


def reasoner_of(
    cnf: Cnf, cache: Path | None, *, method: str = "auto", progress: Callable[[Any], None] | None = None, compile_s: float | None = None
) -> Reasoner:  # fmt: skip
    """By the method that is asked for. compile_s: processor time for a circuit, after which "auto" is answered by a solver; None: a minute.

    Raises InputError for a method there is not.
    """
    from marque.product.knowledge.compile import Limits
    from marque.product.knowledge.reasoner import reasoner

    if method not in METHODS:
        raise InputError("--method", method, "there is no such method", f"There are {', '.join(METHODS)}.")
    return reasoner(cnf, cache, method=method, progress=progress, limit=None if compile_s is None else Limits(seconds=compile_s))
