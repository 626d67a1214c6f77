"""The public history in a database answers as the files read with plain loops do: on every day of a change, and the day before."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta
from importlib.resources import files

import psycopg
import pytest

from marque.alliance import agreements, history, installation, reported, rules
from marque.alliance.agreements import Status
from marque.alliance.model import Process
from marque.common import InputError
from marque.foundation import Actor

ROOM = files("marque.alliance")
TABLES = ("agreement", "revision", "signature", "programme", "force", "area_right")
LAST = date(2026, 1, 1)


# The files, read with nothing but the standard library


def read(folder):
    return {
        one.name.removesuffix(".json"): json.loads(one.read_text("utf-8")) for one in (ROOM / folder).iterdir() if one.name[-5:] == ".json"
    }


MODES, FILES = read("modes"), read("history")
FACTS = FILES.pop("facts")


def day(said):
    return date.fromisoformat(said + "-01-01"[len(said) - 10 :] if len(said) < 10 else said)


def that_holds(code, on):
    """The number and the text of the revision of a file that is the last one to have begun; None before the first."""
    begun = [(number, one) for number, one in enumerate(FILES[code]["revisions"], 1) if day(one["since"]) <= on]
    return begun[-1] if begun else None


def cell(revision, table, process, organisation):
    """The word of a "matrix" or "sight": the mode's, unless the file says otherwise."""
    position = next((name for name, code in revision["positions"].items() if code == organisation), None)
    said = revision.get(table, {}).get(process, {})
    return said.get(position) or MODES[revision["mode"]][table][process].get(position, "none")


def marks(brand, on):
    held = [one["organisation"] for one in FACTS["brands"][brand]["owners"] if day(one["since"]) <= on]
    return held[-1] if held else ""


def days_of_change(code):
    """Every day on which a revision or the owner of a brand is another, and the day before; and one far day."""
    brands = {one["brand"] for one in FILES[code]["programmes"].values()}
    changes = {day(one["since"]) for one in FILES[code]["revisions"]}
    changes |= {day(owner["since"]) for brand in brands for owner in FACTS["brands"][brand]["owners"]}
    return sorted({LAST} | changes | {one - timedelta(days=1) for one in changes})


def parties_ever(code):
    return sorted({party for one in FILES[code]["revisions"] for party in one["positions"].values()})


def expected(code, on):
    """process → organisation → (role, sight), of those that are parties; {} before the first revision."""
    found = that_holds(code, on)
    if found is None:
        return {}
    parties = sorted(set(found[1]["positions"].values()))
    return {
        process: {one: tuple(cell(found[1], table, process, one) for table in ("matrix", "sight")) for one in parties}
        for process in Process
    }


# The database


@pytest.fixture
def people(owner_dsn):
    with psycopg.connect(owner_dsn) as owner:
        at = datetime(2021, 1, 1, tzinfo=UTC)
        for code, one in sorted(FACTS["organisations"].items(), key=lambda item: "parent" in item[1]):
            installation.found(owner, code, one["name"], one["kind"], parent=one.get("parent"))
        return {code: installation.appoint(owner, code, "A", f"a@{code}.example", ["signatory"], at) for code in FACTS["organisations"]}


TOLD = {told.code: told for told in history.public().agreements}


@pytest.fixture
def take(addresses, people):
    """Takes these agreements in, or all."""

    def taking(*codes):
        for code in codes or TOLD:
            reported.take_in(addresses.app, TOLD[code], people)

    return taking


def asked_for(people, code):
    """Who asks about an agreement: the first of its parties."""
    return Actor(parties_ever(code)[0], people[parties_ever(code)[0]])


def state_of(tx, code):
    (state,) = [one for one in agreements.all_agreements(tx) if str(one.row.id) == FILES[code]["agreement"]]
    return state


def everything(owner_dsn):
    with psycopg.connect(owner_dsn.replace("user=marque_owner", "user=postgres")) as connection:
        return {table: sorted(connection.execute(f"select t::text from alliance.{table} t")) for table in TABLES}


