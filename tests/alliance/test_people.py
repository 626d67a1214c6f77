"""Who is of an organisation: enlisted, given duties, gone; and what at once holds no more."""

from __future__ import annotations

from datetime import date, timedelta
from threading import Barrier, Thread

import psycopg
import pytest
from signatories import a_draft, companies

from marque.alliance import agreements, audit, people, sessions, tokens
from marque.alliance.access import DUTIES
from marque.common import Denied, Missing, Refused, new_id
from marque.foundation import Actor

JULY = date(2021, 7, 1)


@pytest.fixture
def there(database, owner_dsn):
    return companies(database, owner_dsn)


def enlist(there, *duties, name="Lin Wei", email="lin@gac.example"):
    with there.acting("gac") as tx:
        return people.enlist(tx, name, email, duties)


def told(there, code="gac"):
    """Of the log of an organisation: what happened to people and tokens."""
    with there.acting(code) as tx:
        return [(one.kind, one.body) for one in reversed(audit.entries(tx)) if one.kind.split("-")[0] in {"person", "duties", "token"}]


def refused(there, fault, words, service, *given, who="gac"):
    before = told(there), everybody(there)
    with pytest.raises(fault, match=words), there.acting(who) as tx:
        service(tx, *given)
    assert (told(there), everybody(there)) == before


def everybody(there):
    with psycopg.connect(there.owner_dsn) as owner:
        return owner.execute("select organisation, id, name, email, duties, left_at from alliance.person order by id").fetchall()


def test_who_is_enlisted_is_there_with_an_address_in_small_letters_and_each_duty_once(there):
    made = enlist(there, "viewer", "engineer", "viewer", name="  Lin \n Wei ", email=" Lin@GAC.example ")
    assert (made.name, made.email, made.duties, made.left_at) == ("Lin Wei", "lin@gac.example", ["engineer", "viewer"], None)
    with there.acting("gac") as tx:
        assert [one.name for one in people.people(tx)] == ["Lin Wei", "somebody"]
    with there.database.transaction(Actor("gac", made.id)) as tx:
        assert people.me(tx) == made
    assert told(there) == [("person-enlisted", {"person": str(made.id), "duties": ["engineer", "viewer"]})]


def test_every_duty_can_be_given_and_no_other(there):
    assert enlist(there, *DUTIES).duties == sorted(DUTIES)
    for wrong in ("king", "Administrator", ""):
        refused(there, Refused, "there is no such duty", people.enlist, "Lin", "other@gac.example", [wrong])


@pytest.mark.parametrize(
    ("name", "email", "words"),
    [
        (" ", "lin@gac.example", "a person has a name"),
        ("x" * 121, "lin@gac.example", "a person has a name"),
        ("Lin", "lin", "not an e-mail address"),
        ("Lin", "lin@", "not an e-mail address"),
        ("Lin", "lin @gac.example", "not an e-mail address"),
        ("Lin", "somebody@gac.example", "somebody with this e-mail address"),
        ("Lin", "SOMEBODY@gac.example", "somebody with this e-mail address"),
    ],
)
def test_who_has_no_name_or_no_address_of_their_own_is_not_enlisted(there, name, email, words):
    refused(there, Refused, words, people.enlist, name, email, [])


def test_one_address_is_of_one_person_in_each_organisation(there):
    enlist(there)
    with there.acting("huawei") as tx:
        assert people.enlist(tx, "Lin", "lin@gac.example", []).organisation == "huawei"


def test_only_administrators_see_and_change_people_and_only_their_own(there):
    lin = enlist(there, "product", "signatory", "release-manager", "engineer", "viewer", "service")
    actor = Actor("gac", lin.id)
    acts = (
        (people.people,),
        (people.enlist, "A", "a@gac.example", []),
        (people.set_duties, lin.id, ["administrator"]),
        (people.leave, lin.id),
    )
    for service, *given in acts:
        with pytest.raises(Denied), there.database.transaction(actor) as tx:
            service(tx, *given)
        if service in (people.set_duties, people.leave):
            refused(there, Missing, "no such person", service, *given, who="huawei")
    with there.acting("huawei") as tx:
        assert {one.organisation for one in people.people(tx)} == {"huawei"}
    refused(there, Missing, "no such person", people.leave, new_id())


def test_duties_hold_at_once_for_those_who_are_at_work(there):
    lin = enlist(there, "viewer")
    there.agreed(there.draft(), a_draft(new_id(), JULY))
    for duties, drafts in (["signatory"], True), (["viewer"], False), ([], False):
        with there.acting("gac") as tx:
            assert people.set_duties(tx, lin.id, duties).duties == duties
        with there.database.transaction(Actor("gac", lin.id)) as tx:
            if drafts:
                agreements.draft(tx, "Another")
            else:
                with pytest.raises((Denied, Missing)):
                    agreements.draft(tx, "Another")
    assert [body["duties"] for kind, body in told(there) if kind == "duties-set"] == [["signatory"], ["viewer"], []]


def test_the_last_administrator_stays_one_until_there_is_another(there):
    mine = there.people["gac"].id
    for service, given in (people.leave, (mine,)), (people.set_duties, (mine, ["viewer"])):
        refused(there, Refused, "the last administrator", service, *given)
    lin = enlist(there, "administrator")
    with there.acting("gac") as tx:
        people.leave(tx, mine)
    with there.database.transaction(Actor("gac", lin.id)) as tx:
        assert [one.left_at is None for one in people.people(tx)] == [True, False]
    with there.database.transaction(Actor("gac", lin.id)) as tx, pytest.raises(Refused, match="the last administrator"):
        people.leave(tx, lin.id)


