"""Two companies' people at work over HTTP, who note what they ask for and what they were told; each act carries a word of its own."""

from __future__ import annotations

import html
import itertools
import json
import random
import re
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

import httpx
import psycopg
from authenticator import Authenticator
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from marque.alliance import installation, keys, modes, sessions, signing
from marque.alliance.access import DUTIES
from marque.alliance.passkeys import RelyingParty
from marque.common import ok
from marque.foundation import Actor, Database

PARTNER = "huawei"
CARMAKERS = ("baic", "gac", "seres")
PROCESSES = ("research-and-development", "product-definition")
PROGRAMMES = ("P1", "P2")
CLAUSES = ("keeps-read", "frozen-copy", "returned", "destroyed")
_OPTIONS, _ADDRESS = re.compile(r'data-options="([^"]*)"'), re.compile(r'data-address="([^"]*)"')
_UNKNOWN = (httpx.TransportError,)


@dataclass
class Claim:
    """Something that was asked for. kind: what; word: that it is known by. told: `done`, `refused`, or `unknown` without an answer."""

    kind: str
    word: str
    told: str = "unknown"
    answer: dict = field(default_factory=dict)


class Ledger:
    """Every claim of a run, and what should never have been answered."""

    def __init__(self) -> None:
        self.claims: list[Claim] = []
        self.wrong: list[str] = []
        self._lock, self._numbers = threading.Lock(), itertools.count(1)

    def claim(self, kind: str, word: str = "") -> Claim:
        with self._lock:
            made = Claim(kind, word or f"word-{next(self._numbers)}")
            self.claims.append(made)
            return made

    def all(self, kind: str, told: str) -> list[Claim]:
        return [one for one in self.claims if (one.kind, one.told) == (kind, told)]


@dataclass
class Person:
    """Who acts, with a session, a key and a passkey."""

    organisation: str
    id: UUID
    token: str
    private: Ed25519PrivateKey
    device: Authenticator


def found_companies(owner: str, database: Database, origin: str) -> dict[str, tuple[Person, Person]]:
    """By carmaker: somebody of it, and the partner's somebody for it."""
    with psycopg.connect(owner) as connection:
        for code in CARMAKERS:
            installation.found(connection, code, code.upper(), "carmaker")
        installation.found(connection, PARTNER, "Partner", "technology")
        now = database.clock.now()
        pairs = {
            code: [
                (one, installation.appoint(connection, one, f"{one} for {code}", f"{code}@{one}.example", sorted(DUTIES), now))
                for one in (code, PARTNER)
            ]
            for code in CARMAKERS
        }
    party = RelyingParty("localhost", "Marque", (origin,))
    return {code: tuple(_equipped(database, party, *one) for one in pair) for code, pair in pairs.items()}  # type: ignore[misc]


def _equipped(database: Database, party: RelyingParty, organisation: str, person: UUID) -> Person:
    acting, private, device = Actor(organisation, person, "console"), Ed25519PrivateKey.generate(), Authenticator(site=party.origins[0])
    with database.transaction(acting) as tx:
        ok(keys.enroll_key(tx, signing.request_enrolment(organisation, person, private)))
        asked = ok(keys.begin_registration(tx, party))
        ok(keys.finish_registration(tx, party, asked.challenge, device.create(asked.options), "phone"))
        return Person(organisation, person, sessions.start(tx, person)[0], private, device)


