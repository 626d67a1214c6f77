"""What a vehicle reports reads back on the server, and nothing that was not signed by its own keys does."""

import hashlib
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from marque.car.attacks import Attack, UpdateRefused
from marque.car.uptane.reports import MANIFEST_AT_MOST, Manifest, Met, State, check, manifest, report
from marque.car.uptane.vehicle import Installed

KEYS = {serial: Ed25519PrivateKey.from_private_bytes(hashlib.sha256(serial.encode()).digest()) for serial in ("P", "S")}
KNOWN = {serial: key.public_key().public_bytes_raw().hex() for serial, key in KEYS.items()}
NOW, NONCE = datetime(2026, 11, 29, 14, tzinfo=UTC), "ab" * 16
INSTALLED = Installed("pilot", "2.0", 2, "0" * 64, 340, "vela/pilot/pilot-2.bin", "1" * 64, {"gateway": 2}, {"brake": (1, 4)})
MET = Met(Attack.ROLLBACK, "director", "targets.json", "is older")
FULL = {"met": MET, "consented": NOW, "driven": {"metres": 1_200_000, "disengagements": 2, "minimal_risk_manoeuvres": 0}}


def made(counter=3, nonce=NONCE, **changes):
    reports = [report("P", "gateway", INSTALLED, nonce, KEYS["P"].sign), report("S", "pilot", None, nonce, KEYS["S"].sign, met=MET)]
    said = {"vehicle": "V", "primary": "P", "nonce": nonce, "counter": counter, "at": NOW, "director_version": 9, "state": State.REFUSED}
    return manifest(**said, reports=reports, sign=KEYS["P"].sign, **changes)


def checked(raw, last=2):
    return check(raw, KNOWN, NONCE, last, vehicle="V", primary="P")


@pytest.mark.parametrize("changes", [{}, FULL])
def test_a_manifest_reads_back_as_it_was_made(changes):
    raw = made(**changes)
    found = checked(raw)
    assert (found.counter, found.state, found.at, found.director_version, found.raw) == (3, State.REFUSED, NOW, 9, raw)
    assert found.reports["P"].installed == INSTALLED
    assert found.reports["S"].installed is None
    assert found.reports["S"].met == MET
    assert (found.met, found.consented, found.driven) == (changes.get("met"), changes.get("consented"), changes.get("driven", {}))


RAW = made(**FULL)


@given(st.integers(0, len(RAW) - 1), st.integers(1, 255))
def test_no_byte_of_a_manifest_can_be_changed(place, by):
    """It says the same (JSON has several ways to), or it is refused."""
    spoilt = RAW[:place] + bytes([RAW[place] ^ by]) + RAW[place + 1 :]
    try:
        found = checked(spoilt)
    except UpdateRefused:
        return
    assert _meaning(found) == _meaning(checked(RAW))


def _meaning(found: Manifest):
    return [value for name, value in vars(found).items() if name != "raw"]


@given(st.binary(max_size=300))
def test_anything_else_is_refused(raw):
    with pytest.raises(UpdateRefused):
        checked(raw)


def test_a_manifest_of_any_length_is_not_read():
    with pytest.raises(UpdateRefused) as refused:
        checked(RAW + b" " * MANIFEST_AT_MOST)
    assert refused.value.attack is Attack.ENDLESS_DATA


@pytest.mark.parametrize("last", [3, 4])
def test_a_counter_that_did_not_grow_is_a_replay(last):
    with pytest.raises(UpdateRefused) as refused:
        checked(RAW, last)
    assert refused.value.attack is Attack.REPLAYED_REPORT


def test_an_ecu_that_nobody_registered_reports_nothing():
    raw = made()
    with pytest.raises(UpdateRefused, match="not registered") as refused:
        check(raw, {"P": KNOWN["P"]}, NONCE, 2, vehicle="V", primary="P")
    assert refused.value.attack is Attack.ARBITRARY_SOFTWARE
