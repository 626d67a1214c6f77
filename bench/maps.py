"""Bar 7: what our maps hold against what netconvert made, and how long reading takes.

    python bench/maps.py [FOLDER of maps]        (default: shared/data/maps beside the repository; the wheel's maps always)

Lanes and metres of the second source are counted in the network file's text, not by our reader; crossings and walking areas are no lanes.
Ours counts the lanes without length, which the map leaves out by name. CPU seconds of this process, best of three after compiling;
netconvert's own time is apart.
"""

from __future__ import annotations

import gzip
import os
import re
import sys
import tempfile
import time
from pathlib import Path

from marque.common import InputError
from marque.driving.importers import netconvert, wheel_maps
from marque.driving.importers.sumo import read_net
from marque.driving.importers.xml import read_root
from marque.driving.map.build import build_road_map


def count(network: Path, *, internal: bool) -> tuple[int, float]:
    """(lanes, metres) of a network by its text alone."""
    content = network.read_bytes()
    text = (gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content).decode()
    lanes, metres = 0, 0.0
    for edge in re.findall(r"<edge .*?</edge>", text, re.DOTALL):
        function = re.search(r'^<edge [^>]*function="(\w+)"', edge)
        if (function.group(1) if function else "normal") == ("internal" if internal else "normal"):
            lengths = re.findall(r'<lane [^>]*\blength="([^"]+)"', edge)
            lanes, metres = lanes + len(lengths), metres + sum(map(float, lengths))
    return lanes, metres


def measure(path: Path, folder: Path) -> str:
    """One row of the table."""
    network, converting = path, 0.0
    if not {".net", ".xml"} <= set(path.suffixes):
        network = folder / "made.net.xml"
        started = time.perf_counter()
        root = netconvert.pbf_root(path) if netconvert.is_pbf(path) else read_root(path)
        try:
            netconvert.to_network(root, path.name, network)
        except InputError as error:
            return f"refused: {error.problem}"
        converting = time.perf_counter() - started
    best = [float("inf"), float("inf")]
    for _ in range(3):
        started = time.process_time()
        spec = read_net(read_root(network), path.name)
        read = time.process_time()
        road_map = build_road_map(spec)
        best = [min(best[0], read - started), min(best[1], time.process_time() - read)]
    lanes = road_map.arrays.lanes
    inside = lanes["junction"] >= 0
    left_out = sum(item.occurrences for item in road_map.ignored if item.element == "lane")
    cells = []
    for mine, listed, internal in ((~inside, 0, False), (inside, left_out, True)):
        theirs, metres = count(network, internal=internal)
        ours = int(mine.sum()) + listed
        off = lanes["length"][mine].sum() / metres - 1.0 if metres else 0.0
        cells.append(f"{ours:>6} {theirs:>6} {metres / 1000.0:>9.3f} {off:>+8.3%}")
    return f"{'  '.join(cells)}  {left_out:>4}  {converting:>7.1f} {best[0]:>6.2f} {best[1]:>6.2f}"


def main() -> None:
    default = Path(os.environ.get("MARQUE_SHARED") or Path(__file__).parents[2] / "shared") / "data" / "maps"
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else default
    files = {path.name: path for path in sorted(folder.glob("*"))} if folder.is_dir() else {}
    print(f"{'':34} {'outside junctions':^32}  {'inside junctions':^32}  {'no':>4}  {'netconv':>7} {'read':>6} {'build':>6}")
    print(f"{'map':34} {'ours':>6} {'theirs':>6} {'km':>9} {'length':>8}  {'ours':>6} {'theirs':>6} {'km':>9} {'length':>8}  {'len':>4}  s")
    for name, path in {**files, **wheel_maps()}.items():
        with tempfile.TemporaryDirectory() as made:
            print(f"{name:34} {measure(path, Path(made))}", flush=True)


if __name__ == "__main__":
    main()
