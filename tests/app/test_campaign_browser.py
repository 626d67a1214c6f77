"""A campaign's page in headless Chromium while runs come in: it updates by itself, is accessible, and shows the replay of a run."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from test_browser import needed

from marque.app.campaign_page import beside
from marque.app.words import words_of
from marque.proof.campaign import Task, drive
from marque.proof.suites import cases, read_suite

sys.path.insert(0, str(Path(__file__).parents[1] / "proof"))
from small_suite import written
from watched_campaign import begun, comes, lines

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
RUN = 3
PAGES = ("/", "/failures", f"/runs/{RUN}", "/replays")


@pytest.fixture(scope="module")
def findings(tmp_path_factory):
    needed("Chromium", shutil.which("chromium"))
    needed("Node", shutil.which("node"))
    needed("the web build (npm ci && npm run build in web/)", (ROOT / "src/marque/app/static/dist/campaign.js").exists())
    needed("playwright-core (npm ci in web/)", (ROOT / "web/node_modules/playwright-core").exists())
    folder, happening = a_campaign(tmp_path_factory.mktemp("campaign"))
    with beside(folder, 0) as address:
        command = ["node", str(Path(__file__).with_name("campaign_browser.mjs")), address, str(RUN)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as browser:
            for line in browser.stdout:
                if line.startswith("{"):
                    return json.loads(line)
                happening[line.strip()]()
                browser.stdin.write("\n")
                browser.stdin.flush()
    pytest.fail("the browser said nothing of what it found")


def a_campaign(folder):
    """(its folder, what may happen to it): one run really driven, of which its line says it had failed; and runs that nobody has driven."""
    suite = written(folder)
    known = read_suite(suite)
    task = Task(suite, "vela", 1)
    line = drive(task, cases(known, 1)[RUN]).replace(b'"outcome":"passed"', b'"outcome":"failed"')
    made = begun(folder / "campaign", suite_digest=known.digest)
    (made / "suite").write_text(str(suite))
    others = [one for case, one in enumerate(lines(50)) if case != RUN]
    comes(made, line + b"\n" + b"".join(others[:20]))
    return made, {
        "runs": lambda: comes(made, b"".join(others[20:30])),
        "more runs": lambda: comes(made, b"".join(others[30:])),
        "end": (made / "runs.jsonl").touch,
    }


def test_nobody_complains_of_any_page_in_either_language_wide_or_on_a_telephone(findings):
    names = {f"{page} {locale} {size}" for page in PAGES for locale in ("en", "zh-CN") for size in ("wide", "telephone")}
    assert findings["violations"] == {name: [] for name in names | {"run with a replay"}}
    assert max(findings["overflow"].values()) <= 0
    assert findings["complaints"] == []


def test_the_page_updates_by_itself_until_it_is_told_to_stop_or_the_campaign_ends(findings):
    assert findings["before"].startswith("21 of 60 runs")
    assert findings["after"].startswith("31 of 60 runs")
    assert findings["stopped"] == "true"
    assert findings["still"]
    assert findings["buttonAtTheEnd"] is False


def test_without_a_script_a_run_is_found_driven_again_and_what_is_other_about_it_told(findings):
    assert findings["withoutScript"] > 3
    assert findings["asked"] == f"/runs/{RUN}"
    assert findings["replayed"] == words_of("en")("campaign.replay.other")
    assert findings["replay"] == f"{RUN} · child"
