from __future__ import annotations

import math
from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from marque.app.credibility_charts import svg
from marque.app.credibility_page import figure, figures, page
from marque.proof.credibility import Chart, Credibility, Item, Section, Series, Table

HOSTILE = '<script>alert("1")</script>&'
ITEMS = tuple(Item(f"{HOSTILE} {met}", "criterion", "measured", met, "sentence") for met in (True, False, None))


def credibility():
    chart = Chart(HOSTILE, "x, s", "y, m", (Series(HOSTILE, (0.0, 1.0), (2.0, 3.0)), Series("b", (1.0,), (4.0,))), marks=True)
    table = Table(HOSTILE, ("a", HOSTILE), ((1.0, HOSTILE), (None, "w")))
    return Credibility((Section("s", HOSTILE, (HOSTILE,), ITEMS, (table,), (chart,)),), {"code/x": "ab" * 32}, {"vehicle": HOSTILE})


def test_what_is_not_met_is_said_as_loudly_as_what_is():
    made = page(credibility())
    assert "1 of 3 criteria are met, 1 is not, 1 could not be measured" in made
    assert made.count('class="met"') == made.count('class="unmet"') == made.count('class="open"') == 1


def test_the_page_loads_nothing_and_runs_nothing():
    made = page(credibility())
    assert "<script" not in made
    assert "http" not in made
    assert "<link" not in made
    assert page(credibility()) == made


FIGURES = st.one_of(st.floats(-1e12, 1e12), st.just(math.nan), st.just(math.inf))
POINTS = st.lists(st.tuples(st.floats(-1e9, 1e9), FIGURES), max_size=6)


@given(st.lists(POINTS, max_size=6), st.booleans(), st.booleans(), st.booleans(), st.text(max_size=5))
def test_every_chart_is_well_formed_and_stays_within_itself(series, steps, marks, logarithmic, name):
    name = "".join(c for c in name if c.isprintable())
    drawn = tuple(Series(name, tuple(x for x, _ in one), tuple(y for _, y in one)) for one in series)
    made = str(svg(Chart(name, name, name, drawn, steps=steps, marks=marks, logarithmic=logarithmic)))
    if not made:
        return
    root = ET.fromstring(made)
    width, height = map(float, root.get("viewBox").split()[2:])
    for text in root.iter("text"):
        if text.get("x"):
            assert -1.0 <= float(text.get("x")) <= width + 1.0
            assert -1.0 <= float(text.get("y")) <= height + 1.0
    assert not any(word in path.get("d", "") for path in root.iter() for word in ("nan", "inf"))


def test_the_figures_of_a_chart_stand_by_x_with_a_column_for_each_series():
    table = figures(credibility().sections[0].charts[0])
    assert table.rows == ((0.0, 2.0, None), (1.0, 3.0, 4.0))


def test_figures_are_short_and_signs_are_signs():
    assert [figure(one) for one in (0.0, -1.25, 1234567.0, 0.00001234, 12345.678, None, math.nan)] == [
        "0", "−1.25", "1.23e+06", "1.23e−05", "12,350", "–", "–",
    ]  # fmt: skip
