"""What the compute port's tests have computed: workers import it by its name."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path


def square(x):
    return x * x


def keyed(seed, item):
    """A value that depends on its item alone."""
    chance = random.Random(f"{seed} {item}")
    return item, chance.random(), chance.randbytes(item % 7 * 10_000)


def fragile(item):
    """Does what the item says; a number is squared."""
    match item:
        case "raise":
            raise ZeroDivisionError("the wheel base is 0 m")
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "leave":
            os._exit(3)
        case "exit":
            sys.exit("no scenario")
        case "hang":
            time.sleep(3600)
        case "spin":
            while True:
                pass
    return threading.Lock() if item == "lock" else item * item


def unreadable(item):
    return Unreadable() if item == 1 else item


class Unreadable:
    """Can be sent, but not read."""

    def __reduce__(self):
        return _refuse, ()


class Unsendable:
    def __reduce__(self):
        raise TypeError("made of nothing that can be sent")


def _refuse():
    raise ValueError("of another version")


def who(_):
    return os.getpid()


def nap(seconds):
    time.sleep(seconds)
    return seconds


def mark(folder, item):
    """Leaves a file for every item that begins."""
    (Path(folder) / str(item)).touch()
    return item


def signed_and_hang(folder, item):
    """Says who it is, starts a process that outlives whom it is not killed with, and never ends."""
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"])
    waiting = Path(folder) / f".{item}"
    waiting.write_text(f"{os.getpid()} {child.pid}")
    waiting.rename(Path(folder) / str(item))
    time.sleep(3600)
