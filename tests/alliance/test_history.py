"""The public history: known answers, every day answered, every fact with a source."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import agreement_oracle as oracle
import pytest

from marque.alliance import documents, history, modes, rules
from marque.alliance.model import Area, Process, Reported, Rights
from marque.app.who import history as print_history
from marque.app.who import who as print_who
from marque.common import InputError

PUBLIC = history.public()
LAST = date(2026, 1, 1)
CASES = [(told, programme) for told in PUBLIC.agreements for programme in told.programmes]


def one(programme, *day):
    (answer,) = PUBLIC.who(programme, date(*day))
    return answer


def test_it_holds_eight_carmakers_twelve_brands_and_every_mode():
    carmakers = {told.agreement.revisions[0].positions["carmaker"] for told in PUBLIC.agreements}
    groups = {PUBLIC.organisations[code].parent or code for code in carmakers}
    assert groups == {"gac", "baic", "changan", "seres", "chery", "jac", "saic", "dongfeng"}
    assert {programme.brand for _, programme in CASES} == set(PUBLIC.brands)
    assert len(PUBLIC.brands) >= 12
    assert {moment.mode for told in PUBLIC.agreements for moment in told.moments} == set(modes.packaged())


@pytest.mark.parametrize(("told", "programme"), CASES, ids=lambda one: getattr(one, "code", ""))
def test_every_day_is_answered_as_plain_loops_answer_it(told, programme):
    raw = [revision.document() for revision in told.agreement.revisions]
    signed = [{"organisation": one.organisation, "digest": one.digest, "at": one.at} for one in told.agreement.signatures]
    first = told.moments[0].since
    on = first - timedelta(days=1)
    with pytest.raises(InputError, match=str(first)):
        PUBLIC.who(programme.code, on)
    while (on := on + timedelta(days=1)) < LAST:
        at = datetime.combine(on, time(), UTC)
        (answer,) = PUBLIC.who(programme.code, on)
        assert len(answer.who.processes) == 12
        if on.day not in {1, 2, 27, 28}:
            continue
        document = oracle.in_force(raw, signed, at)
        assert answer.who.force.revision.document() == document
        for process, part in answer.who.processes.items():
            cells = {code: oracle.word(document, "matrix", code, programme.code, process) for code in document["parties"]}
            assert set(part.decides) == {code for code, word in cells.items() if word in {"leads", "co-decides"}}


def test_ah8_goes_from_joint_development_to_supply_on_27_march_2023():
    before, after = one("AH8", 2023, 3, 26), one("AH8", 2023, 3, 28)
    assert (before.moment.mode, after.moment.mode) == ("joint-development", "component-supplier")
    assert (before.who.signs, after.who.signs) == (("gac-aion", "huawei"), ("gac-aion",))
    assert before.who.sells == after.who.sells == ("gac-aion",)
    development = [answer.who.processes[Process.RESEARCH_AND_DEVELOPMENT] for answer in (before, after)]
    assert [part.sees_all for part in development] == [("gac-aion", "huawei"), ("gac-aion",)]
    assert development[1].supplies == development[1].sees_own == ("huawei",)
    assert one("AH8", 2023, 3, 27).moment == after.moment


@pytest.mark.parametrize(
    ("day", "owner", "leads"),
    [
        ((2023, 6, 9), "", "seres"),
        ((2023, 6, 10), "huawei", "huawei"),
        ((2024, 7, 1), "huawei", "huawei"),
        ((2024, 7, 2), "seres", "seres"),
    ],
)
def test_the_aito_marks_go_to_the_partner_in_2023_and_back_in_july_2024(day, owner, leads):
    answer = one("M9", *day)
    assert (answer.brand_owner, answer.who.processes[Process.BRAND].leads) == (owner, leads)
    assert answer.moment.mode == "smart-selection"


@pytest.mark.parametrize("programme", ["S7", "S9", "H5"])
def test_in_2025_sales_return_to_the_carmaker_inside_an_unchanged_mode(programme):
    before, after = one(programme, 2025, 6, 30), one(programme, 2025, 7, 31)
    assert before.moment.mode == after.moment.mode == "smart-selection"
    assert before.who.processes[Process.SALES].leads == "huawei"
    assert after.who.processes[Process.SALES].leads != "huawei"
    assert after.moment.precision == "month"
    assert after.who.signs == before.who.signs


def test_sales_of_aito_and_maextro_stay_with_the_partner():
    assert [one(programme, 2025, 12, 1).who.sells for programme in ("M9", "S800")] == [("huawei",), ("huawei",)]


def test_builder_brand_owner_and_lead_are_three_roles():
    answer = one("GH", 2025, 12, 1)
    assert (answer.programme.manufacturer, answer.brand_owner, answer.programme.lead) == ("gac-aion", "gac-huawang", "gac-huawang")
    avatr = one("AVATR-11", 2023, 1, 1)
    assert (avatr.programme.manufacturer, avatr.programme.lead) == ("changan", "avatr")
    hyptec = one("HYPTEC-A800", 2025, 12, 1)
    assert (hyptec.programme.manufacturer, hyptec.programme.lead, hyptec.moment.mode) == ("gac-aion", "gac-hyptec", "component-supplier")


def test_holding_shares_of_the_supplier_opens_nothing():
    at = datetime(2025, 12, 1, tzinfo=UTC)
    assert {stake.holder for stake in PUBLIC.stakes if stake.held == "yinwang"} == {"avatr", "seres"}
    for stake in PUBLIC.stakes:
        for told, programme in CASES:
            parties = rules.in_force(told.agreement, at).revision.parties
            for process in Process if stake.holder not in parties else ():
                assert rules.rights(told.agreement, stake.holder, Area(programme.code, process), at) == Rights()
    without = replace(PUBLIC, stakes=())
    assert [without.who(programme.code, LAST) for _, programme in CASES] == [PUBLIC.who(programme.code, LAST) for _, programme in CASES]


def test_everything_is_reported_with_a_source_and_nothing_is_signed():
    for told in PUBLIC.agreements:
        assert all(type(signature) is Reported for signature in told.agreement.signatures)
        assert all(moment.sources for moment in told.moments)
        assert any(source.url for moment in told.moments for source in moment.sources)
        for revision in told.agreement.revisions:
            assert documents.read(revision.text) == revision
    assert all(PUBLIC.sources[code] for code in PUBLIC.brands)


def test_the_terminal_prints_what_held_and_where_it_is_told(capsys):
    print_who("ah8", "2023-03-28", as_json=False)
    told = capsys.readouterr().out
    assert "Releases are signed by GAC Aion." in told
    assert "component-supplier" in told
    assert "https://readers.ctee.com.tw" in told
    print_who("AH8", "2023-03-26", as_json=True)
    (said,) = json.loads(capsys.readouterr().out)
    assert (said["signs"], said["sells"], said["mode"], said["revision"]) == (["gac-aion", "huawei"], ["gac-aion"], "joint-development", 1)
    assert said["processes"]["software-supply"]["decides"] == ["huawei", "gac-aion"]


def test_the_terminal_prints_the_time_line(capsys):
    print_history("M9")
    assert "brand · seres: co-decides → leads" in capsys.readouterr().out
    print_history(None, as_json=True)
    line = json.loads(capsys.readouterr().out)
    assert [one["since"] for one in line] == sorted(one["since"] for one in line)
    assert len(line) == sum(len(told.moments) for told in PUBLIC.agreements)


@pytest.mark.parametrize(
    ("programme", "on", "words"),
    [("AH9", "2023-03-28", "no such programme"), ("AH8", "2021-07-08", "2021-07-09 or a later day"), ("AH8", "28.3.2023", "not a day")],
)
def test_a_question_without_an_answer_is_told_so(programme, on, words):
    with pytest.raises(InputError, match=words):
        print_who(programme, on)


@pytest.fixture
def folder(tmp_path):
    for file in (history.files("marque.alliance") / "history").iterdir():
        if file.name in {"facts.json", "gac-aion-ah8.json"}:
            (tmp_path / file.name).write_bytes(file.read_bytes())
    return tmp_path


@pytest.mark.parametrize(
    ("file", "change", "place"),
    [
        ("gac-aion-ah8.json", lambda said: said["revisions"][1].update(since="2021-07"), "$.revisions[1].since"),
        ("gac-aion-ah8.json", lambda said: said["revisions"][0].update(mode="marriage"), "$.revisions[0].mode"),
        ("gac-aion-ah8.json", lambda said: said["revisions"][0].update(sources=[]), "$.revisions[0].sources"),
        ("gac-aion-ah8.json", lambda said: said["revisions"][0]["positions"].update(partner="apple"), "$.revisions[0].positions.partner"),
        ("gac-aion-ah8.json", lambda said: said["programmes"]["AH8"].update(brand="edsel"), "$.programmes.AH8.brand"),
        ("facts.json", lambda said: said["brands"]["aito"]["owners"].reverse(), "$.brands.aito.owners[1].since"),
        ("facts.json", lambda said: said["stakes"][0].update(percent=110), "$.stakes[0].percent"),
        ("facts.json", lambda said: said["organisations"]["yinwang"].update(parent="apple"), "$.organisations.yinwang.parent"),
    ],
)
def test_a_fault_in_a_fact_is_named_by_file_and_place(folder, file, change, place):
    said = json.loads((folder / file).read_text())
    change(said)
    (folder / file).write_text(json.dumps(said))
    with pytest.raises(InputError) as told:
        history.load(folder, modes.packaged())
    assert (told.value.source, told.value.place) == (file, place)
