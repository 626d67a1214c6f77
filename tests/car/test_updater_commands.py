"""`marque-car`: from keys to a confirmed update, over HTTP, and what each exit status means."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys

import pytest
from updater_world import ECUS, NOW, VEHICLE, Server, after, first, image_of, served

from marque.car import cli, commands
from marque.car.folder import Car
from marque.car.install.slots import Slot, place
from marque.car.uptane.reports import State
from marque.car.uptane.vehicle import dumps, read

BRAKE = "BRAKE-1"


@pytest.fixture
def server(monkeypatch):
    """Of a world that stands still at NOW."""
    monkeypatch.setattr(commands, "_now", lambda: NOW)
    return Server(first())


@pytest.fixture
def address(server):
    with served(server) as address:
        yield address


@pytest.fixture
def run(capsys):
    """The exit status, standard output and standard error of a command."""

    def run(*arguments):
        status = cli.main([str(each) for each in arguments])
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


@pytest.fixture
def car(tmp_path, server, address, run):
    """Keys made, registered, provisioned: by the commands."""
    vehicle = tmp_path / "vehicle.json"
    vehicle.write_bytes(dumps(VEHICLE))
    assert run("keys", vehicle, "--keys", tmp_path / "keys")[0] == 0
    server.known = {serial: ecu.public_key for serial, ecu in read(vehicle.read_bytes()).ecus.items()}
    (tmp_path / "token").write_text("secret\n")
    for name, tree in (("image", server.world.image), ("director", server.world.director)):
        (tmp_path / f"{name}.json").write_bytes(tree["1.root.json"])
    given = {"vehicle": vehicle, "root-image": tmp_path / "image.json", "root-director": tmp_path / "director.json"}
    given |= {"server": address, "token-file": tmp_path / "token", "keys": tmp_path / "keys"}
    status, _, fault = run("provision", tmp_path / "car", *(part for name, value in given.items() for part in (f"--{name}", value)))
    assert status == 0, fault
    return tmp_path / "car"


def update(run, car, *more):
    return run("update", car, "--consent", "--parked", "--charge", "80", *more)


def counters(run, car):
    said = json.loads(run("status", car, "--json")[1])
    return {serial: ecu["installed"]["counter"] for serial, ecu in said["ecus"].items() if ecu["installed"]}


def test_a_car_is_made_updated_and_asked_by_commands(run, car, server):
    status, said, _ = update(run, car)
    assert status == 0
    assert said.startswith("Installed.")
    assert counters(run, car) == dict.fromkeys(ECUS, 1)
    assert server.manifests[-1].state is State.INSTALLED
    assert "vela-pilot 1.0 (1)" in run("status", car)[1]
    assert update(run, car)[1].startswith("Nothing new.")


def test_it_waits_and_says_for_what(run, car):
    status, said, _ = run("update", car, "--charge", "5")
    assert status == 0
    assert "Ready to be installed." in said
    assert "not agreed" in said
    assert "not parked" in said
    assert "battery is too low" in said


def test_a_refusal_names_the_attack_and_is_status_1(run, car, server):
    update(run, car)
    server.moves_to(after(server.world))
    server.world.change_wanted("pilot", evidence="ab" * 32)
    status, said, fault = update(run, car)
    assert status == 1
    assert said.startswith("Refused.")
    assert "evidence swapped" in fault
    assert counters(run, car) == dict.fromkeys(ECUS, 1)


def test_what_does_not_come_up_is_rolled_back_by_the_boot_loader(run, car, server, monkeypatch):
    update(run, car)
    server.moves_to(after(server.world))

    class Dark(BaseException):
        pass

    def dark(*_):
        raise Dark

    with monkeypatch.context() as patched:
        patched.setattr("marque.car.updater.started_by", dark)
        with pytest.raises(Dark):
            update(run, car)
    assert counters(run, car) == dict.fromkeys(ECUS, 2), "on trial, in all"
    for left in (2, 1):
        status, said, _ = run("boot", car, "--fails", BRAKE)
        assert (status, said) == (
            (1, f"Not up: {BRAKE}.\n") if left > 1 else (1, f"Rolled back. The old software runs. {BRAKE} did not come up.\n")
        )
    assert counters(run, car) == dict.fromkeys(ECUS, 1)
    assert run("boot", car) == (0, "All ECUs are up.\n", "")
    update(run, car)
    assert server.manifests[-1].state is State.ROLLED_BACK


def test_a_command_starts_the_ecus_and_its_status_counts(tmp_path, run, car):
    seen = tmp_path / "seen"
    script = tmp_path / "start.py"
    script.write_text(
        f"import sys, pathlib; open({str(seen)!r}, 'a').write(' '.join(sys.argv[1:]) + chr(10)); sys.exit(sys.argv[1] == {BRAKE!r})"
    )
    settings = json.loads((car / "settings.json").read_text())
    (car / "settings.json").write_text(json.dumps(settings | {"start": [sys.executable, str(script)]}))
    status, said, _ = update(run, car)
    assert status == 1
    assert "Rolled back." in said
    assert f"{BRAKE} {car / place(BRAKE, Slot.B)}" in seen.read_text().splitlines()


def test_a_server_that_is_not_there_is_status_1_and_nothing_is_lost(run, car, server):
    server.down = True
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("marque.car.link._TIMEOUT_S", 1.0)
        status, _, fault = update(run, car)
    assert status == 1
    assert "does not answer as it should" in fault
    server.down = False
    assert update(run, car)[0] == 0


def test_status_is_told_while_another_process_is_at_work(run, car):
    with Car(car).alone():
        assert run("status", car)[0] == 0
        status, _, fault = update(run, car)
    assert (status, "at work here" in fault) == (1, True)


def test_run_goes_on_after_a_pass_that_failed(run, car, server, monkeypatch):
    slept = []

    def sleep(seconds):
        slept.append(seconds)
        server.down = len(slept) == 1
        if len(slept) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr("marque.car.commands.time.sleep", sleep)
    with pytest.raises(KeyboardInterrupt):
        run("run", car, "--parked", "--charge", "80", "--consent")
    assert slept == [60.0, 60.0, 60.0]
    assert [each.state for each in server.manifests] == [State.INSTALLED, State.CURRENT]


def test_the_body_of_the_car_says_whether_it_is_parked(run, car, tmp_path):
    file = tmp_path / "situation.json"
    assert "not parked" in run("update", car, "--consent", "--situation", file)[1]
    file.write_text('{"parked": true, "charge_percent": 80}')
    os.utime(file, (NOW.timestamp(), NOW.timestamp()))
    assert "not parked" in run("update", car, "--consent", "--situation", file)[1], "an old file says nothing"
    os.utime(file)
    assert run("update", car, "--consent", "--situation", file)[1].startswith("Installed.")


def test_private_files_are_private(car):
    for file in (car / "token", *(car / "keys").iterdir()):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_car_that_has_software_is_provisioned_with_its_images(tmp_path, server, address, run):
    update_car = Server(first())
    vehicle = json.loads(dumps(VEHICLE))
    world = update_car.world
    for serial, role in ECUS.items():
        path, target = next((path, target) for path, target in world.wanted.targets.items() if f"/{role}/" in path)
        claims = target.custom["marque"]
        vehicle["ecus"][serial]["installed"] = {
            "release": claims["release"], "version": claims["version"], "counter": 1, "sha256": target.hashes["sha256"],
            "length": target.length, "path": path, "evidence": claims["evidence"],
        }  # fmt: skip
        (tmp_path / f"{serial}.bin").write_bytes(image_of(role, 1))
    (tmp_path / "vehicle.json").write_text(json.dumps(vehicle))
    (tmp_path / "root.json").write_bytes(world.image["1.root.json"])
    (tmp_path / "director.json").write_bytes(world.director["1.root.json"])
    given = ["--vehicle", tmp_path / "vehicle.json", "--root-image", tmp_path / "root.json", "--root-director", tmp_path / "director.json"]
    run("keys", tmp_path / "vehicle.json", "--keys", tmp_path / "keys")
    given += ["--server", address, "--keys", tmp_path / "keys"]
    images = [part for serial in ECUS for part in ("--image", f"{serial}={tmp_path / serial}.bin")]
    assert run("provision", tmp_path / "car", *given, *images[:-2])[0] == 2, "one image is missing"
    (tmp_path / f"{BRAKE}.bin").write_bytes(b"something else")
    status, _, fault = run("provision", tmp_path / "car", *given, *images)
    assert (status, "is not what is installed" in fault) == (2, True)
    (tmp_path / f"{BRAKE}.bin").write_bytes(image_of("brake", 1))
    assert run("provision", tmp_path / "car", *given, *images)[0] == 0
    server.known = {serial: ecu.public_key for serial, ecu in read((tmp_path / "vehicle.json").read_bytes()).ecus.items()}
    assert counters(run, tmp_path / "car") == dict.fromkeys(ECUS, 1)
    assert update(run, tmp_path / "car")[1].startswith("Nothing new.")
    assert server.manifests[-1].state is State.CURRENT, "what came from the factory was not installed over the air"
    server.moves_to(after(server.world))
    server.offer_deltas(2)
    assert update(run, tmp_path / "car")[1].startswith("Installed.")
    assert counters(run, tmp_path / "car") == dict.fromkeys(ECUS, 2)


@pytest.mark.parametrize(
    "arguments",
    [
        ["update", "/nowhere"],
        ["provision", "{}/new", "--vehicle", "{}/no.json", "--root-image", "x", "--root-director", "x", "--server", "http://a/b"],
        ["provision", "{}/new", "--vehicle", "x", "--root-image", "x", "--root-director", "x", "--server", "ftp://a"],
        ["keys", "{}/no.json", "--keys", "{}"],
    ],
)
def test_what_cannot_be_used_is_status_2_and_a_sentence(arguments, run, tmp_path):
    status, said, fault = run(*(each.format(tmp_path) for each in arguments))
    assert (status, said) == (2, "")
    assert fault.strip()
    assert "Traceback" not in fault


def test_a_wrong_command_line_is_status_2(capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(["fly"])
    assert ended.value.code == 2
    assert "tuf" in capsys.readouterr().err


def test_the_process_loads_nothing_of_the_cloud():
    """Of the whole updater, in a process of its own."""
    code = (
        "import sys; import marque.car.commands, marque.car.install.deltas, zstandard, bsdiff4; "
        "print(sorted({name.split('.')[0] for name in sys.modules}))"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    for heavy in ("numpy", "pydantic", "fastapi", "httpx", "psycopg", "tuf", "securesystemslib", "typer", "rich", "requests"):
        assert f"'{heavy}'" not in loaded
