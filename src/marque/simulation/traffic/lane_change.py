"""Changing lanes: MOBIL's incentive and safety, the route's wish, and the geometry of going over.

From its beginning to its end a change occupies both lanes: the vehicle's node is in the new queue, its shadow stays in the old one.
Source: Kesting, Treiber, Helbing 2007, "General lane-changing model MOBIL".
"""

from __future__ import annotations

import math

import numpy as np

from marque.common import Record, Records
from marque.simulation.traffic.following import idm_acceleration, safe_speed
from marque.simulation.traffic.motion import plan_route
from marque.simulation.traffic.network import Network
from marque.simulation.traffic.queues import insert, remove
from marque.simulation.traffic.state import END_M, ROUTE, World
from marque.vehicle import lean

CHANGE_S = 3.5
_SHORTEST_M = 12.0
_CRAWL_MPS = 1.0  # who is slower does not have to brake
_CRAWL_M = 6.0  # a change out of a lane that ends, begun at a standstill
SAFE_MPS2, _SAFE_FORCED_MPS2 = 2.0, 4.0  # what a change may make the one behind brake
_THRESHOLD_MPS2, _WISH_MPS2 = 0.3, 1.5
_LOOK_BACK_M = 60.0
_MASK = ROUTE - 1


@lean
def consider_change(network: Network, world: World, i: int, seed: int) -> None:
    """Begins a lane change of vehicle i where one is wished for or pays, is safe, and can be over before the lane is."""
    me, driver, node = world.vehicles[i], world.drivers[i], world.nodes[i]
    lane = network.lanes[me.lane]
    if (lane.left < 0 and lane.right < 0) or me.change_span > 0.0 or me.go > me.at:
        return
    ends = lane.way_out != 0
    left_m = (lane.stop_s if ends else _free_until(lane)) - node.s - driver.length - 0.5 - driver.wheelbase
    span = max(_SHORTEST_M, CHANGE_S * node.speed)
    if ends and left_m < span:
        span = left_m
        if span < _CRAWL_M:
            return
    if span > left_m or (node.ahead >= 0 and _held_up(world.nodes[node.ahead], node.s + driver.length) < 0.8 * span + driver.jam_gap):
        return
    best, best_side, best_s, best_d, best_span = 0.0, np.int64(0), 0.0, 0.0, span
    for side in (1, -1):
        target = lane.left if side > 0 else lane.right
        if target < 0 or me.wish == -side or (ends and me.wish != side):
            continue
        beside = network.lanes[target]
        if (beside.way_out != 0 and not ends) or beside.heavy < driver.heavy:
            continue
        s, d = _beside(network, world, i, target)
        room = _free_until(beside) - 0.5 - s - driver.length - driver.wheelbase
        if s < max(0.5, world.queues[target].inbound + 1.0) or room < (min(span, _CRAWL_M) if ends else span):
            continue
        gain = _gain(network, world, i, target, s, ends)
        if me.wish == side and gain > -math.inf:
            gain += 1e3 if ends else _WISH_MPS2
        if gain > _THRESHOLD_MPS2 and gain > best:
            best, best_side, best_s, best_d, best_span = gain, side, s, d, min(span, room)
    if best_side != 0:
        _begin(network, world, i, lane.left if best_side > 0 else lane.right, best_side, best_s, best_d, best_span, seed)


@lean
def _free_until(lane: Record) -> float:
    """Up to which s a lane change may go on: a line, or where a lane that ends has to be left in turn."""
    if lane.way_out != 0:
        return lane.stop_s - END_M
    return lane.gate_s if lane.contested else lane.stop_s


@lean
def _held_up(leader: Record, front: float) -> float:
    """How far a vehicle can drive on behind the leader on its old lane, should that brake: a change is not begun to be left half done."""
    return leader.s - front + leader.speed * leader.speed / (2.0 * _SAFE_FORCED_MPS2)


@lean
def _beside(network: Network, world: World, i: int, target: int) -> tuple[float, float]:
    """(s of the rear bumper, d of the rear axle) of vehicle i on a neighbouring lane."""
    body, driver, lane = world.bodies[i], world.drivers[i], network.lanes[target]
    x, y = body.x - 0.5 * driver.wheelbase * body.ux, body.y - 0.5 * driver.wheelbase * body.uy
    nearest, s, d = math.inf, -1.0, 0.0
    for k in range(lane.segment, lane.segment + lane.segments):
        p, q = network.segments[k], network.segments[k + 1]
        along = min(q.s - p.s, max(0.0, (x - p.x) * p.ux + (y - p.y) * p.uy))
        dx, dy = x - p.x - along * p.ux, y - p.y - along * p.uy
        if dx * dx + dy * dy < nearest:
            nearest, s, d = dx * dx + dy * dy, p.s + along, dy * p.ux - dx * p.uy
    return s - driver.overhang, d


