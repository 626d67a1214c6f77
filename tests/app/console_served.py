"""A console as it is served: a real socket, a real database, and in it every page and every state of a page that there is to see."""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import uvicorn
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI

from databases import OneDatabase, superuser
from marque.alliance import (
    agreements,
    brands,
    decisions,
    installation,
    keys,
    modes,
    people,
    requirements,
    sessions,
    signing,
    tokens,
    transitions,
)
from marque.alliance.access import DUTIES, Area
from marque.alliance.model import Clause, Process, Transition, What
from marque.alliance.requirements import Said
from marque.app import demo
from marque.app.console import car_pages, product_lines
from marque.app.console.join import Console
from marque.app.platform import Platform, start
from marque.app.settings import Secret, Settings
from marque.app.web import create_app
from marque.common import ok
from marque.foundation import Actor, SystemClock, blobs
from marque.product import documents, prices, revisions, supply
from marque.product.rules import Draft, Kind, Revision
from marque.product.supply import Module, ModuleKind

sys.path.insert(0, str(Path(__file__).parents[1] / "alliance"))
from authenticator import Authenticator
from console_served_releases import visits_of_releases


@dataclass(frozen=True)
class Served:
    """address: as browsers are told it, without a slash at the end."""

    address: str
    platform: Platform
    app: FastAPI

    def superuser(self) -> psycopg.Connection:
        """Row-level security is not for this one."""
        name = psycopg.conninfo.conninfo_to_dict(self.platform.addresses.owner)["dbname"]
        return psycopg.connect(superuser(self.platform.addresses, str(name)))


