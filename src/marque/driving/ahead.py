"""Actuators reckoned with: a command takes hold a moment after it is given, so a cycle plans from where the car will be by then.

What was asked in the cycles before is still on its way to the actuators; the car's own model of them says what comes of it (a Smith
predictor: Smith 1957, "Closer control of loops with dead time", Chem. Eng. Prog. 53(5)). Everybody else is moved on by the same time.
What the steering then lags behind is asked for in advance: lines are planned anew from cycle to cycle, and a wheel that comes late to each
of them swings.
"""

from __future__ import annotations

import functools
import math

from marque.common import Records
from marque.driving.observation import Health
from marque.driving.tracks import CAPACITY
from marque.vehicle import Actuators, Command, VehicleParameters, VehicleState, drive, kernel, resting

_LONGEST_S = 0.6
"""Farther ahead nothing is planned from: a guess about others that old is worth less than the dead time costs."""


class Ahead:
    """Of one car; it remembers what it asked for.

    actuators: the vehicle model's. What the diagnosis says is left of them is reckoned with.
    """

    def __init__(self, vehicle: VehicleParameters, actuators: Actuators, step_s: float) -> None:
        self._vehicle, self._actuators, self._step_s = vehicle, actuators, step_s
        self.begin()

    def begin(self) -> None:
        """Forget what was asked for."""
        self._held = resting(self._step_s)
        self._last = Command(0.0, 0.0, 1.0)
        self._turns_radps = 0.0

    def foresee(self, state: VehicleState, health: Health) -> tuple[VehicleState, float]:
        """Where the car will be when what is asked now takes hold, and in how many s that is; whole steps of the dead time of steering."""
        late_s = min(_LONGEST_S, self._actuators.steering.delay_s + health.delay_s)
        steps = round(late_s / self._step_s)
        held, actuators = self._held, _as_diagnosed(self._actuators, health)
        for _ in range(steps):  # the last acceleration goes on; of the steering nothing newer arrives by then
            state, held = drive(state, held, self._last, self._step_s, self._vehicle, actuators)
        self._turns_radps = held.steering_radps
        return VehicleState(*state), steps * self._step_s

    def ask(self, state: VehicleState, command: Command, health: Health) -> Command:
        """What to ask of the actuators so that the wheels turn as far as the command says in the step it takes hold in.

        The mean over a step of a first-order lag from y towards w is w − (w − y)·k with k = lag/step·(1 − exp(−step/lag)). state: where
        the car is now; what is asked is remembered.
        """
        lag_s = self._actuators.steering.lag_s if health.steering > 0.0 else 0.0  # uneven braking, which then steers, has none
        k = lag_s / self._step_s * (1.0 - math.exp(-self._step_s / lag_s)) if lag_s > 0.0 else 0.0
        asked = command._replace(steering_rate_radps=(command.steering_rate_radps - k * self._turns_radps) / (1.0 - k))
        _, self._held = drive(state, self._held, asked, self._step_s, self._vehicle, _as_diagnosed(self._actuators, health))
        self._last = asked
        return asked


@functools.lru_cache(maxsize=16)
def _as_diagnosed(actuators: Actuators, health: Health) -> Actuators:
    """What is left of them; a diagnosis seldom changes, so it is worked out once for each."""
    drives, brakes, steers, late_s = *actuators[:3], health.delay_s
    return actuators._replace(
        drive=drives._replace(delay_s=drives.delay_s + late_s, left=min(drives.left, health.drive)),
        brake=brakes._replace(delay_s=brakes.delay_s + late_s, left=min(brakes.left, health.braking)),
        steering=steers._replace(delay_s=steers.delay_s + late_s, left=min(steers.left, health.steering)),
    )


@kernel
def move_on(tracks: Records, later_s: float) -> None:
    """Everybody as they will be so much later, if they go on as they do."""
    for slot in range(CAPACITY):
        tracks[slot].x += later_s * tracks[slot].speed * math.cos(tracks[slot].heading)
        tracks[slot].y += later_s * tracks[slot].speed * math.sin(tracks[slot].heading)
