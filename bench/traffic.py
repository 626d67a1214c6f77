"""Bar 4: traffic with right of way, lights and collision checks, against libsumo in the same run. CPU time, best of the alternations.

    bench/peers/make libsumo                     (once)
    python bench/traffic.py [--runs 3] [--seconds 200] [--warm-up 300]

Both sides drive as many vehicles over the same SUMO network: Adlershof's as the wheel has it, Town10HD's as netconvert makes it. SUMO's
vehicles, its default cars, follow random walks over exactly the lanes that ours use; nobody arrives, and nobody is taken off the road by
either side, so the counts stay. Standing vehicles count on both sides. SUMO runs with its defaults apart from that; it checks fewer
collisions (followers on a lane) than we do (all bodies with all). No pedestrians on either side.

The ceiling is the same car-following law, with the same drivers, in a numba kernel without a map: a ring. The last line says where our time
goes, by a clock between the phases of each step; it is left out of the other figures.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numba
import numpy as np

from marque.driving.importers import default_city, load_map, netconvert
from marque.driving.importers.xml import read_root
from marque.driving.map import RoadMap
from marque.simulation.traffic import Traffic
from marque.simulation.traffic.collisions import find_contacts
from marque.simulation.traffic.engine import admit_guests, change_lanes, choose_speeds, move_all, one_world, show_colours, walk_all
from marque.simulation.traffic.following import idm_acceleration, safe_speed
from marque.simulation.traffic.network import Network

PEERS = Path(__file__).parent / "peers"
STEP_S = 0.1
SEED = 1
WALK_M = 15_000.0
"""Of a vehicle of SUMO: more than it can drive while this runs."""
PHASES = ("lights", "guests, pedestrians", "lane changes", "speeds and right of way", "motion", "collisions")
RING_SPACE_M, WANTED_MPS = 25.0, 13.9
LOOKS, STANDING_MPS = 3, 0.1

processor_time = ctypes.CDLL(None).clock  # µs of this process; seconds of it are far more than its own cost
processor_time.argtypes, processor_time.restype = [], ctypes.c_long


class Ours:
    """Our side: one world, stretch by stretch."""

    def __init__(self, road_map: RoadMap, vehicles: int) -> None:
        self.traffic, self.vehicles = Traffic(road_map, vehicles=vehicles, seed=SEED, step_s=STEP_S), vehicles
        self.traffic.step(steps=0)  # compiled before it is timed

    def run(self, steps: int) -> dict[str, float]:
        cpu_s, looks = 0.0, []
        for part in range(LOOKS):
            part_steps = steps * (part + 1) // LOOKS - steps * part // LOOKS
            began = time.process_time()
            self.traffic.step(steps=part_steps)
            cpu_s += time.process_time() - began
            speeds = self.traffic.state.bodies["speed"][0]
            looks.append((speeds.mean(), (speeds < STANDING_MPS).mean()))
        speed, standing = np.mean(looks, axis=0)
        return {
            "cpu_s": cpu_s, "before": self.vehicles, "after": self.vehicles, "waiting": 0, "speed_mps": speed, "standing": standing,
        }  # fmt: skip


class Theirs:
    """libsumo in an environment and a process of its own."""

    def __init__(self, network: Path, routes: Path) -> None:
        python = PEERS / ".venv-libsumo" / "bin" / "python"
        if not python.exists():
            sys.exit("bench/traffic.py: no libsumo here; make it with: bench/peers/make libsumo")
        command = [python, PEERS / "libsumo_traffic.py", network, routes, str(SEED), str(STEP_S)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(self, steps: int) -> dict[str, float]:
        self.process.stdin.write(f"{steps}\n")
        self.process.stdin.flush()
        for line in self.process.stdout:
            if line.startswith("{"):
                return json.loads(line)
        return sys.exit("bench/traffic.py: libsumo ended early")

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait(60)


def write_routes(path: Path, road_map: RoadMap, network: Network, vehicles: int) -> None:
    """A random walk for every vehicle, over the edges and connections that our traffic uses."""
    lanes, random = network.lanes, np.random.default_rng(SEED)
    edge_of = [name.rpartition("_")[0] for name in road_map.lane_ids]
    onward: dict[str, set[str]] = {}
    metres: dict[str, float] = {}
    for start in np.flatnonzero((lanes["used"] > 0) & (lanes["junction"] < 0)):
        following = onward.setdefault(edge_of[start], set())
        metres[edge_of[start]] = float(lanes["length"][start])
        inside = [int(start)]
        while inside:
            first = lanes[inside.pop()]
            for lane in network.successors[first["successor"] : first["successor"] + first["successors"]]:
                if lanes["junction"][lane] < 0:
                    following.add(edge_of[lane])
                else:
                    inside.append(int(lane))
    edges = sorted(edge for edge in onward if onward[edge])
    chances = np.array([metres[edge] for edge in edges])
    rows = ['<routes><vType id="car" length="4.5" speedFactor="normc(0.94,0.035,0.88,1.0)"/>']
    for number, start in enumerate(random.choice(edges, vehicles, p=chances / chances.sum())):
        walk, length = [str(start)], 0.0
        while length < WALK_M and onward[walk[-1]]:
            walk.append(str(random.choice(sorted(onward[walk[-1]]))))
            length += metres[walk[-1]]
        rows.append(f'<vehicle id="{number}" type="car" depart="0" departLane="best" departPos="random_free">')
        rows.append(f'<route edges="{" ".join(walk)}"/></vehicle>')
    path.write_text("\n".join([*rows, "</routes>"]))


@numba.njit(error_model="numpy")
def ring(s: Any, speed: Any, drivers: Any, round_m: float, steps: int) -> None:
    """Free driving and following with the traffic's own laws and drivers, nothing else."""
    n = s.size
    chosen = np.empty(n)
    for _ in range(steps):
        for i in range(n):
            ahead, me = i + 1 if i + 1 < n else 0, drivers[i]
            gap = s[ahead] - s[i] - me.length
            if gap < -0.5 * round_m:
                gap += round_m
            wanted = WANTED_MPS * me.factor
            a = idm_acceleration(speed[i], wanted, gap, speed[ahead], me.headway, me.accelerate, me.brake, me.jam_gap)
            chosen[i] = max(0.0, min(speed[i] + a * STEP_S, safe_speed(speed[i], gap, speed[ahead], STEP_S)))
        for i in range(n):
            s[i] += 0.5 * STEP_S * (speed[i] + chosen[i])
            if s[i] >= round_m:
                s[i] -= round_m
            speed[i] = chosen[i]