@contextmanager
def served(server, name, folder) -> Iterator[Served]:
    """On a database of this name, which is gone afterwards."""
    listener = socket.create_server(("127.0.0.1", 0))
    address = f"http://localhost:{listener.getsockname()[1]}"
    apart = OneDatabase(server, "marque_template", name)
    found = apart.emptied()
    settings = Settings(
        database_owner=Secret(found.owner), database_app=Secret(found.app), database_worker=Secret(found.worker), keys_folder=folder,
        public_origin=address, development_sign_in=True, blobs=str(folder / "blobs"),
    )  # fmt: skip
    clock = SystemClock()
    platform = start(settings, clock)
    app = create_app(None, hosts=("localhost", "127.0.0.1"), console=Console(settings, clock, lambda: platform))
    serving = uvicorn.Server(uvicorn.Config(app, log_level="error"))
    thread = threading.Thread(target=serving.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield Served(address, platform, app)
    finally:
        serving.should_exit = True
        thread.join()
        apart.drop()


def two_companies(there: Served) -> dict[str, dict[str, str]]:
    """By code, a carmaker and a technology company that know nothing of each other, each with one person who may do everything."""
    told = {}
    with psycopg.connect(there.platform.addresses.owner) as owner:
        for code, name, name_zh, kind, person in (
            ("polaris", "Polaris", "北极星", "carmaker", "Ada Polar"),
            ("rigel", "Rigel", "参宿七", "technology", "Ben Rigel"),
        ):
            installation.found(owner, code, name, kind, name_zh=name_zh)
            installation.appoint(owner, code, person, f"first@{code}.example", sorted(DUTIES), there.platform.clock.now())
            told[code] = {"person": person, "en": name, "zh": name_zh}
    return told


@dataclass
class Visits:
    """What a browser looks at. sessions: token by who; pages: each as who, place, status, and for a form that is sent, its fields.

    held_up: an agreement that somebody else has to be changing.
    """

    sessions: dict[str, str] = field(default_factory=dict)
    pages: list[dict[str, Any]] = field(default_factory=list)
    downloads: list[str] = field(default_factory=list)
    held_up: UUID | None = None

    def see(self, place: str, who: str = "all", status: int = 200) -> None:
        self.pages.append({"place": place, "who": who, "status": status})

    def send(self, place: str, fields: dict[str, str], status: int, *, mark: bool = True) -> None:
        self.pages.append({"place": place, "who": "all", "status": status, "fields": fields, "mark": mark})


def visits(there: Served) -> Visits:
    """Every page in every state, as Huawei's people of the demonstration see it; and every way to be refused."""
    platform = there.platform
    demo.furnish(platform)
    made = Visits()
    person = _people(there, made)
    acting = Actor("huawei", person, "console")
    with transitions.applied_first(platform.database, acting) as tx:
        known = agreements.all_agreements(tx)
    told = next(one for one in known if "gac" in one.row.organisation and len(one.revisions) == 2)
    balanced = [one for one in known if (force := one.in_force(platform.clock.now())) and force.said.mode == "balanced" and one.programmes]
    shared, made.held_up = next(one for one in balanced if one.row.organisation == "gac"), balanced[-1].row.id
    assert shared.row.id != made.held_up
    place, other = (f"/console/agreements/{one.row.organisation}/{one.row.id}" for one in (told, shared))
    area, held_up = (Area(one.row.organisation, one.programmes[0].id, "product-definition") for one in (shared, balanced[-1]))
    programme = f"/console/programmes/{area.lead}/{area.programme}"
    for one in (
        "/console", "/console/programmes", "/console/organisations", "/console/people", "/console/me", "/console/audit",
        "/console/audit?before=3", "/console/history", "/console/history?programme=AH8&on=2023-03-28", "/console/history?programme=None",
        place, f"{place}?on=2022-01-01", f"{place}?on=1999-01-01", f"{place}?on=nonsense",
        f"{place}/revisions/1", f"{place}/revisions/2", f"{other}/propose", programme, f"{programme}?on=1999-01-01",
        f"{programme}/platform",
    ):  # fmt: skip
        made.see(one)
    made.downloads += [f"{place}/revisions/1/text", "/console/audit/export", "/console/me/directory"]
    _co_development(there, made, acting, area)
    _drafts(there, made, acting)
    _administration(there, made, acting)
    for one in ("", "/programmes", "/organisations", "/people", "/me", "/audit", "/tokens"):
        made.see(f"/console{one}", "newcomer")
    made.see("/console", "viewer")
    made.see(place, "viewer")
    made.see("/console/people", "viewer", 403)
    made.see("/console/agreements/gac/nothing", status=404)
    made.see("/console/nothing", status=404)
    made.send("/console/agreements", {"title": "Not ours"}, 403, mark=False)
    made.send("/console/agreements", {"title": " "}, 409)
    made.send(f"{other}/propose", {"title": "Nobody's"}, 422)
    made.send(f"/console/programmes/{held_up.lead}/{held_up.programme}/{held_up.process}/requirements", {"title": "Held up"}, 503)
    made.send(f"/console/release/programmes/{held_up.lead}/{held_up.programme}/withdrawals", {}, 503)
    _product(there, made, acting, area)
    visits_of_releases(there, made, area)
    _sign_in_pages(there, made)
    return made


def _people(there: Served, made: Visits) -> UUID:
    """Somebody of Huawei with every duty, one who may only look, and the first of an organisation where there is nothing yet."""
    platform = there.platform
    now = platform.clock.now()
    with psycopg.connect(platform.addresses.owner) as owner:
        person = installation.appoint(owner, "huawei", "Every Duty", "every@huawei.example", sorted(DUTIES), now)
        looking = installation.appoint(owner, "huawei", "Only Looks", "looks@huawei.example", ["viewer"], now)
        gone = installation.appoint(owner, "huawei", "Long Gone", "gone@huawei.example", ["viewer"], now)
        installation.found(owner, "newcomer", "Newcomer", "supplier")
        first = installation.appoint(owner, "newcomer", "First of All", "first@newcomer.example", sorted(DUTIES), now)
    for name, organisation, who in (("all", "huawei", person), ("viewer", "huawei", looking), ("newcomer", "newcomer", first)):
        with platform.database.transaction(Actor(organisation, who)) as tx:
            made.sessions[name], _ = sessions.start(tx, who)
    with platform.database.transaction(Actor("huawei", person)) as tx:
        people.leave(tx, gone)
    return person


def _co_development(there: Served, made: Visits, acting: Actor, area: Area) -> None:
    """Requirements one-sided, disputed and agreed; decisions open, taken, refused and withdrawn; and one place where all are held up."""
    platform = there.platform
    with platform.database.transaction(Actor("gac")) as tx:
        engineer = tx.value("select id from alliance.person where organisation = 'gac' and email like 'engineering@%%'")
    theirs = Actor("gac", engineer, "console")
    wordings = ((acting, "<b>Stops</b> for children", "The car stops."), (theirs, "Stops for children", "It stops & waits."))
    for sides, taking_over in ((1, False), (2, False), (2, True)):
        with platform.database.transaction(acting) as tx:
            found = requirements.found(tx, area, Said(title=wordings[0][1], text=wordings[0][2], number="R1", status="proposed"))
        if sides > 1:
            with platform.database.transaction(theirs) as tx:
                requirements.edit(tx, found.id, Said(title=wordings[1][1], text=wordings[1][2], rationale="They run", status="proposed"), 0)
                requirements.comment(tx, found.id, "Which ones?")
        if taking_over:
            with platform.database.transaction(acting) as tx:
                requirements.accept(tx, found.id, "gac", 1)
        made.see(f"/console/requirements/{found.id}")
    for subject, acts in (
        ("definition/1", ()), ("definition/2", ("approve",)), ("definition/3", ("reject",)), ("definition/4", ("withdraw",)),
    ):  # fmt: skip
        with platform.database.transaction(acting) as tx:
            decision = decisions.open_decision(tx, area, subject, f"Freeze {subject}", "Nothing moves\nafterwards.")
            for act in acts:
                getattr(decisions, act)(tx, decision.id, "Because.")
        made.see(f"/console/decisions/{decision.id}")
    where = f"/console/programmes/{area.lead}/{area.programme}/{area.process}"
    made.see(where)
    requirement, taken = f"/console/requirements/{found.id}", f"/console/decisions/{decision.id}"
    for place, fields in (
        (f"{where}/requirements", {"title": "T", "status": "splendid"}), (f"{where}/decisions", {"title": "T", "question": "Why?"}),
        (requirement, {"title": "T", "version": "99"}), (f"{requirement}/accept", {"side": "gac", "version": "99"}),
        (f"{requirement}/comments", {"text": " "}), (f"{taken}/reject", {"reason": "Withdrawn already"}),
    ):  # fmt: skip
        made.send(place, fields, 409)


def _drafts(there: Served, made: Visits, acting: Actor) -> None:
    """An agreement without a revision; one that waits to be signed here, with a key and a passkey to sign it; and a change of one."""
    platform = there.platform
    with platform.database.transaction(acting) as tx:
        empty = agreements.draft(tx, "A draft of nothing yet")
        waiting = agreements.draft(tx, "A draft that waits")
        agreements.found_programme(tx, "huawei", waiting, "W1", "Waiting", "")
        mode = modes.packaged()["balanced"]
        preset = ok(modes.expand(mode, {"carmaker": "gac", "partner": "huawei"}))
        leaving = Transition((Clause(Process.PLATFORM, "gac", What.FROZEN_COPY),))
        draft = modes.draft(preset, waiting, "A draft that waits", tx.now.date(), transition=leaving)
        proposed = agreements.propose(tx, "huawei", waiting, draft)
    private, device, passkeys = Ed25519PrivateKey.generate(), Authenticator(site=there.address), []
    with platform.database.transaction(acting) as tx:
        for key in (private, Ed25519PrivateKey.generate()):
            enrolled = ok(keys.enroll_key(tx, signing.request_enrolment("huawei", acting.person, key)))
        ok(keys.revoke_key(tx, enrolled.id, "Lost"))
        for label, one in (("Lost one", Authenticator(site=there.address)), ("Telephone", device)):
            asked = ok(keys.begin_registration(tx, platform.party))
            passkeys.append(ok(keys.finish_registration(tx, platform.party, asked.challenge, one.create(asked.options), label)))
        ok(keys.revoke_passkey(tx, passkeys[0].id, "Lost"))
    nothing, place = (f"/console/agreements/huawei/{one}" for one in (empty, waiting))
    for one in (nothing, f"{nothing}/propose", f"{nothing}/propose?party=huawei&party=gac&mode=inside", place, f"{place}/revisions/1"):
        made.see(one)
    made.send(f"{place}/revisions/1/sign", {"envelope": signing.sign(proposed.row.document.encode(), private).decode()}, 200)
    made.send(f"{place}/revisions/1/sign", {"envelope": "{}"}, 409)
    made.send(f"{place}/programmes", {"code": "!", "name": "Not a code"}, 409)
    made.send("/console/me/passkeys", {"label": "Another"}, 200)
    made.send("/console/me/keys", {"request": "{}"}, 409)
    made.send(f"/console/me/keys/{enrolled.id}/revoke", {"reason": "Again"}, 409)
    made.send(f"/console/me/passkeys/{passkeys[0].id}/revoke", {"reason": "Again"}, 409)


def _administration(there: Served, made: Visits, acting: Actor) -> None:
    """People, brands and tokens: what is there, and what is refused."""
    with there.platform.database.transaction(acting) as tx:
        brands.found(tx, "own-brand", "Own brand", "自有品牌", "huawei", tx.now.date(), "Ours")
        issued = [tokens.issue(tx, name, "A bench", ["view:*"], tx.now + timedelta(days=9))[1] for name in ("Bench", "Old bench")]
        tokens.revoke(tx, issued[1].id)
        gone = next(one.id for one in people.people(tx) if one.left_at)
    made.see("/console/tokens")
    for place, fields, status in (
        ("/people", {"name": "Eve", "email": "nowhere", "duty": "viewer"}, 409), (f"/people/{gone}/duties", {"duty": "viewer"}, 409),
        (f"/people/{gone}/leave", {}, 409), ("/brands", {"code": "!", "name": "B", "owner": "huawei", "since": "2025-01-01"}, 409),
        ("/brands/own-brand/owners", {"owner": "huawei", "since": ""}, 422), ("/tokens", {"name": "T", "expires": ""}, 422),
        ("/tokens", {"name": "T", "purpose": "P", "scope": "view:*", "expires": str(tx.now.date() + timedelta(days=9))}, 200),
        (f"/tokens/{issued[1].id}/revoke", {}, 404),
    ):  # fmt: skip
        made.send(f"/console{place}", fields, status)


def _product(there: Served, made: Visits, acting: Actor, area: Area) -> None:
    """The line that comes with Marque in every state of its pages; a line of a programme, its revisions, a quote, a module."""
    line, programme = "/console/product/lines/example", f"/console/product/programmes/{area.lead}/{area.programme}"
    whole = "on=2026-10-01&market=cn"
    ids = small_line(there, acting, area)
    for one in (
        "/console/product", "/console/product/supply", programme, f"{programme}?on=1999-01-01", f"{programme}/propose?kind=vehicle",
        f"{programme}/propose?kind=vehicle&part=car", f"{line}?{whole}", f"{line}?{whole}&q=battery", f"{line}?on=1999-01-01",
        f"{line}/rules?q=lidar", f"{line}/rules?q=nothing-like-it", f"{line}/configure?{whole}",
        f"{line}/configure?{whole}&at=drive.Drive&d=Ultra",
        f"{line}/configure?{whole}&at=drive.Drive&d=Ultra&why=drive.Pack78", f"{line}/configure?{whole}&q=wheel",
        f"{line}/configure?{whole}&d=Pure&d=TechnologyPackage", f"{line}/car?{whole}", f"{line}/parts?{whole}&group=chassis",
        f"{line}/differences?before=2026&after=2027&market=de", f"{line}/differences?before=2026&after=2026", f"{line}/software?{whole}",
        f"/console/product/lines/{ids['line']}", f"/console/product/lines/{ids['line']}/car?on=2026-10-01",
        f"/console/product/lines/{ids['line']}/parts", f"/console/product/lines/{ids['line']}/software",
        f"{line}/quotes/{quote_of_the_example(there)}",
        *(f"/console/product/revisions/{ids[name]}" for name in ("car", "second", "line")),
    ):  # fmt: skip
        made.see(one)
    made.send(f"{line}/configure", {"on": "2026-10-01", "market": "cn", "d": "Pure", "click": "TechnologyPackage"}, 409)
    made.send(f"{line}/quotes", {"on": "2026-10-01", "market": "cn"}, 409)
    made.send(f"{programme}/propose", {"kind": "vehicle", "part": "new", "model": "features\n    Car\n  wrong", "act": "propose"}, 422)
    made.send(f"{programme}/propose", {"kind": "vehicle", "part": "new", "model": "features\n    Car\n", "act": "check"}, 200)
    made.send(f"/console/product/revisions/{ids['car']}/approve", {}, 409)
    made.send("/console/product/supply/modules", {"part": "!", "version": "1", "title": "T"}, 409)
    made.send("/console/product/supply/offers", {"module": "nothing 1", "programme": "nobody/none"}, 404)


def small_line(there: Served, acting: Actor, area: Area) -> dict[str, UUID | str]:
    """A model of one car with a second revision that changes it, composed; a module in the catalogue."""
    model = "features\n    Car\n        mandatory\n            Corvus\n            China\n"
    lead, programme = area.lead, area.programme
    with there.platform.database.transaction(Actor("gac")) as tx:
        person = tx.value("select id from alliance.person where organisation = 'gac' and email like 'engineering@%%'")
    theirs, ids = Actor("gac", person, "console"), dict[str, Any]()

    def agreed(name: str, kind: Kind, part: str, text: str, base: str = "") -> Revision:
        by = theirs if kind is not Kind.MODULE else acting
        with there.platform.database.transaction(by) as tx:
            made = revisions.propose(tx, lead, programme, Draft(kind=kind, part=part, text=text, base=base, note="A note"))
            waiting = decisions.one(tx, made.decision).waited_for()
        for one in waiting:
            with there.platform.database.transaction(acting if one == "huawei" else theirs) as tx:
                decisions.approve(tx, made.decision)
        ids[name] = made.id
        return made

    first = agreed("car", Kind.VEHICLE, "car", model)
    agreed("second", Kind.VEHICLE, "car", f"{model}constraints\n    China => Corvus\n", first.digest)
    line = documents.Line(root="car", parts={"car": first.digest})
    agreed("line", Kind.LINE, "line", documents.write(line))
    with there.platform.database.transaction(acting) as tx:
        text = "features\n    Sensing {requires_tops 20}\n"
        module = Module(name="sensing", version="1", kind=ModuleKind.COMPUTE, title="Sensing", text=text, hardware=("Computer 254",))
        supply.publish(tx, module)
    return ids


def quote_of_the_example(there: Served) -> str:
    """The digest of one, among Huawei's own files."""
    shown = product_lines.example()
    asked = product_lines.Asked(date(2026, 10, 1), "cn")
    asked = replace(asked, decisions=car_pages.filled(shown, asked, product_lines.configured(shown, asked)))
    car = frozenset(product_lines.configured(shown, asked).forced)
    bought = car_pages.purchase(asked, car_pages.Buyer(), car_pages.mass_of(shown, car))
    kept = car_pages.Files(blobs.store_at(there.platform.settings.blobs).of("huawei"))
    return ok(prices.quote(shown.model, shown.sources(asked), car_pages.signed(asked), car, bought, kept)).digest


def _sign_in_pages(there: Served, made: Visits) -> None:
    """Where one signs in, and every way in which it fails."""
    with there.superuser() as connection:
        connection.execute(
            "insert into alliance.identity_provider (organisation, issuer, client_id, changed_at, changed_by)"
            " select organisation, 'http://127.0.0.1:1', 'marque', now(), id from alliance.person where organisation = 'newcomer'"
        )
    for place, status in (
        ("/sign-in", 200), ("/sign-in?organisation=huawei&to=/console/audit", 200), ("/sign-in?organisation=nobody", 404),
        ("/sign-in/huawei", 200), ("/sign-in/nobody", 404), ("/sign-in/newcomer", 503), ("/sign-in/huawei/callback?state=a&code=b", 403),
        ("/identity/huawei/authorize", 400), ("/identity/nobody/authorize", 404),
    ):  # fmt: skip
        made.see(place, "nobody", status)
    made.see("/")
    made.downloads += ["/identity/huawei/.well-known/openid-configuration", "/identity/huawei/keys"]


@contextmanager
def held_up(there: Served, agreement: UUID) -> Iterator[None]:
    """Somebody is changing this agreement, and does not finish."""
    with there.superuser() as connection:
        connection.execute("set idle_in_transaction_session_timeout = 0")
        connection.execute("select from alliance.agreement where id = %s for update", (agreement,))
        yield
