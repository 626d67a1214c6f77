"""The companies' part of the web application: console, sign-in, health; its database starts when somebody first asks for it."""

from __future__ import annotations

import threading
from collections.abc import Callable

from fastapi import FastAPI
from fastapi.responses import RedirectResponse

from marque.app import console
from marque.app.console.visit import told
from marque.app.platform import Platform
from marque.common import MarqueError


class Console:
    """start: makes the platform, once, at the first request that needs it; a start that fails is tried again by the next."""

    def __init__(self, start: Callable[[], Platform]) -> None:
        self._start = start
        self._running: Platform | None = None
        self._lock = threading.Lock()

    def platform(self) -> Platform:
        """Raises MarqueError when it does not start."""
        with self._lock:
            if self._running is None:
                self._running = self._start()
            return self._running

    def join(self, app: FastAPI) -> None:
        app.state.platform = self.platform
        app.include_router(console.routes)
        app.add_exception_handler(MarqueError, told)
        if not app.state.city:
            app.add_api_route("/", lambda: RedirectResponse("/console", 303), include_in_schema=False, response_model=None)

    def stop(self) -> None:
        with self._lock:
            if self._running is not None:
                self._running.close()
                self._running = None
