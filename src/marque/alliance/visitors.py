"""Who comes in, as values: people with a session, programs with a token."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from marque.foundation import Actor

CONSOLE: Final = "console"
"""The purpose of a person who has signed in."""
_BY_SERVICE: Final = "service:"


@dataclass(frozen=True)
class Session:
    """A signed-in person. expires_at: when it ends unless it is used before; never after ends_at."""

    organisation: str
    id: UUID
    person: UUID
    started_at: datetime
    seen_at: datetime
    expires_at: datetime
    ends_at: datetime

    @property
    def actor(self) -> Actor:
        return Actor(self.organisation, self.person, CONSOLE)


@dataclass(frozen=True)
class Service:
    """A program that showed a token which holds. purpose: what it was issued for, in words."""

    organisation: str
    id: UUID
    purpose: str
    scopes: list[str]
    used_at: datetime | None
    expires_at: datetime

    @property
    def actor(self) -> Actor:
        return Actor(self.organisation, None, f"{_BY_SERVICE}{self.id}")


@dataclass(frozen=True)
class ServiceToken:
    """A token as its organisation's administrators see it: everything but its secret."""

    id: UUID
    name: str
    purpose: str
    scopes: list[str]
    issued_at: datetime
    issued_by: UUID
    expires_at: datetime
    used_at: datetime | None = None
    revoked_at: datetime | None = None


def token_of(actor: Actor) -> UUID | None:
    """The token a program acts with; None for people."""
    if actor.person is not None or not actor.purpose.startswith(_BY_SERVICE):
        return None
    return UUID(actor.purpose.removeprefix(_BY_SERVICE))
