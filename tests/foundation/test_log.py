"""What is written down is one JSON object a line, and holds nobody's personal data, whoever writes it."""

from __future__ import annotations

import io
import json
import logging
import string
import threading
import time

import psycopg
import pytest
import structlog
import uvicorn
from hypothesis import given
from hypothesis import strategies as st

from marque.common import new_id
from marque.foundation import log
from marque.foundation.log import REDACTED, bound, clean, forbidden, scrubbed

FORBIDDEN = ["email", "name", "phone", "token", "authorization", "cookie", "password", "key", "envelope", "body"]
SPELT = st.sampled_from(["{}", "{}s", "user_{}", "the-{}", "{}_of_owner", "x{}"]).map(str)
HEX, WORDS = "0123456789abcdef", string.ascii_letters + string.digits


@pytest.fixture
def written():
    """Logging as configured for a server, into memory; calling gives the lines as values. Undone at the end."""
    root, before = logging.getLogger(), logging.getLogger().handlers[:]
    level, out = root.level, io.StringIO()
    levels = {name: logging.getLogger(name).level for name in ("httpx", "httpcore", "procrastinate")}
    log.configure("json", "debug", out)
    yield lambda: [json.loads(line) for line in out.getvalue().splitlines()]
    structlog.reset_defaults()
    root.handlers[:] = before
    root.setLevel(level)
    for name, was in levels.items():
        logging.getLogger(name).setLevel(was)


EMAILS = st.builds(
    "{}@{}.{}".format,
    st.text(WORDS + "._+-", min_size=1, max_size=20),
    st.text(WORDS, min_size=1, max_size=15),
    st.sampled_from(["com", "cn", "example"]),
)
VINS = st.text("ABCDEFGHJKLMNPRSTUVWXYZ0123456789", min_size=16, max_size=16).map(lambda text: text + "7")
BEARERS = st.text(WORDS + "-._~+/", min_size=8, max_size=60).map(lambda text: f"Bearer {text}")
LONG = st.text(WORDS + "-_", min_size=30, max_size=90).map(lambda text: f"a1{text}")
PHONES = st.text("0123456789", min_size=9, max_size=9).map(lambda text: f"13{text}")
SECRETS = st.one_of(EMAILS, VINS, BEARERS, LONG, PHONES)
PLAIN = st.text("abcdefghij klmnop.,;()", max_size=30)
AROUND = st.sampled_from([" ", "=", ": ", "'", '"', "(", ",", "\n", "<"])


@given(PLAIN, AROUND, SECRETS, AROUND, PLAIN)
def test_what_looks_personal_or_secret_is_not_in_the_text(before, left, secret, right, after):
    told = scrubbed(f"{before}{left}{secret}{right}{after}")
    assert REDACTED in told
    assert secret.removeprefix("Bearer ") not in told


@given(
    SECRETS,
    st.recursive(
        st.just("here"),
        lambda inner: st.lists(inner, min_size=1, max_size=2) | st.dictionaries(st.sampled_from("abc"), inner, min_size=1, max_size=2),
        max_leaves=4,
    ),
)
def test_it_is_in_no_depth_of_a_value(secret, shape):
    def planted(one):
        if isinstance(one, dict):
            return {f"{number} {secret}": planted(inner) for number, inner in enumerate(one.values())}
        return [planted(inner) for inner in one] if isinstance(one, list) else f"see {secret}"

    assert secret.removeprefix("Bearer ") not in json.dumps(clean(planted(shape)))


@given(st.sampled_from(FORBIDDEN), SPELT, st.sampled_from([str.lower, str.upper, str.title]))
def test_a_field_whose_name_says_what_it_holds_is_forbidden_in_every_spelling(word, spelt, case):
    if spelt in {"x{}", "{}s"} and word in {"name", "key", "body"}:
        return  # words of other meaning begin and end like these
    assert forbidden(case(spelt.format(word)))


@pytest.mark.parametrize(
    "field", ["customerEmail", "APIKey", "apikey", "accessToken", "Set-Cookie", "X-Authorization", "passphrase", "vin", "userName"]
)
def test_fields_of_programs_are_forbidden_too(field):
    assert forbidden(field)


@pytest.mark.parametrize(
    "field", ["organisation", "request_id", "kind", "attempts", "status", "took_s", "route", "agreement", "event_id", "failure"]
)
def test_fields_of_ours_are_written(field):
    assert not forbidden(field)


@given(st.text("abcdefghijklmnopqrstuvwxyz .,;-/()", max_size=80))
def test_plain_words_stay_as_they_are(text):
    assert scrubbed(text) == text


