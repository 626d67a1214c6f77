"""The command line of proof: thin wrappers, as in `cli.py`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def add_to(app: typer.Typer) -> None:
    """Puts the commands of proof beside the others."""
    app.command("policy")(policy)
    app.command("prove")(prove)
    app.command("gate")(gate)
    app.command("reference-drivers")(reference_drivers)
    app.command("sign-evidence")(sign_evidence)
    app.command("seal-evidence")(seal_evidence)
    app.command("verify-evidence")(verify_evidence)


def prove(
    suite: Annotated[Path, typer.Argument(metavar="SUITE", help="A suite of scenarios, see docs/proof.md.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="The campaign's folder; one that was begun there goes on.")],
    vehicle: Annotated[str, typer.Option(metavar="MODEL", help="The vehicle model that is driven, with its actuators.")] = "vela",
    release: Annotated[str, typer.Option(metavar="NAME", help="What the release is called.")] = "working-copy",
    seed: Annotated[int, typer.Option(min=0, help="Of the samples and of the sensors' errors.")] = 1,
    workers: Annotated[int, typer.Option(min=0, help="Processes that drive at the same time; 0: one for each core.")] = 0,
    perfect: Annotated[bool, typer.Option("--perfect", help="The cars know everything as it is.")] = False,
    ray: Annotated[str | None, typer.Option(metavar="ADDRESS", help="Drive on a Ray cluster; `local` for one on this machine.")] = None,
    draft: Annotated[Path | None, typer.Option(metavar="DRAFT", help="Make evidence: the folder with the signed policy.")] = None,
    runner: Annotated[str | None, typer.Option(metavar="CODE", help="Of the draft: the organisation that drives.")] = None,
) -> None:
    """Drive every case of a suite and say what failed, by cell of the design domain. Exit status 1: something failed."""
    from marque.app.prove import Sealing
    from marque.app.prove import prove as run

    if (draft is None) != (runner is None):
        raise typer.BadParameter("--draft and --runner go together")
    sealing = None if draft is None or runner is None else Sealing(draft, runner)
    run(suite, vehicle=vehicle, release=release, out=out, seed=seed, workers=workers, perfect=perfect, ray=ray, sealing=sealing)


def policy(
    draft: Annotated[Path, typer.Argument(metavar="DRAFT", help="The folder in which evidence comes together.")],
    rules: Annotated[Path, typer.Option("--rules", metavar="FILE", help="What is demanded, as JSON, see docs/proof.md.")],
    suite: Annotated[Path, typer.Option("--suite", metavar="SUITE", help="What is driven for it.")],
    party: Annotated[list[str], typer.Option("--party", metavar="CODE", help="Who signs; twice.")],
    days: Annotated[int, typer.Option(min=1, help="How long it counts.")] = 90,
) -> None:
    """Lay down what a release has to show, for both partners to sign before anything is driven."""
    from marque.app.prove import write_policy

    write_policy(draft, rules, suite, party, days)


def gate(
    draft: Annotated[Path, typer.Argument(metavar="DRAFT", help="With policy, runs, provenance and test result, all signed.")],
    sequence: Annotated[int, typer.Option(min=1, help="Higher than that of any verdict on this product and model before.")],
    baseline: Annotated[Path | None, typer.Option(metavar="RUNS.jsonl", help="The runs of the baseline that the policy names.")] = None,
    days: Annotated[int, typer.Option(min=1, help="How long the verdict counts, at most as long as the policy.")] = 30,
) -> None:
    """Hold the runs against the policy: a verdict for each cell, for both partners to sign. Exit status 1: a cell has not passed."""
    from marque.app.prove import gate as run

    raise typer.Exit(0 if run(draft, baseline, sequence, days) else 1)


def reference_drivers(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="cut-in, cut-out or car-following.")],
    cases: Annotated[Path, typer.Argument(metavar="CASES.csv", help="Its cases; .gz too.")],
    out: Annotated[Path, typer.Option("--out", metavar="OUT.csv", help="Where the columns and what came of each case go.")],
    mode: Annotated[str, typer.Option(help="text: as UN R157 says; jrc: as the JRC's program counts.")] = "text",
) -> None:
    """Drive cases with the reference drivers of UN R157: competent and careful, FSM, RSS, and the regulation's own formula."""
    from marque.app.reference_drivers import drive_cases

    drive_cases(kind, cases, mode, out)


def sign_evidence(
    folder: Annotated[Path, typer.Argument(metavar="DRAFT", help="The folder of a draft.")],
    part: Annotated[str, typer.Argument(metavar="PART", help="Which of its texts.")],
    key: Annotated[Path, typer.Option("--key", metavar="FILE", help="Your signing key, see `marque keys new`.")],
    passphrase_file: Annotated[
        Path | None, typer.Option("--passphrase-file", metavar="FILE", help="Instead of asking for the passphrase.")
    ] = None,
) -> None:
    """Sign one of the texts of a draft of evidence."""
    from marque.app.evidence import sign_part

    sign_part(folder, part, key, passphrase_file)


def seal_evidence(
    folder: Annotated[Path, typer.Argument(metavar="DRAFT", help="A draft that everybody has signed.")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE.evidence", help="The file that is made.")],
) -> None:
    """Make the evidence file of a release; nothing is written when a link is broken. Exit status 1 then."""
    from marque.app.evidence import seal_evidence as run

    raise typer.Exit(0 if run(folder, out) else 1)


def verify_evidence(
    file: Annotated[Path, typer.Argument(metavar="FILE.evidence", help="The evidence.")],
    directory: Annotated[list[Path], typer.Option("--directory", metavar="FILE", help="The key directory of each partner.")],
    release: Annotated[str | None, typer.Option(metavar="SHA256", help="The digest of the release in hand.")] = None,
    given: Annotated[list[str] | None, typer.Option("--input", metavar="NAME=SHA256", help="An input in hand; may be repeated.")] = None,
    memory: Annotated[Path | None, typer.Option(metavar="FILE", help="Where the newest verdict seen is kept.")] = None,
) -> None:
    """Check evidence without anybody's help; every broken link is named. Exit status 1: something is wrong."""
    from marque.app.evidence import verify_evidence as run

    raise typer.Exit(0 if run(file, directory, release=release, inputs=given or [], memory=memory) else 1)
