"""`marque audit`: two partners' witnesses and exports, from making keys to finding a fork, with files."""

from __future__ import annotations

from contextlib import nullcontext

import psycopg
import pytest
from typer.testing import CliRunner

from marque.alliance import audit, key_files
from marque.app import audit as command
from marque.app.cli import app
from marque.common import InputError, Missing, Refused
from marque.foundation import Actor

PASSPHRASE = "correct horse battery staple"


@pytest.fixture
def passphrase(tmp_path):
    file = tmp_path / "passphrase"
    file.write_text(f"{PASSPHRASE}\n")
    return file


@pytest.fixture
def key(tmp_path, passphrase, capsys):
    """Makes a key; returns its file and its line for a file of keys."""

    def made(name, kind):
        file = tmp_path / f"{name}.key"
        command.new_audit_key(file, name, kind, passphrase)
        return file, capsys.readouterr().out.strip()

    return made


@pytest.fixture
def founded(database, owner_dsn):
    with psycopg.connect(owner_dsn) as connection:
        connection.execute(
            "insert into alliance.organisation (organisation, name, kind) values ('gac', 'GAC', 'carmaker'),"
            " ('huawei', 'Huawei', 'technology')"
        )
        connection.execute(
            "insert into alliance.agreement (organisation, id, title, invited, created_at)"
            " values ('gac', gen_random_uuid(), 'An agreement', array['gac', 'huawei'], now())"
        )
    return database


def put(database, organisation, count=1):
    for number in range(count):
        with database.transaction(Actor(organisation)) as tx:
            audit.append(tx, {"gac", "huawei"} if number % 2 else {organisation}, "test.happened", {"number": number})


def test_a_log_is_witnessed_exported_and_verified_with_files_alone(founded, tmp_path, passphrase, key, capsys):
    log_file, log_line = key("log.example", "log")
    witness_file, witness_line = key("witness.gac.example", "witness")
    keys, state, witness_key = tmp_path / "keys", tmp_path / "state", witness_line.removeprefix("witness ")
    keys.write_text(f"{log_line}\n{witness_line}\n")
    log = audit.LogKey("log.example", key_files.read_key(log_file, PASSPHRASE))

    command.witness(None, "witness.gac.example", key_file=witness_file, keys=keys, state=state, passphrase_file=passphrase)
    assert capsys.readouterr().out.strip() == witness_line
    exports = []
    for number in (1, 2):
        put(founded, "gac", 3)
        put(founded, "huawei", 2)
        request, answer, out = (tmp_path / f"{name}.{number}" for name in ("request", "answer", "export"))
        command.ask_witness(founded, log, witness_key, request)
        with pytest.raises(Missing) if number == 1 else nullcontext():
            command.export_log(founded, "gac", tmp_path / f"early.{number}", keys)
        command.witness(
            request, "witness.gac.example", key_file=witness_file, keys=keys, state=state, out=answer, passphrase_file=passphrase
        )
        command.take_cosignature(founded, witness_key, request, answer)
        command.export_log(founded, "gac", out, keys)
        exports.append(out)
    shown = tmp_path / "shown"
    command.export_log(founded, "huawei", shown, keys, shared_with="gac")
    capsys.readouterr()
    assert command.verify_export(exports[1], keys, exports[0], shown)
    told = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in told] == ["log", "export", "cosigned", "sound"]
    assert "10 entries" in told[0]
    assert "8 entries" in told[1]

    exports[1].write_bytes(exports[1].read_bytes().replace(b'"number":1', b'"number":9', 1))
    assert not command.verify_export(exports[1], keys)
    assert "entry 1: its document or salt is not what the log committed to" in capsys.readouterr().out


def test_a_witness_refuses_what_is_not_the_log_it_knows(founded, tmp_path, passphrase, key):
    (log_file, _), (_, other_line), (witness_file, witness_line) = (
        key(*one) for one in (("log.example", "log"), ("other.example", "log"), ("witness.example", "witness"))
    )
    keys, state, request = tmp_path / "keys", tmp_path / "state", tmp_path / "request"
    keys.write_text(other_line)
    log = audit.LogKey("log.example", key_files.read_key(log_file, PASSPHRASE))
    command.witness(None, "witness.example", key_file=witness_file, keys=keys, state=state, passphrase_file=passphrase)
    put(founded, "gac")
    command.ask_witness(founded, log, witness_line.removeprefix("witness "), request)
    with pytest.raises(Refused, match=r"of the log 'log.example', not of 'other.example'"):
        command.witness(request, "witness.example", key_file=witness_file, keys=keys, state=state, passphrase_file=passphrase)


def test_a_witness_begins_only_when_it_is_told_to(tmp_path, passphrase, key):
    witness_file, witness_line = key("witness.example", "witness")
    keys, state = tmp_path / "keys", tmp_path / "state"
    keys.write_text(key("log.example", "log")[1])
    words = ["audit", "witness", "--name", "witness.example", "--passphrase-file", passphrase]
    words += ["--key", witness_file, "--keys", keys, "--state", state]
    told = CliRunner().invoke(app, [*map(str, words)])
    assert (told.exit_code, state.exists()) == (2, False)
    told = CliRunner().invoke(app, [*map(str, words), "--begin"])
    assert (told.exit_code, told.output.strip(), state.exists()) == (0, witness_line, True)


def test_files_that_are_none_are_named(founded, tmp_path, passphrase, key):
    _, log_line = key("log.example", "log")
    keys, nothing = tmp_path / "keys", tmp_path / "nothing"
    keys.write_text("log\n")
    with pytest.raises(InputError, match="keys: a verifier key is"):
        command.verify_export(nothing, keys)
    keys.write_text(log_line)
    with pytest.raises(InputError, match="nothing: it cannot be read"):
        command.verify_export(nothing, keys)
    with pytest.raises(InputError, match="already there"):
        command.export_log(founded, "gac", keys, keys)
    with pytest.raises(InputError, match="no spaces"):
        command.new_audit_key(tmp_path / "new", "two words", "log", passphrase)
    nothing.write_bytes(b"nothing")
    with pytest.raises(InputError, match="a request is"):
        command.take_cosignature(founded, log_line.removeprefix("log "), nothing, nothing)
    assert not command.verify_export(nothing, keys)
