"""What one car's kernel is handed in every cycle, kept as the kernel takes it.

Taking a hundred arrays out of Python's objects costs 6 % of a cycle, and more when the caches are cold: here it is done once a drive.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numba.core import types
from numba.experimental import structref as numba_structref

if TYPE_CHECKING:
    from marque.driving.cycle import Mind
    from marque.driving.map import MapArrays

_FIELDS = "m", "mind"
_types: Any = types  # its stubs do not know them all
_structref: Any = numba_structref  # nor these


@_structref.register
class HeldType(_types.StructRef):  # type: ignore[misc]
    """Of `Held`, for numba."""

    def preprocess_fields(self, fields: Any) -> Any:
        return tuple((name, _types.unliteral(one)) for name, one in fields)


class Held(_structref.StructRefProxy):  # type: ignore[misc]
    """The map's arrays and a pilot's own. Other arrays in their place make another one of it."""

    m: MapArrays
    mind: Mind

    def __new__(cls, m: MapArrays, mind: Mind) -> Held:
        made: Held = _structref.StructRefProxy.__new__(cls, m, mind)
        return made


_structref.define_proxy(Held, HeldType, _FIELDS)
