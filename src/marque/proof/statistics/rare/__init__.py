"""The probability of failures too rare to wait for, and where failures are; the two are kept apart."""

from marque.proof.statistics.rare.estimate import Estimate, Plan, estimate
from marque.proof.statistics.rare.limit_state import Function, standard
from marque.proof.statistics.rare.search import Findings, search
from marque.proof.statistics.rare.tails import effective_size, pareto_k

__all__ = ["Estimate", "Findings", "Function", "Plan", "effective_size", "estimate", "pareto_k", "search", "standard"]
