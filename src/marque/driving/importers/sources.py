"""Which reader a file needs."""

from __future__ import annotations

from pathlib import Path

from marque.common import InputError
from marque.driving.importers import netconvert
from marque.driving.importers.commonroad import read_lanelets
from marque.driving.importers.sumo import read_net
from marque.driving.importers.xml import read_root
from marque.driving.map.build import build_road_map
from marque.driving.map.model import RoadMap
from marque.driving.map.specs import RoadSpec

_SUPPORTED = (
    "SUMO networks (.net.xml), OpenDRIVE (.xodr), OpenStreetMap (.osm, .osm.pbf) and CommonRoad (.xml) can be read, each also gzipped."
)


def read_map(path: Path) -> RoadMap:
    """Reads and compiles a map file of any supported format."""
    return build_road_map(_read_spec(path))


def _read_spec(path: Path) -> RoadSpec:
    try:
        root = netconvert.pbf_root(path) if netconvert.is_pbf(path) else read_root(path)
    except InputError as error:
        raise InputError(error.source, error.place, error.problem, error.remedy or _SUPPORTED) from None
    if root.tag == "net":
        return read_net(root, path.name)
    if root.tag in ("OpenDRIVE", "osm"):
        return netconvert.read_converted(root, path.name)
    if root.tag == "commonRoad":
        return read_lanelets(root, path.name)
    raise InputError(path.name, f"line {root.sourceline or 1}", f"<{str(root.tag)[:60]}> is not the beginning of a road map", _SUPPORTED)
