"""The console over a world in which releases are made: two companies, each with three release managers who can sign for real."""

from __future__ import annotations

import hashlib
import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

from console_visitors import ORIGIN, Page, Visitor

from marque.alliance import decisions, sessions
from marque.alliance.audit import LogKey
from marque.app.console.join import Console
from marque.app.platform import Platform, server_key
from marque.app.settings import Settings
from marque.app.web import create_app
from marque.foundation import Actor
from marque.release import signatures
from marque.release.devices import cars
from marque.release.devices.model import Draft
from marque.release.rollouts import service
from marque.release.rollouts.model import CarEvent, Filing, Group, Plan, Rollout, Thresholds, Told

sys.path.insert(0, str(Path(__file__).parents[1] / "release/releases"))
sys.path.insert(0, str(Path(__file__).parents[1] / "release/devices"))
from device_world import vehicle
from release_world import PARTY, Releasing, releasing
from sealed_world import packed


@dataclass
class ReleaseConsole:
    """there: the world below the pages. app: what is asked of."""

    there: Releasing
    app: object

    @property
    def home(self) -> str:
        return f"/console/release/programmes/gac/{self.there.programme}"

    def visitor(self, who="gac", language="en") -> Visitor:
        """An organisation's first release manager, or a person."""
        person = self.there.managers[who][0] if isinstance(who, str) else who
        with self.there.database.transaction(Actor(person.organisation)) as tx:
            token, _ = sessions.start(tx, person.id)
        return Visitor(self.app, token, language)

    def engineer(self, who="gac") -> Visitor:
        return self.visitor(self.there.engineers[who])

    # What people do with pages

    def sign(self, person, document) -> Page:
        """Take the bytes from the page, sign them at home, hand the file in, confirm with the passkey: the page one is led to."""
        visitor = self.visitor(person)
        place = f"/console/release/documents/{document.id}"
        payload = visitor.client.get(f"{place}/payload")
        assert hashlib.sha256(payload.content).hexdigest() == document.digest
        assert payload.content == document.payload
        file = self.there.file(document, person)
        page = visitor.post(f"{place}/sign", files={"signed": ("signed.json", file, "application/json")})
        assert page.status == 200, page.alert
        (asked,) = page.tree.xpath("//*[@id='passkey']")
        answer = person.device.get(json.loads(asked.get("data-options")))
        headers = {"x-csrf": asked.get("data-csrf"), "accept": "application/json"}
        told = visitor.client.post(asked.get("data-address"), json=answer, headers=headers)
        assert told.status_code == 200, told.text
        return visitor.get(told.json()["next"])

    def sign_all(self, change_place: str) -> Page:
        """Everybody who is waited for, until nobody is."""
        change, page = UUID(change_place.rsplit("/", 1)[1]), None
        for person in [one for managers in self.there.managers.values() for one in managers]:
            with self.there.acting(person) as tx:
                mine = signatures.to_sign(tx, change)
            for document in mine:
                with self.there.acting(person) as tx:
                    now = signatures.document(tx, document.id)
                    open_ = signatures.change(tx, change).state == "open"
                if open_ and person.organisation in now.lacks:
                    page = self.sign(person, now)
        assert page is not None, "nobody was waited for"
        return page

    def evidence(self, version="1.2.0", **other) -> bytes:
        return packed(self.there.evidence(version, **other).parts())

    # What was done before

    def fleet(self, many=8, model="vela") -> list[str]:
        """Cars, by turns in both markets."""
        drafts = [
            Draft(vehicle({}, f"LGX{number:05}", model, ("cn", "de")[number % 2], units={"gateway": "gateway-1", "driving": "compute-2"}))
            for number in range(many)
        ]
        with self.there.acting(self.there.engineers["gac"]) as tx:
            return [one.vehicle for one in cars.register_all(tx, "gac", self.there.programme, drafts)]

    def rolled_out(self, release, *groups: Group, approve=True, name="Spring") -> Rollout:
        """Filed, drafted, approved by both, and running."""
        there = self.there
        with there.acting("gac") as tx:
            for market in ("cn", "de"):
                service.file(tx, "gac", there.programme, release.id, market, Filing.FILED, reference=f"{market}-7")
            groups = groups or (Group(name="First", percent=50.0, thresholds=Thresholds(least=1, error=0.3)), Group(name="All"))
            made = service.draft(tx, "gac", there.programme, Plan(name=name, release=release.id, groups=groups))
            made = service.launch(tx, made.id)
        if approve:
            with there.acting("huawei") as tx:
                decisions.approve(tx, made.decision)
            with there.served_to() as tx:
                made = service.advance(tx, made.id)
        return made

    def tells(self, counter: int, told: Told, cars_: list[str], **more) -> None:
        at = self.there.database.clock.now()
        with self.there.served_to() as tx:
            offered = {one.car for one in service.offers(tx, "gac", self.there.programme, cars_)}
            service.record(
                tx,
                "gac",
                self.there.programme,
                [CarEvent(car=one, counter=counter, told=told, at=at, **more) for one in cars_ if one in offered],
            )


def release_console(database, addresses, folder) -> ReleaseConsole:
    there = releasing(database, addresses.owner, folder)
    settings = Settings(public_origin=ORIGIN, keys_folder=folder / "keys", blobs=str(folder / "blobs"))
    log = LogKey("localhost/audit", server_key(folder / "audit-log.pem"))
    platform = Platform(settings, addresses, database, PARTY, None, log)
    app = create_app(None, hosts=("localhost",), console=Console(settings, database.clock, lambda: platform))
    return ReleaseConsole(there, app)


def place_of(page: Page) -> str:
    """Where a form that was taken leads."""
    assert page.status == 303, page.alert
    return urlsplit(page.response.headers["location"]).path


def words_in(page: Page, path: str) -> list[str]:
    return [re.sub(r"\s+", " ", one.text_content()).strip() for one in page.tree.xpath(path)]
