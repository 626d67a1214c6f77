"""What changes while traffic runs: worlds as a struct of arrays, world-major.

W worlds, V vehicles, G guests, P pedestrians, B = V + G + P bodies in that order. A vehicle is where its *rear bumper* is: the lane that
holds it and s on that lane; everything ahead of that lies along the vehicle's own route. So a queue is one list per lane, a leader
is the next in the list or the last of the lane behind, and a body that still stands in a junction is found in that junction.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

import numpy as np

from marque.common import Bytes, Floats, Indices, Records
from marque.simulation.traffic.network import Network

ROUTE = 16
"""Lanes of route a vehicle knows, the one under its rear included; a power of two."""
GUEST_LANES = 8
"""Lanes that one guest's footprint may touch at a time."""
END_M = 15.0
"""A lane that ends is driven to so far before its end: a lane change still fits in."""
START, EXIT = 1, 2  # marks on a route: a contested stretch begins here; here its reserved room is


class Cause(IntEnum):
    """Why a vehicle may not go on."""

    NONE = 0
    RED = 1
    """A red light, or one that turns red before it could be reached."""
    TAKEN = 2
    """Someone drives through the ground they share."""
    YIELD = 3
    PEDESTRIAN = 4
    ROOM = 5
    """It could not leave the junction again."""
    STOP_SIGN = 6
    GUEST = 7
    END = 8
    """Its lane ends."""


VEHICLE = np.dtype(
    [
        ("next_speed", "f8"),
        ("acceleration", "f8"),
        ("offset", "f8"),  # to the left of the lane's centre line, m
        ("offset_from", "f8"),  # what it was when the lane change began
        ("change_m", "f8"),  # driven since then
        ("change_span", "f8"),  # driven when it will be over; 0 when there is none
        ("line_m", "f8"),  # what it can still drive up to the line at which it, or the one it follows, waits; inf
        ("wait_s", "f8"),  # at the line, reds not counted
        ("still_s", "f8"),  # standing, reds not counted
        ("at", "i8"),  # running number of the route's lane under its rear; route[at % ROUTE] is the lane
        ("planned", "i8"),  # lanes from here on are not chosen yet
        ("go", "i8"),  # contested lanes before this one are its own to drive over
        ("lane", "i8"),
        ("segment", "i8"),
        ("released", "i8"),  # zones of the lane that its rear has left
        ("crossed", "i8"),  # crossings of the lane that its rear has left
        ("stop_lane", "i8"),  # the lane with the line at which it, or the one it follows, waits; −1
        ("wish", "i8"),  # lane change its route asks for: 1 left, −1 right
        ("changing", "i8"),
        ("cause", "i8"),
        ("kind", "i8"),
        ("draws", "i8"),  # how many random choices of its route were made
    ],
    align=True,
)
DRIVER = np.dtype(  # who drives what; fixed
    [
        ("length", "f8"), ("width", "f8"), ("wheelbase", "f8"), ("overhang", "f8"),
        ("factor", "f8"),  # of the speed limit
        ("headway", "f8"), ("accelerate", "f8"), ("brake", "f8"), ("jam_gap", "f8"), ("politeness", "f8"),
        ("heavy", "i8"),  # a truck or a bus
    ],
    align=True,
)  # fmt: skip
# A place in a lane's queue. Nodes: V vehicles, V shadows (a vehicle that changes lanes is also still on its old one), G·GUEST_LANES guests.
NODE = np.dtype(
    [("s", "f8"), ("speed", "f8"), ("length", "f8"), ("ahead", "i8"), ("behind", "i8"), ("lane", "i8"), ("owner", "i8")], align=True
)
QUEUE = np.dtype(  # per lane
    [
        ("last", "i8"), ("first", "i8"),
        ("inbound", "f8"),  # m promised to those who were let into a junction
        ("claim_s", "f8"), ("claim_stamp", "i8"), ("claimer", "i8"),  # who has waited longest for room here
    ],
    align=True,
)  # fmt: skip
ARRIVAL = np.dtype(  # who comes next to a contested lane and has not been let in yet
    [("time_s", "f8"), ("wait_s", "f8"), ("speed", "f8"), ("stamp", "i8"), ("agent", "i8"), ("denied", "i8")], align=True
)
INTRUDER = np.dtype(  # a guest on a contested lane or about to enter it; reach: where its front is once it has braked
    [("rear", "f8"), ("reach", "f8"), ("stamp", "i8")], align=True
)
WALKER = np.dtype(
    [
        ("q", "f8"),  # m from the kerb it starts at
        ("pace", "f8"), ("side", "f8"), ("wait_s", "f8"),
        ("crossing", "i8"), ("forward", "i8"), ("mode", "i8"), ("generation", "i8"), ("next", "i8"),
    ],
    align=True,
)  # fmt: skip
BODY = np.dtype(
    [("x", "f8"), ("y", "f8"), ("ux", "f8"), ("uy", "f8"), ("speed", "f8"), ("length", "f8"), ("width", "f8")], align=True
)  # fmt: skip
CONTACT = np.dtype([("step", "i8"), ("a", "i8"), ("b", "i8"), ("until", "i8")], align=True)
CLOCK = np.dtype([("seed", "u8"), ("step", "i8"), ("contacts", "i8"), ("longest_s", "f8"), ("metres", "f8")], align=True)


