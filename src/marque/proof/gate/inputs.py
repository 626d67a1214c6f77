"""What the runs of a campaign depend on, each by its digest: the inputs of the provenance statement, and what makes evidence stale."""

from __future__ import annotations

import hashlib
import json
import sys
from importlib import metadata
from pathlib import Path

import marque
from marque.common import InputError
from marque.proof.campaign import Plan
from marque.proof.evidence import Input, Policy, digests
from marque.proof.suites import Suite
from marque.vehicle import MODELS

_DRIVES = ("common", "driving")
_SIMULATES = ("proof/campaign", "proof/suites", "simulation")


def inputs_of(plan: Plan, suite: Suite, policy: Policy) -> tuple[Input, ...]:
    """Code, lock, maps, model, policy, seeds, simulator and suite of a campaign, as they are here and now, in order of their names."""
    root = Path(marque.__file__).parent
    roads = {name: digest for name, digest in suite.files.items() if not name.endswith((".xosc", ".json"))}
    found = {
        **digests.of_code(root, _DRIVES),
        "lock": _lock(),
        "map": _of(roads),
        f"model/{plan.vehicle}": _of({"parameters": repr(MODELS[plan.vehicle]), "code": digests.of_folder(root / "vehicle")}),
        "policy": policy.digest,
        "seeds": seeds_digest(plan.seed, plan.perfect),
        **{f"simulator/{name.rpartition('/')[2]}": digests.of_folder(root / name) for name in _SIMULATES},
        f"suite/{plan.suite}": plan.suite_digest,
    }
    return tuple(Input(name, digest) for name, digest in sorted(found.items()))


def seeds_digest(seed: int, perfect: bool) -> str:
    """Of what a campaign's chance depends on; see `campaign.Task`."""
    return _of({"seed": seed, "perfect": perfect})


def bound(policy: Policy, suite: Suite) -> None:
    """Raises InputError unless the policy names this suite, to the byte."""
    if policy.suites.get(suite.name) != suite.digest:
        known = ", ".join(f"{name} {digest[:12]}…" for name, digest in policy.suites.items())
        why = f'"{suite.name}" {suite.digest[:12]}… is not a suite of the policy'
        raise InputError(suite.name, "", why, f"It names {known or 'none that is not hidden'}.")


def _lock() -> str:
    """Of every package that is installed here: its name and version, and the Python that runs them."""
    packages = sorted({f"{one.metadata['Name']}=={one.version}" for one in metadata.distributions()})
    return _of({"python": sys.version, "packages": packages})


def _of(said: object) -> str:
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
