"""What one vehicle sees ahead along its route, and the speed it chooses: leader, lines, slower stretches."""

from __future__ import annotations

import math
from typing import NamedTuple

from marque.driving.map import Colour
from marque.simulation.traffic.following import HARDEST_MPS2, idm_acceleration, safe_speed, travel_time
from marque.simulation.traffic.network import Network
from marque.simulation.traffic.right_of_way import announce, ask, grant, leader_on, lets_pass, revoke, room_to_rest, survey
from marque.simulation.traffic.state import END_M, ROUTE, START, Cause, World
from marque.vehicle import inlined, lean

_MASK = ROUTE - 1
_SIGHT_M, _SIGHT_S = 20.0, 8.0
_ASK_M, _ASK_S = 8.0, 2.0  # asks this much before it would have to brake for the line
_STANDING_MPS, _GUEST_WAITS_MPS = 0.1, 1.0
_ZIP_M, _ZIP_ROOM_M = 45.0, 1.5
_EARLY = 0.6  # of the comfortable braking: where it begins
_SAFETY_M = 0.3
_LINE_M, _AT_LINE_M = 0.3, 0.2
_AMBER_BRAKE_MPS2 = 3.0  # who would have to brake harder drives on while it is amber
_AMBER = int(Colour.AMBER)
_NONE, _RED, _TAKEN, _ROOM, _GUEST, _END = (int(c) for c in (Cause.NONE, Cause.RED, Cause.TAKEN, Cause.ROOM, Cause.GUEST, Cause.END))


class Leader(NamedTuple):
    """Whoever is next ahead."""

    agent: int
    """−1: nobody."""
    gap: float
    """m, bumper to bumper; inf."""
    speed: float
    rests: float
    """Where its rear comes to rest, m along the route, if it has to wait; inf where it drives on."""
    cause: int
    """Why it may not go on."""
    waits_on: int
    """The lane at whose end it, or the one it follows, waits; −1."""


class Ahead(NamedTuple):
    """What lies ahead along the route."""

    leader: Leader
    wanted: float
    """m/s, on the lanes under the body."""
    slow_down: float
    """m/s², < 0, for a slower stretch; inf."""
    line: float
    """m to the line to stop before; inf."""
    cause: int
    stop_lane: int


@lean
def choose_speed(network: Network, world: World, i: int, step: int, now_s: float, step_s: float) -> None:
    """Sets next_speed, cause and stop_lane of vehicle i, asks for right of way and announces itself where it comes near."""
    me = world.vehicles[i]
    ahead = _look_along(network, world, i, step, now_s)
    leader = _nearer_on_old_lane(world, i, ahead.leader)
    a, me.cause = _weigh(network, world, i, ahead, leader)
    me.next_speed = _stay_safe(world, i, a, ahead.line, leader, step_s)
    me.stop_lane = ahead.stop_lane
    me.line_m = min(ahead.line, leader.gap) if ahead.stop_lane >= 0 else math.inf


@inlined
def _look_along(network: Network, world: World, i: int, step: int, now_s: float) -> Ahead:
    """Goes along the route lane by lane, to the end of the sight or to the first line that may not be crossed."""
    me, driver, node = world.vehicles[i], world.drivers[i], world.nodes[i]
    speed, front, need = node.speed, node.s + driver.length, driver.length + driver.jam_gap
    half_square = 0.5 * speed * speed
    sight = front + _SIGHT_M + _SIGHT_S * speed
    ask_within = half_square / driver.brake + _ASK_S * speed + _ASK_M

    leader, leader_waits = Leader(-1, math.inf, 0.0, math.inf, _NONE, -1), False
    wanted, slow_down, line, cause, stop_lane = math.inf, math.inf, math.inf, _NONE, -1
    base, line_before, lane_before = 0.0, math.inf, -1
    k = me.at
    while True:
        if k >= me.planned:
            ends = lane_before >= 0 and network.lanes[lane_before].successors == 0  # else only the plan does, which grows as it drives
            line, cause, stop_lane = base - (END_M if ends else 0.0) - front, _END, -1
            break
        lane_index = world.routes[i, k & _MASK]
        lane = network.lanes[lane_index]
        inner = lane.gate_s >= 0.0

        if lane.contested and not inner and k > me.at:
            to_line = line_before - front
            held_back = leader.gap < to_line and (leader_waits or leader.speed < _STANDING_MPS)
            cause = _at_line(network, world, i, k, base, to_line, ask_within, held_back, leader.rests, need, step, now_s)
            if cause != _NONE:
                line, stop_lane = to_line, lane_before
                break

        if leader.agent < 0:
            found, s = leader_on(network, world, i, lane_index, k == me.at, node.s if k == me.at else 0.0)
            if found >= 0:
                leader = _meet(world, found, base + s - front, base + s, lane_index)
        if leader.agent >= 0 and leader.waits_on == lane_index:
            leader_waits = True

        if lane.contested and inner and base + lane.gate_s > front - 1.0:
            to_line = base + lane.gate_s - front
            held_back = leader.gap < to_line and (leader_waits or leader.speed < _STANDING_MPS)
            cause = _at_line(network, world, i, k, base, to_line, ask_within, held_back, leader.rests, need, step, now_s)
            if cause != _NONE:
                line, stop_lane = to_line, lane_index
                break

        lane_speed = min(lane.limit * driver.factor, lane.curve)
        if base <= front:
            wanted = min(wanted, lane_speed)
        elif speed > lane_speed:
            needed = (half_square - 0.5 * lane_speed * lane_speed) / (base - front)
            if needed > _EARLY * driver.brake:
                slow_down = min(slow_down, -needed)
        line_before, lane_before = base + lane.stop_s, lane_index
        base += lane.length
        if base > sight:
            break
        k += 1
    return Ahead(leader, wanted, slow_down, line - _LINE_M, cause, stop_lane)


