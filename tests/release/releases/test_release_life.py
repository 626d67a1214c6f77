"""A release from draft to withdrawal, in the database, with people who sign for real."""

from __future__ import annotations

import psycopg
import pytest
from release_world import DAY, MODELS, PARTY, PASSED

from marque.car.tuf import reading
from marque.car.tuf.trusted import Trusted
from marque.car.uptane.claims_json import claims_of
from marque.common import Denied, Missing, Refused
from marque.foundation import Actor
from marque.proof.evidence import Verdict
from marque.release import releases, repositories, signatures, waiting, withdrawals
from marque.release.model import Stage, State, What


def as_a_car(world, who="gac"):
    """What a car that was given the first root knows today: role files by name."""
    with world.served_to(who) as tx:

        def get(name):
            return repositories.metadata(tx, "gac", world.programme, "image", name)

        car = Trusted(get("1.root.json"), tx.now, repository="image")
        while True:
            try:
                car.update_root(get(f"{car.root.said.version + 1}.root.json"))
            except Missing:
                break
        car.update_timestamp(get("timestamp.json"))
        car.update_snapshot(get(f"{car.timestamp.said.snapshot.version}.snapshot.json"))
        car.update_targets(get(f"{car.snapshot.said.meta['targets.json'].version}.targets.json"))
        for role in car.targets["targets"].said.delegations.roles:
            if (listed := car.snapshot.said.meta.get(f"{role.name}.json")) is not None:
                car.update_targets(get(f"{listed.version}.{role.name}.json"), role.name, "targets")
    return car


def test_a_release_is_published_with_the_last_signature_of_both_and_cars_find_it(begun):
    release = begun.drafted()
    assert (release.stage, release.counter) == (Stage.DRAFT, 1)
    proven = begun.attach(release)
    assert proven.stage is Stage.PROVEN
    assert {(one.market, one.cells) for one in proven.reach} == {(market, tuple(one.cell for one in PASSED)) for market in ("cn", "de")}
    change = begun.asked(proven)
    assert begun.one(release.id).stage is Stage.SIGNING
    begun.sign_all(change, begun.managers["gac"])
    begun.sign_all(change, begun.managers["huawei"][:1])
    assert begun.one(release.id).stage is Stage.SIGNING
    with begun.served_to() as tx:
        assert releases.distributable(tx, [release.id]) == frozenset()
    assert "vela-gac" not in as_a_car(begun).targets
    done = begun.sign_all(change)
    assert (done.state, done.lacks) == (State.IN_FORCE, {})
    published = begun.one(release.id, "huawei")
    assert published.stage is Stage.PUBLISHED
    with begun.served_to("huawei") as tx:
        assert releases.distributable(tx, [release.id]) == {release.id}
    car = as_a_car(begun)
    ours, theirs = (car.targets[f"vela-{one}"].said.targets for one in ("gac", "huawei"))
    assert ours == theirs
    for image in published.images:
        target = ours[image.path]
        assert (target.length, target.hashes) == (image.length, {"sha256": image.sha256})
        assert claims_of(target.custom, image.path) == published.claims(image)


def test_the_images_bytes_lie_with_who_handed_them_in(begun):
    release = begun.drafted(images={"driving": b"bits of a driving computer"})
    (image,) = release.images
    assert begun.blobs.of(image.owner).read(image.sha256) == b"bits of a driving computer"
    assert (image.path, image.length) == ("vela/pilot-1.2.0/driving.img", 26)


def test_a_newer_counter_supersedes_and_an_older_one_is_never_signed(begun):
    first, second = begun.drafted("1.2.0"), begun.drafted("1.3.0")
    assert (first.counter, second.counter) == (1, 2)
    begun.sign_all(begun.asked(begun.attach(second, sequence=7)))
    begun.attach(first, begun.evidence("1.2.0", sequence=8))
    with pytest.raises(Refused, match="higher counter is published"):
        begun.asked(first)
    third = begun.published("1.4.0", sequence=9)
    assert third.counter == 3
    older = begun.one(second.id)
    assert (older.stage, older.replaced_by, older.distributable) == (Stage.SUPERSEDED, third.id, True)


