"""Frozen values of roll-outs: what was planned, what state it is in, what cars told. No clock, no database.

A roll-out hands one published release to the cars of a programme in groups, one after the other. A car belongs to the first group whose
conditions it meets and whose share reaches its place: `place` is a stable number of roll-out and car, so a larger share always holds the
smaller one, whoever computes it. Shares are of all cars that meet the conditions, the groups before counted in ("up to 5 %").
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from enum import StrEnum
from uuid import UUID

from marque.car.attacks import Attack

WHOLE = 1_000_000
"""Places run from 0 to before this one."""


class State(StrEnum):
    """Of a roll-out.

    draft: nothing was asked. waiting: for the approvals that the agreement asks for. running: groups open one after the other.
    paused: by a person, who may go on. halted: by a threshold, the road or a partner; goes on only if all who decide agree anew.
    finished, cancelled: for good.
    """

    DRAFT = "draft"
    WAITING = "waiting"
    RUNNING = "running"
    PAUSED = "paused"
    HALTED = "halted"
    FINISHED = "finished"
    CANCELLED = "cancelled"

    @property
    def over(self) -> bool:
        return self in {State.FINISHED, State.CANCELLED}


class GroupState(StrEnum):
    """pending: its turn has not come. filing: a market of it may not be updated yet. open: handed to cars. passed: the next may follow, and
    its cars that were away are still handed it.
    """

    PENDING = "pending"
    FILING = "filing"
    OPEN = "open"
    PASSED = "passed"


class CarState(StrEnum):
    """Of a car in a roll-out.

    waiting: nothing was handed to it. offered: the director's metadata may name the release for it. retry: failed, offered again later.
    done: it reported the release as installed and confirmed. failed: its attempts are used up. declined: its owner does not want it.
    left: no car of the fleet any more, or it has the release by another way.
    """

    WAITING = "waiting"
    OFFERED = "offered"
    RETRY = "retry"
    DONE = "done"
    FAILED = "failed"
    DECLINED = "declined"
    LEFT = "left"


class Filing(StrEnum):
    """Where an update stands with a market's authority. A market of which nothing is recorded is `not-filed`."""

    NOT_FILED = "not-filed"
    NOT_NEEDED = "not-needed"
    FILED = "filed"
    APPROVAL_NEEDED = "approval-needed"
    APPROVED = "approved"
    REFUSED = "refused"

    @property
    def clears(self) -> bool:
        """Whether cars of that market may be updated."""
        return self in {Filing.NOT_NEEDED, Filing.FILED, Filing.APPROVED}


class Act(StrEnum):
    """What was done to a roll-out.

    start, return: it was approved, or was not and is a draft again. withdraw: the release's evidence counts no longer. open, wait-filing,
    pass: of a group. The server starts, returns, opens, passes, finishes, and halts by itself; people do the rest.
    """

    DRAFT = "draft"
    LAUNCH = "launch"
    START = "start"
    RETURN = "return"
    PAUSE = "pause"
    RESUME = "resume"
    HALT = "halt"
    ASK_RESUME = "ask-resume"
    CANCEL = "cancel"
    WITHDRAW = "withdraw"
    OPEN = "open"
    WAIT_FILING = "wait-filing"
    PASS = "pass"  # noqa: S105  a group's, not a word
    FINISH = "finish"


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """When a group passes, and when it halts the roll-out.

    success: the least share of its cars that have answered which must have installed, for the next group to open. reported: the least
    share of its cars that must have answered by then. least: and the least number of cars, or all of a smaller group.
    error: the share of its cars that may fail. Halted at once when even the success of all others would not bring it below, or when an
    anytime-valid test at `confidence` shows it above (`proof.statistics.sequential.log_e_above`; looking often costs nothing).
    """

    success: float = 0.97
    error: float = 0.01
    reported: float = 0.8
    least: int = 20
    confidence: float = 0.99


@dataclass(frozen=True, kw_only=True)
class FieldLimits:
    """What the road may say of cars that drive the release. Rates per 1,000 km; None: not looked at.

    least_km: so far must the group's cars have driven with it before the next one opens. Halted when an anytime-valid test at `confidence`
    shows a rate above its limit; not passed while the measured rate is above it.
    """

    disengagements: float | None = None
    minimal_risk: float | None = None
    least_km: float = 0.0
    confidence: float = 0.99


@dataclass(frozen=True)
class Window:
    """When cars may install, each day in UTC, from `start` before `end`; over midnight where `end` comes first."""

    start: time
    end: time

    def holds(self, at: datetime) -> bool:
        moment = at.time()
        if self.start <= self.end:
            return self.start <= moment < self.end
        return moment >= self.start or moment < self.end


@dataclass(frozen=True, kw_only=True)
class Group:
    """Which cars come together, and what has to be seen of them before the next ones.

    models, markets: any of these; empty: any. features: the car has every one of them. cars: these alone, by id; empty: any.
    percent: of the cars that meet this, up to so many, those of earlier groups counted in. soak: so long it stays open at least, from its
    opening. attempts: how often a car is offered it; retry_after: how long after a failure. at_once: so many cars at most may hold it
    without having answered, those silent for longer than silent_after left out; 0: all. consent: whether somebody at the car has to agree.
    """

    name: str
    models: tuple[str, ...] = ()
    markets: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    cars: tuple[str, ...] = ()
    percent: float = 100.0
    thresholds: Thresholds = Thresholds()
    road: FieldLimits = FieldLimits()
    soak: timedelta = timedelta(days=1)
    window: Window | None = None
    attempts: int = 3
    retry_after: timedelta = timedelta(hours=6)
    at_once: int = 0
    silent_after: timedelta = timedelta(days=7)
    consent: bool = True

    @property
    def share(self) -> int:
        """Cars whose place is before this one belong to it, as far as no earlier group has them."""
        return round(self.percent * WHOLE / 100)


