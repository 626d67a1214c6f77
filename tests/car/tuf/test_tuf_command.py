"""`marque-car tuf` by the protocol of the public conformance suite: exit status, what is kept, what is asked for."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tuf_servers import Honest, honest
from tuf_simulator import Repository

from marque.car.cli import main


class Served:
    """A repository behind HTTP, and the command on it."""

    def __init__(self, repository: Repository, server: Honest, folder: Path) -> None:
        self.repository, self.server, self.folder = repository, server, folder
        self.metadata, self.out = folder / "metadata", folder / "out"
        (folder / "root.json").write_bytes(repository.files["1.root.json"])
        self.asked = server.asked

    def arguments(self, act: str, *targets: str) -> list[str]:
        if act == "init":
            return ["tuf", "--metadata-dir", str(self.metadata), "init", str(self.folder / "root.json")]
        names = [argument for target in targets for argument in ("--target-name", target)]
        more = [*names, "--target-base-url", self.server.url, "--target-dir", str(self.out)] if targets else []
        return ["tuf", "--metadata-url", self.server.url, "--metadata-dir", str(self.metadata), *more, act]

    def run(self, act: str, *targets: str) -> int:
        return main(self.arguments(act, *targets))


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    repository = Repository()
    for role in ("root", "targets", "snapshot", "timestamp"):
        repository.said(role).expires = datetime.now(UTC).replace(microsecond=0) + timedelta(days=3)
    repository.add("targets", "one", b"first")
    repository.add("targets", "dir/two", b"second")
    repository.publish("root", "targets", "snapshot", "timestamp")
    with honest(repository.files) as server:
        yield Served(repository, server, tmp_path)


def test_init_refresh_and_download(served: Served) -> None:
    assert served.run("init") == 0
    assert served.asked == []
    assert served.run("refresh") == 0
    assert served.asked == ["2.root.json", "3.root.json", "timestamp.json", "2.snapshot.json", "2.targets.json"]
    assert sorted(file.name for file in served.metadata.iterdir()) == ["root.json", "snapshot.json", "targets.json", "timestamp.json"]
    assert served.run("download", "one", "dir/two") == 0
    assert sorted(file.read_bytes() for file in served.out.iterdir()) == [b"first", b"second"]


def test_targets_are_taken_in_order_and_the_first_that_fails_ends_it(served: Served, capsys: pytest.CaptureFixture[str]) -> None:
    served.run("init")
    assert served.run("download", "one", "nothing", "dir/two") == 1
    assert [file.read_bytes() for file in served.out.iterdir()] == [b"first"]
    assert "nothing" in capsys.readouterr().err


def test_a_download_alone_refreshes_and_fetches_nothing_twice(served: Served) -> None:
    served.run("init")
    assert served.run("download", "one") == 0
    served.asked.clear()
    assert served.run("download", "one") == 0
    assert served.asked == ["3.root.json", "timestamp.json"]


def test_a_refusal_is_told_with_its_attack_and_status_one(served: Served, capsys: pytest.CaptureFixture[str]) -> None:
    served.run("init")
    served.repository.timestamp.expires = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
    served.repository.publish("timestamp")
    assert served.run("refresh") == 1
    assert "(freeze)" in capsys.readouterr().err


def test_a_root_that_is_none_is_not_trusted(served: Served, capsys: pytest.CaptureFixture[str]) -> None:
    (served.folder / "root.json").write_bytes(b"{}")
    assert served.run("init") == 1
    assert served.run("refresh") == 1
    assert served.asked == []
    assert "malformed metadata" in capsys.readouterr().err


def test_files_that_cannot_be_read_are_told_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tuf", "--metadata-dir", str(tmp_path), "init", str(tmp_path / "none.json")]) == 1
    assert "none.json" in capsys.readouterr().err


@pytest.mark.parametrize("act", ["refresh", "download", "else"])
def test_a_command_that_lacks_something_says_what(tmp_path: Path, act: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as met:
        main(["tuf", "--metadata-dir", str(tmp_path), act])
    assert met.value.code == 2
    assert "usage" in capsys.readouterr().err


@pytest.mark.slow
def test_as_a_process_of_its_own_it_loads_nothing_of_the_cloud(served: Served) -> None:
    check = (
        "import sys; from marque.car.cli import main; status = main(sys.argv[1:]); "
        "print(sorted(set(sys.modules) & {'numpy', 'fastapi', 'tuf'})); sys.exit(status)"
    )
    for act, targets in (("init", ()), ("download", ("one",))):
        done = subprocess.run([sys.executable, "-c", check, *served.arguments(act, *targets)], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "[]", "")
