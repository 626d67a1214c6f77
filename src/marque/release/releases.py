"""Releases: drafted, given images, proven by sealed evidence, put up for signatures; published with the last of them.

Who drafts has a role in `release-signature` and the duty of an engineer or product person; who puts up for signatures and signs, that of a
release manager of an organisation that decides there. Whatever is not the asker's to see is missing.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO
from uuid import UUID

from marque.alliance import keys
from marque.alliance.access import Action, Record, allowed, require
from marque.common import InputError, Missing, Refusal, ok
from marque.foundation import Transaction
from marque.foundation.blobs import Source
from marque.proof.evidence import Latest, Report, archive, verify
from marque.release import acts, drafts, publishing, rules
from marque.release.model import Change, Draft, Image, Purpose, Release, area_of
from marque.release.repositories import as_it_stands, open_change, share_directory
from marque.release.store import changes as change_store
from marque.release.store import keys as key_store
from marque.release.store import releases as store
from marque.release.store import rows
from marque.release.store import withdrawals as withdrawal_store

if TYPE_CHECKING:
    from marque.alliance.passkeys import RelyingParty
    from marque.foundation.blobs import BlobStore

PAGE, MOST = 50, 200
_MAKES = (Action.CREATE, Action.SIGN)
_LONGEST_CHECK = timedelta(minutes=10)
"""How long evidence may be read while its transaction waits."""


def draft(tx: Transaction, lead: str, programme: UUID, given: Draft) -> Release:
    """A new release, with the next counter of its name and model. Raises Missing, Denied, Refused for a version that there is already."""
    area = area_of(lead, programme)
    acts.either(tx, _MAKES, area)
    rows.lock(tx, programme)
    if (refused := rules.draft(given, store.names(tx, area))) is not None:
        ok(refused)
    made = store.insert(tx, area, given, store.last_counter(tx, area, given.name, given.model) + 1)
    release = one(tx, made)
    acts.told(tx, area, "drafted", acts.about(release))
    return release


def add_image(tx: Transaction, blobs: BlobStore, release: UUID, name: str, role: str, hardware: Sequence[str], source: Source) -> Release:
    """A file of a draft of one's own organisation. name: of the file; role: of the ECU. Raises Missing, Denied, Refused."""
    found = _own(tx, release)
    if (refused := rules.image(found, name, role, hardware, as_it_stands(tx, found.area))) is not None:
        ok(refused)
    with _in_hand(source) as file:
        length = file.stat().st_size
        if not length:
            ok(Refusal("an image has a byte at least"))
        sha256 = blobs.of(tx.actor.organisation).put(file)
    path = rules.path_of(found, name)
    store.add_image(tx, found, Image(path=path, role=role, hardware=tuple(hardware), length=length, sha256=sha256))
    acts.told(tx, found.area, "image-added", acts.about(found) | {"path": path, "sha256": sha256, "length": length})
    return one(tx, release)


def remove_image(tx: Transaction, release: UUID, path: str) -> Release:
    """Raises as `add_image`."""
    found = _own(tx, release)
    if not rules.unsettled(found):
        ok(Refusal("images change only before signatures are asked for", {"stage": found.stage}))
    if not store.remove_image(tx, release, path):
        raise Missing("image")
    acts.told(tx, found.area, "image-removed", acts.about(found) | {"path": path})
    return one(tx, release)


def attach_evidence(tx: Transaction, blobs: BlobStore, party: RelyingParty, release: UUID, source: Source) -> Release:
    """Verify a sealed evidence file against the parties' directories of keys, keep it as a blob, and attach it.

    Refused, naming every finding, for evidence that does not hold: of another release, model or party, expired, replayed, with a cell that
    FAILED or none that PASSED, or withdrawn. Other evidence may take its place until signatures are asked for.
    """
    found = one(tx, release)
    acts.either(tx, _MAKES, found.area)
    rows.patient(tx, _LONGEST_CHECK)
    parties = rows.parties(tx, found.area)
    directories = key_store.directories(tx, found.area)
    if tx.actor.organisation in parties:
        share_directory(tx, party, found.area)
        directories[tx.actor.organisation] = keys.directory(tx, party).dumps()
    with _in_hand(source) as file:
        sha256 = _digest(file)
        judges = _judges(file) or parties
        if lacking := [one for one in {*judges, *parties} if one not in directories]:
            ok(Refusal("a party has not shown its directory of keys to this programme yet", {"party": ", ".join(sorted(lacking))}))
        report = _verified(tx, found, file, sha256, {one: directories[one] for one in judges})
        found = _held(tx, release)  # only now: nobody waits while the runs are read
        withdrawn = withdrawal_store.among(tx, found.lead, found.programme, [sha256])
        if (refused := rules.evidence(found, report, parties, withdrawn, sha256)) is not None:
            ok(refused)
        blobs.of(tx.actor.organisation).put(file)
    store.add_evidence(tx, found, sha256, _said(report))
    proven = one(tx, release)
    acts.told(tx, found.area, "proven", acts.about(proven))
    return proven