@dataclass(frozen=True)
class Counts:
    """Of one group, in cars. offered: that hold it without having answered; retry: that will be offered it again.

    exposed: cars to which it was ever handed. attempts, failures: of offers, not of cars. refusals: attempts that cars refused, by the
    attack that they met (a part of failures).
    """

    cars: int = 0
    waiting: int = 0
    offered: int = 0
    retry: int = 0
    done: int = 0
    failed: int = 0
    declined: int = 0
    left: int = 0
    exposed: int = 0
    attempts: int = 0
    failures: int = 0
    refusals: Mapping[Attack, int] = field(default_factory=dict)

    @property
    def answered(self) -> int:
        """Cars that the release succeeded or failed in. A declined one says nothing about the release."""
        return self.done + self.failed + self.retry

    @property
    def broken(self) -> int:
        """Cars in which it has failed and not succeeded since."""
        return self.failed + self.retry

    @property
    def expected(self) -> int:
        """Cars that may still answer or have."""
        return self.cars - self.declined - self.left


@dataclass(frozen=True)
class Road:
    """What one car or a group's cars drove since the release was installed, in all: km, and how often automated driving was ended, by the
    driver (disengagements) or by a minimal-risk manoeuvre.
    """

    km: float = 0.0
    disengagements: int = 0
    minimal_risk: int = 0


@dataclass(frozen=True, kw_only=True)
class Standing:
    """A group, its number from 0, and where it stands. markets: those in which it was given cars.

    accepted, accepted_road: of counts and road, what those who decide had seen when they agreed to go on after a halt.
    """

    number: int
    group: Group
    state: GroupState = GroupState.PENDING
    opened_at: datetime | None = None
    passed_at: datetime | None = None
    markets: tuple[str, ...] = ()
    counts: Counts = Counts()
    road: Road = Road()
    accepted: Counts = Counts()
    accepted_road: Road = Road()


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What somebody drafts: a release (of `release.model.Release`, by id) and the groups in their order."""

    name: str
    release: UUID
    groups: tuple[Group, ...]


@dataclass(frozen=True, kw_only=True)
class Rollout:
    """organisation: whose cars and whose roll-out it is. decision: the one that lets it start, or go on; None before it was asked.

    since: of its state. reason: why it is in it, a person's words or one of `rules`' sentences, or empty; details: as of a Refusal.
    counter, model, markets: of the release, for which alone it is meant.
    """

    id: UUID
    organisation: str
    lead: str
    programme: UUID
    release: UUID
    release_name: str
    counter: int
    model: str
    markets: tuple[str, ...]
    name: str
    state: State
    since: datetime
    reason: str
    details: Mapping[str, str]
    decision: UUID | None
    created_at: datetime
    written_by: UUID | None
    groups: tuple[Standing, ...]

    @property
    def current(self) -> Standing | None:
        """The first group that has not passed."""
        return next((one for one in self.groups if one.state is not GroupState.PASSED), None)


@dataclass(frozen=True, kw_only=True)
class Done:
    """An entry of a roll-out's history. group: its number, where it is about one. organisation: who did it; person None: the server."""

    act: Act
    at: datetime
    organisation: str
    person: UUID | None
    group: int | None
    state: State
    reason: str
    details: Mapping[str, str] = field(default_factory=dict)


class Told(StrEnum):
    """What a car tells of an update in a manifest.

    installed: the new software runs and was confirmed by its boot. failed: it does not, the old one runs. refused: the car's verification
    did not accept it. declined: its owner said no. started: it is on its way. road: only what was driven since the last time.
    """

    STARTED = "started"
    INSTALLED = "installed"
    FAILED = "failed"
    REFUSED = "refused"
    DECLINED = "declined"
    ROAD = "road"


@dataclass(frozen=True, kw_only=True)
class CarEvent:
    """What one manifest of a car tells of one release. A car's manifests are numbered; a second event of the same number changes nothing.

    car: its id in the programme. counter: of the manifest. release: its id; None: whatever the car is offered now.
    problem: of a failure or refusal, one sentence. attack: of a refusal. manifest: SHA-256 of the signed manifest in the blob store.
    road: since the installation, in all, so that a lost manifest loses nothing. consented: when somebody at the car agreed.
    """

    car: str
    counter: int
    told: Told
    at: datetime
    release: UUID | None = None
    problem: str = ""
    attack: Attack | None = None
    manifest: str = ""
    road: Road = Road()
    consented: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Offer:
    """What the director may name for a car now. window: when it may install; installable: whether that is now.

    attempt: from 1; the same until the car answers, so whoever asks again is given the same offer.
    """

    car: str
    rollout: UUID
    release: UUID
    group: int
    attempt: int
    window: Window | None
    installable: bool
    consent: bool


@dataclass(frozen=True, kw_only=True)
class FilingEntry:
    """What was recorded of a release in a market. reference: the authority's own number for it."""

    release: UUID
    market: str
    state: Filing
    reference: str
    note: str
    organisation: str
    person: UUID
    at: datetime


def place(rollout: UUID, car: str) -> int:
    """From 0 before WHOLE: the first 32 bits of SHA-256 of "roll-out/car", scaled. The database computes the same (`release.place`)."""
    head = int.from_bytes(hashlib.sha256(f"{rollout}/{car}".encode()).digest()[:4])
    return head * WHOLE >> 32
