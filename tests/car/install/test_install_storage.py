"""A folder of this machine and the disk of the tests keep the same contract."""

from __future__ import annotations

import errno
import os
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from install_disk import CutStorage

from marque.car.install.storage import FolderStorage, Full, holds, replace
from marque.common import InputError, Unavailable


@pytest.fixture(params=["folder", "test disk"])
def storage(request, tmp_path):
    return FolderStorage(tmp_path) if request.param == "folder" else CutStorage()


def test_what_is_written_is_read(storage):
    storage.make("deep/er")
    storage.write("deep/er/a", 0, b"hello")
    storage.write("deep/er/a", 5, b" world")
    storage.write("deep/er/a", 0, b"J")
    assert storage.read("deep/er/a") == b"Jello world"
    assert storage.read("deep/er/a", 6, 3) == b"wor"
    assert storage.size("deep/er/a") == 11
    with storage.view("deep/er/a") as seen:
        assert bytes(seen) == b"Jello world"
    storage.cut("deep/er/a", 5)
    storage.sync("deep/er/a")
    storage.sync_folder("deep/er")
    assert storage.read("deep/er/a") == b"Jello"


def test_what_is_not_there(storage):
    assert storage.size("a") is None
    assert storage.names("nowhere") == ()
    storage.remove("a")
    with pytest.raises(FileNotFoundError):
        storage.read("a")


def test_an_empty_file_can_be_viewed(storage):
    storage.write("a", 0, b"")
    with storage.view("a") as seen:
        assert len(seen) == 0


def test_a_rename_takes_the_place_of_what_was_there(storage):
    storage.write("a", 0, b"old")
    storage.write("b", 0, b"new")
    storage.rename("b", "a")
    assert (storage.read("a"), storage.names("")) == (b"new", ("a",))


def test_replace_leaves_one_file(storage):
    replace(storage, "a", b"first")
    replace(storage, "a", b"second, and longer")
    assert (storage.read("a"), storage.names("")) == (b"second, and longer", ("a",))


def test_holds_asks_for_length_and_hash(storage):
    storage.write("a", 0, b"image")
    assert holds(storage, "a", 5, sha256(b"image").hexdigest())
    assert not holds(storage, "a", 4, sha256(b"imag").hexdigest())
    assert not holds(storage, "a", 5, sha256(b"other").hexdigest())
    assert not holds(storage, "b", 0, sha256(b"").hexdigest())


def test_there_is_room(storage):
    assert storage.free() > 1 << 20


@pytest.mark.parametrize("name", ["../a", "a/../../b", "/a", "a//b", "a/./b", "a\0b"])
def test_no_name_leads_out(name, tmp_path):
    inside = tmp_path / "inside"
    inside.mkdir()
    with pytest.raises(InputError):
        FolderStorage(inside).write(name, 0, b"x")
    assert [path.name for path in tmp_path.iterdir()] == ["inside"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_said_in_words(number, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(number, "full")

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(Full, match="no room left") as met:
        FolderStorage(tmp_path).write("a", 0, b"x")
    assert isinstance(met.value, Unavailable)


def test_another_fault_is_not_taken_for_a_full_disk(tmp_path, monkeypatch):
    def broken(*_):
        raise OSError(errno.EIO, "broken")

    monkeypatch.setattr(os, "pwrite", broken)
    with pytest.raises(OSError, match="broken"):
        FolderStorage(tmp_path).write("a", 0, b"x")


def test_a_write_that_the_system_takes_in_pieces_is_whole(tmp_path, monkeypatch):
    pwrite = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda handle, data, at: pwrite(handle, data[:3], at))
    FolderStorage(tmp_path).write("a", 0, b"0123456789")
    assert (tmp_path / "a").read_bytes() == b"0123456789"


_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.sampled_from("ab"), st.binary(max_size=8)),
        st.tuples(st.just("remove"), st.sampled_from("ab"), st.just(b"")),
        st.tuples(st.just("rename"), st.sampled_from("ab"), st.just(b"")),
        st.tuples(st.just("cut"), st.sampled_from("ab"), st.binary(max_size=3)),
    ),
    max_size=12,
)


@settings(max_examples=60)
@given(steps=_STEPS)
def test_both_do_the_same(steps, tmp_path_factory):
    folder, disk = FolderStorage(tmp_path_factory.mktemp("both")), CutStorage()
    for what, name, data in steps:
        for storage in (folder, disk):
            there = storage.size(name)
            if what == "write":
                storage.write(name, min(there or 0, len(data)), data)
            elif what == "remove":
                storage.remove(name)
            elif what == "rename" and there is not None:
                storage.rename(name, "c")
            elif what == "cut" and there is not None:
                storage.cut(name, min(there, len(data)))
        assert folder.names("") == disk.names("")
    assert {name: folder.read(name) for name in folder.names("")} == {name: disk.read(name) for name in disk.names("")}
