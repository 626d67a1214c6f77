"""What the facts themselves say against the argument. Nobody has to raise these, and nobody can leave them out.

A *final* one contradicts the claim: only other evidence resolves it. The others say what the evidence leaves open; a person may answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta

from marque.proof.credibility import Credibility
from marque.proof.evidence import archive
from marque.proof.report.argument.model import Defeater
from marque.proof.report.argument.words import counted, day, listed, named, percent
from marque.proof.report.facts import CellFacts, Doubt, Facts, Unsound

RULE = "Marque"
"""Who raises them: a rule of ours."""
SOON = timedelta(days=14)
"""A verdict that counts for less than this is about to expire."""
_UNKNOWN = ("aborted", "lost", "overdue")


def raised(facts: Facts) -> tuple[Defeater, ...]:
    """Of sound evidence. The same id means the same doubt in every release."""
    found: list[Defeater] = []
    for rule in (_expiry, _cells, _regressions, _coverage, _simulator, _stale, _witnesses, _hidden, _doubts):
        found.extend(rule(facts))
    return tuple(found)


def unsound(facts: Unsound) -> tuple[Defeater, ...]:
    """One for each broken link."""
    told = []
    for number, one in enumerate(facts.findings, 1):
        place = f"{one.file}{f', line {one.line}' if one.line is not None else ''}"
        prefix = "D2" if one.link == "expiry" else "D1"
        told.append(_final(f"{prefix}.{number}", "G5", f"{place}: {one.problem}. {one.remedy}"))
    return tuple(told)


def _expiry(facts: Facts) -> Iterator[Defeater]:
    left = facts.summary.expires - facts.now
    if left < SOON:
        yield _open("D2", "G5", f"The verdicts count until {day(facts.summary.expires)}, for {counted(left.days, 'day')} from now.")


def _cells(facts: Facts) -> Iterator[Defeater]:
    known = {one.cell: one for one in facts.claimed}
    for cell in sorted(facts.rules.limits):
        goal = named("G2", cell)
        if cell not in known:
            yield _final(named("D4", cell), goal, f"{cell} is claimed, and there is neither a verdict nor a run in it.")
            continue
        yield from _cell(known[cell], goal)


def _cell(one: CellFacts, goal: str) -> Iterator[Defeater]:
    if one.answer != "PASSED":
        yield _final(named("D3", one.cell), goal, f"{one.cell} has not passed: it is {one.answer}. {' '.join(one.reasons)}".strip())
    if one.runs < (one.planned or 1):
        yield _final(
            named("D4", one.cell), goal, f"{counted(one.runs, 'run')} in {one.cell}, of {one.planned or 1:,} that the policy plans."
        )
    if unknown := {name: number for name, number in one.counts.items() if name in _UNKNOWN}:
        told = listed(f"{number:,} {name}" for name, number in sorted(unknown.items()))
        text = f"In {one.cell} nobody knows what came of some runs: {told}. They count as failed, but why they happened is not known."
        yield _open(named("D5", one.cell), named("Sn2", one.cell), text)
    if one.excused:
        told = counted(one.excused, "run that collided counts as passed", "runs that collided count as passed")
        why = "not at fault, and the reference driver would have collided, too. That this holds on the road is not shown."
        yield _open(named("D6", one.cell), goal, f"In {one.cell}, {told}: {why}")
    if one.unpreventable:
        told = counted(one.unpreventable, "run counts as failed", "runs count as failed")
        text = (
            f"In {one.cell}, {told} that no driver who was asked would have prevented: either the car, the suite or the reference is wrong."
        )
        yield _open(named("D7", one.cell), named("Sn2", one.cell), text)


def _regressions(facts: Facts) -> Iterator[Defeater]:
    for one in facts.claimed:
        if facts.baseline is not None and one.baseline is not None and one.baseline.worse:
            told = counted(one.baseline.worse, "case fails", "cases fail")
            yield _open(named("D18", one.cell), named("G3", one.cell), f"In {one.cell}, {told} now and did not in the baseline.")


def _coverage(facts: Facts) -> Iterator[Defeater]:
    for number, one in enumerate(facts.coverage):
        if missing := one.possible - one.covered:
            holes = f" Among them: {'; '.join(one.holes[:5])}." if one.holes else ""
            text = f"{one.name}: {missing:,} of {one.possible:,} ({percent(missing / one.possible)}) are holes.{holes}"
            yield _open(named("D8", one.key or one.name), "G10" if number else "G9", text)


def _simulator(facts: Facts) -> Iterator[Defeater]:
    known: Credibility | None = facts.credibility
    if known is None:
        yield _final("D10", "G7", "How far the simulator can be believed was not given: no credibility.json.")
        return
    if not known.items:
        yield _final("D10", "G7", "The file on the simulator's credibility holds not one criterion.")
    for one in known.items:
        if one.met is False:
            yield _final(named("D11", one.name), "G7", f"{one.name}: demanded {one.criterion}, measured {one.measured}. {one.sentence}")
        elif one.met is None:
            yield _open(named("D12", one.name), "G7", f"{one.name} could not be measured. {one.sentence}")
    yield from _measured_of(facts, known)


def _measured_of(facts: Facts, known: Credibility) -> Iterator[Defeater]:
    """Whether the simulator that was measured is the one that was driven in; with another driver in it, somebody may answer for that."""
    given = {one.name: one.digest for one in facts.provenance.inputs}
    pairs = [(_as_input(name, given), digest) for name, digest in sorted(known.rests_on.items())]
    other = [name for name, digest in pairs if name in given and given[name] != digest]
    simulator = [name for name in other if _is_simulator(name)]
    if simulator:
        yield _final("D13", "G7", f"The simulator's credibility was measured of another simulator than the runs': {listed(simulator)}.")
    if rest := [name for name in other if name not in simulator]:
        text = f"The simulator's credibility was measured with other inputs than the runs', though of the same simulator: {listed(rest)}."
        yield _open("D19", "G7", text)
    if not any(name in given and _is_simulator(name) for name, _ in pairs):
        yield _open("D20", "G7", "The file on the simulator's credibility does not say of which simulator it was measured.")


def _is_simulator(name: str) -> bool:
    return name.partition("/")[0] == "simulator"


def _as_input(name: str, given: Mapping[str, str]) -> str:
    """What a campaign calls `simulator/simulation` is `code/simulation` where the simulator is measured by itself."""
    told = f"simulator/{name.rpartition('/')[2]}"
    return told if name not in given and told in given else name


def _stale(facts: Facts) -> Iterator[Defeater]:
    """The same runs as the baseline's, made before the baseline's were over, are the baseline's."""
    before = facts.baseline
    if before is None or not facts.changes or facts.summary.runs.sha256 != before.summary.runs.sha256:
        return
    if facts.provenance.started <= before.provenance.finished:
        names = listed(one.name for one in facts.changes)
        yield _final("D14", "G11", f"{names} changed since the baseline, and the runs are still the baseline's: nothing was driven again.")


