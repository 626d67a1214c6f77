"""The client workflow (TUF 1.0.33, 5.3 to 5.6): what is accepted, what is refused and as which attack, and what then lies on disk."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from tuf.api.metadata import MetaFile
from tuf_simulator import LATER, NOW, Repository, signer

from marque.car.attacks import Attack, UpdateRefused
from marque.car.tuf import files
from marque.car.tuf.client import Limits
from marque.common import InputError


def on_disk(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted(folder.iterdir())}


def refused(act: Callable[[], object]) -> UpdateRefused:
    with pytest.raises(UpdateRefused) as met:
        act()
    return met.value


def test_a_cold_refresh_asks_for_each_file_once_and_keeps_what_it_was_given(tmp_path: Path) -> None:
    repository = Repository(hashes=True)
    repository.begun(tmp_path).refresh()
    assert repository.asked == ["2.root.json", "timestamp.json", "1.snapshot.json", "1.targets.json"]
    assert on_disk(tmp_path) == {f"{role}.json": raw for role, raw in sorted(repository.published.items())}


def test_what_is_kept_and_valid_is_not_asked_for_again(tmp_path: Path) -> None:
    repository = Repository()
    repository.begun(tmp_path).refresh()
    repository.asked.clear()
    repository.client(tmp_path).refresh()
    assert repository.asked == ["2.root.json", "timestamp.json"]


def test_without_consistent_snapshots_names_carry_no_version(tmp_path: Path) -> None:
    repository = Repository(consistent=False)
    repository.begun(tmp_path).refresh()
    assert repository.asked == ["2.root.json", "timestamp.json", "snapshot.json", "targets.json"]


def test_a_client_without_a_root_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no trusted root"):
        Repository().client(tmp_path).refresh()


def test_a_first_root_that_does_not_hold_by_its_own_rule_is_not_trusted(tmp_path: Path) -> None:
    repository = Repository()
    repository.tampered("root", lambda value: value["signed"].update(version=7))
    assert refused(lambda: repository.begun(tmp_path)).attack is Attack.ARBITRARY_SOFTWARE
    assert not on_disk(tmp_path)


@pytest.mark.parametrize("role", ["root", "timestamp", "snapshot", "targets"])
def test_a_file_signed_by_other_keys_is_arbitrary_software(tmp_path: Path, role: str) -> None:
    repository = Repository()
    repository.begun(tmp_path).refresh()
    before = on_disk(tmp_path)
    repository.signers[role] = [signer()]
    repository.publish_all(role) if role == "targets" else repository.publish(*dict.fromkeys((role, "timestamp")))
    assert refused(repository.client(tmp_path).refresh).attack is Attack.ARBITRARY_SOFTWARE
    assert on_disk(tmp_path)[f"{role}.json"] == before[f"{role}.json"]


@pytest.mark.parametrize("role", ["root", "timestamp", "snapshot", "targets"])
def test_expired_metadata_is_a_freeze(tmp_path: Path, role: str) -> None:
    repository = Repository()
    repository.begun(tmp_path).refresh()
    before = on_disk(tmp_path)
    repository.said(role).expires = NOW
    repository.publish(*dict.fromkeys((role, *(("snapshot",) if role == "targets" else ()), "timestamp")))
    assert refused(repository.client(tmp_path).refresh).attack is Attack.FREEZE
    kept = role == "root"  # a root is followed before its expiry is looked at (5.3.10)
    assert (on_disk(tmp_path)[f"{role}.json"] == before[f"{role}.json"]) is not kept


def test_metadata_kept_too_long_is_a_freeze_and_newer_metadata_ends_it(tmp_path: Path) -> None:
    repository = Repository()
    repository.begun(tmp_path).refresh()
    late = LATER + timedelta(days=1)
    assert refused(repository.client(tmp_path, late).refresh).attack is Attack.FREEZE
    for role in ("root", "targets", "snapshot", "timestamp"):
        repository.said(role).expires = late + timedelta(days=1)
    repository.publish("root", "targets", "snapshot", "timestamp")
    repository.client(tmp_path, late).refresh()


def test_an_older_timestamp_is_a_roll_back(tmp_path: Path) -> None:
    repository = Repository()
    first = repository.published["timestamp"]
    repository.publish("timestamp")
    repository.begun(tmp_path).refresh()
    repository.files["timestamp.json"] = first
    assert refused(repository.client(tmp_path).refresh).attack is Attack.ROLLBACK
    assert on_disk(tmp_path)["timestamp.json"] == repository.published["timestamp"]


def test_a_timestamp_of_the_same_version_leaves_the_one_that_is_trusted(tmp_path: Path) -> None:
    repository = Repository()
    repository.begun(tmp_path).refresh()
    first = repository.published["timestamp"]
    repository.timestamp.snapshot_meta = MetaFile(100)
    repository.publish("timestamp", bump=False)
    repository.client(tmp_path).refresh()
    assert on_disk(tmp_path)["timestamp.json"] == first


@pytest.mark.parametrize("hashes", [False, True])
def test_a_timestamp_that_names_an_older_snapshot_is_a_roll_back(tmp_path: Path, hashes: bool) -> None:
    repository = Repository(hashes=hashes)
    first = repository.timestamp.snapshot_meta
    repository.publish_all()
    repository.begun(tmp_path).refresh()
    repository.timestamp.snapshot_meta = first
    repository.publish("timestamp")
    assert refused(repository.client(tmp_path).refresh).attack is Attack.ROLLBACK


@pytest.mark.parametrize("hashes", [False, True])
def test_a_snapshot_that_names_older_targets_is_a_roll_back(tmp_path: Path, hashes: bool) -> None:
    repository = Repository(hashes=hashes)
    first = repository.snapshot.meta["targets.json"]
    repository.publish_all("targets")
    repository.begun(tmp_path).refresh()
    repository.snapshot.meta["targets.json"] = first
    repository.publish_all()
    assert refused(repository.client(tmp_path).refresh).attack is Attack.ROLLBACK


def test_a_snapshot_that_names_a_role_no_longer_is_a_roll_back(tmp_path: Path) -> None:
    repository = Repository()
    repository.delegate("targets", "maps")
    repository.publish_all("maps", "targets")
    repository.begun(tmp_path).refresh()
    del repository.snapshot.meta["maps.json"]
    repository.publish_all()
    assert refused(repository.client(tmp_path).refresh).attack is Attack.ROLLBACK


@pytest.mark.parametrize("role", ["snapshot", "targets"])
def test_another_version_than_is_listed_is_mix_and_match(tmp_path: Path, role: str) -> None:
    repository = Repository()
    repository.said(role).version += 1
    repository.publish(*dict.fromkeys((role, "snapshot", "timestamp")), bump=False)
    version = repository.said(role).version
    repository.serve(role, version, repository.published[role])
    listed = MetaFile(version - 1)
    repository.serve(role, version - 1, repository.published[role])
    if role == "snapshot":
        repository.timestamp.snapshot_meta = listed
    else:
        repository.snapshot.meta["targets.json"] = listed
        repository.publish("snapshot")
    repository.publish("timestamp")
    assert refused(repository.begun(tmp_path).refresh).attack is Attack.MIX_AND_MATCH


@pytest.mark.parametrize("role", ["snapshot", "targets"])
def test_other_bytes_than_were_hashed_are_mix_and_match(tmp_path: Path, role: str) -> None:
    repository = Repository(hashes=True)
    repository.said(role).expires += timedelta(days=1)
    repository.publish(role, bump=False)
    assert refused(repository.begun(tmp_path).refresh).attack is Attack.MIX_AND_MATCH


@pytest.mark.parametrize(("length", "expected"), [(-1, Attack.ENDLESS_DATA), (1, Attack.MIX_AND_MATCH)])
def test_a_length_counts_without_a_hash(tmp_path: Path, length: int, expected: Attack) -> None:
    repository = Repository()
    repository.snapshot.meta["targets.json"] = MetaFile(1, len(repository.published["targets"]) + length)
    repository.publish_all()
    assert refused(repository.begun(tmp_path).refresh).attack is expected


def test_a_kept_snapshot_whose_hash_is_not_the_listed_one_is_fetched_anew(tmp_path: Path) -> None:
    repository = Repository(hashes=True)
    repository.begun(tmp_path).refresh()
    kept = tmp_path / "snapshot.json"
    kept.write_bytes(kept.read_bytes() + b" ")
    repository.asked.clear()
    repository.client(tmp_path).refresh()
    assert "1.snapshot.json" in repository.asked
    assert kept.read_bytes() == repository.published["snapshot"]


@pytest.mark.parametrize("role", ["timestamp", "snapshot", "targets"])
def test_spoilt_files_on_disk_are_fetched_anew(tmp_path: Path, role: str) -> None:
    repository = Repository()
    repository.begun(tmp_path).refresh()
    (tmp_path / f"{role}.json").write_bytes(b"\x00spoilt")
    repository.client(tmp_path).refresh()
    assert on_disk(tmp_path)[f"{role}.json"] == repository.published[role]


@pytest.mark.parametrize("role", ["timestamp", "snapshot", "targets"])
def test_what_is_not_to_be_had_is_withheld(tmp_path: Path, role: str) -> None:
    repository = Repository()
    repository.begun(tmp_path).refresh()
    repository.publish_all("targets")
    repository.files = {path: raw for path, raw in repository.files.items() if path not in {f"2.{role}.json", f"{role}.json"}}
    assert refused(repository.client(tmp_path).refresh).attack is Attack.MISSING


@pytest.mark.parametrize("role", ["root", "timestamp", "snapshot", "targets"])
def test_longer_files_than_allowed_are_endless_data(tmp_path: Path, role: str) -> None:
    repository = Repository()
    repository.begun(tmp_path)
    repository.publish("root", "targets", "snapshot", "timestamp")
    limits = Limits(**{role: 100})
    assert refused(repository.client(tmp_path, limits=limits).refresh).attack is Attack.ENDLESS_DATA


def test_no_more_roots_are_followed_than_allowed(tmp_path: Path) -> None:
    repository = Repository()
    client = repository.begun(tmp_path, limits=Limits(roots=3))
    for _ in range(9):
        repository.publish("root")
    client.refresh()
    assert client.trusted.root.said.version == 4


def test_metadata_of_another_role_is_named_so(tmp_path: Path) -> None:
    repository = Repository()
    repository.signers["targets"] = repository.signers["timestamp"]
    repository.publish("targets")
    repository.files["timestamp.json"] = repository.published["targets"]
    assert refused(repository.begun(tmp_path).refresh).attack is Attack.WRONG_ROLE


def test_a_root_that_skips_a_version_is_refused(tmp_path: Path) -> None:
    repository = Repository()
    repository.begun(tmp_path)
    repository.root.version = 2
    repository.publish("root")
    repository.files["2.root.json"] = repository.files.pop("3.root.json")
    assert refused(repository.client(tmp_path).refresh).attack is Attack.FAST_FORWARD


def test_a_root_replayed_under_a_later_name_is_a_roll_back(tmp_path: Path) -> None:
    repository = Repository()
    repository.publish("root")
    client = repository.begun(tmp_path)
    repository.files["3.root.json"] = repository.files["1.root.json"]
    assert refused(client.refresh).attack is Attack.ROLLBACK
    assert on_disk(tmp_path)["root.json"] == repository.files["2.root.json"]


@pytest.mark.parametrize("missing", ["old", "new"])
def test_a_root_is_signed_by_the_old_rule_and_by_its_own(tmp_path: Path, missing: str) -> None:
    repository = Repository()
    repository.begun(tmp_path)
    repository.rotate("root")
    repository.signers["root"].pop(0 if missing == "old" else 1)
    repository.publish("root")
    assert refused(repository.client(tmp_path).refresh).attack is Attack.ARBITRARY_SOFTWARE
    assert on_disk(tmp_path)["root.json"] == repository.files["1.root.json"]


@pytest.mark.parametrize("rotated", [("timestamp",), ("snapshot",), ("timestamp", "snapshot")])
def test_other_online_keys_end_a_fast_forward(tmp_path: Path, rotated: tuple[str, ...]) -> None:
    repository = Repository()
    for role in rotated:
        repository.said(role).version = 90_000
    repository.publish("snapshot", "timestamp")
    repository.begun(tmp_path).refresh()
    for role in rotated:
        repository.rotate(role)
        repository.said(role).version = 1
    repository.publish("root")
    repository.publish("snapshot", "timestamp")
    repository.client(tmp_path).refresh()
    assert on_disk(tmp_path)["timestamp.json"] == repository.published["timestamp"]


def test_what_a_rotation_ends_is_forgotten_before_the_new_root_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a power cut between the two forgets again."""
    repository = Repository()
    repository.timestamp.version = 90_000
    repository.publish("timestamp")
    repository.begun(tmp_path).refresh()
    repository.rotate("timestamp")
    repository.timestamp.version = 1
    repository.publish("root", "timestamp")
    still: list[bool] = []

    def cut(_path: Path, _raw: bytes) -> None:
        still.extend((tmp_path / name).exists() for name in ("timestamp.json", "snapshot.json"))
        raise OSError("the power is gone")

    client = repository.client(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(files, "replace", cut)
        with pytest.raises(OSError, match="power"):
            client.refresh()
    assert still == [False, False]
    repository.client(tmp_path).refresh()
    assert on_disk(tmp_path)["timestamp.json"] == repository.published["timestamp"]


def test_versions_that_nothing_can_follow_are_a_fast_forward(tmp_path: Path) -> None:
    repository = Repository()
    repository.timestamp.version = 2**31
    repository.publish("timestamp")
    assert refused(repository.begun(tmp_path).refresh).attack is Attack.FAST_FORWARD
