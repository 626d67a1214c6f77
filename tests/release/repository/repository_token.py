"""A real PKCS#11 token: SoftHSM's, where it is installed (Debian: softhsm2)."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

SOFTHSM = next(
    (one for one in map(Path, ("/usr/lib/softhsm/libsofthsm2.so", "/usr/local/lib/softhsm/libsofthsm2.so")) if one.exists()), None
)
PIN = "314159"
P256, P384, ED25519 = "06082a8648ce3d030107", "06052b81040022", "06032b6570"
"""Object identifiers in DER: RFC 5480, 2.1.1.1; RFC 8410, 3."""


def make_token(place, monkeypatch):
    """Its label; it holds two keys on P-256 and P-384 and one of Ed25519. Skips where there is no SoftHSM."""
    if SOFTHSM is None or shutil.which("softhsm2-util") is None:
        pytest.skip("softhsm2 is not on this machine")
    pkcs11 = pytest.importorskip("pkcs11")
    (place / "tokens").mkdir()
    (place / "softhsm2.conf").write_text(f"directories.tokendir = {place}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n")
    monkeypatch.setenv("SOFTHSM2_CONF", str(place / "softhsm2.conf"))
    given = ["--init-token", "--free", "--label", "gac", "--pin", PIN, "--so-pin", "271828"]
    subprocess.run(["softhsm2-util", *given], check=True, capture_output=True)
    library = pkcs11.lib(str(SOFTHSM))
    library.reinitialize()
    with library.get_token(token_label="gac").open(rw=True, user_pin=PIN) as session:
        _generate(session, pkcs11, pkcs11.KeyType.EC, P256, "li")
        _generate(session, pkcs11, pkcs11.KeyType.EC_EDWARDS, ED25519, "wang")
        _generate(session, pkcs11, pkcs11.KeyType.EC, P384, "wide")
    return "gac"


def _generate(session, pkcs11, kind, curve, label):
    parameters = session.create_domain_parameters(kind, {pkcs11.Attribute.EC_PARAMS: bytes.fromhex(curve)}, local=True)
    edwards = kind == pkcs11.KeyType.EC_EDWARDS
    mechanism = pkcs11.Mechanism.EC_EDWARDS_KEY_PAIR_GEN if edwards else pkcs11.Mechanism.EC_KEY_PAIR_GEN
    parameters.generate_keypair(mechanism=mechanism, store=True, label=label, id=label.encode())
