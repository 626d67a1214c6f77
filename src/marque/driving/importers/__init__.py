"""Readers of road maps: SUMO, OpenDRIVE, OpenStreetMap, CommonRoad. The libraries they need are loaded when they are needed."""

from __future__ import annotations

from pathlib import Path

from marque.driving.map.model import RoadMap

__all__ = ["default_city", "load_map", "wheel_maps"]


def load_map(path: Path, *, cache: Path | None = None) -> RoadMap:
    """The road map in a file, told by what is inside it, not by its name.

    cache: a folder that keeps compiled maps; a damaged or outdated entry is built again. Raises InputError, naming the file and the
    element, for whatever cannot be a map.
    """
    from marque.driving.importers.sources import read_map
    from marque.driving.importers.store import cached

    path = Path(path)
    return read_map(path) if cache is None else cached(path, cache, read_map)


def default_city() -> Path:
    """Berlin-Adlershof, from the eclipse-sumo wheel."""
    return wheel_maps()["adlershof"]


def wheel_maps() -> dict[str, Path]:
    """Real networks that the eclipse-sumo wheel carries, by name."""
    import sumo

    games = Path(sumo.SUMO_HOME) / "tools" / "game"
    return {
        "adlershof": games / "DRT" / "osm.net.xml",
        "ingolstadt": games / "fkk_in" / "ingolstadt.net.xml.gz",
        "braunschweig": games / "bs3d" / "bs.net.xml",
        "motorway": games / "A10KW" / "osm.net.xml",
    }
