"""The API: who may do what, how refusals read, versions, tokens, and that a session counts for our own pages alone."""

from __future__ import annotations

import hashlib
import re
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi.routing import APIRoute
from joint_development import RD, colleague, join

from marque.alliance import sessions, tokens, web
from marque.alliance.audit import LogKey
from marque.alliance.passkeys import RelyingParty
from marque.app.console.join import Console
from marque.app.platform import Platform, server_key
from marque.app.settings import Settings
from marque.app.web import create_app
from marque.common import new_id
from marque.foundation import Actor
from marque.product import web as product_web
from marque.release import web as release_web
from marque.release.devices import web as devices_web
from marque.release.rollouts import web as rollouts_web

sys.path.insert(0, str(Path(__file__).parents[1] / "app"))
from in_process import browser

ORIGIN = "http://localhost:8000"
OWN = {"sec-fetch-site": "same-origin"}


@pytest.fixture
def joint(database, owner_dsn):
    return join(database, owner_dsn)


@pytest.fixture
def app(database, joint, addresses, tmp_path):
    assert joint.people
    settings = Settings(public_origin=ORIGIN, keys_folder=tmp_path)
    log = LogKey("localhost/audit", server_key(tmp_path / "audit-log.pem"))
    platform = Platform(settings, addresses, database, RelyingParty("localhost", "Marque", (ORIGIN,)), None, log)
    return create_app(None, hosts=("localhost",), console=Console(settings, database.clock, lambda: platform))


class Caller:
    """Sends as a person from our own pages, or as whoever the headers say."""

    def __init__(self, app, headers):
        self.client, self.headers = browser(app, ORIGIN), headers

    def __getattr__(self, method):
        return lambda path, json=None: self.client.request(method.upper(), f"/api/v1{path}", json=json, headers=self.headers)


@pytest.fixture
def person(app, joint):
    def signed_in(organisation, *duties):
        who = colleague(joint, organisation, *duties) if duties else joint.people[organisation]
        with joint.database.transaction(Actor(organisation)) as tx:
            token, _ = sessions.start(tx, who)
        return Caller(app, OWN | {"cookie": f"session={token}"})

    return signed_in


@pytest.fixture
def program(app, joint):
    def issued(organisation, *scopes):
        with joint.acting(organisation) as tx:
            secret, _ = tokens.issue(tx, "a program", "for a test", scopes, tx.now + timedelta(days=1))
        return Caller(app, {"authorization": f"Bearer {secret}"})

    return issued


def area(joint, process=RD):
    return f"/programmes/gac/{joint.programme}/{process}"


