"""The gate: what a campaign's runs are held against, said and signed before they were driven; a verdict for each cell."""

from marque.proof.gate.counting import Seen, seen
from marque.proof.gate.gate import baseline_of, before_of, conclude, judge, judge_under
from marque.proof.gate.inputs import bound, provenance_inputs, seeded
from marque.proof.gate.rules import GateRules, read_rules, short_of
from marque.proof.gate.stopping import Cases, course

__all__ = [
    "Cases",
    "GateRules",
    "Seen",
    "baseline_of",
    "before_of",
    "bound",
    "conclude",
    "course",
    "judge",
    "judge_under",
    "provenance_inputs",
    "read_rules",
    "seeded",
    "seen",
    "short_of",
]