def ceiling(drivers: np.ndarray, steps: int, runs: int) -> float:
    """Agent-steps per CPU-second of the ring."""
    best, vehicles = 0.0, drivers.size
    for turn in range(runs + 1):
        s, speed = np.arange(vehicles) * RING_SPACE_M, np.full(vehicles, 10.0)
        began = time.process_time()
        ring(s, speed, drivers, vehicles * RING_SPACE_M, steps if turn > 0 else 1)
        if turn > 0:  # the first one compiles
            best = max(best, vehicles * steps / (time.process_time() - began))
    return best


@numba.njit(error_model="numpy", _nrt=False)
def clocked(network: Any, arrays: Any, state: Any, grid: Any, guests: Any, waits: Any, step_s: float, steps: int, spent: Any) -> None:
    """`traffic.engine.advance` with a look at the clock between the phases."""
    world, clock = one_world(state, 0), state.clock[0]
    last = processor_time()
    for _ in range(steps):
        step = clock.step
        now_s = step * step_s
        for phase in range(len(PHASES)):
            if phase == 0:
                show_colours(arrays, now_s, world.colours, state.colour_until[0])
            elif phase == 1:
                admit_guests(network, arrays, world, 0, guests, waits, step, now_s, step_s)
                walk_all(network, world, clock.seed, step, now_s, step_s)
            elif phase == 2:
                change_lanes(network, world, clock.seed, step)
            elif phase == 3:
                choose_speeds(network, world, step, now_s, step_s)
            elif phase == 4:
                move_all(network, world, clock, clock.seed, step_s)
            else:
                find_contacts(world.bodies, world.walkers.size, grid, clock, state.contacts[0], step)
            now = processor_time()
            spent[phase] += now - last
            last = now
        clock.step += 1


