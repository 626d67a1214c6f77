"""City sources, covering samples, the suites that come with Marque, and what is said of a suite."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_suite import written
from typer.testing import CliRunner

from marque.app.cli import app
from marque.common import InputError
from marque.driving.odd import Area, areas
from marque.proof.campaign import Task, drive
from marque.proof.suites import DATA, Parameter, cases, k_wise, read_suite
from marque.proof.suites.covering import Allowed, covering, levels, spelled
from marque.proof.suites.odd import TERMS
from marque.proof.suites.places import road_map, staged
from marque.simulation.judge import prove_ill_posed
from marque.simulation.openscenario import holds
from marque.simulation.places import KINDS
from marque.vehicle import MODELS

TURN = {"name": "turn", "city": "unprotected-left", "map": "braunschweig", "cell": "street", "sample": {"k-wise": 2}}
PACKAGED = ("city", "faults", "motorway")


def of_city(**more):
    """A change of the small suite: its second source is a city's."""

    def change(said):
        said["sources"][1] = {**TURN, **more}

    return change


def turned(folder, **more):
    return read_suite(written(folder, of_city(**more)))


def test_a_city_source_leaves_open_what_it_does_not_say(tmp_path):
    source = turned(tmp_path, parameters={"gap_s": {"low": 1, "high": 2}, "light_lux": {"values": [10]}}).sources[1]
    by_name = {one.name: one for one in source.parameters}
    assert list(by_name) == ["place", *KINDS["unprotected-left"].ranges, "light_lux"]
    assert (by_name["gap_s"].low, by_name["gap_s"].high) == (1.0, 2.0)
    known = KINDS["unprotected-left"].ranges["headway_s"]
    assert (by_name["headway_s"].low, by_name["headway_s"].high) == (known.low, known.high)
    assert by_name["place"].values


def test_the_digest_covers_the_map_by_its_name(tmp_path):
    assert list(turned(tmp_path).files) == ["maps/braunschweig"]


def test_so_many_places_are_taken_evenly_and_only_of_the_area_that_is_said(tmp_path):
    def taken(**place):
        return turned(tmp_path, city="lead-brakes", parameters={"place": place}).sources[1].parameters[0].values

    every, two, roads = taken(), taken(most=2), taken(area="road")
    the_road = road_map(tmp_path, "braunschweig")
    lies = areas(the_road)
    assert two == (every[0], every[len(every) // 2])
    assert roads == tuple(one for one in every if lies[the_road.lane_ids.index(one)] == Area.ROAD) != ()


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"city": "fly"}, 'no "fly"'),
        ({"map": "atlantis"}, 'no map "atlantis"'),
        ({"parameters": {"wings": {"values": [2]}}}, "no such parameter"),
        ({"parameters": {"gap_s": {"low": -9, "high": 1}}}, "-9.0 is not within -2 to 5"),
        ({"parameters": {"body": {"values": ["tank"]}}}, "tank is not within car, truck"),
        ({"parameters": {"body": {"low": 1, "high": 2}}}, "a range is not within"),
        ({"parameters": {"place": {"values": ["nowhere"]}}}, 'no "nowhere"'),
        ({"parameters": {"place": {"low": 0, "high": 1}}}, '"high" is not known here'),
        ({"parameters": {"place": {"area": "moon"}}}, 'drivable area is one of motorway'),
        ({"parameters": {"place": {"area": "roundabout"}}}, "no place for it"),
        ({"sample": {"pairs": 2}}, '{"k-wise": 2}'),
        ({"sample": {"k-wise": 0}}, "a number from 1 to 6"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_city_source_is_named(tmp_path, more, told):
    with pytest.raises(InputError) as caught:
        turned(tmp_path, **more)
    assert told in str(caught.value)


@pytest.mark.parametrize(("odd", "told"), [({"moon": "full"}, "no attribute of the domain"), ({"light": "dusk"}, "light is one of day")])
def test_terms_that_the_domain_does_not_have_are_refused_in_cells_and_in_the_domain(tmp_path, odd, told):
    for change in (
        lambda said: said["cells"]["street"].update(odd=odd),
        lambda said: said.update(domain={name: [term] for name, term in odd.items()}),
    ):
        with pytest.raises(InputError) as caught:
            read_suite(written(tmp_path, change))
        assert told in str(caught.value)


def test_attributes_are_those_that_the_cars_own_monitor_watches_each_once():
    watched = [attribute for attribute, _ in TERMS.values()]
    assert len(set(watched)) == len(watched) == 11


comparisons = (st.sampled_from(["$p0", "$p1"]), st.sampled_from(["<", ">=", "!=", "=="]), st.sampled_from(["$p1", "1", "2 - $p0"]))
parameters = st.lists(st.integers(1, 4), min_size=2, max_size=4).map(
    lambda sizes: [Parameter(f"p{k}", values=tuple(map(float, range(size)))) for k, size in enumerate(sizes)]
)
conditions = st.lists(st.tuples(*comparisons).map(" ".join), max_size=2)


@settings(deadline=None, derandomize=True)
@given(parameters, conditions, st.integers(1, 3))
def test_a_covering_sample_holds_exactly_the_combinations_that_the_constraints_leave(parameters, constraints, k):
    names = [one.name for one in parameters]
    every = [dict(zip(names, values, strict=True)) for values in itertools.product(*(levels(one) for one in parameters))]
    kept = [row for row in every if all(holds(text, spelled(row)) for text in constraints)]
    if not kept:
        with pytest.raises(InputError):
            list(covering(parameters, constraints, k))
        return
    rows = list(covering(parameters, constraints, k))
    assert all(row in kept for row in rows)
    assert rows == list(covering(parameters, constraints, k))
    k = min(k, len(names))

    def combinations(some):
        return {tuple((name, row[name]) for name in chosen) for row in some for chosen in itertools.combinations(names, k)}

    assert combinations(rows) == combinations(kept)


def test_a_covering_sample_is_far_smaller_than_the_grid_and_says_that_it_covers_all(tmp_path):
    suite = turned(tmp_path)
    source = suite.sources[1]
    drawn = [one for one in cases(suite, 1) if one.source is source]
    grid = 1
    for one in source.parameters:
        grid *= len(levels(one))
    coverage = k_wise(source.parameters, drawn, 2, source.constraints)
    assert coverage.covered == coverage.possible > 0
    assert len(drawn) * 10 < grid
    assert drawn == [one for one in cases(suite, 1) if one.source is source]


def test_what_constraints_forbid_is_no_hole():
    parameters = [Parameter("a", values=(1.0, 2.0)), Parameter("b", low=0.0, high=4.0)]
    assert Allowed(parameters, ["$a > $b"]).completed({"b": 2.5}) is None
    rows = list(covering(parameters, ["$a > $b"], 2))
    assert sorted((row["a"], row["b"]) for row in rows) == [(1.0, 0.5), (2.0, 0.5), (2.0, 1.5)]


def test_a_city_case_is_driven_the_same_way_again(tmp_path):
    suite = turned(tmp_path, sample=1)
    case = cases(suite, 1)[3]
    task = Task(tmp_path / "suite.json", "vela", 1)
    line = drive(task, case)
    assert json.loads(line)["outcome"] in ("passed", "failed")
    assert json.loads(line)["trace"]
    assert drive(task, case) == line


def test_a_suite_that_comes_with_marque_is_named_without_a_path_from_anywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "motorway").mkdir()
    suite = read_suite(tmp_path / "motorway")
    assert suite == read_suite(DATA / "motorway.json")
    with pytest.raises(InputError):
        read_suite(tmp_path / "atlantis")


