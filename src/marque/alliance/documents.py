"""The documents that are signed: read with every fault named by its place.

A document is canonical JSON (RFC 8785) and complete in itself: the preset a matrix started from need not be known to whoever reads it.
`Revision.document()`, `.text` and `.digest` are the way back; for every document that `read` accepts, `read(text).text == text`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, NoReturn, TypeVar
from uuid import UUID

from marque.alliance.model import KIND, Clause, Deviation, Matrix, Process, Revision, Role, Sight, Source, Transition, What
from marque.common import InputError, Sentence

MOST_BYTES = 1_000_000
CODE = re.compile(r"[a-z][a-z0-9-]{0,39}")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_ROUGH_DAY = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_KEYS = (
    "kind", "agreement", "title", "number", "previous", "effective", "mode", "parties", "positions", "matrix", "sight", "programmes",
    "transition", "sources",
)  # fmt: skip
_CODES = "A code is lower-case letters, digits and hyphens, 40 at most, a letter first."
_Word = TypeVar("_Word", bound=StrEnum)
_Rows = dict[Process, dict[str, _Word]]


def read(text: bytes | str | Mapping[str, Any], source: str = "document", previous: Revision | None = None) -> Revision:
    """A document as a Revision. previous: the revision it has to follow, where that is known.

    Text has to be canonical, for what is signed is its bytes; a mapping is JSON already parsed. Raises InputError, whose place is a JSON
    path ($.matrix.sales.gac).
    """
    reader = Reader(source)
    said = text if isinstance(text, Mapping) else reader.parsed(text)
    revision = reader.revision(said)
    if not isinstance(text, Mapping) and revision.text != (text.encode() if isinstance(text, str) else text):
        reader.fault("$", "the text is not canonical JSON (RFC 8785)", "Use the bytes that Marque wrote, unchanged; editors reformat them.")
    if previous is not None:
        reader.follows(previous, revision)
    return revision


@dataclass(frozen=True)
class Reader:
    """Reads parsed JSON; whatever does not fit is an InputError. source: what is read. noun: what the columns of a matrix are called."""

    source: str
    noun: str = "party"

    def fault(self, place: str, problem: str, remedy: str, **values: Any) -> NoReturn:
        """values: fill both texts, which are patterns then."""
        said = (Sentence(one, **values) if values else one for one in (problem, remedy))
        raise InputError(self.source, place, *said)

    def parsed(self, text: bytes | str) -> Any:
        if len(text) > MOST_BYTES:
            self.fault(
                "$", "it is longer than {most} bytes", "An agreement's revision is a few thousand bytes; check the file.", most=MOST_BYTES
            )
        try:
            return json.loads(text, object_pairs_hook=self._unique, parse_constant=self._no_constant)
        except (ValueError, RecursionError) as error:
            self.fault("$", "it is not JSON: {fault}", "Download the document again.", fault=error)

    def _unique(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        said = dict(pairs)
        if len(said) < len(pairs):
            twice = sorted({name for name, _ in pairs if [other for other, _ in pairs].count(name) > 1})
            self.fault(
                "$", "the key {key!r} stands twice in one object", "A document with two readings cannot be signed; keep one.", key=twice[0]
            )
        return said

    def _no_constant(self, name: str) -> NoReturn:
        self.fault("$", "{given} is not JSON", "Write a number.", given=name)

    def revision(self, said: Any) -> Revision:
        self.keys(said, "$", _KEYS, optional=("leaving",))
        if said["kind"] != KIND:
            self.fault(
                "$.kind",
                "expected {kind!r}, got {given!r}",
                "This is a document of another kind or version.",
                kind=KIND,
                given=said["kind"],
            )
        number = said["number"]
        if not isinstance(number, int) or isinstance(number, bool) or not 1 <= number < 1_000_000:
            self.fault("$.number", "expected a whole number from 1 on, got {given!r}", "Revisions are counted 1, 2, 3, …", given=number)
        parties = self.codes(said["parties"], "$.parties")
        if not parties:
            self.fault("$.parties", "there is no party", "Name the codes of those who sign.")
        leaving = self.codes(said.get("leaving", []), "$.leaving")
        if "leaving" in said and not leaving:
            self.fault("$.leaving", "nobody leaves", "Leave the key out.")
        if both := sorted(set(parties) & set(leaving)):
            self.fault("$.leaving", "{party} both stays and leaves", "Name it in parties or in leaving.", party=both[0])
        matrix = self.rows(said["matrix"], "$.matrix", Role, parties, whole=True)
        for process, row in matrix.items():
            self.one_leader(row, f"$.matrix.{process}")
        return Revision(
            agreement=self.uuid(said["agreement"], "$.agreement"),
            title=self.words(said["title"], "$.title"),
            number=number,
            previous=self.previous(said["previous"], number),
            effective=self.day(said["effective"], "$.effective"),
            mode=self.code(said["mode"], "$.mode"),
            parties=parties,
            positions=self.positions(said["positions"], parties),
            matrix=matrix,
            sight=self.rows(said["sight"], "$.sight", Sight, parties, whole=True),
            programmes=self.programmes(said["programmes"], parties, matrix),
            transition=self.transition(said["transition"], (*parties, *leaving)),
            sources=self.sources(said["sources"]),
            leaving=leaving,
        )

    def keys(self, said: Any, place: str, needed: Iterable[str], optional: Iterable[str] = ()) -> None:
        needed, optional = tuple(needed), tuple(optional)
        if not isinstance(said, Mapping):
            self.fault(place, "expected an object, got {given}", "It holds {keys}.", given=_kind(said), keys=_list(needed))
        if unknown := [name for name in said if name not in needed and name not in optional]:
            self.fault(f"{place}.{unknown[0]}", "there is no such key", "Here are {keys}.", keys=_list((*needed, *optional)))
        if missing := [name for name in needed if name not in said]:
            self.fault(place, "the key {key!r} is missing", "Every one of these is needed: {keys}.", key=missing[0], keys=_list(needed))

    def words(self, said: Any, place: str) -> str:
        if not isinstance(said, str) or not said or said != " ".join(said.split()):
            self.fault(place, "expected words without surplus blanks, got {given!r}", "Write one line of text.", given=said)
        return said

    def code(self, said: Any, place: str) -> str:
        if not isinstance(said, str) or not CODE.fullmatch(said):
            self.fault(place, "{given!r} is not a code", _CODES, given=said)
        return said

    def codes(self, said: Any, place: str) -> tuple[str, ...]:
        if not isinstance(said, Sequence) or isinstance(said, str):
            self.fault(place, "expected a list, got {given}", "List codes of organisations.", given=_kind(said))
        found = tuple(self.code(one, f"{place}[{index}]") for index, one in enumerate(said))
        if list(found) != sorted(set(found)):
            self.fault(
                place, "the codes are not in the order of the alphabet, each once", "Write {codes}.", codes=_list(sorted(set(found)))
            )
        return found

    def uuid(self, said: Any, place: str) -> UUID:
        try:
            found = UUID(said) if isinstance(said, str) else None
        except ValueError:
            found = None
        if found is None or str(found) != said:
            self.fault(place, "{given!r} is not a UUID", "Write it in lower case with hyphens.", given=said)
        return found

    def previous(self, said: Any, number: int) -> str:
        if number == 1 and said != "":
            self.fault("$.previous", "a first revision has none before it", 'Write "".')
        if number > 1 and not (isinstance(said, str) and _DIGEST.fullmatch(said)):
            self.fault(
                "$.previous",
                "expected the SHA-256 of revision {before}, got {given!r}",
                "Write its 64 hexadecimal digits.",
                before=number - 1,
                given=said,
            )
        return str(said)

    def day(self, said: Any, place: str) -> date:
        try:
            found = date.fromisoformat(said) if isinstance(said, str) and _DAY.fullmatch(said) else None
        except ValueError:
            found = None
        if found is None:
            self.fault(place, "{given!r} is not a day", "Write YYYY-MM-DD, a day of the calendar.", given=said)
        return found

    def positions(self, said: Any, parties: Sequence[str]) -> dict[str, str]:
        if not isinstance(said, Mapping):
            self.fault(
                "$.positions", "expected an object, got {given}", "It says which party takes which position of the mode.", given=_kind(said)
            )
        taken = {self.code(name, f"$.positions.{name}"): self.party(one, f"$.positions.{name}", parties) for name, one in said.items()}
        for name, one in taken.items():
            if list(taken.values()).count(one) > 1:
                self.fault(
                    f"$.positions.{name}", "{party} takes two positions", "A party takes one; give the other to another party.", party=one
                )
        return taken

    def party(self, said: Any, place: str, parties: Sequence[str]) -> str:
        if said not in parties:
            self.fault(
                place,
                "{given!r} is not a {noun} here",
                "There are {parties}; name a new one first.",
                given=said,
                noun=self.noun,
                parties=_list(parties),
            )
        return str(said)

    def rows(self, said: Any, place: str, words: type[_Word], parties: Sequence[str], *, whole: bool) -> _Rows[_Word]:
        if whole:
            self.keys(said, place, list(Process))
        else:
            self.keys(said, place, (), optional=list(Process))
        found: _Rows[_Word] = {}
        known = {str(one): one for one in words}
        for process in (one for one in Process if one in said):
            here, row = f"{place}.{process}", said[process]
            if not isinstance(row, Mapping) or not row:
                self.fault(
                    here,
                    "expected an object that is not empty, got {given}",
                    "For each {noun}, one of {words}.",
                    given=_kind(row),
                    noun=self.noun,
                    words=_list(words),
                )
            for one in row:
                if one not in parties:
                    self.party(one, f"{here}.{one}", parties)
            if whole and (missing := [one for one in parties if one not in row]):
                self.fault(
                    here,
                    "{party} is missing",
                    'Every {noun} has its word in every process; "none" is one.',
                    party=missing[0],
                    noun=self.noun,
                )
            found[process] = {  # cells are many: where they stand is told of faults only
                one: known[word] if isinstance(word := row[one], str) and word in known else self.word(word, f"{here}.{one}", words)
                for one in parties
                if one in row
            }
        return found

    def word(self, said: Any, place: str, words: type[_Word]) -> _Word:
        if not isinstance(said, str) or said not in list(words):
            self.fault(place, "{given!r} is not one of {words}", "Choose one of these.", given=said, words=_list(words))
        return words(said)

    def one_leader(self, row: Mapping[str, Role], place: str) -> None:
        leaders = [one for one, role in row.items() if role is Role.LEADS]
        if not leaders:
            self.fault(place, "nobody leads", 'Give one {noun} the role "leads"; without it nothing could be decided.', noun=self.noun)
        if len(leaders) > 1:
            self.fault(place, "{parties} all lead", 'One leads; whoever has to agree "co-decides".', parties=_list(leaders))

    def programmes(self, said: Any, parties: Sequence[str], matrix: _Rows[Role]) -> dict[str, Deviation]:
        if not isinstance(said, Mapping):
            self.fault(
                "$.programmes", "expected an object, got {given}", "By programme, what deviates; {{}} when nothing does.", given=_kind(said)
            )
        found = {}
        for code, one in said.items():
            place = f"$.programmes.{code}"
            self.words(code, place)
            self.keys(one, place, ("matrix", "sight"))
            roles = self.rows(one["matrix"], f"{place}.matrix", Role, parties, whole=False)
            for process, row in roles.items():
                self.one_leader(matrix[process] | row, f"{place}.matrix.{process}")
            found[code] = Deviation(roles, self.rows(one["sight"], f"{place}.sight", Sight, parties, whole=False))
        return found

    def transition(self, said: Any, concerned: Sequence[str]) -> Transition:
        self.keys(said, "$.transition", ("clauses", "open-decisions"))
        if not isinstance(said["clauses"], list):
            self.fault("$.transition.clauses", "expected a list, got {given}", "[] when nothing is agreed.", given=_kind(said["clauses"]))
        clauses: list[Clause] = []
        for index, one in enumerate(said["clauses"]):
            place = f"$.transition.clauses[{index}]"
            self.keys(one, place, ("process", "organisation", "what"))
            organisation = self.party(one["organisation"], f"{place}.organisation", concerned)
            what = self.word(one["what"], f"{place}.what", What)
            clause = Clause(self.word(one["process"], f"{place}.process", Process), organisation, what)
            if clause in clauses:
                self.fault(place, "this clause stands twice", "Keep one.")
            if opposite := [one for one in clauses if {one.what, what} == {What.RETURNED, What.DESTROYED} and _same(one, clause)]:
                self.fault(place, "the same rows are to be {one} and {other}", "Decide on one.", one=opposite[0].what, other=what)
            clauses.append(clause)
        return Transition(tuple(clauses), self.word(said["open-decisions"], "$.transition.open-decisions", Matrix))

    def sources(self, said: Any) -> tuple[Source, ...]:
        if not isinstance(said, list):
            self.fault("$.sources", "expected a list, got {given}", "[] when there is none.", given=_kind(said))
        found = []
        for index, one in enumerate(said):
            place = f"$.sources[{index}]"
            self.keys(one, place, ("text",), optional=("url", "date"))
            url, day = one.get("url"), one.get("date")
            if "url" in one and not (isinstance(url, str) and re.fullmatch(r"https?://[^\s/]+\S*", url)):
                self.fault(
                    f"{place}.url",
                    "{given!r} is not an address",
                    "Write https://…, or leave it out and say the source in words.",
                    given=url,
                )
            if "date" in one and not _is_rough_day(day):
                self.fault(
                    f"{place}.date", "{given!r} is not a date", "Write YYYY-MM-DD, or YYYY-MM or YYYY where no more is known.", given=day
                )
            found.append(Source(self.words(one["text"], f"{place}.text"), url or "", day or ""))
        return tuple(found)

    def follows(self, previous: Revision, revision: Revision) -> None:
        if revision.agreement != previous.agreement:
            self.fault(
                "$.agreement",
                "expected {wanted}, as revision {before} has",
                "It is of another agreement.",
                wanted=previous.agreement,
                before=previous.number,
            )
        if revision.number != previous.number + 1:
            self.fault(
                "$.number",
                "expected {wanted}, got {given}",
                "Propose it again on the latest revision.",
                wanted=previous.number + 1,
                given=revision.number,
            )
        if revision.previous != previous.digest:
            self.fault(
                "$.previous", "expected {wanted}, the SHA-256 of revision {before}",
                "The text before it is another one; propose it again on the latest revision.",
                wanted=previous.digest, before=previous.number,
            )  # fmt: skip


def _is_rough_day(said: Any) -> bool:
    if not isinstance(said, str) or not _ROUGH_DAY.fullmatch(said):
        return False
    try:
        date.fromisoformat(said + "-01-01"[len(said) - 10 :] if len(said) < 10 else said)
    except ValueError:
        return False
    return True


def _same(one: Clause, other: Clause) -> bool:
    return (one.process, one.organisation) == (other.process, other.organisation)


def _kind(said: Any) -> str:
    if said is None:
        return "null"
    names = {Mapping: "an object", str: "text", bool: "true or false", int: "a number", float: "a number", Sequence: "a list"}
    name = next((name for kind, name in names.items() if isinstance(said, kind)), type(said).__name__)
    return f"{name} that is empty" if isinstance(said, (Mapping, list)) and not said else name


def _list(words: Iterable[str]) -> str:
    return ", ".join(str(one) for one in words)
