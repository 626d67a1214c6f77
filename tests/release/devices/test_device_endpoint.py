"""A car over its own endpoint: polls, verifies, downloads, reports; and what is not for it."""

from __future__ import annotations

import hashlib
import json
import zlib
from concurrent.futures import ThreadPoolExecutor

import pytest
from served_cars import a_world

from marque.alliance import tokens
from marque.car.attacks import Attack
from marque.car.tuf import canonical
from marque.car.uptane import time as attested
from marque.car.uptane.reports import Met, State
from marque.release import withdrawals
from marque.release.devices import cars
from marque.release.rollouts import service


@pytest.fixture(scope="module")
def world(server, tmp_path_factory):
    with a_world(server, tmp_path_factory.mktemp("world")) as told:
        yield told


@pytest.fixture(scope="module")
def release(world):
    return world.world.published("1.2.0", images={"driving": bytes(range(256)) * 4000, "gateway": b"gateway"}, requires={}, conflicts={})


@pytest.fixture
def v1(world, request):
    """The number of a car that this test alone has registered."""
    name = f"V-{zlib.crc32(request.node.name.encode())}"
    world.register(name)
    return name


def test_a_car_installs_what_both_signed_and_says_so(world, release, v1, tmp_path):
    rollout = world.rollout(release, cars=(v1,))
    car = world.car(tmp_path / "car", v1)
    plan = car.plan()
    assert {step.target.path for step in plan.steps} == {image.path for image in release.images}
    for step in plan.steps:
        got = car.download(step)
        assert hashlib.sha256(got.content).hexdigest() == step.target.hashes["sha256"]
    car.install(plan)
    answer = car.report(car.manifest(director_version=plan.director_version))
    assert answer.status_code == 200, answer.text
    assert answer.json()["accepted"] is True
    with world.world.acting("huawei") as tx:
        told = cars.one(tx, *world.of, v1)
        assert {ecu.installed.version for ecu in told.vehicle.ecus.values()} == {"1.2.0"}
        assert (told.counter, told.state, told.attack) == (1, "installed", "")
        assert service.progress(tx, rollout.id).counts.done == 1
    assert car.plan().steps == ()


@pytest.mark.usefixtures("release")
def test_a_car_that_is_offered_nothing_has_signed_metadata_that_says_so(world, v1, tmp_path):
    assert world.car(tmp_path / "car", v1).plan().steps == ()


