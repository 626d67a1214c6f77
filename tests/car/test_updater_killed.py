"""`marque-car update` as a process that is killed at any time, and started again."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress

import pytest
from updater_world import ECUS, Server, after, car_of, first, image_of, served

from marque.car.install.slots import place

KILLS = 25


def runs(car):
    """The one release that all ECUs run, whose images lie in their slots byte for byte; 0: nothing yet."""
    state = car.look()
    running = state.running()
    for serial, image in running.items():
        assert car.storage.read(place(serial, state.slot(serial))) == image_of(ECUS[serial], image.counter)
    counters = {image.counter for image in running.values()}
    assert len(counters) <= 1
    assert len(running) in {0, len(ECUS)}, "mixed"
    return counters.pop() if counters else 0


def update(car, *, kill_after_s=None):
    command = [sys.executable, "-m", "marque.car.cli", "update", str(car.path), "--parked", "--charge", "80"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if kill_after_s is not None:
        time.sleep(kill_after_s)
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
    said, fault = process.communicate(timeout=120)
    return process.returncode, said.decode() + fault.decode()


@pytest.mark.slow
def test_whenever_it_is_killed_the_car_is_old_or_new_and_the_next_start_finishes(tmp_path):
    chance = random.Random(20261129)
    server = Server(first())
    with served(server) as address:
        car = car_of(tmp_path, server.world, server=address)
        begun = time.monotonic()
        assert update(car)[0] == 0
        whole_s = time.monotonic() - begun
        release, killed = 1, 0
        for _ in range(KILLS):
            if runs(car) == release:
                server.moves_to(after(server.world))
                server.offer_deltas(release + 1)
                release += 1
            status, _ = update(car, kill_after_s=chance.uniform(0.2, 1.0) * whole_s)
            killed += status == -signal.SIGKILL
            assert runs(car) in {release - 1, release}
        assert killed > KILLS // 3
        status, said = update(car)
        assert status == 0, said
        assert runs(car) == release
        counters = [each.counter for each in server.manifests]
        assert counters == sorted(set(counters)), "no counter is used twice"
        assert {image.installed.counter for image in server.manifests[-1].reports.values()} == {release}
