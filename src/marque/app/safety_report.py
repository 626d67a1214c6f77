"""`marque safety-report`: from a release's evidence to what a safety board reads, in a folder that can be handed on."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from urllib.parse import quote, unquote

import typer

from marque.app.evidence import read_directories
from marque.common import InputError
from marque.foundation import Clock, SystemClock
from marque.proof.credibility import read_credibility
from marque.proof.report import Facts, Unsound, facts_of, filings, sacm
from marque.proof.report.argument import Argument, argument, read_challenges, to_answer
from marque.proof.report.forest import forest
from marque.proof.report.gsn import sheets, tree
from marque.proof.report.page import page, unsound_page
from marque.proof.report.pdf import FOREST_PX, PROPORTION, pdf
from marque.proof.report.record import record
from marque.proof.report.view import unsound, view
from marque.proof.suites import located

_PHONE_PX = 358.0
_CASE, _TO_ANSWER = "safety-case.xmi", "to-answer.json"


def safety_report(
    evidence: Path,
    directories: Sequence[Path],
    out: Path,
    *,
    suites: Sequence[Path] = (),
    baseline: Path | None = None,
    credibility: Path | None = None,
    challenges: Path | None = None,
    replays: Path | None = None,
    clock: Clock | None = None,
) -> bool:
    """Writes the report into a folder; whether the safety case stands. Raises InputError.

    directories: of the partners' keys. suites: those that were driven, files or names of packaged ones. baseline: the evidence of the
    release before. credibility, challenges: files. replays: a folder with pages or files `case-N`.
    """
    now = (clock or SystemClock()).now()
    known = None if credibility is None else read_credibility(credibility)
    said = () if challenges is None else read_challenges(challenges)
    given = read_directories(directories)
    driven = [located(one) for one in suites]
    try:
        facts = facts_of(
            evidence, given, now=now, suites=driven, baseline=baseline, credibility=known, replay=_replay_of(replays, out)
        )  # fmt: skip
    except OSError as fault:
        raise InputError(Path(fault.filename or evidence).name, "", f"it cannot be read: {fault.strerror}") from fault
    case = argument(facts, () if isinstance(facts, Unsound) else said)
    files = _unsound_files(facts, now) if isinstance(facts, Unsound) else _files(facts, case, now)
    out.mkdir(parents=True, exist_ok=True)
    for name, text in (files | {"facts.json": record(facts, case)}).items():
        _write(out / name, text)
    for name in {_CASE, _TO_ANSWER} - files.keys():  # of evidence that is not sound there is none; an older one would be taken for it
        (out / name).unlink(missing_ok=True)
    _tell(facts, case, out)
    return isinstance(facts, Facts) and case.supported


def _files(facts: Facts, case: Argument, now: datetime) -> dict[str, bytes]:
    told = view(facts, case, (filings.rxswin(facts), filings.ccam(facts)))
    html = page(told, tree(case), forest(facts), forest(facts, _PHONE_PX))
    footer = f"{told['title']} · {told['made']} · evidence {facts.evidence[:16]}"
    printed = pdf(told, made=now, footer=footer, drawing=sheets(case, PROPORTION), forest=forest(facts, FOREST_PX))
    return {"index.html": html.encode(), "report.pdf": printed, _CASE: sacm.dumps(case), _TO_ANSWER: to_answer(case, now.date())}


def _unsound_files(facts: Unsound, now: datetime) -> dict[str, bytes]:
    told = unsound(facts)
    printed = pdf(told, made=now, footer=f"{told['file']} · {told['made']} · evidence {facts.evidence[:16]}")
    return {"index.html": unsound_page(told).encode(), "report.pdf": printed}


def _replay_of(folder: Path | None, out: Path) -> Callable[[int], str]:
    """The address of a case's replay from the report's folder: its page, or else its file. Raises InputError for no folder."""
    if folder is None:
        return lambda _: ""
    if not folder.is_dir():
        raise InputError("--replays", folder.name, "there is no such folder", "marque replay-evidence FILE --replays DIR makes one.")
    there, here = folder.resolve(), out.resolve()

    def found(case: int) -> str:
        names = (f"case-{case}.html", f"case-{case}.replay")
        file = next((there / name for name in names if (there / name).is_file()), None)
        return "" if file is None else quote(Path(os.path.relpath(file, here)).as_posix())

    return found


def _write(file: Path, text: bytes) -> None:
    """Whole or not at all."""
    draft = file.with_name(f".{file.name}.draft")
    draft.write_bytes(text)
    draft.replace(file)


def _tell(facts: Facts | Unsound, case: Argument, out: Path) -> None:
    if isinstance(facts, Unsound):
        for finding in facts.findings:
            typer.echo(f"broken    {finding.link}: {finding}")
        typer.echo(f"NOT SOUND: nothing it says counts; {out / 'index.html'} says so")
        return
    for one in case.open:
        typer.echo(f"open      {unquote(one.id)} challenges {unquote(one.challenges)}: {one.text}")
    for element in case.undeveloped:
        typer.echo(f"undeveloped {unquote(element.id)}: {element.text}")
    typer.echo(f"the safety case {'stands' if case.supported else 'does not stand'}: {out / 'index.html'}, {out / 'report.pdf'}")
