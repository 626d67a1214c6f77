"""Attributes of a car: sums over its features, as the model's own aggregates count them."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from marque.common import Bools, Floats
from marque.product.model import FeatureModel


def total(model: FeatureModel, car: Set[str], attribute: str) -> float | None:
    """Sum over the car's features that have the attribute as a number; None where no feature of the car has it."""
    found = [model.features[name].attributes.get(attribute) for name in model.features if name in car]
    numbers = [one for one in found if isinstance(one, int | float) and not isinstance(one, bool)]
    return float(sum(numbers)) if numbers else None


def text(model: FeatureModel, car: Set[str], attribute: str) -> str | None:
    """The one text that a feature of the car gives; None where none does, or several differ."""
    found = {one for name in model.features if name in car and isinstance(one := model.features[name].attributes.get(attribute), str)}
    return found.pop() if len(found) == 1 else None


@dataclass(frozen=True, eq=False)
class Totals:
    """Sums of attributes for many cars at once."""

    model: FeatureModel

    @cached_property
    def _columns(self) -> dict[str, Floats]:
        columns: dict[str, Floats] = {}
        for row, feature in enumerate(self.model.features.values()):
            for name, value in feature.attributes.items():
                if isinstance(value, int | float) and not isinstance(value, bool):
                    columns.setdefault(name, np.zeros(len(self.model.features)))[row] = value
        return columns

    def of(self, cars: Bools, attribute: str) -> Floats:
        """cars: bool [cars, features], in the order of the model → float [cars]; 0 for an attribute that no feature has."""
        column = self._columns.get(attribute)
        return np.zeros(len(cars)) if column is None else np.asarray(cars @ column, dtype=np.float64)
