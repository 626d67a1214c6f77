"""Ten thousand ways of bending evidence: none is accepted, and each is told of the file, and the line, that was bent."""

from __future__ import annotations

import base64
import gzip
import io
import json
import random
import tarfile
from collections import Counter
from dataclasses import replace

import pytest
import rfc8785
from sealed_world import (
    CELLS,
    CHEN,
    DAY,
    LI,
    MALLORY,
    NOW,
    RUNS,
    WANG,
    World,
    directory,
    key_of,
    outcome_of,
    packed,
    run_line,
    sha,
    written,
)

from marque.alliance.signing import read_envelope
from marque.proof.evidence import archive, lines, verify
from marque.proof.evidence.envelopes import signed
from marque.proof.evidence.findings import Latest
from marque.proof.evidence.statements import IN_TOTO, Input

WORLD = World()
PARTS = WORLD.parts()
WHOLE = packed(PARTS)
LINES = RUNS.splitlines(keepends=True)
FAILING = [number for number in range(len(LINES)) if outcome_of(number) not in ("passed", "outside")]
OTHERS = {
    "policy": World(policy=replace(WORLD.policy, expires=NOW + 91 * DAY)).parts(),
    "campaign": World(runs=b"".join(run_line(case, "passed", CELLS[case % 3]) for case in range(23)), verified=NOW - DAY).parts(),
    "release": World(version="1.1.9").parts(),
    "directories": World(directories=WORLD.directories | {"gac": directory(key_of(CHEN, "gac", 3))}, summary_keys=(CHEN, WANG),
                         policy_keys=(CHEN, WANG)).parts(),
}  # fmt: skip


def spans():
    """(name, first byte of its header, first byte of what follows it) of each member, and the end."""
    at = 0
    for name, text in PARTS.items():
        after = at + 512 + len(text) + -len(text) % 512
        yield name, at, after
        at = after
    yield "", at, len(WHOLE)


SPANS = list(spans())


def member_at(place):
    return next(name for name, start, end in SPANS if start <= place < end)


def line_at(place):
    start = next(start for name, start, _ in SPANS if name == archive.RUNS) + 512
    return RUNS[: place - start].count(b"\n") + 1 if start <= place < start + len(RUNS) else None


# Every function below: (random numbers) → (the bent archive, the file that is to be named, its line or None) ------------------------------


def a_byte_is_changed(chance):
    place = chance.randrange(len(WHOLE))
    bent = bytearray(WHOLE)
    bent[place] ^= chance.choice([1 << chance.randrange(8), chance.randrange(1, 256)])
    return bytes(bent), member_at(place), line_at(place)


def a_byte_of_a_statement_is_changed(chance):
    """In what is signed itself, as bytes behind the base64, so that everything else is in form."""
    name = chance.choice(archive.ENVELOPES)
    envelope = json.loads(PARTS[name])
    payload = bytearray(base64.b64decode(envelope["payload"]))
    payload[chance.randrange(len(payload))] ^= chance.randrange(1, 256)
    envelope["payload"] = base64.b64encode(payload).decode()
    return packed(PARTS | {name: rfc8785.dumps(envelope)}), name, None


def the_file_is_cut_or_grows(chance):
    place, extra = chance.randrange(len(WHOLE)), bytes(chance.choice([[0], [0] * 512, [0] * 8704, chance.randbytes(3)]))
    bent = chance.choice([WHOLE[:place], WHOLE + extra])
    return bent, None, None


def bytes_are_put_in_or_taken_out(chance):
    place, size = chance.randrange(len(WHOLE)), chance.choice([1, 2, 512, 1024])
    bent = chance.choice([WHOLE[:place] + chance.randbytes(size) + WHOLE[place:], WHOLE[:place] + WHOLE[place + size :]])
    return (bent if bent != WHOLE else WHOLE[:-1]), None, None


def rewritten(changed, chance, line):
    """Runs in place of the signed ones; whoever bends them may also number them anew, and bend the leaves with them."""
    if chance.random() < 0.5:
        changed = [rfc8785.dumps(json.loads(one) | {"case": case}) + b"\n" for case, one in enumerate(changed)]
    runs = b"".join(changed)
    if runs == RUNS:
        return packed(PARTS | {archive.RUNS: RUNS[:-1]}), archive.RUNS, len(LINES)
    if chance.random() < 0.3:
        return packed(PARTS | {archive.RUNS: runs, archive.LEAVES: lines.scan(runs, 0, len(runs)).leaves}), archive.RUNS, None
    return packed(PARTS | {archive.RUNS: runs}), archive.RUNS, line


