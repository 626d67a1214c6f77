"""What the two partners' people sign beneath root: who may say what of which vehicle model, the targets of a release, and withdrawals.

The top-level targets role, signed by both, delegates each model's paths to one role of each organisation, and a target counts only if all
of a model's roles list it alike (`x-marque-all-of`). So each organisation's people sign a file of their own, and nobody has to wait for a
shared one. Withdrawals are a role of each organisation alone: either can stop what both released, neither can release alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from marque.car.tuf.keys import material
from marque.car.tuf.model import Delegation, Delegations, Key, Role, Target, Targets, Withdrawal
from marque.car.uptane.claims import Claims
from marque.car.uptane.claims_json import custom_of
from marque.common import InputError, Refusal
from marque.release.repository.keys import by_id

EACH = 2
"""How many keys of each organisation sign: two of three, so that one lost key stops nothing and one stolen key releases nothing."""
KEEP = 2
"""Versions of a release that stay listed when newer ones come: the newest, and the one before it for cars that are on their way to it."""
WITHDRAWN = "withdrawn"
_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]*")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_RESERVED = {"root", "timestamp", "snapshot", "targets", WITHDRAWN}


@dataclass(frozen=True)
class Party:
    """An organisation that has to sign, with its people's keys (each of them with this organisation's code)."""

    code: str
    keys: tuple[Key, ...]


@dataclass(frozen=True)
class Model:
    """A vehicle model (or a module: anything with paths of its own) by its code. hardware: ids that its targets may claim; empty: any."""

    code: str
    hardware: tuple[str, ...] = ()


def quorum(parties: Sequence[Party], each: int = EACH) -> Role:
    """`each` distinct keys of each party, `each` × parties in all: what a stock client can check of it is the threshold.

    Raises InputError where a party has fewer keys than that, a key of another, or one key twice.
    """
    keys = [key for party in parties for key in party.keys]
    for party in parties:
        _checked(party, each)
    by_id(keys)
    return Role(tuple(key.id for key in keys), each * len(parties), each)


def alone(party: Party, threshold: int = EACH) -> Role:
    """So many of one organisation's keys. Raises InputError where it has fewer."""
    _checked(party, threshold)
    return Role(tuple(key.id for key in party.keys), threshold)


def model_role(model: str, organisation: str) -> str:
    """The name of an organisation's role for a model; also of its metadata file."""
    return f"{model}-{organisation}"


def withdrawn_role(organisation: str) -> str:
    """The name of the role in which an organisation withdraws evidence."""
    return f"{WITHDRAWN}-{organisation}"


def delegations(
    models: Sequence[Model],
    parties: Sequence[Party],
    *,
    each: int = EACH,
    withdrawing: Mapping[str, Sequence[Key]] | None = None,
) -> Delegations:
    """What the top-level targets role delegates: each model to every party, together, and withdrawals to each party alone.

    withdrawing: by organisation, who may withdraw besides its people: an online key of its own, say. Raises InputError.
    """
    besides = {code: tuple(replace(key, organisation=code) for key in keys) for code, keys in (withdrawing or {}).items()}
    for name in [*(model.code for model in models), *(party.code for party in parties)]:
        if not _NAME.fullmatch(name) or name in _RESERVED:
            raise InputError("roles", name, "a model or an organisation cannot be called so", "Small letters, digits and hyphens.")
    roles: list[Delegation] = []
    for model in models:
        roles += [
            Delegation(
                name=model_role(model.code, party.code), role=alone(party, each), paths=(f"{model.code}/*/*",), hardware=model.hardware
            )
            for party in parties
        ]
    for party in parties:
        may = tuple(key.id for key in (*party.keys, *besides.get(party.code, ())))
        roles.append(Delegation(name=withdrawn_role(party.code), role=Role(may, 1), paths=(f"{WITHDRAWN}/{party.code}/*",)))
    names = [one.name for one in roles]
    if len(set(names)) < len(names):
        raise InputError("roles", "", "two roles would have one name", "Choose codes of models and organisations that cannot run together.")
    keys = [key for party in parties for key in (*party.keys, *besides.get(party.code, ()))]
    groups = tuple(tuple(model_role(model.code, party.code) for party in parties) for model in models)
    return Delegations(keys=by_id(keys), roles=tuple(roles), all_of=groups if len(parties) > 1 else ())


def target_of(path: str, length: int, sha256: str, claims: Claims) -> Target:
    """An image of a release, as both organisations' roles list it."""
    return Target(path, length, {"sha256": sha256}, custom_of(claims))


def targets_with(
    before: Targets | None, add: Iterable[Target] = (), *, expires: datetime, without: Iterable[str] = (), keep: int = KEEP
) -> Targets:
    """The next version of a role's targets: more of them, without some paths, and pruned of superseded ones."""
    listed = dict(before.targets) if before else {}
    for path in without:
        listed.pop(path, None)
    listed |= {target.path: target for target in add}
    after = before or Targets(version=0, expires=expires, targets={})
    return replace(after, version=after.version + 1, expires=expires, targets=pruned(listed, keep))


def pruned(targets: Mapping[str, Target], keep: int = KEEP) -> dict[str, Target]:
    """Without the targets of all but the newest `keep` versions of each release, by its counter; what is of no release stays."""
    counters: dict[str, set[int]] = {}
    for target in targets.values():
        if (of := _release_of(target)) is not None:
            counters.setdefault(of[0], set()).add(of[1])
    kept = {name: set(sorted(found)[-keep:]) for name, found in counters.items()}
    return {path: one for path, one in targets.items() if (of := _release_of(one)) is None or of[1] in kept[of[0]]}


def withdrawing(before: Targets | None, evidence: str, at: datetime, reason: str, *, expires: datetime) -> Targets | Refusal:
    """The next version of an organisation's withdrawals: one more, by the SHA-256 of the evidence. The list only grows."""
    listed = dict(before.withdrawn) if before else {}
    if not _SHA256.fullmatch(evidence):
        return Refusal("evidence is named by the SHA-256 of its sealed file")
    if not reason.strip():
        return Refusal("a withdrawal has a reason")
    if evidence in listed:
        return Refusal("this evidence is withdrawn already", {"since": listed[evidence].at.isoformat()})
    listed[evidence] = Withdrawal(at, reason.strip())
    return Targets(version=before.version + 1 if before else 1, expires=expires, targets={}, withdrawn=listed)


def _checked(party: Party, needed: int) -> None:
    if len({material(key) for key in party.keys}) < len(party.keys):
        raise InputError("keys", party.code, "one key is listed twice")
    if len(party.keys) < needed:
        raise InputError("keys", party.code, f"it has {len(party.keys)} of at least {needed} keys", "Three are right: one may be lost.")
    if any(key.organisation != party.code for key in party.keys):
        raise InputError("keys", party.code, "a key of another organisation is listed for it")


def _release_of(target: Target) -> tuple[str, int] | None:
    claims: Any = target.custom.get("marque")
    if not isinstance(claims, Mapping):
        return None
    name, counter = claims.get("release"), claims.get("counter")
    return (name, counter) if isinstance(name, str) and isinstance(counter, int) else None
