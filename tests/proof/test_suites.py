"""Suites are read strictly, and come to the same concrete cases wherever they are expanded."""

from __future__ import annotations

import itertools
import json
import math
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from scipy import stats
from small_suite import written

from marque.common import InputError
from marque.proof.suites import Case, Parameter, Source, cases, cell_coverage, k_wise, read_suite
from marque.proof.suites.coverage import domain_coverage
from marque.simulation.openscenario import Document, variation_of

ALKS = Path(__file__).parents[3] / "shared/data/openscenario/alks/logical_scenarios"
NCAP = ALKS.parents[1] / "ncap/OpenSCENARIO"
needs_alks = pytest.mark.skipif(not ALKS.exists(), reason="the ALKS scenarios are not here")


def source(said, number=0):
    return said["sources"][number]


def test_cases_are_numbered_weighed_and_within_their_ranges(tmp_path):
    found = cases(read_suite(written(tmp_path)), 1)
    assert [one.index for one in found] == list(range(5))
    by_cell = {cell: math.fsum(one.weight for one in found if one.source.cell == cell) for cell in ("motorway", "street")}
    assert by_cell == pytest.approx({"motorway": 0.75, "street": 0.25}, abs=1e-15)
    for one in found[:3]:
        values = dict(one.parameters)
        assert values["limit_mps"] in {22.2, 27.8}
        assert values["limit_mps"] < values["gap_m"] < 60.0
    assert [dict(one.parameters)["runs_mps"] for one in found[3:]] == [2.0, 3.0], "without a sample every combination, in order"


def test_the_same_suite_and_seed_give_the_same_cases_and_another_seed_others(tmp_path):
    suite = read_suite(written(tmp_path))
    assert cases(suite, 1) == cases(suite, 1)
    drawn = [[(one.parameters, one.seed) for one in cases(suite, seed)] for seed in (1, 2)]
    assert all(one != other for one, other in zip(*drawn, strict=True) if len(one[0]) > 0 and one[1] != other[1])
    assert len({one.seed for seed in (1, 2) for one in cases(suite, seed)}) == 10


def test_another_source_before_it_leaves_a_later_sources_values_alone_but_not_the_digest(tmp_path):
    one = read_suite(written(tmp_path))
    more = read_suite(written(tmp_path, lambda said: source(said).update(sample=7)))
    assert [case.parameters for case in cases(more, 1)][:3] == [case.parameters for case in cases(one, 1)][:3]
    assert one.digest != more.digest


