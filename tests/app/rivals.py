"""One rival asks for what is the other's: every answer is searched for it, and compared with the answer about what never existed.

A request that names anything of the rival has a twin, in which each such name is another of the same form that nothing bears. The two
answers have to be the same bytes, but for the names themselves, and take the same way through the database, statement by statement.
Nothing that a request does stays: both find the same rows.
"""

from __future__ import annotations

import io
import json
import logging
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from urllib.parse import quote

import httpx
import psycopg
import structlog
from in_process import browser
from rivals_world import ABSENT, RIVALS, SPOKEN, Side, World, canary

from marque.alliance import sessions
from marque.alliance.audit import LogKey
from marque.alliance.passkeys import RelyingParty
from marque.app.console.join import Console
from marque.app.platform import Platform, server_key
from marque.app.settings import Settings
from marque.app.web import create_app
from marque.common import new_id
from marque.foundation import Database, log
from marque.foundation.database import _BEGIN

ORIGIN = "http://localhost:8000"
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_RANDOM = re.compile(r"(?<![\w-])[\w-]{43,128}(?![\w-])")
"""Digests of what was said, secrets and challenges."""
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.]+")


class _Told(psycopg.Cursor):
    """Writes down every statement it is given."""

    def execute(self, query, params=None, **more):
        said = query if isinstance(query, str) else bytes(query).decode()
        if said != _BEGIN:  # a connection that is new has its first transaction begun before anybody listens
            self.connection.marque_told.append(said)
        return super().execute(query, params, **more)


class Undone(Database):
    """Every transaction does all it does, its deferred checks included, and then nothing of it stays."""

    def __init__(self, dsn, clock):
        super().__init__(dsn, clock)
        self.statements: list[str] = []
        self.keeps = False

    @contextmanager
    def transaction(self, *actor):
        with super().transaction(*actor) as tx:
            yield tx
            if not self.keeps:
                tx.connection.execute("set constraints all immediate")
                raise psycopg.Rollback

    def _begun(self, *given):
        connection = super()._begun(*given)
        connection.marque_told, connection.cursor_factory = self.statements, _Told
        return connection


@dataclass(frozen=True)
class Asked:
    """A request, as text all through. who: the rival that asks; by: session or token."""

    method: str
    url: str
    who: str
    by: str = "session"
    body: str | None = None
    kind: str = "application/json"
    accept: str = "*/*"

    def swapped(self, twins: dict[str, str]) -> Asked:
        return replace(self, url=swap(self.url, twins), body=None if self.body is None else swap(self.body, twins))

    @property
    def text(self) -> str:
        return f"{self.url} {self.body or ''}"


def swap(text: str, twins: dict[str, str]) -> str:
    """Every name that has a twin becomes it, longest first; in addresses and forms as well."""
    names = sorted(twins, key=len, reverse=True)
    return re.sub("|".join(map(re.escape, names)), lambda found: twins[found[0]], text) if names else text


