"""Whether every act stands in the database wholly or not at all: read by a superuser, compared by plain Python, with nothing of Marque's.

What each table says has to follow from what the others say: an act, the event that tells of it, its entry in the audit log, and what is
derived from it. What was answered has to be there, and what was refused must not.
"""

from __future__ import annotations

import json
import operator
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import agreement_oracle as oracle
import psycopg
from psycopg.rows import dict_row
from psycopg.types.datetime import TimestamptzLoader
from signing_clients import Ledger

_TABLES = (
    "agreement", "programme", "revision", "signature", "confirmation", "force", "area_right", "requirement", "decision", "decision_act",
    "transition_step", "frozen", "audit_entry",
)  # fmt: skip
_ORDER = ("frozen-copy", "keeps-read", "destroyed", "returned")
_LATEST = 4


@dataclass
class Books:
    """Every row, and what does not fit."""

    rows: dict[str, list[dict[str, Any]]]
    events: list[dict[str, Any]]
    entries: list[dict[str, Any]]
    now: datetime
    wrong: list[str] = field(default_factory=list)

    def same(self, what: str, one: Iterable[Any], other: Iterable[Any]) -> None:
        """Each as often as the other has it."""
        left, right = Counter(one), Counter(other)
        self.wrong += [f"{what}: {item} stands there {left[item]} and {right[item]} times" for item in (left - right) + (right - left)]

    def told(self, kind: str, *names: str) -> list[tuple[Any, ...]]:
        """Of events of a kind: who told it, and these fields."""
        return [(one["organisation"], *_picked(one["body"], names)) for one in self.events if one["kind"] == f"alliance.{kind}"]

    def logged(self, kind: str, *names: str) -> list[tuple[Any, ...]]:
        """The same of entries in the audit log."""
        return [(one["by"]["organisation"], *_picked(one["body"], names)) for one in self.entries if one["kind"] == kind]


def _picked(body: dict[str, Any], names: Iterable[str]) -> tuple[Any, ...]:
    return tuple(body.get(name) for name in names)


def faults(superuser: str, ledger: Ledger, *, everything: bool = False) -> list[str]:
    """everything: look at rights of all times, not of the latest changes alone."""
    books = _read(superuser)
    _acts(books)
    _log(books)
    for row in books.rows["agreement"]:
        _force(books, row, everything=everything)
        _transitions(books, row)
    _decisions(books)
    _requirements(books, ledger)
    _claims(books, ledger)
    return books.wrong + ledger.wrong


class _Endless(TimestamptzLoader):
    """`infinity` is the end of time."""

    def load(self, data: Any) -> datetime:
        return datetime.max.replace(tzinfo=UTC) if bytes(data) == b"infinity" else super().load(data)


def _read(superuser: str) -> Books:
    with psycopg.connect(superuser, row_factory=dict_row) as connection:
        connection.adapters.register_loader("timestamptz", _Endless)
        connection.execute("set transaction isolation level repeatable read read only")
        connection.execute("set local time zone 'UTC'")
        rows = {table: connection.execute(f"select * from alliance.{table}").fetchall() for table in _TABLES}
        events = connection.execute("select organisation, kind, body, emitted_at from foundation.outbox").fetchall()
        now = connection.execute("select clock_timestamp() as now").fetchone()["now"]
    for row in rows["revision"]:
        row["said"] = json.loads(row["document"])
    entries = {row["index"]: json.loads(row["document"]) for row in rows["audit_entry"]}
    return Books(rows, events, [entries[index] for index in sorted(entries)], now)


