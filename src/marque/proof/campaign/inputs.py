"""What the runs of a campaign depend on, each by its digest, here and now: a campaign is of one kind from its first run to its last."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path

import marque
from marque.proof.campaign.drive import Task
from marque.proof.evidence import digests
from marque.proof.suites import Suite
from marque.vehicle import MODELS

_DRIVES = ("common", "driving")
_SIMULATES = ("proof/campaign", "proof/suites", "simulation")


def inputs_of(task: Task, suites: Sequence[Suite]) -> Mapping[str, str]:
    """Code, lock, maps, model, seeds, simulator and suites, by their names in a provenance statement, in order."""
    root = Path(marque.__file__).parent
    roads = {name: digest for one in suites for name, digest in one.files.items() if not name.endswith((".xosc", ".json"))}
    found = {
        **digests.of_code(root, _DRIVES),
        "lock": _lock(),
        "map": _of(roads),
        f"model/{task.vehicle}": _of({"parameters": repr(MODELS[task.vehicle]), "code": digests.of_folder(root / "vehicle")}),
        "seeds": seeds_digest(task.seed, task.perfect),
        **{f"simulator/{name.rpartition('/')[2]}": digests.of_folder(root / name) for name in _SIMULATES},
        **{f"suite/{one.name}": one.digest for one in suites},
    }
    return dict(sorted(found.items()))


def seeds_digest(seed: int, perfect: bool) -> str:
    """Of what a campaign's chance depends on; see `Task`. A hidden suite's seed follows from its salt."""
    return _of({"seed": seed, "perfect": perfect})


def _lock() -> str:
    """Of every package that is installed here: its name and version, and the Python that runs them."""
    packages = sorted({f"{one.metadata['Name']}=={one.version}" for one in metadata.distributions()})
    return _of({"python": sys.version, "packages": packages})


def _of(said: object) -> str:
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