def is_problem(answer, status):
    """RFC 9457, 3.1."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    said = answer.json()
    assert (said["type"], said["status"]) == ("about:blank", status)
    assert said["title"]
    assert said["detail"]
    return said["detail"]


def test_the_schema_tells_every_operation_and_what_each_may_answer(app):
    told = browser(app, ORIGIN).get("/api/v1/openapi.json").json()
    there = {(method, path) for path, methods in told["paths"].items() for method in methods}
    rooms = (web, product_web, release_web, rollouts_web, devices_web)
    routes = [route for room in rooms for route in room.routes.routes if isinstance(route, APIRoute)]
    assert there == {(method.lower(), route.path) for route in routes for method in route.methods}
    assert len(there) > 25
    for methods in told["paths"].values():
        for operation in methods.values():
            assert {"400", "401", "403", "404", "409", "422", "503"} <= set(operation["responses"])
            assert "application/problem+json" in operation["responses"]["404"]["content"]


def test_nobody_is_told_to_sign_in_and_learns_no_more(app, joint):
    for headers in ({}, {"authorization": "Bearer nonsense"}, {"cookie": "session=nonsense"}, {"authorization": "Basic YTpi"}):
        answer = Caller(app, headers).get(f"/agreements/gac/{joint.agreement}")
        is_problem(answer, 401)
        assert answer.headers["www-authenticate"] == "Bearer"


def test_a_session_with_a_token_that_does_not_hold_is_nobody(app, person):
    headers = person("gac").headers | {"authorization": "Bearer nonsense"}
    is_problem(Caller(app, headers).get("/people"), 401)


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none", None])
def test_a_session_changes_nothing_for_a_page_that_is_not_ours(app, person, site):
    gac = person("gac")
    foreign = Caller(app, {name: value for name, value in (gac.headers | {"sec-fetch-site": site}).items() if value})
    is_problem(foreign.post("/agreements", {"title": "By a page of others"}), 403)
    is_problem(foreign.delete(f"/people/{new_id()}"), 403)
    assert [one["title"] for one in gac.get("/agreements").json()] == ["An agreement"]


def test_a_program_needs_no_page(program, joint):
    made = program("gac", "create:*", "view:*").post(f"{area(joint)}/requirements", {"title": "Brake in time"})
    assert made.status_code == 201, made.text


def test_scopes_bound_what_a_program_may(program, joint):
    reader, other = program("gac", f"view:{RD}"), program("gac", "view:sales")
    assert reader.get(f"{area(joint)}/requirements").json() == []
    is_problem(reader.post(f"{area(joint)}/requirements", {"title": "Brake in time"}), 403)
    is_problem(other.get(f"{area(joint)}/requirements"), 404)
    is_problem(reader.get("/people"), 404)


def test_duties_bound_what_a_person_may(person, joint):
    viewer, engineer = person("gac", "viewer"), person("gac", "engineer")
    detail = is_problem(viewer.post(f"{area(joint)}/requirements", {"title": "Brake in time"}), 403)
    assert "engineer or product" in detail
    assert engineer.post(f"{area(joint)}/requirements", {"title": "Brake in time"}).status_code == 201
    for path in ("/people", "/tokens", "/audit/entries"):
        is_problem(engineer.get(path), 403)


def test_a_partner_writes_its_own_side_and_never_the_others(person, joint):
    gac, huawei = person("gac"), person("huawei")
    made = gac.post(f"{area(joint)}/requirements", {"title": "Brake in time", "text": "<p>Within 2 s</p>"}).json()
    place = f"/requirements/{made['id']}"
    assert made["state"] == "one-sided"
    assert huawei.put(place, {"title": "Slower", "text": "<p>Within 3 s</p>"}).json()["state"] == "open"
    said = {side["side"]: side["title"] for side in gac.get(place).json()["sides"]}
    assert said == {"gac": "Brake in time", "huawei": "Slower"}
    accepted = huawei.post(f"{place}/accept", {"side": "gac", "version": 1}).json()
    sides = {side["side"]: side for side in accepted["sides"]}
    assert sides["huawei"]["text"] == sides["gac"]["text"]
    assert sides["huawei"]["status"] == "accepted"


def test_a_stale_version_is_refused_with_both_writings_and_nothing_is_lost(person, joint):
    gac = person("gac")
    made = gac.post(f"{area(joint)}/requirements", {"title": "First"}).json()
    place = f"/requirements/{made['id']}"
    assert gac.put(place, {"title": "Second", "version": 1}).status_code == 200
    detail = is_problem(gac.put(place, {"title": "Also second", "version": 1}), 409)
    assert "Second" in detail
    assert "Also second" in detail
    assert [one["title"] for one in gac.get(f"{place}/history").json()] == ["First", "Second"]


def test_strangers_see_neither_the_thing_nor_that_it_is(person, joint):
    gac, seres = person("gac"), person("seres")
    made = gac.post(f"{area(joint)}/requirements", {"title": "Brake in time"}).json()
    for there, missing in (
        (f"/requirements/{made['id']}", f"/requirements/{new_id()}"),
        (f"/agreements/gac/{joint.agreement}", f"/agreements/gac/{new_id()}"),
        (f"/agreements/gac/{joint.agreement}/revisions/1", f"/agreements/nobody/{new_id()}/revisions/1"),
        (f"{area(joint)}/requirements", f"/programmes/gac/{new_id()}/{RD}/requirements"),
    ):
        answers = [seres.get(there), seres.get(missing)]
        assert answers[0].content == answers[1].content
        is_problem(answers[0], 404)
    assert seres.get("/agreements").json() == seres.get("/programmes").json() == []
    assert [one["code"] for one in seres.get("/organisations").json()] == ["seres"]


def test_a_decision_is_taken_when_all_who_decide_have_approved(person, joint):
    gac, huawei = person("gac"), person("huawei")
    asked = gac.post(f"{area(joint)}/decisions", {"subject": "release/2022.1", "title": "Release?"}).json()
    assert (asked["state"], sorted(asked["waits_for"])) == ("open", ["gac", "huawei"])
    place = f"/decisions/{asked['id']}"
    assert gac.post(f"{place}/approve", {}).json()["waits_for"] == ["huawei"]
    is_problem(gac.post(f"{place}/approve", {}), 409)
    is_problem(huawei.post(f"{place}/reject", {}), 409)
    assert huawei.post(f"{place}/approve", {"reason": "Tested"}).json()["state"] == "taken"
    is_problem(gac.post(f"{place}/reopen", {}), 409)
    is_problem(gac.post(f"{place}/ponder", {}), 404)


def test_a_program_decides_nothing(person, program, joint):
    asked = person("gac").post(f"{area(joint)}/decisions", {"subject": "release/1", "title": "Release?"}).json()
    robot = program("gac", "view:*", "create:*", "edit:*", "comment:*", "sell:*")
    assert robot.get(f"/decisions/{asked['id']}").status_code == 200
    assert robot.post(f"/decisions/{asked['id']}/approve", {}).status_code in {403, 409}
    assert robot.get(f"/decisions/{asked['id']}").json()["acts"] == []


def test_a_token_is_told_once_and_ends_when_it_is_revoked(app, person):
    gac = person("gac")
    wanted = {"name": "nightly", "purpose": "reports", "scopes": ["view:*"], "expires_at": "2022-06-01T00:00:00Z"}
    made = gac.post("/tokens", wanted).json()
    robot = Caller(app, {"authorization": f"Bearer {made['secret']}"})
    assert len(robot.get("/programmes").json()) == 1
    assert made["secret"] not in gac.get("/tokens").text
    is_problem(person("huawei").delete(f"/tokens/{made['id']}"), 404)
    assert gac.delete(f"/tokens/{made['id']}").status_code == 204
    is_problem(robot.get("/programmes"), 401)
    is_problem(gac.delete(f"/tokens/{made['id']}"), 404)


def test_a_token_without_an_end_in_a_year_or_with_a_scope_nobody_knows_is_not_issued(person):
    gac = person("gac")
    wanted = {"name": "nightly", "purpose": "reports", "scopes": ["view:*"], "expires_at": "2022-06-01T00:00:00"}
    assert gac.post("/tokens", wanted).json()["expires_at"] == "2022-06-01T00:00:00Z", "without a zone it is UTC"
    for change in ({"scopes": ["fly:*"]}, {"scopes": []}, {"name": " "}, {"expires_at": "2021-01-01T00:00:00Z"},
                   {"expires_at": "2029-01-01T00:00:00Z"}, {"expires_at": "tomorrow"}):  # fmt: skip
        is_problem(gac.post("/tokens", wanted | change), 422)


def test_people_are_enlisted_given_duties_and_leave_but_an_administrator_stays(person, joint):
    gac = person("gac")
    made = gac.post("/people", {"name": "Lin Wei", "email": "Lin@gac.example", "duties": ["viewer"]}).json()
    assert made["email"] == "lin@gac.example"
    is_problem(gac.post("/people", {"name": "Another", "email": "lin@gac.example"}), 409)
    is_problem(gac.put(f"/people/{made['id']}/duties", {"duties": ["king"]}), 409)
    assert gac.put(f"/people/{made['id']}/duties", {"duties": ["engineer"]}).json()["duties"] == ["engineer"]
    assert gac.delete(f"/people/{made['id']}").status_code == 204
    is_problem(gac.delete(f"/people/{made['id']}"), 409)
    is_problem(gac.delete(f"/people/{joint.people['gac']}"), 409)
    is_problem(person("huawei").delete(f"/people/{joint.people['gac']}"), 404)


def test_who_decides_on_a_day_follows_the_revision_in_force_then(person, joint):
    gac, place = person("gac"), f"/programmes/gac/{joint.programme}/who"
    told = gac.get(f"{place}?on=2021-07-01").json()
    rd = next(one for one in told["processes"] if one["process"] == RD)
    assert (told["revision"], rd["leads"], rd["co_decides"]) == (1, "gac", ["huawei"])
    is_problem(gac.get(f"{place}?on=2021-06-30"), 409)
    is_problem(gac.get(f"{place}?on=yesterday"), 422)


def test_the_text_of_a_revision_is_the_signed_bytes(person, joint):
    answer = person("huawei").get(f"/agreements/gac/{joint.agreement}/revisions/1")
    assert hashlib.sha256(answer.content).hexdigest() == joint.digests[0]


def test_an_entry_of_the_audit_log_is_read_by_those_it_concerns(person):
    gac = person("gac")
    gac.post("/people", {"name": "Lin Wei", "email": "lin@gac.example"})
    assert gac.get("/audit/entries").json()[0]["kind"] == "person-enlisted"
    assert gac.get("/audit/entries?before=0").json() == []
    assert "person-enlisted" not in person("huawei").get("/audit/entries").text


def test_a_request_that_cannot_be_read_is_a_problem_that_names_the_field(person, joint):
    gac = person("gac")
    assert "title" in is_problem(gac.post("/agreements", {}), 422)
    is_problem(gac.get("/requirements/not-an-id"), 404)
    is_problem(gac.get("/nothing/here"), 404)
    is_problem(gac.patch("/people"), 405)
    detail = is_problem(gac.post(f"{area(joint)}/requirements", {"title": "x" * 201}), 422)
    assert re.search(r"\btitle\b", detail)
    assert "x" * 201 not in detail
