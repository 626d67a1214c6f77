"""Statements as in-toto and SLSA have them, and each text the only one that says what it says."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st
from sealed_world import NOW, World

from marque.alliance.signing import read_envelope
from marque.proof.evidence import archive
from marque.proof.evidence.policy import Policy, commitment, opens, read_policy
from marque.proof.evidence.statements import (
    FAILURES,
    Input,
    Release,
    Runs,
    Summary,
    TestResult,
    Verdict,
    cells_by_result,
    read_provenance,
    read_summary,
    read_test_result,
    release_digest,
)

WORLD = World()
TEXTS = {name: read_envelope(text).payload for name, text in WORLD.parts().items() if name in archive.ENVELOPES}
READERS = dict(zip(archive.ENVELOPES, [read_policy, read_provenance, read_test_result, read_summary], strict=True))
SHA = "0123456789abcdef" * 4
digests = st.binary(min_size=32, max_size=32).map(bytes.hex)
words = st.text(st.characters(categories=["L", "N"], include_characters=" /-"), min_size=1, max_size=20).filter(str.strip)
outcomes = st.sampled_from(["passed", "failed", "lost", "aborted", "overdue", "outside"])
counts = st.dictionaries(words, st.dictionaries(outcomes, st.integers(1, 10**9), min_size=1), min_size=1)
answers = st.sampled_from(["PASSED", "FAILED", "OUTSIDE ODD"])
releases = st.builds(Release, st.sampled_from(["pilot", "park-1"]), st.sampled_from(["1.0", "2.0-rc.1"]), digests)
runs = st.builds(Runs, st.integers(1, 1 << 40), digests, digests)
instants = st.datetimes().map(lambda one: one.replace(tzinfo=NOW.tzinfo, year=max(one.year, 1000)))
verdicts = st.lists(
    st.builds(Verdict, st.just("vela"), words, answers, st.lists(words, max_size=2).map(tuple)),
    min_size=1, max_size=5, unique_by=lambda one: one.cell,
).map(lambda ones: tuple(sorted(ones, key=lambda one: (one.model, one.cell))))  # fmt: skip


def test_the_provenance_has_the_fields_of_slsa_provenance_v1():
    said = json.loads(TEXTS[archive.PROVENANCE])
    assert said["_type"] == "https://in-toto.io/Statement/v1"
    assert said["predicateType"] == "https://slsa.dev/provenance/v1"
    assert said["predicate"].keys() == {"buildDefinition", "runDetails"}
    definition, details = said["predicate"]["buildDefinition"], said["predicate"]["runDetails"]
    assert definition.keys() == {"buildType", "externalParameters", "resolvedDependencies"}
    assert details["builder"].keys() == {"id", "version"}
    assert details["metadata"] == {
        "invocationId": "campaign-1", "startedOn": "2026-11-23T12:00:00.000000Z", "finishedOn": "2026-11-23T13:00:00.000000Z",
    }  # fmt: skip
    named = {one["name"]: one["digest"]["sha256"] for one in definition["resolvedDependencies"]}
    assert {name.partition("/")[0] for name in named} == {"code", "lock", "map", "model", "policy", "seeds", "simulator", "suite"}
    assert said["subject"][0]["name"] == "runs.jsonl"


def test_the_test_result_has_the_fields_of_in_toto_and_lost_runs_have_failed():
    predicate = json.loads(TEXTS[archive.TEST_RESULT])["predicate"]
    assert {name for name in predicate if "://" not in name} == {"result", "configuration", "passedTests", "warnedTests", "failedTests"}
    assert (predicate["result"], predicate["failedTests"]) == ("FAILED", ["motorway/day", "motorway/night", "城市/雨"])
    found = {"a": {"passed": 3}, "b": {"passed": 1, "lost": 1}, "c": {"outside": 2}, "d": {"overdue": 1, "outside": 1}, "e": {"aborted": 1}}
    assert cells_by_result(found) == (["a"], ["c"], ["b", "d", "e"])


def test_the_summary_has_the_fields_of_slsa_verification_summary_v1():
    said = json.loads(TEXTS[archive.SUMMARY])
    predicate = said["predicate"]
    assert said["predicateType"] == "https://slsa.dev/verification_summary/v1"
    ours = {name for name in predicate if "://" in name}
    assert predicate.keys() - ours == {
        "verifier", "timeVerified", "resourceUri", "policy", "inputAttestations", "verificationResult", "verifiedLevels", "slsaVersion",
    }  # fmt: skip
    assert (predicate["verificationResult"], predicate["verifiedLevels"]) == ("FAILED", ["FAILED"])
    assert predicate["policy"]["digest"] == {"sha256": WORLD.policy.digest}
    assert said["subject"][0]["digest"] == {"sha256": WORLD.release}


@given(releases, digests, runs, counts)
def test_a_test_result_is_read_as_it_was_written(release, policy, some, found):
    one = TestResult(release, policy, some, found)
    assert read_test_result(one.dumps()) == one


@given(releases, digests, runs, verdicts, st.integers(1, 1 << 50), instants)
def test_a_summary_is_read_as_it_was_written(release, policy, some, given_verdicts, sequence, at):
    one = Summary(release, policy, {"policy.dsse.json": SHA}, some, {"gac": SHA, "huawei": SHA}, given_verdicts, sequence, at, at)
    assert read_summary(one.dumps()) == one
    assert one.passed == ({"PASSED"} <= {v.answer for v in given_verdicts} and "FAILED" not in {v.answer for v in given_verdicts})


@given(counts)
def test_a_cell_with_any_failing_or_lost_run_is_a_failed_test(found):
    passed, warned, failed = cells_by_result(found)
    assert sorted([*passed, *warned, *failed]) == sorted(found)
    assert set(failed) == {cell for cell, outcomes in found.items() if any(outcome in FAILURES for outcome in outcomes)}
    assert all(set(found[cell]) == {"passed"} for cell in passed)


def places(said, path=()):
    if isinstance(said, dict | list):
        yield path
        for name in said if isinstance(said, dict) else range(len(said)):
            yield from places(said[name], (*path, name))
    else:
        yield path


def at_place(said, path):
    for name in path:
        said = said[name]
    return said


@given(st.sampled_from(archive.ENVELOPES), st.data())
def test_no_statement_says_more_than_is_read_and_none_twice(name, data):
    """One value changed, or one field added, anywhere: it is refused, or it reads as something else."""
    said = json.loads(TEXTS[name])
    path = data.draw(st.sampled_from(list(places(said))))
    value = at_place(said, path)
    if name == archive.POLICY and path[:1] == ("rules",):
        return  # the gate's own
    if isinstance(value, dict):
        value["more"] = data.draw(st.sampled_from([1, "x", None, {}]))
    elif isinstance(value, list):
        value.append(data.draw(st.sampled_from([*value, "x", 1, None])))
    else:
        other = data.draw(st.sampled_from(["x", "", 0, 1, -1, None, True, 1.5, 1 << 52, [], {}, str(value), f"{value} ", SHA]))
        if type(other) is type(value) and other == value:
            return
        at_place(said, path[:-1])[path[-1]] = other
    text = rfc8785.dumps(said)
    try:
        read = READERS[name](text)
    except ValueError:
        return
    assert read.dumps() == text
    assert read != READERS[name](TEXTS[name])


@pytest.mark.parametrize("name", archive.ENVELOPES)
def test_another_text_of_the_same_content_is_refused(name):
    text = TEXTS[name]
    said = json.loads(text)
    others = [
        text + b"\n", b" " + text, json.dumps(said).encode(), json.dumps(said, separators=(",", ":")).encode() + b" ",
        text.replace(b"{", b'{"_type":"","_type":"",', 1), text.replace(b'"', b'"\\u0000', 1), b"\xef\xbb\xbf" + text,
        text.decode().encode("utf-16"), text.replace(b"2026", b"20\\u00326", 1), b"[" * 100_000, b"{" + text, b"", b"null", b"[]", b"\xff",
    ]  # fmt: skip
    for other in [other for other in others if other != text]:
        with pytest.raises(ValueError, match=r"."):
            READERS[name](other)


@pytest.mark.parametrize("number", [b"1e999", b"9" * 5000, b"1E2", b"7.0", b"-7", b"NaN", b"9007199254740993", b"07", b"0"])
def test_huge_and_odd_numbers_are_refused(number):
    text = TEXTS[archive.SUMMARY]
    assert text.count(b'"sequence":7') == 1
    with pytest.raises(ValueError, match=r"."):
        read_summary(text.replace(b'"sequence":7', b'"sequence":' + number))


def test_a_release_is_its_name_version_code_and_lock_and_nothing_else():
    inputs = [*WORLD.inputs]
    digest = release_digest("pilot", "1.2.0", inputs)
    changed = {
        one.name: release_digest("pilot", "1.2.0", [replace(each, digest=SHA) if each is one else each for each in inputs]) != digest
        for one in inputs
    }
    assert {name for name, is_other in changed.items() if is_other} == {"code/driving", "code/vehicle", "lock"}
    assert len({digest, release_digest("pilot", "1.2.1", inputs), release_digest("pilots", "1.2.0", inputs)}) == 3


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32), digests, digests)
def test_a_commitment_opens_to_its_suite_and_salt_alone(salt, other_salt, suite, other):
    committed = commitment(suite, salt)
    assert opens(committed, suite, salt.hex())
    assert opens(committed, other, salt.hex()) == (suite == other)
    assert opens(committed, suite, other_salt.hex()) == (salt == other_salt)
    assert not opens(committed, suite, "")


@pytest.mark.parametrize("name", ["", "Code", "code/", "code/../x/\n", "/lock", "code driving", "code//../x y"])
def test_an_input_has_a_name_that_leads_nowhere(name):
    with pytest.raises(ValueError, match="an input is named"):
        Input(name, SHA)


def test_a_policy_of_one_party_is_none():
    whole = {"issued": NOW, "expires": NOW + timedelta(1), "suites": {"alks": SHA}, "hidden": {}}
    for parties in [(), ("gac",), ("gac", "gac"), ("huawei", "gac")]:
        with pytest.raises(ValueError, match="two parties"):
            Policy(parties, **whole)
    with pytest.raises(ValueError, match="expires after"):
        Policy(("gac", "huawei"), **whole | {"expires": NOW})
    with pytest.raises(ValueError, match="names a suite"):
        Policy(("gac", "huawei"), **whole | {"suites": {}})
    with pytest.raises(ValueError, match="either named or hidden"):
        Policy(("gac", "huawei"), **whole | {"hidden": {"alks": SHA}})
