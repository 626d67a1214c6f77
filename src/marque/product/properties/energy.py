"""Consumption and range of a configured car over the legal cycles, by the energy model of `vehicle`."""

from __future__ import annotations

import functools
from collections.abc import Set
from dataclasses import dataclass

import numpy as np

from marque.common import Bools, Floats
from marque.product.model import FeatureModel
from marque.product.properties.attributes import Totals, total
from marque.product.properties.model import Property, not_claimed
from marque.vehicle import MODELS, Conditions, EnergyParameters

METHOD = "marque.vehicle.energy 1"
LOAD_KG = 100.0
"""Driver, 75 kg, and 25 kg: what UN GTR 15, Annex 4, adds to the ready car without its share of the payload, and GB/T 18386.1 too."""

_NEEDED = ("mass_kg", "drag_cm2", "rolling_ppm", "motor_kw", "capacity_ah", "resistance_mohm")
_STATEMENT = (
    "Computed by simulation from the features of this car over {cycle}, {air:g} °C, climate control {climate}. It is no figure of type"
    " approval and not the official consumption or range of any car."
)
_CYCLES = {"wltc_3b": "the speed profile WLTC class 3b (UN GTR 15)", "cltc_p": "the speed profile CLTC-P (GB/T 38146.1)"}


@dataclass(frozen=True, slots=True)
class Setting:
    """What a figure is computed for. suffix: of its name."""

    cycle: str
    suffix: str
    around: Conditions


SETTINGS = (
    Setting("wltc_3b", "wltc", Conditions()),
    Setting("cltc_p", "cltc", Conditions()),
    Setting("wltc_3b", "wltc_cold", Conditions(air_c=-7.0, battery_c=5.0, climate=1.0)),
)


def energy_parameters(model: FeatureModel, car: Set[str]) -> EnergyParameters | tuple[str, ...]:
    """The car as its battery sees it, or what is missing for it.

    The attribute `code` below Model names one of vehicle.MODELS, from which comes what no feature says: gear, losses of the motors,
    regeneration, voltages. Masses, drag areas and powers are sums over the features; see the head of the model's file for their units.
    """
    code = _vehicle(model, car)
    sums = {name: total(model, car, name) for name in (*_NEEDED, "auxiliary_w", "cabin_w_per_k", "heat_pump")}
    missing = tuple(name for name in _NEEDED if sums[name] is None)
    base = None if code is None else MODELS[code].energy
    if base is None or missing:
        return (*(() if base is not None else ("the code of a vehicle with an energy model",)), *missing)
    return _with(base, {name: one for name, one in sums.items() if one is not None})


def _with(base: EnergyParameters, sums: dict[str, float]) -> EnergyParameters:
    return base._replace(
        mass_kg=sums["mass_kg"] + LOAD_KG,
        drag_area_m2=sums["drag_cm2"] / 1e4,
        rolling_resistance=sums["rolling_ppm"] / 1e6,
        motor_power_max_w=sums["motor_kw"] * 1e3,
        capacity_ah=sums["capacity_ah"],
        resistance_ohm=sums["resistance_mohm"] / 1e3,
        auxiliary_w=sums.get("auxiliary_w", base.auxiliary_w),
        cabin_w_per_k=sums.get("cabin_w_per_k", base.cabin_w_per_k),
        heat_pump_quality=base.heat_pump_quality if sums.get("heat_pump", 0.0) > 0.0 else 0.0,
    )


def _vehicle(model: FeatureModel, car: Set[str]) -> str | None:
    """The code of the car's model in vehicle.MODELS: attributes `code` also name markets and plants, which are not there."""
    found = {model.features[name].attributes.get("code") for name in model.features if name in car}
    known = [one for one in found if isinstance(one, str) and one in MODELS]
    return known[0] if len(known) == 1 else None


@functools.lru_cache(maxsize=4096)
def figures(car: EnergyParameters, setting: Setting) -> tuple[float, float]:
    """(range in km, consumption at the plug in kWh per 100 km)."""
    from marque.vehicle.cycles import cycle_speeds
    from marque.vehicle.energy import consumption_wh_per_km, range_m

    speeds = cycle_speeds(setting.cycle)
    plug_wh_per_km = consumption_wh_per_km(speeds, 1.0, car, setting.around) / car.charging_efficiency
    return float(range_m(speeds, 1.0, car, setting.around)) / 1e3, plug_wh_per_km / 10.0


def energy(model: FeatureModel, car: Set[str]) -> tuple[Property, ...]:
    """Range and consumption for each of SETTINGS; not claimed where the car lacks an input."""
    parameters = energy_parameters(model, car)
    found = []
    for setting in SETTINGS:
        names = (f"range_{setting.suffix}", "km"), (f"consumption_{setting.suffix}", "kWh/100 km")
        if not isinstance(parameters, EnergyParameters):
            found += [not_claimed(name, unit, METHOD, parameters) for name, unit in names]
            continue
        inputs = {**parameters._asdict(), **setting.around._asdict(), "cycle": setting.cycle}
        around = setting.around
        said = _STATEMENT.format(cycle=_CYCLES[setting.cycle], air=around.air_c, climate="on" if around.climate else "off")
        found += [
            Property(name, round(value, 1), unit, METHOD, said, inputs)
            for (name, unit), value in zip(names, figures(parameters, setting), strict=True)
        ]
    return tuple(found)


def ranges_km(model: FeatureModel, cars: Bools, setting: Setting = SETTINGS[0]) -> Floats:
    """Of many cars: bool [cars, features] in the order of the model → km [cars], NaN where it is not claimed.

    Cars that differ only in what does not move them (paint, software without computers) are computed once.
    """
    totals = Totals(model)
    attributes = (*_NEEDED, "auxiliary_w", "cabin_w_per_k", "heat_pump")
    sums = np.column_stack([totals.of(cars, name) for name in attributes])
    codes = _codes(model, cars)
    rows, which = np.unique(np.column_stack([codes, sums]), axis=0, return_inverse=True)
    names = list(MODELS)
    found = np.full(len(rows), np.nan)
    for number, row in enumerate(rows):
        base = MODELS[names[int(row[0])]].energy if row[0] >= 0 else None
        needed = dict(zip(attributes, row[1:].tolist(), strict=True))
        if base is not None and all(needed[name] > 0.0 for name in _NEEDED):
            found[number] = figures(_with(base, needed), setting)[0]
    return np.asarray(found[which.reshape(-1)])


def _codes(model: FeatureModel, cars: Bools) -> Floats:
    """The number of each car's vehicle in MODELS, −1 where none or several are named."""
    codes, named = np.full(len(cars), -1.0), np.zeros(len(cars))
    for number, code in enumerate(MODELS):
        rows = [row for row, feature in enumerate(model.features.values()) if feature.attributes.get("code") == code]
        has = cars[:, rows].any(axis=1)
        codes[has], named = number, named + has
    return np.where(named == 1.0, codes, -1.0)
