"""The runs of evidence: lines in one form alone, counted, sealed into one file, and driven again byte for byte."""

from __future__ import annotations

import json
import re

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st
from sealed_world import CELLS, DAY, NOW, RUNS, World, outcome_of, run_line, written

from marque.common import InputError
from marque.proof.evidence import archive, lines, verify
from marque.proof.evidence.replaying import one_by_one, replay
from marque.proof.evidence.runs_check import against
from marque.proof.evidence.seal import read_runs, seal
from marque.proof.evidence.statements import OUTCOMES, Verdict

# Runs ---------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (run_line(1, measures={"a": {"b": 1}}), None),
        (run_line(1, more=[1, "x", None, 1e-7, 1e21, 0.1]), None),
        (run_line(1, cell='"\\\n\u2028é😀'), "a line of text"),
        (run_line(1, cell=""), "a line of text"),
        (run_line(2), "case 1 was expected, it is of case 2"),
        (run_line(1).replace(b'"case":1', b'"case":"1"'), "case 1 was expected"),
        (run_line(1).replace(b'"case":1', b'"case":true'), "case 1 was expected"),
        (run_line(1, "fine"), "outcome"),
        (run_line(1, outcome=None), "outcome"),
        (run_line(1).replace(b"0.25", b"0.250"), "not canonical"),
        (run_line(1).replace(b"0.25", b"-0"), "not canonical"),
        (run_line(1).replace(b"0.25", b"1e2"), "not canonical"),
        (run_line(1).replace(b'"why"', b'"w\\u0068y"'), "not canonical"),
        (run_line(1).replace(b'"why":""', b'"why":"\\u000a"'), "not canonical"),
        (run_line(1).replace(b'"cell"', b'"case":1,"cell"'), "twice"),
        (run_line(1).replace(b'"why":""', b'"why":"\xff"'), "UTF-8"),
        (b"\n", "not JSON"),
        (run_line(1)[:-1], "end of line"),
        (b"[" * 2000 + b"\n", "not JSON"),
    ],
)
def test_a_line_is_a_run_in_one_form_alone(line, told):
    data = run_line(0) + line
    found = lines.scan(data, 0, len(data))
    if told is None:
        assert (found.problem, found.counts) == (None, {CELLS[0]: {"passed": 2}})
        assert lines.scan(data, 0, len(data), thorough=True) == found
    else:
        assert found.problem is not None, found
        assert found.problem[0] == 2
        assert told in found.problem[1]


NUMBERS = (
    0.1, 0.25, 1e-6, 1.5e-6, 1e-7, 123456789.123456789, 1e15, 999999999999999, 1e16, 1e21, 5e-324, 0.30000000000000004, -0.0, -1, 2**53,
    2**54, 1 / 3, 100 / 3, 1e-5 / 3, -2.5, 0, 1.0,
)  # fmt: skip
NUMBER = re.compile(rb"(?<=:)-?\d[\d.]*(?=[,}])")
REWRITTEN = (
    (b"0.1", b"0.10"), (b"0.1", b"0.1000000000000000055"), (b"0.25", b"2.5e-1"), (b'"a"', b'"z"'), (b'"a"', b'"b"'), (b":0", b":-0"),
    (b":1", b":1.0"), (b"cc", b"fsm"), (b"0.3333333333333333", b"0.33333333333333331"), (b"1", b"10"), (b'"a"', b'"\\u0061"'),
    (b":", b": "), (b"{", b"{ "), (b"x", b"\\/"),
)  # fmt: skip


