"""The command line of the companies' rooms: thin wrappers, as in `cli.py`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

alliance = typer.Typer(no_args_is_help=True, help="Agreements: who decides, sees, signs and sells, and since when.")
reqif = typer.Typer(no_args_is_help=True, help="Requirements to and from other tools, as ReqIF files.")
alliance.add_typer(reqif, name="reqif")
keys = typer.Typer(no_args_is_help=True, help="Signing keys of people, and what was signed with them; works offline.")
audit = typer.Typer(no_args_is_help=True, help="The audit log: take it away, check it offline, be its witness.")

Programme = Annotated[str, typer.Option("--programme", metavar="CODE", help="Its code, for instance AH8.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Passphrase = Annotated[Path | None, typer.Option("--passphrase-file", metavar="FILE", help="Instead of asking for the passphrase.")]
Keys = Annotated[Path, typer.Option("--keys", metavar="FILE", help="The verifier keys you trust: lines `log KEY` and `witness KEY`.")]
Person = Annotated[UUID, typer.Option("--person", metavar="ID", help="Who acts; the console shows the id under My keys.")]
Organisation = Annotated[str, typer.Option("--organisation", metavar="CODE", help="For whom.")]


@alliance.command()
def who(
    programme: Programme, on: Annotated[str, typer.Option("--on", metavar="YYYY-MM-DD", help="The day.")], as_json: AsJson = False
) -> None:
    """Who decides, sees, signs and sells in a programme on a day, as publicly reported."""
    from marque.app.who import who as run

    run(programme, on, as_json)


@alliance.command()
def history(
    programme: Annotated[str | None, typer.Option("--programme", metavar="CODE", help="Only this programme's.")] = None,
    as_json: AsJson = False,
) -> None:
    """What is reported of the partners' agreements, in the order of time, with sources."""
    from marque.app.who import history as run

    run(programme, as_json)


@alliance.command()
def found(
    code: Annotated[str, typer.Argument(help="Stands in signed texts and never changes: gac, huawei.")],
    name: Annotated[str, typer.Argument(help="What people read.")],
    kind: Annotated[str, typer.Option(help="carmaker, technology, brand, supplier, operator.")],
    administrator: Annotated[str, typer.Option(metavar="EMAIL", help="Of the first administrator, as the identity provider knows it.")],
    issuer: Annotated[str, typer.Option(metavar="URL", help="Of the organisation's own OpenID Connect provider.")],
    client_id: Annotated[str, typer.Option(metavar="ID", help="What that provider calls this installation.")],
    parent: Annotated[str | None, typer.Option(metavar="CODE", help="The organisation it belongs to.")] = None,
) -> None:
    """Bring an organisation into this installation, with its identity provider and its first administrator."""
    from marque.app.operating import found as run

    run(code, name, kind, administrator, issuer, client_id, parent)


@reqif.command("export")
def reqif_export(
    programme: Programme,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="A new file.")],
    acting: Organisation,
    person: Person,
    process: Annotated[str | None, typer.Option(metavar="PROCESS", help="Only this process's.")] = None,
) -> None:
    """What somebody sees of a programme's requirements, for another tool."""
    from marque.app.operating import running
    from marque.app.reqif import export as run
    from marque.foundation import Actor

    with running() as platform:
        run(platform.database, Actor(acting, person, "command line"), programme, out, process)


@reqif.command("import")
def reqif_import(
    file: Path,
    programme: Programme,
    process: Annotated[str, typer.Option(metavar="PROCESS", help="Where requirements go that are new here.")],
    acting: Organisation,
    person: Person,
    only_look: Annotated[bool, typer.Option("--only-look", help="Say what would be done, and do nothing.")] = False,
) -> None:
    """Take a file in for the side of somebody's organisation; the other side's fields are compared and never written."""
    from marque.app.operating import running
    from marque.app.reqif import take_in as run
    from marque.foundation import Actor

    with running() as platform:
        run(platform.database, Actor(acting, person, "command line"), programme, process, file, only_look=only_look)


