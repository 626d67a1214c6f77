"""Why a verdict is what it is, in sentences with their figures: what was seen, what it shows, what the policy allows, what was lacking."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from marque.proof.gate.counting import CellCount
from marque.proof.gate.rules import GateRules, runs_needed
from marque.proof.statistics import CellDecision, Reason, intervals
from marque.proof.statistics.sequential import confidence_sequence


@dataclass(frozen=True)
class Shares:
    """A cell's share of α where it is held against its limit among all cells (`multiplicity.holm_factors`), from either side."""

    below: float
    above: float


def reasons(rules: GateRules, cell: str, found: CellCount, told: CellDecision, shares: Shares, astray: int) -> tuple[str, ...]:
    """astray: cases driven or left out against the policy's order."""
    said = [_of_limit(rules, cell, found, told, shares)]
    said += _of_plan(rules, cell, found, astray)
    said += _of_hidden(rules, found, told)
    said += _of_baseline(rules, found, told)
    said += _of_failures(rules, found)
    return tuple(said)


def _of_limit(rules: GateRules, cell: str, found: CellCount, told: CellDecision, shares: Shares) -> str:
    allowed, runs, failures = percent(rules.limits[cell]), found.runs, found.failures
    if not runs:
        needed = _needed(rules, cell, found, shares)
        return f"Nothing was driven; the policy allows {allowed}, and {needed} runs without failure would show it."
    among = confidence_sequence if rules.stopping == "sequential" else intervals.binomial
    head = f"{failures:,} of {_runs(runs)} failed; at {100 * rules.confidence:g} % confidence{_together(rules)}"
    if Reason.ABOVE_LIMIT in told.reasons:
        low = float(among(failures, runs, 1.0 - shares.above, "lower").low)
        return f"{head} at least {percent(low)} fail; the policy allows {allowed}."
    high = float(among(failures, runs, 1.0 - shares.below, "upper").high)
    text = f"{head} at most {percent(high)} fail; the policy allows {allowed}"
    if Reason.BELOW_LIMIT in told.reasons:
        return f"{text}."
    more = _needed(rules, cell, found, shares, runs)
    return f"{text}; {more} more runs without failure would show it." if more else f"{text}, which is not shown."


def _needed(rules: GateRules, cell: str, found: CellCount, shares: Shares, already: int = 0) -> str:
    """How many further runs; "" where they are beyond counting."""
    try:
        return f"{max(runs_needed(rules, cell, rules.alpha / shares.below, found.failures) - already, 1):,}"
    except ValueError:
        return ""


def _of_plan(rules: GateRules, cell: str, found: CellCount, astray: int) -> Iterator[str]:
    skipped = found.outcomes["not-needed"]
    if astray and rules.stopping == "fixed":
        yield f"{_cases(skipped)} left out; the policy has every case driven."
    elif astray:
        yield f"{_cases(astray)} driven or left out against the order laid down; from a choice of runs nothing is concluded."
    elif skipped:
        yield (
            f"After {_runs(found.runs)}, in the order that follows from the policy, the cell was decided; {_cases(skipped)} not needed. "
            "The confidence is one that looking often does not change."
        )
    if found.runs < (planned := rules.least_runs[cell]):
        yield f"The policy plans {_runs(planned)}; {found.runs:,} are too few to conclude from."


def _of_hidden(rules: GateRules, found: CellCount, told: CellDecision) -> Iterator[str]:
    if not found.hidden:
        return
    known, known_failures = found.runs - found.hidden, found.failures - found.hidden_failures
    there = f"{found.hidden_failures:,}{_share(found.hidden_failures, found.hidden)}"
    here = f"{known_failures:,}{_share(known_failures, known)}"
    text = f"Of {_runs(found.hidden)} of hidden suites {there} failed, of {known:,} of the open suite {here}"
    if Reason.WORSE_WHERE_HIDDEN in told.reasons:
        test = "Fisher's exact test" if rules.stopping == "fixed" else "a two-sample test that looking often does not change"
        yield (
            f"{text}: it does worse where nobody could prepare it, which chance shows at most once in {_once_in(told.shown['fitted'])} "
            f"({test}). The release is fitted to its open suite."
        )
    else:
        yield f"{text}: no more of a difference than chance explains."


def _of_baseline(rules: GateRules, found: CellCount, told: CellDecision) -> Iterator[str]:
    if not rules.baseline:
        return
    text = f"Of {_cases(found.pairs, '')} that the baseline drove, too, {found.worse:,} got worse and {found.better:,} better"
    if Reason.WORSE_THAN_BASELINE in told.reasons:
        yield f"{text}: it is worse than the baseline, which chance shows at most once in {_once_in(told.shown['worse'])}."
    else:
        yield f"{text}."
    if rules.margin is not None:
        shown = "is shown" if Reason.NON_INFERIOR in told.reasons else "is not shown; more cases may show it"
        yield f"That it fails at most {percent(rules.margin)} of runs more often than the baseline {shown}."


def _of_failures(rules: GateRules, found: CellCount) -> Iterator[str]:
    if lost := [f"{found.outcomes[name]:,} {name}" for name in ("aborted", "lost", "overdue") if found.outcomes[name]]:
        yield f"Counted as failed: {', '.join(lost)}."
    if outside := found.outcomes["outside"]:
        yield f"{_cases(outside)} outside of the domain: no vehicle of the model could do them."
    one = found.unavoidable == 1
    collisions = f"{found.unavoidable:,} collision{'' if one else 's'}"
    if rules.fault == "reference":
        left = f"{collisions} that it would not have avoided {'is' if one else 'are'} left out"
        yield f"As the policy says, a collision counts where the {rules.reference} driver would have avoided it; {left}."
    elif found.unavoidable:
        which = f"by the ego's fault that the {rules.reference} driver could not have avoided either"
        yield f"{collisions} {which} {'counts' if one else 'count'} all the same."


def percent(share: float) -> str:
    """Three digits that count, never as a power of ten: 0.0018 is `0.18 %`."""
    return f"{np.format_float_positional(100.0 * share, precision=3, fractional=False, trim='-')} %"


def _share(failures: int, runs: int) -> str:
    return f" ({percent(failures / runs)})" if runs else ""


def _runs(number: int) -> str:
    return f"{number:,} run{'' if number == 1 else 's'}"


def _cases(number: int, verb: str = "was were") -> str:
    forms = verb.split()
    return f"{number:,} case{'' if number == 1 else 's'}{f' {forms[0 if number == 1 else 1]}' if forms else ''}"


def _together(rules: GateRules) -> str:
    return f" over {len(rules.limits)} cells together" if len(rules.limits) > 1 else ""


def _once_in(p_value: float) -> str:
    """Rounded down to two digits."""
    if p_value < 1e-9:
        return "a billion"
    times = int(1.0 / p_value)
    digits = max(len(str(times)) - 2, 0)
    return f"{times // 10**digits * 10**digits:,}"
