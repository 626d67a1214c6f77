"""A campaign's page tells how far it is and what failed, in the reader's language, and has nothing driven for anybody but its own forms."""

from __future__ import annotations

import asyncio
import re
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from marque.app.campaign_page import CampaignPage, beside
from marque.app.campaign_replays import Made
from marque.app.campaign_telling import duration, progress_told
from marque.app.cli import app
from marque.app.web import create_app
from marque.app.words import LANGUAGES, words_of
from marque.common import InputError
from marque.proof.campaign import Campaign
from marque.proof.campaign.watch import Progress
from marque.proof.statistics import intervals

sys.path.insert(0, str(Path(__file__).parents[1] / "proof"))
from sealed_world import outcome_of, run_line
from small_suite import written
from watched_campaign import begun, comes, lines

ADDRESSES = ("/", "/panel", "/failures", "/runs/3", "/runs/3/panel", "/replays")


class Client:
    """Asks the application directly, without a server."""

    def __init__(self, page):
        transport = httpx.ASGITransport(create_app(None, page.replays.folder, campaign=page))
        headers = {"Accept": "text/html", "Accept-Language": "en"}
        self._client = httpx.AsyncClient(transport=transport, base_url="http://localhost:8001", headers=headers)

    def get(self, address, **options):
        return asyncio.run(self._client.get(address, **options))

    def post(self, address, **options):
        return asyncio.run(self._client.post(address, **options))


@pytest.fixture
def folder(tmp_path):
    made = begun(tmp_path / "campaign")
    comes(made, b"".join(lines(40)) + lines(41)[40][:50])
    return made


@pytest.fixture
def page(folder):
    made = CampaignPage(folder)
    yield made
    made.stop()


def test_what_is_driven_how_far_it_is_and_what_failed_stand_on_the_page_without_a_script(page):
    told = Client(page).get("/").text
    assert "40 of 60 runs (66.7 %)" in told
    assert 'max="60" value="40"' in told
    assert ">Driving</span>" in told
    for value in ("small", "vela", "pilot@1.2.0", "through their sensors", "2026-11-28 12:00 UTC"):
        assert f"<dd>{value}</dd>" in told
    assert '<a href="/">Show how it is now</a>' in told
    runs = [case for case in range(40) if case % 2]
    failed = [case for case in runs if outcome_of(case) not in {"passed", "outside"}]
    within = [case for case in runs if outcome_of(case) != "outside"]
    interval = intervals.binomial(len(failed), len(within), 0.95)
    row = told[told.index("urban/rain</th>") :]
    assert f"{100 * len(failed) / len(within):.1f} %" in row
    assert f"{100 * interval.low:.2f}–{100 * interval.high:.1f} %" in row
    newest = told[told.index('id="newest-title"') : told.index('id="worst-title"')]
    assert re.findall(r'href="/runs/(\d+)"', newest) == ["17", "13", "7", "3"]
    assert "hit the &#34;cutting&#34; car" in newest
    assert "dx0_m" in newest


def test_it_goes_on_from_where_the_journal_was_and_ends_when_the_campaign_does(page, folder):
    client = Client(page)
    client.get("/")
    comes(folder, lines(41)[40][50:])
    assert "41 of 60" in client.get("/panel").text
    assert 'data-live="yes"' in client.get("/panel").text
    (folder / "runs.jsonl").touch()
    ended = client.get("/panel").text
    assert 'data-live="no"' in ended
    assert ">Ended</span>" in ended
    assert "19 were not needed any more" in ended


def test_a_campaign_of_which_nothing_has_come_says_so(tmp_path):
    told = Client(CampaignPage(begun(tmp_path / "new"))).get("/").text
    assert "No run has come in yet." in told
    assert "Nothing has failed." in told


def test_all_failures_are_there_page_by_page(folder):
    (folder / "journal.jsonl").unlink()
    comes(folder, b"".join(lines(250, lambda _: "failed")))
    client = Client(CampaignPage(folder))
    seen = []
    for number in (1, 2, 3):
        seen += [int(case) for case in re.findall(r'href="/runs/(\d+)"', client.get(f"/failures?page={number}").text)]
    assert seen == list(range(249, -1, -1))
    assert client.get("/failures?page=4").status_code == 404
    assert client.get("/failures?page=0").status_code == 422


def test_a_run_is_told_whole_and_one_that_is_not_there_is_missing(page):
    client = Client(page)
    told = client.get("/runs/3").text
    assert "Least time to collision" in told
    assert "&#34;case&#34;:3," in told
    for nothing in ("/runs/41", "/runs/41/panel", "/runs/-1"):
        assert client.get(nothing).status_code == 404
    assert client.post("/runs/41/replay").status_code == 404
    assert '<a href="/">Back to the campaign</a>' in client.get("/runs/41").text


