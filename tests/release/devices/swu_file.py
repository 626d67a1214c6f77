"""An update file of swupdate, small and signed, and an HTTP server for a client that lives in another process."""

from __future__ import annotations

import hashlib
import subprocess
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import uvicorn

CONTENT = b"the new software of an ECU\n" * 2000


def swu(folder: Path, installs_to: Path) -> bytes:
    """A cpio archive ("crc" format) whose description is signed (CMS); the certificate is `folder/cert.pem`."""
    said = (
        'software = { version = "1.2.0"; hardware-compatibility: [ "1.0" ]; files: ( { filename = "app.bin"; '
        f'path = "{installs_to}"; sha256 = "{hashlib.sha256(CONTENT).hexdigest()}"; }} ); }};'
    ).encode()
    description = folder / "sw-description"
    description.write_bytes(said)
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "cert.pem", "-subj", "/CN=marque",
            "-days", "30", "-addext", "extendedKeyUsage=emailProtection"]  # fmt: skip
    signed = ["openssl", "cms", "-sign", "-in", "sw-description", "-out", "signature", "-signer", "cert.pem", "-inkey", "key.pem",
              "-outform", "DER", "-nosmimecap", "-binary"]  # fmt: skip
    for command in (made, signed):
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
    files = (
        ("sw-description", said),
        ("sw-description.sig", (folder / "signature").read_bytes()),
        ("app.bin", CONTENT),
        ("TRAILER!!!", b""),
    )
    return b"".join(_entry(name, content, number) for number, (name, content) in enumerate(files, 1))


@contextmanager
def over_http(app):
    """The address of the application on this machine."""
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


def _entry(name: str, content: bytes, number: int) -> bytes:
    stored = name.encode() + b"\0"
    fields = (number, 0o100644, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(stored), sum(content) & 0xFFFFFFFF)
    head = b"070702" + b"".join(b"%08X" % one for one in fields) + stored
    return _padded(head) + _padded(content)


def _padded(content: bytes) -> bytes:
    return content + b"\0" * (-len(content) % 4)
