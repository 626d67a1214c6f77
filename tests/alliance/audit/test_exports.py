"""Exports that are sound are found sound, by two verifiers; whatever is changed in one is found, and the entry named."""

from __future__ import annotations

import io
import random
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from ledgers import KEYS, LOG, WITNESS_KEYS, WITNESSES, Ledger, flipped, judged_sound, listing, private_key, written

from marque.alliance.audit import Keys, LogKey, note, tree, verify
from marque.alliance.audit.bundle import Head
from marque.alliance.audit.entry import committed_leaf
from marque.alliance.audit.verify import MAX_FINDINGS, verify_streams

SOURCES = Path(note.__file__).parents[3]


def check(data, previous=None, other=None, keys=KEYS):
    """Verify bytes as if they were files."""
    files = (("now.audit", data), ("before.audit", previous), ("theirs.audit", other))
    now, before, theirs = ((name, io.BytesIO(content)) if content is not None else None for name, content in files)
    return verify_streams(now, keys, before, theirs)


def told(report):
    return [str(finding) for finding in report.findings]


def says(report, words, index=None):
    return any(words in finding.problem and finding.index == index for finding in report.findings)


def rows_of(ledger, code, size=None):
    rows = [
        (committed_leaf(salt, document), salt, document) if code in concerned else (committed_leaf(salt, document),)
        for salt, document, concerned in ledger.entries
    ]
    return rows[:size]


def test_files_are_read_from_where_they_lie(tmp_path):
    ledger = Ledger().fill(9)
    (tmp_path / "now.audit").write_bytes(ledger.export("gac"))
    (tmp_path / "before.audit").write_bytes(ledger.export("gac", 5)[:-1])
    assert verify(tmp_path / "now.audit", KEYS).ok
    report = verify(tmp_path / "now.audit", KEYS, previous=tmp_path / "before.audit")
    assert told(report) == [
        "before.audit, entry 5: this line is neither an entry nor the end of the file",
        "before.audit: the file is cut off",
    ]


@pytest.mark.parametrize("size", [0, 1, 2, 3, 7, 8, 9, 64, 100])
def test_a_sound_export_is_found_sound_by_both_verifiers(size):
    ledger = Ledger().fill(size)
    for code in ("gac", "huawei", "byd"):
        report = check(ledger.export(code))
        assert told(report) == []
        assert report.checkpoint == ledger.checkpoint(size)
        assert report.own_entries == sum(code in concerned for *_, concerned in ledger.entries)
        assert report.cosigned == dict.fromkeys(WITNESSES, 1748779200)
        assert judged_sound(ledger.export(code))


def test_every_single_bit_changed_is_found():
    ledger = Ledger()
    ledger.add("gac", "huawei")
    ledger.add("byd")
    data = ledger.export("gac")
    missed = [bit for bit in range(len(data) * 8) if check(flipped(data, bit)).ok]
    assert missed == []


def test_every_single_bit_changed_by_somebody_who_writes_checks_and_digest_anew_is_found():
    ledger = Ledger(4).fill(2)
    ledger.add("gac", "huawei")
    head, rows = Head("gac", ledger.seed("gac"), ledger.note(3)), rows_of(ledger, "gac")
    assert check(written(head, rows)).ok
    for place, row in enumerate(rows):
        for field, content in enumerate(row):
            for bit in range(len(content) * 8):
                changed = list(row)
                changed[field] = flipped(content, bit)
                if b"\n" in changed[-1] and len(row) == 3:
                    continue  # that is another file, with more lines; the test before this one has it
                report = check(written(head, [*rows[:place], tuple(changed), *rows[place + 1 :]]))
                named = {finding.index for finding in report.findings}
                assert not report.ok
                assert len(row) == 1 or place in named
    for bit in range(256):
        assert says(check(written(Head("gac", flipped(head.scope, bit), head.note), rows)), "missing here", first_own(ledger))


def first_own(ledger):
    return next(index for index, (*_, concerned) in enumerate(ledger.entries) if "gac" in concerned)


