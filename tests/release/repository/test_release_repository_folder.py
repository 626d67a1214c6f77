"""A repository as a folder: what stock python-tuf downloads from it, and what the car's own workflow trusts of it; and hash bins."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from repository_people import BOTH, DELEGATIONS, LATER, NOW, ONLINE, PARTIES, PEOPLE, SNAPSHOT, TIME, TIMESTAMP, target
from tuf.api.exceptions import DownloadHTTPError
from tuf.api.metadata import SuccinctRoles
from tuf.ngclient import Updater, UpdaterConfig
from tuf.ngclient.fetcher import FetcherInterface

from marque.car.attacks import UpdateRefused
from marque.car.tuf.matching import bin_name, bin_names
from marque.car.tuf.model import Bins, Role, Targets
from marque.car.tuf.trusted import Trusted
from marque.common import InputError
from marque.release.repository import bins, checking
from marque.release.repository.folder import Folder, Online
from marque.release.repository.keys import signed
from marque.release.repository.roles import targets_with
from marque.release.repository.root import first_root, renew

SERVER = Online(SNAPSHOT, TIMESTAMP)
CONTENT = b"an image of the pilot"
IMAGE = target("vela/pilot/pilot.bin", CONTENT)


@pytest.fixture
def folder(tmp_path):
    made = Folder(tmp_path / "repository")
    made.add_root(signed(first_root(PARTIES, ONLINE, LATER, time=TIME.key), BOTH))
    made.add_target(IMAGE, CONTENT)
    listed = targets_with(None, [IMAGE], expires=LATER)
    roles = {
        "targets": signed(Targets(version=1, expires=LATER, targets={}, delegations=DELEGATIONS), BOTH),
        "vela-gac": signed(listed, PEOPLE["gac"][:2]),
        "vela-huawei": signed(listed, PEOPLE["huawei"][1:]),
    }
    roles |= {f"withdrawn-{code}": signed(targets_with(None, expires=LATER), people[:1]) for code, people in PEOPLE.items()}
    made.publish(roles, SERVER, NOW)
    return made


class Files(FetcherInterface):
    def __init__(self, folder):
        self._folder, self.asked = folder, []

    def _fetch(self, url):
        self.asked.append(url.removeprefix("http://r/"))
        place = self._folder.metadata.parent / self.asked[-1]
        if not place.exists():
            raise DownloadHTTPError("no such file", 404)
        yield place.read_bytes()


def updater(folder, tmp_path):
    (tmp_path / "trusted").mkdir()
    (tmp_path / "downloads").mkdir()
    places = str(tmp_path / "trusted"), "http://r/metadata/", str(tmp_path / "downloads"), "http://r/targets/"
    made = Updater(*places, Files(folder), UpdaterConfig(), bootstrap=folder.read("root", 1))
    made._trusted_set.reference_time = NOW
    return made


def test_python_tuf_refreshes_and_downloads(folder, tmp_path):
    client = updater(folder, tmp_path)
    client.refresh()
    info = client.get_targetinfo(IMAGE.path)
    assert info is not None
    path = client.download_target(info)
    with open(path, "rb") as file:  # noqa: PTH123
        assert file.read() == CONTENT


def test_the_cars_workflow_trusts_it(folder):
    trusted = Trusted(folder.read("root", 1), NOW, repository="image")
    trusted.update_timestamp(folder.read("timestamp"))
    trusted.update_snapshot(folder.read("snapshot"))
    trusted.update_targets(folder.read("targets"), "targets", "root")
    for name in ("vela-gac", "vela-huawei", "withdrawn-gac", "withdrawn-huawei"):
        trusted.update_targets(folder.read(name), name, "targets")
    assert trusted.targets["vela-gac"].said.targets == trusted.targets["vela-huawei"].said.targets == {IMAGE.path: IMAGE}


def test_publishing_again_keeps_what_was_there_and_counts_on(folder):
    later = targets_with(folder.role("vela-gac").said, [target("vela/pilot/2.bin", counter=2)], expires=LATER)
    folder.publish({"vela-gac": signed(later, PEOPLE["gac"][:2])}, SERVER, NOW)
    assert folder.versions("vela-gac") == [1, 2]
    assert folder.versions("snapshot") == [1, 2]
    trusted = Trusted(folder.read("root", 1), NOW)
    assert trusted.update_timestamp(folder.read("timestamp")).said.version == 2
    listed = trusted.update_snapshot(folder.read("snapshot")).said.meta
    assert {name: file.version for name, file in listed.items() if file.version > 1} == {"vela-gac.json": 2}
    assert len(listed) == 5


def test_a_version_that_does_not_grow_is_not_published(folder):
    before = folder.read("timestamp")
    with pytest.raises(InputError, match="version 1 is published already"):
        folder.publish({"vela-gac": folder.read("vela-gac")}, SERVER, NOW)
    assert folder.read("timestamp") == before


def test_what_is_no_metadata_is_not_published(folder):
    with pytest.raises(UpdateRefused):
        folder.publish({"vela-gac": b"{}"}, SERVER, NOW)
    assert folder.versions("vela-gac") == [1]


def test_a_root_follows_the_newest(folder):
    first = folder.root().said
    with pytest.raises(InputError, match="does not follow"):
        folder.add_root(signed(first, BOTH))
    folder.add_root(signed(renew(first, LATER), BOTH))
    assert folder.root().said.version == 2


def test_online_roles_are_signed_anew_when_half_their_life_is_over(folder):
    assert folder.refresh(SERVER, NOW + timedelta(hours=11)) is False
    assert folder.refresh(SERVER, NOW + timedelta(hours=13)) is True
    assert folder.versions("snapshot") == [1, 2]


def test_bytes_that_are_not_the_targets_are_refused(folder):
    with pytest.raises(InputError, match="not those of the target"):
        folder.add_target(IMAGE, CONTENT + b".")


@pytest.mark.parametrize("path", ["../outside", "/etc/passwd", "vela/../../x", ""])
def test_a_path_stays_in_the_repository(folder, path):
    with pytest.raises(InputError, match="stays in the repository"):
        folder.place(target(path))


def test_what_is_not_there_is_said(folder):
    with pytest.raises(InputError, match="no such metadata"):
        folder.read("nova-gac")
    assert folder.role("nova-gac") is None


@given(path=st.text(st.characters(exclude_categories=["Cs"]), min_size=1), bits=st.integers(1, 16))
def test_a_path_is_in_the_bin_that_python_tuf_looks_in(path, bits):
    theirs = SuccinctRoles(["a"], 1, bits, "bin")
    ours = Bins(Role(("a",), 1), bits, "bin")
    assert bin_name(ours, path) == theirs.get_role_for_target(path)


@pytest.mark.parametrize("bits", [1, 4, 5, 9])
def test_bins_are_named_as_python_tuf_names_them(bits):
    assert list(bin_names(Bins(Role(("a",), 1), bits, "x"))) == list(SuccinctRoles(["a"], 1, bits, "x").get_roles())


def test_the_number_of_bins_makes_snapshot_and_bin_small_together():
    def loaded(bits):
        return 2**bits * bins.LISTED_BYTES + 100_000 * bins.ENTRY_BYTES / 2**bits

    best = bins.bits_for(100_000)
    assert loaded(best) < min(loaded(best - 1), loaded(best + 1))
    assert loaded(best) < 120_000
    assert bins.bits_for(1) < 4


def test_bins_of_two_parties_are_signed_by_each_and_downloaded_by_both_clients(tmp_path):
    made = Folder(tmp_path / "repository")
    made.add_root(signed(first_root(PARTIES, ONLINE, LATER), BOTH))
    below = bins.delegated(PARTIES, 3)
    images = {f"vela/pilot/{number}.bin": bytes([number]) for number in range(40)}
    spread = bins.spread([target(path, content) for path, content in images.items()], below.bins)
    assert sum(map(len, spread.values())) == 40
    roles = {"targets": signed(Targets(version=1, expires=LATER, targets={}, delegations=below), BOTH)}
    roles |= dict(bins.files(spread, 1, LATER, BOTH))
    made.publish(roles, SERVER, NOW, by_version_alone="bin-")
    client = updater(made, tmp_path)
    client.refresh()
    assert all(client.get_targetinfo(path) is not None for path in images)
    assert client.get_targetinfo("vela/pilot/none.bin") is None
    trusted = Trusted(made.read("root", 1), NOW)
    trusted.update_timestamp(made.read("timestamp"))
    trusted.update_snapshot(made.read("snapshot"))
    trusted.update_targets(made.read("targets"), "targets", "root")
    for name, listed in spread.items():
        assert trusted.update_targets(made.read(name), name, "targets").said.targets == listed
    alone = signed(Targets(version=1, expires=LATER, targets={}), PEOPLE["gac"])
    with pytest.raises(UpdateRefused, match="huawei"):
        trusted.update_targets(alone, "bin-0", "targets")


def test_a_bin_that_changed_is_written_alone():
    below = bins.delegated(PARTIES, 2)
    spread = bins.spread([target(f"v/a/{number}") for number in range(9)], below.bins)
    (only,) = bins.files({"bin-1": spread["bin-1"]}, {"bin-1": 7}, LATER, BOTH)
    assert only[0] == "bin-1"
    assert b'"version":7' in only[1]


def test_a_whole_repository_is_found_good(folder):
    found = checking.check(folder, NOW)
    assert (found.problems, found.open, found.expiring) == ((), (), {})
    assert (found.roots, found.roles, found.targets) == (1, 5, 1)


def test_what_a_car_would_refuse_is_found(folder):
    folder.place(IMAGE).write_bytes(CONTENT[::-1])
    assert checking.check(folder, NOW).problems == (f"{IMAGE.path}: its bytes do not have the SHA-256 that is listed",)
    folder.place(IMAGE).write_bytes(CONTENT[1:])
    assert "not as many" in checking.check(folder, NOW).problems[0]
    folder.place(IMAGE).unlink()
    assert "not in the folder" in checking.check(folder, NOW).problems[0]
    (folder.metadata / "1.vela-huawei.json").unlink()
    assert any("vela-huawei" in one for one in checking.check(folder, NOW).problems)


def test_a_role_signed_by_the_other_partner_is_found(folder):
    listed = targets_with(folder.role("vela-gac").said, [target("vela/pilot/2.bin", counter=2)], expires=LATER)
    folder.publish({"vela-gac": signed(listed, PEOPLE["huawei"])}, SERVER, NOW)
    (problem,) = checking.check(folder, NOW).problems
    assert "vela-gac.json" in problem


def test_what_expired_is_found_and_what_will_soon(folder):
    assert "expired" in checking.check(folder, NOW + timedelta(days=2)).problems[0]
    folder.refresh(SERVER, LATER - timedelta(days=20))
    soon = checking.check(folder, LATER - timedelta(days=20)).expiring
    assert set(soon) == {"root.json", "targets.json", "vela-gac.json", "vela-huawei.json", "withdrawn-gac.json", "withdrawn-huawei.json"}


def test_a_target_that_one_partner_alone_lists_is_open(folder):
    more = target("vela/pilot/2.bin", b"second", counter=2)
    folder.add_target(more, b"second")
    folder.publish({"vela-gac": signed(targets_with(folder.role("vela-gac").said, [more], expires=LATER), BOTH[:2])}, SERVER, NOW)
    found = checking.check(folder, NOW)
    assert (found.problems, found.open) == ((), (more.path,))


def test_a_role_that_nobody_delegates_is_found(folder):
    folder.publish({"stray": signed(targets_with(None, expires=LATER), BOTH)}, SERVER, NOW)
    assert checking.check(folder, NOW).problems == ("stray.json: the snapshot lists it, and nobody delegates it",)


def test_a_root_of_one_partner_alone_is_found(folder):
    (folder.metadata / "2.root.json").write_bytes(signed(renew(folder.root().said, LATER), PEOPLE["huawei"]))
    assert "gac" in checking.check(folder, NOW).problems[0]
