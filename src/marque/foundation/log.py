"""What is written down while Marque runs: one JSON object a line on stderr (readable lines on a terminal), and nobody's personal data.

    log = structlog.get_logger("marque.alliance")
    with bound(request_id=new_id(), organisation="gac"):
        log.info("revision-signed", agreement=agreement)

An event is a word with hyphens, what varies goes into fields. Two nets hold back what must not be written, whoever writes it, libraries
included: fields whose name says what they hold, and values that look like it. They are nets: name fields by what they are, pass no persons.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from typing import Any, TextIO
from uuid import UUID

import structlog
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import EventDict, Processor, WrappedLogger

REDACTED = "[redacted]"

_FORBIDDEN = frozenset({
    "address", "assertion", "authorisation", "authorization", "birthday", "body", "challenge", "contact", "content", "cookie",
    "cookies", "credential", "credentials", "dsn", "email", "emails", "envelope", "envelopes", "forename", "headers", "key",
    "keys", "location", "mail", "mobile", "name", "names", "otp", "passkey", "passphrase", "passwd", "password", "passwords",
    "payload", "person", "persons", "phone", "phones", "pin", "plate", "position", "query", "salt", "secret", "secrets",
    "session", "signature", "surname", "tel", "telephone", "token", "tokens", "uri", "url", "user", "username", "vin", "vins",
})  # fmt: skip
_ANYWHERE = ("apikey", "authoriz", "cookie", "credential", "email", "envelope", "passw", "phone", "secret", "token")
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_OURS = frozenset({"event", "level", "logger", "timestamp", "exception"})

_UUID = r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b(?![-_=~+/])"
_LOOKS = re.compile(
    "|".join(
        [
            f"(?P<kept>{_UUID})",
            r"(?i:\bbearer\s+[^\s,;\"']+|\bbasic\s+[a-z0-9+/=]{6,})",
            r"(?<=://)[^\s/@]{1,200}@[^\s/?#]{1,255}",  # who a URL signs in
            r"[^\s@<>()\"',;:=/]{1,64}@[^\s@<>()\"',;:=/]{1,255}",  # anything around an @: better one word too many than an address
            r"(?i:(?<![a-z0-9])(?=[a-z]*\d)[a-hj-npr-z0-9]{17}(?![a-z0-9]))",  # a vehicle identification number, ISO 3779
            r"(?<!\d)1[3-9]\d{9}(?!\d)|\+\d[\d \-]{6,20}\d",  # a mobile number of China; any number with its country
            r"(?<![A-Za-z0-9_~+=-])(?=[A-Za-z_~+=-]*\d)(?=[\d_~+=-]*[A-Za-z])[A-Za-z0-9_~+=-]{24,}",
            r"(?<![A-Za-z0-9+/])(?=[A-Za-z0-9+/]*[a-z])(?=[A-Za-z0-9+/]*[A-Z])(?=[A-Za-z0-9+/]*\d)[A-Za-z0-9+/]{40,}={0,2}",
        ]
    )
)
_DETAIL = re.compile(r"(?:^|\n)[ \t]*(?:DETAIL|HINT|CONTEXT|QUERY|STATEMENT):[^\n]*")  # PostgreSQL tells rows in these
_LONGEST = 4000
_QUERY = re.compile(r"\?[^\s\"'<>]*")


def scrubbed(text: str) -> str:
    """The text without what looks like an e-mail address, a telephone or vehicle number, a token or a long secret; ids (UUIDs) stay.

    Digests of 24 characters and more go too. No more than the first 4,000 characters.
    """
    text = text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
    return _LOOKS.sub(lambda found: found[0] if found["kept"] else REDACTED, _DETAIL.sub("", text))


def forbidden(field: str) -> bool:
    """Whether a field's name says that it holds what is not written: any of its words, in whatever case it is spelt."""
    return any(word.lower() in _FORBIDDEN for word in _WORDS.findall(field)) or any(part in field.lower() for part in _ANYWHERE)


