"""What driving takes from the battery of an electric car: by speed, acceleration, grade, air, load and cabin."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from marque.vehicle.kernel import kernel

GRAVITY_MPS2 = 9.81
ZERO_CELSIUS_K = 273.15
CABIN_C = 21.0
ROLLING_PER_K = 8.6e-3
"""Tyres roll lighter when warm: f = f(20 °C) / (1 + K0 (T − 20 °C)). Source: UN GTR 15, Annex 4, K0."""
RESISTANCE_PER_K = 3000.0
"""A cell's resistance over 1/T: activation energy over the gas constant, 25 kJ/mol, amid the 20–30 kJ/mol of lithium-ion cells."""


class EnergyParameters(NamedTuple):
    """One electric car as its battery sees it."""

    mass_kg: float
    """With driver and load."""
    rotating_mass_kg: float
    """Inertia of wheels and motor as a mass that is accelerated too, but has no weight."""
    drag_area_m2: float
    """Coefficient times frontal area."""
    rolling_resistance: float
    """At 20 °C."""
    driveline_efficiency: float
    motor_radps_per_mps: float
    """Gear ratio over wheel radius."""
    motor_power_max_w: float
    """Mechanical, at the motor."""
    loss_copper_w_per_nm2: float
    loss_iron_nm: float
    loss_windage_w_s3: float
    loss_constant_w: float
    """Of motor and inverter together: kc T² + ki ω + kw ω³ + C, Larminie, Lowry 2012, Electric Vehicle Technology Explained, ch. 7."""
    regeneration_power_max_w: float
    regeneration_part: float
    """Of the braking that the motor takes where it is free to."""
    regeneration_from_mps: float
    regeneration_full_mps: float
    """Between these speeds the motor takes over from the brakes."""
    capacity_ah: float
    voltage_empty_v: float
    voltage_full_v: float
    """Open-circuit voltage, linear in between."""
    resistance_ohm: float
    """Of the battery at 25 °C."""
    charge_min: float
    charge_max: float
    """States of charge, of 1, between which the car drives."""
    auxiliary_w: float
    """Computers, lights, pumps: whenever it is on."""
    cabin_w_per_k: float
    """Heat that the cabin loses, fresh air included."""
    cabin_gain_w: float
    """Heat that people and sun bring in."""
    heat_pump_quality: float
    """Of the Carnot process, heating; 0: a resistive heater."""
    cooler_quality: float
    """Of the Carnot process, cooling."""
    charging_efficiency: float
    """From the plug into the battery."""


class Conditions(NamedTuple):
    """What is around the car. As it stands: a test bench's 23 °C, climate control off, as WLTP and GB/T 18386.1 have it."""

    air_c: float = 23.0
    battery_c: float = 23.0
    altitude_m: float = 0.0
    headwind_mps: float = 0.0
    climate: float = 0.0
    """1 keeps the cabin at 21 °C, 0 is off."""


class Trip(NamedTuple):
    """What a drive took. Energies in J."""

    distance_m: float
    charge: float
    """State of charge at the end, of 1."""
    stored_j: float
    """Taken out of the cells, their own losses included; what came back is subtracted."""
    wheels_j: float
    """Given to the wheels while driving."""
    regenerated_j: float
    """Given back to the battery's terminals."""


@kernel
def air_density_kgpm3(air_c: float, altitude_m: float) -> float:
    """Dry air. Source: ISO 2533, International Standard Atmosphere, its pressure at the altitude, at the temperature given."""
    pressure_pa: float = 101325.0 * (1.0 - 2.25577e-5 * altitude_m) ** 5.25588
    return pressure_pa / (287.05 * (air_c + ZERO_CELSIUS_K))


@kernel
def road_load_n(speed_mps: float, grade_rad: float, car: EnergyParameters, around: Conditions) -> float:
    """Force against a car that holds its speed ≥ 0: air, tyres, hill. A standing car's tyres hold; only the hill pulls."""
    hill = car.mass_kg * GRAVITY_MPS2 * math.sin(grade_rad)
    if speed_mps <= 0.0:
        return hill
    against = speed_mps + around.headwind_mps
    air = 0.5 * air_density_kgpm3(around.air_c, around.altitude_m) * car.drag_area_m2 * against * abs(against)
    rolling = car.rolling_resistance / (1.0 + ROLLING_PER_K * (around.air_c - 20.0))
    return air + rolling * car.mass_kg * GRAVITY_MPS2 * math.cos(grade_rad) + hill


@kernel
def motor_loss_w(motor_w: float, speed_mps: float, car: EnergyParameters) -> float:
    """Heat of motor and inverter that give motor_w (below 0: take it) at this speed; nothing is switched on at standstill."""
    if speed_mps <= 0.0:
        return 0.0
    turning = speed_mps * car.motor_radps_per_mps
    torque = motor_w / turning
    return (
        car.loss_copper_w_per_nm2 * torque**2 + car.loss_iron_nm * turning + car.loss_windage_w_s3 * turning**3 + car.loss_constant_w
    )  # fmt: skip


@kernel
def climate_power_w(car: EnergyParameters, around: Conditions) -> float:
    """Electric power that keeps the cabin at 21 °C, once it is there.

    Heating by a heat pump between air 8 K colder than outside and 50 °C, or by a resistor; cooling from 5 °C to 15 K above the outside.
    """
    needed = car.cabin_w_per_k * (CABIN_C - around.air_c) - car.cabin_gain_w
    if needed > 0.0:
        carnot = 323.15 / max(10.0, 50.0 - (around.air_c - 8.0))
        return around.climate * needed / max(1.0, car.heat_pump_quality * carnot)
    carnot = 278.15 / max(10.0, around.air_c + 15.0 - 5.0)
    return around.climate * -needed / max(1.0, car.cooler_quality * carnot)


