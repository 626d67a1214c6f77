"""The directories of keys that a reader trusts, one from each organisation itself, held against those that the evidence was sealed with.

A directory grows: keys are enrolled and revoked after the evidence was sealed. A later one is accepted when it continues the sealed one:
whatever stands there stands here as it was, a revocation added at most. What the file itself holds is never trusted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from marque.alliance.passkeys import PublicPasskey
from marque.alliance.proofs import Directory, read_directory
from marque.alliance.signing import PersonKey, refuse_weak
from marque.common import Refusal
from marque.proof.evidence.findings import Finding

_GET = "Get the directory of keys from {} itself, as a file, and compare its SHA-256 over another channel."
_One = TypeVar("_One", PersonKey, PublicPasskey)


@dataclass(frozen=True)
class Trusted:
    """Directories by organisation, and all their keys by id."""

    directories: Mapping[str, Directory]
    keys: Mapping[str, PersonKey]

    @property
    def organisations(self) -> tuple[str, ...]:
        return tuple(sorted(self.directories))


def trusted(given: Mapping[str, bytes]) -> Trusted | list[Finding]:
    """given: by organisation, the file that is known to come from it."""
    directories: dict[str, Directory] = {}
    found: list[Finding] = []
    for organisation, text in sorted(given.items()):
        one = _read(organisation, text)
        if isinstance(one, Finding):
            found.append(one)
        else:
            directories[organisation] = one
    if len(given) < 2:
        found.append(Finding("keys", "directories", "the directories of both partners are needed", _GET.format("the other partner")))
    keys: dict[str, PersonKey] = {}
    for key in (key for one in directories.values() for key in one.keys):
        before = keys.setdefault(key.id, key)
        if before != key:
            problem = f"one key stands under two names: {before.organisation}, {before.person} and {key.organisation}, {key.person}"
            found.append(
                Finding(
                    "keys", key.organisation, problem, "Both partners have to revoke it and enrol others.", organisation=key.organisation
                )
            )
    return found or Trusted(directories, keys)


def continues(organisation: str, sealed: bytes, now: Directory) -> Finding | None:
    """Why the directory in hand is not the sealed one, grown at most."""
    then = read_directory(sealed)
    if isinstance(then, Refusal) or then.dumps() != sealed:
        return Finding(
            "keys", f"keys/{organisation}.json", "it is not a directory of keys", "Seal the evidence again.", organisation=organisation
        )
    keys, passkeys = {one.id: one for one in now.keys}, {one.credential_id: one for one in now.passkeys}
    whole = all(_kept(one, keys.get(one.id)) for one in then.keys) and all(
        _kept(one, passkeys.get(one.credential_id)) for one in then.passkeys
    )
    if whole and then.party == now.party:
        return None
    problem = f"the directory of {organisation} in hand does not continue the one that the evidence was sealed with"
    return Finding("keys", organisation, problem, _GET.format(organisation), organisation=organisation)


def _read(organisation: str, text: bytes) -> Directory | Finding:
    one = read_directory(text)
    if isinstance(one, Refusal):
        problem = one.reason
    elif one.dumps() != text:
        problem = "it is not written in the one form that a directory of keys has"
    elif not one.keys:
        problem = "it holds no key"
    elif {*(key.organisation for key in one.keys), *(passkey.organisation for passkey in one.passkeys)} != {organisation}:
        problem = f"it holds keys of others than {organisation}; nobody vouches for another's people"
    elif any(refuse_weak(key.public_key) for key in one.keys):
        problem = "it holds a public key for which anybody could sign"
    elif len({key.id for key in one.keys}) < len(one.keys):
        problem = "one key stands in it twice"
    else:
        return one
    return Finding("keys", organisation, problem, _GET.format(organisation), organisation=organisation)


def _kept(then: _One, now: _One | None) -> bool:
    return now is not None and (now == then or (then.revoked_at is None and replace(now, revoked_at=None) == then))
