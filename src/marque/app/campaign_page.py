"""`marque campaign`, and the page beside `marque prove --page`: a campaign watched while it runs, and afterwards.

/                      what is driven, how far it is, what failed by cell, newest failures, worst runs; /panel the part that changes
/failures              all that failed, the newest first
/runs/{case}           one run, and a replay of it on demand; /panel the part that changes
/replays/{name}        the replay, as everywhere
"""

from __future__ import annotations

import threading
import webbrowser
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated, Any

import uvicorn
from fastapi import FastAPI, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from marque.app import campaign_telling as telling
from marque.app.campaign_replays import CampaignReplays
from marque.app.render import reader, render
from marque.app.run import listen
from marque.app.web import create_app
from marque.app.words import Words
from marque.proof.campaign.replay import replay_file
from marque.proof.campaign.watch import Watch
from marque.proof.report.runs import badness

NEWEST = 10
A_PAGE = 100


class CampaignPage:
    """A campaign's pages, for `create_app`. Raises InputError for a folder in which no campaign was begun."""

    def __init__(self, folder: Path, suite: Path | None = None) -> None:
        """suite: where the suite is now, if not where it was when the campaign began; for replays."""
        self.watch = Watch(folder, badness)
        self.replays = CampaignReplays(self.watch, suite)

    def stop(self) -> None:
        self.replays.close()

    def join(self, app: FastAPI) -> None:
        """Adds every route but those of replays."""

        @app.get("/")
        def page(request: Request) -> HTMLResponse:
            return render(request, "campaign.html", self._overview(reader(request)) | {"here": "campaign"})

        @app.get("/panel")
        def panel(request: Request) -> HTMLResponse:
            return render(request, "campaign_panel.html", self._overview(reader(request)))

        @app.get("/failures")
        def failures(request: Request, number: Annotated[int, Query(alias="page", ge=1, le=1_000_000)] = 1) -> HTMLResponse:
            return render(request, "campaign_failures.html", self._failures(reader(request), number) | {"here": "campaign"})

        @app.get("/runs/{case}")
        def run(request: Request, case: int) -> HTMLResponse:
            return render(request, "campaign_run.html", self._run(reader(request), case) | {"here": "campaign"})

        @app.get("/runs/{case}/panel")
        def run_panel(request: Request, case: int) -> HTMLResponse:
            return render(request, "campaign_run_panel.html", self._run(reader(request), case))

        @app.post("/runs/{case}/replay")
        def replay(request: Request, case: int) -> RedirectResponse:
            if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
                raise HTTPException(403, "only this page may have a run driven again")
            self._line(case)
            self.replays.ask(case)
            return RedirectResponse(f"/runs/{case}", 303)

    def _overview(self, words: Words) -> dict[str, Any]:
        progress = self.watch.look()
        cells, failed = self.watch.cells, self.watch.failures
        return {
            "words": words, "progress": progress, "state": telling.state(progress), "told": telling.progress_told(words, progress),
            "facts": telling.plan_facts(words, self.watch), "live": not progress.ended, "outcomes": telling.outcomes_shown(cells),
            "cells": telling.cell_rows(cells), "failed": len(failed), "newest": self._rows(words, failed[:NEWEST]),
            "worst": self._rows(words, self.watch.worst), "suite": self.watch.plan["suite"],
        }  # fmt: skip

    def _failures(self, words: Words, number: int) -> dict[str, Any]:
        self.watch.look()
        failed = self.watch.failures
        pages = max(1, -(-len(failed) // A_PAGE))
        if number > pages:
            raise HTTPException(404)
        rows = self._rows(words, failed[(number - 1) * A_PAGE : number * A_PAGE])
        return {"words": words, "failed": len(failed), "rows": rows, "number": number, "pages": pages, "suite": self.watch.plan["suite"]}

    def _run(self, words: Words, case: int) -> dict[str, Any]:
        line = self._line(case)
        [said] = self.watch.runs([case])
        made = self.replays.made(case)
        there = self.replays.there(case)
        name = replay_file(self.replays.folder, case).stem
        return {
            "words": words, "run": telling.run_row(words, said), "line": line.decode(), "made": made, "suite": self.watch.plan["suite"],
            "live": made is not None and made.state in {"waiting", "driving"}, "replay": f"/replays/{name}" if there else "",
        }  # fmt: skip

    def _line(self, case: int) -> bytes:
        """404 for a run that is not there."""
        self.watch.look()
        line = self.watch.line(case)
        if line is None:
            raise HTTPException(404)
        return line

    def _rows(self, words: Words, cases: Sequence[int]) -> list[telling.RunRow]:
        return [telling.run_row(words, said) for said in self.watch.runs(cases)]


def campaign(folder: Path, *, port: int = 8001, suite: Path | None = None, open_browser: bool = False) -> None:
    """Serve the page until Ctrl-C. Raises InputError for a folder without a campaign, and when the port is taken."""
    page, listener = CampaignPage(folder, suite), listen("127.0.0.1", port)
    address = f"http://localhost:{listener.getsockname()[1]}"
    print(f"The campaign is at {address}  (Ctrl-C ends the page, not the campaign)", flush=True)
    if open_browser:
        threading.Timer(0.3, webbrowser.open, (address,)).start()
    with suppress(KeyboardInterrupt):  # uvicorn raises the signal again once everything is closed
        _server(page).run(sockets=[listener])


@contextmanager
def beside(folder: Path, port: int) -> Iterator[str]:
    """The page in a thread of this process, for as long as the context lasts; its address. Raises InputError as `campaign` does."""
    page, listener = CampaignPage(folder), listen("127.0.0.1", port)
    address = f"http://localhost:{listener.getsockname()[1]}"
    server = _server(page)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="page", daemon=True)
    thread.start()
    try:
        yield address
    finally:
        server.should_exit = True
        thread.join()


def _server(page: CampaignPage) -> uvicorn.Server:
    application = create_app(None, page.replays.folder, campaign=page)
    return uvicorn.Server(uvicorn.Config(application, log_level="warning", server_header=False, timeout_graceful_shutdown=2))
