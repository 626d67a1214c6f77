"""The library: every family of scenes, and the variants of each."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from marque.simulation.library import city, hidden, junctions, motorways, sirens, streets
from marque.simulation.library.actors import CAR, TRUCK
from marque.simulation.library.mirror import COUNTRY, mirrored
from marque.simulation.library.scene import Scene


@dataclass(frozen=True, slots=True)
class Family:
    """Scenes of one kind."""

    name: str
    number: int
    make: Callable[..., Scene]
    variants: tuple[dict[str, Any], ...]
    keeps_left: bool = False
    """The scenes are mirrored."""

    @property
    def id(self) -> str:
        """What the benchmark ids of its scenes begin with: country, map name and number."""
        return f"{COUNTRY if self.keeps_left else 'ZAM'}_Marque{self.name}-{self.number}"

    @property
    def told(self) -> str:
        """What happens, in a sentence."""
        return (self.make.__doc__ or "").partition("\n")[0] + (" Traffic keeps left." if self.keeps_left else "")

    def scenes(self) -> Iterator[tuple[str, Scene]]:
        for variant, values in enumerate(self.variants, start=1):
            scene = self.make(**values)
            yield f"{self.id}_{variant}_T-1", mirrored(scene) if self.keeps_left else scene


_RIGHT_HAND = (
    Family("Follow", 1, motorways.follow, (
        {"limit_mps": 27.8, "gap_m": 40.0, "slow_mps": 17.0, "braking_mps2": 2.5},
        {"limit_mps": 27.8, "gap_m": 48.0, "slow_mps": 12.0, "braking_mps2": 4.5},
        {"limit_mps": 22.2, "gap_m": 35.0, "slow_mps": 8.0, "braking_mps2": 3.5},
    )),
    Family("Follow", 2, streets.follow, (
        {"limit_mps": 13.9, "gap_m": 22.0, "stops": False, "bend_rad": 0.0},
        {"limit_mps": 13.9, "gap_m": 25.0, "stops": True, "bend_rad": 0.9},
        {"limit_mps": 8.3, "gap_m": 14.0, "stops": True, "bend_rad": 0.0},
    )),
    Family("CutIn", 1, motorways.cut_in_from_left, (
        {"limit_mps": 27.8, "gap_m": 22.0, "slower_mps": 3.0},
        {"limit_mps": 27.8, "gap_m": 30.0, "slower_mps": 6.0},
        {"limit_mps": 22.2, "gap_m": 18.0, "slower_mps": 2.0},
    )),
    Family("CutIn", 2, motorways.cut_in_from_right, (
        {"limit_mps": 27.8, "gap_m": 30.0, "slower_mps": 5.0},
        {"limit_mps": 27.8, "gap_m": 40.0, "slower_mps": 8.0},
        {"limit_mps": 22.2, "gap_m": 22.0, "slower_mps": 4.0},
    )),
    Family("CutOut", 1, motorways.cut_out, (
        {"limit_mps": 27.8, "slow_mps": 17.0, "reveal_m": 60.0},
        {"limit_mps": 27.8, "slow_mps": 20.0, "reveal_m": 45.0},
        {"limit_mps": 22.2, "slow_mps": 12.0, "reveal_m": 50.0},
    )),
    Family("Exit", 1, motorways.leave, (
        {"limit_mps": 22.2, "other_mps": 20.0, "other_m": 110.0},
        {"limit_mps": 25.0, "other_mps": 24.0, "other_m": 20.0},
        {"limit_mps": 22.2, "other_mps": 17.0, "other_m": 100.0},
    )),
    Family("LaneChangeExit", 1, motorways.change_and_leave, (
        {"limit_mps": 22.2, "other_mps": 21.0, "other_m": 25.0},
        {"limit_mps": 22.2, "other_mps": 20.0, "other_m": 85.0},
        {"limit_mps": 22.2, "other_mps": 17.0, "other_m": 72.0},
    )),
    Family("Merge", 1, motorways.merge, (
        {"limit_mps": 22.2, "traffic_mps": 20.0, "behind_m": 60.0, "ahead_m": 30.0},
        {"limit_mps": 22.2, "traffic_mps": 18.0, "behind_m": 45.0, "ahead_m": 25.0},
        {"limit_mps": 27.8, "traffic_mps": 24.0, "behind_m": 80.0, "ahead_m": 45.0},
    )),
    Family("Overtake", 1, motorways.overtake, (
        {"limit_mps": 27.8, "truck_mps": 12.0, "gap_m": 70.0, "second": False},
        {"limit_mps": 27.8, "truck_mps": 13.0, "gap_m": 90.0, "second": True},
        {"limit_mps": 22.2, "truck_mps": 9.0, "gap_m": 60.0, "second": False},
    )),
    Family("Queue", 1, motorways.queue, (
        {"gap_m": 20.0, "crawl_mps": 3.0},
        {"gap_m": 35.0, "crawl_mps": 4.0},
        {"gap_m": 50.0, "crawl_mps": 2.0},
    )),
    Family("Crossing", 1, streets.pedestrian, (
        {"limit_mps": 13.9, "from_right": True, "speed_mps": 1.4, "early_m": 40.0, "walkers": 1},
        {"limit_mps": 8.3, "from_right": False, "speed_mps": 1.2, "early_m": 32.0, "walkers": 2},
        {"limit_mps": 13.9, "from_right": True, "speed_mps": 1.1, "early_m": 45.0, "walkers": 3},
    )),
    Family("Child", 1, streets.child, (
        {"limit_mps": 8.3, "runs_mps": 2.5, "early_m": 22.0},
        {"limit_mps": 8.3, "runs_mps": 3.0, "early_m": 20.0},
        {"limit_mps": 8.3, "runs_mps": 2.0, "early_m": 25.0},
    )),
    Family("ParkedVan", 1, streets.parked_van, (
        {"limit_mps": 13.9, "into_lane_m": 1.0, "oncoming_m": (40.0,)},
        {"limit_mps": 13.9, "into_lane_m": 1.8, "oncoming_m": (60.0, 90.0)},
        {"limit_mps": 8.3, "into_lane_m": 2.1, "oncoming_m": (70.0,)},
    )),
    Family("Works", 1, streets.works, (
        {"limit_mps": 13.9, "length_m": 7.5, "oncoming_m": ()},
        {"limit_mps": 8.3, "length_m": 15.0, "oncoming_m": (75.0, 100.0)},
    )),
    Family("Cyclist", 1, streets.cyclist, (
        {"limit_mps": 13.9, "rides_mps": 5.0, "gap_m": 35.0, "oncoming_m": (), "width_m": 3.5},
        {"limit_mps": 13.9, "rides_mps": 4.5, "gap_m": 40.0, "oncoming_m": (110.0,), "width_m": 3.5},
        {"limit_mps": 8.3, "rides_mps": 5.0, "gap_m": 20.0, "oncoming_m": (60.0,), "width_m": 3.0},
    )),
    Family("Narrow", 1, streets.narrow, (
        {"limit_mps": 8.3, "width_m": 2.75, "oncoming_mps": 6.0, "bend_rad": 0.0},
        {"limit_mps": 8.3, "width_m": 2.6, "oncoming_mps": 7.0, "bend_rad": 0.0},
        {"limit_mps": 8.3, "width_m": 2.75, "oncoming_mps": 6.0, "bend_rad": 1.0},
    )),
    Family("LeftTurn", 1, junctions.left_turn, (
        {"limit_mps": 13.9, "oncoming_m": (40.0, 15.0), "speed_mps": 12.0},
        {"limit_mps": 13.9, "oncoming_m": (60.0, 38.0, 10.0), "speed_mps": 11.0},
        {"limit_mps": 8.3, "oncoming_m": (55.0,), "speed_mps": 8.3},
    )),
    Family("RightBeforeLeft", 1, junctions.right_before_left, (
        {"limit_mps": 8.3, "from_right_m": 60.0, "turn": "N", "waits": False},
        {"limit_mps": 8.3, "from_right_m": 62.0, "turn": "N", "waits": True},
        {"limit_mps": 8.3, "from_right_m": 65.0, "turn": "W", "waits": False},
    )),
    Family("YieldT", 1, junctions.yield_at_t, (
        {"limit_mps": 13.9, "from_left_m": (60.0, 30.0), "from_right_m": (50.0,), "turn": "W"},
        {"limit_mps": 13.9, "from_left_m": (70.0, 45.0, 20.0), "from_right_m": (), "turn": "E"},
        {"limit_mps": 13.9, "from_left_m": (40.0,), "from_right_m": (75.0, 35.0), "turn": "W"},
    )),
    Family("Roundabout", 1, junctions.ring, (
        {"limit_mps": 8.3, "target": "E", "circling_m": (60.0,)},
        {"limit_mps": 8.3, "target": "N", "circling_m": (70.0, 45.0)},
        {"limit_mps": 8.3, "target": "N", "circling_m": (95.0, 60.0)},
    )),
    Family("Light", 1, junctions.light, (
        {"limit_mps": 13.9, "red_s": 8.0, "amber_first": True, "crossing_m": (105.0,)},
        {"limit_mps": 13.9, "red_s": 9.0, "amber_first": False, "crossing_m": (105.0, 98.0)},
        {"limit_mps": 8.3, "red_s": 7.0, "amber_first": True, "crossing_m": ()},
    )),
    Family("TurnsGreen", 1, junctions.turns_green, (
        {"limit_mps": 13.9, "red_s": 4.0, "standing": 2, "body": CAR},
        {"limit_mps": 13.9, "red_s": 6.0, "standing": 3, "body": CAR},
        {"limit_mps": 13.9, "red_s": 3.0, "standing": 1, "body": TRUCK},
    )),
    Family("HiddenChild", 1, hidden.child_between_vans, (
        {"limit_mps": 8.3, "gap_m": 1.0, "runs_mps": 1.4, "vans": 1},
        {"limit_mps": 13.9, "gap_m": 1.0, "runs_mps": 1.4, "vans": 3},
        {"limit_mps": 13.9, "gap_m": 0.7, "runs_mps": 2.2, "vans": 2},
    )),
    Family("HiddenCrossing", 1, hidden.crossing_behind_van, (
        {"limit_mps": 8.3, "walks_mps": 1.4, "from_right": True},
        {"limit_mps": 13.9, "walks_mps": 1.4, "from_right": True},
        {"limit_mps": 13.9, "walks_mps": 1.7, "from_right": False},
    )),
    Family("BlindJunction", 1, hidden.blind_junction, (
        {"limit_mps": 8.3, "from_right_m": 45.0, "corner_m": 7.0},
        {"limit_mps": 8.3, "from_right_m": 30.0, "corner_m": 7.0},
        {"limit_mps": 13.9, "from_right_m": 40.0, "corner_m": 8.0},
    )),
    Family("HiddenMotorcycle", 1, hidden.motorcycle_behind_van, (
        {"limit_mps": 13.9, "van_m": 60.0, "behind_m": 14.0, "turn": "E"},
        {"limit_mps": 13.9, "van_m": 60.0, "behind_m": 18.0, "turn": "W"},
        {"limit_mps": 13.9, "van_m": 50.0, "behind_m": 16.0, "turn": "W"},
    )),
    Family("HiddenOncoming", 1, hidden.oncoming_behind_turner, (
        {"limit_mps": 13.9, "rider_m": 25.0},
        {"limit_mps": 13.9, "rider_m": 40.0},
    )),
    Family("Passage", 1, streets.passage, (
        {"limit_mps": 8.3, "own_side": True, "oncoming_m": 70.0, "waits": False},
        {"limit_mps": 8.3, "own_side": False, "oncoming_m": 60.0, "waits": True},
    )),
    Family("Siren", 1, sirens.from_behind, (
        {"limit_mps": 13.9, "behind_m": 85.0, "speed_mps": 16.0},
        {"limit_mps": 8.3, "behind_m": 60.0, "speed_mps": 13.0},
    )),
    Family("Siren", 2, sirens.across, (
        {"limit_mps": 13.9, "from_m": 20.0, "speed_mps": 14.0},
        {"limit_mps": 8.3, "from_m": 35.0, "speed_mps": 11.0},
    )),
    Family("Siren", 3, sirens.corridor, (
        {"behind_m": 36.0, "speed_mps": 7.0, "lane": 0},
        {"behind_m": 36.0, "speed_mps": 7.0, "lane": 1},
    )),
    Family("CityFollow", 1, city.follow, ({"pick": 0}, {"pick": 1}, {"pick": 2})),
    Family("CityYield", 1, city.give_way, ({"pick": 0}, {"pick": 1}, {"pick": 2})),
    Family("CityLight", 1, city.red_light, ({"pick": 0, "red_s": 6.0}, {"pick": 1, "red_s": 8.0}, {"pick": 2, "red_s": 5.0})),
)  # fmt: skip
_TWINS = (
    "Merge", "Exit", "Overtake", "ParkedVan", "Cyclist", "LeftTurn", "RightBeforeLeft", "YieldT", "Roundabout", "TurnsGreen", "Passage",
    "BlindJunction",
)  # fmt: skip
"""Where sides matter: their first scene is there for traffic that keeps left too."""
FAMILIES = (
    *_RIGHT_HAND,
    *(dataclasses.replace(one, variants=one.variants[:1], keeps_left=True) for one in _RIGHT_HAND if one.name in _TWINS),
)


@dataclass(frozen=True, slots=True)
class Logical:
    """A kind of scene whose values are still to be chosen. parameters: their names."""

    make: Callable[..., Scene]
    parameters: tuple[str, ...]


LOGICAL = {
    f"{one.make.__module__.rpartition('.')[2]}.{one.make.__name__}": Logical(one.make, tuple(inspect.signature(one.make).parameters))
    for one in _RIGHT_HAND
}
"""By `module.function`."""
