"""Agreements: what is proposed, signed or founded wrongly is refused with the reason, and leaves nothing behind."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from authenticator import Authenticator
from signatories import JULY, PARTY, a_draft, asked, companies, refused, state_of, text_of

from marque.alliance import agreements, keys, people, signing
from marque.alliance.model import Clause, Matrix, Process, Transition, What
from marque.common import Denied, Missing, Refused, ok


@pytest.fixture
def there(database, owner_dsn):
    return companies(database, owner_dsn)


@pytest.fixture
def offered(there):
    """An agreement with a first revision that waits for both."""
    agreement = there.draft()
    there.propose(agreement, a_draft(agreement, JULY))
    return agreement


def another_text(there, agreement):
    return signing.sign(text_of(there, agreement).replace(b"AH8 together", b"AH8 mine alone"), there.people["huawei"].key)


def by_a_colleagues_key(there, agreement):
    return signing.sign(text_of(there, agreement), there.appoint("huawei", "signatory", name="colleague").key)


def by_the_partners_key(there, agreement):
    return signing.sign(text_of(there, agreement), there.people["gac"].key)


def by_a_revoked_key(there, agreement):
    with there.acting("huawei") as tx:
        (key,) = keys.keys_of(tx, "huawei")
        ok(keys.revoke_key(tx, key.id, "the laptop was stolen"))
    return signing.sign(text_of(there, agreement), there.people["huawei"].key)


def by_an_expired_key(there, agreement):
    there.later(days=731)
    return signing.sign(text_of(there, agreement), there.people["huawei"].key)


def of_another_kind(there, agreement):
    return signing.sign(text_of(there, agreement), there.people["huawei"].key, "application/pdf")


def by_two(there, agreement):
    return ok(signing.combine([signing.sign(text_of(there, agreement), there.people[one].key) for one in ("gac", "huawei")]))


def nothing(_there, _agreement):
    return b""


@pytest.mark.parametrize(
    ("envelope", "words"),
    [
        (another_text, "the signature is for another text"),
        (by_a_colleagues_key, "by a key that is not enrolled"),
        (by_the_partners_key, "by a key that is not enrolled"),
        (by_a_revoked_key, "by a key that was not valid at that time"),
        (by_an_expired_key, "by a key that was not valid at that time"),
        (of_another_kind, "another type of payload"),
        (by_two, "by a key that is not enrolled"),
        (nothing, "not JSON"),
    ],
    ids=lambda one: getattr(one, "__name__", ""),
)
def test_an_envelope_that_is_not_ones_own_signature_on_this_text_is_refused_with_the_reason(there, offered, envelope, words):
    made = envelope(there, offered)
    refused(there, "huawei", Refused, words, agreements.begin_signing, PARTY, "gac", offered, 1, made)


def used_twice(there, agreement, begun):
    answer = there.people["huawei"].device.get(begun.options)
    with there.acting("huawei") as tx:
        agreements.finish_signing(tx, PARTY, "gac", agreement, 1, begun.challenge, answer)
    return answer


def answered_late(there, _agreement, begun):
    there.later(minutes=5)
    return there.people["huawei"].device.get(begun.options)


def by_another_device(_there, _agreement, begun):
    stranger = Authenticator()
    return stranger.get(begun.options | {"allowCredentials": []})


def on_another_site(there, _agreement, begun):
    return there.people["huawei"].device.get(begun.options, origin="https://marque.example.evil")


def without_fingerprint(there, _agreement, begun):
    there.people["huawei"].device.verified = False
    return there.people["huawei"].device.get(begun.options)


def with_the_passkey_revoked(there, _agreement, begun):
    answer = there.people["huawei"].device.get(begun.options)
    with there.acting("huawei") as tx:
        (passkey,) = keys.passkeys_of(tx, there.people["huawei"].id)
        ok(keys.revoke_passkey(tx, passkey.id, "the phone was stolen"))
    return answer


def with_the_key_revoked(there, agreement, begun):
    by_a_revoked_key(there, agreement)
    return there.people["huawei"].device.get(begun.options)


def with_the_duty_taken_away(there, _agreement, begun):
    with there.acting("huawei") as tx:
        people.set_duties(tx, there.people["huawei"].id, ["administrator"])
    return there.people["huawei"].device.get(begun.options)


@pytest.mark.parametrize(
    ("answer", "fault", "words"),
    [
        (used_twice, Refused, "already signed"),
        (answered_late, Refused, "that took too long; begin again"),
        (by_another_device, Refused, "a passkey that is not registered, or revoked"),
        (on_another_site, Refused, "origin"),
        (without_fingerprint, Refused, "verified"),
        (with_the_passkey_revoked, Refused, "a passkey that is not registered, or revoked"),
        (with_the_key_revoked, Refused, "by a key that was not valid at that time"),
        (with_the_duty_taken_away, Denied, "signatory"),
    ],
    ids=lambda one: getattr(one, "__name__", ""),
)
def test_an_answer_that_is_not_ones_own_passkeys_to_this_question_signs_nothing(there, offered, answer, fault, words):
    begun = asked(there, offered, "huawei")
    given = answer(there, offered, begun)
    refused(there, "huawei", fault, words, agreements.finish_signing, PARTY, "gac", offered, 1, begun.challenge, given)
    assert (state_of(there, offered).revisions[0].waits_for == ["gac"]) == (answer is used_twice)


def test_an_answer_for_one_revision_signs_no_other(there, offered):
    begun = asked(there, offered, "huawei")
    there.propose(offered, a_draft(offered, JULY, "inside"))
    answer = there.people["huawei"].device.get(begun.options)
    refused(there, "huawei", Refused, "for another text", agreements.finish_signing, PARTY, "gac", offered, 2, begun.challenge, answer)
    other = asked(there, offered, "huawei", 2)
    mixed = (PARTY, "gac", offered, 2, other.challenge, answer)
    refused(there, "huawei", Refused, "challenge", agreements.finish_signing, *mixed)


def test_nobody_answers_for_somebody_else(there, offered):
    """Neither a colleague with their own device, nor the partner, finds the question; and asked themselves, another's answer is none."""
    begun = asked(there, offered, "huawei")
    answer = there.people["huawei"].device.get(begun.options)
    colleague = there.appoint("huawei", "signatory", name="colleague")
    for one in (colleague, "gac"):
        given = (PARTY, "gac", offered, 1, begun.challenge, answer)
        refused(there, one, Missing, "confirmation under way", agreements.finish_signing, *given)
    own = asked(there, offered, colleague)
    given = (PARTY, "gac", offered, 1, own.challenge, answer)
    refused(there, colleague, Refused, "not registered, or revoked", agreements.finish_signing, *given)
    assert there.sign(offered, 1, colleague).waits_for == ["gac"], "one of its people is enough"
    refused(there, "huawei", Refused, "already signed", agreements.finish_signing, PARTY, "gac", offered, 1, begun.challenge, answer)


