"""The console of GAC and Huawei with their joint development, as its visitors read it and fill in its forms."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from in_process import browser
from lxml import html

from databases import OneDatabase
from marque.alliance import audit, requirements, sessions
from marque.alliance.audit import LogKey
from marque.alliance.passkeys import RelyingParty
from marque.alliance.requirements import Said
from marque.app.console.join import Console
from marque.app.platform import Platform, server_key
from marque.app.settings import Settings
from marque.app.web import create_app
from marque.foundation import Actor, Database, SetClock

sys.path.insert(0, str(Path(__file__).parents[1] / "alliance"))
from joint_development import colleague, join

ORIGIN = "http://localhost:8000"


class Page:
    """An answer as somebody reads it."""

    def __init__(self, response):
        self.response, self.status, self.tree = response, response.status_code, html.fromstring(response.text or "<p>")

    def text(self, path):
        found = self.tree.xpath(path)
        return " ".join(" ".join(found[0].itertext()).split()) if found else ""

    @property
    def alert(self):
        return self.text("//*[@role='alert']")

    def field(self, name, form="*"):
        """The value of a field as a browser would send it; within a form where several have one of the name."""
        found = self.tree.xpath(f"//{form}//*[@name='{name}']")
        assert len(found) == 1, (name, len(found))
        return found[0].value

    def ticked(self, name):
        return [one.get("value") for one in self.tree.xpath(f"//input[@name='{name}'][@checked]")]


class Visitor:
    def __init__(self, app, token, language="en"):
        self.client, self.csrf = browser(app, ORIGIN), sessions.csrf_token(token)
        self.client.cookies.set("session", token)
        self.client.headers.update({"accept": "text/html", "accept-language": language, "sec-fetch-site": "same-origin"})

    def get(self, address):
        return Page(self.client.get(address))

    def post(self, address, files=None, **fields):
        return Page(self.client.post(address, data={"csrf": self.csrf} | fields, files=files))

    def follow(self, page):
        assert page.status == 303, page.alert
        return self.get(page.response.headers["location"])


class World:
    """GAC and Huawei with their AH8, SERES beside them, and the console over their database."""

    def __init__(self, database, addresses, folder):
        self.joint = join(database, addresses.owner)
        settings = Settings(public_origin=ORIGIN, keys_folder=folder)
        log = LogKey("localhost/audit", server_key(folder / "audit-log.pem"))
        platform = Platform(settings, addresses, database, RelyingParty("localhost", "Marque", (ORIGIN,)), None, log)
        self.app = create_app(None, hosts=("localhost",), console=Console(settings, database.clock, lambda: platform))
        with self.joint.acting("gac") as tx:
            self.requirement = requirements.found(tx, self.joint.area(), Said(title="Stops", text="See `<text>` & <br>", status="proposed"))

    def visitor(self, organisation, *duties, language="en"):
        who = colleague(self.joint, organisation, *duties) if duties else self.joint.people[organisation]
        with self.joint.database.transaction(Actor(organisation)) as tx:
            token, _ = sessions.start(tx, who)
        return Visitor(self.app, token, language)

    @property
    def agreement(self):
        return f"/console/agreements/gac/{self.joint.agreement}"

    def entries(self):
        with self.joint.acting("gac") as tx:
            return len(audit.entries(tx, limit=1000))


@contextmanager
def standing_world(server, folder):
    """One world for tests that change nothing in it; people may come in."""
    apart = OneDatabase(server, "marque_template", "console_standing")
    addresses = apart.emptied()
    with Database(addresses.app, SetClock(datetime(2025, 6, 1, 12, tzinfo=UTC))) as database:
        yield World(database, addresses, folder)
    apart.drop()


def form_of(page, form):
    """Every field of a form as a browser would send it."""
    found = page.tree.xpath(f"//form[@id='{form}']")[0]
    return {name: value for name, value in found.form_values() if name not in {"csrf", "party"}}, page.tree.xpath(
        f"//form[@id='{form}']//input[@name='party']/@value"
    )
