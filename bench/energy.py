"""Energy use beside FASTSim's and beside published figures: bench/energy.py

FASTSim (NREL) drives the electric cars of its own database; ours drives them with parameters from the same records. Both tell what leaves
the cells. Then range against what WLTP and EPA tests published, and our own cars in heat and cold.
"""

from __future__ import annotations

import itertools
import json
import subprocess
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from marque.vehicle.cycles import CYCLES, cycle_speeds
from marque.vehicle.energy import Conditions, EnergyParameters, consumption_wh_per_km, range_m, road_load_n, usable_energy_wh
from marque.vehicle.models import MODELS

HERE = Path(__file__).parent
PEER = HERE / "peers" / ".venv-energy" / "bin" / "python"
PEERS_AIR = Conditions(air_c=20.0, battery_c=25.0)
"""Where air weighs the 1.20 kg/m³ that FASTSim assumes and tyres roll as in the record."""
PACK_V = 350.0
"""The records know no voltage; with the resistance fitted to their efficiency it does not matter."""
KM_PER_MILE = 1.609344
EPA_ADJUSTMENT = 0.7
"""Label over laboratory range; the same factor is in the database's published kWh per mile. Source: 40 CFR 600.210-12."""


class Published(NamedTuple):
    usable_kwh: float
    wltp_km: float


# The makers' figures for the trim with the smallest wheels. Zoe and Mégane are checked against printed reports; take the others as near.
PUBLISHED = {
    "2022 Renault Zoe ZE50 R135": Published(52.0, 386.0),
    "2022 Tesla Model 3 RWD": Published(57.5, 491.0),
    "2022 Tesla Model Y RWD": Published(57.5, 455.0),
    "2022 Volvo XC40 Recharge twin": Published(75.0, 438.0),
    "BYD ATTO 3": Published(60.5, 420.0),
    "2022 MINI Cooper SE Hardtop 2 door": Published(28.9, 233.0),
    "2021 BMW iX xDrive40": Published(71.0, 425.0),
    "2021 Cupra Born": Published(58.0, 424.0),
    "2023 Polestar 2 Long range Dual motor": Published(75.0, 487.0),
    "2022 Renault Megane E-Tech": Published(60.0, 450.0),
}


def parameters_of(record: dict[str, Any], cycles: dict[str, npt.NDArray[np.float64]]) -> EnergyParameters:
    """A record of the peer as ours. Its motor map over power becomes our four losses, its round-trip efficiency a resistance."""
    power_max = record["mc_max_kw"] * 1e3
    fade_mps = 0.44704 * (np.log(record["regen_a"]) / record["regen_b"] - 1.0)  # where the peer takes half
    car = EnergyParameters(
        mass_kg=record["veh_kg"],
        rotating_mass_kg=record["num_wheels"] * record["wheel_inertia_kg_m2"] / record["wheel_radius_m"] ** 2,
        drag_area_m2=record["drag_coef"] * record["frontal_area_m2"],
        rolling_resistance=record["wheel_rr_coef"],
        driveline_efficiency=record["trans_eff"],
        motor_radps_per_mps=9.0 / record["wheel_radius_m"],
        motor_power_max_w=power_max,
        loss_copper_w_per_nm2=0.0, loss_iron_nm=0.0, loss_windage_w_s3=0.0, loss_constant_w=0.0,
        regeneration_power_max_w=min(power_max, record["ess_max_kw"] * 1e3),
        regeneration_part=record["max_regen"],
        regeneration_from_mps=fade_mps - 1.2,
        regeneration_full_mps=fade_mps + 1.2,
        capacity_ah=record["ess_max_kwh"] * 1e3 / PACK_V,
        voltage_empty_v=PACK_V, voltage_full_v=PACK_V, resistance_ohm=0.0,
        charge_min=record["min_soc"], charge_max=record["max_soc"],
        auxiliary_w=record["aux_kw"] * 1e3,
        cabin_w_per_k=0.0, cabin_gain_w=0.0, heat_pump_quality=0.0, cooler_quality=0.0,
        charging_efficiency=record["chg_eff"],
    )  # fmt: skip
    speed, power = operating_points(car, cycles)
    part, efficiency = record["motor_map"]
    efficient = np.interp(np.abs(power) / power_max, part, efficiency)
    loss = np.where(power > 0.0, power / efficient - power, -power * (1.0 - efficient))
    turning = speed * car.motor_radps_per_mps
    copper, iron, windage, constant = least_squares([(power / turning) ** 2, turning, turning**3, np.ones_like(turning)], loss)
    lost = 1.0 - np.sqrt(record["ess_round_trip_eff"])
    return car._replace(
        loss_copper_w_per_nm2=copper, loss_iron_nm=iron, loss_windage_w_s3=windage, loss_constant_w=constant,
        resistance_ohm=lost * PACK_V**2 * float(np.abs(power).sum() / (power**2).sum()),
    )  # fmt: skip


