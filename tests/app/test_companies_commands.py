"""`marque alliance who|history|found|reqif`, from the words to the exit status, in this process; a bad question is told what to do."""

from __future__ import annotations

import itertools
import json
import re
import sys
from datetime import date, timedelta
from uuid import UUID

import psycopg
import pytest

from marque.alliance import agreements, history, installation, modes, people, requirements
from marque.alliance.access import Area
from marque.alliance.requirements import Said
from marque.app.cli import main
from marque.common import new_id, ok
from marque.foundation import Actor, SystemClock

RD = "research-and-development"


@pytest.fixture
def command(monkeypatch, capsys):
    """Runs `marque alliance` with these words: (exit status, what it printed, what it complained)."""

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["marque", "alliance", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return ended.value.code, said.out, " ".join(said.err.split())

    return run


@pytest.fixture
def installed(addresses, monkeypatch, tmp_path):
    """The settings of an installation whose database is the test's."""
    for name in ("owner", "app", "worker"):
        monkeypatch.setenv(f"MARQUE_DATABASE_{name.upper()}", getattr(addresses, name))
    for name in ("KEYS_FOLDER", "BLOBS", "DATABASE_FOLDER"):
        monkeypatch.setenv(f"MARQUE_{name}", str(tmp_path / name.lower()))
    return addresses


# The public record: no database


def test_who_tells_each_process_and_who_signs_and_sells(command):
    status, out, complaint = command("who", "--programme", "AH8", "--on", "2023-03-26")
    assert (status, complaint) == (0, "")
    assert "Releases are signed by GAC Aion, Huawei. Sales are decided by GAC Aion." in out
    status, out, _ = command("who", "--programme", "ah8", "--on", "2023-03-27", "--json")
    (said,) = json.loads(out)
    assert (status, said["signs"], said["until"], said["revision"]) == (0, ["gac-aion"], None, 2)


@pytest.mark.parametrize("programme", sorted(one.code for told in history.public().agreements for one in told.programmes))
def test_who_answers_for_every_programme_from_its_first_day_on_and_not_before(command, programme):
    ((told, _),) = history.public().programmes(programme)
    first = told.moments[0].since
    status, out, _ = command("who", "--programme", programme, "--on", first, "--json")
    (said,) = json.loads(out)
    assert (status, said["agreement"], said["mode"]) == (0, told.code, told.moments[0].mode)
    status, out, complaint = command("who", "--programme", programme, "--on", first - timedelta(days=1))
    assert (status, out) == (2, "")
    assert f"Ask for {first} or a later day" in complaint


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ("who", "--programme", "AH9", "--on", "2023-03-28"),
            "--programme, AH9: the public history knows no such programme. It knows AH8,",
        ),
        (("who", "--programme", "AH8", "--on", "28.3.2023"), "--on, 28.3.2023: this is not a day. Write YYYY-MM-DD."),
        (("who", "--programme", "AH8", "--on", "2023-02-29"), "--on, 2023-02-29: this is not a day."),
        (("who", "--programme", "AH8", "--on", ""), "--on: this is not a day."),
        (("who", "--programme", "AH8"), "Missing option '--on'"),
        (("who", "--on", "2023-03-28"), "Missing option '--programme'"),
        (("history", "--programme", "AH9"), "--programme, AH9: the public history knows no such programme."),
        (("historie",), "No such command 'historie'"),
    ],
)
def test_a_question_that_cannot_be_answered_is_told_why_and_what_to_ask(command, words, told):
    status, out, complaint = command(*words)
    assert (status, out) == (2, "")
    assert told in complaint


def test_history_tells_everything_or_one_programmes_in_the_order_of_time(command):
    status, out, _ = command("history", "--json")
    line = json.loads(out)
    assert status == 0
    assert len(line) == sum(len(told.moments) for told in history.public().agreements)
    assert all(earlier["since"] <= later["since"] for earlier, later in itertools.pairwise(line))
    _, out, _ = command("history", "--programme", "m9", "--json")
    assert json.loads(out) == [one for one in line if one["agreement"] == "seres-aito"]
    status, out, _ = command("history", "--programme", "M9")
    assert status == 0
    assert [re.search(rf"revision {number}\b", out) is not None for number in (1, 5, 6)] == [True, True, False]


# What the operator does


