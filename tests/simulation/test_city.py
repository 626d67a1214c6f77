"""The city: our cars among its traffic, trip after trip, judged by the map and not by what the pilot says of itself."""

from __future__ import annotations

import numpy as np
import pytest

from marque.driving.importers import default_city, load_map
from marque.driving.map import Colour
from marque.driving.map.query import pose_at, project
from marque.simulation.city import City


@pytest.fixture(scope="module")
def adlershof():
    return load_map(default_city())


def successors(arrays, lane):
    first = arrays.lanes["successor_first"][lane]
    return range(first, first + arrays.lanes["successor_count"][lane])


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


def test_to_drive_back_and_forth_on_the_spot_is_to_wait(adlershof):
    city = City(adlershof, seed=3, vehicles=0, pedestrians=0, cars=1)
    car, start = city._cars[0], city._cars[0].state

    def drive(x, speed):
        ahead = x * np.cos(start.heading_rad), x * np.sin(start.heading_rad)
        car.state = start._replace(x_m=start.x_m + ahead[0], y_m=start.y_m + ahead[1], speed_mps=speed)
        city._note_waiting(car)
        return car.waits_s

    drive(0.0, 5.0)
    assert car.waits_s == 0.0
    for k, (x, speed) in enumerate([(0.0, 0.0), (-1.0, -1.0), (-5.0, -1.0), (-5.0, 0.0), (-3.0, 1.0), (2.5, 1.0)]):
        assert drive(x, speed) == pytest.approx(0.1 * (k + 1))
    assert drive(3.5, 1.0) == 0.0
    assert car.record.longest_wait_s == car.record.longest_stand_s == pytest.approx(0.6)


def test_a_red_light_is_waited_for_by_the_whole_queue_and_a_green_one_by_nobody(adlershof):
    city = City(adlershof, seed=3, vehicles=0, pedestrians=0, cars=1)
    car, arrays = city._cars[0], adlershof.arrays
    heads = np.flatnonzero(arrays.lanes["signal"] >= 0)
    before = next(
        lane
        for lane in city._homes
        if arrays.lanes["length"][lane] > 90.0 and any(arrays.successors[k] in heads for k in successors(arrays, lane))
    )
    after = next(arrays.successors[k] for k in successors(arrays, before) if arrays.successors[k] in heads)
    car.pilot.route = lambda: np.array([before, after], np.int32)  # its own would be another
    for away, red, waits in [(5.0, True, False), (60.0, True, False), (60.0, False, True), (85.0, True, True)]:
        x, y, heading, _ = pose_at(arrays, before, arrays.lanes["stop_s"][before] - away - 0.5 * city.vehicle.length_m, 0.0, -1)
        car.state = car.state._replace(x_m=x, y_m=y, heading_rad=heading, speed_mps=0.0)
        city._present.signals[arrays.lanes["signal"][after]] = Colour.RED if red else Colour.GREEN
        car.stands_s = car.waits_s = 0.0
        city._note_waiting(car)
        assert (car.waits_s > 0.0) == waits
        assert car.stands_s > 0.0


@pytest.mark.parametrize(("speed", "fault"), [(1.0, False), (0.0, False), (-1.0, True)])
def test_who_backs_into_somebody_is_at_fault_and_who_is_run_into_is_not(adlershof, speed, fault):
    city = City(adlershof, seed=3, vehicles=10, pedestrians=0, cars=1)
    car, other = city._cars[0], city._present
    heading = float(other.heading_rad[0])  # ours stands or drives right before the other's nose, pointing the same way
    x, y = other.x_m[0] + 4.0 * np.cos(heading), other.y_m[0] + 4.0 * np.sin(heading)
    car.state = car.state._replace(x_m=x, y_m=y, heading_rad=heading, speed_mps=speed)
    city._present.speed_mps[0] = 2.0
    assert city._collision(car, 0)["at_fault"] == fault


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_ten_cars_drive_two_minutes_among_four_hundred_without_fault(adlershof, seed):
    city = City(adlershof, seed=seed)
    for _ in range(1200):
        city.step()
    records = city.records
    assert sum(record.driven_m for record in records) > 3000.0
    assert [hit for record in records for hit in record.collisions if hit["at_fault"]] == []
    assert [record.stuck for record in records] == [[]] * 10
    assert sum(record.emergency_s for record in records) < 12.0
    assert len(city.traffic.collisions()) == 0
    assert np.isfinite(city.cycle_ms).all()
