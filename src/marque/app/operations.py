"""What those who run Marque ask it: is it alive, can it work, what does it count; and a line and a measurement for every request."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

import structlog
from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from marque.common import new_id
from marque.foundation import Database, health, metrics
from marque.foundation.log import bound

_NEVER_KEPT = {"Cache-Control": "no-store"}
_log = structlog.get_logger("marque.requests")


def operations_router(ready: Callable[[], health.Report], may_read_metrics: Callable[..., Any]) -> APIRouter:
    """/health/live, /health/ready, /metrics. may_read_metrics: a dependency that raises unless the asker may; health is for everybody."""
    router = APIRouter(tags=["operations"])

    @router.get("/health/live")
    def is_alive() -> Response:
        return _answer(health.live())

    @router.get("/health/ready", responses={503: {"description": "Something this process needs is not as it must be."}})
    def is_ready() -> Response:
        return _answer(ready())

    @router.get("/metrics", dependencies=[Depends(may_read_metrics)], response_class=PlainTextResponse)
    def read_metrics() -> Response:
        return Response(metrics.exposition(), media_type="text/plain; version=0.0.4", headers=_NEVER_KEPT)

    return router


def _answer(report: health.Report) -> JSONResponse:
    checks = {
        check.subject: {"status": "ok" if check.ok else "failing", "told": check.told, "took_s": round(check.took_s, 3)}
        for check in report.checks
    }
    told = {"status": "ok" if report.ok else "failing", "checks": checks}
    return JSONResponse(told, status_code=200 if report.ok else 503, headers=_NEVER_KEPT)


def gauges(database: Database) -> Callable[[], Iterable[tuple[str, str, float]]]:
    """For `metrics.watching`: how pool, outbox and jobs stand when asked."""

    def ask() -> Iterable[tuple[str, str, float]]:
        used, most, waiting = database.pool_use()
        yield "pool_connections_used", "Database connections in use.", used
        yield "pool_connections_max", "Database connections at most.", most
        yield "pool_requests_waiting", "Requests that wait for a database connection.", waiting
        state = health.outbox_state(database)
        yield "outbox_waiting", "Events not handled yet.", state.waiting
        yield "outbox_parked", "Events given up; a person has to look.", state.parked
        yield "outbox_lag_seconds", "Age of the oldest event that waits.", state.lag(database.clock.now()).total_seconds()
        jobs = health.job_state(database)
        yield "jobs_waiting", "Jobs that are due and not begun.", jobs.waiting
        yield "jobs_running", "Jobs under way.", jobs.running
        yield "jobs_failed", "Jobs given up; a person has to look.", jobs.failed

    return ask


class Observed:
    """ASGI middleware, outermost: gives every request an id (header X-Request-Id), binds it to the log, times it, writes one line.

    The id is made here and never taken from the asker, so that it cannot be forged into another's trail.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id, began, status = str(new_id()), time.perf_counter(), 500

        async def sent(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {**message, "headers": [*message.get("headers", []), (b"x-request-id", request_id.encode())]}
            await send(message)

        with bound(request_id=request_id):
            try:
                await self._app(scope, receive, sent)
            finally:
                took_s, route = time.perf_counter() - began, _template(scope)
                method = scope["method"] if scope["method"] in _METHODS else "other"
                metrics.REQUEST_S.labels(method, route, str(status)).observe(took_s)
                _log.info("request", method=method, route=route, status=status, took_s=round(took_s, 4))


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def _template(scope: Scope) -> str:
    """The route with its parameters' names instead of their values; one word for all that no route matched."""
    return getattr(scope.get("route"), "path", None) or "unmatched"
