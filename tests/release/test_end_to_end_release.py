"""A release from both companies' signatures to a car that installs it, in real processes; and what somebody on the wire tries."""

from __future__ import annotations

import json
import random

import pytest
from end_to_end import on_the_wire, whole

from marque.common import MarqueError
from marque.release import signatures, withdrawals
from marque.release.devices import cars
from marque.release.model import Purpose, State
from marque.release.rollouts import records, service

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def there(server, tmp_path_factory):
    with whole(server, tmp_path_factory.mktemp("whole")) as told:
        yield told


def software(seed: int, size: int = 400_000) -> bytes:
    return random.Random(seed).randbytes(size)


NEXT = {"sequence": 7}


def published(there, version, driving, gateway=b"gateway"):
    NEXT["sequence"] += 1
    images = {"driving": driving, "gateway": gateway + version.encode()}
    return there.world.published(version, sequence=NEXT["sequence"], images=images, requires={}, conflicts={})


def started(there, rollout, car):
    """The server's worker has opened the group."""

    def holds():
        with there.world.served_to() as tx:
            return [one for one in service.offers(tx, *there.of, [car]) if one.rollout == rollout.id]

    there.until(holds, "the roll-out does not start")


def test_a_car_lives_through_two_releases_and_a_withdrawal(there):
    car = there.car("V-1")
    status, said = car.update()
    assert (status, car.versions()) == (0, {}), said

    old = software(1)
    first = published(there, "1.2.0", old)
    rollout = there.rollout(first, "V-1")
    started(there, rollout, "V-1")
    status, said = car.update()
    assert status == 0, said
    assert set(car.versions().values()) == {"1.2.0"}

    new = old[:1000] + b"a line that was mended" + old[1000:]
    second = published(there, "1.3.0", new)

    def made():
        with there.world.served_to() as tx:
            return tx.value("select count(*) from release.delta") >= 2

    there.until(made, "no deltas are made")
    following = there.rollout(second, "V-1")
    started(there, following, "V-1")
    status, said = car.update()
    assert status == 0, said
    assert set(car.versions().values()) == {"1.3.0"}
    with there.world.acting("huawei") as tx:
        assert service.progress(tx, following.id).counts.done == 1

    kept = []

    def recorded():
        with there.world.acting("gac") as tx:
            kept[:] = records.of_car(tx, *there.of, "V-1")
        return len(kept) == 2

    there.until(recorded, "no records are made")
    key = there.world.online.records.key
    for one in kept:
        checked = records.verify(one.envelope, [key])
        assert checked.ok, checked.findings
        assert not any(believed(flipped(one.envelope, at), key) for at in range(100, len(one.envelope), 997))

    third = published(there, "1.4.0", software(2))
    last = there.rollout(third, "V-1")
    started(there, last, "V-1")
    with there.world.acting("huawei") as tx:
        withdrawals.withdraw(tx, *there.of, third.evidence.sha256, "a fault was found on the road")
    before = car.slots()
    status, said = car.update()
    assert status == 0, said
    assert set(car.versions().values()) == {"1.3.0"}
    assert car.slots() == before
    with there.world.acting("gac") as tx:
        assert service.one(tx, last.id).state == "halted"


def believed(raw, key):
    try:
        return records.verify(raw, [key]).ok
    except MarqueError:
        return False


def flipped(raw: bytes, at: int) -> bytes:
    return raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]


def test_whoever_is_on_the_wire_changes_nothing(there):
    release = published(there, "2.0.0", software(5))
    with on_the_wire(there.address) as wire:
        car = there.car("V-2", wire.address)
        other = there.car("V-3", wire.address)
        assert car.update()[0] == 0
        old = wire.last["V-2/director/targets.json"]
        rollout = there.rollout(release, "V-2", "V-3")
        for one in ("V-2", "V-3"):
            started(there, rollout, one)

        def swapped(path, status, raw):
            return (status, flipped(raw, len(raw) // 2)) if path.startswith("targets/") and raw else (status, raw)

        def endless(path, status, raw):
            return (status, raw + b" " * (20 << 20)) if path == "metadata/timestamp.json" else (status, raw)

        def forged(path, status, raw):
            return (status, raw.replace(b"1.0.33", b"1.0.34", 1)) if path == "director/targets.json" else (status, raw)

        def stale(path, status, raw):
            return (200, old) if path == "director/targets.json" else (status, raw)

        def withheld(path, status, raw):
            return (404, b"{}") if path == "metadata/timestamp.json" else (status, raw)

        def of_another(path, status, raw):
            return (200, others) if path == "director/targets.json" else (status, raw)

        assert other.update()[0] == 0
        others = wire.last["V-3/director/targets.json"]
        told, attacks = {}, (
            (swapped, "arbitrary software"), (endless, "endless data"), (forged, "arbitrary software"), (withheld, "withheld"),
            (of_another, "wrong vehicle"),
        )  # fmt: skip
        for tamper, attack in attacks:
            wire.tamper, before = tamper, car.slots()
            status, said = car.update()
            told[tamper.__name__] = (
                status,
                attack if attack in said else said,
                sorted(set(car.slots().items()) ^ set(before.items())),
                car.versions(),
            )
        assert told == {tamper.__name__: (1, attack, [], {}) for tamper, attack in attacks}

        wire.tamper = None
        status, said = car.update()
        assert status == 0, said
        assert set(car.versions().values()) == {"2.0.0"}
        wire.tamper = stale
        status, said = car.update()
        assert (status, "roll-back" in said) == (1, True), said
        wire.tamper = None
        assert car.update()[0] == 0
        replayed = json.loads(wire.posted[-1])
        assert replayed["signed"]["vehicle"] == "V-2"


def test_a_stolen_director_cannot_hand_out_what_one_partner_withdrew(there):
    """The server's answers of before the withdrawal, replayed to a car that has not seen them: the partner's signed list is what counts."""
    release = published(there, "3.0.0", software(9))
    with on_the_wire(there.address) as wire:
        car = there.car("V-4", wire.address)
        assert car.update()[0] == 0
        rollout = there.rollout(release, "V-4")
        started(there, rollout, "V-4")
        offering = there.get_as("V-4", "director/targets.json")
        with there.world.acting("huawei") as tx:
            withdrawals.withdraw(tx, *there.of, release.evidence.sha256, "a fault was found on the road")
            (change,) = [one for one in signatures.changes(tx, *there.of) if one.purpose is Purpose.WITHDRAWAL and one.state is State.OPEN]
        assert there.world.sign_all(change).state is State.IN_FORCE
        wire.tamper = lambda path, status, raw: (200, offering) if path == "director/targets.json" else (status, raw)
        before = car.slots()
        status, said = car.update()
        assert (status, "evidence withdrawn" in said) == (1, True), said
        assert (car.slots(), car.versions()) == (before, {})
        with there.world.acting("huawei") as tx:
            assert cars.one(tx, *there.of, "V-4").attack == "evidence withdrawn"
