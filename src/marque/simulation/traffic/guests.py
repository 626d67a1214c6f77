"""Bodies the traffic does not drive: self-driving cars, replayed actors. Traffic follows them, yields to them, waits for them.

A guest stands in the queue of every lane its footprint touches, so whoever drives there follows or stops. On contested lanes it counts as
one who holds the zones it is in or can no longer stop before; where it comes nearer it is announced like any vehicle.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from marque.common import Bools, Bytes, Floats, Ints
from marque.driving.map import MapArrays
from marque.driving.map.query import grid_cell
from marque.simulation.traffic.following import travel_time
from marque.simulation.traffic.network import Network
from marque.simulation.traffic.queues import insert, remove
from marque.simulation.traffic.right_of_way import lets_pass
from marque.simulation.traffic.state import GUEST_LANES, World
from marque.vehicle import lean

_INSIDE_M = 0.2  # a body that hangs over a border by less is not on the lane
_SWEPT_M, _SWING_M2 = 1.2, 6.0  # half a van and a bit; (3.5 m from rear axle to nose)²/2 per metre of radius
_BRAKE_MPS2 = 4.0  # a guest that would have to brake harder for a line is taken to drive on
_ALIGNED = 0.7
_NEAR_LINE_M = 6.0
_SIGHT_M = 100.0


class GuestStates(NamedTuple):
    """All guests of all worlds at one instant, (W, G) each: poses are centres of bodies, SI units, the map's frame."""

    present: Bools
    kinds: Bytes  # `driving.Kind`
    x_m: Floats
    y_m: Floats
    heading_rad: Floats
    speed_mps: Floats
    length_m: Floats
    width_m: Floats
    routes: Ints  # (W, G, K) the lanes it means to drive, the present one first; −1 from where nothing is known


def no_guests(worlds: int, guests: int) -> GuestStates:
    """Seats for guests, all of them empty."""
    shape = (worlds, guests)
    x_m, y_m, heading_rad, speed_mps, length_m, width_m = np.zeros((6, *shape))
    routes = np.full((*shape, 1), -1, np.int32)
    return GuestStates(np.zeros(shape, np.bool_), np.zeros(shape, np.uint8), x_m, y_m, heading_rad, speed_mps, length_m, width_m, routes)


@lean
def seat_guest(network: Network, arrays: MapArrays, world: World, w: int, g: int, guests: GuestStates) -> None:
    """Puts guest g into the queues of the lanes it touches now, and its body where it is."""
    vehicles = world.vehicles.size
    node0 = 2 * vehicles + g * GUEST_LANES
    for n in range(node0, node0 + GUEST_LANES):
        remove(world.nodes, world.queues, n)
    body = world.bodies[vehicles + g]
    if not guests.present[w, g]:
        body.x = math.inf
        body.length = body.width = body.speed = 0.0
        return
    body.x, body.y, body.speed = guests.x_m[w, g], guests.y_m[w, g], guests.speed_mps[w, g]
    body.ux, body.uy = math.cos(guests.heading_rad[w, g]), math.sin(guests.heading_rad[w, g])
    body.length, body.width = guests.length_m[w, g], guests.width_m[w, g]
    count = np.int64(0)
    rows = math.ceil(body.length / 2.0)
    for row in range(rows + 1):
        for column in range(-1, 2):
            ahead, aside = body.length * (row / rows - 0.5), 0.5 * body.width * column
            x, y = body.x + ahead * body.ux - aside * body.uy, body.y + ahead * body.uy + aside * body.ux
            count = _touch(network, arrays, world, x, y, node0, count)
    for n in range(node0, node0 + count):
        node = world.nodes[n]
        lane, forward = node.lane, node.speed  # _touch keeps the greatest s in length and the direction in speed
        node.length -= node.s
        node.speed = max(0.0, body.speed * forward)
        node.owner = vehicles + g
        node.lane = -1
        insert(world.nodes, world.queues, n, lane)