@lean
def _follow(world: World, lane: Record, n: int, leader: int, gap: float) -> float:
    """IDM acceleration of node n on a lane behind node leader (−1: free); a guest is taken to drive like vehicle 0."""
    node = world.nodes[n]
    driver = world.drivers[node.owner if node.owner < world.vehicles.size else 0]
    wanted = min(lane.limit * driver.factor, lane.curve)
    leader_speed = world.nodes[leader].speed if leader >= 0 else 0.0
    return idm_acceleration(
        node.speed, wanted, gap if leader >= 0 else math.inf, leader_speed, driver.headway, driver.accelerate, driver.brake, driver.jam_gap
    )


@lean
def _gain(network: Network, world: World, i: int, target: int, s: float, forced: bool) -> float:
    """MOBIL's balance of a change to s m on the target lane, m/s²; −inf where it is not safe."""
    nodes, driver, node = world.nodes, world.drivers[i], world.nodes[i]
    lane = network.lanes[target]
    behind, ahead = -1, world.queues[target].last
    while ahead >= 0 and nodes[ahead].s <= s:
        behind, ahead = ahead, nodes[ahead].ahead
    gap_behind = math.inf
    if behind >= 0:
        gap_behind = s - nodes[behind].s - nodes[behind].length
    elif s < _LOOK_BACK_M:
        behind, gap_behind = _comes_behind(network, world, target, s)
    gap_ahead = nodes[ahead].s - s - driver.length if ahead >= 0 else math.inf

    safe_brake = _SAFE_FORCED_MPS2 if forced else SAFE_MPS2
    mine_new = _follow(world, lane, i, ahead, gap_ahead)
    if (mine_new < -safe_brake and node.speed > _CRAWL_MPS) or _too_close(gap_ahead, node, nodes, ahead, True):
        return -math.inf
    others = 0.0
    if behind >= 0:
        theirs_new = _follow(world, lane, behind, i, gap_behind)
        if (theirs_new < -safe_brake and nodes[behind].speed > _CRAWL_MPS) or _too_close(gap_behind, node, nodes, behind, False):
            return -math.inf
        between = nodes[ahead].s - nodes[behind].s - nodes[behind].length if ahead >= 0 and nodes[behind].lane == target else math.inf
        others += theirs_new - _follow(world, lane, behind, ahead, between)
    here = network.lanes[node.lane]
    gap = nodes[node.ahead].s - node.s - driver.length if node.ahead >= 0 else math.inf
    if node.behind >= 0:
        follower = nodes[node.behind]
        now = _follow(world, here, node.behind, i, node.s - follower.s - follower.length)
        freed = nodes[node.ahead].s - follower.s - follower.length if node.ahead >= 0 else math.inf
        others += _follow(world, here, node.behind, node.ahead, freed) - now
    return mine_new - _follow(world, here, i, node.ahead, gap) + driver.politeness * others


@lean
def _too_close(gap: float, node: Record, nodes: Records, other: int, ahead: bool) -> bool:
    """Whether the one behind could not avoid the one ahead if that braked as hard as anyone can, a step of reaction included."""
    if other < 0:
        return False
    if gap < 1.0:
        return True
    follower, leader = (node, nodes[other]) if ahead else (nodes[other], node)
    return follower.speed > safe_speed(follower.speed, gap - 0.5, leader.speed, 0.5)


@lean
def _comes_behind(network: Network, world: World, target: int, s: float) -> tuple[int, float]:
    """(node, gap) of the nearest on the lanes that lead to a place s m on a lane, two lanes back; (−1, inf) if no one is there."""
    found, gap = -1, math.inf
    lane = network.lanes[target]
    for a in range(lane.predecessor, lane.predecessor + lane.predecessors):
        first_index = network.predecessors[a]
        first = network.lanes[first_index]
        n = world.queues[first_index].first
        if n >= 0:
            room = s + first.length - world.nodes[n].s - world.nodes[n].length
            if room < gap:
                found, gap = n, room
            continue
        for b in range(first.predecessor, first.predecessor + first.predecessors):
            second_index = network.predecessors[b]
            n = world.queues[second_index].first
            if n >= 0:
                room = s + first.length + network.lanes[second_index].length - world.nodes[n].s - world.nodes[n].length
                if room < gap:
                    found, gap = n, room
    return found, gap


@lean
def _begin(network: Network, world: World, i: int, target: int, side: int, s: float, d: float, span: float, seed: int) -> None:
    me, driver, nodes, queues = world.vehicles[i], world.drivers[i], world.nodes, world.queues
    shadow, old = world.vehicles.size + i, me.lane
    nodes[shadow].s, nodes[shadow].speed, nodes[shadow].length, nodes[shadow].owner = nodes[i].s, nodes[i].speed, nodes[i].length, i
    remove(nodes, queues, i)
    insert(nodes, queues, shadow, old)
    nodes[i].s = s
    insert(nodes, queues, i, target)
    me.lane, me.segment = target, network.lanes[target].segment
    world.routes[i, me.at & _MASK] = target
    me.go, me.planned, me.released, me.crossed, me.wish = me.at, me.at + 1, 0, 0, network.lanes[target].way_out
    plan_route(network, world, i, seed)
    me.offset = me.offset_from = d
    me.change_m, me.change_span, me.changing = -driver.wheelbase, span, side