def _acts(books: Books) -> None:
    """An act, its event and its entry."""
    rows = books.rows
    drafted = [(row["organisation"], str(row["id"]), row["title"]) for row in rows["agreement"]]
    books.same("agreement and event", drafted, books.told("agreement-drafted", "agreement", "title"))
    books.same("agreement and entry", drafted, books.logged("agreement-drafted", "agreement", "title"))

    founded = [str(row["id"]) for row in rows["programme"]]
    books.same("programme and event", founded, (one[1] for one in books.told("programme-founded", "programme")))
    books.same("programme and entry", founded, (one[1] for one in books.logged("programme-founded", "programme")))

    names = ("owner", "agreement", "number", "digest")
    proposed = [(row["proposed_by"], row["organisation"], str(row["agreement"]), row["number"], row["digest"]) for row in rows["revision"]]
    books.same("revision and event", proposed, books.told("revision-proposed", *names))
    books.same("revision and entry", proposed, books.logged("revision-proposed", *names))

    signed = [(row["signatory"], row["organisation"], str(row["agreement"]), row["number"]) for row in rows["signature"]]
    books.same("signature and event", signed, books.told("revision-signed", *names[:3]))
    books.same("signature and entry", signed, books.logged("revision-signed", *names[:3]))
    confirmed = [(row["organisation"], row["person"], row["confirmed_at"]) for row in rows["confirmation"]]
    books.same("signature and confirmation", [(row["signatory"], row["person"], row["signed_at"]) for row in rows["signature"]], confirmed)

    opened = [(row["organisation"], str(row["id"])) for row in rows["decision"]]
    books.same("decision and event", opened, books.told("decision-opened", "decision"))
    books.same("decision and entry", opened, books.logged("decision-opened", "decision"))
    approved = [(row["organisation"], str(row["decision"])) for row in rows["decision_act"]]
    books.same("approval and event", approved, books.told("decision-approved", "decision"))
    books.same("approval and entry", approved, books.logged("decision-approved", "decision"))

    names = ("requirement", "side", "version")
    books.same("written: event and entry", books.told("requirement-written", *names), books.logged("requirement-written", *names))


def _log(books: Books) -> None:
    """Entries without a gap, each with everybody whom it concerns."""
    books.same("entry and its place", (one["index"] for one in books.entries), range(len(books.entries)))
    held = [(row["organisation"], row["index"]) for row in books.rows["audit_entry"]]
    books.same("entry and whom it concerns", held, ((who, one["index"]) for one in books.entries for who in one["concerned"]))


def _force(books: Books, agreement: dict[str, Any], *, everything: bool) -> None:
    """Force and rights, as an oracle reads them off signed documents."""
    of = _of(books, agreement)
    said = [row["said"] for row in of("revision")]
    digests = {row["number"]: row["digest"] for row in of("revision")}
    signatures = [
        {"organisation": row["signatory"], "digest": digests[row["number"]], "at": row["signed_at"]}
        for row in sorted(of("signature"), key=operator.itemgetter("signed_at"))
    ]
    forces = sorted(of("force"), key=operator.itemgetter("starts"))
    programmes = {row["id"]: row["code"] for row in of("programme")}
    instants = [one["at"] for one in signatures] + [books.now]
    for at in instants if everything else instants[-_LATEST:]:
        document = oracle.in_force(said, signatures, at)
        expected = document["number"] if document else None
        kept = [row["number"] for row in forces if row["starts"] <= at < row["ends"]]
        if kept != ([expected] if document else []):
            books.wrong.append(f"force: agreement {agreement['id']} at {at}: {kept} instead of {expected}")
        held = {
            (row["organisation"], row["programme"], row["process"]): (row["role"], row["sight"])
            for row in books.rows["area_right"]
            if row["programme"] in programmes and row["starts"] <= at < row["ends"]
        }
        agreed = {
            (who, programme, process): tuple(oracle.word(document, table, who, code, process) for table in ("matrix", "sight"))
            for programme, code in programmes.items()
            for process in (document["matrix"] if document else ())
            for who in document["parties"]
        }
        if held != agreed:
            books.wrong.append(f"rights: agreement {agreement['id']} at {at}: {sorted(map(str, held.items() ^ agreed.items()))[:4]}")