@settings(max_examples=30)
@given(st.floats(-5.0, 5.0), st.floats(0.1, 3.0), st.integers(0, 99))
def test_a_normal_parameter_follows_its_distribution_between_its_bounds(mean, deviation, seed):
    parameter = Parameter("x", low=-4.0, high=6.0, mean=mean, deviation=deviation)
    drawn = Source("s", "library", "t", "c", 400, 1.0, settling=False, parameters=(parameter,), constraints=())
    from marque.proof.suites.expand import _logical

    values = [dict(one)["x"] for one in _logical(drawn, np.random.Generator(np.random.Philox(key=seed)))]
    assert all(-4.0 <= one <= 6.0 for one in values)
    law = stats.truncnorm((-4.0 - mean) / deviation, (6.0 - mean) / deviation, loc=mean, scale=deviation)
    assert stats.kstest(values, law.cdf).pvalue > 1e-6


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda s: s.update(kind="x"), "kind"),
        (lambda s: s["cells"]["street"].update(exposure=0.5), "add up to 1.25"),
        (lambda s: source(s).update(cell="moon"), 'no cell "moon"'),
        (lambda s: source(s).update(library="motorways.fly"), 'no "motorways.fly"'),
        (lambda s: source(s)["parameters"].pop("gap_m"), "it asks for gap_m, limit_mps, slower_mps"),
        (lambda s: source(s).pop("sample"), 'Say "sample"'),
        (lambda s: source(s).update(sample=0), "a number from 1"),
        (lambda s: source(s).update(sampel=3), '"sampel" is not known here'),
        (lambda s: source(s)["parameters"]["gap_m"].update(low=70), '"low" is below "high"'),
        (lambda s: source(s).update(openscenario="x.xosc"), "exactly one of"),
        (lambda s: source(s, 1).update(name="cut-in"), 'two sources are named "cut-in"'),
        (lambda s: s["sources"].append({"name": "x", "commonroad": "nowhere", "cell": "street"}), 'there is no "nowhere"'),
        (lambda s: s.update(sources=[]), "a list with something in it"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_suite_is_named(tmp_path, change, told):
    with pytest.raises(InputError) as caught:
        read_suite(written(tmp_path, change))
    assert told in str(caught.value)


@pytest.mark.parametrize(("constraint", "told"), [("$gap_m > 1000", "hardly any values"), ("$gap > 1", "not declared"), ("gap_m >", "")])
def test_a_constraint_that_cannot_be_kept_or_read_is_refused(tmp_path, constraint, told):
    suite = read_suite(written(tmp_path, lambda said: source(said).update(constraints=[constraint])))
    with pytest.raises(InputError) as caught:
        cases(suite, 1)
    assert told in str(caught.value)


@pytest.mark.parametrize("text", [b"", b"{", b"\xff\xfe", b"[]", b'{"kind": NaN}', b"{}"])
def test_a_file_that_is_no_suite_is_refused(tmp_path, text):
    path = tmp_path / "broken.json"
    path.write_bytes(text)
    with pytest.raises(InputError):
        read_suite(path)
    with pytest.raises(InputError):
        read_suite(tmp_path / "missing.json")


levels = st.integers(2, 3)


@given(st.lists(levels, min_size=2, max_size=4), st.data())
def test_pairs_that_are_covered_are_those_that_plain_loops_find(sizes, data):
    parameters = [Parameter(f"p{k}", values=tuple(map(float, range(size)))) for k, size in enumerate(sizes)]
    rows = data.draw(st.lists(st.tuples(*(st.integers(0, size - 1) for size in sizes)), max_size=12))
    of = Source("s", "library", "t", "c", None, 1.0, settling=False, parameters=tuple(parameters), constraints=())
    found = [Case(0, of, "", tuple((f"p{k}", float(value)) for k, value in enumerate(row)), 0, 0.0) for row in rows]
    pairs = {(i, j, row[i], row[j]) for row in rows for i, j in itertools.combinations(range(len(sizes)), 2)}
    coverage = k_wise(parameters, found, 2)
    assert coverage.covered == len(pairs)
    assert coverage.possible == sum(a * b for a, b in itertools.combinations(sizes, 2))
    assert len(coverage.holes) == min(100, coverage.possible - coverage.covered)


def test_cells_without_a_case_and_terms_without_a_cell_are_known_holes(tmp_path):
    def lonely(said):
        said["cells"]["rain"] = {"odd": {"drivable area": "street", "rain": "light"}, "exposure": 0.0}

    suite = read_suite(written(tmp_path, lonely))
    assert cell_coverage(suite, cases(suite, 1)) == {"motorway": 3, "street": 2, "rain": 0}
    found = domain_coverage(suite.cells, {"drivable area": ["motorway", "street", "roundabout"]})
    assert (found.covered, found.possible, found.holes) == (2, 3, ("roundabout",))


def counted(path):
    """What a variation multiplies to, by reading its XML plainly."""
    total = 1
    for one in etree.parse(path).iterfind(".//DeterministicSingleParameterDistribution"):
        span = one.find("DistributionRange")
        if span is None:
            total *= len(one.findall("DistributionSet/Element"))
        else:
            low, high = (Decimal(span.find("Range").get(name)) for name in ("lowerLimit", "upperLimit"))
            total *= int((high - low) // Decimal(span.get("stepWidth"))) + 1
    for one in etree.parse(path).iterfind(".//DeterministicMultiParameterDistribution"):
        total *= len(one.findall(".//ParameterValueSet"))
    return total


@needs_alks
def test_the_logical_scenarios_of_the_alks_expand_to_what_their_files_multiply_to():
    files = sorted(ALKS.glob("*.xosc"))
    assert len(files) == 15
    assert {file.name: len(variation_of(file)) for file in files} == {file.name: counted(file) for file in files}
    assert len(variation_of(next(ALKS.glob("*4_4_1*")))) == 52_500


@needs_alks
def test_a_sample_of_a_variation_is_of_cases_that_its_constraints_allow_none_twice(tmp_path):
    path = next(ALKS.glob("*follow_lead_vehicle_emergency_brake_variation.xosc"))

    def of_file(said):
        said["sources"] = [{"name": "brake", "openscenario": str(path), "cell": "street", "sample": 300}]
        said["cells"] = {"street": {"odd": {}, "exposure": 1}}

    suite = read_suite(written(tmp_path, of_file))
    variation = variation_of(path)
    every, allows = (variation.case(index) for index in range(len(variation))), Document(variation.scenario).allows
    allowed = {tuple(sorted(case.items())) for case in every if allows(case)}
    drawn = [one.parameters for one in cases(suite, 1)]
    assert len(set(drawn)) == 300
    assert set(drawn) <= allowed
    assert json.dumps(sorted(suite.files)).count(".xodr") == 5, "every road that some case names"


@needs_alks
def test_a_suite_may_narrow_a_variation(tmp_path):
    def narrowed(constraint, sample):
        def change(said):
            path = next(ALKS.glob("*follow_lead_vehicle_emergency_brake_variation.xosc"))
            said["sources"] = [{"name": "brake", "openscenario": str(path), "cell": "street", "constraints": [constraint]} | sample]
            said["cells"] = {"street": {"odd": {}, "exposure": 1}}

        return cases(read_suite(written(tmp_path, change)), 1)

    every = narrowed("$Ego_InitSpeed_Ve0_kph > 0", {})
    fast = narrowed("$Ego_InitSpeed_Ve0_kph > 40", {})
    assert [one.parameters for one in fast] == [
        one.parameters for one in every if float(dict(one.parameters)["Ego_InitSpeed_Ve0_kph"]) > 40
    ]
    assert 0 < len(fast) < len(every)
    few = narrowed("$Ego_InitSpeed_Ve0_kph > 40", {"sample": 20})
    assert len(few) == 20
    assert {one.parameters for one in few} < {one.parameters for one in fast}
    with pytest.raises(InputError, match="no case satisfies them"):
        narrowed("$Ego_InitSpeed_Ve0_kph > 400", {})
    with pytest.raises(InputError, match="not declared"):
        narrowed("$Speed > 400", {})


@pytest.mark.skipif(not NCAP.exists(), reason="the NCAP scenarios are not here")
def test_the_variations_of_the_ncap_protocols_expand_to_what_their_files_multiply_to():
    found = {path: variation_of(path) for path in sorted(NCAP.rglob("*.xosc"))}
    lengths = {path: len(variation) for path, variation in found.items() if variation is not None}
    assert len(lengths) == 47
    assert lengths == {path: counted(path) for path in lengths}
    assert sum(lengths.values()) == 302
