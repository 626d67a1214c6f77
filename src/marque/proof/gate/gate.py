"""Runs held against a policy's rules: PASSED, FAILED or OUTSIDE ODD for each cell, with reasons that a manager understands."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from marque.common import InputError
from marque.proof.evidence import Policy, Verdict, digests
from marque.proof.gate.counting import Before, CellCount, Seen, count, counts_of, read, statistical
from marque.proof.gate.reasons import Shares, reasons
from marque.proof.gate.rules import GateRules, read_rules
from marque.proof.gate.stopping import Cases, course
from marque.proof.statistics import decide
from marque.proof.statistics.decision import limit_p_values
from marque.proof.statistics.multiplicity import holm_factors


def judge_under(policy: Policy, model: str, runs: Path, baseline: Path | None = None) -> list[Verdict]:
    """`judge` by a policy that was signed: its rules, its hidden suites, its order of cases."""
    return judge(read_rules(policy.rules), model, runs, baseline, hidden=tuple(policy.hidden), order=policy.digest)


def judge(
    rules: GateRules, model: str, runs: Path, baseline: Path | None = None, *, hidden: Collection[str] = (), order: str = ""
) -> list[Verdict]:  # fmt: skip
    """The verdict on every cell that the rules or the runs name. Raises InputError for a baseline that is not the one of the rules.

    hidden: names of the hidden suites. order: the key of the order of cases, of a campaign that may stop early.
    Missing evidence fails: a cell without its planned runs, or of which not enough is shown either way, has not passed.
    """
    return conclude(rules, model, read(rules, runs, hidden), baseline_of(rules, baseline), order)


def conclude(rules: GateRules, model: str, runs: Sequence[Seen], before: Before, order: str = "") -> list[Verdict]:
    """The same of runs that were read, in the order of the cases."""
    found, how = count(runs, before), statistical(rules, any(run.hidden for run in runs))
    astray, counts, cells = _astray(rules, runs, before, order), counts_of(rules, found), sorted(rules.limits)
    told = dict(zip(cells, decide(counts, how).cells, strict=True))
    below, above = limit_p_values(counts, how)
    factors = zip(holm_factors(below, how.alpha).tolist(), holm_factors(above, how.of_each).tolist(), strict=True)
    shares = {cell: Shares(how.alpha / one, how.of_each / other) for cell, (one, other) in zip(cells, factors, strict=True)}
    made = []
    for cell in sorted({*cells, *found}):
        if cell not in told:
            made.append(_unclaimed(rules, model, cell))
            continue
        one = found.get(cell, CellCount())
        wrong = astray.get(cell, 0)
        passed = told[cell].verdict == "PASSED" and one.runs >= rules.least_runs[cell] and not wrong
        said = reasons(rules, cell, one, told[cell], shares[cell], wrong)
        made.append(Verdict(model, cell, "PASSED" if passed else "FAILED", said))
    return made


def _unclaimed(rules: GateRules, model: str, cell: str) -> Verdict:
    why = "The policy leaves this cell outside of the domain." if cell in rules.outside else "The policy says nothing of this cell."
    return Verdict(model, cell, "OUTSIDE ODD", (why,))


def _astray(rules: GateRules, runs: Sequence[Seen], before: Before, order: str) -> Mapping[str, int]:
    """By cell, how many cases were driven though it was not their turn, or left out though it was.

    Else runs that came out badly could be called not needed, and those that came out well be sought.
    """
    left_out = [case for case, run in enumerate(runs) if run.outcome == "not-needed" and run.cell in rules.limits]
    if not left_out:
        return {}
    if rules.stopping == "fixed" or not order:
        wrong = set(left_out)
    else:
        driven = {case: run for case, run in enumerate(runs) if run.outcome != "not-needed" and run.cell in rules.limits}
        taken = course(rules, order, Cases([run.cell for run in runs], any(run.hidden for run in runs)), driven, before)
        wrong = driven.keys() ^ {*taken.driven, *taken.due}
    found: dict[str, int] = {}
    for case in wrong:
        found[runs[case].cell] = found.get(runs[case].cell, 0) + 1
    return found


def baseline_of(rules: GateRules, runs: Path | None) -> Before:
    """Missing where the policy names one: InputError, for a release is not judged against something else."""
    if not rules.baseline:
        return {}
    if runs is None:
        raise InputError("--baseline", "", "the policy compares with the runs of a baseline", f"Their SHA-256 is {rules.baseline}.")
    if (digest := digests.of_file(runs)) != rules.baseline:
        raise InputError(str(runs), "", f"its SHA-256 is {digest}, not the baseline's", f"The policy names {rules.baseline}.")
    return before_of(read(rules, runs))


def before_of(runs: Sequence[Seen]) -> Before:
    """What a baseline's runs are to those that are compared with them."""
    found: dict[str, dict[str, bool]] = {}
    for run in runs:
        if run.failed is not None:
            found.setdefault(run.cell, {})[run.same] = run.failed
    return found
