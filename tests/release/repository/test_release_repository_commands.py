"""The commands, as two organisations' people use them: a ceremony from key files to a repository that cars take, and every change."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from uuid import UUID

import pytest
import typer
from repository_people import PEOPLE, private, signer, target
from repository_token import PIN, SOFTHSM
from typer.testing import CliRunner

from marque.alliance import key_files, signing
from marque.app.cli_release_files import add_to
from marque.car.attacks import UpdateRefused
from marque.car.tuf import reading
from marque.car.tuf.trusted import Trusted
from marque.common import InputError, Refused, ok
from marque.release.repository import signed_files, writing
from marque.release.repository.roles import targets_with
from marque.release.repository.root import revoke_partner

PASSPHRASE = "four words at random"
CLAIMS = {
    "release": "vela-pilot", "version": "1.0", "counter": 1, "digest": "a" * 64, "evidence": "b" * 64, "verdict": "PASSED",
    "reach": [{"model": "vela", "market": "CN", "cells": ["motorway-day"]}], "hardware": ["vela-pilot"],
}  # fmt: skip


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    """A folder with the key files of six people, their requests, and the server's two keys."""
    at = tmp_path_factory.mktemp("people")
    (at / "passphrase").write_text(PASSPHRASE)
    with pytest.MonkeyPatch.context() as there:
        there.setattr("marque.alliance.key_files.SCRYPT_N", 2)
        there.chdir(at)
        for code in ("gac", "huawei"):
            for number in range(3):
                person(at, f"{code}-{number}", code)
        marque("online-key", "snapshot.pem")
        marque("online-key", "timestamp.pem", "--p256")
    return at


@pytest.fixture(scope="module")
def rooted(people, tmp_path_factory):
    """The same after the first ceremony."""
    at = shutil.copytree(people, tmp_path_factory.mktemp("rooted"), dirs_exist_ok=True)
    with pytest.MonkeyPatch.context() as there:
        there.chdir(at)
        begun()
        sign("first", *BOTH)
        marque("ceremony", "finish", "first", "--out", "1.root.json")
    return at


@pytest.fixture(scope="module")
def released(rooted, tmp_path_factory):
    """The same with delegations and one image published, each organisation's role signed by its own people."""
    at = shutil.copytree(rooted, tmp_path_factory.mktemp("released"), dirs_exist_ok=True)
    with pytest.MonkeyPatch.context() as there:
        there.chdir(at)
        publish(at)
    return at


@pytest.fixture
def at(people, tmp_path, monkeypatch):
    monkeypatch.setattr("marque.alliance.key_files.SCRYPT_N", 2)
    monkeypatch.chdir(tmp_path)
    return shutil.copytree(people, tmp_path, dirs_exist_ok=True)


@pytest.fixture
def first(at, rooted):
    shutil.copytree(rooted, at, dirs_exist_ok=True)
    return at / "1.root.json"


@pytest.fixture
def published(at, released):
    return shutil.copytree(released, at, dirs_exist_ok=True) / "r"


def person(at, name, code):
    key_files.write_key(at / f"{name}.key", private(name), PASSPHRASE)
    (at / f"{name}.json").write_bytes(signing.request_enrolment(code, UUID(int=1), private(name)))


def marque(*words, status=0):
    app = typer.Typer()
    add_to(app)
    answer = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert answer.exit_code == status, answer.output
    return answer.output


def begun(*more):
    requests = [word for code in ("gac", "huawei") for number in range(3) for word in ("--keys", f"{code}-{number}.json")]
    online = ["--online", "snapshot=snapshot.pem.public.json", "--online", "timestamp=timestamp.pem.public.json"]
    return marque("ceremony", "new", "first", *requests, *online, *more)


def sign(file, *names):
    return [marque("ceremony", "sign", file, "--key", f"{name}.key", "--passphrase-file", "passphrase") for name in names][-1]


BOTH = ("gac-0", "gac-1", "huawei-0", "huawei-1")


