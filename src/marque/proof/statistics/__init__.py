"""What runs tell of risk: numbers in, numbers out. It knows no files, no runs, and no verdict in words.

Modules, from below: `intervals` (exact), `betting` and `sequential` (valid under peeking), `comparison` (with the baseline), `risk` (of
strata), `multiplicity` (of cells), `power` (how many runs), `rare` (failures too rare to wait for), `decision` (the gate's numbers).
"""

from marque.proof.statistics import betting, comparison, intervals, multiplicity, power, rare, risk, sequential
from marque.proof.statistics.decision import CellDecision, Counts, Decision, Reason, Rules, Verdict, decide, settled, shown, verdicts
from marque.proof.statistics.intervals import Interval
from marque.proof.statistics.risk import Strata

__all__ = [
    "CellDecision",
    "Counts",
    "Decision",
    "Interval",
    "Reason",
    "Rules",
    "Strata",
    "Verdict",
    "betting",
    "comparison",
    "decide",
    "intervals",
    "multiplicity",
    "power",
    "rare",
    "risk",
    "sequential",
    "settled",
    "shown",
    "verdicts",
]
