"""The city: our cars among its traffic, trip after trip, judged by the map and not by what the pilot says of itself."""

from __future__ import annotations

import numpy as np
import pytest

from marque.driving.importers import default_city, load_map
from marque.driving.map.query import project
from marque.driving.minimal_risk import Manoeuvre, Mode
from marque.driving.view import Reason
from marque.simulation.city import CLEARED_S, City


@pytest.fixture(scope="module")
def adlershof():
    return load_map(default_city())


def hold(city):
    return [(car.state, car.destination, car.record.routes_finished) for car in city._cars], city.frame().x_m.tobytes()


def test_the_same_seed_is_the_same_city_to_the_byte_and_another_seed_another(adlershof):
    one, again, other = (City(adlershof, seed=seed, vehicles=60, pedestrians=20, cars=2) for seed in (5, 5, 6))
    for _ in range(100):
        one.step()
        again.step()
        other.step()
    assert hold(one) == hold(again)
    assert hold(one) != hold(other)


def test_a_trip_is_finished_on_the_lane_it_leads_to(adlershof):
    city = City(adlershof, seed=3, vehicles=0, pedestrians=0, cars=1)
    car, arrays = city._cars[0], adlershof.arrays
    for _ in range(3000):
        destination = car.destination
        city.step()
        if car.record.routes_finished:
            break
    assert car.record.routes_finished == 1
    s, d, _ = project(arrays, destination, car.state.x_m, car.state.y_m, -1)
    assert 0.0 <= s <= arrays.lanes[destination]["length"]
    assert abs(d) < 2.0
    assert car.destination != destination
    assert car.record.off_road_s == 0.0


def test_a_car_in_the_minimal_risk_condition_is_cleared_by_an_operator_and_it_is_counted(adlershof):
    city = City(adlershof, seed=3, vehicles=0, pedestrians=0, cars=1)
    car = city._cars[0]
    for _ in range(30):
        city.step()
    fallback = car.pilot.fallback
    fallback.mode, fallback.manoeuvre, fallback.reason = Mode.CONDITION, Manoeuvre.IN_LANE, Reason.SENSORS_LOST
    stood_s = 0.0
    while fallback.mode == Mode.CONDITION:
        city.step()
        stood_s += city.step_s
    assert stood_s == pytest.approx(CLEARED_S, abs=0.2)
    assert car.record.clearances == 1
    (manoeuvre,) = car.record.of_kind("minimal risk manoeuvre")
    assert manoeuvre.facts["condition"]
    assert manoeuvre.facts["reason"] == "SENSORS_LOST"
    here = car.state
    for _ in range(100):
        city.step()
    assert np.hypot(car.state.x_m - here.x_m, car.state.y_m - here.y_m) > 5.0


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_ten_cars_drive_two_minutes_among_four_hundred_without_fault(adlershof, seed):
    city = City(adlershof, seed=seed)
    for _ in range(1200):
        city.step()
    records = city.records
    assert sum(record.driven_m for record in records) > 3000.0
    assert [record.at_fault for record in records] == [0] * 10
    assert [record.of_kind("stuck") for record in records] == [[]] * 10
    assert sum(record.emergency_s for record in records) < 12.0
    assert len(city.traffic.collisions()) == 0
    assert np.isfinite(city.cycle_ms).all()
