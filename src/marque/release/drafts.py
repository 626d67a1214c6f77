"""What people are given to sign: the next root, delegations, role files and lists of withdrawals. Pure: from what is published to drafts.

A key that leaves a root takes its signatures with it. So a root's change carries, beside both roots and the delegations, every file that
would no longer have its quorum under them, with what it says unchanged, for the new keys to sign: nothing falls silent in between.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from marque.car.tuf import quorum, reading
from marque.car.tuf.model import Delegation, Delegations, Key, Metadata, Root, Snapshot, Target, Targets, Timestamp, Withdrawal
from marque.car.uptane.claims_json import CLAIMS, custom_of
from marque.release.model import DIRECTOR, IMAGE, Release, Rule, Withdrawn
from marque.release.repository import roles, writing
from marque.release.repository.keys import Signer
from marque.release.repository.roles import EACH, WITHDRAWN, Model, Party
from marque.release.repository.root import first_root
from marque.release.store.changes import Drafted
from marque.release.store.metadata import File

ROOT_LIFE = timedelta(days=2 * 365)
ROLE_LIFE = timedelta(days=365)
"""Of what people sign. After it cars install nothing new (freeze)."""
RENEW_WITHIN = timedelta(days=30)
"""What people signed and expires sooner than this is to be renewed; `waiting.for_me` reminds of it."""


@dataclass(frozen=True)
class Held:
    """What is published of a programme, as read; None and empty before it is begun. files: by role, of the image repository."""

    root: Metadata[Root] | None = None
    director: Metadata[Root] | None = None
    timestamp: Metadata[Timestamp] | None = None
    snapshot: Metadata[Snapshot] | None = None
    files: Mapping[str, Metadata[Targets]] = field(default_factory=dict)

    @property
    def targets(self) -> Metadata[Targets] | None:
        return self.files.get("targets")

    @property
    def parties(self) -> tuple[str, ...]:
        return parties_of(self.root.said) if self.root else ()

    @property
    def models(self) -> dict[str, tuple[str, ...]]:
        return models_of(self.targets.said) if self.targets else {}

    def version(self, repository: str, role: str) -> int:
        """Of the newest file of a role; 0: there is none."""
        if role == "root":
            one = self.director if repository == DIRECTOR else self.root
            return one.said.version if one else 0
        return self.files[role].said.version if role in self.files else 0


def held(files: Iterable[File]) -> Held:
    """From the newest file of each role."""
    made = Held()
    by_role: dict[str, Metadata[Targets]] = {}
    for one in files:
        name = f"{one.role}.json"
        match one.repository, one.role:
            case "director", "root":
                made = replace(made, director=reading.root(one.raw, name, DIRECTOR))
            case "image", "root":
                made = replace(made, root=reading.root(one.raw, name, IMAGE))
            case "image", "timestamp":
                made = replace(made, timestamp=reading.timestamp(one.raw, name, IMAGE))
            case "image", "snapshot":
                made = replace(made, snapshot=reading.snapshot(one.raw, name, IMAGE))
            case "image", role:
                by_role[role] = reading.targets(one.raw, name, IMAGE)
    return replace(made, files=by_role)


@dataclass(frozen=True)
class Served:
    """The server's own keys, public parts alone."""

    timestamp: Key
    snapshot: Key
    director: Key
    time: Key


def served(timestamp: Signer, snapshot: Signer, director: Signer, time: Signer) -> Served:
    """Of these signers."""
    return Served(timestamp.key, snapshot.key, director.key, time.key)


def parties_of(root: Root) -> tuple[str, ...]:
    """Whose people sign a root: its parties, or the one organisation of its keys."""
    return root.parties or tuple(sorted({root.keys[one].organisation for one in root.roles["root"].keys}))


def models_of(targets: Targets) -> dict[str, tuple[str, ...]]:
    """By vehicle model that is delegated, the hardware ids that its roles speak for."""
    listed = targets.delegations.roles if targets.delegations else ()
    return {one.paths[0].split("/")[0]: one.hardware for one in listed if one.paths and not one.paths[0].startswith(f"{WITHDRAWN}/")}


def repository(parties: Sequence[Party], models: Mapping[str, Sequence[str]], keys: Served, before: Held, now: datetime) -> list[Drafted]:
    """Both next roots, the delegations, and what has to be signed anew under them. Raises InputError for keys that make no quorum."""
    image = _root(parties, {"snapshot": keys.snapshot, "timestamp": keys.timestamp}, keys.time, before.root, now)
    online = dict.fromkeys(("snapshot", "targets", "timestamp"), keys.director)
    director = _root(parties, online, keys.time, before.director, now)
    listed = [Model(code, tuple(hardware)) for code, hardware in sorted(models.items())]
    delegated = roles.delegations(listed, parties)
    top = Targets(version=before.version(IMAGE, "targets") + 1, expires=now + ROLE_LIFE, targets={}, delegations=delegated)
    drafted = [
        _drafted(IMAGE, "root", image, *_root_rules(parties, before.root)),
        _drafted(DIRECTOR, "root", director, *_root_rules(parties, before.director)),
        _drafted(IMAGE, "targets", top, rule(parties, EACH)),
    ]
    return drafted + _again(delegated, before, now)


