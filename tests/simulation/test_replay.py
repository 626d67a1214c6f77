"""Replays give back what was written, to the accuracy they promise, and say clearly when they cannot."""

from __future__ import annotations

import json
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marque.common import InputError
from marque.driving.view import Prediction, Reason, View
from marque.simulation.columns import Column, pack, unpack
from marque.simulation.frame import Frame
from marque.simulation.replay import BLOCK_STEPS, read_replay, read_summary, write_replay
from small_town import small_town

ROUNDING = 1e-9
FACTS = {"verdict": "goal", "collision": None, "min_ttc_s": 2.5, "actors": [1, 2]}


def frames_of(seed, steps, actors):
    """Anything a world may show: actors that come and go, wild numbers, views of every shape."""
    random = np.random.default_rng(seed)
    ids = random.choice(10_000, actors, replace=False).astype(np.int32)
    lengths, widths, kinds = random.uniform(0.4, 18, actors), random.uniform(0.3, 3, actors), random.integers(0, 9, actors).astype(np.uint8)
    frames = []
    for step in range(steps):
        here = np.flatnonzero(random.random(actors) < 0.7)
        random.shuffle(here)
        n = len(here)
        views = {int(car): view_of(random, ids) for car in ids[here][: random.integers(0, 3)]}
        frames.append(
            Frame(
                0.1 * step,
                ids[here],
                kinds[here],
                random.normal(0, 3e4, n),
                random.normal(0, 3e4, n),
                random.normal(0, 10, n),
                random.normal(5, 10, n),
                lengths[here],
                widths[here],
                random.integers(0, 32, n).astype(np.uint8),
                random.integers(0, 6, 5).astype(np.uint8),
                views,
            )
        )
    return frames


def view_of(random, ids):
    predictions = [
        Prediction(int(random.choice(ids)), float(random.random()), random.normal(0, 100, (k, 2))) for k in random.integers(0, 9, 3)
    ]
    distance = random.choice([np.inf, np.nan, -1.5, 12.25])
    plan = random.normal(0, 100, (random.integers(0, 30), 4))
    route = random.integers(0, 5000, random.integers(0, 12)).astype(np.int32)
    return View(
        list(Reason)[random.integers(len(Reason))],
        int(random.integers(-1, 99)),
        float(distance),
        np.inf,
        plan,
        0.1,
        route,
        tuple(predictions),
    )


def by_id(frame):
    order = np.argsort(frame.ids)
    return Frame(
        *(value[order] if isinstance(value, np.ndarray) and name != "signals" else value for name, value in frame._asdict().items())
    )


def assert_same(read, written):
    read, written = by_id(read), by_id(written)
    assert read.time_s == pytest.approx(written.time_s, abs=1e-4)
    for name in ("ids", "kinds", "flags", "signals"):
        np.testing.assert_array_equal(getattr(read, name), getattr(written, name), name)
    for name, error in {"x_m": 0.005, "y_m": 0.005, "heading_rad": 0.0005, "speed_mps": 0.005, "length_m": 0.005, "width_m": 0.005}.items():
        np.testing.assert_allclose(getattr(read, name), getattr(written, name), rtol=0, atol=error + ROUNDING, err_msg=name)
    assert read.views.keys() == written.views.keys()
    for car, view in written.views.items():
        mine = read.views[car]
        assert (mine.reason, mine.subject) == (view.reason, view.subject)
        np.testing.assert_equal(np.float32([mine.distance_m, mine.target_speed_mps]), np.float32([view.distance_m, view.target_speed_mps]))
        np.testing.assert_array_equal(mine.route, view.route)
        np.testing.assert_allclose(mine.plan, view.plan, rtol=0, atol=0.005 + ROUNDING)
        assert [p.subject for p in mine.predictions] == [p.subject for p in view.predictions]
        np.testing.assert_allclose([p.probability for p in mine.predictions], [p.probability for p in view.predictions], rtol=1e-6)
        for path, original in zip(mine.predictions, view.predictions, strict=True):
            np.testing.assert_allclose(path.path_m, original.path_m, rtol=0, atol=0.005 + ROUNDING)


def write(path, frames, facts=FACTS):
    write_replay(path, name="a drive", road_map=small_town(), step_s=0.1, frames=frames, facts=facts)
    return path


@given(seed=st.integers(0, 2**32), steps=st.integers(0, 8), actors=st.integers(1, 12))
def test_a_replay_gives_back_every_moment_to_half_a_step(tmp_path_factory, seed, steps, actors):
    frames = frames_of(seed, steps, actors)
    replay = read_replay(write(tmp_path_factory.mktemp("replay") / "a.replay", frames))
    assert len(replay) == steps
    assert replay.summary.facts == FACTS
    for step, frame in enumerate(frames):
        assert_same(replay.frame(step), frame)


def test_moments_are_found_across_blocks_in_any_order(tmp_path):
    frames = frames_of(1, BLOCK_STEPS + 3, 3)
    replay = read_replay(write(tmp_path / "long.replay", frames))
    for step in (BLOCK_STEPS + 2, 0, BLOCK_STEPS, BLOCK_STEPS - 1):
        assert_same(replay.frame(step), frames[step])
    assert len(list(replay.frames())) == len(frames)
    with pytest.raises(IndexError):
        replay.frame(len(frames))


def test_a_summary_needs_the_files_beginning_only(tmp_path):
    path = write(tmp_path / "a.replay", frames_of(2, 5, 4))
    summary = read_summary(path)
    cars = {car for frame in frames_of(2, 5, 4) for car in frame.views}
    assert (summary.name, summary.step_s, summary.steps, set(summary.cars)) == ("a drive", 0.1, 5, cars)


