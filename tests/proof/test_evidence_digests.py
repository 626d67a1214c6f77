"""Digests of inputs: the same for the same contents wherever they lie, another for any change, by package."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest

from marque.common import InputError
from marque.proof.evidence.digests import of_bytes, of_code, of_file, of_folder


def folder(root, files):
    for name, text in files.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text)
    return root


FILES = {"a.py": b"1", "b/c.py": b"2", "b/d.txt": b"3"}


def test_a_folder_s_digest_is_that_of_its_paths_and_contents(tmp_path):
    listed = {name: hashlib.sha256(text).hexdigest() for name, text in FILES.items()}
    expected = hashlib.sha256(json.dumps(listed, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
    assert of_folder(folder(tmp_path / "x", FILES)) == expected
    assert of_folder(folder(tmp_path / "elsewhere/y", dict(reversed(FILES.items())))) == expected


@pytest.mark.parametrize(
    "changed",
    [FILES | {"a.py": b"2"}, FILES | {"e.py": b""}, {"a.py": b"1", "b/c.py": b"2"}, {"a.py": b"1", "c.py": b"2", "b/d.txt": b"3"}],
)
def test_any_change_of_a_folder_is_another_digest(tmp_path, changed):
    assert of_folder(folder(tmp_path / "x", FILES)) != of_folder(folder(tmp_path / "y", changed))


def test_what_tools_leave_behind_and_times_are_no_part_of_it(tmp_path):
    clean = of_folder(folder(tmp_path / "x", FILES))
    littered = folder(tmp_path / "y", FILES | {"__pycache__/a.pyc": b"9", "b/__pycache__/c.pyc": b"9", ".git/HEAD": b"9"})
    (littered / "empty").mkdir()
    os.utime(littered / "a.py", (1, 1))
    assert of_folder(littered) == clean


def test_only_the_files_that_were_asked_for_count(tmp_path):
    assert of_folder(folder(tmp_path / "x", FILES), (".py",)) == of_folder(folder(tmp_path / "y", {"a.py": b"1", "b/c.py": b"2"}))


def test_links_and_empty_folders_have_no_digest(tmp_path):
    with pytest.raises(InputError, match="holds no file"):
        of_folder(folder(tmp_path / "x", {"__pycache__/a.pyc": b"9"}))
    linked = folder(tmp_path / "y", FILES)
    (linked / "z.py").symlink_to(tmp_path / "outside.py")
    with pytest.raises(InputError, match="it is a link"):
        of_folder(linked)


def test_packages_of_the_driving_system_change_by_themselves(tmp_path):
    root = folder(tmp_path, {"driving/plan.py": b"1", "vehicle/step.py": b"1"})
    before = of_code(root, ["driving", "vehicle"])
    (root / "vehicle/step.py").write_bytes(b"2")
    after = of_code(root, ["driving", "vehicle"])
    assert {name for name in before if before[name] != after[name]} == {"code/vehicle"}


def test_a_file_s_digest_is_that_of_its_bytes(tmp_path):
    (tmp_path / "x").write_bytes(b"abc")
    assert of_file(tmp_path / "x") == of_bytes(b"abc") == hashlib.sha256(b"abc").hexdigest()


def test_this_house_s_own_packages_have_digests():
    root = Path(__file__).parents[2] / "src/marque"
    assert {*of_code(root, ["driving", "vehicle"])} == {"code/driving", "code/vehicle"}
