"""The director's trust on disk: keys that were stolen are left behind by a new root, and no byte of what it says can be changed."""

import os
from dataclasses import replace

import attack_moves as moves
import pytest
from attack_world import BOTH, NOW, PEOPLE, THIEF, VEHICLE, FullCar, Memory, after, director_root, first, signer
from hypothesis import given
from hypothesis import strategies as st

from marque.car.attacks import Attack, UpdateRefused
from marque.car.tuf.model import Role
from marque.car.uptane.director import ROOTS_AT_MOST, TARGETS_AT_MOST, Director
from marque.car.uptane.keeping import trial
from marque.common import InputError
from marque.release.repository.keys import signed

NEW = signer("a new online key of the director")


@pytest.fixture(autouse=True, scope="module")
def _no_flushing():
    """No power is cut here, and flushing is what takes the time."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(os, "fsync", lambda _: None)
        yield


def director(folder, world):
    made = Director(folder, VEHICLE.id)
    made.init(world.director["1.root.json"])
    return made


def _for(one, version=2):
    root = director_root()
    keys = dict(root.keys) | {one.key.id: one.key}
    return replace(root, version=version, keys=keys, roles=dict(root.roles) | {"targets": Role((one.key.id,), 1)})


def test_a_car_without_a_root_trusts_nobody(tmp_path):
    with pytest.raises(InputError, match="Provision the car"):
        Director(tmp_path, VEHICLE.id).poll(Memory(first().director), NOW)


def test_a_root_that_one_partner_signed_is_never_pinned(tmp_path):
    world = first()
    world.director["1.root.json"] = signed(director_root(), BOTH[:2])
    with pytest.raises(UpdateRefused) as refused:
        director(tmp_path / "director", world)
    assert refused.value.attack is Attack.ONE_PARTNER
    assert not (tmp_path / "director" / "root.json").exists()


def test_a_thief_of_the_online_key_cannot_number_the_director_out(tmp_path):
    """He signs an honest file with the last version there is; once both partners gave the role a new key, that number binds nobody."""
    car = FullCar(tmp_path, first())
    car.update(first())
    stolen = first()
    stolen.direct(version=2**31 - 1)
    car.update(stolen)
    world = after(first())
    with pytest.raises(UpdateRefused) as refused:
        car.update(world)
    assert refused.value.attack is Attack.ROLLBACK
    world.director["2.root.json"] = signed(_for(NEW), BOTH)
    world.direct([NEW])
    assert len(car.update(world).steps) == 3


def test_the_old_key_is_worth_nothing_under_the_new_root(tmp_path):
    world = first()
    made = director(tmp_path / "director", world)
    made.poll(Memory(world.director), NOW)
    world.director["2.root.json"] = signed(_for(NEW), BOTH)
    with pytest.raises(UpdateRefused) as refused:
        made.poll(Memory(world.director), NOW)
    assert refused.value.attack is Attack.ARBITRARY_SOFTWARE
    assert made.targets is None


EVERYBODY = [*PEOPLE["gac"], *PEOPLE["huawei"]]


@pytest.mark.parametrize("chosen", range(2 ** len(EVERYBODY)))
def test_a_root_follows_only_with_two_keys_of_each_partner(chosen, tmp_path):
    """Whoever of the six people signs."""
    signers = [one for number, one in enumerate(EVERYBODY) if chosen >> number & 1]
    world = first()
    world.director["2.root.json"] = signed(_for(NEW), signers)
    made = director(tmp_path / "director", world)
    if all(sum(one in signers for one in people) >= 2 for people in PEOPLE.values()):
        assert made.update_root(Memory(world.director)).version == 2
        return
    with pytest.raises(UpdateRefused) as refused:
        made.update_root(Memory(world.director))
    alone = [code for code, people in PEOPLE.items() if sum(one in signers for one in people) >= 2]
    assert refused.value.attack is (Attack.ONE_PARTNER if alone else Attack.ARBITRARY_SOFTWARE)
    assert made.root.version == 1


def test_what_was_polled_is_there_after_a_restart(tmp_path):
    world = first()
    polled = director(tmp_path / "director", world).poll(Memory(world.director), NOW)
    assert Director(tmp_path / "director", VEHICLE.id).targets == polled


def test_a_chain_of_roots_is_followed_to_its_end(tmp_path):
    world = first()
    for version in range(2, 20):
        world.director[f"{version}.root.json"] = signed(replace(director_root(), version=version), BOTH)
    assert director(tmp_path / "director", world).update_root(Memory(world.director)).version == 19


def test_no_chain_of_roots_keeps_a_car_busy_for_ever(tmp_path, monkeypatch):
    monkeypatch.setattr("marque.car.uptane.director.ROOTS_AT_MOST", 5)
    world = first()
    for version in range(2, 20):
        world.director[f"{version}.root.json"] = signed(replace(director_root(), version=version), BOTH)
    made = director(tmp_path / "director", world)
    assert made.update_root(Memory(world.director)).version == 6
    assert ROOTS_AT_MOST > 18


def test_a_file_longer_than_any_vehicle_needs_is_not_read(tmp_path):
    world = first()
    world.director["targets.json"] += b" " * TARGETS_AT_MOST
    with pytest.raises(UpdateRefused) as refused:
        director(tmp_path / "director", world).poll(Memory(world.director), NOW)
    assert refused.value.attack is Attack.ENDLESS_DATA


LENGTHS = {name: len(raw) for name, raw in first().director.items()}


@given(st.data())
def test_no_byte_of_the_directors_files_can_be_changed(tmp_path_factory, data):
    """What is taken says what was signed; anything else is refused by name, and never falls over."""
    world = first()
    name = data.draw(st.sampled_from(sorted(LENGTHS)))
    place, by = data.draw(st.integers(0, LENGTHS[name] - 1)), data.draw(st.integers(1, 255))
    raw = world.director[name]
    world.director[name] = raw[:place] + bytes([raw[place] ^ by]) + raw[place + 1 :]
    made = Director(tmp_path_factory.mktemp("director"), VEHICLE.id)
    try:
        made.init(world.director["1.root.json"])
        found = made.poll(Memory(world.director), NOW).said
    except UpdateRefused:
        return
    assert (made.root, found) == (director_root(), first().wanted)


@given(st.binary(max_size=300))
def test_anything_else_is_refused(tmp_path_factory, raw):
    world = first()
    made = director(tmp_path_factory.mktemp("director"), world)
    with pytest.raises(UpdateRefused):
        made.poll(Memory(world.director | {"targets.json": raw}), NOW)


def test_a_trial_that_fails_changes_nothing(tmp_path):
    (tmp_path / "trust").mkdir()
    (tmp_path / "trust" / "a").write_bytes(b"1")

    def fails():
        with trial(tmp_path / "trust") as folder:
            (folder / "a").write_bytes(b"2")
            (folder / "b").write_bytes(b"3")
            raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        fails()
    assert {path.name: path.read_bytes() for path in (tmp_path / "trust").iterdir()} == {"a": b"1"}
    assert [path.name for path in tmp_path.iterdir()] == ["trust"]


def test_a_trial_that_succeeds_is_taken_over_whole(tmp_path):
    with trial(tmp_path / "trust") as folder:
        (folder / "in").mkdir()
        (folder / "in" / "a").write_bytes(b"1")
        (folder / "b").write_bytes(b"2")
    with trial(tmp_path / "trust") as folder:
        (folder / "b").unlink()
        (folder / "in" / "a").write_bytes(b"3")
    files = {str(path.relative_to(tmp_path)): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert files == {"trust/in/a": b"3"}


def test_a_trial_that_was_cut_leaves_nothing_in_the_way_of_the_next(tmp_path):
    (tmp_path / ".trust.trial").mkdir(parents=True)
    (tmp_path / ".trust.trial" / "left").write_bytes(b"1")
    with trial(tmp_path / "trust") as folder:
        assert list(folder.iterdir()) == []


def test_a_stranger_is_nobody(tmp_path):
    world = first()
    made = director(tmp_path / "director", world)
    moves.direct(signers=(THIEF,))(world)
    with pytest.raises(UpdateRefused) as refused:
        made.poll(Memory(world.director), NOW)
    assert refused.value.attack is Attack.ARBITRARY_SOFTWARE
