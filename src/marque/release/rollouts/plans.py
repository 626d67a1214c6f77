"""A plan as a document: an operator's file, the API's body, what the database keeps of each group. JSON, read strictly."""

from __future__ import annotations

from datetime import time, timedelta
from typing import Annotated, Literal
from uuid import UUID

import rfc8785
from pydantic import Field, ValidationError

from marque.common import InputError, Sentence
from marque.product.documents import Strict
from marque.release.rollouts.model import FieldLimits, Group, Plan, Thresholds, Window

Word = Annotated[str, Field(max_length=200, pattern=r"^[^\x00]+$")]
Words = Annotated[tuple[Word, ...], Field(max_length=10_000)]
Share = Annotated[float, Field(ge=0, le=1)]
Sure = Annotated[float, Field(ge=0.5, lt=1)]
Rate = Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)]
Hours = Annotated[float, Field(ge=0, le=8760)]
Clock = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]


class ThresholdsShape(Strict):
    """See `model.Thresholds`."""

    success: Share = 0.97
    error: Share = 0.01
    reported: Share = 0.8
    least: Annotated[int, Field(ge=0, le=10_000_000)] = 20
    confidence: Sure = 0.99


class RoadShape(Strict):
    """See `model.FieldLimits`. Rates per 1,000 km."""

    disengagements: Rate | None = None
    minimal_risk: Rate | None = None
    least_km: Annotated[float, Field(ge=0, le=1e9)] = 0.0
    confidence: Sure = 0.99


class WindowShape(Strict):
    """Each day, UTC, HH:MM."""

    start: Clock
    end: Clock


class GroupShape(Strict):
    """See `model.Group`."""

    name: Annotated[str, Field(min_length=1, max_length=120)]
    models: Words = ()
    markets: Words = ()
    features: Words = ()
    cars: Words = ()
    percent: Annotated[float, Field(gt=0, le=100)] = 100.0
    thresholds: ThresholdsShape = ThresholdsShape()
    road: RoadShape = RoadShape()
    soak_hours: Hours = 24.0
    window: WindowShape | None = None
    attempts: Annotated[int, Field(ge=1, le=20)] = 3
    retry_hours: Hours = 6.0
    at_once: Annotated[int, Field(ge=0, le=10_000_000)] = 0
    silent_hours: Hours = 168.0
    consent: bool = True

    def group(self) -> Group:
        """The value it says."""
        window = None if self.window is None else Window(time.fromisoformat(self.window.start), time.fromisoformat(self.window.end))
        return Group(
            name=self.name, models=self.models, markets=self.markets, features=self.features, cars=self.cars, percent=self.percent,
            thresholds=Thresholds(**self.thresholds.model_dump()), road=FieldLimits(**self.road.model_dump()),
            soak=timedelta(hours=self.soak_hours), window=window, attempts=self.attempts, retry_after=timedelta(hours=self.retry_hours),
            at_once=self.at_once, silent_after=timedelta(hours=self.silent_hours), consent=self.consent,
        )  # fmt: skip


class PlanShape(Strict):
    """A roll-out of one release to groups of cars, in their order."""

    kind: Literal["https://marque.example/roll-out-plan/v1"] = "https://marque.example/roll-out-plan/v1"
    name: Annotated[str, Field(min_length=1, max_length=120)]
    release: UUID
    groups: Annotated[tuple[GroupShape, ...], Field(min_length=1, max_length=50)]

    def plan(self) -> Plan:
        """The value it says."""
        return Plan(name=self.name, release=self.release, groups=tuple(one.group() for one in self.groups))


def read(text: str | bytes, source: str) -> Plan:
    """Raises InputError naming the place."""
    try:
        return PlanShape.model_validate_json(text, strict=True).plan()
    except ValidationError as fault:
        first = fault.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(one) for one in first["loc"])
        said = Sentence("it cannot be read ({said})", said=first["msg"])
        raise InputError(source, place, said, "Write it as docs/rollouts.md says.") from None


def write(plan: Plan) -> str:
    """Canonical JSON (RFC 8785) that `read` reads back as an equal plan."""
    shape = PlanShape(name=plan.name, release=plan.release, groups=tuple(shape_of(one) for one in plan.groups))
    return rfc8785.dumps(shape.model_dump(mode="json")).decode()


def shape_of(group: Group) -> GroupShape:
    """A group as documents have it."""
    window = None
    if group.window is not None:
        window = WindowShape(start=group.window.start.isoformat("minutes"), end=group.window.end.isoformat("minutes"))
    limits, road = group.thresholds, group.road
    return GroupShape(
        name=group.name, models=group.models, markets=group.markets, features=group.features, cars=group.cars, percent=group.percent,
        thresholds=ThresholdsShape(
            success=limits.success, error=limits.error, reported=limits.reported, least=limits.least, confidence=limits.confidence
        ),
        road=RoadShape(
            disengagements=road.disengagements, minimal_risk=road.minimal_risk, least_km=road.least_km, confidence=road.confidence
        ),
        soak_hours=group.soak / timedelta(hours=1), window=window, attempts=group.attempts,
        retry_hours=group.retry_after / timedelta(hours=1), at_once=group.at_once, silent_hours=group.silent_after / timedelta(hours=1),
        consent=group.consent,
    )  # fmt: skip
