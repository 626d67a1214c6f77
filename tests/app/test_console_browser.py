"""The console in headless Chromium: every page accessible in both languages, wide and on a telephone; and the ways people go through it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import get_type_hints

import httpx
import pytest
from console_routes import routes_of
from console_served import held_up, served, two_companies, visits
from fastapi.responses import JSONResponse
from test_browser import needed

from marque.app import console as console_package
from marque.app.words import LANGUAGES, words_of

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def console(tmp_path_factory, server):
    needed("Chromium", shutil.which("chromium"))
    needed("Node", shutil.which("node"))
    needed("playwright-core (npm ci in web/)", (ROOT / "web/node_modules/playwright-core").exists())
    needed("the web build (npm ci && npm run build in web/)", (ROOT / "src/marque/app/static/dist/passkey.js").exists())
    with served(server, "console_pages", tmp_path_factory.mktemp("console")) as there:
        yield there


def browse(script, said):
    command = ["node", str(Path(__file__).with_name(script))]
    done = subprocess.run(command, input=json.dumps(said), capture_output=True, text=True, timeout=1800, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def walk(console, thorough):
    there = visits(console)
    with held_up(console, there.held_up):
        said = {"address": console.address, "sessions": there.sessions, "pages": there.pages, "thorough": thorough}
        found = browse("console.mjs", said)
    return found | {"there": there}


@pytest.fixture(scope="module")
def flows(console):
    words = {language: words_of(language).messages for language in LANGUAGES}
    said = {
        "address": console.address,
        "people": two_companies(console),
        "words": words,
        "marque": str(Path(sys.executable).with_name("marque")),
    }
    return browse("console_flows.mjs", said)


def test_nobody_complains_of_any_page(walk):
    assert [str(one) for one in walk["complaints"]] == []


def test_every_page_says_what_it_is_in_the_readers_language(walk):
    titles = walk["titles"]
    assert all(title.endswith(" · Marque") for title in titles.values())
    same = [page for page in titles if page.endswith(" en") and titles[page] == titles[page[:-2] + "zh"]]
    written = ("/agreements/", "/requirements/", "/decisions/", "/programmes/")
    assert [page for page in same if not any(part in page for part in written)] == [], (
        "only what people have written reads the same in both"
    )


def unseen(routes, seen):
    return [route.path for route in routes if not any(route.path_regex.match(path) for path in seen)]


def test_there_is_no_page_that_was_not_looked_at(console, walk):
    routes = [route for method, route in routes_of(console.app.routes) if method == "GET"]
    assert len(routes) > 20
    token, host = walk["there"].sessions["all"], console.address.removeprefix("http://")
    with httpx.Client(base_url=f"http://127.0.0.1:{host.split(':')[1]}", trust_env=False, cookies={"session": token}) as http:
        for place in walk["there"].downloads:
            answer = http.get(place, headers={"accept": "text/html", "host": host})
            assert answer.status_code == 200, place
            assert "html" not in answer.headers["content-type"], "a page has to be looked at"
    assert unseen(routes, walk["there"].downloads + [path for method, path in walk["walked"] if method == "GET"]) == []


def test_there_is_no_form_whose_answer_was_not_looked_at(walk):
    """Each one was sent with something that is refused, or that is answered by a page and not by a redirection."""
    routes = [
        route
        for method, route in routes_of(console_package.routes.routes)
        if method == "POST" and get_type_hints(route.endpoint)["return"] is not JSONResponse
    ]
    assert len(routes) > 15
    assert unseen(routes, [path for method, path in walk["walked"] if method == "POST"]) == []


def test_nobody_complains_on_the_way(flows):
    assert [str(one) for one in flows["complaints"]] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_one_company_proposes_without_a_script_the_other_one_reads(flows, language):
    words = words_of(language)
    assert flows[language]["roles"] == [words("role.leads"), words("role.co-decides")]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_revision_is_signed_with_key_and_passkey_by_both_and_then_in_force(flows, language):
    """Keys are made and texts signed by the very commands that the pages name."""
    english, chinese = words_of("en"), words_of("zh")
    assert flows[language]["signed"] == [["polaris", "en", english("status.waits")], ["rigel", "zh", chinese("status.in-force")]]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_requirement_and_a_decision_are_settled_between_both_without_a_script(flows, language):
    words = words_of(language)
    assert flows[language]["requirement"] == [words("status.open"), words("status.agreed")]
    assert flows[language]["decision"] == [words("status.open"), words("status.taken")]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_colleague_is_invited_and_may_what_their_duties_say(flows, language):
    assert flows[language]["duties"] == ["viewer", "engineer"]
    assert flows[language]["refused"] == words_of(language)("trouble.403")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_asked_for_after_signing_out_comes_after_signing_in(flows, language):
    assert flows[language]["back"] == "/console/audit"


def test_everything_is_reached_by_tab_in_order_and_the_focus_shows(flows):
    tours = flows["keyboard"]["tours"]
    assert len(tours) == 8
    assert min(tour["places"] for tour in tours.values()) > 5
    wrong = {place: tour for place, tour in tours.items() if tour["missed"] or tour["unseen"] or not tour["inOrder"]}
    assert wrong == {}


def test_the_skip_link_leads_past_the_navigation(flows):
    assert flows["keyboard"]["skipped"] == ["#panel", True]


def test_forms_are_filled_and_sent_by_keyboard_alone(flows):
    assert flows["keyboard"]["forms"] == [["draft", True], ["on", True], ["comment", True], ["sign-in", True]]
