"""The command line of ceremonies, keys and repositories on files: thin wrappers, as in `cli.py`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

ceremony = typer.Typer(no_args_is_help=True, help="Ceremonies of both organisations' key holders, on one file from hand to hand.")
repository = typer.Typer(no_args_is_help=True, help="A two-party repository as a folder, without a server.")

Ceremony = Annotated[Path, typer.Argument(metavar="FILE", help="The file of the ceremony.")]
Key = Annotated[str, typer.Option("--key", metavar="KEY", help="A file of `marque keys new`, or pkcs11:token=…;object=…?module-path=…")]
Passphrase = Annotated[Path | None, typer.Option("--passphrase-file", metavar="FILE", help="Instead of asking for passphrase or PIN.")]
Requests = Annotated[list[Path] | None, typer.Option("--keys", metavar="REQUEST", help="A key holder's request; one option for each.")]
Days = Annotated[int, typer.Option(min=1, max=3650, help="How long it is good for.")]
Root = Annotated[Path, typer.Option("--root", metavar="FILE", help="The root in force.")]
Before = Annotated[Path | None, typer.Option("--before", metavar="FILE", help="The same role's file in force; none before the first.")]


def add_to(release: typer.Typer) -> None:
    """These commands, beneath `marque release`."""
    release.add_typer(ceremony, name="ceremony")
    release.add_typer(repository, name="repository")
    release.command("key")(key)
    release.command("online-key")(online_key)
    release.command("sign")(sign)


def key(
    key: Key,
    organisation: Annotated[str, typer.Option("--organisation", metavar="CODE", help="Whose key it is.")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="What is handed over.")],
    person: Annotated[UUID | None, typer.Option(metavar="ID", help="Whose: then the console enrols it too. Ed25519 alone.")] = None,
    passphrase_file: Passphrase = None,
) -> None:
    """Say which public key is yours, proven by a signature with it: for a ceremony. A key of `marque keys new` has its request already."""
    from marque.app.release_files import key_request as run

    run(key, organisation, person, out, passphrase_file)


def online_key(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A new file, for the server alone.")],
    p256: Annotated[bool, typer.Option("--p256", help="ECDSA on P-256 instead of Ed25519: quicker, right for a director.")] = False,
) -> None:
    """Make a key that the server signs with, and beside it what a ceremony needs of it."""
    from marque.app.release_files import online_key as run

    run(file, p256)


def sign(
    draft: Annotated[Path, typer.Argument(metavar="DRAFT", help="As downloaded from the console.")],
    key: Key,
    before: Annotated[Path | None, typer.Option("--from", metavar="FILE", help="The file in force: says what the draft changes.")] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="DRAFT.signed.json unless named.")] = None,
    passphrase_file: Passphrase = None,
) -> None:
    """Sign a draft of the console on your own machine, having seen what it says; hand the result in there."""
    from marque.app.release_files import sign_draft as run

    run(draft, key, before, out, passphrase_file)


@ceremony.command("new")
def new(
    file: Ceremony,
    repository: Annotated[str, typer.Option(help="image or director.")] = "image",
    before: Annotated[Path | None, typer.Option("--from", metavar="ROOT", help="The root in force; none for the first root.")] = None,
    keys: Requests = None,
    online: Annotated[
        list[str] | None,
        typer.Option(metavar="ROLE=FILE", help="A key of the server's: snapshot, timestamp, time, targets."),
    ] = None,
    replace: Annotated[str, typer.Option(metavar="ID", help="A lost key, by how its id begins, for the one of --keys.")] = "",
    rotate: Annotated[str, typer.Option(metavar="CODE", help="All keys of an organisation, for those of --keys.")] = "",
    revoke: Annotated[str, typer.Option(metavar="CODE", help="An organisation that leaves.")] = "",
    join: Annotated[str, typer.Option(metavar="CODE", help="An organisation that comes, with its --keys.")] = "",
    renew: Annotated[bool, typer.Option("--renew", help="Nothing but a later expiry.")] = False,
    each: Annotated[int, typer.Option(min=1, max=9, help="How many keys of each organisation sign; of the first root.")] = 2,
    days: Days = 365,
) -> None:
    """Begin the ceremony of a root: the first one, or one change of the one in force."""
    from marque.app.release_ceremony import Asked, named_files
    from marque.app.release_ceremony import new_root as run

    asked = Asked(replace, rotate, revoke, join, renew, keys or [], named_files(online or [], "--online"), each)
    run(file, repository, before, asked, days)


@ceremony.command("delegate")
def delegate(
    file: Ceremony,
    root: Root,
    model: Annotated[list[str], typer.Option(metavar="CODE[:HARDWARE,…]", help="A vehicle model with its ECUs' hardware ids.")],
    before: Before = None,
    withdrawing: Annotated[list[str] | None, typer.Option(metavar="CODE=FILE", help="A further key for withdrawals.")] = None,
    days: Days = 365,
) -> None:
    """Begin the ceremony of the top-level targets: who of each organisation speaks for which model."""
    from marque.app.release_ceremony import delegate as run
    from marque.app.release_ceremony import named_files

    run(file, root, before, model, named_files(withdrawing or [], "--withdrawing"), days)


@ceremony.command("targets")
def targets(
    file: Ceremony,
    root: Root,
    top: Annotated[Path, typer.Option("--targets", metavar="FILE", help="The top-level targets in force.")],
    role: Annotated[str, typer.Option(metavar="NAME", help="Such as vela-gac.")],
    image: Annotated[list[Path] | None, typer.Option(metavar="FILE", help="An image; with --path and --claims, in this order.")] = None,
    path: Annotated[list[str] | None, typer.Option(metavar="PATH", help="The image's path in the repository.")] = None,
    claims: Annotated[list[Path] | None, typer.Option(metavar="FILE", help="What is claimed of it, JSON.")] = None,
    before: Before = None,
    days: Days = 180,
) -> None:
    """Begin the ceremony of one organisation's role for a model: which targets it lists."""
    from marque.app.release_ceremony import images_of
    from marque.app.release_ceremony import list_targets as run

    run(file, root, top, role, images_of(image or [], path or [], claims or []), before, days)


