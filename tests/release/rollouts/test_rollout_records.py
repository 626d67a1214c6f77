"""Records of updates: made once of each, saying what ran before and after and why it was allowed; verified with nothing else."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import timedelta

import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st
from rollout_world import CARMAKER, OTHER, PARTNER

from marque.alliance import audit, signing
from marque.car.attacks import Attack
from marque.car.uptane import reports
from marque.car.uptane.vehicle import Installed
from marque.common import InputError, Missing
from marque.release.repository.keys import FileSigner
from marque.release.rollouts import records
from marque.release.rollouts.model import Group, Thresholds, Told

OPEN = Group(name="all", soak=timedelta(), thresholds=Thresholds(least=1, reported=1.0, error=1.0, success=0.0), attempts=1)
SERVER, OTHER_KEY = FileSigner(Ed25519PrivateKey.from_private_bytes(b"s" * 32)), FileSigner(Ed25519PrivateKey.from_private_bytes(b"o" * 32))
ECU = Ed25519PrivateKey.from_private_bytes(b"e" * 32)
IMAGE = hashlib.sha256(b"image").hexdigest()


def manifest(world, car: str, counter: int, runs: int) -> bytes:
    """As the car signs it, kept as its endpoint keeps it."""
    installed = Installed(release="pilot", version=f"{runs}.0", counter=runs, sha256=IMAGE, length=5, path="vela/x", evidence=IMAGE)
    serial = f"{car}-adas"
    report = reports.report(serial, "soc-2", installed, "nonce", ECU.sign)
    raw = reports.manifest(
        vehicle=car, primary=serial, nonce="nonce", counter=counter, at=world.database.clock.now(), director_version=3,
        state=reports.State.INSTALLED, reports=[report], sign=ECU.sign,
    )  # fmt: skip
    with world.serving() as tx:
        tx.execute("update release.ecu set public_key = %s", (ECU.public_key().public_bytes_raw().hex(),))
        tx.execute(
            "insert into release.manifest (organisation, lead, programme, vehicle, counter, created_at, digest, raw)"
            " values (%s, %s, %s, %s, %s, %s, %s, %s)",
            (CARMAKER, *world.of, car, counter, tx.now, hashlib.sha256(raw).hexdigest(), raw),
        )  # fmt: skip
    return raw


@pytest.fixture
def updated(world):
    """Two cars that ran counter 1 and were given counter 2: one has it, the other refused it."""
    world.register(2, installed=1)
    world.release(1)
    rollout = world.running(OPEN, release=world.release(2))
    world.offers("LGX0000000", "LGX0000001")
    world.passes(minutes=5)
    raw = manifest(world, "LGX0000000", 7, 2)
    at = world.database.clock.now() - timedelta(minutes=2)
    world.record(
        world.told("LGX0000000", 7, release=rollout.release, manifest=hashlib.sha256(raw).hexdigest(), consented=at),
        world.told("LGX0000001", 3, Told.REFUSED, attack=Attack.WRONG_HARDWARE, problem="it is for soc-3"),
    )
    return rollout


def made(world) -> int:
    with world.serving() as tx:
        return records.make(tx, SERVER)


def of_car(world, car, by=CARMAKER):
    with world.acting(by) as tx:
        return records.of_car(tx, *world.of, car)


def test_a_record_says_what_ran_before_and_after_and_why_it_was_allowed(world, updated):
    assert (made(world), made(world)) == (2, 0)
    (kept,) = of_car(world, "LGX0000000")
    checked = records.verify(kept.envelope, [SERVER.key, OTHER_KEY.key])
    assert (checked.findings, checked.key) == ((), SERVER.key.id)
    said = checked.said
    assert said["rxswin"] == {"before": {"R157": ["pilot-1"]}, "after": {"R157": ["pilot-2"]}}
    assert [(one["ecu"], one["counter"]) for side in ("before", "after") for one in said["software"][side]] == [
        ("LGX0000000-adas", 1), ("LGX0000000-adas", 2),
    ]  # fmt: skip
    assert said["release"]["id"] == str(updated.release)
    assert {one["organisation"] for one in said["approvals"]} == {CARMAKER, PARTNER}
    assert (said["filing"]["market"], said["filing"]["state"]) == ("eu", "filed")
    assert said["outcome"] == {"ended": "installed", "told": "installed", "problem": "", "attack": ""}
    assert said["consent"]["at"] < said["instants"]["received"]
    assert said["evidence"] == hashlib.sha256(b"evidence pilot 2").hexdigest()
    (refused,) = of_car(world, "LGX0000001")
    outcome = records.verify(refused.envelope, [SERVER.key]).said["outcome"]
    assert outcome == {"ended": "failed", "told": "refused", "problem": "it is for soc-3", "attack": "wrong hardware"}


@pytest.mark.usefixtures("updated")
def test_records_are_seen_by_those_of_the_agreement_and_counted_in_the_audit_log(world):
    made(world)
    assert len(of_car(world, "LGX0000000", PARTNER)) == 1
    with pytest.raises(Missing):
        of_car(world, "LGX0000000", OTHER)
    with world.acting(PARTNER) as tx:
        entry = next(one for one in audit.entries(tx) if one.kind == "release-update-records")
        listed = records.of_rollout(tx, *world.of, of_car(world, "LGX0000000")[0].rollout)
    assert entry.body["records"] == 2
    assert entry.body["digest"] == hashlib.sha256("".join(sorted(one.digest for one in listed)).encode()).hexdigest()


@pytest.mark.usefixtures("updated")
def test_a_record_that_was_changed_or_signed_by_another_does_not_hold(world):
    made(world)
    raw = of_car(world, "LGX0000000")[0].envelope
    assert records.verify(raw, [OTHER_KEY.key]).findings == ("it is not signed by a key that is trusted for records",)
    said = dict(records.verify(raw, [SERVER.key]).said)
    for change in (
        {"software": said["software"] | {"after": [said["software"]["after"][0] | {"counter": 9}]}},
        {"manifest": said["manifest"] | {"counter": 8}},
        {"manifest": said["manifest"] | {"sha256": "0" * 64}},
        {"manifest": said["manifest"] | {"keys": {"LGX0000000-adas": "ab" * 32}}},
        {"vehicle": "LGX0000001"},
        {"manifest": said["manifest"] | {"raw": ""}},
    ):
        resealed = records.seal(rfc8785.dumps(said | change), SERVER)
        assert records.verify(resealed, [SERVER.key]).findings, f"the server alone says {change}: the car does not"


def test_whatever_byte_of_a_record_is_changed_it_does_not_hold_or_is_none(world, updated):  # noqa: ARG001  the fixture updates
    made(world)
    raw = of_car(world, "LGX0000000")[0].envelope
    before = records.verify(raw, [SERVER.key]).said

    @settings(max_examples=300)
    @given(st.integers(0, len(raw) - 1), st.integers(1, 255))
    def changed(place, by):
        other = raw[:place] + bytes([raw[place] ^ by]) + raw[place + 1 :]
        try:
            checked = records.verify(other, [SERVER.key])
        except InputError:
            return
        assert not checked.ok or checked.said == before

    changed()


anything = st.recursive(
    st.none() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["raw", "sha256", "after", "x"]), inner),
    max_leaves=8,
)


@given(anything)
def test_what_is_no_record_never_breaks_the_verifier(said):
    for whole in (said, {"kind": records.KIND, "manifest": said, "software": said, "vehicle": said}):
        try:
            checked = records.verify(records.seal(json.dumps(whole).encode(), SERVER), [SERVER.key])
        except InputError:
            continue
        assert not checked.ok


def test_another_type_of_envelope_is_no_record():
    with pytest.raises(InputError):
        records.verify(signing.sign(b"{}", ECU), [SERVER.key])


def test_a_car_without_a_manifest_has_a_record_of_what_the_server_knows(world):
    rollout = world.running(replace(OPEN), cars=1)
    world.offers("LGX0000000")
    world.record(world.told("LGX0000000", 1, Told.DECLINED, release=rollout.release))
    made(world)
    checked = records.verify(of_car(world, "LGX0000000")[0].envelope, [SERVER.key])
    assert (checked.ok, checked.said["outcome"]["ended"]) == (True, "declined")
