"""The speed profiles over which consumption and range are stated by law."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
import numpy.typing as npt

CYCLES = ("wltc_3b", "cltc_p")
"""Worldwide harmonised Light vehicles Test Cycle, class 3b (UN GTR 15, Annex 1); China Light-duty vehicle Test Cycle, passenger cars
(GB/T 38146.1-2019)."""


@functools.cache
def cycle_speeds(name: str) -> npt.NDArray[np.float64]:
    """Speeds in m/s at 0, 1, … s of one of CYCLES, shape (1801,)."""
    text = (Path(__file__).parent / "data" / f"{name}.txt").read_text(encoding="ascii")
    numbers = " ".join(line for line in text.splitlines() if not line.startswith("#"))
    speeds = np.array(numbers.split(), dtype=np.float64) / 3.6
    speeds.flags.writeable = False
    return speeds
