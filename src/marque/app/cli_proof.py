"""The command line of proof: thin wrappers, as in `cli.py`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

suite = typer.Typer(no_args_is_help=True, help="Suites of scenarios: what they consist of, and what they cover.")


def add_to(app: typer.Typer) -> None:
    """Puts the commands of proof beside the others."""
    app.command("policy")(policy)
    app.command("prove")(prove)
    app.command("gate")(gate)
    app.command("reference-drivers")(reference_drivers)
    app.command("sign-evidence")(sign_evidence)
    app.command("seal-evidence")(seal_evidence)
    app.command("verify-evidence")(verify_evidence)
    app.command("replay-evidence")(replay_evidence)
    app.command("campaign")(campaign)
    app.command("safety-report")(safety_report)
    app.command("compare-safety-cases")(compare_safety_cases)
    app.command("credibility")(credibility)
    app.add_typer(suite, name="suite")


def prove(
    suite: Annotated[Path, typer.Argument(metavar="SUITE", help="A suite of scenarios, see docs/proof.md.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="The campaign's folder; one that was begun there goes on.")],
    vehicle: Annotated[str, typer.Option(metavar="MODEL", help="The vehicle model that is driven, with its actuators.")] = "vela",
    release: Annotated[str, typer.Option(metavar="NAME", help="What the release is called.")] = "working-copy",
    seed: Annotated[int | None, typer.Option(min=0, help="Of samples and sensors' errors: 1, or what the draft's policy says.")] = None,
    workers: Annotated[int, typer.Option(min=0, help="Processes that drive at the same time; 0: one for each core.")] = 0,
    perfect: Annotated[bool, typer.Option("--perfect", help="The cars know everything as it is.")] = False,
    ray: Annotated[str | None, typer.Option(metavar="ADDRESS", help="Drive on a Ray cluster; `local` for one on this machine.")] = None,
    draft: Annotated[Path | None, typer.Option(metavar="DRAFT", help="Make evidence: the folder with the signed policy.")] = None,
    runner: Annotated[str | None, typer.Option(metavar="CODE", help="Of the draft: the organisation that drives.")] = None,
    hidden: Annotated[Path | None, typer.Option(metavar="SUITE", help="Of the draft: the suite that its policy hides.")] = None,
    salt_file: Annotated[Path | None, typer.Option(metavar="FILE", help="What opens the policy's commitment to it.")] = None,
    stop_early: Annotated[bool, typer.Option("--stop-early", help="Of the draft: drive only until its policy is decided.")] = False,
    baseline: Annotated[Path | None, typer.Option(metavar="RUNS.jsonl", help="With --stop-early: runs of the policy's baseline.")] = None,
    memory: Annotated[Path | None, typer.Option(metavar="FILE", help="Of hidden suites that were opened; made the first time.")] = None,
    page: Annotated[int | None, typer.Option(min=0, max=65535, metavar="PORT", help="Show how it goes on a page there.")] = None,
) -> None:
    """Drive every case of a suite and say what failed, by cell of the design domain. Exit status 1: something failed."""
    from marque.app.prove import Sealing
    from marque.app.prove import prove as run

    if (draft is None) != (runner is None):
        raise typer.BadParameter("--draft and --runner go together")
    if (hidden is None) != (salt_file is None):
        raise typer.BadParameter("--hidden and --salt-file go together")
    if draft is None and (hidden is not None or stop_early or memory is not None):
        raise typer.BadParameter("--hidden, --stop-early and --memory go with --draft, whose policy they are about")
    opened = None if hidden is None or salt_file is None else (hidden, salt_file)
    sealing = None if draft is None or runner is None else Sealing(draft, runner, opened, stop_early, baseline, memory)
    run(
        suite, vehicle=vehicle, release=release, out=out, seed=seed, workers=workers, perfect=perfect, ray=ray, sealing=sealing, page=page
    )  # fmt: skip


def policy(
    draft: Annotated[Path, typer.Argument(metavar="DRAFT", help="The folder in which evidence comes together.")],
    rules: Annotated[Path, typer.Option("--rules", metavar="FILE", help="What is demanded, as JSON, see docs/proof.md.")],
    suite: Annotated[Path, typer.Option("--suite", metavar="SUITE", help="What is driven for it.")],
    party: Annotated[list[str], typer.Option("--party", metavar="CODE", help="Who signs; twice.")],
    days: Annotated[int, typer.Option(min=1, help="How long it counts.")] = 90,
    hidden: Annotated[Path | None, typer.Option(metavar="SUITE", help="A suite that stands in it as a commitment alone.")] = None,
    salt_file: Annotated[Path | None, typer.Option(metavar="OUT", help="What opens that; SUITE.salt unless named.")] = None,
    memory: Annotated[Path | None, typer.Option(metavar="FILE", help="Of hidden suites that were opened: none of them is taken.")] = None,
) -> None:
    """Lay down what a release has to show, for both partners to sign before anything is driven."""
    from marque.app.policies import Hiding, write_policy

    if hidden is None and (salt_file is not None or memory is not None):
        raise typer.BadParameter("--salt-file and --memory go with --hidden")
    hiding = None if hidden is None else Hiding(hidden, salt_file or hidden.with_name(f"{hidden.name}.salt"), memory)
    write_policy(draft, rules, suite, party, days, hiding)


def gate(
    draft: Annotated[Path, typer.Argument(metavar="DRAFT", help="With policy, runs, provenance and test result, all signed.")],
    sequence: Annotated[int, typer.Option(min=1, help="Higher than that of any verdict on this product and model before.")],
    baseline: Annotated[Path | None, typer.Option(metavar="RUNS.jsonl", help="The runs of the baseline that the policy names.")] = None,
    days: Annotated[int, typer.Option(min=1, help="How long the verdict counts, at most as long as the policy.")] = 30,
    memory: Annotated[Path | None, typer.Option(metavar="FILE", help="Of hidden suites that were opened; made the first time.")] = None,
) -> None:
    """Hold the runs against the policy: a verdict for each cell, for both partners to sign. Exit status 1: a cell has not passed."""
    from marque.app.policies import gate as run

    raise typer.Exit(0 if run(draft, baseline, sequence, days, memory) else 1)


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
    opened: Annotated[Path | None, typer.Option(metavar="FILE", help="Where hidden suites are kept that evidence has opened.")] = None,
) -> None:
    """Check evidence without anybody's help; every broken link is named. Exit status 1: something is wrong."""
    from marque.app.evidence import verify_evidence as run

    raise typer.Exit(0 if run(file, directory, release=release, inputs=given or [], memory=memory, opened=opened) else 1)


