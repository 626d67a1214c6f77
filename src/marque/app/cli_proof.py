"""The command line of proof: thin wrappers, as in `cli.py`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def add_to(app: typer.Typer) -> None:
    """Puts the commands of proof beside the others."""
    app.command("prove")(prove)
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
) -> None:
    """Drive every case of a suite and say what failed, by cell of the design domain. Exit status 1: something failed."""
    from marque.app.prove import prove as run

    run(suite, vehicle=vehicle, release=release, out=out, seed=seed, workers=workers, perfect=perfect, ray=ray)


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
    directory: Annotated[
        list[Path], typer.Option("--directory", metavar="FILE", help="The key directory of each partner.")
    ],
    release: Annotated[str | None, typer.Option(metavar="SHA256", help="The digest of the release in hand.")] = None,
    given: Annotated[list[str] | None, typer.Option("--input", metavar="NAME=SHA256", help="An input in hand; may be repeated.")] = None,
    memory: Annotated[Path | None, typer.Option(metavar="FILE", help="Where the newest verdict seen is kept.")] = None,
) -> None:
    """Check evidence without anybody's help; every broken link is named. Exit status 1: something is wrong."""
    from marque.app.evidence import verify_evidence as run

    raise typer.Exit(0 if run(file, directory, release=release, inputs=given or [], memory=memory) else 1)
