"""Documents: read back as written, every fault named by its place, and compared in the words of the matrix."""

from __future__ import annotations

import copy
import hashlib
import json
from dataclasses import replace
from uuid import UUID

import agreement_oracle as oracle
import pytest
import rfc8785
from agreements import a_revision, days, histories
from hypothesis import example, given, settings
from hypothesis import strategies as st

from marque.alliance import differences, documents
from marque.alliance.model import Deviation, Process, Role, Sight, Source
from marque.common import InputError

DOCUMENT = a_revision(
    programmes={"AH8": Deviation({Process.SALES: {"gac": Role.CO_DECIDES, "huawei": Role.LEADS}}, {Process.SALES: {"huawei": Sight.ALL}})},
    sources=(Source("a report", "https://a.example/b", "2021-07"),),
).document() | {"leaving": ["seres"]}
MISSING = object()


@settings(max_examples=50)
@given(histories())
def test_every_document_is_read_back_as_the_same_value_and_the_same_bytes(history):
    before = None
    for revision in history[0]:
        read = documents.read(revision.text, previous=before)
        assert (read, read.text) == (revision, revision.text)
        assert read.digest == hashlib.sha256(revision.text).hexdigest() == oracle.digest_of(json.loads(revision.text))
        before = revision


@given(st.text(min_size=1), st.text(min_size=1), st.integers(1, 9))
@example("\ue000", "\U0001f697", 2)
@example("\x7f \x1f\t\u2028", '\\ "', 2)
def test_what_is_signed_is_canonical_json_whatever_the_texts_hold(first, second, number):
    deviations = {first: Deviation({}, {}), second: Deviation({}, {})}
    revision = replace(a_revision(number=number, programmes=deviations), title=first, sources=(Source(second),))
    try:
        canonical = rfc8785.dumps(revision.document())
    except rfc8785.CanonicalizationError:
        with pytest.raises(rfc8785.CanonicalizationError):
            assert revision.text
    else:
        assert revision.text == canonical


@settings(max_examples=50)
@given(histories())
def test_two_revisions_differ_in_what_the_raw_documents_differ_in(history):
    for old, new in zip(history[0], history[0][1:], strict=False):
        roles = [one for one in differences.diff(old, new) if one.what == "role" and not one.programme]
        told = {(one.process, one.organisation, one.before, one.after) for one in roles}
        first, second = old.document()["matrix"], new.document()["matrix"]
        assert told == {
            (process, one, first[process].get(one, ""), second[process].get(one, ""))
            for process in first
            for one in {*first[process], *second[process]}
            if first[process].get(one) != second[process].get(one)
        }
        assert differences.diff(old, old) == ()


def faulty(path, value):
    said = copy.deepcopy(DOCUMENT)
    *way, last = path
    inner = said
    for step in way:
        inner = inner[step]
    if value is MISSING:
        del inner[last]
    else:
        inner[last] = value
    return said


