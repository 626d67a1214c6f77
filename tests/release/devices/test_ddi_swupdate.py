"""A foreign client: Debian's swupdate polls, installs and reports through our DDI as it would with hawkBit."""

from __future__ import annotations

import os
import shutil
import subprocess
import time

import pytest
from served_cars import a_world
from swu_file import CONTENT, over_http, swu

from marque.release import releases
from marque.release.devices import cars
from marque.release.rollouts import service

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which("swupdate") or not shutil.which("openssl"), reason="swupdate is not installed"),
]
PATIENCE_S = 60


@pytest.fixture
def world(server, tmp_path):
    with a_world(server, tmp_path / "world") as told:
        yield told


class Swupdate:
    """The daemon, its sockets and temporary files in a folder of its own."""

    def __init__(self, world, folder, address, car):
        self.folder = folder
        self.command = [
            "swupdate", "-v", "-k", str(folder / "cert.pem"), "-H", "board:1.0", "-u",
            f"-t gac.{world.world.programme} -u {address} -i {car} -k {world.tokens[car]} -p 1",
        ]  # fmt: skip

    def run(self, until, *more):
        environment = {"PATH": os.environ["PATH"], "TMPDIR": str(self.folder), "RUNTIME_DIRECTORY": str(self.folder)}
        command = [*self.command[:-1], " ".join([self.command[-1], *more])]
        with (
            (self.folder / "log").open("ab") as log,
            subprocess.Popen(command, env=environment, cwd=self.folder, stdout=log, stderr=log) as it,
        ):
            try:
                ends = time.monotonic() + PATIENCE_S
                while not until():
                    assert it.poll() is None, self.said()
                    assert time.monotonic() < ends, self.said()
                    time.sleep(0.2)
            finally:
                it.terminate()

    def said(self):
        return (self.folder / "log").read_text(errors="replace")[-4000:]


def actions(world, car):
    with world.world.served_to() as tx:
        return tx.connection.execute("select state from release.ddi_action where vehicle = %s order by number", (car,)).fetchall()


def published(world, name, image):
    making = world.world
    with making.acting(making.engineers["gac"]) as tx:
        drafted = releases.draft(tx, *world.of, making.said("1.2.0", requires={}, conflicts={}))
        drafted = releases.add_image(tx, making.blobs, drafted.id, name, "driving", ("compute-2",), image)
    making.sign_all(making.asked(making.attach(drafted)))
    return making.one(drafted.id)


def test_swupdate_installs_and_reports_what_both_partners_signed(world, tmp_path):
    folder = tmp_path / "device"
    folder.mkdir()
    image = swu(folder, folder / "installed.bin")
    world.register("D-1")
    release = published(world, "driving.swu", image)
    rollout = world.rollout(release, cars=("D-1",), consent=False)
    with over_http(world.app) as address:
        client = Swupdate(world, folder, address, "D-1")
        client.run(lambda: (folder / "installed.bin").exists() and "SWUPDATE successful" in client.said())
        assert (folder / "installed.bin").read_bytes() == CONTENT
        client.run(lambda: actions(world, "D-1")[0][0] == "finished", "-c 2")
    with world.world.acting("huawei") as tx:
        assert cars.one(tx, *world.of, "D-1").vehicle.ecus["D-1-driving"].installed.version == "1.2.0"
        assert service.progress(tx, rollout.id).counts.done == 1