def replay_evidence(
    file: Annotated[Path, typer.Argument(metavar="FILE.evidence", help="The evidence.")],
    suite: Annotated[Path, typer.Option("--suite", metavar="SUITE", help="What was driven for it.")],
    hidden: Annotated[list[Path] | None, typer.Option("--hidden", metavar="SUITE", help="What was hidden then.")] = None,
    cases: Annotated[str, typer.Option(metavar="N,N,…", help="Which runs.")] = "",
    sample: Annotated[int, typer.Option(min=1, help="Without --cases: so many runs at random.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Of that choice; let somebody else name it than who ran the campaign.")] = 1,
    workers: Annotated[int, typer.Option(min=0, help="Processes that drive at the same time; 0: one for each core.")] = 0,
    replays: Annotated[Path | None, typer.Option(metavar="DIR", help="Keep a replay of every run.")] = None,
    directory: Annotated[list[Path] | None, typer.Option("--directory", metavar="FILE", help="Verify it first: a partner's keys.")] = None,
    anyway: Annotated[bool, typer.Option("--anyway", help="Drive though inputs in hand are not those of the evidence.")] = False,
) -> None:
    """Drive runs of an evidence file again and compare them to the byte. Exit status 1: an input or a run is another."""
    from marque.app.replay_evidence import choose
    from marque.app.replay_evidence import replay_evidence as run

    same = run(
        file, suite, choose(cases, sample, seed), hidden=hidden or [], workers=workers, replays=replays, directories=directory or [],
        anyway=anyway,
    )  # fmt: skip
    raise typer.Exit(0 if same else 1)


