"""The companies' part of the web application: console, API, sign-in, health; its database starts when somebody first asks for it."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus

import psycopg
from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse, RedirectResponse, Response

from marque import __version__, alliance
from marque.alliance import installation, sessions, transitions, web
from marque.alliance.visitors import Service, Session
from marque.app import console, identity, sign_in
from marque.app.caches import cache_folder
from marque.app.console import visit
from marque.app.console.visit import status_of
from marque.app.oidc import http_client, is_loopback
from marque.app.operations import operations_router
from marque.app.platform import Platform, registry
from marque.app.settings import Settings
from marque.common import MarqueError, Missing
from marque.foundation import Clock, Transaction, health
from marque.foundation.worker import run_worker
from marque.product import web as product_web
from marque.product.storefront import Products
from marque.release import web as release_web
from marque.release.devices import ddi_web
from marque.release.devices import web as devices_web
from marque.release.devices.serving import Devices
from marque.release.rollouts import web as rollouts_web

API = "/api/"


class Console:
    """start: makes the platform, once, at the first request that needs it; a start that fails is tried again by the next.

    working: whether this process is the worker as well, as it is where one machine does everything.
    """

    def __init__(self, settings: Settings, clock: Clock, start: Callable[[], Platform], *, working: bool = False) -> None:
        self._settings, self._clock, self._start, self._working = settings, clock, start, working
        self._stopping = threading.Event()
        self._worker: threading.Thread | None = None
        self._running: Platform | None = None
        self._served: Devices | None = None
        self._lock = threading.Lock()
        self._http = http_client()

    def platform(self) -> Platform:
        """Raises MarqueError when it does not start."""
        with self._lock:
            if self._running is None:
                self._running = self._start()
                if self._working:
                    self._worker = threading.Thread(target=self._work, args=(self._running,), name="worker")
                    self._worker.start()
            return self._running

    def join(self, app: FastAPI) -> None:
        """Add every route. What the application answers to errors of ours is for all of its parts."""
        settings, origin = self._settings, self._settings.public_origin.rstrip("/")
        app.state.platform, app.state.calling = self.platform, self._calling
        app.include_router(console.routes)
        app.include_router(web.routes)
        app.state.products = Products(cache_folder("product"))
        app.include_router(product_web.routes)
        app.include_router(release_web.routes)
        app.include_router(rollouts_web.routes)
        app.state.devices = self._devices
        app.include_router(devices_web.routes)
        app.include_router(devices_web.car_routes, include_in_schema=False)
        door = sign_in.Door(
            lambda: self.platform().database, self._clock, origin, self._http, listed=self._listed, development=settings.development_sign_in
        )
        app.include_router(sign_in.router(door))
        if settings.development_sign_in:
            people, back = sign_in.listed_people(door.database), lambda organisation: sign_in.redirect_uri(origin, organisation)
            app.include_router(identity.router(origin, people, back, self._clock))
        app.include_router(operations_router(self._ready, self._may_read_metrics), include_in_schema=False)
        app.add_api_route("/api/v1/openapi.json", schema, include_in_schema=False)
        app.add_exception_handler(MarqueError, answered)
        app.add_exception_handler(RequestValidationError, unreadable)
        app.include_router(ddi_web.routes, include_in_schema=False)  # last: its paths begin with a tenant
        if not app.state.city:
            app.add_api_route("/", lambda: RedirectResponse("/console", 303), include_in_schema=False, response_model=None)

    def _listed(self) -> list[tuple[str, str]]:
        """Organisations to choose from, where anybody may be anybody; elsewhere the page names none."""
        if not self._settings.development_sign_in:
            return []
        with psycopg.connect(self.platform().addresses.owner) as owner:
            return installation.organisations(owner)

    def _calling(self, request: Request) -> Call:
        """Who calls the API. A session counts for what one of our own pages sends."""
        running = self.platform()
        who = sign_in.visitor(request, running.database, running.settings.public_origin)
        if who is None:
            raise HTTPException(401, "sign in, or show a token that holds", {"WWW-Authenticate": "Bearer"})
        own = request.method == "GET" or isinstance(who, Service) or sessions.from_own_page(request.headers, running.settings.public_origin)
        if not own:
            raise HTTPException(403, "a session is used by our own pages alone; programs use a token")
        return Call(running, who)

    def _devices(self) -> Devices:
        """What answers cars, for the platform that runs now."""
        running = self.platform()
        if self._served is None or self._served.database is not running.database:
            self._served = Devices(running.database, running.blobs, running.online)
        return self._served

    def _ready(self) -> health.Report:
        return self.platform().readiness.ready()

    def _may_read_metrics(self, request: Request) -> None:
        token = self._settings.operations_token
        shown = request.headers.get("authorization", "").removeprefix("Bearer ")
        here = request.client is not None and is_loopback(request.client.host) and "x-forwarded-for" not in request.headers
        if not here and not (token and secrets.compare_digest(shown.encode(), token.encode())):
            raise HTTPException(404)

    def _work(self, platform: Platform) -> None:
        run_worker(platform.addresses, registry(platform), clock=self._clock, concurrency=2, stop=self._stopping)

    def stop(self) -> None:
        """Everything that was started ends; the worker with what it has in hand."""
        self._stopping.set()
        self._http.close()
        with self._lock:
            if self._worker is not None:
                self._worker.join()
            if self._running is not None:
                self._running.close()
                self._running = None


@dataclass(frozen=True)
class Call:
    """A request of the API."""

    platform: Platform
    who: Session | Service

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        with transitions.applied_first(self.platform.database, self.who.actor) as tx:
            yield tx


async def answered(request: Request, error: Exception) -> Response:
    """What Marque raises on purpose: a problem for programs, a page for people."""
    assert isinstance(error, MarqueError)
    if request.url.path.startswith(API):
        return problem(status_of(error), str(error))
    return await visit.answered(request, error)


async def unreadable(request: Request, error: Exception) -> Response:
    """A request that cannot be read. A place that cannot be is a place that is not there."""
    assert isinstance(error, RequestValidationError)
    faults = error.errors()
    if any(fault["loc"][0] == "path" for fault in faults):
        return await answered(request, Missing("page"))
    said = "; ".join(f"{'.'.join(str(part) for part in fault['loc'][1:])}: {fault['msg']}" for fault in faults[:5])
    return problem(422, said) if request.url.path.startswith(API) else JSONResponse({"detail": said}, 422)


def problem(status: int, detail: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """RFC 9457."""
    said = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    return JSONResponse(said, status, headers=headers, media_type="application/problem+json")


def schema() -> JSONResponse:
    """The OpenAPI document of the API, and of nothing else."""
    said = get_openapi(
        title="Marque",
        version=__version__,
        description=alliance.__doc__,
        routes=[
            *web.routes.routes,
            *product_web.routes.routes,
            *release_web.routes.routes,
            *rollouts_web.routes.routes,
            *devices_web.routes.routes,
        ],
    )
    schemes = {"token": {"type": "http", "scheme": "bearer"}, "session": {"type": "apiKey", "in": "cookie", "name": "session"}}
    said.setdefault("components", {})["securitySchemes"] = schemes
    said["security"] = [{"token": []}, {"session": []}]
    return JSONResponse(said)
