"""What a change of the agreement does to roll-outs: they go with the cars, to whoever leads then; what was destroyed is gone."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from rollout_world import AREA, CARMAKER, PARTNER, noon

from marque.alliance import transitions
from marque.common import Missing
from marque.foundation import Actor
from marque.release.rollouts import service
from marque.release.rollouts.model import Group, State, Thresholds

GROUP = Group(name="all", soak=timedelta(), thresholds=Thresholds(least=1, reported=1.0), attempts=1)


def changed(world, what: str, matrix: dict[str, str]) -> None:
    clauses = [{"process": AREA, "organisation": CARMAKER, "what": what}]
    world.joint.agree(
        date(2022, 6, 1),
        {AREA: matrix},
        {AREA: {CARMAKER: "all", PARTNER: "all"}},
        transition={"clauses": clauses, "open-decisions": "old"},
    )
    world.database.clock.set(noon(2022, 6, 2))
    with world.acting(CARMAKER) as tx:
        transitions.apply_due(tx)


def test_a_roll_out_goes_to_who_leads_with_its_cars_and_goes_on_there(world):
    rollout = world.running(GROUP, cars=4)
    world.offers("LGX0000000")
    changed(world, "returned", {CARMAKER: "co-decides", PARTNER: "leads"})
    with world.acting(CARMAKER) as tx:
        assert service.one(tx, rollout.id).organisation == PARTNER
        assert service.offers(tx, *world.of, ["LGX0000001"]) == [], "the cars are another's"
    with world.database.transaction(Actor(PARTNER, purpose="test")) as tx:
        assert len(service.offers(tx, *world.of, ["LGX0000000", "LGX0000001"])) == 2
        service.record(tx, *world.of, [world.told("LGX0000000", 1)])
    with world.acting(PARTNER) as tx:
        assert service.pause(tx, rollout.id, "ours by now").state is State.PAUSED
        assert service.progress(tx, rollout.id).history[-1].organisation == CARMAKER, "who did what stays as it was"


def test_what_an_agreement_destroys_is_gone_whole(world):
    rollout = world.running(GROUP, cars=4)
    world.record(*(world.told(one.car, 1) for one in world.offers("LGX0000000", "LGX0000001")))
    changed(world, "destroyed", {CARMAKER: "leads", PARTNER: "co-decides"})
    for side in (CARMAKER, PARTNER):
        with world.acting(side) as tx, pytest.raises(Missing):
            service.one(tx, rollout.id)
