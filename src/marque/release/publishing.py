"""From signed documents to files that cars get: assembled, put before the car's own rules, stored with a new snapshot and timestamp.

Nothing is served that the car's client would refuse: the same code that verifies in the vehicle looks at all of it first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from marque.alliance.access import Area
from marque.car.attacks import UpdateRefused
from marque.car.tuf import reading
from marque.car.tuf.model import File, Metadata, Root, Snapshot, Timestamp
from marque.car.tuf.trusted import Trusted, check_root, check_successor
from marque.common import Refusal, Refused, ok
from marque.foundation import Transaction
from marque.release.drafts import Held, held
from marque.release.model import DIRECTOR, IMAGE, Document
from marque.release.online_keys import OnlineKeys
from marque.release.repository import keys as signers
from marque.release.repository import online as rendered
from marque.release.repository import writing
from marque.release.store import changes as change_store
from marque.release.store import metadata as store

TIMESTAMP_LIFE, SNAPSHOT_LIFE = timedelta(days=1), timedelta(days=7)
"""A car that is shown nothing newer knows after a day that it is held back (freeze)."""
TIMESTAMP_AGE, SNAPSHOT_AGE = timedelta(hours=1), timedelta(days=3)
"""After which they are signed again."""
KEEP_ONLINE = timedelta(days=30)
"""How long superseded timestamps and snapshots stay to be read; cars on their way take minutes."""


def now_held(tx: Transaction, area: Area) -> Held:
    """What is published of a programme. By row-level security alone."""
    return held(store.newest(tx, area.lead, area.programme))


def publish(tx: Transaction, online: OnlineKeys, area: Area, documents: Sequence[Document], before: Held) -> None:
    """Files of these documents, complete as they are. Raises Refused for what cars would refuse; then nothing was published."""
    files: dict[tuple[str, str], bytes] = {}
    for one in documents:
        if one.version != before.version(one.repository, one.role) + 1:
            details = {"file": one.file, "published": str(before.version(one.repository, one.role))}
            ok(Refusal("a file was published since this was drafted; drop the change and draft it again", details))
        files[one.repository, one.role] = writing.dumps(one.payload, change_store.signatures(tx, one.id))
    try:
        _publish(tx, online, area, files, before)
    except UpdateRefused as fault:
        raise Refused(Refusal("cars would refuse what is to be published", {"because": str(fault).splitlines()[0]})) from fault
    store.prune(tx, area.lead, area.programme, ("timestamp", "snapshot"), tx.now - KEEP_ONLINE)


def refresh(tx: Transaction, online: OnlineKeys, area: Area) -> bool:
    """Snapshot and timestamp signed anew where they have lived long enough; whether any was."""
    before = now_held(tx, area)
    if before.root is None or before.timestamp is None or before.snapshot is None:
        return False
    if tx.now < before.timestamp.said.expires - TIMESTAMP_LIFE + TIMESTAMP_AGE:
        return False
    stale = tx.now >= before.snapshot.said.expires - SNAPSHOT_LIFE + SNAPSHOT_AGE
    if stale:
        snapshot = _snapshot(tx, online, area, before, {})
        before = replace(before, snapshot=snapshot)
    _timestamp(tx, online, area, before)
    store.prune(tx, area.lead, area.programme, ("timestamp", "snapshot"), tx.now - KEEP_ONLINE)
    return True


def _publish(tx: Transaction, online: OnlineKeys, area: Area, files: Mapping[tuple[str, str], bytes], before: Held) -> None:
    root, director = _roots(files, before)
    for (repository, role), raw in files.items():
        version, expires = _head(role, raw, repository)
        store.insert(tx, area, repository, role, version, expires, raw)
    new = {role: raw for (repository, role), raw in files.items() if repository == IMAGE and role != "root"}
    read = {role: reading.targets(raw, f"{role}.json", IMAGE) for role, raw in new.items()}
    after = replace(before, root=root, director=director, files={**before.files, **read})
    meta = {f"{role}.json": rendered.file_of(raw, after.files[role].said.version) for role, raw in new.items()}
    after = replace(after, snapshot=_snapshot(tx, online, area, after, meta))
    after = replace(after, timestamp=_timestamp(tx, online, area, after))
    _as_a_car(after, before, new, tx.now)


def _roots(files: Mapping[tuple[str, str], bytes], before: Held) -> tuple[Metadata[Root], Metadata[Root]]:
    """Both roots after this, each the successor of what was before it."""
    found = []
    for repository, held_ in ((IMAGE, before.root), (DIRECTOR, before.director)):
        raw = files.get((repository, "root"))
        if raw is None:
            if held_ is None:
                ok(Refusal("the repository is not begun; both partners name their keys and sign its first root"))
            assert held_ is not None
            found.append(held_)
            continue
        new = reading.root(raw, "root.json", repository)
        check_root(new.said, repository)
        if held_ is not None:
            check_successor(held_.said, new, repository)
        found.append(new)
    return found[0], found[1]


def _head(role: str, raw: bytes, repository: str) -> tuple[int, datetime]:
    said = reading.root(raw, "root.json", repository).said if role == "root" else reading.targets(raw, f"{role}.json", repository).said
    return said.version, said.expires


def _snapshot(tx: Transaction, online: OnlineKeys, area: Area, of: Held, meta: Mapping[str, File]) -> Metadata[Snapshot]:
    """The next one: everything the last one lists, for no file may disappear from it, and these."""
    assert of.root is not None
    before = of.snapshot.said if of.snapshot else None
    listed = {**(before.meta if before else {}), **meta}
    made = rendered.snapshot_of(before.version + 1 if before else 1, tx.now + SNAPSHOT_LIFE, listed)
    raw = signers.signed(made, [online.signing("snapshot", of.root.said)])
    store.insert(tx, area, IMAGE, "snapshot", made.version, made.expires, raw)
    return reading.snapshot(raw, "snapshot.json", IMAGE)


def _timestamp(tx: Transaction, online: OnlineKeys, area: Area, of: Held) -> Metadata[Timestamp]:
    assert of.root is not None
    assert of.snapshot is not None
    version = of.timestamp.said.version + 1 if of.timestamp else 1
    made = rendered.timestamp_of(version, tx.now + TIMESTAMP_LIFE, of.snapshot.raw, of.snapshot.said.version)
    raw = signers.signed(made, [online.signing("timestamp", of.root.said)])
    store.insert(tx, area, IMAGE, "timestamp", made.version, made.expires, raw)
    return reading.timestamp(raw, "timestamp.json", IMAGE)


def _as_a_car(after: Held, before: Held, new: Mapping[str, bytes], now: datetime) -> None:
    """What a car does with it that knows everything before it. Raises UpdateRefused."""
    assert after.root is not None
    assert after.timestamp is not None
    assert after.snapshot is not None
    director = Trusted(after.director.raw, now, repository=DIRECTOR) if after.director else None
    if director is not None:
        director.fresh(director.root.said, "root.json")
    car = Trusted(before.root.raw if before.root else after.root.raw, now, repository=IMAGE)
    if before.root is not None and after.root.said.version > before.root.said.version:
        car.update_root(after.root.raw)
    car.update_timestamp(after.timestamp.raw)
    car.update_snapshot(after.snapshot.raw)
    car.update_targets(after.files["targets"].raw)
    delegated = car.targets["targets"].said.delegations
    for one in delegated.roles if delegated else ():
        # Under new delegations every file has to hold, not only those that came with them.
        if one.name in after.files and (one.name in new or "targets" in new):
            car.update_targets(after.files[one.name].raw, one.name, "targets", before.files.get(one.name))
