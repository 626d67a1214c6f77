"""Published feature models, compiled: the published core and dead features and counts, and the same answers as a SAT solver."""

import numpy as np
import pytest
from small_formulas import check_form

from marque.product import uvl
from marque.product.encoding import encode
from marque.product.knowledge.compile import compile_formula
from marque.product.knowledge.counting import log10_count
from marque.product.knowledge.queries import Domains
from marque.product.knowledge.sat import SatDomains

NOTHING = np.zeros(0, np.int32)


def compiled(shared_data, name):
    cnf = encode.encode(uvl.read(shared_data / "feature_models" / name))
    return cnf, compile_formula(cnf)


@pytest.mark.parametrize(
    ("name", "core", "dead", "log10"),
    [
        ("automotive01.benchmark.uvl", 100, 195, 211),
        ("financial_2018-05-09.uvl", 22, 0, 14),
        pytest.param("a02_01.benchmark.uvl", 1394, 8, 1261, marks=pytest.mark.slow),
    ],
)
def test_core_dead_and_count_are_the_published_ones(shared_data, name, core, dead, log10):
    _, circuit = compiled(shared_data, name)
    domains = Domains(circuit).after(NOTHING)
    assert (int((domains == 1).sum()), int((domains == -1).sum())) == (core, dead)
    assert round(log10_count(circuit)) == log10


@pytest.mark.parametrize("name", ["berkeleydb.uvl", "kconfig_axTLS.uvl", "kconfig_uClibc.uvl"])
def test_circuits_of_published_models_keep_their_form(shared_data, name):
    check_form(compiled(shared_data, name)[1])


@pytest.mark.parametrize(
    ("name", "states"), [("berkeleydb.uvl", 40), ("kconfig_axTLS.uvl", 40), ("kconfig_uClibc.uvl", 20), ("financial_2018-05-09.uvl", 3)]
)
def test_domains_are_those_of_a_sat_solver(shared_data, name, states):
    cnf, circuit = compiled(shared_data, name)
    ours, theirs = Domains(circuit), SatDomains(cnf)
    random = np.random.default_rng(4)
    for _ in range(states):
        chosen = random.choice(np.arange(1, cnf.counted + 1), int(random.integers(1, 6)), replace=False)
        decisions = (chosen * random.choice((-1, 1), len(chosen))).astype(np.int32)
        one, other = ours.after(decisions), theirs.after(decisions)
        assert (one is None) == (other is None)
        if one is not None:
            assert np.array_equal(one[1 : cnf.counted + 1], other[1 : cnf.counted + 1])
