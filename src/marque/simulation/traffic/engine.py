"""The loop: every world, every step, in this order – lights, guests, pedestrians, lane changes, speeds, motion, collisions."""

from __future__ import annotations

import numpy as np

from marque.common import Bytes, Floats, Record
from marque.driving.map import MapArrays
from marque.simulation.traffic.collisions import Hash, find_contacts
from marque.simulation.traffic.guests import GuestStates, announce_guest, seat_guest
from marque.simulation.traffic.lane_change import consider_change
from marque.simulation.traffic.look_ahead import choose_speed
from marque.simulation.traffic.motion import move
from marque.simulation.traffic.network import Network
from marque.simulation.traffic.pedestrians import queue_walkers, walk
from marque.simulation.traffic.state import State, World
from marque.vehicle import inlined, lean

_RECONSIDER_STEPS = 10


@lean
def advance(
    network: Network, arrays: MapArrays, state: State, grid: Hash, guests: GuestStates, waits: Floats, step_s: float, steps: int
) -> None:
    """Lets every world run for some steps; guests stand still meanwhile."""
    for w in range(state.clock.size):
        world = one_world(state, w)
        for _ in range(steps):
            _step(network, arrays, state, world, grid, guests, waits, w, step_s)


@inlined
def one_world(state: State, w: int) -> World:
    """Views of one world of a state."""
    return World(
        state.vehicles[w], state.drivers[w], state.routes[w], state.marks[w], state.nodes[w], state.queues[w], state.held[w],
        state.crossing_held[w], state.arrivals[w], state.intruders[w], state.guest_crossing[w], state.walkers[w], state.walker_head[w],
        state.bodies[w], state.colours[w],
    )  # fmt: skip


@inlined
def _step(
    network: Network, arrays: MapArrays, state: State, world: World, grid: Hash, guests: GuestStates, waits: Floats, w: int, step_s: float
) -> None:
    clock = state.clock[w]
    seed, step = clock.seed, clock.step
    now_s = step * step_s
    show_colours(arrays, now_s, world.colours, state.colour_until[w])
    admit_guests(network, arrays, world, w, guests, waits, step, now_s, step_s)
    walk_all(network, world, seed, step, now_s, step_s)
    change_lanes(network, world, seed, step)
    choose_speeds(network, world, step, now_s, step_s)
    move_all(network, world, clock, seed, step_s)
    find_contacts(world.bodies, world.walkers.size, grid, clock, state.contacts[w], step)
    clock.step += 1


@lean
def show_colours(arrays: MapArrays, now_s: float, colours: Bytes, until: Floats) -> None:
    """What every signal shows now; until: the time up to which each goes on showing it."""
    for signal in range(colours.size):
        if now_s < until[signal] - 1e-6:
            continue
        head = arrays.signals[signal]
        clock = (now_s + 1e-6 - head.offset_s) % head.cycle_s
        i, last = head.phase_first, head.phase_first + head.phase_count - 1
        while i < last and clock >= arrays.phases[i].end_s:
            i += 1
        colours[signal] = np.uint8(arrays.phases[i].colour)
        until[signal] = now_s + arrays.phases[i].end_s - clock


@inlined
def admit_guests(
    network: Network, arrays: MapArrays, world: World, w: int, guests: GuestStates, waits: Floats, step: int, now_s: float, step_s: float
) -> None:
    """Puts all guests into the queues before any of them is announced."""
    for g in range(waits.shape[1]):
        seat_guest(network, arrays, world, w, g, guests)
    for g in range(waits.shape[1]):
        announce_guest(network, world, w, g, guests, waits, step, now_s, step_s)


@inlined
def walk_all(network: Network, world: World, seed: int, step: int, now_s: float, step_s: float) -> None:
    """One step of every pedestrian."""
    if world.walkers.size > 0:
        for p in range(world.walkers.size):
            walk(network, world, p, seed, step, now_s, step_s)
        queue_walkers(network, world)


@inlined
def change_lanes(network: Network, world: World, seed: int, step: int) -> None:
    """Every vehicle thinks of a lane change once in _RECONSIDER_STEPS."""
    for i in range(step % _RECONSIDER_STEPS, world.vehicles.size, _RECONSIDER_STEPS):
        consider_change(network, world, i, seed)


@inlined
def choose_speeds(network: Network, world: World, step: int, now_s: float, step_s: float) -> None:
    """All choose by where everyone is now; only then does anyone move."""
    for i in range(world.vehicles.size):
        choose_speed(network, world, i, step, now_s, step_s)


@inlined
def move_all(network: Network, world: World, clock: Record, seed: int, step_s: float) -> None:
    """Moves every vehicle and counts its metres and how long anyone has stood."""
    metres = 0.0
    for i in range(world.vehicles.size):
        metres += move(network, world, i, seed, step_s)
        clock.longest_s = max(clock.longest_s, world.vehicles[i].still_s)
    clock.metres += metres
