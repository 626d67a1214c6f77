"""Modes are data: what is signed is the expanded matrix, and one file more is one mode more."""

from __future__ import annotations

import json
from datetime import date

import pytest
from agreements import AGREEMENT, days

from marque.alliance import documents, modes, rules
from marque.alliance.model import Agreement, Area, Process, Role, Sight, Signature
from marque.common import InputError, Refusal, ok

POSITIONS = {"carmaker": "gac", "partner": "huawei"}
PACKAGED = sorted(modes.packaged())


def test_all_modes_of_the_public_record_are_there():
    assert PACKAGED == ["balanced", "component-supplier", "inside", "joint-development", "smart-selection"]


@pytest.mark.parametrize("code", PACKAGED)
def test_the_document_says_in_every_cell_what_the_mode_says(code):
    mode = modes.packaged()[code]
    document = modes.draft(ok(modes.expand(mode, POSITIONS)), AGREEMENT, "An agreement", date(2021, 7, 1)).document()
    file = json.loads((modes.files("marque.alliance") / "modes" / f"{code}.json").read_text())
    for table in ("matrix", "sight"):
        assert document[table] == {
            process: {POSITIONS[position]: word for position, word in row.items()} for process, row in file[table].items()
        }
    assert documents.read(document).document() == document


@pytest.mark.parametrize("code", PACKAGED)
def test_who_decides_sees_and_a_mode_is_explained_with_a_source(code):
    mode = modes.packaged()[code]
    assert len(mode.meaning) > 80
    assert mode.meaning_zh
    assert mode.sources
    for process in Process:
        for position, role in mode.matrix[process].items():
            assert not role.decides or mode.sight[process][position] is Sight.ALL, (process, position)
            assert role is not Role.SUPPLIES or mode.sight[process][position] is not Sight.NONE, "who supplies sees what it supplied"


def test_modes_differ_in_who_defines_sells_and_signs():
    def leads(code, process):
        return next(position for position, role in modes.packaged()[code].matrix[process].items() if role is Role.LEADS)

    assert [leads(code, Process.SALES) for code in PACKAGED] == ["carmaker"] * 4 + ["partner"]
    assert leads("smart-selection", Process.PRODUCT_DEFINITION) == "partner"
    signing = {code: sum(role.decides for role in modes.packaged()[code].matrix[Process.RELEASE_SIGNATURE].values()) for code in PACKAGED}
    assert signing == {"component-supplier": 1} | dict.fromkeys({"balanced", "inside", "joint-development", "smart-selection"}, 2)


@pytest.mark.parametrize("code", PACKAGED)
def test_a_mode_is_read_back_as_it_was_written(code):
    mode = modes.packaged()[code]
    assert modes.read(modes.written(mode), f"{code}.json") == mode


def three_sided():
    """A mode nobody wrote code for: a dealer group sells."""
    said = json.loads(modes.written(modes.packaged()["balanced"]))
    said["name"] = "With a dealer group"
    said["positions"]["dealers"] = {"name": "Dealer group", "name-zh": "经销集团"}
    for process in Process:
        said["matrix"][process]["dealers"], said["sight"][process]["dealers"] = "none", "none"
    said["matrix"]["sales"] = {"carmaker": "co-decides", "partner": "consulted", "dealers": "leads"}
    said["sight"]["sales"]["dealers"] = "all"
    return said


def test_a_mode_more_is_a_file_more(tmp_path):
    (tmp_path / "dealer-led.json").write_text(json.dumps(three_sided()))
    mode = modes.load(tmp_path)["dealer-led"]
    preset = ok(modes.expand(mode, POSITIONS | {"dealers": "harmony-auto"}))
    revision = ok(rules.propose(Agreement(), modes.draft(preset, AGREEMENT, "Three", date(2021, 7, 1)), "gac", days()))
    agreement = Agreement((revision,))
    for one in revision.parties:
        signed = ok(rules.sign(agreement, 1, Signature(one, revision.digest, days()), days()))
        agreement = Agreement((documents.read(revision.text),), (*agreement.signatures, signed.signature))
    assert ok(rules.who(agreement, "AH8", days(1))).sells == ("harmony-auto", "gac")
    assert rules.rights(agreement, "harmony-auto", Area("AH8", Process.PLATFORM), days(1)).sight is Sight.NONE


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda said: said.pop("meaning"), "$"),
        (lambda said: said.update(colour="red"), "$.colour"),
        (lambda said: said.update(positions={"carmaker": {"name": "Carmaker", "name-zh": "车企"}}), "$.positions"),
        (lambda said: said["positions"]["dealers"].pop("name-zh"), "$.positions.dealers"),
        (lambda said: said["matrix"].pop("sales"), "$.matrix"),
        (lambda said: said["matrix"]["sales"].update(partner="leads"), "$.matrix.sales"),
        (lambda said: said["matrix"]["sales"].update(lessor="none"), "$.matrix.sales.lessor"),
        (lambda said: said["sight"]["sales"].update(dealers="some"), "$.sight.sales.dealers"),
        (lambda said: said["sources"].append({"url": "https://a.example"}), "$.sources[0]"),
    ],
)
def test_a_fault_in_a_mode_is_named_by_file_and_place(tmp_path, change, place):
    said = three_sided() | {"sources": []}
    change(said)
    (tmp_path / "dealer-led.json").write_text(json.dumps(said))
    with pytest.raises(InputError) as told:
        modes.load(tmp_path)
    assert (told.value.source, told.value.place) == ("dealer-led.json", place)
    assert told.value.remedy


def test_a_folder_does_not_redefine_a_mode_and_has_to_exist(tmp_path):
    (tmp_path / "inside.json").write_text(json.dumps(three_sided()))
    with pytest.raises(InputError, match="already"):
        modes.load(tmp_path)
    with pytest.raises(InputError, match="no such folder"):
        modes.load(tmp_path / "nowhere")


@pytest.mark.parametrize(
    "positions",
    [{"carmaker": "gac"}, POSITIONS | {"dealers": "seres"}, {"carmaker": "gac", "partner": "gac"}],
    ids=["few", "many", "twice"],
)
def test_positions_are_taken_all_and_once(positions):
    assert isinstance(modes.expand(modes.packaged()["inside"], positions), Refusal)
