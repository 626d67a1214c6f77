"""A drive that drives nothing: what comes of a case follows from its suite and seed; to be imported by workers."""

from __future__ import annotations

from marque.proof.campaign import Run


def drive(task, case):  # noqa: ARG001  the port of every drive
    """Of a suite named `hidden-bad` every tenth fails, of others none."""
    failed = case.suite == "hidden-bad" and case.seed % 10 == 0
    return Run("failed" if failed else "passed", "laid down", trace=f"{case.seed:064x}").line(case)
