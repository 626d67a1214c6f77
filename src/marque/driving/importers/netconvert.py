"""OpenDRIVE and OpenStreetMap through netconvert, the converter of the eclipse-sumo wheel."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from lxml import etree

from marque.common import InputError
from marque.driving.importers.sumo import read_net
from marque.driving.importers.xml import SIZE_LIMIT_BYTES, read_root
from marque.driving.map.model import Ignored
from marque.driving.map.specs import RoadSpec

TIME_LIMIT_S = 600.0
_KINDS_SHOWN = 40

# Both: curves inside junctions in 8 pieces; a car turns back only where the road ends.
_COMMON = (
    "--junctions.internal-link-detail",
    "8",
    "--no-turnarounds.except-deadend",
    "true",
    "--tls.default-type",
    "static",
    "--aggregate-warnings",
    "1000000",
)
# OpenDRIVE says what it means: its frame and the paths through its junctions are kept; lanes that are no road are left out by type.
_OPENDRIVE = ("--offset.disable-normalization", "true", "--opendrive.curve-resolution", "1", "--opendrive.internal-shapes", "true")
_OPENDRIVE_TYPES = ("opendriveNetconvert.typ.xml", "opendriveNetconvertPedestrians.typ.xml")
# OpenStreetMap leaves much unsaid: junctions of several nodes, signals, ramps, roundabouts and crossings are guessed.
_OSM = (
    "--proj.utm", "true", "--junctions.join", "true", "--roundabouts.guess", "true", "--ramps.guess", "true",
    "--tls.guess-signals", "true", "--tls.discard-simple", "true", "--tls.join", "true",
    "--crossings.guess", "true", "--osm.turn-lanes", "true", "--remove-edges.isolated", "true",
)  # fmt: skip
_OSM_TYPES = ("osmNetconvert.typ.xml", "osmNetconvertUrbanDe.typ.xml", "osmNetconvertPedestrians.typ.xml")


def is_pbf(path: Path) -> bool:
    """Whether a file begins as OpenStreetMap PBF does."""
    try:
        with path.open("rb") as stream:
            return b"OSMHeader" in stream.read(32)
    except OSError as error:
        raise InputError(path.name, "", f"it cannot be read ({error.strerror or error})") from None


def read_opendrive(path: Path, root: etree._Element) -> RoadSpec:
    """OpenDRIVE; root is the file's own, already found harmless."""
    left_hand = any(road.get("rule") == "LHT" for road in root.iterfind("road"))
    return _convert(root, path.name, ("--opendrive-files",), (*_OPENDRIVE, *_types(_OPENDRIVE_TYPES), *_side(left_hand)))


def read_osm(path: Path, root: etree._Element) -> RoadSpec:
    """OpenStreetMap XML; root is the file's own, already found harmless."""
    left_hand = any(tag.get("k") == "driving_side" and tag.get("v") == "left" for tag in root.iter("tag"))
    return _convert(root, path.name, ("--osm-files",), (*_OSM, *_types(_OSM_TYPES), *_side(left_hand)))


def read_pbf(path: Path) -> RoadSpec:
    """OpenStreetMap PBF: its roads, rails and turn restrictions become XML first."""
    import osmium

    with tempfile.TemporaryDirectory() as folder:
        roads = Path(folder) / "roads.osm"
        try:
            with osmium.BackReferenceWriter(str(roads), ref_src=str(path), overwrite=True) as writer:
                for item in osmium.FileProcessor(str(path)).with_filter(osmium.filter.KeyFilter("highway", "railway", "restriction")):
                    writer.add(item)
        except (RuntimeError, ValueError) as error:
            raise InputError(path.name, "", f"it is not valid OpenStreetMap PBF ({error})") from None
        if roads.stat().st_size > SIZE_LIMIT_BYTES:
            raise InputError(path.name, "", f"its roads hold more than {SIZE_LIMIT_BYTES >> 20} MiB", "Cut the map to a smaller region.")
        root = read_root(roads)
    return read_osm(path, root)


def _types(names: Sequence[str]) -> tuple[str, str]:
    return "--type-files", ",".join(str(_home() / "data" / "typemap" / name) for name in names)


def _side(left_hand: bool) -> tuple[str, ...]:
    return ("--lefthand", "true") if left_hand else ()


def _home() -> Path:
    import sumo

    return Path(sumo.SUMO_HOME)


def _convert(root: etree._Element, source: str, reads: Sequence[str], options: Sequence[str]) -> RoadSpec:
    """Runs netconvert on a document and reads the network it writes."""
    with tempfile.TemporaryDirectory() as folder:
        given, network = Path(folder) / "given.xml", Path(folder) / "made.net.xml"
        root.getroottree().write(str(given), encoding="utf-8", xml_declaration=True)
        said = run_netconvert([*reads, str(given), "--output-file", str(network), *_COMMON, *options], source)
        spec = read_net(read_root(network), source)
        spec.name = source.partition(".")[0]
    spec.ignored += _warnings(said, str(given))
    return spec


def run_netconvert(arguments: Sequence[str], source: str) -> str:
    """What netconvert said on its error stream. Raises InputError where it refuses the file or takes longer than TIME_LIMIT_S."""
    binary = _home() / "bin" / "netconvert"
    environment = {**os.environ, "SUMO_HOME": str(_home()), "LC_ALL": "C"}
    command = [str(binary), "--xml-validation", "never", *arguments]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=TIME_LIMIT_S, env=environment, check=False
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise InputError(source, "", f"netconvert took longer than {TIME_LIMIT_S:g} s", "Cut the map to a smaller region.") from None
    if done.returncode != 0:
        errors = [line.removeprefix("Error: ") for line in done.stderr.splitlines() if line.startswith("Error: ")]
        reason = errors[0].rstrip(".") if errors else f"it ended with status {done.returncode}"
        raise InputError(source, "", f"netconvert cannot read it: {_nameless(reason)}")
    return done.stderr


def _warnings(said: str, given: str) -> list[Ignored]:
    """What netconvert warned of, by kind: names in quotes and numbers left out."""
    kinds = Counter(
        re.sub(r"-?\d+(\.\d+)?", "#", re.sub(r"'[^']*'", "…", line.removeprefix("Warning: ").replace(given, "the file"))).rstrip(".")
        for line in said.splitlines()
        if line.startswith("Warning: ")
    )
    shown = [Ignored("netconvert", kind, n) for kind, n in kinds.most_common(_KINDS_SHOWN)]
    rest = sum(kinds.values()) - sum(item.occurrences for item in shown)
    return [*shown, *([Ignored("netconvert", "other warnings", rest)] if rest else [])]


def _nameless(text: str) -> str:
    """A message without paths of this machine."""
    return re.sub(r"(/[^\s/']+)+/([^\s/']+)", r"\2", text)
