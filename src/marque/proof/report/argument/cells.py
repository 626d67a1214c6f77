"""The first half of the argument: what is shown in each cell of the design domain, and of all of them together."""

from __future__ import annotations

from marque.proof.evidence import archive
from marque.proof.report.argument.model import Cited, Element, Kind
from marque.proof.report.argument.words import counted, interval, listed, named, percent
from marque.proof.report.facts import CellFacts, Facts
from marque.proof.statistics import Interval


def cell_elements(facts: Facts) -> list[Element]:
    """The strategy over cells and what is below it; of each claimed cell, a goal."""
    known = {one.cell: one for one in facts.claimed}
    found: list[Element] = []
    goals = []
    for cell in sorted(facts.rules.limits):
        goals.append(named("G2", cell))
        found.extend(_cell(facts, known[cell]) if cell in known else [_without_verdict(facts, cell)])
    strategy = Element(
        "S1",
        Kind.STRATEGY,
        "Argument over each cell of the design domain that the release claims, each held against its own limit, and over all of them "
        "together, each weighing as much as is driven in it.",
        (*goals, "G4"),
        ("J1",),
    )
    return [strategy, _exact(facts), *found, *_together(facts)]


def runs_cited(facts: Facts, place: str = "") -> Cited:
    return Cited(archive.RUNS, facts.summary.runs.sha256, place)


def part_cited(facts: Facts, name: str, place: str = "") -> Cited:
    """One of the signed parts, by the digest that both partners signed the verdicts on."""
    return Cited(name, facts.summary.attestations[name], place)


def verdicts_cited(facts: Facts, place: str = "") -> Cited:
    """The verdicts' own digest is that of the text that was signed."""
    assert facts.verified.latest is not None  # of sound evidence it is always known
    return Cited(archive.SUMMARY, facts.verified.latest.summary, f"signed text{f', {place}' if place else ''}")


def _cell(facts: Facts, one: CellFacts) -> list[Element]:
    assert one.limit is not None  # it is claimed
    place = f"cell {one.cell}"
    shown = Element(
        named("Sn2", one.cell),
        Kind.SOLUTION,
        f"{counted(one.runs, 'run')} in {one.cell}: {_outcomes(one)}. The gate's verdict, signed by both partners: {one.answer}.",
        cited=(runs_cited(facts, place), part_cited(facts, archive.TEST_RESULT, place), verdicts_cited(facts, place)),
    )
    beside = _beside(facts, one)
    goal = Element(
        named("G2", one.cell),
        Kind.GOAL,
        f"In {_domain(one)}, less than {percent(one.limit)} of what is driven fails: {_share(one)}.",
        (shown.id, *(each.id for each in beside if each.kind is Kind.GOAL)),
    )
    return [goal, shown, *beside]


def _domain(one: CellFacts) -> str:
    terms = [f"{attribute} {term}" for attribute, term in one.odd.items()]
    return f"{one.cell} ({'; '.join([*terms, f'{percent(one.exposure)} of what is driven'])})"


def _share(one: CellFacts) -> str:
    if one.share is None or one.estimate is None:
        return "nothing was driven in it"
    return f"{counted(one.failures, 'run')} of {one.runs:,} failed, which is {percent(one.estimate)}, {interval(one.share)}"


def _outcomes(one: CellFacts) -> str:
    return listed(f"{number:,} {outcome}" for outcome, number in sorted(one.counts.items())) if one.counts else "none"


def _beside(facts: Facts, one: CellFacts) -> list[Element]:
    """That the cell is no worse than it was, where there is a release to hold it against."""
    if facts.baseline is None or one.baseline is None:
        return []
    pairs, then, place = one.baseline, facts.baseline, f"cell {one.cell}"
    release = then.provenance.release
    shown = Element(
        named("Sn3", one.cell),
        Kind.SOLUTION,
        f"The same cases in {one.cell} driven by both releases with the same random numbers, compared one by one.",
        cited=(
            runs_cited(facts, place),
            Cited(f"{archive.RUNS} of {then.file}", then.summary.runs.sha256, place),
        ),
    )
    goal = Element(
        named("G3", one.cell),
        Kind.GOAL,
        f"In {one.cell} it is not worse than {release.name} {release.version}: of {counted(pairs.pairs, 'case')} that both drove, "
        f"{pairs.worse:,} failed only now and {pairs.better:,} only then. Were it no worse, a result as bad as this or worse would come "
        f"with probability {pairs.p_worse:.3g}. The probability that a run fails has risen by {_rise(pairs.difference)}.",
        (shown.id,),
    )
    return [goal, shown]


def _rise(difference: Interval) -> str:
    low, high = 100.0 * float(difference.low), 100.0 * float(difference.high)
    return f"between {low:.3g} and {high:.3g} percentage points with {100.0 * difference.confidence:g} % confidence"


def _without_verdict(facts: Facts, cell: str) -> Element:
    limit = percent(facts.rules.limits[cell])
    text = f"In {cell}, less than {limit} of what is driven fails: the policy claims this cell, and the evidence has no verdict on it."
    return Element(named("G2", cell), Kind.GOAL, text)


def _exact(facts: Facts) -> Element:
    return Element(
        "J1",
        Kind.JUSTIFICATION,
        f"Intervals are exact for any probability and number of runs. The gate's {100.0 * facts.rules.confidence:g} % hold for all cells "
        "together: that one cell or more passes wrongly is no more probable than the rest. Runs that were lost, aborted or overdue count "
        "as failed.",
    )


def _together(facts: Facts) -> list[Element]:
    """Undeveloped where it is not known how much is driven in which cell."""
    risk = facts.risk
    if risk is None:
        return [
            Element(
                "G4",
                Kind.GOAL,
                "Over all cells together it is known how often a run fails: how much is driven in each, or what came of it, is not known.",
            )
        ]
    estimate = "" if risk.estimate is None else f"{percent(risk.estimate)} of what is driven fails, "
    goal = Element(
        "G4",
        Kind.GOAL,
        f"Over all claimed cells together, each weighing as much as is driven in it, {estimate}{interval(risk.interval)}; the policy's "
        f"limits, weighed likewise, come to {percent(_limit(facts))}. The claimed cells are {percent(risk.exposure)} of what is driven.",
        ("Sn4",),
    )
    shown = Element(
        "Sn4",
        Kind.SOLUTION,
        f"All {counted(facts.summary.runs.lines, 'run')}, by cell and weight.",
        cited=(runs_cited(facts), part_cited(facts, archive.TEST_RESULT, "counts")),
    )
    return [goal, shown]


def _limit(facts: Facts) -> float:
    driven = {one.cell: one.exposure for one in facts.claimed}
    whole = sum(driven.values())
    return sum(facts.rules.limits[cell] * share for cell, share in driven.items()) / whole if whole else 0.0
