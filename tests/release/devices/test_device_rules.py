"""Which images go into which control units; nonces; ranges: as properties."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marque.car.attacks import Attack
from marque.car.tuf.model import Target
from marque.car.uptane.claims import Claims, Delta, Reach
from marque.car.uptane.vehicle import Ecu, Installed, Vehicle
from marque.release.devices import rules, serving
from marque.release.devices.model import Fleet, said_of
from marque.release.devices.nonces import Nonces
from marque.release.model import Image

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
FLEET = Fleet("gac", UUID(int=7))
roles, hardware = st.sampled_from(["gateway", "driving", "cockpit"]), st.sampled_from(["h-1", "h-2", "h-3"])
digests = st.sampled_from([letter * 64 for letter in "abcd"])


@st.composite
def vehicles(draw):
    ecus = {}
    for number in range(draw(st.integers(1, 5))):
        runs = draw(st.none() | digests)
        there = Installed("pilot", "1", 1, runs, 100, "p", "e" * 64) if runs else None
        methods = tuple(draw(st.sets(st.sampled_from(["zstd-patch", "bsdiff"]))))
        ecus[f"S{number}"] = Ecu(f"S{number}", draw(hardware), draw(roles), number == 0, there, methods)
    return Vehicle("V-1", "vela", "cn", ecus)


@st.composite
def image_lists(draw):
    made = []
    for number in range(draw(st.integers(0, 5))):
        sha256 = draw(digests)
        image = Image(path=f"vela/{number}.img", role=draw(roles), hardware=tuple(draw(st.sets(hardware, min_size=1))), length=1000,
                      sha256=sha256, owner="gac")  # fmt: skip
        made.append((image, Target(image.path, 1000, {"sha256": sha256}, {"marque": {}})))
    return made


ways_of = st.dictionaries(
    st.tuples(digests, digests),
    st.lists(st.builds(Delta, st.sampled_from(["zstd-patch", "bsdiff"]), digests, st.just("p"), st.integers(1, 2000), digests), max_size=2),
)


@settings(max_examples=40)
@given(vehicles(), image_lists(), ways_of)
def test_an_ecu_is_given_one_image_at_most_and_only_one_that_runs_on_it(vehicle, images, ways):
    told = rules.wanted(vehicle, images, {key: [Delta(w.method, key[0], w.path, w.length, w.sha256) for w in v] for key, v in ways.items()})
    serials = [serial for one in told for serial in one.ecus]
    assert len(serials) == len(set(serials))
    by_path = {image.path: image for image, _ in images}
    for one in told:
        image = by_path[one.path]
        for serial, id_ in one.ecus.items():
            assert vehicle.ecus[serial].hardware == id_
            assert id_ in image.hardware
            assert vehicle.ecus[serial].role == image.role
        for way in one.deltas:
            assert way.length < image.length
            assert any(
                (ecu := vehicle.ecus[serial]).installed and ecu.installed.sha256 == way.base and way.method in ecu.methods
                for serial in one.ecus
            )
    for ecu in vehicle.ecus.values():
        fits = any(image.role == ecu.role and ecu.hardware in image.hardware for image, _ in images)
        assert (ecu.serial in serials) == fits


@settings(max_examples=40)
@given(vehicles(), image_lists())
def test_a_car_has_a_release_whole_once_every_ecu_has_its_image(vehicle, images):
    told = rules.wanted(vehicle, images)
    having = {serial: one.sha256 for one in told for serial in one.ecus}
    assert rules.complete(vehicle, [image for image, _ in images], having)
    for serial in having:
        assert not rules.complete(vehicle, [image for image, _ in images], having | {serial: "f" * 64})


@settings(max_examples=40)
@given(vehicles(), image_lists())
def test_what_is_assigned_alike_is_said_alike_in_any_order(vehicle, images):
    assert said_of("k", rules.wanted(vehicle, images)) == said_of("k", rules.wanted(vehicle, images[::-1]))
    assert said_of("k", rules.wanted(vehicle, images)) != said_of("another", rules.wanted(vehicle, images))


def claims(**other):
    given = {"release": "pilot", "version": "2", "counter": 2, "digest": "d" * 64, "evidence": "e" * 64, "verdict": "PASSED",
             "reach": (Reach("vela", "cn", ("motorway",)),), "hardware": ("h-1",)}  # fmt: skip
    return Claims(**(given | other))


@pytest.mark.parametrize(
    ("other", "attack"),
    [
        ({}, None),
        ({"verdict": "FAILED"}, Attack.EVIDENCE_MISSING),
        ({"reach": (Reach("vela", "de"),)}, Attack.EVIDENCE_REACH),
        ({"reach": (Reach("corvus", "cn"),)}, Attack.EVIDENCE_REACH),
        ({"entitlement": "Pilot"}, Attack.NOT_ENTITLED),
        ({"counter": 1}, Attack.ROLLBACK),
    ],
)
def test_what_a_client_cannot_check_is_checked_for_it(other, attack):
    there = Installed("pilot", "2", 2, "a" * 64, 1, "p", "e" * 64)
    car = Vehicle("V-1", "vela", "cn", {"A": Ecu("A", "h-1", "gateway", True, there)}, frozenset({"Dialogue"}), frozenset({"motorway"}))
    assert rules.stands_against(car, claims(**other)) == attack


@given(st.text(max_size=20), st.timedeltas(timedelta(0), timedelta(days=2)))
def test_a_nonce_is_good_for_one_car_for_an_hour_at_least_and_two_at_most(vehicle, passed):
    nonces = Nonces(lambda text: b"signed" + text)
    nonce = nonces.of(FLEET, vehicle, NOW)
    held = nonces.holds(nonce, FLEET, vehicle, NOW + passed)
    assert held or passed >= timedelta(hours=1)
    assert not held or passed < timedelta(hours=2)
    assert not nonces.holds(nonce, FLEET, vehicle + "x", NOW)
    assert not nonces.holds(nonce, Fleet("gac", UUID(int=8)), vehicle, NOW)
    assert not Nonces(lambda text: b"forged" + text).holds(nonce, FLEET, vehicle, NOW)


@given(st.integers(0, 40), st.integers(0, 60), st.none() | st.integers(0, 60))
def test_a_range_gives_the_bytes_that_it_names(length, first, last):
    content = bytes(range(length))
    part = serving.span(f"bytes={first}-{'' if last is None else last}", length)
    if first >= length and (last is None or last >= first):
        assert part is None
        return
    assert part is not None
    expected = content if last is not None and last < first else content[first : None if last is None else last + 1]
    assert b"".join(serving.pieces(io.BytesIO(content), *part)) == expected


@pytest.mark.parametrize("header", ["", "bytes=1-2,4-5", "items=1-2", "bytes=x", "bytes=-", "bytes=1"])
def test_a_range_that_nobody_understands_is_the_whole_file(header):
    assert serving.span(header, 10) == (0, 10)
    assert serving.span("bytes=-0", 10) is None
    assert serving.span("bytes=-99", 10) == (0, 10)
