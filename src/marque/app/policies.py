"""`marque policy` and `marque gate`: what a release has to show, said before anything is driven; and what its runs say to that."""

from __future__ import annotations

import json
import os
import secrets
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import typer

from marque.app.opened import Opened
from marque.app.small_files import read_small
from marque.common import InputError
from marque.foundation import SystemClock
from marque.proof.campaign import Hidden, Task, joined_cases, suites_of
from marque.proof.evidence import Input, Policy, Provenance, commitment
from marque.proof.evidence.draft import Draft
from marque.proof.gate import GateRules, judge_under, read_rules, seeded, short_of
from marque.proof.suites import Suite, read_suite

_SALT_BYTES = 32


@dataclass(frozen=True)
class Hiding:
    """A suite to be hidden. salt_file: where what opens the commitment to it is written, for whoever drives it in the end."""

    suite: Path
    salt_file: Path
    memory: Path | None


def write_policy(draft: Path, rules: Path, suite: Path, parties: Sequence[str], days: int, hiding: Hiding | None = None) -> None:
    """Lays down the policy that both sides sign before anything is driven. Raises InputError."""
    try:
        said = json.loads(rules.read_bytes())
    except (OSError, ValueError) as fault:
        raise InputError(str(rules), "", f"no rules can be read: {fault}") from fault
    demanded, salt = read_rules(said, str(rules)), secrets.token_bytes(_SALT_BYTES)
    hidden = () if hiding is None else (Hidden(read_suite(hiding.suite).name, hiding.suite, salt.hex()),)
    task = Task(suite, "", demanded.seed, hidden=hidden)
    suites = suites_of(task)
    _suffices(demanded, str(rules), task, suites)
    committed = {one.name: commitment(one.digest, salt) for one in suites[1:]}
    if hiding is not None and hiding.memory is not None:
        Opened(hiding.memory).refuse({one.name: [one.digest] for one in suites[1:]}, None)
    now = SystemClock().now()
    try:
        for one in suites:
            Input(f"suite/{one.name}", one.digest)
        named = {suites[0].name: suites[0].digest}
        made = Policy(tuple(sorted(parties)), now, now + timedelta(days=days), named, committed, demanded.said())
    except ValueError as fault:
        raise InputError("policy", "", str(fault)) from fault
    if hiding is not None:
        _write_secret(hiding.salt_file, salt)
    draft.mkdir(parents=True, exist_ok=True)
    typer.echo(f"{Draft(draft).put('policy', made.dumps())}: to be signed by {' and '.join(made.parties)} before anything is driven")
    if hiding is not None:
        typer.echo(f"{hiding.salt_file}: keep it and the hidden suite to yourself until it is driven; without it nothing can be proven")


def _suffices(rules: GateRules, source: str, task: Task, suites: Sequence[Suite]) -> None:
    """That the suites have the cells that the rules name, and as many cases as a release without a failure would need to pass."""
    if unknown := sorted({*rules.limits, *rules.outside} - set(suites[0].cells)):
        raise InputError(source, "rules.limits", f'the suite has no cell "{unknown[0]}"', f"It has {', '.join(suites[0].cells)}.")
    sizes = Counter(case.source.cell for case in joined_cases(task, suites))
    for cell, planned in rules.least_runs.items():
        if sizes[cell] < planned:
            why = f"the suites have {sizes[cell]} cases there, fewer than the {planned} that are planned"
            raise InputError(source, f"rules.least_runs.{cell}", why)
    for cell, needed in short_of(rules, sizes).items():
        why = f"without a failure {needed} runs would show less than {rules.limits[cell]:g}; the suites have {sizes[cell]} cases there"
        raise InputError(source, f"rules.limits.{cell}", why)


def gate(draft: Path, baseline: Path | None, sequence: int, days: int, memory: Path | None = None) -> bool:
    """Hold the runs of a draft against its policy, lay down the verdicts for both sides to sign; whether every claimed cell passed.

    memory: of hidden suites that were opened. Raises InputError.
    """
    folder = Draft(draft)
    policy, provenance = folder.said("policy"), folder.said("provenance")
    assert isinstance(policy, Policy)
    assert isinstance(provenance, Provenance)
    seeded(read_rules(policy.rules), provenance.input("seeds"), "provenance.json")
    opened = {name: [committed, *_opened(provenance, name)] for name, committed in policy.hidden.items()}
    if memory is not None:
        Opened(memory).refuse(opened, provenance.release.digest)
    verdicts = judge_under(policy, provenance.model, folder.runs, baseline)
    now = SystemClock().now()
    folder.concluded(verdicts, sequence=sequence, verified=now, expires=min(policy.expires, now + timedelta(days=days)))
    if memory is not None:
        Opened(memory).remember(opened, provenance.release.digest)
    for one in verdicts:
        typer.echo(f"{one.answer:<11} {one.model} in {one.cell}")
        for reason in one.reasons:
            typer.echo(f"            {reason}")
    return all(one.answer != "FAILED" for one in verdicts)


def _opened(provenance: Provenance, name: str) -> list[str]:
    one = provenance.input(f"suite/{name}")
    return [] if one is None else [one.digest]


def read_salt(file: Path) -> str:
    """In hexadecimal. Raises InputError."""
    text = read_small(file, 1000).decode(errors="replace").strip()
    try:
        if len(bytes.fromhex(text)) == _SALT_BYTES:
            return text.lower()
    except ValueError:
        pass
    raise InputError(
        file.name, "", f"it is no salt: {2 * _SALT_BYTES} hexadecimal digits are expected", "Take it as `marque policy` wrote it."
    )


def _write_secret(file: Path, salt: bytes) -> None:
    """For its owner's eyes, and never over another: a salt that is lost opens nothing any more."""
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
            opened.write(f"{salt.hex()}\n")
    except FileExistsError as fault:
        raise InputError(file.name, "", "the file is already there", "It may open another policy; name another file.") from fault
    except OSError as fault:
        raise InputError(file.name, "", f"it cannot be written: {fault.strerror}") from fault
