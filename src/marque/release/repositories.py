"""A programme's two repositories: keys named, begun by both, roots followed by roots, files as cars get them.

    name_keys (each party, for itself) → begin → everybody signs (`signatures`) → in force; later: name_keys, add a model → next_root → …

Served files are read under row-level security alone (`metadata`, `served`): a car's request acts for an organisation, and no person.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from marque.alliance import keys
from marque.alliance.access import Action, Area, require
from marque.alliance.signing import PersonKey
from marque.car.tuf import reading
from marque.car.tuf.model import Root
from marque.common import InputError, Missing, Refusal, Refused, ok
from marque.foundation import Transaction
from marque.release import acts, drafts, publishing, rules
from marque.release.model import IMAGE, Change, KeyHolder, Purpose, Repository, Served, area_of
from marque.release.repository.roles import EACH, Party
from marque.release.store import changes as change_store
from marque.release.store import keys as key_store
from marque.release.store import metadata as store
from marque.release.store import rows

if TYPE_CHECKING:
    from marque.alliance.passkeys import RelyingParty
    from marque.release.online_keys import OnlineKeys

_VERSIONED = re.compile(r"([1-9][0-9]{0,8})\.([a-z0-9][a-z0-9_.-]{0,119})\.json")


def name_keys(tx: Transaction, party: RelyingParty, lead: str, programme: UUID, ids: Sequence[str]) -> tuple[KeyHolder, ...]:
    """The acting organisation's release keys for the first or next root: ids of enrolled keys, of different people, one more than have to
    sign at least (2 of 3). Shares the organisation's directory of keys with the programme. Raises Missing, Denied, Refused.
    """
    area = area_of(lead, programme)
    acts.by_person(tx, Action.SIGN, area)
    known = {one.id: one for one in keys.keys_of(tx, tx.actor.organisation)}
    if any(one not in known for one in ids):
        raise Missing("key")
    chosen = [known[one] for one in ids]
    if (refused := rules.keys(chosen, tx.now)) is not None:
        ok(refused)
    names = key_store.names_of(tx, [one.person for one in chosen])
    listed = [
        {
            "key": one.id, "public": one.public_key.hex(), "person": str(one.person), "name": names[one.person],
            "until": one.valid_until.isoformat(),
        }
        for one in chosen
    ]  # fmt: skip
    key_store.name(tx, area, listed)
    share_directory(tx, party, area)
    acts.told(tx, area, "keys-named", {"keys": [one.id for one in chosen]})
    return key_store.named(tx, area)[tx.actor.organisation]


def share_directory(tx: Transaction, party: RelyingParty, area: Area) -> bool:
    """Show the other party the acting organisation's keys and passkeys as they are now; whether that was anything new."""
    text = keys.directory(tx, party).dumps()
    return key_store.share(tx, area, text, hashlib.sha256(text).hexdigest())


def share_everywhere(tx: Transaction, party: RelyingParty) -> int:
    """To every programme that the acting organisation's directory was shown to; how many did not have it yet. For events of keys."""
    return sum(share_directory(tx, party, area_of(one.lead, one.programme)) for one in key_store.shared_in(tx))


def begin(tx: Transaction, online: OnlineKeys, lead: str, programme: UUID, models: Mapping[str, Sequence[str]]) -> Change:
    """Draft both first roots, the delegations of each model (by name, its ECUs' hardware ids) and both lists of withdrawals.

    Raises Missing, Denied, Refused while a party has named no keys, or when the repository is begun already.
    """
    area = area_of(lead, programme)
    acts.by_person(tx, Action.SIGN, area)
    rows.lock(tx, programme)
    before = publishing.now_held(tx, area)
    if before.root is not None:
        ok(Refusal("the repository is begun already; draft its next root"))
    return _draft_roots(tx, online, area, before, models, "The first root of both repositories")


def next_root(
    tx: Transaction,
    online: OnlineKeys,
    lead: str,
    programme: UUID,
    models: Mapping[str, Sequence[str]] | None = None,
    without: Sequence[str] = (),
) -> Change:
    """Draft the next roots from the keys named since, the agreement's parties and the server's online keys as they are now.

    So keys rotate, a lost one is replaced, a partner comes or leaves, a model is added (models None: as before), and expiries move on: the
    quorum of the root in force signs it, and its own. without: a party that the next root names no more, though it still decides by the
    agreement: an exit root, which it signs beforehand, and which the other completes on the day. Raises as `begin`.
    """
    area = area_of(lead, programme)
    acts.by_person(tx, Action.SIGN, area)
    rows.lock(tx, programme)
    before = publishing.now_held(tx, area)
    if before.root is None:
        ok(Refusal("the repository is not begun; both partners name their keys and sign its first root"))
    title = f"The next root, without {', '.join(without)}" if without else "The next root of both repositories"
    return _draft_roots(tx, online, area, before, before.models if models is None else models, title, without)


def renew(tx: Transaction, lead: str, programme: UUID) -> Change:
    """Draft anew, unchanged but for their expiry, the role files and lists that expire within a month. Raises as `begin`."""
    area = area_of(lead, programme)
    acts.by_person(tx, Action.SIGN, area)
    rows.lock(tx, programme)
    if (refused := rules.undisturbed(change_store.open_of(tx, area))) is not None:
        ok(refused)
    documents = drafts.renewals(publishing.now_held(tx, area), tx.now + drafts.RENEW_WITHIN, tx.now)
    if not documents:
        ok(Refusal("nothing that people signed expires soon; for roots and delegations draft the next root"))
    return open_change(tx, area, Purpose.RENEWAL, "", "Role files that expire soon, as they are", documents)