def failing_runs_are_dropped(chance):
    dropped = chance.choice([FAILING, chance.sample(FAILING, chance.randint(1, len(FAILING)))])
    return rewritten([one for number, one in enumerate(LINES) if number not in dropped], chance, min(dropped) + 1)


def failing_runs_pass(chance):
    changed = chance.sample(FAILING, chance.randint(1, len(FAILING)))
    new = [rfc8785.dumps(json.loads(one) | {"outcome": "passed"}) + b"\n" if number in changed else one for number, one in enumerate(LINES)]
    return rewritten(new, chance, min(changed) + 1)


def runs_are_reordered(chance):
    new = list(LINES)
    if chance.random() < 0.5:
        first, second = sorted(chance.sample(range(len(new)), 2))
        new[first], new[second] = new[second], new[first]
    else:
        chance.shuffle(new)
    line = next((number for number, (one, other) in enumerate(zip(new, LINES, strict=True), 1) if one != other), None)
    return rewritten(new, chance, line)


def runs_are_repeated(chance):
    number = chance.randrange(len(LINES))
    return rewritten([*LINES[: number + 1], *LINES[number:]], chance, number + 2)


def a_run_is_written_another_way(chance):
    """The same content in other bytes."""
    number = chance.randrange(len(LINES))
    said = json.loads(LINES[number])
    new = chance.choice([
        json.dumps(said, ensure_ascii=False).encode() + b"\n",
        json.dumps(dict(reversed(said.items())), separators=(",", ":"), ensure_ascii=False).encode() + b"\n",
        LINES[number].replace(b'"case":', b'"case":0,"case":', 1),
        LINES[number].replace(b"\n", b"\r\n"),
        LINES[number].replace(b"\n", b" \n"),
        LINES[number].replace(b"0.25", b"0.250"),
        LINES[number].replace(b"0.25", b"2.5e-1"),
        LINES[number].replace(b'"cell"', b'"c\\u0065ll"'),
        b"\n" + LINES[number],
        b"\xef\xbb\xbf" + LINES[number],
    ])  # fmt: skip
    return packed(PARTS | {archive.RUNS: b"".join([*LINES[:number], new, *LINES[number + 1 :]])}), archive.RUNS, number + 1


def an_envelope_is_written_another_way(chance):
    name = chance.choice(archive.ENVELOPES)
    envelope = json.loads(PARTS[name])
    first, payload = envelope["signatures"][0], envelope["payload"]
    ways = [
        lambda: json.dumps(envelope).encode(),
        lambda: json.dumps(envelope, indent=1).encode(),
        lambda: PARTS[name] + b"\n",
        lambda: b" " + PARTS[name],
        lambda: json.dumps(dict(reversed(envelope.items())), separators=(",", ":")).encode(),
        lambda: PARTS[name].replace(b'{"payload"', b'{"payload":"","payload"', 1),
        lambda: rfc8785.dumps(envelope | {"comment": "harmless"}),
        lambda: rfc8785.dumps(envelope | {"signatures": [one | {"keyid": ""} for one in envelope["signatures"]]}),
        lambda: rfc8785.dumps(envelope | {"signatures": [{"sig": one["sig"]} for one in envelope["signatures"]]}),
        lambda: rfc8785.dumps(envelope | {"signatures": [*envelope["signatures"], first]}),
        lambda: rfc8785.dumps(envelope | {"signatures": [first, *envelope["signatures"]]}),
        lambda: rfc8785.dumps(envelope | {"payload": payload.rstrip("=") + "\n"}),
        lambda: PARTS[name].replace(b'"payload"', b'"p\\u0061yload"', 1),
        lambda: PARTS[name].decode().encode("utf-16"),
        lambda: rfc8785.dumps(envelope | {"payloadType": "application/vnd.in-toto+json; charset=utf-8"}),
        lambda: b'{"payload":' + b"[" * 5000,
        lambda: PARTS[name].replace(b'"signatures":[', b'"signatures":[' + b"1" * 5000 + b",", 1),
    ]  # fmt: skip
    return packed(PARTS | {name: chance.choice(ways)()}), name, None