def test_what_falls_out_of_the_role_files_is_not_distributed_any_more(begun):
    made = [begun.published(f"1.{n}.0", sequence=n) for n in (1, 2, 3)]
    listed = as_a_car(begun).targets["vela-gac"].said.targets
    with begun.served_to() as tx:
        given = releases.distributable(tx, [one.id for one in made])
    assert given == {made[1].id, made[2].id}
    assert {path.split("/")[1] for path in listed} == {"pilot-1.2.0", "pilot-1.3.0"}
    assert [begun.one(one.id).distributable for one in made] == [False, True, True]


def test_withdrawing_stops_at_once_and_reaches_cars_with_one_signature(begun):
    release = begun.published()
    evidence = release.evidence.sha256
    with begun.acting("huawei") as tx:
        said = withdrawals.withdraw(tx, "gac", begun.programme, evidence, "phantom braking under bridges")
        assert releases.distributable(tx, [release.id]) == frozenset()
    assert (said.organisation, said.signed_at) == ("huawei", None)
    stopped = begun.one(release.id)
    assert (stopped.stage, stopped.withdrawn.reason) == (Stage.WITHDRAWN, "phantom braking under bridges")
    assert evidence not in as_a_car(begun).targets["withdrawn-huawei"].said.withdrawn
    with begun.acting("gac") as tx:
        (asked,) = waiting.of_release(tx, release.id)
    assert (asked.organisation, asked.what, asked.people) == ("huawei", What.WITHDRAWAL, 1)
    begun.later(minutes=5)
    with begun.acting("huawei") as tx:
        change = signatures.change(tx, stopped.withdrawn.change)
    begun.sign(change.documents[0], begun.managers["huawei"][2])
    told = as_a_car(begun).targets["withdrawn-huawei"].said.withdrawn[evidence]
    assert told.reason == "phantom braking under bridges"
    assert begun.one(release.id).withdrawn.signed_at is not None


def test_both_can_withdraw_the_same_and_neither_twice(begun):
    release = begun.published()
    for organisation in ("gac", "huawei"):
        with begun.acting(organisation) as tx:
            withdrawals.withdraw(tx, "gac", begun.programme, release.evidence.sha256, "field reports")
    with pytest.raises(Refused, match="already"), begun.acting("gac") as tx:
        withdrawals.withdraw(tx, "gac", begun.programme, release.evidence.sha256, "again")


def test_a_second_withdrawal_puts_both_into_one_list(begun):
    made = [begun.published(f"1.{n}.0", sequence=n) for n in (1, 2)]
    for release in made:
        with begun.acting("gac") as tx:
            withdrawals.withdraw(tx, "gac", begun.programme, release.evidence.sha256, "field reports")
        begun.later(minutes=1)
    with begun.acting("gac") as tx:
        (change,) = [one for one in signatures.changes(tx, "gac", begun.programme) if one.state is State.OPEN]
    begun.sign(change.documents[0], begun.managers["gac"][0])
    assert as_a_car(begun).targets["withdrawn-gac"].said.withdrawn.keys() == {one.evidence.sha256 for one in made}
    assert all(begun.one(one.id).withdrawn.signed_at is not None for one in made)


def test_evidence_that_is_withdrawn_while_it_is_being_signed_ends_the_signing(begun):
    release = begun.attach(begun.drafted())
    change = begun.asked(release)
    document = next(one for one in change.documents if "gac" in one.lacks)
    begun.sign(document, begun.managers["gac"][0])
    with begun.acting("huawei") as tx:
        withdrawals.withdraw(tx, "gac", begun.programme, release.evidence.sha256, "a fault in the suite")
    with pytest.raises(Refused, match="not open any more"):
        begun.sign(document, begun.managers["gac"][1])
    assert begun.one(release.id).stage is Stage.WITHDRAWN
    again = begun.attach(release, begun.evidence(sequence=8))
    assert again.stage is Stage.PROVEN


