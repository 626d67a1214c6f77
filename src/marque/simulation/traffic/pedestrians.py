"""Pedestrians: they come to a crossing, wait for their light or a gap, walk over, and turn up at another crossing."""

from __future__ import annotations

import numpy as np

from marque.common import Record
from marque.driving.map import Colour
from marque.simulation.random import Purpose, philox, unit
from marque.simulation.traffic.network import Network
from marque.simulation.traffic.right_of_way import WALKER_COMES, WALKER_CROSSES, WALKER_LEAVES, WALKER_WAITS
from marque.simulation.traffic.state import World
from marque.vehicle import lean

PEDESTRIAN_SIZE_M = 0.5
PATIENCE_S = 15.0
"""After waiting so long at a crossing without priority or light the next gap is made by the cars: they let the pedestrian go."""
_SLOWEST_MPS, _PACE_SPREAD_MPS = 1.0, 0.6
_PAUSE_M = 40.0  # walkers are drawn up to so far away from their crossing, so that they come one by one
_GAP_S = 1.5
_LOOK_M, _CLEAR_M, _CLOSE_M = 0.7, 0.6, 0.35  # the last from a car that stands
_STANDING_MPS, _SIDESTEP_MPS = 0.1, 0.5
_ROOM_M, _ROOM_S, _TRIES = 3.0, 1.0, 8  # nobody turns up where a car is, or will be within so long
_WALK = np.int64(Purpose.WALK)
_GREEN, _PROTECTED = int(Colour.GREEN), int(Colour.GREEN_PROTECTED)


@lean
def send_walker(network: Network, world: World, p: int, seed: int) -> None:
    """Gives pedestrian p a new crossing, side and pace."""
    walker = world.walkers[p]
    a, b, c, d = philox(seed, p, walker.generation, _WALK)
    walker.crossing = network.walkable[int(unit(a) * network.walkable.size)]
    footway = network.footways[walker.crossing]
    walker.forward = 1 if unit(b) < 0.5 else -1
    walker.pace = _SLOWEST_MPS + _PACE_SPREAD_MPS * unit(c)
    walker.side = (2.0 * unit(d) - 1.0) * footway.side
    apron = footway.apron0 if walker.forward > 0 else footway.apron1
    walker.q = -apron
    walker.wait_s = -unit(b) * _PAUSE_M / walker.pace  # a pause before it shows up at the kerb
    walker.mode = WALKER_COMES


@lean
def queue_walkers(network: Network, world: World) -> None:
    """Rebuilds the list of walkers of every crossing."""
    for c in network.walkable:
        world.walker_head[c] = -1
    for p in range(world.walkers.size):
        walker = world.walkers[p]
        walker.next = world.walker_head[walker.crossing]
        world.walker_head[walker.crossing] = p


@lean
def walk(network: Network, world: World, p: int, seed: int, step: int, now_s: float, step_s: float) -> None:
    """One step of pedestrian p."""
    walker = world.walkers[p]
    footway = network.footways[walker.crossing]
    moving = True
    if walker.mode == WALKER_COMES:
        if walker.wait_s < 0.0:
            walker.wait_s = min(0.0, walker.wait_s + step_s)
            moving = False
        elif walker.q >= 0.0:
            walker.mode = WALKER_WAITS
    if walker.mode == WALKER_WAITS:
        if _may_walk(network, world, p, step, now_s):
            walker.mode = WALKER_CROSSES
        else:
            walker.wait_s += step_s
            moving = False
    if moving:
        car = _blocked_by(world, p)
        if car >= 0:
            moving = False
            _sidestep(world, walker, footway, p, car, step_s)
    if moving:
        walker.q += walker.pace * step_s
    if walker.mode == WALKER_CROSSES and walker.q > footway.length:
        walker.mode = WALKER_LEAVES
    if walker.mode == WALKER_LEAVES and walker.q > footway.length + (footway.apron1 if walker.forward > 0 else footway.apron0):
        moving = False
        footway = _go_elsewhere(network, world, p, seed)
    body = world.bodies[world.bodies.size - world.walkers.size + p]
    body.x, body.y = _place(footway, walker)
    body.ux, body.uy = footway.ux * walker.forward, footway.uy * walker.forward
    body.speed = walker.pace if moving else 0.0


