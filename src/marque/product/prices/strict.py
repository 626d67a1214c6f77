"""Strict reading of JSON documents: every fault is an InputError that names its JSON path. Numbers are texts; a JSON number is a fault."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any, NoReturn, TypeVar

import rfc8785

from marque.common import InputError
from marque.product.prices.model import Period
from marque.product.prices.money import MINOR_DIGITS

MOST_BYTES = 8_000_000
_NUMBER = re.compile(r"-?(0|[1-9]\d{0,17})(\.\d{1,12})?", re.ASCII)
_ASTRAL = re.compile("[\ud800-\U0010ffff]")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_CODE = re.compile(r"[a-z][a-z0-9_.-]{0,59}", re.ASCII)
_Read = TypeVar("_Read")


def digest(text: bytes) -> str:
    """SHA-256 (FIPS 180-4), 64 lower-case hexadecimal digits."""
    return hashlib.sha256(text).hexdigest()


@dataclass(frozen=True)
class Reader:
    """source: the name of the document, for its faults. currency: of the amounts in it."""

    source: str
    currency: str = ""

    def fault(self, place: str, problem: str, remedy: str) -> NoReturn:
        raise InputError(self.source, place, problem, remedy)

    def parsed(self, text: bytes) -> dict[str, Any]:
        if len(text) > MOST_BYTES:
            self.fault("$", f"it is longer than {MOST_BYTES} bytes", "A price list has a few thousand lines; check the file.")
        try:
            said = json.loads(text.decode(), object_pairs_hook=self._unique, parse_float=self._no_number, parse_constant=self._no_number)
        except UnicodeDecodeError as fault:
            raise InputError(self.source, f"byte {fault.start}", "it is not UTF-8", "Save the file as UTF-8.") from fault
        except json.JSONDecodeError as fault:
            raise InputError(
                self.source, f"line {fault.lineno}, column {fault.colno}", f"it is not JSON: {fault.msg}", "Mend the file there."
            ) from fault
        except ValueError as fault:
            raise InputError(self.source, "$", f"it is not usable JSON: {fault}", "Check the figure; amounts are texts.") from fault
        except RecursionError as fault:
            raise InputError(self.source, "$", "it is nested too deeply", "A price list has four levels; check the file.") from fault
        if not isinstance(said, dict):
            self.fault("$", f"expected an object, got {_kind(said)}", "A document is one object.")
        return said

    def canonical(self, said: Any) -> bytes:
        """RFC 8785: one writing for one meaning, so that a digest names it. For what `parsed` gives and the product makes: without floats.

        Then Python's own encoder, many times as quick, writes the same but for the order of keys with characters after U+D7FF.
        """
        try:
            text = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
            return rfc8785.dumps(said) if _ASTRAL.search(text) else text.encode()
        except (ValueError, RecursionError) as fault:
            raise InputError(
                self.source, "$", f"it has no canonical writing: {fault}", "Numbers are texts, and texts are Unicode."
            ) from fault

    def _unique(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        said = dict(pairs)
        if len(said) < len(pairs):
            keys = [key for key, _ in pairs]
            twice = next(key for key in keys if keys.count(key) > 1)
            self.fault("$", f"the key {twice!r} stands twice in one object", "Keep one of the two.")
        return said

    def _no_number(self, text: str) -> NoReturn:
        self.fault(
            "$", f"{text} is a JSON number with a fraction", f'Write it as text: "{text}". Texts are exact, JSON numbers need not be.'
        )

    def keys(self, said: Any, place: str, needed: Iterable[str], optional: Iterable[str] = ()) -> None:
        needed, optional = tuple(needed), tuple(optional)
        known = ", ".join((*needed, *optional))
        if not isinstance(said, dict):
            self.fault(place, f"expected an object, got {_kind(said)}", f"It holds {known}.")
        for key in said:
            if key not in needed and key not in optional:
                self.fault(f"{place}.{key}", "there is no such key", f"Here are {known}.")
        for key in needed:
            if key not in said:
                self.fault(place, f"the key {key!r} is missing", f"Needed are {', '.join(needed)}.")

    def kind(self, said: dict[str, Any], kind: str) -> None:
        if said.get("kind") != kind:
            self.fault("$.kind", f"expected {kind!r}, got {said.get('kind')!r}", "This is a document of another kind or edition.")

    def each(self, said: Any, place: str, read: Callable[[Any, str], _Read]) -> tuple[_Read, ...]:
        if not isinstance(said, list):
            self.fault(place, f"expected a list, got {_kind(said)}", "Write [ … ], empty where there is none.")
        return tuple(read(one, f"{place}[{number}]") for number, one in enumerate(said))

    def mapping(self, said: Any, place: str, read: Callable[[Any, str], _Read]) -> dict[str, _Read]:
        if not isinstance(said, dict):
            self.fault(place, f"expected an object, got {_kind(said)}", "Write { … }, empty where there is none.")
        return {self.words(key, place): read(one, f"{place}.{key}") for key, one in said.items()}

    def words(self, said: Any, place: str) -> str:
        if not isinstance(said, str) or not said.strip() or said != said.strip():
            self.fault(place, f"expected a text, got {_shown(said)}", "Write one line of text.")
        return said

    def code(self, said: Any, place: str) -> str:
        if not isinstance(said, str) or not _CODE.fullmatch(said):
            self.fault(place, f"expected a code, got {_shown(said)}", "Lower-case letters, digits, _ . and -, a letter first, 60 at most.")
        return said

    def flag(self, said: Any, place: str) -> bool:
        if not isinstance(said, bool):
            self.fault(place, f"expected true or false, got {_shown(said)}", "Without quotes.")
        return said

    def word(self, said: Any, place: str, choices: Iterable[str]) -> str:
        choices = tuple(choices)
        if said not in choices:
            self.fault(place, f"expected one of {', '.join(choices)}, got {_shown(said)}", "Choose one of them.")
        return str(said)

    def days(self, said: Any, place: str) -> int:
        if not isinstance(said, int) or isinstance(said, bool) or not 1 <= said <= 730:
            self.fault(place, f"expected a whole number of days from 1 to 730, got {_shown(said)}", "Without quotes.")
        return said

    def day(self, said: Any, place: str) -> date | None:
        if said is None:
            return None
        found = None
        if isinstance(said, str) and _DAY.fullmatch(said):
            with contextlib.suppress(ValueError):
                found = date.fromisoformat(said)
        if found is None:
            self.fault(place, f"expected a day, got {_shown(said)}", "Write it as 2026-03-01, or null for no limit.")
        return found

    def period(self, said: dict[str, Any], place: str) -> Period:
        """Of the keys from and until, both optional here."""
        period = Period(self.day(said.get("from"), f"{place}.from"), self.day(said.get("until"), f"{place}.until"))
        if period.first and period.last and period.last < period.first:
            self.fault(f"{place}.until", f"{period.last} is before {period.first}", "The last day is not before the first.")
        return period

    def number(self, said: Any, place: str, least: Fraction | None = Fraction(0), most: Fraction | None = None) -> Fraction:
        if not isinstance(said, str) or not _NUMBER.fullmatch(said):
            self.fault(
                place, f"expected a decimal text, got {_shown(said)}", 'Write it as text with a point: "12.50", without blanks or signs.'
            )
        exact = Fraction(said)
        if (least is not None and exact < least) or (most is not None and exact > most):
            limits = f"from {least if least is not None else '…'} to {most if most is not None else '…'}"
            self.fault(place, f"{said} is not {limits}", "Check the figure.")
        return exact

    def share(self, said: Any, place: str) -> Fraction:
        """Of a text in percent."""
        return self.number(said, place, most=Fraction(100)) / 100

    def amount(self, said: Any, place: str, *, negative: bool = False) -> int:
        """In whole minor units of the currency."""
        exact = self.number(said, place, None if negative else Fraction(0)) * 10 ** MINOR_DIGITS[self.currency]
        if exact.denominator != 1:
            self.fault(
                place,
                f"{said} has more decimal places than {self.currency} has",
                f"{self.currency} has {MINOR_DIGITS[self.currency]} (ISO 4217).",
            )
        return int(exact)

    def currency_code(self, said: Any, place: str) -> str:
        if said not in MINOR_DIGITS:
            self.fault(place, f"expected a currency, got {_shown(said)}", f"Known are {', '.join(MINOR_DIGITS)} (ISO 4217).")
        return str(said)


def _kind(said: Any) -> str:
    return {dict: "an object", list: "a list", str: "a text", bool: "true or false", int: "a number", type(None): "null"}.get(
        type(said), type(said).__name__
    )


def _shown(said: Any) -> str:
    return repr(said) if isinstance(said, str | int | bool) else _kind(said)
