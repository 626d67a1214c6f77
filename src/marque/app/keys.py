"""`marque keys`: a person's own key on their own machine, and checking signatures without a server."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import rfc8785
import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from marque.alliance import key_files, proofs, signing
from marque.app.small_files import passphrase, read_small
from marque.common import InputError, Refusal, ok

_MOST_BYTES = 2 * signing.MAX_ENVELOPE_BYTES
_REVISION_KIND = "https://marque.example/agreement-revision/v1"


def new_key(file: Path, organisation: str, person: UUID, passphrase_file: Path | None) -> None:
    """Makes a key pair: the private part encrypted in `file`, and beside it the request to have the public part enrolled."""
    request = file.with_name(f"{file.name}.request.json")
    if request.exists():
        raise InputError(request.name, "", "the file is already there", "It belongs to another key; choose another name.")
    key = Ed25519PrivateKey.generate()
    key_files.write_key(file, key, passphrase(passphrase_file, twice=True))
    _write(request, signing.request_enrolment(organisation, person, key))
    typer.echo(f"key      {signing.key_id(key.public_key().public_bytes_raw())}")
    typer.echo(f"private  {file}: yours alone; nobody can restore its passphrase")
    typer.echo(f"request  {request}: hand it to whoever administers the keys of {organisation}")


def show_key(file: Path, passphrase_file: Path | None) -> None:
    """Says what a file of this trade holds: a private key, a request, an envelope, a proof or a directory of keys."""
    text = _read(file)
    if text.startswith(b"-----BEGIN"):
        public = key_files.read_key(file, passphrase(passphrase_file)).public_key().public_bytes_raw()
        _tell({"private key": signing.key_id(public), "public key": public.hex()})
        return
    said = ok(signing.read_json(text, _MOST_BYTES, "file"))
    if said.get("kind") == proofs.PROOF_KIND:
        _show_proof(ok(proofs.read_proof(text)))
    elif said.get("kind") == proofs.DIRECTORY_KIND:
        _show_directory(ok(proofs.read_directory(text)), text)
    else:
        _show_envelope(ok(signing.read_envelope(text)), text)


def sign_document(file: Path, document: Path, out: Path | None, passphrase_file: Path | None) -> None:
    """Signs a revision's canonical text, having said what it is; writes the envelope."""
    text = _read(document)
    said = _revision(text, document)
    _tell(
        {
            "agreement": f"{said['title']} ({said['agreement']})",
            "revision": f"{said['number']}, effective {said['effective']}",
            "parties": ", ".join(said["parties"]),
            "digest": hashlib.sha256(text).hexdigest(),
        }
    )
    target = out or document.with_name(f"{document.name}.envelope.json")
    if target.exists():
        raise InputError(target.name, "", "the file is already there", "Name another one with --out.")
    _write(target, signing.sign(text, key_files.read_key(file, passphrase(passphrase_file))))
    typer.echo(f"Signed into {target}; hand it in at the console and confirm with your passkey.")


def verify_document(document: Path, given: Sequence[Path], directories: Sequence[Path]) -> bool:
    """Whether every proof is good and every party of the document has signed it; says who has, who has not, and what is wrong.

    Reads these files and nothing else. The directories are what is trusted. Raises InputError and Refused for files that are none.
    """
    text = _read(document)
    said = _revision(text, document)
    trusted = ok(proofs.together([ok(proofs.read_directory(_read(one))) for one in directories]))
    signed: set[str] = set()
    good = True
    for path in given:
        proof = ok(proofs.read_proof(_read(path)))
        signer = proofs.verify_proof(text, proof, trusted)
        if isinstance(signer, Refusal):
            good = False
            typer.echo(f"refused  {path.name}: {signer.reason}")
        else:
            signed.add(signer.organisation)
            typer.echo(f"signed   {signer.organisation}, person {signer.person}, {proofs.stamp(proof.at)}, key {signer.key}")
    missing = sorted({*said["parties"], *said.get("leaving", [])} - signed)
    for organisation in missing:
        typer.echo(f"missing  {organisation}")
    return good and not missing


def _revision(text: bytes, document: Path) -> dict[str, Any]:
    said = ok(signing.read_json(text, signing.MAX_ENVELOPE_BYTES, "document"))
    needed = {"kind": str, "title": str, "agreement": str, "number": int, "effective": str, "parties": list}
    wrong = [name for name, kind in needed.items() if not isinstance(said.get(name), kind)]
    if said.get("kind") != _REVISION_KIND or wrong or not all(isinstance(one, str) for one in [*said["parties"], *said.get("leaving", [])]):
        raise InputError(document.name, "", f"it is not an agreement's revision ({_REVISION_KIND})", "Download it from the console.")
    if rfc8785.dumps(said) != text:
        raise InputError(document.name, "", "it is not canonical JSON (RFC 8785): its digest would be another", "Take the file as it came.")
    return said


def _show_proof(proof: proofs.Proof) -> None:
    envelope = ok(signing.read_envelope(proof.envelope.encode()))
    _tell(
        {
            "proof": f"{proof.organisation}, person {proof.person}",
            "received": proofs.stamp(proof.at),
            "key": signing.key_id(proof.public_key),
            "signs": f"{envelope.payload_type}, digest {hashlib.sha256(envelope.payload).hexdigest()}",
        }
    )


def _show_directory(directory: proofs.Directory, text: bytes) -> None:
    _tell({"directory of keys": f"{directory.party.name} ({directory.party.id})", "sha-256": hashlib.sha256(text).hexdigest()})
    for key in directory.keys:
        ends = f"revoked {proofs.stamp(key.revoked_at)}" if key.revoked_at else f"until {proofs.stamp(key.valid_until)}"
        typer.echo(f"  key      {key.organisation}, person {key.person}, from {proofs.stamp(key.valid_from)}, {ends}, {key.id}")
    for one in directory.passkeys:
        ends = f", revoked {proofs.stamp(one.revoked_at)}" if one.revoked_at else ""
        typer.echo(f"  passkey  {one.organisation}, person {one.person}, from {proofs.stamp(one.registered_at)}{ends}")


def _show_envelope(envelope: signing.Envelope, text: bytes) -> None:
    if envelope.payload_type == signing.KEY_ENROLMENT:
        request = ok(signing.read_enrolment(text))
        _tell({"request": f"{request.organisation}, person {request.person}", "key": signing.key_id(request.public_key)})
        return
    _tell({"envelope": envelope.payload_type, "digest": hashlib.sha256(envelope.payload).hexdigest()})
    for one in envelope.signatures:
        typer.echo(f"  signature, said to be by key {one.key or '(none named)'}")


def _tell(facts: dict[str, str]) -> None:
    width = max(map(len, facts))
    for name, value in facts.items():
        typer.echo(f"{name.ljust(width)}  {value}")


def _read(file: Path) -> bytes:
    return read_small(file, _MOST_BYTES)


def _write(file: Path, text: bytes) -> None:
    with file.open("xb") as opened:
        opened.write(text)
