"""Who may drive over contested ground: asked for at a line, granted for a whole stretch at once, given back zone by zone.

A *contested* lane has conflicts, crossings or a signal. Before one lies a line. A vehicle is let over it only when everything up to the
next place where it fits between two lines is free for it: no red light, no one inside or let into a zone it needs, no one with
priority so near that it would have to brake, no pedestrian on or about to enter a crossing, and room behind. Zones are held by one of the
two lanes at a time, so a wrong guess about time costs comfort, never a collision; all or nothing is granted, so nobody who holds a zone
waits for another one and no junction can lock. Whoever has waited `URGENT_S` is let in next, so no one waits for ever.
"""

from __future__ import annotations

import math

import numpy as np

from marque.driving.map import Colour, Yield
from marque.simulation.traffic.following import travel_time
from marque.simulation.traffic.network import Network
from marque.simulation.traffic.state import EXIT, ROUTE, START, Cause, World
from marque.vehicle import inlined

URGENT_S = 30.0
_PATIENT_S = 1.0  # after so long one goes ahead of those with priority who stand and wait themselves
_MARGIN_S, _MARGIN_LEAST_S, _MARGIN_SHRINKS = 1.5, 0.3, 0.03
_SECOND_RED_S = 60.0  # two lights without room between them that are never green together: the first one rules then
_CLAIM_S = 10.0
_STOP_SIGN_S = 1.0
_STANDING_MPS = 1.0
_PLACE_M = 8.5  # the same places are for waiting for all cars: else one would wait inside the stretch of another
_WALKER_URGENT_S = 15.0
_WALKER_MARGIN_M = 1.0
_MORE, _LESS = np.int64(1), np.int64(-1)
_MASK = ROUTE - 1
_GREEN, _PROTECTED, _OFF = int(Colour.GREEN), int(Colour.GREEN_PROTECTED), int(Colour.OFF)
_RED, _TAKEN, _YIELD, _WALK, _ROOM, _STOP = (
    int(c) for c in (Cause.RED, Cause.TAKEN, Cause.YIELD, Cause.PEDESTRIAN, Cause.ROOM, Cause.STOP_SIGN)
)
_NO_DUTY, _STOP_DUTY, _ALTERNATE = int(Yield.NONE), int(Yield.STOP), int(Yield.ALTERNATE)
WALKER_COMES, WALKER_WAITS, WALKER_CROSSES, WALKER_LEAVES = 0, 1, 2, 3


@inlined
def lets_pass(colour: int) -> bool:
    """Whether a colour allows entering."""
    return colour in (_GREEN, _PROTECTED, _OFF)


@inlined
def survey(network: Network, world: World, i: int, start: int, base: float, rests: float, need: float, stamp: int) -> tuple[int, int]:
    """(cause, exit) of the stretch that begins with the route's lane number start, base m along the route.

    exit: number of the lane behind it where the vehicle fits between two lines, need m long; the end of the plan where there is none.
    cause: RED, ROOM (also where the next one ahead will come to rest inside) or NONE. rests: where the leader's rear does, along the route.
    """
    me = world.vehicles[i]
    run, out, out_base = 0.0, -1, 0.0
    k = start
    while k < me.planned:
        lane_index = world.routes[i, k & _MASK]
        lane = network.lanes[lane_index]
        inner = lane.gate_s >= 0.0
        if rests == math.inf and not (k == start and inner):
            last, s = leader_on(network, world, i, lane_index, False, 0.0)
            if last >= 0:
                rests = base + s + room_to_rest(world, last)
        if k == start and inner and lane.stop_s - lane.clear_s >= max(need, _PLACE_M):  # there is room behind it on the same lane
            return (_ROOM if rests < base + lane.clear_s + need else 0), k + 1
        if lane.contested and (not inner or k == start):
            if lane.signal >= 0 and not lets_pass(world.colours[lane.signal]):
                if k == start:
                    return _RED, k
                if me.wait_s < _SECOND_RED_S:
                    return _ROOM, k
            run, out = 0.0, -1
        else:
            if out < 0:
                out, out_base = k, base
            run += lane.gate_s if inner else lane.stop_s
            if run >= max(need, _PLACE_M):
                break
            if inner:
                run, out = 0.0, -1
        base += lane.length
        k += 1
    if out < 0 or run < max(need, _PLACE_M):
        return 0, me.planned
    if rests < out_base:
        return _ROOM, out
    room = 0.0
    for j in range(out, k + 1):
        lane_index = world.routes[i, j & _MASK]
        queue = world.queues[lane_index]
        room -= queue.inbound
        if queue.last >= 0:
            tail = world.nodes[queue.last]
            room += tail.s + tail.speed * tail.speed / 8.0
            break
        room += network.lanes[lane_index].length
    return (0 if _claim(world, i, world.routes[i, out & _MASK], room >= need, stamp) else _ROOM), out


