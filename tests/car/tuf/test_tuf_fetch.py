"""Fetching over HTTP from servers that mean well and from servers that do not."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from tuf_servers import honest, saying

from marque.car.attacks import Attack, UpdateRefused
from marque.car.tuf.fetch import HttpFetcher, NotThere
from marque.common import InputError, Unavailable

DATA = bytes(range(256)) * 1000
OK = b"HTTP/1.1 200 OK\r\n"


@contextmanager
def fetcher_of(answer: Callable[[socket.socket], object], times: int = 1, **how: float) -> Iterator[HttpFetcher]:
    with saying(answer, times) as url, closing(HttpFetcher(url, repository="image", **how)) as fetcher:  # type: ignore[arg-type]
        yield fetcher


def told(raw: bytes) -> Callable[[socket.socket], object]:
    return lambda connection: connection.sendall(raw)


def attack(act: Callable[[], object]) -> Attack:
    with pytest.raises(UpdateRefused) as met:
        act()
    assert met.value.repository == "image"
    return met.value.attack


def test_files_come_over_one_connection_also_after_one_that_is_not_there() -> None:
    with honest({"a b": b"first", "c": b"second"}) as server, closing(HttpFetcher(server.url)) as fetcher:
        assert fetcher.get("a%20b", 10) == b"first"
        with pytest.raises(NotThere):
            fetcher.get("d", 10)
        assert fetcher.get("c", 6) == b"second"
        assert server.connections == 1


def test_a_connection_that_the_server_closed_meanwhile_is_opened_again() -> None:
    answers = [OK + b"Content-Length: 1\r\n\r\na", OK + b"Content-Length: 1\r\n\r\nb"]
    with fetcher_of(lambda connection: connection.sendall(answers.pop(0)), times=2) as fetcher:
        assert fetcher.get("x", 10) == b"a"
        assert fetcher.get("x", 10) == b"b"


@pytest.mark.parametrize("ranges", [True, False])
@pytest.mark.parametrize("start", [0, 1, 100_000, len(DATA) - 1, len(DATA)])
def test_a_download_goes_on_from_any_byte_with_or_without_ranges(ranges: bool, start: int) -> None:
    got = bytearray(DATA[:start])
    with honest({"f": DATA}, ranges=ranges) as server, closing(HttpFetcher(server.url)) as fetcher:
        fetcher.download("f", len(DATA), got.extend, start)
    assert got == DATA


@pytest.mark.parametrize("length", [b"Content-Length: 100000\r\n", b""])
def test_more_than_allowed_is_endless_data(length: bytes) -> None:
    with fetcher_of(told(OK + length + b"\r\n" + b"x" * 100_000)) as fetcher:
        assert attack(lambda: fetcher.get("f", 99_999)) is Attack.ENDLESS_DATA


def test_chunks_without_end_are_endless_data() -> None:
    def endless(connection: socket.socket) -> None:
        connection.sendall(OK + b"Transfer-Encoding: chunked\r\n\r\n")
        while True:
            connection.sendall(b"1000\r\n" + b"x" * 4096 + b"\r\n")

    with fetcher_of(endless) as fetcher:
        assert attack(lambda: fetcher.get("f", 50_000)) is Attack.ENDLESS_DATA


CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n" * 1000
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("first", "again"), [(b"", CONTINUE), (CHUNKED + b"1\r\nx\r\n0\r\n", b"X: y\r\n" * 1000), (CHUNKED, b"1;" + b"x" * 9000 + b"\r\nx\r\n")]
)
def test_headers_trailers_and_chunk_marks_without_end_are_endless_data(first: bytes, again: bytes) -> None:
    def endless(connection: socket.socket) -> None:
        connection.sendall(first)
        while True:
            connection.sendall(again)

    with fetcher_of(endless) as fetcher:
        assert attack(lambda: fetcher.get("f", 5000)) is Attack.ENDLESS_DATA


def test_a_target_longer_than_signed_is_endless_data() -> None:
    got = bytearray()
    with fetcher_of(told(OK + b"\r\n" + DATA)) as fetcher:
        assert attack(lambda: fetcher.download("f", 1000, got.extend)) is Attack.ENDLESS_DATA
    assert len(got) <= 1000


def drip(first: bytes, seconds: float = 3.0) -> Callable[[socket.socket], object]:
    def answer(connection: socket.socket) -> None:
        connection.sendall(first)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            connection.sendall(b"x")
            time.sleep(0.02)

    return answer


@pytest.mark.parametrize("first", [OK + b"Content-Length: 100000\r\n\r\n", OK + b"X-Slow: ", b"HTT", OK + b"\r\n"])
def test_a_trickle_in_header_or_body_is_slow_retrieval(first: bytes) -> None:
    with fetcher_of(drip(first), timeout_s=0.2, least_bytes_per_s=5000) as fetcher:
        assert attack(lambda: fetcher.get("f", 100_000)) is Attack.SLOW_RETRIEVAL


@pytest.mark.parametrize("first", [b"", OK + b"Content-Length: 10\r\n\r\nx"])
def test_silence_is_slow_retrieval(first: bytes) -> None:
    def answer(connection: socket.socket) -> None:
        connection.sendall(first)
        connection.settimeout(3)
        connection.recv(10)  # until the other side has enough

    with fetcher_of(answer, timeout_s=0.1) as fetcher:
        assert attack(lambda: fetcher.get("f", 100)) is Attack.SLOW_RETRIEVAL


def test_what_came_before_the_connection_was_cut_stands() -> None:
    got = bytearray()
    with fetcher_of(told(OK + b"Content-Length: 256000\r\n\r\n" + DATA[:5000])) as fetcher, pytest.raises(Unavailable):
        fetcher.download("f", len(DATA), got.extend)
    assert got == DATA[:5000]


def test_a_file_shorter_than_signed_is_not_taken_for_whole() -> None:
    with fetcher_of(told(OK + b"Content-Length: 5\r\n\r\nshort")) as fetcher, pytest.raises(Unavailable):
        fetcher.download("f", 100, bytearray().extend)


def test_another_part_than_was_asked_for_is_refused() -> None:
    answer = b"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-9/100\r\nContent-Length: 10\r\n\r\n" + b"x" * 10
    with fetcher_of(told(answer)) as fetcher:
        assert attack(lambda: fetcher.download("f", 100, bytearray().extend, 90)) is Attack.ARBITRARY_SOFTWARE


@pytest.mark.parametrize(
    "where", ["http://example.org/f", "https://127.0.0.1/f", "//127.0.0.1:1/f", "file:///etc/passwd", "http://[", "http://a:b/", "/\xe9"]
)
def test_nobody_is_sent_elsewhere(where: str) -> None:
    answer = f"HTTP/1.1 302 Found\r\nLocation: {where}\r\nContent-Length: 0\r\n\r\n".encode("latin-1")
    with fetcher_of(told(answer)) as fetcher:
        assert attack(lambda: fetcher.get("f", 100)) is Attack.ARBITRARY_SOFTWARE


def test_a_redirect_on_the_same_server_is_followed_but_not_for_ever() -> None:
    moved = b"HTTP/1.1 302 Found\r\nLocation: /other\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    answers = [moved, OK + b"Content-Length: 2\r\n\r\nok"]
    with fetcher_of(lambda connection: connection.sendall(answers.pop(0)), times=2) as fetcher:
        assert fetcher.get("f", 100) == b"ok"
    with fetcher_of(told(moved), times=9) as fetcher, pytest.raises(Unavailable):
        fetcher.get("f", 100)


@pytest.mark.parametrize(
    "answer",
    [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n", OK + b"X: " + b"y" * 70_000, b"HTTP/1.1 200 OK\r\n" * 200],
)
def test_a_server_that_cannot_answer_is_unavailable(answer: bytes) -> None:
    with fetcher_of(told(answer), times=2) as fetcher, pytest.raises(Unavailable):
        fetcher.get("f", 100)


def test_no_server_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with closing(HttpFetcher(f"http://127.0.0.1:{port}/")) as fetcher, pytest.raises(Unavailable):
        fetcher.get("f", 100)


def test_headers_go_along() -> None:
    files = {"below/f": b""}
    with honest(files) as server, closing(HttpFetcher(server.url + "below", headers={"Authorization": "Bearer secret"})) as fetcher:
        assert fetcher.get("f", 100) == b""
        assert server.headers[-1]["Authorization"] == "Bearer secret"


def test_over_https_only_who_is_trusted_is_listened_to(tmp_path: Path) -> None:
    import ssl

    certificate, key = certified(tmp_path)
    with honest({"f": DATA}) as server:
        ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        ours.load_cert_chain(certificate, key)
        server.socket = ours.wrap_socket(server.socket, server_side=True)
        url = server.url.replace("http", "https")
        with closing(HttpFetcher(url, context=ssl.create_default_context(cafile=certificate))) as fetcher:
            assert fetcher.get("f", len(DATA)) == DATA
            assert fetcher.get("f", len(DATA)) == DATA
        with closing(HttpFetcher(url)) as stranger, pytest.raises(Unavailable, match="certificate"):
            stranger.get("f", len(DATA))
    assert server.connections == 1


def certified(folder: Path) -> tuple[Path, Path]:
    """A certificate of 127.0.0.1, signed by itself, and its key."""
    import ipaddress
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    private, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(
            name, name, private.public_key(), x509.random_serial_number(), now - timedelta(days=1), now + timedelta(days=1)
        )
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(private, SHA256())
    )
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    certificate.write_bytes(made.public_bytes(Encoding.PEM))
    key.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return certificate, key


@pytest.mark.parametrize(
    "url", ["ftp://example.org/", "example.org", "http://", "file:///tmp", "http://[::1", "http://a:99999/", "http://a/\xe9"]
)
def test_an_address_that_is_none_is_said_so(url: str) -> None:
    with pytest.raises(InputError):
        HttpFetcher(url)
