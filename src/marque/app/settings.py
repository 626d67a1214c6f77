"""Everything that is set from outside, read once, checked, and frozen.

A TOML file (MARQUE_CONFIG) and environment variables (MARQUE_ and the field's name in capitals), which win. A secret can be given as a file
that holds it (MARQUE_DATABASE_APP_FILE, or database_app_file in TOML), as containers and systemd hand them over.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from psycopg.conninfo import conninfo_to_dict

from marque.common import InputError
from marque.foundation.embedded import Addresses

_PREFIX = "MARQUE_"
_ELSEWHERE = frozenset({"MARQUE_CONFIG", "MARQUE_CACHE", "MARQUE_SHARED"})
_SECRETS = ("database_owner", "database_app", "database_worker", "operations_token")
_STYLES = ("auto", "json", "console")
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_TOKEN_LENGTH = 32


class Secret(str):
    """Text that shows itself only to who asks for it as text."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "Secret(…)" if self else "Secret()"


_NONE = Secret()


@dataclass(frozen=True)
class Settings:
    """database_folder: the PostgreSQL that comes with Marque keeps its data there; unless all three addresses of another one are given.

    public_origin: scheme, host and port as browsers see them; sessions and passkeys are bound to it. blobs: a folder or
    s3://BUCKET/PREFIX. keys_folder: what the server itself signs with (the audit log's key).
    operations_token: lets a scraper read /metrics from elsewhere; empty: only from this machine.
    development_sign_in: an identity provider without passwords, for demonstrations on one machine.
    """

    database_folder: Path = Path(".marque/postgresql")
    database_owner: Secret = _NONE
    database_app: Secret = _NONE
    database_worker: Secret = _NONE
    blobs: str = ".marque/blobs"
    host: str = "127.0.0.1"
    port: int = 8000
    public_origin: str = "http://localhost:8000"
    keys_folder: Path = Path(".marque/keys")
    log_format: str = "auto"
    log_level: str = "info"
    worker_concurrency: int = 4
    operations_token: Secret = _NONE
    development_sign_in: bool = False

    def __post_init__(self) -> None:
        _check(self)

    def addresses(self) -> Addresses | None:
        """Of the PostgreSQL by address; None: the embedded one is meant."""
        if not self.database_app:
            return None
        return Addresses(str(self.database_owner), str(self.database_app), str(self.database_worker))


def read_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Raises InputError, naming the file or variable, for an unknown key, a value that does not fit, or a file that cannot be read."""
    environment = os.environ if environment is None else environment
    given: dict[str, tuple[str, Any]] = {}
    if path := environment.get("MARQUE_CONFIG"):
        given |= {key: (f"{Path(path).name}, {key}", value) for key, value in _toml(Path(path)).items()}
    ours = {name: value for name, value in environment.items() if name.startswith(_PREFIX) and name not in _ELSEWHERE}
    for name in ours:
        key = name.removeprefix(_PREFIX).lower()
        _known(key, name, lambda near: _PREFIX + near.upper())
        # A secret from the environment, itself or as a file, replaces the other way of giving it in the file.
        given.pop(key.removesuffix("_file"), None)
        given.pop(f"{key}_file", None)
    given |= {name.removeprefix(_PREFIX).lower(): (name, value) for name, value in ours.items()}
    return _settled(given)


def _settled(given: Mapping[str, tuple[str, Any]]) -> Settings:
    kinds = {one.name: one.type for one in fields(Settings)}
    values: dict[str, Any] = {}
    for key, (source, value) in given.items():
        plain = key.removesuffix("_file")
        if key != plain and plain in _SECRETS:
            if plain in given:
                raise InputError(source, "", f"{given[plain][0]} is given as well", "Give the secret or a file that holds it.")
            values[plain] = Secret(_read(source, Path(str(value))).strip())
        else:
            values[key] = _value(source, str(kinds[key]), value)
    try:
        return Settings(**values)
    except InputError as fault:  # told under the name it was given by
        named = [source for key, (source, _) in given.items() if fault.source in {key, key.removesuffix("_file")}]
        raise InputError(named[0] if named else fault.source, "", fault.problem, fault.remedy) from None


def _toml(path: Path) -> dict[str, Any]:
    try:
        said = tomllib.loads(_read("MARQUE_CONFIG", path))
    except tomllib.TOMLDecodeError as fault:
        raise InputError(path.name, "", f"not TOML: {fault}", "A line is for instance: port = 8000") from fault
    for key in said:
        _known(key, path.name, lambda near: near)
    return said


def _read(source: str, path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as fault:
        reason = getattr(fault, "strerror", None) or "it is not UTF-8 text"
        raise InputError(source, "", f"{path} cannot be read ({reason})", "Give a file that this user may read.") from fault


def _known(key: str, source: str, spell: Callable[[str], str]) -> None:
    names = [one.name for one in fields(Settings)]
    names += [f"{secret}_file" for secret in _SECRETS]
    if key not in names:
        near = difflib.get_close_matches(key, names, 1, 0.5)
        remedy = f"Did you mean {spell(near[0])}?" if near else f"There are {', '.join(spell(name) for name in names)}."
        raise InputError(source, "" if source.startswith(_PREFIX) else key, "there is no such setting", remedy)


def _value(source: str, kind: str, value: Any) -> Any:
    """From text (the environment) or from TOML's own types."""
    if kind == "bool":
        words = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}
        if isinstance(value, bool):
            return value
        if isinstance(value, str) and value.lower() in words:
            return words[value.lower()]
        raise InputError(source, "", f"{value!r} is neither true nor false")
    if kind == "int":
        if isinstance(value, str) and value.strip().lstrip("-").isdecimal():
            return int(value)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        raise InputError(source, "", f"{value!r} is no whole number")
    if not isinstance(value, str):
        raise InputError(source, "", f"expected text, found {type(value).__name__}")
    return {"Path": Path, "Secret": Secret}.get(kind, str)(value)


