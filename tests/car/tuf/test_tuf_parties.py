"""Roots that two companies answer for: which rules make sense, and who can change them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tuf_simulator import GAC, HUAWEI, TwoParties, signer

from marque.car.attacks import Attack, UpdateRefused
from marque.car.tuf import reading
from marque.car.tuf.trusted import check_root


def without_rule(repository: TwoParties) -> None:
    for name in ("root", "targets"):
        repository.root.roles[name].unrecognized_fields.clear()
    del repository.root.unrecognized_fields["x-marque-parties"]


def lax_root(repository: TwoParties) -> None:
    del repository.root.roles["root"].unrecognized_fields["x-marque-each"]


def lax_targets(repository: TwoParties) -> None:
    del repository.root.roles["targets"].unrecognized_fields["x-marque-each"]


def one_party(repository: TwoParties) -> None:
    repository.root.unrecognized_fields["x-marque-parties"] = [GAC]


def no_party(repository: TwoParties) -> None:
    del repository.root.unrecognized_fields["x-marque-parties"]


def too_many(repository: TwoParties) -> None:
    repository.root.roles["root"].unrecognized_fields["x-marque-each"] = 4


def stranger(repository: TwoParties) -> None:
    repository.root.add_key(signer("somebody").public_key, "root")


def nobody(repository: TwoParties) -> None:
    repository.root.add_key(signer().public_key, "targets")


def doubled(repository: TwoParties) -> None:
    from securesystemslib.signer import SSlibKey

    one = repository.keys[GAC][0].public_key
    again = SSlibKey("f" * 64, one.keytype, one.scheme, dict(one.keyval), {"x-marque-organisation": GAC})
    repository.root.add_key(again, "root")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lax_root, Attack.ONE_PARTNER),
        (lax_targets, Attack.ONE_PARTNER),
        (one_party, Attack.ONE_PARTNER),
        (no_party, Attack.MALFORMED),
        (too_many, Attack.MALFORMED),
        (stranger, Attack.MALFORMED),
        (nobody, Attack.MALFORMED),
        (doubled, Attack.DOUBLED_KEY),
    ],
)
def test_a_rule_that_does_not_need_both_is_no_rule_even_when_both_signed_it(
    tmp_path: Path, change: Callable[[TwoParties], None], expected: Attack
) -> None:
    repository = TwoParties()
    client = repository.begun(tmp_path)
    change(repository)
    repository.publish("root")
    with pytest.raises(UpdateRefused) as met:
        client.refresh()
    assert met.value.attack is expected
    assert (tmp_path / "root.json").read_bytes() == repository.files["1.root.json"]


def new_keys(repository: TwoParties) -> None:
    for keyid in [one.public_key.keyid for one in repository.keys[HUAWEI]]:
        repository.root.revoke_key(keyid, "root")
    for _ in range(3):
        repository.root.add_key(signer(GAC).public_key, "root")


def raised(repository: TwoParties) -> None:
    repository.root.roles["root"].unrecognized_fields["x-marque-each"] = 3


@pytest.mark.parametrize("change", [without_rule, new_keys, raised, lambda _: None], ids=["without", "keys", "each", "nothing"])
@pytest.mark.parametrize("alone", [GAC, HUAWEI])
@pytest.mark.parametrize("others", [0, 1])
def test_one_partner_with_any_number_of_its_keys_changes_nothing(
    tmp_path: Path, change: Callable[[TwoParties], None], alone: str, others: int
) -> None:
    repository = TwoParties()
    client = repository.begun(tmp_path)
    change(repository)
    other = HUAWEI if alone == GAC else GAC
    repository.signers["root"] = [*repository.keys[alone], *(signer(alone) for _ in range(5)), *repository.keys[other][:others]]
    repository.publish("root")
    with pytest.raises(UpdateRefused) as met:
        client.refresh()
    assert met.value.attack is Attack.ONE_PARTNER
    assert (tmp_path / "root.json").read_bytes() == repository.files["1.root.json"]


def test_both_together_may_part(tmp_path: Path) -> None:
    repository = TwoParties()
    client = repository.begun(tmp_path)
    without_rule(repository)
    repository.publish("root")
    client.refresh()
    assert client.trusted.root.said.parties == ()


def test_a_lost_key_is_replaced_by_the_other_two(tmp_path: Path) -> None:
    repository = TwoParties()
    client = repository.begun(tmp_path)
    lost, new = repository.keys[GAC][0], signer(GAC)
    for name in ("root", "targets"):
        repository.root.revoke_key(lost.public_key.keyid, name)
        repository.root.add_key(new.public_key, name)
    repository.signers["root"] = [*repository.keys[GAC][1:], new, *repository.keys[HUAWEI][:2]]
    repository.publish("root")
    client.refresh()
    assert client.trusted.root.said.version == 2


@pytest.mark.parametrize("role", ["targets", "vela-gac"])
def test_a_role_of_both_is_not_signed_by_one(tmp_path: Path, role: str) -> None:
    repository = TwoParties()
    client = repository.begun(tmp_path)
    repository.signers[role] = repository.keys[HUAWEI]
    repository.publish_all(role)
    with pytest.raises(UpdateRefused) as met:
        client.target("vela/ad/drive.img")
    assert met.value.attack is (Attack.ONE_PARTNER if role == "targets" else Attack.ARBITRARY_SOFTWARE)


def test_stock_clients_read_the_same_files(tmp_path: Path) -> None:
    from tuf.ngclient import Updater

    repository = TwoParties()
    repository.release("vela/ad/drive.img", b"image")
    repository.publish_all("vela-gac", "vela-huawei")
    stock = Updater(str(tmp_path), "http://x/", fetcher=repository, bootstrap=repository.files["1.root.json"])
    found = stock.get_targetinfo("vela/ad/drive.img")
    assert found is not None
    assert found.length == 5


def root_of(repository: TwoParties, **roles: Any) -> Any:
    repository.root.roles.update(roles)
    repository.publish("root")
    return reading.root(repository.published["root"]).said


def test_a_directors_root_needs_both_and_its_targets_the_director_alone() -> None:
    repository = TwoParties()
    lax_targets(repository)
    said = root_of(repository)
    check_root(said, "director")
    lax_root(repository)
    with pytest.raises(UpdateRefused):
        check_root(root_of(repository), "director")


@pytest.mark.parametrize("role", ["timestamp", "snapshot"])
def test_only_a_director_does_without_timestamp_and_snapshot(role: str) -> None:
    said = reading.root(TwoParties().published["root"]).said
    del said.roles[role]  # type: ignore[attr-defined]
    check_root(said, "director")
    with pytest.raises(UpdateRefused):
        check_root(said, "image")