def ask_signatures(tx: Transaction, release: UUID) -> Change:
    """Draft the role files of both organisations with this release in them, and open the change that their people sign (`signatures`).

    Refused without images or evidence that holds now, while another release of the model is being signed, for a counter that is not higher
    than what is published, and while the repository's parties are not those who decide by the agreement.
    """
    found = _held(tx, release)
    area = found.area
    acts.by_person(tx, Action.SIGN, area)
    repository, before = as_it_stands(tx, area), publishing.now_held(tx, area)
    published = store.published(tx, area, found.name, found.model)
    if (refused := rules.signable(found, repository, published, change_store.open_of(tx, area), tx.now)) is not None:
        ok(refused)
    parties = {one: [holder.key.id for holder in repository.keys if holder.organisation == one] for one in repository.parties}
    listed = [evidence for file in before.files.values() for evidence in drafts.evidence_in(file.said)]
    gone = withdrawal_store.among(tx, found.lead, found.programme, listed)
    documents = drafts.release(found, parties, before, gone, tx.now)
    change = open_change(tx, area, Purpose.RELEASE, str(found.id), f"{found.name} {found.version} for {found.model}", documents)
    acts.told(tx, area, "signing", acts.about(found) | {"change": str(change.id)})
    return change


def one(tx: Transaction, release: UUID) -> Release:
    """Raises Missing."""
    found = store.by_ids(tx, [release])
    if not found or not _seen(tx, found):
        raise Missing("release")
    return found[0]


def page(tx: Transaction, lead: str, programme: UUID, before: UUID | None = None, limit: int = PAGE) -> list[Release]:
    """The newest visible releases first. Raises Missing for a programme one has nothing to do with."""
    area = area_of(lead, programme)
    found = _seen(tx, store.page(tx, area, before, max(1, min(limit, MOST))))
    if not found:
        require(tx, Action.VIEW, area)
    return found


def distributable(tx: Transaction, releases: Collection[UUID]) -> frozenset[UUID]:
    """Of these, the ones that cars may be given now: published, and nobody has withdrawn their evidence. By row-level security alone,
    in one query, for roll-outs and devices: ask it in the transaction that offers.
    """
    return frozenset(store.distributable(tx, releases)) if releases else frozenset()


def by_ids(tx: Transaction, releases: Collection[UUID]) -> dict[UUID, Release]:
    """Visible ones of these, by row-level security alone; a fixed number of queries."""
    return {one.id: one for one in store.by_ids(tx, releases)} if releases else {}


def _own(tx: Transaction, release: UUID) -> Release:
    """A release that the acting organisation drafted, held until the transaction ends."""
    found = _held(tx, release)
    acts.either(tx, _MAKES, found.area)
    if found.organisation != tx.actor.organisation:
        ok(Refusal("a release's images are up to the organisation that drafted it", {"drafted by": found.organisation}))
    return found


def _held(tx: Transaction, release: UUID) -> Release:
    rows.lock(tx, one(tx, release).programme)
    return one(tx, release)


def _verified(tx: Transaction, found: Release, file: Path, sha256: str, directories: Mapping[str, bytes]) -> Report:
    """As whoever reads it, who knows what was attached before: a verdict replayed, a hidden suite that was opened for another release."""
    earlier = [said.body for said in store.evidence_of(tx, found.area) if said.sha256 != sha256]
    verdicts = [_latest(body) for body in earlier if (body["product"], body["model"]) == (found.name, found.model)]
    newest = max(verdicts, key=lambda one: one.sequence, default=None)
    opened = {commitment: body["release"] for body in earlier for digests in body["opened"].values() for commitment in digests}
    report = verify(file, directories, now=tx.now, release=found.digest, latest=newest, opened=opened)
    return replace(report, file="evidence")


def _judges(file: Path) -> tuple[str, ...]:
    """Whose directories of keys a sealed file holds; none where it cannot be read, which its verification says better."""
    try:
        with archive.opened(file) as held:
            return held.organisations
    except archive.Broken:
        return ()


def _latest(body: Mapping[str, Any]) -> Latest:
    return Latest(body["product"], body["model"], body["sequence"], datetime.fromisoformat(body["verified"]), body["summary"])


def _said(report: Report) -> dict[str, Any]:
    """What is kept of sound evidence beside the file itself."""
    assert report.release is not None
    assert report.latest is not None
    assert report.expires is not None
    return {
        "product": report.release.name, "release": report.release.digest, "model": report.model, "sequence": report.latest.sequence,
        "summary": report.latest.summary, "verified": report.latest.verified.isoformat(), "expires": report.expires.isoformat(),
        "runs": report.runs.lines if report.runs else 0, "signers": dict(report.signers.get("verification-summary.dsse.json", {})),
        "opened": {name: list(digests) for name, digests in report.opened.items()},
        "cells": [{"model": one.model, "cell": one.cell, "answer": one.answer, "reasons": list(one.reasons)} for one in report.verdicts],
    }  # fmt: skip


@contextmanager
def _in_hand(source: Source) -> Iterator[Path]:
    """Everything that was given, as a file. Raises InputError when it cannot be read."""
    if isinstance(source, Path):
        if not source.is_file():
            raise InputError(source.name, "", "it is no file that can be read")
        yield source
        return
    with tempfile.NamedTemporaryFile(prefix="marque-release-") as file:
        if isinstance(source, (bytes, bytearray, memoryview)):
            file.write(source)
        else:
            shutil.copyfileobj(source, file)
        file.flush()
        yield Path(file.name)


def _digest(file: Path) -> str:
    opened: BinaryIO
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _seen(tx: Transaction, found: list[Release]) -> list[Release]:
    """The gate's answer for each; row-level security has given its own already."""
    asked = [Record(one.area, one.organisation, one.created_at) for one in found]
    return [one for one, seen in zip(found, allowed(tx, Action.VIEW, asked), strict=True) if seen]
