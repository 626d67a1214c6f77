"""Moving on: along the lane, over its end, sideways during a lane change; what the route brings next; where the body stands."""

from __future__ import annotations

import math

import numpy as np

from marque.driving.map import Turn
from marque.simulation.random import Purpose, choice, uniform
from marque.simulation.traffic.network import Network
from marque.simulation.traffic.queues import insert, keep_order, remove
from marque.simulation.traffic.right_of_way import release
from marque.simulation.traffic.state import EXIT, ROUTE, Cause, World
from marque.vehicle import inlined, lean

_MASK = ROUTE - 1
_PLAN = 12
"""Lanes a vehicle plans ahead of the one under its rear."""
_JAM_M, _TURN_LANES = 12.0, 3
_WISH_SHARE = 0.25  # of the drivers on a road with a lane beside theirs want to be there for their next turn
_STANDING_MPS = 0.1
_AT_LINE_M = 3.0
_DETOUR_S = 10.0  # who has waited so long for room, and again so long, may take another turn
_ROUTE, _WISH = np.int64(Purpose.ROUTE), np.int64(Purpose.WISH)
_BACK = int(Turn.BACK)
_RED, _ROOM = int(Cause.RED), int(Cause.ROOM)


@lean
def plan_route(network: Network, world: World, i: int, seed: int) -> None:
    """Chooses lanes until the plan is full: any successor made for the vehicle, turning back or into a jam only
    where there is no other way.
    """
    me = world.vehicles[i]
    heavy = world.drivers[i].heavy
    while me.planned - me.at < _PLAN:
        lane = network.lanes[world.routes[i, (me.planned - 1) & _MASK]]
        best_rank, count = 0, np.int64(0)
        for n in range(lane.successor, lane.successor + lane.successors):
            rank = _rank(network, world, network.successors[n], heavy)
            if rank > best_rank:
                best_rank, count = rank, 0
            if rank == best_rank:
                count += 1
        if count == 0:  # the lane ends here; a lane change must come first
            return
        drawn = 0
        if count > 1:
            drawn = choice(seed, i, me.draws, _ROUTE, count)
            me.draws += 1
        for n in range(lane.successor, lane.successor + lane.successors):
            if _rank(network, world, network.successors[n], heavy) == best_rank:
                if drawn == 0:
                    world.routes[i, me.planned & _MASK] = network.successors[n]
                    break
                drawn -= 1
        world.marks[i, me.planned & _MASK] = 0
        me.planned += 1


@lean
def _try_another_way(network: Network, world: World, i: int, seed: int) -> None:
    """Plans the route anew from the line at which vehicle i waits."""
    me = world.vehicles[i]
    for k in range(me.at, me.planned):
        if world.routes[i, k & _MASK] == me.stop_lane and me.go <= k + 1:
            me.planned = k + 1
            me.go = min(me.go, k + 1)
            plan_route(network, world, i, seed)
            return


@lean
def _rank(network: Network, world: World, lane_index: int, heavy: int) -> int:
    """How well a lane serves as the next one: wide enough first, then not turning back, then not jammed."""
    lane = network.lanes[lane_index]
    return 1 + (4 if lane.heavy >= heavy else 0) + (2 if lane.turn != _BACK else 0) + (0 if _jammed(network, world, lane_index) else 1)


@lean
def _jammed(network: Network, world: World, lane_index: int) -> bool:
    """Whether the queue on the road behind a turn stands back to its beginning."""
    for _ in range(_TURN_LANES):
        lane = network.lanes[lane_index]
        if lane.junction < 0 or lane.successors != 1:
            break
        lane_index = network.successors[lane.successor]
    last = world.queues[lane_index].last
    return last >= 0 and world.nodes[last].s < _JAM_M and world.nodes[last].speed < 1.0


@lean
def make_wish(network: Network, world: World, i: int, seed: int) -> None:
    """Which neighbour of its lane the vehicle wants to reach before the lane is over; a lane that ends must be left."""
    me = world.vehicles[i]
    lane = network.lanes[me.lane]
    me.wish = 0
    if lane.left < 0 and lane.right < 0:
        return
    if lane.way_out != 0:
        me.wish = lane.way_out
        return
    u = uniform(seed, i, me.at, _WISH)
    if u < _WISH_SHARE and lane.left >= 0 and network.lanes[lane.left].successors > 0:
        me.wish = 1
    elif u > 1.0 - _WISH_SHARE and lane.right >= 0 and network.lanes[lane.right].successors > 0:
        me.wish = -1


