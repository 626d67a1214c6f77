"""The safety report in headless Chromium: accessible, wide and on a telephone, and drawn; nothing is asked of anybody."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from test_browser import needed

from marque.app.safety_report import safety_report
from marque.foundation import SetClock

sys.path.insert(0, str(Path(__file__).parents[1] / "proof"))
from report_world import reported
from sealed_world import NOW, sha

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """A report, and one of evidence that is not sound."""
    folder = tmp_path_factory.mktemp("reports")
    before = reported(folder, "before", version="1.1.0", failing={3: "failed"}, inputs={"code/driving": sha("old")})
    now = reported(folder, failing={3: "failed", 17: "failed", 60: "lost", 210: "failed"}, baseline=before)
    keys = []
    for code, text in now.directories.items():
        keys.append(folder / f"{code}.json")
        keys[-1].write_bytes(text)
    safety_report(now.evidence, keys, folder / "sound", suites=[now.suite], baseline=before.evidence, clock=SetClock(NOW))
    bent = bytearray(now.evidence.read_bytes())
    bent[-5000] ^= 1
    now.evidence.write_bytes(bent)
    safety_report(now.evidence, keys, folder / "bent", clock=SetClock(NOW))
    return {name: folder / name / "index.html" for name in ("sound", "bent")}


@pytest.fixture(scope="module")
def looked_at(pages):
    needed("Chromium", shutil.which("chromium"))
    needed("Node", shutil.which("node"))
    needed("playwright-core (npm ci in web/)", (ROOT / "web/node_modules/playwright-core").exists())
    return {name: look(file) for name, file in pages.items()}


def look(file):
    command = ["node", str(Path(__file__).with_name("safety_report.mjs")), str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("page", ["sound", "bent"])
def test_nothing_is_wrong_with_the_page_on_a_desk_or_on_a_telephone(looked_at, page):
    assert looked_at[page]["complaints"] == []


def test_the_case_and_one_drawing_of_the_intervals_are_seen_at_every_width_and_on_paper(looked_at):
    assert looked_at["sound"]["seen"] == {"1360": 2, "390": 2, "printed": 2}
