"""Signed parts of an evidence file: DSSE envelopes (`alliance.signing`), in the one form in which they are accepted.

An envelope is canonical JSON; each signature names its key, and they stand in the order of the keys' ids. So whoever holds no private key
can make no second envelope of the same text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from marque.alliance.signing import Envelope, PersonKey, combine, read_envelope, sign, verify
from marque.common import Refusal, ok
from marque.proof.evidence.findings import Finding

_AS_IT_CAME = "Get the evidence again from whoever sealed it; if it comes like this, it was never sealed by Marque."
_ASK = "Ask {} for their current directory of keys; if the key is not in it, nobody of theirs signed this."


@dataclass(frozen=True)
class Signed:
    """An envelope of which every signature fits. keys: those that made them, in the order of their ids."""

    file: str
    payload: bytes
    keys: tuple[PersonKey, ...]


def signed(payload: bytes, payload_type: str, *keys: Ed25519PrivateKey) -> bytes:
    """The envelope of this text by these keys."""
    return joined([sign(payload, key, payload_type) for key in keys])


def joined(envelopes: Sequence[bytes]) -> bytes:
    """One envelope with all signatures of several on one text. Raises Refused when their texts differ."""
    whole = ok(read_envelope(ok(combine(envelopes))))
    return replace(whole, signatures=tuple(sorted(whole.signatures, key=lambda one: one.key))).dumps()


def opened(file: str, text: bytes, payload_type: str, known: Mapping[str, PersonKey]) -> Signed | list[Finding]:
    """The text of an envelope that is in form and whose every signature is by a known key; or what is wrong.

    known: the keys that are trusted, by id. Whether they counted at the time, and are those that had to sign, is asked by `by_all_of`.
    """
    envelope = read_envelope(text)
    if isinstance(envelope, Refusal):
        return [Finding("signature", file, f"it is no envelope: {envelope.reason}", _AS_IT_CAME)]
    ids = [one.key for one in envelope.signatures]
    if envelope.dumps() != text or not all(ids) or ids != sorted(set(ids)):
        return [Finding("signature", file, "it is not written in the one form that an envelope has here", _AS_IT_CAME)]
    if envelope.payload_type != payload_type:
        return [Finding("signature", file, f"it holds {envelope.payload_type[:80]}, not {payload_type}", _AS_IT_CAME)]
    wrong = [fault for number in range(len(ids)) if (fault := _wrong(file, envelope, number, known)) is not None]
    return wrong or Signed(file, envelope.payload, tuple(known[one] for one in ids))


def by_all_of(one: Signed, organisations: Sequence[str], at: datetime) -> list[Finding]:
    """What is wrong with who signed a text that one person of each of these organisations, and nobody else, has to sign by that instant."""
    signing = Counter(key.organisation for key in one.keys)
    found: list[Finding] = []

    def tell(organisation: str | None, problem: str, remedy: str) -> None:
        found.append(Finding("signature", one.file, problem, remedy, organisation=organisation))

    for key in one.keys:
        if not key.counts_at(at):
            problem = f"the key by which {key.organisation} signed did not count at {at:%Y-%m-%d %H:%M:%S} UTC"
            tell(key.organisation, problem, "Sign it with a key that counts, and seal the evidence again.")
    for organisation in organisations:
        if not signing[organisation]:
            problem = f"{organisation} has not signed it; signed by {', '.join(signing)}"
            tell(organisation, problem, f"Somebody of {organisation} has to sign it with their own key.")
    for organisation, signatures in signing.items():
        if organisation not in organisations:
            tell(organisation, f"{organisation} has signed it, who has no part in it", _AS_IT_CAME)
        elif signatures > 1:
            problem = f"two keys of {organisation} signed it; two keys are not two partners"
            tell(organisation, problem, f"Seal it with one signature of {organisation}.")
    if len({key.person for key in one.keys}) < len(signing):
        tell(None, "one person signed it for two organisations", "A person signs for one organisation only.")
    return found


def _wrong(file: str, envelope: Envelope, number: int, known: Mapping[str, PersonKey]) -> Finding | None:
    signature = envelope.signatures[number]
    key = known.get(signature.key)
    if key is None:
        problem = f"signature {number + 1} is by a key that no directory of keys names ({signature.key[:64]})"
        return Finding("signature", file, problem, _ASK.format("both partners"))
    alone = replace(envelope, signatures=(signature,)).dumps()
    always = replace(key, revoked_at=None)
    answer = verify(alone, [always], document=envelope.payload, at=key.valid_from, payload_type=envelope.payload_type)
    if not isinstance(answer, Refusal):
        return None
    problem = f"the signature of {key.organisation} does not fit: text or signature were changed after signing"
    return Finding("signature", file, problem, _AS_IT_CAME, organisation=key.organisation)
