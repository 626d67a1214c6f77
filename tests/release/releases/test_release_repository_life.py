"""A programme's repository in the database: begun by both, keys rotated, lost, partners that leave and come."""

from __future__ import annotations

from datetime import date

import pytest
from release_world import DAY, MODELS, PARTY
from test_release_life import as_a_car

from marque.alliance import keys
from marque.car.tuf import reading
from marque.common import Missing, Refused
from marque.foundation import Registry
from marque.release import releases, repositories, signatures, waiting, withdrawals
from marque.release.jobs import register, sign_timestamps
from marque.release.model import IMAGE, Stage, State, What, area_of
from marque.release.online_keys import OnlineKeys
from marque.release.repository.keys import FileSigner


def root_of(world, repository=IMAGE):
    with world.served_to() as tx:
        return repositories.root_in_force(tx, "gac", world.programme, repository)


def state_of(world, who="gac"):
    with world.acting(who) as tx:
        return repositories.state(tx, "gac", world.programme)


def next_root(world, by="gac", **more):
    with world.acting(by) as tx:
        return repositories.next_root(tx, world.online, "gac", world.programme, **more)


def another_manager(world, organisation, name):
    made = world.companies.appoint(organisation, "release-manager", name=name)
    world.managers[organisation].append(made)
    return made


def test_it_is_begun_with_both_quorums_and_not_before(world):
    for organisation in world.managers:
        world.name_keys(organisation)
    with world.acting("huawei") as tx:
        change = repositories.begin(tx, world.online, "gac", world.programme, MODELS)
    assert [(one.repository, one.role) for one in change.documents] == [
        ("image", "root"), ("director", "root"), ("image", "targets"), ("image", "withdrawn-gac"), ("image", "withdrawn-huawei"),
    ]  # fmt: skip
    assert change.lacks == {"gac": 2, "huawei": 2}
    world.sign_all(change, [*world.managers["gac"], world.managers["huawei"][0]])
    assert not state_of(world).begun
    assert state_of(world).pending.lacks == {"huawei": 1}
    with pytest.raises(Missing), world.served_to() as tx:
        repositories.metadata(tx, "gac", world.programme, "image", "1.root.json")
    world.sign_all(change)
    state = state_of(world, "huawei")
    assert (state.parties, state.root_version, state.models, state.pending) == (("gac", "huawei"), 1, MODELS, None)
    assert len(state.keys) == 6
    assert {one.organisation for one in state.keys} == {"gac", "huawei"}
    assert as_a_car(world).root.said.roles["targets"].each == 2


def test_a_director_has_a_root_of_its_own_that_names_the_servers_key(begun):
    root = root_of(begun, "director")
    assert root.parties == ("gac", "huawei")
    assert root.roles["targets"].keys == (begun.online.director.key.id,)
    assert root.keys[begun.online.director.key.id].scheme == "ecdsa-sha2-nistp256"
    assert begun.online.signing("director", root) is begun.online.director


def test_two_keys_are_too_few_and_two_keys_of_one_person_count_as_one(world):
    with pytest.raises(Refused, match="enough keys"):
        world.name_keys("gac", world.managers["gac"][:2])
    first, second = world.managers["gac"][:2]
    with world.acting(first) as tx:
        ids = [one.id for one in keys.keys_of(tx, "gac", tx.now) if one.person in {first.id, second.id}]
    with pytest.raises(Refused, match="another person"), world.acting(first) as tx:
        repositories.name_keys(tx, PARTY, "gac", world.programme, [*ids, ids[0]])
    with pytest.raises(Missing), world.acting(first) as tx:
        repositories.name_keys(tx, PARTY, "gac", world.programme, [*ids, "0" * 64])


def test_a_key_of_the_partner_cannot_be_named_for_ones_own(world):
    with world.acting("huawei") as tx:
        theirs = [one.id for one in keys.keys_of(tx, "huawei", tx.now)][:3]
    with pytest.raises(Missing), world.acting("gac") as tx:
        repositories.name_keys(tx, PARTY, "gac", world.programme, theirs)


