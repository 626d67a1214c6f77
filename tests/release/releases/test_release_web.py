"""The API of releases, and `marque release` over it: a build server hands in, people sign, either partner stops."""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from release_world import PARTY
from sealed_world import packed
from typer.testing import CliRunner

from marque.alliance import sessions, tokens
from marque.alliance.audit import LogKey
from marque.app import release_client
from marque.app.cli import app as commands
from marque.app.console.join import Console
from marque.app.platform import Platform, server_key
from marque.app.settings import Settings
from marque.app.web import create_app
from marque.common import Denied, InputError, MarqueError, Missing, Unavailable
from marque.release.repository.keys import FileSigner
from marque.release.repository.signed_files import dumps

sys.path.insert(0, str(Path(__file__).parents[2] / "app"))
from in_process import browser

ORIGIN = "https://marque.example"
SCOPES = ("view:release-signature", "create:release-signature")


@pytest.fixture
def app(begun, tmp_path, monkeypatch):
    monkeypatch.setenv("MARQUE_CACHE", str(tmp_path / "cache"))
    settings = Settings(public_origin=ORIGIN, keys_folder=begun.online._folder, blobs=str(tmp_path / "blobs"))
    log = LogKey("localhost/audit", server_key(tmp_path / "audit-log.pem"))
    platform = Platform(settings, begun.addresses, begun.database, PARTY, None, log)
    return create_app(None, hosts=("marque.example",), console=Console(settings, begun.database.clock, lambda: platform))


class Caller:
    """Sends as a person from our own pages, or as whoever the headers say."""

    def __init__(self, app, headers):
        self.client, self.headers = browser(app, ORIGIN), headers

    def send(self, method, path, status=200, **more):
        answer = self.client.request(method, f"/api/v1{path}", headers=self.headers, **more)
        assert answer.status_code == status, answer.text
        return answer.json() if "json" in answer.headers["content-type"] else answer.content


@pytest.fixture
def person(app, begun):
    def signed_in(who):
        with begun.acting(who) as tx:
            token, _ = sessions.start(tx, who.id)
        return Caller(app, {"sec-fetch-site": "same-origin", "cookie": f"__Host-session={token}"})

    return signed_in


@pytest.fixture
def secret(begun):
    """Of a build server of the carmaker."""
    administrator = begun.companies.appoint("gac", "administrator", name="administrator")
    with begun.acting(administrator) as tx:
        return tokens.issue(tx, "build server", "releases", SCOPES, tx.now + timedelta(days=60))[0]


def said_of(begun, version="1.2.0"):
    said = begun.said(version)
    return {
        "name": said.name, "version": said.version, "digest": said.digest, "model": said.model, "markets": list(said.markets),
        "rxswin": dict(said.rxswin), "requires": dict(said.requires), "conflicts": {"cockpit": [3, 4]},
    }  # fmt: skip


def of(begun, rest):
    return f"/programmes/gac/{begun.programme}/{rest}"


def sign(caller, who, document):
    """As a browser does: the payload down, the file up, the passkey asked, its answer up."""
    payload = caller.send("GET", f"/release-documents/{document['id']}/payload")
    file = json.loads(dumps(payload, FileSigner(who.key, who.organisation)))
    asked = caller.send("POST", f"/release-documents/{document['id']}/signing", 201, json=file)
    answer = {"challenge": asked["challenge"], "response": who.device.get(asked["options"]), "signature": file["signature"]}
    return caller.send("POST", f"/release-documents/{document['id']}/signatures", 201, json=answer)


