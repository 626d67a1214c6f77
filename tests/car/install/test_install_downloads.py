"""Downloads over any cut: no byte is believed that was not signed for, and none is fetched twice that need not be."""

from __future__ import annotations

from hashlib import sha256
from random import Random

import pytest
from install_disk import CutStorage, PowerCut

from marque.car.attacks import Attack, UpdateRefused
from marque.car.install import downloads
from marque.car.install.downloads import RESERVE, fetch, keep_only, place
from marque.car.install.storage import Full
from marque.car.tuf.fetch import NotThere
from marque.common import Unavailable

CONTENT = bytes(Random(7).randrange(256) for _ in range(300))
DIGEST = sha256(CONTENT).hexdigest()


class Remote:
    """starts: from which byte it was asked. ends: the byte at which each try breaks, in turn."""

    def __init__(self, content=CONTENT, ends=()):
        self.content, self.ends, self.starts = content, list(ends), []

    def get(self, path, at_most):
        raise NotThere(f"{path} of at most {at_most} bytes")

    def download(self, path, length, write, start=0):
        assert length == len(CONTENT)
        if path != "remote":
            raise NotThere(path)
        self.starts.append(start)
        end = self.ends.pop(0) if self.ends else len(self.content)
        for at in range(start, end, 37):
            write(self.content[at : min(at + 37, end)])
        if end < len(self.content):
            raise Unavailable("The connection ended.")


def got(storage, remote, name="remote"):
    return storage.read(fetch(storage, remote, name, length=len(CONTENT), sha256=DIGEST, file="image.bin"))


def test_a_file_comes_once_and_is_there():
    storage, remote = CutStorage(), Remote()
    assert got(storage, remote) == CONTENT
    assert got(storage, remote) == CONTENT
    assert remote.starts == [0]


def test_it_goes_on_where_the_connection_ended():
    storage, remote = CutStorage(), Remote(ends=[100, 250])
    for _ in range(2):
        with pytest.raises(Unavailable):
            got(storage, remote)
    assert got(storage, remote) == CONTENT
    assert remote.starts == [0, 100, 250]


def test_what_goes_on_from_a_spoilt_part_is_fetched_once_from_the_beginning():
    storage, remote = CutStorage(), Remote()
    storage.make(downloads.FOLDER)
    storage.write(place(DIGEST), 0, b"\0" * 80)
    assert got(storage, remote) == CONTENT
    assert remote.starts == [80, 0]


def test_a_part_that_is_too_long_is_no_part():
    storage, remote = CutStorage(), Remote()
    storage.make(downloads.FOLDER)
    storage.write(place(DIGEST), 0, CONTENT + b"more")
    assert got(storage, remote) == CONTENT
    assert remote.starts == [0]


def test_another_file_is_refused_and_none_of_it_stays():
    storage = CutStorage()
    with pytest.raises(UpdateRefused) as met:
        got(storage, Remote(CONTENT[:-1] + b"?"))
    assert met.value.attack is Attack.ARBITRARY_SOFTWARE
    assert storage.names(downloads.FOLDER) == ()


def test_a_file_that_is_not_there_is_withheld():
    with pytest.raises(UpdateRefused) as met:
        got(CutStorage(), Remote(), "elsewhere")
    assert met.value.attack is Attack.MISSING


def test_it_does_not_begin_where_it_would_not_fit():
    storage, remote = CutStorage(room=RESERVE + len(CONTENT) - 1), Remote()
    with pytest.raises(Full):
        got(storage, remote)
    assert remote.starts == []
    assert got(CutStorage(room=RESERVE + len(CONTENT)), Remote()) == CONTENT


def test_what_is_needed_no_longer_goes():
    storage = CutStorage()
    got(storage, Remote())
    keep_only(storage, frozenset({place(DIGEST)}))
    assert storage.names(downloads.FOLDER) == (DIGEST,)
    keep_only(storage, frozenset())
    assert storage.names(downloads.FOLDER) == ()


@pytest.mark.parametrize("fate", ["lost", "kept", "any"])
def test_a_power_cut_at_any_byte_ends_with_the_file(fate):
    whole = CutStorage()
    got(whole, Remote())
    for at in range(1, whole.points + 1, 3):
        storage = CutStorage(cut_at=at)
        with pytest.raises(PowerCut):
            got(storage, Remote())
        assert got(storage.after_cut(fate, Random(at)), Remote()) == CONTENT


def test_long_files_are_made_to_last_on_the_way(monkeypatch):
    monkeypatch.setattr(downloads, "_SYNC_EVERY", 100)
    storage = CutStorage(cut_at=290)
    with pytest.raises(PowerCut):
        got(storage, Remote())
    left = storage.after_cut("lost", Random(0))
    assert left.read(place(DIGEST)) == CONTENT[:222]
