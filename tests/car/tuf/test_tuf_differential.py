"""Beside the reference implementation: the same history of a repository, the same answers and the same trusted versions."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from tuf.api.exceptions import DownloadError, RepositoryError
from tuf.api.metadata import MetaFile
from tuf.ngclient import Updater
from tuf_simulator import LATER, NOW, Repository, signer

from marque.car.attacks import UpdateRefused

ROLES = ("root", "timestamp", "snapshot", "targets")
PATHS = ["a/1", "a/2", "b/1", "c", "d/x/y"]


def bump(repository: Repository, chance: random.Random) -> None:
    repository.publish_all(*chance.sample(["root", "targets"], chance.randint(0, 2)))


def rotate(repository: Repository, chance: random.Random) -> None:
    """Timestamp and snapshot together: after either alone we forget both, as the specification says (5.3.11), and python-tuf does not."""
    for role in chance.choice([["root"], ["targets"], ["timestamp", "snapshot"]]):
        repository.rotate(role)
    repository.publish("root")
    repository.signers["root"] = repository.signers["root"][-1:] if chance.random() < 0.8 else repository.signers["root"]
    repository.publish_all("targets")


def forget_key(repository: Repository, chance: random.Random) -> None:
    """Signs with a stranger's key, and later rightly again."""
    role = chance.choice(ROLES)
    right = repository.signers[role]
    repository.signers[role] = [signer()]
    repository.publish_all(*({role} & {"root", "targets"}))
    repository.signers[role] = right
    if role == "root":
        repository.root.version -= 1
        del repository.files[f"{repository.root.version + 1}.root.json"]


def older(repository: Repository, chance: random.Random) -> None:
    role = chance.choice(["timestamp", "snapshot", "targets"])
    repository.said(role).version = max(1, repository.said(role).version - chance.randint(1, 3))
    repository.publish(
        *dict.fromkeys((role, "snapshot", "timestamp")) if role == "targets" else dict.fromkeys((role, "timestamp")), bump=False
    )


def mismatch(repository: Repository, chance: random.Random) -> None:
    listed = MetaFile(repository.said("targets").version + chance.randint(-1, 2) or 1)
    if chance.random() < 0.5:
        repository.snapshot.meta["targets.json"] = listed
        repository.publish("snapshot", "timestamp")
    else:
        repository.timestamp.snapshot_meta = MetaFile(max(1, repository.snapshot.version + chance.randint(-1, 2)))
        repository.publish("timestamp")


def expire(repository: Repository, chance: random.Random) -> None:
    role = chance.choice(ROLES)
    repository.said(role).expires = NOW - timedelta(seconds=chance.choice([0, 1]))
    repository.publish_all(*({role} & {"root", "targets"}))
    repository.said(role).expires = LATER


def withhold(repository: Repository, chance: random.Random) -> None:
    repository.publish_all("targets")
    gone = chance.choice([f"{repository.targets.version}.targets.json", f"{repository.snapshot.version}.snapshot.json", "timestamp.json"])
    del repository.files[gone]


def threshold(repository: Repository, chance: random.Random) -> None:
    role = chance.choice(["timestamp", "snapshot", "targets"])
    extra = signer()
    repository.root.add_key(extra.public_key, role)
    repository.root.roles[role].threshold = chance.randint(1, 3)
    if chance.random() < 0.7:
        repository.signers[role].append(extra)
    repository.publish("root")
    repository.publish_all("targets")


def junk(repository: Repository, chance: random.Random) -> None:
    repository.publish_all("targets")
    path = chance.choice([f"{repository.targets.version}.targets.json", f"{repository.snapshot.version}.snapshot.json", "timestamp.json"])
    raw = repository.files[path]
    cut = chance.randrange(len(raw))
    repository.files[path] = chance.choice([raw[:cut], raw[:cut] + b"x" + raw[cut:], raw[:cut] + b"x" + raw[cut + 1 :], b"[]"])


ACTS: list[Callable[[Repository, random.Random], None]] = [
    bump,
    bump,
    rotate,
    forget_key,
    older,
    mismatch,
    expire,
    withhold,
    threshold,
    junk,
]


def theirs(repository: Repository, folder: Path) -> bool:
    first = None if folder.exists() else repository.files["1.root.json"]
    folder.mkdir(exist_ok=True)
    try:
        updater = Updater(str(folder), "http://repository/", fetcher=repository, bootstrap=first)
        updater._trusted_set.reference_time = NOW
        updater.refresh()
    except (RepositoryError, DownloadError, ValueError):
        return False
    return True


def ours(repository: Repository, folder: Path) -> bool:
    client = repository.client(folder) if folder.exists() else repository.begun(folder)
    try:
        client.refresh()
    except UpdateRefused:
        return False
    return True


def versions(folder: Path) -> dict[str, int]:
    return {role: json.loads(file.read_bytes())["signed"]["version"] for role in ROLES if (file := folder / f"{role}.json").exists()}


@pytest.mark.parametrize("seed", range(12))
def test_a_random_history_is_judged_as_the_reference_implementation_judges_it(tmp_path: Path, seed: int) -> None:
    compare(tmp_path, seed, acts=8)


@pytest.mark.slow
def test_many_random_histories_are_judged_as_the_reference_implementation_judges_them(tmp_path: Path, thorough: bool) -> None:
    for seed in range(1000, 1600 if thorough else 1120):
        (tmp_path / str(seed)).mkdir()
        compare(tmp_path / str(seed), seed, acts=12)


def compare(folder: Path, seed: int, acts: int) -> None:
    chance = random.Random(seed)
    repository = Repository(hashes=chance.random() < 0.5)
    # One version with two contents: we fetch by the hash that is listed, where python-tuf stays with what it has.
    possible = [act for act in ACTS if not (repository.hashes and act is older)]
    told = []
    for _ in range(acts):
        act = chance.choice(possible)
        act(repository, chance)
        told.append(act.__name__)
        repository.asked.clear()
        answers = theirs(repository, folder / "theirs"), ours(repository, folder / "ours")
        assert answers[0] == answers[1], told
        kept, of_ours = versions(folder / "theirs"), versions(folder / "ours")
        assert kept == (of_ours if answers[1] else kept | of_ours), told  # what we forgot after a rotation still lies there of theirs


@pytest.mark.parametrize("seed", range(8))
def test_random_delegations_lead_to_the_same_targets(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    repository = Repository()
    names = [f"role-{number}" for number in range(6)]
    for place, name in enumerate(names):
        for delegator in chance.sample(["targets", *names[:place]], chance.randint(1, min(2, place + 1))):
            paths = chance.sample(["*", "a/*", "b/*", "*/*", "*/*/*", "?"], chance.randint(1, 3))
            repository.delegate(delegator, name, paths, terminating=chance.random() < 0.2)
        for path in chance.sample(PATHS, chance.randint(0, 3)):
            repository.add(name, path, f"{name} {path}".encode())
    repository.publish_all(*names, "targets")
    folder = tmp_path / "theirs"
    folder.mkdir()
    updater = Updater(str(folder), "http://repository/", fetcher=repository, bootstrap=repository.files["1.root.json"])
    client = repository.begun(tmp_path / "ours")
    for path in PATHS:
        repository.asked.clear()
        their_target = updater.get_targetinfo(path)
        their_way = list(repository.asked)
        repository.asked.clear()
        our_target = client.target(path)
        assert (our_target and dict(our_target.hashes)) == (their_target and their_target.hashes)
        assert [one for one in repository.asked if one.startswith("1.role")] == [one for one in their_way if one.startswith("1.role")]
