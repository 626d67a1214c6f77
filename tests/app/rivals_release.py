"""The release room's side of two rivals: releases, a change, a roll-out and a car, full of words that the other must never read.

Rows as their room would have written them: how a release comes to be signed is tested elsewhere.
"""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from uuid import UUID

from psycopg.types.json import Jsonb

from marque.car.uptane.vehicle import Ecu, Vehicle
from marque.foundation import Actor, Database
from marque.release.devices import cars
from marque.release.devices.model import Draft as CarDraft
from marque.release.model import Draft, area_of
from marque.release.rollouts import service
from marque.release.rollouts.model import Group, Plan
from marque.release.store import releases, rows

PUBLISHED = 4


def furnish(database: Database, side, word: str) -> None:
    """Published releases, a draft with an image above them, a change, a roll-out, and a car that reported."""
    actor = Actor(side.code, side.person, "test")
    for name in ("dark programme", "programme"):
        programme = side.ids[name]
        of, area = (side.code, programme), area_of(side.code, programme)
        car = f"{name.split()[0]}-{word}"
        with database.transaction(actor) as tx:
            made = [_release(tx, area, word, number) for number in range(1, PUBLISHED + 1)]
            draft = releases.insert(tx, area, _said(word, PUBLISHED + 1), 1)
            image = {"release": draft, "path": f"vela/pilot-{word}-9/{word}.img", "role": f"role-{word}", "hardware": [f"hw-{word}"],
                     "length": 9, "sha256": _sha(f"{car} image")}  # fmt: skip
            rows.insert(tx, "image", area, image)
            change = rows.insert(tx, "change", area, {"purpose": "repository", "subject": "", "title": f"Title {word}"})
            rules = [{"what": "this", "each": {side.code: 2}, "keys": {side.code: [f"key-{word}"]}}]
            payload = f'{{"word":"{word}"}}'.encode()
            document = rows.insert(tx, "document", area, {
                "change": change, "position": 0, "repository": "image", "role": f"vela-{word}", "version": 1, "payload": payload,
                "rules": Jsonb(rules), "digest": hashlib.sha256(payload).hexdigest(),
            })  # fmt: skip
            raw = _timestamp(word)
            rows.insert(tx, "metadata", area, {
                "repository": "image", "role": "timestamp", "version": 1, "expires": tx.now + timedelta(days=900), "raw": raw,
            })  # fmt: skip
            ecu = Ecu(f"ecu-{word}", f"hw-{word}", f"role-{word}", primary=True)
            cars.register(tx, *of, CarDraft(Vehicle(car, "vela", "cn", {ecu.serial: ecu}), (f"Feature {word}",)))
            rollout = service.draft(tx, *of, Plan(name=f"Roll-out {word}", release=made[0], groups=(Group(name=f"Group {word}"),))).id
            told = (*of, car, 1, tx.now, _sha(car), raw)
            tx.execute(
                "insert into release.manifest (organisation, lead, programme, vehicle, counter, created_at, digest, raw)"
                " values (%s, %s, %s, %s, %s, %s, %s, %s)", (side.code, *told),
            )  # fmt: skip
            tx.execute(
                "insert into release.update_record (organisation, lead, programme, vehicle, counter, created_at, digest, envelope, rollout)"
                " values (%s, %s, %s, %s, %s, %s, %s, %s, %s)", (side.code, *told, rollout),
            )  # fmt: skip
        if name == "programme":
            side.ids |= {"release": made[0], "draft release": draft, "change": change, "document": document, "rollout": rollout}
            side.words |= {"vehicle": car, "image": image["path"]}


KEPT_FOR_CEREMONIES = frozenset(
    f"POST /api/v1/{path}" for path in (
        "releases/{release}/evidence", "releases/{release}/signatures", "programmes/{lead}/{programme}/repository",
        "programmes/{lead}/{programme}/repository/roots", "programmes/{lead}/{programme}/repository/renewals",
        "programmes/{lead}/{programme}/repository/keys", "release-documents/{document}/signing", "release-documents/{document}/signatures",
        "programmes/{lead}/{programme}/withdrawals", "programmes/{lead}/{programme}/withdrawals/list", "rollouts/{rollout}/pause",
        "rollouts/{rollout}/halt", "rollouts/{rollout}/resume", "rollouts/{rollout}/finish",
    )
)  # fmt: skip
"""Operations that succeed only with keys and passkeys of both partners, a sealed evidence, or a roll-out that runs, which nobody has here.
What they answer when they do is tested with the release room; here every way of being refused is."""