def test_nobody_begins_before_both_have_named_keys_nor_twice(world):
    world.name_keys("gac")
    with pytest.raises(Refused, match="named no release keys"), world.acting("gac") as tx:
        repositories.begin(tx, world.online, "gac", world.programme, MODELS)
    world.begin()
    with pytest.raises(Refused, match="begun already"), world.acting("gac") as tx:
        repositories.begin(tx, world.online, "gac", world.programme, MODELS)


def test_a_lost_key_is_replaced_by_the_two_that_are_left_and_what_was_released_stays(begun):
    release = begun.published()
    lost = begun.managers["gac"][2]
    fourth = another_manager(begun, "gac", "manager4")
    begun.name_keys("gac", [*begun.managers["gac"][:2], fourth])
    change = next_root(begun)
    begun.sign_all(change, [*begun.managers["gac"][:2], *begun.managers["huawei"][:2]])
    state = state_of(begun)
    assert state.root_version == 2
    assert fourth.id in {one.person for one in state.keys}
    assert lost.id not in {one.person for one in state.keys}
    assert begun.one(release.id).distributable
    assert release.images[0].path in as_a_car(begun).targets["vela-gac"].said.targets


@pytest.mark.slow
def test_with_all_keys_of_one_side_rotated_its_files_are_signed_anew_in_the_same_change(begun):
    release = begun.published()
    old = begun.managers["gac"]
    new = [begun.companies.appoint("gac", "release-manager", name=f"new{n}") for n in (1, 2, 3)]
    begun.name_keys("gac", new)
    change = next_root(begun, "huawei")
    roles = {one.role for one in change.documents}
    assert {"vela-gac", "withdrawn-gac"} <= roles
    assert "vela-huawei" not in roles
    begun.sign_all(change, [*old[:2], *begun.managers["huawei"][:2]])
    assert state_of(begun).root_version == 1
    begun.sign_all(change, new[:2])
    car = as_a_car(begun)
    assert car.root.said.version == 2
    assert release.images[0].path in car.targets["vela-gac"].said.targets
    following = begun.attach(begun.drafted("1.3.0"), begun.evidence("1.3.0", sequence=8))
    begun.managers["gac"] = new
    begun.sign_all(begun.asked(following))
    assert begun.one(following.id).stage is Stage.PUBLISHED


def test_a_key_that_is_not_of_the_root_signs_nothing(begun):
    fourth = another_manager(begun, "gac", "manager4")
    change = begun.asked(begun.attach(begun.drafted()))
    document = next(one for one in change.documents if "gac" in one.lacks)
    with pytest.raises(Refused, match="not among those"):
        begun.sign(document, fourth)
    with begun.acting(fourth) as tx:
        assert signatures.to_sign(tx, change.id) == []


@pytest.mark.slow
def test_an_exit_root_is_signed_beforehand_by_who_leaves_and_completed_by_who_stays(begun):
    release, following = begun.published(), begun.attach(begun.drafted("1.3.0"), begun.evidence("1.3.0", sequence=8))
    change = next_root(begun, without=("huawei",))
    begun.sign_all(change, begun.managers["huawei"])
    assert state_of(begun).root_version == 1
    begun.companies.at(2026, 12, 1)
    begun.adopt(date(2026, 12, 2), "component-supplier")
    begun.companies.at(2026, 12, 3)
    assert state_of(begun).outdated
    with pytest.raises(Refused, match="others decide by the agreement"):
        begun.asked(following)
    done = begun.sign_all(change, begun.managers["gac"])
    assert done.state is State.IN_FORCE
    state = state_of(begun)
    assert (state.parties, state.deciders, state.outdated) == (("gac",), ("gac",), False)
    assert as_a_car(begun).root.said.parties == ()
    assert begun.one(release.id).distributable
    begun.sign_all(begun.asked(following), begun.managers["gac"])
    assert begun.one(following.id).stage is Stage.PUBLISHED


def test_one_partner_alone_never_leaves_the_other_out(begun):
    change = next_root(begun, without=("huawei",))
    begun.sign_all(change, begun.managers["gac"])
    assert state_of(begun).root_version == 1
    assert state_of(begun).pending.lacks == {"huawei": 2}


