"""The demonstration's model line: put in by two invented companies, taken up where it was interrupted, never mixed into somebody's own."""

from __future__ import annotations

from types import SimpleNamespace

import psycopg
import pytest

from marque.alliance import installation
from marque.app import demo_line
from marque.common import MarqueError
from marque.foundation import Actor
from marque.product import revisions, storefront
from marque.product.rules import Kind, Where


@pytest.fixture
def platform(addresses, database):
    return SimpleNamespace(addresses=addresses, clock=database.clock, database=database)


def counted(platform):
    with psycopg.connect(platform.addresses.owner.replace("user=marque_owner", "user=postgres")) as superuser:
        return superuser.execute("select count(*), count(distinct (kind, part)) from product.revision").fetchone()


def test_an_installation_with_an_organisation_of_its_own_is_left_as_it_is(platform):
    with psycopg.connect(platform.addresses.owner) as owner:
        installation.found(owner, "our-own", "Our own", "carmaker")
    demo_line.furnish(platform)
    assert counted(platform) == (0, 0)


@pytest.mark.slow
def test_a_line_that_was_interrupted_is_whole_after_the_next_start_and_sold_in_three_markets(platform, monkeypatch):
    with monkeypatch.context() as patch:
        proposed, propose = [], revisions.propose

        def interrupted(*given):
            proposed.append(given)
            if len(proposed) == 6:
                raise MarqueError("The power fails.")
            return propose(*given)

        patch.setattr(revisions, "propose", interrupted)
        demo_line.furnish(platform)
    assert counted(platform) == (5, 5)
    for _ in range(2):
        demo_line.furnish(platform)
        revisions_there, parts = counted(platform)
        assert revisions_there == parts > 30
    with platform.database.transaction(Actor("linjiang", purpose="test")) as tx:
        person = tx.value("select id from alliance.person where organisation = 'linjiang' and email = 'engineering@linjiang.example'")
        programme = tx.value("select id from alliance.programme where organisation = 'linjiang'")
    with platform.database.transaction(Actor("linjiang", person)) as tx:
        for market, currency in (("cn", "CNY"), ("de", "EUR"), ("uk", "GBP")):
            front = storefront.front(tx, "linjiang", programme, market, Where(tx.now.date(), market))
            assert storefront.sources(tx, front)[0].currency == currency
        held = revisions.in_force(tx, "linjiang", programme, Kind.SOFTWARE, "corvus-vela", Where(tx.now.date()))
        assert "software.HighwayPilot" in revisions.text(tx, held.id)
