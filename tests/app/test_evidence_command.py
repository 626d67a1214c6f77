"""`marque verify-evidence` and `marque seal-evidence`: from an empty folder to a file that a third party checks, with files only."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from marque.alliance.key_files import write_key
from marque.app.evidence import seal_evidence, sign_part, verify_evidence
from marque.common import InputError, Refused
from marque.foundation import SetClock
from marque.proof.evidence.draft import Draft
from marque.proof.evidence.seal import Run
from marque.proof.evidence.statements import Input, release_digest

sys.path.insert(0, str(Path(__file__).parents[1] / "proof"))
from sealed_world import DAY, HOUR, INPUTS, LI, NOW, RUNS, SALT, WANG, World, directory, key_of, sha, written

WORLD = World()
CLOCK = SetClock(NOW)
PASSPHRASE = "correct horse battery staple"


@pytest.fixture
def passphrase(tmp_path):
    file = tmp_path / "passphrase"
    file.write_text(f"{PASSPHRASE}\n")
    return file


@pytest.fixture(scope="module")
def key(tmp_path_factory):
    """Somebody's private key, as a file."""
    files = {}
    for name, private in (("li", LI), ("wang", WANG)):
        files[name] = tmp_path_factory.mktemp("keys") / f"{name}.key"
        write_key(files[name], private, PASSPHRASE)
    return files


@pytest.fixture
def folder(tmp_path):
    """A draft that holds runs, the policy and both directories of keys."""
    folder = tmp_path / "draft"
    (folder / "keys").mkdir(parents=True)
    for organisation, text in WORLD.directories.items():
        (folder / "keys" / f"{organisation}.json").write_bytes(text)
    (folder / "runs.jsonl").write_bytes(RUNS)
    Draft(folder).put("policy", WORLD.policy.dumps())
    return folder


@pytest.fixture
def directories(tmp_path):
    files = []
    for organisation, text in WORLD.directories.items():
        files.append(tmp_path / f"keys-{organisation}.json")
        files[-1].write_bytes(text)
    return files


def driven():
    inputs = [*INPUTS, Input("suite/autumn", sha("hidden"), SALT.hex()), Input("policy", WORLD.policy.digest)]
    return Run(("pilot", "1.2.0"), "vela", inputs, "huawei", "0.5.0", "campaign-1", NOW - 5 * DAY, NOW - 5 * DAY + HOUR)


def test_from_the_policy_to_the_sealed_file_by_each_side_s_own_keys(tmp_path, folder, key, passphrase, directories, capsys):
    draft = Draft(folder)
    for one in ("li", "wang"):
        sign_part(folder, "policy", key[one], passphrase)
    draft.ran(driven())
    for part in ("provenance", "test-result"):
        sign_part(folder, part, key["wang"], passphrase)
    draft.concluded(WORLD.verdicts, sequence=1, verified=NOW - DAY, expires=NOW + DAY)
    for one in ("li", "wang"):
        sign_part(folder, "verification-summary", key[one], passphrase)
    assert "suites    alks, autumn" in capsys.readouterr().out
    out = tmp_path / "pilot.evidence"
    assert seal_evidence(folder, out, CLOCK)
    assert verify_evidence(out, directories, release=release_digest("pilot", "1.2.0", INPUTS), clock=CLOCK)
    told = capsys.readouterr().out
    assert "OUTSIDE ODD  vela, tunnel: no runs; no tunnel in this release" in told
    assert "FAILED       vela, motorway/day: 1 failed, 7 passed" in told
    assert told.endswith("sound\n")
    assert sorted(one.name for one in tmp_path.iterdir() if one.name.startswith(".")) == []


def test_nothing_is_sealed_that_one_partner_has_not_signed(tmp_path, folder, key, passphrase, capsys):
    draft = Draft(folder)
    sign_part(folder, "policy", key["wang"], passphrase)
    draft.ran(driven())
    for part in ("provenance", "test-result"):
        sign_part(folder, part, key["wang"], passphrase)
    draft.concluded(WORLD.verdicts, sequence=1, verified=NOW - DAY, expires=NOW + DAY)
    sign_part(folder, "verification-summary", key["wang"], passphrase)
    assert not seal_evidence(folder, tmp_path / "pilot.evidence", CLOCK)
    told = capsys.readouterr().out
    assert "broken    signature: policy.dsse.json: gac has not signed it; signed by huawei." in told
    assert "broken    signature: verification-summary.dsse.json: gac has not signed it; signed by huawei." in told
    assert not (tmp_path / "pilot.evidence").exists()


def test_a_summary_waits_for_signatures_on_what_it_rests_on(folder):
    draft = Draft(folder)
    draft.ran(driven())
    with pytest.raises(InputError, match="nobody has signed it"):
        draft.concluded(WORLD.verdicts, sequence=1, verified=NOW - DAY, expires=NOW + DAY)