def credibility(
    out: Annotated[Path, typer.Option("--out", metavar="FOLDER", help="Where credibility.json and credibility.html go.")],
    commonroad: Annotated[Path | None, typer.Option("--commonroad", metavar="FOLDER", help="With NGSIM's recordings.")] = None,
    suite: Annotated[Path | None, typer.Option("--suite", metavar="SUITE", help="Of the cases; else of the library.")] = None,
    vehicle: Annotated[str, typer.Option("--vehicle", metavar="MODEL", help="The vehicle model.")] = "vela",
    sample: Annotated[int, typer.Option("--sample", min=2, help="So many cases, evenly spread.")] = 48,
    sobol: Annotated[int, typer.Option("--sobol", min=0, help="Sobol's indices, too, from a sample of N; ten drives for each.")] = 0,
    workers: Annotated[int, typer.Option("--workers", min=0, help="Processes; 0: one for each core.")] = 0,
) -> None:
    """Measure how far the simulator can be believed: step halving, SUMO and theory, sensitivity, recorded behaviour."""
    from marque.app.credibility import write_credibility

    write_credibility(out, commonroad=commonroad, suite=suite, vehicle=vehicle, sample=sample, sobol=sobol, workers=workers)


def safety_report(
    evidence: Annotated[Path, typer.Argument(metavar="FILE.evidence", help="The evidence of a release.")],
    directory: Annotated[list[Path], typer.Option("--directory", metavar="FILE", help="The key directory of each partner.")],
    out: Annotated[Path, typer.Option("--out", metavar="FOLDER", help="Where index.html, report.pdf, safety-case.xmi and facts.json go.")],
    suite: Annotated[list[Path] | None, typer.Option("--suite", metavar="SUITE", help="What was driven; for each suite once.")] = None,
    baseline: Annotated[
        Path | None, typer.Option("--baseline", metavar="FILE.evidence", help="The evidence of the release before.")
    ] = None,
    credibility: Annotated[Path | None, typer.Option("--credibility", metavar="FILE", help="Of `marque credibility`.")] = None,
    challenges: Annotated[Path | None, typer.Option("--challenges", metavar="FILE", help="What people doubt, and their answers.")] = None,
    replays: Annotated[Path | None, typer.Option("--replays", metavar="DIR", help="Of `marque replay-evidence`; linked.")] = None,
) -> None:
    """Write what a safety board reads of a release. Exit status 1: its safety case does not stand, or its evidence is not sound."""
    from marque.app.safety_report import safety_report as run

    stands = run(
        evidence, directory, out, suites=suite or [], baseline=baseline, credibility=credibility, challenges=challenges, replays=replays
    )  # fmt: skip
    raise typer.Exit(0 if stands else 1)


def compare_safety_cases(
    before: Annotated[Path, typer.Argument(metavar="BEFORE.xmi", help="The safety case of the release before.")],
    after: Annotated[Path, typer.Argument(metavar="AFTER.xmi", help="The safety case of this release.")],
) -> None:
    """Tell what a safety case says otherwise than the one before. Exit status 1: something stands less than before."""
    from marque.app.compare_safety_cases import compare_safety_cases as run

    raise typer.Exit(0 if run(before, after) else 1)


def campaign(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of `marque prove --out`.")],
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any free one.")] = 8001,
    suite: Annotated[Path | None, typer.Option("--suite", metavar="SUITE", help="Where the suite is now, for replays.")] = None,
    open_browser: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
) -> None:
    """Watch a campaign on a page, while it runs and afterwards, until Ctrl-C."""
    from marque.app.campaign_page import campaign as run

    run(folder, port=port, suite=suite, open_browser=open_browser)


@suite.command("list")
def list_suites(
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Suites that come with Marque; their names may stand wherever a suite is asked for."""
    from marque.app.suites import list_suites as run

    run(as_json)


@suite.command("show")
def show_suite(
    of: Annotated[Path, typer.Argument(metavar="SUITE", help="A suite's file, or the name of one that comes with Marque.")],
    seed: Annotated[int, typer.Option(min=0, help="Of the samples.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, with every parameter.")] = False,
) -> None:
    """Cells, sources, and which combinations of values and terms of the domain are covered, and which are not."""
    from marque.app.suites import show_suite as run

    run(of, seed, as_json)
