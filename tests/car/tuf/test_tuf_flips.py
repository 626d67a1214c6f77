"""Every byte of every metadata file, flipped: refused, or it says the very same."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from functools import cache

import pytest
from tuf_simulator import GAC, HUAWEI, NOW, TwoParties

from marque.car.attacks import UpdateRefused
from marque.car.tuf.model import Metadata
from marque.car.tuf.trusted import Trusted

ROLES = ("root", "timestamp", "snapshot", "targets", "vela-gac", "vela-huawei", "withdrawn-gac")


@cache
def honest() -> TwoParties:
    repository = TwoParties()
    repository.release("vela/ad/drive.img", b"image", evidence="e" * 64, verdict="PASSED")
    withdrawn = {"a" * 64: {"at": "2027-02-01T00:00:00Z", "reason": "a fault"}}
    repository.said("withdrawn-gac").unrecognized_fields["x-marque-withdrawn"] = withdrawn
    repository.root.expires = repository.root.expires.replace(year=2031)
    repository.signers["root"] = [*repository.keys[GAC][:2], *repository.keys[HUAWEI][1:]]
    repository.publish("root")
    repository.publish_all("vela-gac", "vela-huawei", "withdrawn-gac")
    return repository


def raw_of(role: str) -> bytes:
    return honest().published[role]


def until(role: str) -> tuple[Trusted, Callable[[bytes], Metadata]]:  # type: ignore[type-arg]
    """What is trusted before a role's file comes, and what takes it."""
    trusted = Trusted(honest().files["1.root.json"], NOW)
    takes: dict[str, Callable[[bytes], Metadata]] = {  # type: ignore[type-arg]
        "root": trusted.update_root,
        "timestamp": trusted.update_timestamp,
        "snapshot": trusted.update_snapshot,
        "targets": trusted.update_targets,
    }
    for name in ROLES[: ROLES.index(role)]:
        if name in takes:
            takes[name](raw_of(name))
    if role in takes:
        return trusted, takes[role]
    return trusted, lambda raw: trusted.update_targets(raw, role, "targets")


def state(trusted: Trusted) -> tuple[object, ...]:
    return trusted.root, trusted.timestamp, trusted.snapshot, dict(trusted.targets)


def changed_meanings(role: str, flips: Iterator[tuple[int, int]]) -> list[tuple[int, int]]:
    """The flips (place, mask) that were accepted and say something else, or that changed what is trusted though refused."""
    raw, bad = raw_of(role), []
    trusted, take = until(role)
    said, before = until(role)[1](raw).said, state(trusted)
    for place, mask in flips:
        flipped = bytearray(raw)
        flipped[place] ^= mask
        try:
            if take(bytes(flipped)).said != said:
                bad.append((place, mask))
            trusted, take = until(role)
            before = state(trusted)
        except UpdateRefused:
            if state(trusted) != before:
                bad.append((place, mask))
    return bad


@pytest.mark.parametrize("role", ROLES)
def test_no_flipped_byte_changes_what_is_believed(role: str) -> None:
    chance = random.Random(role)
    places = sorted(chance.sample(range(len(raw_of(role))), 100))
    assert not changed_meanings(role, ((place, 1 << chance.randrange(8)) for place in places))


@pytest.mark.slow
@pytest.mark.parametrize("role", ROLES)
def test_no_byte_at_all_changes_what_is_believed(role: str, thorough: bool) -> None:
    """Each byte with one bit flipped, another for each; all eight of each where time does not matter."""
    bits = range(8) if thorough else (3,)
    assert not changed_meanings(role, ((place, 1 << (place + bit) % 8) for place in range(len(raw_of(role))) for bit in bits))


@pytest.mark.parametrize("role", ROLES)
def test_no_shortened_file_is_believed(role: str) -> None:
    raw, take = raw_of(role), until(role)[1]
    for length in range(0, len(raw), 17):
        with pytest.raises(UpdateRefused):
            take(raw[:length])
