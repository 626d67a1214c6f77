"""What one vehicle sees ahead along its route, and the speed it chooses: leader, lines, slower stretches."""

from __future__ import annotations

import math

from marque.driving.map import Colour
from marque.simulation.traffic.following import HARDEST_MPS2, idm_acceleration, safe_speed, travel_time
from marque.simulation.traffic.network import Network
from marque.simulation.traffic.right_of_way import announce, ask, grant, leader_on, lets_pass, revoke, room_to_rest, survey
from marque.simulation.traffic.state import END_M, ROUTE, START, Cause, World
from marque.vehicle import inlined, lean

_MASK = ROUTE - 1
_SIGHT_M, _SIGHT_S = 20.0, 8.0
_ASK_M, _ASK_S = 8.0, 2.0  # asks this much before it would have to brake for the line
_STANDING_MPS = 0.1
_ZIP_M, _ZIP_ROOM_M = 45.0, 1.5
_EARLY = 0.6  # of the comfortable braking: where it begins
_SAFETY_M = 0.3
_LINE_M = 0.3
_AMBER_BRAKE_MPS2 = 3.0  # who would have to brake harder drives on while it is amber
_AMBER = int(Colour.AMBER)
_NONE, _RED, _TAKEN, _ROOM, _GUEST, _END = (int(c) for c in (Cause.NONE, Cause.RED, Cause.TAKEN, Cause.ROOM, Cause.GUEST, Cause.END))


@lean
def choose_speed(network: Network, world: World, i: int, step: int, now_s: float, step_s: float) -> None:
    """Sets next_speed, cause and stop_lane of vehicle i, asks for right of way and announces itself where it comes near."""
    vehicles, nodes = world.vehicles, world.nodes
    me, driver, node = vehicles[i], world.drivers[i], nodes[i]
    speed, brake = node.speed, driver.brake
    front = node.s + driver.length
    half_square = 0.5 * speed * speed
    sight = front + _SIGHT_M + _SIGHT_S * speed
    ask_within = half_square / brake + _ASK_S * speed + _ASK_M
    need = driver.length + driver.jam_gap

    wanted, slow_down, line = math.inf, math.inf, math.inf
    gap, leader_speed, leader = math.inf, 0.0, -1
    leader_waits_on, leader_waits, leader_stands, leader_cause, rests = -1, False, False, _NONE, math.inf
    cause, stop_lane = _NONE, -1
    base, line_before, lane_before = 0.0, math.inf, -1
    k = me.at
    while True:
        if k >= me.planned:
            line, cause, stop_lane = base - END_M - front, _END, -1
            break
        lane_index = world.routes[i, k & _MASK]
        lane = network.lanes[lane_index]
        inner = lane.gate_s >= 0.0

        if lane.contested and not inner and k > me.at:
            to_line = line_before - front
            held_back = (leader_waits or leader_stands) and gap < to_line
            cause = _at_line(network, world, i, k, base, to_line, ask_within, held_back, rests, need, step, now_s)
            if cause != _NONE:
                line, stop_lane = to_line, lane_before
                break

        if leader < 0:
            found, s = leader_on(network, world, i, lane_index, k == me.at, node.s if k == me.at else 0.0)
            if found >= 0:
                gap, leader_speed, leader = base + s - front, nodes[found].speed, nodes[found].owner
                leader_stands = leader_speed < _STANDING_MPS
                rests = base + s + room_to_rest(world, found)
                if leader < vehicles.size:
                    leader_waits_on, leader_cause = vehicles[leader].stop_lane, vehicles[leader].cause
                else:
                    leader_waits_on, leader_cause = lane_index if leader_speed < 1.0 else -1, _GUEST
        if leader >= 0 and leader_waits_on == lane_index:
            leader_waits = True

        if lane.contested and inner and base + lane.gate_s > front - 1.0:
            to_line = base + lane.gate_s - front
            held_back = (leader_waits or leader_stands) and gap < to_line
            cause = _at_line(network, world, i, k, base, to_line, ask_within, held_back, rests, need, step, now_s)
            if cause != _NONE:
                line, stop_lane = to_line, lane_index
                break

        lane_speed = min(lane.limit * driver.factor, lane.curve)
        if base <= front:
            wanted = min(wanted, lane_speed)
        elif speed > lane_speed:
            needed = (half_square - 0.5 * lane_speed * lane_speed) / (base - front)
            if needed > _EARLY * brake:
                slow_down = min(slow_down, -needed)
        line_before, lane_before = base + lane.stop_s, lane_index
        base += lane.length
        if base > sight:
            break
        k += 1

    if me.change_span > 0.0:  # still partly on the old lane
        shadow = nodes[vehicles.size + i]
        if shadow.ahead >= 0:
            other = nodes[shadow.ahead]
            if other.s - shadow.s - driver.length < gap:
                gap, leader_speed, leader = other.s - shadow.s - driver.length, other.speed, other.owner
                leader_cause = vehicles[leader].cause if leader < vehicles.size else _GUEST

    a = idm_acceleration(speed, wanted, gap, leader_speed, driver.headway, driver.accelerate, brake, driver.jam_gap)
    a = min(a, slow_down)
    if network.lanes[me.lane].zip >= 0:
        a = min(a, _let_in(network, world, i, wanted, gap))
    binding = _NONE
    if line < math.inf:
        line -= _LINE_M
        needed = half_square / max(line, 0.05)
        if line < 0.2 or needed > _EARLY * brake:
            a = min(a, -max(needed, brake * 0.5) if line >= 0.2 else -brake)
            binding = cause
    if leader >= 0 and gap < driver.jam_gap + 4.0 and binding == _NONE:
        binding = leader_cause
    chosen = max(0.0, speed + max(a, -HARDEST_MPS2) * step_s)
    if gap < math.inf:
        if leader < vehicles.size or gap > 0.0:
            chosen = min(chosen, safe_speed(speed, gap - _SAFETY_M, leader_speed, step_s))
        else:
            chosen = min(chosen, max(0.0, speed - brake * step_s))
        if chosen < 0.05 and gap < driver.jam_gap + 0.3:
            chosen = 0.0
    if line < math.inf and cause != _NONE:
        chosen = min(chosen, safe_speed(speed, max(line, 0.0), 0.0, step_s))
    me.next_speed = max(chosen, speed - HARDEST_MPS2 * step_s)
    me.cause, me.stop_lane, me.line_m = binding, stop_lane, min(line, gap) if stop_lane >= 0 else math.inf


