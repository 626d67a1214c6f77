"""Public history, replayed: who worked with whom, in which mode and since when, from data files with the source of every fact.

It is told as revisions of the same form as signed ones, and runs through the same rules. Nobody signed these texts: what stands in for
signatures is `Reported`. A date of which only the month is known counts from the first of the month on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from marque.alliance import documents, modes, rules
from marque.alliance.documents import Reader
from marque.alliance.model import (
    Agreement,
    Brand,
    Deviation,
    Matrix,
    Organisation,
    Ownership,
    Programme,
    Reported,
    Role,
    Sight,
    Source,
    Stake,
    Transition,
)  # fmt: skip
from marque.alliance.modes import Mode
from marque.common import InputError, Refusal, ok

FACTS = "facts.json"
_PRECISIONS = {10: "day", 7: "month", 4: "year"}


@dataclass(frozen=True)
class Moment:
    """A revision as it was reported. told: what happened, in a sentence. precision: how well its date is known."""

    number: int
    since: date
    precision: str
    mode: str
    told: str
    told_zh: str
    sources: tuple[Source, ...]

    @property
    def day(self) -> str:
        """As exact as it is known: 2021-07-09, 2021-07 or 2021."""
        return self.since.isoformat()[: {"day": 10, "month": 7, "year": 4}[self.precision]]


@dataclass(frozen=True)
class Told:
    """An agreement as the public record tells it: its revisions, the moments they came about, and its programmes."""

    code: str
    agreement: Agreement
    moments: tuple[Moment, ...]
    programmes: tuple[Programme, ...]

    @property
    def title(self) -> str:
        return self.agreement.revisions[0].title

    def moment(self, number: int) -> Moment:
        return self.moments[number - 1]


@dataclass(frozen=True)
class Answer:
    """Who decides, sees, signs and sells in a programme on a day, since which moment; and whose brand it is then."""

    told: Told
    programme: Programme
    who: rules.Who
    moment: Moment
    brand_owner: str


@dataclass(frozen=True)
class History:
    """Organisations and brands by code. Stakes and parents are facts of ownership; no right follows from them."""

    organisations: Mapping[str, Organisation]
    brands: Mapping[str, Brand]
    stakes: tuple[Stake, ...]
    agreements: tuple[Told, ...]
    sources: Mapping[str, tuple[Source, ...]]

    def programmes(self, code: str) -> list[tuple[Told, Programme]]:
        """The programmes of this code, in whatever agreement; capitals or not. Raises InputError when there is none."""
        found = [(told, one) for told in self.agreements for one in told.programmes if one.code.casefold() == code.casefold()]
        if not found:
            known = sorted({one.code for told in self.agreements for one in told.programmes})
            raise InputError("--programme", code, "the public history knows no such programme", f"It knows {', '.join(known)}.")
        return found

    def who(self, code: str, on: date) -> list[Answer]:
        """What held for a programme on a day (at its midnight, UTC), by agreement. Raises InputError where none was in force yet."""
        answers, first = [], []
        for told, programme in self.programmes(code):
            answer = rules.who(told.agreement, programme.code, datetime.combine(on, time(), UTC))
            if isinstance(answer, Refusal):
                first.append(told.moments[0])
                continue
            moment, brand = told.moment(answer.force.revision.number), self.brands[programme.brand]
            answers.append(Answer(told, programme, answer, moment, brand.owner(on)))
        if not answers:
            earliest = min(first, key=lambda one: one.since)
            remedy = f"Ask for {earliest.since} or a later day; from then on: {earliest.told}."
            raise InputError("--on", str(on), f"nothing is reported to have been agreed on {code} by then", remedy)
        return answers


@cache
def public() -> History:
    """The history that comes with Marque."""
    return load(files("marque.alliance") / "history", modes.packaged())


def load(folder: Traversable | Path, known: Mapping[str, Mode]) -> History:
    """A history from a folder: facts.json, and a file for each agreement. Raises InputError with file and place."""
    facts = _Facts.read((folder / FACTS).read_bytes())
    agreements = sorted((one for one in folder.iterdir() if one.name.endswith(".json") and one.name != FACTS), key=lambda one: one.name)
    told = [_agreement(one.read_bytes(), one.name, facts, known) for one in agreements]
    return History(facts.organisations, facts.brands, facts.stakes, tuple(told), facts.sources)


@dataclass(frozen=True)
class _Facts:
    organisations: dict[str, Organisation]
    brands: dict[str, Brand]
    stakes: tuple[Stake, ...]
    sources: dict[str, tuple[Source, ...]]

    @staticmethod
    def read(text: bytes) -> _Facts:
        reader = Reader(FACTS)
        said: Any = reader.parsed(text)
        reader.keys(said, "$", ("organisations", "brands", "stakes"))
        organisations: dict[str, Organisation] = {}
        for code, one in said["organisations"].items():
            place = f"$.organisations.{code}"
            reader.keys(one, place, ("name", "name-zh", "kind"), optional=("parent",))
            parent = reader.party(one["parent"], f"{place}.parent", list(organisations)) if "parent" in one else ""
            name, name_zh, kind = (reader.words(one[key], f"{place}.{key}") for key in ("name", "name-zh", "kind"))
            organisations[reader.code(code, place)] = Organisation(code, name, kind, name_zh, parent)
        sources: dict[str, tuple[Source, ...]] = {}
        brands: dict[str, Brand] = {}
        for code, one in said["brands"].items():
            place = f"$.brands.{code}"
            reader.keys(one, place, ("name", "name-zh", "owners", "sources"))
            owners: list[Ownership] = []
            for index, owner in enumerate(one["owners"]):
                here = f"{place}.owners[{index}]"
                reader.keys(owner, here, ("organisation", "since"))
                since, precision = _rough(reader, owner["since"], f"{here}.since")
                if owners and since <= owners[-1].since:
                    reader.fault(f"{here}.since", "it is not after the owner before", "Put the owners in the order of time.")
                owners.append(Ownership(reader.party(owner["organisation"], here, list(organisations)), since, precision))
            brands[reader.code(code, place)] = Brand(code, one["name"], tuple(owners), one["name-zh"])
            sources[code] = _sources(reader, one["sources"], place)
        stakes = []
        for index, one in enumerate(said["stakes"]):
            place = f"$.stakes[{index}]"
            reader.keys(one, place, ("holder", "held", "percent", "since", "sources"))
            holder, held = (reader.party(one[key], f"{place}.{key}", list(organisations)) for key in ("holder", "held"))
            if not isinstance(one["percent"], (int, float)) or not 0 < one["percent"] <= 100:
                reader.fault(f"{place}.percent", f"expected more than 0 and at most 100, got {one['percent']!r}", "Write percent.")
            stakes.append(Stake(holder, held, float(one["percent"]), _rough(reader, one["since"], f"{place}.since")[0]))
            sources[f"{holder}-{held}"] = _sources(reader, one["sources"], place)
        return _Facts(organisations, brands, tuple(stakes), sources)


def _agreement(text: bytes, name: str, facts: _Facts, known: Mapping[str, Mode]) -> Told:
    reader = Reader(name)
    said: Any = reader.parsed(text)
    reader.keys(said, "$", ("agreement", "title", "programmes", "revisions"))
    organisations = list(facts.organisations)
    programmes = []
    for code, one in said["programmes"].items():
        place = f"$.programmes.{code}"
        reader.keys(one, place, ("name", "name-zh", "brand", "manufacturer", "lead"))
        if one["brand"] not in facts.brands:
            reader.fault(f"{place}.brand", f"there is no brand {one['brand']!r}", f"{FACTS} lists the brands.")
        manufacturer, lead = (reader.party(one[key], f"{place}.{key}", organisations) for key in ("manufacturer", "lead"))
        programmes.append(Programme(code, one["name"], one["brand"], manufacturer, lead, one["name-zh"]))
    agreement, moments = Agreement(), list[Moment]()
    for index, one in enumerate(said["revisions"]):
        place = f"$.revisions[{index}]"
        moment, agreement = _revision(reader, said, one, place, agreement, organisations, known)
        if moments and moment.since <= moments[-1].since:
            reader.fault(f"{place}.since", "it is not after the revision before", "Put the revisions in the order of time.")
        moments.append(moment)
    if not moments or not programmes:
        reader.fault("$", "it has no revision or no programme", "Leave the file out, or say what was agreed on what.")
    return Told(name.removesuffix(".json"), agreement, tuple(moments), tuple(programmes))


def _revision(
    reader: Reader, said: Any, one: Any, place: str, before: Agreement, organisations: list[str], known: Mapping[str, Mode]
) -> tuple[Moment, Agreement]:
    reader.keys(one, place, ("since", "mode", "positions", "told", "told-zh", "sources"), optional=("matrix", "sight", "transition"))
    since, precision = _rough(reader, one["since"], f"{place}.since")
    if one["mode"] not in known:
        reader.fault(f"{place}.mode", f"there is no mode {one['mode']!r}", f"There are {', '.join(sorted(known))}.")
    mode = known[one["mode"]]
    positions = {name: reader.party(code, f"{place}.positions.{name}", organisations) for name, code in one["positions"].items()}
    preset = modes.expand(mode, positions)
    if isinstance(preset, Refusal):
        reader.fault(f"{place}.positions", preset.reason, f"The positions of {mode.code} are {', '.join(mode.position_codes)}.")
    by_position = Reader(reader.source, noun="position")
    roles = by_position.rows(one.get("matrix", {}), f"{place}.matrix", Role, mode.position_codes, whole=False)
    sights = by_position.rows(one.get("sight", {}), f"{place}.sight", Sight, mode.position_codes, whole=False)
    deviation = Deviation(modes.placed(roles, positions), modes.placed(sights, positions))
    # Parties of the revision before that no longer take part may be named by clauses, too.
    concerned = sorted({*preset.parties, *(before.revisions[-1].parties if before.revisions else ())})
    transition = reader.transition(one["transition"], concerned) if "transition" in one else Transition((), Matrix.OLD)
    sources = _sources(reader, one["sources"], place)
    drafted = modes.draft(
        preset, reader.uuid(said["agreement"], "$.agreement"), reader.words(said["title"], "$.title"), since,
        deviation, transition=transition, sources=sources,
    )  # fmt: skip
    at = datetime.combine(since, time(), UTC)
    by = before.revisions[-1].parties[0] if before.revisions else drafted.parties[0]
    revision = documents.read(ok(rules.propose(before, drafted, by, at)).text, f"{reader.source}, {place}")
    reports = tuple(Reported(signatory, revision.digest, at, precision=precision) for signatory in sorted(revision.signatories))
    told, told_zh = (reader.words(one[key], f"{place}.{key}") for key in ("told", "told-zh"))
    moment = Moment(revision.number, since, precision, mode.code, told, told_zh, sources)
    return moment, Agreement((*before.revisions, revision), (*before.signatures, *reports))


def _sources(reader: Reader, said: Any, place: str) -> tuple[Source, ...]:
    found = reader.sources(said)
    if not found:
        reader.fault(f"{place}.sources", "there is no source", "A fact of the public history says where it was told.")
    return found


def _rough(reader: Reader, said: Any, place: str) -> tuple[date, str]:
    """A date of which the day may be unknown, as the first day it can be, and how well it is known."""
    if not isinstance(said, str) or len(said) not in _PRECISIONS:
        reader.fault(place, f"{said!r} is not a date", "Write YYYY-MM-DD, or YYYY-MM or YYYY where no more is known.")
    return reader.day(said + "-01-01"[len(said) - 10 :] if len(said) < 10 else said, place), _PRECISIONS[len(said)]
