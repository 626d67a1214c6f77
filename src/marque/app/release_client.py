"""`marque release list`, `show`, `draft`, `image`, `evidence`, `waiting`: what a build server does at an installation, over its API.

With a service token (`view:release-signature`, and `create:release-signature` to hand something in). People sign in the console, with
their keys and passkeys; a token signs nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import httpx
import typer

from marque.app.oidc import is_loopback
from marque.app.small_files import read_small
from marque.common import Denied, InputError, MarqueError, Missing, Unavailable

_PIECE = 1 << 20
_MOST_DRAFT = 1 << 20
_LONG_S = 600.0


@dataclass(frozen=True)
class Installation:
    """server: its address, as browsers see it. token: a file that holds a service token and nothing else."""

    server: str
    token: Path

    def ask(self, method: str, path: str, **more: Any) -> Any:
        """The answer's JSON. Raises what the problem says: Missing, Denied, Unavailable, MarqueError."""
        url = urlsplit(self.server)
        if url.scheme not in {"http", "https"} or not url.hostname or url.query or url.fragment:
            raise InputError("--server", "", "expected scheme, host and port", "For instance https://marque.example.")
        if url.scheme == "http" and not is_loopback(url.hostname) and url.hostname != "localhost":
            raise InputError("--server", "", "over http anybody on the way reads the token", "Use https.")
        secret = read_small(self.token, 4096).decode("ascii", "replace").strip()
        try:
            with http_client() as client:
                address = f"{self.server.rstrip('/')}/api/v1{path}"
                answer = client.request(method, address, headers={"authorization": f"Bearer {secret}"} | more.pop("headers", {}), **more)
        except httpx.HTTPError as fault:
            raise Unavailable(f"{self.server} does not answer: {fault}.") from fault
        if answer.status_code >= 400:
            raise _problem(answer)
        return answer.json()


def http_client() -> httpx.Client:
    """It waits long enough for an image to be taken in and for evidence to be verified."""
    return httpx.Client(timeout=httpx.Timeout(30.0, read=_LONG_S, write=_LONG_S))


def list_releases(at: Installation, lead: str, programme: UUID, *, as_json: bool) -> None:
    """Prints a programme's releases, the newest first."""
    found = at.ask("GET", f"/programmes/{lead}/{programme}/releases")
    if as_json:
        return typer.echo(json.dumps(found, indent=2))
    for one in found:
        typer.echo(f"{one['id']}  {one['name']} {one['version']}  {one['model']}  counter {one['counter']}  {one['stage']}")
    if not found:
        typer.echo("There is no release yet.")
    return None


def show(at: Installation, release: UUID, *, as_json: bool) -> None:
    """Prints one release, and what it waits for."""
    found, waiting = at.ask("GET", f"/releases/{release}"), at.ask("GET", f"/releases/{release}/waiting")
    if as_json:
        return typer.echo(json.dumps(found | {"waiting": waiting}, indent=2))
    _tell(found)
    for one in waiting:
        typer.echo(f"waits for  {one['organisation']}: {one['what']}, {one['people']} of its people")
    return None


def draft(at: Installation, lead: str, programme: UUID, file: Path, *, as_json: bool) -> None:
    """Drafts a release from a JSON file, and prints its id. Raises InputError for a file that is no JSON object."""
    try:
        said = json.loads(read_small(file, _MOST_DRAFT))
    except ValueError as fault:
        raise InputError(file.name, "", f"it is not JSON: {fault}") from fault
    if not isinstance(said, dict):
        raise InputError(file.name, "", "it is no JSON object", "docs/release.md shows one.")
    _made(at.ask("POST", f"/programmes/{lead}/{programme}/releases", json=said), as_json=as_json)


def image(at: Installation, release: UUID, file: Path, role: str, hardware: Sequence[str], *, as_json: bool) -> None:
    """Hands in an image."""
    asked = [("name", file.name), ("role", role), *(("hardware", one) for one in hardware)]
    _made(_send(at, f"/releases/{release}/images", file, asked), as_json=as_json)


def evidence(at: Installation, release: UUID, file: Path, *, as_json: bool) -> None:
    """Hands in sealed evidence, which is verified there."""
    _made(_send(at, f"/releases/{release}/evidence", file), as_json=as_json)


def waiting(at: Installation, *, as_json: bool) -> None:
    """Prints what waits for the token's organisation in every programme."""
    found = at.ask("GET", "/waiting-releases")
    if as_json:
        return typer.echo(json.dumps(found, indent=2))
    for one in found:
        typer.echo(f"{one['what']:<11} {one['title'] or one['lead']}  ({one['people']} of your people)")
    if not found:
        typer.echo("Nothing waits for your organisation.")
    return None


def _send(at: Installation, path: str, file: Path, asked: Sequence[tuple[str, str]] = ()) -> Any:
    if not file.is_file():
        raise InputError(file.name, "", "it is no file that can be read")
    headers = {"content-length": str(file.stat().st_size), "content-type": "application/octet-stream"}
    return at.ask("POST", path, params=list(asked), content=_pieces(file), headers=headers)


def _pieces(file: Path) -> Iterator[bytes]:
    with file.open("rb") as opened:
        while piece := opened.read(_PIECE):
            yield piece


def _made(found: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(found, indent=2))
    else:
        _tell(found)


def _tell(found: Mapping[str, Any]) -> None:
    told = {
        "release": found["id"], "name": f"{found['name']} {found['version']}, counter {found['counter']}", "model": found["model"],
        "markets": ", ".join(found["markets"]), "stage": found["stage"],
    }  # fmt: skip
    if found["evidence"]:
        passed = [one["cell"] for one in found["evidence"]["cells"] if one["answer"] == "PASSED"]
        told["evidence"] = f"{found['evidence']['sha256']}, until {found['evidence']['expires'][:10]}; passed: {', '.join(passed)}"
    if found["withdrawn"]:
        told["withdrawn"] = f"{found['withdrawn']['at'][:10]} by {found['withdrawn']['organisation']}: {found['withdrawn']['reason']}"
    for name, value in told.items():
        typer.echo(f"{name:<10} {value}")
    for one in found["images"]:
        typer.echo(f"image      {one['path']}  {one['role']} on {', '.join(one['hardware'])}  {one['length']} bytes  {one['sha256'][:16]}…")


def _problem(answer: httpx.Response) -> MarqueError:
    try:
        said = str(answer.json()["detail"])
    except (ValueError, KeyError, TypeError):
        said = f"The server answered {answer.status_code}."
    match answer.status_code:
        case 404:
            return Missing(said.removeprefix("There is no such ").rstrip("."))
        case 401 | 403:
            return Denied(said)
        case 503:
            return Unavailable(said)
    return MarqueError(said)
