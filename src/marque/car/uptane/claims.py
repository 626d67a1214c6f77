"""What a target claims beyond its bytes: the release it belongs to, the evidence behind it, and where that evidence reaches.

The claims stand in the target's `custom`, under `marque`, in the image repository (signed by both partners' people) and again in the
director's metadata. A car installs nothing unless both say the very same: must-match.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Reach:
    """Where the evidence passed. cells: of the operational design domain, by name; none: the software drives nothing."""

    model: str
    market: str
    cells: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Claims:
    """Of one target.

    release, version: the release's name and version; counter: grows by one with every release of that name and never shrinks in an ECU.
    digest: SHA-256 of the release as its evidence names it (`proof.evidence.release_digest`). evidence: SHA-256 of the sealed file.
    verdict: PASSED, or nothing is installed. reach: models and markets with their cells. hardware: ids of ECU hardware that it runs on.
    rxswin: identification of the type-approved software (UN R156), by regulation. requires, conflicts: by ECU role or release name, the
    least counter that has to be there, and the counters that must not (first to last). entitlement: the software feature somebody has to be
    entitled to; empty: none.
    """

    release: str
    version: str
    counter: int
    digest: str
    evidence: str
    verdict: str
    reach: tuple[Reach, ...]
    hardware: tuple[str, ...]
    rxswin: Mapping[str, str] = field(default_factory=dict)
    requires: Mapping[str, int] = field(default_factory=dict)
    conflicts: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    entitlement: str = ""


@dataclass(frozen=True)
class Delta:
    """A way from one image to another. method: `zstd-patch` or `bsdiff`; base: SHA-256 of the image that it starts from."""

    method: str
    base: str
    path: str
    length: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Assignment:
    """What the director wants of a target: the ECUs that it is for, by serial, with the hardware id of each; ways to save bytes."""

    ecus: Mapping[str, str]
    deltas: tuple[Delta, ...] = ()
