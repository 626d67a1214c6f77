"""The console of two rivals, of which no request changes anything unless it is to be kept."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path

import psycopg
from console_routes import routes_of
from hypothesis import strategies as st

from databases import superuser
from marque.alliance import sessions
from marque.app import console
from marque.foundation import Database, SetClock

sys.path.insert(0, str(Path(__file__).parents[1] / "alliance"))
from rivals import address, opened
from rivals_world import PARTNER, RIVALS, canary, world
from small_alliance import noon

ME, THEM = RIVALS
ROUTES = list(routes_of(console.routes.routes))
POSTS = sorted({route.path for method, route in ROUTES if method == "POST"})
OWN_PAGE = {"sec-fetch-site": "same-origin"}
PAGE = {"accept": "text/html,application/xhtml+xml"}
FORMS = {
    "/console/agreements": {"title": "T"},
    "/console/agreements/{owner}/{agreement}/programmes": {"code": "P9", "name": "Nine", "brand": ""},
    "/console/programmes/{lead}/{programme}/{process}/requirements": {"title": "T", "text": "X", "number": "9", "status": "draft"},
    "/console/programmes/{lead}/{programme}/{process}/decisions": {"title": "T", "subject": "S", "question": "?"},
    "/console/requirements/{requirement}": {"title": "T", "text": "X", "status": "draft", "version": "2"},
    "/console/requirements/{requirement}/accept": {"side": PARTNER, "version": "1"},
    "/console/requirements/{requirement}/comments": {"text": "C"},
    "/console/decisions/{decision}/{act}": {"reason": "R"},
    "/console/people": {"name": "N", "email": "n@n.example", "duty": "viewer"},
    "/console/people/{person}/duties": {"duty": "viewer"},
    "/console/people/{person}/leave": {},
    "/console/brands": {"code": "b", "name": "B", "name_zh": "", "owner": ME, "since": "2022-01-01", "source": "S"},
    "/console/brands/{code}/owners": {"owner": ME, "since": "2022-02-02", "source": "S"},
    "/console/me/passkeys": {"label": "L"},
    "/console/tokens": {"name": "N", "purpose": "P", "scope": "view:*", "expires": "2022-05-05"},
    "/console/tokens/{token}/revoke": {},
    "/console/product/programmes/{lead}/{programme}/propose": {"kind": "vehicle", "part": "another", "model": "features\n    Another\n"},
    "/console/product/revisions/{revision}/{act}": {"reason": "R"},
    "/console/product/supply/modules": {"part": "another", "version": "1", "title": "T", "model": "features\n    Another\n"},
    "/console/release/programmes/{lead}/{programme}": {
        "release_name": "another",
        "version": "1",
        "vehicle_model": "vela",
        "for_markets": "cn",
        "digest": "0" * 64,
    },
    "/console/release/releases/{release}/filings": {"market": "cn", "state": "filed", "reference": "R"},
    "/console/release/releases/{release}/withdraw": {"reason": "R"},
    "/console/release/changes/{change}/drop": {"reason": "R"},
    "/console/release/rollouts/{rollout}/{act}": {"reason": "R"},
    "/console/release/programmes/{lead}/{programme}/cars/{vehicle}/entitlements": {"entitlements": "E"},
    "/console/release/programmes/{lead}/{programme}/cars/{vehicle}/token": {},
    "/console/release/programmes/{lead}/{programme}/cars/{vehicle}/retire": {},
    "/console/product/lines/{line}/configure": {"click": "", "at": ""},
    "/console/product/lines/{line}/quotes": {"on": "2022-03-01", "market": "cn", "d": f"!Extra {canary(ME)}"},
}
"""Forms that are taken, as long as they come from one of our pages."""
OTHERS = {"envelope": "{}", "request": "{}", "reason": "R", "mode": "balanced", "effective": "2022-05-05", "title": "T", "party": ME}
"""Fields of the others."""


@contextmanager
def two_rivals(shared_database, folder):
    """Two rivals' world, of which no request changes anything unless `bench.database.keeps`."""
    addresses, clock = shared_database.emptied(), SetClock(noon(2021, 6, 1))
    with Database(addresses.app, clock) as database:
        there = world(database, addresses)
    with opened(there, clock, folder) as made:
        yield made


def database_of(bench):
    """As who sees every row."""
    name = psycopg.conninfo.conninfo_to_dict(bench.world.addresses.owner)["dbname"]
    return psycopg.connect(superuser(bench.world.addresses, str(name)), autocommit=True)


def place(bench, path, who=ME, **more):
    side = bench.world.sides[who]
    parts = {"owner": who, "lead": who, "number": 1, "process": "platform", "act": "approve", "code": side.words["brand"]}
    parts |= {"key": side.words["key"], "quote": side.words["quote"], "vehicle": side.words["vehicle"]} | side.ids
    parts |= {"repository": "image", "name": "timestamp.json", "counter": 1} | more
    parts |= {"act": "cancel"} if "/rollouts/" in path else {}
    return address(path, parts)


def ask(bench, method, where, who=ME, *, form=None, headers=None, **more):
    """As somebody of `who`, signed in; a form with the session's mark, from one of our own pages."""
    token = bench.world.sides[who].session if who else ""
    headers = {"cookie": f"session={token}"} | (OWN_PAGE if method == "POST" else {}) | (headers or {})
    data = None if form is None else {"csrf": sessions.csrf_token(token)} | form
    return bench.client.request(method, where, headers=headers, data=data, **more)


# What cannot be taken --------------------------------------------------------------------------------------------------------------------

NASTY = st.one_of(
    st.text(max_size=20),
    st.sampled_from(["\0", "a\0b", "9" * 20, "-1", "1e3", "٣", "²", "null", "2022-02-30", "9999-12-31", "0001-01-01", "x" * 5000]),
)