FOUND = ("--kind", "carmaker", "--administrator", "Lin@gac.example", "--issuer", "https://id.gac.example", "--client-id", "marque")


def rows(addresses, sql):
    with psycopg.connect(addresses.owner.replace("user=marque_owner", "user=postgres")) as connection:
        return connection.execute(sql).fetchall()


def test_an_organisation_is_brought_in_with_its_administrator_and_where_they_sign_in(command, installed):
    status, out, complaint = command("found", "gac", "GAC Group", *FOUND)
    assert (status, complaint) == (0, "")
    ((person, email, duties),) = rows(installed, "select id, email, duties from alliance.person")
    assert out == f"gac: is in; Lin@gac.example administers it (person {person})\n"
    assert (email, duties) == ("lin@gac.example", ["administrator"])
    providers = "select organisation, issuer, client_id from alliance.identity_provider"
    assert rows(installed, providers) == [("gac", "https://id.gac.example", "marque")]


def test_said_again_it_is_in_already_and_only_the_provider_is_another(command, installed):
    command("found", "gac", "GAC Group", *FOUND)
    again = [word.replace("id.gac", "sso.gac") for word in FOUND]
    status, out, _ = command("found", "gac", "Another name", *again)
    assert status == 0
    assert out.startswith("gac: was in already; ")
    assert rows(installed, "select name from alliance.organisation") == [("GAC Group",)]
    assert rows(installed, "select issuer from alliance.identity_provider") == [("https://sso.gac.example",)]
    assert len(rows(installed, "select id from alliance.person")) == 1


@pytest.mark.usefixtures("installed")
def test_what_was_wrong_the_first_time_is_mended_by_saying_it_right(command):
    wrong = [word.replace("https:", "ftp:") for word in FOUND]
    status, _, complaint = command("found", "gac", "GAC Group", *wrong)
    assert status == 2
    assert "identity provider, issuer: 'ftp://id.gac.example' is not an issuer. Write https://" in complaint
    assert command("found", "gac", "GAC Group", *FOUND)[0] == 0


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"code": "GAC"}, "organisation, GAC: not a code. Lower-case letters, digits and hyphens"),
        ({"name": " "}, "organisation, gac: it has no name."),
        ({"--kind": "bank"}, "organisation, gac: there is no kind 'bank'. One of carmaker, technology, brand, supplier, operator."),
        ({"--administrator": "lin"}, "person, lin: not an e-mail address."),
        ({"--parent": "sasac"}, "organisation, gac: there is no organisation 'sasac' for it to belong to. Bring that one in first."),
    ],
)
def test_an_organisation_with_something_wrong_is_not_brought_in(command, installed, change, told):
    options = dict(zip(FOUND[::2], FOUND[1::2], strict=True)) | {name: word for name, word in change.items() if name.startswith("--")}
    words = [change.get("code", "gac"), change.get("name", "GAC Group"), *itertools.chain(*options.items())]
    status, out, complaint = command("found", *words)
    assert (status, out) == (2, "")
    assert told in complaint
    assert rows(installed, "select organisation from alliance.organisation") == rows(installed, "select id from alliance.person") == []


def test_an_administrator_who_has_left_is_not_named_again(command, installed, database):
    command("found", "gac", "GAC Group", *FOUND)
    ((lin,),) = rows(installed, "select id from alliance.person")
    with psycopg.connect(installed.owner) as owner:
        other = installation.appoint(owner, "gac", "Wei", "wei@gac.example", ["administrator"], database.clock.now())
    with database.transaction(Actor("gac", other)) as tx:
        people.leave(tx, lin)
    status, _, complaint = command("found", "gac", "GAC Group", *FOUND)
    assert status == 2
    assert "somebody with this address has left the organisation. Name somebody else." in complaint


EXPORT = ("reqif", "export", "--programme", "AH8", "--out", "a.reqif", "--organisation", "gac", "--person", str(UUID(int=1)))


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("words", [("found", "gac", "GAC", *FOUND), EXPORT], ids=["found", "export"])
def test_without_a_database_the_message_says_so(command, monkeypatch, tmp_path, words):
    for name in ("owner", "app", "worker"):
        monkeypatch.setenv(f"MARQUE_DATABASE_{name.upper()}", f"host={tmp_path}/nowhere user=marque_{name} dbname=marque")
    status, out, complaint = command(*words)
    assert (status, out) == (2, "")
    assert "The database cannot be reached as its owner: " in complaint


