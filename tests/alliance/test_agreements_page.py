"""docs/agreements.md says what the code and its files say: modes, keys of a mode's file, words, and every fact of the public history."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from pathlib import Path

import pytest

from marque.alliance import modes
from marque.alliance.model import Matrix, Process, Role, Sight, What
from marque.common import InputError

PAGE = (Path(__file__).parents[2] / "docs" / "agreements.md").read_text("utf-8")
HISTORY = {one.name.removesuffix(".json"): json.loads(one.read_text("utf-8")) for one in (files("marque.alliance") / "history").iterdir()}
FACTS = HISTORY.pop("facts")


def table(*headings):
    """The rows of the table with these headings, as lists of words."""
    lines = PAGE.splitlines()
    start = lines.index(f"| {' | '.join(headings)} |".replace("|  |", "| |"))
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            return rows
        rows.append(line[2:-2].split(" | "))
    return rows


def passage(begins):
    """A paragraph or an item of a list, as one line."""
    (found,) = re.findall(rf"^(?:- )?\*\*{begins}\*\*.*?(?=\n- |\n\n)", PAGE, re.DOTALL | re.MULTILINE)
    return " ".join(found.split())


def where(sources):
    """Sources as the page writes them."""
    texts = (f"[{one['text']}]({one['url']})" if "url" in one else one["text"] for one in sources)
    return "; ".join(text + (f", {one['date']}" if "date" in one else "") for text, one in zip(texts, sources, strict=True))


def test_the_modes_are_those_that_come_with_marque():
    packaged = sorted((f"{code}.json", mode.name, mode.meaning) for code, mode in modes.packaged().items())
    assert sorted((file.strip("`"), name, meaning) for name, file, meaning in table("mode", "file", "what it means")) == packaged


def test_a_modes_file_has_the_keys_that_are_listed_and_no_others():
    listed = {word for keys, _ in table("key", "") for word in re.findall(r"`([^`]+)`", keys)}
    for file in (files("marque.alliance") / "modes").iterdir():
        said = json.loads(file.read_text("utf-8"))
        assert set(said) == listed, file.name
        for left_out in listed:
            with pytest.raises(InputError):
                modes.read(json.dumps({key: value for key, value in said.items() if key != left_out}).encode(), file.name)


def test_roles_sights_and_clauses_are_called_what_the_code_calls_them():
    what_it_says = PAGE.split("## How an agreement works")[1].split("- **In force**")[0]
    bold = set(re.findall(r"\*\*([a-z-]+)\*\*", what_it_says))
    assert bold - {"agreement", "revisions", "transition"} == {*Role, *Sight} - {"none"}
    assert len(Process) == 12
    assert "twelve processes" in " ".join(what_it_says.split())
    ticked = set(re.findall(r"`([a-z-]+)`", passage("A transition")))
    assert ticked == {*What, "open-decisions"}
    assert all(f"{one} matrix" in passage("A transition") or f"the {one} one" in passage("A transition") for one in Matrix)
    assert set(re.findall(r"`([a-z-]+)`", passage("A decision"))) == {Process.RELEASE_SIGNATURE, Process.SALES}
    assert {word for key, told in table("key", "") if key == "`sight`" for word in re.findall(r"`([a-z]+)`", told)} == set(Sight)


def test_a_fault_in_a_mode_is_told_in_the_words_of_the_page():
    (example,) = re.findall(r"^A fault is told with file, place and remedy: `([^`]+)`", PAGE, re.MULTILINE)
    said = json.loads((files("marque.alliance") / "modes" / "balanced.json").read_text("utf-8"))
    said["matrix"]["sales"] = dict.fromkeys(said["matrix"]["sales"], "none")
    with pytest.raises(InputError) as told:
        modes.read(json.dumps(said).encode(), "dealer-led.json")
    assert str(told.value).startswith(example)


def test_every_reported_revision_is_listed_in_the_order_of_time_with_its_sources():
    known = [
        [one["since"], f"{code}, {number}", one["mode"], one["told"], where(one["sources"])]
        for code, said in HISTORY.items()
        for number, one in enumerate(said["revisions"], 1)
    ]
    assert table("since", "agreement", "mode", "what is reported", "where") == sorted(known)


def test_every_brand_and_stake_is_listed_with_its_sources():
    owners = {
        code: ", ".join(f"{one['organisation']} ({one['since']})" for one in brand["owners"]) or "not reported"
        for code, brand in FACTS["brands"].items()
    }
    known = [[f"{brand['name']} {brand['name-zh']}", owners[code], where(brand["sources"])] for code, brand in FACTS["brands"].items()]
    known += [
        ["*stake*", f"{one['holder']} holds {one['percent']} % of {one['held']} ({one['since']})", where(one["sources"])]
        for one in FACTS["stakes"]
    ]
    assert table("brand", "whose marks, since", "where") == known


def test_the_question_it_shows_is_one_that_can_be_asked(capsys):
    from marque.app.cli_companies import history, who

    (asked,) = re.findall(r"`marque alliance who --programme (\S+) --on (\S+)`", PAGE)
    who(*asked, as_json=True)
    assert json.loads(capsys.readouterr().out)
    history(None, as_json=True)
    assert json.loads(capsys.readouterr().out)
