"""The city lives in a process of its own: it starts, obeys, tells what goes wrong, and never outlives the server."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from stand_in import build_small_town

from marque.app.live import LiveCity, Settings
from marque.app.run import run
from marque.app.wire import decode_moment
from marque.common import InputError

PATIENCE_S = 60


def build_from_bad_input(_settings, _begin):
    raise InputError("town.xml", "lane 3", "has no length")


def build_with_a_fault(_settings, _begin):
    raise ZeroDivisionError("a fault of ours")


def live(build, scene):
    """Runs `scene(city)` on a started city and stops it."""

    async def play():
        city = LiveCity(Settings(vehicles=5, pedestrians=1, cars=2), build)
        city.start()
        try:
            return await asyncio.wait_for(scene(city), PATIENCE_S)
        finally:
            city.stop()
            assert not city._process.is_alive()

    return asyncio.run(play())


async def failed(city):
    while city.failure is None:
        await asyncio.sleep(0.01)
    return city.failure


async def times(city, count):
    """The next moments' times, and the last one's clock."""
    seen = []
    await asyncio.sleep(0.01)
    async for moment in city.watch():
        seen.append(decode_moment(moment.moment, city.origin_m))
        if len(seen) == count:
            return [frame.time_s for frame, _ in seen], seen[-1][1]
    return None


def test_moments_come_in_order_and_the_clock_obeys():
    async def scene(city):
        first, clock = await times(city, 4)
        assert first == sorted(first)
        assert clock.wanted == 1.0
        assert city.phase == "running"
        assert city.cars == [0, 1]
        city.set_speed(0.0)
        while clock.wanted:
            _, clock = await times(city, 1)
        paused = city.latest
        await asyncio.sleep(0.5)
        assert city.latest is paused
        city.set_speed(8.0)
        while clock.wanted != 8.0:
            _, clock = await times(city, 1)
        (before,), _ = await times(city, 1)
        await asyncio.sleep(0.5)
        (after,), _ = await times(city, 1)
        assert after - before > 0.6

    live(build_small_town, scene)


def test_input_that_cannot_be_used_reaches_the_server_as_it_was_raised():
    error = live(build_from_bad_input, failed)
    assert isinstance(error, InputError)
    assert error.place == "lane 3"


def test_a_fault_is_told_with_where_it_happened():
    assert "a fault of ours" in str(live(build_with_a_fault, failed))


def test_a_killed_city_is_told_and_ends_every_watch():
    async def scene(city):
        await times(city, 1)
        city._process.kill()
        await failed(city)
        assert await times(city, 1) is None
        return str(city.failure)

    assert "ended unexpectedly" in live(build_small_town, scene)


def test_a_taken_port_is_refused_with_the_remedy():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=rf"{port}: is in use.*\n.*--port {port + 1}"):
            run(port=port)


def test_a_folder_of_replays_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(InputError, match="--replays"):
        run(port=0, replays=tmp_path / "nothing")


@pytest.fixture
def server():
    """A server with its child, and its address."""
    command = [sys.executable, Path(__file__).with_name("serve_small_town.py"), "0", "5"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True) as process:
        address = re.search(r"http://\S+", process.stdout.readline())[0]
        yield process, address
        if process.poll() is None:
            process.kill()


def running_panel(address):
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        with urllib.request.urlopen(f"{address}/panel") as answer:
            if 'data-phase="running"' in answer.read().decode():
                return
        time.sleep(0.1)
    pytest.fail("the city did not start")


def members(group):
    """Processes of a session that still run."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
        except (OSError, IndexError):
            continue
        if int(fields[3]) == group and fields[0] != "Z":
            found.append(int(entry.name))
    return found


@pytest.mark.slow
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_process_outlives_the_server_even_with_an_open_stream(server, ending):
    process, address = server
    running_panel(address)
    with urllib.request.urlopen(f"{address}/stream") as stream:
        assert stream.read(8)
        if ending is signal.SIGINT:
            os.killpg(process.pid, ending)  # as a terminal's Ctrl-C does
        else:
            process.send_signal(ending)
        output = process.communicate(timeout=PATIENCE_S)[0]
    assert "Traceback" not in output
    deadline = time.monotonic() + 10
    while members(process.pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert members(process.pid) == []