@given(
    st.dictionaries(
        st.sampled_from(["a", "b", "ttc_min_s", "é", "\U0001f600", "\uffff", "x\\y"]),
        st.sampled_from(NUMBERS) | st.floats(0, 1e9),
        max_size=4,
    ),
    st.dictionaries(st.sampled_from(["a", "b", "c"]), st.sampled_from(["x", 1, 0.1, 1 / 3, None, "0.12345678901234567", [1]]), max_size=3),
    st.lists(st.sampled_from(REWRITTEN), max_size=2), st.binary(max_size=2), st.integers(0, 1 << 30), st.integers(0, 2),
)  # fmt: skip
@settings(max_examples=400)
def test_a_line_is_let_through_exactly_when_it_is_canonical_and_a_run(measures, parameters, rewritten, new, place, gone):
    """Lines with anything rewritten, put in or taken out; held against a JSON parser and the writer of RFC 8785."""
    try:
        line = run_line(0, "failed", why='é "x"', measures=measures, parameters=parameters)[:-1]
    except rfc8785.CanonicalizationError:
        return
    for old, other in rewritten:
        line = line.replace(old, other, 1)
    if new or gone:
        place %= len(line)
        line = line[:place] + new + line[place + gone :]
    found = lines.scan(line + b"\n", 0, len(line) + 1)
    try:
        said = json.loads(line)
        sound = rfc8785.dumps(said) == line and (said["case"], type(said["case"])) == (0, int) and said["cell"].isprintable()
        counts = {said["cell"]: {said["outcome"]: 1}}
        sound = sound and said["cell"] != "" and said["outcome"] in OUTCOMES
    except (ValueError, KeyError, TypeError, AttributeError, rfc8785.CanonicalizationError):
        sound = False
    assert (lines.scan(line + b"\n", 0, len(line) + 1, thorough=True).problem is None) == sound
    if found.problem is None:
        assert found.counts == counts
    if (found.problem is None) != sound:
        assert found.problem is None
        pairs = list(zip(NUMBER.findall(line), NUMBER.findall(rfc8785.dumps(said)), strict=True))
        assert NUMBER.sub(b"0", line) == NUMBER.sub(b"0", rfc8785.dumps(said))
        assert all(one == other or (float(one) == float(other) and len(one) > 16) for one, other in pairs), "but for a long number"


def is_canonical(line):
    try:
        return lines.parsed(line) == json.loads(line)
    except ValueError:
        return False


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 54), 1 << 54) | st.floats(allow_nan=False) | st.text(max_size=4)
    | st.sampled_from([0.0, -0.0, 1.0, 1e-7, 1e-5, 1e16, 1e21, 123456789012345680.0, 0.1]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
)  # fmt: skip


@given(st.dictionaries(st.text(max_size=3), values, max_size=4), st.booleans(), st.booleans())
def test_the_quick_look_at_a_line_says_what_the_thorough_one_says(said, by_python, in_order):
    try:
        line = rfc8785.dumps(said)
        if by_python:
            line = json.dumps(said, ensure_ascii=False, separators=(",", ":"), sort_keys=in_order).encode()
        thorough = rfc8785.dumps(json.loads(line)) == line
    except rfc8785.CanonicalizationError:
        line, thorough = json.dumps(said, separators=(",", ":"), sort_keys=in_order).encode(), False
    assert is_canonical(line) == thorough


def test_an_outcome_within_another_value_counts_nothing():
    tricks = run_line(0, "failed", why='"outcome":"passed"', measures={"outcome": 1}, parameters={"outcome": "passed"})
    assert lines.scan(tricks, 0, len(tricks)).counts == {CELLS[0]: {"failed": 1}}


def test_runs_that_were_signed_wrongly_are_told_by_line(tmp_path):
    runs = b"".join([run_line(0), run_line(1), run_line(1)])
    world = World(runs=runs, verdicts=(Verdict("vela", CELLS[0], "PASSED"),))
    report = verify(written(tmp_path / "some.evidence", world), world.directories, now=NOW)
    assert [(one.link, one.line) for one in report.findings] == [("runs", 3)]


def test_what_became_of_runs_is_told():
    good = RUNS.splitlines(keepends=True)
    whole = lines.scan(RUNS, 0, len(RUNS))
    cases = [
        (good[:3] + good[4:], "dropped: 1 of 23", 4),
        (good[:-1], "dropped: 1 of 23", 23),
        ([*good, good[5]], "repeated: 1 more", 24),
        ([*good, run_line(99)], "added: 1 more", 24),
        ([good[1], good[0], *good[2:]], "reordered: this one was signed as line 2", 1),
        ([*good[:7], run_line(7), *good[8:]], "not as signed", 8),
        ([run_line(90), run_line(91), *good[3:]], "3 are missing and 2 are others", 1),
    ]
    for changed, told, line in cases:
        data = b"".join(changed)
        [finding] = against(whole.runs, lines.scan(data, 0, len(data)), whole.leaves)
        assert (finding.link, finding.line) == ("runs", line)
        assert told in finding.problem


