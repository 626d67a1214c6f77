"""What the worker does for releases: timestamps kept fresh, directories of keys shown as they change."""

from __future__ import annotations

import structlog

from marque.alliance.passkeys import RelyingParty
from marque.common import MarqueError
from marque.foundation import Actor, Database, Event, Registry, Transaction
from marque.foundation.embedded import Addresses
from marque.release import repositories
from marque.release.online_keys import OnlineKeys
from marque.release.store import metadata as store

_log = structlog.get_logger("marque.release")
_OF_KEYS = ("alliance.key-enrolled", "alliance.key-revoked", "alliance.passkey-registered", "alliance.passkey-revoked")


def register(made: Registry, addresses: Addresses, party: RelyingParty, online: OnlineKeys) -> None:
    """The room's jobs and handlers."""
    made.every("*/10 * * * *", "sign-timestamps", lambda database, _: sign_timestamps(database, addresses, online))

    def share(tx: Transaction, _: Event) -> None:
        repositories.share_everywhere(tx, party)

    for kind in _OF_KEYS:
        made.on(kind, "share-directory", share)


def sign_timestamps(database: Database, addresses: Addresses, online: OnlineKeys) -> int:
    """Of every repository whose timestamp has lived long enough; how many. One that cannot be signed keeps none of the others waiting."""
    with Database(addresses.worker, database.clock, connections=1) as worker, worker.transaction() as tx:
        places = store.repositories(tx)
    signed = 0
    for one in places:
        try:
            with database.transaction(Actor(one.organisation, purpose="job sign-timestamps")) as tx:
                signed += repositories.refresh_online(tx, online, one.lead, one.programme)
        except MarqueError as fault:
            _log.warning("timestamp-not-signed", lead=one.lead, programme=str(one.programme), fault=str(fault))
    return signed
