"""Who answers clicks: a circuit where one can be had within a limit, a solver otherwise."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from marque.product.encoding.cnf import Cnf
from marque.product.knowledge.compile import LimitReached, Limits, Progress, compile_formula
from marque.product.knowledge.queries import Domains
from marque.product.knowledge.sat import SatDomains

COMPILE_S = 60.0
"""Processor time that a first question may wait for a circuit. What was compiled until then is kept in the cache and gone on with."""


def reasoner(
    cnf: Cnf,
    cache: Path | None = None,
    *,
    method: str = "auto",
    limit: Limits | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Domains | SatDomains:
    """Answers `after(decisions)`; its `method` says how: "circuit" or "sat".

    auto: a circuit from the cache, or compiled within the limit (COMPILE_S unless given), otherwise a solver. circuit: within the limit, or
    LimitReached. Both give the same answers.
    """
    if method == "sat":
        return SatDomains(cnf)
    if method == "circuit":
        return Domains(compile_formula(cnf, cache=cache, progress=progress, limit=limit))
    try:
        return Domains(compile_formula(cnf, cache=cache, progress=progress, limit=limit or Limits(seconds=COMPILE_S)))
    except LimitReached:
        return SatDomains(cnf)
