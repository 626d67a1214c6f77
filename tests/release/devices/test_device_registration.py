"""Cars are registered by their maker, seen by both partners, and known again by their token."""

from __future__ import annotations

import json
from datetime import date

import pytest
from device_world import CARMAKER, PARTNER, RELEASES, colleague, fleet_world, noon

from marque.alliance import transitions
from marque.car.uptane.vehicle import Installed, dumps
from marque.common import Denied, InputError, Missing, Refused
from marque.foundation import NOBODY, Actor
from marque.release.devices import cars, delta_store, store
from marque.release.devices.model import DirectorFile, Fleet, read


@pytest.fixture
def world(database, owner_dsn):
    return fleet_world(database, owner_dsn)


def test_both_partners_see_a_registered_car_as_it_was_given(world):
    there = Installed("pilot-os", "1.0", 3, "ab" * 32, 1000, "vela/pilot-os-1.0/pilot.img", "cd" * 32)
    draft = world.draft(features=("ThreeLidars", "Pilot"), installed={"pilot": there})
    world.register(draft)
    for organisation in (CARMAKER, PARTNER):
        with world.acting(organisation) as tx:
            told = cars.one(tx, *world.of, "V-1")
        assert told.vehicle == draft.vehicle
        assert told.features == draft.features
        assert told.organisation == CARMAKER


def test_who_has_nothing_to_do_with_the_programme_sees_no_car(world):
    world.register(world.draft())
    with world.acting("seres") as tx:
        with pytest.raises(Missing):
            cars.one(tx, *world.of, "V-1")
        with pytest.raises(Missing):
            cars.page(tx, *world.of)


def test_a_car_is_registered_once_and_a_batch_whole_or_not_at_all(world):
    world.register(world.draft("V-2"))
    with pytest.raises(Refused, match="registered already"):
        world.register(world.draft("V-1"), world.draft("V-2"), world.draft("V-3"))
    with world.acting(CARMAKER) as tx:
        assert [one.vehicle for one in cars.page(tx, *world.of)] == ["V-2"]


def test_a_car_is_of_one_organisation(world):
    world.register(world.draft("V-2"))
    with pytest.raises(Refused, match="registered already"):
        world.register(world.draft("V-2"), by=PARTNER)


@pytest.mark.parametrize("car", ["", "V 1", "../etc", "V" * 61, "-1"])
def test_a_number_that_no_address_could_carry_is_refused(world, car):
    with pytest.raises(Refused, match="numbers"):
        world.register(world.draft(car))


def test_control_units_have_keys_all_of_them_or_none(world):
    unit = {"hardware": "gw-1", "role": "gateway"}
    ecus = {"A": unit | {"primary": True}, "B": unit}
    said = {"vehicle": "V-1", "model": "Vela", "market": "cn", "ecus": ecus}
    half = said | {"ecus": ecus | {"B": unit | {"public_key": "ab" * 32}}}
    with pytest.raises(Refused, match="public key"):
        world.register(read(json.dumps(half).encode()))
    world.register(read(json.dumps(said).encode()))


def test_only_who_makes_records_registers(world):
    viewer = colleague(world.joint, CARMAKER, "viewer")
    with world.joint.database.transaction(Actor(CARMAKER, viewer, "test")) as tx, pytest.raises(Denied):
        cars.register(tx, *world.of, world.draft())


def test_the_partner_changes_nothing_of_the_carmakers_car(world):
    world.register(world.draft())
    for act in (cars.new_token, cars.retire, lambda *given: cars.entitle(*given, ["Pilot"])):
        with world.acting(PARTNER) as tx, pytest.raises(Denied):
            act(tx, *world.of, "V-1")


def found(world, token, car="V-1"):
    with world.joint.database.transaction(NOBODY) as tx:
        return store.find(tx, Fleet(*world.of), car, cars.digest(token))


def test_a_car_is_known_by_its_token_until_it_gets_another_or_is_retired(world):
    told = world.register(world.draft("V-1"), world.draft("V-2"))
    assert [found(world, one.token, one.vehicle) for one in told] == [CARMAKER, CARMAKER]
    assert found(world, told[0].token, "V-2") is None
    with world.acting(CARMAKER) as tx:
        again = cars.new_token(tx, *world.of, "V-1")
    assert found(world, told[0].token) is None
    assert found(world, again.token) == CARMAKER
    with world.acting(CARMAKER) as tx:
        cars.retire(tx, *world.of, "V-1")
    assert found(world, again.token) is None