@lean
def _go_elsewhere(network: Network, world: World, p: int, seed: int) -> Record:
    """Sends pedestrian p to where no car is near; who finds no such place stays for now. Returns the footway it is on."""
    walker = world.walkers[p]
    crossing, forward, pace, side, q, generation = walker.crossing, walker.forward, walker.pace, walker.side, walker.q, walker.generation
    for _ in range(_TRIES):
        walker.generation += 1
        send_walker(network, world, p, seed)
        if _has_room(world, *_place(network.footways[walker.crossing], walker)):
            return network.footways[walker.crossing]
    walker.crossing, walker.forward, walker.pace, walker.side, walker.q, walker.generation = crossing, forward, pace, side, q, generation
    walker.mode = WALKER_LEAVES
    return network.footways[crossing]


@lean
def _place(footway: Record, walker: Record) -> tuple[float, float]:
    t = walker.q if walker.forward > 0 else footway.length - walker.q
    return footway.x + t * footway.ux - walker.side * footway.uy, footway.y + t * footway.uy + walker.side * footway.ux


@lean
def _has_room(world: World, x: float, y: float) -> bool:
    for k in range(world.bodies.size - world.walkers.size):
        car = world.bodies[k]
        reach = 0.5 * car.length + _ROOM_M + _ROOM_S * car.speed
        if (car.x - x) ** 2 + (car.y - y) ** 2 < reach * reach:
            return False
    return True


@lean
def _blocked_by(world: World, p: int) -> int:
    """The guest that is where pedestrian p would be next, −1 for none. Vehicles of the traffic never stand on a crossing in use."""
    first = world.bodies.size - world.walkers.size
    body = world.bodies[first + p]
    x, y = body.x + _LOOK_M * body.ux, body.y + _LOOK_M * body.uy
    for g in range(world.vehicles.size, first):
        car = world.bodies[g]
        clear = _CLEAR_M if car.speed > _STANDING_MPS else _CLOSE_M
        dx, dy = car.x - x, car.y - y
        reaches = abs(dx * car.ux + dy * car.uy) < 0.5 * car.length + clear and abs(dy * car.ux - dx * car.uy) < 0.5 * car.width + clear
        # Who is past a car's middle walks on, out of its way.
        if reaches and (car.x - body.x) * body.ux + (car.y - body.y) * body.uy > 0.0:
            return g
    return -1


@lean
def _sidestep(world: World, walker: Record, footway: Record, p: int, g: int, step_s: float) -> None:
    """Goes round a guest that stands in the way, on the side where its end is nearer."""
    car, body = world.bodies[g], world.bodies[world.bodies.size - world.walkers.size + p]
    if car.speed < _STANDING_MPS:
        aside = (car.y - body.y) * footway.ux - (car.x - body.x) * footway.uy
        walker.side -= (_SIDESTEP_MPS if aside >= 0.0 else -_SIDESTEP_MPS) * step_s


@lean
def _may_walk(network: Network, world: World, p: int, step: int, now_s: float) -> bool:
    walker = world.walkers[p]
    footway = network.footways[walker.crossing]
    if footway.signal >= 0 and world.colours[footway.signal] not in (_GREEN, _PROTECTED):
        return False
    if world.guest_crossing[walker.crossing] >= step - 1:
        return False
    first = footway.priority > 0 or footway.signal >= 0 or walker.wait_s > PATIENCE_S
    for c in range(footway.lane, footway.lane + footway.lanes):
        over_index = network.crossed[c]
        if world.crossing_held[over_index] > 0:
            return False
        if not first:
            over = network.crossings[over_index]
            arrival = world.arrivals[(step - 1) & 1, over.lane]
            far_t = over.leave_t if walker.forward > 0 else footway.length - over.enter_t
            there_s = far_t / walker.pace + _GAP_S
            if arrival.stamp == step - 1 and arrival.speed > 0.5 and arrival.time_s - now_s < there_s:
                return False
    return True
