"""What came of one case: a line of canonical JSON (RFC 8785), which evidence seals and which can be driven again to the byte."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import rfc8785

from marque.proof.evidence.statements import Outcome
from marque.proof.suites import Case
from marque.simulation.judge import Trajectory


@dataclass(frozen=True)
class Run:
    """preventable: by reference driver, whether it would have avoided the collision; empty without one.

    measures: figures by name, those that are not finite left out. trace: sha256 of the states driven, "" where there are none.
    """

    outcome: Outcome
    why: str
    collision: bool | None = None
    preventable: Mapping[str, bool] = field(default_factory=dict)
    measures: Mapping[str, float] = field(default_factory=dict)
    trace: str = ""

    def line(self, case: Case) -> bytes:
        """Without the end of line."""
        said: dict[str, Any] = {
            "case": case.index,
            "cell": case.source.cell,
            "collision": self.collision,
            "measures": {name: float(value) for name, value in self.measures.items() if math.isfinite(value)},
            "outcome": self.outcome,
            "parameters": {name: ", ".join(map(str, value)) if isinstance(value, tuple) else value for name, value in case.parameters},
            "preventable": dict(self.preventable),
            "scenario": case.scenario,
            "seed": case.seed,
            "suite": case.suite,
            "trace": self.trace,
            "weight": case.weight,
            "why": self.why,
        }
        return rfc8785.dumps(said)


def trace_of(driven: Trajectory) -> str:
    """Of x, y, heading, speed and steering angle at every step: SI units, 64-bit floats, little-endian, one array after another."""
    digest = hashlib.sha256()
    for column in driven:
        digest.update(np.ascontiguousarray(column, "<f8").tobytes())
    return digest.hexdigest()