def test_the_manual_has_every_kind_and_every_term():
    page = (Path(__file__).parents[2] / "docs/suites.md").read_text()
    told = set(re.findall(r"^\| `([a-z-]+)` \|", page, re.MULTILINE))
    assert told == set(KINDS)
    assert all(term in page for _, terms in TERMS.values() for term in terms)


@pytest.mark.slow
def test_the_suite_in_the_manual_can_be_read(tmp_path):
    page = (Path(__file__).parents[2] / "docs/suites.md").read_text()
    (tmp_path / "suite.json").write_text(page.partition("```json\n")[2].partition("```")[0])
    suite = read_suite(tmp_path / "suite.json")
    found = cases(suite, 1)
    assert {one.source.name for one in found} == {"left turns", "left turns at night"}
    assert all(dict(one.parameters)["headway_s"] > 2.0 or dict(one.parameters)["others"] == 1.0 for one in found if one.source.k_wise)


@pytest.mark.parametrize("name", PACKAGED)
def test_packaged_suites_say_where_their_exposures_are_from_and_drive_every_cell(name):
    said = json.loads((DATA / f"{name}.json").read_text())
    assert all(cell["basis"] for cell in said["cells"].values())
    assert {source["cell"] for source in said["sources"]} == set(said["cells"])
    assert said["name"] == name


def test_suite_show_tells_cells_sources_and_holes():
    shown = CliRunner().invoke(app, ["suite", "show", "motorway", "--json"])
    assert shown.exit_code == 0, shown.output
    said = json.loads(shown.stdout)
    assert said["cases"] == sum(cell["cases"] for cell in said["cells"]) == sum(one["cases"] for one in said["sources"])
    assert all(one["coverage"]["covered"] == one["coverage"]["possible"] for one in said["sources"])
    assert said["domain"]["coverage"]["holes"] == [
        "motorway · day · moderate",
        "motorway · unlit night · none",
        "motorway · unlit night · moderate",
    ]
    told = CliRunner().invoke(app, ["suite", "show", "motorway"]).stdout
    assert "no cell: motorway · unlit night · none" in told
    assert "100.0 %" in told


@pytest.mark.slow
def test_suite_list_names_every_packaged_suite_with_its_digest():
    listed = json.loads(CliRunner().invoke(app, ["suite", "list", "--json"]).stdout)
    assert [one["name"] for one in listed] == list(PACKAGED)
    assert all(one["digest"] == read_suite(DATA / f"{one['name']}.json").digest for one in listed)


@pytest.mark.slow
def test_every_case_of_the_city_is_possible_and_all_pairs_of_its_covering_samples_occur():
    suite = read_suite(DATA / "city.json")
    found = cases(suite, 1)
    for source in suite.sources:
        drawn = [one for one in found if one.source is source]
        if source.k_wise:
            coverage = k_wise(source.parameters, drawn, source.k_wise)
            assert coverage.covered == coverage.possible, source.name
        for case in drawn[:: max(1, len(drawn) // 8)]:
            scenario = staged(suite.folder, case).scenario
            assert prove_ill_posed(scenario, scenario.problems[0], MODELS["vela"].vehicle) is None, dict(case.parameters)
