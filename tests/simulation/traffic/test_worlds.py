"""A world's bytes follow from the map, its seed and its sizes, and from nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marque.common import InputError
from marque.simulation.traffic import Traffic, run_worlds
from small_town import small_town

SEEDS = [5, 1, 9, 2**63, 7, 3, 1]
SIZES = {"vehicles": 14, "pedestrians": 5, "steps": 400}


@pytest.fixture(scope="module")
def alone():
    """The digest of every world of SEEDS, run by itself."""
    return [run_worlds(small_town(), [seed], **SIZES)[0].digest() for seed in SEEDS]


def digests(**how):
    return [result.digest() for result in run_worlds(small_town(), SEEDS, **SIZES, **how)]


@pytest.mark.parametrize("batch", [1, 3, 8])
@pytest.mark.parametrize("workers", [0, 1, 2])
def test_neither_batch_size_nor_workers_change_a_byte(batch, workers, alone):
    assert digests(batch=batch, workers=workers) == alone


def test_a_fresh_process_gives_the_same_bytes(alone):
    script = "import test_worlds; print(*test_worlds.digests(batch=2))"
    paths = [str(Path(__file__).parent), *sys.path]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONHASHSEED": "17"}
    told = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert told.stdout.split() == alone


def test_every_seed_gives_another_world_and_the_same_seed_the_same(alone):
    assert alone[1] == alone[6]
    assert len(set(alone)) == len(SEEDS) - 1


@settings(max_examples=10)
@given(
    seeds=st.lists(st.integers(0, 2**64 - 1), min_size=2, max_size=5),
    vehicles=st.integers(0, 25),
    pedestrians=st.integers(0, 8),
    parts=st.lists(st.integers(1, 60), min_size=1, max_size=4),
)
def test_in_all_its_state_a_world_of_a_batch_is_the_world_alone(seeds, vehicles, pedestrians, parts):
    together = Traffic(small_town(), worlds=len(seeds), vehicles=vehicles, pedestrians=pedestrians, seed=seeds)
    for steps in parts:
        together.step(steps=steps)
    for world, seed in enumerate(seeds):
        single = Traffic(small_town(), vehicles=vehicles, pedestrians=pedestrians, seed=[seed])
        single.step(steps=sum(parts))
        for name, mine, theirs in zip(single.state._fields, single.state, together.state, strict=True):
            assert mine[0].tobytes() == theirs[world].tobytes(), name


def test_the_figures_are_those_of_the_course():
    """An oracle that adds up the metres between all poses of a world that is stepped one by one."""
    (result,) = run_worlds(small_town(), [4], vehicles=6, steps=200)
    traffic = Traffic(small_town(), vehicles=6, seed=4)
    metres, before = 0.0, traffic.frame()
    for _ in range(200):
        traffic.step()
        now = traffic.frame()
        metres += 0.05 * float((before.speed_mps + now.speed_mps).sum())
        before = now
    lane_m = sum(float(lane["length"]) for lane in traffic.network.lanes if lane["used"])
    assert result.driven_m == pytest.approx(metres, rel=1e-9)
    assert result.mean_speed_mps == pytest.approx(metres / (6 * 20.0), rel=1e-9)
    assert result.flow_per_h == pytest.approx(metres / 20.0 / lane_m * 3600.0, rel=1e-9)
    assert result.frame.time_s == pytest.approx(20.0)
    assert np.array_equal(result.frame.x_m, now.x_m)


def test_nothing_to_run_gives_nothing():
    assert run_worlds(small_town(), [], vehicles=3, steps=10, workers=1) == []


@pytest.mark.parametrize("workers", [0, 1])
def test_a_map_without_room_is_refused_with_its_number(workers):
    with pytest.raises(InputError, match=r"at most \d+ vehicles"):
        run_worlds(small_town(), [1], vehicles=5000, steps=1, workers=workers)
