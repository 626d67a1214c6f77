"""Which revision holds where and when: the rules' answer and the database's, in any history."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from product_world import CARMAKER, PARTNER, Kind, Where, model, world

from marque.common import Missing
from marque.product import revisions, rules
from marque.product.rules import Effectivity

DAYS = [date(2022, 3, 1) + timedelta(days=30 * month) for month in range(5)]
days = st.one_of(st.none(), st.sampled_from(DAYS))
some = {"markets": st.frozensets(st.sampled_from(["cn", "de", "no"]), max_size=2),
        "plants": st.frozensets(st.sampled_from(["hz", "gz"]), max_size=1),
        "model_years": st.frozensets(st.sampled_from([2022, 2023]), max_size=1)}  # fmt: skip
effectivities = st.builds(Effectivity, starts=days, ends=days, **some).filter(
    lambda one: one.starts is None or one.ends is None or one.starts < one.ends
)
histories = st.lists(st.tuples(effectivities, st.one_of(st.none(), st.integers(0, 3))), min_size=1, max_size=4)
places = st.builds(Where, st.sampled_from(DAYS), st.sampled_from(["", "cn", "de"]), st.sampled_from(["", "hz"]), st.sampled_from([0, 2022]))


@pytest.fixture(scope="module")
def parts():
    return (f"part{number}" for number in count())


@pytest.fixture
def joint(database, owner_dsn):
    return world(database, owner_dsn)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(histories, st.lists(places, min_size=3, max_size=6))
def test_the_rules_and_the_database_name_the_same_revision(joint, parts, history, asked):
    """history: each revision's effectivity, and how many days after it the partner assents, if ever."""
    part, start = next(parts), joint.database.clock.now()
    waiting = []
    for number, (effectivity, _) in enumerate(history):
        joint.database.clock.set(start + timedelta(hours=number))
        given = {name: getattr(effectivity, name) for name in ("starts", "ends", "markets", "plants", "model_years")}
        waiting.append(joint.propose(CARMAKER, Kind.RULES, model(f"{number}"), part, **given))
    for day in range(5):
        joint.database.clock.set(start + timedelta(days=day, hours=len(history)))
        for made, (_, assent) in zip(waiting, history, strict=True):
            if assent == day:
                joint.assent(PARTNER, made)
        with joint.acting(CARMAKER) as tx:
            known = revisions.of_part(tx, CARMAKER, joint.programme, Kind.RULES, part)
            for where in asked:
                try:
                    found = revisions.in_force(tx, CARMAKER, joint.programme, Kind.RULES, part, where)
                except Missing:
                    found = None
                assert rules.in_force(known, where, tx.now) == found
    # What was asked on an earlier day is answered the same later: assents are known with their instant.
    with joint.acting(CARMAKER) as tx:
        known = revisions.of_part(tx, CARMAKER, joint.programme, Kind.RULES, part)
    assert all(rules.in_force(known, where, start) is None for where in asked)


@given(effectivities, st.sampled_from(DAYS))
def test_an_empty_list_is_everywhere_and_a_day_is_not_its_own_past(effectivity, day):
    without = Effectivity(effectivity.starts, effectivity.ends)
    inside = (effectivity.starts is None or day >= effectivity.starts) and (effectivity.ends is None or day < effectivity.ends)
    assert without.holds(Where(day, "nowhere", "none", 1999)) == inside
    assert not Effectivity(markets=frozenset({"cn"})).holds(Where(day)), "asked about no market in particular"
