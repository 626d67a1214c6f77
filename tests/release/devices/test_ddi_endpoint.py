"""A client of hawkBit's Direct Device Integration: its resources, its state machine, and what stands behind them."""

from __future__ import annotations

import hashlib
import zlib

import pytest
from served_cars import a_world

from marque.release import withdrawals
from marque.release.devices import cars
from marque.release.rollouts import service
from marque.release.rollouts.model import CarState


@pytest.fixture(scope="module")
def world(server, tmp_path_factory):
    with a_world(server, tmp_path_factory.mktemp("world")) as told:
        yield told


@pytest.fixture(scope="module")
def release(world):
    return world.world.published("1.2.0", images={"driving": bytes(range(256)) * 400, "gateway": b"gateway"}, requires={}, conflicts={})


class Device:
    """A client that follows links, as the published API says."""

    def __init__(self, world, car):
        self.world, self.car = world, car
        self.http = world.client(Authorization=f"TargetToken {world.tokens[car]}")
        self.base = f"/gac.{world.world.programme}/controller/v1/{car}"

    def links(self):
        answer = self.http.get(self.base)
        assert answer.status_code == 200, answer.text
        return {name: link["href"] for name, link in answer.json().get("_links", {}).items()}

    def get(self, path, **headers):
        return self.http.get(path if path.startswith("http") else f"{self.base}/{path}", headers=headers)

    def says(self, link, execution="closed", finished="success", **more):
        said = {"id": "1", "time": "20260601T120000", "status": {"execution": execution, "result": {"finished": finished}, **more}}
        return self.http.post(f"{link.split('?')[0]}/feedback", json=said)


@pytest.fixture
def device(world, request):
    name = f"D-{zlib.crc32(request.node.name.encode())}"
    world.register(name)
    return Device(world, name)


def state_of(world, rollout, car):
    with world.world.served_to() as tx:
        return tx.value("select state from release.rollout_car where rollout = %s and vehicle = %s", (rollout.id, car))


def test_a_client_is_led_from_link_to_link_until_its_update_is_installed(world, release, device):
    rollout = world.rollout(release, cars=(device.car,), consent=False)
    links = device.links()
    assert set(links) == {"deploymentBase", "configData"}
    told = device.get(links["deploymentBase"]).json()
    assert (told["id"], told["deployment"]["download"], told["deployment"]["update"]) == ("1", "forced", "forced")
    chunks = {one["part"]: one for one in told["deployment"]["chunks"]}
    assert set(chunks) == {"driving", "gateway"}
    for chunk in chunks.values():
        assert chunk["version"] == "1.2.0"
        (artifact,) = chunk["artifacts"]
        got = device.get(artifact["_links"]["download"]["href"]).content
        assert len(got) == artifact["size"]
        for name in ("sha1", "md5", "sha256"):
            assert hashlib.new(name, got).hexdigest() == artifact["hashes"][name]
        md5 = device.get(artifact["_links"]["md5sum"]["href"])
        assert md5.text == f"{artifact['hashes']['md5']}  {artifact['filename']}"
    assert device.says(links["deploymentBase"], "proceeding", "none", details=["half way"]).status_code == 200
    assert state_of(world, rollout, device.car) == CarState.OFFERED
    assert device.says(links["deploymentBase"]).status_code == 200
    assert state_of(world, rollout, device.car) == CarState.DONE
    with world.world.acting("huawei") as tx:
        car = cars.one(tx, *world.of, device.car)
    assert {ecu.installed.version for ecu in car.vehicle.ecus.values()} == {"1.2.0"}
    after = device.links()
    assert set(after) == {"installedBase", "configData"}
    assert device.get(after["installedBase"]).json()["deployment"]["chunks"] == told["deployment"]["chunks"]
    assert device.says(links["deploymentBase"]).status_code == 410


def test_what_a_client_says_is_handed_back_on_request(world, release, device):
    world.rollout(release, cars=(device.car,))
    link = device.links()["deploymentBase"]
    device.says(link, "proceeding", "none", details=["one", "two\nlines\0"], code=7)
    history = device.get(f"{link}&actionHistory=-1").json()["actionHistory"]
    assert history == {"status": "RUNNING", "messages": ["one", "two lines", "code 7"]}
    assert device.get(f"{link}&actionHistory=1").json()["actionHistory"]["messages"] == ["code 7"]
    assert "actionHistory" not in device.get(link).json()


def test_where_somebody_has_to_agree_the_client_is_to_ask(world, release, device):
    world.rollout(release, cars=(device.car,), consent=True)
    told = device.get(device.links()["deploymentBase"]).json()["deployment"]
    assert (told["download"], told["update"]) == ("attempt", "attempt")


def test_a_failure_is_told_with_its_reason(world, release, device):
    rollout = world.rollout(release, cars=(device.car,), attempts=1)
    device.says(device.links()["deploymentBase"], "closed", "failure", details=["no room on the disk"])
    assert state_of(world, rollout, device.car) == CarState.FAILED
    assert "deploymentBase" not in device.links()


def test_a_halted_update_is_cancelled_and_the_client_confirms_it(world, release, device):
    rollout = world.rollout(release, cars=(device.car,))
    link = device.links()["deploymentBase"]
    with world.world.acting("huawei") as tx:
        service.halt(tx, rollout.id, "something is wrong")
    cancel = device.links()["cancelAction"]
    assert device.get(cancel).json() == {"id": "1", "cancelAction": {"stopId": "1"}}
    assert device.get(link).status_code == 404
    assert device.says(cancel, "closed", "success").status_code == 200
    assert set(device.links()) == {"configData"}