@dataclass
class Bench:
    """The application, and both rivals at its door. findings: what should not have been."""

    world: World
    app: object
    database: Undone
    logged: io.StringIO
    findings: list[str] = field(default_factory=list)
    asked: set[tuple[str, str, str]] = field(default_factory=set)
    statuses: dict[str, set[int]] = field(default_factory=dict)
    twins: dict[str, dict[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.client = browser(self.app, ORIGIN)
        for code in RIVALS:
            self.twins[code] = twins_of(self.world.rival(code))

    def send(self, one: Asked) -> tuple[httpx.Response, list[str]]:
        side = self.world.sides[one.who]
        headers = {"accept": one.accept}
        if one.by == "token":
            headers["authorization"] = f"Bearer {side.token}"
        else:
            headers |= {"cookie": f"session={side.session}", "sec-fetch-site": "same-origin", "x-csrf": sessions.csrf_token(side.session)}
        if one.body is not None:
            headers["content-type"] = one.kind
        self.database.statements.clear()
        content = None if one.body is None else one.body.encode()
        try:
            answer = self.client.request(one.method, one.url, content=content, headers=headers)
        except Exception as fault:  # what nobody in the application caught
            answer = httpx.Response(500, text=type(fault).__name__, request=httpx.Request(one.method, ORIGIN + one.url))
        answer.elapsed = timedelta(0)
        return answer, list(self.database.statements)

    def ask(self, one: Asked, label: str) -> httpx.Response:
        """Send it and, where it names something of the rival, its twin; what is wrong with the answers goes to the findings."""
        answer, statements = self.send(one)
        self.asked.add((label, one.who, one.by))
        self.statuses.setdefault(label, set()).add(answer.status_code)
        self._search(one, label, answer)
        twins = self.twins[one.who]
        twin = one.swapped(twins)
        if twin != one:
            other, others = self.send(twin)
            self._search(twin, label, other)
            self._compare(one, label, (answer, statements), (other, others), twins)
        self._search_log(label)
        return answer

    def _search(self, one: Asked, label: str, answer: httpx.Response) -> None:
        said = answer.text + " " + " ".join(f"{name}: {value}" for name, value in answer.headers.items())
        if leaked := sorted(word for word in self.world.dark[self.world.rival(one.who).code] if word in said and word not in one.text):
            self.findings.append(f"{label} as {one.who}: tells {leaked[:3]}")
        if answer.status_code >= 500:
            self.findings.append(f"{label} as {one.who}: {answer.status_code} to {one.text[:300]}")

    def _search_log(self, label: str) -> None:
        said = self.logged.getvalue()
        self.logged.seek(0)
        self.logged.truncate()
        for word in (*map(canary, RIVALS), SPOKEN):
            if word in said:
                self.findings.append(f"{label}: the log tells {word}")
        if found := _EMAIL.search(said):
            self.findings.append(f"{label}: the log tells an e-mail address, {found[0]}")

    def _compare(self, one: Asked, label: str, first, second, twins: dict[str, str]) -> None:
        there, missing = (_plain(answer, twins, self.world) for answer in (first[0], second[0]))
        if there != missing:
            self.findings.append(f"{label} as {one.who} by {one.by}: {one.text[:400]}\n   hidden  {there}\n   missing {missing}")
        elif first[1] != second[1]:
            self.findings.append(f"{label} as {one.who}: {len(first[1])} statements for the hidden, {len(second[1])} for the missing")


def _plain(answer: httpx.Response, twins: dict[str, str], world: World) -> str:
    """Status, headers and body; the names that were asked about as their twins, what was made new for this answer as `new`."""
    headers = sorted(f"{name}: {value}" for name, value in answer.headers.items() if name != "content-length")
    said = swap(f"{answer.status_code}\n{headers}\n{answer.text}", twins)
    known = set().union(*world.dark.values(), twins.values())
    return _RANDOM.sub(
        lambda found: found[0] if found[0] in known else "random", _UUID.sub(lambda found: found[0] if found[0] in known else "new", said)
    )


def twins_of(side: Side) -> dict[str, str]:
    """What the other side is told of this one, and for each a name of the same form that nothing bears."""
    word, absent = canary(side.code), ABSENT[side.code]
    assert len(absent) == len(side.code)
    made = {str(one): str(_like(one)) for one in (*side.ids.values(), side.person)}
    made |= {one: one.replace(word, canary(absent)).replace(side.code, absent) for one in side.words.values()}
    reversed_ = {side.words[name]: side.words[name][::-1] for name in ("key", "digest", "quote")}
    return made | reversed_ | {side.code: absent}


def _like(one: uuid.UUID) -> uuid.UUID:
    """A UUIDv7 of the same millisecond."""
    return uuid.UUID(int=(one.int >> 62 << 62) | (new_id().int & ((1 << 62) - 1)))


@contextmanager
def opened(world: World, clock, folder) -> Iterator[Bench]:
    """The application as it is served, on a database of which it changes nothing."""
    settings = Settings(public_origin=ORIGIN, keys_folder=folder, blobs=str(folder / "blobs"))
    handlers, level = logging.getLogger().handlers[:], logging.getLogger().level
    logged = io.StringIO()
    log.configure("json", "debug", logged)
    with Undone(world.addresses.app, clock) as database:
        party, key = RelyingParty("localhost", "Marque", (ORIGIN,)), LogKey("localhost/audit", server_key(folder / "audit-log.pem"))
        platform = Platform(settings, world.addresses, database, party, None, key)
        console = Console(settings, clock, lambda: platform, working=False)
        try:
            yield Bench(world, create_app(None, hosts=("localhost",), console=console), database, logged)
        finally:
            console.stop()
            logging.getLogger().handlers[:] = handlers
            logging.getLogger().setLevel(level)
            structlog.reset_defaults()


def address(path: str, parts: dict[str, object], query: dict[str, object] | None = None) -> str:
    filled = re.sub(r"\{(\w+)\}", lambda found: quote(str(parts[found[1]]), safe=""), path)
    shown = "&".join(f"{name}={quote(str(value), safe='')}" for name, value in (query or {}).items() if value is not None)
    return f"{filled}?{shown}" if shown else filled


def body_of(value: object) -> str:
    return json.dumps(value, ensure_ascii=True)
