"""The living city: one simulation in a process of its own, shared by everybody who watches.

The child steps the city in step with the clock and sends every moment through a pipe, already encoded for the browser; the server's
event loop hands it on and never waits for a step. The child ends with its parent, whatever ends that.
"""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import signal
import threading
import time
import traceback
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Protocol

from marque.app.caches import cache_folder
from marque.app.wire import Clock, encode_moment, encode_thoughts
from marque.common import InputError
from marque.driving.map.model import RoadMap
from marque.simulation.columns import pack
from marque.simulation.frame import Frame
from marque.simulation.ground import ground_columns, origin_of

SPEED_MAX = 8.0
_MOMENT_INTERVAL_S = 0.045  # at most 22 moments a second reach the browser, which draws between them
_BACKLOG_S = 0.25  # a clock that is further behind than this gives up catching up
_PATIENCE_S = 1.5  # how long the child may take to end once it is told


@dataclass(frozen=True, slots=True)
class Settings:
    """Which city, and who drives in it. map None = the default city."""

    map: Path | None = None
    vehicles: int = 400
    pedestrians: int = 60
    cars: int = 10
    seed: int = 1


class Stepping(Protocol):
    """A city as this module needs it (`simulation.city.City`)."""

    def step(self) -> None: ...
    def frame(self) -> Frame: ...


Build = Callable[[Settings, Callable[[str], None]], tuple[RoadMap, Stepping]]
"""Makes the city in the child; says which phase begins (a key `phase.<name>` of the messages)."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What was last heard from the city: the moment itself and each car's thoughts, encoded (`app.wire`)."""

    moment: bytes
    thoughts: dict[int, bytes]


def build_city(settings: Settings, begin: Callable[[str], None]) -> tuple[RoadMap, Stepping]:
    """The real city. Heavy imports happen here, in the child."""
    begin("map")
    from marque.driving.importers import default_city, load_map

    road_map = load_map(settings.map or default_city(), cache=map_cache())
    begin("city")
    from marque.simulation.city import City

    city = City(road_map, seed=settings.seed, vehicles=settings.vehicles, pedestrians=settings.pedestrians, cars=settings.cars)
    begin("compile")
    city.step()
    return road_map, city


def map_cache() -> Path:
    """The folder that keeps compiled road maps between starts."""
    return cache_folder("maps")


class LiveCity:
    """The server's end of the city. Its methods belong to the event loop's thread."""

    def __init__(self, settings: Settings, build: Build = build_city) -> None:
        self.phase = "start"
        """Which `phase.*` it is in; "running" once moments come, "failed" after it ended by itself."""
        self.failure: Exception | None = None
        self.ground: bytes | None = None
        self.origin_m = (0.0, 0.0)
        self.latest: Moment | None = None
        self.cars: list[int] = []
        """The ids of our cars in order of first appearance: their numbers."""
        self._settings, self._build = settings, build
        self._changed = asyncio.Event()
        self._closing = False
        self._pipe: Connection | None = None
        self._process: BaseProcess | None = None
        self._on_failure: Callable[[], None] = lambda: None

    def start(self, on_failure: Callable[[], None] = lambda: None) -> None:
        """Start the child; call from inside the event loop. on_failure is called once if the city ends by itself."""
        spawn = multiprocessing.get_context("spawn")
        self._pipe, child_end = spawn.Pipe()
        self._process = spawn.Process(target=_live, args=(child_end, self._settings, self._build), name="marque-city", daemon=True)
        self._process.start()
        child_end.close()
        self._on_failure = on_failure
        threading.Thread(target=self._listen, args=(self._pipe, asyncio.get_running_loop()), daemon=True).start()

    def stop(self) -> None:
        """End the child and every `watch`; safe to call twice and before start."""
        self.end_watches()
        if self._process is None:
            return
        self._process.terminate()  # at once: it holds nothing worth keeping
        self._process.join(_PATIENCE_S)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    def end_watches(self) -> None:
        """Let every `watch` end, so that a server may wait for its connections; safe to call from a signal handler."""
        self._closing = True
        self._tell_watchers()

    def set_speed(self, speed: float) -> None:
        """How fast the clock runs for everybody, × real time, 0 … SPEED_MAX; 0 pauses."""
        if self._pipe is not None:
            with contextlib.suppress(OSError):
                self._pipe.send(speed)

    async def watch(self) -> AsyncIterator[Moment]:
        """The latest moment now, then every new one; slow readers skip. Ends when the city does."""
        seen = None
        while True:
            changed = self._changed  # before the questions, so that no change between them and the wait is missed
            if self._closing or self.failure is not None:
                return
            if self.latest is not None and self.latest is not seen:
                seen = self.latest
                yield seen
            else:
                await changed.wait()

    def _listen(self, pipe: Connection, loop: asyncio.AbstractEventLoop) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has been closed
            while True:
                try:
                    message = pipe.recv()
                except (EOFError, OSError):
                    message = ("failed", RuntimeError("the simulation's process ended unexpectedly"))
                loop.call_soon_threadsafe(self._hear, *message)
                if message[0] == "failed":
                    return

    def _hear(self, what: str, content: Any) -> None:
        if what == "phase":
            self.phase = content
        elif what == "ground":
            self.ground, self.origin_m = content
        elif what == "moment":
            self.phase, self.latest = "running", content
            self.cars += [car for car in content.thoughts if car not in self.cars]
        elif not self._closing:
            self.phase, self.failure = "failed", content
            self._on_failure()
        self._tell_watchers()

    def _tell_watchers(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()


def _live(pipe: Connection, settings: Settings, build: Build) -> None:
    """The child: build the city, then step it until it is ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent says when to end
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with contextlib.suppress(BrokenPipeError, EOFError):
        try:
            road_map, city = build(settings, lambda phase: pipe.send(("phase", phase)))
            origin = origin_of(road_map)
            pipe.send(("ground", (pack({"name": road_map.name, "origin_m": origin}, ground_columns(road_map)), origin)))
            _run(pipe, city, origin)
        except InputError as error:
            pipe.send(("failed", error))
        except (BrokenPipeError, EOFError):
            raise
        except Exception:  # whatever happens in there, the people at the page are told
            pipe.send(("failed", RuntimeError(traceback.format_exc())))


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _run(pipe: Connection, city: Stepping, origin_m: tuple[float, float]) -> None:
    wanted, reached, frame = 1.0, 1.0, city.frame()
    due = sent = time.perf_counter()
    while True:
        told = False
        while pipe.poll(max(0.0, due - time.perf_counter()) if wanted else None):
            wanted, due, told = float(pipe.recv()), time.perf_counter(), True
            if not wanted:
                break
        if wanted:
            began, before = due, frame.time_s
            city.step()
            frame = city.frame()
            due += (frame.time_s - before) / wanted
            if due < time.perf_counter() - _BACKLOG_S:
                due = time.perf_counter()
            reached += 0.05 * ((frame.time_s - before) / max(due - began, 1e-3) - reached)
        now = time.perf_counter()
        if told or now - sent >= _MOMENT_INTERVAL_S:
            sent = now
            thoughts = {car: encode_thoughts(car, view, origin_m) for car, view in frame.views.items()}
            pipe.send(("moment", Moment(encode_moment(frame, origin_m, Clock(wanted, reached)), thoughts)))