def test_no_token_is_stored(world):
    token = world.register(world.draft())[0].token
    with world.acting(CARMAKER) as tx:
        rows = tx.connection.execute("select c::text from release.car c").fetchall()
        events = tx.connection.execute("select document::text from alliance.audit_entry").fetchall()
    assert token.removeprefix("mc_") not in str(rows) + str(events)
    assert token not in repr(world.register(world.draft("V-9")))


def test_cars_are_found_by_the_beginning_of_their_number(world):
    world.register(*(world.draft(one) for one in ("A-1", "A-2", "B-1", "a-1")))
    with world.acting(PARTNER) as tx:
        assert [one.vehicle for one in cars.page(tx, *world.of, "A-")] == ["A-1", "A-2"]
        assert [one.vehicle for one in cars.page(tx, *world.of, "", "A-2")] == ["B-1", "a-1"]
        assert cars.page(tx, *world.of, "A-1'; --") == []


@pytest.mark.parametrize("word", ["", "a\0b", "a\nb", "x" * 121])
def test_an_entitlement_that_a_car_could_not_read_is_refused(world, word):
    world.register(world.draft())
    with world.acting(CARMAKER) as tx, pytest.raises(Refused, match="no control characters"):
        cars.entitle(tx, *world.of, "V-1", [word])


def test_entitlements_change_and_are_audited(world):
    world.register(world.draft())
    with world.acting(CARMAKER) as tx:
        assert cars.entitle(tx, *world.of, "V-1", ["Pilot", "Dialogue"]).vehicle.entitlements == {"Pilot", "Dialogue"}
    with world.acting(CARMAKER) as tx:
        told = tx.connection.execute("select document from alliance.audit_entry order by index desc limit 1").fetchone()[0]
    assert "release-car-entitled" in told
    assert "Dialogue" in told


def test_what_a_car_is_provisioned_with_is_what_it_is_registered_by(world):
    draft = world.draft(features=("Pilot",))
    said = json.loads(dumps(draft.vehicle)) | {"features": ["Pilot"]}
    assert read(json.dumps(said).encode()) == draft
    for broken in (b"[]", b"{", b'{"features": 1}', json.dumps(said | {"features": [1]}).encode(), json.dumps(said | {"x": 1}).encode()):
        with pytest.raises(InputError):
            read(broken)


def test_cars_and_all_that_hangs_on_them_follow_a_transition(world):
    """Whatever both organisations have, no key of it holds twice when the partner's rows become the carmaker's."""
    world.register(world.draft("V-1"), by=CARMAKER)
    world.register(world.draft("V-2"), by=PARTNER)
    for organisation in (CARMAKER, PARTNER):
        with world.acting(organisation) as tx:
            delta_store.put_digests(tx, Fleet(*world.of), delta_store.Digests("a" * 64, "b" * 40, "c" * 32, 1))
            delta_store.put(tx, Fleet(*world.of), delta_store.Row("a" * 64, "b" * 64, "bsdiff", 1, "d" * 64, organisation))
            file = DirectorFile(version=1, said=b"s" * 32, signed_at=tx.now, expires_at=tx.now, raw=b"{}")
            store.put_director_file(tx, Fleet(*world.of), RELEASES, "V-1" if organisation == CARMAKER else "V-2", file)
    clause = [{"process": RELEASES, "organisation": PARTNER, "what": "returned"}]
    alone, closed = {CARMAKER: "leads", PARTNER: "none"}, {CARMAKER: "all", PARTNER: "none"}
    world.joint.agree(date(2022, 6, 1), {RELEASES: alone}, {RELEASES: closed}, transition={"clauses": clause, "open-decisions": "old"})
    world.joint.database.clock.set(noon(2022, 6, 2))
    with world.acting(CARMAKER) as tx:
        assert transitions.apply_due(tx)[-1].number == 3
        assert {one.organisation for one in cars.page(tx, *world.of)} == {CARMAKER}
        assert cars.one(tx, *world.of, "V-2").vehicle.ecus.keys() == {"V-2-gateway", "V-2-pilot"}
    with world.acting(PARTNER) as tx, pytest.raises(Missing):
        cars.page(tx, *world.of)