def test_an_answered_question_is_gone(there, offered):
    begun = asked(there, offered, "huawei")
    used_twice(there, offered, begun)
    there.propose(offered, a_draft(offered, JULY, "inside"))
    answer = there.people["huawei"].device.get(begun.options)
    given = (PARTY, "gac", offered, 2, begun.challenge, answer)
    refused(there, "huawei", Missing, "confirmation under way", agreements.finish_signing, *given)


def test_for_a_stranger_there_is_no_agreement_to_sign_propose_or_found_in(there, offered):
    envelope = signing.sign(text_of(there, offered), there.people["seres"].key)
    draft = a_draft(offered, date(2022, 1, 1), partner="seres")
    for number in (1, 7):
        refused(there, "seres", Missing, "revision", agreements.begin_signing, PARTY, "gac", offered, number, envelope)
    refused(there, "seres", Missing, "agreement", agreements.propose, "gac", offered, draft)
    refused(there, "seres", Missing, "agreement", agreements.agreement, "gac", offered)
    refused(there, "seres", Missing, "agreement", agreements.found_programme, "gac", offered, "AH8", "")


def test_who_was_invited_and_is_named_no_more_sees_no_later_text(there):
    agreement = there.draft()
    there.propose(agreement, a_draft(agreement, JULY, partner="seres"))
    there.propose(agreement, a_draft(agreement, JULY))
    assert state_of(there, agreement).last.said.leaving == (), "who never signed need not be asked"
    envelope = signing.sign(text_of(there, agreement, 2), there.people["seres"].key)
    refused(there, "seres", Missing, "revision", agreements.begin_signing, PARTY, "gac", agreement, 2, envelope)
    assert [one.row.number for one in state_of(there, agreement, "seres").revisions] == [1]


