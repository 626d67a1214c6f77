"""`marque-car tuf`: a plain TUF client at the command line, by the protocol of the public conformance suite (its CLIENT-CLI.md)."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import argparse

    from marque.car.tuf.client import Client
    from marque.car.tuf.fetch import HttpFetcher


def add_to(subparsers: argparse._SubParsersAction[Any]) -> None:
    """Adds `tuf` and its three commands to a program."""
    parser = subparsers.add_parser("tuf", help="Follow any TUF repository: init, refresh, download.")
    parser.add_argument("--metadata-dir", type=Path, required=True, metavar="FOLDER", help="Where trusted metadata is kept.")
    parser.add_argument("--metadata-url", metavar="URL", help="Where the repository's metadata lies.")
    parser.add_argument("--target-name", action="append", default=[], metavar="PATH", help="A target to download; may be repeated.")
    parser.add_argument("--target-base-url", metavar="URL", help="Where the repository's targets lie.")
    parser.add_argument("--target-dir", type=Path, metavar="FOLDER", help="Where downloaded targets go.")
    acts = parser.add_subparsers(dest="act", required=True)
    acts.add_parser("init", help="Trust a root.").add_argument("trusted_root", type=Path, metavar="FILE")
    acts.add_parser("refresh", help="Update the trusted metadata.")
    acts.add_parser("download", help="Update the trusted metadata and download targets, in the order given.")
    parser.set_defaults(run=run, usage=parser.error)


def run(arguments: argparse.Namespace) -> int:
    """Carries out one command. 0: done; 1: refused or failed, why is on standard error. Wrongly asked: 2."""
    from marque.common import MarqueError

    _complete(arguments)
    try:
        _act(arguments)
    except (MarqueError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _complete(arguments: argparse.Namespace) -> None:
    needs = {"refresh": ("metadata_url",), "download": ("metadata_url", "target_name", "target_base_url", "target_dir")}
    for name in needs.get(arguments.act, ()):
        if not getattr(arguments, name):
            arguments.usage(f"{arguments.act} needs --{name.replace('_', '-')}")


def _act(arguments: argparse.Namespace) -> None:
    from contextlib import closing

    from marque.car.tuf.client import Client
    from marque.car.tuf.fetch import HttpFetcher

    with closing(HttpFetcher(arguments.metadata_url or "http://localhost/")) as fetcher:  # init asks nothing of it
        client = Client(arguments.metadata_dir, fetcher, datetime.now(UTC), repository="")
        if arguments.act == "init":
            client.init(arguments.trusted_root.read_bytes())
        elif arguments.act == "refresh":
            client.refresh()
        else:
            with closing(HttpFetcher(arguments.target_base_url)) as targets:
                _download(client, targets, arguments)


def _download(client: Client, fetcher: HttpFetcher, arguments: argparse.Namespace) -> None:
    from marque.car.tuf.client import wanted

    for name in arguments.target_name:
        client.download(wanted(client, name), arguments.target_dir, fetcher)
