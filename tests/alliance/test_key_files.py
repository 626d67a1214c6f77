"""Private key files: encrypted, their owner's alone, never written over; OpenSSL reads the same."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat

from marque.alliance.key_files import LEAST_PASSPHRASE, encrypt, read_key, write_key
from marque.common import InputError

PASSPHRASE = "correct hörse 电池 staple"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
POSIX = pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX's")


def test_a_key_comes_back_with_its_passphrase_and_not_without(tmp_path):
    write_key(tmp_path / "li.key", KEY, PASSPHRASE)
    assert read_key(tmp_path / "li.key", PASSPHRASE).private_bytes_raw() == KEY.private_bytes_raw()
    with pytest.raises(InputError, match="encrypted with this passphrase"):
        read_key(tmp_path / "li.key", PASSPHRASE + " ")


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl on this machine")
def test_openssl_reads_the_same_key(tmp_path):
    file = tmp_path / "li.key"
    write_key(file, KEY, PASSPHRASE)
    command = ["openssl", "pkey", "-in", str(file), "-passin", f"pass:{PASSPHRASE}", "-outform", "DER"]
    told = subprocess.run(command, capture_output=True, check=True)
    assert told.stdout == KEY.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    shown = subprocess.run(["openssl", "asn1parse", "-in", str(file)], capture_output=True, check=True, text=True).stdout
    assert "scrypt" in shown
    assert "aes-256-cbc" in shown


def test_two_files_of_one_key_and_passphrase_share_nothing():
    first, second = (b"".join(encrypt(KEY, PASSPHRASE).splitlines()[1:-1]) for _ in range(2))
    assert first[-80:] != second[-80:]


@POSIX
def test_the_file_is_readable_by_its_owner_only_whatever_the_umask(tmp_path):
    before = os.umask(0)
    try:
        write_key(tmp_path / "li.key", KEY, PASSPHRASE)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "li.key").stat().st_mode) == 0o600


@POSIX
def test_a_key_that_others_can_read_is_not_used(tmp_path):
    file = tmp_path / "li.key"
    write_key(file, KEY, PASSPHRASE)
    file.chmod(0o640)
    with pytest.raises(InputError, match="others can read"):
        read_key(file, PASSPHRASE)


def test_an_existing_file_is_never_written_over(tmp_path):
    file = tmp_path / "li.key"
    file.write_text("something dear")
    with pytest.raises(InputError, match="already there"):
        write_key(file, KEY, PASSPHRASE)
    assert file.read_text() == "something dear"


def test_a_short_passphrase_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(InputError, match="fewer than 12"):
        write_key(tmp_path / "li.key", KEY, "x" * (LEAST_PASSPHRASE - 1))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "not a private key"),
        (KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), "not a private key encrypted"),
        (
            ec.derive_private_key(7, ec.SECP256R1()).private_bytes(
                Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(PASSPHRASE.encode())
            ),
            "not an Ed25519 key",
        ),
    ],
)
def test_another_kind_of_file_is_refused(tmp_path, text, said):
    file = tmp_path / "li.key"
    file.write_bytes(text)
    file.chmod(0o600)
    with pytest.raises(InputError, match=said):
        read_key(file, PASSPHRASE)


def test_a_missing_file_and_folder_are_named(tmp_path):
    with pytest.raises(InputError, match=r"li\.key: it cannot be read"):
        read_key(tmp_path / "li.key", PASSPHRASE)
    with pytest.raises(InputError, match=r"li\.key: it cannot be written"):
        write_key(tmp_path / "nowhere" / "li.key", KEY, PASSPHRASE)
