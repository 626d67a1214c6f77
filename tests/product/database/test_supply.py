"""One catalogue of modules serves programmes of every mode, and says nothing of itself to any of them but what they were offered."""

from __future__ import annotations

from datetime import date, timedelta

import psycopg
import pytest
from product_world import CARMAKER, OTHER, PARTNER, Kind, Where, colleague, noon, world
from small_alliance import document, draft, programme, propose, sign

from marque.common import Denied, InputError, Missing, Refused
from marque.foundation import Actor
from marque.product import revisions, supply
from marque.product.supply import Module, ModuleKind

UVL = """namespace sensors

features
    Sensors
        alternative
            OneLidar {requires_tops 20, provides_range_m 200}
            ThreeLidars {requires_tops 60, provides_range_m 250}
"""
MODES = ("balanced", "component-supplier", "inside", "joint-development", "smart-selection")


def module(version="1.0", text=UVL, **more):
    said = {"name": "technology.sensors", "kind": ModuleKind.SENSOR_SUITE, "title": "Lidars", "hardware": ("lidar-192",)}
    return Module(**(said | {"version": version, "text": text} | more))


@pytest.fixture
def joint(database, owner_dsn):
    return world(database, owner_dsn)


def published(joint, *versions):
    for version in versions:
        with joint.acting(PARTNER) as tx:
            supply.publish(tx, module(version, UVL + f"// {version}\n"))


def offered(joint, version, by=PARTNER):
    with joint.acting(by) as tx:
        return supply.offer(tx, CARMAKER, joint.programme, "technology.sensors", version)


def test_a_version_says_what_it_needs_and_gives_and_never_changes(joint):
    with joint.acting(PARTNER) as tx:
        made = supply.publish(tx, module())
        assert (made.requires, made.provides) == (("requires_tops",), ("provides_range_m",))
        with pytest.raises(Refused, match="never changes"):
            supply.publish(tx, module(text=UVL + "// other\n"))
        assert [one.version for one in supply.catalogue(tx)] == ["1.0"]
    with pytest.raises(psycopg.errors.InsufficientPrivilege), joint.acting(PARTNER) as tx:
        tx.execute("update product.module set title = 'other'")


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        ({"text": "features\n    Sensors\n      mandatory\n    ("}, InputError),
        ({"version": "a b"}, Refused),
        ({"title": " "}, Refused),
        ({"hardware": ("",)}, Refused),
        ({"text": ""}, Refused),
    ],
)
def test_what_is_no_module_does_not_get_into_the_catalogue(joint, more, fault):
    with joint.acting(PARTNER) as tx:
        with pytest.raises(fault):
            supply.publish(tx, module(**more))
        assert supply.catalogue(tx) == []


def test_only_makers_put_modules_into_the_catalogue(joint):
    looking = colleague(joint, PARTNER, "viewer", "signatory")
    with joint.database.transaction(Actor(PARTNER, looking)) as tx, pytest.raises(Denied):
        supply.publish(tx, module())
    with joint.database.transaction(Actor(PARTNER)) as tx, pytest.raises(Denied):
        supply.publish(tx, module())


def test_the_catalogue_is_its_suppliers_alone(joint):
    published(joint, "1.0")
    for one in (CARMAKER, OTHER):
        with joint.acting(one) as tx:
            assert supply.catalogue(tx) == []
            with pytest.raises(Missing):
                supply.one(tx, "technology.sensors", "1.0")
            assert tx.value("select count(*) from product.module") == 0


@pytest.mark.parametrize("mode", MODES)
def test_in_every_mode_a_programme_has_what_was_offered_once_those_who_decide_there_assent(database, owner_dsn, mode):
    """Who decides on software supply differs by mode: the carmaker alone, the partner alone, or both."""
    joint = world(database, owner_dsn, mode)
    published(joint, "1.0", "1.1")
    first = offered(joint, "1.0")
    alone = mode == "smart-selection"
    assert (first.state == "taken") == alone
    if not alone:
        joint.assent(CARMAKER, first)
    with joint.acting(CARMAKER) as tx:
        holds = revisions.in_force(tx, CARMAKER, joint.programme, Kind.MODULE, "technology.sensors", Where(tx.now.date()))
        assert (holds.id, holds.about["version"], holds.about["hardware"]) == (first.id, "1.0", ["lidar-192"])
        assert "1.1" not in revisions.text(tx, first.id)
    with joint.acting(PARTNER) as tx:
        (binding,) = supply.bindings(tx)
    assert (binding.code, binding.version, binding.mode, binding.state) == ("AH8", "1.0", mode, "taken")
    with joint.acting(CARMAKER) as tx:
        assert supply.bindings(tx) == []


