"""The reference drivers in the JRC's reading: its own results, and an oracle's beyond its grid, bit for bit."""

from __future__ import annotations

import csv
import gzip
import math
from collections import Counter
from functools import cache

import numpy as np
import pytest
import reference_oracle as oracle
from hypothesis import given, settings
from hypothesis import strategies as st

from marque.proof.reference import CarFollowing, CutIn, CutOut, Driver, Mode, drive

MODELS = {"CC_human_driver": Driver.CC, "FSM": Driver.FSM, "RSS": Driver.RSS, "Reg157": Driver.REG157}
FOLLOWERS = st.sampled_from([Driver.CC, Driver.FSM, Driver.RSS])

round_speeds = st.integers(0, 40).map(lambda k: k * 5.0)
speeds = round_speeds | st.floats(0.0, 200.0)
gaps = st.integers(-10, 120).map(float) | st.floats(-10.0, 150.0) | st.floats(0.0, 1e-6)
laterals = (
    st.integers(0, 40).map(lambda k: k * 0.1) | st.integers(0, 20).map(lambda k: k * 0.15) | st.floats(0.0, 4.0) | st.floats(0.0, 1e-3)
)


@pytest.fixture(scope="module")
def read(shared_data):
    @cache
    def rows(name):
        with gzip.open(shared_data / "r157" / name, "rt", newline="") as file:
            return list(csv.DictReader(file))

    return rows


def column(rows, name, where=None):
    values = [row[name] for row in rows]
    found = np.array([float(value) if value else 0.0 for value in values])
    return found if where is None else found[where]


def drivers(rows):
    return np.array([MODELS[row["model"]] for row in rows], np.int32)


def same(run, out, case=0):
    """The oracle's run, and a case of ours; numbers to the last bit."""
    told = (bool(out.crash[case]), int(out.crash_type[case]), int(out.steps[case]), bool(out.lead_crash[case]))
    assert told == (run.crash, run.crash_type, run.steps, run.lead_crash)
    ours_theirs = (
        (out.max_pfs[case], run.pfs),
        (out.max_cfs[case], run.cfs),
        (out.ego_x_end_m[case], run.x_end),
        (out.ego_v_end_mps[case], run.v_end),
    )
    for ours, theirs in ours_theirs:
        assert ours == theirs or (math.isnan(ours) and math.isnan(theirs))


def test_every_cut_in_of_the_jrc_comes_out_as_its_program_has_it(read, shared_data):
    rows = read("jrc_cut_in_grid.csv.gz")
    case = CutIn(*(column(rows, name) for name in ("ego_kmh", "cut_in_kmh", "long_dist", "lat_vel")))
    out = drive(drivers(rows), case, Mode.JRC)
    assert len(rows) == 119_880
    assert (out.crash == column(rows, "Crash")).all()
    assert (out.crash_type == column(rows, "Crash type")).all()
    assert (out.max_pfs == column(rows, "PFS"))[drivers(rows) == Driver.FSM].all()
    assert (out.max_cfs == column(rows, "CFS"))[drivers(rows) == Driver.FSM].all()
    of = Counter(
        f"{row['grid']},{row['ego_kmh']},{row['cut_in_kmh']},{row['model']}" for row, crash in zip(rows, out.crash, strict=True) if crash
    )
    with (shared_data / "r157" / "jrc_cut_in_crash_counts.csv").open(newline="") as file:
        for told in csv.DictReader(file):
            assert [of[f"{told['grid']},{told['ego_kmh']},{told['cut_in_kmh']},{model}"] for model in MODELS] == [
                int(told[m]) for m in MODELS
            ]


def test_every_cut_out_of_the_jrc_comes_out_as_its_program_has_it(read):
    rows = read("jrc_cut_out_grid_half.csv.gz")
    out = drive(
        drivers(rows), CutOut(column(rows, "velocity"), column(rows, "front_distance"), -column(rows, "lateral_velocities")), Mode.JRC
    )
    assert (out.crash == column(rows, "Crash")).all()
    assert (out.lead_crash == [row["Crash_front"] == "True" for row in rows]).all()
    assert (out.max_pfs == column(rows, "PFS"))[drivers(rows) == Driver.FSM].all()
    assert (out.max_cfs == column(rows, "CFS"))[drivers(rows) == Driver.FSM].all()


