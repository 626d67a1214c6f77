"""The policy gate: Cedar policies and their schema, parsed and checked once, asked many times.

    gate = Gate(policies, schema)
    decision = gate.decide(Uid("Person", "ada"), Uid("Action", "view"), Uid("Record", "7"), {}, [person, record, area])

It knows the language, not the policies: a room brings those, and the entities a question is about. Cedar by itself skips a policy that
fails (a `forbid` as well, which then forbids nothing); here a question in which anything fails is answered with no.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

import cedarpy

from marque.common import InputError

_log = logging.getLogger(__name__)
_MOST_REMEMBERED = 1024
"""Sets of entities: about 10 kB each."""


@dataclass(frozen=True, slots=True)
class Uid:
    """What names an entity: its type, with namespace, and its id."""

    type: str
    id: str

    def __str__(self) -> str:
        return f"{self.type}::{json.dumps(self.id)}"


@dataclass(frozen=True)
class Entity:
    """A thing a question is about. Attributes: bool, int, str, Uid, mappings of such (a record) or collections of such (a set)."""

    uid: Uid
    attributes: Mapping[str, Any] = field(default_factory=dict)
    parents: tuple[Uid, ...] = ()

    @cached_property
    def text(self) -> str:
        """As Cedar's JSON; rendered once, because an entity that follows from a signed document is asked about again and again."""
        return json.dumps({"uid": _named(self.uid), "attrs": _value(self.attributes), "parents": [_named(one) for one in self.parents]})


@dataclass(frozen=True, slots=True)
class Question:
    principal: Uid
    action: Uid
    resource: Uid
    context: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decision:
    """reasons: the @id of the policies that decided; none when it was denied because nothing permits it. errors: what failed on the way."""

    allowed: bool
    reasons: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()


class Gate:
    """Policies ready to be asked. Its parts never change, so threads may share it."""

    def __init__(self, policies: str, schema: str, source: str = "policies") -> None:
        """Texts in Cedar's own syntaxes. source: the name under which a fault is reported.

        Raises InputError when a text does not parse, a policy has no @id of its own or does not agree with the schema.
        """
        try:
            self._schema = cedarpy.Schema.from_str(schema)
            self._policies = cedarpy.PolicySet.from_str(policies)
            names = _names(policies)
        except ValueError as fault:
            raise InputError(source, "", str(fault).rstrip("."), "See docs.cedarpolicy.com for the syntax.") from fault
        if nameless := sorted(place for place, name in names.items() if not name):
            raise InputError(source, nameless[0], "a policy without @id", 'Put @id("what-it-says") before it: reasons are told by it.')
        if len(set(names.values())) < len(names):
            raise InputError(source, "", "two policies have the same @id", "Give each its own.")
        found = cedarpy.validate_policies(policies, self._schema)
        if not found.validation_passed:
            first = found.errors[0]
            raise InputError(
                source, names.get(first.policy_id, ""), first.error.rstrip("."), "A policy may use only what the schema names."
            )
        self.names = frozenset(names.values())
        self._entities = lru_cache(maxsize=_MOST_REMEMBERED)(self._read)

    def _read(self, facts: str) -> cedarpy.Entities:
        """Entities from Cedar's JSON. Remembered by the whole text, they are what it says for ever. Raises ValueError."""
        return cedarpy.Entities.from_json_str(facts, self._schema)

    def forget(self) -> None:
        """What was remembered of entities, for measuring."""
        self._entities.cache_clear()

    def decide(self, principal: Uid, action: Uid, resource: Uid, context: Mapping[str, Any], entities: Sequence[Entity]) -> Decision:
        """May this principal do this? entities: all that the policies look at for it, each once."""
        return self.decide_all([Question(principal, action, resource, context)], entities)[0]

    def decide_all(self, questions: Sequence[Question], entities: Sequence[Entity]) -> list[Decision]:
        """Many questions about the same entities, which are read once for all of them; answers in the order of the questions."""
        if not questions:
            return []
        asked = [
            {
                "principal": _named(one.principal), "action": _named(one.action), "resource": _named(one.resource),
                "context": _value(one.context),
            }
            for one in questions
        ]  # fmt: skip
        try:
            facts = self._entities(f"[{','.join(one.text for one in entities)}]")
        except ValueError as fault:
            return [_failed(question, (str(fault),)) for question in questions]
        answers = cedarpy.is_authorized_batch(asked, self._policies, facts, self._schema)
        if len(answers) != len(questions):  # every one failed alike
            answers = [answers[0]] * len(questions)
        return [_decision(question, answer) for question, answer in zip(questions, answers, strict=True)]


def _decision(question: Question, answer: cedarpy.AuthzResult) -> Decision:
    told = answer.diagnostics
    names = told.id_annotations_by_reason
    reasons = tuple(sorted(names.get(one, one) for one in told.reasons))
    if not told.errors:
        return Decision(answer.allowed, reasons)
    return _failed(question, told.errors)


def _failed(question: Question, errors: Iterable[str]) -> Decision:
    # The first line only: after it Cedar repeats the entities, whose attributes belong to somebody.
    errors = tuple(one.partition("\n")[0] for one in errors)
    _log.error("a policy decision failed and is a denial: %s on %s: %s", question.action, question.resource.type, "; ".join(errors))
    return Decision(allowed=False, reasons=(), errors=errors)


def _names(policies: str) -> dict[str, str]:
    """The @id of each policy by the id the parser gave it; empty where there is none."""
    said = json.loads(cedarpy.policies_to_json_str(policies))
    return {key: one.get("annotations", {}).get("id") or "" for key, one in (said["staticPolicies"] | said["templates"]).items()}


def _named(uid: Uid) -> dict[str, str]:
    return {"type": uid.type, "id": uid.id}


def _value(value: Any) -> Any:
    if isinstance(value, Uid):
        return {"__entity": _named(value)}
    if isinstance(value, Mapping):
        return {key: _value(one) for key, one in value.items()}
    if isinstance(value, (set, frozenset)):
        return [_value(one) for one in sorted(value, key=str)]
    if isinstance(value, (list, tuple)):
        return [_value(one) for one in value]
    return value
