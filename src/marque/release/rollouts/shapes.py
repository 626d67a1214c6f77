"""What the API of roll-outs takes and gives, as JSON: plain copies of what the services answer with."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from marque.release.rollouts.model import Act, Counts, Filing, FilingEntry, GroupState, Road, Rollout, Standing, State
from marque.release.rollouts.plans import GroupShape, shape_of
from marque.release.rollouts.progress import Progress
from marque.release.rollouts.record_rows import Kept
from marque.release.rollouts.rules import Cause

Reason = Annotated[str, Field(max_length=2_000)]


class ReasonIn(BaseModel):
    reason: Reason = ""


class FilingIn(BaseModel):
    """reference: the authority's own; note: why none is needed."""

    market: Annotated[str, Field(min_length=1, max_length=80)]
    state: Filing
    reference: Annotated[str, Field(max_length=200)] = ""
    note: Reason = ""


class FilingOut(BaseModel):
    release: UUID
    market: str
    state: Filing
    reference: str
    note: str
    organisation: str
    at: datetime


class CountsOut(BaseModel):
    """In cars, but for attempts and failures. refusals: by attack."""

    cars: int
    waiting: int
    offered: int
    retry: int
    done: int
    failed: int
    declined: int
    left: int
    exposed: int
    attempts: int
    failures: int
    refusals: dict[str, int]


class RoadOut(BaseModel):
    km: float
    disengagements: int
    minimal_risk: int


class StandingOut(BaseModel):
    number: int
    group: GroupShape
    state: GroupState
    opened_at: datetime | None
    passed_at: datetime | None
    markets: list[str]
    counts: CountsOut
    road: RoadOut


class RolloutOut(BaseModel):
    """decision: the one that lets it start or go on."""

    id: UUID
    organisation: str
    lead: str
    programme: UUID
    release: UUID
    release_name: str
    counter: int
    model: str
    markets: list[str]
    name: str
    state: State
    since: datetime
    reason: str
    details: dict[str, str]
    decision: UUID | None
    created_at: datetime
    groups: list[StandingOut]


class WaitOut(BaseModel):
    cause: Cause
    details: dict[str, str]


class DoneOut(BaseModel):
    act: Act
    at: datetime
    organisation: str
    group: int | None
    state: State
    reason: str
    details: dict[str, str]


class ProgressOut(BaseModel):
    """per_hour: cars that answered in the last hour; left_s: seconds until all have, at that pace."""

    rollout: RolloutOut
    counts: CountsOut
    road: RoadOut
    per_hour: float
    left_s: float | None
    waits_for: list[str]
    waits: list[WaitOut]
    filings: dict[str, Filing]
    history: list[DoneOut]


class RecordOut(BaseModel):
    """envelope: the signed record, as a file has it."""

    vehicle: str
    counter: int
    rollout: UUID
    created_at: datetime
    digest: str
    envelope: str


def rollout_out(one: Rollout) -> RolloutOut:
    said = {name: getattr(one, name) for name in RolloutOut.model_fields if name not in {"groups", "markets", "details"}}
    return RolloutOut(**said, markets=list(one.markets), details=dict(one.details), groups=[_standing(each) for each in one.groups])


def progress_out(one: Progress) -> ProgressOut:
    return ProgressOut(
        rollout=rollout_out(one.rollout), counts=_counts(one.counts), road=_road(one.road), per_hour=one.per_hour,
        left_s=None if one.left is None else one.left.total_seconds(), waits_for=list(one.waits_for),
        waits=[WaitOut(cause=each.cause, details=dict(each.details)) for each in one.waits], filings=dict(one.filings),
        history=[
            DoneOut(
                act=each.act, at=each.at, organisation=each.organisation, group=each.group, state=each.state, reason=each.reason,
                details=dict(each.details),
            )
            for each in one.history
        ],
    )  # fmt: skip


def filing_out(one: FilingEntry) -> FilingOut:
    return FilingOut(**{name: getattr(one, name) for name in FilingOut.model_fields})


def record_out(one: Kept) -> RecordOut:
    said = {name: getattr(one, name) for name in RecordOut.model_fields if name != "envelope"}
    return RecordOut(**said, envelope=one.envelope.decode())


def _standing(one: Standing) -> StandingOut:
    said = {name: getattr(one, name) for name in ("number", "state", "opened_at", "passed_at")}
    return StandingOut(**said, group=shape_of(one.group), markets=list(one.markets), counts=_counts(one.counts), road=_road(one.road))


def _counts(one: Counts) -> CountsOut:
    said = {name: getattr(one, name) for name in CountsOut.model_fields if name != "refusals"}
    return CountsOut(**said, refusals={str(attack): many for attack, many in one.refusals.items()})


def _road(one: Road) -> RoadOut:
    return RoadOut(km=one.km, disengagements=one.disengagements, minimal_risk=one.minimal_risk)
