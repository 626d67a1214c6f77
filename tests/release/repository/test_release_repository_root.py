"""Root and its successors: the car takes those that both partners' people signed, and misses whom the ceremony still waits for."""

from __future__ import annotations

import contextlib
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from repository_people import BOTH, DIRECTOR, LATER, NOW, ONLINE, PARTIES, PEOPLE, SNAPSHOT, TIME, TIMESTAMP, signer
from tuf.api.exceptions import UnsignedMetadataError
from tuf.api.metadata import Metadata as Theirs

from marque.car.attacks import Attack, UpdateRefused
from marque.car.tuf import quorum, reading
from marque.car.tuf.model import Key, Signature
from marque.car.tuf.trusted import Trusted
from marque.common import InputError
from marque.release.repository import root, writing
from marque.release.repository.keys import signed
from marque.release.repository.roles import Party

FIRST = root.first_root(PARTIES, ONLINE, LATER, time=TIME.key)
GAC, HUAWEI = PEOPLE["gac"], PEOPLE["huawei"]
NEW = signer("gac-new", "gac")


def follows(new, signers):
    """Whether a car that trusts the first root takes this one."""
    trusted = Trusted(signed(FIRST, BOTH), NOW)
    try:
        trusted.update_root(signed(new, signers))
    except UpdateRefused as refused:
        return refused.attack
    return True


def waited_for(new, signers, before=FIRST):
    payload = writing.payload(new)
    found = root.lacks(payload, [Signature(one.key.id, one.sign(payload)) for one in signers], root.rules_of_root(before, new))
    return [(one.rule, one.organisation, one.signed, one.needed) for one in found]


def test_the_first_root_is_signed_by_two_of_three_of_each():
    assert (FIRST.version, FIRST.parties, FIRST.roles["root"].threshold, FIRST.roles["root"].each) == (1, ("gac", "huawei"), 4, 2)
    assert FIRST.roles["targets"] == FIRST.roles["root"]
    assert FIRST.time is not None
    assert Trusted(signed(FIRST, BOTH), NOW).root.said == FIRST


@given(chosen=st.sets(st.sampled_from(range(6))))
def test_who_is_waited_for_is_who_the_car_misses(chosen):
    signers = [[*GAC, *HUAWEI][number] for number in sorted(chosen)]
    raw = reading.root(signed(FIRST, signers))
    lacking = waited_for(FIRST, signers, None)
    counts = [sum(one in signers for one in people) for people in (GAC, HUAWEI)]
    assert lacking == [("root 1", code, count, 2) for code, count in zip(("gac", "huawei"), counts, strict=True) if count < 2]
    try:
        quorum.require(raw, FIRST.roles["root"], FIRST.keys, FIRST.parties, repository="image", file="root.json")
    except UpdateRefused:
        assert lacking
    else:
        assert not lacking


def test_stock_clients_verify_whatever_the_car_takes_and_more_besides():
    ours, stock = set(), set()
    people = [*GAC, *HUAWEI]
    for chosen in itertools.chain.from_iterable(itertools.combinations(range(6), count) for count in range(7)):
        raw = signed(FIRST, [people[number] for number in chosen])
        read = Theirs.from_bytes(raw)
        with contextlib.suppress(UnsignedMetadataError):
            read.verify_delegate("root", read)
            stock.add(chosen)
        with contextlib.suppress(UpdateRefused):
            Trusted(raw, NOW)
            ours.add(chosen)
    assert len(ours) == 16  # of each three, two or all: (3 + 1) squared
    assert len(stock) == 22  # any four of six, or more
    assert ours < stock
    assert all(len(set(some) & {0, 1, 2}) < 2 or len(set(some) & {3, 4, 5}) < 2 for some in stock - ours)


def test_all_keys_of_one_partner_make_no_root():
    with pytest.raises(UpdateRefused) as refused:
        Trusted(signed(FIRST, GAC), NOW)
    assert refused.value.attack is Attack.ONE_PARTNER