@pytest.mark.usefixtures("installed")
def test_an_address_that_is_missing_is_named(command, monkeypatch):
    monkeypatch.delenv("MARQUE_DATABASE_OWNER")
    status, _, complaint = command("found", "gac", "GAC", *FOUND)
    assert status == 2
    assert "database_owner: missing" in complaint.lower()


# Requirements to and from other tools


@pytest.fixture
def joint(installed, database):
    """GAC and Huawei, an agreement in force, the AH8 with one requirement: (programme's id, person of each)."""
    now = SystemClock().now()
    database.clock.set(now - timedelta(days=9))
    everybody = {}
    with psycopg.connect(installed.owner) as owner:
        for code, kind in {"gac": "carmaker", "huawei": "technology", "seres": "carmaker"}.items():
            installation.found(owner, code, code.upper(), kind)
            duties = ["product", "signatory"]
            everybody[code] = installation.appoint(owner, code, "A", f"a@{code}.example", duties, database.clock.now())
    preset = ok(modes.expand(modes.packaged()["joint-development"], {"carmaker": "gac", "partner": "huawei"}))
    with database.transaction(Actor("gac", everybody["gac"])) as tx:
        agreement = agreements.draft(tx, "AH8 together")
        agreements.propose(tx, "gac", agreement, modes.draft(preset, agreement, "AH8 together", date(2021, 7, 1)))
        programme = agreements.found_programme(tx, "gac", agreement, "AH8", "").id
    for code in ("gac", "huawei"):
        with database.transaction(Actor(code, everybody[code])) as tx:
            tx.execute(
                "insert into alliance.signature values ('gac', %s, 1, %s, %s, '', '{}', %s)", (agreement, code, everybody[code], tx.now)
            )
    with database.transaction(Actor("gac", everybody["gac"])) as tx:
        requirements.found(tx, Area("gac", programme, RD), Said(title="Range", text="500 km"))
    return programme, everybody


def exported(command, out, person, acting="gac", programme="AH8", *more):
    return command("reqif", "export", "--programme", programme, "--out", out, "--organisation", acting, "--person", person, *more)


def imported(command, file, person, acting="gac", programme="AH8", process=RD, *more):
    words = ("--programme", programme, "--process", process, "--organisation", acting, "--person", person)
    return command("reqif", "import", file, *words, *more)


def test_what_is_exported_comes_back_unchanged_and_a_change_in_the_file_is_taken_in(command, joint, tmp_path):
    _, persons = joint
    out = tmp_path / "ah8.reqif"
    assert exported(command, out, persons["gac"]) == (0, f"1 requirements into {out}\n", "")
    status, said, _ = imported(command, out, persons["gac"])
    assert (status, said) == (0, "0 created, 0 updated, 1 as they were, 0 relations added\n")
    changed = tmp_path / "changed.reqif"
    changed.write_text(out.read_text().replace("500 km", "600 km"))
    assert imported(command, changed, persons["gac"], "gac", "AH8", RD, "--only-look")[1].startswith(
        "0 would be created, 1 would be updated,"
    )
    assert imported(command, changed, persons["gac"])[1].startswith("0 created, 1 updated,")
    assert imported(command, changed, persons["gac"])[1].startswith("0 created, 0 updated,")
    theirs = tmp_path / "theirs.reqif"
    exported(command, theirs, persons["huawei"], "huawei")
    theirs.write_text(theirs.read_text().replace("600 km", "700 km"))
    status, said, _ = imported(command, theirs, persons["huawei"], "huawei")
    assert status == 0
    assert "Proposals: the file says this of another side" in " ".join(said.split())
    assert re.search("gac .*600 km .*700 km", said)


def test_export_never_writes_over_a_file(command, joint, tmp_path):
    _, persons = joint
    out = tmp_path / "ah8.reqif"
    out.write_text("mine")
    status, _, complaint = exported(command, out, persons["gac"])
    assert (status, out.read_text()) == (2, "mine")
    assert "ah8.reqif: the file is already there. Choose another name, or remove it first." in complaint
    status, _, complaint = exported(command, tmp_path / "nowhere" / "ah8.reqif", persons["gac"])
    assert status == 2
    assert "ah8.reqif: it cannot be written: No such file or directory." in complaint


