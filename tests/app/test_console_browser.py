"""Every page of the console in headless Chromium: accessible, in both languages, wide and on a telephone, and there without a script."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import threading
from pathlib import Path

import pytest
import uvicorn
from test_browser import needed

from marque.alliance import agreements, decisions, requirements, sessions
from marque.alliance.access import DUTIES, Area
from marque.alliance.requirements import Said
from marque.app import demo
from marque.app.console.join import Console
from marque.app.platform import start
from marque.app.settings import Settings
from marque.app.web import create_app
from marque.foundation import Actor, SystemClock

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def findings(tmp_path_factory, server):
    needed("Chromium", shutil.which("chromium"))
    needed("Node", shutil.which("node"))
    needed("playwright-core (npm ci in web/)", (ROOT / "web/node_modules/playwright-core").exists())
    listener = socket.create_server(("127.0.0.1", 0))
    address = f"http://localhost:{listener.getsockname()[1]}"
    folder = tmp_path_factory.mktemp("console")
    of_own = server.of("console_pages")
    with subprocess_database(server, "console_pages"):
        settings = Settings(
            database_owner=of_own.owner, database_app=of_own.app, database_worker=of_own.worker, keys_folder=folder, public_origin=address,
            development_sign_in=True,
        )  # fmt: skip
        platform = start(settings, SystemClock())
        demo.furnish(platform)
        token, pages = furnished(platform)
        console = Console(settings, SystemClock(), lambda: platform)
        app = create_app(None, hosts=("localhost", "127.0.0.1"), console=console)
        serving = uvicorn.Server(uvicorn.Config(app, log_level="error"))
        thread = threading.Thread(target=serving.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            command = ["node", str(Path(__file__).with_name("console.mjs")), address, token, *pages]
            done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
        finally:
            serving.should_exit = True
            thread.join()
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def subprocess_database(server, name):
    """A copy of the migrated database under this name, gone afterwards."""
    from contextlib import contextmanager

    from databases import OneDatabase

    @contextmanager
    def made():
        apart = OneDatabase(server, "marque_template", name)
        apart.emptied()
        yield
        apart.drop()

    return made()


def furnished(platform):
    """Somebody of Huawei with every duty, signed in; and every page there is to see, filled."""
    with platform.database.transaction(Actor("huawei")) as tx:
        person = tx.value("select id from alliance.person where organisation = 'huawei' order by id limit 1")
        tx.execute("update alliance.person set duties = %s where id = %s", (list(DUTIES), person))
    actor = Actor("huawei", person, "console")
    with platform.database.transaction(actor) as tx:
        known = agreements.all_agreements(tx)
        state = next(one for one in known if "gac" in one.row.organisation and len(one.revisions) == 2)
        shared = next(one for one in known if (force := one.in_force(tx.now)) and force.said.mode == "balanced" and one.programmes)
        area = Area(shared.programmes[0].organisation, shared.programmes[0].id, "product-definition")
    with platform.database.transaction(actor) as tx:
        requirement = requirements.found(
            tx, area, Said(title="<b>Stops</b> for children", text="The car stops.", number="R1", status="proposed")
        )
    with platform.database.transaction(actor) as tx:
        requirements.comment(tx, requirement.id, "Which ones?")
    with platform.database.transaction(actor) as tx:
        decision = decisions.open_decision(tx, area, "definition/1", "Freeze the definition")
    with platform.database.transaction(actor) as tx:
        drafted = agreements.draft(tx, "A draft of nothing yet")
        token, _ = sessions.start(tx, person)
    place = f"/console/agreements/{state.row.organisation}/{state.row.id}"
    other = f"/console/agreements/{shared.row.organisation}/{shared.row.id}"
    pages = [
        "/console", place, f"{place}?on=2022-01-01", f"{place}?on=1999-01-01", f"{place}/revisions/1", f"{place}/revisions/2",
        f"{other}/propose",
        f"/console/agreements/huawei/{drafted}", f"/console/agreements/huawei/{drafted}/propose", "/console/programmes",
        f"/console/programmes/{area.lead}/{area.programme}", f"/console/programmes/{area.lead}/{area.programme}/{area.process}",
        f"/console/requirements/{requirement.id}", f"/console/decisions/{decision.id}",
        "/console/people", "/console/organisations",
        "/console/me",
        "/console/audit", "/console/agreements/gac/nothing", "/sign-in",
    ]  # fmt: skip
    return token, pages


def test_nobody_complains_of_any_page(findings):
    assert [str(one) for one in findings["complaints"]] == []


def test_every_page_says_what_it_is_in_the_readers_language(findings):
    assert all(title.endswith(" · Marque") for title in findings["titles"].values())
    differing = [
        page for page in findings["titles"] if page.endswith(" en") and findings["titles"][page] == findings["titles"][page[:-2] + "zh"]
    ]
    named = {
        page for page in differing if "/agreements/" in page or "/requirements/" in page or "/decisions/" in page or "/programmes/" in page
    }
    assert set(differing) == named, "only what people have written reads the same in both"