def test_a_signature_that_does_not_fit_counts_for_nobody():
    payload = writing.payload(FIRST)
    forged = [Signature(one.key.id, BOTH[0].sign(payload)) for one in BOTH]
    assert [one.signed for one in root.lacks(payload, forged, root.rules_of_root(None, FIRST))] == [1, 0]


def test_whoever_could_still_sign_is_named():
    payload = writing.payload(FIRST)
    (lack,) = root.lacks(payload, [Signature(one.key.id, one.sign(payload)) for one in [GAC[0], *HUAWEI]], root.rules_of_root(None, FIRST))
    assert lack.may == (GAC[1].key, GAC[2].key)


def test_a_lost_key_is_replaced_by_the_other_two():
    new = root.replace_lost(FIRST, GAC[0].key.id, NEW.key, LATER)
    assert waited_for(new, [GAC[1], GAC[2], *HUAWEI[:2]]) == []
    assert follows(new, [GAC[1], GAC[2], *HUAWEI[:2]]) is True
    assert GAC[0].key.id not in new.keys
    assert follows(new, [NEW, GAC[1], *HUAWEI[:2]]) is Attack.ONE_PARTNER
    assert waited_for(new, [NEW, GAC[1], *HUAWEI[:2]]) == [("root 1", "gac", 1, 2)]


def test_rotating_every_key_of_a_partner_needs_the_old_ones_and_the_new():
    fresh = [signer(f"gac-second-{number}", "gac") for number in range(3)]
    new = root.rotate(FIRST, "gac", [one.key for one in fresh], LATER)
    assert follows(new, [*GAC[:2], *fresh[:2], *HUAWEI[:2]]) is True
    assert follows(new, [*fresh, *HUAWEI[:2]]) is Attack.ONE_PARTNER
    assert follows(new, [*GAC, *HUAWEI[:2]]) is Attack.ONE_PARTNER


def test_a_partner_is_revoked_by_both_and_by_neither_alone():
    new = root.revoke_partner(FIRST, "huawei", LATER)
    assert new.parties == ()
    assert {key.organisation for key in new.keys.values()} == {"gac", ""}
    assert follows(new, BOTH) is True
    assert follows(new, GAC) is Attack.ONE_PARTNER
    assert follows(new, HUAWEI) is Attack.ONE_PARTNER
    assert waited_for(new, GAC) == [("root 1", "huawei", 0, 2)]


def test_an_exit_root_signed_in_advance_stands_until_another_root_follows():
    exit_root = signed(root.revoke_partner(FIRST, "huawei", LATER), BOTH)
    trusted = Trusted(signed(FIRST, BOTH), NOW)
    trusted.update_root(signed(root.renew(FIRST, LATER), BOTH))
    with pytest.raises(UpdateRefused) as refused:
        trusted.update_root(exit_root)
    assert refused.value.attack is Attack.ROLLBACK


def test_after_a_revocation_the_remaining_partner_goes_on_alone():
    alone = root.revoke_partner(FIRST, "huawei", LATER)
    after = root.replace_lost(alone, GAC[0].key.id, NEW.key, LATER)
    trusted = Trusted(signed(FIRST, BOTH), NOW)
    trusted.update_root(signed(alone, BOTH))
    trusted.update_root(signed(after, GAC[1:]))
    assert after.version == 3
    assert waited_for(after, [GAC[1]], alone) == [("root 2", "gac", 1, 2), ("root 3", "gac", 1, 2)]


def test_a_third_partner_comes_with_both_signing():
    third = [signer(f"third-{number}", "third") for number in range(3)]
    new = root.add_partner(FIRST, Party("third", tuple(one.key for one in third)), LATER)
    assert follows(new, [*BOTH, *third[:2]]) is True
    assert follows(new, BOTH) is Attack.ONE_PARTNER


