"""`marque release key|online-key|sign` and `marque release repository …`: keys, drafts and repositories as files, without a server."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from marque.app.small_files import passphrase, read_small
from marque.car.attacks import UpdateRefused
from marque.car.tuf import reading
from marque.car.tuf.model import Delegations, Key, Root, Signature, Snapshot, Target, Targets, Timestamp
from marque.common import InputError
from marque.release.repository import ceremony, requests, signed_files, writing
from marque.release.repository.checking import check
from marque.release.repository.folder import Folder, Online
from marque.release.repository.keys import ECDSA, ED25519, FileSigner, Signer
from marque.release.repository.tokens import SCHEME, Pkcs11Signer, read_uri

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from uuid import UUID

MOST_BYTES = 64 << 20
_MOST_ROWS = 12
_CHANGES = {
    "party-added": "{what} becomes a party",
    "party-removed": "{what} is a party no longer",
    "key-added": "{what} signs with the key {key}",
    "key-removed": "{what} signs no longer with the key {key}",
    "online-key": "{what} is signed online with the key {key}",
    "quorum": "root is signed by {what} keys of each party",
    "expires": "it expires on {what}",
}


@contextmanager
def signer_at(key: str, organisation: str, passphrase_file: Path | None) -> Iterator[Signer]:
    """The key of an encrypted file, or of a token named by a PKCS #11 URI; its passphrase or PIN is asked for, or read from a file."""
    if key.startswith(SCHEME):
        where = read_uri(key)
        typer.echo(f"PIN of the token {where.token}:", err=True)
        with Pkcs11Signer(where, passphrase(passphrase_file), organisation) as signer:
            yield signer
    else:
        yield FileSigner.of_person(Path(key), passphrase(passphrase_file), organisation)


def key_request(key: str, organisation: str, person: UUID | None, out: Path, passphrase_file: Path | None) -> None:
    """Writes what the holder of a key hands over to a ceremony; with a person, what the console enrols as well."""
    with signer_at(key, organisation, passphrase_file) as signer:
        write_new(out, requests.enrolment(signer, person) if person else requests.dumps(signer))
        told({"key": signer.key.id, "kind": signer.key.scheme, "organisation": organisation, "request": str(out)})


def online_key(file: Path, p256: bool) -> None:
    """Makes a key of the server's, and what is handed over of it."""
    request = file.with_name(f"{file.name}.public.json")
    if request.exists():
        raise InputError(request.name, "", "the file is already there", "It belongs to another key; choose another name.")
    signer = FileSigner.new_online(file, ECDSA if p256 else ED25519)
    write_new(request, requests.dumps(signer))
    told({"key": signer.key.id, "private": f"{file}: for the server alone", "public": f"{request}: for the ceremony"})


def sign_draft(draft: Path, key: str, before: Path | None, out: Path | None, passphrase_file: Path | None) -> None:
    """Signs a draft of the console, having said what it is and what it changes; writes the file to hand in there."""
    payload = read_small(draft, MOST_BYTES)
    said = _draft(payload, draft)
    if writing.payload(said) != payload:
        raise InputError(draft.name, "", "it is not a draft as Marque writes it", "Download it from the console, and take it as it came.")
    told(summary(said) | {"digest": hashlib.sha256(payload).hexdigest()})
    tell_changes(_in_force(before, said) if before else None, said)
    target = out or draft.with_name(f"{draft.name}.signed.json")
    with signer_at(key, "", passphrase_file) as signer:
        write_new(target, signed_files.dumps(payload, signer))
    typer.echo(f"Signed into {target}; hand it in at the console and confirm with your passkey.")


