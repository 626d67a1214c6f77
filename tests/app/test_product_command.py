"""`marque product`: models checked, traces answered, reasons told, a car configured in the terminal."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from marque.app.cli import app
from marque.app.product_clicks import read_trace
from marque.common import InputError
from marque.product.configure import NoCar, Verb

CAR = """namespace Car

features
    Car
        mandatory
            Wheels
                alternative
                    W19
                    W20
                    W21
            Power
                or
                    Front
                    Rear
        optional
            Hook
            "Panorama roof" {from '2026-03-01'}
            Never

constraints
    Hook => !W21
    "Panorama roof" => Front & Rear
    !Never
"""


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.setenv("MARQUE_CACHE", str(tmp_path / "cache"))
    (tmp_path / "car.uvl").write_text(CAR)
    return tmp_path / "car.uvl"


def command(*arguments, said=None):
    return CliRunner().invoke(app, ["product", *(str(argument) for argument in arguments)], input=said)


def traced(file, *clicks, options=()):
    trace, out = file.with_name("trace.json"), file.with_name("out.json")
    trace.write_text(json.dumps(clicks))
    done = command("clicks", file, trace, "--json", out, *options)
    if done.exception is not None:
        raise done.exception
    return json.loads(out.read_text())


@pytest.mark.parametrize("method", ["auto", "circuit", "sat"])
def test_a_model_is_checked(file, method):
    done = command("check", file, "--json", file.with_name("out.json"), "--method", method)
    assert done.exit_code == 0, done.output
    said = json.loads(file.with_name("out.json").read_text())
    assert (said["features"], said["core"], said["dead"]) == (11, 3, 1)
    assert said["core_features"] == ["Car", "Wheels", "Power"]
    assert said["dead_features"] == ["Never"]
    assert said["count"] == (None if method == "sat" else "20")
    assert said["seconds"] >= 0.0
    assert "in no car: Never" in done.output


def test_a_model_without_a_car_is_told_with_the_rules_that_leave_none(file):
    file.write_text(CAR + "    Never\n")
    done = command("check", file, "--json", file.with_name("out.json"))
    assert done.exit_code == 1
    said = json.loads(file.with_name("out.json").read_text())
    assert said["count"] == "0"
    assert [rule["line"] for rule in said["conflict"]["rules"]] == [23, 24]
    assert "No car can be built" in done.output
    with pytest.raises(NoCar):
        traced(file, {"select": "Hook"})


def test_a_trace_is_answered_click_by_click(file):
    first, second, third, fourth, fifth = traced(
        file, {"select": "W21"}, {"select": "Hook"}, {"retract": "W21"}, {"select": "Hook"}, {"retract": "Rear"}, options=["--repairs", "2"]
    )
    assert first["click"] == {"select": "W21"}
    assert first["forced"] == ["Car", "Wheels", "W21", "Power"]
    assert first["forbidden"] == ["W19", "W20", "Hook", "Never"]
    assert first["free_count"] == 3
    assert second["conflict"]["decisions"] == [{"select": "W21"}]
    assert [(rule["text"], rule["file"], rule["line"]) for rule in second["conflict"]["rules"]] == [("Hook => !W21", "car.uvl", 21)]
    assert second["repairs"][0]["swap"]["W21"] in {"W19", "W20"}
    assert "forced" not in second
    assert third["free_count"] == 7
    assert fourth["forbidden"] == ["W21", "Never"]
    assert "not decided" in fifth["refused"]
    assert fifth["forced"] == fourth["forced"]
    assert all(one["milliseconds"] >= 0.0 for one in (first, second, third, fourth, fifth))


def test_the_cars_that_are_left_are_counted_when_asked(file):
    first, second = traced(file, {"select": "W21"}, {"retract": "W21"}, options=["--count"])
    assert (first["count"], second["count"]) == ("4", "20")


def test_what_is_not_built_on_the_day_is_excluded(file):
    said = traced(file, {"select": "Panorama roof"}, options=["--on", "2026-02-28", "--given", "Hook"])
    assert said[0]["conflict"]["given"] == [{"deselect": "Panorama roof", "because": "not built before 2026-03-01"}]
    assert "W21" in traced(file, {"select": "Rear"}, options=["--given", "Hook"])[0]["forbidden"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[", "this is not JSON"),
        ("{}", "expected a list of clicks, found an object with nothing in it"),
        ('[{"select": "Hook"}, {"choose": "Hook"}]', "click 2: 'choose' is none of select, deselect, retract"),
        ('[{"select": "Hook", "retract": "Hook"}]', "click 1: expected an object with one of"),
        ('[{"select": 3}]', "click 1: expected the name of a feature, found a number"),
        ("[null]", "click 1: expected an object with one of select, deselect, retract; found null"),
    ],
)
def test_a_broken_trace_is_refused_with_the_click(tmp_path, text, told):
    (tmp_path / "trace.json").write_text(text)
    with pytest.raises(InputError, match=told):
        read_trace(tmp_path / "trace.json")


def test_a_trace_is_read(tmp_path):
    (tmp_path / "trace.json").write_text('[{"select": "A"}, {"retract": "A"}]')
    assert read_trace(tmp_path / "trace.json") == [(Verb.SELECT, "A"), (Verb.RETRACT, "A")]


def test_an_unknown_feature_in_a_trace_is_named_before_any_click(file):
    with pytest.raises(InputError, match=r"trace.json, click 2, Hok: there is no such feature.\n  Did you mean “Hook”"):
        traced(file, {"select": "Hook"}, {"select": "Hok"})
    assert not file.with_name("out.json").exists()


def test_why_and_what_to_change(file):
    done = command("explain", file, "Hook", "--select", "W21", "--json", file.with_name("why.json"))
    assert done.exit_code == 0, done.output
    assert "“Hook” is forbidden. “Hook” cannot be chosen:\n  you chose “W21”\n  Hook => !W21  (car.uvl:21)" in done.output
    assert "to get Hook: change W21 →" in done.output
    said = json.loads(file.with_name("why.json").read_text())
    assert said["standing"] == "forbidden"
    assert said["repairs"][0]["optimal"]
    assert "both" not in command("explain", file, "Hook").output
    assert "there are cars with it and cars without it" in command("explain", file, "Hook").output


def test_decisions_that_leave_no_car_are_refused(file):
    done = command("explain", file, "Rear", "--select", "W21", "--select", "Hook")
    assert isinstance(done.exception, InputError)
    assert "the decisions leave no car" in str(done.exception)


def test_a_car_is_configured_in_the_terminal(file):
    done = command("configure", file, said='+W21\n+ Hook\ntake 1\nwhy W21\nlist roof\n~Front\nundo\ncount\n+ "Hok"\nhelp\nquit\n+ Rear\n')
    assert done.exit_code == 0, done.output
    for told in (
        "“Hook” cannot be chosen",
        "1. to get Hook: change W21 →",
        "now in none: W21",
        "○ Panorama roof",
        "“Front” was not decided",
        "Did you mean “Hook”",
        "take a decision back",
        "4 cars are left",
    ):
        assert told in done.output
    assert done.output.count("1 decided") == 2
