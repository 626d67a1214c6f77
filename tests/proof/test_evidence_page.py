"""The listing that docs/evidence.md gives to strangers, and Marque's own check: one answer on sound and on bent evidence."""

from __future__ import annotations

import ast
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import test_evidence_mutations as mutations
from sealed_world import CHEN, DAY, HOUR, LI, NOW, WANG, World, directory, key_of, packed, written

from marque.alliance.proofs import stamp
from marque.proof.evidence import archive, verify
from marque.proof.evidence.policy import POLICY_KIND, PROOF_POLICY
from marque.proof.evidence.statements import IN_TOTO, KINDS, RUNS, VERDICTS

PAGE = (Path(__file__).parents[2] / "docs/evidence.md").read_text()
LISTING = PAGE.split("```python\n")[1].split("```")[0]
WORLD = World()
_page = {"__name__": "check"}
exec(compile(LISTING, "docs/evidence.md", "exec"), _page)


def by_the_page(data, directories=None, now=NOW, release=None):
    """Its verdicts; None when it refuses."""
    try:
        return _page["check"](data, directories or WORLD.directories, stamp(now), release)
    except (Exception, SystemExit):  # it is the page's way to end with any of them
        return None


def by_marque(path, data, directories=None, now=NOW, release=None):
    path.write_bytes(data)
    report = verify(path, directories or WORLD.directories, now=now, release=release)
    return [(one.model, one.cell, one.answer) for one in report.verdicts] if report.ok else None


def test_the_page_s_listing_is_short_and_needs_only_the_standard_library_and_cryptography():
    imported = {
        name.split(".")[0]
        for node in ast.walk(ast.parse(LISTING))
        for name in ([node.module] if isinstance(node, ast.ImportFrom) else [one.name for one in getattr(node, "names", [])])
    }
    assert imported - set(sys.stdlib_module_names) == {"cryptography"}
    assert len([line for line in LISTING.splitlines() if line.strip() and not line.strip().startswith("#")]) <= 60


def test_the_page_s_listing_runs_as_the_page_says(tmp_path):
    """By the machine's clock, so the evidence counts for centuries."""
    long_ago, far = NOW.replace(year=2020), NOW.replace(year=2900)
    people = {"gac": key_of(LI, "gac", 1, valid_from=long_ago), "huawei": key_of(WANG, "huawei", 2, valid_from=long_ago)}
    world = World(
        policy=replace(WORLD.policy, issued=long_ago, expires=far, rules={}), started=long_ago + HOUR, finished=long_ago + DAY,
        verified=long_ago + 2 * DAY, expires=far - DAY, directories={name: directory(one) for name, one in people.items()},
    )  # fmt: skip
    evidence = written(tmp_path / "pilot.evidence", world)
    (tmp_path / "check.py").write_text(LISTING)
    for name, text in world.directories.items():
        (tmp_path / f"keys-{name}.json").write_bytes(text)

    def told(*release):
        command = [sys.executable, "-I", "check.py", "pilot.evidence", "gac=keys-gac.json", "huawei=keys-huawei.json", *release]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    sound = told(world.release)
    assert (sound.returncode, sound.stdout.splitlines()[0]) == (0, "('vela', 'motorway/day', 'FAILED')"), sound.stderr
    assert told().stdout == sound.stdout
    other = told("0" * 64)
    assert (other.returncode, other.stderr) == (1, "broken: it is about another release\n")
    evidence.write_bytes(evidence.read_bytes()[:-1])
    cut = told()
    assert (cut.returncode, cut.stderr) == (1, "broken: the archive is not as it has to be\n")


@pytest.mark.parametrize("way", sorted({*mutations.WAYS}, key=lambda one: one.__name__), ids=lambda one: one.__name__)
def test_marque_and_the_page_refuse_what_was_bent(tmp_path, way):
    for number in range(20):
        bent, _, _ = way(random.Random(number))
        assert by_marque(tmp_path / "bent.evidence", bent, release=WORLD.release) is None
        assert by_the_page(bent, release=WORLD.release) is None, number


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"runner": "gac", "run_keys": (LI,)},
        {"sequence": 1},
        {"started": NOW - 11 * DAY},
        {"finished": NOW - 6 * DAY},
        {"verified": NOW - 6 * DAY},
        {"verified": NOW + HOUR},
        {"expires": NOW},
        {"expires": NOW + 91 * DAY},
        {"policy_keys": (WANG,)},
        {"summary_keys": (LI,)},
        {"run_keys": (LI,)},
        {"runner": "seres"},
        {"directories": {"gac": directory(key_of(LI, "gac", 1)), "huawei": directory(key_of(WANG, "huawei", 1))}},
        {"directories": {"gac": directory(key_of(LI, "gac", 1)), "huawei": directory(key_of(WANG, "gac", 2))}},
        {"directories": {"gac": directory(key_of(LI, "gac", 1, revoked_at=NOW - 3 * DAY)), "huawei": WORLD.directories["huawei"]}},
        {"directories": {"gac": directory(key_of(LI, "gac", 1, valid_until=NOW - 2 * DAY)), "huawei": WORLD.directories["huawei"]}},
        {"summary_keys": (LI, CHEN), "directories": {
            "gac": directory(key_of(LI, "gac", 1), key_of(CHEN, "gac", 3)), "huawei": WORLD.directories["huawei"]}},
        {"summary_keys": (LI,), "policy_keys": (LI,), "run_keys": (LI,), "directories": {
            "gac": directory(key_of(LI, "gac", 1)), "huawei": directory(key_of(LI, "huawei", 2))}},
    ],
    ids=lambda change: " ".join(change) or "nothing",
)  # fmt: skip
def test_marque_and_the_page_agree_on_what_was_signed_honestly(tmp_path, change):
    world = World(**change)
    data = packed(world.parts())
    answers = by_marque(tmp_path / "some.evidence", data, world.directories), by_the_page(data, world.directories)
    assert answers[0] == answers[1]
    assert (answers[0] is not None) == (change.keys() <= {"sequence", "runner", "run_keys"} and change.get("runner") != "seres"
                                        and change != {"run_keys": (LI,)})  # fmt: skip


def test_the_page_names_what_there_is():
    for name in [*archive.ENVELOPES, archive.LEAVES, archive.RUNS, PROOF_POLICY, IN_TOTO, RUNS, VERDICTS, *KINDS]:
        assert name in PAGE
    assert POLICY_KIND.startswith("https://marque.example/")
