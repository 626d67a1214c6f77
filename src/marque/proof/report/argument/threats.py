"""The second half of the argument: what could make its first half mislead, and why it does not."""

from __future__ import annotations

import hashlib

from marque.proof.credibility import Credibility
from marque.proof.evidence import archive
from marque.proof.report.argument.cells import part_cited, runs_cited, verdicts_cited
from marque.proof.report.argument.model import Cited, Element, Kind
from marque.proof.report.argument.words import counted, day, listed
from marque.proof.report.facts import CoverageFacts, Facts

_THREATS = (
    "Argument over what could make the figures mislead although each is right: evidence that was bent or has become old, people who are "
    "not independent, a simulator that is not like the road, a reference driver that excuses too much, a suite that leaves something "
    "out, inputs that have changed, and a release that was fitted to a suite it knew."
)


def threat_elements(facts: Facts) -> list[Element]:
    goals = (_sound, _independent, _simulator, _reference, _cells_covered, _suites_covered, _fresh, _hidden)
    found = [element for part in goals for element in part(facts)]
    return [
        Element("S2", Kind.STRATEGY, _THREATS, tuple(one.id for one in found if one.kind is Kind.GOAL), ("A1",)),
        _like_the_road(),
        *found,
    ]


def _like_the_road() -> Element:
    return Element(
        "A1",
        Kind.ASSUMPTION,
        "On the road, situations are as frequent in each cell, and parameters distributed, as the suites say. This evidence cannot show "
        "it; what comes back from the fleet can.",
    )


def _sound(facts: Facts) -> list[Element]:
    summary = facts.summary
    goal = Element(
        "G5",
        Kind.GOAL,
        f"The evidence is whole and as it was signed, and its verdicts count: they are number {summary.sequence}, of "
        f"{day(summary.verified)}, and count until {day(summary.expires)}.",
        ("Sn5",),
    )
    shown = Element(
        "Sn5",
        Kind.SOLUTION,
        f"Each signature, each link between the parts and each of {counted(summary.runs.lines, 'line')} was checked; no link is broken.",
        cited=(
            Cited(facts.verified.file, facts.evidence),
            *(part_cited(facts, name) for name in archive.ENVELOPES[:-1]),
            verdicts_cited(facts),
        ),
    )
    return [goal, shown]


def _independent(facts: Facts) -> list[Element]:
    parties = listed(facts.policy.parties)
    goal = Element(
        "G6",
        Kind.GOAL,
        f"Nobody judged alone: a person of each of {parties} signed the policy on {day(facts.policy.issued)}, before the first run on "
        f"{day(facts.provenance.started)}, and a person of each signed the verdicts; {facts.provenance.runner} drove, and signed what "
        "came of it.",
        ("Sn6",),
    )
    shown = Element(
        "Sn6",
        Kind.SOLUTION,
        f"Who signed, by person: {_signers(facts)}.",
        cited=(*(part_cited(facts, name, "signatures") for name in archive.ENVELOPES[:-1]), verdicts_cited(facts)),
    )
    return [goal, shown]


def _signers(facts: Facts) -> str:
    told = []
    for name in archive.ENVELOPES:
        people = facts.verified.signers.get(name, {})
        told.append(f"{name.removesuffix('.dsse.json')} by {listed(f'{one} ({person})' for one, person in sorted(people.items()))}")
    return "; ".join(told)


def _simulator(facts: Facts) -> list[Element]:
    """Undeveloped without a look at the simulator."""
    text = "What the simulator says of a run is what the road would say of it, as far as the verdicts depend on it: "
    known: Credibility | None = facts.credibility
    if known is None:
        return [Element("G7", Kind.GOAL, f"{text}nothing was given that shows it.")]
    met = sum(one.met is True for one in known.items)
    stated = counted(len(known.items), "criterion", "criteria")
    goal = Element(
        "G7",
        Kind.GOAL,
        f"{text}of {stated} stated before measuring, {met:,} {'is' if met == 1 else 'are'} met.",
        ("Sn7",),
    )
    shown = Element(
        "Sn7",
        Kind.SOLUTION,
        f"Measured of the simulator: {listed(one.title for one in known.sections) if known.sections else 'nothing'}.",
        cited=(Cited("credibility.json", hashlib.sha256(known.dumps()).hexdigest()),),
    )
    return [goal, shown]


