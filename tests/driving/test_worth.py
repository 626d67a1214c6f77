"""What a candidate is worth changes gently where what is known of the road changes gently."""

import numpy as np
import pytest

from marque.driving.lines import CELLS, no_lines
from marque.driving.occupancy import FREE, no_occupancy
from marque.driving.path import no_paths
from marque.driving.speed import TICK_S, TICKS, no_profiles
from marque.driving.worth import LineTerms, Task, Terms, worth

STEERABLE_MPS = 6.0


@pytest.fixture(scope="module")
def price():
    """The cost of driving a line at an even speed, on which the steering can follow up to STEERABLE_MPS for 12 m."""
    lines, occupancy, profiles, paths = no_lines(), no_occupancy(), no_profiles(), no_paths()
    lines.used[0] = profiles.used[0] = 1
    lines.line["cells"] = CELLS
    lines.cell["allowed"], lines.cell["steerable"] = 30.0, np.inf
    lines.cell["steerable"][:, :12] = STEERABLE_MPS
    occupancy.next[:] = FREE
    none = np.zeros(0, np.int32)
    task = Task(np.zeros((0, 4)), np.zeros(1, np.int32), np.zeros((0, 2)), none, np.zeros((0, 2)), np.zeros(1, np.int32))

    def of(speed):
        profiles.v[0], profiles.s[0] = speed, speed * TICK_S * np.arange(TICKS)
        shared = Terms(0.0, 1.0, np.inf, 0.0, 0.0)
        return worth(lines, paths, profiles, occupancy, task, 0.0, shared, LineTerms(0.0, 0, 0.0), 0, 0, np.inf)

    return of


def test_a_few_hundredths_more_than_the_steering_follows_are_no_reason_to_brake_hard(price):
    speeds = STEERABLE_MPS * np.arange(0.8, 1.03, 0.01)
    steps = np.diff([price(speed) for speed in speeds])
    assert (np.abs(steps) < 100.0).all()


def test_what_the_steering_cannot_follow_is_not_driven_for_any_progress(price):
    assert price(1.1 * STEERABLE_MPS) > price(0.9 * STEERABLE_MPS) + 1000.0
    assert price(0.85 * STEERABLE_MPS) < price(0.8 * STEERABLE_MPS)