def test_withdrawn_releases_leave_the_role_files_with_the_next_release(begun):
    first = begun.published("1.1.0", sequence=1)
    with begun.acting("gac") as tx:
        withdrawals.withdraw(tx, "gac", begun.programme, first.evidence.sha256, "field reports")
    begun.published("1.2.0", sequence=2)
    assert {path.split("/")[1] for path in as_a_car(begun).targets["vela-gac"].said.targets} == {"pilot-1.2.0"}


def test_a_signature_given_after_the_evidence_expired_publishes_nothing(begun):
    release = begun.attach(begun.drafted())
    change = begun.asked(release)
    begun.sign_all(change, begun.managers["gac"])
    begun.database.clock.advance(31 * DAY)
    with pytest.raises(Refused, match="expired"):
        begun.sign_all(change)
    assert begun.one(release.id).stage is Stage.SIGNING


def test_while_one_release_is_signed_no_other_is_put_up(begun):
    first, second = begun.attach(begun.drafted("1.2.0")), begun.attach(begun.drafted("1.3.0"), begun.evidence("1.3.0", sequence=8))
    change = begun.asked(first)
    with pytest.raises(Refused, match="another change"):
        begun.asked(second)
    with begun.acting("huawei") as tx:
        signatures.drop(tx, change.id, "we found a fault in it")
    assert begun.one(first.id).stage is Stage.PROVEN
    assert begun.asked(second).state is State.OPEN


def test_who_has_nothing_to_do_with_the_programme_finds_nothing(begun):
    release = begun.published()
    stranger = begun.companies.appoint("seres", "release-manager", "engineer", name="stranger")
    for act in (
        lambda tx: releases.one(tx, release.id),
        lambda tx: releases.page(tx, "gac", begun.programme),
        lambda tx: repositories.state(tx, "gac", begun.programme),
        lambda tx: repositories.metadata(tx, "gac", begun.programme, "image", "timestamp.json"),
        lambda tx: withdrawals.withdraw(tx, "gac", begun.programme, release.evidence.sha256, "mischief"),
        lambda tx: signatures.change(tx, release.change),
    ):
        with pytest.raises(Missing), begun.acting(stranger) as tx:
            act(tx)
    with begun.database.transaction(Actor("seres")) as tx:
        assert releases.distributable(tx, [release.id]) == frozenset()


def test_duties_draw_the_line_between_making_and_signing(begun):
    release = begun.attach(begun.drafted(), who=begun.engineers["huawei"])
    engineer = begun.engineers["gac"]
    for act in (
        lambda tx: releases.ask_signatures(tx, release.id),
        lambda tx: withdrawals.withdraw(tx, "gac", begun.programme, release.evidence.sha256, "no"),
        lambda tx: repositories.next_root(tx, begun.online, "gac", begun.programme),
        lambda tx: repositories.name_keys(tx, PARTY, "gac", begun.programme, []),
    ):
        with pytest.raises(Denied), begun.acting(engineer) as tx:
            act(tx)


def test_images_are_up_to_who_drafted_and_closed_once_signatures_are_asked(begun):
    release = begun.attach(begun.drafted())
    with pytest.raises(Refused, match="drafted it"), begun.acting(begun.engineers["huawei"]) as tx:
        releases.add_image(tx, begun.blobs, release.id, "extra.img", "cockpit", ("compute-2",), b"extra")
    begun.asked(release)
    with pytest.raises(Refused, match="before signatures"), begun.acting(begun.engineers["gac"]) as tx:
        releases.remove_image(tx, release.id, release.images[0].path)
    with pytest.raises(Refused, match="before signatures"):
        begun.attach(release, begun.evidence(sequence=9))


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"name": "Pilot"}, "lower-case"), ({"model": "Vela!"}, "vehicle model"), ({"digest": "12"}, "64"), ({"markets": ()}, "market"),
        ({"markets": ("cn", "cn")}, "market"), ({"requires": {"gateway": 0}}, "counters"), ({"conflicts": {"cockpit": (5, 4)}}, "first to"),
        ({"rxswin": {"R157": ""}}, "RXSWIN"), ({"entitlement": "a\nb"}, "entitlement"), ({"note": "x" * 5000}, "note"),
    ],
)  # fmt: skip
def test_a_draft_says_what_is_wrong_with_it(begun, said, words):
    with pytest.raises(Refused, match=words):
        begun.drafted(**said)