def nameable(tx: Transaction, lead: str, programme: UUID) -> list[tuple[PersonKey, str]]:
    """The acting organisation's keys that count now, with who holds each: what it may name. Raises Missing, Denied."""
    require(tx, Action.SIGN, area_of(lead, programme))
    known = keys.keys_of(tx, tx.actor.organisation, tx.now)
    names = key_store.names_of(tx, [one.person for one in known])
    return [(one, names.get(one.person, "")) for one in known]


def state(tx: Transaction, lead: str, programme: UUID) -> Repository:
    """Raises Missing for a programme one has nothing to do with."""
    area = area_of(lead, programme)
    require(tx, Action.VIEW, area)
    return as_it_stands(tx, area)


def as_it_stands(tx: Transaction, area: Area) -> Repository:
    """By row-level security alone."""
    root, targets = (store.raw(tx, area.lead, area.programme, IMAGE, role, None) for role in ("root", "targets"))
    said = reading.root(root, "root.json", IMAGE).said if root else None
    models = drafts.models_of(reading.targets(targets, "targets.json", IMAGE).said) if targets else {}
    ever, named = key_store.ever_named(tx, area), key_store.named(tx, area)
    pending = [one for one in change_store.open_of(tx, area) if one.purpose is Purpose.REPOSITORY]
    deciders = rows.parties(tx, area)
    return Repository(
        lead=area.lead, programme=area.programme, parties=drafts.parties_of(said) if said else (), deciders=deciders, models=models,
        root_version=said.version if said else 0, root_expires=said.expires if said else None,
        keys=tuple(ever[one] for one in said.roles["root"].keys if one in ever) if said else (),
        named=tuple(one for party in deciders for one in named.get(party, ())), each=EACH, pending=pending[0] if pending else None,
        served=tuple(store.served(tx, area.lead, area.programme)),
    )  # fmt: skip


def served(tx: Transaction, lead: str, programme: UUID) -> tuple[Served, ...]:
    """The newest file of every role of both repositories; none before it is begun. One query, by row-level security alone."""
    return tuple(store.served(tx, lead, programme))


def metadata(tx: Transaction, lead: str, programme: UUID, repository: str, name: str) -> bytes:
    """A file by its name there: `timestamp.json`, `7.snapshot.json`, `2.vela-gac.json`, `1.root.json`. Raises Missing."""
    matched = _VERSIONED.fullmatch(name)
    if name == store.UNVERSIONED:
        found = store.raw(tx, lead, programme, repository, store.TIMESTAMP, None)
    else:
        found = store.raw(tx, lead, programme, repository, matched[2], int(matched[1])) if matched else None
    if found is None or (matched is not None and matched[2] == store.TIMESTAMP):
        raise Missing("metadata file")
    return found


def root_in_force(tx: Transaction, lead: str, programme: UUID, repository: str) -> Root:
    """As read; for signers (`OnlineKeys.signing`). Raises Missing before the repository is begun. By row-level security alone."""
    raw = store.raw(tx, lead, programme, repository, "root", None)
    if raw is None:
        raise Missing("repository")
    return reading.root(raw, "root.json", repository).said


def parties_in_force(tx: Transaction, area: Area) -> tuple[str, ...]:
    """Whose people sign, by the root in force; none before it is begun. By row-level security alone."""
    raw = store.raw(tx, area.lead, area.programme, IMAGE, "root", None)
    return drafts.parties_of(reading.root(raw, "root.json", IMAGE).said) if raw else ()


def refresh_online(tx: Transaction, online: OnlineKeys, lead: str, programme: UUID) -> bool:
    """Sign timestamp and snapshot again where they have lived long enough; whether anything was signed. For the job `sign-timestamps`."""
    rows.lock(tx, programme)
    return publishing.refresh(tx, online, area_of(lead, programme))


def open_change(
    tx: Transaction, area: Area, purpose: Purpose, subject: str, title: str, documents: Sequence[change_store.Drafted]
) -> Change:
    """A change of these documents, open to be signed, and told."""
    made = change_store.insert(tx, area, purpose, subject, title, documents)
    acts.told(tx, area, "change-opened", {"change": str(made), "purpose": purpose, "subject": subject})
    found = change_store.by_id(tx, made)
    assert found is not None
    return found


def _draft_roots(
    tx: Transaction, online: OnlineKeys, area: Area, before: drafts.Held, models: Mapping[str, Sequence[str]], title: str,
    without: Sequence[str] = (),
) -> Change:  # fmt: skip
    if (refused := rules.undisturbed(change_store.open_of(tx, area))) is not None:
        ok(refused)
    if not models or not all(hardware for hardware in models.values()):
        ok(Refusal("a repository is of at least one vehicle model, each with the hardware ids of its ECUs"))
    standing = rows.parties(tx, area)
    deciders = [one for one in standing if one not in without]
    named = key_store.named(tx, area)
    if lacking := [one for one in deciders if one not in named]:
        ok(Refusal("a party has named no release keys yet", {"party": ", ".join(lacking)}))
    if not deciders or set(without) - set(standing):
        ok(Refusal("who leaves is one of the parties, and somebody stays", {"parties": ", ".join(standing)}))
    parties = [Party(one, tuple(holder.key for holder in named[one])) for one in deciders]
    if late := [holder for one in deciders for holder in named[one] if holder.valid_until <= tx.now]:
        ok(Refusal("a key that was named is not valid any more; name others", {"of": late[0].name}))
    ours = drafts.served(*(online.newest(role) for role in ("timestamp", "snapshot", "director", "time")))
    try:
        documents = drafts.repository(parties, models, ours, before, tx.now)
    except InputError as fault:
        raise Refused(Refusal("the keys do not make a quorum", {"because": f"{fault.place}: {fault.problem}"})) from fault
    return open_change(tx, area, Purpose.REPOSITORY, "", title, documents)
