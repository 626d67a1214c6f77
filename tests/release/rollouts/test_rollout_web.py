"""Roll-outs over the API, by people's sessions and programs' tokens; and at the command line, where a program watches."""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from rollout_world import CARMAKER, OTHER, PARTNER
from typer.testing import CliRunner

from marque.alliance import sessions, tokens
from marque.alliance.audit import LogKey
from marque.alliance.passkeys import RelyingParty
from marque.app import cli_rollouts, release_records
from marque.app.console.join import Console
from marque.app.platform import Platform, server_key
from marque.app.settings import Settings
from marque.app.web import create_app
from marque.common import InputError
from marque.foundation import Actor
from marque.release.repository.keys import FileSigner
from marque.release.rollouts import plans, records
from marque.release.rollouts.model import Told

sys.path.insert(0, str(Path(__file__).parents[2] / "app"))
from in_process import browser

ORIGIN = "http://localhost:8000"
SIGNER = FileSigner(Ed25519PrivateKey.from_private_bytes(b"s" * 32))
GROUP = {"name": "all", "soak_hours": 0, "thresholds": {"least": 1, "reported": 1, "error": 0.5, "success": 0}}


@pytest.fixture
def app(database, addresses, tmp_path):
    settings = Settings(public_origin=ORIGIN, keys_folder=tmp_path / "keys")
    log = LogKey("localhost/audit", server_key(tmp_path / "audit-log.pem"))
    platform = Platform(settings, addresses, database, RelyingParty("localhost", "Marque", (ORIGIN,)), None, log)
    return create_app(None, hosts=("localhost",), console=Console(settings, database.clock, lambda: platform))


@pytest.fixture
def call(app, world):
    """Call the API as a person of an organisation; or (scopes) as a program of it."""

    def called(method, path, by=CARMAKER, said=None, status=200, scopes=()):
        if scopes:
            with world.acting(by) as tx:
                secret, _ = tokens.issue(tx, "a program", "for a test", scopes, tx.now + timedelta(days=60))
            headers = {"authorization": f"Bearer {secret}"}
        else:
            with world.database.transaction(Actor(by)) as tx:
                token, _ = sessions.start(tx, world.joint.people[by])
            headers = {"sec-fetch-site": "same-origin", "cookie": f"session={token}"}
        answer = browser(app, ORIGIN).request(method, f"/api/v1{path}", json=said, headers=headers)
        assert answer.status_code == status, answer.text
        return answer.json()

    return called


def at(world, rest):
    return f"/programmes/{CARMAKER}/{world.joint.programme}/{rest}"


@pytest.fixture
def drafted(world, call):
    release = world.release()
    world.register(4)
    plan = {"name": "Spring", "release": str(release), "groups": [GROUP]}
    return call("POST", at(world, "rollouts"), said=plan, status=201)


def test_a_roll_out_goes_from_a_plan_to_its_end_over_the_api(world, call, drafted):
    release, one = drafted["release"], f"/rollouts/{drafted['id']}"
    filed = call("POST", at(world, f"releases/{release}/filings"), said={"market": "cn", "state": "filed", "reference": "7"}, status=201)
    assert filed["organisation"] == CARMAKER
    none = {"market": "eu", "state": "not-needed", "note": "no type approval"}
    call("POST", at(world, f"releases/{release}/filings"), said=none, status=201)
    assert {each["market"] for each in call("GET", at(world, f"releases/{release}/filings"), by=PARTNER)} == {"cn", "eu"}
    launched = call("POST", f"{one}/launch")
    assert launched["state"] == "waiting"
    assert call("GET", one)["waits_for"] == [PARTNER]
    call("POST", f"/decisions/{launched['decision']}/approve", by=PARTNER, said={})
    world.advanced(drafted["id"])
    assert call("POST", f"{one}/pause", by=PARTNER, said={"reason": "a holiday"})["state"] == "paused"
    assert call("POST", f"{one}/resume", said={})["state"] == "running"
    world.record(*(world.told(each.car, 1) for each in world.offers(*(f"LGX000000{car}" for car in range(4)))))
    world.advanced(drafted["id"])
    found = call("GET", one, by=PARTNER)
    assert (found["rollout"]["state"], found["counts"]["done"], found["per_hour"]) == ("finished", 4, 4.0)
    assert [each["id"] for each in call("GET", at(world, "rollouts"))] == [drafted["id"]]


