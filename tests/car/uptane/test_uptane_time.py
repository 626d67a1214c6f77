"""A car's clock: attested, counted on, kept over restarts, and never backwards."""

import hashlib
import os
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from marque.car.attacks import Attack, UpdateRefused
from marque.car.tuf.model import Key, Role, Root
from marque.car.uptane.time import ANSWER_WITHIN_S, DRIFT_S, NONCES_AT_MOST, SecureTime, attestation
from marque.common import InputError

NOW = datetime(2026, 11, 29, 14, tzinfo=UTC)
HOUR = timedelta(hours=1)


def key(name):
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest())


def root(name="time"):
    public = key(name).public_key().public_bytes_raw().hex()
    return Root(
        version=1,
        expires=NOW + HOUR,
        consistent_snapshot=True,
        keys={name: Key(name, "ed25519", "ed25519", public)},
        roles={},
        time=Role((name,), 1),
    )


def attest(nonces, at, name="time"):
    return attestation(nonces, at, at + HOUR, [(name, key(name).sign)])


class Car:
    """A clock whose monotonic seconds are ours to move."""

    def __init__(self, folder):
        self.folder, self.elapsed = folder, 0.0
        self.start()

    def start(self):
        self.clock = SecureTime(self.folder, monotonic=lambda: self.elapsed)

    def learn(self, at, name="time", others=()):
        return self.clock.learn(attest([self.clock.nonce(), *others], at, name), root(name))


@pytest.fixture(autouse=True, scope="module")
def _no_flushing():
    """No power is cut here, and flushing is what takes the time."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(os, "fsync", lambda _: None)
        yield


def attack_of(act):
    try:
        act()
    except UpdateRefused as refused:
        return refused.attack
    return None


@pytest.fixture
def car(tmp_path):
    made = Car(tmp_path)
    made.clock.begin(NOW)
    return made


def test_a_car_that_was_not_provisioned_knows_no_time(tmp_path):
    with pytest.raises(InputError, match="Provision"):
        Car(tmp_path).clock.now()


def test_between_attestations_the_monotonic_clock_counts(car):
    car.learn(NOW + HOUR)
    car.elapsed += 90.0
    assert car.clock.now() == NOW + HOUR + timedelta(seconds=90)


def test_a_restart_loses_only_what_was_not_kept(car):
    car.learn(NOW + HOUR)
    car.elapsed += 60.0
    car.clock.keep()
    car.elapsed += 60.0
    car.start()
    assert car.clock.now() == NOW + HOUR + timedelta(seconds=60)


def test_one_attestation_answers_many_cars(car):
    assert car.learn(NOW + HOUR, others=[f"{number:032x}" for number in range(NONCES_AT_MOST - 1)]) == NOW + HOUR


def test_an_attestation_for_too_many_is_refused(car):
    with pytest.raises(UpdateRefused) as refused:
        car.learn(NOW + HOUR, others=[f"{number:032x}" for number in range(NONCES_AT_MOST)])
    assert refused.value.attack is Attack.MALFORMED


def test_a_clock_that_ran_ahead_a_little_stays_where_it_is(car):
    car.elapsed += DRIFT_S
    assert car.learn(NOW) == NOW + timedelta(seconds=DRIFT_S)


def test_a_clock_set_far_ahead_by_a_thief_comes_back_once_the_time_key_is_changed(car):
    car.learn(NOW + 10_000 * HOUR)
    with pytest.raises(UpdateRefused) as refused:
        car.learn(NOW)
    assert refused.value.attack is Attack.WRONG_TIME
    assert car.learn(NOW, "another") == NOW


def test_a_spoilt_file_is_an_error_for_people(car):
    (car.folder / "time.json").write_bytes(b"{}")
    with pytest.raises(InputError, match="Provision the car again"):
        car.start()


@given(st.lists(st.tuples(st.floats(0, 1000), st.integers(-2000, 2000), st.floats(0, ANSWER_WITHIN_S * 2), st.booleans()), max_size=5))
def test_a_clock_never_goes_back(tmp_path_factory, steps):
    """Whatever was attested, honest or not, late or not, and however often it started anew."""
    car = Car(tmp_path_factory.mktemp("car"))
    car.clock.begin(NOW)
    before = car.clock.now()
    for passes, says, delay, restarts in steps:
        car.elapsed += passes
        raw = attest([car.clock.nonce()], NOW + timedelta(seconds=says))
        car.elapsed += delay
        assert attack_of(lambda raw=raw: car.clock.learn(raw, root())) in {None, Attack.WRONG_TIME}
        if restarts:
            car.clock.keep()
            car.start()
        assert car.clock.now() >= before
        before = car.clock.now()


RAW = attest(["ab" * 16], NOW + HOUR)


@given(st.integers(0, len(RAW) - 1), st.integers(1, 255))
def test_no_byte_of_an_attestation_can_be_changed(tmp_path_factory, place, by):
    car = Car(tmp_path_factory.mktemp("car"))
    car.clock.begin(NOW)
    raw = attest([car.clock.nonce()], NOW + HOUR)
    place %= len(raw)
    spoilt = raw[:place] + bytes([raw[place] ^ by]) + raw[place + 1 :]
    try:
        assert car.clock.learn(spoilt, root()) == NOW + HOUR
    except UpdateRefused:
        assert car.clock.now() == NOW
