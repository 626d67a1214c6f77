"""Compiled maps on disk."""

import numba
import numpy as np
import pytest

from marque.driving.importers import load_map, store


@pytest.fixture
def source(games, tmp_path):
    path = tmp_path / "cross.net.xml"
    path.write_bytes((games / "cross" / "cross.net.xml").read_bytes())
    return path


def same(a, b):
    words = [name for name in a.__slots__ if name != "arrays"]
    return all(np.array_equal(x, y) for x, y in zip(a.arrays, b.arrays, strict=True)) and all(
        getattr(a, name) == getattr(b, name) for name in words
    )


def test_a_cached_map_is_the_map(source, tmp_path):
    folder = tmp_path / "cache"
    made, kept = load_map(source, cache=folder), load_map(source, cache=folder)
    assert same(made, kept)
    assert same(kept, load_map(source))
    assert len(list(folder.iterdir())) == 1


def test_kernels_compiled_for_a_map_that_was_read_serve_for_a_kept_one(source, tmp_path):
    made, kept = load_map(source, cache=tmp_path), load_map(source, cache=tmp_path)
    assert [numba.typeof(array) for array in kept.arrays] == [numba.typeof(array) for array in made.arrays]


def test_the_second_time_the_file_is_not_read_again(source, tmp_path, monkeypatch):
    load_map(source, cache=tmp_path)
    monkeypatch.setattr("marque.driving.importers.sources.read_map", None)
    assert load_map(source, cache=tmp_path).lane_ids


def test_a_changed_file_is_read_again(source, tmp_path):
    before = load_map(source, cache=tmp_path)
    source.write_text(source.read_text().replace('speed="13.89"', 'speed="8.33"'))
    after = load_map(source, cache=tmp_path)
    assert (after.arrays.lanes["speed_limit"] < before.arrays.lanes["speed_limit"]).any()


DAMAGES = [lambda b: b[: len(b) // 2], lambda _: b"", lambda b: b[:1000] + bytes([b[1000] ^ 255]) + b[1001:], lambda _: b"PK\x03\x04"]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_entry_is_built_again(source, tmp_path, damage):
    folder = tmp_path / "cache"
    made = load_map(source, cache=folder)
    (entry,) = folder.iterdir()
    entry.write_bytes(damage(entry.read_bytes()))
    assert same(load_map(source, cache=folder), made)
    assert store.load(entry) is not None


def test_an_interrupted_write_leaves_nothing(source, tmp_path, monkeypatch):
    road_map, folder = load_map(source), tmp_path / "cache"
    monkeypatch.setattr(np, "savez", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        store.save(road_map, folder / "entry.npz")
    assert list(folder.iterdir()) == []
