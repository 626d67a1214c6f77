from __future__ import annotations

import copy
import json
import pickle

from hypothesis import given
from hypothesis import strategies as st

from marque.common import Either, Every, Sentence

PLAIN = st.text(st.characters(exclude_characters="{}"))


@given(PLAIN, PLAIN, st.text())
def test_a_sentence_is_its_text_for_whoever_knows_nothing_of_it(before, after, value):
    made = Sentence(before + "{given}" + after, given=value)
    assert made == before + value + after
    assert json.loads(json.dumps(made)) == made
    assert {made: 1}[before + value + after] == 1


@given(PLAIN, st.text())
def test_a_sentence_comes_back_from_a_worker_process_with_what_it_was_made_of(pattern, value):
    made = Sentence(pattern + "{given!r}", given=value)
    for again in (pickle.loads(pickle.dumps(made)), copy.deepcopy(made)):
        assert (again, again.pattern, again.values) == (made, made.pattern, made.values)


def test_lists_read_as_english():
    assert Sentence("{some}; {one}", some=Every(["a", "b"]), one=Either(["c", "d"])) == "a, b; c or d"