def publish(place: Path, files: Sequence[Path], targets: Sequence[Path], snapshot_key: Path, timestamp_key: Path) -> bool:
    """Puts finished metadata, and the bytes of targets, into a repository's folder; signs snapshot and timestamp; whether cars take it."""
    folder = Folder(place)
    roles: dict[str, bytes] = {}
    for file in files:
        raw = read_small(file, MOST_BYTES)
        kind = _kind(raw, file)
        if kind == "root":
            folder.add_root(raw)
        else:
            roles[_role_of(file)] = raw
    listed = {one.hashes.get("sha256"): one for raw in roles.values() for one in reading.targets(raw).said.targets.values()}
    for file in targets:
        content = file.read_bytes()
        target: Target | None = listed.get(hashlib.sha256(content).hexdigest())
        if target is None:
            raise InputError(file.name, "", "no role that is published with it lists these bytes")
        folder.add_target(target, content)
    folder.publish(roles, Online(FileSigner.online(snapshot_key), FileSigner.online(timestamp_key)), now())
    typer.echo(f"Published in {place}: {', '.join(sorted([*roles, 'snapshot', 'timestamp']))}.")
    return check_repository(place, as_json=False)


def check_repository(place: Path, as_json: bool) -> bool:
    """Whether cars would take all of a folder's repository; says what they would refuse, and what will expire soon."""
    found = check(Folder(place), now())
    if as_json:
        expiring = {name: writing.instant(at) for name, at in found.expiring.items()}
        said = {"roots": found.roots, "roles": found.roles, "targets": found.targets, "problems": found.problems, "open": found.open}
        typer.echo(json.dumps(said | {"expiring": expiring}, indent=1))
        return not found.problems
    told({"roots": str(found.roots), "roles": str(found.roles), "targets": str(found.targets)})
    for problem in found.problems:
        tell(f"refused   {problem}")
    for path in found.open:
        tell(f"open      {path}: not every organisation that has to lists it alike; no car takes it yet")
    for name, at in sorted(found.expiring.items()):
        tell(f"expiring  {name}, {at:%Y-%m-%d}: have it drafted anew and signed")
    typer.echo("Cars take it." if not found.problems else "Cars do not take it.")
    return not found.problems


def summary(said: Root | Timestamp | Snapshot | Targets) -> dict[str, str]:
    """What a person should read before they sign."""
    told_: dict[str, str] = {"metadata": f"{type(said).__name__.lower()}, version {said.version}", "expires": f"{said.expires:%Y-%m-%d}"}
    if isinstance(said, Root):
        role = said.roles["root"]
        told_["signed by"] = f"{role.each or role.threshold} of each of {', '.join(said.parties) or 'one organisation'}"
    if isinstance(said, Targets):
        told_["targets"] = str(len(said.targets))
        told_ |= {f"  {path}": _target_row(one) for path, one in list(said.targets.items())[:_MOST_ROWS]}
        told_ |= {"  …": f"and {len(said.targets) - _MOST_ROWS} more"} if len(said.targets) > _MOST_ROWS else {}
        told_ |= _delegations(said.delegations) if said.delegations else {}
        for evidence, one in said.withdrawn.items():
            told_[f"withdrawn {evidence[:12]}"] = one.reason
    return told_


def tell_changes(before: Root | Targets | None, said: Root | Targets) -> None:
    """What is other than in the file in force; of a root without one, what it begins with."""
    if isinstance(said, Root):
        old = before if isinstance(before, Root) else None
        lines = [_CHANGES[one.kind].format(what=one.what, key=holder(one.key) if one.key else "") for one in ceremony.changes(old, said)]
    elif isinstance(before, Targets):
        lines = [f"no longer lists {path}" for path in before.targets if path not in said.targets]
        lines += [f"lists {path}: {_target_row(one)}" for path, one in said.targets.items() if before.targets.get(path) != one]
        lines += [f"withdraws {evidence}" for evidence in said.withdrawn if evidence not in before.withdrawn]
        lines += ["delegates otherwise"] if before.delegations != said.delegations else []
        lines = lines or ["nothing but version and expiry"]
    else:
        return
    typer.echo("\nWhat it changes:" if before else "\nWhat it begins with:")
    for line in lines:
        tell(line, "  ")