@inlined
def _let_in(network: Network, world: World, i: int, wanted: float, gap: float) -> float:
    """Acceleration with which vehicle i leaves a gap for the first on a lane beside it that ends; inf where there is no need to.

    Only who is behind that one and next to it in its queue lets it in: one by one, as in a zip.
    """
    driver, node = world.drivers[i], world.nodes[i]
    lane_index = network.lanes[world.vehicles[i].lane].zip
    first = world.queues[lane_index].first
    if first < 0 or first >= world.vehicles.size:
        return math.inf
    other, length = world.nodes[first], network.lanes[lane_index].length
    room = other.s * network.lanes[world.vehicles[i].lane].length / length - node.s - driver.length
    if other.s < length - _ZIP_M or room < 1.3 or room > gap or world.vehicles[first].change_span > 0.0:
        return math.inf
    a = idm_acceleration(
        node.speed, wanted, room, other.speed, driver.headway, driver.accelerate, driver.brake, driver.jam_gap + _ZIP_ROOM_M
    )
    return max(a, -driver.brake)


@inlined
def _at_line(
    network: Network, world: World, i: int, k: int, base: float, to_line: float, ask_within: float, held_back: bool,
    rests: float, need: float, step: int, now_s: float,
) -> int:  # fmt: skip
    """The cause that keeps vehicle i before the line of lane number k, to_line m ahead; NONE where it has been granted the way.

    What was granted is lost again before a light that changes in time, and behind one who does not go on (held_back); who stands, then
    gives back even what lies ahead within a junction, so that nobody holds ground that others wait for without being able to use it.
    TAKEN stands in for "not asked yet" and "behind another who waits": the line holds either way, but binds only when it is near.
    """
    me, driver, node = world.vehicles[i], world.drivers[i], world.nodes[i]
    lane_index = world.routes[i, k & _MASK]
    lane = network.lanes[lane_index]
    if k < me.go:
        starts = world.marks[i, k & _MASK] & START
        lost = held_back and (starts or node.speed < _STANDING_MPS)
        if starts and lane.signal >= 0 and not lets_pass(world.colours[lane.signal]):
            can = _AMBER_BRAKE_MPS2 if world.colours[lane.signal] == _AMBER else HARDEST_MPS2
            lost = lost or node.speed * node.speed < 2.0 * can * (to_line - _LINE_M)
        if to_line <= 0.0 or not lost:
            return _NONE
        revoke(network, world, i, k, need)
    if held_back:
        return _TAKEN
    cause, end = survey(network, world, i, k, base, rests, need, step)
    if to_line < -1.0:  # its front is inside already: it must clear the ground
        grant(network, world, i, k, end, need)
        return _NONE
    asked = to_line <= ask_within
    if cause == _NONE and asked and me.change_span == 0.0:
        cause = ask(network, world, i, k, end, base - node.s, step, now_s)
        if cause == _NONE:
            grant(network, world, i, k, end, need)
            return _NONE
    if cause not in (_RED, _ROOM):
        wanted = min(lane.limit, max(node.speed, 0.7 * lane.limit))
        in_s = travel_time(to_line, node.speed, wanted, driver.accelerate)
        announce(network, world, i, k, end, step, now_s, in_s, node.speed, 1 if asked else 0)
    return _TAKEN if cause == _NONE else cause
