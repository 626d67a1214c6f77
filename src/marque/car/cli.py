"""`marque-car`: the updater as a process. Nothing is imported before it is asked for, so that short commands are short.

Exit status: 0 done, 1 refused or not possible now, 2 the command line itself is not usable.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Final

from marque.common import MarqueError

_REFUSED: Final = 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. arguments: without the program's name; None: those of the process."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    parser = argparse.ArgumentParser(prog="marque-car", description="What a car installs, it decides by itself.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    from marque.car.tuf import command as tuf

    tuf.add_to(commands)
    asked = parser.parse_args(given)
    try:
        return tuf.run(asked)
    except MarqueError as fault:
        sys.stderr.write(f"{fault}\n")
        return _REFUSED


if __name__ == "__main__":
    raise SystemExit(main())
