"""A joint development with published releases and a fleet, in a real database: what roll-outs are tested on.

Releases and cars are rows as their rooms would have written them; how a release comes to be published is tested elsewhere.
"""

from __future__ import annotations

import hashlib
import sys
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from uuid import UUID

from psycopg.types.json import Jsonb

sys.path.insert(0, str(Path(__file__).parents[2] / "alliance"))

from joint_development import Joint, colleague, join
from small_alliance import noon

from marque.alliance import decisions
from marque.foundation import Actor, Database
from marque.release.model import Draft, area_of
from marque.release.rollouts import service
from marque.release.rollouts.model import CarEvent, Filing, Group, Offer, Plan, Rollout, Told
from marque.release.store import releases, rows

__all__ = ["CARMAKER", "OTHER", "PARTNER", "RolloutWorld", "colleague", "noon", "rollout_world"]
CARMAKER, PARTNER, OTHER = "gac", "huawei", "seres"
AREA = "release-signature"
MARKETS = ("cn", "eu")
PORTION = 4_000
"""So many cars are registered by one statement."""


@dataclass
class RolloutWorld:
    """The joint development in force; short words for what tests do."""

    joint: Joint

    @property
    def database(self) -> Database:
        return self.joint.database

    @property
    def of(self) -> tuple[str, UUID]:
        return CARMAKER, self.joint.programme

    def acting(self, organisation: str):
        return self.joint.acting(organisation)

    def serving(self):
        """As the server acts for cars."""
        return self.database.transaction(Actor(CARMAKER, purpose="test of roll-outs"))

    def passes(self, **time: float) -> None:
        self.database.clock.advance(timedelta(**time))

    def release(
        self, counter: int = 1, name: str = "pilot", model: str = "Vela", markets: tuple[str, ...] = MARKETS, needs: str = ""
    ) -> UUID:
        """A published one."""
        with self.acting(CARMAKER) as tx:
            area = area_of(*self.of)
            said = Draft(
                name=name, version=f"{counter}.0", digest=_sha(f"{name} {counter}"), model=model, markets=markets,
                rxswin={"R157": f"{name}-{counter}"}, entitlement=needs,
            )  # fmt: skip
            made = releases.insert(tx, area, said, counter)
            passed = {"model": model, "cell": "motorway", "answer": "PASSED", "reasons": []}
            body = {"verified": tx.now.isoformat(), "expires": (tx.now + timedelta(days=900)).isoformat(), "sequence": counter,
                    "summary": "", "runs": 100, "signers": {}, "cells": [passed]}  # fmt: skip
            rows.insert(tx, "evidence", area, {"release": made, "sha256": _sha(f"evidence {name} {counter}"), "body": Jsonb(body)})
            change = rows.insert(tx, "change", area, {"purpose": "release", "subject": str(made), "title": name})
            rows.insert(tx, "closing", area, {"change": change, "state": "in-force", "reason": ""})
            return made

    def withdraw(self, name: str = "pilot", counter: int = 1, by: str = PARTNER) -> None:
        """The evidence's row alone, as its room writes it."""
        with self.acting(by) as tx:
            rows.insert(
                tx, "withdrawal", area_of(*self.of), {"evidence": _sha(f"evidence {name} {counter}"), "reason": "a fault was found"}
            )

    def register(self, many: int, first: int = 0, market: str | None = None, model: str = "Vela", installed: int = 0, **more) -> list[str]:
        """Cars, by turns in the markets, each with one control unit. installed: the counter of `pilot` that they run."""
        if many > PORTION:
            return [
                name
                for start in range(first, first + many, PORTION)
                for name in self.register(min(PORTION, first + many - start), start, market, model, installed, **more)
            ]
        names = [f"LGX{number:07}" for number in range(first, first + many)]
        columns = {"features": [], "entitlements": []} | more
        with self.serving() as tx:
            sql = """
                insert into release.car (organisation, lead, programme, vehicle, created_at, model, market, features, entitlements, token,
                                         token_at)
                select %(me)s, %(lead)s, %(programme)s, vehicle, %(now)s, %(model)s,
                       coalesce(%(market)s, (array['cn', 'eu'])[1 + place %% 2]), %(features)s, %(entitlements)s,
                       sha256(convert_to(vehicle, 'UTF8')), %(now)s
                from unnest(%(names)s::text[]) with ordinality as n (vehicle, place)"""
            given = {"me": CARMAKER, "lead": CARMAKER, "programme": self.joint.programme, "now": tx.now, "model": model, "market": market,
                     "names": names} | columns  # fmt: skip
            tx.execute(sql, given)
            sql = """
                insert into release.ecu (organisation, lead, programme, vehicle, serial, created_at, hardware, role, is_primary, public_key,
                                         release, version, counter)
                select %(me)s, %(lead)s, %(programme)s, vehicle, vehicle || '-adas', %(now)s, 'soc-2', 'adas', true, 'key', 'pilot',
                       %(installed)s || '.0', %(installed)s
                from unnest(%(names)s::text[]) as n (vehicle)"""
            tx.execute(sql, given | {"installed": installed})
        return names

    def cleared(self, release: UUID, *markets: str) -> None:
        for market in markets or MARKETS:
            with self.acting(CARMAKER) as tx:
                service.file(tx, *self.of, release, market, Filing.FILED, reference=f"{market}-1")

    def drafted(self, release: UUID, *groups: Group, name: str = "Spring") -> Rollout:
        with self.acting(CARMAKER) as tx:
            return service.draft(tx, *self.of, Plan(name=name, release=release, groups=groups))

    def approved(self, rollout: Rollout) -> Rollout:
        """Launched by the carmaker, approved by the partner."""
        with self.acting(CARMAKER) as tx:
            launched = service.launch(tx, rollout.id)
        with self.acting(PARTNER) as tx:
            decisions.approve(tx, launched.decision)
        return self.advanced(rollout.id)

    def running(self, *groups: Group, release: UUID | None = None, cars: int = 0, name: str = "Spring") -> Rollout:
        """Of a published release, cleared in its markets, approved by both, as far as it goes by itself."""
        made = release or self.release()
        if cars:
            self.register(cars)
        self.cleared(made)
        return self.approved(self.drafted(made, *groups, name=name))

    def advanced(self, rollout: UUID) -> Rollout:
        with self.serving() as tx:
            return service.advance(tx, rollout)

    def one(self, rollout: UUID) -> Rollout:
        with self.acting(CARMAKER) as tx:
            return service.one(tx, rollout)

    def offers(self, *cars: str) -> list[Offer]:
        with self.serving() as tx:
            return service.offers(tx, *self.of, cars)

    def record(self, *events: CarEvent) -> int:
        with self.serving() as tx:
            return service.record(tx, *self.of, events)

    def told(self, car: str, counter: int, what: Told = Told.INSTALLED, **more) -> CarEvent:
        return CarEvent(car=car, counter=counter, told=what, at=self.database.clock.now(), **more)

    def cars(self, rollout: UUID) -> dict[str, tuple[str, int]]:
        """State and group of each car."""
        with self.serving() as tx:
            found = tx.connection.execute("select vehicle, state, number from release.rollout_car where rollout = %s", (rollout,))
            return {vehicle: (state, number) for vehicle, state, number in found.fetchall()}


def rollout_world(database: Database, owner_dsn: str) -> RolloutWorld:
    joint = join(database, owner_dsn)
    both, seen = {CARMAKER: "leads", PARTNER: "co-decides"}, {CARMAKER: "all", PARTNER: "all"}
    joint.agree(date(2022, 2, 1), {AREA: both}, {AREA: seen})
    database.clock.set(noon(2022, 3, 1))
    return RolloutWorld(joint)


def _sha(said: str) -> str:
    return hashlib.sha256(said.encode()).hexdigest()
