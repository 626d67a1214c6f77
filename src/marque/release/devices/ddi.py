"""hawkBit's Direct Device Integration as values: what clients are told and what they say, in its own words. Pure.

Source of names and of the state machine: the DDI REST API that Eclipse hawkBit publishes (https://eclipse.dev/hawkbit/rest-api/ddi/) and
its page "Direct Device Integration API". A *controller* is a car here, a *deployment* what it is to install, a *chunk* an image, an
*action* one update of one car, numbered from 1 for each car.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from marque.common import InputError, Refusal
from marque.release.devices.delta_store import Digests
from marque.release.devices.model import Fleet, Wanted

MODULES_EACH = 1000
"""A software module's number is the action's times this, plus the place of its image: it says by itself which action it is of."""
MOST_STATUSES = 1000
MOST_MESSAGES = 50
MOST_ATTRIBUTES = 100
_TENANT = re.compile(r"([a-z][a-z0-9-]{0,39})\.([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")
_PARTS = {"application": "bApp", "runtime": "jvm"}
"""Types of software modules that hawkBit calls otherwise in DDI."""


class State(StrEnum):
    """Of an action. waiting: for somebody at the car to confirm it. cancelling: the client is asked to stop."""

    WAITING = "waiting"
    RUNNING = "running"
    CANCELLING = "cancelling"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"
    DENIED = "denied"

    @property
    def open(self) -> bool:
        return self in {State.WAITING, State.RUNNING, State.CANCELLING}


_STATUS = {
    State.WAITING: "WAIT_FOR_CONFIRMATION", State.RUNNING: "RUNNING", State.CANCELLING: "CANCELING", State.FINISHED: "FINISHED",
    State.FAILED: "ERROR", State.CANCELLED: "CANCELED", State.DENIED: "CANCELED",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Action:
    """keeps_on: its client was asked to stop and would not. statuses: how often it said something; messages: the last of it."""

    number: int
    release: UUID
    rollout: UUID
    state: State
    created_at: datetime
    changed_at: datetime
    keeps_on: bool = False
    statuses: int = 0
    messages: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Client:
    """What a client told of itself. confirms: it asks somebody before an update begins; auto_confirm: who said that it need not."""

    attributes: Mapping[str, str]
    told_at: datetime | None = None
    confirms: bool = False
    auto_confirm: Mapping[str, str] | None = None

    @property
    def asks(self) -> bool:
        return self.confirms and self.auto_confirm is None


@dataclass(frozen=True)
class Update:
    """An action as a client is told of it. forced: it need ask nobody. window: whether it is open now; None: there is none."""

    action: Action
    name: str
    version: str
    images: tuple[Wanted, ...]
    forced: bool = True
    window: bool | None = None


class _In(BaseModel):
    """Newer clients may say more than we read."""

    model_config = ConfigDict(extra="ignore")


class Progress(_In):
    cnt: int = Field(ge=0, lt=1 << 31)
    of: int | None = Field(default=None, ge=0, lt=1 << 31)


class Result(_In):
    finished: Literal["success", "failure", "none"]
    progress: Progress | None = None


class Status(_In):
    execution: Literal["closed", "proceeding", "canceled", "scheduled", "rejected", "resumed", "download", "downloaded"]
    result: Result
    code: int | None = Field(default=None, ge=-(1 << 31), lt=1 << 31)
    details: list[str] | None = Field(default=None, max_length=200)


class Feedback(_In):
    """id, time and timestamp: of older clients and of newer ones; the server's own clock counts."""

    id: str | int | None = None
    time: str | None = None
    timestamp: int | None = None
    status: Status


class ConfirmationFeedback(_In):
    confirmation: Literal["confirmed", "denied"]
    code: int | None = Field(default=None, ge=-(1 << 31), lt=1 << 31)
    details: list[str] | None = Field(default=None, max_length=200)


class AutoConfirm(_In):
    initiator: str | None = Field(default=None, max_length=64)
    remark: str | None = Field(default=None, max_length=512)


class ConfigData(_In):
    mode: Literal["merge", "replace", "remove"] = "merge"
    data: dict[str, str | None]


def fleet_of(tenant: str) -> Fleet | None:
    """The tenant of a programme is `LEAD.PROGRAMME`: its lead's code and its id."""
    found = _TENANT.fullmatch(tenant)
    return Fleet(found[1], UUID(found[2])) if found else None


def said(feedback: Feedback | ConfirmationFeedback) -> tuple[str, ...]:
    """What a client says in words, shortened, one line each."""
    status = feedback.status if isinstance(feedback, Feedback) else feedback
    words = [" ".join("".join(sign if sign.isprintable() else " " for sign in one[:512]).split()) for one in (status.details or [])[:20]]
    told = [f"code {status.code}"] if status.code is not None else []
    return tuple(one for one in [*words, *told] if one)


def after_feedback(state: State, feedback: Feedback) -> State | Refusal:
    """Of an update: closed ends it, whether it went well or not; canceled ends it; all else goes on (a rejection too: the client warns)."""
    if state is State.WAITING:
        return Refusal("this update waits to be confirmed")
    if not state.open:
        return Refusal("this update is over")
    match feedback.status.execution:
        case "closed":
            return State.FAILED if feedback.status.result.finished == "failure" else State.FINISHED
        case "canceled":
            return State.CANCELLED
        case _:
            return state


