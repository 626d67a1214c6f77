"""`marque run`: the city and the replays on a page in the browser, until Ctrl-C."""

from __future__ import annotations

import errno
import socket
import sys
import threading
import webbrowser
from dataclasses import replace
from pathlib import Path
from types import FrameType

import uvicorn

from marque.app.console.join import Console
from marque.app.live import LiveCity
from marque.app.live import Settings as Traffic
from marque.app.platform import Platform, start
from marque.app.settings import read_settings
from marque.app.web import LOOPBACK, create_app
from marque.common import InputError
from marque.foundation import SystemClock


def run(
    map: Path | None = None,  # noqa: A002  the option's name
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    vehicles: int = 400,
    pedestrians: int = 60,
    cars: int = 10,
    seed: int = 1,
    replays: Path | None = None,
    open_browser: bool = False,
) -> None:
    """Serve the page. Raises InputError when the port is taken, the replays' folder is missing, or the map cannot be used."""
    if replays is not None and not replays.is_dir():
        raise InputError("--replays", str(replays), "not a folder", "Give the folder that `marque drive --replays` wrote into.")
    listener = listen(host, port)
    shown = {"127.0.0.1": "localhost", "0.0.0.0": "127.0.0.1", "::": "127.0.0.1"}.get(host, host)  # noqa: S104  only compared
    address = f"http://{shown}:{listener.getsockname()[1]}"
    print(f"Marque is at {address}  (Ctrl-C ends it)", flush=True)
    city = LiveCity(Traffic(map, vehicles, pedestrians, cars, seed))
    application = create_app(
        city, replays, LOOPBACK if shown in {host, "localhost"} else ("*",), _console(address) if shown == "localhost" else None
    )
    server = _Server(uvicorn.Config(application, log_level="warning", server_header=False), city)
    if open_browser:
        threading.Timer(0.3, webbrowser.open, (address,)).start()
    try:
        server.run(sockets=[listener])
    except KeyboardInterrupt:
        pass  # uvicorn raises the signal again once everything is closed
    finally:
        city.stop()
    if city.failure is not None:
        raise city.failure


def _console(address: str) -> Console:
    """The companies' console on this machine: public history, invented people, and no password. `marque serve` is for everything else."""
    from marque.app import demo

    settings, clock = replace(read_settings(), public_origin=address, development_sign_in=True), SystemClock()

    def begin() -> Platform:
        platform = start(settings, clock)
        demo.furnish(platform)
        # Work that no page waits for: some seconds for the line, a minute or more for releases, whose evidence is driven.
        threading.Thread(target=_demonstrate, args=(platform,), name="demonstration", daemon=True).start()
        return platform

    return Console(settings, clock, begin, working=True)


def _demonstrate(platform: Platform) -> None:
    from marque.app import demo_cars, demo_line, demo_release

    demo_line.furnish(platform)
    fleet = demo_release.furnish(platform)
    if fleet is not None:
        demo_cars.live(platform, fleet, threading.Event())


class _Server(uvicorn.Server):
    """A server whose endless streams end before it waits for open connections."""

    def __init__(self, config: uvicorn.Config, city: LiveCity) -> None:
        super().__init__(config)
        self._city = city

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._city.start(self._on_failure)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._city.end_watches()
        super().handle_exit(sig, frame)

    def _on_failure(self) -> None:
        """Input that cannot be used ends the command; any other fault is told on the page, and replays stay at hand."""
        if isinstance(self._city.failure, InputError):
            self.should_exit = True
        else:
            print(f"marque run: {self._city.failure}", file=sys.stderr, flush=True)


def listen(host: str, port: int) -> socket.socket:
    """Raises InputError when the port cannot be had; 0 takes any free one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as fault:
        taken = isinstance(fault, OSError) and fault.errno == errno.EADDRINUSE
        problem = "is in use by another program" if taken else f"cannot be listened on at {host} ({fault})"
        raise InputError("--port", str(port), problem, f"Choose another, for instance --port {port + 1 if taken else 8000}.") from fault