def release(made: Release, parties: Mapping[str, Sequence[str]], before: Held, withdrawn: Collection[str], now: datetime) -> list[Drafted]:
    """Each party's role file of the release's model, with its images. parties: by organisation, the ids of its keys."""
    drafted = []
    add = targets_of(made)
    for party, ids in parties.items():
        role = roles.model_role(made.model, party)
        file = before.files.get(role)
        gone = [path for path, one in file.said.targets.items() if _evidence(one) in withdrawn] if file else []
        said = roles.targets_with(file.said if file else None, add, expires=now + ROLE_LIFE, without=gone)
        drafted.append(_drafted(IMAGE, role, said, Rule(what="this", each={party: EACH}, keys={party: tuple(ids)})))
    return drafted


def withdrawals(party: str, ids: Sequence[str], withdrawn: Sequence[Withdrawn], before: Held, now: datetime) -> Drafted:
    """An organisation's next list of withdrawn evidence: what it says already, and everything since. ids: of its keys; one signs."""
    role = roles.withdrawn_role(party)
    file = before.files.get(role)
    listed = dict(file.said.withdrawn) if file else {}
    listed |= {one.evidence: Withdrawal(one.at, one.reason) for one in withdrawn if one.evidence not in listed}
    said = Targets(version=before.version(IMAGE, role) + 1, expires=now + ROLE_LIFE, targets={}, withdrawn=_plain(listed))
    return _drafted(IMAGE, role, said, Rule(what="this", each={party: 1}, keys={party: tuple(ids)}))


def renewals(before: Held, until: datetime, now: datetime) -> list[Drafted]:
    """Role files that would expire before `until`, saying what they say, for longer. The delegations and roots: `repository`."""
    delegated = before.targets.said.delegations if before.targets else None
    if delegated is None:
        return []
    due = [one for one in delegated.roles if one.name in before.files and before.files[one.name].said.expires < until]
    return [_resigned(one, delegated, before.files[one.name].said, before, now) for one in due]


def targets_of(made: Release) -> list[Target]:
    """A release's images as the image repository lists them."""
    return [Target(one.path, one.length, {"sha256": one.sha256}, custom_of(made.claims(one))) for one in made.images]


def evidence_in(said: Targets) -> list[str]:
    """SHA-256 of the evidence of everything that a role file lists."""
    return [found for one in said.targets.values() if (found := _evidence(one))]


def rule(parties: Sequence[Party], each: int, what: str = "this") -> Rule:
    """So many keys of each party."""
    return Rule(what=what, each={one.code: each for one in parties}, keys={one.code: tuple(key.id for key in one.keys) for one in parties})


def _root(parties: Sequence[Party], online: Mapping[str, Key], time: Key, before: Metadata[Root] | None, now: datetime) -> Root:
    made = first_root(parties, online, now + ROOT_LIFE, time=time)
    if len(parties) == 1:  # nobody else has to agree: an ordinary repository, with the same keys and thresholds
        plain = {name: replace(role, each=0) for name, role in made.roles.items()}
        made = replace(made, parties=(), roles=plain)
    return replace(made, version=before.said.version + 1) if before else made


def _root_rules(parties: Sequence[Party], before: Metadata[Root] | None) -> list[Rule]:
    found = [rule(parties, EACH)]
    if before is not None:
        role, keys = before.said.roles["root"], before.said.keys
        owned = {one: tuple(id_ for id_ in role.keys if keys[id_].organisation == one) for one in parties_of(before.said)}
        each = role.each or role.threshold
        found.append(Rule(what="before", each=dict.fromkeys(owned, each), keys=owned))
    return found


def _again(delegated: Delegations, before: Held, now: datetime) -> list[Drafted]:
    """Every delegated role's file that is missing, has no quorum under these delegations, or expires soon."""
    found = []
    for one in delegated.roles:
        file = before.files.get(one.name)
        lasts = file is not None and file.said.expires > now + RENEW_WITHIN
        if file is not None and lasts and quorum.standing(file, one.role, delegated.keys, ()).enough:
            continue
        if file is None and not one.name.startswith(f"{WITHDRAWN}-"):
            said = _of_the_model(one, before)
            if said is None:
                continue  # nothing was released of this model yet
        else:
            said = file.said if file else Targets(version=0, expires=now, targets={})
        found.append(_resigned(one, delegated, said, before, now))
    return found


def _of_the_model(one: Delegation, before: Held) -> Targets | None:
    """What the role files of a model say already, for a party that comes to it: alike in all of them."""
    standing = before.targets.said.delegations.roles if before.targets and before.targets.said.delegations else ()
    of_model = [other.name for other in standing if other.paths == one.paths and other.name in before.files]
    return before.files[of_model[0]].said if of_model else None


def _resigned(one: Delegation, delegated: Delegations, said: Targets, before: Held, now: datetime) -> Drafted:
    party = delegated.keys[one.role.keys[0]].organisation
    plain = replace(said, version=before.version(IMAGE, one.name) + 1, expires=now + ROLE_LIFE, withdrawn=_plain(said.withdrawn))
    return _drafted(IMAGE, one.name, plain, Rule(what="this", each={party: one.role.threshold}, keys={party: one.role.keys}))


def _drafted(repository_: str, role: str, said: Root | Targets, *rules: Rule) -> Drafted:
    return Drafted(repository_, role, said.version, writing.payload(said), rules)


def _plain(listed: Mapping[str, Withdrawal]) -> dict[str, Withdrawal]:
    """Without what a reader adds: who said it follows from whose file it is."""
    return {evidence: Withdrawal(one.at, one.reason) for evidence, one in sorted(listed.items())}


def _evidence(target: Target) -> str:
    claims = target.custom.get(CLAIMS)
    return str(claims.get("evidence", "")) if isinstance(claims, Mapping) else ""
