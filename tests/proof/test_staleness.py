"""What a change makes stale, against a brute force that makes the name of every artefact anew from all that is below it."""

from __future__ import annotations

import hashlib
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marque.proof.evidence.staleness import Graph, Ledger, campaign_graph, stale

INPUTS = (
    "code/driving",
    "code/proof",
    "gate",
    "lock",
    "map/town",
    "map/village",
    "model/vela",
    "policy",
    "seeds",
    "simulator",
    "suite/alks",
)


def named(artefact, parts, inputs, made=None):
    """What an artefact would be called if its name told everything below it. made: names that are given already, of artefacts as made."""
    if artefact not in parts:
        return inputs.get(artefact, "nothing")
    below = [(part, (made or {}).get(part) or named(part, parts, inputs)) for part in sorted(parts[artefact])]
    return hashlib.sha256(repr((artefact, below)).encode()).hexdigest()


class BruteForce:
    """Keeps of each artefact the name that it had when it was made, and compares it with the one it would have now."""

    def __init__(self, parts, inputs):
        self.parts, self.inputs, self.made_as = dict(parts), dict(inputs), {}

    def made(self, artefact):
        self.made_as[artefact] = named(artefact, self.parts, self.inputs, self.made_as)

    def stale(self):
        return {artefact for artefact, name in self.made_as.items() if name != named(artefact, self.parts, self.inputs)}


def random_graph(chance):
    """Inputs i…, artefacts a…; each artefact of a few inputs and of artefacts before it."""
    inputs = [f"i{number}" for number in range(chance.randint(1, 8))]
    artefacts = [f"a{number}" for number in range(chance.randint(1, 10))]
    parts = {}
    for place, artefact in enumerate(artefacts):
        known = inputs + artefacts[:place]
        parts[artefact] = frozenset(chance.sample(known, chance.randint(1, min(4, len(known)))))
    return inputs, artefacts, parts


def makeable(parts, inputs, made, artefact):
    return all(part in made if part in parts else part in inputs for part in parts[artefact])


def follow(seed, steps):
    """A random history, step by step in both; the number of steps after which something was stale."""
    chance = random.Random(seed)
    inputs, artefacts, parts = random_graph(chance)
    digests = {one: str(chance.randrange(3)) for one in inputs}
    ledger, brute = Ledger(Graph(parts), digests), BruteForce(parts, digests)
    seen = 0
    for _ in range(steps):
        before, what = brute.stale(), chance.random()
        if what < 0.45:
            changed = {one: chance.choice(["0", "1", "2", None]) for one in chance.sample(inputs, chance.randint(1, min(3, len(inputs))))}
            told = ledger.change(changed)
            brute.inputs = {one: digest for one, digest in {**brute.inputs, **changed}.items() if digest is not None}
            assert told == brute.stale() - before
        elif what < 0.9:
            artefact = chance.choice(artefacts)
            if makeable(brute.parts, brute.inputs, brute.made_as, artefact):
                ledger.made(artefact)
                brute.made(artefact)
            else:
                with pytest.raises(ValueError, match="is made of"):
                    ledger.made(artefact)
        else:
            place = chance.randrange(len(artefacts))
            known = inputs + artefacts[:place]
            brute.parts[artefacts[place]] = frozenset(chance.sample(known, chance.randint(1, min(4, len(known)))))
            assert ledger.rewire(artefacts[place], brute.parts[artefacts[place]]) == brute.stale() - before
        assert ledger.stale == brute.stale()
        assert ledger.missing == set(artefacts) - brute.made_as.keys()
        seen += bool(ledger.stale)
    return seen


def test_a_thousand_random_histories_are_told_as_by_brute_force():
    stale_steps = sum(follow(seed, 25) for seed in range(1000))
    assert stale_steps > 5000, "histories in which nothing becomes stale show nothing"


@given(st.integers(0, 1 << 32), st.data())
def test_two_states_differ_in_exactly_the_artefacts_that_brute_force_names_otherwise(seed, data):
    inputs, artefacts, parts = random_graph(random.Random(seed))
    digests = st.dictionaries(st.sampled_from(inputs), st.sampled_from("abc"))
    old, new = data.draw(digests), data.draw(digests)
    expected = {one for one in artefacts if named(one, parts, old) != named(one, parts, new)}
    assert stale(old, new, Graph(parts)) == expected


@given(st.sampled_from(INPUTS))
def test_a_campaign_s_evidence_is_stale_where_the_input_was_used_and_nowhere_else(changed):
    cells = {"motorway": ["map/town", "suite/alks"], "village": ["map/village", "suite/alks"]}
    old = dict.fromkeys(INPUTS, "0" * 64)
    found = stale(old, old | {changed: "1" * 64}, campaign_graph(INPUTS, "vela", cells))
    both = {f"{kind}/vela/{cell}" for kind in ("runs", "verdict") for cell in cells} | {"summary/vela"}
    only = {
        "map/town": {"runs/vela/motorway", "verdict/vela/motorway", "summary/vela"},
        "map/village": {"runs/vela/village", "verdict/vela/village", "summary/vela"},
        "policy": {one for one in both if not one.startswith("runs")},
        "gate": {one for one in both if not one.startswith("runs")},
    }
    assert found == only.get(changed, both)


def test_another_model_s_change_touches_nothing():
    graph = campaign_graph([*INPUTS, "model/atlas"], "vela", {"motorway": ["map/town"]})
    assert stale({"model/atlas": "0"}, {"model/atlas": "1"}, graph) == set()


def test_a_cell_of_unknown_maps_is_an_error():
    with pytest.raises(ValueError, match="map/nowhere"):
        campaign_graph(INPUTS, "vela", {"motorway": ["map/nowhere"]})


def test_putting_an_input_back_makes_fresh_again():
    ledger = Ledger(Graph({"runs": frozenset({"code"}), "report": frozenset({"runs"})}), {"code": "1"})
    ledger.made("runs")
    ledger.made("report")
    assert ledger.change({"code": "2"}) == {"runs", "report"}
    assert ledger.change({"code": "1"}) == set()
    assert ledger.stale == set()


def test_a_report_on_old_runs_stays_stale_when_only_the_report_is_made_again():
    ledger = Ledger(Graph({"runs": frozenset({"code"}), "report": frozenset({"runs", "code"})}), {"code": "1"})
    ledger.made("runs")
    ledger.change({"code": "2"})
    ledger.made("report")
    assert ledger.stale == {"runs", "report"}
    ledger.made("runs")
    assert ledger.stale == {"report"}
    ledger.made("report")
    assert ledger.stale == set()


def test_nothing_is_made_of_itself():
    with pytest.raises(ValueError, match="of itself"):
        Graph({"a": frozenset({"b"}), "b": frozenset({"a"})})
    ledger = Ledger(Graph({"a": frozenset({"b"}), "b": frozenset({"i"})}), {"i": "1"})
    with pytest.raises(ValueError, match="of itself"):
        ledger.rewire("b", {"a"})


def test_a_graph_knows_its_inputs():
    graph = campaign_graph(INPUTS, "vela", {"motorway": ["map/town"]})
    assert graph.artefacts == {"runs/vela/motorway", "verdict/vela/motorway", "summary/vela"}
    assert graph.inputs == set(INPUTS) - {"map/village", "suite/alks"}
