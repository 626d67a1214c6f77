"""`marque-car`: the updater as a process. Nothing is imported before it is asked for, so that short commands are short.

Exit status: 0 done (or nothing to do, or waiting for a safe state), 1 refused, rolled back or not possible now, 2 the command line or a
file given on it is not usable.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from marque.common import InputError, MarqueError

_REFUSED: Final = 1
_UNUSABLE: Final = 2
_OWN: Final = frozenset({"keys", "provision", "update", "status", "boot", "run"})
"""Commands for which `tuf` is not even imported."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. arguments: without the program's name; None: those of the process."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    asked = _parser(given).parse_args(given)
    try:
        if asked.command == "tuf":
            from marque.car.tuf import command as tuf

            return tuf.run(asked)
        from marque.car import commands

        return int(getattr(commands, asked.command)(asked))
    except InputError as fault:
        sys.stderr.write(f"{fault}\n")
        return _UNUSABLE
    except (MarqueError, OSError) as fault:
        sys.stderr.write(f"{fault}\n")
        return _REFUSED


def _parser(given: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="marque-car", description="The updater of a car: what it installs, it decides by itself.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    if not given or given[0] not in _OWN:
        from marque.car.tuf import command as tuf

        tuf.add_to(commands)
    keys = commands.add_parser("keys", help="Make the report keys of a car's ECUs, before it is registered.")
    keys.add_argument("vehicle", type=Path, help="the vehicle's file; the public keys are written into it")
    keys.add_argument("--keys", type=Path, required=True, metavar="FOLDER", help="where the private keys go")
    _provision(commands.add_parser("provision", help="Make a folder a car."))
    update = commands.add_parser("update", help="Ask what is new, verify it, install it if the car is in a safe state, report.")
    _folder(update)
    _situation(update)
    update.add_argument("--repair", action="store_true", help="read all images, and install again what is damaged")
    status = commands.add_parser("status", help="What runs, what is under way, what was refused.")
    _folder(status)
    status.add_argument("--json", action="store_true", help="for programs")
    boot = commands.add_parser("boot", help="Start the car once, as its boot loader does.")
    _folder(boot)
    boot.add_argument("--fails", action="append", default=[], metavar="ECU", help="this ECU does not come up (a drill); may be repeated")
    run = commands.add_parser("run", help="Update again and again.")
    _folder(run)
    _situation(run)
    run.add_argument("--every", type=_seconds, metavar="SECONDS", help="between two passes; without it, as the server asks")
    return parser


def _folder(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, help="the provisioned car")


def _situation(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--consent", action="store_true", help="the car's user agrees to the update that is found")
    parser.add_argument("--parked", action="store_true", help="the car is parked")
    parser.add_argument("--charge", type=float, metavar="PERCENT", help="charge of the battery")
    parser.add_argument("--situation", type=Path, metavar="FILE", help="instead of the two: where the car's body writes them, each minute")


def _provision(parser: argparse.ArgumentParser) -> None:
    _folder(parser)
    parser.add_argument("--vehicle", type=Path, required=True, metavar="FILE", help="what the car is: the file of its registration")
    parser.add_argument("--root-image", type=Path, required=True, metavar="FILE", help="the image repository's root")
    parser.add_argument("--root-director", type=Path, required=True, metavar="FILE", help="the director's root")
    parser.add_argument("--server", required=True, metavar="URL", help="this car's address at its programme's server")
    parser.add_argument("--token-file", type=Path, metavar="FILE", help="the token of its registration")
    parser.add_argument("--ca", type=Path, metavar="FILE", help="whose certificates the server has, PEM; without it, those of this machine")
    parser.add_argument("--keys", type=Path, metavar="FOLDER", help="the report keys that marque-car keys made")
    parser.add_argument(
        "--image", action="append", default=[], metavar="ECU=FILE", help="what is installed in an ECU already; may be repeated"
    )
    parser.add_argument("--start", default="", metavar="COMMAND", help="starts an ECU and checks that it came up: run as COMMAND ECU FILE")
    parser.add_argument("--least-charge", type=int, default=30, metavar="PERCENT", help="below it nothing is installed")
    parser.add_argument("--window", nargs=3, metavar=("FROM", "UNTIL", "ZONE"), help="install only then, such as 01:00 05:00 Europe/Berlin")
    parser.add_argument("--no-consent", action="store_true", help="nobody has to agree: a car of a fleet or a test bench")


def _seconds(text: str) -> float:
    value = float(text)
    if not value > 0:
        raise argparse.ArgumentTypeError("is not more than 0")
    return value


if __name__ == "__main__":
    raise SystemExit(main())