@inlined
def _claim(world: World, i: int, lane: int, roomy: bool, stamp: int) -> bool:
    """Whether vehicle i may have the room there is on a lane; whoever has waited longest for it comes first."""
    queue, wait_s = world.queues[lane], world.vehicles[i].wait_s
    claimed = queue.claim_stamp >= stamp - 1 and queue.claimer != i and queue.claim_s >= wait_s
    if roomy and not claimed:
        return True
    if wait_s > _CLAIM_S and not claimed:
        queue.claim_s, queue.claim_stamp, queue.claimer = wait_s, stamp, i
    return False


@inlined
def leader_on(network: Network, world: World, i: int, lane_index: int, own: bool, beyond_s: float) -> tuple[int, float]:
    """(node, s of its rear) of the nearest ahead on a lane: in its queue, or on a lane that forks off it and still in the way.

    own: the vehicle's rear is on this lane, at beyond_s; otherwise the whole lane lies ahead. −1 when there is no one.
    """
    nodes = world.nodes
    found = nodes[i].ahead if own else world.queues[lane_index].last
    s = nodes[found].s if found >= 0 else math.inf
    lane = network.lanes[lane_index]
    if beyond_s < lane.fork_until:
        for f in range(lane.fork, lane.fork + lane.forks):
            fork = network.forks[f]
            other = world.queues[fork.other].last
            while other >= 0 and (nodes[other].owner == i or (own and (nodes[other].s, other) <= (beyond_s, i))):
                other = nodes[other].ahead
            if other >= 0 and nodes[other].s < fork.other_until and nodes[other].s < s:
                found, s = other, nodes[other].s
    return found, s


@inlined
def room_to_rest(world: World, n: int) -> float:
    """How far node n still drives if it has to wait at the next line, m; inf when it has not."""
    node = world.nodes[n]
    if node.owner < world.vehicles.size:
        return world.vehicles[node.owner].line_m
    return 0.0 if node.speed < _STANDING_MPS else math.inf


@inlined
def announce(
    network: Network, world: World, i: int, start: int, end: int, stamp: int, now_s: float, in_s: float, speed: float, denied: int
) -> None:
    """Tells everyone that vehicle i will come to the contested lanes start … end − 1 of its route, the first in in_s seconds."""
    wait_s = world.vehicles[i].wait_s
    for k in range(start, end):
        lane = world.routes[i, k & _MASK]
        if network.lanes[lane].contested:
            arrival = world.arrivals[stamp & 1, lane]
            if arrival.stamp != stamp or now_s + in_s < arrival.time_s:
                arrival.time_s, arrival.wait_s, arrival.speed = now_s + in_s, wait_s, speed
                arrival.stamp, arrival.agent, arrival.denied = stamp, i, denied


@inlined
def ask(network: Network, world: World, i: int, start: int, end: int, along: float, stamp: int, now_s: float) -> int:
    """Why vehicle i may not drive over the contested lanes start … end − 1 of its route; 0 when it may.

    along: m from its rear bumper to the beginning of the first of them.
    """
    me, driver = world.vehicles[i], world.drivers[i]
    protected, junction = False, -2
    inside = False
    for k in range(me.at, start):  # what lies before the line it asks at has been granted to it
        inside = inside or network.lanes[world.routes[i, k & _MASK]].contested > 0
    for k in range(start, end):
        lane_index = world.routes[i, k & _MASK]
        lane = network.lanes[lane_index]
        if lane.signal >= 0:
            protected = world.colours[lane.signal] == _PROTECTED
        elif lane.junction != junction:
            protected = False
        junction = lane.junction
        if lane.contested:
            wanted = min(lane.limit * driver.factor, lane.curve)
            for z in range(lane.zone, lane.zone + lane.zones):
                zone = network.zones[z]
                if world.held[zone.mirror] > 0:
                    return _TAKEN
                intruder = world.intruders[zone.other]
                if intruder.stamp == stamp and intruder.rear < zone.other_leave and intruder.reach > zone.other_enter:
                    return _TAKEN
                if zone.yields == _STOP_DUTY and not protected and me.wait_s < _STOP_SIGN_S:
                    return _STOP
                cause = _meets(
                    world,
                    i,
                    zone.other,
                    0 if protected else zone.yields,
                    zone.other_enter,
                    along + zone.leave,
                    wanted,
                    stamp,
                    now_s,
                    inside,
                )
                if cause > 0:
                    return cause
            for c in range(lane.crossing, lane.crossing + lane.crossings):
                if walked_on(network, world, c, me.wait_s, inside):
                    return _WALK
        along += lane.length
    return 0