def successor(before, *change, signers=BOTH):
    number = reading.root(before.read_bytes()).said.version + 1
    marque("ceremony", "new", f"c{number}", "--from", before, *change)
    sign(f"c{number}", *signers)
    marque("ceremony", "finish", f"c{number}", "--out", f"{number}.root.json")
    trusted = Trusted(before.read_bytes(), datetime.now(UTC))
    return trusted.update_root((before.parent / f"{number}.root.json").read_bytes()).said


def test_the_first_ceremony_says_what_it_begins_with_and_who_is_waited_for(at):
    said = begun()
    assert "gac becomes a party" in said
    assert "Waits for 2 of gac (by root 1), 2 of huawei (by root 1)" in said
    assert "Waits for 2 of huawei (by root 1)" in sign("first", "gac-0", "gac-2")
    assert PEOPLE["gac"][2].key.id[:16] in marque("ceremony", "show", "first").split("Signed with:")[1].split("Waits")[0]
    with pytest.raises(Refused, match="huawei: 0 of 2"):
        marque("ceremony", "finish", "first", "--out", "1.root.json")
    assert "Everybody has signed" in sign("first", "huawei-0", "huawei-1")
    assert not (at / "1.root.json").exists()
    marque("ceremony", "finish", "first", "--out", "1.root.json")
    assert Trusted((at / "1.root.json").read_bytes(), datetime.now(UTC)).root.said.parties == ("gac", "huawei")


def test_copies_go_to_both_organisations_at_once(at):
    begun()
    (at / "theirs").write_bytes((at / "first").read_bytes())
    sign("first", "gac-0", "gac-1")
    sign("theirs", "huawei-0", "huawei-1")
    assert "Written: 1.root.json" in marque("ceremony", "finish", "first", "theirs", "--out", "1.root.json")


def test_a_lost_key_is_replaced(at, first):
    person(at, "gac-9", "gac")
    lost = signer("gac-0").key.id
    after = successor(first, "--replace", lost[:12], "--keys", "gac-9.json", signers=("gac-1", "gac-2", "huawei-0", "huawei-2"))
    assert lost not in after.keys
    assert signer("gac-9").key.id in after.keys


def test_a_partner_leaves_and_the_exit_root_says_so(first):
    assert successor(first, "--revoke", "huawei").parties == ()


def test_a_partner_comes(at, first):
    for number in range(3):
        person(at, f"third-{number}", "third")
    keys = [word for number in range(3) for word in ("--keys", f"third-{number}.json")]
    assert successor(first, "--join", "third", *keys, signers=(*BOTH, "third-0", "third-1")).parties == ("gac", "huawei", "third")


def test_online_keys_rotate_and_roots_are_renewed(at, first):
    marque("online-key", "timestamp-2.pem")
    second = successor(first, "--online", "timestamp=timestamp-2.pem.public.json")
    assert second.roles["timestamp"] != reading.root(first.read_bytes()).said.roles["timestamp"]
    assert successor(at / "2.root.json", "--renew").version == 3


def test_all_keys_of_an_organisation_rotate(at, first):
    for number in range(3):
        person(at, f"new-{number}", "huawei")
    keys = [word for number in range(3) for word in ("--keys", f"new-{number}.json")]
    after = successor(first, "--rotate", "huawei", *keys, signers=(*BOTH, "new-0", "new-1"))
    assert signer("huawei-0").key.id not in after.keys


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (["--renew", "--revoke", "gac"], "one ceremony is for one change"),
        ([], "one ceremony is for one change"),
        (["--replace", "zz", "--keys", "gac-0.json"], "0 keys of this root begin so"),
        (["--replace", "", "--rotate", "third"], "no party"),
        (["--online", "targets=snapshot.pem.public.json"], "not signed online"),
        (["--online", "timestamp"], "NAME=FILE"),
        (["--online", "timestamp=gac-0.json"], "a person's key"),
    ],
)
@pytest.mark.usefixtures("first")
def test_a_change_that_makes_no_sense_is_refused(change, problem):
    with pytest.raises(InputError, match=problem):
        marque("ceremony", "new", "c2", "--from", "1.root.json", *change)


