"""`marque release ceremony …`: a ceremony of two organisations' key holders, guided, on files that go from hand to hand."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import typer

from marque.alliance import signing
from marque.app.release_files import MOST_BYTES, holder, now, signer_at, summary, tell, tell_changes, told, write_new
from marque.app.small_files import read_small
from marque.car.tuf import reading
from marque.car.tuf.model import Key, Root, Targets
from marque.car.uptane.claims_json import claims_of
from marque.common import InputError, ok
from marque.release.repository import ceremony, requests, root
from marque.release.repository.roles import Model, Party, delegations, target_of, targets_with, withdrawing, withdrawn_role

ONLINE_ROLES = {ceremony.IMAGE: ("snapshot", "timestamp"), ceremony.DIRECTOR: ("snapshot", "timestamp", "targets")}


@dataclass(frozen=True)
class Asked:
    """What a new root is to change. Exactly one of the first five, and for the first root `keys` and `online` alone."""

    replace: str = ""
    rotate: str = ""
    revoke: str = ""
    join: str = ""
    renew: bool = False
    keys: Sequence[Path] = ()
    online: Mapping[str, Path] = field(default_factory=dict)
    each: int = 2


def new_root(file: Path, repository: str, before: Path | None, asked: Asked, days: int) -> None:
    """Begins the ceremony of a root, and says what it changes and who has to sign."""
    expires = now() + timedelta(days=days)
    keys = [requests.read(read_small(one, requests.MAX_BYTES), one.name) for one in asked.keys]
    online = {role: requests.read(read_small(one, requests.MAX_BYTES), one.name) for role, one in asked.online.items()}
    raw = read_small(before, MOST_BYTES) if before else b""
    said = (
        _first(repository, keys, online, asked, expires) if before is None else _next(reading.root(raw).said, keys, online, asked, expires)
    )
    made = ceremony.of_root(repository, said, raw)
    _begin(file, made)


def delegate(file: Path, root_file: Path, before: Path | None, models: Sequence[str], further: Mapping[str, Path], days: int) -> None:
    """Begins the ceremony of the top-level targets: each model to a role of each party, withdrawals to each alone."""
    raw = read_small(root_file, MOST_BYTES)
    named = [Model(name, tuple(one for one in hardware.split(",") if one)) for name, _, hardware in (one.partition(":") for one in models)]
    parties = root.parties_of(reading.root(raw).said)
    besides = {code: [requests.read(read_small(one, requests.MAX_BYTES), one.name)] for code, one in further.items()}
    version = reading.targets(read_small(before, MOST_BYTES)).said.version if before else 0
    below = delegations(named, parties, each=root.each_of(reading.root(raw).said), withdrawing=besides)
    said = Targets(version=version + 1, expires=now() + timedelta(days=days), targets={}, delegations=below)
    made = ceremony.of_targets("targets", said, raw)
    _begin(file, made)


@dataclass(frozen=True)
class Image:
    """A file that becomes a target, under this path, with these claims (a JSON file)."""

    file: Path
    path: str
    claims: Path


def list_targets(
    file: Path, root_file: Path, targets_file: Path, role: str, images: Sequence[Image], before: Path | None, days: int
) -> None:
    """Begins the ceremony of one organisation's role: the targets it lists from now on."""
    old = reading.targets(read_small(before, MOST_BYTES), f"{role}.json").said if before else None
    added = []
    for image in images:
        said = {"marque": _claims(image.claims)}
        content = image.file.read_bytes()
        added.append(target_of(image.path, len(content), hashlib.sha256(content).hexdigest(), claims_of(said, image.claims.name)))
    said_ = targets_with(old, added, expires=now() + timedelta(days=days))
    made = ceremony.of_targets(role, said_, read_small(root_file, MOST_BYTES), read_small(targets_file, MOST_BYTES))
    _begin(file, made)


def withdraw(
    file: Path, root_file: Path, targets_file: Path, organisation: str, evidence: str, reason: str, before: Path | None, days: int
) -> None:
    """Begins the ceremony of an organisation's list of withdrawn evidence, with one more on it."""
    role = withdrawn_role(organisation)
    old = reading.targets(read_small(before, MOST_BYTES), f"{role}.json").said if before else None
    said = ok(withdrawing(old, evidence, now(), reason, expires=now() + timedelta(days=days)))
    _begin(file, ceremony.of_targets(role, said, read_small(root_file, MOST_BYTES), read_small(targets_file, MOST_BYTES)))


def images_of(files: Sequence[Path], paths: Sequence[str], claims: Sequence[Path]) -> list[Image]:
    """Images as options name them, each with its path and claims. Raises InputError."""
    if not len(files) == len(paths) == len(claims):
        raise InputError("--image", "", f"{len(files)} images, {len(paths)} paths and {len(claims)} files of claims do not go together")
    return [Image(*one) for one in zip(files, paths, claims, strict=True)]


def named_files(given: Sequence[str], option: str) -> dict[str, Path]:
    """`NAME=FILE`, each name once. Raises InputError."""
    found: dict[str, Path] = {}
    for one in given:
        name, _, file = one.partition("=")
        if not name or not file or name in found:
            raise InputError(option, one, "it does not name a file, as NAME=FILE, once")
        found[name] = Path(file)
    return found


def show(file: Path) -> None:
    """What a ceremony is about, what changes, who has signed and who is waited for."""
    _show(ceremony.read(read_small(file, ceremony.MAX_BYTES), file.name))