def operating_points(
    car: EnergyParameters, cycles: dict[str, npt.NDArray[np.float64]]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Speeds and motor powers of the two American cycles, where the car moves; the third cycle is not fitted to."""
    found = []
    for name in ("udds", "hwfet"):
        speeds = cycles[name]
        for before, after in itertools.pairwise(speeds.tolist()):
            speed = 0.5 * (before + after)
            power = speed * (road_load_n(speed, 0.0, car, PEERS_AIR) + (car.mass_kg + car.rotating_mass_kg) * (after - before))
            motor = power / car.driveline_efficiency if power > 0.0 else power * car.driveline_efficiency
            if speed > car.regeneration_from_mps or power > 0.0:
                found.append((speed, max(-car.regeneration_power_max_w, min(car.motor_power_max_w, motor))))
    speed, power = np.array(found).T
    return speed, power


def least_squares(columns: list[npt.NDArray[np.float64]], wanted: npt.NDArray[np.float64]) -> list[float]:
    """The coefficients, none below 0, of the best fit: all subsets of so few columns are tried."""
    best, left = [0.0] * len(columns), float("inf")
    for count in range(1, len(columns) + 1):
        for chosen in itertools.combinations(range(len(columns)), count):
            matrix = np.stack([columns[k] / np.abs(columns[k]).max() for k in chosen], axis=1)
            found = np.linalg.lstsq(matrix, wanted)[0]
            error = float(((matrix @ found - wanted) ** 2).sum())
            if error < left and found.min() >= 0.0:
                left, best = error, [0.0] * len(columns)
                for k, value in zip(chosen, found, strict=True):
                    best[k] = float(value / np.abs(columns[k]).max())
    return best


def ask_peer() -> tuple[dict[str, npt.NDArray[np.float64]], list[dict[str, Any]]]:
    """The peer's cycles in m/s, and its cars."""
    done = subprocess.run([str(PEER), str(HERE / "peers" / "energy_fastsim.py")], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr[-3000:])
    told = json.loads(done.stdout)
    return {name: np.array(speeds) for name, speeds in told["cycles"].items()}, told["cars"]


def beside_peer(
    record: dict[str, Any], car: EnergyParameters, cycles: dict[str, npt.NDArray[np.float64]]
) -> dict[str, tuple[float, float]]:
    """By cycle (ours, the peer's) in Wh/km out of the cells."""
    return {name: (consumption_wh_per_km(speeds, 1.0, car, PEERS_AIR), record["wh_per_km"][name]) for name, speeds in cycles.items()}


def print_beside_peer(cars: list[dict[str, Any]], ours: dict[str, EnergyParameters], cycles: dict[str, npt.NDArray[np.float64]]) -> None:
    print("Wh/km out of the cells, Marque / FASTSim (difference)")
    differences: dict[str, list[float]] = {name: [] for name in cycles}
    for record in cars:
        line = f"{record['scenario_name'][:40]:40s}"
        for name, (found, expected) in beside_peer(record, ours[record["scenario_name"]], cycles).items():
            differences[name].append(100.0 * (found / expected - 1.0))
            line += f"  {name} {found:5.1f} / {expected:5.1f} ({differences[name][-1]:+.1f} %)"
        print(line)
    for name, percents in differences.items():
        print(f"{name}: mean {np.mean(percents):+.1f} %, worst {max(percents, key=abs):+.1f} %")
    name, car = "wltc_3b", ours[cars[0]["scenario_name"]]
    cpu_s = min(timed(lambda: consumption_wh_per_km(cycles[name], 1.0, car, PEERS_AIR)) for _ in range(20))
    print(f"CPU time of a {name}: {cpu_s * 1e6:.0f} µs, 1/{cars[0]['cpu_s'][name] / cpu_s:.0f} of FASTSim's\n")


def timed(work: Any) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def compare_with_published(
    cars: list[dict[str, Any]], ours: dict[str, EnergyParameters], cycles: dict[str, npt.NDArray[np.float64]]
) -> None:
    print("WLTP range in km, Marque / published, at the maker's usable battery")
    for name, published in PUBLISHED.items():
        found = 1e3 * published.usable_kwh / consumption_wh_per_km(cycle_speeds("wltc_3b"), 1.0, ours[name], Conditions())
        print(f"{name:40s} {found:5.0f} / {published.wltp_km:.0f} ({100.0 * (found / published.wltp_km - 1.0):+.1f} %)")
    print("\nEPA label in kWh/mile at the plug, Marque / published")
    for record in cars:
        if not record["val_udds_kwh_per_mile"] > 0.0:
            continue
        car = ours[record["scenario_name"]]
        line = f"{record['scenario_name'][:40]:40s}"
        for cycle, key in (("udds", "val_udds_kwh_per_mile"), ("hwfet", "val_hwy_kwh_per_mile")):
            found = (
                consumption_wh_per_km(cycles[cycle], 1.0, car, Conditions()) * KM_PER_MILE / 1e3 / car.charging_efficiency / EPA_ADJUSTMENT
            )
            line += f"  {cycle} {found:.3f} / {record[key]:.3f} ({100.0 * (found / record[key] - 1.0):+.1f} %)"
        print(line)


def print_own_cars(cycles: dict[str, npt.NDArray[np.float64]]) -> None:
    print("\nOur cars")
    mixed = np.concatenate([cycles["udds"], cycles["hwfet"]])
    for name, model in MODELS.items():
        car = model.energy
        if car is None:
            continue
        print(f"{name}: {usable_energy_wh(car) / 1e3:.1f} kWh usable")
        for cycle in CYCLES:
            found = consumption_wh_per_km(cycle_speeds(cycle), 1.0, car, Conditions())
            reach = range_m(cycle_speeds(cycle), 1.0, car, Conditions()) / 1e3
            print(f"  {cycle}: {found:.1f} Wh/km at the cells, {found / car.charging_efficiency:.1f} at the plug, {reach:.0f} km")
        mild = range_m(mixed, 1.0, car, Conditions(24.0, 24.0))
        heater = car._replace(heat_pump_quality=0.0)
        for air_c, climate, measured in ((-6.7, 0.0, -12), (-6.7, 1.0, -41), (35.0, 0.0, -4), (35.0, 1.0, -17)):
            found, resistive = (
                100.0 * (range_m(mixed, 1.0, each, Conditions(air_c, air_c, climate=climate)) / mild - 1.0) for each in (car, heater)
            )
            print(f"  range at {air_c} °C, climate control {'on' if climate else 'off'}: {found:+.0f} %", end="")
            print(f", {resistive:+.0f} % without heat pump (AAA 2019, five cars of 2017–18: {measured} %)")


def main() -> None:
    cycles, cars = ask_peer()
    ours = {record["scenario_name"]: parameters_of(record, cycles) for record in cars}
    print_beside_peer(cars, ours, cycles)
    compare_with_published(cars, ours, cycles)
    print_own_cars(cycles)


if __name__ == "__main__":
    main()
