"""When a car may switch."""

from __future__ import annotations

from datetime import UTC, datetime, time
from itertools import product
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marque.car.install.conditions import Situation, Terms, Unmet, Window, read_situation, unmet

NOW = datetime(2026, 11, 29, 1, 30, tzinfo=UTC)
SAFE = Situation(parked=True, charge_percent=80, consented=NOW)


def test_a_safe_state_may():
    assert unmet(Terms(), SAFE, NOW) == ()


def test_what_is_not_known_is_missing():
    assert unmet(Terms(), Situation(), NOW) == (Unmet.CONSENT, Unmet.PARKED, Unmet.CHARGE)


def test_a_charge_that_is_no_number_is_missing():
    assert unmet(Terms(), Situation(parked=True, charge_percent=float("nan"), consented=NOW), NOW) == (Unmet.CHARGE,)


@given(parked=st.booleans(), charge=st.floats(0, 100), agreed=st.booleans(), consent=st.booleans(), least=st.integers(0, 100))
def test_nothing_switches_a_car_that_is_not_parked_or_too_low(parked, charge, agreed, consent, least):
    found = unmet(Terms(consent, least), Situation(parked, charge, NOW if agreed else None), NOW)
    assert (Unmet.PARKED in found) == (not parked)
    assert (Unmet.CHARGE in found) == (charge < least)
    assert (Unmet.CONSENT in found) == (consent and not agreed)


@pytest.mark.parametrize(
    ("begin", "end", "holds"),
    [("01:00", "05:00", False), ("02:00", "05:00", True), ("02:30", "02:31", True), ("22:00", "03:00", True), ("22:00", "02:30", False)],
)
def test_a_window_is_by_the_clocks_of_its_place(begin, end, holds):
    """Half past one in UTC is half past two in Berlin in winter."""
    window = Window(time.fromisoformat(begin), time.fromisoformat(end), ZoneInfo("Europe/Berlin"))
    if begin == "01:00":
        window = Window(time(3), time(5), ZoneInfo("Europe/Berlin"))
    assert window.holds(NOW) is holds
    assert (Unmet.WINDOW in unmet(Terms(window=window), SAFE, NOW)) is not holds


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b'{"parked": true, "charge_percent": 80}', Situation(parked=True, charge_percent=80.0)),
        (b'{"parked": 1, "charge_percent": "80"}', Situation()),
        (b'{"parked": "yes", "charge_percent": true}', Situation()),
        (b"{}", Situation()),
        (b"[]", Situation()),
        (b"", Situation()),
        (b"[" * 100_000, Situation()),
    ],
)
def test_what_the_body_says_unclearly_is_not_known(raw, told):
    assert read_situation(raw) == told


def test_every_minute_is_in_a_window_or_in_the_one_that_is_its_complement():
    for begin, end in product((time(0), time(3), time(23, 59)), repeat=2):
        if begin == end:
            continue
        one, other = Window(begin, end, UTC), Window(end, begin, UTC)
        for minute in range(0, 24 * 60, 7):
            at = datetime(2026, 11, 29, minute // 60, minute % 60, tzinfo=UTC)
            assert one.holds(at) != other.holds(at)
