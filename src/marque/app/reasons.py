"""What Marque refuses, misses and cannot use, in the reader's words: catalogues know each reason by its English pattern.

`messages/<language>.reasons.json` has every reason, `<language>.names.json` what their details and values are called. A reason that no
catalogue knows is told in English, which a test forbids for whatever the alliance can answer with.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from marque.app.words import Words
from marque.common import Denied, Either, Every, InputError, MarqueError, Missing, Refused, Sentence, Unavailable

_NAMES_OF_VALUES: Mapping[str, tuple[str, ...]] = {
    "action": ("action",), "answer": ("status",), "duty": ("duty",), "field": ("field",), "mode": ("mode",), "noun": ("noun",),
    "one": ("what",), "other": ("what",), "position": ("position",), "state": ("status",), "what": ("what",), "why": ("policy",),
}  # fmt: skip
"""Where the catalogues have names for the values of a detail."""
_INSTANTS = frozenset({"at", "expired", "from", "until", "now", "first in force"})


@dataclass(frozen=True)
class Told:
    """sentence: what is wrong. place: where in what was given, as words; empty when unknown. facts: label and value. remedy: what to do."""

    sentence: str
    place: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    remedy: str = ""

    @property
    def line(self) -> str:
        """All of it on one line, for scripts."""
        where = [f"{self.place} – {self.sentence}" if self.place else self.sentence]
        return " ".join([*where, *(f"({label}: {value})" for label, value in self.facts), *([self.remedy] if self.remedy else [])])


def told(words: Words, error: MarqueError) -> Told:
    """An error as a page says it."""
    match error:
        case Refused(refusal=refusal):
            facts = tuple((_label(words, name), _value(words, name, value)) for name, value in refusal.details.items())
            return Told(sentence(words, refusal.reason), facts=facts)
        case InputError(place=place, problem=problem, remedy=remedy):
            return Told(sentence(words, problem), _place(words, place), remedy=sentence(words, remedy) if remedy else "")
        case Missing(what=what):
            return Told(words.messages.get(f"missing.{what}", str(error)))
        case Denied() | Unavailable():
            return Told(sentence(words, error.args[0] if error.args else str(error)))
    return Told(sentence(words, error.args[0] if error.args else str(error)))


def sentence(words: Words, text: str) -> str:
    """A text of ours in the reader's language; as it is where no catalogue knows it."""
    pattern, values = (text.pattern, text.values) if isinstance(text, Sentence) else (text, {})
    key = f"reason.{pattern}"
    if key not in words.messages:
        return text
    return words(key, **{name: _value(words, name, value) for name, value in values.items()})


def _label(words: Words, name: str) -> str:
    pattern, values = (name.pattern, name.values) if isinstance(name, Sentence) else (name, {})
    key = f"detail.{pattern}"
    if key not in words.messages:
        return name
    return words(key, **{one: _value(words, one, value) for one, value in values.items()})


def _value(words: Words, name: str, value: object) -> str:
    """Names for what has one; days and times as pages write them."""
    if isinstance(value, Every):
        between = words("list.or") if isinstance(value, Either) else words("list.comma")
        return between.join(_value(words, name, one) for one in value)
    if isinstance(value, Sentence):
        return sentence(words, value)
    said = str(value)
    for group in _NAMES_OF_VALUES.get(name, ()):
        if (key := f"{group}.{said}") in words.messages:
            return words(key)
    return _instant(said) if name in _INSTANTS else said


def _instant(said: str) -> str:
    try:
        at = datetime.fromisoformat(said)
    except ValueError:
        return said
    return said if len(said) <= len("2026-01-31") else f"{at.isoformat(' ', 'minutes')[:16]} UTC"


def _place(words: Words, place: str) -> str:
    """A JSON path or a field's name, as the labels of forms have it: `$.matrix.sales.gac` is Roles · Sales · gac."""
    parts = [part.split("[")[0] for part in place.removeprefix("$").split(".") if part]
    named = []
    for part in parts:
        key = next((key for key in (f"field.{part}", f"process.{part}", f"position.{part}") if key in words.messages), "")
        named.append(words(key) if key else part)
    return " · ".join(named)
