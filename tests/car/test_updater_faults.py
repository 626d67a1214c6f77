"""What breaks, lies, fills up or goes dark: the pass ends, nothing is lost, and the next one goes on."""

from __future__ import annotations

import os

import pytest
from updater_world import BRAKE, ECUS, SAFE, Server, after, car_of, counters, updater

from marque.car.attacks import Attack, UpdateRefused
from marque.car.folder import Busy
from marque.car.install.slots import place
from marque.car.install.storage import FolderStorage, Full
from marque.car.uptane.reports import State
from marque.common import MarqueError, Unavailable


@pytest.fixture(autouse=True)
def _no_flushing(monkeypatch):
    """Flushing is what takes the time."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


class _Cut(BaseException):
    pass


def test_a_hostile_answer_to_the_poll_is_a_refusal_and_no_crash(car, server, monkeypatch):
    def hostile(_self, _nonce):
        raise UpdateRefused(Attack.ENDLESS_DATA, "", "poll", "never ends")

    with monkeypatch.context() as patched:
        patched.setattr(Server, "poll", hostile)
        assert updater(car, server).once(SAFE).met.attack is Attack.ENDLESS_DATA
    assert updater(car, server).once(SAFE).state is State.INSTALLED


def test_other_bytes_under_a_signed_name_are_refused(car, server):
    honest = dict(server.world.files)
    path = next(path for path in server.world.files if "gateway" in path)
    server.world.files[path] = server.world.files[path][:-1] + b"!"
    assert updater(car, server).once(SAFE).met.attack is Attack.ARBITRARY_SOFTWARE
    assert counters(car) == {}
    server.world.files.update(honest)
    assert updater(car, server).once(SAFE).state is State.INSTALLED


def test_a_longer_file_is_endless_data_and_none_of_it_stays(car, server):
    path = next(path for path in server.world.files if "brake" in path)
    server.world.files[path] += b"more"
    assert updater(car, server).once(SAFE).met.attack is Attack.ENDLESS_DATA
    assert server.world.files[path] not in {car.storage.read(f"downloads/{name}") for name in car.storage.names("downloads")}


def test_a_download_that_broke_goes_on_where_it_broke(car, server):
    path = next(path for path in server.world.files if "pilot" in path)
    whole = len(server.world.files[path])
    server.targets.breaks_at[path] = whole // 3
    outcome = updater(car, server).once(SAFE)
    assert outcome.state is State.FAILED
    assert server.manifests[-1].state is State.FAILED
    assert updater(car, server).once(SAFE).state is State.INSTALLED
    assert server.targets.taken[path] == whole, "no byte twice"


def test_a_part_that_was_spoilt_on_the_disk_is_fetched_once_more(car, server):
    path = next(path for path in server.world.files if "pilot" in path)
    server.targets.breaks_at[path] = 100
    updater(car, server).once(SAFE)
    (part,) = car.storage.names("downloads")
    car.storage.write(f"downloads/{part}", 50, b"\0\0\0")
    assert updater(car, server).once(SAFE).state is State.INSTALLED
    assert counters(car) == dict.fromkeys(ECUS, 1)


def test_an_image_that_rotted_is_installed_again_where_that_is_asked_for(at_first, server):
    state = at_first.look()
    rotten = place(BRAKE, state.slot(BRAKE))
    at_first.storage.write(rotten, 5, b"?")
    mine = updater(at_first, server)
    assert mine.once(SAFE).state is State.CURRENT, "nobody looked"
    assert mine.boot().failing == (BRAKE,)
    outcome = mine.once(SAFE, repair=True)
    assert (outcome.state, list(outcome.bundle)) == (State.INSTALLED, [BRAKE])
    assert outcome.notes == (f"The image of {BRAKE} is damaged.",)
    assert counters(at_first) == dict.fromkeys(ECUS, 1)
    assert mine.boot().failing == ()
    assert mine.once(SAFE, repair=True).state is State.CURRENT


def test_a_full_disk_loses_nothing(at_first, server, monkeypatch):
    server.moves_to(after(server.world))
    with monkeypatch.context() as patched:
        patched.setattr(FolderStorage, "free", lambda _: 100)
        outcome = updater(at_first, server).once(SAFE)
        assert outcome.state is State.FAILED
        assert "no room" in outcome.notes[-1]
    write = FolderStorage.write

    def full(self, name, at, data):
        if name.startswith("ecus/"):
            raise Full(name)
        write(self, name, at, data)

    with monkeypatch.context() as patched:
        patched.setattr(FolderStorage, "write", full)
        assert updater(at_first, server).once(SAFE).state is State.FAILED
    assert counters(at_first) == dict.fromkeys(ECUS, 1)
    assert updater(at_first, server).once(SAFE).state is State.INSTALLED


def test_a_server_that_lies_or_is_silent_about_the_time_is_not_followed(car, server):
    server.lies_about_time = True
    assert updater(car, server).once(SAFE).met.attack is Attack.WRONG_TIME
    server.lies_about_time, server.silent_about_time = False, True
    assert updater(car, server).once(SAFE).met.attack is Attack.MISSING
    assert counters(car) == {}


def test_a_server_that_is_not_heard_is_no_refusal(car, server):
    server.down = True
    with pytest.raises(Unavailable):
        updater(car, server).once(SAFE)
    server.down = False
    assert updater(car, server).once(SAFE).state is State.INSTALLED


def test_a_trial_that_the_power_ended_is_finished_and_told(at_first, server):
    server.moves_to(after(server.world))

    def dark(_slots):
        raise _Cut

    with pytest.raises(_Cut):
        updater(at_first, server, start=dark).once(SAFE)
    outcome = updater(at_first, server).once(SAFE)
    assert outcome.state is State.CURRENT
    assert "interrupted" in outcome.notes[0]
    assert server.manifests[-1].state is State.INSTALLED
    assert counters(at_first) == dict.fromkeys(ECUS, 2)


def test_two_processes_do_not_meddle(car, server):
    with car.alone(), pytest.raises(Busy):
        updater(car, server).once(SAFE)


def test_power_goes_at_any_flush_or_rename_of_a_whole_update(tmp_path, server, monkeypatch):
    """Metadata, secondaries, downloads, slots, journal, reports: wherever it stops, the next pass installs the new software."""
    car = car_of(tmp_path, server.world)
    updater(car, server).once(SAFE)
    server.moves_to(after(server.world))
    left = [0]

    def cut(*_):
        left[0] -= 1
        if left[0] == 0:
            raise _Cut

    total = 0
    for stride in range(1, 400, 6):
        monkeypatch.setattr(os, "fsync", cut)
        left[0] = stride
        try:
            updater(car, server).once(SAFE)
            break
        except _Cut:
            total += 1
        monkeypatch.setattr(os, "fsync", lambda _: None)
        assert set(counters(car).values()) in ({1}, {2}), "mixed"
    assert total > 3
    monkeypatch.setattr(os, "fsync", lambda _: None)
    assert updater(car, server).once(SAFE).state in {State.INSTALLED, State.CURRENT}
    assert counters(car) == dict.fromkeys(ECUS, 2)


def test_refusals_are_sentences(car, server):
    server.world.files.clear()
    outcome = updater(car, server).once(SAFE)
    assert isinstance(outcome.met, MarqueError)
    assert outcome.met.attack is Attack.MISSING
    assert "is not to be had" in str(outcome.met)
