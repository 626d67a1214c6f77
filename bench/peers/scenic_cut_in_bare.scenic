"""A cut-in of UN R157 without a road: the ego is the competent and careful driver as the JRC counts, everything moves by its velocity.

The laws are those of `marque.proof.reference` (mode jrc), so that both sides drive the same case to the same end. Parameters: ego_mps,
other_mps, gap_m, across_mps, ramp_mps2, release_mps2, braking_mps2, jerk_mps3 and reaction_steps. The road runs along y; the other comes
from +x.
"""

import math

from scenic.core.simulators import Action
from scenic.simulators.newtonian.simulator import NewtonianSimulator

simulator NewtonianSimulator(None, render=False)

LENGTH, WIDTH, ASIDE, CRITICAL_S, RECOVERY_MPS2 = 4.3, 1.9, 3.5, 2.0, 1.0
STEP_S = 0.1
case = globalParameters
RAMP = math.ceil(case.across_mps / (case.ramp_mps2 * STEP_S))
ACROSS = math.floor(ASIDE / (case.across_mps * STEP_S)) + 1


class Move(Action):
    """The velocity that an agent has from now on, m/s."""

    def __init__(self, sideways, ahead):
        self.velocity = Vector(sideways, ahead)

    def applyTo(self, agent, simulation):
        agent.velocity = self.velocity


behavior ComesIn():
    for step in range(RAMP):
        take Move(-step * case.ramp_mps2 * STEP_S, case.other_mps)
    for step in range(ACROSS):
        take Move(-case.across_mps, case.other_mps)
    while True:
        take Move(0.0, case.other_mps)


behavior CompetentAndCareful(other):
    speed, waiting, braking, reacted, over = case.ego_mps, case.reaction_steps, 0.0, False, False
    while not over:
        apart, aside = other.position.y - self.position.y, abs(other.position.x - self.position.x)
        alarmed = False
        if apart >= 0.0 and aside <= WIDTH:
            closing = speed - case.other_mps
            alarmed = closing != 0.0 and abs((apart - LENGTH) / closing) <= CRITICAL_S
            over = not alarmed
        if not alarmed:
            if not reacted:
                speed += min(max(case.ego_mps - speed, -RECOVERY_MPS2 * STEP_S), RECOVERY_MPS2 * STEP_S)
        elif waiting > 0:
            waiting, braking, reacted = waiting - 1, case.release_mps2, True
            speed -= braking * STEP_S
        else:
            braking, reacted = min(braking + case.jerk_mps3 * STEP_S, case.braking_mps2), True
            speed = max(0.0, speed - braking * STEP_S)
        take Move(0.0, speed)
    terminate


other = new Object at (ASIDE + sum(range(RAMP)) * case.ramp_mps2 * STEP_S * STEP_S, case.gap_m + LENGTH - RAMP * case.other_mps * STEP_S),
    with width WIDTH, with length LENGTH, with allowCollisions True, with requireVisible False, with behavior ComesIn()
ego = new Object at (0, -RAMP * case.ego_mps * STEP_S),
    with width WIDTH, with length LENGTH, with allowCollisions True, with requireVisible False, with behavior CompetentAndCareful(other)
