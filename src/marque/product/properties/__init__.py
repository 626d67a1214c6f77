"""Computed properties of a configured car: each a figure with its method, inputs and evidence, or not claimed with the reason.

`energy` and `sensing` compute by the kernels of `vehicle`, which take seconds to load: they are imported once a figure is asked for.
"""

from __future__ import annotations

from collections.abc import Set

from marque.product.model import FeatureModel
from marque.product.properties.balance import headroom, mass, towing
from marque.product.properties.model import Property

__all__ = ["Property", "headroom", "mass", "properties", "towing"]


def properties(model: FeatureModel, car: Set[str]) -> tuple[Property, ...]:
    """All of them. car: the names of all its features."""
    from marque.product.properties.energy import energy
    from marque.product.properties.sensing import sensing

    return (mass(model, car), *energy(model, car), *sensing(model, car), *headroom(model, car), towing(model, car))
