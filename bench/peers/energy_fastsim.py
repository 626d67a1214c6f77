"""The peer's side of bench/energy.py: FASTSim drives its own electric cars. Runs in bench/peers/.venv-energy, never with Marque.

Writes JSON to stdout: every cycle's speeds, and every car's record with the consumption FASTSim finds for it.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import fastsim
import pandas as pd
from fastsim.cycle import Cycle
from fastsim.simdrive import SimDrive
from fastsim.vehicle import Vehicle

DATABASE = Path(fastsim.__file__).parent / "resources" / "FASTSim_py_veh_db.csv"
CYCLES = ("udds", "hwfet", "wltc_3b")
RECORD = (
    "scenario_name", "veh_kg", "drag_coef", "frontal_area_m2", "wheel_rr_coef", "wheel_inertia_kg_m2", "wheel_radius_m",
    "num_wheels", "trans_eff", "mc_max_kw", "ess_max_kw", "ess_max_kwh", "ess_round_trip_eff", "min_soc", "max_soc", "aux_kw",
    "max_regen", "regen_a", "regen_b", "chg_eff", "val_udds_kwh_per_mile", "val_hwy_kwh_per_mile", "val_range_miles",
)  # fmt: skip


def main() -> None:
    warnings.simplefilter("ignore")
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere, contextlib.redirect_stdout(nowhere):
        cycles = {name: Cycle.from_file(name) for name in CYCLES}
        database = pd.read_csv(DATABASE)
        cars = [drive(int(number), cycles) for number in database["selection"][database["veh_pt_type"] == "BEV"]]
    json.dump({"cycles": {name: cycle.mps.tolist() for name, cycle in cycles.items()}, "cars": cars}, sys.stdout)


def drive(number: int, cycles: dict[str, Cycle]) -> dict[str, Any]:
    car = Vehicle.from_vehdb(number)
    record = {key: getattr(car, key) for key in RECORD}
    told: dict[str, Any] = {key: value if isinstance(value, str) else float(value) for key, value in record.items()}
    told["motor_map"] = [list(map(float, car.mc_pwr_out_perc)), list(map(float, car.mc_eff_array))]
    told["wh_per_km"], told["missed_s"], told["cpu_s"] = {}, {}, {}
    for name, cycle in cycles.items():
        simulated = SimDrive(cycle, car)
        began = time.process_time()
        simulated.sim_drive(0.6)
        told["cpu_s"][name] = time.process_time() - began
        told["wh_per_km"][name] = (0.6 - simulated.soc[-1]) * car.ess_max_kwh * 1e6 / simulated.dist_m.sum()
        told["missed_s"][name] = int((abs(simulated.mps_ach - cycle.mps) > 0.1).sum())
    return told


if __name__ == "__main__":
    main()
