"""The house keeps its own rules: floors, sizes, locks, and a set-up that names what there is."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from typer.main import get_command

from marque.app.cli import app

ROOT = Path(__file__).parents[1]
ROOMS = sorted(face.parent for face in (ROOT / "src/marque").glob("*/__init__.py"))
MODULES = sorted(
    [
        *(ROOT / "src/marque").rglob("*.py"), *(ROOT / "web/src").rglob("*.ts"), ROOT / "marque",
        *(ROOT / "tests").rglob("*.py"), *(ROOT / "tests").rglob("*.mjs"),
        *(ROOT / "bench").glob("*.py"), *(ROOT / "bench").glob("*.mjs"), *(ROOT / "bench/peers").glob("*.py"),
    ]
)  # fmt: skip
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "src/marque").rglob("*.md")])
LOCKS = sorted([*(ROOT / "requirements").glob("*.lock"), *(ROOT / "bench/peers").glob("*.lock")])
FORBIDDEN_BELOW_APP = ["fastapi", "jinja2", "lxml", "matplotlib", "pydantic", "rich", "starlette", "typer", "uvicorn"]


def relative(path):
    return str(path.relative_to(ROOT))


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(lock):
    return {normal(name): version for name, version in re.findall(r"^([\w.-]+)==([^ ;\\]+)", lock.read_text(), re.MULTILINE)}


def test_rooms_import_only_downwards():
    lint = Path(sys.executable).with_name("lint-imports")
    told = subprocess.run([lint, "--no-cache", "--no-logo"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout + told.stderr


def test_what_runs_in_the_car_loads_neither_web_nor_importers():
    script = f"import sys, marque.driving, marque.simulation, marque.vehicle; print([m for m in {FORBIDDEN_BELOW_APP} if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.strip() == "[]"


@pytest.mark.parametrize("module", MODULES, ids=relative)
def test_a_module_stays_under_400_lines(module):
    assert len(module.read_text().splitlines()) < 400


@pytest.mark.parametrize("room", ROOMS, ids=relative)
def test_a_room_has_a_readme_that_names_it_and_a_short_public_face(room):
    assert (room / "README.md").read_text().startswith(f"# {room.name}")
    assert len((room / "__init__.py").read_text().splitlines()) <= 60


@pytest.mark.parametrize("lock", LOCKS, ids=relative)
def test_a_lock_names_hashes_and_no_address(lock):
    text = lock.read_text()
    assert "://" not in text
    assert not re.search(r"^\s*-", text.replace("    --hash=sha256:", ""), re.MULTILINE), "only requirements and hashes"
    requirements = re.split(r"\n(?=[A-Za-z])", text)
    assert requirements
    assert [one.splitlines()[0] for one in requirements if "==" not in one or "--hash=sha256:" not in one] == []


def test_the_npm_lock_names_hashes_and_no_address():
    packages = json.loads((ROOT / "web/package-lock.json").read_text())["packages"]
    assert "resolved" not in json.dumps(packages)
    assert [name for name, package in packages.items() if name and not package.get("integrity")] == []


def test_the_locks_hold_what_the_project_asks_for():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    groups = project["dependency-groups"]
    asked = {
        "base": project["project"]["dependencies"] + groups["setup"],
        "dev": project["project"]["dependencies"] + groups["setup"] + groups["dev"],
        "node": groups["node"],
    }
    for lock, names in asked.items():
        missing = {normal(re.match(r"[\w.-]+", name)[0]) for name in names} - pins(ROOT / f"requirements/{lock}.lock").keys()
        assert not missing, f"refresh requirements/{lock}.lock"


def test_developers_run_the_versions_that_users_run():
    base, dev = (pins(ROOT / f"requirements/{name}.lock") for name in ("base", "dev"))
    assert base.items() <= dev.items()


def test_the_peer_of_traffic_is_the_sumo_that_users_have():
    assert pins(ROOT / "bench/peers/libsumo.lock")["eclipse-sumo"] == pins(ROOT / "requirements/base.lock")["eclipse-sumo"]


def test_help_needs_no_set_up_and_names_every_command(tmp_path):
    alone = tmp_path / "marque"
    alone.write_text((ROOT / "marque").read_text())
    told = subprocess.run([sys.executable, "-S", alone, "--help"], capture_output=True, text=True, check=True).stdout
    assert not (tmp_path / ".venv").exists()
    commands = {command.name or command.callback.__name__ for command in app.registered_commands}
    commands |= {group.name for group in app.registered_groups}
    assert commands == set(re.findall(r"^    \./marque ([\w-]+)", told, re.MULTILINE)) - {"test", "check"}


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_files_that_a_page_names_are_there(page):
    named = set(re.findall(r"(?<![\w/.-])(?:bench|docs|requirements|src|tests|web)/[\w/.-]+\.\w+", page.read_text()))
    assert sorted(name for name in named if not (ROOT / name).exists()) == []


def commands_told(page):
    """Every command line of ours in a page's code: its words after `marque`, up to a comment, a pipe or the next command."""
    code = re.findall(r"^```.*?^```|^ {4}.*?$|`[^`\n]+`", page.read_text(), re.MULTILINE | re.DOTALL)
    lines = re.findall(r"(?<![\w/.-])(?:\./)?marque ([^\n`#|;&]*)", "\n".join(code).replace("\\\n", " "))
    return [shlex.split(line) for line in lines]


def test_commands_are_found_where_pages_tell_them():
    assert ["drive", "--library"] in commands_told(ROOT / "README.md")


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_what_a_page_tells_to_type_is_a_command_with_such_options_and_arguments(page):
    for words in commands_told(page):
        command, told = get_command(app), list(words)
        if told[:1] in (["test"], ["check"]) or not re.fullmatch(r"[a-z][a-z-]*", (told or [""])[0]):
            continue
        while told and hasattr(command, "commands"):
            assert told[0] in command.commands, f"there is no marque {' '.join(words)}"
            command = command.commands[told.pop(0)]
        if "…" in told:  # values are left out: of the options the names alone can be checked
            names = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
            assert {word for word in told if word.startswith("-")} <= names, f"marque {' '.join(words)} has no such option"
            continue
        with command.make_context("marque", [], resilient_parsing=True) as context:
            _, left, _ = command.make_parser(context).parse_args(told)
        assert left == [], f"marque {' '.join(words)} takes fewer arguments"


def test_an_error_of_ours_is_one_message_without_a_traceback():
    script = (
        "import sys; from marque.app import cli; from marque.common import InputError\n"
        "@cli.app.command()\n"
        "def breaks() -> None: raise InputError('a.xml', 'lanelet 3', 'the left border has 1 point', 'Mend it.')\n"
        "sys.argv = ['marque', 'breaks']; cli.main()"
    )
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (told.returncode, told.stdout) == (2, "")
    assert told.stderr == "marque breaks: a.xml, lanelet 3: the left border has 1 point.\n  Mend it.\n"


def test_no_two_test_modules_have_one_name():
    """Pytest imports them by their names alone: of two, the second is not run."""
    names = [file.name for file in (ROOT / "tests").rglob("*.py") if file.name != "conftest.py"]
    assert sorted({name for name in names if names.count(name) > 1}) == []
