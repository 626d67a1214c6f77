"""Releases in every state of their pages: a repository begun, releases on their way, a roll-out that was halted, cars that refused."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from marque.alliance import decisions
from marque.alliance.access import Area
from marque.app import demo_people
from marque.app.demo_people import Manager, site_of
from marque.app.platform import Platform
from marque.car.attacks import Attack
from marque.car.uptane.vehicle import Ecu, Vehicle
from marque.foundation import Actor
from marque.release import releases, repositories, signatures, withdrawals
from marque.release.devices import cars
from marque.release.devices.model import Draft as CarDraft
from marque.release.model import Draft, area_of
from marque.release.repository import signed_files
from marque.release.repository.keys import FileSigner
from marque.release.rollouts import service
from marque.release.rollouts.model import CarEvent, Filing, Group, Plan, Thresholds, Told
from marque.release.store import rows

sys.path.insert(0, str(Path(__file__).parent))
from rivals_release import _release

CODES = ("gac", "huawei")


def visits_of_releases(there: Any, made: Any, area: Area) -> None:
    """As somebody of Huawei sees GAC's programme, with every duty."""
    platform: Platform = there.platform
    lead, programme = area.lead, area.programme
    managers = {code: demo_people.equip(platform, code) for code in CODES}
    home = f"/console/release/programmes/{lead}/{programme}"
    made.see("/console/release", "viewer")
    made.see(f"{home}/repository", "viewer")
    change, document = _begun(platform, lead, programme, managers)
    gac = managers["gac"][0].actor
    with platform.database.transaction(gac) as tx:
        ids = {name: _release(tx, area_of(lead, programme), name, number) for number, name in enumerate(("one", "two"), 1)}
        said = Draft(name="pilot", version="3", digest="0" * 64, model="vela", markets=("cn", "de"), note="A note\nof two lines")
        draft = releases.draft(tx, lead, programme, said).id
        rows.insert(tx, "image", area_of(lead, programme), {
            "release": draft, "path": "vela/pilot-3/a.img", "role": "pilot", "hardware": ["hw-1"], "length": 9, "sha256": "1" * 64,
        })  # fmt: skip
        service.file(tx, lead, programme, ids["one"], "cn", Filing.FILED, reference="7")
        names = [f"CAR{number}" for number in range(3)]
        ecus = {name: {f"{name}-1": Ecu(f"{name}-1", "hw-1", "pilot", primary=True)} for name in names}
        cars.register_all(tx, lead, programme, [CarDraft(Vehicle(name, "vela", "cn", ecus[name]), ("A feature",)) for name in names])
        groups = (
            Group(name="All", soak=timedelta(), attempts=1, thresholds=Thresholds(least=1, error=0.3)),
            Group(name="None", markets=("de",)),
        )
        rollout = service.launch(tx, service.draft(tx, lead, programme, Plan(name="Spring", release=ids["one"], groups=groups)).id)
    with platform.database.transaction(managers["huawei"][0].actor) as tx:
        decisions.approve(tx, rollout.decision, "")
    server = Actor(lead, purpose="test")
    with platform.database.transaction(server) as tx:
        service.advance(tx, rollout.id)
        service.offers(tx, lead, programme, names)
        for name, attack in zip(names, (Attack.FREEZE, Attack.EVIDENCE_WITHDRAWN, None), strict=True):
            told = Told.REFUSED if attack else Told.INSTALLED
            service.record(tx, lead, programme, [CarEvent(car=name, counter=1, told=told, at=tx.now, attack=attack, problem="so it was")])
        told_ = (lead, lead, programme, names[0], 1, tx.now, "2" * 64, b"{}")
        tx.execute(
            "insert into release.manifest (organisation, lead, programme, vehicle, counter, created_at, digest, raw, attacks)"
            " values (%s, %s, %s, %s, %s, %s, %s, %s, '{freeze}')", told_,
        )  # fmt: skip
        tx.execute(
            "insert into release.update_record (organisation, lead, programme, vehicle, counter, created_at, digest, envelope, rollout)"
            " values (%s, %s, %s, %s, %s, %s, %s, %s, %s)", (*told_, rollout.id),
        )  # fmt: skip
    with platform.database.transaction(managers["huawei"][0].actor) as tx:
        evidence = releases.one(tx, ids["two"]).evidence
        assert evidence is not None
        withdrawals.withdraw(tx, lead, programme, evidence.sha256, "It brakes\ntoo late.")
        (listing,) = [one for one in signatures.changes(tx, lead, programme) if one.purpose == "withdrawal"]
    every = "/console/release/releases"
    for one in (
        "/console/release", home, f"{home}?before={ids['two']}", f"{home}/repository", f"{home}/rollouts", f"{home}/rollouts/new",
        f"{home}/cars", f"{home}/cars?find=CAR1", f"{home}/cars?find=nothing", f"{home}/cars/{names[0]}", f"{home}/cars/{names[2]}",
        f"{every}/{ids['one']}", f"{every}/{ids['two']}", f"{every}/{draft}", f"/console/release/changes/{change}",
        f"/console/release/changes/{listing.id}", f"/console/release/rollouts/{rollout.id}",
    ):  # fmt: skip
        made.see(one)
    made.see(f"{home}/cars/NOBODY", status=404)
    made.downloads += [
        f"{home}/repository/image/timestamp.json", f"/console/release/documents/{document}/payload", f"{home}/cars/{names[0]}/manifests/1",
        f"{home}/cars/{names[0]}/records/1",
    ]  # fmt: skip
    rollout_ = f"/console/release/rollouts/{rollout.id}"
    for place, fields, status in (
        (home, {"release_name": "P", "rxswin": "nothing"}, 422), (f"{every}/{draft}/images", {"role": "pilot"}, 422),
        (f"{every}/{draft}/images/remove", {"path": "nothing"}, 409), (f"{every}/{draft}/evidence", {}, 422),
        (f"{every}/{draft}/ask", {}, 409),
        (f"{every}/{ids['two']}/withdraw", {"reason": "Again"}, 409),
        (f"{every}/{ids['one']}/filings", {"market": "cn", "state": "?"}, 422),
        (f"{home}/repository/keys", {}, 409), (f"{home}/repository/roots", {"models": "nothing"}, 422),
        (f"{home}/repository/renewals", {}, 409), (f"/console/release/changes/{listing.id}/drop", {"reason": "No"}, 409),
        (f"/console/release/documents/{document}/sign", {"signed": "{}"}, 409), (f"{home}/rollouts/new", {"name": "N"}, 422),
        (f"{rollout_}/resume", {"reason": "R"}, 409), (f"{home}/cars", {"vehicle": "{}"}, 422),
        (f"{home}/cars/{names[0]}/entitlements", {"entitlements": "E"}, 403), (f"{home}/cars/{names[0]}/token", {}, 403),
        (f"{home}/cars/{names[0]}/retire", {}, 403),
    ):  # fmt: skip
        made.send(place, fields, status)


