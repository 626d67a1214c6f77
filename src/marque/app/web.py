"""The page: the living city and replays, as HTML that tells everything without a script, and as binary streams for the canvas.

/                                 the city; /panel the part of it that changes, /ground its map, /stream its moments, /clock its speed
/replays                          the replays in the directory that was given
/replays/{name}                   the same view on a replay, with /panel, /ground and /moments below it

An address holds everything that is shown: `?car=`, `?step=`, `?lang=`.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import AsyncIterator, Iterator, Sequence
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import FastAPI, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, PlainTextResponse, Response, StreamingResponse
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException as RoutingError
from starlette.middleware.trustedhost import TrustedHostMiddleware

from marque.app.bounds import BoundedBodies, TooMuch
from marque.app.console.join import Console, problem
from marque.app.headers import SecurityHeaders
from marque.app.live import SPEED_MAX, LiveCity
from marque.app.reasons import sentence
from marque.app.render import reader, render
from marque.app.telling import Lanes, card, results, rows, totals
from marque.app.wire import decode_moment, decode_thoughts, encode_moment, encode_thoughts
from marque.app.words import Words
from marque.common import InputError
from marque.simulation.columns import unpack
from marque.simulation.frame import Frame
from marque.simulation.replay import SUFFIX, Replay, Summary, read_replay, read_summary

if TYPE_CHECKING:
    from marque.app.campaign_page import CampaignPage

_HERE = Path(str(resources.files("marque.app")))
_BINARY = "application/octet-stream"
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
_MOMENTS_MAX = 256

Car = Annotated[int | None, Query()]


class ClockCommand(BaseModel):
    """How fast the city's clock is to run, × real time; 0 pauses."""

    speed: float = Field(ge=0.0, le=SPEED_MAX, allow_inf_nan=False)


def create_app(
    city: LiveCity | None, replays: Path | None = None, hosts: tuple[str, ...] = LOOPBACK, console: Console | None = None,
    campaign: CampaignPage | None = None,
) -> FastAPI:  # fmt: skip
    """The web application: the city and replays, the companies' console, or both; or a campaign and its replays.

    It stops what it was given when it ends. hosts: the names it answers to (a guard against DNS rebinding).
    """

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        if city is not None:
            city.stop()
        for part in (console, campaign):
            if part is not None:
                part.stop()

    app = FastAPI(title="Marque", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    app.add_middleware(BoundedBodies)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(hosts))
    app.mount("/static", StaticFiles(directory=_HERE / "static"), name="static")
    app.add_exception_handler(RoutingError, _refuse)
    app.state.city, app.state.campaign = city is not None, campaign is not None
    if city is not None:
        _add_city(app, city)
    if campaign is not None:
        campaign.join(app)
    if city is not None or campaign is not None:
        _add_replays(app, replays)
    if console is not None:
        console.join(app)
    return app


def _add_city(app: FastAPI, city: LiveCity) -> None:
    @app.get("/")
    async def page(request: Request, car: Car = None) -> HTMLResponse:
        return render(request, "view.html", _city_context(city, reader(request), car) | {"here": "city", "base": "", "steps": 0})

    @app.get("/panel")
    async def panel(request: Request, car: Car = None) -> HTMLResponse:
        return render(request, "panel.html", _city_context(city, reader(request), car))

    @app.get("/ground")
    async def ground() -> Response:
        if city.ground is None:
            raise HTTPException(503, "the map is being read", {"Retry-After": "1"})
        return Response(city.ground, media_type=_BINARY)

    @app.get("/stream")
    async def stream(car: Car = None) -> StreamingResponse:
        async def messages() -> AsyncIterator[bytes]:
            async for moment in city.watch():
                yield moment.moment + (moment.thoughts.get(car, b"") if car is not None else b"")

        return StreamingResponse(messages(), media_type=_BINARY)

    @app.post("/clock", status_code=204)
    async def clock(request: Request, command: ClockCommand) -> None:
        if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
            raise HTTPException(403, "only this page may set the city's clock")
        city.set_speed(command.speed)


