"""A ceremony from hand to hand: who is asked, who has signed, copies side by side, and everything that would slip something in."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from repository_people import BOTH, DELEGATIONS, LATER, NOW, ONLINE, PARTIES, PEOPLE, TIME, private, signer, target

from marque.alliance import signing
from marque.car.attacks import UpdateRefused
from marque.car.tuf.model import Signature, Targets
from marque.car.tuf.trusted import Trusted
from marque.common import InputError, Refused, new_id
from marque.release.repository import ceremony, requests, root
from marque.release.repository.keys import signed
from marque.release.repository.roles import targets_with

FIRST = root.first_root(PARTIES, ONLINE, LATER, time=TIME.key)
FIRST_FILE = signed(FIRST, BOTH)
TOP = Targets(version=1, expires=LATER, targets={}, delegations=DELEGATIONS)
NEW = signer("gac-new", "gac")
REPLACED = ceremony.of_root("image", root.replace_lost(FIRST, PEOPLE["gac"][0].key.id, NEW.key, LATER), FIRST_FILE)


def handed_on(one):
    return ceremony.read(ceremony.dumps(one), "root.ceremony.json")


def signed_with(one, signers):
    for each in signers:
        one = handed_on(ceremony.sign(one, each))
    return one


SIGNED = ceremony.dumps(signed_with(ceremony.of_root("image", FIRST), BOTH))


def test_the_first_root_goes_from_hand_to_hand_until_everybody_has_signed():
    one = ceremony.of_root("image", FIRST)
    for number, each in enumerate(BOTH):
        with pytest.raises(Refused, match="not everybody has signed"):
            ceremony.finish(one)
        one = handed_on(ceremony.sign(one, each))
        assert len(ceremony.signed_by(one)) == number + 1
    assert ceremony.waiting(one) == []
    assert Trusted(ceremony.finish(one), NOW).root.said == FIRST


def test_a_successor_names_by_which_rule_somebody_is_waited_for():
    one = signed_with(REPLACED, [NEW, PEOPLE["gac"][1], *PEOPLE["huawei"][:2]])
    assert [(lack.rule, lack.organisation, lack.signed, lack.needed) for lack in ceremony.waiting(one)] == [("root 1", "gac", 1, 2)]
    with pytest.raises(Refused, match=r"root 1, gac: 1 of 2"):
        ceremony.finish(one)
    trusted = Trusted(FIRST_FILE, NOW)
    trusted.update_root(ceremony.finish(ceremony.sign(one, PEOPLE["gac"][2])))


def test_copies_signed_side_by_side_are_put_together():
    copies = [ceremony.sign(REPLACED, each) for each in (*PEOPLE["gac"][1:], *PEOPLE["huawei"][:2])]
    assert ceremony.waiting(ceremony.together(copies)) == []
    with pytest.raises(Refused, match="different ceremonies"):
        ceremony.together([REPLACED, ceremony.of_root("image", FIRST)])


def test_a_good_signature_is_not_displaced_by_a_bad_one_of_another_copy():
    good = ceremony.sign(REPLACED, PEOPLE["gac"][1])
    bad = replace(REPLACED, signatures=(Signature(PEOPLE["gac"][1].key.id, b"no"),))
    for copies in ([good, bad], [bad, good]):
        assert ceremony.together(copies).signatures == good.signatures


def test_a_key_that_nobody_asks_for_does_not_sign():
    with pytest.raises(Refused, match="none of those that sign here"):
        ceremony.sign(REPLACED, signer("stranger", "gac"))


def test_a_key_signs_whatever_its_holder_calls_it():
    assert len(ceremony.signed_by(ceremony.sign(REPLACED, signer("gac-1")))) == 1


def test_a_models_role_is_signed_by_its_organisation_alone():
    listed = targets_with(None, [target("vela/pilot/1.bin")], expires=LATER)
    one = ceremony.of_targets("vela-gac", listed, FIRST_FILE, signed(TOP, BOTH))
    assert [(lack.organisation, lack.needed) for lack in ceremony.waiting(one)] == [("gac", 2)]
    with pytest.raises(Refused):
        ceremony.sign(one, PEOPLE["huawei"][0])
    assert ceremony.waiting(signed_with(one, PEOPLE["gac"][:2])) == []


def test_the_top_level_targets_are_signed_by_both():
    one = ceremony.of_targets("targets", TOP, FIRST_FILE)
    assert [lack.organisation for lack in ceremony.waiting(one)] == ["gac", "huawei"]
    assert b"vela-huawei" in ceremony.finish(signed_with(one, BOTH))


def test_nobody_invents_the_root_that_says_who_signs():
    alone = root.renew(FIRST, LATER)
    forged = ceremony.of_root("image", root.renew(alone, LATER), signed(alone, PEOPLE["huawei"]))
    with pytest.raises(UpdateRefused, match="gac"):
        handed_on(forged)
    below = ceremony.of_targets("vela-gac", targets_with(None, expires=LATER), FIRST_FILE, signed(TOP, PEOPLE["huawei"]))
    with pytest.raises(UpdateRefused, match="gac"):
        handed_on(below)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda said: said | {"more": 1}, "not the file of a ceremony"),
        (lambda said: said | {"kind": "other"}, "not the file of a ceremony"),
        (lambda said: said | {"repository": "other"}, "there are image and director"),
        (lambda said: said | {"payload": said["payload"].replace('"version":2', '"version":3')}, "does not follow"),
        (
            lambda said: said | {"payload": said["payload"].replace('"version":2', '"version":2,"x-later":1')},
            "it says more",
        ),
        (lambda said: said | {"signatures": {"a": "zz"}}, "not hexadecimal"),
        (lambda said: said | {"signatures": {"a": 1}}, "not hexadecimal"),
        (lambda said: said | {"role": "vela-gac"}, None),
        (lambda said: said | {"root": ""}, "does not follow"),
    ],
)
def test_a_file_that_was_tampered_with_is_refused(change, problem):
    raw = json.dumps(change(json.loads(ceremony.dumps(REPLACED)))).encode()
    with pytest.raises(InputError if problem else UpdateRefused, match=problem):
        ceremony.read(raw, "root.ceremony.json")


@given(raw=st.binary() | st.text().map(str.encode))
@settings(max_examples=50)
def test_what_is_no_ceremony_is_refused(raw):
    with pytest.raises(InputError):
        ceremony.read(raw, "any")


@given(at=st.integers(0, 10_000), bit=st.integers(0, 7))
@settings(max_examples=100)
def test_a_flipped_bit_never_makes_another_root_of_a_signed_ceremony(at, bit):
    raw = bytearray(SIGNED)
    raw[at % len(raw)] ^= 1 << bit
    try:
        made = ceremony.finish(ceremony.read(bytes(raw), "any"))
    except (InputError, Refused, UpdateRefused):
        return
    assert Trusted(made, NOW).root.said == FIRST


def test_what_changes_is_listed():
    found = ceremony.changes(FIRST, ceremony.said_of(REPLACED))
    assert [(one.kind, one.what, one.key) for one in found] == [
        ("key-removed", "gac", PEOPLE["gac"][0].key),
        ("key-added", "gac", NEW.key),
        ("expires", LATER.date().isoformat(), None),
    ]
    left = ceremony.changes(FIRST, root.revoke_partner(FIRST, "huawei", LATER))
    assert [one.kind for one in left] == ["party-removed", "key-removed", "key-removed", "key-removed", "expires"]
    begun = ceremony.changes(None, FIRST)
    assert [one.what for one in begun if one.kind == "party-added"] == ["gac", "huawei"]
    assert [one.what for one in begun if one.kind == "online-key"] == ["snapshot", "timestamp", "time"]
    assert [one.what for one in begun if one.kind == "quorum"] == ["2"]
    fresh = ceremony.changes(FIRST, root.new_online_keys(FIRST, {"timestamp": signer("t2").key}, LATER + timedelta(days=1)))
    assert [(one.kind, one.what) for one in fresh] == [
        ("online-key", "timestamp"),
        ("expires", (LATER + timedelta(days=1)).date().isoformat()),
    ]


def test_a_request_carries_a_key_and_proves_that_it_is_in_somebodys_hands():
    assert requests.read(requests.dumps(NEW), "r.json") == NEW.key
    enrolment = signing.request_enrolment("gac", new_id(), private("gac-new"))
    assert requests.read(enrolment, "r.json") == NEW.key


@pytest.mark.parametrize(
    "change",
    [
        lambda said: said | {"signature": "00"},
        lambda said: said | {"signature": "zz"},
        lambda said: said | {"more": 1},
        lambda said: said | {"key": said["key"] | {"x-marque-organisation": "huawei"}},
        lambda said: said | {"key": said["key"] | {"scheme": "rsassa-pss-sha256"}},
        lambda said: said | {"key": said["key"] | {"keyval": {"public": signer("other").key.public}}},
        lambda said: said | {"key": said["key"] | {"keyval": {}}},
        lambda said: said | {"kind": "other"},
        lambda said: [said],
    ],
)
def test_a_request_that_somebody_changed_is_refused(change):
    with pytest.raises(InputError):
        requests.read(json.dumps(change(json.loads(requests.dumps(NEW)))).encode(), "r.json")