def test_by_another_mode_of_the_agreement_nothing_is_signable_until_the_old_quorum_has_signed(begun):
    begun.published()
    begun.adopt(date(2026, 12, 2), "component-supplier")
    begun.companies.at(2026, 12, 3)
    state = state_of(begun)
    assert (state.outdated, state.deciders) == (True, ("gac",))
    with begun.acting("gac") as tx:
        (asked,) = waiting.of_repository(repositories.as_it_stands(tx, area_of("gac", begun.programme)))
    assert (asked.organisation, asked.what) == ("gac", What.REPOSITORY)
    change = next_root(begun)
    begun.sign_all(change, begun.managers["gac"])
    assert state_of(begun).root_version == 1
    assert state_of(begun).pending.lacks == {"huawei": 2}


def test_the_server_signs_timestamps_for_every_repository_and_cars_go_on(begun):
    assert sign_timestamps(begun.database, begun.addresses, begun.online) == 0
    begun.later(hours=2)
    assert sign_timestamps(begun.database, begun.addresses, begun.online) == 1
    assert sign_timestamps(begun.database, begun.addresses, begun.online) == 0
    assert as_a_car(begun).timestamp.said.version == 2
    for _ in range(70):
        begun.later(hours=12)
        sign_timestamps(begun.database, begun.addresses, begun.online)
    car = as_a_car(begun)
    assert car.timestamp.said.version == 72
    assert car.snapshot.said.version > 5
    with begun.served_to() as tx:
        kept = tx.value("select count(*) from release.metadata where role = 'timestamp'")
    assert kept < 65


def test_an_online_key_is_rotated_by_the_next_root_without_a_gap(begun, tmp_path):
    folder = tmp_path / "keys"
    folder.mkdir()
    for file in begun.online._folder.glob("*.pem"):
        copied = folder / file.name
        copied.write_bytes(file.read_bytes())
        copied.chmod(0o600)
    begun.online = OnlineKeys(folder)
    new = FileSigner.new_online(folder / "release-timestamp.next.pem")
    change = next_root(begun)
    begun.later(hours=2)
    assert sign_timestamps(begun.database, begun.addresses, begun.online) == 1
    assert as_a_car(begun).root.said.version == 1
    begun.sign_all(change)
    car = as_a_car(begun)
    assert car.root.said.roles["timestamp"].keys == (new.key.id,)
    assert [one.key for one in car.timestamp.signatures] == [new.key.id]


def test_what_people_signed_is_renewed_before_it_expires(begun):
    begun.published()
    begun.database.clock.advance(340 * DAY)
    with begun.acting("huawei") as tx:
        assert {one.what for one in waiting.for_me(tx)} >= {What.RENEWAL}
        change = repositories.renew(tx, "gac", begun.programme)
    assert {one.role for one in change.documents} == {"vela-gac", "vela-huawei", "withdrawn-gac", "withdrawn-huawei"}
    before = {one.role: one.version for one in state_of(begun).served}
    begun.sign_all(next_root_after(begun, change))
    assert all(one.version == before[one.role] + 1 for one in state_of(begun).served if one.role.startswith(("vela", "withdrawn")))


def next_root_after(world, change):
    """The renewal is signed first: it alone is open."""
    with pytest.raises(Refused, match="another change"):
        next_root(world)
    return change


@pytest.mark.slow
def test_a_change_drafted_before_something_was_published_is_drafted_again(begun):
    release = begun.published()
    fourth = another_manager(begun, "gac", "manager4")
    begun.name_keys("gac", [begun.managers["gac"][0], fourth, another_manager(begun, "gac", "manager5")])
    change = next_root(begun)
    assert "withdrawn-gac" not in {one.role for one in change.documents}
    with begun.acting("gac") as tx:
        withdrawals.withdraw(tx, "gac", begun.programme, release.evidence.sha256, "field reports")
        (listed,) = [one for one in signatures.changes(tx, "gac", begun.programme) if one.purpose == "withdrawal"]
    begun.sign(listed.documents[0], begun.managers["gac"][1])
    with pytest.raises(Refused, match="signed by 0 of the 1 keys"):
        begun.sign_all(change)
    with begun.acting("gac") as tx:
        signatures.drop(tx, change.id, "a withdrawal came between")
    begun.later(minutes=1)
    again = next_root(begun)
    assert "withdrawn-gac" in {one.role for one in again.documents}
    begun.sign_all(again)
    assert release.evidence.sha256 in as_a_car(begun).targets["withdrawn-gac"].said.withdrawn


