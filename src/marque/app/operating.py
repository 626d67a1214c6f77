"""`marque serve`, `marque worker`, and what operators do at the command line, with the settings of the environment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import psycopg
import typer

from marque.alliance import installation, sign_in
from marque.app.platform import Platform, registry, start
from marque.app.settings import Settings, read_settings
from marque.foundation import Actor, SystemClock, log, metrics


@contextmanager
def running(settings: Settings | None = None) -> Iterator[Platform]:
    """The platform for one command."""
    platform = start(settings or read_settings(), SystemClock())
    try:
        yield platform
    finally:
        platform.close()


def serve(working: bool) -> None:
    """The console and the API, as the settings say, until SIGTERM. working: be the worker as well."""
    import uvicorn

    from marque.app.console.join import Console
    from marque.app.operations import Observed, gauges
    from marque.app.web import create_app

    settings, clock = read_settings(), SystemClock()
    log.configure(settings.log_format, settings.log_level)
    console = Console(settings, clock, lambda: start(settings, clock), working=working)
    console.platform()  # what does not start is told now and not to the first visitor
    host = urlsplit(settings.public_origin).hostname or "localhost"
    app = create_app(None, hosts=(host, "127.0.0.1", "localhost"), console=console)
    typer.echo(f"Marque is at {settings.public_origin}  (Ctrl-C ends it)")
    with metrics.watching("database", gauges(console.platform().database)):
        uvicorn.run(Observed(app), host=settings.host, port=settings.port, log_config=None, server_header=False, access_log=False)


def work() -> None:
    """Deliver events and run jobs until SIGTERM."""
    from marque.foundation.worker import run_worker

    settings = read_settings()
    log.configure(settings.log_format, settings.log_level)
    with running(settings) as platform:
        run_worker(platform.addresses, registry(platform), concurrency=settings.worker_concurrency)


def found(code: str, name: str, kind: str, administrator: str, issuer: str, client_id: str, parent: str | None) -> None:
    """An organisation, its first administrator and its identity provider. Said again with other words it mends what was wrong."""
    with running() as platform:
        with psycopg.connect(platform.addresses.owner) as owner:
            new = installation.found(owner, code, name, kind, parent=parent)
            name = administrator.split("@", maxsplit=1)[0]
            person = installation.appoint(owner, code, name, administrator, ["administrator"], platform.clock.now())
        with platform.database.transaction(Actor(code, person, "operator")) as tx:
            sign_in.set_provider(tx, issuer, client_id)
        typer.echo(f"{code}: {'is in' if new else 'was in already'}; {administrator} administers it (person {person})")
