"""Patches between images: made once, smaller than what they save, and what comes out of them is the image."""

from __future__ import annotations

import hashlib
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from served_cars import a_world, there

from marque.car.install import deltas as applying
from marque.common import InputError, Unavailable
from marque.foundation import Job
from marque.release.devices import delta_store, deltas
from marque.release.devices.model import Fleet


def applied(method, base, patch, image):
    pieces = []
    applying.apply(
        method, memoryview(base), patch, pieces.append, length=len(image), sha256=hashlib.sha256(image).hexdigest()
    )  # fmt: skip
    return b"".join(pieces)


@settings(max_examples=60)
@given(base=st.binary(min_size=1, max_size=3000), edits=st.lists(st.tuples(st.integers(0, 3000), st.binary(max_size=40)), max_size=8))
@pytest.mark.parametrize("method", deltas.METHODS)
def test_a_patch_makes_the_image_in_the_car(method, base, edits):
    image = base
    for at, put in edits:
        image = image[:at] + put + image[at + len(put) // 2 :]
    image = image or b"x"
    assert applied(method, base, deltas.make(method, base, image), image) == image


def software(seed, size=300_000):
    return random.Random(seed).randbytes(size)


def changed(base, seed, many=40):
    chance, image = random.Random(seed), bytearray(base)
    for _ in range(many):
        at = chance.randrange(len(image) - 64)
        image[at : at + 32] = chance.randbytes(chance.randrange(16, 48))
    return bytes(image)


def test_only_what_saves_something_is_kept_the_smallest_first():
    base = software(1)
    made = deltas.worthwhile(base, changed(base, 2))
    assert {one.method for one in made} == set(deltas.METHODS)
    assert [len(one.patch) for one in made] == sorted(len(one.patch) for one in made)
    assert len(made[0].patch) < 0.05 * len(base)
    assert deltas.worthwhile(base, software(3)) == []


def test_a_method_that_nobody_knows_is_refused():
    with pytest.raises(InputError, match="none of"):
        deltas.make("xdelta", b"a", b"b")


@pytest.fixture(scope="module")
def world(server, tmp_path_factory):
    with a_world(server, tmp_path_factory.mktemp("world")) as told:
        yield told


@pytest.fixture(scope="module")
def two(world):
    """Two releases, the second a little different from the first, whose deltas were made; and a car of each kind."""
    old = software(7)
    none = {"requires": {}, "conflicts": {}}
    first = world.world.published("1.0.0", images={"driving": old, "gateway": b"g1"}, **none)
    second = world.world.published("1.1.0", sequence=8, images={"driving": changed(old, 8), "gateway": b"g2"}, **none)
    return first, second


def job(world, release, stopping=lambda: False):
    body = {"lead": "gac", "programme": str(world.world.programme), "release": str(release.id)}
    return Job("huawei", 1, "make-deltas", body, 1, stopping)


def image_of(release, role):
    return next(one for one in release.images if one.role == role)


def running(release, role, version="1.0.0"):
    image = image_of(release, role)
    return there("pilot", release.counter, image.sha256, image.path, release.evidence.sha256, version, image.length)


def test_deltas_of_a_published_release_reach_the_cars_that_can_use_them(world, two, tmp_path):
    first, second = two
    world.register("A-1", installed={"driving": running(first, "driving"), "gateway": running(first, "gateway")})
    world.register("A-2", installed={"driving": running(first, "driving")}, methods=("bsdiff",))
    world.register("A-3")
    deltas.make_all(world.world.database, job(world, second), world.world.blobs)
    world.rollout(second, cars=("A-1", "A-2", "A-3"))
    ways = {}
    for number, one in enumerate(("A-1", "A-2", "A-3")):
        car = world.car(tmp_path / str(number), one)
        step = next(step for step in car.plan().steps if step.ecu.endswith("driving"))
        ways[one] = {way.method for way in step.deltas}
        base = world.world.blobs.of("gac").read(image_of(first, "driving").sha256)
        for way in step.deltas:
            got = car.get(f"targets/{way.path}")
            assert hashlib.sha256(got.content).hexdigest() == way.sha256
            made = applied(way.method, base, got.content, world.world.blobs.of("gac").read(image_of(second, "driving").sha256))
            assert hashlib.sha256(made).hexdigest() == step.target.hashes["sha256"]
    assert ways == {"A-1": {"zstd-patch", "bsdiff"}, "A-2": {"bsdiff"}, "A-3": set()}


def test_a_job_that_is_run_again_makes_nothing_twice(world, two):
    deltas.make_all(world.world.database, job(world, two[1]), world.world.blobs)
    deltas.make_all(world.world.database, job(world, two[1]), world.world.blobs)
    with world.world.served_to() as tx:
        rows = delta_store.to_images(tx, Fleet(*world.of), [image_of(two[1], "driving").sha256])
        assert len(rows) == tx.value("select count(*) from release.delta where image = %s", (image_of(two[1], "driving").sha256,)) == 2
        assert delta_store.to_images(tx, Fleet(*world.of), [image_of(two[1], "gateway").sha256]) == []


def test_a_worker_that_ends_leaves_the_rest_to_the_next_run(world, two):
    with pytest.raises(Unavailable):
        deltas.make_all(world.world.database, job(world, two[1], lambda: True), world.world.blobs)