def test_every_car_following_of_the_jrc_comes_out_as_its_program_has_it(read):
    rows = read("jrc_car_following_grid.csv.gz")
    out = drive(drivers(rows), CarFollowing(column(rows, "velocity"), column(rows, "max_deceleration")), Mode.JRC)
    assert (out.crash == column(rows, "Crash")).all()
    assert (out.speed_difference_mps == column(rows, "speed_difference")).all()
    assert (out.max_pfs == column(rows, "PFS"))[drivers(rows) == Driver.FSM].all()
    assert (out.max_cfs == column(rows, "CFS"))[drivers(rows) == Driver.FSM].all()


def test_the_gap_a_driver_keeps_is_the_jrcs_to_the_last_bit(read):
    for name in ("jrc_cut_out_grid_half.csv.gz", "jrc_car_following_grid.csv.gz"):
        for row in read(name):
            assert oracle.own_gap(MODELS[row["model"]], np.float64(row["velocity"]) / 3.6) == float(row["initial_distance"])


@settings(max_examples=250)
@given(driver=st.sampled_from(Driver), ego=speeds, other=speeds, gap=gaps, lateral=laterals)
def test_a_cut_in_off_the_grid_is_the_oracles(driver, ego, other, gap, lateral):
    same(oracle.cut_in(int(driver), ego, other, gap, lateral), drive(driver, CutIn(ego, other, gap, lateral), Mode.JRC))


@settings(max_examples=150)
@given(
    driver=st.sampled_from(Driver),
    ego=st.floats(10.0, 140.0),
    share=st.floats(0.0, 1.0),
    gap=st.floats(0.5, 90.0),
    lateral=st.floats(0.1, 2.0),
)
def test_a_dangerous_cut_in_off_the_grid_is_the_oracles(driver, ego, share, gap, lateral):
    other = ego * share
    same(oracle.cut_in(int(driver), ego, other, gap, lateral), drive(driver, CutIn(ego, other, gap, lateral), Mode.JRC))


@given(driver=st.sampled_from(Driver), speed=speeds, gap=st.sampled_from([-4.3, 0.0, 5e-324, 1e-9, 3.0]), lateral=laterals)
def test_equal_speeds_divide_by_zero_as_numpy_does(driver, speed, gap, lateral):
    same(oracle.cut_in(int(driver), speed, speed, gap, lateral), drive(driver, CutIn(speed, speed, gap, lateral), Mode.JRC))


@settings(max_examples=150)
@given(driver=FOLLOWERS, ego=speeds, front=st.floats(0.0, 160.0), lateral=laterals)
def test_a_cut_out_off_the_grid_is_the_oracles(driver, ego, front, lateral):
    same(oracle.cut_out(int(driver), ego, front, lateral), drive(driver, CutOut(ego, front, lateral), Mode.JRC))


@settings(max_examples=150)
@given(driver=FOLLOWERS, ego=speeds, braking=st.floats(0.0, 1.2))
def test_a_car_following_off_the_grid_is_the_oracles(driver, ego, braking):
    same(oracle.car_following(int(driver), ego, braking), drive(driver, CarFollowing(ego, braking), Mode.JRC))


@pytest.mark.slow
def test_ten_thousand_cut_ins_off_the_grid_are_the_oracles():
    random = np.random.default_rng(157)
    count = 10_000
    who = random.integers(0, 4, count).astype(np.int32)
    ego = random.uniform(0.0, 140.0, count)
    other = np.where(random.random(count) < 0.1, ego, ego * random.uniform(0.0, 1.1, count))
    gap, lateral = random.uniform(-6.0, 120.0, count), random.uniform(0.0, 2.5, count) * (random.random(count) > 0.05)
    out = drive(who, CutIn(ego, other, gap, lateral), Mode.JRC)
    for case in range(count):
        same(oracle.cut_in(int(who[case]), ego[case], other[case], gap[case], lateral[case]), out, case)
