"""Suites: which scenarios a release is proven with, in which cells of its design domain, and the concrete cases they come to."""

from marque.proof.suites.coverage import cell_coverage, k_wise
from marque.proof.suites.expand import cases
from marque.proof.suites.model import Case, Cell, Kind, Parameter, Source, Suite
from marque.proof.suites.read import DATA, located, read_suite

__all__ = ["DATA", "Case", "Cell", "Kind", "Parameter", "Source", "Suite", "cases", "cell_coverage", "k_wise", "located", "read_suite"]