def after_cancelling(state: State, feedback: Feedback) -> tuple[State, bool] | Refusal:
    """Of a cancellation: the state, and whether the client goes on with the update."""
    if state is not State.CANCELLING:
        return Refusal("this update is not being cancelled")
    match feedback.status.execution:
        case "closed":
            return (State.FAILED if feedback.status.result.finished == "failure" else State.CANCELLED), False
        case "rejected":
            return State.RUNNING, True
        case _:
            return state, False


def attributes(before: Mapping[str, str], given: ConfigData) -> dict[str, str]:
    """After a client told them. Raises InputError for more or longer ones than are kept."""
    names = {name: value for name, value in given.data.items() if value is not None}
    if given.mode == "remove":
        told = {name: value for name, value in before.items() if name not in given.data}
    else:
        told = (dict(before) if given.mode == "merge" else {}) | names
    if len(told) > MOST_ATTRIBUTES or any(not 0 < len(name) <= 128 or len(value) > 128 for name, value in told.items()):
        raise InputError("configData", "", "at most 100 attributes are kept, their names and values of at most 128 characters")
    return told


def root(base: str, action: Action | None, installed: Action | None, client: Client, poll_after: timedelta) -> dict[str, Any]:
    """The resource that is polled. base: its own address."""
    links: dict[str, str] = {}
    if action is not None:
        name = {State.WAITING: "confirmationBase", State.CANCELLING: "cancelAction"}.get(action.state, "deploymentBase")
        tag = "" if name == "cancelAction" else f"?c={_tag(action)}"
        links[name] = f"{base}/{name}/{action.number}{tag}"
    if installed is not None:
        links["installedBase"] = f"{base}/installedBase/{installed.number}"
    if client.told_at is None:
        links["configData"] = f"{base}/configData"
    seconds = int(poll_after.total_seconds())
    sleep = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return {"config": {"polling": {"sleep": sleep}}} | ({"_links": {name: {"href": href} for name, href in links.items()}} if links else {})


def deployment(base: str, update: Update, digests: Mapping[str, Digests], history: int = 0, *, as_: str = "deployment") -> dict[str, Any]:
    """What is to be installed. history: so many of the last messages with it; below 0: all that are kept."""
    handling = "forced" if update.forced else "attempt"
    told: dict[str, Any] = {"download": handling, "update": "skip" if update.window is False else handling}
    if update.window is not None:
        told["maintenanceWindow"] = "available" if update.window else "unavailable"
    told["chunks"] = [chunk(base, update, place, digests) for place in range(len(update.images))]
    said: dict[str, Any] = {"id": str(update.action.number), as_: told}
    if history:
        messages = list(update.action.messages if history < 0 else update.action.messages[-history:])
        said["actionHistory"] = {"status": _STATUS[update.action.state], "messages": messages}
    return said


def chunk(base: str, update: Update, place: int, digests: Mapping[str, Digests]) -> dict[str, Any]:
    """An image as a software module."""
    image = update.images[place]
    claims = image.custom["marque"]
    role = image.role
    metadata = {"release.digest": claims["digest"], "evidence.sha256": claims["evidence"]} | {
        f"rxswin.{regulation}": number for regulation, number in claims.get("rxswin", {}).items()
    }
    return {
        "part": _PARTS.get(role, role), "version": update.version, "name": f"{update.name}/{role}",
        "artifacts": [artifact(base, module_of(update.action.number, place), image, digests[image.sha256])],
        "metadata": [{"key": key, "value": value} for key, value in sorted(metadata.items())],
    }  # fmt: skip


def artifact(base: str, module: int, image: Wanted, digests: Digests) -> dict[str, Any]:
    """Both kinds of links where there is no TLS: clients built without it look for `-http`."""
    href = f"{base}/softwaremodules/{module}/artifacts/{file_name(image)}"
    links = {"download": {"href": href}, "md5sum": {"href": f"{href}.MD5SUM"}}
    if base.startswith("http:"):
        links |= {f"{name}-http": link for name, link in list(links.items())}
    return {
        "filename": file_name(image), "hashes": {"sha1": digests.sha1, "md5": digests.md5, "sha256": image.sha256}, "size": image.length,
        "_links": links,
    }  # fmt: skip


def confirmation(base: str, action: Action | None, client: Client) -> dict[str, Any]:
    """What there is to confirm, and whether it is confirmed by itself."""
    auto: dict[str, Any] = {"active": client.auto_confirm is not None} | dict(client.auto_confirm or {})
    turn = "deactivateAutoConfirm" if client.auto_confirm is not None else "activateAutoConfirm"
    links = {turn: {"href": f"{base}/confirmationBase/{turn}"}}
    if action is not None and action.state is State.WAITING:
        links["confirmationBase"] = {"href": f"{base}/confirmationBase/{action.number}?c={_tag(action)}"}
    return {"autoConfirm": auto, "_links": links}


def file_name(image: Wanted) -> str:
    """The last part of its path."""
    return image.path.rpartition("/")[2]


def module_of(number: int, place: int) -> int:
    return number * MODULES_EACH + place


def action_of(module: int) -> tuple[int, int]:
    """The action's number and the image's place."""
    return divmod(module, MODULES_EACH)


def kept(before: Sequence[str], new: Sequence[str]) -> tuple[str, ...]:
    """The last messages."""
    return (*before, *new)[-MOST_MESSAGES:]


def _tag(action: Action) -> int:
    """Changes when what the link leads to may have changed."""
    return int(action.changed_at.timestamp() * 1000) & 0x7FFFFFFF
