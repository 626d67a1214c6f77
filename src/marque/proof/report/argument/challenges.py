"""What people say against an argument, and their answers: a file of challenges, written by hand and kept beside the evidence.

{"kind": "https://marque.example/challenges/v1", "challenges": [
  {"id": "CG1", "challenges": "G7", "statement": "Rain is not simulated.", "raised_by": "Li Na, gac", "on": "2026-11-20",
   "resolution": "No claimed cell is wet.", "resolved_by": "Wang Wei, huawei", "resolved_on": "2026-11-22"}]}

The three fields of an answer are there together or not at all. An entry with the id of a defeater that a rule of ours raised (D5.motorway)
is an answer to it; its statement is the one that was answered, word for word, so that an answer never counts for other figures.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from marque.common import InputError
from marque.proof.report.argument.model import Argument, Defeater

KIND = "https://marque.example/challenges/v1"
_MOST_BYTES, _MOST_TEXT = 1 << 20, 4000
_ASKED = ("id", "challenges", "statement", "raised_by", "on")
_ANSWER = ("resolution", "resolved_by", "resolved_on")
_OURS = re.compile(r"D[0-9]+(?:\.\S+)?")
_THEIRS = re.compile(r"[A-Z][A-Za-z]{0,3}[0-9]+")


@dataclass(frozen=True)
class Challenge:
    """An entry of the file. on, resolved_on: days, ISO 8601."""

    id: str
    challenges: str
    statement: str
    raised_by: str
    on: str
    resolution: str = ""
    resolved_by: str = ""
    resolved_on: str = ""

    @property
    def answers_ours(self) -> bool:
        """Whether it is about a defeater that a rule of ours raises."""
        return _OURS.fullmatch(self.id) is not None


def read_challenges(path: Path) -> tuple[Challenge, ...]:
    """Raises InputError, which names the entry, for whatever is wrong with the file."""
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise InputError(path.name, "", f"it is larger than {_MOST_BYTES >> 10} KiB")
        said = json.loads(path.read_bytes())
    except OSError as fault:
        raise InputError(path.name, "", f"it cannot be read: {fault.strerror}") from fault
    except ValueError as fault:
        raise InputError(path.name, "", f"it is not JSON: {fault}") from fault
    if not isinstance(said, dict) or said.get("kind") != KIND or set(said) != {"kind", "challenges"}:
        raise InputError(path.name, "", f'an object with "kind": "{KIND}" and "challenges" was expected')
    if not isinstance(said["challenges"], list):
        raise InputError(path.name, "challenges", "a list was expected")
    found = tuple(_challenge(path.name, number, one) for number, one in enumerate(said["challenges"], 1))
    names = [one.id for one in found]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InputError(path.name, ", ".join(twice), "it stands there twice", "Give each challenge an id of its own.")
    return found


def _challenge(source: str, number: int, said: Any) -> Challenge:
    place = f"challenge {number}"
    if not isinstance(said, dict) or not set(_ASKED) <= set(said) <= {*_ASKED, *_ANSWER}:
        raise InputError(source, place, f"an object with {', '.join(_ASKED)} was expected", f"And, with an answer, {', '.join(_ANSWER)}.")
    if set(said) & set(_ANSWER) and not set(_ANSWER) <= set(said):
        raise InputError(source, place, f"an answer has {', '.join(_ANSWER)}", "Leave all three away as long as there is none.")
    for name, value in said.items():
        if not isinstance(value, str) or not value.strip() or len(value) > _MOST_TEXT:
            raise InputError(source, f"{place}, {name}", f"a text of 1 to {_MOST_TEXT} characters was expected")
        if name in ("on", "resolved_on") and not _is_day(value):
            raise InputError(source, f"{place}, {name}", f"a day such as 2026-11-20 was expected, not {value[:40]}")
    one = Challenge(**said)
    if not one.answers_ours and not _THEIRS.fullmatch(one.id):
        raise InputError(source, f"{place}, id", "letters and a number were expected, such as CG1", "D1, D2 … are ours.")
    if one.answers_ours and not one.resolution:
        raise InputError(
            source, f"{place}, id", f"{one.id} is raised by a rule of ours; its answer alone can stand here", f"Add {', '.join(_ANSWER)}."
        )
    return one


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def brought_together(raised: Sequence[Defeater], said: Sequence[Challenge]) -> tuple[Defeater, ...]:
    """Our defeaters with their answers, then what people say. An answer to a defeater that is not raised any more is not needed.

    What challenges an answer that does not count is left away: there is nothing for it to challenge.
    """
    answers = {one.id: one for one in said if one.answers_ours}
    ours = [_answered(one, answers[one.id]) if one.id in answers else one for one in raised]
    theirs = [
        Defeater(
            one.id, one.challenges, one.statement, one.raised_by, one.on,
            resolution=one.resolution, resolved_by=one.resolved_by, resolved_on=one.resolved_on,
        )
        for one in said
        if not one.answers_ours
    ]  # fmt: skip
    while True:
        silent = {one.id for one in (*ours, *theirs) if not one.resolution} | (answers.keys() - {one.id for one in ours})
        kept = [one for one in theirs if one.challenges not in silent]
        if len(kept) == len(theirs):
            return (*ours, *theirs)
        theirs = kept


def to_answer(argument: Argument, today: date) -> bytes:
    """A file of challenges with the defeaters that a rule of ours raised and that wait for an answer, for somebody to fill in.

    As it is, it is refused: an answer needs somebody who stands for it.
    """
    asked = [
        {"id": one.id, "challenges": one.challenges, "statement": one.text, "raised_by": one.raised_by, "on": today.isoformat()}
        for one in argument.open
        if not one.final and not one.resolution and _OURS.fullmatch(one.id)
    ]
    entries = [{**one, **dict.fromkeys(_ANSWER, "")} for one in asked]
    return (json.dumps({"kind": KIND, "challenges": entries}, indent=1, ensure_ascii=False) + "\n").encode()


def _answered(one: Defeater, answer: Challenge) -> Defeater:
    who = f"{answer.resolved_by}, {answer.resolved_on}"
    if one.final:
        return replace(one, text=f"{one.text} The answer of {who} does not count: only other evidence does.")
    if answer.statement != one.text:
        return replace(one, text=f"{one.text} The answer of {who} was given to another statement and does not count.")
    return replace(one, resolution=answer.resolution, resolved_by=answer.resolved_by, resolved_on=answer.resolved_on)