def sign(file: Path, key: str, trusted: Path | None, passphrase_file: Path | None) -> None:
    """Adds a signature to the file, having said what it is for."""
    made = ceremony.read(read_small(file, ceremony.MAX_BYTES), file.name)
    if trusted is not None and made.root != read_small(trusted, MOST_BYTES):
        raise InputError(file.name, "root", f"it begins from another root than {trusted.name}", "Ask whoever sent it, by another way.")
    _show(made)
    with signer_at(key, "", passphrase_file) as signer:
        after = ceremony.sign(made, signer)
    aside = file.with_name(f".{file.name}.new")
    aside.write_bytes(ceremony.dumps(after))
    aside.replace(file)
    typer.echo()
    tell(f"Signed. {_waiting_told(after)}".rstrip(":"))


def finish(files: Sequence[Path], out: Path) -> None:
    """Puts copies together and writes the metadata, once nobody is waited for."""
    copies = [ceremony.read(read_small(one, ceremony.MAX_BYTES), one.name) for one in files]
    made = ceremony.together(copies)
    raw = ceremony.finish(made)
    write_new(out, raw)
    typer.echo(f"Written: {out}, SHA-256 {hashlib.sha256(raw).hexdigest()}")


def _first(repository: str, keys: Sequence[Key], online: Mapping[str, Key], asked: Asked, expires: datetime) -> Root:
    if asked.replace or asked.rotate or asked.revoke or asked.join or asked.renew:
        raise InputError("ceremony", "", "a change needs the root that it changes", "Name it with --from.")
    wanted = ONLINE_ROLES[repository]
    missing = [role for role in wanted if role not in online]
    unknown = sorted(online.keys() - {*wanted, "time"})
    if missing or unknown:
        problem = f"{', '.join(missing or unknown)} {'has no key' if missing else 'is not signed online there'}"
        raise InputError("--online", repository, problem, f"Name {', '.join(wanted)}, and time where cars ask for it.")
    codes = dict.fromkeys(key.organisation for key in keys)
    if "" in codes or len(codes) < 2:
        raise InputError("--keys", "", "they are not of two organisations", "Give the request of every key holder of both.")
    parties = [Party(code, tuple(key for key in keys if key.organisation == code)) for code in codes]
    served = {role: online[role] for role in wanted}
    return root.first_root(parties, served, expires, each=asked.each, time=online.get("time"))


def _next(before: Root, keys: Sequence[Key], online: Mapping[str, Key], asked: Asked, expires: datetime) -> Root:
    chosen = [asked.replace, asked.rotate, asked.revoke, asked.join, asked.renew, online]
    if sum(map(bool, chosen)) != 1:
        raise InputError(
            "ceremony", "", "one ceremony is for one change", "One of --replace, --rotate, --revoke, --join, --renew, --online."
        )
    if asked.replace:
        return root.replace_lost(before, _key_id(before, asked.replace), _only(keys), expires)
    if asked.rotate:
        return root.rotate(before, asked.rotate, keys, expires)
    if asked.revoke:
        return root.revoke_partner(before, asked.revoke, expires)
    if asked.join:
        return root.add_partner(before, Party(asked.join, tuple(keys)), expires)
    if asked.renew:
        return root.renew(before, expires)
    roles = {role: key for role, key in online.items() if role != "time"}
    unknown = sorted(roles.keys() - root.online_of(before).keys())
    if unknown:
        raise InputError("--online", unknown[0], "it is not signed online in this repository")
    return root.new_online_keys(before, roles, expires, time=online.get("time"))


def _key_id(before: Root, beginning: str) -> str:
    found = [name for name in before.roles["root"].keys if name.startswith(beginning)]
    if len(found) != 1:
        raise InputError("--replace", beginning, f"{len(found)} keys of this root begin so", "`marque release ceremony show` lists them.")
    return found[0]


def _only(keys: Sequence[Key]) -> Key:
    if len(keys) != 1:
        raise InputError("--keys", "", f"one key is replaced by one, and {len(keys)} are given")
    return keys[0]


def _claims(file: Path) -> dict[str, Any]:
    return ok(signing.read_json(read_small(file, requests.MAX_BYTES), requests.MAX_BYTES, "file of claims"))


def _show(made: ceremony.Ceremony) -> None:
    said, before = ceremony.said_of(made), ceremony.before_of(made)
    facts = {"ceremony": f"{made.role} of the {made.repository} repository"} | summary(said)
    facts["SHA-256"] = hashlib.sha256(made.payload).hexdigest()
    if before is not None:
        facts["in force"] = f"root {before.version}, SHA-256 {hashlib.sha256(made.root).hexdigest()}"
    told(facts)
    tell_changes(before, said)
    if isinstance(said, Targets) and said.delegations and before is not None:
        for key in said.delegations.keys.values():
            if before.keys.get(key.id) != key:
                tell(f"Beware: {holder(key)} is none of the keys of root {before.version}; ask whose it is.")
    signed = ceremony.signed_by(made)
    if signed:
        typer.echo("\nSigned with:")
        for key in signed:
            tell(holder(key), "  ")
    typer.echo()
    tell(_waiting_told(made))
    for lack in ceremony.waiting(made):
        for key in lack.may:
            tell(f"{lack.rule}: {holder(key)}", "  ")


def _waiting_told(made: ceremony.Ceremony) -> str:
    waiting = ceremony.waiting(made)
    if not waiting:
        return "Everybody has signed: `marque release ceremony finish` writes the metadata."
    lacking = (f"{one.needed - one.signed} of {one.organisation or 'these'} (by {one.rule})" for one in waiting)
    return f"Waits for {', '.join(lacking)}:"


def _begin(file: Path, made: ceremony.Ceremony) -> None:
    """What nobody could sign is refused here, not when it has gone round."""
    raw = ceremony.dumps(made)
    ceremony.read(raw, file.name)
    write_new(file, raw)
    _show(made)
    typer.echo(f"\nBegun: {file}. Hand it to the key holders; each signs with `marque release ceremony sign`.")
