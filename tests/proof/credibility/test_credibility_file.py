from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from marque.common import InputError
from marque.proof.credibility import Chart, Credibility, Item, Section, Series, Table, read_credibility

WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), max_size=12)
FIGURES = st.integers(-999_999, 999_999).map(lambda value: value / 1000.0)
ITEMS = st.builds(Item, WORDS, WORDS, WORDS, st.sampled_from([True, False, None]), WORDS)
SERIES = st.lists(st.tuples(FIGURES, FIGURES), max_size=4).map(
    lambda points: Series("one", tuple(x for x, _ in points), tuple(y for _, y in points))
)
SECTIONS = st.builds(
    Section, WORDS, WORDS, st.lists(WORDS, max_size=2).map(tuple), st.lists(ITEMS, max_size=3).map(tuple),
    st.just((Table("t", ("a", "b"), ((1.5, None), ("word", -2.0))),)),
    st.lists(st.builds(Chart, WORDS, WORDS, WORDS, st.lists(SERIES, max_size=2).map(tuple)), max_size=1).map(tuple),
)  # fmt: skip


@given(st.lists(SECTIONS, max_size=3))
def test_what_is_written_is_read_again_as_it_was(tmp_path_factory: pytest.TempPathFactory, sections: list[Section]) -> None:
    made = Credibility(tuple(sections), {"code/driving": "ab" * 32}, {"vehicle": "vela"})
    path = tmp_path_factory.mktemp("credibility") / "credibility.json"
    path.write_bytes(made.dumps())
    assert read_credibility(path) == made
    assert read_credibility(path).dumps() == made.dumps()
    assert made.dumps() == rfc8785.dumps(json.loads(made.dumps()))


def test_figures_keep_six_significant_digits_and_what_is_not_finite_is_null() -> None:
    said = json.loads(Credibility((Section("n", "t", (), (), (Table("t", ("a",), ((math.pi * 1e4,), (math.inf,))),)),), {}, {}).dumps())
    assert said["sections"][0]["tables"][0]["rows"] == [[31415.9], [None]]


@pytest.mark.parametrize(
    "content", [b"", b"[]", b'{"kind":"other"}', b'{"kind":"https://marque.example/credibility/v1"}', b"\xff",
                b'{"kind":"https://marque.example/credibility/v1","sections":[{"name":"n"}],"rests_on":{},"settings":{}}'],
)  # fmt: skip
def test_whatever_is_no_credibility_file_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "credibility.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"credibility\.json"):
        read_credibility(path)


def test_a_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nothing\.json"):
        read_credibility(tmp_path / "nothing.json")
