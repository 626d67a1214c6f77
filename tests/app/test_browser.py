"""The page in headless Chromium: drawn, operable by keyboard, accessible, without a complaint."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from stand_in import StandInCity

from marque.simulation.replay import write_replay
from small_town import small_town

ROOT = Path(__file__).parents[2]
STEPS = 40
AUDITED = {"city", "chosen car", "city in Chinese", "city on a telephone", "replays", "replay"}


def needed(what, there):
    """Skips where the machine lacks something; where CI promises it, that is a failure."""
    if not there:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"{what} is not on this machine")


@pytest.fixture(scope="module")
def findings(tmp_path_factory):
    needed("Chromium", shutil.which("chromium"))
    needed("Node", shutil.which("node"))
    needed("the web build (npm ci && npm run build in web/)", (ROOT / "src/marque/app/static/dist/view.js").exists())
    needed("playwright-core (npm ci in web/)", (ROOT / "web/node_modules/playwright-core").exists())
    replays = tmp_path_factory.mktemp("replays")
    town, frames = StandInCity(small_town(), vehicles=6, pedestrians=2, cars=1), []
    for _ in range(STEPS):
        town.step()
        frames.append(town.frame())
    write_replay(replays / "drive.replay", name="A drive", road_map=small_town(), step_s=0.1, frames=frames, facts={"verdict": "goal"})
    command = [sys.executable, Path(__file__).with_name("serve_small_town.py"), "0", "20", str(replays)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            address = re.search(r"http://\S+", server.stdout.readline())[0]
            done = subprocess.run(
                ["node", Path(__file__).with_name("browser.mjs"), address, "drive"],
                capture_output=True,
                text=True,
                timeout=400,
                check=False,
            )
        finally:
            server.terminate()
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


pytestmark = pytest.mark.slow


def test_the_page_complains_of_nothing(findings):
    assert findings["complaints"] == []


def test_axe_finds_no_violation_on_any_page_in_either_language(findings):
    assert findings["violations"] == {page: [] for page in AUDITED}


def test_the_city_and_the_replay_are_drawn(findings):
    assert findings["contrast"] > 4
    assert findings["replayContrast"] > 4


def test_a_car_is_chosen_by_keyboard_and_its_card_appears(findings):
    assert findings["chosen"].startswith("Marque 1")
    assert findings["address"] == "?car=0"


def test_the_keyboard_pauses_and_focus_survives_updates(findings):
    assert findings["paused"] == "Play"
    assert findings["focusKept"]


def test_the_browsers_language_is_the_pages(findings):
    assert findings["language"] == "zh-Hans"


def test_a_telephone_needs_no_sideways_scrolling(findings):
    assert findings["overflow"] <= 0


def test_a_replay_can_be_wound_to_its_end(findings):
    assert findings["end"] == f"0:0{STEPS * 0.1:.1f}"


def test_the_table_stands_without_a_script(findings):
    assert findings["withoutScript"] == 3
