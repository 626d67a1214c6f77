"""Claims and assignments as they stand in a target's `custom`: `{"marque": {claims}}` in the image repository, and in the director's
metadata the same object again with `"assign": {"ecus": {serial: hardware id}, "deltas": […]}` beside it.

Fields whose value is the empty one are left out. A claim that this version does not know is refused: it may be a limit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marque.car.attacks import Attack, UpdateRefused
from marque.car.uptane.claims import Assignment, Claims, Delta, Reach
from marque.car.uptane.fields import Fields

CLAIMS, ASSIGN = "marque", "assign"
DELTA_METHODS = ("zstd-patch", "bsdiff")


def claims_of(custom: Mapping[str, Any], file: str, repository: str = "") -> Claims:
    """What a target claims. Refused: EVIDENCE_MISSING where nothing is claimed, MALFORMED where it cannot be read."""
    if CLAIMS not in custom:
        raise UpdateRefused(Attack.EVIDENCE_MISSING, repository, file, "claims no evidence", "Publish it through a release.")
    said = Fields(custom, file, "custom", repository).inner(CLAIMS)
    if not said.has("evidence"):
        raise UpdateRefused(Attack.EVIDENCE_MISSING, repository, file, "names no evidence", "Publish it through a release.")
    claims = Claims(
        release=said.text("release"),
        version=said.text("version"),
        counter=said.count("counter", 1),
        digest=said.digest("digest"),
        evidence=said.digest("evidence"),
        verdict=said.text("verdict"),
        reach=tuple(_reach(each) for each in said.objects("reach")),
        hardware=said.texts("hardware"),
        rxswin=_texts(said, "rxswin"),
        requires=requires_of(said),
        conflicts=conflicts_of(said),
        entitlement=said.text("entitlement", ""),
    )
    said.end()
    return claims


def custom_of(claims: Claims) -> dict[str, Any]:
    """The inverse of `claims_of`: `{"marque": {…}}`."""
    said: dict[str, Any] = {
        "release": claims.release,
        "version": claims.version,
        "counter": claims.counter,
        "digest": claims.digest,
        "evidence": claims.evidence,
        "verdict": claims.verdict,
        "reach": [_reach_json(each) for each in claims.reach],
        "hardware": list(claims.hardware),
    }
    if claims.rxswin:
        said["rxswin"] = dict(claims.rxswin)
    said |= requirements_json(claims.requires, claims.conflicts)
    if claims.entitlement:
        said["entitlement"] = claims.entitlement
    return {CLAIMS: said}


def assignment_of(custom: Mapping[str, Any], file: str, repository: str = "") -> Assignment:
    """What the director wants of a target. Refused: MALFORMED, also where it is for no ECU."""
    said = Fields(custom, file, "custom", repository).inner(ASSIGN)
    ecus = _texts(said, "ecus")
    if not ecus:
        said.refuse("ecus", "names no ECU")
    deltas = tuple(_delta(each) for each in said.objects("deltas", optional=True))
    said.end()
    return Assignment(ecus=ecus, deltas=deltas)


def custom_with(claims: Claims, assignment: Assignment) -> dict[str, Any]:
    """The director's `custom`: what `claims_of` and `assignment_of` read back."""
    said: dict[str, Any] = {"ecus": dict(assignment.ecus)}
    if assignment.deltas:
        said["deltas"] = [
            {"method": each.method, "base": each.base, "path": each.path, "length": each.length, "sha256": each.sha256}
            for each in assignment.deltas
        ]
    return {**custom_of(claims), ASSIGN: said}


def requires_of(said: Fields) -> dict[str, int]:
    """By ECU role or release name, the least counter."""
    return counts_of(said, "requires")


def conflicts_of(said: Fields) -> dict[str, tuple[int, int]]:
    """By ECU role or release name, the first and the last counter."""
    if not said.has("conflicts"):
        return {}
    inner = said.inner("conflicts")
    return {each: _span(inner, each) for each in inner.names()}


def requirements_json(requires: Mapping[str, int], conflicts: Mapping[str, tuple[int, int]]) -> dict[str, Any]:
    """The two of them as claims and reports carry them; what is empty is left out."""
    said: dict[str, Any] = {"requires": dict(requires)} if requires else {}
    return said | ({"conflicts": {name: list(span) for name, span in conflicts.items()}} if conflicts else {})


def counts_of(said: Fields, name: str) -> dict[str, int]:
    """Whole numbers from 1 on, by name; none where the field is not there."""
    if not said.has(name):
        return {}
    inner = said.inner(name)
    return {each: inner.count(each, 1) for each in inner.names()}


def _reach(said: Fields) -> Reach:
    reach = Reach(said.text("model"), said.text("market"), said.texts("cells", optional=True))
    said.end()
    return reach


def _reach_json(reach: Reach) -> dict[str, Any]:
    said: dict[str, Any] = {"model": reach.model, "market": reach.market}
    return said | {"cells": list(reach.cells)} if reach.cells else said


def _delta(said: Fields) -> Delta:
    delta = Delta(said.text("method"), said.digest("base"), said.text("path"), said.count("length", 1), said.digest("sha256"))
    said.end()
    return delta


def _texts(said: Fields, name: str) -> dict[str, str]:
    if not said.has(name):
        return {}
    inner = said.inner(name)
    return {each: inner.text(each) for each in inner.names()}


def _span(said: Fields, name: str) -> tuple[int, int]:
    found = said.items(name)
    if len(found) != 2 or not all(type(end) is int for end in found) or not 0 <= found[0] <= found[1]:
        said.refuse(name, "is not a first and a last counter")
    return found[0], found[1]
