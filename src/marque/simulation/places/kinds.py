"""The kinds of scene there are for any map: where each fits, what it is made with, and what of it may vary."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from marque.driving.map import RoadMap
from marque.simulation.faults import FAULTS, FaultKind
from marque.simulation.places import junctions, merges, stretches, walkers
from marque.simulation.places.model import Net, Place, Range, Staged
from marque.simulation.places.ways import net_of

OF_THE_MAP = (FaultKind.MAP_SHIFTED, FaultKind.MAP_LIMIT, FaultKind.MAP_LANE)
"""Faults of a car's map, which belong to roads laid by hand (`marque faults`)."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A logical scenario. ranges: what of it may be chosen, and between which bounds; every choice makes a scene."""

    name: str
    find: Callable[[Net], Iterator[Place]]
    make: Callable[..., Staged]
    ranges: Mapping[str, Range]

    @property
    def told(self) -> str:
        """What happens, in a sentence."""
        return (self.make.__doc__ or "").partition("\n")[0]


CONDITIONS = {
    "light_lux": Range("light: a lit street at night has 10", low=0.05, high=100_000.0),
    "rain_mmph": Range("rain, mm/h", low=0.0, high=15.0),
    "visibility_m": Range("how far one sees in this air, m", low=80.0, high=20_000.0),
    "grip": Range("of the road, as a share of a dry one's", low=0.35, high=1.0),
}
"""What any scene may be given besides, within the domain (`driving.odd`); without it, a clear dry day."""

_BODIES = ("car", "truck", "motorcycle")
_PACE = Range("speed of others, times the limit", low=0.6, high=1.0)
_BODY = Range("who it is", values=_BODIES)
_EARLY = Range("in the ego's lane so long before the ego would be, s", low=0.0, high=1.5)
_HEADWAY = Range("gap of the one ahead at the start, s", low=1.2, high=2.5)

_ACROSS = {
    "gap_s": Range("the first is at the meeting so long after the ego would be, s", low=-2.0, high=5.0),
    "other_pace": _PACE,
    "others": Range("how many come", values=(1.0, 2.0, 3.0)),
    "headway_s": Range("between them, s", low=1.5, high=5.0),
    "body": _BODY,
}
_KINDS = (
    Kind("unprotected-left", junctions.unprotected_left_places, junctions.across_others, _ACROSS),
    Kind("give-way", junctions.give_way_places, junctions.across_others, {
        **_ACROSS, "body": Range("who comes first", values=(*_BODIES, "bicycle"))}),
    Kind("right-of-way", junctions.right_of_way_places, junctions.other_yields, {
        "gap_s": Range("it would be at its line so long before the ego is at the meeting, s", low=-1.0, high=2.0),
        "other_pace": _PACE,
        "braking_mps2": Range("how hard it brakes, m/s²", low=2.0, high=4.5),
        "body": _BODY}),
    Kind("turn-into", junctions.turn_into_places, junctions.across_others, _ACROSS),
    Kind("crossing", walkers.crossing_places, walkers.crossing, {
        "early_s": _EARLY,
        "walks_mps": Range("how fast, m/s", low=0.8, high=2.0),
        "from_left": Range("from which side", values=(False, True))}),
    Kind("hidden-crossing", walkers.hidden_crossing_places, walkers.hidden_crossing, {
        "early_s": Range(_EARLY.told, low=0.0, high=1.0),
        "walks_mps": Range("how fast, m/s", low=0.8, high=1.8),
        "van_before_m": Range("from the van's front to the middle of the crossing, m", low=4.0, high=9.0)}),
    Kind("hidden-child", walkers.kerb_places, walkers.hidden_child, {
        "early_s": Range(_EARLY.told, low=0.0, high=0.7),
        "runs_mps": Range("how fast, m/s", low=0.9, high=2.0),
        "beside_m": Range("from the lane's border to the vans, m", low=0.3, high=1.0),
        "vans": Range("how many stand there", values=(1.0, 2.0, 3.0))}),
    Kind("pedestrian", walkers.kerb_places, walkers.pedestrian, {
        "early_s": _EARLY,
        "walks_mps": Range("how fast, m/s", low=0.8, high=2.5),
        "kind": Range("who", values=("adult", "child"))}),
    Kind("lead-brakes", stretches.follow_places, stretches.lead_brakes, {
        "headway_s": _HEADWAY,
        "braking_mps2": Range("how hard, m/s²", low=1.5, high=6.0),
        "left_over": Range("share of its speed that is left", low=0.0, high=0.5),
        "body": _BODY}),
    Kind("cut-in", stretches.beside_places, stretches.cut_in, {
        "headway_s": Range("its gap ahead of the ego, s", low=0.7, high=2.0),
        "slower": Range("share of the ego's speed by which it is slower", low=0.0, high=0.35),
        "lasts_s": Range("how long it takes to come over, s", low=2.5, high=5.0),
        "body": _BODY}),
    Kind("cut-out", stretches.beside_places, stretches.cut_out, {
        "headway_s": _HEADWAY,
        "reveal_s": Range("how long before reaching who is slow it moves over, s", low=2.5, high=4.0),
        "left_over": Range("speed of who is slow, as a share of the ego's", low=0.1, high=0.5),
        "lasts_s": Range("how long that takes, s", low=2.0, high=3.0)}),
    Kind("merge", merges.merge_places, merges.merge, {
        "gap_s": Range("the first is where the lanes join so long after the ego would be, s", low=-2.0, high=2.0),
        "other_pace": Range(_PACE.told, low=0.7, high=1.0),
        "headway_s": Range("the second behind it, s", low=1.5, high=5.0),
        "body": _BODY}),
    Kind("roadworks", stretches.passable_places, stretches.roadworks, {
        "length_m": Range("how long, m", low=5.0, high=20.0),
        "into_lane": Range("share of the lane that is closed", low=0.3, high=0.8),
        "others": Range("how many come on the lane beside", values=(0.0, 1.0, 2.0)),
        "other_pace": _PACE}),
    Kind("fault", stretches.long_places, stretches.fault, {
        "kind": Range("what fails, as `marque faults` names it", values=tuple(str(one) for one in FAULTS if one not in OF_THE_MAP)),
        "after_m": Range("where: so far from the start, m", low=10.0, high=60.0),
        "headway_s": _HEADWAY}),
)  # fmt: skip
KINDS = {one.name: one for one in _KINDS}


@functools.lru_cache(maxsize=64)
def places(kind: str, road_map: RoadMap) -> dict[str, Place]:
    """Every place of a map where a kind fits, by id, in a fixed order."""
    found: dict[str, Place] = {}
    for place in KINDS[kind].find(net(road_map)):
        found.setdefault(place.id, place)
    return found


def place_of(kind: str, road_map: RoadMap, name: str) -> Place | None:
    """The place with an id, without a search of the whole map; None where there is none. Ids begin with the name of the ego's lane."""
    lane = name.partition(" ")[0]
    if lane not in road_map.lane_ids:
        return None
    near = dataclasses.replace(net(road_map), only=road_map.lane_ids.index(lane))
    return next((place for place in KINDS[kind].find(near) if place.id == name), None)


@functools.lru_cache(maxsize=8)
def net(road_map: RoadMap) -> Net:
    """A map as scenes see it."""
    return net_of(road_map)
