"""The director's files: rendered in parts, and yet read back as if written whole, by the car's reader and by python-tuf."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from repository_people import DIRECTOR, LATER, target
from securesystemslib.signer import SSlibKey
from tuf.api.metadata import Metadata as Theirs
from tuf.api.metadata import Targets as TheirTargets

from marque.car.tuf import keys as car_keys
from marque.car.tuf import reading
from marque.car.tuf.model import Target, Targets
from marque.car.uptane.claims import Delta
from marque.common import InputError
from marque.release.repository import writing
from marque.release.repository.director import Assigned, Director, part_of

DELTA = Delta("bsdiff", "b" * 64, "vela/pilot/1-2.bsdiff", 12, "d" * 64)
words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6)
assigned = st.lists(
    st.tuples(words, st.dictionaries(words, words, min_size=1, max_size=3), st.booleans()), max_size=4, unique_by=lambda one: one[0]
).filter(lambda some: len({serial for _, ecus, _ in some for serial in ecus}) == sum(len(ecus) for _, ecus, _ in some))


def expected(vehicle, version, given_):
    listed = {}
    for path, ecus, delta in given_:
        image = target(path)
        ways = [{"method": "bsdiff", "base": "b" * 64, "path": DELTA.path, "length": 12, "sha256": "d" * 64}] if delta else []
        custom = {"marque": image.custom["marque"], "assign": {"ecus": ecus, "deltas": ways}}
        listed[path] = Target(path, image.length, image.hashes, custom)
    return Targets(version=version, expires=LATER, targets=listed, vehicle=vehicle)


@given(vehicle=words, version=st.integers(1, 1000), given_=assigned)
def test_a_vehicles_file_says_what_was_assigned_and_is_signed_over_it(vehicle, version, given_):
    parts = [Assigned(part_of(target(path), [DELTA] if delta else []), ecus) for path, ecus, delta in given_]
    raw = Director(DIRECTOR).targets(vehicle, version, LATER, parts)
    said = expected(vehicle, version, given_)
    read = reading.targets(raw)
    assert read.said == said
    assert read.payload == writing.payload(said)
    assert [one.key for one in read.signatures] == [DIRECTOR.key.id]
    assert car_keys.verifies(DIRECTOR.key, read.signatures[0].value, read.payload)
    theirs = Theirs[TheirTargets].from_bytes(raw)
    key = SSlibKey(DIRECTOR.key.id, "ed25519", "ed25519", {"public": DIRECTOR.key.public})
    key.verify_signature(theirs.signatures[key.keyid], theirs.signed_bytes)
    assert {path: one.custom for path, one in theirs.signed.targets.items()} == {path: one.custom for path, one in said.targets.items()}


def test_a_part_serves_many_vehicles():
    part, director = part_of(target("vela/pilot/2.bin")), Director(DIRECTOR)
    files = [reading.targets(director.targets(f"VIN{n}", 1, LATER, [Assigned(part, {f"S{n}": "vela-pilot"})])).said for n in range(3)]
    assert [one.vehicle for one in files] == ["VIN0", "VIN1", "VIN2"]
    assert [one.targets["vela/pilot/2.bin"].custom["assign"]["ecus"] for one in files] == [{f"S{n}": "vela-pilot"} for n in range(3)]


def test_a_target_without_claims_is_not_offered():
    with pytest.raises(InputError, match="has no claims"):
        part_of(Target("vela/pilot/1.bin", 1, {"sha256": "0" * 64}))


def test_one_ecu_for_two_targets_is_refused():
    parts = [Assigned(part_of(target(path)), {"S1": "vela-pilot"}) for path in ("vela/a/1.bin", "vela/b/1.bin")]
    with pytest.raises(InputError, match="listed twice"):
        Director(DIRECTOR).targets("VIN", 1, LATER, parts)


def test_one_target_twice_is_refused():
    part = part_of(target("vela/a/1.bin"))
    with pytest.raises(InputError, match="listed twice"):
        Director(DIRECTOR).targets("VIN", 1, LATER, [Assigned(part, {"S1": "h"}), Assigned(part, {"S2": "h"})])