def _witnesses(facts: Facts) -> Iterator[Defeater]:
    runner = facts.provenance.runner
    yield _open(
        "D15",
        "G6",
        f"The runs have one witness: {runner} drove them and signed what came of them. That another party has driven a sample of them "
        "again, and got the same bytes, is not in the evidence.",
    )
    drove = facts.verified.signers.get(archive.PROVENANCE, {}).get(runner)
    also = [name for name in (archive.POLICY, archive.SUMMARY) if facts.verified.signers.get(name, {}).get(runner) == drove]
    if drove and also:
        told = listed(name.removesuffix(".dsse.json") for name in also)
        yield _open("D16", "G6", f"The person of {runner} who signed for the runs ({drove}) signed the {told}, too.")


def _hidden(facts: Facts) -> Iterator[Defeater]:
    if not facts.policy.hidden:
        yield _open("D17", "G12", "No suite was hidden: whoever made the release could know every case that it is judged by.")


def _doubts(facts: Facts) -> Iterator[Defeater]:
    """What the report's own second look found. Where a verdict comes out otherwise, no words help."""
    challenged = {"verdict": "G5", "baseline": "S1", "suite": "G10", "coverage": "G10", "credibility": "G7"}
    seen: dict[str, int] = {}
    for one in facts.doubts:
        name = _doubt_id(one)
        seen[name] = seen.get(name, 0) + 1
        make = _final if one.subject == "verdict" else _open
        yield make(name if seen[name] == 1 else f"{name}-{seen[name]}", challenged[one.subject], one.text)


def _doubt_id(one: Doubt) -> str:
    """By what its sentence begins with, a cell or a suite: the place among others may be another in the next release."""
    return named(f"D9.{one.subject}", one.text.partition(" ")[0].rstrip(":"))


def _final(name: str, challenges: str, text: str) -> Defeater:
    return Defeater(name, challenges, text, RULE, final=True)


def _open(name: str, challenges: str, text: str) -> Defeater:
    return Defeater(name, challenges, text, RULE)
