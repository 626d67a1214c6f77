"""Road maps as flat arrays."""

from marque.driving.map.model import (
    CONFLICT,
    CROSSING,
    GRID,
    LANE,
    LANE_CROSSING,
    PHASE,
    POINT,
    SIGNAL,
    Colour,
    Ignored,
    MapArrays,
    Meeting,
    Road,
    RoadMap,
    Turn,
    Yield,
)

__all__ = [
    "CONFLICT",
    "CROSSING",
    "GRID",
    "LANE",
    "LANE_CROSSING",
    "PHASE",
    "POINT",
    "SIGNAL",
    "Colour",
    "Ignored",
    "MapArrays",
    "Meeting",
    "Road",
    "RoadMap",
    "Turn",
    "Yield",
]