def clean(value: Any) -> Any:
    """The value as it may be written: nested fields and texts held back; what is no plain value is told by its type alone."""
    if value is None or isinstance(value, bool | int | float):
        return REDACTED if _LOOKS.fullmatch(str(value)) else value
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, str):
        return scrubbed(value)
    if isinstance(value, Mapping):
        return {scrubbed(str(one)): REDACTED if forbidden(str(one)) else clean(inner) for one, inner in value.items()}
    if isinstance(value, Sequence | set | frozenset) and not isinstance(value, bytes | bytearray | memoryview):
        return [clean(one) for one in value]
    return scrubbed(str(value)) if isinstance(value, BaseException) else f"<{type(value).__name__}>"


def redact(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """The last processor before rendering: both nets over the whole of it."""
    return {
        scrubbed(field): _told(inner) if field == "exception" else REDACTED if field not in _OURS and forbidden(field) else clean(inner)
        for field, inner in event.items()
    }


def _told(exception: Any) -> Any:
    """A traceback's frames say files and functions; only their field `name` is no person's."""
    if not isinstance(exception, list):
        return clean(exception)
    return [
        {
            "type": one.get("exc_type", ""),
            "told": scrubbed(str(one.get("exc_value", ""))),
            "at": [f"{frame['filename']}:{frame['lineno']} {frame['name']}" for frame in one.get("frames", [])],
        }
        for one in exception
    ]


def _of_libraries(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Records of libraries as fields of ours: their texts hold clients' addresses, query strings and the arguments of jobs."""
    record, arguments = event.get("_record"), event.pop("positional_args", ())
    if not isinstance(record, logging.LogRecord):
        return event
    if record.name == "uvicorn.access" and isinstance(arguments, tuple) and len(arguments) == 5:
        _, method, path, _, status = arguments
        return {**event, "event": "request", "method": str(method), "path": _QUERY.sub("", str(path)), "status": status}
    if record.name.startswith("procrastinate"):
        job = getattr(record, "job", None) or {}
        told = {field: job[field] for field in ("id", "task_name") if field in job}
        ours = {"event": getattr(record, "action", None) or "procrastinate", "job_id": told.get("id"), "job": told.get("task_name")}
        return {**event, **{field: value for field, value in ours.items() if value is not None}}
    return {**event, "event": _QUERY.sub("", str(event.get("event", "")))}


def configure(style: str = "auto", level: str = "info", stream: TextIO | None = None) -> None:
    """Send everything that is logged, by Marque and by libraries, to one stream. style: json, console, or auto (console on a terminal)."""
    out = stream or sys.stderr
    console = style == "console" or (style == "auto" and out.isatty())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    transformer = ExceptionDictTransformer(show_locals=False, max_frames=40)
    rendering: list[Processor] = [structlog.dev.ConsoleRenderer(colors=out.isatty())] if console else [structlog.processors.JSONRenderer()]
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            pass_foreign_args=True,
            foreign_pre_chain=[*shared, _of_libraries],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.ExceptionRenderer(transformer),
                redact,
                *([_one_text] if console else []),
                *rendering,
            ],
        )
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in ("uvicorn", "uvicorn.access", "uvicorn.error"):  # their own handlers write past the nets
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate, logger.disabled = True, False
        logger.setLevel(logging.NOTSET)
    for name in ("httpx", "httpcore", "procrastinate"):  # at info they tell every address asked, every argument passed
        logging.getLogger(name).setLevel(logging.WARNING)


def _one_text(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """On a terminal a traceback is lines, the last call first as its own text ends."""
    faults = event.pop("exception", None)
    if isinstance(faults, list):
        event["exception"] = "\n".join("\n".join([f"{one['type']}: {one['told']}", *(f"  {at}" for at in one["at"])]) for one in faults)
    return event


@contextmanager
def bound(**fields: Any) -> Iterator[MutableMapping[str, Any]]:
    """While inside, every line of this thread or task has these fields: request_id, organisation."""
    with structlog.contextvars.bound_contextvars(**fields):
        yield structlog.contextvars.get_contextvars()