@inlined
def _meet(world: World, n: int, gap: float, rear: float, lane_index: int) -> Leader:
    """Node n as a leader gap m ahead, its rear at rear m along the route, on a lane."""
    node = world.nodes[n]
    cause, waits_on = _GUEST, -1
    if node.owner < world.vehicles.size:
        cause, waits_on = world.vehicles[node.owner].cause, world.vehicles[node.owner].stop_lane
    elif node.speed < _GUEST_WAITS_MPS:
        waits_on = lane_index
    return Leader(node.owner, gap, node.speed, rear + room_to_rest(world, n), cause, waits_on)


@inlined
def _nearer_on_old_lane(world: World, i: int, leader: Leader) -> Leader:
    """The leader, or during a lane change the one on the lane it is still partly on, if that is nearer."""
    if world.vehicles[i].change_span > 0.0:
        shadow = world.nodes[world.vehicles.size + i]
        if shadow.ahead >= 0:
            gap = world.nodes[shadow.ahead].s - shadow.s - world.drivers[i].length
            if gap < leader.gap:
                return _meet(world, shadow.ahead, gap, math.inf, -1)
    return leader


@inlined
def _weigh(network: Network, world: World, i: int, ahead: Ahead, leader: Leader) -> tuple[float, int]:
    """(acceleration, cause): the least of what leader, slower stretches, a gap for others, and the line allow."""
    me, driver, speed = world.vehicles[i], world.drivers[i], world.nodes[i].speed
    a = idm_acceleration(
        speed, ahead.wanted, leader.gap, leader.speed, driver.headway, driver.accelerate, driver.brake, driver.jam_gap
    )  # fmt: skip
    a = min(a, ahead.slow_down)
    if network.lanes[me.lane].zip >= 0:
        a = min(a, _let_in(network, world, i, ahead.wanted, leader.gap))
    cause = _NONE
    if ahead.line < math.inf:
        needed = 0.5 * speed * speed / max(ahead.line, 0.05)
        if ahead.line < _AT_LINE_M or needed > _EARLY * driver.brake:
            a = min(a, -max(needed, driver.brake * 0.5) if ahead.line >= _AT_LINE_M else -driver.brake)
            cause = ahead.cause
    if leader.agent >= 0 and leader.gap < driver.jam_gap + 4.0 and cause == _NONE:
        cause = leader.cause
    return a, cause


@inlined
def _stay_safe(world: World, i: int, a: float, line: float, leader: Leader, step_s: float) -> float:
    """The speed after this step: what the acceleration gives, unless leader or line could then not be stopped for."""
    driver, speed = world.drivers[i], world.nodes[i].speed
    chosen = max(0.0, speed + max(a, -HARDEST_MPS2) * step_s)
    if leader.gap < math.inf:
        if leader.agent < world.vehicles.size or leader.gap > 0.0:
            chosen = min(chosen, safe_speed(speed, leader.gap - _SAFETY_M, leader.speed, step_s))
        else:  # a guest has come into it
            chosen = min(chosen, max(0.0, speed - driver.brake * step_s))
        if chosen < 0.05 and leader.gap < driver.jam_gap + 0.3:
            chosen = 0.0
    if line < math.inf:
        chosen = min(chosen, safe_speed(speed, max(line, 0.0), 0.0, step_s))
    return max(chosen, speed - HARDEST_MPS2 * step_s)


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
