"""Words every room shares: array types, units, ids, errors. Standard library and numpy only."""

from marque.common.errors import Denied, InputError, MarqueError, Missing, Refusal, Refused, Unavailable, ok
from marque.common.ids import new_id
from marque.common.sentence import Either, Every, Sentence
from marque.common.types import Bools, Bytes, Floats, Indices, Ints, Record, Records
from marque.common.units import kmh_from_mps, mps_from_kmh

__all__ = [
    "Bools",
    "Bytes",
    "Denied",
    "Either",
    "Every",
    "Floats",
    "Indices",
    "InputError",
    "Ints",
    "MarqueError",
    "Missing",
    "Record",
    "Records",
    "Refusal",
    "Refused",
    "Sentence",
    "Unavailable",
    "kmh_from_mps",
    "mps_from_kmh",
    "new_id",
    "ok",
]