def test_ids_stay_readable():
    made = new_id()
    assert scrubbed(f"agreement {made}, revision 2") == f"agreement {made}, revision 2"
    assert clean({"agreement": made, "count": 3, "at": None, "ok": True}) == {"agreement": str(made), "count": 3, "at": None, "ok": True}


def test_a_number_that_is_a_telephones_is_none_to_write():
    assert clean(13912345678) == REDACTED


def test_an_object_is_told_by_its_type_alone():
    assert clean(object()) == "<object>"
    assert clean(b"li.wei@gac.example") == "<bytes>"


@given(st.text(min_size=1, max_size=9), st.integers(4_001, 20_000))
def test_a_text_of_any_length_is_cut(text, times):
    assert len(scrubbed(text * times)) < 3 * 4_001


def test_a_line_is_json_with_time_level_and_what_is_bound(written):
    with bound(request_id="018f", organisation="gac"):
        structlog.get_logger("marque.alliance").info("revision-signed", number=2, email="li.wei@gac.example")
    structlog.get_logger("marque.alliance").info("alone")
    first, second = written()
    at = first.pop("timestamp")
    assert first == {
        "event": "revision-signed",
        "level": "info",
        "logger": "marque.alliance",
        "number": 2,
        "email": REDACTED,
        "request_id": "018f",
        "organisation": "gac",
    }
    assert at.endswith("Z")
    assert "organisation" not in second


def test_what_is_bound_is_bound_to_its_thread(written):
    def other():
        structlog.get_logger("marque").info("other")

    with bound(organisation="gac"):
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert "organisation" not in written()[0]


def failing(text):
    raise ValueError(text)


def test_a_traceback_tells_places_and_neither_rows_nor_locals(written, database):
    secret = "li.wei@gac.example"
    try:
        with database.transaction() as tx:
            tx.execute("select * from foundation.outbox")
    except psycopg.Error:
        structlog.get_logger("marque").exception("failed", agreement=7)
    try:
        failing(f'duplicate key value violates unique constraint "t"\nDETAIL:  Key (name)=(Li Wei) already exists.\n for {secret}')
    except ValueError:
        structlog.get_logger("marque").exception("failed")
    (denied, failed), text = written(), json.dumps(written())
    assert denied["exception"][-1]["type"] == "InsufficientPrivilege"
    assert "test_log.py" in failed["exception"][0]["at"][-1]
    assert failed["exception"][0]["told"] == f'duplicate key value violates unique constraint "t"\n for {REDACTED}'
    assert secret not in text
    assert "Li Wei" not in text


def test_lines_of_libraries_pass_the_same_nets(written):
    logging.getLogger("some.library").warning("cannot reach https://li.wei:geheim@gac.example/x?code=4711 as %s", "li.wei@gac.example")
    logging.getLogger("uvicorn.access").info('%s - "%s %s HTTP/%s" %d', "10.1.2.3:5", "GET", "/agreements/7?token=geheim", "1.1", 200)
    record = {"action": "job_error", "job": {"id": 3, "task_name": "tell", "task_kwargs": {"note": "geheim"}}}
    logging.getLogger("procrastinate.worker").error("Job tell[3](note='geheim') ended", extra=record)
    library, access, job = written()
    assert not any(word in json.dumps(written()) for word in ("li.wei", "geheim", "4711", "10.1.2.3"))
    assert library["level"] == "warning"
    assert {name: access[name] for name in ("event", "method", "path", "status")} == {
        "event": "request",
        "method": "GET",
        "path": "/agreements/7",
        "status": 200,
    }
    assert {name: job[name] for name in ("event", "job", "job_id")} == {"event": "job_error", "job": "tell", "job_id": 3}


def test_a_line_on_a_terminal_is_for_people_and_holds_no_more():
    root, before, out = logging.getLogger(), logging.getLogger().handlers[:], io.StringIO()
    try:
        log.configure("console", "info", out)
        try:
            failing("li.wei@gac.example")
        except ValueError:
            structlog.get_logger("marque").exception("failed", email="li.wei@gac.example")
    finally:
        structlog.reset_defaults()
        root.handlers[:] = before
        root.setLevel(logging.WARNING)
    assert "failed" in out.getvalue()
    assert f"ValueError: {REDACTED}" in out.getvalue()
    assert "li.wei" not in out.getvalue()


async def _answers(_scope, _receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def test_a_real_servers_access_line_has_no_query_and_no_client(written):
    server = uvicorn.Server(uvicorn.Config(_answers, port=0, log_config=None, lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    import httpx

    httpx.get(f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/agreements?token=geheim")
    server.should_exit = True
    thread.join()
    (line,) = [line for line in written() if line["event"] == "request"]
    assert line["path"] == "/agreements"
    assert "geheim" not in json.dumps(written())
