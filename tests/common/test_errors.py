from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marque.common import InputError, MarqueError


def test_an_input_error_reads_as_where_what_and_what_to_do():
    error = InputError("a.xml", "lanelet 3402", "the left border has 1 point, at least 2 are needed", "Mend the file.")
    assert str(error) == "a.xml, lanelet 3402: the left border has 1 point, at least 2 are needed.\n  Mend the file."


def test_place_and_remedy_may_be_unknown():
    assert str(InputError("a.xml", "", "the file is empty")) == "a.xml: the file is empty."


def test_whoever_catches_marques_errors_catches_input_errors():
    with pytest.raises(MarqueError):
        raise InputError("--step", "", "a number was expected")


@given(st.text(), st.text(), st.text(), st.text())
def test_an_input_error_comes_back_from_a_worker_process_as_it_was(source, place, problem, remedy):
    sent = InputError(source, place, problem, remedy)
    received = pickle.loads(pickle.dumps(sent))
    assert type(received) is InputError
    assert str(received) == str(sent)
    assert (received.source, received.place, received.problem, received.remedy) == (source, place, problem, remedy)
