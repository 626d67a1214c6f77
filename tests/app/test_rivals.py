"""Two rivals with one partner, at every operation of the API and every page: neither learns anything of the other, not even that it is."""

from __future__ import annotations

import importlib
import json
import pkgutil
import random
import re
import sys
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
import schemathesis
from fastapi import APIRouter
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from databases import superuser
from marque.alliance import reqif, web
from marque.alliance.access import DUTIES
from marque.app import console
from marque.common import Missing, new_id
from marque.foundation import Actor, Database, SetClock
from marque.product import web as product_web
from marque.release import web as release_web
from marque.release.devices import web as devices_web
from marque.release.rollouts import web as rollouts_web

sys.path.insert(0, str(Path(__file__).parents[1] / "alliance"))
import rivals_product
import rivals_release
from rivals import Asked, address, body_of, opened
from rivals_world import ABSENT, PARTNER, RIVALS, SCOPES, SPOKEN, canary, columns, world
from small_alliance import PROCESSES, document, noon

CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance, response_headers_conformance, response_schema_conformance,
]  # fmt: skip
CODES = ("owner", "lead")
SUCCESS = {200, 201, 204}
CODED = {
    "organisation", "owner", "lead", "side", "opener", "parent", "party", "proposed_by", "signatory", "process", "role", "sight", "state",
    "status", "kind", "what", "mode", "digest", "previous", "key",
}  # fmt: skip
"""Columns that hold no words: codes of organisations, words of a list, digests."""
FITTING = {"repository": "image", "name": "timestamp.json", "counter": 1}
WAYS = ("theirs", "mine", "my code and their id", "their code and my id", "mixed")


@pytest.fixture(scope="module")
def furnished(shared_database):
    """A world, made once; nothing that is asked of it stays."""
    addresses = shared_database.emptied()
    clock = SetClock(noon(2021, 6, 1))
    with Database(addresses.app, clock) as database:
        yield world(database, addresses), clock


@pytest.fixture
def bench(furnished, tmp_path):
    with opened(*furnished, tmp_path) as there:
        yield there


def operations(bench):
    told = bench.client.get("/api/v1/openapi.json").json()
    return {one.ok().label: one.ok() for one in schemathesis.openapi.from_dict(told).get_all_operations()}


class Asker:
    """Fills an operation's places for one rival. chance: what this example draws."""

    def __init__(self, bench, who, chance):
        self.me, self.them, self.chance = bench.world.sides[who], bench.world.rival(who), chance
        self.pool = sorted(bench.twins[who])

    def place(self, name, way, value, label=""):
        theirs = way == "theirs" or (way.endswith("their id") if name not in CODES else way.startswith("their code"))
        side = self.them if theirs else self.me
        if way == "mixed":
            return self.chance.choice(self.pool) if name not in {"number", "process", "act"} or self.chance.random() < 0.2 else value
        if name in CODES:
            return side.code
        if (fitting := rivals_release.place(label, name, side) or rivals_product.place(self, label, name, side)) is not None:
            return fitting
        if name == "decision":
            return side.ids[self.chance.choice(["decision", "other decision"])]
        if name in {"vehicle", "car"}:
            return side.words["vehicle"]
        known = {"number": 1, "counter": 1, "process": self.chance.choice(["platform", "sales"])}
        return known.get(name, side.ids.get(name, value))

    def query(self, value, label, way):
        given = {name: one for name, one in (value or {}).items() if one is not None}
        if "before" in given and not isinstance(given["before"], int) and self.chance.random() < 0.7:
            given["before"] = self.chance.choice([str(self.them.ids["requirement"]), str(self.them.ids["decision"])])
        side = self.them if way.startswith("their") else self.me
        return rivals_release.query(rivals_product.query(self, given, label, side), label, side)

    def body(self, value, name=""):
        """The generated body, with what the rival has in place of much of its text."""
        if isinstance(value, dict):
            return {key: self.body(one, key) for key, one in value.items()}
        if isinstance(value, list):
            # Entitlements are answered sorted: the twin of a name would stand elsewhere among others.
            value = value[:1] if name == "entitlements" else value
            known = {"duties": DUTIES, "scopes": SCOPES}.get(name)
            return [self.chance.choice(known)] if known and self.chance.random() < 0.7 else [self.body(one) for one in value]
        if name == "version":
            return self.chance.choice([value, 0, 1, 2])
        if not isinstance(value, str) or name == "status" or self.chance.random() < 0.2:
            return value
        if name == "expires_at":
            return "2022-06-01T00:00:00Z"
        fitting = {"email": "e-mail", "subject": "subject", "code": "programme code", "brand": "brand"}.get(name)
        if fitting:
            return self.them.words[fitting]
        if name == "side":
            return self.chance.choice([self.them.code, PARTNER])
        return self.chance.choice([SPOKEN, f"{SPOKEN} {self.chance.choice(self.pool)}", value])

    def revision(self, *others):
        """A next revision of one's own agreement; others: parties besides the partner."""
        parties = sorted({self.me.code, PARTNER, *others})
        roles, sight = dict.fromkeys(parties, "none") | {self.me.code: "leads"}, dict.fromkeys(parties, "none") | {self.me.code: "all"}
        text = document(
            self.me.ids["agreement"], 2, self.me.words["digest"], noon(2022, 5, 1).date(), dict.fromkeys(PROCESSES, roles),
            dict.fromkeys(PROCESSES, sight), parties=parties, title=f"{SPOKEN} {self.chance.choice(self.pool)}",
            positions={"carmaker": self.me.code, "partner": PARTNER},
        )  # fmt: skip
        return json.loads(text)