def test_from_a_build_servers_draft_to_cars_and_back(app, begun, person, secret):
    build = Caller(app, {"authorization": f"Bearer {secret}"})
    made = build.send("POST", of(begun, "releases"), 201, json=said_of(begun))
    assert (made["stage"], made["counter"], made["conflicts"]) == ("draft", 1, {"cockpit": [3, 4]})
    release = f"/releases/{made['id']}"
    asked = {"name": "driving.img", "role": "driving", "hardware": ["compute-2"]}
    told = build.send("POST", f"{release}/images", 201, params=asked, content=b"bits of a driving computer")
    assert [(one["path"], one["length"]) for one in told["images"]] == [("vela/pilot-1.2.0/driving.img", 26)]
    told = build.send("POST", f"{release}/evidence", 201, content=packed(begun.evidence().parts()))
    assert (told["stage"], len(told["evidence"]["cells"])) == ("proven", 3)
    build.send("POST", f"{release}/signatures", 403)

    li, wang = (person(begun.managers[one][0]) for one in ("gac", "huawei"))
    assert [one["what"] for one in li.send("GET", f"{release}/waiting")] == ["ask"]
    change = wang.send("POST", f"{release}/signatures", 201)
    for organisation in ("gac", "huawei"):
        for who in begun.managers[organisation][:2]:
            caller = person(who)
            (document,) = caller.send("GET", f"/release-changes/{change['id']}/mine")
            change = sign(caller, who, document)
            assert caller.send("GET", f"/release-changes/{change['id']}/mine") == []
    assert change["state"] == "in-force"
    published = li.send("GET", release)
    assert (published["stage"], published["distributable"]) == ("published", True)
    timestamp = wang.send("GET", of(begun, "repository/image/timestamp.json"))
    assert timestamp["signed"]["_type"] == "timestamp"
    state = wang.send("GET", of(begun, "repository"))
    assert (state["parties"], state["outdated"], state["models"]) == (["gac", "huawei"], False, {"vela": ["compute-2", "gateway-1"]})

    withdrawal = {"evidence": published["evidence"]["sha256"], "reason": "phantom braking"}
    build.send("POST", of(begun, "withdrawals"), 403, json=withdrawal)
    assert wang.send("POST", of(begun, "withdrawals"), 201, json=withdrawal)["organisation"] == "huawei"
    assert li.send("GET", release)["stage"] == "withdrawn"
    assert [one["reason"] for one in li.send("GET", of(begun, "withdrawals"))] == ["phantom braking"]
    assert [one["what"] for one in wang.send("GET", "/waiting-releases")] == ["withdrawal"]
    wang.send("POST", of(begun, "withdrawals"), 409, json=withdrawal)


def test_what_is_wrong_is_said_with_the_status_that_fits(app, begun, person, secret):
    build, li = Caller(app, {"authorization": f"Bearer {secret}"}), person(begun.managers["gac"][0])
    build.send("POST", of(begun, "releases"), 422, json=said_of(begun) | {"digest": "12"})
    told = build.send("POST", of(begun, "releases"), 409, json=said_of(begun) | {"model": "Vela"})
    assert "vehicle model" in told["detail"]
    made = build.send("POST", of(begun, "releases"), 201, json=said_of(begun))
    told = build.send("POST", f"/releases/{made['id']}/evidence", 409, content=b"no archive")
    assert "does not hold" in told["detail"]
    assert "has an image" in li.send("POST", f"/releases/{made['id']}/signatures", 409)["detail"]
    li.send("GET", f"/releases/{begun.programme}", 404)
    li.send("GET", of(begun, "repository/image/9.root.json"), 404)
    li.send("GET", of(begun, "repository/other/1.root.json"), 404)
    li.send("POST", of(begun, "repository"), 409, json={"models": {"vela": ["compute-2"]}})
    Caller(app, {}).send("GET", f"/releases/{made['id']}", 401)
    stranger = begun.companies.appoint("seres", "release-manager", name="stranger")
    person(stranger).send("GET", f"/releases/{made['id']}", 404)


