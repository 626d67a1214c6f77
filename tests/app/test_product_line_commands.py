"""`marque product parts`, `price` and `differences` on the line that comes with Marque."""

from __future__ import annotations

import json

from typer.testing import CliRunner

from marque.app.cli import app
from marque.product import line

FILE = str(line.line_file())


def run(*said):
    return CliRunner().invoke(app, ["product", *map(str, said)])


def test_the_bill_of_the_demonstration_line_is_proved():
    answer = run("parts", FILE, line.bill_folder())
    assert answer.exit_code == 0, answer.output
    assert "every car has exactly one part in each slot" in answer.output


def test_a_part_taken_out_of_the_bill_is_a_gap_with_a_car_that_shows_it(tmp_path):
    for file in line.bill_folder().glob("*.json"):
        told = json.loads(file.read_text("utf-8"))
        if file.name == "battery.json":
            told["slots"][0]["items"].pop()
        (tmp_path / file.name).write_text(json.dumps(told), "utf-8")
    answer = run("parts", FILE, tmp_path, "--json", tmp_path / "out")
    assert answer.exit_code == 1
    (gap,) = [one for one in json.loads((tmp_path / "out").read_text("utf-8")) if one["kind"] == "gap"]
    assert gap["slot"] == "battery.pack"
    assert "drive.Pack112" in gap["witness"]


def test_the_price_is_of_a_whole_car_with_what_was_chosen_in_the_currency_of_the_market(tmp_path):
    out = tmp_path / "out"
    folder = line.line_file().parent / "prices"
    said = ("--market", "de", "--region", "berlin", "--on", "2026-10-01", "--given", "germany.Germany", "--select", "Ultra", "--json", out)
    assert run("price", FILE, folder, *said).exit_code == 0
    told = json.loads(out.read_text("utf-8"))
    assert told["currency"] == "EUR"
    assert "Ultra" in told["car"]
    assert float(told["payable"]) > 50_000


def test_model_years_differ_in_features_and_parts(tmp_path):
    out = tmp_path / "out"
    bill = ("--bill", line.bill_folder())
    assert run("differences", FILE, "ModelYear2026", "ModelYear2027", *bill, "--json", out).exit_code == 0
    told = json.loads(out.read_text("utf-8"))
    assert "drive.Pack112" in told["new"]
    assert "drive.R134a" in told["gone"]
    assert told["slots"]
