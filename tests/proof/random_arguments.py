"""Arguments of all sorts, for properties that hold of every one."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from marque.proof.report.argument import Argument, Cited, Defeater, Element, Kind

SHA = "ab" * 32
ANSWER = {"resolution": "It was looked into.", "resolved_by": "Chen"}
BESIDE = (Kind.CONTEXT, Kind.ASSUMPTION, Kind.JUSTIFICATION)


def solution(name: str) -> Element:
    return Element(name, Kind.SOLUTION, f"Runs of {name}.", cited=(Cited("runs.jsonl", SHA),))


@st.composite
def arguments(draw: st.DrawFn) -> Argument:
    """Some elements supporting several; in half of them goals without support; defeaters of all sorts, some of answers."""
    count = draw(st.integers(1, 14))
    kinds = [Kind.GOAL] + [draw(st.sampled_from([*Kind, Kind.GOAL, Kind.STRATEGY])) for _ in range(count - 1)]
    below: dict[int, list[int]] = {number: [] for number in range(count)}
    for number in range(1, count):
        allowed = {Kind.GOAL} if kinds[number] in (Kind.STRATEGY, Kind.SOLUTION) else {Kind.GOAL, Kind.STRATEGY}
        parents = [other for other in range(number) if kinds[other] in allowed]
        for parent in draw(st.sets(st.sampled_from(parents), min_size=1, max_size=3)):
            below[parent].append(number)
    if draw(st.booleans()):
        _developed(kinds, below)
    names = [f"E{number}" for number in range(len(kinds))]
    elements = tuple(
        replace(solution(names[number]), kind=Kind.SOLUTION)
        if kind is Kind.SOLUTION
        else Element(
            names[number], kind, f"{kind} {number}.", tuple(names[one] for one in below[number] if kinds[one] not in BESIDE),
            tuple(names[one] for one in below[number] if kinds[one] in BESIDE),
        )
        for number, kind in enumerate(kinds)
    )  # fmt: skip
    challenges: list[Defeater] = []
    for number in range(draw(st.integers(0, 5))):
        challenges.append(draw(challenge(f"D{number}", names + [one.id for one in challenges if one.resolution])))
    return Argument(names[0], elements, tuple(challenges))


def _developed(kinds: list[Kind], below: dict[int, list[int]]) -> None:
    """Puts a solution under each goal that nothing supports, and a goal with one under each strategy."""
    for number, kind in enumerate(kinds):  # grows while it is walked: a goal that is put in is walked, too
        if kind in (Kind.GOAL, Kind.STRATEGY) and all(kinds[one] in BESIDE for one in below[number]):
            below[number].append(len(kinds))
            below[len(kinds)] = []
            kinds.append(Kind.SOLUTION if kind is Kind.GOAL else Kind.GOAL)


def challenge(name: str, targets: list[str], answered: st.SearchStrategy[bool] | None = None) -> st.SearchStrategy[Defeater]:
    def made(target: str, answer: bool) -> Defeater:
        return Defeater(name, target, "It may not be so.", "Li", **(ANSWER if answer else {}))

    return st.builds(made, st.sampled_from(targets), st.booleans() if answered is None else answered)