def good_body(asker, label):
    if label.endswith("{agreement}/revisions"):
        return asker.revision()
    return rivals_product.body(asker, label) or rivals_release.body(asker, label)


def ask_everything(bench, label, operation, case, chance, ways):
    """One generated request, as both rivals, by session and by token, with every way of naming the other's things."""
    for who in RIVALS:
        for by in ("session", "token"):
            for way in ways:
                asker = Asker(bench, who, chance)
                parts = {name: asker.place(name, way, value, label) for name, value in (case.path_parameters or {}).items()}
                body = case.body if isinstance(case.body, dict) else None
                if body is not None:
                    body = (good_body(asker, label) if chance.random() < 0.8 else None) or asker.body(body)
                sent, kind = (None if body is None else body_of(body)), "application/json"
                if case.media_type == "application/octet-stream":
                    sent, kind = f"{SPOKEN} {chance.choice(asker.pool)}", "application/octet-stream"
                asked = Asked(
                    operation.method.upper(), address(operation.full_path, parts, asker.query(case.query, label, way)), who, by, sent, kind
                )
                answer = bench.ask(asked, label)
                try:
                    case.validate_response(answer, checks=CHECKS)
                except (Exception, BaseExceptionGroup) as fault:
                    bench.findings.append(f"{label}: {fault}")


