"""What a built car's software may do: reasons, periods, grace, resale; and that no later event changes what was answered."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marque.common import Refusal
from marque.product.documents import Offer, Reach, Release, Software, SoftwareFeature
from marque.product.software import Event, buy, cancel, entitled, later, needs_of, renew, upgrades

DELIVERED = datetime(2026, 3, 1, 9, tzinfo=UTC)
DAY = timedelta(days=1)
REACH = (Reach(model="Corvus", market="China", cells=("motorway-day", "motorway-night")),)
SOFTWARE = Software(
    releases=(Release(id="2026.1", evidence="a" * 64), Release(id="2026.2"), Release(id="2027.1")),
    features={
        "Cruise": SoftwareFeature(offers=(Offer(how="included"),), release="2026.1", reach=REACH),
        "Remote": SoftwareFeature(
            offers=(Offer(how="optional", price="remote"), Offer(how="bought", price="remote-ota")), release="2026.1", reach=REACH
        ),
        "Pilot": SoftwareFeature(
            offers=(Offer(how="subscribed", months=1, price="pilot-month"), Offer(how="bought", price="pilot")),
            release="2026.2", reach=REACH, needs="Lidar & !OldChip", grace_days=7,
        ),
        "Dialogue": SoftwareFeature(
            offers=(Offer(how="subscribed", months=12, price="dialogue"),), release="2026.1", reach=REACH, bound_to="owner"
        ),
        "Abroad": SoftwareFeature(
            offers=(Offer(how="included"),), release="2026.1", reach=(Reach(model="Corvus", market="Germany"),)
        ),
    },
)  # fmt: skip
NEEDS = needs_of(SOFTWARE, "software")


def delivered(*features, release="2026.2", owner="o1"):
    return Event(kind="delivered", at=DELIVERED, owner=owner, features=frozenset({"Corvus", "China", *features}), release=release)


def bought(feature, day, how="subscribed", months=1):
    return Event(kind="bought", at=DELIVERED + day * DAY, feature=feature, how=how, months=months)


def works(events, feature, day):
    return entitled(events, feature, DELIVERED + day * DAY, SOFTWARE, NEEDS)


@pytest.mark.parametrize(
    ("events", "feature", "day", "expected", "reason"),
    [
        ([delivered()], "Cruise", 1, True, "included"),
        ([delivered()], "Cruise", -1, False, "not delivered"),
        ([delivered()], "Teleport", 1, False, "no such"),
        ([delivered()], "Abroad", 1, False, "evidence"),
        ([delivered("Remote")], "Remote", 1, True, "chosen"),
        ([delivered()], "Remote", 1, False, "nobody"),
        ([delivered(), bought("Remote", 2, "bought")], "Remote", 900, True, "bought"),
        ([delivered(), bought("Pilot", 1)], "Pilot", 2, False, "hardware"),
        ([delivered("Lidar", "OldChip"), bought("Pilot", 1)], "Pilot", 2, False, "hardware"),
        ([delivered("Lidar"), bought("Pilot", 1)], "Pilot", 2, True, "subscribed"),
        ([delivered("Lidar", release="2026.1"), bought("Pilot", 1)], "Pilot", 2, False, "release"),
        ([delivered("Lidar"), bought("Pilot", 1)], "Pilot", 35, True, "lapsed"),
        ([delivered("Lidar"), bought("Pilot", 1)], "Pilot", 45, False, "ended"),
    ],
)
def test_a_feature_works_or_not_for_one_reason(events, feature, day, expected, reason):
    told = works(events, feature, day)
    assert (told.works, reason in told.reason) == (expected, True), told


def test_where_it_may_be_used_is_as_far_as_its_evidence_reaches():
    assert works([delivered()], "Cruise", 1).cells == ("motorway-day", "motorway-night")


def test_a_release_given_later_brings_what_was_bought_before():
    events = [delivered("Lidar", release="2026.1"), bought("Pilot", 1, "bought")]
    assert not works(events, "Pilot", 2).works
    events.append(Event(kind="updated", at=DELIVERED + 3 * DAY, release="2027.1"))
    assert works(events, "Pilot", 4).works


def test_a_cancelled_subscription_works_until_its_end_and_has_no_grace():
    events = [delivered("Lidar"), bought("Pilot", 1)]
    events.append(cancel(events, "Pilot", DELIVERED + 5 * DAY))
    end = later(DELIVERED + DAY, 1)
    assert entitled(events, "Pilot", end - timedelta(seconds=1), SOFTWARE, NEEDS).works
    assert not entitled(events, "Pilot", end, SOFTWARE, NEEDS).works
    assert isinstance(cancel(events, "Pilot", DELIVERED + 6 * DAY), Refusal)


def test_a_renewal_goes_on_from_the_end_however_early_it_is_made():
    events = [delivered("Lidar"), bought("Pilot", 0)]
    for day in (1, 2):
        events.append(renew(events, "Pilot", DELIVERED + day * DAY, SOFTWARE))
    assert works(events, "Pilot", 3).until == later(DELIVERED, 3)


def test_what_is_the_cars_goes_with_it_and_what_is_the_owners_does_not():
    events = [delivered("Lidar"), bought("Pilot", 1, "bought"), bought("Dialogue", 1, months=12)]
    events.append(Event(kind="resold", at=DELIVERED + 10 * DAY, owner="o2"))
    assert works(events, "Pilot", 11).works
    assert works(events, "Dialogue", 9).works
    assert "earlier owner" in works(events, "Dialogue", 11).reason
    assert isinstance(renew(events, "Dialogue", DELIVERED + 11 * DAY, SOFTWARE), Refusal)
    again = buy(events, "Dialogue", "subscribed", DELIVERED + 12 * DAY, SOFTWARE, NEEDS, lambda _: True)
    assert works([*events, again], "Dialogue", 13).works


def test_only_what_the_car_can_have_is_offered():
    at = DELIVERED + DAY

    def offered(*features, possible=lambda _: True):
        return {one.feature: one.update for one in upgrades([delivered(*features, release="2026.1")], at, SOFTWARE, NEEDS, possible)}

    assert offered() == {"Remote": "", "Dialogue": ""}
    assert offered("Lidar") == {"Remote": "", "Pilot": "2026.2", "Dialogue": ""}
    assert offered("Lidar", "Remote") == {"Pilot": "2026.2", "Dialogue": ""}
    assert offered("Lidar", possible=lambda one: one != "Pilot") == {"Remote": "", "Dialogue": ""}


def test_what_is_not_offered_cannot_be_bought():
    events = [delivered("Lidar")]

    def asked(feature, how, possible=True):
        return buy(events, feature, how, DELIVERED + DAY, SOFTWARE, NEEDS, lambda _: possible)

    for feature, how in (
        ("Cruise", "bought"),
        ("Teleport", "bought"),
        ("Pilot", "optional"),
        ("Abroad", "bought"),
        ("Remote", "subscribed"),
    ):
        assert isinstance(asked(feature, how), Refusal), feature
    assert isinstance(asked("Pilot", "bought", possible=False), Refusal)
    assert asked("Pilot", "subscribed").months == 1
    events.append(asked("Pilot", "subscribed"))
    assert isinstance(asked("Pilot", "subscribed"), Refusal), "it is renewed instead"
    assert asked("Pilot", "bought").how == "bought", "from a subscription to for good"


@pytest.mark.parametrize(
    ("start", "months", "end"),
    [((2026, 1, 31), 1, (2026, 2, 28)), ((2024, 1, 31), 1, (2024, 2, 29)), ((2026, 12, 15), 1, (2027, 1, 15)),
     ((2026, 3, 31), 12, (2027, 3, 31)), ((2026, 8, 31), 6, (2027, 2, 28)), ((2026, 1, 1), 0, (2026, 1, 1))],
)  # fmt: skip
def test_months_end_on_the_same_day_or_on_the_last_of_a_shorter_month(start, months, end):
    assert later(datetime(*start, 9, tzinfo=UTC), months) == datetime(*end, 9, tzinfo=UTC)


# Any history

acts = st.lists(
    st.tuples(st.integers(0, 200), st.sampled_from(["bought", "subscribed", "renew", "cancel", "resold", "2026.1", "2026.2", "2027.1"]),
              st.sampled_from(["Remote", "Pilot", "Dialogue"])), max_size=8
)  # fmt: skip


def history(given_acts, features=("Lidar",)):
    """Events that the rules allowed, in order."""
    events = [delivered(*features)]
    for day, what, feature in sorted(given_acts):
        at = DELIVERED + day * DAY
        match what:
            case "bought" | "subscribed":
                answer = buy(events, feature, what, at, SOFTWARE, NEEDS, lambda _: True)
            case "renew":
                answer = renew(events, feature, at, SOFTWARE)
            case "cancel":
                answer = cancel(events, feature, at)
            case "resold":
                answer = Event(kind="resold", at=at, owner=f"o{day}")
            case release:
                answer = Event(kind="updated", at=at, release=release)
        if not isinstance(answer, Refusal):
            events.append(answer)
    return events


@given(acts, st.integers(-1, 260))
def test_nothing_that_happens_later_changes_what_was_answered(given_acts, day):
    events, at = history(given_acts), DELIVERED + day * DAY
    for feature in SOFTWARE.features:
        assert entitled(events, feature, at, SOFTWARE, NEEDS) == entitled(
            [one for one in events if one.at <= at], feature, at, SOFTWARE, NEEDS
        )


@given(acts, st.integers(0, 260))
def test_what_works_is_what_a_ledger_of_paid_days_says(given_acts, day):
    """The oracle keeps a list of paid intervals of one owner, and knows neither the rules' car nor their order of reasons."""
    events, at = history(given_acts), DELIVERED + day * DAY + timedelta(hours=1)
    past = [one for one in events if one.at <= at]
    owner, release = "o1", "2026.2"
    ledger = {}
    for one in past:
        if one.kind == "resold":
            owner = one.owner
        elif one.kind == "updated":
            release = one.release
        elif one.kind == "bought":
            ledger[one.feature] = [owner, None if one.how == "bought" else later(one.at, one.months), False]
        elif one.kind == "renewed":
            ledger[one.feature][1] = later(max(ledger[one.feature][1], one.at), one.months)
        elif one.kind == "cancelled":
            ledger[one.feature][2] = True
    for feature, grace, carried, goes_along in (
        ("Remote", 0, "2026.1", True),
        ("Pilot", 7, "2026.2", True),
        ("Dialogue", 0, "2026.1", False),
    ):
        expected = False
        if feature in ledger and release >= carried:
            buyer, end, cancelled = ledger[feature]
            days = 0 if cancelled else grace
            expected = (goes_along or buyer == owner) and (end is None or at < end + days * DAY)
        assert entitled(events, feature, at, SOFTWARE, NEEDS).works == expected