@kernel
def battery_power_w(
    speed_mps: float, acceleration_mps2: float, grade_rad: float, car: EnergyParameters, around: Conditions
) -> tuple[float, float]:
    """(power at the battery's terminals, power at the wheels) in W; below 0 what comes back.

    speed_mps ≥ 0 and acceleration along the way; backwards take both as forwards. More than the motor has is not given: the wheels then get
    less than asked. What the motor does not take of braking, the brakes do; they also do it alone where regeneration would cost more than
    it brings.
    """
    force = road_load_n(speed_mps, grade_rad, car, around) + (car.mass_kg + car.rotating_mass_kg) * acceleration_mps2
    motor_w = force * speed_mps
    if motor_w >= 0.0:
        motor_w = min(car.motor_power_max_w, motor_w / car.driveline_efficiency)
        wheels_w = motor_w * car.driveline_efficiency
    else:
        taken = (speed_mps - car.regeneration_from_mps) / (car.regeneration_full_mps - car.regeneration_from_mps)
        wheels_w = motor_w * car.regeneration_part * min(1.0, max(0.0, taken))
        motor_w = max(-car.regeneration_power_max_w, wheels_w * car.driveline_efficiency)
        if motor_w + motor_loss_w(motor_w, speed_mps, car) > motor_loss_w(0.0, speed_mps, car):
            motor_w = 0.0
        wheels_w = motor_w / car.driveline_efficiency
    return motor_w + motor_loss_w(motor_w, speed_mps, car) + car.auxiliary_w + climate_power_w(car, around), wheels_w


@kernel
def open_voltage_v(charge: float, car: EnergyParameters) -> float:
    return car.voltage_empty_v + charge * (car.voltage_full_v - car.voltage_empty_v)


@kernel
def resistance_ohm(battery_c: float, car: EnergyParameters) -> float:
    """Of the battery: Arrhenius' law about 25 °C."""
    return car.resistance_ohm * math.exp(RESISTANCE_PER_K * (1.0 / (battery_c + ZERO_CELSIUS_K) - 1.0 / 298.15))


@kernel
def battery_current_a(charge: float, power_w: float, battery_c: float, car: EnergyParameters) -> float:
    """Current that gives power_w at the terminals, below 0 when charging; the strongest that the battery has where it cannot.

    Its voltage is U − R I, U open_voltage_v: P = U I − R I².
    """
    voltage, resistance = open_voltage_v(charge, car), resistance_ohm(battery_c, car)
    return (voltage - math.sqrt(max(0.0, voltage**2 - 4.0 * resistance * power_w))) / (2.0 * resistance)


@kernel
def discharge(charge: float, power_w: float, step_s: float, battery_c: float, car: EnergyParameters) -> float:
    """State of charge, of 1, after power_w for step_s; it stays between 0 and 1."""
    after = charge - battery_current_a(charge, power_w, battery_c, car) * step_s / (3600.0 * car.capacity_ah)
    return min(1.0, max(0.0, after))


@kernel
def drive_profile(speeds_mps: npt.NDArray[np.float64], step_s: float, charge: float, car: EnergyParameters, around: Conditions) -> Trip:
    """A level road at the speeds given, one every step_s, straight lines between; it ends early once the battery is down to charge_min."""
    distance, stored, wheels, regenerated = 0.0, 0.0, 0.0, 0.0
    for k in range(len(speeds_mps) - 1):
        if charge <= car.charge_min:
            break
        speed = 0.5 * (speeds_mps[k] + speeds_mps[k + 1])
        power, at_wheels = battery_power_w(speed, (speeds_mps[k + 1] - speeds_mps[k]) / step_s, 0.0, car, around)
        if charge >= car.charge_max:
            power = max(0.0, power)  # a full battery takes nothing: the brakes do
        after = discharge(charge, power, step_s, around.battery_c, car)
        stored += (charge - after) * 3600.0 * car.capacity_ah * open_voltage_v(charge, car)
        wheels += max(0.0, at_wheels) * step_s
        regenerated += max(0.0, -power) * step_s
        distance += speed * step_s
        charge = after
    return Trip(distance, charge, stored, wheels, regenerated)


@kernel
def range_m(speeds_mps: npt.NDArray[np.float64], step_s: float, car: EnergyParameters, around: Conditions) -> float:
    """Distance from a full to an empty battery, the profile driven again and again; infinite where it takes nothing."""
    charge, distance = car.charge_max, 0.0
    while charge > car.charge_min:
        trip = drive_profile(speeds_mps, step_s, charge, car, around)
        if trip.charge >= charge:
            return math.inf
        distance += trip.distance_m
        charge = trip.charge
    return distance


def consumption_wh_per_km(speeds_mps: npt.NDArray[np.float64], step_s: float, car: EnergyParameters, around: Conditions) -> float:
    """What a half-full battery loses per distance over the profile; over car.charging_efficiency: what the plug gives."""
    trip = drive_profile(speeds_mps, step_s, 0.5 * (car.charge_min + car.charge_max), car, around)
    return trip.stored_j / 3.6 / trip.distance_m


def usable_energy_wh(car: EnergyParameters) -> float:
    """Between charge_max and charge_min, at the cells."""
    middle = 0.5 * (car.charge_min + car.charge_max)
    return float((car.charge_max - car.charge_min) * car.capacity_ah * open_voltage_v(middle, car))