def _transitions(books: Books, agreement: dict[str, Any]) -> None:
    """Applied with each of its steps, its event and its entry; or not begun."""
    of = _of(books, agreement)
    applied = {row["number"] for row in of("force") if row["applied_at"] is not None}
    told = [
        one for one in books.events if one["kind"] == "alliance.transition-applied" and one["body"]["agreement"] == str(agreement["id"])
    ]
    logged = [one for one in books.entries if one["kind"] == "transition-applied" and one["body"]["agreement"] == str(agreement["id"])]
    books.same(f"transition and event of {agreement['id']}", applied, (one["body"]["number"] for one in told))
    books.same(f"transition and entry of {agreement['id']}", applied, (one["body"]["number"] for one in logged))
    programmes = [row["id"] for row in of("programme")]
    for revision in of("revision"):
        steps = sorted((row for row in of("transition_step") if row["number"] == revision["number"]), key=operator.itemgetter("step"))
        clauses = revision["said"]["transition"]["clauses"] if revision["number"] in applied else []
        wanted = [(one["process"], one["organisation"], one["what"], programme) for one in clauses for programme in programmes]
        done = [(row["process"], row["party"], row["what"], row["programme"]) for row in steps if row["what"] != "decisions-moved"]
        books.same(f"steps of {agreement['id']}, {revision['number']}", wanted, done)
        listed = [(str(row["programme"]), row["process"], row["party"], row["what"], row["rows"], row["digest"]) for row in steps]
        for one in told + logged:
            if one["body"]["number"] == revision["number"]:
                names = ("programme", "process", "party", "what", "rows", "digest")
                books.same("steps as told", listed, (_picked(step, names) for step in one["body"]["steps"]))
        copied = sum(row["rows"] for row in steps if row["what"] == "frozen-copy")
        frozen = [row for row in books.rows["frozen"] if row["programme"] in programmes and row["number"] == revision["number"]]
        later = any(
            row["number"] > revision["number"] and any(one["what"] == "destroyed" for one in row["said"]["transition"]["clauses"])
            for row in of("revision")
        )
        if not later and copied != len(frozen):
            books.wrong.append(f"copies of {agreement['id']}, {revision['number']}: {copied} were told, {len(frozen)} are there")


def _decisions(books: Books) -> None:
    """Taken as soon as all who decide have approved, and not before."""
    approved: dict[Any, set[str]] = {}
    for row in books.rows["decision_act"]:
        approved.setdefault((row["opener"], row["decision"]), set()).add(row["organisation"])
    for row in books.rows["decision"]:
        complete = set(row["deciders"]) <= approved.get((row["organisation"], row["id"]), set())
        if (row["state"] == "taken") != complete:
            books.wrong.append(f"decision {row['id']} is {row['state']}, approvals complete: {complete}")
        of = _of(books, {"organisation": row["lead"], "id": row["agreement"]})
        moving = {one["number"] for one in of("revision") if one["said"]["transition"]["open-decisions"] == "new"}
        since = [
            one["number"] for one in of("force") if one["applied_at"] and one["number"] in moving and one["starts"] > row["created_at"]
        ]
        if row["state"] == "open" and row["number"] < max(since, default=0):
            books.wrong.append(f"decision {row['id']} was left under revision {row['number']}, all were moved to {max(since)}")


