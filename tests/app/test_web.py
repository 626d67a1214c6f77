"""The page's addresses: what they answer, in which language, with which headers, and what they refuse."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys

import httpx
import numpy as np
import pytest
from stand_in import StandInCity

from marque.app.live import LiveCity, Moment, Settings
from marque.app.web import create_app
from marque.app.wire import decode_moment, encode_moment, encode_thoughts
from marque.simulation.columns import pack, unpack
from marque.simulation.ground import ground_columns, origin_of
from marque.simulation.replay import write_replay
from small_town import small_town

HTML = {"Accept": "text/html", "Accept-Language": "en"}


def moment_of(city):
    frame, origin = city.frame(), origin_of(city.map)
    return Moment(encode_moment(frame, origin), {car: encode_thoughts(car, view, origin) for car, view in frame.views.items()})


@pytest.fixture
def city():
    """A live city whose simulation is played by the test."""
    return LiveCity(Settings())


@pytest.fixture
def running(city):
    town = StandInCity(small_town(), vehicles=12, pedestrians=2, cars=2)
    city._hear("ground", (pack({"name": "small town"}, ground_columns(small_town())), origin_of(small_town())))
    city._hear("moment", moment_of(town))
    return city


@pytest.fixture
def replays(tmp_path):
    town = StandInCity(small_town(), vehicles=5, pedestrians=1, cars=1)
    frames = []
    for _ in range(20):
        town.step()
        frames.append(town.frame())
    facts = {"verdict": "collision", "collision_s": 1.5, "at_fault": True, "ttc_min_s": None, "comfort": {"braking_max_mps2": 3.14}}
    write_replay(tmp_path / "a drive.replay", name="a <drive>", road_map=small_town(), step_s=0.1, frames=frames, facts=facts)
    (tmp_path / "broken.replay").write_bytes(b"MARQUE nonsense")
    (tmp_path / "secret.txt").write_text("secret")
    return tmp_path


class Client:
    """Asks the application directly, without a server."""

    def __init__(self, app, base_url="http://localhost:8000"):
        self._client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=base_url, headers=HTML)

    def get(self, address, **options):
        return asyncio.run(self._client.get(address, **options))

    def post(self, address, **options):
        return asyncio.run(self._client.post(address, **options))


def client_of(city, replays=None):
    return Client(create_app(city, replays))


def test_the_page_tells_that_the_city_is_being_prepared(city):
    for phase in ("start", "map", "city", "compile"):
        city._hear("phase", phase)
        answer = client_of(city).get("/")
        assert answer.status_code == 200
        assert f'data-phase="{phase}"' in answer.text
    assert client_of(city).get("/ground").status_code == 503


def test_the_page_tells_everything_without_a_script(running):
    page = client_of(running).get("/?car=1").text
    assert "Marque 1" in page
    assert "Marque 2" in page
    assert 'aria-current="true">Marque 2' in page
    assert re.search(r"Vehicles</dt><dd>\d+", page)
    assert "km/h" in page
    assert 'data-phase="running"' in page


def test_the_language_is_chosen_by_link_then_remembered(running):
    client = client_of(running)
    assert '<html lang="en">' in client.get("/").text
    chinese = client.get("/?lang=zh")
    assert '<html lang="zh-Hans">' in chinese.text
    assert "交通概况" in client.get("/panel").text
    assert '<html lang="en">' in client.get("/?lang=en").text


def test_a_car_that_is_not_there_is_said_to_be_gone(running):
    assert "not on the road" in client_of(running).get("/panel?car=999").text
    assert client_of(running).get("/panel?car=x").status_code == 422


def test_the_ground_is_a_parcel(running):
    answer = client_of(running).get("/ground")
    assert unpack(answer.content, 0, "ground").columns["centre"].shape == (len(small_town().arrays.points), 2)


def test_watchers_get_the_latest_moment_then_every_new_one(running):
    town = StandInCity(small_town(), vehicles=3, cars=1)

    async def watch():
        seen = []
        async for moment in running.watch():
            seen.append(decode_moment(moment.moment, running.origin_m)[0].time_s)
            if len(seen) == 3:
                running.end_watches()
            else:
                town.step()
                running._hear("moment", moment_of(town))
        return seen

    assert asyncio.run(watch()) == pytest.approx([0.0, 0.1, 0.2])


def test_the_stream_adds_the_chosen_cars_thoughts(running):
    sent = running.latest

    async def first_message(address):
        """What the stream says before it would wait for the next moment."""
        client = httpx.AsyncClient(transport=httpx.ASGITransport(create_app(running)), base_url="http://localhost")
        asyncio.get_running_loop().call_later(0.05, running.end_watches)
        return (await client.get(address)).content

    def stream(address):
        running._closing = False
        return asyncio.run(first_message(address))

    assert stream("/stream") == sent.moment
    assert stream("/stream?car=1") == sent.moment + sent.thoughts[1]
    assert stream("/stream?car=77") == sent.moment


def test_only_the_page_itself_may_set_the_clock(running, monkeypatch):
    speeds = []
    monkeypatch.setattr(running, "set_speed", speeds.append)
    client = client_of(running)
    assert client.post("/clock", json={"speed": 4}).status_code == 204
    assert client.post("/clock", json={"speed": 0}, headers={"Sec-Fetch-Site": "same-origin"}).status_code == 204
    assert client.post("/clock", json={"speed": 1}, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert client.post("/clock", content="speed=1", headers={"Content-Type": "text/plain"}).status_code == 422
    for nonsense in (-1, 9, "fast", None, 1e400):
        assert client.post("/clock", content=f'{{"speed": {nonsense!r}}}', headers={"Content-Type": "application/json"}).status_code == 422
    assert speeds == [4, 0]


def test_replays_are_listed_with_their_verdicts_and_broken_ones_named(running, replays):
    page = client_of(running, replays).get("/replays").text
    assert "a &lt;drive&gt;" in page
    assert "Collision" in page
    assert "broken" in page
    assert "not readable" in page


def test_a_replay_is_shown_step_by_step(running, replays):
    client = client_of(running, replays)
    page = client.get("/replays/a%20drive").text
    assert 'data-steps="20"' in page
    assert "Strongest braking</dt><dd>3.1 m/s²" in page
    assert 'aria-current="true">Marque 1' in page  # the only car is chosen by itself
    panels = [client.get(f"/replays/a%20drive/panel?step={step}").text for step in (0, 19, 10**9)]
    assert panels[0] != panels[1] == panels[2]
    assert unpack(client.get("/replays/a%20drive/ground").content, 0, "ground").meta["steps"] == 20


def test_a_replays_moments_come_in_pieces(running, replays):
    client = client_of(running, replays)
    whole = client.get("/replays/a%20drive/moments?first=0&count=256&car=0").content
    parts = [client.get(f"/replays/a%20drive/moments?first={first}&count=7&car=0").content for first in (0, 7, 14, 21)]
    assert b"".join(parts) == whole
    frame, _ = decode_moment(whole, (0.0, 0.0))
    assert np.isin(list(frame.views), frame.ids).all()
    assert client.get("/replays/a%20drive/moments?first=0&count=100000").status_code == 422


@pytest.mark.parametrize(
    "name", ["secret.txt", "..%2Fsecret.txt", "..%2f..%2fetc%2fpasswd", "%2e%2e", "a%20drive.replay", "secret.txt%00", "*", "nothing"]
)
def test_nothing_but_listed_replays_is_ever_opened(running, replays, name):
    for below in ("", "/panel", "/ground", "/moments?first=0&count=1"):
        answer = client_of(running, replays).get(f"/replays/{name}{below}")
        assert answer.status_code == 404
        assert "secret" not in answer.text.replace(name, "")


def test_static_files_stay_in_their_folder(running):
    client = client_of(running)
    assert client.get("/static/style.css").status_code == 200
    for path in ("/static/../web.py", "/static/%2e%2e/web.py", "/static/..%2fweb.py"):
        assert client.get(path).status_code == 404


def test_a_broken_replay_is_refused_in_words(running, replays):
    answer = client_of(running, replays).get("/replays/broken")
    assert answer.status_code == 422
    assert "broken.replay" in answer.text


@pytest.mark.parametrize("address", ["/", "/panel", "/ground", "/replays", "/static/style.css", "/nothing", "/replays/nothing"])
def test_every_answer_forbids_what_is_not_ours(running, replays, address):
    headers = client_of(running, replays).get(address).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"]


def test_pages_hold_no_inline_code_and_no_foreign_address(running, replays):
    client = client_of(running, replays)
    for address in ("/?car=1", "/replays", "/replays/a%20drive", "/nothing"):
        page = client.get(address).text
        assert not re.search(r"<style|<script(?![^>]*\bsrc=)|\sstyle=|\son\w+=|javascript:|https?://", page)


def test_other_host_names_are_refused(running):
    assert Client(create_app(running), "http://evil.example").get("/").status_code == 400
    assert Client(create_app(running), "http://127.0.0.1:1234").get("/").status_code == 200


def test_a_missing_page_is_a_page_for_people_and_a_line_for_scripts(running):
    client = client_of(running)
    page = client.get("/nothing").text
    assert "nothing at this address" in page
    assert '<a href="/">Back to the city</a>' in page
    assert client.get("/nothing", headers={"Accept": "*/*"}).headers["content-type"].startswith("text/plain")


def test_the_server_answers_without_loading_what_compiles():
    code = "import sys, marque.app.run; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
