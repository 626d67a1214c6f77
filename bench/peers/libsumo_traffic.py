"""libsumo's side of bench/traffic.py, in libsumo's own environment: one SUMO simulation in this process, run a stretch at a time.

    python libsumo_traffic.py NETWORK ROUTES SEED STEP_S

Every line "N" on standard input runs N steps; what comes back is one JSON line: CPU seconds of exactly these steps, vehicles running in the
network before and after them, vehicles still waiting to get in, mean speed and the share that stands over three looks (not timed).
"""

from __future__ import annotations

import json
import sys
import time

import libsumo

LOOKS = 3
STANDING_MPS = 0.1


def look() -> tuple[float, float]:
    """Mean speed, m/s, and share of the running vehicles that stand."""
    speeds = [libsumo.vehicle.getSpeed(name) for name in libsumo.vehicle.getIDList()]
    return sum(speeds) / max(1, len(speeds)), sum(speed < STANDING_MPS for speed in speeds) / max(1, len(speeds))


def run(steps: int, step_s: float) -> dict[str, float]:
    before, cpu_s, looks = libsumo.vehicle.getIDCount(), 0.0, []
    for part in range(LOOKS):
        until = libsumo.simulation.getTime() + step_s * (steps * (part + 1) // LOOKS - steps * part // LOOKS)
        began = time.process_time()
        libsumo.simulationStep(until)
        cpu_s += time.process_time() - began
        looks.append(look())
    return {
        "cpu_s": cpu_s,
        "before": before,
        "after": libsumo.vehicle.getIDCount(),
        "waiting": len(libsumo.simulation.getPendingVehicles()),
        "speed_mps": sum(speed for speed, _ in looks) / LOOKS,
        "standing": sum(share for _, share in looks) / LOOKS,
    }


def main() -> None:
    network, routes, seed, step_s = sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4])
    libsumo.start([
        "sumo", "--net-file", network, "--route-files", routes, "--seed", seed, "--step-length", str(step_s),
        # Nobody is taken off the road: neither who has stood for long nor who has been run into.
        "--time-to-teleport", "-1", "--collision.action", "warn",
        "--no-step-log", "--no-warnings", "--xml-validation", "never",
    ])  # fmt: skip
    for line in sys.stdin:
        print(json.dumps(run(int(line), step_s)), flush=True)
    libsumo.close()


if __name__ == "__main__":
    main()
