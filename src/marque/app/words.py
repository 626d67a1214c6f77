"""Words in the reader's language, from message catalogues: `messages/<language>.json` and `<language>.<part>.json`.

All languages have the same keys and placeholders.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from importlib import resources

LANGUAGES = {"en": "en", "zh": "zh-Hans"}
"""Our languages and what HTML calls them; the first one serves everybody else."""


@dataclass(frozen=True, slots=True)
class Words:
    """One language's catalogue: `words("moving.FOLLOW", subject="the bus", ahead="12 m ahead")`."""

    language: str
    messages: dict[str, str]

    def __call__(self, key: str, /, **values: object) -> str:
        """The message; KeyError for an unknown key or a placeholder without a value."""
        return self.messages[key].format_map(values)

    @property
    def html_language(self) -> str:
        return LANGUAGES[self.language]


@functools.cache
def words_of(language: str) -> Words:
    catalogues = [file for file in (resources.files("marque.app") / "messages").iterdir() if file.name.startswith(f"{language}.")]
    messages: dict[str, str] = {}
    for file in catalogues:
        messages |= json.loads(file.read_text("utf-8"))
    return Words(language, messages)


def choose_language(wanted: str | None, remembered: str | None, accepted: str) -> str:
    """The language asked for, else the one remembered, else the best of an Accept-Language header (RFC 9110, 12.5.4)."""
    for language in (wanted, remembered):
        if language in LANGUAGES:
            return language
    ranked = sorted((part for part in map(_weighed, accepted.split(",")) if part[1] > 0.0), key=lambda part: -part[1])
    return next((language for language, _ in ranked if language in LANGUAGES), next(iter(LANGUAGES)))


def _weighed(part: str) -> tuple[str, float]:
    tag, _, parameter = part.partition(";")
    try:
        weight = float(parameter.strip().removeprefix("q=") or 1.0)
    except ValueError:
        weight = 0.0
    return tag.strip().lower().split("-")[0], weight
