"""The gate answers with no whenever anything is not as it should be."""

from __future__ import annotations

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marque.common import InputError
from marque.foundation.gate import Decision, Entity, Gate, Question, Uid

SCHEMA = """
entity House;
entity Guest { house: House, rank: Long };
entity Room { house: House, level: Long, closed: Bool };
action enter appliesTo { principal: Guest, resource: Room, context: { key: Bool } };
"""
POLICIES = """
@id("rank-opens")
permit (principal is Guest, action == Action::"enter", resource is Room) when { principal.rank >= resource.level };
@id("other-house")
forbid (principal is Guest, action == Action::"enter", resource is Room) unless { principal.house == resource.house };
@id("closed")
forbid (principal is Guest, action == Action::"enter", resource is Room) when { resource.closed && !context.key };
"""
ENTER = Uid("Action", "enter")
GATE = Gate(POLICIES, SCHEMA)


def guest(name, house, rank):
    return Entity(Uid("Guest", name), {"house": Uid("House", house), "rank": rank})


def room(name, house, level=0, closed=False):
    return Entity(Uid("Room", name), {"house": Uid("House", house), "level": level, "closed": closed})


def ask(visitor, place, key=False):
    return GATE.decide(visitor.uid, ENTER, place.uid, {"key": key}, [visitor, place])


def test_a_decision_names_the_policies_that_made_it():
    assert ask(guest("ada", "a", 3), room("attic", "a", 3)) == Decision(allowed=True, reasons=("rank-opens",))
    assert ask(guest("ada", "a", 9), room("attic", "b", closed=True)) == Decision(allowed=False, reasons=("closed", "other-house"))
    assert ask(guest("ada", "a", 0), room("attic", "a", 3)) == Decision(allowed=False)


@given(st.text(), st.text(), st.text(), st.integers(-9, 9), st.integers(-9, 9), st.booleans(), st.booleans())
def test_decisions_are_those_of_the_policies_whatever_the_names_hold(name, mine, theirs, rank, level, closed, key):
    found = ask(guest(name, mine, rank), room(name, theirs, level, closed), key)
    assert found.errors == ()
    assert found.allowed == (rank >= level and mine == theirs and (key or not closed))


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=12))
def test_many_questions_get_the_answers_they_would_get_one_by_one(pairs):
    guests = [guest(str(rank), "a", rank) for rank in range(4)]
    rooms = [room(str(level), "a", level) for level in range(4)]
    questions = [Question(guests[rank].uid, ENTER, rooms[level].uid, {"key": False}) for rank, level in pairs]
    assert GATE.decide_all(questions, guests + rooms) == [ask(guests[rank], rooms[level]) for rank, level in pairs]


def test_a_forbid_that_cannot_be_evaluated_still_forbids(caplog):
    """Cedar itself would skip it: without the room, `other-house` fails and only a permit is left."""
    gate = Gate(POLICIES.replace(" when { principal.rank >= resource.level }", ""), SCHEMA)
    visitor = guest("ada", "a", 9)
    with caplog.at_level(logging.ERROR):
        found = gate.decide(visitor.uid, ENTER, Uid("Room", "nowhere"), {"key": True}, [visitor])
    assert not found.allowed
    assert found.errors
    assert "a denial" in caplog.text


@pytest.mark.parametrize(
    "entities",
    [
        [],
        [Entity(Uid("Guest", "ada"), {"house": Uid("House", "a")}), room("attic", "a")],
        [Entity(Uid("Guest", "ada"), {"house": Uid("House", "a"), "rank": "9"}), room("attic", "a")],
        [guest("ada", "a", 9), room("attic", "a"), room("attic", "b")],
        [guest("ada", "a", 9), room("attic", "a"), Entity(Uid("Ghost", "boo"))],
    ],
    ids=["none", "attribute missing", "attribute of another type", "the same thing twice", "type unknown"],
)
def test_entities_that_do_not_fit_the_schema_are_a_denial_and_an_error(entities, caplog):
    found = GATE.decide_all([Question(Uid("Guest", "ada"), ENTER, Uid("Room", "attic"), {"key": True})] * 2, entities)
    assert [one.allowed for one in found] == [False, False]
    assert all(one.errors for one in found)
    assert '"rank"' not in caplog.text, "attributes of entities do not enter logs"


def test_what_is_remembered_of_entities_answers_for_the_same_text_only():
    """The same names with other attributes are other entities, whatever was asked before, in any order."""
    low, high = room("attic", "a", 3), room("attic", "a", 5)
    for rank, opens in [(3, True), (2, False), (3, True)]:
        assert [ask(guest("ada", "a", rank), one).allowed for one in (low, high, low)] == [opens, False, opens]


def test_entities_that_do_not_fit_are_refused_each_time(caplog):
    for _ in range(2):
        found = GATE.decide(Uid("Guest", "ada"), ENTER, Uid("Room", "attic"), {"key": True}, [room("attic", "a"), room("attic", "b")])
        assert not found.allowed
        assert found.errors
    assert caplog.text.count("a denial") == 2


@pytest.mark.parametrize("context", [{}, {"key": 1}, {"key": True, "more": True}])
def test_a_context_that_does_not_fit_the_schema_is_a_denial(context):
    visitor, place = guest("ada", "a", 9), room("attic", "a")
    found = GATE.decide(visitor.uid, ENTER, place.uid, context, [visitor, place])
    assert not found.allowed
    assert found.errors


@pytest.mark.parametrize("action", ["leave", ""])
def test_an_action_the_schema_does_not_know_is_a_denial(action):
    visitor, place = guest("ada", "a", 9), room("attic", "a")
    assert not GATE.decide(visitor.uid, Uid("Action", action), place.uid, {"key": True}, [visitor, place]).allowed


@pytest.mark.parametrize(
    ("policies", "told"),
    [
        ("permit (", "unexpected end"),
        ("permit (principal, action, resource);", "without @id"),
        ('@id("a") permit (principal, action, resource); @id("a") forbid (principal, action, resource);', "the same @id"),
        ('@id("a") permit (principal, action, resource is Guest);', "unable to find an applicable action"),
        ('@id("a") permit (principal, action, resource) when { resource.levle > 1 };', "levle"),
        ('@id("a") permit (principal, action, resource) when { principal.rank == "high" };', "types"),
    ],
)
def test_policies_that_do_not_agree_with_the_schema_are_refused_at_the_start(policies, told):
    with pytest.raises(InputError, match=told):
        Gate(policies, SCHEMA, "guests.cedar")
