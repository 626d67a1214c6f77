"""Metadata read as the reference implementation wrote it, strictly, and by nothing that is read thrown off the rails."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tuf_simulator import GAC, HUAWEI, LATER, NOW, Repository, TwoParties

from marque.car.attacks import Attack, UpdateRefused
from marque.car.tuf import reading
from marque.car.tuf.model import Bins, Role
from marque.car.tuf.trusted import Trusted

READERS: dict[str, Callable[..., Any]] = {
    "root": reading.root,
    "timestamp": reading.timestamp,
    "snapshot": reading.snapshot,
    "targets": reading.targets,
    "vela-gac": reading.targets,
    "withdrawn-gac": reading.targets,
}
IMAGE = "vela/ad/drive.img"


@cache
def honest() -> TwoParties:
    repository = TwoParties()
    repository.release(IMAGE, b"image", evidence="e")
    withdrawn = {"a" * 64: {"at": "2027-02-01T00:00:00Z", "reason": "a fault"}}
    repository.said("withdrawn-gac").unrecognized_fields["x-marque-withdrawn"] = withdrawn
    repository.publish_all("vela-gac", "vela-huawei", "withdrawn-gac")
    return repository


def raw_of(role: str) -> bytes:
    return honest().published[role]


def test_root_says_what_was_written() -> None:
    repository, said = honest(), reading.root(raw_of("root")).said
    assert (said.version, said.expires, said.consistent_snapshot, said.parties) == (1, LATER, True, (GAC, HUAWEI))
    assert said.roles["root"] == Role(tuple(repository.root.roles["root"].keyids), 4, 2)
    assert {key.id: (key.kind, key.scheme, key.public, key.organisation) for key in said.keys.values()} == {
        id_: (key.keytype, key.scheme, key.keyval["public"], key.unrecognized_fields.get("x-marque-organisation", ""))
        for id_, key in repository.root.keys.items()
    }


def test_targets_say_what_was_written() -> None:
    said = reading.targets(raw_of("targets")).said
    assert said.delegations is not None
    assert said.delegations.all_of == (("vela-gac", "vela-huawei"),)
    first = said.delegations.roles[0]
    assert (first.name, first.paths, first.hardware, first.role.threshold) == ("vela-gac", ("vela/*/*",), ("ad-1", "hmi-2"), 2)
    target = reading.targets(raw_of("vela-gac")).said.targets[IMAGE]
    assert (target.length, target.custom) == (5, {"marque": {"hardware": ["ad-1"], "evidence": "e"}})
    withdrawn = reading.targets(raw_of("withdrawn-gac")).said.withdrawn["a" * 64]
    assert (withdrawn.at, withdrawn.reason, withdrawn.by) == (datetime(2027, 2, 1, tzinfo=UTC), "a fault", "")


def test_bins_are_read_with_how_many_of_each_sign() -> None:
    repository = Repository()
    repository.bins("targets", 5, "bin", each=1)
    repository.publish("targets")
    said = reading.targets(repository.published["targets"]).said
    assert said.delegations is not None
    assert isinstance(said.delegations.bins, Bins)
    assert (said.delegations.bins.bits, said.delegations.bins.prefix, said.delegations.bins.role.each) == (5, "bin", 1)


@pytest.mark.parametrize("role", READERS)
def test_the_payload_is_what_the_reference_implementation_signs(role: str) -> None:
    assert READERS[role](raw_of(role)).payload == honest().metadata[role].signed_bytes


@pytest.mark.parametrize("role", READERS)
@pytest.mark.parametrize("other", ["root", "timestamp", "snapshot", "targets"])
def test_a_file_of_another_kind_is_the_wrong_role(role: str, other: str) -> None:
    if READERS[role] is READERS[other]:
        assert READERS[other](raw_of(role)).said.version
        return
    with pytest.raises(UpdateRefused) as met:
        READERS[other](raw_of(role))
    assert met.value.attack is Attack.WRONG_ROLE


def change(value: Any, place: str, new: Any) -> None:
    *path, last = place.split(".")
    for name in path:
        value = value[int(name)] if isinstance(value, list) else value[name]
    if new is ...:
        del value[last]
    else:
        value[int(last) if isinstance(value, list) else last] = new


@pytest.mark.parametrize(
    ("role", "place", "new"),
    [
        ("root", "signed", []),
        ("root", "signatures", {}),
        ("root", "signatures.0.keyid", 7),
        ("root", "signatures.0.sig", 7),
        ("root", "signed._type", ...),
        ("root", "signed.spec_version", "2.0.0"),
        ("root", "signed.version", 0),
        ("root", "signed.version", True),
        ("root", "signed.version", "1"),
        ("root", "signed.expires", "2031-02-30T00:00:00Z"),
        ("root", "signed.expires", "2031-02-03"),
        ("root", "signed.expires", "2031-02-03T00:00:00+00:00"),
        ("root", "signed.consistent_snapshot", "yes"),
        ("root", "signed.keys", []),
        ("root", "signed.roles.root.threshold", 0),
        ("root", "signed.roles.root.keyids", "all"),
        ("root", "signed.roles.root.x-marque-each", 0),
        ("root", "signed.roles.timestamp", []),
        ("root", "signed.x-marque-parties", "gac"),
        ("root", "signed.x-marque-parties", ["gac", "gac"]),
        ("root", "signed.x-marque-time", {}),
        ("timestamp", "signed.meta", {}),
        ("timestamp", "signed.meta", {"snapshot.json": {"version": 0}}),
        ("timestamp", "signed.meta", {"snapshot.json": {"version": 1, "length": -1}}),
        ("timestamp", "signed.meta", {"snapshot.json": {"version": 1, "hashes": {}}}),
        ("timestamp", "signed.meta", {"snapshot.json": {"version": 1, "hashes": {"sha256": "../../x"}}}),
        ("snapshot", "signed.meta", []),
        ("snapshot", "signed.meta", {"targets.json": 1}),
        ("targets", "signed.targets", []),
        ("targets", "signed.delegations", {}),
        ("targets", "signed.delegations.keys", []),
        ("targets", "signed.delegations.roles", {}),
        ("targets", "signed.delegations.succinct_roles", {}),
        ("targets", "signed.delegations.roles.0.name", ""),
        ("targets", "signed.delegations.roles.0.name", "x" * 201),
        ("targets", "signed.delegations.roles.0.terminating", 1),
        ("targets", "signed.delegations.roles.0.paths", ...),
        ("targets", "signed.delegations.roles.0.path_hash_prefixes", ["a"]),
        ("targets", "signed.delegations.roles.0.x-marque-hardware", "ad-1"),
        ("targets", "signed.delegations.x-marque-all-of", [["vela-gac"]]),
        ("targets", "signed.delegations.x-marque-all-of", [["vela-gac", "nobody"]]),
        ("targets", "signed.delegations.x-marque-all-of", [["vela-gac", "vela-huawei"], ["vela-gac", "withdrawn-gac"]]),
        ("targets", "signed.delegations.x-marque-all-of", "all"),
        ("targets", "signed.x-marque-vehicle", 7),
        ("vela-gac", "signed.targets", {IMAGE: {"length": 5, "hashes": {}}}),
        ("vela-gac", "signed.targets", {IMAGE: {"length": -5, "hashes": {"sha256": "ab"}}}),
        ("vela-gac", "signed.targets", {IMAGE: {"length": 5, "hashes": {"sha256": "ab"}, "custom": 7}}),
        ("withdrawn-gac", "signed.x-marque-withdrawn", {"abc": {"at": "2027-02-01T00:00:00Z", "reason": "r"}}),
        ("withdrawn-gac", "signed.x-marque-withdrawn", {"a" * 64: {"at": "today", "reason": "r"}}),
        ("withdrawn-gac", "signed.x-marque-withdrawn", {"a" * 64: {"at": "2027-02-01T00:00:00Z"}}),
    ],
)
def test_a_field_that_is_not_of_its_type_is_malformed(role: str, place: str, new: Any) -> None:
    value = json.loads(raw_of(role))
    change(value, place, new)
    with pytest.raises(UpdateRefused) as met:
        READERS[role](json.dumps(value).encode(), f"{role}.json", "image")
    assert (met.value.attack, met.value.file, met.value.repository) == (Attack.MALFORMED, f"{role}.json", "image")


@pytest.mark.parametrize(
    ("role", "place", "attack"),
    [
        ("root", "signed.roles.root.keyids", Attack.DOUBLED_KEY),
        ("root", "signatures", Attack.DOUBLED_KEY),
        ("targets", "signed.delegations.roles", Attack.WRONG_ROLE),
    ],
)
def test_what_is_named_twice_is_refused(role: str, place: str, attack: Attack) -> None:
    value = json.loads(raw_of(role))
    found = value
    for name in place.split("."):
        found = found[name]
    found.append(found[0])
    with pytest.raises(UpdateRefused) as met:
        READERS[role](json.dumps(value).encode())
    assert met.value.attack is attack


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for name, one in inner for place in places(one, (*path, name)))]


JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 2**70)
    | st.text(max_size=6)
    | st.sampled_from(["root", "targets", "gac", "../x", "\ud800", "*", IMAGE]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(st.data())
def test_metadata_with_anything_anywhere_is_read_or_refused_and_nothing_else(data: st.DataObject) -> None:
    """Signed again by those who hold the keys, so that what is read goes all the way."""
    role = data.draw(st.sampled_from(sorted(READERS)))
    value = json.loads(raw_of(role))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.sampled_from(places(value["signed"])))
        if not place:
            continue
        holder = value["signed"]
        for name in place[:-1]:
            holder = holder[name]
        if data.draw(st.booleans()) and isinstance(holder, dict):
            holder.pop(place[-1])
        else:
            holder[place[-1]] = copy.deepcopy(data.draw(JUNK))
    repository = TwoParties.__new__(TwoParties)
    repository.__dict__.update(honest().__dict__)
    repository.files, repository.asked = dict(honest().files), []
    with suppress(UnicodeEncodeError):  # text that cannot be signed
        repository.tampered(role, lambda was: was.update(value), sign=True)
    with suppress(UpdateRefused):
        READERS[role](repository.files.get(f"{role}.json") or repository.files[f"{honest().said(role).version}.{role}.json"])
    with suppress(UpdateRefused):
        through(repository)


def through(repository: Repository) -> None:
    """The whole workflow on what is served, without a disk."""
    trusted = Trusted(repository.files["1.root.json"], NOW)
    trusted.update_timestamp(repository.files["timestamp.json"])
    for role, update in (("snapshot", trusted.update_snapshot), ("targets", trusted.update_targets)):
        update(repository.files[f"{honest().said(role).version}.{role}.json"])
    for role in ("vela-gac", "vela-huawei", "withdrawn-gac"):
        trusted.update_targets(repository.files[f"{honest().said(role).version}.{role}.json"], role, "targets")


def test_the_honest_files_go_all_the_way() -> None:
    through(honest())


@pytest.mark.parametrize("role", READERS)
@given(st.binary(max_size=40), st.integers(min_value=0), st.integers(0, 40))
def test_metadata_with_other_bytes_anywhere_is_read_or_refused_and_nothing_else(role: str, junk: bytes, place: int, gone: int) -> None:
    raw = raw_of(role)
    place %= len(raw) + 1
    with suppress(UpdateRefused):
        READERS[role](raw[:place] + junk + raw[place + gone :])


def test_what_others_add_is_left_alone(tmp_path: Path) -> None:
    repository = Repository()
    repository.root.unrecognized_fields["x-somebody"] = {"a": [1, None, "é\n"]}
    next(iter(repository.root.keys.values())).unrecognized_fields["x-owner"] = "me"
    repository.root.roles["root"].unrecognized_fields["x-period"] = 7
    repository.publish("root")
    client = repository.begun(tmp_path)
    client.refresh()
    assert client.trusted.root.said.version == 2