class State(NamedTuple):
    """All worlds; see the module for the letters."""

    clock: Records  # (W,) CLOCK
    vehicles: Records  # (W, V) VEHICLE
    drivers: Records  # (W, V) DRIVER
    routes: Indices  # (W, V, ROUTE)
    marks: Bytes  # (W, V, ROUTE)
    nodes: Records  # (W, 2V + G·GUEST_LANES) NODE
    queues: Records  # (W, lanes) QUEUE
    held: Indices  # (W, zones) vehicles that were let into a zone and have not left it
    crossing_held: Indices  # (W, lanes over crossings)
    arrivals: Records  # (W, 2, lanes) ARRIVAL, of even and odd steps
    intruders: Records  # (W, lanes) INTRUDER
    guest_crossing: Indices  # (W, crossings) step at which a guest last claimed it
    walkers: Records  # (W, P) WALKER
    walker_head: Indices  # (W, crossings) first walker of a crossing, −1
    bodies: Records  # (W, B) BODY
    colours: Bytes  # (W, signals)
    colour_until: Floats  # (W, signals)
    contacts: Records  # (W, 256) CONTACT: the latest touches; clock.contacts counts them all


class World(NamedTuple):
    """One world of a `State`: the same arrays without their first axis."""

    vehicles: Records
    drivers: Records
    routes: Indices
    marks: Bytes
    nodes: Records
    queues: Records
    held: Indices
    crossing_held: Indices
    arrivals: Records
    intruders: Records
    guest_crossing: Indices
    walkers: Records
    walker_head: Indices
    bodies: Records
    colours: Bytes


def empty_state(network: Network, signals: int, *, worlds: int, vehicles: int, guests: int, pedestrians: int) -> State:
    """Arrays of the right shapes, nobody in them."""
    lanes, crossings = network.lanes.size, network.footways.size
    state = State(
        clock=np.zeros(worlds, CLOCK),
        vehicles=np.zeros((worlds, vehicles), VEHICLE),
        drivers=np.zeros((worlds, vehicles), DRIVER),
        routes=np.full((worlds, vehicles, ROUTE), -1),
        marks=np.zeros((worlds, vehicles, ROUTE), np.uint8),
        nodes=np.zeros((worlds, 2 * vehicles + guests * GUEST_LANES), NODE),
        queues=np.zeros((worlds, lanes), QUEUE),
        held=np.zeros((worlds, network.zones.size), np.int64),
        crossing_held=np.zeros((worlds, network.crossings.size), np.int64),
        arrivals=np.zeros((worlds, 2, lanes), ARRIVAL),
        intruders=np.zeros((worlds, lanes), INTRUDER),
        guest_crossing=np.full((worlds, crossings), -1),
        walkers=np.zeros((worlds, pedestrians), WALKER),
        walker_head=np.full((worlds, crossings), -1),
        bodies=np.zeros((worlds, vehicles + guests + pedestrians), BODY),
        colours=np.zeros((worlds, signals), np.uint8),
        colour_until=np.full((worlds, signals), -np.inf),
        contacts=np.zeros((worlds, 256), CONTACT),
    )
    state.nodes["lane"] = -1
    state.nodes["ahead"] = state.nodes["behind"] = -1
    state.queues["last"] = state.queues["first"] = -1
    state.arrivals["stamp"] = state.intruders["stamp"] = state.queues["claim_stamp"] = -2
    return state