@inlined
def _meets(
    world: World, i: int, other: int, duty: int, other_enter: float, to_clear: float, wanted: float, stamp: int, now_s: float, inside: bool
) -> int:
    """Whether the next one on the other lane keeps vehicle i from going: by priority, by having waited too long, or not at all (0).

    inside: vehicle i holds ground that others wait for; it clears it before those who have waited longer.
    """
    arrival = world.arrivals[(stamp - 1) & 1, other]
    if arrival.stamp != stamp - 1 or arrival.agent == i:
        return 0
    wait_s = world.vehicles[i].wait_s
    if not inside and arrival.wait_s > URGENT_S and (arrival.wait_s > wait_s or (arrival.wait_s == wait_s and arrival.agent < i)):
        return _YIELD
    # A guest does not know who has waited how long: one that comes on is let go.
    comes_on = arrival.agent >= world.vehicles.size and arrival.speed > 0.5
    if duty == _NO_DUTY or (wait_s > URGENT_S and not comes_on):
        return 0
    if arrival.denied > 0 and arrival.speed < 0.5 and wait_s >= _PATIENT_S:
        return 0
    if duty == _ALTERNATE and (wait_s > arrival.wait_s or (wait_s == arrival.wait_s and i < arrival.agent)):
        return 0
    driver = world.drivers[i]
    clear_s = travel_time(to_clear, world.nodes[i].speed, wanted, driver.accelerate)
    margin_s = max(_MARGIN_LEAST_S, _MARGIN_S - _MARGIN_SHRINKS * wait_s)
    return _YIELD if arrival.time_s - now_s + other_enter / max(arrival.speed, 5.0) < clear_s + margin_s else 0


@inlined
def walked_on(network: Network, world: World, c: int, wait_s: float, inside: bool) -> bool:
    """Whether a pedestrian is on, or has the right to enter, the part of a crossing that a lane runs over.

    inside: the one who asks holds ground already, maybe another part of it; only those who walk keep it from going on.
    """
    over = network.crossings[c]
    footway = network.footways[over.crossing]
    entitled = footway.priority > 0
    if footway.signal >= 0:
        entitled = world.colours[footway.signal] in (_GREEN, _PROTECTED)
    p = world.walker_head[over.crossing]
    while p >= 0:
        walker = world.walkers[p]
        if walker.mode == WALKER_CROSSES:
            t = walker.q if walker.forward > 0 else footway.length - walker.q
            if walker.forward > 0 and t < over.leave_t + _WALKER_MARGIN_M:
                return True
            if walker.forward <= 0 and t > over.enter_t - _WALKER_MARGIN_M:
                return True
        elif walker.mode == WALKER_WAITS or (walker.mode == WALKER_COMES and walker.q > -2.0):
            urgent = walker.wait_s > _WALKER_URGENT_S and footway.signal < 0
            if not inside and ((entitled and wait_s < URGENT_S) or urgent):
                return True
        p = walker.next
    return False


@inlined
def grant(network: Network, world: World, i: int, start: int, end: int, need: float) -> None:
    """Lets vehicle i over the line: the zones and crossings up to lane number end are its own, need m behind them are reserved."""
    me = world.vehicles[i]
    _hold(network, world, i, start, end, _MORE)
    world.marks[i, start & _MASK] |= START
    if end < me.planned:
        lane = world.routes[i, end & _MASK]
        if not network.lanes[lane].contested or network.lanes[lane].gate_s >= 0.0:
            world.marks[i, end & _MASK] |= EXIT
            world.queues[lane].inbound += need
    me.go = end
    me.wait_s = 0.0


@inlined
def revoke(network: Network, world: World, i: int, start: int, need: float) -> None:
    """Takes back what vehicle i was granted from lane number start on; it can still stop at the line before it."""
    me = world.vehicles[i]
    _hold(network, world, i, start, me.go, _LESS)
    for k in range(start, me.go + 1):
        if world.marks[i, k & _MASK] & EXIT and k > start and k < me.planned:
            world.queues[world.routes[i, k & _MASK]].inbound -= need
            world.marks[i, k & _MASK] &= ~EXIT
        if k < me.go:
            world.marks[i, k & _MASK] &= ~START
    me.go = start


@inlined
def _hold(network: Network, world: World, i: int, start: int, end: int, sign: int) -> None:
    for k in range(start, end):
        lane = network.lanes[world.routes[i, k & _MASK]]
        for z in range(lane.zone, lane.zone + lane.zones):
            world.held[z] += sign
        for c in range(lane.crossing, lane.crossing + lane.crossings):
            world.crossing_held[c] += sign


@inlined
def release(network: Network, world: World, i: int, s: float) -> None:
    """Gives back what lies behind the rear of vehicle i at s m on its lane (np.inf: all of the lane)."""
    me = world.vehicles[i]
    lane = network.lanes[me.lane]
    while me.released < lane.zones and network.zones[lane.zone + me.released].leave < s:
        world.held[lane.zone + me.released] -= 1
        me.released += 1
    while me.crossed < lane.crossings and network.crossings[lane.crossing + me.crossed].leave < s:
        world.crossing_held[lane.crossing + me.crossed] -= 1
        me.crossed += 1