def test_a_poll_without_news_costs_neither_a_signature_nor_a_body(world, v1, tmp_path):
    car = world.car(tmp_path / "car", v1)
    first = car.get("poll")
    again = car.get("poll", **{"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert car.poll() == first.json()
    assert car.get("director/targets.json").content == car.get("director/targets.json").content


def test_director_metadata_is_made_anew_when_half_its_life_is_over(world, v1, tmp_path):
    car = world.car(tmp_path / "car", v1)
    assert car.poll()["director"]["targets"] == 1
    world.later(hours=23)
    assert car.poll()["director"]["targets"] == 1
    world.later(hours=2)
    assert car.poll()["director"]["targets"] == 2
    assert car.plan().director_version == 2


def test_the_time_is_attested_for_the_nonces_that_asked(world, v1, tmp_path):
    car = world.car(tmp_path / "car", v1)
    car.plan()
    clock = attested.SecureTime(tmp_path)
    nonce = clock.nonce()
    said = car.poll(nonce)["time"]
    assert clock.learn(canonical.encode(said), car.director.root) >= world.now.replace(microsecond=0)


@pytest.mark.parametrize("nonces", ["x", "12345678\x00", "AB" * 8, ",", "12345678,", "a" * 129, ",".join(["ab" * 8] * 65)])
def test_the_time_is_attested_for_nonces_alone(world, v1, tmp_path, nonces):
    car = world.car(tmp_path / "car", v1)
    assert car.http.get(f"{car.base}/poll", params={"nonces": nonces}).status_code == 400


@pytest.mark.parametrize("shown", ["", "Bearer mc_" + "a" * 43, "Bearer x", "Basic eDp5", "Bearer mq_" + "0" * 32 + "_" + "a" * 43])
def test_nobody_is_told_anything_without_a_token_that_holds(world, v1, shown):
    base = f"/car/v1/gac/{world.world.programme}/{v1}"
    for path in ("poll", "director/targets.json", "metadata/timestamp.json", "targets/x", "director/1.root.json"):
        answer = world.client(Authorization=shown).get(f"{base}/{path}")
        assert answer.status_code == 401
        assert answer.headers["content-type"] == "application/problem+json"
    assert world.client(Authorization=shown).post(f"{base}/manifest", content=b"{}").status_code == 401


def test_a_car_is_told_nothing_of_another_car(world, v1, tmp_path):
    world.register("W-2")
    car = world.car(tmp_path / "car", v1)
    assert car.http.get(f"/car/v1/gac/{world.world.programme}/W-2/poll").status_code == 401


def test_a_retired_car_is_told_nothing_though_it_was_known_a_moment_ago(world, v1, tmp_path):
    car = world.car(tmp_path / "car", v1)
    car.poll()
    with world.world.acting(world.world.engineers["gac"]) as tx:
        cars.retire(tx, *world.of, v1)
    assert car.get("poll").status_code == 401


def test_a_download_goes_on_where_it_was_cut(world, release, v1, tmp_path):
    world.rollout(release, cars=(v1,))
    car = world.car(tmp_path / "car", v1)
    step = next(one for one in car.plan().steps if one.target.length > 10)
    whole = car.download(step).content
    rest = car.download(step, Range=f"bytes={len(whole) - 1000}-")
    assert (rest.status_code, rest.content) == (206, whole[-1000:])
    assert rest.headers["content-range"] == f"bytes {len(whole) - 1000}-{len(whole) - 1}/{len(whole)}"
    assert car.download(step, Range="bytes=5-9").content == whole[5:10]
    assert car.download(step, Range="bytes=-7").content == whole[-7:]
    assert car.download(step, Range=f"bytes={len(whole)}-").status_code == 416
    assert car.download(step, Range="bytes=5-9", **{"If-Range": '"another"'}).content == whole


@pytest.mark.parametrize("path", ["../../etc/passwd", "x", "deltas/" + "0" * 64, "vela/pilot-1.2.0/driving.img", "0" * 64 + ".x"])
@pytest.mark.usefixtures("release")
def test_what_is_not_there_is_missing(world, v1, tmp_path, path):
    assert world.car(tmp_path / "car", v1).get(f"targets/{path}").status_code == 404


def test_a_manifest_is_believed_once(world, v1, tmp_path):
    car = world.car(tmp_path / "car", v1)
    raw = car.manifest(State.CURRENT)
    assert car.report(raw).status_code == 200
    replayed = car.report(raw)
    assert (replayed.status_code, replayed.json()["attack"]) == (409, "replayed report")
    assert car.report(car.manifest(State.CURRENT, nonce="another")).json()["attack"] == "replayed report"


def test_of_one_manifest_handed_in_many_times_at_once_one_is_believed(world, v1, tmp_path):
    car = world.car(tmp_path / "car", v1)
    raw = car.manifest(State.CURRENT)
    with ThreadPoolExecutor(6) as pool:
        statuses = sorted(answer.status_code for answer in pool.map(lambda _: car.report(raw), range(6)))
        polls = list(pool.map(lambda _: car.get("poll").status_code, range(6)))
    assert statuses == [200, 409, 409, 409, 409, 409]
    assert polls == [200] * 6


def test_a_nonce_is_good_in_its_hour_and_the_next(world, v1, tmp_path):
    car = world.car(tmp_path / "car", v1)
    nonce = car.poll()["nonce"]
    world.later(hours=1)
    assert car.report(car.manifest(State.CURRENT, nonce=nonce)).status_code == 200
    world.later(hours=1)
    assert car.report(car.manifest(State.CURRENT, nonce=nonce)).json()["attack"] == "replayed report"


def test_another_cars_manifest_and_a_forged_one_change_nothing(world, v1, tmp_path):
    world.register("V-2")
    car, other = world.car(tmp_path / "car", v1), world.car(tmp_path / "other", "V-2")
    nonce = car.poll()["nonce"]
    for raw, status in (
        (other.manifest(State.CURRENT, nonce=nonce), 409),
        (car.manifest(State.CURRENT).replace(b'"counter":1', b'"counter":9'), 409),
        (b"{}", 422), (b"", 422), (b"[" * 5000, 422), (b'{"signed":{"nonce":1}}', 422),
    ):  # fmt: skip
        assert car.report(raw).status_code == status, raw[:60]
    with world.world.acting("gac") as tx:
        assert cars.one(tx, *world.of, v1).counter == 0
        assert cars.reports(tx, *world.of, v1) == []


def test_what_a_car_met_is_told_to_both_partners(world, release, v1, tmp_path):
    rollout = world.rollout(release, cars=(v1,))
    car = world.car(tmp_path / "car", v1)
    car.poll()
    met = Met(Attack.ROLLBACK, "image", "timestamp.json", "version 3 after version 5")
    assert car.report(car.manifest(State.REFUSED, met=met)).status_code == 200
    with world.world.acting("huawei") as tx:
        assert cars.one(tx, *world.of, v1).attack == "roll-back"
        assert cars.reports(tx, *world.of, v1)[0].attacks == ("roll-back",)
        assert service.progress(tx, rollout.id).counts.refusals == {Attack.ROLLBACK: 1}


def test_the_server_keeps_the_bytes_that_the_car_signed(world, v1, tmp_path):
    car = world.car(tmp_path / "car", v1)
    raw = car.manifest(State.CURRENT)
    car.report(raw)
    with world.world.acting("gac") as tx:
        assert cars.manifest(tx, *world.of, v1, 1) == raw


def test_a_gateway_hands_in_for_many_cars(world, tmp_path):
    world.register(*(f"G-{n}" for n in range(5)))
    administrator = world.world.companies.appoint("gac", "administrator", name="administrator")
    with world.world.acting(administrator) as tx:
        token, _ = tokens.issue(tx, "workshop", "updates in the workshop", ["create:release-signature", "view:release-signature"],
                                world.now.replace(year=world.now.year + 1, day=1))  # fmt: skip
    fleet = [world.car(tmp_path / f"car{n}", f"G-{n}") for n in range(5)]
    said = {car.id: json.loads(car.manifest(State.CURRENT)) for car in fleet} | {"G-9": {}}
    said["G-3"]["signed"]["counter"] = 77
    gateway = world.client(Authorization=f"GatewayToken {token}")
    told = gateway.post(f"/car/v1/gac/{world.world.programme}/manifests", json=said).json()
    assert {one: answer["accepted"] for one, answer in told.items()} == {
        "G-0": True, "G-1": True, "G-2": True, "G-3": False, "G-4": True, "G-9": False,
    }  # fmt: skip
    assert gateway.get(f"/car/v1/gac/{world.world.programme}/G-1/poll").status_code == 200
    assert gateway.get(f"/car/v1/gac/{world.world.programme}/G-77/poll").status_code == 404


def test_withdrawn_evidence_stops_everything_in_that_moment(world, release, v1, tmp_path):
    world.rollout(release, cars=(v1,))
    car = world.car(tmp_path / "car", v1)
    step = car.plan().steps[0]
    assert car.download(step).status_code == 200
    with world.world.acting("huawei") as tx:
        withdrawals.withdraw(tx, *world.of, release.evidence.sha256, "a fault was found on the road")
    assert car.download(step).status_code == 404
    assert car.plan().steps == ()