@inlined
def move(network: Network, world: World, i: int, seed: int, step_s: float) -> float:
    """One step of vehicle i at the speed it chose; returns the metres driven."""
    vehicles, nodes, queues = world.vehicles, world.nodes, world.queues
    me, driver, node = vehicles[i], world.drivers[i], nodes[i]
    metres = 0.5 * (node.speed + me.next_speed) * step_s
    me.acceleration = (me.next_speed - node.speed) / step_s
    node.speed = me.next_speed
    node.s += metres
    if node.speed < _STANDING_MPS:
        if me.cause != _RED:
            me.still_s += step_s
            if me.line_m < _AT_LINE_M:
                me.wait_s += step_s
                if me.cause == _ROOM and me.wait_s > _DETOUR_S and int(me.wait_s / _DETOUR_S) > int((me.wait_s - step_s) / _DETOUR_S):
                    _try_another_way(network, world, i, seed)
    elif node.speed > 1.0:
        me.still_s = 0.0

    if me.change_span > 0.0:
        _move_aside(world, i, metres)
    length = network.lanes[me.lane].length
    if node.s < length:
        if me.at < me.go:
            release(network, world, i, node.s)
        keep_order(nodes, queues, i)
    else:
        while node.s >= length and me.at + 1 < me.planned:
            if me.at < me.go:
                release(network, world, i, np.inf)
            remove(nodes, queues, i)
            node.s -= length
            me.at += 1
            if world.marks[i, me.at & _MASK] & EXIT:
                queues[world.routes[i, me.at & _MASK]].inbound -= driver.length + driver.jam_gap
            world.marks[i, me.at & _MASK] = 0
            me.lane = world.routes[i, me.at & _MASK]
            me.segment = network.lanes[me.lane].segment
            me.released = me.crossed = 0
            insert(nodes, queues, i, me.lane)
            plan_route(network, world, i, seed)
            length = network.lanes[me.lane].length
        make_wish(network, world, i, seed)
        if me.at < me.go:
            release(network, world, i, node.s)
    place(network, world, i)
    return metres


@inlined
def smooth(share: float) -> float:
    """0 … 1 for 0 … 1 with flat ends: 3u² − 2u³."""
    u = min(1.0, max(0.0, share))
    return u * u * (3.0 - 2.0 * u)


@inlined
def _move_aside(world: World, i: int, metres: float) -> None:
    me, shadow = world.vehicles[i], world.nodes[world.vehicles.size + i]
    me.change_m += metres
    me.offset = me.offset_from * (1.0 - smooth(me.change_m / me.change_span))
    shadow.s += metres
    shadow.speed = world.nodes[i].speed
    keep_order(world.nodes, world.queues, world.vehicles.size + i)
    if me.change_m >= me.change_span:
        me.offset = me.change_span = 0.0
        me.changing = 0
        remove(world.nodes, world.queues, world.vehicles.size + i)


@inlined
def place(network: Network, world: World, i: int) -> None:
    """The body's pose: both axles on the path (shifted sideways during a lane change), the body straight between them."""
    me, driver, body = world.vehicles[i], world.drivers[i], world.bodies[i]
    lanes, segments = network.lanes, network.segments
    k, s, segment = me.at, world.nodes[i].s + driver.overhang, me.segment
    lane = lanes[me.lane]
    end = lane.segment + lane.segments
    rear_x = rear_y = 0.0
    for axle in range(2):
        while s > lane.length and k + 1 < me.planned:
            s -= lane.length
            k += 1
            lane = lanes[world.routes[i, k & _MASK]]
            segment, end = lane.segment, lane.segment + lane.segments
        while segment + 1 < end and segments[segment + 1].s <= s:
            segment += 1
        here = segments[segment]
        x, y = here.x + (s - here.s) * here.ux, here.y + (s - here.s) * here.uy
        if axle == 0:
            if k == me.at:
                me.segment = segment
            x, y = x - me.offset * here.uy, y + me.offset * here.ux
            rear_x, rear_y = x, y
            s += driver.wheelbase
        else:
            if me.change_span > 0.0:
                offset = me.offset_from * (1.0 - smooth((me.change_m + driver.wheelbase) / me.change_span))
                x, y = x - offset * here.uy, y + offset * here.ux
            dx, dy = x - rear_x, y - rear_y
            distance = math.sqrt(dx * dx + dy * dy)
            body.x, body.y = 0.5 * (x + rear_x), 0.5 * (y + rear_y)
            body.ux, body.uy = dx / distance, dy / distance
    body.speed = world.nodes[i].speed