FAULTS = [
    (("kind",), "https://marque.example/agreement-revision/v2", "$.kind"),
    (("colour",), "red", "$.colour"),
    (("mode",), MISSING, "$"),
    (("agreement",), "AH8", "$.agreement"),
    (("agreement",), "01900000-0000-7000-8000-0000000000FF", "$.agreement"),
    (("title",), " An  agreement", "$.title"),
    (("number",), 0, "$.number"),
    (("number",), True, "$.number"),
    (("number",), "1", "$.number"),
    (("previous",), "0" * 64, "$.previous"),
    (("effective",), "2021-02-29", "$.effective"),
    (("effective",), "20210701", "$.effective"),
    (("effective",), "2021-07", "$.effective"),
    (("parties",), [], "$.parties"),
    (("parties",), ["huawei", "gac"], "$.parties"),
    (("parties",), ["gac", "gac", "huawei"], "$.parties"),
    (("parties",), ["GAC", "huawei"], "$.parties[0]"),
    (("leaving",), [], "$.leaving"),
    (("leaving",), ["gac"], "$.leaving"),
    (("positions", "partner"), "seres", "$.positions.partner"),
    (("positions", "partner"), "gac", "$.positions.carmaker"),
    (("matrix", "sales"), MISSING, "$.matrix"),
    (("matrix", "selling"), {}, "$.matrix.selling"),
    (("matrix", "sales", "seres"), "consulted", "$.matrix.sales.seres"),
    (("matrix", "sales", "huawei"), MISSING, "$.matrix.sales"),
    (("matrix", "sales", "huawei"), "owns", "$.matrix.sales.huawei"),
    (("matrix", "sales", "gac"), "consulted", "$.matrix.sales"),
    (("matrix", "sales", "huawei"), "leads", "$.matrix.sales"),
    (("sight", "sales", "gac"), "leads", "$.sight.sales.gac"),
    (("sight", "sales", "gac"), None, "$.sight.sales.gac"),
    (("programmes", "AH8"), {"matrix": {}}, "$.programmes.AH8"),
    (("programmes", "AH8", "matrix", "sales"), {"huawei": "leads"}, "$.programmes.AH8.matrix.sales"),
    (("programmes", "AH8", "matrix", "sales"), {}, "$.programmes.AH8.matrix.sales"),
    (("programmes", "AH8", "sight", "sales"), {"seres": "all"}, "$.programmes.AH8.sight.sales.seres"),
    (("programmes", " "), {"matrix": {}, "sight": {}}, "$.programmes. "),
    (("transition", "open-decisions"), "both", "$.transition.open-decisions"),
    (("transition", "clauses"), None, "$.transition.clauses"),
    (
        ("transition", "clauses"),
        [{"process": "sales", "organisation": "nio", "what": "destroyed"}],
        "$.transition.clauses[0].organisation",
    ),
    (("transition", "clauses"), [{"process": "sales", "organisation": "gac", "what": "burnt"}], "$.transition.clauses[0].what"),
    (("transition", "clauses"), [{"process": "sales", "organisation": "gac", "what": "destroyed"}] * 2, "$.transition.clauses[1]"),
    (
        ("transition", "clauses"),
        [{"process": "sales", "organisation": "gac", "what": what} for what in ("returned", "destroyed")],
        "$.transition.clauses[1]",
    ),
    (("sources", 0, "url"), "javascript:alert(1)", "$.sources[0].url"),
    (("sources", 0, "date"), "2021-13", "$.sources[0].date"),
    (("sources", 0, "text"), MISSING, "$.sources[0]"),
]


def test_the_document_that_the_faults_are_put_into_is_right():
    assert documents.read(DOCUMENT).document() == DOCUMENT


@pytest.mark.parametrize(("path", "value", "place"), FAULTS)
def test_a_fault_is_named_by_its_place_with_a_remedy(path, value, place):
    with pytest.raises(InputError) as told:
        documents.read(faulty(path, value), "ah8.json")
    assert (told.value.source, told.value.place) == ("ah8.json", place)
    assert told.value.problem
    assert told.value.remedy


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"\xff", "not JSON"),
        (b'{"a": 1, "a": 2}', "stands twice"),
        (b'{"number": NaN}', "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b" " * 1_000_001, "longer"),
        (b"[]", "expected an object"),
        (json.dumps(DOCUMENT).encode(), "not canonical"),
    ],
)
def test_text_that_is_not_a_canonical_document_is_refused(text, words):
    with pytest.raises(InputError, match=words):
        documents.read(text)


def test_a_mode_that_nobody_knows_is_fine_for_the_document_is_complete():
    assert documents.read(a_revision(mode="joint-moon-landing").text).mode == "joint-moon-landing"


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"number": 3}, "$.number"),
        ({"previous": "0" * 64}, "$.previous"),
        ({"agreement": UUID(int=7)}, "$.agreement"),
    ],
)
def test_a_document_that_does_not_follow_the_one_before_is_refused(changes, place):
    first = a_revision()
    with pytest.raises(InputError) as told:
        documents.read(replace(a_revision(2, first.digest), **changes).text, previous=first)
    assert told.value.place == place


def test_a_difference_reads_as_the_matrix_does():
    old = a_revision()
    special = Deviation({Process.BRAND: {"huawei": Role.CO_DECIDES}})
    new = a_revision(
        2, old.digest, days(9).date(), programmes={"M9": special},
        matrix=old.matrix | {Process.SALES: {"gac": Role.CO_DECIDES, "huawei": Role.LEADS}},
    )  # fmt: skip
    assert [str(one) for one in differences.diff(old, new)] == [
        "effective: 2021-07-01 → 2021-07-10",
        "sales · gac: leads → co-decides",
        "sales · huawei: supplies → leads",
        "M9 · brand · huawei: supplies → co-decides",
        "M9 · sales · gac: leads → co-decides",
        "M9 · sales · huawei: supplies → leads",
    ]
