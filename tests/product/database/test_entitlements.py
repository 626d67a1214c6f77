"""Built cars in a real database: delivered as quoted, given releases, sold again; features bought over the air by rules alone."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import psycopg
import pytest
from product_world import CARMAKER, OTHER, PARTNER, Kind, colleague, noon, world
from small_line import SOFTWARE, published
from test_storefront import issued

from marque.alliance import audit
from marque.common import Denied, Missing, Refused
from marque.foundation import Actor
from marque.product import documents, entitlements, storefront

CAR = "LGXC0000001"


@pytest.fixture
def joint(database, owner_dsn):
    return world(database, owner_dsn)


@pytest.fixture
def delivered(joint):
    """A Corvus with three lidars and no pilot, of a release that does not carry it yet."""
    published(joint)
    with joint.acting(CARMAKER) as tx:
        quote = issued(tx, joint, storefront.Products(None), "+Corvus", "+sensors.ThreeLidars", "-Pilot")
    joint.database.clock.advance(timedelta(days=20))
    act(joint, entitlements.deliver, CAR, owner="buyer-1", quote=quote.digest, release="2026.1")
    return quote


def act(joint, service, *args, by=CARMAKER, **more):
    joint.database.clock.advance(timedelta(minutes=1))
    with joint.acting(by) as tx:
        return service(tx, CARMAKER, joint.programme, *args, **more)


def works(joint, car=CAR):
    return {one.feature: (one.works, one.reason) for one in act(joint, entitlements.entitlements, car, "corvus")}


@pytest.mark.usefixtures("delivered")
def test_a_feature_is_bought_over_the_air_and_works_with_the_release_that_carries_it(joint):
    assert works(joint) == {"Pilot": (False, "the car's release does not carry it"), "Dialogue": (False, "nobody has bought it")}
    offered = {one.feature: one.update for one in act(joint, entitlements.upgrades, CAR, "corvus")}
    assert offered == {"Pilot": "2026.2", "Dialogue": ""}
    act(joint, entitlements.buy, CAR, "corvus", "Pilot", "subscribed")
    act(joint, entitlements.update, CAR, "2026.2")
    assert works(joint)["Pilot"] == (True, "subscribed")
    act(joint, entitlements.cancel, CAR, "Pilot")
    joint.database.clock.advance(timedelta(days=31))
    assert works(joint)["Pilot"] == (False, "the subscription has ended")
    act(joint, entitlements.buy, CAR, "corvus", "Pilot", "bought")
    act(joint, entitlements.resell, CAR, "buyer-2")
    assert works(joint)["Pilot"] == (True, "bought")
    assert [one.kind for one in act(joint, entitlements.events, CAR)] == [
        "delivered", "bought", "updated", "cancelled", "bought", "resold",
    ]  # fmt: skip


@pytest.mark.usefixtures("delivered")
def test_a_car_without_the_hardware_is_offered_nothing_that_needs_it(joint):
    with joint.acting(CARMAKER) as tx:
        plain = issued(tx, joint, storefront.Products(None), "+Corvus", "-sensors.ThreeLidars")
    act(joint, entitlements.deliver, "B2", owner="buyer-3", quote=plain.digest, release="2026.2")
    assert [one.feature for one in act(joint, entitlements.upgrades, "B2", "corvus")] == ["Dialogue"]
    with pytest.raises(Refused, match="hardware"):
        act(joint, entitlements.buy, "B2", "corvus", "Pilot", "bought")


@pytest.mark.usefixtures("delivered")
def test_of_two_who_buy_the_same_at_once_one_has_bought_it(joint):
    def once(_):
        try:
            return act(joint, entitlements.buy, CAR, "corvus", "Dialogue", "bought")
        except Refused as refused:
            return refused

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(once, range(4)))
    assert sum(isinstance(one, Refused) for one in answers) == 3
    assert [one.kind for one in act(joint, entitlements.events, CAR)] == ["delivered", "bought"]


def test_a_car_is_delivered_once_and_as_a_quote_says(joint, delivered):
    with pytest.raises(Refused, match="delivered before"):
        act(joint, entitlements.deliver, CAR, owner="x", quote=delivered.digest, release="2026.1")
    with pytest.raises(Missing):
        act(joint, entitlements.deliver, "C3", owner="x", quote="0" * 64, release="2026.1")
    for car, owner in (("a car", "x"), ("C3", " ")):
        with pytest.raises(Refused):
            act(joint, entitlements.deliver, car, owner=owner, quote=delivered.digest, release="2026.1")


@pytest.mark.usefixtures("delivered")
def test_only_those_who_work_in_after_sales_see_and_write_what_happens_to_a_car(joint):
    for organisation in (PARTNER, OTHER):
        with pytest.raises(Missing):
            act(joint, entitlements.events, CAR, by=organisation)
    service, viewer = colleague(joint, CARMAKER, "service"), colleague(joint, CARMAKER, "viewer")
    with joint.database.transaction(Actor(CARMAKER, service)) as tx:
        entitlements.update(tx, CARMAKER, joint.programme, CAR, "2026.2")
    with joint.database.transaction(Actor(CARMAKER, viewer)) as tx:
        assert [one.kind for one in entitlements.events(tx, CARMAKER, joint.programme, CAR)] == ["delivered", "updated"]
        with pytest.raises(Denied):
            entitlements.update(tx, CARMAKER, joint.programme, CAR, "2026.2")


@pytest.mark.usefixtures("delivered")
def test_what_is_offered_is_as_the_software_document_of_the_day_says(joint):
    act(joint, entitlements.update, CAR, "2026.2")
    assert "Pilot" in works(joint)
    joint.at(noon(2022, 3, 25))
    without = SOFTWARE.model_copy(update={"features": {"Dialogue": SOFTWARE.features["Dialogue"]}})
    joint.agreed(CARMAKER, Kind.SOFTWARE, documents.write(without), "corvus")
    assert "Pilot" not in works(joint)
    with pytest.raises(Refused, match="no such"):
        act(joint, entitlements.buy, CAR, "corvus", "Pilot", "bought")


@pytest.mark.usefixtures("delivered")
def test_events_only_grow_and_are_told_once(joint):
    act(joint, entitlements.update, CAR, "2026.2")
    for change in ("update product.car_event set owner = 'x'", "delete from product.car_event", "update product.archive set text = ''"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege), joint.acting(CARMAKER) as tx:
            tx.execute(change)
    with joint.acting(CARMAKER) as tx:
        told = [one.body["what"] for one in audit.entries(tx) if one.kind == "product-car-event"]
    assert told == ["updated", "delivered"]


def test_every_table_with_an_area_is_reached_by_transitions(owner_dsn):
    sql = """
        select c.oid::regclass::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = 'product' and c.relkind = 'r' and exists (
            select from pg_attribute a where a.attrelid = c.oid and a.attname = 'programme' and not a.attisdropped
        ) except select name::regclass::text from alliance.area_table"""
    with psycopg.connect(owner_dsn) as connection:
        assert connection.execute(sql).fetchall() == []
