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
from marque.driving.importers.xml import SIZE_LIMIT_BYTES, Reader, read_root
from marque.driving.map.model import Ignored
from marque.driving.map.specs import RoadSpec
from marque.driving.markets import ALPHA_3

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


def read_converted(root: etree._Element, source: str) -> RoadSpec:
    """The road of an OpenDRIVE or OpenStreetMap document that `read_root` found harmless."""
    with tempfile.TemporaryDirectory() as folder:
        network = Path(folder) / "made.net.xml"
        said = to_network(root, source, network)
        made = read_root(network)
    spec = read_net(made, source)
    spec.name = source.partition(".")[0]
    if (location := made.find("location")) is not None:
        east, north = Reader(source).points(location, "netOffset")[0]
        spec.origin_m = (0.0 - float(east), 0.0 - float(north))
    spec.country = _country(root)
    spec.ignored += _warnings(said)
    return spec


def _country(root: etree._Element) -> str:
    """The country most signs of an OpenDRIVE file, or most addresses and areas of an OpenStreetMap file name; "" for none."""
    if root.tag == "OpenDRIVE":
        named = Counter(signal.get("country", "") for signal in root.iter("signal"))
    else:
        named = Counter(tag.get("v", "") for tag in root.iter("tag") if tag.get("k") in ("addr:country", "ISO3166-1"))
    known = [(name, times) for name, times in named.most_common() if re.fullmatch(r"[A-Z]{2,3}", name)]
    return ALPHA_3.get(known[0][0], known[0][0]) if known else ""


def to_network(root: etree._Element, source: str, network: Path) -> str:
    """Writes the SUMO network of a document; returns what netconvert said on its error stream."""
    given = network.with_name("given.xml")
    root.getroottree().write(str(given), encoding="utf-8", xml_declaration=True)
    if root.tag == "OpenDRIVE":
        options = ["--opendrive-files", str(given), *_OPENDRIVE, "--type-files", _types(_OPENDRIVE_TYPES)]
        left_hand = any(road.get("rule") == "LHT" for road in root.iterfind("road"))
    else:
        options = ["--osm-files", str(given), *_OSM, "--type-files", _types(_OSM_TYPES)]
        left_hand = any(tag.get("k") == "driving_side" and tag.get("v") == "left" for tag in root.iter("tag"))
    if left_hand:
        options += ["--lefthand", "true"]
    return run_netconvert([*options, *_COMMON, "--output-file", str(network)], source)


def _types(names: Sequence[str]) -> str:
    return ",".join(str(_home() / "data" / "typemap" / name) for name in names)


def pbf_root(path: Path) -> etree._Element:
    """OpenStreetMap PBF as a document: its roads, rails and turn restrictions with all they refer to."""
    import osmium

    with tempfile.TemporaryDirectory() as folder:
        roads = Path(folder) / "roads.osm"
        try:
            wanted = osmium.IdTracker()
            for item in osmium.FileProcessor(str(path)).with_filter(osmium.filter.KeyFilter("highway", "railway", "restriction")):
                {"n": wanted.add_node, "w": wanted.add_way, "r": wanted.add_relation}[item.type_str()](item.id)
                wanted.add_references(item)
            wanted.complete_backward_references(str(path))
            with osmium.SimpleWriter(str(roads), overwrite=True) as writer:
                for item in osmium.FileProcessor(str(path)).with_filter(wanted.id_filter()):
                    writer.add(item)
        except (RuntimeError, ValueError) as error:
            raise InputError(path.name, "", f"it is not valid OpenStreetMap PBF ({error})") from None
        if roads.stat().st_size > SIZE_LIMIT_BYTES:
            raise InputError(path.name, "", f"its roads hold more than {SIZE_LIMIT_BYTES >> 20} MiB", "Cut the map to a smaller region.")
        return read_root(roads)


def _home() -> Path:
    import sumo

    return Path(sumo.SUMO_HOME)


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


def _warnings(said: str) -> list[Ignored]:
    """What netconvert warned of, by kind: names and numbers left out."""
    kinds = Counter(_kind(line.removeprefix("Warning: ")) for line in said.splitlines() if line.startswith("Warning: "))
    shown = [Ignored("netconvert", kind, n) for kind, n in kinds.most_common(_KINDS_SHOWN)]
    rest = sum(kinds.values()) - sum(item.occurrences for item in shown)
    return [*shown, *([Ignored("netconvert", "other warnings", rest)] if rest else [])]


def _kind(warning: str) -> str:
    quoted = re.sub(r"'[^']*'", "…", warning)
    named = re.sub(r"… \(.*\)(?=\.|$)", "…", quoted)
    return re.sub(r"-?#?\d[\d.#]*(,-?#?\d[\d.#]*)*", "#", named).rstrip(".")


def _nameless(text: str) -> str:
    """A message without paths of this machine."""
    return re.sub(r"(/[^\s/']+)+/([^\s/']+)", r"\2", text)