def test_a_draft_is_never_written_over(folder, key, passphrase):
    sign_part(folder, "policy", key["li"], passphrase)
    with pytest.raises(InputError, match="already there"):
        sign_part(folder, "policy", key["li"], passphrase)
    with pytest.raises(InputError, match="already there"):
        Draft(folder).put("policy", b"{}")


def test_a_text_that_makes_no_sense_is_not_signed(folder, key, passphrase):
    (folder / "policy.json").write_bytes(WORLD.policy.dumps() + b"\n")
    with pytest.raises(InputError, match="not canonical JSON"):
        sign_part(folder, "policy", key["li"], passphrase)
    with pytest.raises(InputError, match="expected one of policy"):
        sign_part(folder, "verdict", key["li"], passphrase)


def test_signatures_on_different_texts_are_not_joined(folder, key, passphrase):
    sign_part(folder, "policy", key["li"], passphrase)
    (folder / "policy.json").write_bytes(replace(WORLD.policy, expires=NOW + DAY).dumps())
    sign_part(folder, "policy", key["wang"], passphrase)
    with pytest.raises(Refused, match="different texts"):
        Draft(folder).envelope("policy")


def test_evidence_is_never_sealed_over_a_file(tmp_path, folder):
    out = tmp_path / "there.evidence"
    out.write_text("something else")
    with pytest.raises(InputError):
        seal_evidence(folder, out, CLOCK)
    assert out.read_text() == "something else"


def test_what_is_broken_is_told_with_what_to_do(tmp_path, directories, capsys):
    file = written(tmp_path / "bent.evidence", None, **{"runs.jsonl": RUNS.replace(b'"failed"', b'"passed"')})
    assert not verify_evidence(file, directories, clock=CLOCK)
    told = capsys.readouterr().out
    assert "broken    runs: runs.jsonl, line 4: the run is not as signed." in told
    assert "Take runs.jsonl from the campaign itself" in told
    assert told.endswith("NOT SOUND: nothing it says counts\n")
    assert "verdict" not in told


def test_a_memory_refuses_an_older_verdict_and_learns_only_from_sound_evidence(tmp_path, directories):
    memory = tmp_path / "memory.json"
    old, new = written(tmp_path / "old.evidence", World(sequence=6)), written(tmp_path / "new.evidence", World(sequence=8))
    bent = written(tmp_path / "bent.evidence", World(sequence=99), **{"runs.jsonl": RUNS[:-1]})
    told = [verify_evidence(one, directories, memory=memory, clock=CLOCK) for one in (old, bent, old, new, new, old)]
    assert told == [True, False, True, True, True, False]


def test_a_memory_that_is_none_is_an_error(tmp_path, directories):
    memory = tmp_path / "memory.json"
    memory.write_text('{"kind":"other"}')
    with pytest.raises(InputError, match="not a memory of verdicts"):
        verify_evidence(written(tmp_path / "x.evidence"), directories, memory=memory, clock=CLOCK)


def test_inputs_in_hand_are_compared(tmp_path, directories, capsys):
    file = written(tmp_path / "x.evidence")
    assert verify_evidence(file, directories, inputs=[f"model/vela={sha('model/vela')}"], clock=CLOCK)
    assert not verify_evidence(file, directories, inputs=[f"model/vela={sha('another')}"], clock=CLOCK)
    assert "another input than the one in hand: model/vela" in capsys.readouterr().out
    with pytest.raises(InputError, match="NAME=SHA256"):
        verify_evidence(file, directories, inputs=["model/vela"], clock=CLOCK)


def test_expired_evidence_is_refused_by_the_clock(tmp_path, directories, capsys):
    assert not verify_evidence(written(tmp_path / "x.evidence"), directories, clock=SetClock(NOW + timedelta(days=31)))
    assert "broken    expiry: verification-summary.dsse.json: it expired: 2026-12-28" in capsys.readouterr().out


def test_directories_are_one_of_each_partner(tmp_path, directories):
    file = written(tmp_path / "x.evidence")
    with pytest.raises(InputError, match="second directory of gac"):
        verify_evidence(file, [directories[0], directories[0]], clock=CLOCK)
    both = tmp_path / "both.json"
    both.write_bytes(directory(key_of(LI, "gac", 1), key_of(WANG, "huawei", 2)))
    with pytest.raises(InputError, match="one organisation"):
        verify_evidence(file, [both], clock=CLOCK)


def test_a_file_that_is_missing_is_an_error(tmp_path, directories):
    with pytest.raises(InputError, match="cannot be read"):
        verify_evidence(tmp_path / "nowhere.evidence", directories, clock=CLOCK)
