"""The gate: what a campaign's runs are held against, said and signed before they were driven; a verdict for each cell."""

from marque.proof.gate.gate import judge
from marque.proof.gate.inputs import bound, inputs_of, provenance_inputs
from marque.proof.gate.rules import GateRules, read_rules

__all__ = ["GateRules", "bound", "inputs_of", "judge", "provenance_inputs", "read_rules"]
