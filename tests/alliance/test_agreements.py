"""Agreements from draft to force, with real keys and passkeys: what signing takes, and what remains of it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest
from signatories import JULY, PARTY, a_draft, asked, companies, refused, state_of, text_of

from marque.alliance import agreements, audit, documents, keys, people, proofs, signing
from marque.alliance.agreements import Status
from marque.app.keys import verify_document
from marque.common import Missing, Refused, new_id, ok


@pytest.fixture
def there(database, owner_dsn):
    return companies(database, owner_dsn)


@pytest.fixture
def offered(there):
    """An agreement with a first revision that waits for both."""
    agreement = there.draft()
    there.propose(agreement, a_draft(agreement, JULY))
    return agreement


def midnight(day):
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


# From draft to force


@pytest.mark.parametrize(("signed_on", "effective", "starts"), [
    ((2021, 6, 20), JULY, midnight(JULY)),
    ((2021, 8, 5), JULY, datetime(2021, 8, 5, 12, tzinfo=UTC)),
])  # fmt: skip
def test_it_is_in_force_from_its_date_or_from_the_last_signature_on_whichever_is_later(there, signed_on, effective, starts):
    agreement = there.draft()
    there.propose(agreement, a_draft(agreement, effective))
    first = there.sign(agreement, 1, "huawei")
    assert (first.waits_for, first.force) == (["gac"], None)
    there.at(*signed_on)
    last = there.sign(agreement, 1, "gac")
    assert (last.waits_for, last.force.starts, last.force.ends) == ([], starts, None)
    for at, status in [(starts - timedelta(microseconds=1), Status.LATER), (starts, Status.IN_FORCE)]:
        there.database.clock.set(at)
        state = state_of(there, agreement, "huawei")
        assert state.revisions[0].status(at) is status
        assert (state.in_force(at) is not None) == (status is Status.IN_FORCE)


def test_what_waits_for_whom_is_told_to_each_until_it_has_signed(there, offered):
    def waiting(code):
        with there.acting(code) as tx:
            return [(one.agreement, one.number) for one in agreements.waiting(tx)]

    assert (waiting("gac"), waiting("huawei"), waiting("seres")) == ([(offered, 1)], [(offered, 1)], [])
    there.sign(offered, 1, "gac")
    assert (waiting("gac"), waiting("huawei")) == ([], [(offered, 1)])


def test_every_act_stands_in_the_log_of_all_who_sign_and_is_told_to_the_other_rooms(there, offered):
    there.sign(offered, 1, "gac")
    there.sign(offered, 1, "huawei")
    for code, kinds in {"gac": ["agreement-drafted", "revision-proposed", "revision-signed", "revision-signed"],
                        "huawei": ["revision-proposed", "revision-signed", "revision-signed"], "seres": []}.items():  # fmt: skip
        with there.acting(code) as tx:
            entries = [one for one in reversed(audit.entries(tx)) if one.kind.startswith(("agreement", "revision"))]
        assert [one.kind for one in entries] == kinds
        signed = [one.body for one in entries if one.kind == "revision-signed"]
        assert [one["signatory"] for one in signed] == ["gac", "huawei"][: len(signed)]
        assert all(proofs.read_proof(json.dumps(one["proof"]).encode()).organisation == one["signatory"] for one in signed)
    with psycopg.connect(there.owner_dsn) as owner:
        told = owner.execute(
            "select kind, body -> 'complete' from foundation.outbox where kind like 'alliance.revision-%' order by position"
        )
        assert list(told) == [("alliance.revision-proposed", None), ("alliance.revision-signed", False), ("alliance.revision-signed", True)]


def test_number_and_text_before_and_who_leaves_are_the_rules_to_say(there, offered):
    there.sign(offered, 1, "gac")
    there.sign(offered, 1, "huawei")
    lie = replace(a_draft(offered, date(2022, 1, 1), partner="seres"), number=9, previous="0" * 64, leaving=("seres",), agreement=new_id())
    made = there.propose(offered, lie)
    said = made.said
    assert (said.number, said.leaving, said.agreement, made.row.signatories) == (2, ("huawei",), offered, ["gac", "huawei", "seres"])
    assert said.previous == state_of(there, offered).revisions[0].row.digest
    assert made.row.document.encode() == said.text, "the text is canonical"


def test_who_leaves_signs_its_leave_and_until_then_the_old_text_holds(there, offered):
    there.sign(offered, 1, "gac")
    there.sign(offered, 1, "huawei")
    there.at(2022, 1, 1)
    there.propose(offered, a_draft(offered, date(2022, 1, 2), partner="seres"))
    there.sign(offered, 2, "gac")
    there.sign(offered, 2, "seres")
    there.at(2022, 3, 1)
    assert state_of(there, offered).in_force(there.database.clock.now()).row.number == 1
    left = there.sign(offered, 2, "huawei")
    assert (left.force.starts, left.waits_for) == (datetime(2022, 3, 1, 12, tzinfo=UTC), [])
    state = state_of(there, offered)
    assert [one.status(there.database.clock.now()) for one in state.revisions] == [Status.PAST, Status.IN_FORCE]
    assert state.revisions[0].force.ends == left.force.starts
    assert [one.row.number for one in state_of(there, offered, "seres").revisions] == [2], "who comes later does not read what was before"


def test_proposing_anew_sets_an_unfinished_text_aside(there, offered):
    there.sign(offered, 1, "gac")
    there.sign(offered, 1, "huawei")
    there.propose(offered, a_draft(offered, date(2021, 8, 1), "inside"))
    there.sign(offered, 2, "gac")
    begun = asked(there, offered, "huawei", 2)
    there.propose(offered, a_draft(offered, date(2021, 9, 1), "component-supplier"), by="huawei")
    answer = there.people["huawei"].device.get(begun.options)
    refused(
        there,
        "huawei",
        Refused,
        "a later revision was proposed",
        agreements.finish_signing,
        PARTY,
        "gac",
        offered,
        2,
        begun.challenge,
        answer,
    )
    for one in ("huawei", "gac"):
        there.sign(offered, 3, one)
    there.at(2021, 8, 15)
    assert state_of(there, offered).in_force(there.database.clock.now()).row.number == 1, "the one set aside never takes force"
    there.at(2021, 9, 1)
    state = state_of(there, offered)
    assert [one.status(there.database.clock.now()) for one in state.revisions] == [Status.PAST, Status.NEVER, Status.IN_FORCE]
    assert state.revisions[1].waits_for == []


def test_an_older_text_is_not_signed_once_a_higher_one_is_in_force(there, offered):
    there.sign(offered, 1, "gac")
    there.agreed(offered, a_draft(offered, JULY, "inside"))
    there.at(2021, 7, 2)
    person = there.people["huawei"]
    envelope = signing.sign(text_of(there, offered, 1), person.key)
    refused(
        there, "huawei", Refused, "a later revision was proposed.*latest: 2", agreements.begin_signing, PARTY, "gac", offered, 1, envelope
    )
    with there.acting("huawei") as tx:
        assert agreements.waiting(tx) == []


def test_a_programme_founded_before_and_after_has_the_rights_of_the_same_text(there, offered):
    with there.acting("gac") as tx:
        before = agreements.found_programme(tx, "gac", offered, "AH8", "", "aion")
    there.sign(offered, 1, "gac")
    there.sign(offered, 1, "huawei")
    with there.acting("huawei") as tx:
        after = agreements.found_programme(tx, "gac", offered, "AH9", "The other one")
    assert (before.name, after.name) == ("AH8", "The other one")
    with psycopg.connect(there.owner_dsn.replace("user=marque_owner", "user=postgres")) as connection:
        rights = "select organisation, process, role, sight, starts, ends::text from alliance.area_right where programme = %s"
        assert set(connection.execute(rights, (before.id,))) == set(connection.execute(rights, (after.id,))) != set()
    with there.acting("seres") as tx:
        assert agreements.programmes(tx) == []
        with pytest.raises(Missing, match="programme"):
            agreements.programme(tx, "gac", before.id)


# What remains


def test_everything_signed_is_checked_offline_years_later_by_either_side(there, offered, tmp_path, capsys):
    there.sign(offered, 1, "gac")
    there.later(days=2)
    there.sign(offered, 1, "huawei")
    there.later(days=400)
    for code in ("gac", "huawei"):
        with there.acting(code) as tx:
            (key,) = keys.keys_of(tx, code)
            ok(keys.revoke_key(tx, key.id, "a new one is used"))
            (tmp_path / f"keys-{code}.json").write_bytes(keys.directory(tx, PARTY).dumps())
    there.later(days=4000)
    state = state_of(there, offered, "huawei")
    document = tmp_path / "revision.json"
    document.write_text(state.revisions[0].row.document)
    given = []
    for code, signature in state.revisions[0].signatures.items():
        given.append(tmp_path / f"proof-{code}.json")
        given[-1].write_bytes(proofs.proof_text(signature.envelope, signature.confirmation))
    directories = [tmp_path / "keys-gac.json", tmp_path / "keys-huawei.json"]
    assert documents.read(document.read_text()).digest == state.revisions[0].row.digest
    assert verify_document(document, given, directories)
    assert capsys.readouterr().out.count("signed   ") == 2
    assert not verify_document(document, given[:1], directories)
    assert not verify_document(document, given, directories[:1])
    document.write_text(state.revisions[0].row.document.replace("AH8 together", "AH8 tomorrow"))
    assert not verify_document(document, given, directories)


def test_what_somebody_signed_stays_signed_when_they_have_left(there, offered):
    second = there.appoint("gac", "administrator", name="second")
    there.sign(offered, 1, "gac")
    with there.acting(second) as tx:
        people.leave(tx, there.people["gac"].id)
    assert there.sign(offered, 1, "huawei").waits_for == []
    there.at(2021, 7, 1)
    assert state_of(there, offered, "huawei").in_force(there.database.clock.now()).row.number == 1
