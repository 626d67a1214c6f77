"""Sign-in and the identity provider for development, served together and reached by a browser."""

from __future__ import annotations

import re
from html import unescape

import psycopg
from fastapi import FastAPI
from in_process import HERE
from in_process import browser as browser_of

from marque.app import identity, sign_in
from marque.common import new_id
from marque.foundation import Actor

ORIGIN = "http://localhost:8000"
SAME_SITE = {"Sec-Fetch-Site": "same-origin"}
ORGANISATIONS = ("gac", "huawei")


def enlisted(database, owner_dsn):
    """Two organisations with one person each: the persons' ids by organisation."""
    there = {}
    with psycopg.connect(owner_dsn) as connection:
        for code in ORGANISATIONS:
            connection.execute("insert into alliance.organisation (organisation, name, kind) values (%s, %s, 'carmaker')", (code, code))
    for code in ORGANISATIONS:
        with database.transaction(Actor(code)) as tx:
            there[code] = new_id()
            tx.execute(
                "insert into alliance.person (organisation, id, name, email, duties, created_at) values (%s, %s, %s, %s, %s, %s)",
                (code, there[code], f"Ada of <{code}>", f"ada@{code}.example", ["administrator"], tx.now),
            )
    return there


def served(database, people=None, origin=ORIGIN, http=None):
    """The application with both routers, as this machine and its browser reach it; the identity provider is the real one."""
    app = FastAPI()
    app.state.city = app.state.campaign = False
    door = sign_in.Door(lambda: database, database.clock, origin, http or browser_of(app, origin), development=True)
    app.include_router(sign_in.router(door))
    people = people or sign_in.listed_people(door.database)
    app.include_router(identity.router(origin, people, lambda code: sign_in.redirect_uri(origin, code), database.clock))
    return app


def browser(app, client=HERE):
    return browser_of(app, ORIGIN, client)


def fields(page):
    return {name: unescape(value) for name, value in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.text)}
