"""SUMO as the other simulator: its own program, from the wheel that the maps come with, on the same road with as many vehicles."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from lxml import etree

from marque.common import Floats, MarqueError
from marque.proof.credibility.experiments.tracks import EDGES
from marque.proof.credibility.recorded import Tracks

LIMIT_S = 240.0


@dataclass(frozen=True)
class Demand:
    """vehicles on a ring of round_m with so many lanes, evenly spread and standing at first. kind: attributes of SUMO's `vType`."""

    round_m: float
    lanes: int
    vehicles: int
    kind: str
    warm_up_s: float
    lasts_s: float
    step_s: float = 0.1
    seed: int = 1


def version() -> str:
    return _run(["--version"]).stdout.splitlines()[0].rpartition(" ")[2]


def drive(network: Path, demand: Demand) -> Tracks:
    """What SUMO makes of it, once a second. Raises MarqueError where SUMO does not run or loses a vehicle."""
    routes, out = network.with_name("demand.rou.xml"), network.with_name("fcd.xml")
    routes.write_text(_routes(demand))
    done = _run([
        "--net-file", str(network), "--route-files", str(routes), "--seed", str(demand.seed), "--step-length", str(demand.step_s),
        "--end", str(demand.warm_up_s + demand.lasts_s), "--time-to-teleport", "-1", "--collision.action", "warn", "--no-step-log",
        "--no-warnings", "--xml-validation", "never", "--fcd-output", str(out), "--device.fcd.period", "1",
        "--device.fcd.begin", str(demand.warm_up_s), "--fcd-output.attributes", "x,y,angle,speed",
    ])  # fmt: skip
    if done.returncode != 0:
        raise MarqueError(f"SUMO does not run: {done.stderr.splitlines()[:1]}.")
    return _read(out, demand.vehicles)


def _run(options: list[str]) -> subprocess.CompletedProcess[str]:
    import sumo

    home = Path(sumo.SUMO_HOME)
    environment = {**os.environ, "SUMO_HOME": str(home), "LC_ALL": "C"}
    return subprocess.run(
        [str(home / "bin" / "sumo"), *options], capture_output=True, text=True, timeout=LIMIT_S, env=environment, check=False
    )  # fmt: skip


def _routes(demand: Demand) -> str:
    """Everybody goes round for ever. Rows of vehicles stand abreast on all lanes."""
    rows = [f'<routes><vType id="car" {demand.kind}/>']
    abreast = -(-demand.vehicles // demand.lanes)
    edge_m = demand.round_m / EDGES
    for number in range(demand.vehicles):
        at = (number // demand.lanes + 0.5) * demand.round_m / abreast
        edge = min(EDGES - 1, int(at / edge_m))
        way = " ".join(f"e{(edge + k) % EDGES}" for k in range(EDGES))
        place = f'depart="0" departLane="{number % demand.lanes}" departPos="{max(6.0, 0.98 * (at - edge * edge_m)):.2f}" departSpeed="0"'
        rows.append(f'<vehicle id="{number}" type="car" {place}><route edges="{way}" repeat="200"/></vehicle>')
    return "\n".join([*rows, "</routes>"])


def _read(out: Path, vehicles: int) -> Tracks:
    """Places of front bumpers, as SUMO tells them: between two vehicles of one length that is no difference."""
    rows: list[Floats] = []
    for _, step in etree.iterparse(str(out), tag="timestep"):
        row = np.full((vehicles, 4), np.nan)
        for one in step:
            angle = 0.5 * np.pi - np.radians(float(one.get("angle", "0")))
            row[int(one.get("id", "0"))] = float(one.get("x", "0")), float(one.get("y", "0")), angle, float(one.get("speed", "0"))
        rows.append(row)
        step.clear()
    told = np.array(rows)
    if not rows or np.isnan(told).any():
        raise MarqueError("SUMO has not all vehicles on the road.")
    x, y, heading, speed = (np.ascontiguousarray(told[:, :, k]) for k in range(4))
    everywhere = np.ones(x.shape, np.bool_)
    return Tracks(1.0, everywhere, x, y, heading, speed, np.full(x.shape, 4.5), np.full(x.shape, -1), np.zeros(x.shape))