def test_a_single_bit_changed_in_a_larger_export_is_found_and_its_entry_named():
    ledger = Ledger(5).fill(400)
    data = ledger.export("gac")
    chance = random.Random(1)
    starts = data.index(rows_of(ledger, "gac")[0][0].hex().encode())
    for _ in range(150):
        bit = chance.randrange(starts * 8, (len(data) - 72) * 8)
        index = data[: bit // 8].count(b"\n", starts)
        report = check(flipped(data, bit))
        assert index in {finding.index for finding in report.findings}, told(report)
        assert not judged_sound(flipped(data, bit))


@pytest.mark.parametrize("index", [0, 1, 17, 38, 39])
def test_an_entry_removed_is_found_and_named(index):
    ledger = Ledger().fill(40)
    lines = ledger.export("gac").split(b"\n")
    first = next(number for number, line in enumerate(lines) if len(line) == 73 or b'{"at"' in line)
    report = check(b"\n".join(lines[: first + index] + lines[first + index + 1 :]))
    assert says(report, "removed", index) or index == 39
    assert says(report, "the checkpoint is of 40 entries, the file holds 39")
    rows = rows_of(ledger, "gac")
    report = check(written(Head("gac", ledger.seed("gac"), ledger.note(40)), rows[:index] + rows[index + 1 :]))
    assert says(report, "the checkpoint is of 40 entries, the file holds 39")


@pytest.mark.parametrize("index", [0, 1, 17, 39])
def test_an_entry_inserted_is_found_and_named(index):
    ledger = Ledger().fill(40)
    rows = rows_of(ledger, "gac")
    head = Head("gac", ledger.seed("gac"), ledger.note(40))
    report = check(written(head, [*rows[:index], (tree.leaf_hash(b"something else"),), *rows[index:]]), other=ledger.export("huawei"))
    assert says(report, "the checkpoint is of 40 entries, the file holds 41")
    assert says(report, "it is another one in theirs.audit", index)


def test_two_entries_swapped_are_found_and_named():
    ledger = Ledger().fill(40)
    rows = rows_of(ledger, "gac")
    own = [index for index, row in enumerate(rows) if len(row) == 3]
    one, two = own[3], own[7]
    rows[one], rows[two] = rows[two], rows[one]
    report = check(written(Head("gac", ledger.seed("gac"), ledger.note(40)), rows))
    assert says(report, f"its document is that of entry {two}", one)
    assert says(report, f"its document is that of entry {one}", two)
    assert says(report, "the entries are not those of the signed checkpoint; where it names none, a sound export tells which")


def test_a_document_withheld_is_found_by_what_follows_it():
    ledger = Ledger().fill(40)
    rows = rows_of(ledger, "gac")
    own = [index for index, row in enumerate(rows) if len(row) == 3]
    rows[own[4]] = rows[own[4]][:1]
    report = check(written(Head("gac", ledger.seed("gac"), ledger.note(40)), rows))
    assert says(report, f"it is not the next after entry {own[3]} that concerns gac: what came before it is missing here", own[5])


def test_the_last_document_withheld_is_found_in_an_earlier_export_or_at_the_other_side():
    ledger = Ledger()
    for _ in range(4):
        ledger.add("gac", "huawei")
    before = ledger.export("gac")
    ledger.add("huawei")
    rows = rows_of(ledger, "gac")
    rows[3] = rows[3][:1]
    withheld = written(Head("gac", ledger.seed("gac"), ledger.note(5)), rows)
    assert check(withheld).ok, "nobody can know from this file alone"
    assert says(check(withheld, previous=before), "its document is missing here; before.audit has it, and it concerns gac", 3)
    assert says(check(withheld, other=ledger.export("huawei")), "its document is missing here; theirs.audit has it", 3)


def test_a_file_cut_off_anywhere_is_found():
    data = Ledger().fill(12).export("gac")
    for length in range(len(data)):
        assert not check(data[:length]).ok, length
    assert says(check(data[: data.rindex(b"sha256")]), "the file is cut off")
    assert says(check(data + b"\n"), "something follows the end of the file")


def test_an_earlier_export_and_the_other_sides_are_the_same_log():
    ledger = Ledger().fill(60)
    for size in (0, 1, 33, 60):
        for mine in (40, 60):
            report = check(ledger.export("gac", mine), ledger.export("gac", min(size, mine)), ledger.export("huawei", size))
            assert told(report) == []


def test_what_is_shown_to_the_other_side_holds_only_what_concerns_both():
    ledger = Ledger().fill(60)
    shown = ledger.export("gac", shared_with="huawei")
    assert ledger.seed("gac").hex().encode() not in shown
    for salt, document, concerned in ledger.entries:
        assert (salt.hex().encode() in shown) == (document in shown) == (concerned == {"gac", "huawei"})
    assert told(check(shown)) == told(check(ledger.export("huawei"), other=shown)) == told(check(ledger.export("gac"), other=shown)) == []
    assert judged_sound(shown)
    rows = rows_of(ledger, "gac")
    assert says(check(written(Head("gac", "huawei", ledger.note(60)), rows)), "it does not concern huawei", first_alone(ledger))


def first_alone(ledger):
    return next(index for index, (*_, concerned) in enumerate(ledger.entries) if concerned == {"gac"})


def forked(at, size):
    """Two logs that are the same up to an entry, each in itself sound and signed."""
    one, two = Ledger(1).fill(at), Ledger(1).fill(at)
    one.add("gac", said="yes")
    two.add("gac", said="no")
    two.chance.seed(99)
    return one.fill(size - at - 1), two.fill(size - at - 1)


def test_a_fork_is_found_against_the_earlier_export_and_against_the_other_side():
    one, two = forked(20, 50)
    assert check(one.export("gac")).ok
    assert check(two.export("gac")).ok
    for before, theirs in ((30, None), (None, 50), (21, 40)):
        report = check(one.export("gac"), two.export("gac", before) if before else None, two.export("huawei", theirs) if theirs else None)
        assert says(report, "and the log signed both, and witness.gac.example, witness.huawei.example cosigned both: a fork", 20)


def test_a_witness_that_cosigned_a_fork_is_named_and_one_that_did_not_is_not():
    one, two = forked(20, 50)
    honest, lying = WITNESSES
    alone = two.note(50, {lying: WITNESSES[lying]})
    report = check(one.export("gac"), other=two.export("huawei", signed=alone))
    assert says(report, f"and the log signed both, and {lying} cosigned both: a fork", 20)
    assert honest not in "".join(finding.problem for finding in report.findings if finding.index == 20)


def test_a_file_with_another_entry_that_the_log_did_not_sign_is_no_fork_of_the_log():
    one, two = forked(20, 50)
    unsigned = two.export("huawei", signed=one.note(50))
    report = check(one.export("gac"), other=unsigned)
    assert says(report, "it is another one in theirs.audit; what else was found tells which of the two files is wrong", 20)
    assert [finding.file for finding in report.findings if "signed checkpoint" in finding.problem] == ["theirs.audit"]


def test_a_log_that_shrank_is_found():
    ledger = Ledger().fill(50)
    report = check(ledger.export("gac", 30), previous=ledger.export("gac", 40))
    assert says(report, "the log has shrunk: 40 entries in before.audit, 30 here")


def test_an_earlier_export_of_somebody_else_is_none():
    ledger = Ledger().fill(50)
    assert says(check(ledger.export("gac"), previous=ledger.export("huawei", 40)), "this is an export of huawei, not an earlier one of gac")


def test_a_checkpoint_without_a_witness_that_is_asked_for_is_found():
    ledger = Ledger().fill(9)
    for absent in WITNESSES:
        alone = ledger.note(9, {name: key for name, key in WITNESSES.items() if name != absent})
        report = check(ledger.export("gac", signed=alone))
        assert [finding.problem[: 12 + len(absent)] for finding in report.findings] == [f"the witness {absent}"]
        assert check(ledger.export("gac", signed=alone), keys=Keys(KEYS.log)).ok, "who trusts no witness asks for none"


def test_a_cosignature_of_another_checkpoint_or_key_is_found():
    ledger = Ledger().fill(9)
    other = ledger.note(8)
    borrowed = note.Note(ledger.checkpoint(9).text, (ledger.note(9).signatures[0], *other.signatures[1:]))
    assert any("the signature of witness.gac.example does not fit" in one for one in told(check(ledger.export("gac", signed=borrowed))))
    strangers = ledger.note(9, {name: private_key(number) for number, name in enumerate(WITNESSES, 50)})
    assert sum("has not cosigned" in one for one in told(check(ledger.export("gac", signed=strangers)))) == 2


def test_the_logs_key_swapped_is_found():
    ledger = Ledger().fill(9)
    swapped = ledger.note(9, log=LogKey(LOG.name, Ed25519PrivateKey.from_private_bytes(bytes(31) + b"\x63")))
    assert any("carries no signature of the log's key" in one for one in told(check(ledger.export("gac", signed=swapped))))
    renamed = ledger.note(9, log=LogKey("other.example", LOG.key))
    assert any("carries no signature of the log's key" in one for one in told(check(ledger.export("gac", signed=renamed))))


def test_no_more_findings_are_told_than_somebody_reads():
    ledger = Ledger().fill(200)
    report = check(written(Head("gac", ledger.seed("gac"), ledger.note(200)), rows_of(ledger, "gac")[1:]))
    assert sum(finding.index is not None for finding in report.findings) == MAX_FINDINGS
    assert report.more > 0


@pytest.mark.parametrize("data", [b"", b"\n", b"marque-audit-export/v1\n", bytes(4096), b"\n" * 100, b"marque-audit-export/v2\n"])
def test_what_is_no_export_is_said_to_be_none(data):
    report = check(data)
    assert len(report.findings) == 1
    assert report.checkpoint is None


def test_the_documented_verifier_runs_as_it_is_printed(tmp_path):
    (tmp_path / "check.py").write_text(listing(), encoding="utf-8")
    (tmp_path / "now.audit").write_bytes(Ledger().fill(9).export("gac"))
    keys = [f"{key.name}={key.public_key.hex()}" for key in (KEYS.log, *WITNESS_KEYS)]
    run = [sys.executable, "-W", "ignore", tmp_path / "check.py", tmp_path / "now.audit", *keys]
    assert subprocess.run(run, capture_output=True, text=True, check=True).stdout == "9\n"
    (tmp_path / "now.audit").write_bytes(Ledger().fill(9).export("gac", 8, signed=Ledger().fill(9).note(9)))
    failed = subprocess.run(run, capture_output=True, text=True, check=False)
    assert failed.returncode == 1
    assert "number of entries" in failed.stderr


def test_keys_are_read_as_they_are_written():
    assert Keys.parse(KEYS.dumps()) == KEYS
    assert Keys.parse(f"# whom we trust\n\nlog {KEYS.log}\n") == Keys(KEYS.log)


@pytest.mark.parametrize(
    "text",
    [
        "",
        f"log {KEYS.log}\nlog {KEYS.log}\n",
        f"log {WITNESS_KEYS[0]}\n",
        f"log {KEYS.log}\nwitness {KEYS.log}\n",
        f"log {KEYS.log}\nwitness {WITNESS_KEYS[0]}\nwitness {WITNESS_KEYS[0]}\n",
        f"log {KEYS.log}\nfriend {WITNESS_KEYS[0]}\n",
        "log log.example+00000000+AAAA\n",
    ],
)
def test_keys_that_leave_a_doubt_are_refused(text):
    with pytest.raises(note.Malformed):
        Keys.parse(text)


@pytest.mark.slow
def test_anything_changed_in_a_hundred_thousand_entries_is_found(thorough):
    ledger = Ledger().fill(100_000)
    chance = random.Random(4)
    now, before, theirs = ledger.export("gac"), ledger.export("gac", 90_000), ledger.export("huawei")
    assert told(check(now, previous=before, other=theirs)) == []
    starts = now.index(rows_of(ledger, "gac", 1)[0][0].hex().encode())
    for _ in range(20 if thorough else 4):
        bit = chance.randrange(len(now) * 8)
        report = check(flipped(now, bit))
        assert not report.ok
        assert bit // 8 < starts or now.count(b"\n", starts, bit // 8) in {finding.index for finding in report.findings} | {100_000}
        cut = now.index(b"\n", chance.randrange(starts, len(now) - 20_000)) + 1
        removed = now[:cut] + now[now.index(b"\n", cut) + 1 :]
        assert now.count(b"\n", starts, cut) in {finding.index for finding in check(removed).findings}
    one, two = forked(99_000, 100_000)
    assert [finding.index for finding in check(one.export("gac"), other=two.export("huawei")).findings] == [99_000]


def test_verification_needs_the_standard_library_and_cryptography_alone():
    script = f"""
import sys, types
for name in ("marque", "marque.alliance", "marque.alliance.audit"):
    package = types.ModuleType(name)
    package.__path__ = [{str(SOURCES)!r} + "/" + name.replace(".", "/").replace("marque", "marque", 1)]
    sys.modules[name] = package
from marque.alliance.audit.verify import verify
print(sorted({{name.partition(".")[0] for name in sys.modules}} - sys.stdlib_module_names - {{"__main__"}}))
"""
    run = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path += {sys.path!r}\n{script}"], capture_output=True, text=True, check=True
    )
    assert set(eval(run.stdout)) <= {"marque", "cryptography", "cffi", "_cffi_backend", "_openssl"}
