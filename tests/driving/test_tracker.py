"""Tracking as the pilot meets it: who is there, where, since when, and that nobody is who is not."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sensing import BOXES, LIDAR, RADAR, STEP_S, Body, Run, Sensor, detect, nothing_there, straight

from marque.driving.filter import BODY
from marque.driving.observation import DETECTION, Kind
from marque.driving.tracker import no_tracker, track
from marque.driving.tracks import CAPACITY, NO_ID, no_tracks


def cycles(first_s, last_s):
    return STEP_S * np.arange(round(first_s / STEP_S), round(last_s / STEP_S))


def follow(run, bodies, first_s, last_s, hidden=()):
    """Every cycle: (now, the told track nearest to each body, how far off it is)."""
    for now in cycles(first_s, last_s):
        run.take(now, run.see(now, bodies, hidden))
        yield now, [run.of(body, now) for body in bodies]


def accelerates(start_s, rate, x=20.0, y=4.0):
    def at(t):
        dt = max(0.0, t - start_s)
        return x + 0.5 * rate * dt * dt, y, 0.0, rate * dt

    return Body(at)


def turns(x, y, speed, rate, start_s=1.0):
    def at(t):
        if t < start_s:
            return x + speed * t, y, 0.0, speed
        turned, radius = rate * (t - start_s), speed / rate
        return x + speed * start_s + radius * np.sin(turned), y + radius * (1.0 - np.cos(turned)), turned, speed

    return Body(at)


def wanders(x, y, speed, seed):
    """Drives at random as `filter` supposes people to: evenly, now and then with a manoeuvre; in steps of 10 ms."""
    random, dt = np.random.default_rng(seed), 0.01
    state, a, yaw_rate, manoeuvres, rows = np.array([x, y, 0.0, speed]), 0.0, 0.0, False, []
    for _ in range(500):
        rows.append(state)
        drift = np.sqrt(0.01 * dt) * random.standard_normal(2)
        velocity = state[3] * np.cos(state[2]), state[3] * np.sin(state[2]), yaw_rate, a
        state = state + dt * np.array(velocity) + [*drift, 0.0, 0.0]
        manoeuvres = (random.random() > 1.5 * dt) if manoeuvres else (random.random() < 0.6 * dt)
        a += -dt * a / 1.0 + np.sqrt((20.0 if manoeuvres else 2.0) * dt) * random.standard_normal()
        yaw_rate += -dt * yaw_rate / 1.5 + np.sqrt((0.3 if manoeuvres else 0.01) * dt) * random.standard_normal()
    return Body(lambda t: rows[round(t / dt)])


# -- estimates ---------------------------------------------------------------------------------------------------------------------------


def test_what_is_said_of_uncertainty_is_true():
    """Normalised errors of place squared over 120 independent road users: within the 99.9 % bounds of chi² with 240 degrees of freedom."""
    errors = []
    for seed in range(12):
        run = Run(LIDAR, RADAR, seed=seed)
        bodies = [wanders(-40.0, 16.0 * k - 72.0, 6.0 + k, 10 * seed + k) for k in range(10)]
        *_, (now, found) = follow(run, bodies, 0.1, 4.0)
        for body, (slot, _) in zip(bodies, found, strict=True):
            off = np.array([run.tracks[slot]["x"], run.tracks[slot]["y"]]) - body.at(now)[:2]
            xx, xy, yy = run.tracker.spread[slot, :3]
            errors.append(off @ np.linalg.solve([[xx, xy], [xy, yy]], off))
    assert len(errors) == 120
    assert 173.0 < sum(errors) < 316.0


def test_a_turning_car_is_known_by_speed_heading_and_yaw_rate():
    body = turns(-20.0, -10.0, 7.0, 0.4)
    run = Run(BOXES, RADAR)
    *_, (now, [(slot, off)]) = follow(run, [body], 0.1, 4.0)
    told, (_, _, heading, speed) = run.tracks[slot], body.at(now)
    assert off < 0.3
    assert told["speed"] == pytest.approx(speed, abs=0.5)
    assert told["heading"] == pytest.approx(heading, abs=0.08)
    assert told["yaw_rate"] == pytest.approx(0.4, abs=0.15)


def test_latency_costs_no_place():
    """A car at 20 m/s is 4 m further on than where a sensor 0.2 s late saw it."""
    body = straight(-30.0, 5.0, 0.0, 20.0)
    run = Run(LIDAR, Sensor(latency_s=0.2))
    ahead = [run.tracks[slot]["x"] - body.at(now)[0] for now, [(slot, _)] in follow(run, [body], 0.1, 4.0) if now > 1.0]
    assert abs(np.mean(ahead)) < 0.1


def test_the_car_s_own_motion_is_not_that_of_others():
    """Seen from a car that drives and turns, with a delay in which it does both, what stands still stands still, where it is."""
    random, tracker, tracks = np.random.default_rng(0), no_tracker(np.full(1, 3e-5)), no_tracks()

    def pose(t):
        return 6.0 * t, 1.5 * t * t, 0.5 * t

    for now in cycles(0.2, 4.0):
        x0, y0, turned = pose(now - 0.1)
        dx, dy = 30.0 - x0, 20.0 - y0
        seen = np.zeros(1, DETECTION)
        seen["time"], seen["kind"] = now - 0.1, Kind.CAR
        seen["x"] = dx * np.cos(turned) + dy * np.sin(turned) + 0.1 * random.standard_normal()
        seen["y"] = dy * np.cos(turned) - dx * np.sin(turned) + 0.1 * random.standard_normal()
        seen["var_along"] = seen["var_across"] = 0.01
        seen["heading"], seen["var_heading"] = -turned, 0.0025
        seen["rate"] = seen["length"] = seen["width"] = np.nan
        poses = np.array([[t, *pose(t)] for t in np.linspace(now - 0.3, now, 13)])
        track(tracker, tracks, seen, now, poses, np.full((CAPACITY, 1), 0.95))
    [told] = tracks[tracks["id"] != NO_ID]
    assert np.hypot(told["x"] - 30.0, told["y"] - 20.0) < 0.15
    assert told["speed"] == 0.0
    assert told["heading"] == pytest.approx(0.0, abs=0.05)


# -- standing and starting ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sensors", [(LIDAR,), (BOXES, RADAR)])
def test_who_stands_is_told_to_stand(sensors):
    bodies = [straight(10.0 + 8.0 * k, 4.0 - 8.0 * (k % 2), 0.3 * k) for k in range(8)]
    run = Run(*sensors)
    crept = [run.tracks[slot]["speed"] != 0.0 for now, found in follow(run, bodies, 0.1, 20.0) for slot, _ in found if now > 1.5]
    assert np.mean(crept) < 0.005
    assert all(run.tracks[slot]["standing_s"] > 5.0 for slot, _ in (run.of(body, 20.0) for body in bodies))


def test_the_heading_of_who_stands_is_steady():
    body = straight(15.0, 4.0, 0.7)
    run = Run(BOXES, RADAR)
    headings = [run.tracks[slot]["heading"] for now, [(slot, _)] in follow(run, [body], 0.1, 10.0) if now > 2.0]
    assert np.mean(headings) == pytest.approx(0.7, abs=0.03)
    assert np.abs(np.diff(headings)).max() < 0.02


def test_who_starts_is_noticed_within_three_tenths_of_a_second():
    delays = []
    for seed in range(10):
        run = Run(BOXES, RADAR, seed=seed)
        found = follow(run, [accelerates(3.0, 2.0)], 0.1, 6.0)
        delays.append(next(now - 3.0 for now, [(slot, _)] in found if now > 3.01 and run.tracks[slot]["standing_s"] == 0.0))
    assert np.median(delays) < 0.35


def test_who_stops_is_told_to_stand():
    def at(t):
        dt = min(t, 4.0)
        return 10.0 + 8.0 * dt - dt * dt, 4.0, 0.0, 8.0 - 2.0 * dt

    run = Run(BOXES, RADAR)
    *_, (_, [(slot, _)]) = follow(run, [Body(at)], 0.1, 5.5)
    assert run.tracks[slot]["speed"] == 0.0
    assert 0.2 < run.tracks[slot]["standing_s"] < 1.6


# -- who is who --------------------------------------------------------------------------------------------------------------------------


def test_ids_stay_when_ways_cross():
    cars = [straight(-30.0, 0.0, 0.0, 10.0), straight(0.0, -39.0, np.pi / 2, 10.0)]
    walkers = [straight(20.0 + 0.7 * k, -4.0 + 8.0 * k, np.pi / 2 - np.pi * k, 1.4, Kind.PEDESTRIAN) for k in range(2)]
    run = Run(LIDAR, RADAR)
    ids = [[run.tracks[slot]["id"] for slot, _ in found] for now, found in follow(run, cars + walkers, 0.1, 6.0) if now > 0.5]
    assert len(set(ids[0])) == 4
    assert all(np.array_equal(cycle, ids[0]) for cycle in ids)


def test_who_is_hidden_coasts_and_is_known_again():
    body = straight(-20.0, 6.0, 0.0, 8.0)
    run = Run(BOXES, RADAR)
    *_, (_, [(before, _)]) = follow(run, [body], 0.1, 3.0)
    name, spread = run.tracks[before]["id"], run.tracker.spread[before, 0]
    run.p_detect[before] = 0.0
    for _, [(slot, off)] in follow(run, [body], 3.0, 4.5, hidden=(0,)):
        assert run.tracks[slot]["id"] == name
        assert not run.tracks[slot]["seen"]
        assert off < 2.0
        assert run.tracker.spread[slot, 0] > spread
        spread = run.tracker.spread[slot, 0]
    run.p_detect[before] = 0.9
    *_, (_, [(slot, off)]) = follow(run, [body], 4.5, 5.0)
    assert (run.tracks[slot]["id"], run.tracks[slot]["seen"]) == (name, 1)
    assert off < 0.4


def test_when_all_sensors_fail_for_a_moment_everyone_goes_on_as_expected():
    body = straight(-30.0, 6.0, 0.0, 10.0)
    run = Run(BOXES, RADAR)
    *_, (_, [(before, _)]) = follow(run, [body], 0.1, 2.5)
    name = run.tracks[before]["id"]
    run.p_detect[:] = 0.0
    for _, [(slot, off)] in follow(run, [body], 2.5, 3.7, hidden=(0,)):
        assert run.tracks[slot]["id"] == name
        assert off < 1.5
    assert run.tracker.spread[slot, 0] > 0.2
    run.p_detect[:] = 0.9
    *_, (_, [(slot, _)]) = follow(run, [body], 3.7, 4.2)
    assert run.tracks[slot]["id"] == name


def test_who_is_gone_though_it_would_be_seen_is_dropped_soon():
    body = straight(15.0, 4.0)
    run = Run(BOXES, RADAR)
    *_, (_, [(slot, _)]) = follow(run, [body], 0.1, 3.0)
    assert slot >= 0
    for now in cycles(3.0, 3.5):
        run.take(now, [])
    assert len(run.told) == 0


@pytest.mark.parametrize(("others_look", "told_after"), [(True, 6), (False, 2)])
def test_whom_one_sensor_alone_reports_in_full_view_of_others_is_told_only_when_it_lasts(others_look, told_after):
    """Echoes of a radar last for some scans at the same place; whoever is there is seen by the lidars, too, if they look there."""
    body = straight(15.0, 8.0, speed=3.0)
    run = Run(LIDAR, LIDAR, RADAR._replace(p_detect=1.0))
    run.p_detect[:, :2] = LIDAR.p_detect if others_look else 0.0
    told = [len(run.take(now, [detect(body, RADAR, 2, now, run.random)])) for now in cycles(0.1, 1.2)]
    assert told.index(1) + 1 == told_after


def test_whom_two_sensors_report_is_told_though_others_who_should_see_it_do_not():
    body = straight(15.0, 8.0, speed=3.0)
    run = Run(LIDAR, LIDAR, RADAR)
    told = [len(run.take(now, [detect(body, run.sensors[k], k, now, run.random) for k in (1, 2)])) for now in cycles(0.1, 0.6)]
    assert told.index(1) < 3


def test_sparse_false_alarms_become_nobody():
    run = Run(LIDAR, RADAR)
    for now in cycles(0.1, 30.0):
        false = [nothing_there(k, sensor, now, run.random) for k, sensor in enumerate(run.sensors) for _ in range(run.random.poisson(1.0))]
        run.take(now, false)
        assert np.count_nonzero(run.told["cycles"] > 2) == 0
    assert run.tracker.next_id[0] < 5


def test_a_wrong_front_is_put_right_by_the_motion():
    backwards = Sensor(heading_rad=0.05)
    body = straight(-30.0, 5.0, 0.0, 8.0)
    run = Run(backwards)
    for now in cycles(0.1, 3.0):
        seen = detect(body, backwards, 0, now, run.random)
        seen["heading"] += np.pi
        run.take(now, [seen])
    [told] = run.told
    assert told["heading"] == pytest.approx(0.0, abs=0.1)
    assert told["speed"] == pytest.approx(8.0, abs=0.5)


def test_a_reversing_car_keeps_its_front():
    body = straight(20.0, 5.0, np.pi, 1.0)
    run = Run(BOXES, RADAR)
    for now in cycles(0.1, 4.0):
        seen = run.see(now, [body])
        for one in seen:
            one["heading"] -= np.pi
        run.take(now, seen)
    [told] = run.told
    assert told["heading"] == pytest.approx(0.0, abs=0.1)
    assert told["speed"] == pytest.approx(-1.0, abs=0.4)


def test_a_walker_is_a_point_that_may_turn_on_the_spot():
    def at(t):
        return (10.0 + 1.5 * min(t, 2.0) - 1.5 * max(0.0, t - 2.0)), 3.0, np.pi * (t > 2.0), 1.5

    body = Body(at, Kind.PEDESTRIAN)
    run = Run(LIDAR, RADAR)
    *_, (_, [(slot, off)]) = follow(run, [body], 0.1, 3.5)
    assert run.tracker.form[slot] != BODY
    assert off < 0.4
    assert run.tracks[slot]["kind"] == Kind.PEDESTRIAN
    assert np.cos(run.tracks[slot]["heading"] - np.pi) > 0.9


def test_kinds_are_outvoted_and_sizes_seen_in_part_do_not_shrink_anybody():
    body = straight(15.0, 4.0)
    run = Run(BOXES)
    for k, now in enumerate(cycles(0.1, 4.0)):
        seen = detect(body, BOXES, 0, now, run.random)
        seen["kind"] = Kind.TRUCK if k % 5 == 4 else Kind.CAR
        seen["length"], seen["width"], seen["var_size"] = (4.8, 1.9, 0.04) if k < 10 else (2.0, 1.9, 0.04)
        run.take(now, [seen])
        if k == 9:
            [whole] = run.told["length"]
    [told] = run.told
    assert told["kind"] == Kind.CAR
    assert whole == pytest.approx(4.8, abs=0.15)
    assert told["length"] > 3.5
    assert told["width"] == pytest.approx(1.9, abs=0.1)


# -- whatever comes ----------------------------------------------------------------------------------------------------------------------


def crowd(seed):
    random = np.random.default_rng(seed)
    return [straight(*random.uniform(-60.0, 60.0, 2), random.uniform(-3.0, 3.0), random.uniform(0.0, 12.0)) for _ in range(40)]


def test_the_same_detections_give_the_same_bytes():
    def tracks_after():
        run = Run(BOXES, RADAR, seed=3)
        for now in cycles(0.1, 3.0):
            run.take(now, run.see(now, crowd(1)))
        return run.tracks.tobytes() + b"".join(array.tobytes() for array in run.tracker)

    assert tracks_after() == tracks_after()


def test_the_order_of_detections_within_a_scan_does_not_matter():
    places, rows = [], [straight(-60.0, 5.0 * k - 60.0, 0.0, 0.5 * k) for k in range(25)]
    for shuffle in (False, True):
        run, other = Run(BOXES, RADAR, seed=3), np.random.default_rng(9)
        for now in cycles(0.1, 3.0):
            seen = run.see(now, rows)
            run.take(now, [seen[k] for k in other.permutation(len(seen))] if shuffle else seen)
        places.append(np.sort(run.told["x"]))
    assert np.allclose(*places)


def test_more_detections_than_slots_are_borne():
    random = np.random.default_rng(0)
    run = Run(LIDAR, RADAR)
    for now in cycles(0.1, 1.5):
        run.take(now, [detect(straight(*random.uniform(-80.0, 80.0, 2)), LIDAR, 0, now, run.random) for _ in range(200)])
    assert len(set(run.told["id"])) == len(run.told) <= CAPACITY


@pytest.mark.parametrize("hidden", [False, True], ids=["in view", "hidden"])
def test_who_is_near_is_known_however_many_there_are_far_away(hidden):
    """More than there are slots for, known before; then somebody turns up close by."""
    angle = np.linspace(0.0, 2.0 * np.pi, CAPACITY + 30, endpoint=False)
    far = [straight(r * np.cos(a), r * np.sin(a)) for a, r in zip(angle, np.linspace(180.0, 280.0, angle.size), strict=True)]
    run, near = Run(BOXES, RADAR), straight(25.0, 0.0)
    for now in cycles(0.1, 2.0):
        run.take(now, run.see(now, far))
    assert CAPACITY - 5 <= len(run.told) <= CAPACITY
    if hidden:
        run.p_detect[:] = 0.0
    for now in cycles(2.0, 2.5):
        run.take(now, run.see(now, [near, *far], range(1, len(far) + 1) if hidden else ()))
    assert run.of(near, 2.4)[1] < 0.5
    assert CAPACITY - 5 <= len(run.told) <= CAPACITY
    assert np.hypot(run.told["x"], run.told["y"]).max() < 282.0


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1))
def test_every_estimate_is_finite_and_every_covariance_one(seed):
    run = Run(BOXES, RADAR, Sensor(latency_s=0.35, sigma_m=1.0), seed=seed % 1000)
    bodies = crowd(seed)
    for now in cycles(0.1, 2.0):
        run.take(now, run.see(now, bodies) + [nothing_there(k, run.sensors[k], now, run.random) for k in range(3)])
    used = run.tracker.form != 0
    assert np.isfinite(run.tracker.state[used]).all()
    assert all(np.linalg.eigvalsh(P).min() > -1e-6 for slot in run.tracker.covariance[used] for P in slot)
    assert np.allclose(run.tracker.chance[used].sum(axis=1), 1.0)
