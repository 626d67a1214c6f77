"""Words every room shares: array types, units, ids, errors. Standard library and numpy only.

Array types are imported when first asked for: what has no arrays (`marque.car`) loads no numpy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from marque.common.errors import Denied, InputError, MarqueError, Missing, Refusal, Refused, Unavailable, ok
from marque.common.ids import new_id
from marque.common.sentence import Either, Every, Sentence
from marque.common.units import kmh_from_mps, mps_from_kmh

if TYPE_CHECKING:
    from marque.common.types import Bools, Bytes, Floats, Indices, Ints, Record, Records

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


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("marque.common.types"), name)