def _add_replays(app: FastAPI, directory: Path | None) -> None:
    def opened(name: str) -> Replay:
        path = _listing(directory).get(name)
        if path is None:
            raise HTTPException(404)
        try:
            return _open(path, path.stat().st_mtime_ns)
        except (InputError, OSError) as error:
            raise HTTPException(422, str(error)) from error

    @app.get("/replays")
    def listing(request: Request) -> HTMLResponse:
        found = [(name, _describe(path)) for name, path in _listing(directory).items()]
        return render(request, "replays.html", {"words": reader(request), "here": "replays", "replays": found})

    @app.get("/replays/{name}")
    def page(request: Request, name: str, car: Car = None) -> HTMLResponse:
        replay = opened(name)
        context = replay_context(replay, reader(request), 0, car)
        return render(request, "view.html", context | {"here": "replays", "base": request.url.path, "steps": len(replay)})

    @app.get("/replays/{name}/panel")
    def panel(request: Request, name: str, car: Car = None, step: Annotated[int, Query(ge=0)] = 0) -> HTMLResponse:
        return render(request, "panel.html", replay_context(opened(name), reader(request), step, car))

    @app.get("/replays/{name}/ground")
    def ground(name: str) -> Response:
        return Response(opened(name).ground, media_type=_BINARY)

    @app.get("/replays/{name}/moments")
    def moments(
        name: str, first: Annotated[int, Query(ge=0)], count: Annotated[int, Query(ge=1, le=_MOMENTS_MAX)], car: Car = None
    ) -> StreamingResponse:
        replay = opened(name)

        def messages() -> Iterator[bytes]:
            for step in range(first, min(first + count, len(replay))):
                frame, origin = replay.frame(step), replay.summary.origin_m
                yield encode_moment(frame, origin, step=step)
                if car in frame.views:
                    yield encode_thoughts(car, frame.views[car], origin)

        return StreamingResponse(messages(), media_type=_BINARY)


def _city_context(city: LiveCity, words: Words, car: int | None) -> dict[str, Any]:
    """What the city's page and panel say now."""
    context: dict[str, Any] = {
        "words": words,
        "phase": city.phase,
        "failure": city.failure,
        "ground": city.ground is not None,
        "chosen": car,
    }
    if city.latest is None or city.ground is None:
        return context
    frame, clock = decode_moment(city.latest.moment, city.origin_m)
    thoughts = city.latest.thoughts.get(car) if car is not None else None
    if car in frame.views and thoughts is not None:
        frame.views[car] = decode_thoughts(thoughts, city.origin_m, frame.views[car])
    return context | _told(words, frame, city.cars, car, _lanes(city.ground)) | {"clock": clock}


def replay_context(replay: Replay, words: Words, step: int, car: int | None) -> dict[str, Any]:
    """What a replay's page and panel say at a step; where only one car is ours, it is the chosen one."""
    summary = replay.summary
    if car is None and len(summary.cars) == 1:
        car = summary.cars[0]
    context: dict[str, Any] = {"words": words, "phase": "running", "failure": None, "ground": True, "chosen": car}
    context |= {"replay": summary, "results": results(words, summary.facts)}
    if not len(replay):
        return context
    frame = replay.frame(min(step, len(replay) - 1))
    return context | _told(words, frame, summary.cars, car, _lanes(replay.ground))


def _told(words: Words, frame: Frame, cars: Sequence[int], car: int | None, lanes: Lanes) -> dict[str, Any]:
    return {
        "rows": rows(words, frame, cars),
        "card": None if car is None else card(words, frame, cars, car, lanes),
        "totals": totals(words, frame),
    }


@functools.lru_cache(maxsize=8)
def _lanes(ground: bytes) -> Lanes:
    columns = unpack(ground, 0, "ground").columns
    return Lanes(columns["lane_limit"].astype(float), columns["lane_length"])


def _listing(directory: Path | None) -> dict[str, Path]:
    """The replays by name. Only names in here are ever opened, whatever an address says."""
    if directory is None or not directory.is_dir():
        return {}
    return {path.name.removesuffix(SUFFIX): path for path in sorted(directory.glob(f"*{SUFFIX}")) if path.is_file()}


@functools.lru_cache(maxsize=4)
def _open(path: Path, _modified_ns: int) -> Replay:
    return read_replay(path)


@functools.lru_cache(maxsize=4096)
def _summarise(path: Path, _modified_ns: int) -> Summary | InputError:
    try:
        return read_summary(path)
    except InputError as error:
        return error


def _describe(path: Path) -> Summary | InputError:
    return _summarise(path, path.stat().st_mtime_ns)


async def _refuse(request: Request, error: Exception) -> Response:
    """Errors as a page for people who navigate, as a line of text for scripts."""
    assert isinstance(error, RoutingError)
    if error.status_code < 400:
        return Response(status_code=error.status_code, headers=error.headers)
    if request.url.path.startswith("/api/"):
        return problem(error.status_code, str(error.detail), error.headers)
    words = reader(request)
    said = sentence(words, error.said) if isinstance(error, TooMuch) else ""
    if "text/html" not in request.headers.get("accept", ""):
        return PlainTextResponse(f"{said or error.detail}\n", error.status_code, error.headers)
    return render(request, "error.html", {"words": words, "here": "", "error": error, "said": said}, error.status_code)
