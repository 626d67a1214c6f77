"""The car's line to its server, its settings, and what a primary hands on."""

from __future__ import annotations

import json
import socket
import ssl
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, time, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Event, Thread
from zoneinfo import ZoneInfo

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import settings as settings_of_hypothesis
from hypothesis import strategies as st
from updater_world import Server, car_of, first

from marque.car import settings
from marque.car.attacks import Attack, UpdateRefused
from marque.car.handed import Handed
from marque.car.install.conditions import Terms, Window
from marque.car.link import HttpLink, Stale, check_address, read_poll
from marque.car.settings import Settings, window_of
from marque.car.tuf.fetch import NotThere
from marque.common import InputError, Unavailable

POLL = {"nonce": "ab", "director": {"root": 1, "targets": 2}, "image": {"root": 1, "timestamp": 3}, "poll_after_s": 60}


@contextmanager
def answering(status, raw, context=None):
    """A server that says the same to everybody. Its address, and what it was sent: method, path, headers, body."""
    sent = []

    class Handler(BaseHTTPRequestHandler):
        def answer(self):
            sent.append((self.command, self.path, dict(self.headers), self.rfile.read(int(self.headers.get("Content-Length", 0)))))
            self.send_response(status)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        do_GET = do_POST = answer  # noqa: N815

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    server.handle_error = lambda *_: None
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"{'https' if context else 'http'}://127.0.0.1:{server.server_port}/car/v1/gac/p/V-1", sent
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_poll_carries_the_nonce_and_the_token():
    with answering(200, json.dumps(POLL | {"time": {"signed": {"b": 1, "a": 2}, "signatures": []}}).encode()) as (address, sent):
        link = HttpLink(address, "secret")
        told = link.poll("cd" * 16)
        link.poll("")
        link.close()
    assert (told.nonce, told.director, told.image, told.after_s) == ("ab", {"root": 1, "targets": 2}, {"root": 1, "timestamp": 3}, 60.0)
    assert json.loads(told.time) == {"signed": {"a": 2, "b": 1}, "signatures": []}
    (_, path, headers, _), (_, plain, _, _) = sent
    assert path == f"/car/v1/gac/p/V-1/poll?nonces={'cd' * 16}"
    assert plain == "/car/v1/gac/p/V-1/poll"
    assert headers["Authorization"] == "Bearer secret"


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500, 503])
def test_a_server_that_does_not_know_the_car_is_no_attack(status):
    with answering(status, b"") as (address, _), pytest.raises(Unavailable):
        HttpLink(address, "").poll("ab")


@pytest.mark.parametrize("raw", [b"", b"[]", b"{}", b"\xff", b"{" * 100_000, json.dumps(POLL | {"poll_after_s": 0}).encode()])
def test_an_answer_that_cannot_be_read_is_no_attack(raw):
    with pytest.raises(Unavailable):
        read_poll(raw)


@settings_of_hypothesis(max_examples=40)
@given(
    st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.dictionaries(st.text(), inner) | st.lists(inner))
)
def test_no_answer_crashes_the_car(found):
    try:
        read_poll(json.dumps(found).encode())
    except Unavailable:
        assert True


def test_an_endless_answer_is_cut():
    with answering(200, b" " * 300_000) as (address, _), pytest.raises(UpdateRefused) as met:
        HttpLink(address, "").poll("ab")
    assert met.value.attack is Attack.ENDLESS_DATA


def test_a_report_is_posted_and_the_next_nonce_read():
    with answering(200, b'{"accepted": true, "nonce": "next"}') as (address, sent):
        assert HttpLink(address, "secret").report(b"{}") == "next"
    method, path, headers, body = sent[0]
    assert (method, path, body) == ("POST", "/car/v1/gac/p/V-1/manifest", b"{}")
    assert headers["Authorization"] == "Bearer secret"


def test_what_the_server_says_to_a_report():
    with answering(409, b"{}") as (address, _), pytest.raises(Stale):
        HttpLink(address, "").report(b"{}")
    with answering(422, b'{"detail": "state is not known"}') as (address, _), pytest.raises(Unavailable, match="422 state is not known"):
        HttpLink(address, "").report(b"{}")
    with answering(200, b"thanks") as (address, _):
        assert HttpLink(address, "").report(b"{}") == ""
    with pytest.raises(Unavailable, match="does not take"):
        HttpLink(address, "").report(b"{}")


