"""Runs a folder of Uptane test vectors through full verification and says what became of each.

    .venv/bin/python tests/car/uptane/uptane_vectors.py FOLDER

FOLDER holds one folder for each vector, as `/data/tuf/uptane_vectors` does: `NAME/STEP/director/` and `NAME/STEP/image_repo/`. One line for
each vector: its name, `accepted` or `refused`, the step, the repository at fault, the attack, the file and the problem, between tabs. The
exit status is 1 where the vector is in `EXPECTED` and something else came out.
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from uptane_legacy import VEHICLE, LegacyImage, LegacyReader, Step

from marque.car.attacks import Attack, UpdateRefused
from marque.car.uptane import full
from marque.car.uptane.director import Director
from marque.car.uptane.partial import check_image

NOW = datetime(2026, 11, 29, 14, tzinfo=UTC)
"""After the vectors' past (2017) and before their future (2038)."""


@dataclass(frozen=True)
class Verdict:
    """step: of the refusal, or the last. repository: "director" or "image"; empty where nothing was refused."""

    step: int
    repository: str = ""
    attack: Attack | None = None
    told: str = ""

    @property
    def outcome(self):
        return (self.step, self.repository, self.attack)


def run(vector: Path, folder: Path) -> Verdict:
    """folder: for the director's trusted metadata, empty."""
    steps = sorted((one for one in vector.iterdir() if one.name.isdigit()), key=lambda one: int(one.name))
    director, image = Director(folder, VEHICLE.id, reader=LegacyReader()), None
    for number, step in enumerate(steps):
        try:
            if image is None:
                director.init(Step(step / "director").root())
                image = LegacyImage(Step(step / "image_repo").root(), NOW)
            _step(director, image, step)
        except UpdateRefused as refused:
            return Verdict(number, refused.repository or "director", refused.attack, f"{refused.file}\t{refused.problem}")
    return Verdict(len(steps) - 1)


def _step(director: Director, image: LegacyImage, step: Path) -> None:
    director.poll(Step(step / "director"), NOW)
    image.refresh(Step(step / "image_repo"))
    try:
        plan = full.verify(VEHICLE, director, image, NOW)
    except UpdateRefused as refused:
        if refused.attack is Attack.MIX_AND_MATCH and (step / "image_repo" / refused.file).is_file():
            raise _at_fault(refused, director, step) from None
        raise
    for one in plan.steps:
        check_image(one.target, (step / "image_repo" / one.target.path).read_bytes())


def _at_fault(refused: UpdateRefused, director: Director, step: Path) -> UpdateRefused:
    """Where the repositories disagree about a file, a car cannot know which is wrong, and names the director. Here the file is there."""
    content = (step / "image_repo" / refused.file).read_bytes()
    wanted = director.targets.said.targets[refused.file]
    right = (wanted.length, wanted.hashes["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
    return UpdateRefused(refused.attack, "image" if right else "director", refused.file, refused.problem)


def _refused(repository, attack, step=0):
    return (step, repository, attack)


def _both(name, attack):
    return {f"director_{name}": _refused("director", attack), f"image_repo_{name}": _refused("image", attack)}


def _roles(name, attack):
    """Of root and targets in both repositories, timestamp and snapshot in the image repository."""
    return (
        _both(f"root_{name}", attack)
        | _both(f"targets_{name}", attack)
        | {f"image_repo_{role}_{name}": _refused("image", attack) for role in ("timestamp", "snapshot")}
    )


def _rotated(name, attack):
    return {f"{where}_root_rotation_{name}": _refused(who, attack, 1) for where, who in (("director", "director"), ("image_repo", "image"))}


EXPECTED = (
    dict.fromkeys(("simple", "delegation_simple", "delegation_redundant", "delegation_two_signatures"), (0, "", None))
    | {f"{where}_root_rotation{many}": (1, "", None) for where in ("director", "image_repo") for many in ("", "_multiple")}
    | {"image_repo_metadata_changed_while_version_same": (1, "", None)}
    | _roles("expired", Attack.FREEZE)
    | _roles("unmet_threshold", Attack.ARBITRARY_SOFTWARE)
    | _roles("unsigned", Attack.ARBITRARY_SOFTWARE)
    | _roles("bad_key_ids", Attack.ARBITRARY_SOFTWARE)
    | _roles("zero_threshold", Attack.MALFORMED)
    | _roles("non_unique_signatures", Attack.DOUBLED_KEY)
    | _roles("role_type_mismatch", Attack.WRONG_ROLE)
    | _both("targets_too_large", Attack.ENDLESS_DATA)
    | _rotated("no_original_signature", Attack.ARBITRARY_SOFTWARE)
    | _rotated("no_new_signature", Attack.ARBITRARY_SOFTWARE)
    | _rotated("version_unchanged", Attack.ROLLBACK)
    | _rotated("version_skip", Attack.FAST_FORWARD)
    | _both("bad_hw_id", Attack.WRONG_HARDWARE)
    | _both("target_oversized", Attack.MIX_AND_MATCH)
    | _both("target_hash_mismatch", Attack.MIX_AND_MATCH)
    | {
        "bad_hw_id": _refused("director", Attack.WRONG_HARDWARE),
        "director_bad_ecu_id": _refused("director", Attack.WRONG_VEHICLE),
        "director_targets_same_ecu": _refused("director", Attack.DOUBLED_ECU),
        "director_delegations": _refused("director", Attack.WRONG_ROLE),
        "delegation_hash_mismatch": _refused("image", Attack.MIX_AND_MATCH),
        "target_oversized": _refused("image", Attack.ENDLESS_DATA),
        "image_repo_snapshot_targets_version_mismatch": _refused("image", Attack.MIX_AND_MATCH),
        "delegation_snapshot_version_mismatch": _refused("image", Attack.MIX_AND_MATCH),
        "delegation_snapshot_missing": _refused("image", Attack.MISSING),
        "delegation_missing": _refused("image", Attack.MISSING),
        "delegation_expired": _refused("image", Attack.FREEZE),
        "delegation_zero_threshold": _refused("image", Attack.MALFORMED),
        "delegation_unmet_threshold": _refused("image", Attack.ARBITRARY_SOFTWARE),
        "delegation_unsigned": _refused("image", Attack.ARBITRARY_SOFTWARE),
        "delegation_bad_key_ids": _refused("image", Attack.ARBITRARY_SOFTWARE),
        "delegation_key_missing": _refused("image", Attack.ARBITRARY_SOFTWARE),
        "delegation_non_unique_signatures": _refused("image", Attack.DOUBLED_KEY),
        "delegation_path_mismatch": _refused("image", Attack.ARBITRARY_SOFTWARE),
        "delegation_empty": _refused("image", Attack.ARBITRARY_SOFTWARE),
    }
)
"""By vector: step, repository at fault and attack. Derived from what the public generator makes wrong in each (`tuf_vectors/uptane.py`)."""


def main(folder: Path) -> int:
    wrong = 0
    for vector in sorted(one for one in folder.iterdir() if one.is_dir()):
        with tempfile.TemporaryDirectory() as kept:
            found = run(vector, Path(kept) / "director")
        expected = EXPECTED.get(vector.name)
        wrong += expected is not None and expected != found.outcome
        told = "refused" if found.attack else "accepted"
        mark = "" if expected in (None, found.outcome) else f"\tEXPECTED {expected}"
        print(f"{vector.name}\t{told}\t{found.step}\t{found.repository}\t{found.attack or ''}\t{found.told}{mark}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
