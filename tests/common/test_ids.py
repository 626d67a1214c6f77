"""Identifiers are UUIDs of version 7: unique, in order, and laid out as RFC 9562 says."""

from __future__ import annotations

import threading
import time

import psycopg

from marque.common import new_id


def test_ids_of_one_process_are_in_the_order_they_were_made():
    made = [new_id() for _ in range(20_000)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)


def test_ids_of_many_threads_are_unique_and_in_order_within_each():
    made, barrier = [[] for _ in range(8)], threading.Barrier(8)

    def make(into):
        barrier.wait(20)
        into.extend(new_id() for _ in range(3_000))

    threads = [threading.Thread(target=make, args=(into,)) for into in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(into == sorted(into) for into in made)
    assert len({one for into in made for one in into}) == 8 * 3_000


def test_an_id_has_the_version_and_variant_of_rfc_9562():
    for made in (new_id() for _ in range(1_000)):
        assert (made.version, made.variant) == (7, "specified in RFC 4122")


def test_an_id_begins_with_its_millisecond():
    before = time.time_ns() // 1_000_000
    made = new_id()
    assert before <= made.int >> 80 <= time.time_ns() // 1_000_000 + 1


def test_what_is_left_to_chance_differs():
    assert len({made.int & (1 << 62) - 1 for made in (new_id() for _ in range(10_000))}) == 10_000


def test_postgresql_reads_version_and_time_as_we_wrote_them(owner_dsn):
    """An independent reader: uuid_extract_version and uuid_extract_timestamp of PostgreSQL 17 and newer."""
    made = new_id()
    with psycopg.connect(owner_dsn) as connection:
        version, at, same = connection.execute(
            "select uuid_extract_version(%s), uuid_extract_timestamp(%s), %s::uuid", (made,) * 3
        ).fetchone()
    assert (version, round(at.timestamp() * 1000), same) == (7, made.int >> 80, made)


def test_a_clock_that_is_set_back_does_not_break_the_order(monkeypatch):
    before = new_id()
    monkeypatch.setattr("marque.common.ids.time.time_ns", lambda: 1_000_000_000_000_000_000)
    assert before < new_id() < new_id()
