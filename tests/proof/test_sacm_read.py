"""A safety case written as SACM and read back is the same; what is no such file is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from argued_facts import facts
from hypothesis import given, settings
from random_arguments import ANSWER, arguments

from marque.common import InputError
from marque.proof.report import sacm
from marque.proof.report.argument import Argument, Challenge, Defeater, argument, compare
from marque.proof.report.sacm_read import loads, read_case


def in_order(made: Argument) -> Argument:
    """What supports a goal is a set as far as the argument goes."""
    return replace(made, elements=tuple(replace(one, supported_by=tuple(sorted(one.supported_by))) for one in made.elements))


@settings(max_examples=60)
@given(arguments())
def test_an_argument_that_is_written_and_read_back_is_the_same(made):
    assert in_order(loads(sacm.dumps(made))) == in_order(made)


def test_a_release_s_case_comes_back_to_the_letter_with_its_doubts_and_answers():
    said = (
        Challenge("CG1", "S1", "Rain is not simulated.", "Li", "2026-11-20", "No claimed cell is wet.", "Wang", "2026-11-22"),
        Challenge("CG2", "CG1", "One of them is.", "Chen", "2026-11-23"),
        Challenge("CG3", "C3", "The domain is told too wide.", "Chen", "2026-11-23"),
        Challenge("CG4", "Sn9", "They were not counted.", "Chen", "2026-11-23"),
    )
    made = argument(facts({0: "lost"}, before={6: "failed"}, credibility=None), said)
    back = loads(sacm.dumps(made))
    assert back == made
    assert sacm.dumps(back) == sacm.dumps(made)
    assert compare(made, back) == type(compare(made, back))((), (), (), ())


def test_a_final_defeater_stays_final():
    top = argument(facts())
    final = top.with_defeater(Defeater("D99", "G1", "It cannot be.", "Marque", final=True))
    back = loads(sacm.dumps(final))
    with pytest.raises(ValueError, match="only other evidence"):
        replace(back.defeaters[-1], **ANSWER)


CASE = sacm.dumps(argument(facts()))


@pytest.mark.parametrize(
    ("bent", "why"),
    [
        (lambda _: b"not xml", "it is not XML"),
        (lambda _: b"<a/>", "it begins with no assurance case package"),
        (lambda text: text.replace(b"argumentationElement", b"elsewhere"), "there is not one element in it"),
        (lambda text: text.replace(b'gid="G5"', b'gid="G6"'), "G6 stands there twice"),
        (lambda text: text.replace(b'source="G5 ', b'source="G55 '), "G55 is missing"),
        (lambda text: text.replace(b"<content>", b"<contents>").replace(b"</content>", b"</contents>"), "content is missing"),
        (lambda text: text.replace(b'target="G6"', b'target="Sn6"'), "a solution cannot be supported by a solution"),
    ],
)
def test_what_is_no_safety_case_is_refused_with_the_reason(tmp_path, bent: Callable[[bytes], bytes], why):
    file = tmp_path / "safety-case.xmi"
    file.write_bytes(bent(CASE))
    with pytest.raises(InputError, match=why):
        read_case(file)


def test_a_file_that_asks_for_other_files_is_not_given_any(tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("the words of another file")
    entity = f'<!DOCTYPE a [<!ENTITY other SYSTEM "{secret.as_uri()}">]>'.encode()
    head, rest = CASE.split(b"?>", 1)
    file = tmp_path / "safety-case.xmi"
    file.write_bytes(head + b"?>" + entity + rest.replace(b"<name", b"&other;<name", 1))
    assert "another file" not in repr(read_case(file))


def test_a_file_that_is_not_there_is_told():
    with pytest.raises(InputError, match="cannot be read"):
        read_case(Path("nowhere.xmi"))
