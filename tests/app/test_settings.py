"""Settings are read once, whole, and refused with the name under which they were given."""

from __future__ import annotations

import contextlib
import dataclasses
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marque.app.settings import Secret, Settings, read_settings
from marque.common import InputError
from marque.foundation.embedded import Addresses

THREE = {
    "MARQUE_DATABASE_OWNER": "postgresql://marque_owner:geheim1@db.example/marque",
    "MARQUE_DATABASE_APP": "postgresql://marque_app:geheim2@db.example/marque",
    "MARQUE_DATABASE_WORKER": "postgresql://marque_worker:geheim3@db.example/marque",
}


@pytest.fixture
def config(tmp_path):
    def written(text):
        file = tmp_path / "marque.toml"
        file.write_text(text)
        return {"MARQUE_CONFIG": str(file)}

    return written


def test_nothing_set_is_the_embedded_database_on_this_machine_alone():
    settings = read_settings({})
    assert settings == Settings()
    assert (settings.addresses(), settings.host, settings.development_sign_in) == (None, "127.0.0.1", False)


def test_settings_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        read_settings({}).port = 1


def test_the_environment_wins_over_the_file(config):
    environment = config('port = 9000\nlog_format = "json"\ndevelopment_sign_in = true\n') | {"MARQUE_PORT": "9001"}
    settings = read_settings(environment)
    assert (settings.port, settings.log_format, settings.development_sign_in) == (9001, "json", True)


def test_variables_of_other_programs_and_tools_are_left_alone():
    assert read_settings({"PATH": "/bin", "MARQUE_CACHE": "/tmp/x", "MARQUE_SHARED": "/tmp/y"}) == Settings()


def test_three_addresses_are_another_postgresql():
    assert read_settings(THREE).addresses() == Addresses(*THREE.values())


@pytest.mark.parametrize("missing", THREE)
def test_an_address_that_is_missing_is_named(missing):
    with pytest.raises(InputError, match=f"(?i){missing}|{missing.removeprefix('MARQUE_')}.*: missing"):
        read_settings({name: value for name, value in THREE.items() if name != missing})


def test_a_secret_can_be_a_file_that_holds_it(tmp_path, config):
    file = tmp_path / "app"
    file.write_text(THREE["MARQUE_DATABASE_APP"] + "\n")
    rest = {name: value for name, value in THREE.items() if name != "MARQUE_DATABASE_APP"}
    by_variable = read_settings(rest | {"MARQUE_DATABASE_APP_FILE": str(file)})
    by_config = read_settings(rest | config(f'database_app_file = "{file}"\n'))
    assert by_variable == by_config == read_settings(THREE)
    assert read_settings(THREE | config('database_app_file = "/nowhere"\n')) == by_config, "the environment wins, however it gives it"


def test_a_secret_given_twice_is_refused(tmp_path):
    with pytest.raises(InputError, match="MARQUE_DATABASE_APP_FILE: MARQUE_DATABASE_APP is given as well"):
        read_settings(THREE | {"MARQUE_DATABASE_APP_FILE": str(tmp_path)})


def test_a_secret_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(InputError, match=r"MARQUE_OPERATIONS_TOKEN_FILE: .*gone cannot be read"):
        read_settings({"MARQUE_OPERATIONS_TOKEN_FILE": str(tmp_path / "gone")})


def test_secrets_show_in_no_representation():
    settings = read_settings(THREE | {"MARQUE_OPERATIONS_TOKEN": "t" * 32})
    told = repr(settings) + str(settings) + f"{settings!r}"
    assert "geheim" not in told
    assert "tttt" not in told
    assert str(settings.operations_token) == "t" * 32
    assert repr(Secret()) == "Secret()"


