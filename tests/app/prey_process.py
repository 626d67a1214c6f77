"""What runs in a process that is to be killed: `marque serve` or `marque worker`, as the command line runs them.

`fault` seeds what a careful build would never do, or lets the process die at an exact place of an act:
- `record-apart`, `event-apart`, `transition-apart`: the act is committed, and the process dies before the rest of it is;
- `dies-before-…`: the same places, but in one transaction, as the product has it.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

from marque.alliance import audit, transitions
from marque.app import operating
from marque.foundation import Transaction
from marque.foundation.registry import Registry


def live(name: str, environment: dict[str, str], log: Path, fault: str) -> None:
    os.environ.update(environment)
    said = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(said, 1)
    os.dup2(said, 2)
    if name == "worker":
        _hurry()
        operating.work()
    else:
        if fault:
            _seed(*fault.split(":"))
        operating.serve(False)


def _hurry() -> None:
    """Every job each second rather than each minute, so that a worker that is killed was doing something."""
    every = Registry.every

    def often(self: Registry, cron: str, *args: Any, **more: Any) -> None:
        every(self, f"{cron} *", *args, **more)

    Registry.every = often  # type: ignore[method-assign]


def _seed(place: str, kind: str, count: str = "1") -> None:
    """place: `dies-before-record` … ; kind: of the act; count: which of them."""
    apart, what = place.endswith("-apart"), place.removesuffix("-apart").removeprefix("dies-before-")
    left = int(count)

    def reached(tx: Transaction, this: str) -> None:
        nonlocal left
        left -= this == kind
        if this == kind and left == 0:
            if apart:
                tx.connection.pgconn.exec_(b"commit")
            os.kill(os.getpid(), signal.SIGKILL)

    def before(holder: Any, name: str, kind_of: Any) -> None:
        real = getattr(holder, name)

        def instead(tx: Transaction, *args: Any, **more: Any) -> Any:
            reached(tx, kind_of(*args))
            return real(tx, *args, **more)

        setattr(holder, name, instead)

    if what == "record":
        before(audit, "append", lambda _concerned, kind, _body: kind)
    elif what == "event":
        before(Transaction, "emit", lambda kind, _body: kind.removeprefix("alliance."))
    elif what == "transition":
        before(transitions, "record_for", lambda _concerned, kind, _body: kind)
    else:
        raise ValueError(place)
