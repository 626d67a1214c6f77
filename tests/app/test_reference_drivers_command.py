"""`marque reference-drivers`: a table in, the same table with what came of its cases out; and what is said of one that cannot be used."""

from __future__ import annotations

import csv
import gzip
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marque.app.reference_drivers import drive_cases
from marque.common import InputError
from marque.proof.reference import CarFollowing, CutIn, CutOut, Driver, Mode, drive

HEADER = "model,ego_kmh,cut_in_kmh,long_dist_m,lat_vel_mps"
GOOD = "FSM,60,20,14.5,1.1"
ADDED = ["crash", "crash_type", "max_pfs", "max_cfs", "ego_x_end", "ego_v_end", "steps"]


@pytest.fixture
def driven(tmp_path):
    """Drives a table given as text (or as bytes); returns the rows written."""

    def drive_text(text, kind="cut-in", mode="jrc", out="out.csv", name="cases.csv"):
        cases = tmp_path / name
        cases.write_bytes(text if isinstance(text, bytes) else text.encode())
        drive_cases(kind, cases, mode, tmp_path / out)
        written = (tmp_path / out).read_bytes()
        return list(csv.DictReader((gzip.decompress(written) if out.endswith(".gz") else written).decode().splitlines()))

    return drive_text


def numbers(row, names=ADDED):
    return [float(row[name]) for name in names]


def told(out, case=0):
    values = (out.crash, out.crash_type, out.max_pfs, out.max_cfs, out.ego_x_end_m, out.ego_v_end_mps, out.steps)
    return [float(value[case]) for value in values]


@pytest.mark.parametrize("mode", Mode)
def test_a_cut_in_is_written_with_what_came_of_it_and_with_all_it_had(driven, mode):
    rows = driven(f'id,{HEADER},note\n7,{GOOD},"wet, dark"\n8,reg157,60,20,14.5,1.1,\n', mode=mode.value)
    assert list(rows[0]) == ["id", *HEADER.split(","), "note", *ADDED]
    assert [(row["id"], row["note"]) for row in rows] == [("7", "wet, dark"), ("8", "")]
    for row, driver in zip(rows, (Driver.FSM, Driver.REG157), strict=True):
        assert numbers(row) == told(drive(driver, CutIn(60.0, 20.0, 14.5, 1.1), mode))


def test_cut_out_and_car_following_have_columns_of_their_own(driven):
    rows = driven("model,ego_kmh,front_dist_m,lat_vel_mps\nCC_human_driver,110,22,-1.5\n", "cut-out")
    out = drive(Driver.CC, CutOut(110.0, 22.0, 1.5), Mode.JRC)
    assert (numbers(rows[0]), int(rows[0]["lead_crash"])) == (told(out), int(out.lead_crash[0]))
    rows = driven("model,ego_kmh,lead_decel_g,initial_dist_m\nrss,110,0.9,30\n", "car-following")
    out = drive(Driver.RSS, CarFollowing(110.0, 0.9, 30.0), Mode.JRC)
    assert (numbers(rows[0]), float(rows[0]["impact_mps"])) == (told(out), float(out.speed_difference_mps[0]))
    assert out.crash[0]


def test_the_jrcs_own_tables_can_be_given_as_they_are(shared_data, tmp_path):
    for kind, name in (("cut-out", "jrc_cut_out_grid_half"), ("car-following", "jrc_car_following_grid")):
        drive_cases(kind, shared_data / "r157" / f"{name}.csv.gz", "jrc", tmp_path / "out.csv.gz")
        with gzip.open(tmp_path / "out.csv.gz", "rt", newline="") as file:
            rows = list(csv.DictReader(file))
        assert [row["crash"] for row in rows] == [row["Crash"] for row in rows]
        assert all(float(row["max_pfs"]) == float(row["PFS"]) for row in rows if row["PFS"])


def test_tables_come_compressed_with_a_mark_of_their_encoding_and_with_empty_lines(driven):
    text = f"\ufeff{HEADER}\r\n\r\n{GOOD}\r\n\r\n"
    plain = driven(f"{HEADER}\n{GOOD}\n")
    assert driven(text) == plain
    assert driven(gzip.compress(text.encode()), out="out.csv.gz", name="cases.csv.gz") == plain


def test_the_same_table_gives_the_same_bytes(driven, tmp_path):
    for out in ("a.csv.gz", "b.csv.gz"):
        driven(f"{HEADER}\n{GOOD}\n", out=out)
    assert (tmp_path / "a.csv.gz").read_bytes() == (tmp_path / "b.csv.gz").read_bytes()