@ceremony.command("withdraw")
def withdraw(
    file: Ceremony,
    root: Root,
    top: Annotated[Path, typer.Option("--targets", metavar="FILE", help="The top-level targets in force.")],
    organisation: Annotated[str, typer.Option(metavar="CODE", help="Whose key holder withdraws; one of them signs.")],
    evidence: Annotated[str, typer.Option(metavar="SHA256", help="Of the sealed file of evidence.")],
    reason: Annotated[str, typer.Option(metavar="TEXT", help="What cars and workshops are told.")],
    before: Before = None,
    days: Days = 365,
) -> None:
    """Begin the withdrawal of evidence by one organisation: cars install nothing that rests on it any more."""
    from marque.app.release_ceremony import withdraw as run

    run(file, root, top, organisation, evidence, reason, before, days)


@ceremony.command("show")
def show(file: Ceremony) -> None:
    """What it is about, what changes, who has signed and who is waited for."""
    from marque.app.release_ceremony import show as run

    run(file)


@ceremony.command("sign")
def sign_ceremony(
    file: Ceremony,
    key: Key,
    trusted: Annotated[Path | None, typer.Option("--trusted", metavar="ROOT", help="Your own copy of the root in force.")] = None,
    passphrase_file: Passphrase = None,
) -> None:
    """Add your signature, having seen what it is for."""
    from marque.app.release_ceremony import sign as run

    run(file, key, trusted, passphrase_file)


@ceremony.command("finish")
def finish(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="The file; or copies that were signed side by side.")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The metadata: 2.root.json, targets.json, vela-gac.json.")],
) -> None:
    """Write the metadata, once everybody has signed."""
    from marque.app.release_ceremony import finish as run

    run(files, out)


@repository.command("publish")
def publish(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The repository; made where there is none.")],
    snapshot_key: Annotated[Path, typer.Option(metavar="FILE", help="The online key of snapshot.")],
    timestamp_key: Annotated[Path, typer.Option(metavar="FILE", help="The online key of timestamp.")],
    file: Annotated[list[Path] | None, typer.Option(metavar="FILE", help="Finished metadata, named like its role.")] = None,
    image: Annotated[list[Path] | None, typer.Option(metavar="FILE", help="The bytes of a target that is listed.")] = None,
) -> None:
    """Put finished metadata and images into a folder that a web server can serve, sign snapshot and timestamp, and check all of it.

    Exit status 1: a car would refuse something.
    """
    from marque.app.release_files import publish as run

    raise typer.Exit(0 if run(folder, file or [], image or [], snapshot_key, timestamp_key) else 1)


@repository.command("check")
def check(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The repository.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Look through all of it as a car would. Exit status 1: a car would refuse something."""
    from marque.app.release_files import check_repository as run

    raise typer.Exit(0 if run(folder, as_json) else 1)
