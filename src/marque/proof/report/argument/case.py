"""The safety case of a release, argued from the facts of its evidence."""

from __future__ import annotations

from collections.abc import Sequence

from marque.common import InputError
from marque.proof.report.argument import defeaters
from marque.proof.report.argument.cells import cell_elements
from marque.proof.report.argument.challenges import Challenge, brought_together
from marque.proof.report.argument.model import Argument, Cited, Defeater, Element, Kind
from marque.proof.report.argument.threats import threat_elements
from marque.proof.report.argument.words import counted, day, listed, percent
from marque.proof.report.facts import Facts, Unsound


def argument(facts: Facts | Unsound, challenges: Sequence[Challenge] = ()) -> Argument:
    """That the release is acceptably safe, and what speaks against it; of evidence that is not sound, that nothing can be claimed.

    Raises InputError for a challenge against something that does not stand in the argument.
    """
    if isinstance(facts, Unsound):
        elements, raised = _without_evidence(facts), defeaters.unsound(facts)
    else:
        elements, raised = (*_top(facts), *cell_elements(facts), *threat_elements(facts)), defeaters.raised(facts)
    against = brought_together(raised, challenges)
    _there(elements, against)
    try:
        return Argument("G1", tuple(elements), against)
    except ValueError as fault:
        raise InputError("challenges", "", str(fault)) from fault


def _there(elements: Sequence[Element], against: Sequence[Defeater]) -> None:
    known = {one.id for one in elements} | {one.id for one in against}
    for one in against:
        if one.challenges not in known:
            where = "Look up the ids in the argument; what it was raised against may be gone."
            raise InputError("challenges", one.id, f"it challenges {one.challenges}, which does not stand in the argument", where)


def _without_evidence(facts: Unsound) -> tuple[Element, ...]:
    release, model = facts.verified.release, facts.verified.model
    what = f"Release {release.name} {release.version}" if release else "A release"
    return (
        Element(
            "G1",
            Kind.GOAL,
            f"{what} of the driving system is acceptably safe{f' in {model}' if model else ''}: nothing can be claimed, for its evidence "
            "is not sound.",
            ("S2",),
        ),
        Element("S2", Kind.STRATEGY, "Argument over what could make the figures mislead, of which the first is broken evidence.", ("G5",)),
        Element("G5", Kind.GOAL, "The evidence is whole and as it was signed, and its verdicts count.", ("Sn5",)),
        Element(
            "Sn5",
            Kind.SOLUTION,
            f"The evidence was checked; {counted(len(facts.findings), 'link is', 'links are')} broken.",
            cited=(Cited(facts.verified.file, facts.evidence),),
        ),
    )


def _top(facts: Facts) -> tuple[Element, ...]:
    release, summary = facts.provenance.release, facts.summary
    cells = counted(len(facts.rules.limits), "cell")
    goal = Element(
        "G1",
        Kind.GOAL,
        f"Release {release.name} {release.version} of the driving system is acceptably safe in {facts.provenance.model} within its "
        f"operational design domain of {cells}, until {day(summary.expires)}.",
        ("S1", "S2"),
        ("C1", "C2", "C3", "C4"),
    )
    return (goal, *_contexts(facts))


def _contexts(facts: Facts) -> tuple[Element, ...]:
    release, model, rules = facts.provenance.release, facts.provenance.model, facts.rules
    vehicle = facts.provenance.input(f"model/{model}")
    limits = "; ".join(f"{cell} {percent(limit)}" for cell, limit in sorted(rules.limits.items()))
    margin = "" if rules.margin is None else f" No cell may be worse than the baseline by more than {percent(rules.margin)}."
    return (
        Element("C1", Kind.CONTEXT, f"The release is {release.uri}: code and locks with the SHA-256 {release.digest}."),
        Element(
            "C2",
            Kind.CONTEXT,
            f"The vehicle is the model {model}{f', with the parameters of SHA-256 {vehicle.digest}' if vehicle else ''}.",
        ),
        Element("C3", Kind.CONTEXT, _domain(facts)),
        Element(
            "C4",
            Kind.CONTEXT,
            f"Acceptably safe is what the policy {facts.policy.digest} says, which {listed(facts.policy.parties)} signed on "
            f"{day(facts.policy.issued)}: with {100.0 * rules.confidence:g} % confidence over all cells together it has to be shown that "
            f"a run fails less often than the limit of its cell ({limits}).{margin}",
        ),
    )


def _domain(facts: Facts) -> str:
    cells = []
    for one in facts.claimed:
        terms = "; ".join(f"{attribute}: {term}" for attribute, term in one.odd.items()) or "terms not in the evidence"
        cells.append(f"{one.cell} ({terms})")
    silent = sorted(facts.rules.limits.keys() - {one.cell for one in facts.claimed})
    outside = sorted({*facts.rules.outside, *(one.cell for one in facts.cells if one.limit is None)})
    left = f" Outside of it, and not claimed: {listed(outside)}." if outside else ""
    return f"The operational design domain, in terms of ISO 34503: {listed([*cells, *silent])}.{left}"
