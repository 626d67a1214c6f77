"""Runs driven again from their evidence: a run is worth its line if the same case gives the same bytes."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from marque.common import InputError
from marque.proof.evidence import archive, lines
from marque.proof.evidence.policy import Policy, read_policy
from marque.proof.evidence.statements import Provenance, read_provenance

_REMEDY = "Verify the evidence first."
_NOT_DRIVEN = b'"outcome":"not-needed"'
_CASE = ("case", "cell", "parameters", "scenario", "seed", "weight")


@dataclass(frozen=True)
class Case:
    """What was to be driven, as its line in the evidence says; nothing of what came of it."""

    case: int
    cell: str
    parameters: Mapping[str, Any]
    scenario: str
    seed: int
    weight: float


@dataclass(frozen=True)
class Difference:
    """A run that came out otherwise. line: in runs.jsonl, from 1."""

    line: int
    expected: bytes
    found: bytes


@dataclass(frozen=True)
class Replayed:
    """lines: those that were driven again, from 1, in order."""

    lines: tuple[int, ...]
    differences: tuple[Difference, ...]

    @property
    def ok(self) -> bool:
        return bool(self.lines) and not self.differences


def replay(
    file: Path, drive: Callable[[Sequence[Case]], Sequence[bytes]], number: int, seed: int, organisations: Sequence[str] | None = None
) -> Replayed:
    """Drive `number` random runs of an evidence file again (all, when it holds fewer) and compare bytes. Verify the file first.

    A case that was not needed was not driven, and is not driven now.

    drive: cases → their lines, in the same order, without ends; it may use as many workers as it likes. seed: which runs; let somebody else
    choose it than who ran the campaign. Raises InputError when the file is no evidence or a line no run.
    """

    def choose(whole: Sequence[bytes]) -> Sequence[int]:
        driven = [place for place, line in enumerate(whole) if _NOT_DRIVEN not in line]
        return random.Random(seed).sample(driven, min(number, len(driven)))

    return _replay(file, drive, choose, organisations)


def replay_cases(file: Path, drive: Callable[[Sequence[Case]], Sequence[bytes]], chosen: Sequence[int]) -> Replayed:
    """The same with these cases. Raises InputError for one that the evidence does not have or that was not needed, too."""

    def choose(whole: Sequence[bytes]) -> Sequence[int]:
        if unknown := [case for case in chosen if not 0 <= case < len(whole)]:
            raise InputError(file.name, f"case {unknown[0]}", f"it holds the runs of {len(whole)} cases, from 0 on")
        if silent := [case for case in chosen if _NOT_DRIVEN in whole[case]]:
            raise InputError(file.name, f"case {silent[0]}", "it was not driven: its cell had been decided before its turn came")
        return sorted(set(chosen))

    return _replay(file, drive, choose, None)


def statements(file: Path) -> tuple[Policy, Provenance]:
    """What the evidence says was asked for, and run with what; whose signatures these are is not looked at: verify the file first.

    Raises InputError when it is no evidence.
    """
    try:
        with archive.opened(file) as opened:
            policy, provenance = (_payload(opened[name]) for name in (archive.POLICY, archive.PROVENANCE))
            return read_policy(policy), read_provenance(provenance)
    except archive.Broken as fault:
        raise InputError(file.name, fault.file, fault.problem, _REMEDY) from fault
    except (ValueError, KeyError, TypeError) as fault:
        raise InputError(file.name, "", f"it does not say what was run: {fault}", _REMEDY) from fault


def _payload(envelope: bytes) -> bytes:
    return base64.b64decode(json.loads(envelope)["payload"], validate=True)


def _replay(
    file: Path, drive: Callable[[Sequence[Case]], Sequence[bytes]], choose: Callable[[Sequence[bytes]], Sequence[int]],
    organisations: Sequence[str] | None,
) -> Replayed:  # fmt: skip
    """choose: of all lines the places of those to drive again, each once, counted from 0."""
    try:
        with archive.opened(file, organisations) as opened:
            member = opened.members[archive.RUNS]
            whole = list(lines.iterate(opened.data, member.start, member.end))
    except archive.Broken as fault:
        raise InputError(file.name, fault.file, fault.problem, _REMEDY) from fault
    chosen = sorted(choose(whole))
    found = drive([_case(file, place + 1, whole[place]) for place in chosen])
    if len(found) != len(chosen):
        raise ValueError(f"{len(chosen)} cases were to be driven, {len(found)} lines came back")
    differences = [Difference(place + 1, whole[place], one) for place, one in zip(chosen, found, strict=True) if one != whole[place]]
    return Replayed(tuple(place + 1 for place in chosen), tuple(differences))


def one_by_one(drive: Callable[[Case], bytes]) -> Callable[[Sequence[Case]], list[bytes]]:
    """For a function that drives one case."""
    return lambda cases: [drive(case) for case in cases]


def _case(file: Path, number: int, line: bytes) -> Case:
    try:
        said = lines.parsed(line)
        return Case(**{name: said[name] for name in _CASE})
    except (ValueError, KeyError) as fault:
        raise InputError(file.name, f"line {number} of {archive.RUNS}", f"it is no run: {fault}", _REMEDY) from fault
