"""Keys on a PKCS#11 token (a smart card, a YubiKey, an HSM): the private part never leaves it.

Named by a PKCS #11 URI (RFC 7512): `pkcs11:token=gac;object=li?module-path=/usr/lib/softhsm/libsofthsm2.so`. ECDSA on P-256, which every
token has, and Ed25519 where it has that. Needs the extra `pkcs11`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Self
from urllib.parse import unquote

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from marque.car.tuf.model import Key
from marque.common import InputError, MarqueError, Unavailable
from marque.release.repository.keys import key_of

SCHEME = "pkcs11:"
_OCTET_STRING = 0x04


@dataclass(frozen=True)
class TokenKey:
    """Where a key is. module: path of the token's library; token, label: as they are called there; id: its CKA_ID, empty where unsaid."""

    module: str
    token: str
    label: str
    id: bytes = b""


def read_uri(uri: str) -> TokenKey:
    """The parts of a PKCS #11 URI that name one key. Raises InputError."""
    if not uri.startswith(SCHEME):
        raise InputError("key", uri[:40], f"a token's key is named by a URI that begins with {SCHEME}")
    path, _, query = uri.removeprefix(SCHEME).partition("?")
    said = dict(part.partition("=")[::2] for part in path.split(";") if part)
    asked = dict(part.partition("=")[::2] for part in query.split("&") if part)
    unknown = sorted((said.keys() - {"token", "object", "id", "type"}) | (asked.keys() - {"module-path"}))
    if unknown:
        raise InputError("key", unknown[0], "this part of a PKCS #11 URI is not used here", "Use token, object or id, and module-path.")
    missing = [name for name, given in (("token", said), ("module-path", asked)) if not given.get(name)]
    if missing or not (said.get("object") or said.get("id")):
        raise InputError(
            "key", uri[:60], f"the URI lacks {' and '.join([*missing, *([] if said.get('object') or said.get('id') else ['object'])])}",
            "pkcs11:token=TOKEN;object=LABEL?module-path=/path/to/library.so",
        )  # fmt: skip
    identifier = unquote(said.get("id", ""), "latin-1").encode("latin-1")
    return TokenKey(unquote(asked["module-path"]), unquote(said["token"]), unquote(said.get("object", "")), identifier)


class Pkcs11Signer:
    """One key of a token, logged in to until closed. Raises InputError for what is not there or a wrong PIN, else Unavailable."""

    def __init__(self, where: TokenKey, pin: str, organisation: str = "") -> None:
        self._pkcs11, self._where = _library(), where
        self._session: Any = None
        try:
            token = self._pkcs11.lib(where.module).get_token(token_label=where.token)
            self._session = token.open(user_pin=pin)
            self._private, self._edwards = self._found(self._pkcs11.ObjectClass.PRIVATE_KEY)
            public, _ = self._found(self._pkcs11.ObjectClass.PUBLIC_KEY)
            point = bytes(public[self._pkcs11.Attribute.EC_POINT])
        except (self._pkcs11.PKCS11Error, OSError, RuntimeError) as fault:
            self.close()
            raise self._told(fault) from fault
        except MarqueError:
            self.close()
            raise
        self._key = key_of(_ed25519_public(point) if self._edwards else _p256_public(point), organisation)

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Log out."""
        self.close()

    @property
    def key(self) -> Key:
        """The public part."""
        return self._key

    def sign(self, payload: bytes) -> bytes:
        """64 bytes of Ed25519, or the DER of an ECDSA signature on the payload's SHA-256."""
        mechanism = self._pkcs11.Mechanism
        try:
            if self._edwards:
                return bytes(self._private.sign(payload, mechanism=mechanism.EDDSA))
            raw = bytes(self._private.sign(hashlib.sha256(payload).digest(), mechanism=mechanism.ECDSA))
        except self._pkcs11.PKCS11Error as fault:
            raise self._told(fault) from fault
        half = len(raw) // 2
        return encode_dss_signature(int.from_bytes(raw[:half]), int.from_bytes(raw[half:]))

    def close(self) -> None:
        """Log out. What comes after asks for the PIN again."""
        if self._session is not None:
            self._session.close()
            self._session = None

    def _found(self, kind: Any) -> tuple[Any, bool]:
        """The one key of this class, and whether it is Ed25519."""
        attribute, types = self._pkcs11.Attribute, self._pkcs11.KeyType
        wanted = {attribute.CLASS: kind}
        wanted |= {attribute.LABEL: self._where.label} if self._where.label else {}
        wanted |= {attribute.ID: self._where.id} if self._where.id else {}
        keys = [one for one in self._session.get_objects(wanted) if one.key_type in {types.EC, types.EC_EDWARDS}]
        if len(keys) != 1:
            name = self._where.label or self._where.id.hex()
            raise InputError(
                "key", name, f"the token {self._where.token} has {len(keys)} such keys on P-256 or Ed25519", "Name one by its id."
            )
        return keys[0], keys[0].key_type == types.EC_EDWARDS

    def _told(self, fault: Exception) -> MarqueError:
        exceptions = self._pkcs11.exceptions
        if isinstance(fault, exceptions.NoSuchToken):
            return InputError("key", self._where.token, "there is no token of this name", "Is it plugged in? Is the module the right one?")
        if isinstance(fault, (exceptions.PinIncorrect, exceptions.PinInvalid, exceptions.PinLenRange)):
            return InputError("PIN", self._where.token, "the token does not take it", "After a few wrong ones a token locks itself.")
        if isinstance(fault, exceptions.PinLocked):
            return InputError("PIN", self._where.token, "the token has locked itself", "Its administrator can unlock it.")
        return Unavailable(f"The token {self._where.token} does not sign: {type(fault).__name__} {fault}".strip() + ".")


def _library() -> ModuleType:
    try:
        import pkcs11
        import pkcs11.exceptions
    except ImportError as fault:
        raise Unavailable("Keys on tokens need the extra `pkcs11`: pip install 'marque[pkcs11]'.") from fault
    return pkcs11


def _content(point: bytes) -> bytes:
    """CKA_EC_POINT is the DER of an octet string (PKCS #11 2.40, 2.3.3); some tokens leave the wrapping out."""
    return point[2:] if len(point) > 2 and point[0] == _OCTET_STRING and point[1] == len(point) - 2 else point


def _p256_public(point: bytes) -> str:
    try:
        public = EllipticCurvePublicKey.from_encoded_point(SECP256R1(), _content(point))
    except ValueError as fault:
        raise InputError("key", "", "it is not a key on the curve P-256", "Make one of the type EC:prime256v1, or Ed25519.") from fault
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def _ed25519_public(point: bytes) -> bytes:
    content = _content(point)
    if len(content) != 32:
        raise InputError("key", "", "it is not an Ed25519 key", "Make one of the type EC:edwards25519, or on P-256.")
    return content