@keys.command("new")
def keys_new(
    organisation: Organisation,
    person: Annotated[UUID, typer.Option(help="Your own id; the console shows it.")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Where the private key goes, encrypted.")] = Path("marque-key.pem"),
    passphrase_file: Passphrase = None,
) -> None:
    """Make a key. Its private part stays in the file; beside it lies the request that enrols the public part."""
    from marque.app.keys import new_key as run

    run(out, organisation, person, passphrase_file)


@keys.command("show")
def keys_show(file: Path, passphrase_file: Passphrase = None) -> None:
    """What a file of this trade holds: a key, a request, an envelope, a proof or a directory."""
    from marque.app.keys import show_key as run

    run(file, passphrase_file)


@keys.command("sign")
def keys_sign(
    document: Annotated[Path, typer.Argument(help="The exact text, from the console.")],
    key: Annotated[Path, typer.Option("--key", metavar="FILE", help="Your private key.")] = Path("marque-key.pem"),
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Where the envelope goes.")] = None,
    passphrase_file: Passphrase = None,
) -> None:
    """Sign a revision of an agreement; the envelope is then handed in and confirmed with a passkey."""
    from marque.app.keys import sign_document as run

    run(key, document, out, passphrase_file)


@keys.command("verify")
def keys_verify(
    document: Path,
    proofs: Annotated[list[Path], typer.Argument(help="Proofs of signatures and confirmations.")],
    directory: Annotated[list[Path], typer.Option("--directory", metavar="FILE", help="Directories of keys you trust; may be repeated.")],
) -> None:
    """Whether everybody who has to has signed this text. Exit status 1: not."""
    from marque.app.keys import verify_document as run

    if not run(document, proofs, directory):
        raise typer.Exit(1)


@audit.command("verify")
def audit_verify(
    file: Path,
    trusted: Keys,
    previous: Annotated[
        Path | None, typer.Option(metavar="FILE", help="An earlier export: it has to be the beginning of this one.")
    ] = None,
    other: Annotated[Path | None, typer.Option(metavar="FILE", help="The other side's export: both have to tell the same.")] = None,
) -> None:
    """Check an export offline. Exit status 1: it is not sound."""
    from marque.app.audit import verify_export as run

    if not run(file, trusted, previous, other):
        raise typer.Exit(1)


@audit.command("export")
def audit_export(
    organisation: Organisation,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Where it goes.")],
    trusted: Keys,
    shared_with: Annotated[str, typer.Option(metavar="CODE", help="Only what concerns this organisation as well.")] = "",
) -> None:
    """Everything of the log that is an organisation's to have."""
    from marque.app.audit import export_log as run
    from marque.app.operating import running

    with running() as platform:
        run(platform.database, organisation, out, trusted, shared_with)


@audit.command("key")
def audit_key(
    name: Annotated[str, typer.Option(help="Best an address: witness.gac.example.")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE")],
    kind: Annotated[str, typer.Option(help="log or witness.")] = "witness",
    passphrase_file: Passphrase = None,
) -> None:
    """Make a witness's key, and print its line for a file of keys."""
    from marque.app.audit import new_audit_key as run

    run(out, name, kind, passphrase_file)


@audit.command("witness")
def audit_witness(
    name: Annotated[str, typer.Option(help="The witness's.")],
    key: Annotated[Path, typer.Option("--key", metavar="FILE", help="The witness's private key.")],
    trusted: Keys,
    state: Annotated[Path, typer.Option(metavar="FILE", help="What this witness has cosigned last.")],
    request: Annotated[Path | None, typer.Argument(help="What the log asks; see `marque audit ask`.")] = None,
    begin: Annotated[bool, typer.Option("--begin", help="Begin the state, once, before the first request.")] = False,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Where the cosignature goes.")] = None,
    passphrase_file: Passphrase = None,
) -> None:
    """Cosign the log, if it is the continuation of what was cosigned before; refuse a fork."""
    from marque.app.audit import witness as run

    if begin == (request is not None):
        raise typer.BadParameter("give either a request or --begin")
    run(request, name, key_file=key, keys=trusted, state=state, out=out, passphrase_file=passphrase_file)


@audit.command("ask")
def audit_ask(
    witness: Annotated[str, typer.Option(metavar="KEY", help="The witness's verifier key.")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE")],
) -> None:
    """Sign a checkpoint of the log, and write what to send to a witness."""
    from marque.app.audit import ask_witness as run
    from marque.app.operating import running

    with running() as platform:
        run(platform.database, platform.log, witness, out)


@audit.command("take")
def audit_take(
    witness: Annotated[str, typer.Option(metavar="KEY", help="The witness's verifier key.")], request: Path, answer: Path
) -> None:
    """Keep a witness's answer to a request."""
    from marque.app.audit import take_cosignature as run
    from marque.app.operating import running

    with running() as platform:
        run(platform.database, witness, request, answer)


@audit.command("log")
def audit_log() -> None:
    """The log's line for a file of keys; hand it to every partner in person."""
    from marque.app.operating import running

    with running() as platform:
        typer.echo(f"log {platform.log.verifier_key}")
