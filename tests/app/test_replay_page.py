"""A replay in one file says what its server would say, runs nothing but what is in it, and is drawn without a server."""

from __future__ import annotations

import asyncio
import base64
import gzip
import hashlib
import json
import re
import shutil
import subprocess
from pathlib import Path

import httpx
import pytest
from stand_in import StandInCity
from test_browser import needed

from marque.app import replay_page
from marque.app.live import LiveCity, Settings
from marque.app.replay_page import write_page
from marque.app.web import create_app
from marque.common import InputError
from marque.simulation.replay import write_replay
from small_town import small_town

STEPS = 30
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("replays")
    town, frames = StandInCity(small_town(), vehicles=5, pedestrians=1, cars=1), []
    for _ in range(STEPS):
        town.step()
        frames.append(town.frame())
    write_replay(made / "drive.replay", name="a <drive>", road_map=small_town(), step_s=0.1, frames=frames, facts={"verdict": "goal"})
    return made


@pytest.fixture
def page(folder, tmp_path):
    needed("the web build (npm ci && npm run build in web/)", replay_page.built())
    write_page(folder / "drive.replay", tmp_path / "drive.html")
    return (tmp_path / "drive.html").read_text("utf-8")


def kept(page):
    packed = re.search(r'<script type="text/plain" id="kept">([^<]*)</script>', page)[1]
    return json.loads(gzip.decompress(base64.b64decode(packed)))


def served(folder, address):
    client = httpx.AsyncClient(transport=httpx.ASGITransport(create_app(LiveCity(Settings()), folder)), base_url="http://localhost:8000")
    return asyncio.run(client.get(f"/replays/drive/{address}", headers={"accept": "text/html", "accept-language": "en"}))


def test_it_holds_what_the_server_would_answer(folder, page):
    said = kept(page)
    assert base64.b64decode(said["ground"]) == served(folder, "ground").content
    [car] = set(re.findall(r'data-car="(-?\d+)"', said["panels"][0]))
    moments = b"".join(base64.b64decode(one) for one in said["moments"])
    assert moments == served(folder, f"moments?first=0&count={STEPS}&car={car}").content
    assert said["panels"] == [served(folder, f"panel?step={step}&car={car}").text for step in range(STEPS)]


def test_nothing_is_run_but_what_its_policy_names_and_nothing_is_loaded(page):
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)[1].replace("&#39;", "'")
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for kind, tag in (("script-src", "script"), ("style-src", "style")):
        [text] = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        assert f"{kind} 'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" in policy
    around = re.sub(r"<(script|style)[^>]*>.*?</\1>", "", page, flags=re.DOTALL)
    assert not re.search(r'(?:src|href)="(?!data:|#|\?)', around)
    assert "a &lt;drive&gt;" in around


def test_the_same_replay_gives_the_same_bytes_and_what_is_none_is_refused(folder, page, tmp_path):
    write_page(folder / "drive.replay", tmp_path / "again.html")
    assert (tmp_path / "again.html").read_text("utf-8") == page
    (tmp_path / "broken.replay").write_bytes(b"MARQUE nonsense")
    with pytest.raises(InputError, match=r"broken\.replay"):
        write_page(tmp_path / "broken.replay", tmp_path / "broken.html")
    assert not (tmp_path / "broken.html").exists()


def test_without_the_scripts_it_says_how_to_get_them(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(replay_page, "_SCRIPT", tmp_path / "none.js")
    with pytest.raises(InputError, match="not built"):
        write_page(folder / "drive.replay", tmp_path / "drive.html")


@pytest.mark.slow
def test_a_browser_draws_it_from_the_file_alone(page, tmp_path):
    needed("Chromium", shutil.which("chromium"))
    needed("Node", shutil.which("node"))
    needed("playwright-core (npm ci in web/)", (ROOT / "web/node_modules/playwright-core").exists())
    assert page
    command = ["node", str(Path(__file__).with_name("replay_page.mjs")), (tmp_path / "drive.html").as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"complaints": [], "requests": [], "violations": [], "end": f"0:0{STEPS * 0.1:.1f}"}
