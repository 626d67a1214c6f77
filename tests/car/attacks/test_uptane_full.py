"""What full verification plans, beyond the attacks: bundles, deltas, what stays installed, and how long a plan holds."""

from dataclasses import replace

import attack_moves as moves
import pytest
from attack_world import (
    BOTH,
    BRAKE,
    DAY,
    GATEWAY,
    NOW,
    PEOPLE,
    PILOT,
    VEHICLE,
    FullCar,
    PartialCar,
    after,
    delegated,
    evidence_of,
    first,
    image_of,
    sha256,
    signer,
)

from marque.car.attacks import Attack, UpdateRefused
from marque.car.uptane.vehicle import Installed


@pytest.fixture
def car(tmp_path):
    made = FullCar(tmp_path, first())
    made.update(first())
    return made


def test_a_bundle_is_a_step_for_each_ecu(car):
    plan = car.update(after(first()))
    assert [step.ecu for step in plan.steps] == sorted([BRAKE, GATEWAY, PILOT])
    assert plan.evidence == {evidence_of(2)}
    assert (plan.director_version, plan.image_snapshot) == (2, 2)
    assert {serial: ecu.installed.counter for serial, ecu in car.vehicle.ecus.items()} == {BRAKE: 2, GATEWAY: 2, PILOT: 2}


def test_a_plan_holds_no_longer_than_the_first_of_its_metadata(car):
    world = after(first())
    world.direct(expires=NOW + DAY / 4)
    assert car.update(world).expires == NOW + DAY / 4
    world = after(world)
    world.stamp(expires=NOW + DAY / 8)
    assert car.update(world).expires == NOW + DAY / 8


def test_what_is_installed_already_is_no_step(car):
    assert not car.update(first())
    world = after(first())
    world.want(1, (GATEWAY, PILOT))
    assert car.update(world).steps == ()


def test_only_deltas_from_what_the_ecu_has_and_can_apply_are_offered(car):
    world = after(first())
    car.vehicle = replace(car.vehicle, ecus=dict(car.vehicle.ecus) | {BRAKE: replace(car.vehicle.ecus[BRAKE], methods=("bsdiff",))})
    deltas = {step.ecu: step.deltas for step in car.update(world).steps}
    assert deltas[BRAKE] == ()
    assert [one.base for one in deltas[PILOT]] == [sha256(image_of("pilot", 1))]


def test_no_way_through_another_release_leads_back(tmp_path):
    """Who has the director's key could send an ECU through some other release of both companies to an old version still listed."""
    car = FullCar(tmp_path, first())
    car.update(first())
    second = after(first())
    car.update(second)
    here = car.vehicle.ecus[PILOT]
    car.vehicle = car.vehicle.having({PILOT: replace(here.installed, release="valet", counter=1)})
    second.want(1, (PILOT,))
    with pytest.raises(UpdateRefused, match="vela-pilot 1, and PILOT-1 had 2 already") as refused:
        car.update(second)
    assert refused.value.attack is Attack.ROLLBACK


def test_an_update_may_not_break_what_stays_as_it_is(car):
    """The pilot that is installed works with gateways before 2 alone; this bundle leaves the pilot and brings gateway 2."""
    pilot = replace(car.vehicle.ecus[PILOT].installed, conflicts={"gateway": (2, 9)})
    car.vehicle = car.vehicle.having({PILOT: pilot})
    world = after(first())
    world.want(2, (GATEWAY,))
    with pytest.raises(UpdateRefused, match="conflicts with gateway 2") as refused:
        car.update(world)
    assert refused.value.attack is Attack.INCOMPATIBLE


def test_software_that_drives_nothing_needs_no_domain(car):
    """The brake's claims name no cells, though this vehicle drives itself in some."""
    assert VEHICLE.domain
    assert any(step.ecu == BRAKE for step in car.update(after(first())).steps)


def test_another_image_of_the_version_that_is_installed_is_refused(car):
    installed = car.vehicle.ecus[PILOT].installed
    car.vehicle = car.vehicle.having({PILOT: replace(installed, sha256="0" * 64)})
    with pytest.raises(UpdateRefused, match="another image of vela-pilot 1") as refused:
        car.update(first())
    assert refused.value.attack is Attack.MIX_AND_MATCH


def test_an_empty_ecu_takes_the_release(tmp_path):
    car = FullCar(tmp_path, first())
    car.vehicle = replace(VEHICLE, ecus={serial: replace(ecu, installed=None) for serial, ecu in VEHICLE.ecus.items()})
    assert len(car.update(first()).steps) == 3


def test_software_withdrawn_after_it_was_installed_is_told_of(car):
    """The director still lists it, so every poll says what this car runs."""
    world = first()
    world.withdraw("gac", evidence_of(1))
    with pytest.raises(UpdateRefused) as refused:
        car.update(world)
    assert refused.value.attack is Attack.EVIDENCE_WITHDRAWN


def test_a_way_out_of_withdrawn_software_is_open(car):
    world = after(first())
    world.withdraw("huawei", evidence_of(1))
    assert len(car.update(world).steps) == 3


def test_what_a_step_leaves_installed_is_what_it_claimed(car):
    plan = car.update(after(first()))
    pilot = next(step for step in plan.steps if step.ecu == PILOT)
    assert pilot.installed == Installed(
        "vela-pilot",
        "2.0",
        2,
        sha256(image_of("pilot", 2)),
        len(image_of("pilot", 2)),
        "vela/pilot/pilot-2.bin",
        evidence_of(2),
        {"gateway": 2},
    )


def test_a_secondary_takes_its_part_of_the_bundle_alone(tmp_path):
    car = PartialCar(tmp_path, first())
    assert car.update(first()).ecu == PILOT
    assert car.update(first()) is None
    assert car.update(after(first())).claims.counter == 2


def test_a_secondary_follows_both_chains_of_roots(tmp_path):
    car = PartialCar(tmp_path, first())
    car.update(first())
    world = after(first())
    for where in ("director", "image"):
        moves.root(where, [*PEOPLE["gac"], *PEOPLE["huawei"]])(world)
    assert car.update(world).claims.counter == 2
    assert b'"version":2' in (tmp_path / "trust" / "image" / "root.json").read_bytes()


def test_a_thief_of_two_peoples_keys_cannot_number_a_role_out(tmp_path):
    """He signs GAC's honest list with the last version there is; once both partners gave the role other keys, that number binds nobody."""
    car = PartialCar(tmp_path, first())
    car.update(first())
    stolen = after(first())
    moves.role("gac", PEOPLE["gac"][:2], version=2**31 - 1)(stolen)
    car.update(stolen)

    world = after(after(first()))
    with pytest.raises(UpdateRefused) as refused:
        car.update(world)
    assert refused.value.attack is Attack.ROLLBACK

    new = [signer(f"a new key {number} of GAC", "gac") for number in range(3)]
    below = delegated()
    roles = tuple(
        replace(one, role=replace(one.role, keys=tuple(person.key.id for person in new))) if one.name == "vela-gac" else one
        for one in below.roles
    )
    keys = dict(below.keys) | {person.key.id: person.key for person in new}
    moves.top(BOTH, delegations=replace(below, keys=keys, roles=roles))(world)
    moves.role("gac", new[:2])(world)
    assert car.update(world).claims.counter == 3