def test_refusals_say_what_is_wrong(world, call, drafted):
    one = f"/rollouts/{drafted['id']}"
    assert "state" in call("POST", f"{one}/pause", said={"reason": "why"}, status=409)["detail"]
    assert "reason" in call("POST", f"{one}/cancel", said={}, status=409)["detail"]
    plan = {"name": "x", "release": drafted["release"], "groups": [GROUP | {"percent": 0}]}
    assert "groups.0.percent" in call("POST", at(world, "rollouts"), said=plan, status=422)["detail"]
    for method, path in (("GET", one), ("POST", f"{one}/launch"), ("GET", at(world, "rollouts"))):
        call(method, path, by=OTHER, status=404)


def test_a_program_watches_and_does_nothing(call, drafted):
    one = f"/rollouts/{drafted['id']}"
    assert call("GET", one, scopes=["view:release-signature"])["rollout"]["state"] == "draft"
    call("GET", one, scopes=["view:sales"], status=404)
    for act in ("launch", "halt"):
        call("POST", f"{one}/{act}", said={"reason": "x"}, scopes=["view:release-signature", "create:release-signature"], status=403)


@pytest.fixture
def record(world):
    """The record of a car that refused, as bytes."""
    plan = plans.read(json.dumps({"name": "x", "release": str(UUID(int=1)), "groups": [GROUP]}), "plan")
    rollout = world.running(*plan.groups, cars=1)
    world.offers("LGX0000000")
    world.record(world.told("LGX0000000", 1, Told.DECLINED, release=rollout.release))
    with world.serving() as tx:
        records.make(tx, SIGNER)
    with world.acting(CARMAKER) as tx:
        return records.of_car(tx, *world.of, "LGX0000000")[0].envelope


def test_records_of_a_car_are_fetched_and_verified_at_the_command_line(world, call, record, tmp_path, capsys):
    class Here:
        def ask(self, method, path):
            return call(method, path, scopes=["view:release-signature"])

    out = tmp_path / "records"
    release_records.fetch_records(Here(), CARMAKER, world.joint.programme, "LGX0000000", out)
    file = out / "LGX0000000-1.record.json"
    assert file.read_bytes() == record
    trusted, other = tmp_path / "trusted.txt", tmp_path / "other.txt"
    trusted.write_text(f"{SIGNER.key.public}  # ours\n\n")
    other.write_text("ab" * 32)
    release = cli_rollouts.typer.Typer()
    cli_rollouts.add_to(release)
    told = CliRunner().invoke(release, ["verify-record", str(file), "--keys", str(trusted)])
    assert told.exit_code == 0, told.output
    assert "declined" in told.output
    assert CliRunner().invoke(release, ["verify-record", str(file), "--keys", str(other)]).exit_code == 1
    said = json.loads(CliRunner().invoke(release, ["verify-record", str(file), "--keys", str(trusted), "--json"]).output)
    assert said["record"]["vehicle"] == "LGX0000000"
    with pytest.raises(InputError):
        release_records.fetch_records(Here(), CARMAKER, world.joint.programme, "LGX0000000", out)
    capsys.readouterr()


def test_a_plan_is_told_group_by_group_and_a_roll_out_as_it_stands(call, drafted, tmp_path, capsys):
    file = tmp_path / "plan.json"
    file.write_text(json.dumps({"name": "Spring", "release": drafted["release"], "groups": [GROUP | {"percent": 5, "markets": ["cn"]}]}))
    release_records.check_plan(file)
    assert "up to 5 % of the cars, markets cn" in capsys.readouterr().out

    class Here:
        def ask(self, method, path):
            return call(method, path, scopes=["view:release-signature"])

    release_records.show_rollout(Here(), drafted["id"], as_json=False)
    release_records.list_rollouts(Here(), CARMAKER, drafted["programme"], as_json=False)
    told = capsys.readouterr().out
    assert "Spring: pilot 1 for Vela, draft" in told
    assert "0 of 1 passed" in told