class Worker:
    """One person who works on one agreement, from wherever it stands, until told to stop or until nobody answers."""

    def __init__(self, base: str, person: Person, lead: str, ledger: Ledger, chance: random.Random) -> None:
        self.person, self.lead, self.ledger, self.chance = person, lead, ledger, chance
        headers = {"sec-fetch-site": "same-origin", "cookie": f"session={person.token}", "host": base.removeprefix("http://")}
        self.http = httpx.Client(base_url=base.replace("localhost", "127.0.0.1"), headers=headers, timeout=30.0, trust_env=False)
        self.leads = person.organisation == lead

    def close(self) -> None:
        self.http.close()

    def run(self, stop: threading.Event) -> None:
        try:
            while not stop.is_set():
                self.step()
        except _UNKNOWN:
            return
        except Exception as fault:
            self.ledger.wrong.append(f"{self.person.organisation} for {self.lead}: {type(fault).__name__}: {fault}")

    def step(self) -> None:
        agreement = self.agreement()
        if agreement is None:
            if self.leads:
                self.draft("main")
            return
        at = f"/api/v1/agreements/{agreement['owner']}/{agreement['id']}"
        missing = sorted(set(PROGRAMMES) - {one["code"] for one in agreement["programmes"]})
        last = agreement["revisions"][-1] if agreement["revisions"] else None
        if missing and self.leads:
            self.post(at + "/programmes", {"code": missing[0], "name": (claim := self.ledger.claim("programme")).word}, claim)
        elif last is None or not last["waits_for"]:
            if not missing and self.leads and (last is None or self.chance.random() < 0.2):
                self.propose(at, agreement)
            elif last:
                self.work(agreement)
        elif self.person.organisation in last["waits_for"]:
            self.sign(at, agreement, last["number"])
        else:
            self.work(agreement)

    def work(self, agreement: dict) -> None:
        programme = self.chance.choice(agreement["programmes"])
        area = f"/api/v1/programmes/{programme['lead']}/{programme['id']}/{self.chance.choice(PROCESSES)}"
        drawn = self.chance.random()
        if drawn < 0.4:
            self.write(area)
        elif drawn < 0.6:
            self.rewrite(area)
        elif drawn < 0.75:
            self.open(area)
        elif drawn < 0.97:
            self.approve(area)
        else:
            self.draft()

    # What is asked for ------------------------------------------------------------------------------------------------------------------

    def draft(self, name: str = "") -> None:
        claim = self.ledger.claim("agreement", f"{self.lead} {name}" if name else "")
        self.post("/api/v1/agreements", {"title": claim.word}, claim)

    def propose(self, at: str, agreement: dict) -> None:
        claim = self.ledger.claim("revision")
        mode = modes.packaged()[self.chance.choice(sorted(modes.packaged()))]
        places = dict(zip(mode.position_codes, (self.lead, PARTNER), strict=True))
        draft = modes.draft(ok(modes.expand(mode, places)), UUID(agreement["id"]), claim.word, datetime.now(UTC).date())
        said = draft.document()
        clauses = [
            {"process": process, "organisation": who, "what": what}
            for process in PROCESSES
            for who in (self.lead, PARTNER)
            for what in self.chance.sample(CLAUSES, self.chance.choice((0, 1, 1)))
        ]
        said["transition"] = {"clauses": clauses, "open-decisions": self.chance.choice(("old", "new"))}
        self.post(at + "/revisions", said, claim)

    def sign(self, at: str, agreement: dict, number: int) -> None:
        text = self.get(f"{at}/revisions/{number}")
        if text is None:
            return
        envelope = signing.sign(text.content, self.person.private)
        page = f"/console/agreements/{agreement['owner']}/{agreement['id']}/revisions/{number}"
        csrf = sessions.csrf_token(self.person.token)
        asked = self.http.post(f"{page}/sign", data={"csrf": csrf, "envelope": envelope.decode()})
        if not self.well(asked):
            return
        options = json.loads(html.unescape(_OPTIONS.search(asked.text)[1]))
        claim = self.ledger.claim("signature", f"{agreement['id']} {number} {self.person.organisation}")
        answer = self.http.post(_ADDRESS.search(asked.text)[1], json=self.person.device.get(options), headers={"x-csrf": csrf})
        self.told(answer, claim)

    def write(self, area: str) -> None:
        claim = self.ledger.claim("requirement")
        self.post(area + "/requirements", {"title": claim.word, "text": "500 km", "status": "proposed"}, claim)

    def rewrite(self, area: str) -> None:
        found = self.get(area + "/requirements")
        mine = [
            (one["id"], side["version"])
            for one in (found.json() if found else [])
            for side in [next((side for side in one["sides"] if side["side"] == self.person.organisation), {"version": 0})]
        ]
        if mine:
            requirement, version = self.chance.choice(mine)
            claim = self.ledger.claim("requirement")
            self.told(self.http.put(f"/api/v1/requirements/{requirement}", json={"title": claim.word, "version": version}), claim)

    def open(self, area: str) -> None:
        claim = self.ledger.claim("decision")
        self.post(area + "/decisions", {"subject": claim.word, "title": "Shall we?", "question": ""}, claim)

    def approve(self, area: str) -> None:
        found = self.get(area + "/decisions")
        waiting = [one["id"] for one in (found.json() if found else []) if self.person.organisation in one["waits_for"]]
        if waiting:
            claim = self.ledger.claim("act")
            self.post(f"/api/v1/decisions/{self.chance.choice(waiting)}/approve", {"reason": claim.word}, claim)

    # How it is asked --------------------------------------------------------------------------------------------------------------------

    def agreement(self) -> dict | None:
        found = self.get("/api/v1/agreements")
        if found is None:
            raise httpx.TransportError("not now")
        return next((one for one in found.json() if one["owner"] == self.lead and one["title"] == f"{self.lead} main"), None)

    def get(self, address: str) -> httpx.Response | None:
        answer = self.http.get(address)
        return answer if self.well(answer) else None

    def post(self, address: str, body: dict, claim: Claim) -> None:
        self.told(self.http.post(address, json=body), claim)

    def told(self, answer: httpx.Response, claim: Claim) -> None:
        """503 tells nothing: the connection to the database may have been cut in the moment of committing."""
        if self.well(answer):
            claim.told, claim.answer = "done", answer.json()
        elif answer.status_code != 503:
            claim.told = "refused"

    def well(self, answer: httpx.Response) -> bool:
        if answer.status_code >= 500 and answer.status_code != 503:
            asked = f"{answer.request.method} {answer.request.url.path}"
            self.ledger.wrong.append(f"{asked} was answered {answer.status_code}: {answer.text[:300]}")
        return answer.is_success
