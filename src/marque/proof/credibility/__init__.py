"""How far the simulator can be believed: what was measured of it, held against criteria that do not move with it."""

from marque.proof.credibility.model import Chart, Credibility, Item, Section, Series, Table, read_credibility

__all__ = ["Chart", "Credibility", "Item", "Section", "Series", "Table", "read_credibility"]
