"""`marque release …`: thin wrappers, as in `cli.py`. What works on files alone, and roll-outs, have modules of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from marque.app import cli_release_files, cli_rollouts

release = typer.Typer(no_args_is_help=True, help="Releases: drafted, proven, signed by both, rolled out.")
cli_release_files.add_to(release)
cli_rollouts.add_to(release)

Server = Annotated[str, typer.Option("--server", metavar="URL", help="The installation, as browsers see it.")]
Token = Annotated[Path, typer.Option("--token-file", metavar="FILE", help="Holds a service token; the console makes them under Tokens.")]
Lead = Annotated[str, typer.Option("--lead", metavar="CODE", help="The organisation that drafted the programme's agreement.")]
Programme = Annotated[UUID, typer.Option("--programme", metavar="ID", help="The programme's id, as the console's addresses have it.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Of = Annotated[UUID, typer.Argument(metavar="RELEASE", help="Its id.")]


@release.command("list")
def list_releases(server: Server, token: Token, lead: Lead, programme: Programme, as_json: AsJson = False) -> None:
    """A programme's releases, the newest first, and where each stands."""
    from marque.app.release_client import Installation
    from marque.app.release_client import list_releases as run

    run(Installation(server, token), lead, programme, as_json=as_json)


@release.command()
def show(release: Of, server: Server, token: Token, as_json: AsJson = False) -> None:
    """One release: images, evidence, and what it waits for."""
    from marque.app.release_client import Installation
    from marque.app.release_client import show as run

    run(Installation(server, token), release, as_json=as_json)


@release.command()
def draft(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="JSON: name, version, digest, model, markets, and what it requires.")],
    server: Server,
    token: Token,
    lead: Lead,
    programme: Programme,
    as_json: AsJson = False,
) -> None:
    """Draft a release at an installation; prints its id."""
    from marque.app.release_client import Installation
    from marque.app.release_client import draft as run

    run(Installation(server, token), lead, programme, file, as_json=as_json)


@release.command()
def image(
    release: Of,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The image; its name becomes the target's.")],
    role: Annotated[str, typer.Option("--role", metavar="NAME", help="Of the ECU that it is for.")],
    hardware: Annotated[list[str], typer.Option("--hardware", metavar="ID", help="Hardware that it runs on; may be repeated.")],
    server: Server,
    token: Token,
    as_json: AsJson = False,
) -> None:
    """Hand in an image of a draft."""
    from marque.app.release_client import Installation
    from marque.app.release_client import image as run

    run(Installation(server, token), release, file, role, hardware, as_json=as_json)


@release.command()
def evidence(
    release: Of,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="As `marque seal-evidence` wrote it.")],
    server: Server,
    token: Token,
    as_json: AsJson = False,
) -> None:
    """Hand in sealed evidence; the installation verifies it and names every broken link."""
    from marque.app.release_client import Installation
    from marque.app.release_client import evidence as run

    run(Installation(server, token), release, file, as_json=as_json)


@release.command()
def waiting(server: Server, token: Token, as_json: AsJson = False) -> None:
    """What waits for your organisation, in every programme."""
    from marque.app.release_client import Installation
    from marque.app.release_client import waiting as run

    run(Installation(server, token), as_json=as_json)