def test_only_its_own_forms_have_a_run_driven_again(page, monkeypatch):
    asked = []
    monkeypatch.setattr(page.replays, "ask", asked.append)
    client = Client(page)
    for site in ("cross-site", "same-site", "none"):
        assert client.post("/runs/3/replay", headers={"Sec-Fetch-Site": site}).status_code == 403
    answer = client.post("/runs/3/replay", headers={"Sec-Fetch-Site": "same-origin"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/runs/3")
    assert asked == [3]


@pytest.mark.parametrize("state", ["waiting", "driving", "same", "other", "nothing", "failed"])
def test_every_state_of_a_replay_has_its_sentence(page, monkeypatch, state):
    monkeypatch.setattr(page.replays, "made", lambda _: Made(state, ("why: <that>",)))
    told = Client(page).get("/runs/3").text
    assert words_of("en")(f"campaign.replay.{state}") in told
    assert "why: &lt;that&gt;" in told
    assert ('action="/runs/3/replay"' in told) == (state not in {"waiting", "driving"})


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_speaks_the_readers_language_and_holds_no_inline_code(page, language):
    client = Client(page)
    for address in ADDRESSES:
        answer = client.get(address, params={"lang": language})
        assert answer.status_code == 200
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert not re.search(r"<style|<script(?![^>]*\bsrc=)|\sstyle=|\son\w+=|javascript:|https?://", answer.text)
    assert words_of(language)("campaign.newest") in client.get("/", params={"lang": language}).text


def test_what_cannot_be_driven_again_says_why(tmp_path):
    hidden = CampaignPage(begun(tmp_path / "hidden", hidden=["autumn"]))
    moved = CampaignPage(begun(tmp_path / "moved"))
    other = CampaignPage(begun(tmp_path / "other"), written(tmp_path))
    for page, why in ((hidden, "replay-evidence --hidden"), (moved, "--suite"), (other, "not what it was")):
        comes(page.watch.folder, b"".join([*lines(3), run_line(3, "failed", suite="autumn")]))
        page.watch.look()
        page.replays.ask(3)
        made = settled(page, 3)
        assert made.state == "failed"
        assert why in made.text[0]
        page.stop()


def settled(page, case, limit_s=120.0):
    until = time.monotonic() + limit_s
    while (made := page.replays.made(case)) is None or made.state in {"waiting", "driving"}:
        assert time.monotonic() < until, "it takes too long"
        time.sleep(0.02)
    return made


def test_the_page_beside_a_campaign_ends_with_it(folder):
    with beside(folder, 0) as address, httpx.Client(trust_env=False) as http:
        assert "40 of 60" in http.get(address).text
        with pytest.raises(InputError, match="in use"), beside(folder, int(address.rpartition(":")[2])):
            pass
    with pytest.raises(httpx.ConnectError), httpx.Client(trust_env=False) as http:
        http.get(address)
    assert not [thread for thread in threading.enumerate() if thread.name == "page"]


def test_a_suite_that_is_proven_shows_itself_on_a_page_as_long_as_it_is_driven(tmp_path, monkeypatch):
    def change(said):
        child = said["sources"][1]
        child["parameters"]["runs_mps"]["values"] = [2.0]
        said["sources"] = [child]
        said["cells"] = {"street": said["cells"]["street"] | {"exposure": 1.0}}

    seen, run = [], Campaign.run

    def watched(campaign, compute, limit_s, told, schedule):
        def look(tally):
            told(tally)
            [thread] = [one for one in threading.enumerate() if one.name == "page"]
            seen.append((thread.is_alive(), tally.done))

        return run(campaign, compute, limit_s, look, schedule)

    monkeypatch.setattr(Campaign, "run", watched)
    suite = written(tmp_path, change)
    words = ["prove", str(suite), "--out", str(tmp_path / "campaign"), "--workers", "1", "--page", "0"]
    told = CliRunner().invoke(app, words)
    assert told.exit_code == 0, told.output
    assert re.search(r"The campaign is at http://localhost:\d+", told.output)
    assert seen == [(True, 1)]
    assert not [thread for thread in threading.enumerate() if thread.name == "page"]
    ended = Client(CampaignPage(tmp_path / "campaign")).get("/").text
    assert "1 of 1 runs" in ended
    assert ">Ended</span>" in ended


def test_time_is_told_in_two_units_at_most():
    words = words_of("en")
    told = [duration(words, seconds) for seconds in (0.4, 119.4, 120, 3599, 3600, 86_400)]
    assert told == ["0 s", "119 s", "2 min", "1 h 0 min", "1 h 0 min", "24 h 0 min"]
    silent = Progress(3, 10, 0.0, None, ended=False, quiet_s=300.0)
    assert progress_told(words, silent)[1].startswith("no run for 5 min")
