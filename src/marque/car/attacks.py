"""Why an update is refused: the attack it would be, as the Uptane and TUF specifications call it, and where it was met."""

from __future__ import annotations

from enum import StrEnum

from marque.common import MarqueError


class Attack(StrEnum):
    """Of the Uptane threat model, and ours of a brand that two companies sign for. The text is what reports and records carry."""

    ARBITRARY_SOFTWARE = "arbitrary software"
    """No sufficient signatures, or bytes that are not those that were signed."""
    ONE_PARTNER = "one partner alone"
    """Enough keys, but not enough of each organisation that has to sign."""
    DOUBLED_KEY = "one key counted twice"
    ROLLBACK = "roll-back"
    FREEZE = "freeze"
    """Metadata past its expiry."""
    FAST_FORWARD = "fast-forward"
    MIX_AND_MATCH = "mix-and-match"
    """Parts that were never one snapshot, or that the two repositories say differently."""
    ENDLESS_DATA = "endless data"
    SLOW_RETRIEVAL = "slow retrieval"
    WRONG_ROLE = "wrong role"
    """Metadata of one role in the place of another, a role delegated by two, a cycle, or one that was never delegated."""
    MALFORMED = "malformed metadata"
    WRONG_VEHICLE = "wrong vehicle"
    WRONG_HARDWARE = "wrong hardware"
    DOUBLED_ECU = "one ECU twice"
    REPLAYED_REPORT = "replayed report"
    WRONG_TIME = "wrong time"
    """An attestation of time that is not for this question, or runs backwards."""
    EVIDENCE_MISSING = "evidence missing"
    EVIDENCE_SWAPPED = "evidence swapped"
    """The claims of the director and of the image repository are about different evidence."""
    EVIDENCE_WITHDRAWN = "evidence withdrawn"
    EVIDENCE_REACH = "outside the evidence"
    """Not for this vehicle model, market or design domain."""
    INCOMPATIBLE = "incompatible software"
    """What it requires is not there, or what it conflicts with is."""
    NOT_ENTITLED = "not entitled"
    MISSING = "withheld"
    """What has to be there is not to be had."""


class UpdateRefused(MarqueError):
    """Nothing was changed. repository: "image", "director", or the file's own; file: the metadata or target at fault.

    problem: one clause without a full stop. remedy: one sentence, for people at the workshop and the repository; may be empty.
    """

    def __init__(self, attack: Attack, repository: str, file: str, problem: str, remedy: str = "") -> None:
        self.attack, self.repository, self.file, self.problem, self.remedy = attack, repository, file, problem, remedy
        place = f"{repository}/{file}" if repository else file
        super().__init__(f"{place}: {problem} ({attack})." + (f"\n  {remedy}" if remedy else ""))

    def __reduce__(self) -> tuple[type[UpdateRefused], tuple[Attack, str, str, str, str]]:
        return type(self), (self.attack, self.repository, self.file, self.problem, self.remedy)
