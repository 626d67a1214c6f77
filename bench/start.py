#!/usr/bin/env python3
"""Bar 1: how long a fresh clone needs until the page answers and the city moves, cold and warm. Wall-clock time.

    python3 bench/start.py [--runs 3] [--keep FOLDER]

Cold: a new clone of this repository's HEAD, empty caches of pip, npm and the user. Warm: the same clone, started again.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def start(clone: Path, environment: dict[str, str]) -> tuple[float, float]:
    """Seconds until the page answered, and until its stream brought the first moment of the city."""
    began = time.monotonic()
    server = subprocess.Popen([clone / "marque", "run", "--port", "0"], env=environment, stdout=subprocess.PIPE, text=True)
    try:
        address = next(found[0] for line in server.stdout if (found := re.search(r"http://\S+", line)))
        with urllib.request.urlopen(address, timeout=60) as page:
            assert page.status == 200
            page.read()
        answered = time.monotonic() - began
        with urllib.request.urlopen(address + "/stream", timeout=300) as stream:
            assert stream.read(8)
        return answered, time.monotonic() - began
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(30)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--runs", type=int, default=3, help="how many warm starts (default 3)")
    options.add_argument("--keep", type=Path, help="make the clone here and leave it")
    chosen = options.parse_args()
    folder = chosen.keep or Path(tempfile.mkdtemp(prefix="marque-start-"))
    try:
        clone = folder / "marque"
        subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
        caches = {"PIP_NO_CACHE_DIR": "1", "npm_config_cache": str(folder / "npm"), "XDG_CACHE_HOME": str(folder / "cache")}
        environment = {**os.environ, **caches}
        print(f"{'':8}{'page':>8}{'city':>8}")
        for name in ["cold", *["warm"] * chosen.runs]:
            answered, moved = start(clone, environment)
            print(f"{name:8}{answered:7.1f}s{moved:7.1f}s", flush=True)
    finally:
        if not chosen.keep:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