@pytest.mark.parametrize(
    ("given_", "told"),
    [
        ({"MARQUE_PROT": "1"}, "MARQUE_PROT: there is no such setting.\n  Did you mean MARQUE_PORT?"),
        ({"MARQUE_DATABSE_APP_FILE": "x"}, "Did you mean MARQUE_DATABASE_APP_FILE"),
        ({"MARQUE_XYZZY": "1"}, "There are MARQUE_DATABASE_FOLDER"),
        ({"MARQUE_PORT": "many"}, "MARQUE_PORT: 'many' is no whole number"),
        ({"MARQUE_PORT": "65536"}, "MARQUE_PORT: 65536 is not within 0 and 65535"),
        ({"MARQUE_WORKER_CONCURRENCY": "0"}, "MARQUE_WORKER_CONCURRENCY: 0 is not within 1 and 64"),
        ({"MARQUE_DEVELOPMENT_SIGN_IN": "maybe"}, "MARQUE_DEVELOPMENT_SIGN_IN: 'maybe' is neither true nor false"),
        ({"MARQUE_LOG_FORMAT": "xml"}, "MARQUE_LOG_FORMAT: 'xml' is none of auto, json, console"),
        ({"MARQUE_LOG_LEVEL": "loud"}, "MARQUE_LOG_LEVEL: 'loud' is none of"),
        ({"MARQUE_OPERATIONS_TOKEN": "short"}, "MARQUE_OPERATIONS_TOKEN: shorter than 32 characters"),
        ({"MARQUE_PUBLIC_ORIGIN": "marque.example"}, "MARQUE_PUBLIC_ORIGIN: expected scheme, host and port alone"),
        ({"MARQUE_PUBLIC_ORIGIN": "https://marque.example/console"}, "expected scheme, host and port alone"),
        ({"MARQUE_PUBLIC_ORIGIN": "https://u:p@marque.example"}, "expected scheme, host and port alone"),
        ({"MARQUE_PUBLIC_ORIGIN": "https://[::1"}, "expected scheme, host and port alone"),
        ({"MARQUE_PUBLIC_ORIGIN": "http://marque.example"}, "http is for this machine alone"),
        ({"MARQUE_DEVELOPMENT_SIGN_IN": "on", "MARQUE_HOST": "0.0.0.0"}, "anybody could sign in as anybody"),
        ({"MARQUE_DEVELOPMENT_SIGN_IN": "on", "MARQUE_PUBLIC_ORIGIN": "https://marque.example"}, "anybody could sign in as anybody"),
        (THREE | {"MARQUE_DATABASE_APP": "postgresql://postgres@db.example/marque"}, "MARQUE_DATABASE_APP: a superuser passes"),
        (THREE | {"MARQUE_DATABASE_APP": THREE["MARQUE_DATABASE_OWNER"]}, "MARQUE_DATABASE_APP: the same as database_owner"),
        (THREE | {"MARQUE_DATABASE_APP": "db.example/marque geheim"}, "MARQUE_DATABASE_APP: not a PostgreSQL address"),
        ({"MARQUE_CONFIG": "/nowhere/marque.toml"}, "MARQUE_CONFIG: /nowhere/marque.toml cannot be read"),
    ],
)
def test_what_does_not_fit_is_refused_under_its_name(given_, told):
    with pytest.raises(InputError) as raised:
        read_settings(given_)
    assert told in str(raised.value)
    assert "geheim" not in str(raised.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("prot = 1", "marque.toml, prot: there is no such setting.\n  Did you mean port?"),
        ("port = '8000x'", "marque.toml, port: '8000x' is no whole number"),
        ("port = true", "marque.toml, port: True is no whole number"),
        ("host = 1", "marque.toml, host: expected text, found int"),
        ("port = 70000", "marque.toml, port: 70000 is not within"),
        ("port = ", "marque.toml: not TOML"),
        ("[server]\nport = 1", "marque.toml, server: there is no such setting"),
    ],
)
def test_what_does_not_fit_in_the_file_names_the_file(config, text, told):
    with pytest.raises(InputError) as raised:
        read_settings(config(text))
    assert told in str(raised.value)


@given(st.dictionaries(st.from_regex(r"MARQUE_[A-Z_]{1,20}", fullmatch=True), st.text(max_size=30), min_size=1))
def test_a_variable_nobody_knows_is_refused_whatever_it_holds(environment):
    known = {f"MARQUE_{field.name.upper()}" for field in dataclasses.fields(Settings)} | {"MARQUE_CONFIG"}
    unknown = {name: value for name, value in environment.items() if name not in known} | {"MARQUE_NONE_OF_OURS": ""}
    with pytest.raises(InputError, match="there is no such setting"):
        read_settings(unknown)


NAMES = st.sampled_from([f"MARQUE_{field.name.upper()}" for field in dataclasses.fields(Settings)])


@given(st.dictionaries(NAMES, st.text(max_size=30)))
def test_whatever_a_known_variable_holds_there_are_settings_or_an_error_that_names_it(environment):
    with contextlib.suppress(InputError):
        assert isinstance(read_settings(environment), Settings)


def test_every_setting_can_be_given_by_the_environment():
    values = {
        "database_folder": "/var/lib/marque",
        "keys_folder": "/etc/marque",
        "port": "81",
        "worker_concurrency": "2",
        "development_sign_in": "no",
        "log_format": "json",
    }
    values |= {
        "log_level": "debug",
        "operations_token": "t" * 32,
        "host": "::1",
        "public_origin": "https://marque.example",
        "blobs": "s3://b/p",
    }
    given_ = {f"MARQUE_{name.upper()}": value for name, value in values.items()} | THREE
    settings = read_settings(given_)
    told = {field.name: getattr(settings, field.name) for field in dataclasses.fields(Settings)}
    assert len(given_) == len(told)
    assert told["database_folder"] == Path("/var/lib/marque")
    assert {name for name, value in told.items() if value == getattr(Settings(), name)} == {"development_sign_in"}
