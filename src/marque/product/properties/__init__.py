"""Computed properties of a configured car: each a figure with its method, inputs and evidence, or not claimed with the reason."""

from __future__ import annotations

from collections.abc import Set

from marque.product.model import FeatureModel
from marque.product.properties.balance import headroom, mass, towing
from marque.product.properties.energy import SETTINGS, Setting, differences_km, energy, energy_parameters, ranges_km
from marque.product.properties.model import Property
from marque.product.properties.sensing import Coverage, coverage, sensing

__all__ = [
    "SETTINGS",
    "Coverage",
    "Property",
    "Setting",
    "coverage",
    "differences_km",
    "energy",
    "energy_parameters",
    "headroom",
    "mass",
    "properties",
    "ranges_km",
    "sensing",
    "towing",
]


def properties(model: FeatureModel, car: Set[str]) -> tuple[Property, ...]:
    """All of them. car: the names of all its features."""
    return (mass(model, car), *energy(model, car), *sensing(model, car), *headroom(model, car), towing(model, car))
