"""Evidence that is honestly signed, and wrong: who signed, when, on what; each told as the link that it is."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sealed_world import (
    CELLS,
    CHEN,
    DAY,
    HOUR,
    INPUTS,
    LI,
    MALLORY,
    NOW,
    SALT,
    WANG,
    World,
    directory,
    key_of,
    run_line,
    sha,
    written,
)

from marque.proof.evidence import archive, verify
from marque.proof.evidence.findings import Latest
from marque.proof.evidence.policy import commitment
from marque.proof.evidence.statements import Input, Verdict

GAC, HUAWEI = World().directories["gac"], World().directories["huawei"]
POLICY = World().policy


def links(tmp_path, world, *, directories=None, now=NOW, **known):
    """(link, file, organisation) of each finding."""
    report = verify(written(tmp_path / "some.evidence", world), directories or world.directories, now=now, **known)
    assert report.ok == (not report.findings)
    assert all(one.problem and one.remedy and str(one) for one in report.findings)
    return [(one.link, one.file, one.organisation) for one in report.findings]


def test_sound_evidence_says_what_was_run_and_concluded(tmp_path):
    world = World()
    report = verify(written(tmp_path / "some.evidence", world), world.directories, now=NOW, release=world.release)
    assert report.ok
    assert report.counts[CELLS[2]] == {"outside": 1, "overdue": 1, "passed": 5}
    assert sum(sum(one.values()) for one in report.counts.values()) == report.runs.lines == 23
    assert report.signers[archive.SUMMARY].keys() == {"gac", "huawei"}
    assert report.signers[archive.PROVENANCE].keys() == {"huawei"}
    assert (report.model, report.release.uri, report.latest.sequence) == ("vela", "pkg:generic/pilot@1.2.0", 7)


@pytest.mark.parametrize("part", ["policy", "summary"])
@pytest.mark.parametrize(
    ("signing", "missing"), [((LI,), "huawei"), ((WANG,), "gac"), ((LI, CHEN), "huawei")], ids=["gac alone", "huawei alone", "two of gac"]
)
def test_one_partner_is_not_both(tmp_path, part, signing, missing):
    """Also with two keys, of two persons."""
    world = World(**{f"{part}_keys": signing})
    world.directories = {"gac": directory(key_of(LI, "gac", 1), key_of(CHEN, "gac", 3)), "huawei": HUAWEI}
    file = {"policy": archive.POLICY, "summary": archive.SUMMARY}[part]
    assert ("signature", file, missing) in links(tmp_path, world)


def test_a_third_signature_is_one_too_many(tmp_path):
    world = World(summary_keys=(LI, CHEN, WANG))
    world.directories = {"gac": directory(key_of(LI, "gac", 1), key_of(CHEN, "gac", 3)), "huawei": HUAWEI}
    assert links(tmp_path, world) == [("signature", archive.SUMMARY, "gac")]


def test_one_key_under_two_names_is_nobody_s(tmp_path):
    world = World(summary_keys=(LI,), policy_keys=(LI,), run_keys=(LI,))
    world.directories = {"gac": directory(key_of(LI, "gac", 1)), "huawei": directory(key_of(LI, "huawei", 2))}
    assert [one[0] for one in links(tmp_path, world)] == ["keys"]


def test_one_person_is_not_two_partners(tmp_path):
    world = World(directories={"gac": GAC, "huawei": directory(key_of(WANG, "huawei", 1))})
    assert ("signature", archive.SUMMARY, None) in links(tmp_path, world)


def test_a_directory_that_names_another_s_people_is_refused(tmp_path):
    forged = directory(key_of(LI, "gac", 1), key_of(MALLORY, "huawei", 4))
    world = World(summary_keys=(LI, MALLORY), policy_keys=(LI, MALLORY), run_keys=(MALLORY,), directories={"gac": forged, "huawei": HUAWEI})
    assert links(tmp_path, world) == [("keys", "gac", "gac")]


def test_both_partners_directories_are_needed_and_no_third(tmp_path):
    assert ("keys", "directories", None) in links(tmp_path, World(), directories={"gac": GAC})
    seres = {"seres": directory(key_of(CHEN, "seres", 3))}
    assert [one[0] for one in links(tmp_path, World(), directories=World().directories | seres)] == ["archive"]
    three = World(directories=World().directories | seres)
    assert ("policy", archive.POLICY, None) in links(tmp_path, three)


def test_keys_for_which_anybody_signs_are_refused(tmp_path):
    weak = replace(key_of(CHEN, "gac", 3), public_key=bytes([1]) + bytes(31))
    assert links(tmp_path, World(), directories={"gac": directory(key_of(LI, "gac", 1), weak), "huawei": HUAWEI}) == [
        ("keys", "gac", "gac")
    ]


def test_a_directory_that_grew_since_is_accepted_and_one_that_lost_or_changed_a_key_is_not(tmp_path):
    grown = directory(key_of(LI, "gac", 1, revoked_at=NOW - HOUR), key_of(CHEN, "gac", 3))
    assert links(tmp_path, World(), directories={"gac": grown, "huawei": HUAWEI}) == []
    longer = directory(key_of(LI, "gac", 1, valid_until=NOW + 999 * DAY))
    assert links(tmp_path, World(), directories={"gac": longer, "huawei": HUAWEI}) == [("keys", "gac", "gac")]
    lost = directory(key_of(CHEN, "gac", 3))
    assert {one[0] for one in links(tmp_path, World(), directories={"gac": lost, "huawei": HUAWEI})} == {"signature", "keys"}
    sealed_with_more = World(directories={"gac": directory(key_of(LI, "gac", 1), key_of(CHEN, "gac", 3)), "huawei": HUAWEI})
    assert links(tmp_path, sealed_with_more, directories={"gac": GAC, "huawei": HUAWEI}) == [("keys", "gac", "gac")]


def test_a_key_revoked_before_it_signed_signs_nothing(tmp_path):
    world = World()
    revoked = {"gac": directory(key_of(LI, "gac", 1, revoked_at=world.verified)), "huawei": HUAWEI}
    assert links(tmp_path, World(directories=revoked)) == [("signature", archive.SUMMARY, "gac")]
    assert links(tmp_path, world, directories=revoked) == [("signature", archive.SUMMARY, "gac")]
    young = {"gac": directory(key_of(LI, "gac", 1, valid_from=NOW - 9 * DAY)), "huawei": HUAWEI}
    assert links(tmp_path, World(directories=young)) == [("signature", archive.POLICY, "gac")]


@pytest.mark.parametrize(("runner", "signing"), [("huawei", LI), ("gac", WANG), ("seres", WANG)])
def test_who_ran_it_is_who_signed_it(tmp_path, runner, signing):
    found = links(tmp_path, World(runner=runner, run_keys=(signing,)))
    assert {("signature", file, runner) for file in (archive.PROVENANCE, archive.TEST_RESULT)} <= set(found)


def test_either_partner_may_run_it(tmp_path):
    assert links(tmp_path, World(runner="gac", run_keys=(LI,))) == []


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"policy": replace(POLICY, issued=NOW - 5 * DAY)}, ("time", archive.POLICY)),
        ({"policy": replace(POLICY, issued=NOW - 4 * DAY)}, ("time", archive.POLICY)),
        ({"policy": replace(POLICY, expires=NOW - 6 * DAY), "expires": NOW - 6 * DAY}, ("expiry", archive.POLICY)),
        ({"finished": NOW - 6 * DAY}, ("time", archive.PROVENANCE)),
        ({"verified": NOW - 5 * DAY}, ("time", archive.SUMMARY)),
        ({"verified": NOW + HOUR}, ("time", archive.SUMMARY)),
        ({"expires": NOW + 91 * DAY}, ("time", archive.SUMMARY)),
        ({"expires": NOW - 2 * DAY}, ("time", archive.SUMMARY)),
        ({"expires": NOW}, ("expiry", archive.SUMMARY)),
        ({"expires": NOW - HOUR}, ("expiry", archive.SUMMARY)),
    ],
)
def test_time_runs_from_the_policy_to_the_run_to_the_verdict_to_its_end(tmp_path, change, expected):
    assert expected in [one[:2] for one in links(tmp_path, World(**change))]


def test_evidence_counts_until_the_instant_of_its_end(tmp_path):
    world = World()
    assert links(tmp_path, world, now=world.expires - timedelta(microseconds=1)) == []
    assert [one[0] for one in links(tmp_path, world, now=world.expires)] == ["expiry"]
    assert [one[0] for one in links(tmp_path, world, now=world.verified - timedelta(microseconds=1))] == ["time"]


@pytest.mark.parametrize(
    ("change", "link"),
    [
        ({"policy": replace(POLICY, suites={"alks": sha("an easier one")})}, "input"),
        ({"policy": replace(POLICY, suites={"alks": sha("suite/alks"), "ncap": sha("suite/ncap")})}, "input"),
        ({"inputs": (*INPUTS, Input("suite/easy", sha("easy")))}, "input"),
        ({"policy": replace(POLICY, hidden={"autumn": commitment(sha("another"), SALT)})}, "hidden suite"),
        ({"policy": replace(POLICY, hidden={"autumn": commitment(sha("hidden"), bytes(32))})}, "hidden suite"),
        ({"salt": ""}, "hidden suite"),
        ({"salt": bytes(32).hex()}, "hidden suite"),
        ({"policy": replace(POLICY, hidden=POLICY.hidden | {"winter": commitment(sha("winter"), SALT)})}, "hidden suite"),
    ],
)
def test_what_was_run_is_what_the_policy_asks_for(tmp_path, change, link):
    assert [one[:2] for one in links(tmp_path, World(**change))] == [(link, archive.PROVENANCE)]


def test_a_hidden_suite_left_out_of_the_policy_is_an_unknown_one(tmp_path):
    driven = (*INPUTS, Input("suite/autumn", sha("hidden"), SALT.hex()))
    assert [one[0] for one in links(tmp_path, World(policy=replace(POLICY, hidden={}), inputs=driven))] == ["input"]


def test_a_hidden_suite_that_was_opened_for_another_release_is_hidden_no_more(tmp_path):
    committed, release = POLICY.hidden["autumn"], World().release
    for one in (sha("hidden"), committed):
        assert links(tmp_path, World(), opened={one: release}) == []
        assert [found[:2] for found in links(tmp_path, World(), opened={one: sha("before")})] == [("hidden suite", archive.PROVENANCE)]


def test_statements_are_about_one_release_one_policy_and_the_same_runs(tmp_path):
    other = replace(POLICY, rules={}).digest
    cases = [
        (World(change_result=lambda one: replace(one, policy=other)), {("policy", archive.TEST_RESULT), ("policy", archive.SUMMARY)}),
        (World(change_summary=lambda one: replace(one, policy=other)), {("policy", archive.SUMMARY)}),
        (World(change_summary=lambda one: replace(one, release=replace(one.release, version="1.2.1"))), {("release", archive.SUMMARY)}),
        (World(change_result=lambda one: replace(one, release=replace(one.release, digest=sha("x")))), {("release", archive.TEST_RESULT)}),
        (
            World(change_provenance=lambda one: replace(one, release=replace(one.release, digest=sha("x")))),
            {("release", archive.PROVENANCE)},
        ),
        (World(change_summary=lambda one: replace(one, attestations={})), {("summary", archive.SUMMARY)}),
        (World(change_summary=lambda one: replace(one, keys=dict.fromkeys(one.keys, sha("x")))),
         {("keys", "keys/gac.json"), ("keys", "keys/huawei.json")}),
        (World(change_provenance=lambda one: replace(one, runs=replace(one.runs, root=sha("x")))), {("provenance", archive.PROVENANCE)}),
        (
            World(change_result=lambda one: replace(one, runs=replace(one.runs, lines=22))),
            {("test result", archive.TEST_RESULT), ("summary", archive.SUMMARY)},
        ),
        (World(change_summary=lambda one: replace(one, runs=replace(one.runs, sha256=sha("x")))), {("summary", archive.SUMMARY)}),
    ]  # fmt: skip
    for world, expected in cases:
        found = {one[:2] for one in links(tmp_path, world)}
        assert found == expected, expected


def test_counts_are_those_of_the_lines(tmp_path):
    """Whoever ran it, and both partners, sign that a lost run passed."""

    def lied(one):
        return replace(one, counts=one.counts | {CELLS[1]: {"aborted": 1, "passed": 7}})

    assert [one[:2] for one in links(tmp_path, World(change_result=lied))] == [("test result", archive.TEST_RESULT)]


@pytest.mark.parametrize(
    ("verdicts", "told"),
    [
        ((Verdict("vela", CELLS[0], "FAILED"), Verdict("vela", CELLS[1], "PASSED")), "not judged: 城市/雨"),
        ((*World().verdicts[:3], Verdict("vela", "tunnel", "PASSED")), "nothing was run: tunnel"),
        (tuple(sorted([*World().verdicts, Verdict("atlas", "tunnel", "PASSED")], key=lambda one: one.model)), "judges atlas"),
    ],
)
def test_each_cell_has_a_verdict_that_it_can_have(tmp_path, verdicts, told):
    world = World(verdicts=verdicts)
    report = verify(written(tmp_path / "some.evidence", world), world.directories, now=NOW)
    assert [(one.link, one.file) for one in report.findings] == [("summary", archive.SUMMARY)]
    assert told in report.findings[0].problem


def test_a_cell_of_which_nothing_was_inside_the_domain_has_not_passed(tmp_path):
    runs = b"".join(run_line(case, "outside" if case % 3 == 2 else "passed", CELLS[case % 3]) for case in range(9))
    assert [one[0] for one in links(tmp_path, World(runs=runs))] == ["summary"]


def test_what_the_reader_has_in_hand_is_compared(tmp_path):
    world = World()
    assert [one[0] for one in links(tmp_path, world, release=World(version="1.3.0").release)] == ["release"]
    assert links(tmp_path, world, inputs={"model/vela": sha("model/vela"), "suite/autumn": sha("hidden")}) == []
    assert [one[0] for one in links(tmp_path, world, inputs={"model/vela": sha("x"), "map/nowhere": sha("x")})] == ["input", "input"]


@pytest.mark.parametrize(
    ("newest", "expected"),
    [
        (("pilot", "vela", 7, -2, True), []),
        (("pilot", "vela", 6, -3, False), []),
        (("pilot", "vela", 7, -2, False), ["replay"]),
        (("pilot", "vela", 8, -1, False), ["replay"]),
        (("pilot", "vela", 6, -1, False), ["replay"]),
        (("pilot", "atlas", 1, -9, False), ["replay"]),
        (("parking", "vela", 1, -9, False), ["replay"]),
    ],
)
def test_only_a_newer_verdict_follows_the_newest_one(tmp_path, newest, expected):
    world = World()
    product, model, sequence, days, same = newest
    summary = verify(written(tmp_path / "x", world), world.directories, now=NOW).latest.summary if same else sha("another")
    assert [one[0] for one in links(tmp_path, world, latest=Latest(product, model, sequence, NOW + days * DAY, summary))] == expected
