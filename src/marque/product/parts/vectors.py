"""Conditions over many cars at once: truth values of a formula, a column for each feature."""

from __future__ import annotations

from typing import Any

import numpy as np

from marque.product.evaluate import satisfied
from marque.product.model import And, Constant, FeatureModel, Formula, Iff, Implies, Name, Not, Or


def holds(formula: Formula, cars: np.ndarray, model: FeatureModel) -> np.ndarray:
    """Bool [cars]; cars: bool [cars, at least features], column i is the i-th feature of the model."""
    found: np.ndarray = _holds(formula, cars, model)
    return found


def _holds(formula: Formula, cars: np.ndarray, model: FeatureModel) -> Any:
    match formula:
        case Name(feature):
            return cars[:, model.order[feature] - 1]
        case Constant(value):
            return np.full(len(cars), bool(value))
        case Not(operand):
            return ~_holds(operand, cars, model)
        case And(operands):
            return np.logical_and.reduce([_holds(one, cars, model) for one in operands])
        case Or(operands):
            return np.logical_or.reduce([_holds(one, cars, model) for one in operands])
        case Implies(left, right):
            return ~_holds(left, cars, model) | _holds(right, cars, model)
        case Iff(left, right):
            return _holds(left, cars, model) == _holds(right, cars, model)
        case _:
            # Comparisons are rare in usage conditions; each car is asked by itself.
            names = list(model.features)
            rows = ({names[column] for column in np.flatnonzero(row[: len(names)])} for row in cars)
            return np.fromiter((satisfied(formula, row, model, {}) for row in rows), dtype=bool, count=len(cars))