def place(label: str, name: str, side):
    """What fits into a place of an address of the room's API; None: nothing special does."""
    if name == "release" and label.endswith("/images"):
        return side.ids["draft release"]
    return {"of": "image", "name": "timestamp.json"}.get(name) if label.endswith("/{of}/{name}") else None


def query(value: dict, label: str, side) -> dict:
    """An image that may be added, or the one that is there."""
    if label.startswith("DELETE") and "path" in value:
        return value | {"path": side.words["image"]}
    fitting = {"name": "a.img", "role": "pilot", "hardware": "hw-1"}
    return value | {name: one for name, one in fitting.items() if name in value and label.endswith("/images")}


def body(asker, label: str) -> dict | None:
    """A whole body that is a good one for its operation; None where the generated one will do."""
    new = f"{asker.chance.randrange(10**9)}"
    if label == "POST /api/v1/programmes/{lead}/{programme}/releases":
        return {"name": "spoken", "version": new, "digest": _sha(new), "model": "vela", "markets": ["cn"]}
    if label == "POST /api/v1/programmes/{lead}/{programme}/rollouts":
        return {"name": f"Spoken {new}", "release": str(asker.me.ids["release"]), "groups": [{"name": "All"}]}
    if label.startswith("POST") and label.endswith("/filings"):
        return {"market": "cn", "state": "filed", "reference": new}
    if label.startswith("POST") and label.endswith("/update-cars"):
        ecu = {"hardware": "hw-1", "role": "pilot", "primary": True}
        return {"cars": [{"vehicle": f"SPOKEN{new}", "model": "vela", "market": "cn", "ecus": {f"E{new}": ecu}}]}
    return None


def _said(word: str, number: int) -> Draft:
    return Draft(
        name=f"pilot-{word}-{number}", version=str(number), digest=_sha(f"{word} {number}"), model="vela", markets=("cn",),
        rxswin={"R157": f"rxswin {word}"}, requires={f"needs-{word}": 1}, conflicts={f"not-{word}": (1, 2)}, entitlement=f"Sold {word}",
        note=f"Note {word}",
    )  # fmt: skip


def _release(tx, area, word: str, number: int) -> UUID:
    made = releases.insert(tx, area, _said(word, number), 1)
    cells = [{"model": "vela", "cell": f"cell-{word}", "answer": "PASSED", "reasons": [f"Reason {word}"]}]
    body = {"verified": tx.now.isoformat(), "expires": (tx.now + timedelta(days=900)).isoformat(), "sequence": number, "summary": word,
            "runs": 9, "signers": {}, "cells": cells, "product": f"pilot-{word}-{number}", "model": "vela",
            "release": _sha(f"{word} {number}"),
            "opened": {}}  # fmt: skip
    rows.insert(tx, "evidence", area, {"release": made, "sha256": _sha(f"{area.programme} {number}"), "body": Jsonb(body)})
    change = rows.insert(tx, "change", area, {"purpose": "release", "subject": str(made), "title": f"Release {word}"})
    rows.insert(tx, "closing", area, {"change": change, "state": "in-force", "reason": f"Closed {word}"})
    return made


def _timestamp(word: str) -> bytes:
    """Well-formed; signed by nobody."""
    said = {"_type": "timestamp", "spec_version": "1.0.33", "version": 1, "expires": "2030-01-01T00:00:00Z",
            "meta": {"snapshot.json": {"version": 1}}, "word": word}  # fmt: skip
    return json.dumps({"signatures": [], "signed": said}).encode()


def _sha(said: str) -> str:
    return hashlib.sha256(said.encode()).hexdigest()
