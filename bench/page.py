"""Bar 8: pictures per second of the page with 500 moving vehicles, in headless Chromium with software GL, canvas 1280 x 720.

    python bench/page.py [--vehicles 500] [--seconds 8] [--runs 3] [--address http://…]

Best of the runs per view, and the CPU time all of Chromium's processes spend on a picture (which other programs on the machine
disturb less). The city runs on the same machine. With --address, a server that runs already is measured.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent


@contextlib.contextmanager
def served(address: str | None, vehicles: int) -> Iterator[str]:
    """The address of a running city."""
    if address:
        yield address
        return
    command = [sys.executable, "-m", "marque.app.cli", "run", "--port", "0", "--vehicles", str(vehicles)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield next(found[0] for line in server.stdout if (found := re.search(r"http://\S+", line)))
        finally:
            server.send_signal(signal.SIGINT)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--vehicles", type=int, default=500)
    options.add_argument("--seconds", type=float, default=8.0)
    options.add_argument("--runs", type=int, default=3)
    options.add_argument("--address")
    wanted = options.parse_args()
    best: dict[str, dict[str, float]] = {}
    with served(wanted.address, wanted.vehicles) as address:
        for _ in range(wanted.runs):
            run = subprocess.run(["node", HERE / "page.mjs", address, str(wanted.seconds)], stdout=subprocess.PIPE, text=True, check=True)
            for line in map(json.loads, run.stdout.splitlines()):
                known = best.setdefault(line["view"], line)
                known["perSecond"] = max(known["perSecond"], line["perSecond"])
                known["cpuMilliseconds"] = min(known["cpuMilliseconds"], line["cpuMilliseconds"])
    for view, line in best.items():
        cost = f"{line['cpuMilliseconds']:.0f} ms of CPU each"
        print(f"{view:16} {line['vehicles']:4} vehicles, canvas {line['canvas']}: {line['perSecond']:5.1f} pictures/s, {cost}")


if __name__ == "__main__":
    main()
