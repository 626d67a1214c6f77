"""The demonstration to begin with: taken in whole, taken up where it was interrupted, and never mixed into what is somebody's own."""

from __future__ import annotations

from types import SimpleNamespace

import psycopg
import pytest

from marque.alliance import history, installation, reported
from marque.app import demo

COUNTED = ("organisation", "person", "brand_owner", "agreement", "revision", "signature", "programme", "area_right")


@pytest.fixture
def platform(own_addresses, database):
    return SimpleNamespace(addresses=own_addresses, clock=database.clock)


def counts(platform):
    with psycopg.connect(platform.addresses.owner.replace("user=marque_owner", "user=postgres")) as superuser:
        return {one: superuser.execute(f"select count(*) from alliance.{one}").fetchone()[0] for one in COUNTED}


def interrupted_after(monkeypatch, number):
    """The power fails when so many agreements are in."""
    taken = []

    def take_in(app, told, people):
        if len(taken) == number:
            raise ConnectionError
        taken.append(told)
        original(app, told, people)

    original = reported.take_in
    monkeypatch.setattr(reported, "take_in", take_in)
    return taken


def test_a_demonstration_that_was_interrupted_is_whole_after_the_next_start_and_then_left_alone(platform, monkeypatch):
    known = history.public()
    with monkeypatch.context() as patch:
        interrupted_after(patch, 2)
        with pytest.raises(ConnectionError):
            demo.furnish(platform)
    assert counts(platform)["agreement"] == 2
    with monkeypatch.context() as patch:
        taken = interrupted_after(patch, len(known.agreements))
        demo.furnish(platform)
        assert len(taken) == len(known.agreements) - 2, "what was there is not taken in again"
    whole = counts(platform)
    assert (whole["organisation"], whole["agreement"]) == (len(known.organisations), len(known.agreements))
    assert whole["signature"] == sum(len(one.signatories) for told in known.agreements for one in told.agreement.revisions)
    assert whole["programme"] == sum(len(told.programmes) for told in known.agreements)
    with monkeypatch.context() as patch:
        interrupted_after(patch, 0)
        demo.furnish(platform)
    assert counts(platform) == whole


def test_an_installation_with_an_organisation_of_its_own_is_left_as_it_is(platform):
    with psycopg.connect(platform.addresses.owner) as owner:
        installation.found(owner, "our-own", "Our own", "carmaker")
    before = counts(platform)
    demo.furnish(platform)
    assert counts(platform) == before