def test_online_keys_change_with_both_partners_signing():
    fresh = signer("timestamp-2")
    new = root.new_online_keys(FIRST, {"timestamp": fresh.key}, LATER)
    assert root.online_of(new) == {"snapshot": SNAPSHOT.key, "timestamp": fresh.key}
    assert TIMESTAMP.key.id not in new.keys
    assert new.time == FIRST.time
    assert follows(new, BOTH) is True
    assert follows(new, [SNAPSHOT, TIMESTAMP, TIME, fresh]) is Attack.ARBITRARY_SOFTWARE


def test_a_directors_root_is_signed_by_both_and_its_targets_online():
    new = root.first_root(PARTIES, ONLINE | {"targets": DIRECTOR.key}, LATER, time=TIME.key)
    assert new.roles["targets"].keys == (DIRECTOR.key.id,)
    assert root.online_of(root.renew(new, LATER))["targets"] == DIRECTOR.key
    assert Trusted(signed(new, BOTH), NOW, repository="director").root.said == new


@pytest.mark.parametrize(
    ("parties", "online", "problem"),
    [
        ([Party("gac", PARTIES[0].keys[:1]), PARTIES[1]], ONLINE, "1 of at least 2 keys"),
        ([Party("gac", (*PARTIES[0].keys[:2], PARTIES[0].keys[0])), PARTIES[1]], ONLINE, "listed twice"),
        ([Party("gac", PARTIES[1].keys), PARTIES[1]], ONLINE, "another organisation"),
        (PARTIES, ONLINE | {"timestamp": signer("gac-0").key}, "a person's key"),
        (PARTIES, ONLINE | {"timestamp": signer("x", "gac").key}, "a person's key"),
        (PARTIES, {"snapshot": SNAPSHOT.key}, "signed online"),
        (PARTIES, ONLINE | {"root": DIRECTOR.key}, "root never is"),
    ],
)
def test_keys_that_could_not_make_the_quorum_are_refused(parties, online, problem):
    with pytest.raises(InputError, match=problem):
        root.first_root(parties, online, LATER)


def test_one_key_of_one_partner_under_two_ids_is_refused():
    again = Key("0" * 64, *[getattr(GAC[0].key, name) for name in ("kind", "scheme", "public", "organisation")])
    with pytest.raises(InputError, match="listed twice"):
        root.first_root([Party("gac", (GAC[0].key, again, GAC[1].key)), PARTIES[1]], ONLINE, LATER)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda: root.replace_lost(FIRST, "0" * 64, NEW.key, LATER), "no person's key"),
        (lambda: root.replace_lost(FIRST, TIMESTAMP.key.id, NEW.key, LATER), "no person's key"),
        (lambda: root.replace_lost(FIRST, HUAWEI[0].key.id, NEW.key, LATER), "one of huawei alone"),
        (lambda: root.replace_lost(FIRST, GAC[0].key.id, GAC[1].key, LATER), "listed twice"),
        (lambda: root.rotate(FIRST, "third", [NEW.key], LATER), "no party"),
        (lambda: root.revoke_partner(FIRST, "third", LATER), "no party"),
        (lambda: root.revoke_partner(root.revoke_partner(FIRST, "gac", LATER), "huawei", LATER), "nobody would be left"),
    ],
)
def test_changes_that_make_no_sense_are_refused(change, problem):
    with pytest.raises(InputError, match=problem):
        change()


def test_no_set_of_one_partners_keys_takes_any_change():
    changes = [
        root.renew(FIRST, LATER),
        root.replace_lost(FIRST, GAC[0].key.id, NEW.key, LATER),
        root.revoke_partner(FIRST, "huawei", LATER),
        root.new_online_keys(FIRST, {"snapshot": TIMESTAMP.key}, LATER),
    ]
    subsets = [list(some) for count in range(5) for some in itertools.combinations([*GAC, NEW], count)]
    for new in changes:
        for some in subsets:
            assert isinstance(follows(new, some), Attack)