# Sealing and replaying ------------------------------------------------------------------------------------------------------------------


def split(world):
    parts = world.parts()
    return {name: text for name, text in parts.items() if name in archive.ENVELOPES}


def test_sealing_gives_the_one_file_and_writes_nothing_that_is_not_sound(tmp_path):
    world, runs = World(), tmp_path / "runs.jsonl"
    runs.write_bytes(RUNS)
    report = seal(tmp_path / "some.evidence", split(world), world.directories, runs, now=NOW)
    assert report.ok
    assert (tmp_path / "some.evidence").read_bytes() == written(tmp_path / "same.evidence", world).read_bytes()
    late = seal(tmp_path / "late.evidence", split(world), world.directories, runs, now=NOW + 99 * DAY)
    assert [one.link for one in late.findings] == ["expiry"]
    assert sorted(one.name for one in tmp_path.iterdir()) == ["runs.jsonl", "same.evidence", "some.evidence"]
    with pytest.raises(InputError, match="already there"):
        seal(tmp_path / "some.evidence", split(world), world.directories, runs, now=NOW)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (run_line(1).replace(b'"dx0_m"', b'"ze0_m"'), "line 2: the run is not canonical"),
        (run_line(1).replace(b"0.25", b"0.25000000000000001"), "line 2: the run is not canonical"),
        (b"\n", "line 2: the run is not JSON"),
    ],
)
def test_what_is_no_run_is_not_sealed(tmp_path, line, told):
    file = tmp_path / "runs.jsonl"
    file.write_bytes(run_line(0) + line)
    with pytest.raises(InputError, match=told):
        read_runs(file)


def test_no_run_is_no_evidence(tmp_path):
    (tmp_path / "runs.jsonl").write_bytes(b"")
    with pytest.raises(InputError, match="holds no run"):
        read_runs(tmp_path / "runs.jsonl")


def drive(case):
    """The campaign of this test: what `sealed_world` says of a case."""
    return run_line(case.case, outcome_of(case.case), CELLS[case.case % 3])[:-1]


def test_random_runs_are_driven_again_and_compared_byte_for_byte(tmp_path):
    file = written(tmp_path / "some.evidence")
    again = replay(file, one_by_one(drive), 10, seed=1)
    assert again.ok
    assert len(again.lines) == len(set(again.lines)) == 10
    assert list(again.lines) == sorted(again.lines)
    assert replay(file, one_by_one(drive), 10, seed=1) == again
    assert replay(file, one_by_one(drive), 10, seed=2).lines != again.lines
    assert replay(file, one_by_one(drive), 1000, seed=1).lines == tuple(range(1, 24))


def test_a_run_that_comes_out_otherwise_is_told(tmp_path):
    def other(case):
        return drive(case) if case.case != 7 else drive(case).replace(b'"lost"', b'"passed"')

    again = replay(written(tmp_path / "some.evidence"), one_by_one(other), 23, seed=1)
    assert [one.line for one in again.differences] == [8]
    assert not again.ok
    assert again.differences[0].expected == RUNS.splitlines()[7]


def test_only_what_was_to_be_driven_is_told_to_who_drives(tmp_path):
    seen = []
    replay(written(tmp_path / "some.evidence"), one_by_one(lambda case: seen.append(case) or drive(case)), 1, seed=1)
    assert {*vars(seen[0])} == {"case", "cell", "parameters", "scenario", "seed", "weight"}


def test_nothing_is_replayed_from_what_is_no_evidence(tmp_path):
    (tmp_path / "x").write_bytes(b"nothing")
    with pytest.raises(InputError, match="Verify the evidence first"):
        replay(tmp_path / "x", one_by_one(drive), 1, seed=1)
    with pytest.raises(ValueError, match="2 cases were to be driven"):
        replay(written(tmp_path / "y"), lambda cases: [], 2, seed=1)  # noqa: ARG005
