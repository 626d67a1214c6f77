"""Which goals of an argument stand: against a recursion that was written by itself, and by what must hold of every argument."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_arguments import ANSWER, arguments, challenge, solution

from marque.proof.report.argument import Argument, Defeater, Element, Kind, Status, compare, outline


def brute_open(argument: Argument, defeater: Defeater) -> bool:
    if not defeater.resolution:
        return True
    return any(brute_open(argument, one) for one in argument.defeaters if one.challenges == defeater.id)


def brute(argument: Argument, name: str) -> str:
    """By asking again and again, from below."""
    element = next(one for one in argument.elements if one.id == name)
    if any(one.challenges == name and brute_open(argument, one) for one in argument.defeaters):
        return "defeated"
    told = [brute(argument, one) for one in element.supported_by + element.in_context_of]
    if "defeated" in told:
        return "defeated"
    if element.kind in ("goal", "strategy") and not element.supported_by:
        return "undeveloped"
    return "undeveloped" if "undeveloped" in told else "supported"


@given(arguments())
def test_statuses_are_those_of_a_recursion_from_the_top(argument):
    assert {one.id: brute(argument, one.id) for one in argument.elements} == dict(argument.statuses)
    assert set(argument.open) == {one for one in argument.defeaters if brute_open(argument, one)}


@given(arguments(), st.data())
def test_one_more_open_defeater_never_makes_a_goal_supported(argument, data):
    targets = [one.id for one in argument.elements] + [one.id for one in argument.defeaters if one.resolution]
    more = argument.with_defeater(data.draw(challenge("Z1", targets, st.just(False))))
    better = [name for name, status in more.statuses.items() if status is Status.SUPPORTED and argument.status(name) is not status]
    assert not better
    assert not any(one.id == "Z1" for one in argument.open)
    assert any(one.id == "Z1" for one in more.open)


@given(arguments(), st.data())
def test_to_answer_the_last_open_defeater_restores_what_stood_before(argument, data):
    at_peace = replace(argument, defeaters=tuple(replace(one, **ANSWER) for one in argument.defeaters))
    doubt = data.draw(challenge("Z1", [one.id for one in argument.elements], st.just(False)))
    doubted = at_peace.with_defeater(doubt)
    answered = doubted.with_defeater(replace(doubt, **ANSWER))
    assert not at_peace.open
    assert doubted.status(doubt.challenges) is Status.DEFEATED
    assert not doubted.supported
    assert answered.statuses == at_peace.statuses


@given(arguments())
def test_the_top_goal_stands_exactly_when_nothing_under_it_is_undeveloped_or_challenged(argument):
    hit = {one.challenges for one in argument.open} & {one.id for one in argument.elements}
    assert argument.supported == (not hit and not argument.undeveloped)


@given(arguments())
def test_the_outline_has_each_element_once_and_marks_what_does_not_stand(argument):
    lines = outline(argument).splitlines()
    for element in argument.elements:
        (line,) = [one for one in lines if one.strip().startswith(f"{element.id} (")]
        status = argument.status(element.id)
        assert (f"[{status}]" in line) == (status is not Status.SUPPORTED)
    told = [one.strip().split(" (")[0] for one in lines if "(defeater, open)" in one]
    assert sorted(set(told)) == sorted({one.id for one in argument.open})


@given(arguments(), arguments())
def test_a_comparison_tells_every_difference_and_nothing_else(one, other):
    told = compare(one, other)
    then = {each.id: one.status(each.id) for each in one.elements} | {each.id: each in one.open for each in one.defeaters}
    now = {each.id: other.status(each.id) for each in other.elements} | {each.id: each in other.open for each in other.defeaters}
    assert set(told.new) == now.keys() - then.keys()
    assert set(told.gone) == then.keys() - now.keys()
    assert {each.id for each in told.changed} == {name for name in now.keys() & then.keys() if now[name] != then[name]}
    assert compare(one, one) == type(told)((), (), (), ())


GOAL = Element("G1", Kind.GOAL, "It is safe.", ("Sn1",))


@pytest.mark.parametrize(
    ("elements", "why"),
    [
        ((replace(GOAL, supported_by=("G2",)), Element("G2", Kind.GOAL, "So it is.", ("G1",))), "cannot rest on itself"),
        ((GOAL,), "names Sn1, which is not there"),
        ((GOAL, solution("Sn1"), solution("Sn1")), "Sn1 stands there twice"),
        ((GOAL, solution("Sn1"), solution("Sn2")), "nothing rests on Sn2"),
        ((replace(GOAL, kind=Kind.STRATEGY), solution("Sn1")), "the top of an argument is a goal"),
        ((GOAL, Element("Sn1", Kind.SOLUTION, "Trust us.")), "a solution cites evidence"),
        ((GOAL, Element("Sn1", Kind.CONTEXT, "In winter.")), "a goal cannot be supported by a context"),
        ((replace(GOAL, in_context_of=("Sn1",)), solution("Sn1")), "a goal cannot stand in the context of a solution"),
        ((replace(GOAL, id="goal one"), solution("Sn1")), "an id is of letters and a number"),
    ],
)
def test_what_is_no_argument_is_refused(elements, why):
    with pytest.raises(ValueError, match=why):
        Argument(elements[0].id if elements[0].id != "goal one" else "G1", elements)


def test_an_answer_needs_somebody_who_stands_for_it_and_can_be_challenged():
    with pytest.raises(ValueError, match="needs somebody"):
        Defeater("D1", "G1", "No.", "Li", resolution="Yes.")
    with pytest.raises(ValueError, match="only other evidence"):
        Defeater("D1", "G1", "No.", "Li", final=True, resolution="Yes.", resolved_by="Chen")
    answered = Defeater("D1", "G1", "No.", "Li", resolution="Yes.", resolved_by="Chen")
    argument = Argument("G1", (GOAL, solution("Sn1")), (answered,))
    assert argument.supported
    assert not argument.with_defeater(Defeater("D2", "D1", "Chen did not look.", "Wang")).supported
    with pytest.raises(ValueError, match="there is none"):
        Argument("G1", (GOAL, solution("Sn1")), (Defeater("D1", "G1", "No.", "Li"), Defeater("D2", "D1", "Yes.", "Wang")))
    with pytest.raises(ValueError, match="which is not there"):
        argument.with_defeater(Defeater("D2", "G9", "No.", "Wang"))


def test_two_answers_that_challenge_each_other_are_no_argument():
    first = Defeater("D1", "D2", "No.", "Li", resolution="Yes.", resolved_by="Chen")
    with pytest.raises(ValueError, match="cannot rest on itself"):
        Argument("G1", (GOAL, solution("Sn1")), (first, replace(first, id="D2", challenges="D1")))