def test_a_version_is_drafted_once(begun):
    begun.drafted()
    with pytest.raises(Refused, match="this version"):
        begun.drafted(by="huawei")


def test_hardware_that_the_roles_do_not_speak_for_is_refused(begun):
    release = begun.drafted(images={"driving": b"x"})
    with pytest.raises(Refused, match="trusted for this hardware"), begun.acting(begun.engineers["gac"]) as tx:
        releases.add_image(tx, begun.blobs, release.id, "g.img", "gateway", ("radio-9",), b"x")


def test_a_model_that_is_not_delegated_cannot_be_signed_until_a_root_names_it(begun):
    release = begun.drafted(model="corvus")
    begun.attach(
        release, begun.evidence(change_provenance=_of("corvus"), verdicts=tuple(Verdict("corvus", one.cell, "PASSED") for one in PASSED))
    )
    with pytest.raises(Refused, match="delegates nothing"):
        begun.asked(release)
    with begun.acting("gac") as tx:
        change = repositories.next_root(tx, begun.online, "gac", begun.programme, {**MODELS, "corvus": ("compute-2", "gateway-1")})
    begun.sign_all(change)
    assert begun.asked(release).state is State.OPEN


def _of(model):
    from dataclasses import replace

    return lambda provenance: replace(provenance, model=model)


def test_a_release_says_whom_it_waits_for(world):
    release = world.drafted(images={"driving": b"x"})

    def now():
        with world.acting("gac") as tx:
            return [(one.organisation, one.what) for one in waiting.of_release(tx, release.id)]

    assert now() == [("gac", What.EVIDENCE), ("gac", What.KEYS), ("huawei", What.KEYS)]
    world.begin()
    assert now() == [("gac", What.EVIDENCE)]
    world.attach(release)
    assert now() == [("gac", What.ASK)]
    change = world.asked(release)
    assert now() == [("gac", What.SIGNATURES), ("huawei", What.SIGNATURES)]
    world.sign_all(change, world.managers["huawei"])
    assert now() == [("gac", What.SIGNATURES)]
    with world.acting("huawei") as tx:
        assert waiting.for_me(tx) == []
    with world.acting("gac") as tx:
        assert [(one.what, one.people, one.subject) for one in waiting.for_me(tx)] == [(What.SIGNATURES, 2, str(change.id))]
    world.sign_all(change)
    assert now() == []


def test_every_act_is_in_the_outbox_and_in_both_partners_audit_log(begun):
    begun.published()
    with begun.served_to() as tx:
        logged = {one for (one,) in tx.connection.execute("select document::json ->> 'kind' from alliance.audit_entry").fetchall()}
    with begun.served_to("huawei") as tx:
        theirs = {one for (one,) in tx.connection.execute("select document::json ->> 'kind' from alliance.audit_entry").fetchall()}
    kinds = {"drafted", "image-added", "proven", "signing", "change-opened", "change-signed", "keys-named"}
    assert {f"release-{one}" for one in kinds} <= logged & theirs
    with psycopg.connect(begun.addresses.owner.replace("user=marque_owner", "user=postgres")) as connection:
        told = {one for (one,) in connection.execute("select kind from foundation.outbox").fetchall()}
    assert "release.published" in told


def test_the_files_that_are_served_say_when_they_end(begun):
    with begun.served_to() as tx:
        files = {(one.repository, one.role): one for one in repositories.served(tx, "gac", begun.programme)}
        raw = repositories.metadata(tx, "gac", begun.programme, "image", files["image", "targets"].name)
    assert set(files) == {
        ("image", "root"), ("image", "targets"), ("image", "snapshot"), ("image", "timestamp"), ("image", "withdrawn-gac"),
        ("image", "withdrawn-huawei"), ("director", "root"),
    }  # fmt: skip
    assert files["image", "targets"].expires == reading.targets(raw).said.expires
    assert files["image", "timestamp"].name == "timestamp.json"