def test_every_change_and_its_documents_are_listed(begun, person):
    li = person(begun.managers["gac"][0])
    (first,) = li.send("GET", of(begun, "release-changes"))
    assert (first["purpose"], first["state"]) == ("repository", "in-force")
    assert {len(one["signed"]) for one in first["documents"]} == {1, 4}
    change = li.send("POST", of(begun, "repository/roots"), 201, json={})
    assert li.send("GET", of(begun, "repository"))["pending"] == change["id"]
    dropped = li.send("POST", f"/release-changes/{change['id']}/drop", json={"reason": "not today"})
    assert (dropped["state"], dropped["reason"]) == ("dropped", "not today")


@pytest.fixture
def installation(app, secret, tmp_path, monkeypatch):
    """What the command line is given; it reaches the application without a socket."""
    monkeypatch.setattr(release_client, "http_client", lambda: browser(app, ORIGIN))
    token = tmp_path / "token"
    token.write_text(secret + "\n")
    return ["--server", ORIGIN, "--token-file", str(token)]


def run(*given, code=0):
    done = CliRunner().invoke(commands, ["release", *map(str, given)])
    assert done.exit_code == code, done.output
    return done.output


@pytest.mark.slow
def test_the_command_line_hands_everything_in(begun, installation, tmp_path):
    programme = ["--lead", "gac", "--programme", begun.programme]
    (tmp_path / "draft.json").write_text(json.dumps(said_of(begun)))
    made = json.loads(run("draft", tmp_path / "draft.json", *programme, "--json", *installation))
    (tmp_path / "driving.img").write_bytes(b"bits")
    told = run("image", made["id"], tmp_path / "driving.img", "--role", "driving", "--hardware", "compute-2", *installation)
    assert "vela/pilot-1.2.0/driving.img  driving on compute-2  4 bytes" in told
    (tmp_path / "pilot.evidence").write_bytes(packed(begun.evidence().parts()))
    assert "proven" in run("evidence", made["id"], tmp_path / "pilot.evidence", *installation)
    assert f"{made['id']}  pilot 1.2.0  vela  counter 1  proven" in run("list", *programme, *installation)
    assert "waits for  gac: ask, 1 of its people" in run("show", made["id"], *installation)
    assert "ask" in run("waiting", *installation)
    assert json.loads(run("show", made["id"], "--json", *installation))["waiting"][0]["organisation"] == "gac"


@pytest.mark.usefixtures("installation")
def test_the_command_line_says_what_went_wrong(begun, tmp_path, monkeypatch):
    good = release_client.Installation(ORIGIN, tmp_path / "token")
    with pytest.raises(Missing):
        release_client.show(good, begun.programme, as_json=False)
    (tmp_path / "bad").write_text("mq_nothing")
    with pytest.raises(Denied):
        release_client.waiting(release_client.Installation(ORIGIN, tmp_path / "bad"), as_json=False)
    for server in ("ftp://marque.example", "marque.example", "https://marque.example?x=1", "http://marque.example"):
        with pytest.raises(InputError, match="--server"):
            release_client.Installation(server, tmp_path / "token").ask("GET", "/waiting-releases")
    (tmp_path / "draft.json").write_text("[")
    with pytest.raises(InputError, match=r"draft\.json"):
        release_client.draft(good, "gac", begun.programme, tmp_path / "draft.json", as_json=False)
    with pytest.raises(InputError, match="no file"):
        release_client.evidence(good, begun.programme, tmp_path / "nowhere", as_json=False)
    (tmp_path / "draft.json").write_text(json.dumps(said_of(begun) | {"model": "Vela"}))
    with pytest.raises(MarqueError, match="vehicle model"):
        release_client.draft(good, "gac", begun.programme, tmp_path / "draft.json", as_json=False)

    class Silent(httpx.BaseTransport):
        def handle_request(self, request):
            raise httpx.ConnectError("refused", request=request)

    silent = httpx.Client(transport=Silent())
    monkeypatch.setattr(release_client, "http_client", lambda: silent)
    with pytest.raises(Unavailable, match="does not answer"):
        good.ask("GET", "/waiting-releases")
