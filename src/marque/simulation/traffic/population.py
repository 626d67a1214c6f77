"""Who drives: vehicles and drivers with spread parameters, put on the road without overlap."""

from __future__ import annotations

import numpy as np

from marque.common import Floats, Indices, InputError
from marque.driving.map import RoadMap
from marque.driving.observation import Kind
from marque.simulation.random import Purpose, philox, uniform, unit
from marque.simulation.traffic.motion import make_wish, place, plan_route
from marque.simulation.traffic.network import Network
from marque.simulation.traffic.pedestrians import PEDESTRIAN_SIZE_M, queue_walkers, send_walker
from marque.simulation.traffic.queues import insert
from marque.simulation.traffic.state import State, World
from marque.vehicle import kernel, lean

_SLOT_M = 13.0  # of lane for one vehicle: the longest with a gap
_CAR, _TRUCK, _BUS = int(Kind.CAR), int(Kind.TRUCK), int(Kind.BUS)
# Shares of all vehicles: vans, trucks, buses; cars are the rest.
_VANS, _TRUCKS, _BUSES = 0.10, 0.05, 0.02
_PARAMETERS, _PLACE = np.int64(Purpose.PARAMETERS), np.int64(Purpose.PLACE)
_WHEELBASE = 0.6  # of the length


def find_slots(network: Network) -> tuple[Indices, Floats]:
    """(lane, s) of places for one vehicle each: on lanes where nothing has to be asked for, clear of forks, no nearer than _SLOT_M."""
    slot_lanes: list[int] = []
    slot_s: list[float] = []
    lanes = network.lanes
    for lane in np.flatnonzero((lanes["used"] > 0) & (lanes["contested"] == 0) & (lanes["junction"] < 0)):
        start = min(float(lanes["fork_until"][lane]), float(lanes["length"][lane])) + 0.5
        room = float(lanes["stop_s"][lane]) - start - (10.0 if lanes["successors"][lane] == 0 else 0.5)
        for slot in range(int(room // _SLOT_M)):
            slot_lanes.append(int(lane))
            slot_s.append(start + slot * _SLOT_M)
    return np.array(slot_lanes, np.int64), np.array(slot_s)


def populate(network: Network, road_map: RoadMap, state: State) -> None:
    """Puts every vehicle on the road and every pedestrian near a crossing. Raises InputError where the map has no room for them."""
    vehicles, walkers = state.vehicles.shape[1], state.walkers.shape[1]
    slot_lanes, slot_s = find_slots(network)
    if vehicles > slot_lanes.size:
        raise InputError(
            road_map.source, "", f"the map holds at most {slot_lanes.size} vehicles at {_SLOT_M:g} m each, {vehicles} were asked for",
            f"Ask for {slot_lanes.size} vehicles or fewer.",
        )  # fmt: skip
    if walkers > 0 and network.walkable.size == 0:
        raise InputError(road_map.source, "", f"the map has no pedestrian crossing, {walkers} pedestrians were asked for", "Ask for none.")
    state.bodies["length"], state.bodies["width"] = PEDESTRIAN_SIZE_M, PEDESTRIAN_SIZE_M
    state.bodies["ux"] = 1.0
    guests = slice(vehicles, state.bodies.shape[1] - walkers)
    state.bodies["length"][:, guests], state.bodies["x"][:, guests] = 0.0, np.inf
    for w in range(state.clock.size):
        seed = state.clock["seed"][w]
        order = np.argsort(_keys(seed, slot_lanes.size), kind="stable")[:vehicles]
        world = World(**{name: getattr(state, name)[w] for name in World._fields})
        _fill(network, world, seed, slot_lanes[order], slot_s[order])


@kernel
def _keys(seed: int, count: int) -> Floats:
    keys = np.empty(count)
    for slot in range(count):
        keys[slot] = uniform(seed, slot, slot, _PLACE)
    return keys


@lean
def _fill(network: Network, world: World, seed: int, slot_lanes: Indices, slot_s: Floats) -> None:
    for i in range(world.vehicles.size):
        _make_driver(network, world, i, seed, slot_lanes[i])
        me, driver, node, body = world.vehicles[i], world.drivers[i], world.nodes[i], world.bodies[i]
        me.lane = me.stop_lane = slot_lanes[i]
        me.stop_lane = -1
        me.segment = network.lanes[me.lane].segment
        me.planned = 1
        world.routes[i, 0] = me.lane
        plan_route(network, world, i, seed)
        node.s, node.length, node.owner = slot_s[i], driver.length, i
        insert(world.nodes, world.queues, i, me.lane)
        make_wish(network, world, i, seed)
        body.length, body.width = driver.length, driver.width
        place(network, world, i)
    for p in range(world.walkers.size):
        send_walker(network, world, p, seed)
    if world.walkers.size > 0:
        queue_walkers(network, world)


@lean
def _make_driver(network: Network, world: World, i: int, seed: int, lane: int) -> None:
    """Sizes of the German fleet; IDM parameters around those of Treiber and Kesting 2013, table 11.2 (city), spread by ±20 %."""
    driver, me = world.drivers[i], world.vehicles[i]
    a, b, c, d = philox(seed, 2 * i, _PARAMETERS, _PARAMETERS)
    e, f, g, h = philox(seed, 2 * i + 1, _PARAMETERS, _PARAMETERS)
    which, heavy = unit(a), network.lanes[lane].heavy
    me.kind, driver.heavy = _CAR, 0
    driver.length, driver.width = 4.0 + 0.9 * unit(b), 1.7 + 0.2 * unit(c)
    accelerate = 1.6
    if which < _BUSES and heavy:
        me.kind, driver.heavy, driver.length, driver.width, accelerate = _BUS, 1, 10.5, 2.5, 1.1
    elif which < _BUSES + _TRUCKS and heavy:
        me.kind, driver.heavy, driver.length, driver.width, accelerate = _TRUCK, 1, 7.0 + 1.5 * unit(b), 2.4, 1.0
    elif which < _BUSES + _TRUCKS + _VANS:
        driver.length, driver.width, accelerate = 5.2 + 0.8 * unit(b), 2.0, 1.4
    driver.wheelbase = _WHEELBASE * driver.length
    driver.overhang = 0.5 * (driver.length - driver.wheelbase)
    driver.factor = 0.88 + 0.12 * unit(d)
    driver.headway = 0.9 + 0.5 * unit(e)
    driver.accelerate = accelerate * (0.85 + 0.3 * unit(f))
    driver.brake = 1.6 + 0.8 * unit(g)
    driver.jam_gap = 1.6 + 0.8 * unit(h)
    driver.politeness = 0.1 + 0.3 * unit(c)
