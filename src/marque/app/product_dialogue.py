"""`marque product configure`: a car configured in the terminal, one click a line."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import typer

from marque.app.product import Opening
from marque.common import InputError, Refusal
from marque.product.configure import Answer, Conflict, Limits, Repair, Verb, click, repairs
from marque.product.configure.session import Standing

_WORDS = """+ NAME      choose a feature (also: select NAME)
- NAME      refuse one (deselect NAME)
~ NAME      take a decision back (retract NAME)
? NAME      why it is forced or forbidden (why NAME)
take N      take the N-th of the ways that were just offered
count       how many cars are left, exactly
undo        the state before the last change
list [TEXT] features whose names hold a text, with how they stand
quit"""
_SIGNS = {"+": "select", "-": "deselect", "~": "retract", "?": "why"}
_MARKS = {
    Standing.CHOSEN: "+", Standing.REFUSED: "-", Standing.GIVEN: "●", Standing.EXCLUDED: "×", Standing.FORCED: "●", Standing.FORBIDDEN: "×",
    Standing.FREE: "○",
}  # fmt: skip
_SHOWN = 12


def configure(opening: Opening, ways: int) -> None:
    """Until `quit` or the end of stdin; what cannot be done is said, and nothing changes then. Raises InputError for the model's faults."""
    dialogue = _Dialogue(opening.begin(), ways)
    typer.echo(dialogue.told())
    if sys.stdin.isatty():
        typer.echo("help tells the words")
    for line in sys.stdin:
        word, _, rest = line.strip().partition(" ")
        if word in _SIGNS or (word[:1] in _SIGNS and word not in _SIGNS):
            word, rest = (word, rest) if word in _SIGNS else (word[0], f"{word[1:]} {rest}".strip())
        if word in {"quit", "exit"}:
            return
        for told in dialogue.hear(_SIGNS.get(word, word), rest.strip()):
            typer.echo(told)


class _Dialogue:
    def __init__(self, answer: Answer, ways: int) -> None:
        self.past, self.ways = [answer], ways
        self.offered: list[Repair] = []

    @property
    def answer(self) -> Answer:
        return self.past[-1]

    def told(self) -> str:
        answer = self.answer
        decided = f"{len(answer.decisions)} decided, " if answer.decisions else ""
        return f"{decided}{len(answer.forced)} in every car, {len(answer.forbidden)} in none, {answer.free_count} free"

    def hear(self, word: str, rest: str) -> Iterator[str]:
        try:
            if word in {one.value for one in Verb}:
                yield from self._click(Verb(word), rest)
            elif word == "why":
                yield self._why(rest)
            elif word == "take":
                yield from self._take(rest)
            elif word == "count":
                count = self.answer.count
                yield "not counted: a solver answers" if count is None else f"{count:,} cars are left"
            elif word == "undo":
                self.past = self.past[:-1] or self.past
                yield self.told()
            elif word == "list":
                yield from self._list(rest)
            elif word:
                yield _WORDS
        except InputError as error:
            yield str(error)

    def _click(self, verb: Verb, name: str) -> Iterator[str]:
        after = click(self.answer, verb, name)
        if isinstance(after, Refusal):
            yield f"{after.reason}."
        elif isinstance(after, Conflict):
            yield str(after)
            assert after.wanted is not None
            self.offered = repairs(self.answer, after.wanted, limits=Limits(self.ways)) if self.ways else []
            yield from (f"{number}. {repair.told()}" for number, repair in enumerate(self.offered, 1))
        else:
            yield from self._changed(after)

    def _changed(self, after: Answer) -> Iterator[str]:
        changes = after.changes(self.answer)
        self.past.append(after)
        self.offered = []
        for title, names in (("now in every car", changes.forced), ("now in none", changes.forbidden), ("free again", changes.free)):
            if names:
                more = f" … and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
                yield f"{title}: {', '.join(names[:_SHOWN])}{more}"
        yield self.told()

    def _why(self, name: str) -> str:
        against = self.answer.why(name)
        return f"“{name}” is {self.answer.standing(name)}. {against}" if against else f"“{name}” is {self.answer.standing(name)}"

    def _take(self, number: str) -> Iterator[str]:
        if not number.isdecimal() or not 1 <= int(number) <= len(self.offered):
            yield f"{len(self.offered)} ways are offered; take 1 takes the first" if self.offered else "no ways are offered"
            return
        after = self.offered[int(number) - 1].taken(self.answer)
        yield from self._changed(after)

    def _list(self, text: str) -> Iterator[str]:
        found = [name for name in self.answer.product.cnf.names if text.casefold() in name.casefold()]
        yield from (f"{_MARKS[self.answer.standing(name)]} {name}" for name in found)