def _begun(platform: Platform, lead: str, programme: UUID, managers: dict[str, list[Manager]]) -> tuple[UUID, UUID]:
    """The repository in force, and a next root that waits; that change and one of its documents."""
    for code, people in managers.items():
        with platform.database.transaction(people[0].actor) as tx:
            repositories.name_keys(tx, platform.party, lead, programme, [FileSigner(one.key, code).key.id for one in people])
    with platform.database.transaction(managers[lead][0].actor) as tx:
        first = repositories.begin(tx, platform.online, lead, programme, {"vela": ["hw-1"]})
    for person in [one for people in managers.values() for one in people[:2]]:
        with platform.database.transaction(person.actor) as tx:
            mine = signatures.to_sign(tx, first.id)
        for document in mine:
            signer = FileSigner(person.key, person.organisation)
            with platform.database.transaction(person.actor) as tx:
                if person.organisation not in signatures.document(tx, document.id).lacks:
                    continue
                file = signed_files.dumps(document.payload, signer)
                asked = signatures.begin_signing(tx, platform.party, document.id, file)
            answer = person.device.get(asked.options, site_of(platform.party))
            with platform.database.transaction(person.actor) as tx:
                value = signer.sign(document.payload).hex()
                signatures.finish_signing(tx, platform.party, platform.online, document.id, asked.challenge, answer, value)
    with platform.database.transaction(managers[lead][0].actor) as tx:
        pending = repositories.next_root(tx, platform.online, lead, programme, {"vela": ["hw-1", "hw-2"]})
    return pending.id, pending.documents[0].id
