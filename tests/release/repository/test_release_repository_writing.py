"""What is written reads back equal, by the car's reader and by python-tuf, and both sign the very same bytes."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from repository_people import BOTH, DELEGATIONS, LATER, NOW, ONLINE, PARTIES, TIME, target
from securesystemslib.formats import encode_canonical
from tuf.api.metadata import Metadata as Theirs

from marque.car.tuf import reading
from marque.car.tuf.canonical import encode
from marque.car.tuf.model import (
    Bins,
    Delegation,
    Delegations,
    File,
    Key,
    Role,
    Root,
    Signature,
    Snapshot,
    Target,
    Targets,
    Timestamp,
    Withdrawal,
)
from marque.release.repository import writing
from marque.release.repository.keys import signed
from marque.release.repository.root import first_root

ODD = 'vela/a/ü\n"\\.bin'

words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
names = st.from_regex(r"[a-z][a-z0-9-]{0,7}", fullmatch=True).filter(lambda name: name not in {"root", "targets", "snapshot", "timestamp"})
versions = st.integers(1, 2**31 - 1)
instants = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)).map(lambda at: at.replace(microsecond=0, tzinfo=UTC))  # noqa: DTZ001
digests = st.binary(min_size=32, max_size=32).map(bytes.hex)
hashes = st.fixed_dictionaries({"sha256": digests})
roles = st.builds(Role, st.lists(digests, min_size=1, max_size=3, unique=True).map(tuple), st.integers(1, 9), st.integers(0, 3))
keys = st.builds(Key, digests, st.just("ed25519"), st.just("ed25519"), digests, st.sampled_from(["", "gac"]))
key_tables = st.lists(keys, max_size=3).map(lambda some: {one.id: one for one in some})
files = st.builds(File, versions, st.none() | st.integers(0, 9), st.just({}) | hashes)
customs = st.dictionaries(words, st.recursive(words | st.integers() | st.booleans() | st.none(), lambda below: st.lists(below, max_size=2)))
targets_listed = st.lists(st.builds(Target, words, st.integers(0, 2**40), hashes, customs), max_size=3).map(
    lambda some: {one.path: one for one in some}
)
delegated = st.builds(
    lambda name, role, ending, paths, prefixes, hardware: Delegation(
        name=name, role=role, terminating=ending, paths=paths, hash_prefixes=None if paths is not None else prefixes, hardware=hardware
    ),
    names,
    roles,
    st.booleans(),
    st.none() | st.lists(words, min_size=1, max_size=2).map(tuple),
    st.lists(st.from_regex(r"[0-9a-f]{1,4}", fullmatch=True), min_size=1, max_size=2).map(tuple),
    st.lists(names, max_size=2, unique=True).map(tuple),
)
by_name = st.lists(delegated, max_size=4, unique_by=lambda one: one.name).map(tuple)
delegations = st.builds(
    lambda known, listed: Delegations(keys=known, roles=listed, all_of=(tuple(one.name for one in listed[:2]),) if len(listed) > 1 else ()),
    key_tables,
    by_name,
) | st.builds(lambda known, bins: Delegations(keys=known, bins=bins), key_tables, st.builds(Bins, roles, st.integers(1, 16), names))
withdrawals = st.dictionaries(digests, st.builds(Withdrawal, instants, words), max_size=2)


@given(
    said=st.one_of(
        st.builds(
            lambda version, expires, known, role, parties, time: Root(
                version=version, expires=expires, consistent_snapshot=True, keys=known, parties=parties, time=time,
                roles=dict.fromkeys(["root", "timestamp", "snapshot", "targets"], role),
            ),
            versions, instants, key_tables, roles, st.sampled_from([(), ("gac", "huawei")]), st.none() | roles,
        ),
        st.builds(lambda version, expires, file: Timestamp(version=version, expires=expires, snapshot=file), versions, instants, files),
        st.builds(
            lambda version, expires, meta: Snapshot(version=version, expires=expires, meta=meta),
            versions, instants, st.dictionaries(names.map("{}.json".format), files, max_size=3),
        ),
        st.builds(
            lambda version, expires, listed, below, gone, vehicle: Targets(
                version=version, expires=expires, targets=listed, delegations=below, withdrawn=gone, vehicle=vehicle
            ),
            versions, instants, targets_listed, st.none() | delegations, withdrawals, st.just("") | words,
        ),
    )
)  # fmt: skip
@settings(max_examples=100)
def test_whatever_is_written_reads_back_equal(said):
    payload = writing.payload(said)
    raw = writing.dumps(payload, [Signature("b" * 64, b"two"), Signature("a" * 64, b"one")])
    read = {Root: reading.root, Timestamp: reading.timestamp, Snapshot: reading.snapshot, Targets: reading.targets}[type(said)](raw)
    assert read.said == said
    assert read.payload == payload
    assert [one.value for one in read.signatures] == [b"one", b"two"]


@pytest.mark.parametrize(
    "said",
    [
        first_root(PARTIES, ONLINE, LATER, time=TIME.key),
        Timestamp(version=3, expires=NOW, snapshot=File(2, 10, {"sha256": "a" * 64})),
        Snapshot(version=2, expires=NOW, meta={"targets.json": File(1), "vela-gac.json": File(7, 5, {"sha256": "b" * 64})}),
        Targets(version=1, expires=NOW, targets={}, delegations=DELEGATIONS),
        Targets(version=1, expires=NOW, targets={ODD: target(ODD)}, withdrawn={"c" * 64: Withdrawal(NOW, "a\ttab")}),
    ],
    ids=["root", "timestamp", "snapshot", "delegations", "targets"],
)  # fmt: skip
def test_python_tuf_reads_it_and_verifies_over_the_same_bytes(said):
    raw = signed(said, BOTH)
    theirs = Theirs.from_bytes(raw)
    assert theirs.signed_bytes == writing.payload(said) == encode_canonical(json.loads(raw)["signed"]).encode()
    assert theirs.signed.version == said.version
    assert sorted(theirs.signatures) == sorted(one.key.id for one in BOTH)
    if isinstance(said, Root):
        theirs.verify_delegate("root", theirs)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_control_characters_of_a_payload_are_escaped_for_json(text):
    payload = encode({"text": text})
    assert json.loads(writing.json_of(payload)) == {"text": text}


def test_one_key_signs_a_file_once():
    raw = writing.dumps(b"{}", [Signature("a", b"1"), Signature("a", b"2")])
    assert json.loads(raw)["signatures"] == [{"keyid": "a", "sig": b"2".hex()}]


def test_instants_are_written_in_utc_and_whole_seconds():
    east = datetime.fromisoformat("2026-11-29T22:00:00.75+08:00")
    assert writing.instant(east) == "2026-11-29T14:00:00Z"