def a_signature_is_another_of_the_same_key(chance):
    """S + L in place of S (RFC 8032, 5.1.7, forbids it), a signature of another text, R of another one."""
    name, other = chance.choice(archive.ENVELOPES), chance.choice(archive.ENVELOPES)
    envelope, strange = json.loads(PARTS[name]), json.loads(PARTS[other])
    value = base64.b64decode(envelope["signatures"][0]["sig"])
    longer = int.from_bytes(value[32:], "little") + 2**252 + 27742317777372353535851937790883648493
    foreign = base64.b64decode(strange["signatures"][-1]["sig"])
    new = chance.choice([value[:32] + longer.to_bytes(32, "little"), foreign[:32] + value[32:], value[:32] + foreign[32:], bytes(64)])
    if new == value:
        new = bytes(63) + b"\1"
    envelope["signatures"][0]["sig"] = base64.b64encode(new).decode()
    return packed(PARTS | {name: rfc8785.dumps(envelope)}), name, None


def signatures_are_missing_or_of_others(chance):
    """Each envelope honestly signed anew, by others than those who have to."""
    name = chance.choice(archive.ENVELOPES)
    one = read_envelope(PARTS[name])
    both = name in (archive.POLICY, archive.SUMMARY)
    wrong = chance.choice(
        [(LI,), (WANG,), (LI, MALLORY), (MALLORY, WANG), (MALLORY,), (LI, WANG, MALLORY)] if both else [(MALLORY,), (LI, WANG)]
    )
    return packed(PARTS | {name: signed(one.payload, one.payload_type, *wrong)}), name, None


def a_part_is_swapped(chance):
    """For one of other evidence, as good as this."""
    source, name = chance.choice([
        ("policy", archive.POLICY), ("campaign", archive.PROVENANCE), ("campaign", archive.TEST_RESULT), ("campaign", archive.SUMMARY),
        ("release", archive.PROVENANCE), ("release", archive.TEST_RESULT), ("release", archive.SUMMARY), ("policy", archive.SUMMARY),
        ("directories", "keys/gac.json"), ("campaign", archive.RUNS), ("campaign", archive.LEAVES), ("directories", archive.POLICY),
    ])  # fmt: skip
    return packed(PARTS | {name: OTHERS[source][name]}), name, None


def several_parts_are_swapped(chance):
    source = chance.choice(["policy", "campaign", "release"])
    names = [name for name in PARTS if PARTS[name] != OTHERS[source][name]]
    swapped = chance.sample(names, chance.randint(1, len(names) - 1))
    return packed(PARTS | {name: OTHERS[source][name] for name in swapped}), None, None


def an_input_is_swapped(chance):
    """By whoever ran it, who signs again; both partners signed the summary on the other."""
    place = chance.randrange(len(WORLD.inputs))
    inputs = [*WORLD.inputs]
    inputs[place] = Input(inputs[place].name, sha(str(chance.random())))
    return packed(PARTS | {archive.PROVENANCE: World(inputs=tuple(inputs)).parts()[archive.PROVENANCE]}), archive.PROVENANCE, None


def the_archive_is_another(chance):
    """The same files, in other containers, orders and names; and files that have no place here."""
    names = [*PARTS]

    def tarred(listed, kind=tarfile.USTAR_FORMAT, **head):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w", format=kind) as tar:
            for name, text in listed:
                info = tarfile.TarInfo(name)
                info.size = len(text)
                for field, value in head.items():
                    setattr(info, field, value)
                tar.addfile(info, io.BytesIO(text))
        return out.getvalue()

    evil = chance.choice(
        ["../policy.dsse.json", "/etc/passwd", "keys/../../x.json", "keys/GAC.json", "readme.txt", "keys/seres.json", ".", "runs.jsonl"]
    )
    place = chance.randrange(len(names) + 1)
    listed = list(PARTS.items())
    return chance.choice([
        lambda: tarred(listed),
        lambda: tarred(listed, mtime=1),
        lambda: tarred(listed, mode=0o600),
        lambda: tarred(listed, kind=tarfile.PAX_FORMAT, pax_headers={"comment": "x"}),
        lambda: tarred(listed, kind=tarfile.GNU_FORMAT),
        lambda: tarred([*listed[:place], (evil, b"{}"), *listed[place:]]),
        lambda: tarred(chance.sample(listed, len(listed))),
        lambda: tarred(listed[:place] + listed[place + 1 :]),
        lambda: gzip.compress(WHOLE, mtime=0),
        lambda: WHOLE + WHOLE,
        lambda: b"",
        lambda: gzip.compress(bytes(1 << 24), mtime=0),
    ])(), None, None  # fmt: skip