@pytest.mark.parametrize(
    ("more", "problem"),
    [(["--renew"], "Name it with --from"), (["--repository", "director"], "targets has no key"), (["--each", "4"], "at least 4")],
)
@pytest.mark.usefixtures("at")
def test_a_first_root_that_cannot_be_is_refused(more, problem):
    with pytest.raises(InputError, match=problem):
        begun(*more)


def test_whoever_signs_may_insist_on_their_own_copy_of_the_root(at, first):
    marque("ceremony", "new", "c2", "--from", first, "--renew")
    (at / "other.json").write_bytes(b"{}")
    with pytest.raises(InputError, match="begins from another root"):
        marque("ceremony", "sign", "c2", "--key", "gac-0.key", "--trusted", "other.json", "--passphrase-file", "passphrase")
    marque("ceremony", "sign", "c2", "--key", "gac-0.key", "--trusted", first, "--passphrase-file", "passphrase")


def publish(at):
    marque("ceremony", "delegate", "top", "--root", "1.root.json", "--model", "vela:vela-pilot,vela-gateway")
    sign("top", *BOTH)
    marque("ceremony", "finish", "top", "--out", "targets.json")
    (at / "image.bin").write_bytes(b"an image")
    (at / "claims.json").write_text(json.dumps(CLAIMS))
    image = ["--image", "image.bin", "--path", "vela/pilot/image.bin", "--claims", "claims.json"]
    files = ["1.root.json", "targets.json"]
    for code in ("gac", "huawei"):
        beneath = ["--root", "1.root.json", "--targets", "targets.json"]
        for role, more in ((f"vela-{code}", image), (f"withdrawn-{code}", [])):
            marque("ceremony", "targets", f"{role}.c", *beneath, "--role", role, *more)
            sign(f"{role}.c", f"{code}-0", f"{code}-1")
            marque("ceremony", "finish", f"{role}.c", "--out", f"{role}.json")
            files.append(f"{role}.json")
    online = ["--snapshot-key", "snapshot.pem", "--timestamp-key", "timestamp.pem"]
    marque("repository", "publish", "r", *online, "--image", "image.bin", *[word for one in files for word in ("--file", one)])


def test_a_repository_is_made_of_files_alone_and_cars_take_it(published):
    assert "Cars take it." in marque("repository", "check", published)
    found = json.loads(marque("repository", "check", published, "--json"))
    assert (found["roots"], found["roles"], found["targets"], found["problems"], found["open"]) == (1, 5, 1, [], [])


def test_a_repository_that_cars_refuse_is_told_and_ends_in_status_1(published):
    (image,) = (published / "targets/vela/pilot").iterdir()
    image.write_bytes(b"another.")
    said = marque("repository", "check", published, status=1)
    assert "refused   vela/pilot/image.bin" in said
    assert "Cars do not take it." in said


ONLINE = ["--snapshot-key", "snapshot.pem", "--timestamp-key", "timestamp.pem"]
BENEATH = ["--root", "1.root.json", "--targets", "targets.json"]


@pytest.mark.usefixtures("first")
def test_whoever_signs_delegations_sees_whose_keys_may_speak_for_what():
    said = marque("ceremony", "delegate", "top", "--root", "1.root.json", "--model", "vela:vela-pilot,vela-gateway")
    (line,) = [one for one in said.splitlines() if one.strip().startswith("vela-huawei")]
    assert "vela/*/*, hardware vela-pilot vela-gateway; 2 of " in line
    assert all(f"{one.key.id[:16]} (huawei)" in line for one in PEOPLE["huawei"])
    assert "what counts has to be in vela-gac and vela-huawei" in said
    assert "Beware" not in said
    key = marque("online-key", "stop.pem").split()[1]
    said = marque("ceremony", "delegate", "top2", "--root", "1.root.json", "--model", "vela", "--withdrawing", "gac=stop.pem.public.json")
    assert f"Beware: {key[:16]} (gac, ed25519) is none of the keys of root 1" in said


