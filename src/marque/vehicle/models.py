"""The vehicle models of this house, each with all that its physics asks for."""

from __future__ import annotations

from typing import Final, NamedTuple

from marque.vehicle.actuators import IDEAL, PRODUCTION, Actuators
from marque.vehicle.energy import EnergyParameters
from marque.vehicle.parameters import BMW_320I, VehicleParameters
from marque.vehicle.single_track import ChassisParameters


class VehicleModel(NamedTuple):
    vehicle: VehicleParameters
    chassis: ChassisParameters
    actuators: Actuators
    energy: EnergyParameters | None
    """None: it has no battery to drive from."""


# CommonRoad vehicle models 2020a, table 6: parameter sets 1 and 3; set 2 is BMW_320I.
FORD_ESCORT: Final = VehicleParameters(
    length_m=4.298,
    width_m=1.674,
    wheelbase_m=0.88392 + 1.50876,
    rear_axle_m=1.50876,
    steering_max_rad=0.91,
    steering_rate_max_radps=0.4,
    speed_max_mps=45.8,
    speed_switch_mps=4.755,
    acceleration_max_mps2=11.5,
    braking_max_mps2=11.5,
    lateral_max_mps2=11.5,
)
VW_VANAGON: Final = VehicleParameters(
    length_m=4.569,
    width_m=1.844,
    wheelbase_m=1.1507916024 + 1.3211363976,
    rear_axle_m=1.3211363976,
    steering_max_rad=1.023,
    steering_rate_max_radps=0.4,
    speed_max_mps=41.7,
    speed_switch_mps=7.824,
    acceleration_max_mps2=11.5,
    braking_max_mps2=11.5,
    lateral_max_mps2=11.5,
)


def _commonroad_chassis(mass_kg: float, yaw_inertia_kgm2: float, mass_height_m: float, speed_min_mps: float) -> ChassisParameters:
    """All sets share one tyre, table 7 there: cornering stiffness p_ky1 per load, linear in the single-track model."""
    return ChassisParameters(mass_kg, yaw_inertia_kgm2, mass_height_m, 21.92, 21.92, speed_min_mps)


# Electric cars of a demonstration line, drawn up for it after what cars of their size and year have.
VELA: Final = VehicleModel(  # a sedan of 4.9 m, driven at the rear
    VehicleParameters(
        length_m=4.92,
        width_m=1.93,
        wheelbase_m=2.96,
        rear_axle_m=1.43,
        steering_max_rad=0.62,
        steering_rate_max_radps=0.55,
        speed_max_mps=58.0,
        speed_switch_mps=18.0,
        acceleration_max_mps2=5.8,
        braking_max_mps2=9.8,
        lateral_max_mps2=9.3,
    ),
    ChassisParameters(
        mass_kg=2080.0,
        yaw_inertia_kgm2=3900.0,
        mass_height_m=0.50,
        cornering_stiffness_front_per_rad=16.0,
        cornering_stiffness_rear_per_rad=22.0,
        speed_min_mps=-8.0,
        friction=1.0,
    ),
    PRODUCTION,
    EnergyParameters(
        mass_kg=2080.0,
        rotating_mass_kg=70.0,
        drag_area_m2=0.215 * 2.34,
        rolling_resistance=0.0090,
        driveline_efficiency=0.96,
        motor_radps_per_mps=9.2 / 0.345,
        motor_power_max_w=230e3,
        loss_copper_w_per_nm2=0.10,
        loss_iron_nm=0.6,
        loss_windage_w_s3=4e-7,
        loss_constant_w=300.0,
        regeneration_power_max_w=150e3,
        regeneration_part=0.98,
        regeneration_from_mps=1.2,
        regeneration_full_mps=3.6,
        capacity_ah=131.0,
        voltage_empty_v=620.0,
        voltage_full_v=820.0,
        resistance_ohm=0.085,
        charge_min=0.04,
        charge_max=0.98,
        auxiliary_w=330.0,
        cabin_w_per_k=85.0,
        cabin_gain_w=200.0,
        heat_pump_quality=0.38,
        cooler_quality=0.30,
        charging_efficiency=0.89,
    ),
)
CORVUS: Final = VehicleModel(  # a sport utility vehicle of 4.8 m, driven at all wheels
    VehicleParameters(
        length_m=4.84,
        width_m=1.96,
        wheelbase_m=2.95,
        rear_axle_m=1.46,
        steering_max_rad=0.61,
        steering_rate_max_radps=0.52,
        speed_max_mps=55.5,
        speed_switch_mps=19.0,
        acceleration_max_mps2=6.5,
        braking_max_mps2=9.6,
        lateral_max_mps2=8.8,
    ),
    ChassisParameters(
        mass_kg=2380.0,
        yaw_inertia_kgm2=4650.0,
        mass_height_m=0.60,
        cornering_stiffness_front_per_rad=15.0,
        cornering_stiffness_rear_per_rad=20.0,
        speed_min_mps=-8.0,
        friction=0.98,
    ),
    PRODUCTION,
    EnergyParameters(
        mass_kg=2380.0,
        rotating_mass_kg=95.0,
        drag_area_m2=0.255 * 2.72,
        rolling_resistance=0.0095,
        driveline_efficiency=0.955,
        motor_radps_per_mps=9.2 / 0.36,
        motor_power_max_w=310e3,
        loss_copper_w_per_nm2=0.09,
        loss_iron_nm=0.7,
        loss_windage_w_s3=5e-7,
        loss_constant_w=380.0,
        regeneration_power_max_w=180e3,
        regeneration_part=0.98,
        regeneration_from_mps=1.2,
        regeneration_full_mps=3.6,
        capacity_ah=139.0,
        voltage_empty_v=620.0,
        voltage_full_v=820.0,
        resistance_ohm=0.080,
        charge_min=0.04,
        charge_max=0.98,
        auxiliary_w=380.0,
        cabin_w_per_k=110.0,
        cabin_gain_w=200.0,
        heat_pump_quality=0.38,
        cooler_quality=0.30,
        charging_efficiency=0.89,
    ),
)

MODELS: Final = {
    "bmw_320i": VehicleModel(BMW_320I, _commonroad_chassis(1093.2952334674046, 1791.5995300122856, 0.61373004, -13.9), IDEAL, None),
    "ford_escort": VehicleModel(FORD_ESCORT, _commonroad_chassis(1225.8878467253344, 1538.8533713561394, 0.59436, -13.9), IDEAL, None),
    "vw_vanagon": VehicleModel(VW_VANAGON, _commonroad_chassis(1478.8979637767998, 2473.1176915564442, 0.804490644, -11.2), IDEAL, None),
    "vela": VELA,
    "corvus": CORVUS,
}