WAYS = [
    a_byte_is_changed, a_byte_is_changed, a_byte_is_changed, a_byte_of_a_statement_is_changed, the_file_is_cut_or_grows,
    bytes_are_put_in_or_taken_out, failing_runs_are_dropped, failing_runs_pass, runs_are_reordered, runs_are_repeated,
    a_run_is_written_another_way, an_envelope_is_written_another_way, a_signature_is_another_of_the_same_key,
    signatures_are_missing_or_of_others, a_part_is_swapped, several_parts_are_swapped, an_input_is_swapped, the_archive_is_another,
]  # fmt: skip


def bend(path, number):
    """The number-th way of bending: what was accepted, and what was told wrongly."""
    chance = random.Random(number)
    way = WAYS[number % len(WAYS)]
    bent, file, line = way(chance)
    if bent == WHOLE:
        return f"{number} {way.__name__}: nothing was bent"
    path.write_bytes(bent)
    report = verify(path, WORLD.directories, now=NOW, release=WORLD.release)
    if report.ok:
        return f"{number} {way.__name__}: accepted"
    first = report.findings[0]
    if file is not None and first.file != (file or path.name):
        return f"{number} {way.__name__}: {file or path.name} was bent, told of {first}"
    if line is not None and first.line != line:
        return f"{number} {way.__name__}: line {line} was bent, told of {first}"
    return None


def test_the_evidence_that_is_bent_below_is_accepted_whole(tmp_path):
    report = verify(written(tmp_path / "whole.evidence"), WORLD.directories, now=NOW, release=WORLD.release)
    assert report.findings == ()


def test_five_hundred_bent_files_are_refused_and_the_broken_link_is_named(tmp_path):
    assert [told for number in range(540) if (told := bend(tmp_path / "bent.evidence", number))] == []


@pytest.mark.slow
def test_ten_thousand_more_bent_files_are_refused_and_the_broken_link_is_named(tmp_path):
    assert [told for number in range(540, 10_620) if (told := bend(tmp_path / "bent.evidence", number))] == []


def test_every_bit_of_a_header_and_of_padding_counts(tmp_path):
    path, wrong = tmp_path / "bent.evidence", []
    for name, start, end in SPANS:
        for place in [*range(start, min(start + 512, end), 7), end - 1]:
            bent = bytearray(WHOLE)
            bent[place] ^= 1
            path.write_bytes(bent)
            report = verify(path, WORLD.directories, now=NOW)
            if [(one.link, one.file) for one in report.findings][:1] != [("archive", name or path.name)] and place < start + 512:
                wrong.append((name, place - start, report.findings))
            assert not report.ok
    assert wrong == []


def test_a_changed_directory_of_keys_in_hand_is_refused(tmp_path):
    path, accepted = written(tmp_path / "whole.evidence"), []
    chance = random.Random(1)
    for organisation, text in WORLD.directories.items():
        for place in range(0, len(text), 3):
            bent = bytearray(text)
            bent[place] ^= chance.randrange(1, 256)
            report = verify(path, WORLD.directories | {organisation: bytes(bent)}, now=NOW)
            if {(one.link, one.organisation) for one in report.findings} != {("keys", organisation)}:
                accepted.append((place, report.findings))
    assert accepted == []


def test_an_older_verdict_is_refused_whatever_it_says(tmp_path):
    path = tmp_path / "old.evidence"
    told = Counter()
    for sequence in range(1, 15):
        report = verify(written(path, World(sequence=sequence)), WORLD.directories, now=NOW)
        newest = Latest("pilot", "vela", 7, NOW - 2 * DAY, verify(written(path), WORLD.directories, now=NOW).latest.summary)
        assert report.ok
        again = verify(written(path, World(sequence=sequence)), WORLD.directories, now=NOW, latest=newest)
        told[sequence < 7, tuple(one.link for one in again.findings)] += 1
    assert told == {(True, ("replay",)): 6, (False, ()): 8}


def test_a_signature_of_one_text_does_not_serve_another_type(tmp_path):
    envelope = signed(WORLD.policy.dumps(), IN_TOTO, LI, WANG)
    report = verify(written(tmp_path / "bent.evidence", None, **{archive.POLICY: envelope}), WORLD.directories, now=NOW)
    assert (report.findings[0].link, report.findings[0].file) == ("signature", archive.POLICY)
