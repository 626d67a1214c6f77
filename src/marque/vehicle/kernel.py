"""The one way this house compiles a numerical kernel."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

import numba

_F = TypeVar("_F", bound=Callable[..., object])

# No fastmath: a replay must give the same bytes in every process. Division follows IEEE (inf, nan) as numpy does,
# which also spares a branch per division.
kernel = cast("Callable[[_F], _F]", numba.njit(cache=True, fastmath=False, error_model="numpy", nogil=True))
