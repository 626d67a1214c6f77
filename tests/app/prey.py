"""An installation in processes of its own, to be killed: the application, the worker, and the PostgreSQL they share.

Processes are forked from one that has loaded everything, because starting fifty interpreters takes longer than the test may.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import socket
import time
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path

import psycopg

from databases import superuser
from marque.common import MarqueError
from marque.foundation import embedded
from marque.foundation.embedded import Addresses

_BEGINS_WITHIN_S = 60.0
_forked = multiprocessing.get_context("forkserver")
_forked.set_forkserver_preload(
    ["marque.app.operating", "marque.app.console.join", "marque.app.operations", "marque.app.web", "marque.foundation.worker", "uvicorn"]
)


@dataclass
class Installation:
    """Everything below one folder. fault: what the application does wrong, see `prey_process`."""

    folder: Path
    port: int = 0
    fault: str = ""
    processes: dict[str, BaseProcess] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.port = self.port or _free_port()
        self.addresses: Addresses = embedded.start(self.folder / "postgresql")

    @property
    def origin(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def superuser(self) -> str:
        return superuser(self.addresses, "marque")

    @property
    def keys(self) -> Path:
        return self.folder / "keys"

    def environment(self) -> dict[str, str]:
        return {
            "MARQUE_DATABASE_FOLDER": str(self.folder / "postgresql"),
            "MARQUE_BLOBS": str(self.folder / "blobs"),
            "MARQUE_KEYS_FOLDER": str(self.keys),
            "MARQUE_PORT": str(self.port),
            "MARQUE_PUBLIC_ORIGIN": self.origin,
            "MARQUE_LOG_LEVEL": "warning",
            "MARQUE_LOG_FORMAT": "json",
        }

    def begin(self, *names: str) -> None:
        """Start `application`, `worker`, whichever of them does not run."""
        import prey_process

        for name in names or ("application", "worker"):
            if name not in self.processes or not self.processes[name].is_alive():
                given = (name, self.environment(), self.folder / f"{name}.log", self.fault)
                self.processes[name] = _forked.Process(target=prey_process.live, args=given, daemon=True)
                self.processes[name].start()

    def wait(self) -> None:
        """Until the application takes connections."""
        deadline = time.monotonic() + _BEGINS_WITHIN_S
        while True:
            if not self.processes["application"].is_alive():
                raise AssertionError(f"the application ended by itself:\n{self.told()}")
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1.0):
                return
            if time.monotonic() > deadline:
                raise AssertionError(f"the application does not begin:\n{self.told()}")
            time.sleep(0.02)

    def kill(self, *names: str) -> None:
        for name in names:
            self.processes[name].kill()
        for name in names:
            self.processes[name].join()

    def died(self) -> bool:
        """Waits for an application that ends itself; whether it did."""
        self.processes["application"].join(_BEGINS_WITHIN_S)
        return not self.processes["application"].is_alive()

    def kill_database(self, *, whole: bool, chance: float) -> None:
        """SIGKILL to the postmaster, or to one of the processes that serve a connection of ours; it comes back as it would by itself."""
        if whole:
            os.kill(self.postmaster(), signal.SIGKILL)
        else:
            with psycopg.connect(self.superuser, autocommit=True) as connection:
                found = connection.execute("select pid from pg_stat_activity where usename like 'marque%%' order by pid").fetchall()
            with contextlib.suppress(ProcessLookupError):
                os.kill(found[int(chance * len(found))][0], signal.SIGKILL)
        self._recovered()

    def _recovered(self) -> None:
        """Whoever comes in the moment in which the postmaster learns of the death may be cut off once more."""
        for _ in range(3):
            with contextlib.suppress(MarqueError):
                embedded.start(self.folder / "postgresql")
                return
        embedded.start(self.folder / "postgresql")

    def postmaster(self) -> int:
        return int((self.folder / "postgresql" / "postmaster.pid").read_text().split("\n", 1)[0])

    def told(self) -> str:
        """The last of what the processes said of what was wrong with themselves."""
        logs = sorted(self.folder.glob("*.log"))
        lines = ((log.name, line) for log in logs for line in log.read_text().splitlines() if '"logger": "psycopg.pool"' not in line)
        return "\n".join(f"{name}: {line}" for name, line in lines)[-6000:]

    def end(self) -> None:
        self.kill(*(name for name, process in self.processes.items() if process.is_alive()))
        embedded.stop(self.folder / "postgresql")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