def test_a_client_may_refuse_to_stop_and_is_believed_when_it_is_done(world, release, device):
    rollout = world.rollout(release, cars=(device.car,))
    link = device.links()["deploymentBase"]
    with world.world.acting("gac") as tx:
        service.pause(tx, rollout.id, "lunch")
    cancel = device.links()["cancelAction"]
    assert device.says(cancel, "rejected", "none", details=["writing already"]).status_code == 200
    assert "cancelAction" not in device.links()
    assert device.says(link).status_code == 200
    assert "installedBase" in device.links()


def test_an_update_waits_where_the_client_confirms_before(world, release, device):
    rollout = world.rollout(release, cars=(device.car,), consent=True)
    assert device.get("confirmationBase").json()["autoConfirm"] == {"active": False}
    waiting = device.links()["confirmationBase"]
    told = device.get(waiting).json()
    assert {one["part"] for one in told["confirmation"]["chunks"]} == {"driving", "gateway"}
    assert device.get("deploymentBase/1").status_code == 404
    said = device.http.post(f"{waiting.split('?')[0]}/feedback", json={"confirmation": "confirmed", "details": ["by the driver"]})
    assert said.status_code == 200
    assert "deploymentBase" in device.links()
    assert state_of(world, rollout, device.car) == CarState.OFFERED


def test_a_driver_who_says_no_is_left_alone(world, release, device):
    rollout = world.rollout(release, cars=(device.car,), consent=True)
    device.get("confirmationBase")
    waiting = device.links()["confirmationBase"].split("?")[0]
    assert device.http.post(f"{waiting}/feedback", json={"confirmation": "denied"}).status_code == 200
    assert set(device.links()) == {"configData"}
    assert state_of(world, rollout, device.car) == CarState.DECLINED
    assert device.http.post(f"{waiting}/feedback", json={"confirmation": "confirmed"}).status_code == 410


def test_what_is_confirmed_by_itself_does_not_wait(world, release, device):
    said = {"initiator": "fleet", "remark": "test cars"}
    assert device.http.post(f"{device.base}/confirmationBase/activateAutoConfirm", json=said).status_code == 200
    world.rollout(release, cars=(device.car,), consent=True)
    assert "deploymentBase" in device.links()
    about = device.get("confirmationBase").json()
    assert about["autoConfirm"]["active"] is True
    assert about["autoConfirm"]["initiator"] == "fleet"
    assert device.http.post(f"{device.base}/confirmationBase/deactivateAutoConfirm").status_code == 200
    assert device.get("confirmationBase").json()["autoConfirm"] == {"active": False}


def test_attributes_are_merged_replaced_and_removed(world, device):
    put = lambda **given: device.http.put(f"{device.base}/configData", json=given).status_code  # noqa: E731
    assert put(mode="merge", data={"hw": "2", "sw": "1"}) == 200
    assert "configData" not in device.links()
    put(data={"sw": "2"})
    put(mode="remove", data={"hw": "ignored"})
    with world.world.served_to() as tx:
        told = tx.value("select attributes from release.ddi_client where vehicle = %s", (device.car,))
    assert told == {"sw": "2"}
    assert put(mode="merge", data={"x" * 129: "1"}) == 422
    assert put(mode="melt", data={}) == 400


def test_an_unchanged_answer_costs_no_body(world, release, device):
    world.rollout(release, cars=(device.car,))
    first = device.http.get(device.base)
    again = device.http.get(device.base, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert (
        device.http.get(device.base, headers={"Accept": "application/hal+json"}).headers["content-type"].startswith("application/hal+json")
    )


def test_a_car_that_would_refuse_the_release_is_not_given_it(world, release):
    car = "D-of-another-market"
    world.register(car, market="us")
    rollout = world.rollout(release, cars=(car,))
    assert set(Device(world, car).links()) == {"configData"}
    assert state_of(world, rollout, car) != CarState.DONE


@pytest.mark.parametrize("authorization", ["", "TargetToken x", "GatewayToken mq_x", "TargetToken mc_" + "b" * 43])
def test_nobody_is_served_without_a_token(world, device, authorization):
    for path in ("", "/deploymentBase/1", "/confirmationBase", "/softwaremodules/1000/artifacts/x"):
        assert world.client(Authorization=authorization).get(device.base + path).status_code == 401


def test_numbers_that_are_not_the_cars_are_missing(world, release, device):
    world.rollout(release, cars=(device.car,))
    link = device.links()["deploymentBase"]
    for path in ("deploymentBase/2", "installedBase/1", "cancelAction/1", "softwaremodules/1999/artifacts/x", "softwaremodules/5/artifacts",
                 "softwaremodules/1000/artifacts/x.img", "deploymentBase/99999999999", "confirmationBase/1"):  # fmt: skip
        assert device.get(path).status_code == 404, path
    assert (
        device.http.post(
            f"{device.base}/deploymentBase/7/feedback", json={"status": {"execution": "closed", "result": {"finished": "success"}}}
        ).status_code
        == 404
    )
    assert device.http.post(f"{link.split('?')[0]}/feedback", json={"status": {"execution": "dance"}}).status_code == 400


def test_withdrawn_evidence_stops_a_download_that_was_begun(world, release, device):
    world.rollout(release, cars=(device.car,))
    told = device.get(device.links()["deploymentBase"]).json()
    href = told["deployment"]["chunks"][0]["artifacts"][0]["_links"]["download"]["href"]
    assert device.get(href, Range="bytes=0-3").status_code == 206
    with world.world.acting("huawei") as tx:
        withdrawals.withdraw(tx, *world.of, release.evidence.sha256, "a fault was found on the road")
    assert device.get(href).status_code == 404
    assert "cancelAction" in device.links()
