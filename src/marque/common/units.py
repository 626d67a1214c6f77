"""Conversions at the edges. Inside, every quantity is SI and its name ends in its unit (`speed_mps`)."""

from __future__ import annotations

_KMH_PER_MPS = 3.6


def mps_from_kmh(kmh: float) -> float:
    return kmh / _KMH_PER_MPS


def kmh_from_mps(mps: float) -> float:
    return mps * _KMH_PER_MPS