def test_a_server_that_drips_keeps_no_car_busy(monkeypatch):
    monkeypatch.setattr("marque.car.link._ANSWER_WITHIN_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def drip():
            connection = listening.accept()[0]
            with connection, suppress(OSError):
                connection.sendall(b"HTTP/1.1 200 OK\r\nX-Drip: ")
                while not done.wait(0.02):
                    connection.sendall(b".")

        done = Event()
        thread = Thread(target=drip, daemon=True)
        thread.start()
        with pytest.raises(Unavailable, match="does not take"):
            HttpLink(f"http://127.0.0.1:{listening.getsockname()[1]}/car", "").report(b"{}")
        done.set()
        thread.join()


def certificate(folder):
    """Of 127.0.0.1, by itself: the server's context and the file to trust."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "cars.example")])
    now = datetime.now(UTC)
    from ipaddress import ip_address

    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    (folder / "ca.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "key.pem").write_bytes(key.private_bytes(serialization.Encoding.PEM, *plain))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "ca.pem", folder / "key.pem")
    return context


def test_a_car_trusts_the_authority_that_it_was_given_and_no_other(tmp_path):
    context = certificate(tmp_path)
    with answering(200, json.dumps(POLL).encode(), context) as (address, _):
        car = car_of(tmp_path, Server(first()).world, server=address)
        with pytest.raises(Unavailable, match="certificate"):
            car.link().poll("ab")
        with pytest.raises(Unavailable, match="certificate"):
            car.link().report(b"{}")
        (car.path / "ca.pem").write_bytes((tmp_path / "ca.pem").read_bytes())
        link = car.link()
        assert link.poll("ab").nonce == "ab"
        assert link.report(b"{}") == "ab"
        link.close()
    (car.path / "ca.pem").write_text("no certificate")
    with pytest.raises(InputError, match="no certificate in PEM"):
        car.link()


@pytest.mark.parametrize("address", ["", "cars.example", "ftp://cars.example", "https://", "https://a/b?c=d", "https://a/b#c"])
def test_what_is_no_address(address):
    with pytest.raises(InputError):
        check_address(address)


def test_settings_are_read_as_they_were_written():
    window = Window(time(1), time(5, 30), ZoneInfo("Europe/Berlin"))
    for each in (
        Settings("https://a/b", Terms()),
        Settings("https://a/b", Terms(consent=False, least_charge_percent=55, window=window), ("start", "-x")),
    ):
        assert settings.read(settings.dumps(each)) == each


@pytest.mark.parametrize(
    "changes",
    [
        {"consent": "yes"},
        {"least_charge_percent": 101},
        {"least_charge_percent": -1},
        {"server": "ftp://a"},
        {"window": ["1", "2"]},
        {"more": 1},
    ],
)
def test_settings_that_somebody_spoilt_are_said(changes):
    raw = json.loads(settings.dumps(Settings("https://a/b", Terms())))
    with pytest.raises(InputError):
        settings.read(json.dumps(raw | changes).encode())


@pytest.mark.parametrize(
    "parts", [[], ["01:00", "05:00"], ["1", "05:00", "UTC"], ["01:00", "05:00", "Mars/Olympus"], ["01:00", "25:00", "UTC"]]
)
def test_what_is_no_window(parts):
    with pytest.raises(InputError, match="not two times and a time zone"):
        window_of(parts)


class Roots:
    def __init__(self):
        self.asked = []

    def get(self, path, at_most):
        self.asked.append(path)
        if path == "2.root.json":
            return b"root"[:at_most]
        raise NotThere(path)


def test_a_primary_hands_on_what_it_trusts_and_asks_for_each_root_once(tmp_path):
    (tmp_path / "director").mkdir()
    (tmp_path / "director" / "targets.json").write_bytes(b"targets")
    (tmp_path / "secret").write_bytes(b"secret")
    server = Roots()
    handed = Handed(tmp_path / "director", server)
    assert handed.get("targets.json", 100) == b"targets"
    for _ in range(2):
        assert handed.get("2.root.json", 100) == b"root"
        with pytest.raises(NotThere):
            handed.get("3.root.json", 100)
    assert server.asked == ["2.root.json", "3.root.json"]
    for path in ("../secret", "elsewhere.json", "..", ""):
        with pytest.raises(NotThere):
            handed.get(path, 100)
    with pytest.raises(UpdateRefused) as met:
        handed.get("targets.json", 3)
    assert met.value.attack is Attack.ENDLESS_DATA
