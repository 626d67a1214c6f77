"""What a vehicle model is, in numbers: size, axles, limits of its actuators."""

from __future__ import annotations

from typing import NamedTuple


class VehicleParameters(NamedTuple):
    """One vehicle model. A NamedTuple of floats, so a kernel takes it as it is.

    Lengths in m, angles in rad, accelerations in m/s². The reference point of every pose in Marque is the centre of the
    body's rectangle; `rear_axle_m` is how far behind it the rear axle lies.
    """

    length_m: float
    width_m: float
    wheelbase_m: float
    rear_axle_m: float
    steering_max_rad: float
    steering_rate_max_radps: float
    speed_max_mps: float
    speed_switch_mps: float
    """Above it the motor's power, not the tyres, limits acceleration: a_max · speed_switch / speed."""
    acceleration_max_mps2: float
    braking_max_mps2: float
    lateral_max_mps2: float
    """What the tyres hold sideways on a dry road."""


# CommonRoad vehicle models 2020a, table 6, parameter set 2 (BMW 320i), so that solutions can be judged by its own tools. The wheelbase
# is a + b there; the rear axle lies b behind the centre of mass, which is taken for the centre of the body.
BMW_320I = VehicleParameters(
    length_m=4.508,
    width_m=1.610,
    wheelbase_m=1.1561957064 + 1.4227170936,
    rear_axle_m=1.4227170936,
    steering_max_rad=1.066,
    steering_rate_max_radps=0.4,
    speed_max_mps=50.8,
    speed_switch_mps=7.319,
    acceleration_max_mps2=11.5,
    braking_max_mps2=11.5,
    lateral_max_mps2=11.5,
)