def holder(key: Key) -> str:
    """A key as people tell it from others."""
    return f"{key.id[:16]} ({key.organisation or 'online'}, {key.scheme})"


def told(facts: Mapping[str, str]) -> None:
    """Print facts, a line each."""
    width = max(map(len, facts))
    for name, value in facts.items():
        tell(f"{name.ljust(width)}  {value}")


def tell(line: str, indent: str = "") -> None:
    """Print a line as it is: what others wrote into it moves no cursor, hides nothing and makes no lines of its own."""
    typer.echo(indent + "".join(one if one.isprintable() else f"\\u{ord(one):04x}" for one in line))


def write_new(file: Path, raw: bytes) -> None:
    """A new file; one that is there is left as it is. Raises InputError."""
    try:
        with file.open("xb") as opened:
            opened.write(raw)
    except FileExistsError as fault:
        raise InputError(file.name, "", "the file is already there", "Choose another name.") from fault


def now() -> datetime:
    """The instant of a command, whole seconds."""
    return datetime.now(UTC).replace(microsecond=0)


def _target_row(target: Target) -> str:
    claims: Any = target.custom.get("marque")
    if not isinstance(claims, dict):
        return "without claims"
    what = (
        f"{claims.get('release')} {claims.get('version')}, counter {claims.get('counter')}, for {', '.join(claims.get('hardware') or [])}"
    )
    proven = f"{claims.get('verdict')} by evidence {str(claims.get('evidence'))[:16]}"
    return f"{what}; {proven}; image {target.hashes.get('sha256', '')[:16]}, {target.length:,} bytes"


def _delegations(below: Delegations) -> dict[str, str]:
    """Who may sign for what: the keys as well, since a role of one's own name with another's keys would not be one's own."""
    found = {}
    for one in below.roles:
        keys = [below.keys[name] for name in one.role.keys if name in below.keys]
        signing = ", ".join(f"{key.id[:16]} ({key.organisation or 'nobody'})" for key in keys)
        about = " ".join(one.paths or one.hash_prefixes or ())
        hardware = f", hardware {' '.join(one.hardware)}" if one.hardware else ""
        found[f"  {one.name}"] = f"{about}{hardware}; {one.role.threshold} of {signing}"
    if below.bins:
        found[f"  {below.bins.prefix}-…"] = f"{2**below.bins.bits} hash bins, each signed by {below.bins.role.threshold} keys"
    alike = "; ".join(" and ".join(group) for group in below.all_of)
    return {"delegates": str(len(found))} | found | ({"  alike": f"what counts has to be in {alike}"} if alike else {})


def _draft(payload: bytes, file: Path) -> Root | Targets:
    raw = writing.dumps(payload, [Signature("0", b"")])
    try:
        return reading.root(raw).said if b'"_type":"root"' in payload else reading.targets(raw).said
    except UpdateRefused as fault:
        raise InputError(
            file.name, "", "it is no draft of root or of targets", "Download it from the console, and take it as it came."
        ) from fault


def _in_force(file: Path, said: Root | Targets) -> Root | Targets:
    """The file that a draft follows. Raises InputError where it does not."""
    raw = read_small(file, MOST_BYTES)
    before = reading.root(raw).said if isinstance(said, Root) else reading.targets(raw, file.name).said
    if said.version <= before.version:
        raise InputError(file.name, f"version {before.version}", f"the draft is version {said.version}, which does not follow it")
    return before


def _kind(raw: bytes, file: Path) -> str:
    try:
        said: Any = json.loads(raw)
        return str(said["signed"]["_type"])
    except (ValueError, KeyError, TypeError) as fault:
        raise InputError(file.name, "", "it is no metadata", "`marque release ceremony finish` writes it.") from fault


def _role_of(file: Path) -> str:
    name = file.name.removesuffix(".json")
    number, _, role = name.partition(".")
    return role if number.isdigit() and role else name
