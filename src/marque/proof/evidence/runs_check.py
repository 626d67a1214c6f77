"""Where runs are not those that were signed: which lines were changed, dropped, added or moved; and what verdicts they allow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from marque.proof.evidence.archive import LEAVES, RUNS
from marque.proof.evidence.findings import Finding
from marque.proof.evidence.lines import Scan, root, split
from marque.proof.evidence.statements import SILENT, Counts, Runs, Summary

_ORIGINAL = "Take runs.jsonl from the campaign itself; a run that came out badly stays in it."
_RESEAL = "Seal the evidence again; the runs themselves are those that were signed."


def against(truth: Runs, scan: Scan, leaves: bytes) -> list[Finding]:
    """What is wrong with lines and leaves, of which the signed statements say `truth`."""
    if scan.runs.root == truth.root:
        found = []
        if scan.runs.lines != truth.lines:
            found.append(Finding("runs", RUNS, f"there are {scan.runs.lines}, {truth.lines} were signed", _ORIGINAL))
        if scan.problem is not None:
            line, problem = scan.problem
            found.append(Finding("runs", RUNS, problem, "Who ran the campaign has to write the run again, and sign again.", line))
        elif scan.runs.sha256 != truth.sha256:
            found.append(Finding("runs", RUNS, "it has another SHA-256 than was signed", _ORIGINAL))
        if leaves != scan.leaves:
            found.append(Finding("leaves", LEAVES, f"it is not that of the runs, from entry {_first(leaves, scan.leaves)} on", _RESEAL))
        return found
    if len(leaves) % 32 == 0 and root(split(leaves)).hex() == truth.root:
        line, problem = _moved(split(leaves), split(scan.leaves))
        return [Finding("runs", RUNS, problem, _ORIGINAL, line)]
    if leaves == scan.leaves:
        here, signed = (f"{one.lines} with root {one.root[:16]}…" for one in (scan.runs, truth))
        problem = f"these are other runs: {here}; signed were {signed}"
        return [Finding("runs", RUNS, problem, _ORIGINAL)]
    return [Finding("runs", RUNS, f"neither the runs nor {LEAVES} are those that were signed", _ORIGINAL)]


def differing(said: Counts, found: Counts) -> str:
    """The first cell whose counts differ."""
    return next(cell for cell in sorted({*said, *found}) if said.get(cell) != found.get(cell))


def verdicts(summary: Summary, model: str, counts: Counts) -> Iterator[str]:
    """What is wrong with the verdicts, whatever the policy's rules are: a cell without evidence has not passed."""
    for one in summary.verdicts:
        if one.model != model:
            yield f"it judges {one.model}; {model} was run"
        elif one.answer == "PASSED" and counts.get(one.cell, {}).keys() <= SILENT:
            yield f"a cell passed in which nothing was run: {one.cell}"
    for cell in sorted(counts.keys() - {one.cell for one in summary.verdicts}):
        yield f"a cell was run and not judged: {cell}"


def _moved(signed: list[bytes], found: list[bytes]) -> tuple[int, str]:
    """The first line (from 1) that is not as signed, and what became of it."""
    place = next((at for at, (one, other) in enumerate(zip(signed, found, strict=False)) if one != other), min(len(signed), len(found)))
    before, after = Counter(signed), Counter(found)
    dropped, added = (before - after).total(), (after - before).total()
    line = place + 1
    if not dropped and not added:
        return line, f"the runs were reordered: this one was signed as line {signed.index(found[place]) + 1}"
    if dropped and not added:
        return line, f"runs were dropped: {dropped} of {len(signed)}, the first of them here"
    if added and not dropped:
        twice = found[place] in before
        return line, f"runs were {'repeated' if twice else 'added'}: {added} more than the {len(signed)} signed, the first of them here"
    return line, f"the run is not as signed{'' if dropped == added == 1 else f'; {dropped} are missing and {added} are others'}"


def _first(leaves: bytes, expected: bytes) -> int:
    pairs = zip(split(leaves), split(expected), strict=False)
    return next((at for at, (one, other) in enumerate(pairs, 1) if one != other), min(len(leaves), len(expected)) // 32 + 1)
