"""Random numbers that are a function of what they are for, not of when they are drawn.

A draw is keyed by (seed, agent, step, purpose), so a world's course does not depend on which worlds share its batch, on the process it
runs in, or on how many draws others made before.
"""

from __future__ import annotations

import math
from enum import IntEnum
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from marque.vehicle import kernel

_M0 = np.uint64(0xD2E7470EE14C6C93)
_M1 = np.uint64(0xCA5A826395121157)
_W0 = np.uint64(0x9E3779B97F4A7C15)
_W1 = np.uint64(0xBB67AE8584CAA73B)
_MANTISSA = np.uint64(11)


class Purpose(IntEnum):
    """What a draw decides; a new use gets a new number, the old ones never change."""

    PARAMETERS = 0
    PLACE = 1
    ROUTE = 2
    WISH = 3
    WALK = 4
    TRIP = 5
    DETECT = 6
    DROP_OUT = 7
    NOISE = 8
    SLOW_NOISE = 9
    GHOST = 10
    LOCALISE = 13
    HEAR = 14


def _upper_half(_typing_context: Any, _a: Any, _b: Any) -> Any:
    """The upper 64 bits of the 128-bit product of two 64-bit words: one instruction of the processor."""

    def code(_context: Any, builder: Any, _signature: Any, words: Any) -> Any:
        wide = ir.IntType(128)
        product = builder.mul(builder.zext(words[0], wide), builder.zext(words[1], wide))
        return builder.trunc(builder.lshr(product, ir.Constant(wide, 64)), ir.IntType(64))

    return types.uint64(types.uint64, types.uint64), code


_high: Any = intrinsic(_upper_half)


@kernel
def philox(seed: int, agent: int, step: int, purpose: int) -> tuple[int, int, int, int]:
    """Four independent 64-bit words for a key (seed, 0) and a counter (agent, step, purpose, 0).

    Philox4x64-10. Source: Salmon, Moraes, Dror, Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3".
    """
    c0, c1, c2, c3 = np.uint64(agent), np.uint64(step), np.uint64(purpose), np.uint64(0)
    k0, k1 = np.uint64(seed), np.uint64(0)
    for _ in range(10):
        c0, c1, c2, c3 = _high(_M1, c2) ^ c1 ^ k0, _M1 * c2, _high(_M0, c0) ^ c3 ^ k1, _M0 * c0
        k0 += _W0
        k1 += _W1
    return c0, c1, c2, c3


@kernel
def unit(word: int) -> float:
    """A number in [0, 1) from a 64-bit word: its upper 53 bits."""
    return float(word >> _MANTISSA) * (1.0 / 9007199254740992.0)


@kernel
def uniform(seed: int, agent: int, step: int, purpose: int) -> float:
    """A number in [0, 1)."""
    return unit(philox(seed, agent, step, purpose)[0])


@kernel
def choice(seed: int, agent: int, step: int, purpose: int, count: int) -> int:
    """One of 0 … count − 1, equally likely (up to count / 2⁵³)."""
    return int(uniform(seed, agent, step, purpose) * count)


@kernel
def normal(seed: int, agent: int, step: int, purpose: int) -> tuple[float, float]:
    """Two independent standard normal numbers. Source: Box, Muller 1958."""
    words = philox(seed, agent, step, purpose)
    radius, angle = math.sqrt(-2.0 * math.log(1.0 - unit(words[0]))), 2.0 * math.pi * unit(words[1])
    return radius * math.cos(angle), radius * math.sin(angle)