@lean
def _touch(network: Network, arrays: MapArrays, world: World, x: float, y: float, node0: int, count: int) -> int:
    """Stretches the guest's nodes to hold a place of its footprint; returns how many there are now."""
    cell = grid_cell(arrays, x, y)
    if cell < 0:
        return count
    body = world.bodies[world.vehicles.size + (node0 - 2 * world.vehicles.size) // GUEST_LANES]
    for c in range(arrays.grid_start[cell], arrays.grid_start[cell + 1]):
        i = arrays.grid_points[c]
        point, here, behind = arrays.points[i], network.segments[i], network.segments[i + 1]
        if not network.lanes[point.lane].used:
            continue
        along, aside = (x - here.x) * here.ux + (y - here.y) * here.uy, (y - here.y) * here.ux - (x - here.x) * here.uy
        if along < 0.0 or along > behind.s - here.s:
            continue
        left, right = point.left_m - _INSIDE_M, point.right_m - _INSIDE_M
        if network.lanes[point.lane].contested:  # here it is the swept path that counts: the front swings out of a bend
            left, right = _SWEPT_M + _SWING_M2 * max(0.0, -point.curvature), _SWEPT_M + _SWING_M2 * max(0.0, point.curvature)
        if aside > left or -aside > right:
            continue
        s, n = here.s + along, node0
        while n < node0 + count and world.nodes[n].lane != point.lane:
            n += 1
        if n == node0 + GUEST_LANES:
            continue
        node = world.nodes[n]
        if n == node0 + count:
            count += 1
            node.lane, node.s, node.length = point.lane, s, s
            node.speed = here.ux * body.ux + here.uy * body.uy
        else:
            node.s, node.length = min(node.s, s), max(node.length, s)
    return count


@lean
def announce_guest(
    network: Network, world: World, w: int, g: int, guests: GuestStates, waits: Floats, step: int, now_s: float, step_s: float
) -> None:
    """Claims the contested ground guest g is on or cannot stop before, and announces it where it will come.

    As any vehicle it is announced no farther than to a red light, nor where it could not leave the junction again; and how long it has
    waited counts at the line before which it waits, and at no other: until it has got going, or who let it go would go as well.
    """
    vehicles = world.vehicles.size
    body, nodes = world.bodies[vehicles + g], world.nodes
    if not guests.present[w, g]:
        return
    node0 = 2 * vehicles + g * GUEST_LANES
    route = guests.routes[w, g]
    stopping = body.speed * body.speed / (2.0 * _BRAKE_MPS2)
    base, front, line = 0.0, -math.inf, math.inf  # along the route, from the start of its first lane that the guest touches
    rear = math.inf
    on_route = counted = False
    for r in range(route.size):
        lane_index = np.int64(route[r])
        if lane_index < 0 or (on_route and base > front + _SIGHT_M):
            break
        lane = network.lanes[lane_index]
        for n in range(node0, node0 + GUEST_LANES):
            if nodes[n].lane == lane_index and (not on_route or base + nodes[n].s < front + 1.0):
                rear = min(rear, base + nodes[n].s)
                front = max(front, base + nodes[n].s + nodes[n].length)
                on_route = True
        if not on_route:
            continue
        if lane.used:
            to_line = min(line, base + (max(lane.gate_s, 0.0))) - front
            held = False
            if lane.contested:
                commits, here = to_line < stopping + 0.5 * body.speed, abs(to_line) < _NEAR_LINE_M
                stands = body.speed < 0.5 and here
                if commits:
                    _intrude(world, lane_index, rear - base, front + stopping - base, step)
                if lane.signal >= 0 and not lets_pass(world.colours[lane.signal]):
                    held = stands or not commits
                elif stands:
                    waits[w, g] += 0.0 if counted else step_s
                    counted = True
                    held = not commits and not _has_room(network, world, route, r, body.length)
                if not held:
                    in_s = travel_time(max(to_line, 0.0), max(body.speed, 0.0), max(body.speed, 0.7 * lane.limit), 2.0)
                    arrival = world.arrivals[step & 1, lane_index]
                    if arrival.stamp != step or now_s + in_s < arrival.time_s:
                        arrival.time_s, arrival.wait_s, arrival.speed = now_s + in_s, waits[w, g] if here else 0.0, body.speed
                        arrival.stamp, arrival.agent, arrival.denied = step, vehicles + g, 1
            for c in range(lane.crossing, lane.crossing + lane.crossings):
                over = network.crossings[c]
                to_crossing = base + over.enter - front
                if rear < base + over.leave and (to_crossing < 0.5 or (body.speed > 0.5 and to_crossing < stopping + 1.5 * body.speed)):
                    world.guest_crossing[over.crossing] = step
            if held:
                break
        line = math.inf if lane.contested else base + lane.stop_s
        base += lane.length
    if body.speed > 1.0:
        waits[w, g] = 0.0
    if not on_route:
        for n in range(node0, node0 + GUEST_LANES):
            if nodes[n].lane >= 0 and network.lanes[nodes[n].lane].contested and nodes[n].speed >= _ALIGNED * body.speed:
                _intrude(world, nodes[n].lane, nodes[n].s, nodes[n].s + nodes[n].length + stopping, step)


@lean
def _has_room(network: Network, world: World, route: Ints, first: int, need: float) -> bool:
    """Whether a guest that waits before lane number `first` of its route fits onto the first lane behind the junction."""
    for r in range(first, route.size):
        lane_index = np.int64(route[r])
        if lane_index < 0:
            return True
        if not network.lanes[lane_index].contested:
            last = world.queues[lane_index].last
            return last < 0 or world.nodes[last].s + world.nodes[last].speed ** 2 / (2.0 * _BRAKE_MPS2) >= need
    return True


@lean
def _intrude(world: World, lane: int, rear: float, reach: float, step: int) -> None:
    intruder = world.intruders[lane]
    if intruder.stamp != step:
        intruder.stamp, intruder.rear, intruder.reach = step, rear, reach
    else:
        intruder.rear, intruder.reach = min(intruder.rear, rear), max(intruder.reach, reach)
