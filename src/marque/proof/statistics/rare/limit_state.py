"""What may fail, in the space where every input is standard normal; each call is counted."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import openturns as ot

from marque.common import Floats

Function = Callable[[Floats], Floats]
"""(points, dimension) → (points,): ≤ 0 where it fails (a margin: the further above 0, the safer), or bools, True where it fails."""


class Counted:
    """A limit state that knows how often it was called, search included."""

    def __init__(self, function: Function, dimension: int) -> None:
        self.dimension, self.calls = dimension, 0
        self._function = function

    def __call__(self, points: Floats) -> Floats:
        """Margins (points,); −1 and +1 where the function tells failed and passed. NaN, an answer that never came, is a failure."""
        self.calls += len(points)
        told = np.asarray(self._function(points))
        if told.shape != (len(points),):
            raise ValueError(f"a limit state gives one margin a point: expected shape ({len(points)},), got {told.shape}")
        if told.dtype == bool:
            return np.where(told, -1.0, 1.0)
        return np.where(np.isnan(told), -1.0, told.astype(float))


def standard(function: Function, inputs: ot.Distribution) -> tuple[Function, int]:
    """The limit state over standard normal inputs, and their number, from one over the physical `inputs` (any distribution of OpenTURNS).

    Source: Nataf and Rosenblatt transformations as OpenTURNS chooses them by copula (Lebrun, Dutfoy 2009).
    """
    back = inputs.getInverseIsoProbabilisticTransformation()

    def over_normals(points: Floats) -> Floats:
        return function(np.array(back(ot.Sample(points))))

    return over_normals, inputs.getDimension()
