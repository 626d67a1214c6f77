"""A programme's two repositories: keys named, begun by both, roots followed by roots, files as cars get them.

    name_keys (each party, for itself) → begin → everybody signs (`signatures`) → in force; later: name_keys, add a model → next_root → …

Served files are read under row-level security alone (`metadata`, `served`): a car's request acts for an organisation, and no person.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from marque.foundation import Transaction
from marque.release.model import Change, KeyHolder, Repository, Served

if TYPE_CHECKING:
    from marque.alliance.passkeys import RelyingParty
    from marque.release.online_keys import OnlineKeys


def name_keys(tx: Transaction, party: RelyingParty, lead: str, programme: UUID, keys: Sequence[str]) -> tuple[KeyHolder, ...]:
    """The acting organisation's release keys for the first or next root: ids of enrolled keys, of different people, one more than have to
    sign at least (2 of 3). Shares the organisation's directory of keys with the programme. Raises Missing, Denied, Refused.
    """
    raise NotImplementedError


def begin(tx: Transaction, online: OnlineKeys, lead: str, programme: UUID, models: Mapping[str, Sequence[str]]) -> Change:
    """Draft both first roots, the delegations of each model (by name, its ECUs' hardware ids) and both lists of withdrawals.

    Raises Missing, Denied, Refused while a party has named no keys, or when the repository is begun already.
    """
    raise NotImplementedError


def next_root(tx: Transaction, online: OnlineKeys, lead: str, programme: UUID, models: Mapping[str, Sequence[str]] | None = None) -> Change:
    """Draft the next roots from the keys named since, the agreement's parties and the server's online keys as they are now.

    So keys rotate, a lost one is replaced, a partner comes or leaves, a model is added (models None: as before), and expiries move on: the
    quorum of the root in force signs it, and its own. Raises as `begin`.
    """
    raise NotImplementedError


def state(tx: Transaction, lead: str, programme: UUID) -> Repository:
    """Raises Missing for a programme one has nothing to do with."""
    raise NotImplementedError


def served(tx: Transaction, lead: str, programme: UUID) -> tuple[Served, ...]:
    """The newest file of every role of both repositories; none before it is begun. One query, by row-level security alone."""
    raise NotImplementedError


def metadata(tx: Transaction, lead: str, programme: UUID, repository: str, name: str) -> bytes:
    """A file by its name there: `timestamp.json`, `7.snapshot.json`, `2.vela-gac.json`, `1.root.json`. Raises Missing."""
    raise NotImplementedError


def refresh_online(tx: Transaction, online: OnlineKeys, lead: str, programme: UUID) -> bool:
    """Sign timestamp and snapshot again where they have lived long enough; whether anything was signed. For the job `sign-timestamps`."""
    raise NotImplementedError