@pytest.mark.parametrize(
    ("who", "programme", "process", "told"),
    [
        ("gac", "AH9", RD, "--programme, AH9: there is no such programme."),
        ("gac", "huawei/AH8", RD, "--programme, huawei/AH8: there is no such programme."),
        ("seres", "AH8", RD, "--programme, AH8: there is no such programme."),
        ("seres", "gac/AH8", RD, "--programme, gac/AH8: there is no such programme."),
        ("gac", "AH8", "painting", "--process, painting: there is no such process. Processes are product-definition,"),
    ],
)
def test_a_programme_or_process_that_is_not_there_or_not_ones_own_is_told_alike(command, joint, tmp_path, who, programme, process, told):
    _, persons = joint
    file = tmp_path / "in.reqif"
    file.write_text("<REQ-IF/>")
    answers = [
        exported(command, tmp_path / "out.reqif", persons[who], who, programme, "--process", process),
        imported(command, file, persons[who], who, programme, process),
    ]
    for status, out, complaint in answers:
        assert (status, out) == (2, "")
        assert told in complaint
    assert not (tmp_path / "out.reqif").exists()


def test_a_code_of_two_agreements_is_asked_back_and_the_key_says_which(command, joint, database, tmp_path):
    _, persons = joint
    with database.transaction(Actor("huawei", persons["huawei"])) as tx:
        agreement = agreements.draft(tx, "Another")
        agreements.found_programme(tx, "huawei", agreement, "AH8", "")
    status, _, complaint = exported(command, tmp_path / "a.reqif", persons["huawei"], "huawei")
    assert status == 2
    assert "several agreements have one: gac/AH8, huawei/AH8. Name one of these." in complaint
    assert exported(command, tmp_path / "a.reqif", persons["huawei"], "huawei", "gac/AH8")[0] == 0


BROKEN = {
    "empty": b"",
    "no XML": b"Range: 500 km",
    "another XML": b"<html/>",
    "cut off": b'<?xml version="1.0" encoding="UTF-8"?><REQ-IF xmlns="http://www.omg.org/spec/ReqIF/20110401/reqif.xsd"><THE-HEADER>',
    "with entities": b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><REQ-IF>&b;</REQ-IF>',
}


@pytest.mark.parametrize("broken", BROKEN)
def test_a_file_that_cannot_be_used_is_named_and_changes_nothing(command, joint, installed, tmp_path, broken):
    _, persons = joint
    file = tmp_path / "broken.reqif"
    file.write_bytes(BROKEN[broken])
    before = rows(installed, "select * from alliance.requirement")
    status, out, complaint = imported(command, file, persons["gac"])
    assert (status, out) == (2, "")
    assert complaint.startswith("marque alliance: broken.reqif")
    assert "root:" not in complaint
    assert rows(installed, "select * from alliance.requirement") == before


@pytest.mark.parametrize(("made", "told"), [(None, "No such file"), ("folder", "Is a directory")])
def test_a_file_that_cannot_be_read_is_told_why(command, joint, tmp_path, made, told):
    _, persons = joint
    file = tmp_path / "in.reqif"
    if made:
        file.mkdir()
    status, _, complaint = imported(command, file, persons["gac"])
    assert status == 2
    assert "in.reqif: it cannot be read" in complaint
    assert told in complaint


def test_who_acts_has_to_be_somebody_of_the_organisation_with_a_role_there(command, joint, tmp_path):
    _, persons = joint
    stranger = str(new_id())
    for person, acting in ((stranger, "gac"), (persons["huawei"], "gac"), (persons["seres"], "seres")):
        status, out, complaint = exported(command, tmp_path / "out.reqif", person, acting)
        assert (status, out) == (2, "")
        assert "no such programme" in complaint
        assert not (tmp_path / "out.reqif").exists()
    status, _, complaint = exported(command, tmp_path / "out.reqif", "me")
    assert status == 2
    assert "'--person'" in complaint


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("name", ["OWNER", pytest.param("APP", marks=pytest.mark.slow)])
def test_no_message_shows_a_password(command, monkeypatch, name):
    monkeypatch.setenv(f"MARQUE_DATABASE_{name}", f"host=127.0.0.1 port=1 user=marque_{name.lower()} dbname=marque password=geheim")
    status, _, complaint = command("found", "gac", "GAC", *FOUND)
    assert status == 2
    assert "cannot be reached" in complaint
    assert "geheim" not in complaint