def _check(settings: Settings) -> None:
    """What one value, or two together, must be. Raises InputError whose source is the field's name."""
    given = [bool(getattr(settings, name)) for name in _SECRETS[:3]]
    if any(given) and not all(given):
        lacking = _SECRETS[given.index(False)]
        raise InputError(lacking, "", "missing", "A PostgreSQL by address needs one for each role: owner, app, worker.")
    for name in _SECRETS[:3]:
        try:
            user = conninfo_to_dict(getattr(settings, name)).get("user")
        except Exception as fault:
            raise InputError(name, "", "not a PostgreSQL address", "For instance postgresql://marque_app@HOST/marque.") from fault
        if user in {"postgres", "root"}:
            raise InputError(name, "", "a superuser passes row-level security", f"Use marque_{name.removeprefix('database_')}.")
    if settings.database_app and settings.database_app == settings.database_owner:
        raise InputError("database_app", "", "the same as database_owner", "The role that serves must own nothing.")
    _among("port", settings.port, 0, 65535)
    _among("worker_concurrency", settings.worker_concurrency, 1, 64)
    if settings.log_format not in _STYLES:
        raise InputError("log_format", "", f"{settings.log_format!r} is none of {', '.join(_STYLES)}")
    if settings.log_level not in {"debug", "info", "warning", "error"}:
        raise InputError("log_level", "", f"{settings.log_level!r} is none of debug, info, warning, error")
    if settings.operations_token and len(settings.operations_token) < _TOKEN_LENGTH:
        raise InputError("operations_token", "", f"shorter than {_TOKEN_LENGTH} characters", "Make one: openssl rand -hex 32.")
    _check_origin(settings)


def _among(name: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise InputError(name, "", f"{value} is not within {least} and {most}")


def _check_origin(settings: Settings) -> None:
    try:
        url = urlsplit(settings.public_origin)
        host, _ = url.hostname or "", url.port
    except ValueError:
        host, url = "", urlsplit("")
    if url.scheme not in {"http", "https"} or not host or url.username or url.path.strip("/") or url.query or url.fragment:
        raise InputError("public_origin", "", "expected scheme, host and port alone", "For instance https://marque.example.")
    here = host in _LOOPBACK or host.endswith(".localhost")
    if url.scheme == "http" and not here:
        raise InputError("public_origin", "", "http is for this machine alone", "Passkeys and session cookies need https.")
    if settings.development_sign_in and not (here and settings.host in _LOOPBACK):
        remedy = "Listen on 127.0.0.1 with a public origin of localhost, or turn it off."
        raise InputError("development_sign_in", "", "anybody could sign in as anybody from another machine", remedy)