def _reference(facts: Facts) -> list[Element]:
    excused = sum(one.excused for one in facts.claimed)
    goal = Element(
        "G8",
        Kind.GOAL,
        f"What counts as failed is not judged too mildly: a collision counts unless the car is not at fault and the "
        f"{facts.rules.reference} driver, driven through the same case, would not have prevented it. {_excused(excused)}",
        ("Sn8",),
        ("J2",),
    )
    why = Element(
        "J2",
        Kind.JUSTIFICATION,
        "The competent and careful human driver is UN R157's own measure of what can be demanded: its reaction, braking and risk "
        "perception are the regulation's figures, and both partners named it in the policy before anything was driven.",
    )
    shown = Element(
        "Sn8",
        Kind.SOLUTION,
        "The rule both partners signed, and the reference drivers' answers beside each collision.",
        cited=(part_cited(facts, archive.POLICY, "rules.reference"), runs_cited(facts, "preventable, collision")),
    )
    return [goal, why, shown]


def _excused(number: int) -> str:
    return f"{counted(number, 'collision was', 'collisions were')} excused so." if number else "No collision was excused so."


def _cells_covered(facts: Facts) -> list[Element]:
    """What the policy claims; the first of what is covered."""
    told = "; ".join(f"{one.covered:,} of {counted(one.possible, 'cell')}" for one in facts.coverage[:1])
    goal = Element("G9", Kind.GOAL, f"Each claimed cell was driven as much as planned: {told}.", ("Sn9",))
    cited = (runs_cited(facts), part_cited(facts, archive.POLICY, "rules.least_runs"))
    return [goal, Element("Sn9", Kind.SOLUTION, "Runs by cell, against the plan that both partners signed.", cited=cited)]


def _suites_covered(facts: Facts) -> list[Element]:
    suites = [one for one in facts.provenance.inputs if one.kind == "suite"]
    goal = Element(
        "G10",
        Kind.GOAL,
        f"What the suites leave out of the domain is known, and does not matter: {_covered(facts.coverage[1:])}.",
        ("Sn10",),
    )
    shown = Element(
        "Sn10",
        Kind.SOLUTION,
        f"The cases of {listed(one.name for one in suites)}, counted against what their parameters and the domain's terms allow.",
        cited=tuple(Cited(one.name, one.digest) for one in suites),
    )
    return [goal, shown]


def _covered(known: tuple[CoverageFacts, ...]) -> str:
    return "; ".join(f"{one.name}, {one.covered:,} of {one.possible:,}" for one in known) if known else "no suite was at hand to count"


def _fresh(facts: Facts) -> list[Element]:
    inputs = len(facts.provenance.inputs)
    changed = (
        ""
        if facts.baseline is None
        else f" Since {facts.baseline.provenance.release.name} {facts.baseline.provenance.release.version}, "
        f"{counted(len(facts.changes), 'input has', 'inputs have')} changed{_names(facts)}; all runs are newer than the change."
    )
    goal = Element(
        "G11",
        Kind.GOAL,
        f"What was driven is this release and nothing older: {counted(inputs, 'input')} of the runs stand in the evidence by their "
        f"digests, and the release's digest is that of the code and locks that were driven.{changed}",
        ("Sn11",),
    )
    cited = (part_cited(facts, archive.PROVENANCE, "resolvedDependencies"),)
    return [goal, Element("Sn11", Kind.SOLUTION, f"The inputs of the campaign {facts.provenance.invocation}.", cited=cited)]


def _names(facts: Facts) -> str:
    return f" ({listed(one.name for one in facts.changes)})" if facts.changes else ""


def _hidden(facts: Facts) -> list[Element]:
    names = sorted(facts.policy.hidden)
    text = (
        f"{listed(names)}, which the policy names by a commitment alone and which became known when the run began"
        if names
        else "the policy names no suite that is hidden"
    )
    goal = Element("G12", Kind.GOAL, f"The release was not fitted to the cases it is judged by: {text}.", ("Sn12",))
    cited = (part_cited(facts, archive.POLICY, "hidden"), part_cited(facts, archive.PROVENANCE, "salts"))
    return [goal, Element("Sn12", Kind.SOLUTION, "Commitments to suites, and what opened them.", cited=cited)]
