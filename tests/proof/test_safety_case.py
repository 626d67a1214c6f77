"""The safety case that is argued from a release's evidence: what it cites, what is raised against it, and what people add."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import argued_facts
import pytest
from argued_facts import DAY_CELL, NIGHT, credibility, facts, world
from sealed_world import NOW, sha, written

from marque.common import InputError
from marque.proof.credibility import Credibility
from marque.proof.evidence import Finding, Input, Verdict
from marque.proof.report.argument import Challenge, Kind, Status, argument, compare, outline, read_challenges, to_answer
from marque.proof.report.facts import Change, CoverageFacts, Doubt, Facts, Unsound
from marque.proof.report.gather import facts_of

DAY_ID, NIGHT_ID = (name.replace(" ", "%20") for name in (DAY_CELL, NIGHT))


def answers(told) -> tuple[Challenge, ...]:
    """To everything that is open and can be answered."""
    return tuple(
        Challenge(one.id, one.challenges, one.text, one.raised_by, "2026-11-27", "It was looked into.", "Chen, gac", "2026-11-28")
        for one in told.open
        if not one.final
    )


def raised(one: Facts | Unsound) -> dict[str, tuple[str, bool]]:
    return {each.id: (each.challenges, each.final) for each in argument(one).open}


def cell(one: Facts, **other: object) -> Facts:
    """With the first claimed cell made otherwise."""
    first = next(each for each in one.cells if each.cell == DAY_CELL)
    return replace(one, cells=tuple(replace(each, **other) if each is first else each for each in one.cells))


QUIET = set(raised(facts()))
"""What is raised against the best of these releases: one witness, one person, suites that are not at hand."""


def test_a_release_is_acceptably_safe_once_every_open_doubt_is_answered_by_somebody():
    quiet = facts()
    assert {"D15", "D16", "D9.coverage.suite/alks", "D9.coverage.suite/autumn"} == QUIET
    assert not argument(quiet).supported
    answered = argument(quiet, answers(argument(quiet)))
    assert answered.supported
    assert set(answered.statuses.values()) == {Status.SUPPORTED}
    assert all(not argument(quiet, answers(argument(quiet))[:most]).supported for most in range(4))


BASE = facts()
MEASURED = credibility().rests_on
THEN = facts(before={})
CASES = [
    (replace(BASE, now=BASE.summary.expires - timedelta(days=13)), "D2", "G5", False),
    (cell(BASE, answer="FAILED"), f"D3.{DAY_ID}", f"G2.{DAY_ID}", True),
    (cell(BASE, counts={}), f"D4.{DAY_ID}", f"G2.{DAY_ID}", True),
    (cell(BASE, counts={"passed": 19}), f"D4.{DAY_ID}", f"G2.{DAY_ID}", True),
    (replace(BASE, cells=BASE.cells[1:]), f"D4.{DAY_ID}", f"G2.{DAY_ID}", True),
    (facts({0: "lost"}), f"D5.{DAY_ID}", f"Sn2.{DAY_ID}", False),
    (facts({0: "aborted"}), f"D5.{DAY_ID}", f"Sn2.{DAY_ID}", False),
    (facts({0: "overdue"}), f"D5.{DAY_ID}", f"Sn2.{DAY_ID}", False),
    (cell(BASE, excused=1), f"D6.{DAY_ID}", f"G2.{DAY_ID}", False),
    (cell(BASE, unpreventable=2), f"D7.{DAY_ID}", f"Sn2.{DAY_ID}", False),
    (replace(BASE, coverage=(CoverageFacts("claimed cells", 1, 2, (NIGHT,)),)), "D8.claimed%20cells", "G9", False),
    (replace(BASE, coverage=(*BASE.coverage, CoverageFacts("pairs", 7, 9, ("a",)))), "D8.pairs", "G10", False),
    (replace(BASE, doubts=(Doubt("verdict", f"{DAY_CELL}: it is another."),)), f"D9.verdict.{DAY_ID}", "G5", True),
    (replace(BASE, doubts=(Doubt("baseline", "The baseline is not at hand."),)), "D9.baseline.The", "S1", False),
    (replace(BASE, credibility=None), "D10", "G7", True),
    (replace(BASE, credibility=Credibility((), MEASURED, {})), "D10", "G7", True),
    (replace(BASE, credibility=credibility(met=False)), "D11.step%20halving", "G7", True),
    (replace(BASE, credibility=credibility(met=None)), "D12.step%20halving", "G7", False),
    (replace(BASE, credibility=replace(credibility(), rests_on={"simulator": sha("another")})), "D13", "G7", True),
    (replace(BASE, credibility=replace(credibility(), rests_on={**MEASURED, "code/driving": sha("another")})), "D19", "G7", False),
    (replace(BASE, credibility=replace(credibility(), rests_on={"code/driving": sha("code/driving")})), "D20", "G7", False),
    (replace(THEN, changes=(Change("code", "code/driving", "a", "b"),)), "D14", "G11", True),
    (replace(BASE, policy=replace(BASE.policy, hidden={})), "D17", "G12", False),
    (facts({0: "failed"}, before={}), f"D18.{DAY_ID}", f"G3.{DAY_ID}", False),
]


@pytest.mark.parametrize(("told", "name", "challenges", "final"), CASES, ids=[f"{one[1]}-{number}" for number, one in enumerate(CASES)])
def test_what_the_facts_say_against_the_claim_is_raised_by_itself_and_blocks(told, name, challenges, final):
    found = raised(told)
    assert found[name] == (challenges, final)
    assert found.keys() - QUIET == {name}
    made = argument(told)
    assert made.status(challenges) is Status.DEFEATED
    assert not made.supported
    after = argument(told, answers(made))
    assert {one.id for one in after.open} == ({name} if final else set())
    assert after.supported == (not final)


def test_the_page_on_safety_cases_has_every_doubt_that_is_raised_and_no_other():
    page = (Path(__file__).parents[2] / "docs" / "safety-case.md").read_text()
    (table,) = [part for part in page.split("## ") if part.startswith("What is raised by itself")]
    named = {name for line in table.splitlines() if line.startswith("| D") for name in re.findall(r"\bD\d+", line.split("|")[1])}
    assert named == {re.match(r"D\d+", name)[0] for name in (*QUIET, *(one[1] for one in CASES), "D1.1")}


def test_nothing_is_raised_that_does_not_hold():
    assert set(raised(replace(BASE, now=BASE.summary.expires - timedelta(days=15)))) == QUIET
    assert set(raised(facts({0: "failed"}))) == QUIET
    assert (
        set(raised(replace(BASE, credibility=replace(credibility(), rests_on={**MEASURED, "traffic": "a", "lock": sha("lock")})))) == QUIET
    )
    later = replace(THEN.provenance, started=THEN.provenance.finished + timedelta(seconds=1))
    driven_again = replace(THEN, provenance=later, changes=(Change("code", "code/driving", "a", "b"),))
    assert set(raised(driven_again)) == QUIET


def test_a_simulator_is_known_by_the_name_it_has_where_it_is_measured():
    inputs = tuple(
        sorted(
            (Input("simulator/simulation", sha("sim")), *(one for one in BASE.provenance.inputs if one.kind != "simulator")),
            key=lambda one: one.name,
        )
    )
    told = replace(BASE, provenance=replace(BASE.provenance, inputs=inputs))
    for digest, found in ((sha("sim"), set()), (sha("another"), {"D13"})):
        measured = replace(credibility(), rests_on={"code/simulation": digest, "code/proof/credibility": sha("own")})
        assert set(raised(replace(told, credibility=measured))) == QUIET | found


def test_two_persons_of_the_runner_are_two_witnesses_of_what_the_one_signs():
    signers = {name: dict(people) for name, people in BASE.verified.signers.items()}
    for name in ("provenance.dsse.json", "test-result.dsse.json"):
        signers[name] = {"huawei": "00000000-0000-0000-0000-000000000009"}
    told = replace(BASE, verified=replace(BASE.verified, signers=signers))
    assert set(raised(told)) == QUIET - {"D16"}


def test_of_evidence_that_is_not_sound_nothing_is_claimed_and_each_broken_link_is_named(tmp_path):
    file = written(tmp_path / "bent.evidence", world(), **{"runs.jsonl": argued_facts.world(outcomes={1: "failed"}).runs})
    found = facts_of(file, world().directories, now=NOW)
    assert isinstance(found, Unsound)
    made = argument(found)
    assert not made.supported
    assert [one.id for one in made.elements] == ["G1", "S2", "G5", "Sn5"]
    assert [one.text for one in made.open] == [
        f"{one.file}{f', line {one.line}' if one.line else ''}: {one.problem}. {one.remedy}" for one in found.findings
    ]
    assert all(one.final and one.id.startswith("D1.") for one in made.open)


def test_evidence_that_has_expired_says_so():
    finding = Finding("expiry", "verification-summary.dsse.json", "it expired: 2026-11-28", "Prove it again.")
    told = Unsound("ab" * 32, replace(BASE.verified, findings=(finding,)), (finding,), NOW)
    assert raised(told) == {"D2.1": ("G5", True)}


def test_every_digest_that_is_cited_is_that_of_the_file_or_of_what_was_signed(tmp_path):
    parts = world().parts()
    digests = {name: hashlib.sha256(text).hexdigest() for name, text in parts.items()}
    payload = base64.b64decode(json.loads(parts["verification-summary.dsse.json"])["payload"])
    file = written(tmp_path / "now.evidence", world())
    digests |= {
        "now.evidence": hashlib.sha256(file.read_bytes()).hexdigest(),
        "verification-summary.dsse.json": hashlib.sha256(payload).hexdigest(),
        "credibility.json": hashlib.sha256(credibility().dumps()).hexdigest(),
        "suite/alks": sha("suite/alks"),
        "suite/autumn": sha("hidden"),
    }
    made = argument(facts())
    cited = [each for one in made.elements for each in one.cited]
    assert {each.file for each in cited} >= {"runs.jsonl", "policy.dsse.json", "provenance.dsse.json", "test-result.dsse.json"}
    for each in cited:
        assert each.digest == digests[each.file], each


def test_each_element_is_told_in_sentences_and_a_cell_with_its_figures():
    made = argument(facts({0: "failed", 3: "lost"}, before={6: "failed"}))
    for one in made.elements:
        assert re.fullmatch(r"[A-Z0-9].*\.", one.text), one
        assert "None" not in one.text, one
        assert " nan" not in one.text, one
    told = made.element(f"G2.{DAY_ID}").text
    for figure in ("less than 50 %", "2 runs of 20 failed", "10 %", "between 1.81 and 28.3 % with 90 % confidence", "33.3 %"):
        assert figure in told
    assert "2 failed only now and 1 only then" in made.element(f"G3.{DAY_ID}").text
    assert "pilot 1.2.0" in made.element("G1").text
    assert "2026-12-28 12:00 UTC" in made.element("G1").text


def test_ids_are_the_same_in_the_next_release_and_a_new_cell_adds_its_own_alone():
    first, second = argument(facts(before={})), argument(facts({0: "failed", 1: "lost"}, before={5: "failed"}))
    assert [one.id for one in first.elements] == [one.id for one in second.elements]
    rules = replace(BASE.rules, limits={**BASE.rules.limits, "city": 0.1}, least_runs={**BASE.rules.least_runs, "city": 20})
    more = compare(argument(BASE), argument(replace(BASE, rules=rules)))
    assert set(more.new) == {"G2.city", "D4.city"}
    assert more.gone == ()
    assert {one.id for one in more.changed} == {"S1"}


def test_a_comparison_of_two_releases_tells_what_came_up_and_what_fell():
    before, after = argument(facts()), argument(facts({0: "lost"}))
    told = compare(before, after)
    assert told.new == (f"D5.{DAY_ID}",)
    changed = {one.id: (one.before, one.after) for one in told.changed}
    assert changed == dict.fromkeys((f"G2.{DAY_ID}", f"Sn2.{DAY_ID}", "S1"), ("supported", "defeated"))
    assert f"G2.{DAY_ID}" in told.reworded


def test_a_claimed_cell_without_a_verdict_is_a_goal_that_nothing_supports():
    told = argument(replace(BASE, cells=BASE.cells[1:]))
    assert [one.id for one in told.undeveloped] == [f"G2.{DAY_ID}"]
    assert "no verdict" in told.element(f"G2.{DAY_ID}").text


def test_without_a_look_at_the_simulator_or_at_what_is_driven_where_a_goal_is_undeveloped():
    assert [one.id for one in argument(replace(BASE, credibility=None)).undeveloped] == ["G7"]
    assert [one.id for one in argument(replace(BASE, risk=None)).undeveloped] == ["G4"]


RAIN = Challenge("CG1", "G7", "Rain is not simulated.", "Li Na, gac", "2026-11-20")
ANSWERED = replace(RAIN, resolution="No claimed cell is wet.", resolved_by="Wang Wei, huawei", resolved_on="2026-11-22")


def test_a_challenge_blocks_until_it_is_answered_and_again_when_its_answer_is_challenged():
    quiet = answers(argument(BASE))
    assert not argument(BASE, (*quiet, RAIN)).supported
    assert argument(BASE, (*quiet, ANSWERED)).supported
    doubted = Challenge("CG2", "CG1", "One of them is.", "Chen, gac", "2026-11-23")
    assert not argument(BASE, (*quiet, ANSWERED, doubted)).supported
    text = outline(argument(BASE, (*quiet, ANSWERED, doubted)))
    assert "CG1 (defeater, open): Rain is not simulated. — Li Na, gac, 2026-11-20" in text
    assert "answered: No claimed cell is wet. — Wang Wei, huawei, 2026-11-22" in text


def test_an_answer_counts_for_the_statement_it_was_given_to_and_not_for_other_figures():
    lost = facts({0: "lost"})
    given = answers(argument(lost))
    assert argument(lost, given).supported
    more = argument(facts({0: "lost", 3: "lost"}), given)
    assert [one.id for one in more.open] == [f"D5.{DAY_ID}"]
    assert "The answer of Chen, gac, 2026-11-28 was given to another statement and does not count." in more.open[0].text
    assert argument(BASE, given).supported, "an answer to what is raised no more is not needed"


def test_no_answer_counts_against_what_the_evidence_contradicts():
    failed = cell(BASE, answer="FAILED")
    (final,) = (one for one in argument(failed).open if one.final)
    said = Challenge(final.id, final.challenges, final.text, "Marque", "2026-11-27", "It is good enough.", "Chen", "2026-11-28")
    told = argument(failed, (*answers(argument(failed)), said))
    assert [one.id for one in told.open] == [final.id]
    assert "only other evidence does" in told.open[0].text


def test_what_challenges_an_answer_that_does_not_count_is_left_away():
    given = answers(argument(facts({0: "lost"})))
    doubted = Challenge("CG3", f"D5.{DAY_ID}", "Nobody looked.", "Li", "2026-11-27")
    deeper = Challenge("CG4", "CG3", "They did.", "Li", "2026-11-27")
    for outcomes in ({}, {0: "lost", 3: "lost"}):
        assert "CG3" not in {one.id for one in argument(facts(outcomes), (*given, doubted, deeper)).defeaters}
    assert not argument(facts({0: "lost"}), (*given, doubted)).supported


def test_a_challenge_against_what_does_not_stand_in_the_argument_is_an_error_and_never_silently_gone():
    with pytest.raises(InputError, match=r"CG1: it challenges G2\.city, which does not stand in the argument"):
        argument(BASE, (replace(RAIN, challenges="G2.city"),))


def test_what_waits_for_an_answer_comes_as_a_file_that_counts_once_somebody_stands_for_it(tmp_path):
    asked = argument(cell(facts({0: "lost"}), unpreventable=1), (RAIN,))
    file = tmp_path / "challenges.json"
    file.write_bytes(to_answer(asked, NOW.date()))
    with pytest.raises(InputError, match="challenge 1, resolution: a text of 1"):
        read_challenges(file)
    said = json.loads(file.read_text())
    for one in said["challenges"]:
        one.update(resolution="It was looked into.", resolved_by="Chen, gac", resolved_on="2026-11-28")
    file.write_text(json.dumps(said))
    assert argument(cell(facts({0: "lost"}), unpreventable=1), read_challenges(file)).supported


def test_a_file_of_challenges_is_read_as_it_was_written(tmp_path):
    said = [RAIN, replace(ANSWERED, id="CG2")]
    entries = [{name: value for name, value in vars(one).items() if value} for one in said]
    file = tmp_path / "challenges.json"
    file.write_text(json.dumps({"kind": "https://marque.example/challenges/v1", "challenges": entries}))
    assert list(read_challenges(file)) == said


SAID = {"id": "CG1", "challenges": "G7", "statement": "No.", "raised_by": "Li", "on": "2026-11-20"}
ANSWER = {"resolution": "Yes.", "resolved_by": "Wang", "resolved_on": "2026-11-21"}


@pytest.mark.parametrize(
    ("entries", "why"),
    [
        ([SAID, SAID], "CG1: it stands there twice"),
        ([{**SAID, "id": "D5"}], "challenge 1, id: D5 is raised by a rule of ours"),
        ([{**SAID, "id": "one"}], "challenge 1, id: letters and a number"),
        ([{**SAID, "on": "20 November"}], "challenge 1, on: a day such as"),
        ([{**SAID, "on": "20261120"}], "challenge 1, on: a day such as"),
        ([{**SAID, "statement": " "}], "challenge 1, statement: a text of"),
        ([{**SAID, "raised_by": 7}], "challenge 1, raised_by: a text of"),
        ([{**SAID, "resolution": "Yes."}], "challenge 1: an answer has resolution, resolved_by, resolved_on"),
        ([{**SAID, **ANSWER, "resolved_on": "never"}], "challenge 1, resolved_on: a day such as"),
        ([{**SAID, "colour": "red"}], "challenge 1: an object with id"),
        ([{"id": "CG1"}], "challenge 1: an object with id"),
        (["CG1"], "challenge 1: an object with id"),
        ("CG1", "challenges: a list was expected"),
    ],
)
def test_what_is_wrong_with_a_file_of_challenges_is_said_with_its_place(tmp_path, entries, why):
    file = tmp_path / "challenges.json"
    file.write_text(json.dumps({"kind": "https://marque.example/challenges/v1", "challenges": entries}))
    with pytest.raises(InputError, match=why):
        read_challenges(file)


@pytest.mark.parametrize(("text", "why"), [("{", "it is not JSON"), ("[]", "an object with"), (None, "cannot be read")])
def test_what_is_no_file_of_challenges_is_refused(tmp_path, text, why):
    file = tmp_path / "challenges.json"
    if text is not None:
        file.write_text(text)
    with pytest.raises(InputError, match=why):
        read_challenges(file)


def test_the_verdict_of_a_cell_is_told_as_it_was_signed():
    verdict = Verdict("vela", DAY_CELL, "FAILED", ("Too many runs failed.",))
    told = argument(cell(BASE, answer=verdict.answer, reasons=verdict.reasons))
    (final,) = (one for one in told.open if one.final)
    assert final.text == f"{DAY_CELL} has not passed: it is FAILED. Too many runs failed."
    assert told.element(f"Sn2.{DAY_ID}").kind is Kind.SOLUTION