def phases(traffic: Traffic, steps: int) -> np.ndarray:
    """Nanoseconds per agent-step of each phase. The clocked loop must leave the world exactly as the real one does."""
    state, spent = traffic.state, np.zeros(len(PHASES), np.int64)
    before = type(state)(*(array.copy() for array in state))
    clocked(traffic.network, traffic.road_map.arrays, state, traffic._hash, traffic._guests, traffic._waits, STEP_S, steps, spent)
    after = [array.tobytes() for array in state]
    for array, copy in zip(state, before, strict=True):
        array[...] = copy
    traffic.step(steps=steps)
    assert after == [array.tobytes() for array in state], "the clocked phases are not the engine's"
    return spent * 1000.0 / (state.vehicles.shape[1] * steps)


def compare(name: str, network: Path, vehicles: int, chosen: argparse.Namespace, folder: Path) -> None:
    """Three lines: ours, theirs, and what our figure is made of."""
    road_map = load_map(network)
    ours = Ours(road_map, vehicles)
    routes = folder / f"{name}-{vehicles}.rou.xml"
    write_routes(routes, road_map, ours.traffic.network, vehicles)
    theirs = Theirs(network, routes)
    ours.run(round(chosen.warm_up / STEP_S))
    theirs.run(round(chosen.warm_up / STEP_S))
    steps, said = round(chosen.seconds / STEP_S), {"marque": [], "libsumo": []}
    for _ in range(chosen.runs):
        said["marque"].append(ours.run(steps))
        said["libsumo"].append(theirs.run(steps))
    theirs.close()
    best = {}
    for side, stretches in said.items():
        rates = [0.5 * (one["before"] + one["after"]) * steps / one["cpu_s"] for one in stretches]
        best[side] = max(rates)
        running, waiting, speed, standing = (
            np.mean([one[key] for one in stretches]) for key in ("before", "waiting", "speed_mps", "standing")
        )
        counts = f"{vehicles:>5} {running:>8.0f} {waiting:>8.0f}"
        print(f"{name:10} {side:8} {counts} {speed:>6.2f} {standing:>8.0%} {min(rates):>11,.0f} {best[side]:>11,.0f}", flush=True)
    free = ceiling(ours.traffic.state.drivers[0], 10 * steps, chosen.runs)
    ratio, share = best["marque"] / best["libsumo"], best["marque"] / free
    print(f"{'':10} {ratio:.0f} × libsumo; the ring does {free:,.0f}, {share:.0%} of which are reached")
    spent = phases(ours.traffic, steps)
    where = ", ".join(f"{phase} {ns:.0f}" for phase, ns in zip(PHASES, spent, strict=True))
    touches = int(ours.traffic.state.clock["contacts"][0])
    print(
        f"{'':10} ns per agent-step: {where}; together {spent.sum():.0f}, the ring {1e9 / free:.0f}; {touches} touches of bodies",
        flush=True,
    )


def main() -> None:
    shared = Path(os.environ.get("MARQUE_SHARED") or Path(__file__).parents[2] / "shared")
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--runs", type=int, default=3, help="alternations (default 3)")
    options.add_argument("--seconds", type=float, default=200.0, help="simulated, of each stretch (default 200)")
    options.add_argument("--warm-up", type=float, default=300.0, help="simulated seconds before (default 300)")
    options.add_argument("--maps", type=Path, default=shared / "data" / "maps", help="where Town10HD.xodr is")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="marque-traffic-") as made:
        folder = Path(made)
        town = folder / "Town10HD.net.xml"
        netconvert.to_network(read_root(chosen.maps / "Town10HD.xodr"), "Town10HD.xodr", town)
        print(f"{'':30}{'':18}{'mean':>6} {'':8} {'agent-steps per CPU-second':>25}")
        print(f"{'map':10} {'side':8} {'asked':>5} {'running':>8} {'waiting':>8} {'m/s':>6} {'standing':>8} {'worst':>11} {'best':>11}")
        for name, network, counts in (("Adlershof", default_city(), (400, 150)), ("Town10HD", town, (120, 40))):
            for vehicles in counts:
                compare(name, network, vehicles, chosen, folder)


if __name__ == "__main__":
    main()
