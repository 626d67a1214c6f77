"""The pilot knows what was seen up to now, never the file's future."""

import dataclasses

import numpy as np
import pytest

from marque.driving.pilot import Pilot
from marque.simulation.commonroad import read_scenario
from marque.simulation.drive import Observer, initial_state
from marque.vehicle import BMW_320I, step
from scenes import TWO_LANES, car, document, goal, problem, rectangle, write


@pytest.fixture(scope="module")
def scenario(tmp_path_factory):
    random = np.random.default_rng(5)
    cars = []
    for name, (x, y, speed) in enumerate([(35.0, 0.0, 8.0), (20.0, 3.5, 12.0), (60.0, 3.5, 6.0), (4.0, 3.5, 9.0)], start=1):
        bends = np.cumsum(random.normal(0.0, 0.02, 50))
        cars.append(car(name, [(x + 0.1 * speed * k, y + bends[k], 0.0, speed) for k in range(50)]))
    asked = problem(15.0, 0.0, 10.0, goal(40, 49, region=rectangle(40.0, 3.5, 70.0, 3.5)))
    return read_scenario(write(tmp_path_factory.mktemp("future"), document(TWO_LANES, *cars, asked)))


def driven_to(scenario, last):
    """Every command and every plan up to a step."""
    asked = scenario.problems[0]
    pilot, observer = Pilot(scenario.road_map, BMW_320I, scenario.step_s), Observer(scenario)
    state = initial_state(asked, BMW_320I)
    pilot.begin(asked.goals)
    told = []
    for k in range(last + 1):
        command = pilot.cycle(state, observer.at(k))
        view = pilot.view()
        told.append((tuple(state), tuple(command), view.plan.tobytes(), int(view.reason), view.subject, view.route.tobytes()))
        state = step(state, command, scenario.step_s, BMW_320I)
    return told


@pytest.mark.parametrize("now", [0, 7, 25])
def test_shuffling_the_future_of_all_actors_leaves_the_plan_bit_identical(scenario, now):
    random = np.random.default_rng(now)
    actors = scenario.actors
    order = np.arange(actors.steps)
    order[now + 1 :] = random.permutation(order[now + 1 :])
    bodies = random.permutation(len(actors.ids))
    changed = {}
    for name in ("present", "x_m", "y_m", "heading_rad", "speed_mps", "length_m", "width_m"):
        table = getattr(actors, name).copy()
        table[now + 1 :] = table[order[now + 1 :]][:, bodies]
        changed[name] = table
    assert not np.array_equal(changed["x_m"], actors.x_m)
    shuffled = dataclasses.replace(scenario, actors=dataclasses.replace(actors, **changed))
    assert driven_to(shuffled, now) == driven_to(scenario, now)


def test_what_the_driver_is_handed_does_not_lead_back_to_the_log(scenario):
    seen = Observer(scenario).at(3)
    for values in seen:
        if isinstance(values, np.ndarray):
            assert values.base is None
            assert not any(np.shares_memory(values, getattr(scenario.actors, name)) for name in ("x_m", "y_m", "speed_mps", "ids"))