def test_a_module_is_withdrawn_when_those_who_decide_have_assented(joint):
    published(joint, "1.0")
    joint.assent(CARMAKER, offered(joint, "1.0"))
    joint.database.clock.advance(timedelta(days=1))
    with joint.acting(PARTNER) as tx:
        gone = supply.withdraw(tx, CARMAKER, joint.programme, "technology.sensors", note="No longer made.")

    def has(by):
        with joint.acting(by) as tx:
            asked = Where(tx.now.date())
            return not revisions.in_force(tx, CARMAKER, joint.programme, Kind.MODULE, "technology.sensors", asked).withdrawn_part

    assert has(CARMAKER)
    joint.assent(CARMAKER, gone)
    assert not has(CARMAKER)


def test_one_module_serves_several_carmakers_and_none_learns_of_the_others(joint):
    """The second agreement is the partner's with another carmaker: its own programme, its own revisions, one catalogue."""
    agreement = draft(joint.database, OTHER)
    there = programme(joint.database, OTHER, agreement, "Another")
    both = {"seres": "leads", "huawei": "co-decides"}
    text = document(agreement, 1, "", date(2022, 1, 1), {"software-supply": both}, {"software-supply": {"seres": "all", "huawei": "all"}})
    propose(joint.database, OTHER, agreement, 1, text)
    for one in (OTHER, PARTNER):
        sign(joint.database, OTHER, agreement, 1, one, joint.people[one])
    joint.at(noon(2022, 3, 2))
    published(joint, "1.0", "2.0")
    mine = offered(joint, "1.0")
    with joint.acting(PARTNER) as tx:
        theirs = supply.offer(tx, OTHER, there, "technology.sensors", "2.0")
        assert sorted((one.lead, one.version) for one in supply.bindings(tx)) == [(CARMAKER, "1.0"), (OTHER, "2.0")]
    for organisation, sees, hidden in ((CARMAKER, mine, theirs), (OTHER, theirs, mine)):
        with joint.acting(organisation) as tx:
            assert revisions.one(tx, sees.id).part == "technology.sensors"
            with pytest.raises(Missing):
                revisions.one(tx, hidden.id)


def test_who_may_not_offer_to_a_programme_is_told_that_there_is_none(joint):
    with joint.acting(OTHER) as tx:
        supply.publish(tx, module())
        with pytest.raises(Missing):
            supply.offer(tx, CARMAKER, joint.programme, "technology.sensors", "1.0")


def test_a_model_of_the_suppliers_own_brand_has_its_modules_at_once(joint):
    """The supplier leads such a programme; who builds the car is consulted, and is shown no other programme's modules."""
    agreement = draft(joint.database, PARTNER)
    own = programme(joint.database, PARTNER, agreement, "Own brand")
    roles, sight = {"huawei": "leads", "seres": "consulted"}, {"huawei": "all", "seres": "all"}
    text = document(agreement, 1, "", date(2022, 1, 1), {"software-supply": roles}, {"software-supply": sight})
    propose(joint.database, PARTNER, agreement, 1, text)
    for one in (PARTNER, OTHER):
        sign(joint.database, PARTNER, agreement, 1, one, joint.people[one])
    joint.at(noon(2022, 3, 2))
    published(joint, "1.0", "2.0")
    offered(joint, "1.0")
    with joint.acting(PARTNER) as tx:
        made = supply.offer(tx, PARTNER, own, "technology.sensors", "2.0")
        assert made.state == "taken"
        assert sorted((one.code, one.state) for one in supply.bindings(tx)) == [("AH8", "open"), ("Own brand", "taken")]
    with joint.acting(OTHER) as tx:
        assert [one.about["version"] for one in revisions.page(tx, made.area)] == ["2.0"]