def test_a_programme_that_one_company_decides_alone_has_an_ordinary_repository(world):
    world.name_keys("huawei")
    following = world.drafted("1.3.0")
    world.name_keys("gac")
    world.adopt(date(2026, 12, 2), "component-supplier")
    world.companies.at(2026, 12, 3)
    with world.acting("gac") as tx:
        change = repositories.begin(tx, world.online, "gac", world.programme, MODELS)
    assert world.sign_all(change, world.managers["gac"]).state is State.IN_FORCE
    assert state_of(world).parties == ("gac",)
    world.attach(following)
    world.sign_all(world.asked(following), world.managers["gac"])
    assert as_a_car(world).targets["vela-gac"].said.targets.keys() == {one.path for one in following.images}
    with world.acting("huawei") as tx, pytest.raises(Missing):
        releases.page(tx, "gac", world.programme)


@pytest.mark.slow
def test_a_list_that_waits_while_its_keys_are_rotated_is_drafted_anew_for_the_new_ones(begun):
    release = begun.published()
    old, new = begun.managers["gac"], [begun.companies.appoint("gac", "release-manager", name=f"new{n}") for n in (1, 2, 3)]
    begun.name_keys("gac", new)
    change = next_root(begun)
    with begun.acting("gac") as tx:
        said = withdrawals.withdraw(tx, "gac", begun.programme, release.evidence.sha256, "field reports")
    begun.sign_all(change, [*old[:2], *new, *begun.managers["huawei"]])
    assert state_of(begun).root_version == 2
    with begun.acting(new[0]) as tx:
        assert signatures.to_sign(tx, said.change) == []
        again = withdrawals.ask_again(tx, "gac", begun.programme)
        assert signatures.change(tx, said.change).state is State.DROPPED
    begun.sign(again.documents[0], new[0])
    assert release.evidence.sha256 in as_a_car(begun).targets["withdrawn-gac"].said.withdrawn
    assert begun.one(release.id).withdrawn.signed_at is not None
    with pytest.raises(Refused, match="withdrawn nothing"), begun.acting("huawei") as tx:
        withdrawals.ask_again(tx, "gac", begun.programme)


def test_the_worker_shows_the_partner_a_key_as_soon_as_it_is_enrolled(begun):
    registry = Registry()
    register(registry, begun.addresses, PARTY, begun.online)
    assert "sign-timestamps" in registry.calendar
    another_manager(begun, "gac", "manager4")
    (handler,) = registry.handlers["alliance.key-enrolled"].values()
    with begun.served_to("gac") as tx:
        before = tx.value("select count(*) from release.directory")
        handler(tx, None)
        assert tx.value("select count(*) from release.directory") == before + 1


def test_the_partners_directory_of_keys_is_shown_anew_when_a_key_comes(begun):
    with begun.acting("huawei") as tx:
        assert repositories.share_everywhere(tx, PARTY) == 0
    another_manager(begun, "huawei", "manager4")
    with begun.acting("huawei") as tx:
        assert repositories.share_everywhere(tx, PARTY) == 1
        assert repositories.share_everywhere(tx, PARTY) == 0


def test_names_that_lead_nowhere_are_missing(begun):
    with begun.served_to() as tx:
        for name in ("root.json", "0.root.json", "9.root.json", "1.timestamp.json", "../1.root.json", "1.ROOT.json", "1.snapshot.json.gz"):
            with pytest.raises(Missing):
                repositories.metadata(tx, "gac", begun.programme, "image", name)
        assert reading.root(repositories.metadata(tx, "gac", begun.programme, "director", "1.root.json")).said.version == 1
