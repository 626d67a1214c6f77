"""The report on a release: facts from its evidence, the argument that rests on them, and pages that people can read."""

from marque.proof.report.facts import (
    BaselineFacts,
    CellFacts,
    Change,
    CoverageFacts,
    Doubt,
    Facts,
    Paired,
    RiskFacts,
    Unsound,
    WorstRun,
)
from marque.proof.report.gather import facts_of

__all__ = [
    "BaselineFacts",
    "CellFacts",
    "Change",
    "CoverageFacts",
    "Doubt",
    "Facts",
    "Paired",
    "RiskFacts",
    "Unsound",
    "WorstRun",
    "facts_of",
]
