"""Complete cars of the demonstration line, drawn by a solver with phases by chance: not uniform, but of every kind."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from functools import cache
from pathlib import Path

import numpy as np

from marque.product import line, uvl
from marque.product.encoding.cnf import Cnf
from marque.product.encoding.encode import encode
from marque.product.model import FeatureModel
from marque.product.prices import Book, read_folder

FOLDER = Path(line.__file__).parent
MARKETS = {"cn": "china.China", "de": "germany.Germany", "uk": "uk.UnitedKingdom"}


@cache
def model() -> FeatureModel:
    return uvl.read(FOLDER / "line.uvl")


@cache
def formula() -> Cnf:
    return encode(model())


@cache
def prices() -> Book:
    return read_folder(FOLDER / "prices")


def outside(day: date) -> list[str]:
    """Features that are not built on a day."""
    told = {name: one.attributes for name, one in model().features.items()}
    return [name for name, one in told.items() if not str(one.get("from", "0")) <= str(day) <= str(one.get("until", "9"))]


def cars(market: str, day: date, number: int, seed: int) -> Iterator[frozenset[str]]:
    from pysat.solvers import Solver

    cnf, chance = formula(), np.random.default_rng(seed)
    order = model().order
    assumed = [order[MARKETS[market]], *(-order[name] for name in outside(day))]
    with Solver("glucose4") as solver:
        for clause in range(cnf.clauses):
            solver.add_clause(cnf.literals[cnf.offsets[clause] : cnf.offsets[clause + 1]].tolist())
        for _ in range(number):
            signs = np.where(chance.random(cnf.counted) < chance.uniform(0.1, 0.6), 1, -1)
            solver.set_phases((signs * np.arange(1, cnf.counted + 1)).tolist())
            assert solver.solve(assumed)
            yield frozenset(cnf.names[literal - 1] for literal in solver.get_model() if 0 < literal <= len(cnf.names))
