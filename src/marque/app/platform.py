"""The companies' side of Marque, running: a database that is as it must be, the doors to it, and what the worker does."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from marque import alliance
from marque.alliance import audit, transitions
from marque.alliance.audit import LogKey
from marque.alliance.passkeys import RelyingParty
from marque.app.caches import cache_folder
from marque.app.settings import Settings
from marque.common import MarqueError
from marque.foundation import Actor, Clock, Database, Job, Registry, embedded, health
from marque.foundation.blobs import BlobStore, store_at
from marque.foundation.catalogue import OnPurpose, faults
from marque.foundation.embedded import Addresses
from marque.foundation.migrations import migrate, of_rooms
from marque.release import jobs as release_jobs
from marque.release.devices import deltas
from marque.release.online_keys import OnlineKeys
from marque.release.rollouts import jobs as rollout_jobs

ROOMS = ("foundation", "alliance", "product", "release")
"""Those with a schema, from below."""
ON_PURPOSE = OnPurpose(shared=alliance.SHARED_TABLES, unique=alliance.UNIQUE_EVERYWHERE)


@dataclass(frozen=True)
class Platform:
    """What pages and commands of the companies' rooms need. party: whom passkeys answer to."""

    settings: Settings
    addresses: Addresses
    database: Database
    party: RelyingParty
    embedded_in: Path | None
    log: LogKey

    @property
    def clock(self) -> Clock:
        return self.database.clock

    @cached_property
    def blobs(self) -> BlobStore:
        """Images, evidence, deltas."""
        return store_at(self.settings.blobs)

    @cached_property
    def online(self) -> OnlineKeys:
        """What the server signs releases' metadata with."""
        return OnlineKeys(self.settings.keys_folder)

    @cached_property
    def readiness(self) -> health.Health:
        """What has to be well for this process to do its work."""
        checks: dict[str, health.Ask] = {
            "database": health.database_answers(self.database),
            "migrations": health.migrations_current(self.database, of_rooms(ROOMS)),
            "outbox": health.outbox_flows(self.database),
        }
        if self.embedded_in is not None:
            checks["disk"] = health.disk_has_space(self.embedded_in)
        return health.Health(checks)

    def close(self) -> None:
        self.database.close()
        if self.embedded_in is not None:
            embedded.stop(self.embedded_in)


def start(settings: Settings, clock: Clock) -> Platform:
    """Start or join the database, bring its schema up to date, and make sure that no table of it has a hole in its wall.

    Raises MarqueError naming what does not start, what could not be applied, or where the hole is.
    """
    addresses, folder = settings.addresses(), None
    if addresses is None:
        folder = settings.database_folder.expanduser().resolve()
        addresses = embedded.start(folder)
    migrate(addresses.owner, of_rooms(ROOMS))
    with psycopg.connect(addresses.owner) as connection:
        if found := faults(connection, ROOMS, ON_PURPOSE):
            raise MarqueError("The database would show rows to who may not see them; nothing is served:\n  " + "\n  ".join(map(str, found)))
    host = urlsplit(settings.public_origin).hostname or "localhost"
    party = RelyingParty(host, "Marque", (settings.public_origin.rstrip("/"),))
    log = LogKey(f"{host}/audit", server_key(settings.keys_folder / "audit-log.pem"))
    return Platform(settings, addresses, Database(addresses.app, clock).open(), party, folder, log)


def server_key(file: Path) -> Ed25519PrivateKey:
    """A key the server signs with by itself, made at the first start; readable by its owner alone. Raises MarqueError when it is none."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        made = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        with contextlib.suppress(FileExistsError), os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened:
            opened.write(made)
    try:
        key = load_pem_private_key(file.read_bytes(), None)
    except (OSError, ValueError, TypeError) as fault:
        raise MarqueError(f"{file.name} cannot be read as a key: {fault}.") from fault
    if not isinstance(key, Ed25519PrivateKey):
        raise MarqueError(f"{file.name} holds another kind of key than Ed25519.")
    return key


def registry(platform: Platform) -> Registry:
    """What the worker does: what agreements leave to be done on their day, checkpoints of the audit log, circuits of lines, releases."""
    addresses, log = platform.addresses, platform.log
    made = Registry()
    made.every("* * * * *", "sign-checkpoint", lambda database, _: _sign_checkpoint(database, log))
    made.every("* * * * *", "apply-transitions", lambda database, _: _apply_transitions(database, addresses))
    made.job("compile-line", _compile_line)
    release_jobs.register(made, addresses, platform.party, platform.online)
    rollout_jobs.register(made, addresses, lambda: platform.online.records)
    made.job("make-deltas", lambda database, job: deltas.make_all(database, job, platform.blobs))
    made.on("release.published", "deltas", deltas.after_publication)
    return made


def _sign_checkpoint(database: Database, log: LogKey) -> None:
    with database.transaction() as tx:
        audit.sign_checkpoint(tx, log)


def _apply_transitions(database: Database, addresses: Addresses) -> None:
    with Database(addresses.worker, database.clock, connections=1) as worker, worker.transaction() as tx:
        due = transitions.due_organisations(tx)
    for organisation in due:
        with database.transaction(Actor(organisation, purpose="job apply-transitions")) as tx:
            transitions.apply_due(tx)


def _compile_line(database: Database, job: Job) -> None:
    from marque.product import storefront

    storefront.compile_line(database, job, cache_folder("product"))