@given(gap=st.floats(0.0, 150.0), ego=st.floats(0.0, 130.0))
def test_numbers_that_are_read_again_are_the_same(tmp_path_factory, gap, ego):
    folder = tmp_path_factory.mktemp("numbers")
    (folder / "cases.csv").write_text(f"{HEADER}\nfsm,{ego!r},10,{gap!r},0.9\n")
    drive_cases("cut-in", folder / "cases.csv", "jrc", folder / "out.csv")
    with (folder / "out.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert numbers(row) == told(drive(Driver.FSM, CutIn(ego, 10.0, gap, 0.9), Mode.JRC))


BAD = {
    "a column is missing": ("model,ego_kmh,cut_in_kmh,lat_vel_mps\nfsm,1,2,3\n", "line 1: there is no column long_dist_m, but model"),
    "text in a number": (f"{HEADER}\n{GOOD}\nfsm,60,20,far,1\n", "line 3, column long_dist_m: far is no number"),
    "a number with a unit": (f"{HEADER}\nfsm,60 km/h,20,10,1\n", "line 2, column ego_kmh: 60 km/h is no number"),
    "a number as programs write it": (f"{HEADER}\nfsm,6_0,20,10,1\n", "line 2, column ego_kmh: 6_0 is no number"),
    "no number": (f"{HEADER}\nfsm,,20,10,1\n", r"line 2, column ego_kmh: \(empty\) is no number"),
    "not a number": (f"{HEADER}\nfsm,nan,20,10,1\n", "line 2, column ego_kmh: nan is not from 0 to 500"),
    "an endless distance": (f"{HEADER}\nfsm,60,20,inf,1\n", "line 2, column long_dist_m: inf is not from -100000 to 100000"),
    "backwards": (f"{HEADER}\nfsm,60,-20,10,1\n", "line 2, column cut_in_kmh: -20 is not from 0 to 500"),
    "away": (f"{HEADER}\nfsm,60,20,10,-1\n", "line 2, column lat_vel_mps: -1 is not from 0 to 30"),
    "an unknown model": (f"{HEADER}\n{GOOD}\n\nidm,60,20,10,1\n", "line 4, column model: there is no model idm"),
    "no model": (f"{HEADER}\n,60,20,10,1\n", r"line 2, column model: there is no model \(empty\)"),
    "nothing": ("", "the file is empty"),
    "no case": (f"{HEADER}\n", "there is no case"),
    "a short line": (f"{HEADER}\nfsm,60,20\n", "line 2: it has 3 values, 5 columns are named"),
    "a long line": (f"{HEADER}\n{GOOD},1\n", "line 2: it has 6 values, 5 columns are named"),
    "a column twice": (f"{HEADER},model\n{GOOD},fsm\n", "column model: it is there more than once"),
    "a column that would be written": (f"{HEADER},crash\n{GOOD},1\n", "column crash: it is there already"),
    "an open quote": (f"{HEADER}\n\"fsm,60\n", "line 2: this is no CSV"),
    "no text": (HEADER.encode() + b"\n\xff\xfe\n", "this is no text in UTF-8"),
    "damaged": (gzip.compress(f"{HEADER}\n{GOOD}\n".encode())[:-9], "the compressed file is damaged"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "said"), BAD.values(), ids=BAD)
def test_what_cannot_be_used_is_told_by_file_line_and_column_and_nothing_is_written(driven, tmp_path, text, said):
    (tmp_path / "out.csv").write_text("as before")
    with pytest.raises(InputError, match=rf"^cases\.csv, .*{said}|^cases\.csv: {said}") as raised:
        driven(text)
    assert raised.value.remedy
    assert (tmp_path / "out.csv").read_text() == "as before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cases.csv", "out.csv"]


def test_a_model_that_says_nothing_of_the_situation_is_refused_by_name(driven):
    with pytest.raises(InputError, match="line 2, column model: Reg157 says nothing of a cut-out") as raised:
        driven("model,ego_kmh,front_dist_m,lat_vel_mps\nReg157,110,22,1.5\n", "cut-out")
    assert "reg157" not in raised.value.remedy


def test_options_files_and_folders_that_cannot_be_used_are_told(driven, tmp_path):
    with pytest.raises(InputError, match=r"--mode, exact: .*\n.*jrc, text"):
        driven(f"{HEADER}\n{GOOD}\n", mode="exact")
    with pytest.raises(InputError, match=r"overtaking: .*\n.*cut-in, cut-out, car-following"):
        driven(f"{HEADER}\n{GOOD}\n", kind="overtaking")
    with pytest.raises(InputError, match="it cannot be read: Is a directory"):
        drive_cases("cut-in", tmp_path, "jrc", tmp_path / "out.csv")
    with pytest.raises(InputError, match=r"gone\.csv: it cannot be read: No such file"):
        drive_cases("cut-in", tmp_path / "gone.csv", "jrc", tmp_path / "out.csv")
    for out in ("nowhere/out.csv", "."):
        with pytest.raises(InputError, match=re.escape("--out")):
            driven(f"{HEADER}\n{GOOD}\n", out=out)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cases.csv"]


def test_a_table_may_be_written_over_itself(driven):
    rows = driven(f"{HEADER}\n{GOOD}\n", out="cases.csv")
    assert numbers(rows[0]) == told(drive(Driver.FSM, CutIn(60.0, 20.0, 14.5, 1.1), Mode.JRC))
    assert np.isfinite(numbers(rows[0])).all()
