"""Target files: whole and verified, or not there; fetched once; gone on with where it was cut off."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tuf_simulator import Repository

from marque.car.attacks import Attack, UpdateRefused
from marque.car.tuf import files
from marque.car.tuf.fetch import NotThere
from marque.car.tuf.model import Target
from marque.common import Unavailable

DATA = bytes(range(256)) * 40
TARGET = Target("vela/ad/drive.img", len(DATA), {"sha256": hashlib.sha256(DATA).hexdigest()})


class Server:
    """Serves `data`, cuts each connection after `cut` bytes. asked: (path, start)."""

    def __init__(self, data: bytes | None = DATA, cut: int | None = None) -> None:
        self.data, self.cut = data, cut
        self.asked: list[tuple[str, int]] = []

    def get(self, path: str, at_most: int) -> bytes:
        raise NotImplementedError

    def download(self, path: str, length: int, write: Callable[[bytes], object], start: int = 0) -> None:
        self.asked.append((path, start))
        if self.data is None:
            raise NotThere(path)
        if len(self.data) > length:
            raise UpdateRefused(Attack.ENDLESS_DATA, "image", path, "more than allowed")
        stop = len(self.data) if self.cut is None else min(len(self.data), start + self.cut)
        write(self.data[start:stop])
        if stop < len(self.data):
            raise Unavailable("cut off")


def fetch(folder: Path, server: Server, target: Target = TARGET) -> Path:
    return files.download(target, folder, server, consistent=True, repository="image")


def attack(folder: Path, server: Server, target: Target = TARGET) -> Attack:
    with pytest.raises(UpdateRefused) as met:
        fetch(folder, server, target)
    return met.value.attack


def test_a_file_that_is_there_is_not_fetched_again(tmp_path: Path) -> None:
    server = Server()
    assert fetch(tmp_path, server).read_bytes() == DATA
    fetch(tmp_path, server)
    assert server.asked == [(f"vela/ad/{TARGET.hashes['sha256']}.drive.img", 0)]


def test_a_spoilt_file_is_fetched_anew(tmp_path: Path) -> None:
    fetch(tmp_path, Server()).write_bytes(DATA[:-1] + b"x")
    assert fetch(tmp_path, Server()).read_bytes() == DATA


def test_it_goes_on_from_where_it_was_cut_off(tmp_path: Path) -> None:
    server = Server(cut=4000)
    for _ in range(2):
        with pytest.raises(Unavailable):
            fetch(tmp_path, server)
    assert fetch(tmp_path, server).read_bytes() == DATA
    assert [start for _, start in server.asked] == [0, 4000, 8000]
    assert [file.name for file in tmp_path.iterdir()] == ["vela%2Fad%2Fdrive.img"]


def test_a_wrong_beginning_is_begun_again_once(tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        fetch(tmp_path, Server(b"x" * len(DATA), cut=4000))
    server = Server()
    assert fetch(tmp_path, server).read_bytes() == DATA
    assert [start for _, start in server.asked] == [4000, 0]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"x" * len(DATA), Attack.ARBITRARY_SOFTWARE),
        (DATA[:-1], Attack.ARBITRARY_SOFTWARE),
        (DATA + b"x", Attack.ENDLESS_DATA),
        (None, Attack.MISSING),
    ],
)
def test_nothing_of_a_wrong_file_stays(tmp_path: Path, data: bytes | None, expected: Attack) -> None:
    assert attack(tmp_path, Server(data)) is expected
    assert list(tmp_path.iterdir()) == []


def test_another_version_of_the_file_does_not_go_on_from_the_part_of_this_one(tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        fetch(tmp_path, Server(cut=4000))
    other = DATA[::-1]
    server = Server(other)
    fetch(tmp_path, server, Target(TARGET.path, len(other), {"sha256": hashlib.sha256(other).hexdigest()}))
    assert server.asked[0][1] == 0


@pytest.mark.parametrize("hashes", [{"sha512": hashlib.sha512(DATA).hexdigest()}, {"sha256": TARGET.hashes["sha256"], "md5": "00"}])
def test_any_strong_hash_will_do(tmp_path: Path, hashes: dict[str, str]) -> None:
    assert fetch(tmp_path, Server(), Target(TARGET.path, len(DATA), hashes)).read_bytes() == DATA


@pytest.mark.parametrize("hashes", [{"md5": hashlib.md5(DATA, usedforsecurity=False).hexdigest()}, {"unknown": "00"}])
def test_a_target_without_a_strong_hash_is_not_fetched(tmp_path: Path, hashes: dict[str, str]) -> None:
    server = Server()
    assert attack(tmp_path, server, Target(TARGET.path, len(DATA), hashes)) is Attack.MALFORMED
    assert not server.asked


def test_every_hash_has_to_be_right(tmp_path: Path) -> None:
    hashes = {"sha256": TARGET.hashes["sha256"], "sha512": hashlib.sha512(b"other").hexdigest()}
    assert attack(tmp_path, Server(), Target(TARGET.path, len(DATA), hashes)) is Attack.ARBITRARY_SOFTWARE


def test_an_empty_target_is_a_file_of_nothing(tmp_path: Path) -> None:
    empty = Target("empty", 0, {"sha256": hashlib.sha256(b"").hexdigest()})
    assert fetch(tmp_path, Server(b""), empty).read_bytes() == b""


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=300))
def test_no_path_leads_out_of_the_folder(path: str) -> None:
    name = files.local_name(path)
    assert Path(name).name == name
    assert not name.startswith(".")
    assert len(name) <= 255


def test_two_paths_never_share_a_file() -> None:
    paths = ["a/b", "a%2Fb", "a b", ".a", "%2Ea", "..", "a" * 300, "a" * 301]
    assert len({files.local_name(path) for path in paths}) == len(paths)


def test_a_client_fetches_targets_from_elsewhere_when_told(tmp_path: Path) -> None:
    repository = Repository()
    repository.add("targets", TARGET.path, DATA)
    repository.publish_all("targets")
    client = repository.begun(tmp_path / "metadata")
    found = client.target(TARGET.path)
    assert found is not None
    server = Server()
    assert client.download(found, tmp_path / "out", server).read_bytes() == DATA
    assert len(server.asked) == 1
