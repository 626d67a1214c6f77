"""The argument of a release's safety case: goals, what supports them, and what speaks against them."""

from marque.proof.report.argument.case import argument
from marque.proof.report.argument.challenges import Challenge, read_challenges, to_answer
from marque.proof.report.argument.model import Argument, Cited, Defeater, Element, Kind, Status
from marque.proof.report.argument.outline import Changed, Comparison, compare, outline

__all__ = [
    "Argument",
    "Challenge",
    "Changed",
    "Cited",
    "Comparison",
    "Defeater",
    "Element",
    "Kind",
    "Status",
    "argument",
    "compare",
    "outline",
    "read_challenges",
    "to_answer",
]