def examine(bench, label, operation, examples, ways=WAYS, series=0):
    """So many generated requests of one operation."""

    @seed(20260301 + series)
    @settings(
        max_examples=examples, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(operation.as_strategy(), st.integers(0, 2**32))
    def generated(case, number):
        ask_everything(bench, label, operation, case, random.Random(number), ways)

    generated()


def check(bench, wanted):
    """Nothing was found, and every operation was asked as both rivals, with either credential."""
    assert bench.findings == [], f"{len(bench.findings)} findings\n" + "\n".join(one[:900] for one in dict.fromkeys(bench.findings))[:9000]
    rooms = (web, product_web, release_web, rollouts_web, devices_web)
    assert len(wanted) == sum(len(route.methods) for room in rooms for route in room.routes.routes) > 45
    assert {(label, who, by) for label in wanted for who in RIVALS for by in ("session", "token")} <= bench.asked


def test_every_operation_asked_by_a_rival_tells_nothing(bench):
    there = operations(bench)
    for label, operation in there.items():
        examine(bench, label, operation, 1, WAYS[:2])
    check(bench, there)


@pytest.mark.slow
def test_every_operation_asked_many_times_by_a_rival_tells_nothing(bench):
    there = operations(bench)
    for label, operation in there.items():
        examine(bench, label, operation, 6)
        # What is drawn depends on which modules are loaded: go on until one request was a good one.
        for series in range(1, 30):
            if label in rivals_release.KEPT_FOR_CEREMONIES or bench.statuses[label] & SUCCESS:
                break
            examine(bench, label, operation, 6, series=series)
    check(bench, there)
    reached = {label for label, found in bench.statuses.items() if found & SUCCESS}
    assert reached == set(there) - rivals_release.KEPT_FOR_CEREMONIES, "an operation that never succeeds was not tested"


def test_every_text_of_every_table_holds_a_canary_of_either_side(furnished):
    """Otherwise a table could be read out without a word that gives it away."""
    there, _ = furnished
    silent = []
    with psycopg.connect(superuser(there.addresses, "marque_test")) as connection:
        for table, kinds in columns(connection).items():
            for name, kind in kinds.items():
                if kind not in {"text", "jsonb"} or name in CODED or f"{table}.{name}" == "alliance.key.id":
                    continue
                for code in RIVALS:
                    asked = f"select exists (select from {table} where {name}::text like %s)"
                    if not connection.execute(asked, (f"%{canary(code)}%",)).fetchone()[0]:
                        silent.append(f"{table}.{name} of {code}")
    assert silent == []


def test_each_rival_reads_its_own_canaries(bench):
    """The search finds what is there: the same words are in what their owner reads."""
    for code, side in bench.world.sides.items():
        area = f"/api/v1/programmes/{code}/{side.ids['programme']}/platform"
        for place in (
            "/api/v1/agreements", "/api/v1/programmes", f"{area}/requirements", f"{area}/decisions", "/api/v1/people", "/api/v1/tokens",
            "/api/v1/audit/entries", f"/api/v1/requirements/{side.ids['requirement']}/comments", "/console", "/console/people",
        ):  # fmt: skip
            answer, _ = bench.send(Asked("GET", place, code))
            assert answer.status_code == 200, place
            assert canary(code) in answer.text or code in answer.text, place


def pages():
    modules = [importlib.import_module(f"{console.__name__}.{one.name}") for one in pkgutil.iter_modules(console.__path__)]
    for module in modules:
        for route in getattr(module, "routes", APIRouter()).routes:
            yield from ((method, route.path) for method in route.methods)


def form(side):
    """Something for every field that a form has, of the rival's where it fits."""
    said = {
        "title": SPOKEN, "name": SPOKEN, "name_zh": SPOKEN, "email": side.words["e-mail"], "code": side.words["brand"],
        "brand": side.words["brand"],
        "subject": side.words["subject"], "question": SPOKEN, "reason": SPOKEN, "text": SPOKEN, "side": side.code, "version": "1",
        "status": "draft", "owner": side.code, "since": "2021-01-01", "duties": "viewer", "source": SPOKEN, "party": side.code,
        "parties": side.code, "parent": str(side.ids["requirement"]), "key": side.words["key"], "envelope": SPOKEN,
    }  # fmt: skip
    return "&".join(f"{name}={quote(value, safe='@/')}" for name, value in said.items())


@pytest.mark.parametrize("who", RIVALS)
def test_every_page_asked_by_a_rival_tells_nothing(bench, who):
    them, asked = bench.world.rival(who), set()
    for method, path in pages():
        for way in WAYS[:-1]:
            asker = Asker(bench, who, random.Random(0))
            names = re.findall(r"{(\w+)}", path)
            parts = {name: asker.place(name, way, "approve" if name == "act" else "platform") for name in names}
            parts |= {name: them.words[name] for name in names if name in {"key", "quote", "vehicle"}}
            parts |= {name: fitting for name, fitting in FITTING.items() if name in names}
            body = None
            if method == "POST":
                body = "{}" if path.endswith("{challenge}") else form(them)
            kind = "application/json" if body == "{}" else "application/x-www-form-urlencoded"
            bench.ask(Asked(method, address(path, parts), who, "session", body, kind, "text/html"), f"{method} {path}")
            asked.add((method, path))
    assert bench.findings == [], "\n".join(one[:2500] for one in dict.fromkeys(bench.findings))[:9000]
    assert len(asked) > 30


@pytest.mark.parametrize("who", RIVALS)
def test_an_export_of_the_audit_log_holds_the_own_side_alone(bench, who):
    bench.database.keeps = True
    answer, _ = bench.send(Asked("GET", "/console/audit/export", who))
    assert answer.status_code == 200
    assert canary(who) in answer.text
    assert sorted(word for word in bench.world.dark[bench.world.rival(who).code] if word in answer.text) == []


@pytest.mark.parametrize("who", RIVALS)
def test_an_export_of_requirements_holds_the_own_side_alone_and_hides_that_others_are_there(bench, who):
    me, them = bench.world.sides[who], bench.world.rival(who)
    with bench.database.transaction(Actor(who, me.person, "test")) as tx:
        own = reqif.export(tx, who, me.ids["programme"]).decode()
        told = []
        for lead, programme in ((them.code, them.ids["programme"]), (ABSENT[them.code], new_id()), (them.code, new_id())):
            with pytest.raises(Missing) as caught:
                reqif.export(tx, lead, programme)
            told.append(str(caught.value))
    assert canary(who) in own
    assert sorted(word for word in bench.world.dark[them.code] if word in own) == []
    assert len(set(told)) == 1


def test_a_party_that_is_hidden_and_one_that_is_missing_look_the_same(bench):
    asker = Asker(bench, RIVALS[0], random.Random(0))
    place = f"/api/v1/agreements/{RIVALS[0]}/{asker.me.ids['agreement']}/revisions"
    bench.ask(Asked("POST", place, RIVALS[0], body=body_of(asker.revision(asker.them.code))), "propose")
    assert bench.findings == []
