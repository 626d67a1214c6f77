"""Traffic on a road map, one or many worlds at a time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from marque.common import Ints, Records
from marque.driving.map import RoadMap
from marque.driving.observation import Kind
from marque.simulation.frame import Flag, Frame
from marque.simulation.traffic.collisions import build_hash
from marque.simulation.traffic.engine import advance, show_colours
from marque.simulation.traffic.guests import GuestStates, no_guests
from marque.simulation.traffic.network import build_network
from marque.simulation.traffic.population import populate
from marque.simulation.traffic.state import State, empty_state

_WAITING_MPS = 0.3
_BRAKING_MPS2 = -0.7
_INDICATE_M = 35.0


class Traffic:
    """Vehicles and pedestrians that drive and walk by themselves, around guests that someone else drives.

    worlds: independent worlds, stepped together; a world's course depends on its seed alone, not on its batch.
    seed: that of the first world, the next ones have seed + 1 …; or one seed per world.
    Raises InputError where the map cannot hold the vehicles or has no crossing for the pedestrians.
    """

    def __init__(
        self, road_map: RoadMap, *, worlds: int = 1, vehicles: int, pedestrians: int = 0, guests: int = 0,
        seed: int | Sequence[int] = 0, step_s: float = 0.1,
    ) -> None:  # fmt: skip
        self.road_map, self.step_s = road_map, step_s
        self.network = build_network(road_map)
        self.state: State = empty_state(
            self.network, road_map.arrays.signals.size, worlds=worlds, vehicles=vehicles, guests=guests, pedestrians=pedestrians
        )
        self.state.clock["seed"] = np.arange(seed, seed + worlds) if isinstance(seed, int) else np.asarray(seed)
        self._guests = no_guests(worlds, guests)
        self._waits = np.zeros((worlds, guests))
        self._hash = build_hash(road_map, self.state.bodies.shape[1])
        populate(self.network, road_map, self.state)
        for colours, until in zip(self.state.colours, self.state.colour_until, strict=True):
            show_colours(road_map.arrays, 0.0, colours, until)

    @property
    def time_s(self) -> float:
        return float(self.state.clock["step"][0]) * self.step_s

    def step(self, guests: GuestStates | None = None, steps: int = 1) -> None:
        """Lets all worlds run for some steps. guests: where the bodies driven by others are now; None: where they were."""
        if guests is not None:
            self._guests = guests
        advance(self.network, self.road_map.arrays, self.state, self._hash, self._guests, self._waits, self.step_s, steps)

    def collisions(self, world: int = 0) -> Records:
        """The latest touches of a world, CONTACT records: the step at which two bodies of `State.bodies` touched, and until when."""
        kept = self.state.contacts[world]
        return kept[: min(int(self.state.clock["contacts"][world]), kept.size)].copy()

    def ids(self, world: int = 0) -> Ints:
        """The ids of all bodies of a world, in the order of `State.bodies`; a pedestrian who turns up anew is a new one."""
        bodies, walkers = self.state.bodies.shape[1], self.state.walkers.shape[1]
        ids = np.arange(bodies, dtype=np.int32)
        ids[bodies - walkers :] += self.state.walkers["generation"][world] * walkers
        return ids

    def frame(self, world: int = 0) -> Frame:
        """The world now; guests that are absent are left out."""
        state, bodies = self.state, self.state.bodies[world]
        vehicles, walkers = state.vehicles.shape[1], state.walkers.shape[1]
        kinds = np.full(bodies.size, Kind.PEDESTRIAN, np.uint8)
        kinds[:vehicles] = state.vehicles["kind"][world]
        kinds[vehicles : bodies.size - walkers] = self._guests.kinds[world]
        flags = np.zeros(bodies.size, np.uint8)
        flags[:vehicles] = self._flags(world)
        there = np.isfinite(bodies["x"])
        return Frame(
            time_s=self.time_s,
            ids=self.ids(world)[there],
            kinds=kinds[there],
            x_m=bodies["x"][there],
            y_m=bodies["y"][there],
            heading_rad=np.arctan2(bodies["uy"], bodies["ux"])[there],
            speed_mps=bodies["speed"][there],
            length_m=bodies["length"][there],
            width_m=bodies["width"][there],
            flags=flags[there],
            signals=state.colours[world].copy(),
            views={},
        )

    def _flags(self, world: int) -> np.ndarray:
        state = self.state
        vehicles, nodes = state.vehicles[world], state.nodes[world][: state.vehicles.shape[1]]
        flags = np.where(vehicles["acceleration"] < _BRAKING_MPS2, int(Flag.BRAKING), 0)
        flags |= np.where((nodes["speed"] < _WAITING_MPS) & (vehicles["cause"] > 0), int(Flag.WAITING), 0)
        lanes = self.network.lanes
        near_end = lanes["length"][vehicles["lane"]] - nodes["s"] < _INDICATE_M
        coming = state.routes[world][np.arange(vehicles.size), (vehicles["at"] + 1) % state.routes.shape[2]]
        turn = np.where(
            lanes["junction"][vehicles["lane"]] >= 0, lanes["turn"][vehicles["lane"]], np.where(near_end, lanes["turn"][coming], 0)
        )
        flags |= np.where((vehicles["changing"] > 0) | (turn == 1) | (turn == 3), int(Flag.LEFT), 0)
        flags |= np.where((vehicles["changing"] < 0) | (turn == 2), int(Flag.RIGHT), 0)
        return flags.astype(np.uint8)