def _requirements(books: Books, ledger: Ledger) -> None:
    """Every version that was ever written is where the transitions applied since have put it."""
    areas = {row["id"]: (row["lead"], row["programme"], row["process"]) for row in books.rows["requirement"]}
    programmes = {str(row["id"]): row for row in books.rows["programme"]}
    for claim in ledger.all("requirement", "done"):
        one = claim.answer
        areas.setdefault(UUID(one["id"]), (one["lead"], programmes[one["programme"]]["id"], one["process"]))
    there = {(str(row["id"]), row["side"], row["version"]): row["organisation"] for row in books.rows["requirement"]}
    written: dict[tuple[Any, ...], datetime] = {}
    for one in books.events:
        if one["kind"] == "alliance.requirement-written":
            key = _picked(one["body"], ("requirement", "side", "version"))
            if key in written:
                books.wrong.append(f"requirement {key} was written twice, {written[key]} and {one['emitted_at']}")
            written[key] = one["emitted_at"]
    books.wrong += [f"requirement without an event: {key}" for key in there.keys() - written.keys()]
    changes = {row["id"]: _changes(books, row) for row in books.rows["programme"]}
    for key, at in written.items():
        area = areas.get(UUID(key[0]))
        if area is None:
            if not any(one[3] == "destroyed" for of in changes.values() for one in of):
                books.wrong.append(f"requirement {key} is gone, and nothing destroys")
            continue
        expected = _whose(key[1], area[2], at, changes[area[1]])
        if there.get(key) != expected:
            books.wrong.append(f"requirement {key} of {at} is {there.get(key)}'s instead of {expected}'s")


def _changes(books: Books, programme: dict[str, Any]) -> list[tuple[datetime, str, str, str, str]]:
    """Since when, process, party, what, and who leads then; in the order in which they were applied."""
    found = []
    of = _of(books, {"organisation": programme["organisation"], "id": programme["agreement"]})
    said = {row["number"]: row["said"] for row in of("revision")}
    for force in sorted(of("force"), key=operator.itemgetter("starts")):
        if force["applied_at"] is not None:
            document = said[force["number"]]
            for clause in sorted(document["transition"]["clauses"], key=lambda one: _ORDER.index(one["what"])):
                leader = next(who for who, role in document["matrix"][clause["process"]].items() if role == "leads")
                found.append((force["starts"], clause["process"], clause["organisation"], clause["what"], leader))
    return found


def _whose(side: str, process: str, at: datetime, changes: list[tuple[datetime, str, str, str, str]]) -> str | None:
    owner: str | None = side
    for since, of, party, what, leader in changes:
        if of == process and at < since and owner == party:
            owner = None if what == "destroyed" else leader if what == "returned" else owner
    return owner


def _claims(books: Books, ledger: Ledger) -> None:
    """What was answered is there, what was refused is not; what got no answer may be either."""
    rows = books.rows
    there = {
        "agreement": {row["title"] for row in rows["agreement"]},
        "programme": {row["name"] for row in rows["programme"]},
        "revision": {row["said"]["title"] for row in rows["revision"]},
        "signature": {f"{row['agreement']} {row['number']} {row['signatory']}" for row in rows["signature"]},
        "decision": {row["subject"] for row in rows["decision"]},
        "act": {row["reason"] for row in rows["decision_act"]},
    }
    for kind, words in there.items():
        done = {claim.word for claim in ledger.all(kind, "done")}
        asked = {claim.word for claim in ledger.claims if claim.kind == kind and claim.told != "refused"}
        books.wrong += [f"lost: {kind} {word} was answered, and is not there" for word in sorted(done - words)]
        books.wrong += [f"out of nothing: {kind} {word} was not asked for, or refused" for word in sorted(words - asked)]
    written = {
        (one["body"]["requirement"], one["body"]["side"], one["body"]["version"]) for one in books.events if "version" in one["body"]
    }
    for claim in ledger.all("requirement", "done"):
        mine = [side for side in claim.answer["sides"] if side["title"] == claim.word]
        books.wrong += [
            f"lost: requirement {claim.word}" for side in mine if (claim.answer["id"], side["side"], side["version"]) not in written
        ]
    refused = {claim.word for claim in ledger.all("requirement", "refused")}
    books.wrong += [f"out of nothing: requirement {row['title']}" for row in rows["requirement"] if row["title"] in refused]


def _of(books: Books, agreement: dict[str, Any]) -> Any:
    """Rows of one agreement, by table."""
    key = (agreement["organisation"], agreement["id"])
    return lambda table: [row for row in books.rows[table] if (row["organisation"], row["agreement"]) == key]