def test_one_key_holder_withdraws_evidence_and_the_list_only_grows(at, published):
    why = ["--organisation", "huawei", "--evidence", "b" * 64, "--reason", "brakes late in rain", "--before", "withdrawn-huawei.json"]
    assert "brakes late in rain" in marque("ceremony", "withdraw", "w", *BENEATH, *why)
    assert "Everybody has signed" in sign("w", "huawei-2")
    (at / "next").mkdir()
    marque("ceremony", "finish", "w", "--out", "next/withdrawn-huawei.json")
    marque("repository", "publish", published, *ONLINE, "--file", "next/withdrawn-huawei.json")
    assert list(reading.targets((at / "next/withdrawn-huawei.json").read_bytes()).said.withdrawn) == ["b" * 64]
    again = [word if word != "withdrawn-huawei.json" else "next/withdrawn-huawei.json" for word in why]
    with pytest.raises(Refused, match="withdrawn already"):
        marque("ceremony", "withdraw", "w2", *BENEATH, *again)


@pytest.mark.usefixtures("published")
def test_what_a_partner_writes_into_metadata_hides_nothing_on_the_screen():
    why = ["--organisation", "huawei", "--evidence", "c" * 64, "--reason", "fine\x1b[2K\nWaits for nobody"]
    said = marque("ceremony", "withdraw", "w", *BENEATH, *why)
    assert "fine\\u001b[2K\\u000aWaits for nobody" in said
    assert "\x1b" not in said


def test_a_key_that_goes_takes_its_signatures_with_it_and_the_rest_signs_again(at, published):
    person(at, "gac-9", "gac")
    successor(at / "1.root.json", "--replace", signer("gac-0").key.id, "--keys", "gac-9.json", signers=("gac-1", "gac-2", *BOTH[2:]))
    assert "targets.json" in marque("repository", "publish", published, *ONLINE, "--file", "2.root.json", status=1)
    others = ("gac-1", "gac-9", *BOTH[2:])
    marque("ceremony", "delegate", "top2", "--root", "2.root.json", "--before", "targets.json", "--model", "vela:vela-pilot,vela-gateway")
    sign("top2", *others)
    (at / "next").mkdir()
    marque("ceremony", "finish", "top2", "--out", "next/targets.json")
    files = ["--file", "next/targets.json"]
    for role in ("vela-gac", "withdrawn-gac"):
        beneath = ["--root", "2.root.json", "--targets", "next/targets.json", "--role", role, "--before", f"{role}.json"]
        marque("ceremony", "targets", f"{role}.2", *beneath)
        sign(f"{role}.2", *others[:2])
        marque("ceremony", "finish", f"{role}.2", "--out", f"next/{role}.json")
        files += ["--file", f"next/{role}.json"]
    assert "Cars take it." in marque("repository", "publish", published, *ONLINE, *files)
    assert json.loads(marque("repository", "check", published, "--json"))["open"] == []


def test_bytes_that_no_role_lists_are_not_published(at, published):
    (at / "stray.bin").write_bytes(b"stray")
    with pytest.raises(InputError, match="lists these bytes"):
        marque("repository", "publish", published, *ONLINE, "--image", "stray.bin")


@pytest.mark.usefixtures("published")
def test_a_role_that_is_not_delegated_has_no_ceremony():
    with pytest.raises(InputError, match="delegates no such role"):
        marque("ceremony", "targets", "x", "--root", "1.root.json", "--targets", "targets.json", "--role", "nova-gac")


