"""What every backend of the compute port promises. A subclass gives `make(workers)`, a backend that is closed after the test, and
`two`, one of two workers that all its tests share: none of them may spoil it for the next."""

from __future__ import annotations

import os
import signal
import threading
import time
from functools import partial
from pathlib import Path

import compute_functions as functions
import pytest

from marque.common import InputError
from marque.foundation.compute import ComputeError, Failure, Progress, Result


def values(batch):
    return {result.index: result.value for result in batch}


def until(condition):
    while not condition():
        time.sleep(0.02)


class ComputeConformance:
    def test_every_item_gives_one_result_with_its_index(self, two):
        batch = two.run(functions.square, range(20))
        assert sorted(batch, key=lambda result: result.index) == [Result(i, i * i) for i in range(20)]
        assert batch.progress == Progress(20, 20, 20, 0)
        assert list(batch) == []

    def test_no_items_give_no_results(self, two):
        assert list(two.run(functions.square, [])) == []

    def test_one_worker_and_four_give_equal_values(self, make):
        told = []
        for workers in (1, 4):
            with make(workers) as backend, backend.run(partial(functions.keyed, 2025), range(24)) as batch:
                told.append(values(batch))
        assert told[0] == told[1] == {i: functions.keyed(2025, i) for i in range(24)}

    def test_an_exception_is_its_items_failure_and_carries_its_text_and_where_it_was(self, two):
        told = values(two.run(functions.fragile, [2, "raise", "exit", 3]))
        assert (told[0], told[3]) == (4, 9)
        assert (told[1].kind, told[1].text) == ("raised", "ZeroDivisionError: the wheel base is 0 m")
        assert 'raise ZeroDivisionError("the wheel base is 0 m")' in told[1].trace
        assert told[2].text == "SystemExit: no scenario"

    def test_a_worker_killed_in_the_middle_costs_its_own_item_only(self, two):
        items = [1, "kill", 2, 3, "leave", "kill", 4, 5, 6, 7]
        batch = two.run(functions.fragile, items)
        told = values(batch)
        assert {i for i, value in told.items() if isinstance(value, Failure)} == {1, 4, 5}
        assert {told[i].kind for i in (1, 4, 5)} == {"died"}
        assert [told[i] for i in (0, 2, 3, 6, 7, 8, 9)] == [1, 4, 9, 16, 25, 36, 49]
        assert batch.progress == Progress(10, 10, 10, 3)
        assert values(two.run(functions.square, range(5))) == {i: i * i for i in range(5)}

    def test_a_worker_killed_from_outside_costs_its_own_item_only(self, two, tmp_path):
        batch = two.run(partial(functions.signed_and_hang, tmp_path), [0])
        killer = threading.Thread(target=lambda: (until((tmp_path / "0").exists), os.kill(first_pid(tmp_path / "0"), signal.SIGKILL)))
        killer.start()
        told = values(batch)
        killer.join()
        assert told[0].kind == "died"
        assert values(two.run(functions.square, range(5))) == {i: i * i for i in range(5)}

    @pytest.mark.parametrize("way", ["hang", "spin"])
    def test_an_item_beyond_its_time_is_given_up_and_the_others_are_done(self, two, way):
        told = values(two.run(functions.fragile, [1, way, 2, 3], limit_s=1.0))
        assert told == {0: 1, 1: Failure("overdue", "not done within 1 s"), 2: 4, 3: 9}

    def test_an_item_that_was_late_while_nobody_looked_is_late_all_the_same(self, two):
        batch = two.run(functions.nap, [0.0, 0.6], limit_s=0.3)
        first = next(batch)
        time.sleep(1.0)
        assert [first, *batch] == [Result(0, 0.0), Result(1, Failure("overdue", "not done within 0.3 s"))]

    def test_what_cannot_be_sent_either_way_is_its_items_failure(self, two):
        told = values(two.run(functions.fragile, [1, functions.Unsendable(), "lock", 2]))
        assert (told[0], told[3]) == (1, 4)
        assert "cannot be sent to a worker: TypeError: made of nothing" in told[1].text
        assert "cannot be sent back: TypeError: cannot pickle '_thread.lock'" in told[2].text
        told = values(two.run(functions.unreadable, [0, 1, 2]))
        assert (told[0], told[2]) == (0, 2)
        assert told[1] == Failure("raised", "the value cannot be read here: ValueError: of another version")

    def test_items_are_taken_only_as_workers_become_free(self, two):
        taken = []
        batch = two.run(functions.square, (taken.append(i) or i for i in range(40)))
        for read, _ in enumerate(batch):
            assert len(taken) <= read + two.count
        assert (len(taken), batch.progress) == (40, Progress(None, 40, 40, 0))

    def test_a_large_value_and_a_large_item_pass(self, two):
        data = bytes(range(256)) * 40_000
        assert values(two.run(bytes.upper, [data])) == {0: data.upper()}

    def test_a_cancelled_batch_ends_with_the_results_that_came(self, two, tmp_path):
        batch = two.run(partial(functions.signed_and_hang, tmp_path), range(100))
        canceller = threading.Thread(target=lambda: (until((tmp_path / "0").exists), batch.cancel()))
        canceller.start()
        assert list(batch) == []
        canceller.join()
        assert batch.progress.done == 0
        assert values(two.run(functions.square, [3])) == {0: 9}

    def test_a_batch_that_is_left_ends_and_the_next_one_begins(self, two, tmp_path):
        with two.run(functions.fragile, [1, "hang", "hang", 2]) as batch:
            assert next(batch) == Result(0, 1)
        assert list(batch) == []
        with two.run(partial(functions.mark, tmp_path), range(10)) as batch:
            next(batch)
        assert values(two.run(functions.square, [3])) == {0: 9}
        begun = len(list(tmp_path.iterdir()))  # what was under way when it was left may have been finished until here, and nothing after
        assert values(two.run(functions.square, [4])) == {0: 16}
        assert len(list(tmp_path.iterdir())) == begun < 10

    def test_workers_stay_warm_from_one_batch_to_the_next(self, make):
        one = make(1)
        assert len({pid for _ in range(3) for pid in values(one.run(functions.who, range(3))).values()}) == 1

    def test_a_second_batch_in_one_thread_is_refused_and_in_another_waits(self, two):
        batch = two.run(functions.square, range(6))
        next(batch)
        with pytest.raises(ComputeError, match="A batch is under way already"):
            two.run(functions.square, range(6))
        other, told = two.run, []
        thread = threading.Thread(target=lambda: told.append(values(other(functions.square, range(4)))))
        thread.start()
        assert len(list(batch)) == 5
        thread.join()
        assert told == [{i: i * i for i in range(4)}]

    def test_an_iterable_that_breaks_off_ends_the_batch_with_its_own_error(self, two):
        def items():
            yield 1
            raise LookupError("no second scenario")

        with pytest.raises(LookupError, match="no second scenario"):
            list(two.run(functions.square, items()))
        assert values(two.run(functions.square, [3])) == {0: 9}

    def test_a_function_that_others_cannot_import_is_refused_at_once(self, two):
        def local(x):
            return x

        for function in (local, lambda x: x):
            with pytest.raises(InputError, match="workers cannot import it"):
                two.run(function, [1])
        assert values(two.run(functions.square, [3])) == {0: 9}

    def test_a_function_that_a_worker_cannot_load_ends_the_batch_with_the_reason(self, two):
        with pytest.raises(ComputeError, match="A worker cannot load the function: ValueError: of another version"):
            list(two.run(partial(functions.keyed, functions.Unreadable()), [1, 2, 3]))
        assert values(two.run(functions.square, [3])) == {0: 9}

    def test_what_was_closed_runs_nothing(self, make):
        one = make(1)
        one.close()
        with pytest.raises(ComputeError, match="closed"):
            one.run(functions.square, [1])


def first_pid(path: Path) -> int:
    return int(path.read_text().split()[0])
