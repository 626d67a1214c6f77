"""A record is there whole and for certain, or it never was."""

from __future__ import annotations

import pytest
from install_disk import CutStorage

from marque.car.install.journal import Journal
from marque.car.install.storage import Full
from marque.common import InputError

RECORDS = [{"is": "first", "n": 1}, {"is": "second", "text": 'Füße\n"quoted"'}, {"is": "third", "list": [1, 2, 3]}]


def filled(records=RECORDS):
    storage = CutStorage()
    journal = Journal(storage, "journal")
    for record in records:
        journal.append(record)
    return storage


def test_what_was_appended_is_read_in_order():
    assert Journal(filled(), "journal").records == RECORDS


def test_every_length_of_a_torn_file_reads_as_whole_records_and_goes_on():
    whole = filled().read("journal")
    for length in range(len(whole) + 1):
        storage = CutStorage()
        storage.write("journal", 0, whole[:length])
        journal = Journal(storage, "journal")
        assert journal.records == RECORDS[: whole[:length].count(b"\n")]
        journal.append({"is": "next"})
        assert Journal(storage, "journal").records == [*journal.records]


@pytest.mark.parametrize("by", [1, 0x80, 0xFF])
def test_no_changed_byte_is_read_as_another_record(by):
    """In the last line it is taken for a torn one; the line feed before it makes the last two one; elsewhere it is damage."""
    whole = filled().read("journal")
    last = whole.rindex(b"\n", 0, -1)
    for at in range(len(whole)):
        storage = CutStorage()
        storage.write("journal", 0, whole[:at] + bytes([whole[at] ^ by]) + whole[at + 1 :])
        if at >= last:
            assert Journal(storage, "journal").records == RECORDS[: 2 if at > last else 1]
        else:
            with pytest.raises(InputError, match="damaged"):
                Journal(storage, "journal")


def test_damage_in_the_middle_is_no_torn_end():
    storage = filled()
    storage.write("journal", 70, b"?")
    with pytest.raises(InputError, match="damaged"):
        Journal(storage, "journal")


def test_a_record_that_is_missing_in_the_middle_is_damage():
    lines = filled().read("journal").splitlines(keepends=True)
    storage = CutStorage()
    storage.write("journal", 0, lines[0] + lines[2])
    with pytest.raises(InputError, match="damaged"):
        Journal(storage, "journal")


def test_it_is_shortened_to_one_record_and_goes_on():
    storage = filled()
    journal = Journal(storage, "journal")
    journal.restart({"is": "all of it"})
    journal.append({"is": "more"})
    assert Journal(storage, "journal").records == [{"is": "all of it"}, {"is": "more"}]


def test_a_disk_that_is_full_in_the_middle_of_a_record_loses_that_record_alone():
    storage = filled()
    journal = Journal(storage, "journal")
    storage.room = sum(len(content) for content in storage.contents().values()) + 10
    with pytest.raises(Full):
        journal.append({"is": "too much"})
    storage.room = None
    journal.append({"is": "fits"})
    assert Journal(storage, "journal").records == [*RECORDS, {"is": "fits"}]