def test_the_ground_is_drawn_from_the_replay_alone(tmp_path):
    replay = read_replay(write(tmp_path / "a.replay", []))
    arrays, columns = small_town().arrays, unpack(replay.ground, 0, "a").columns
    x, y = replay.summary.origin_m
    np.testing.assert_allclose(
        columns["left"] + [x, y], np.column_stack([arrays.points["left_x"], arrays.points["left_y"]]), atol=0.005 + ROUNDING
    )
    assert columns["lane_point_count"].sum() == len(arrays.points)
    np.testing.assert_allclose(columns["crossing_axis"] + [x, y, x, y], [[80, -4, 80, 4]], atol=0.005 + ROUNDING)


def test_a_signal_stands_at_the_stop_line_of_the_lane_before_it(tmp_path):
    replay = read_replay(write(tmp_path / "a.replay", []))
    columns, (x, y) = unpack(replay.ground, 0, "a").columns, replay.summary.origin_m
    assert columns["bar_signal"].tolist() == [0]
    lane = small_town().lane_ids.index("street0")
    assert columns["bar_lane"].tolist() == [lane]
    stop_x = 10 + small_town().arrays.lanes["stop_s"][lane]
    np.testing.assert_allclose(columns["bar_line"] + [x, y, x, y], [[stop_x, -1.75, stop_x, 1.75]], atol=0.005 + ROUNDING)


@given(cut=st.floats(0, 1))
def test_a_truncated_replay_is_refused_by_name(tmp_path_factory, cut):
    path = write(tmp_path_factory.mktemp("replay") / "cut.replay", frames_of(3, 3, 3))
    data = path.read_bytes()
    path.write_bytes(data[: int(cut * (len(data) - 1))])
    with pytest.raises(InputError, match=r"cut\.replay"):
        list(read_replay(path).frames())


@given(place=st.floats(0, 1), bit=st.integers(0, 7))
def test_a_flipped_bit_is_found(tmp_path_factory, place, bit):
    path = write(tmp_path_factory.mktemp("replay") / "bent.replay", frames_of(4, 3, 3))
    data = bytearray(path.read_bytes())
    data[int(place * (len(data) - 1))] ^= 1 << bit
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"bent\.replay"):
        list(read_replay(path).frames())


@given(data=st.binary(max_size=200))
def test_any_other_bytes_are_no_replay(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("replay") / "other.replay"
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"other\.replay"):
        read_replay(path)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 2**40) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
)


@given(
    key=st.sampled_from(["name", "type", "shape", "delta", "step", "size", "crc"]),
    value=json_values,
    which=st.integers(0, 50),
    data=st.booleans(),
)
def test_a_well_wrapped_lie_is_refused_too(tmp_path_factory, key, value, which, data):
    """Whoever recomputes the header's checksum after changing any entry still gets an InputError or an equal replay, never a crash."""
    path = write(tmp_path_factory.mktemp("replay") / "lie.replay", frames_of(5, 3, 3))
    original = path.read_bytes()
    start = 0
    if data:
        start = len(read_replay(path).ground)
    size = int.from_bytes(original[start + 8 : start + 12], "little")
    header = json.loads(original[start + 16 : start + 16 + size])
    header["columns"][which % len(header["columns"])][key] = value
    raw = json.dumps(header).encode()
    head = original[start : start + 8] + len(raw).to_bytes(4, "little") + zlib.crc32(raw).to_bytes(4, "little")
    path.write_bytes(original[:start] + head + raw + original[start + 16 + size :])
    try:
        assert len(list(read_replay(path).frames())) == 3
    except InputError as error:
        assert "lie.replay" in str(error)  # noqa: PT017


def test_another_version_is_refused_with_both_numbers(tmp_path):
    path = write(tmp_path / "old.replay", [])
    data = bytearray(path.read_bytes())
    data[6] = 9
    path.write_bytes(data)
    with pytest.raises(InputError, match="version 9, this Marque reads version 1"):
        read_summary(path)


def test_a_column_that_unpacks_to_more_than_it_says_is_refused():
    bomb = zlib.compress(bytes(10_000_000))
    entry = {"name": "x", "type": "|u1", "shape": [10], "delta": False, "size": len(bomb), "crc": zlib.crc32(bomb)}
    raw = json.dumps({"meta": {}, "size": len(bomb), "columns": [entry]}).encode()
    parcel = b"MARQUE\1\0" + len(raw).to_bytes(4, "little") + zlib.crc32(raw).to_bytes(4, "little") + raw + bomb
    with pytest.raises(InputError, match="10 bytes"):
        unpack(parcel, 0, "bomb")


def test_a_missing_file_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_replay(tmp_path / "nothing.replay")


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e300])
def test_a_value_that_cannot_be_kept_leaves_no_file(tmp_path, bad):
    frames = frames_of(6, 2, 4)
    frames[1].x_m[0] = bad
    with pytest.raises(ValueError, match="'x'"):
        write(tmp_path / "bad.replay", frames)
    assert list(tmp_path.iterdir()) == []


@given(st.lists(st.integers(0, 255), max_size=20))
def test_differences_wrap_and_come_back(values):
    column = np.array(values, np.uint8)
    np.testing.assert_array_equal(unpack(pack({}, {"x": Column(column, delta=True)}), 0, "x").columns["x"], column)
