"""Names for the array types used everywhere, so that a signature says what an array holds."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int32]
Indices: TypeAlias = NDArray[np.int64]
"""Integers of the width that kernels count in: one compiled version serves stored and computed ones."""
Bytes: TypeAlias = NDArray[np.uint8]
Bools: TypeAlias = NDArray[np.bool_]
Records: TypeAlias = NDArray[Any]
"""A structured array; its dtype stands beside the class that holds it."""
Record: TypeAlias = Any
"""One element of Records; its fields are attributes in kernels."""
