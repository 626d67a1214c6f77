"""Logical scenarios on any road map: where on it each kind fits, and the concrete scenes there."""

from marque.simulation.places.concrete import Concrete, Crowded, Disturbed, concrete
from marque.simulation.places.kinds import CONDITIONS, KINDS, Kind, places
from marque.simulation.places.model import Place, Range, Staged

__all__ = ["CONDITIONS", "KINDS", "Concrete", "Crowded", "Disturbed", "Kind", "Place", "Range", "Staged", "concrete", "places"]
