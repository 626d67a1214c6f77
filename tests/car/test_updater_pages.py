"""What the car's pages tell to type is there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from marque.car import cli

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "docs" / "car.md", ROOT / "src" / "marque" / "car" / "README.md"]


def commands(page):
    code = re.findall(r"^ *```.*?^ *```|`[^`\n]+`", page.read_text(), re.MULTILINE | re.DOTALL)
    lines = re.findall(r"(?<!another )marque-car ([^\n`]+)", "\n".join(code).replace("\\\n", " "))
    return [shlex.split(line) for line in lines]


def test_commands_are_found():
    told = [words[0] for page in PAGES for words in commands(page)]
    assert {"keys", "provision", "update", "run", "status", "boot", "tuf"} <= set(told)


@pytest.mark.parametrize("words", [words for page in PAGES for words in commands(page)], ids=" ".join)
def test_a_command_that_a_page_tells_is_one(words, monkeypatch):
    """It is read as a whole command line; nothing is done."""
    for name in ("keys", "provision", "update", "run", "status", "boot"):
        monkeypatch.setattr(f"marque.car.commands.{name}", lambda _: 0)
    if "--help" in words or len(words) == 1:
        with pytest.raises(SystemExit, match="0"):
            cli.main([*words, "--help"])
    else:
        assert cli.main(words) == 0


@pytest.mark.parametrize("said", re.findall(r"^\| `([^`]+)`", (ROOT / "docs" / "car.md").read_text(), re.MULTILINE))
def test_what_the_car_says_is_what_it_says(said):
    """The workshop looks for these words."""
    sources = "\n".join(path.read_text() for path in (ROOT / "src" / "marque" / "car").rglob("*.py"))
    for part in said.split(" … "):
        assert part in sources
