"""Words every room shares: array types, units, errors. Standard library and numpy only."""

from marque.common.errors import InputError, MarqueError
from marque.common.types import Bools, Bytes, Floats, Indices, Ints, Record, Records
from marque.common.units import kmh_from_mps, mps_from_kmh

__all__ = ["Bools", "Bytes", "Floats", "Indices", "InputError", "Ints", "MarqueError", "Record", "Records", "kmh_from_mps", "mps_from_kmh"]