@pytest.mark.parametrize("code", sorted(FILES))
def test_who_decides_sees_signs_and_sells_is_what_the_files_say_on_each_side_of_every_change(database, owner_dsn, people, take, code):
    take(code)
    rows = "select p.code, r.process, r.organisation, r.role, r.sight from alliance.area_right r join alliance.programme p"
    rows += " on (p.organisation, p.id) = (r.owner, r.programme) where p.agreement = %s and r.starts <= %s and %s < r.ends"
    known = history.public()
    for on in days_of_change(code):
        at = datetime.combine(on, time(), UTC)
        database.clock.set(at)
        with psycopg.connect(owner_dsn.replace("user=marque_owner", "user=postgres")) as connection:
            derived = list(connection.execute(rows, (FILES[code]["agreement"], at, at)))
        with database.transaction(asked_for(people, code)) as tx:
            state = state_of(tx, code)
        found = that_holds(code, on)
        holds = state.in_force(at)
        assert (holds.row.number, holds.row.mode) == (found[0], found[1]["mode"]) if found else holds is None
        for programme, said in FILES[code]["programmes"].items():
            cells = expected(code, on)
            in_rows: dict[str, dict[str, tuple[str, str]]] = {}
            for of, process, organisation, role, sight in derived:
                if of == programme:
                    in_rows.setdefault(process, {})[organisation] = (role, sight)
            assert in_rows == cells, (programme, on)
            if found is None:
                with pytest.raises(InputError):
                    known.who(programme, on)
                continue
            (answer,) = known.who(programme, on)
            assert rules.who(state.agreed, programme, at) == answer.who
            assert answer.brand_owner == marks(said["brand"], on)
            for process, row in cells.items():
                part = answer.who.processes[process]
                assert set(part.decides) == {one for one, (role, _) in row.items() if role in {"leads", "co-decides"}}
                assert [part.leads] == [one for one, (role, _) in row.items() if role == "leads"]
                assert list(part.sees_all) == [one for one, (_, sight) in row.items() if sight == "all"]
                assert list(part.sees_own) == [one for one, (_, sight) in row.items() if sight == "own"]
            for asked, process in ((answer.who.signs, "release-signature"), (answer.who.sells, "sales")):
                assert set(asked) == {one for one, (role, _) in cells[process].items() if role in {"leads", "co-decides"}}


def test_signatures_say_that_they_are_reported_and_by_whom_and_nothing_waits_and_again_changes_nothing(database, owner_dsn, people, take):
    take()
    for code, said in FILES.items():
        with database.transaction(asked_for(people, code)) as tx:
            state = state_of(tx, code)
        assert [one.row.number for one in state.revisions] == list(range(1, len(said["revisions"]) + 1))
        for revision, told in zip(state.revisions, said["revisions"], strict=True):
            sources = "; ".join(one["text"] for one in told["sources"])
            assert sorted(revision.signatures) == sorted(revision.row.signatories)
            for signature in revision.signatures.values():
                assert (signature.envelope, signature.confirmation) == ("", {"reported": sources})
                assert signature.signed_at == datetime.combine(day(told["since"]), time(), UTC)
            assert [one["text"] for one in json.loads(revision.row.document)["sources"]] == [one["text"] for one in told["sources"]]
        told = {name: (one["name"], one["brand"]) for name, one in said["programmes"].items()}
        assert {one.code: (one.name, one.brand) for one in state.programmes} == told
    database.clock.set(datetime.combine(LAST, time(), UTC))
    for code, person in people.items():
        with database.transaction(Actor(code, person)) as tx:
            assert agreements.waiting(tx) == []
            for state in agreements.all_agreements(tx):
                assert [one.status(tx.now) for one in state.revisions] == [Status.PAST] * (len(state.revisions) - 1) + [Status.IN_FORCE]
    before = everything(owner_dsn)
    take()
    assert everything(owner_dsn) == before


@pytest.mark.parametrize("steps", [1, 2, 3, 8, 13])
def test_what_was_interrupted_is_taken_up_where_it_stopped(owner_dsn, take, monkeypatch, steps):
    class Killed(BaseException):
        pass

    left = iter(range(steps))
    for name in ("add_agreement", "add_revision", "add_signature", "add_programme"):
        write = getattr(reported.store, name)

        def until_killed(*given, write=write):
            if next(left, None) is None:
                raise Killed
            write(*given)

        monkeypatch.setattr(reported.store, name, until_killed)
    with pytest.raises(Killed):
        take("seres-aito")
    monkeypatch.undo()
    take("seres-aito")
    with psycopg.connect(owner_dsn.replace("user=marque_owner", "user=postgres")) as connection:
        made = tuple(
            connection.execute(f"select count(*) from alliance.{one}").fetchone()[0] for one in ("revision", "signature", "programme")
        )
    whole = TOLD["seres-aito"]
    assert made == (len(whole.moments), len(whole.agreement.signatures), len(whole.programmes))


def test_a_stranger_sees_none_of_it(database, people, take):
    take("gac-qijing", "seres-aito")
    with database.transaction(Actor("gac", people["gac"])) as tx:
        assert [state.row.organisation for state in agreements.all_agreements(tx)] == ["gac"]
        assert {programme.organisation for programme in agreements.programmes(tx)} == {"gac"}
