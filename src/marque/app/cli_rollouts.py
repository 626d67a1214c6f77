"""`marque release rollout …` and records of updates: thin wrappers, as in `cli.py`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

rollout = typer.Typer(no_args_is_help=True, help="Roll-outs: a published release, handed to cars group by group.")

Server = Annotated[str, typer.Option("--server", metavar="URL", help="The installation, as browsers see it.")]
Token = Annotated[Path, typer.Option("--token-file", metavar="FILE", help="Holds a service token; the console makes them under Tokens.")]
Lead = Annotated[str, typer.Option("--lead", metavar="CODE", help="The organisation that drafted the programme's agreement.")]
Programme = Annotated[UUID, typer.Option("--programme", metavar="ID", help="The programme's id, as the console's addresses have it.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def add_to(release: typer.Typer) -> None:
    """Beneath `marque release`."""
    release.add_typer(rollout, name="rollout")
    release.command("records")(fetch)
    release.command("record-key")(record_key)
    release.command("verify-record")(verify)


@rollout.command("check")
def check(file: Annotated[Path, typer.Argument(metavar="PLAN.json", help="A plan, as docs/rollouts.md says.")]) -> None:
    """What a plan means, group by group, or the place in it that is wrong; works offline."""
    from marque.app.release_records import check_plan as run

    run(file)


@rollout.command("list")
def list_rollouts(server: Server, token: Token, lead: Lead, programme: Programme, as_json: AsJson = False) -> None:
    """A programme's roll-outs, the newest first."""
    from marque.app.release_client import Installation
    from marque.app.release_records import list_rollouts as run

    run(Installation(server, token), lead, programme, as_json=as_json)


@rollout.command("show")
def show(
    rollout: Annotated[UUID, typer.Argument(metavar="ROLLOUT", help="Its id.")], server: Server, token: Token, as_json: AsJson = False
) -> None:
    """How far a roll-out is, and why it stands where it stands."""
    from marque.app.release_client import Installation
    from marque.app.release_records import show_rollout as run

    run(Installation(server, token), rollout, as_json=as_json)


def fetch(
    vehicle: Annotated[str, typer.Argument(metavar="VEHICLE", help="The car, as it is registered.")],
    out: Annotated[Path, typer.Option("--out", metavar="FOLDER", help="A new folder.")],
    server: Server,
    token: Token,
    lead: Lead,
    programme: Programme,
) -> None:
    """The signed records of a car's updates, one file for each."""
    from marque.app.release_client import Installation
    from marque.app.release_records import fetch_records as run

    run(Installation(server, token), lead, programme, vehicle, out)


def record_key() -> None:
    """The public key with which this installation signs records; for who verifies them, by a way that they trust."""
    from marque.app.release_records import show_key as run

    run()


def verify(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A record.")],
    keys: Annotated[Path, typer.Option("--keys", metavar="FILE", help="Public keys that you trust for records, one a line.")],
    as_json: AsJson = False,
) -> None:
    """Whether the record of an update holds, and what it says; works offline. Exit status 1: it does not hold."""
    from marque.app.release_records import verify_record as run

    raise typer.Exit(0 if run(file, keys, as_json=as_json) else 1)
