"""The product's API: revisions, modules, storefronts, cars, by people's sessions and programs' tokens."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from product_world import CARMAKER, OTHER, PARTNER, Where, model, price_list, world
from small_line import published
from test_supply import UVL

from marque.alliance import sessions, tokens
from marque.alliance.audit import LogKey
from marque.alliance.passkeys import RelyingParty
from marque.app.console.join import Console
from marque.app.platform import Platform, server_key
from marque.app.settings import Settings
from marque.app.web import create_app
from marque.foundation import Actor
from marque.foundation.registry import Job
from marque.product import storefront

sys.path.insert(0, str(Path(__file__).parents[2] / "app"))
from in_process import browser

ORIGIN = "http://localhost:8000"


@pytest.fixture
def joint(database, owner_dsn):
    return world(database, owner_dsn)


@pytest.fixture
def app(database, addresses, tmp_path, monkeypatch):
    monkeypatch.setenv("MARQUE_CACHE", str(tmp_path / "cache"))
    settings = Settings(public_origin=ORIGIN, keys_folder=tmp_path)
    log = LogKey("localhost/audit", server_key(tmp_path / "audit-log.pem"))
    platform = Platform(settings, addresses, database, RelyingParty("localhost", "Marque", (ORIGIN,)), None, log)
    return create_app(None, hosts=("localhost",), console=Console(settings, database.clock, lambda: platform))


class Caller:
    """Sends as a person from our own pages, or as whoever the headers say."""

    def __init__(self, app, headers):
        self.client, self.headers = browser(app, ORIGIN), headers

    def get(self, path, status=200):
        return self._told(self.client.request("GET", f"/api/v1{path}", headers=self.headers), status)

    def post(self, path, said, status=201):
        return self._told(self.client.request("POST", f"/api/v1{path}", json=said, headers=self.headers), status)

    def _told(self, answer, status):
        assert answer.status_code == status, answer.text
        return answer.json() if "json" in answer.headers["content-type"] else answer.text


@pytest.fixture
def person(app, joint):
    def signed_in(organisation):
        with joint.database.transaction(Actor(organisation)) as tx:
            token, _ = sessions.start(tx, joint.people[organisation])
        return Caller(app, {"sec-fetch-site": "same-origin", "cookie": f"session={token}"})

    return signed_in


@pytest.fixture
def program(app, joint):
    def issued(organisation, *scopes):
        with joint.acting(organisation) as tx:
            secret, _ = tokens.issue(tx, "a program", "for a test", scopes, tx.now + timedelta(days=60))
        return Caller(app, {"authorization": f"Bearer {secret}"})

    return issued


def of(joint, rest):
    return f"/programmes/gac/{joint.programme}/{rest}"


def test_a_revision_is_proposed_assented_to_and_in_force(person, joint):
    gac, huawei, seres = person(CARMAKER), person(PARTNER), person(OTHER)
    made = gac.post(of(joint, "product/rules/revisions"), {"part": "rules.cn", "text": model(), "effectivity": {"markets": ["cn"]}})
    assert (made["state"], made["process"], made["effectivity"]["markets"]) == ("open", "product-definition", ["cn"])
    gac.get(of(joint, "product/rules/in-force?part=rules.cn&market=cn"), 404)
    huawei.post(f"/decisions/{made['decision']}/approve", {}, 200)
    assert huawei.get(of(joint, "product/rules/in-force?part=rules.cn&market=cn"))["id"] == made["id"]
    gac.get(of(joint, "product/rules/in-force?part=rules.cn&market=de"), 404)
    assert huawei.get(f"/product/revisions/{made['id']}/text") == model()
    assert [one["id"] for one in gac.get(of(joint, "product/rules/revisions?part=rules.cn"))] == [made["id"]]
    assert [one["id"] for one in gac.get(of(joint, "product/areas/product-definition/revisions"))] == [made["id"]]
    assert gac.get(of(joint, "product/parts")) == [{"kind": "rules", "part": "rules.cn", "revisions": 1}]
    for path in (f"/product/revisions/{made['id']}", of(joint, "product/rules/in-force?part=rules.cn")):
        seres.get(path, 404)


def test_a_faulty_text_is_told_with_its_place(person, joint):
    gac = person(CARMAKER)
    told = gac.post(of(joint, "product/vehicle/revisions"), {"part": "line", "text": "features\n    Car\n        maybe\n"}, 422)
    assert "line 3" in told["detail"]
    gac.post(of(joint, "product/prices/revisions"), {"part": "cn", "text": price_list()})
    told = gac.post(of(joint, "product/prices/revisions"), {"part": "cn", "text": price_list("2")}, 409)
    assert "meanwhile" in told["detail"]
    for said in ({"part": "x"}, {"part": "x", "text": "a", "effectivity": {"starts": "soon"}}, {"part": "x" * 200, "text": "a"}):
        gac.post(of(joint, "product/prices/revisions"), said, 422)
    gac.post(of(joint, "product/wheels/revisions"), {"part": "x", "text": "a"}, 404)


def test_a_module_goes_from_the_catalogue_to_a_programme(person, joint):
    huawei, gac = person(PARTNER), person(CARMAKER)
    said = {
        "name": "technology.sensors",
        "version": "1.0",
        "kind": "sensor-suite",
        "title": "Lidars",
        "text": UVL,
        "hardware": ["lidar-192"],
    }
    assert huawei.post("/modules", said)["requires"] == ["requires_tops"]
    assert gac.get("/modules") == []
    made = huawei.post(of(joint, "modules"), {"name": "technology.sensors", "version": "1.0"})
    assert gac.get(f"/product/revisions/{made['id']}")["about"]["hardware"] == ["lidar-192"]
    gac.post(f"/decisions/{made['decision']}/approve", {}, 200)
    assert [(one["version"], one["mode"], one["state"]) for one in huawei.get("/modules/bindings")] == [
        ("1.0", "joint-development", "taken")
    ]
    assert huawei.post(of(joint, "modules"), {"name": "technology.sensors"})["length"] == 0
    huawei.post(of(joint, "modules"), {"name": "technology.sensors", "version": "9"}, 404)


def test_a_storefronts_program_shows_configures_and_quotes(program, joint):
    published(joint)
    shop = program(CARMAKER, "view:sales", "sell:sales")
    told = shop.get(of(joint, "storefronts/cn?market=cn"))
    features = {one["name"]: one for one in told["features"]}
    assert features["Corvus"]["labels"] == {"en": "Corvus", "zh": "鸦座"}
    assert (features["Car"]["abstract"], features["sensors.Sensors"]["groups"][0]["kind"], told["currency"]) == (True, "alternative", "CNY")

    def configured(*names):
        return shop.post(of(joint, "storefronts/cn/configure"), {"decisions": [{"feature": name} for name in names]}, 200)

    answer = configured("Corvus", "Pilot")
    assert (answer["price"], answer["conflict"]) == (22_900_000, None)
    assert "Vela" in answer["forbidden"]
    against = configured("Hook", "Cover")["conflict"]
    assert (against["wanted"], [one["text"] for one in against["rules"]]) == ({"feature": "Cover", "chosen": True}, ["Hook => !Cover"])
    quote = shop.post(of(joint, "storefronts/cn/quotes"), {"decisions": [{"feature": "Corvus"}, {"feature": "Hook"}]})
    assert (quote["payable"], quote["currency"]) == ("204000.00", "CNY")
    assert shop.get(of(joint, quote["link"])) == quote
    shop.post(of(joint, "storefronts/cn/quotes"), {"decisions": [{"feature": "Hook"}, {"feature": "Cover"}]}, 409)
    shop.post(of(joint, "storefronts/cn/configure"), {"decisions": [{"feature": "Wings"}]}, 422)
    shop.get(of(joint, "storefronts/de"), 404)
    shop.get(of(joint, f"quotes/{'0' * 64}"), 404)
    shop.get(of(joint, "product/parts"))


def test_a_program_without_the_scope_sees_and_sells_nothing(program, joint):
    published(joint)
    looking, blind = program(CARMAKER, "view:sales"), program(CARMAKER, "view:brand")
    looking.post(of(joint, "storefronts/cn/quotes"), {"decisions": []}, 403)
    for path in ("storefronts/cn", f"quotes/{'0' * 64}"):
        blind.get(of(joint, path), 404)
    assert looking.get(of(joint, "product/line/revisions?part=corvus")) == []
    looking.post(of(joint, "product/prices/revisions"), {"part": "cn", "text": price_list()}, 403)


def test_a_car_and_its_software(program, joint):
    published(joint)
    shop = program(CARMAKER, "view:sales", "sell:sales")
    quote = shop.post(of(joint, "storefronts/cn/quotes"), {"decisions": [{"feature": "Corvus"}, {"feature": "sensors.ThreeLidars"}]})
    digest = quote["link"].removeprefix("quotes/")
    fleet = program(CARMAKER, "view:after-sales", "create:after-sales", "view:software-supply", "view:sales")
    fleet.post(of(joint, "cars/A1"), {"owner": "b-1", "quote": digest, "release": "2026.1"})
    told = fleet.get(of(joint, "cars/A1/software?part=corvus"))
    assert [(one["feature"], one["works"]) for one in told["features"]] == [("Dialogue", False), ("Pilot", False)]
    assert [(one["feature"], one["update"]) for one in told["upgrades"]] == [("Dialogue", ""), ("Pilot", "2026.2")]
    fleet.post(of(joint, "cars/A1/events"), {"what": "bought", "software": "corvus", "feature": "Pilot", "how": "bought"})
    fleet.post(of(joint, "cars/A1/events"), {"what": "updated", "release": "2026.2"})
    fleet.post(of(joint, "cars/A1/events"), {"what": "bought", "software": "corvus", "feature": "Pilot", "how": "bought"}, 409)
    told = fleet.get(of(joint, "cars/A1/software?part=corvus"))["features"][1]
    assert (told["works"], told["reason"], told["cells"]) == (True, "bought", ["motorway-day"])
    assert [one["kind"] for one in fleet.get(of(joint, "cars/A1/events"))] == ["delivered", "bought", "updated"]
    shop.get(of(joint, "cars/A1/events"), 404)
    program(PARTNER, "view:after-sales", "create:after-sales").post(of(joint, "cars/A1/events"), {"what": "updated", "release": "x"}, 404)


def test_a_published_line_is_compiled_by_a_job_and_then_answered_from_its_circuit(joint, owner_dsn, tmp_path):
    shown = published(joint)
    with psycopg.connect(owner_dsn.replace("user=marque_owner", "user=postgres")) as superuser:
        (body,) = superuser.execute("select args -> 'body' from jobs.procrastinate_jobs where task_name = 'compile-line'").fetchone()
    assert body == {"lead": CARMAKER, "programme": str(joint.programme), "line": shown.line.digest}
    products = storefront.Products(tmp_path)

    def method():
        with joint.acting(CARMAKER) as tx:
            front = storefront.front(tx, CARMAKER, joint.programme, "cn", Where(tx.now.date()))
            return storefront.product(tx, front, products).reasoner.method

    assert method() == "sat"
    for _ in range(2):
        storefront.compile_line(joint.database, Job(CARMAKER, 1, "compile-line", body, 1), tmp_path)
        assert method() == "circuit"
    storefront.compile_line(joint.database, Job(OTHER, 2, "compile-line", body, 1), tmp_path)