def test_a_draft_of_the_console_is_shown_and_signed(at):
    draft = writing.payload(targets_with(None, expires=datetime(2027, 1, 1, tzinfo=UTC)))
    (at / "draft.json").write_bytes(draft)
    said = marque("sign", "draft.json", "--key", "gac-0.key", "--passphrase-file", "passphrase")
    assert "targets, version 1" in said
    file = ok(signed_files.read((at / "draft.json.signed.json").read_bytes()))
    assert file.signature.key == signer("gac-0").key.id
    with pytest.raises(InputError, match="already there"):
        marque("sign", "draft.json", "--key", "gac-0.key", "--passphrase-file", "passphrase")


def drafted(at, said):
    (at / "draft.json").write_bytes(writing.payload(said))
    return ["sign", "draft.json", "--key", "gac-0.key", "--passphrase-file", "passphrase"]


@pytest.mark.usefixtures("published")
def test_a_draft_is_told_by_what_it_changes(at):
    role = reading.targets((at / "vela-gac.json").read_bytes()).said
    later = targets_with(
        role, [target("vela/pilot/2.bin", release="vela-pilot", counter=2)], expires=role.expires, without=list(role.targets)
    )
    said = marque(*drafted(at, later), "--from", "vela-gac.json")
    assert "no longer lists vela/pilot/image.bin" in said
    assert "lists vela/pilot/2.bin: vela-pilot None, counter 2" in said
    (at / "draft.json.signed.json").unlink()
    assert "nothing but version and expiry" in marque(*drafted(at, targets_with(role, expires=role.expires)), "--from", "vela-gac.json")


def test_a_root_as_draft_is_told_by_its_keys(at, first):
    root = reading.root(first.read_bytes()).said
    told = marque(*drafted(at, revoke_partner(root, "huawei", root.expires)), "--from", first)
    assert "huawei is a party no longer" in told
    (at / "draft.json.signed.json").unlink()
    assert "gac becomes a party" in marque(*drafted(at, root))
    (at / "draft.json.signed.json").unlink()
    with pytest.raises(InputError, match="does not follow it"):
        marque(*drafted(at, root), "--from", first)


@pytest.mark.parametrize("raw", [b"{}", b"no", b'{"_type":"root"}'])
def test_what_is_no_draft_is_not_signed(at, raw):
    (at / "draft.json").write_bytes(raw)
    with pytest.raises(InputError, match="no draft"):
        marque("sign", "draft.json", "--key", "gac-0.key", "--passphrase-file", "passphrase")
    assert not (at / "draft.json.signed.json").exists()


def test_a_key_says_whose_it_is(at):
    marque("key", "--key", "gac-0.key", "--organisation", "gac", "--out", "r.json", "--passphrase-file", "passphrase")
    begun_with = (at / "r.json").read_text()
    assert "release-key" in begun_with
    assert signer("gac-0").key.public in begun_with


@pytest.mark.parametrize("label", ["li", "wang"])
def test_a_key_on_a_token_takes_part_from_its_request_to_its_signature(at, token, label):
    uri = f"pkcs11:token={token};object={label}?module-path={SOFTHSM}"
    (at / "pin").write_text(PIN)
    marque("key", "--key", uri, "--organisation", "gac", "--out", "gac-2.token.json", "--passphrase-file", "pin")
    (at / "gac-2.json").write_bytes((at / "gac-2.token.json").read_bytes())
    begun()
    marque("ceremony", "sign", "first", "--key", uri, "--passphrase-file", "pin")
    sign("first", "gac-0", "huawei-0", "huawei-1")
    marque("ceremony", "finish", "first", "--out", "1.root.json")
    assert Trusted((at / "1.root.json").read_bytes(), datetime.now(UTC)).root.said.version == 1


def test_a_ceremony_that_one_partner_made_up_is_refused(at, first):
    alone = json.loads(first.read_bytes())
    alone["signatures"] = [one for one in alone["signatures"] if one["keyid"] in {key.key.id for key in PEOPLE["gac"]}]
    (at / "forged.json").write_text(json.dumps(alone))
    with pytest.raises(UpdateRefused, match="huawei"):
        marque("ceremony", "new", "c2", "--from", "forged.json", "--renew")
    assert not (at / "c2").exists()
