"""The rules of the slots: in no state that events can lead to do some ECUs run the old software and some the new."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from install_car import BUNDLE, NEW, OLD, SERIALS, image, installed

from marque.car.install import records
from marque.car.install.slots import (
    Abandoned,
    Begun,
    Booted,
    Bundle,
    Committed,
    Confirmed,
    Phase,
    RolledBack,
    Slot,
    Slots,
    Staged,
    Standing,
    after,
    folder,
    place,
)
from marque.common import InputError

STANDING = Standing({serial: Slots(Slot.A, {Slot.A: OLD[serial]}, {"city-pilot": 1}) for serial in SERIALS})
PART = Bundle({SERIALS[0]: NEW[SERIALS[0]]}, 3)
EVENTS = st.one_of(
    st.sampled_from([Begun(BUNDLE), Begun(PART), Committed(2), Booted(), Confirmed(), RolledBack("it did not come up"), Abandoned("why")]),
    st.sampled_from(SERIALS).map(Staged),
)


def following(*events, state=None):
    state = state or after(None, STANDING)
    for event in events:
        state = after(state, event)
    return state


ALL_STAGED = (Begun(BUNDLE), *map(Staged, SERIALS))


@given(st.lists(EVENTS, max_size=30))
def test_whatever_happens_what_runs_is_one_bundle_and_whole(events):
    state = after(None, STANDING)
    before = state.running()
    for event in events:
        try:
            following_state = after(state, event)
        except InputError:
            continue
        if following_state.running() != state.running():
            assert isinstance(event, Committed | RolledBack)
            if isinstance(event, Committed):
                before = state.running()
                assert following_state.running() == before | dict(state.bundle.images)
            else:
                assert following_state.running() == before
        state = following_state
        assert set(state.running()) == set(SERIALS)


@given(st.lists(EVENTS, max_size=20))
def test_a_journal_says_every_state_again(events):
    happened, state = [STANDING], after(None, STANDING)
    for event in events:
        try:
            state = after(state, event)
        except InputError:
            continue
        happened.append(event)
    again = None
    for event in happened:
        again = after(again, records.read(json.loads(json.dumps(records.written(event)))))
    assert again == state


def test_the_way_to_the_new():
    state = following(*ALL_STAGED)
    assert (state.phase, state.running()) == (Phase.STAGED, OLD)
    state = following(Committed(), Booted(), state=state)
    assert (state.phase, state.running()) == (Phase.ON_TRIAL, NEW)
    state = following(Confirmed(), state=state)
    assert (state.phase, state.running(), state.failed) == (Phase.STEADY, NEW, None)
    assert {slots.active for slots in state.ecus.values()} == {Slot.B}
    assert state.ecus[SERIALS[0]].highest == {"city-pilot": 2}


def test_what_was_rolled_back_counts_as_never_run_and_is_remembered():
    state = following(*ALL_STAGED, Committed(1), Booted(), RolledBack("it did not come up"))
    assert (state.phase, state.running()) == (Phase.STEADY, OLD)
    assert (state.failed.bundle, state.failed.director) == (BUNDLE.id, 2)
    assert state.ecus[SERIALS[0]].highest == {"city-pilot": 1}
    assert state.ecus[SERIALS[0]].images == {Slot.A: OLD[SERIALS[0]]}


def test_what_is_staged_alike_need_not_be_staged_again():
    state = following(Begun(BUNDLE), Staged(SERIALS[0]), Begun(replace(BUNDLE, director=9)))
    assert state.staged == {SERIALS[0]}
    other = Bundle({**NEW, SERIALS[0]: installed(SERIALS[0], 3)}, 9)
    assert following(Begun(other), state=state).staged == frozenset()


@pytest.mark.parametrize(
    "events",
    [
        [Committed()],
        [Begun(BUNDLE), Committed()],
        [Begun(BUNDLE), Booted()],
        [Staged(SERIALS[0])],
        [Begun(PART), Staged(SERIALS[1])],
        [Begun(Bundle({}, 1))],
        [Begun(Bundle({"elsewhere": NEW[SERIALS[0]]}, 1))],
        [*ALL_STAGED, Committed(), Begun(PART)],
        [*ALL_STAGED, Committed(), Abandoned("why")],
        [*ALL_STAGED, Committed(), Committed()],
        [*ALL_STAGED, Committed(1), Booted(), Booted()],
        [*ALL_STAGED, Committed(), STANDING],
        [Confirmed()],
        [RolledBack("why")],
    ],
)
def test_what_cannot_happen_is_no_journal_of_ours(events):
    with pytest.raises(InputError, match="cannot have happened"):
        following(*events)


def test_nothing_comes_before_provisioning():
    with pytest.raises(InputError):
        after(None, Begun(BUNDLE))


@pytest.mark.parametrize(
    "record",
    [{}, {"is": "flown"}, {"is": "staged"}, {"is": "staged", "ecu": "a", "more": 1}, {"is": "committed", "boots": 0}, {"is": ["staged"]},
     {"is": "begun", "director": 1, "images": {"a": {}}}, {"is": "standing", "ecus": {"a": {"active": "c", "images": {}, "highest": {}}}}],
)  # fmt: skip
def test_a_record_of_another_program_is_refused(record):
    with pytest.raises(InputError):
        records.read(record)


@pytest.mark.parametrize("serial", ["..", "a/b", "../../etc", ".", "ecu 1", "\N{SNOWMAN}", "%2e"])
def test_no_serial_leads_out_of_its_folder(serial):
    parts = place(serial, Slot.A).split("/")
    assert parts == ["ecus", folder(serial), "a"]
    assert folder(serial) not in {".", ".."}


@given(st.text(min_size=1), st.text(min_size=1))
def test_two_serials_have_two_folders(one, other):
    assert (folder(one) == folder(other)) == (one == other)


def test_a_bundle_is_known_by_what_is_in_it():
    assert BUNDLE.id == replace(BUNDLE, director=77).id
    assert BUNDLE.id != Bundle({**NEW, SERIALS[0]: installed(SERIALS[0], 3)}, 2).id
    assert len(image(SERIALS[0], 1)) == OLD[SERIALS[0]].length