def test_without_the_duty_nobody_drafts_proposes_or_signs(there, offered):
    for number, duties in enumerate([("engineer", "product", "release-manager"), ("viewer",), ("administrator",), ("service",)]):
        person = there.appoint("huawei", *duties, name=f"other-{number}")
        fault = Missing if duties == ("service",) else Denied
        envelope = signing.sign(text_of(there, offered), person.key)
        refused(there, person, Denied, "signatory", agreements.draft, "Mine")
        refused(there, person, fault, "signatory|no such agreement", agreements.propose, "gac", offered, a_draft(offered, JULY, "inside"))
        given = (PARTY, "gac", offered, 1, envelope)
        refused(there, person, fault, "signatory|no such revision", agreements.begin_signing, *given)


def beyond(clause):
    return Transition((Clause(Process.PLATFORM, clause, What.DESTROYED),), Matrix.OLD)


@pytest.mark.parametrize(
    ("draft", "words"),
    [
        (lambda agreement: a_draft(agreement, JULY), "nothing changes against the last revision"),
        (lambda agreement: a_draft(agreement, date(2022, 1, 1), transition=beyond("seres")), "does not sign this revision.*seres"),
    ],
)
def test_a_proposal_that_says_nothing_new_or_reaches_beyond_its_signatories_is_refused(there, offered, draft, words):
    refused(there, "gac", Refused, words, agreements.propose, "gac", offered, draft(offered))


def test_who_is_no_party_to_it_proposes_no_first_text(there):
    agreement = there.draft()
    refused(there, "gac", Refused, "only who signs", agreements.propose, "gac", agreement, a_draft(agreement, JULY, carmaker="seres"))


def test_who_came_later_and_does_not_see_what_binds_whom_asks_everybody_who_signs_the_last_text(there, offered):
    there.sign(offered, 1, "gac")
    there.sign(offered, 1, "huawei")
    there.propose(offered, a_draft(offered, date(2022, 1, 1), partner="seres"))
    answer = a_draft(offered, date(2022, 1, 1), carmaker="seres", partner="gac")
    assert there.propose(offered, answer, by="seres").said.leaving == ("huawei",)
    alone = replace(
        answer, parties=("gac",), positions={"carmaker": "gac"}, matrix=only(answer.matrix, "leads"), sight=only(answer.sight, "all")
    )
    assert there.propose(offered, alone, by="seres").said.leaving == ("huawei", "seres")


def only(table, word):
    return {process: {"gac": type(next(iter(row.values())))(word)} for process, row in table.items()}


def test_who_proposes_a_text_signs_it(there, offered):
    """Invited, Huawei may answer with another text; not with one between others."""
    others = a_draft(offered, JULY, partner="seres")
    refused(there, "huawei", Refused, "not a party to this revision.*huawei", agreements.propose, "gac", offered, others)
    assert there.propose(offered, a_draft(offered, JULY, "inside"), by="huawei").row.proposed_by == "huawei"


def test_a_party_nobody_here_knows_is_offered_as_every_other_and_never_signs(there):
    """Whether an organisation is here, an offer does not tell: the answers are alike but for the code."""
    for code in ("seres", "nobody"):
        agreement = there.draft()
        made = there.propose(agreement, a_draft(agreement, JULY, partner=code))
        signed = there.sign(agreement, 1, "gac")
        assert (made.row.signatories, signed.waits_for, signed.force) == (sorted(["gac", code]), [code], None)


@pytest.mark.parametrize("title", ["", " \n ", "x" * 201])
def test_an_agreement_has_a_title(there, title):
    refused(there, "gac", Refused, "an agreement has a title", agreements.draft, title)


@pytest.mark.parametrize("code", ["", " AH8", "AH8\n", "A" * 41, "AH/8", "广汽"])
def test_a_programmes_code_can_be_written_by_hand(there, offered, code):
    refused(there, "gac", Refused, "1 to 40 letters", agreements.found_programme, "gac", offered, code, "")


def test_a_code_stands_for_one_programme_of_an_agreement(there, offered):
    with there.acting("gac") as tx:
        agreements.found_programme(tx, "gac", offered, "AH8", "")
    refused(there, "gac", Refused, "has a programme with this code", agreements.found_programme, "gac", offered, "AH8", "Again")
