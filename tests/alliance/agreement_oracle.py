"""Who decides, sees, signs and sells, read off raw documents with plain loops: a second opinion that shares no code with Marque.

documents: parsed JSON of every revision of one agreement, in any order. signatures: dictionaries with "organisation", "digest" (of the
document's canonical text) and "at" (an aware datetime), in any order.
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta

DAY = timedelta(days=1)


def digest_of(document):
    """Canonical JSON by the standard library: right for the strings, whole numbers and ASCII keys that documents consist of."""
    text = json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def in_force(documents, signatures, at):
    """The document in force at an instant, or None: of those complete by then, the one with the highest number."""
    best = None
    for document in documents:
        year, month, day = (int(part) for part in document["effective"].split("-"))
        if at < datetime(year, month, day, tzinfo=UTC):
            continue
        digest = digest_of(document)
        complete = True
        for organisation in document["parties"] + document.get("leaving", []):
            signed = False
            for signature in signatures:
                if signature["organisation"] == organisation and signature["digest"] == digest and signature["at"] <= at:
                    signed = True
            complete = complete and signed
        if complete and (best is None or document["number"] > best["number"]):
            best = document
    return best


def word(document, table, organisation, programme, process):
    """Of the "matrix" or the "sight" of a document; many cells of one instant are read from one document in force."""
    if document is None or organisation not in document["parties"]:
        return "none"
    special = document["programmes"].get(programme, {}).get(table, {}).get(process, {})
    if organisation in special:
        return special[organisation]
    return document[table].get(process, {}).get(organisation, "none")


def role(documents, signatures, org, programme, process, at):
    return word(in_force(documents, signatures, at), "matrix", org, programme, process)


def decides(documents, signatures, org, programme, process, at):
    return role(documents, signatures, org, programme, process, at) in ("leads", "co-decides")


def sees(documents, signatures, org, programme, process, at):
    """ "all", "own" or "none"; what an earlier transition left readable is not counted."""
    return word(in_force(documents, signatures, at), "sight", org, programme, process)


def signs(documents, signatures, org, programme, _process, at):
    return decides(documents, signatures, org, programme, "release-signature", at)


def sells(documents, signatures, org, programme, _process, at):
    return decides(documents, signatures, org, programme, "sales", at)
