"""A campaign is seen from outside however its lines come: in pieces, cut off, twice, or after somebody began again."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from watched_campaign import PLAN, begun, comes, lines

from marque.common import InputError
from marque.proof.campaign.watch import Watch
from marque.proof.evidence.statements import FAILURES, SILENT


def rank(said):
    return said["outcome"] not in FAILURES, said["measures"]["ttc_min_s"], said["case"]


def counted(runs):
    cells = {}
    for said in map(json.loads, runs):
        cells.setdefault(said["cell"], Counter())[said["outcome"]] += 1
    return cells


class Time:
    """What the watch takes for the present, s."""

    def __init__(self, now_s):
        self.now_s = now_s

    def __call__(self):
        return self.now_s


@settings(max_examples=60, deadline=None)
@given(order=st.permutations(range(24)), cuts=st.lists(st.integers(0, 12_000), max_size=8))
def test_in_whatever_pieces_lines_come_all_whole_ones_are_seen_once(tmp_path_factory, order, cuts):
    folder, known = begun(tmp_path_factory.mktemp("campaign")), lines(24)
    data = b"".join(known[case] for case in order)
    watch, at = Watch(folder, rank), 0
    for cut in [*sorted(cuts), len(data)]:
        comes(folder, data[at:cut])
        at = max(at, min(cut, len(data)))
        whole = data[: data.rfind(b"\n", 0, at) + 1].splitlines(keepends=True)
        assert watch.look().done == len(whole)
        assert watch.cells == counted(whole)
        said = [json.loads(line) for line in whole]
        assert watch.failures == [one["case"] for one in reversed(said) if one["outcome"] in FAILURES]
        driven = sorted((one for one in said if one["outcome"] not in SILENT), key=rank)
        assert watch.worst == [one["case"] for one in driven[:10]]
    assert [watch.line(case) for case in range(24)] == [line[:-1] for line in known]
    assert watch.line(24) is None


def test_what_was_read_is_not_read_again(tmp_path):
    folder, known = begun(tmp_path / "campaign"), lines(20)
    watch = Watch(folder, rank)
    comes(folder, b"".join(known[:10]))
    watch.look()
    first = len(b"".join(known[:10]))
    (folder / "journal.jsonl").write_bytes(b"x" * first)
    comes(folder, b"".join(known[10:]))
    assert watch.look().done == 20
    assert watch.cells == counted(known)


def test_a_case_that_stands_in_it_twice_counts_once_as_it_first_was(tmp_path):
    folder = begun(tmp_path / "campaign")
    [before], [after] = lines(1, lambda _: "failed"), lines(1, lambda _: "passed")
    comes(folder, before + after)
    watch = Watch(folder, rank)
    assert watch.look().done == 1
    assert watch.line(0) == before[:-1]


def test_a_campaign_begun_again_in_the_same_folder_is_seen_from_its_beginning(tmp_path):
    folder = begun(tmp_path / "campaign")
    comes(folder, b"".join(lines(9)))
    watch = Watch(folder, rank)
    watch.look()
    (folder / "journal.jsonl").write_bytes(b"".join(lines(2)))
    assert watch.look().done == 2
    assert watch.cells == counted(lines(2))


def test_rate_and_time_left_are_those_of_the_last_minute(tmp_path):
    folder, known = begun(tmp_path / "campaign"), lines(40)
    comes(folder, known[0])
    time = Time((folder / "journal.jsonl").stat().st_mtime)
    watch = Watch(folder, rank, clock=time)
    assert watch.look().rate_hz is None, "nothing has come in while it was watched"
    for second in range(1, 11):
        time.now_s += 1
        comes(folder, b"".join(known[3 * second - 2 : 3 * second + 1]))
        seen = watch.look()
    assert seen.rate_hz == pytest.approx(3.0)
    assert seen.left_s == pytest.approx((PLAN["cases"] - 31) / 3.0)
    for _ in range(100):
        time.now_s += 1
        seen = watch.look()
    assert (seen.rate_hz, seen.left_s) == (None, None)
    assert seen.quiet_s == pytest.approx(110, abs=2)
    assert not seen.ended
    (folder / "runs.jsonl").touch()
    assert watch.look().ended


def test_a_folder_without_a_campaign_is_refused(tmp_path):
    with pytest.raises(InputError, match="no campaign was begun here"):
        Watch(tmp_path, rank)