def test_an_administrator_who_left_is_not_another_one(there):
    lin = enlist(there, "administrator")
    with there.acting("gac") as tx:
        people.leave(tx, lin.id)
    refused(there, Refused, "the last administrator", people.leave, there.people["gac"].id)


def test_of_two_administrators_who_resign_at_the_same_moment_one_stays(there):
    lin, barrier, answers = enlist(there, "administrator"), Barrier(2), []

    def resign(person):
        with there.database.transaction(Actor("gac", person)) as tx:
            people.me(tx)
            barrier.wait()
            try:
                people.leave(tx, person)
                answers.append("left")
            except Refused as fault:
                answers.append(fault.refusal.reason)

    at_once = [Thread(target=resign, args=(one,)) for one in (lin.id, there.people["gac"].id)]
    for one in at_once:
        one.start()
    for one in at_once:
        one.join()
    assert len(answers) == 2
    assert [one for one in answers if "last administrator" not in one] == ["left"]


def test_who_leaves_is_signed_out_everywhere_has_no_duty_and_does_nothing_more(there):
    lin = enlist(there, *DUTIES)
    with there.database.transaction(Actor("gac", lin.id)) as tx:
        shown = [sessions.start(tx, lin.id)[0] for _ in range(2)]
    with there.acting("gac") as tx:
        own, _ = sessions.start(tx, there.people["gac"].id)
        people.leave(tx, lin.id)
    assert [sessions.find(there.database, one) for one in shown] == [None, None]
    assert sessions.find(there.database, own), "nobody else is signed out"
    for service, given in ((agreements.draft, ("Mine",)), (people.enlist, ("A", "a@gac.example", [])), (people.people, ())):
        with pytest.raises((Denied, Missing)), there.database.transaction(Actor("gac", lin.id)) as tx:
            service(tx, *given)
    with there.acting("gac") as tx:
        (gone,) = [one for one in people.people(tx) if one.id == lin.id]
    assert (gone.name, gone.duties, gone.left_at) == ("Lin Wei", [], there.database.clock.now()), "what was, can still be told"
    assert told(there)[-1] == ("person-left", {"person": str(lin.id), "duties": []})
    for service, given in (people.leave, (lin.id,)), (people.set_duties, (lin.id, ["viewer"])):
        refused(there, Refused, "this person has left", service, *given)


def test_who_comes_back_with_the_address_they_had_is_another_person_and_the_first_one_stays_gone(there):
    lin = enlist(there, *DUTIES)
    with there.acting("gac") as tx:
        shown, _ = sessions.start(tx, lin.id)
        people.leave(tx, lin.id)
    there.later(days=1)
    back = enlist(there, "viewer")
    assert back.id != lin.id
    assert sessions.find(there.database, shown) is None
    with pytest.raises((Denied, Missing)), there.database.transaction(Actor("gac", lin.id)) as tx:
        agreements.draft(tx, "Mine")
    with there.acting("gac") as tx:
        assert {(one.id, one.left_at is None) for one in people.people(tx) if one.email == lin.email} == {(lin.id, False), (back.id, True)}
    refused(there, Refused, "somebody with this e-mail address", people.enlist, "Lin", lin.email, [])
    with there.acting("gac") as tx:
        people.leave(tx, back.id)
    assert enlist(there).id not in {lin.id, back.id}


def test_tokens_whose_text_the_leaver_was_told_hold_no_more_and_the_others_do(there):
    lin = enlist(there, "administrator")
    ends = there.database.clock.now() + timedelta(days=9)
    with there.database.transaction(Actor("gac", lin.id)) as tx:
        known = [tokens.issue(tx, name, "for tests", ["view:*"], ends) for name in ("a", "b")]
    with there.acting("gac") as tx:
        other, _ = tokens.issue(tx, "c", "for tests", ["view:*"], ends)
        tokens.revoke(tx, known[0][1].id)
    there.later(days=1)
    with there.acting("gac") as tx:
        people.leave(tx, lin.id)
    assert [tokens.find(there.database, one) is not None for one in (known[0][0], known[1][0], other)] == [False, False, True]
    assert [body["token"] for kind, body in told(there) if kind == "token-revoked"] == [str(one.id) for _, one in known], "each once"


def test_a_program_is_nobody(there):
    with pytest.raises(Missing, match="person"), there.database.transaction(Actor("gac", None, "console")) as tx:
        people.me(tx)
    with pytest.raises(Missing, match="person"), there.database.transaction(Actor("gac", there.people["huawei"].id)) as tx:
        people.me(tx)


def test_one_knows_oneself_ones_own_tree_and_those_one_has_an_agreement_with(there, owner_dsn):
    with psycopg.connect(owner_dsn) as owner:
        owner.execute(
            "insert into alliance.organisation values ('gac-aion', 'gac', 'Aion', '', 'brand'), ('gac-rd', 'gac', 'RD', '', 'brand')"
        )

    def known(code):
        with there.acting(code) as tx:
            return [one.organisation for one in people.organisations(tx)]

    assert (known("gac"), known("huawei"), known("seres")) == (["gac", "gac-aion", "gac-rd"], ["huawei"], ["seres"])
    agreement = there.draft()
    there.propose(agreement, a_draft(agreement, JULY))
    assert (known("gac"), known("huawei"), known("seres")) == (["gac", "gac-aion", "gac-rd", "huawei"], ["gac", "huawei"], ["seres"])


def test_what_happens_to_people_stands_in_the_log_of_their_organisation_alone(there):
    agreement = there.draft()
    there.agreed(agreement, a_draft(agreement, JULY))
    lin = enlist(there, "viewer")
    with there.acting("gac") as tx:
        people.leave(tx, lin.id)
    assert [kind for kind, _ in told(there)] == ["person-enlisted", "person-left"]
    assert told(there, "huawei") == []
