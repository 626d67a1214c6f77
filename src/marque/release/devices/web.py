"""Our own endpoint of cars, `/car/v1`, and the registration of cars in the API.

A car asks `poll` first: one small answer that says whether anything is new. Everything else is a file by its name, as TUF clients ask
for it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Coroutine
from datetime import timedelta
from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Path, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response, StreamingResponse
from fastapi.routing import APIRoute

from marque.alliance.web import PROBLEMS, Calling, Code
from marque.car.attacks import Attack, UpdateRefused
from marque.car.uptane import time as attested
from marque.common import Denied, InputError, MarqueError, Missing, Unavailable
from marque.foundation import Actor
from marque.release import repositories
from marque.release.devices import cars, director, manifests, serving, shapes
from marque.release.devices.model import POLL_AFTER, Fleet
from marque.release.devices.serving import Caller, Devices, NotKnown
from marque.release.model import DIRECTOR, IMAGE

MANIFEST_AT_MOST = 512 << 10
_ATTESTED_FOR = timedelta(minutes=10)
_IMMUTABLE = "private, max-age=31536000, immutable"


class Answering(APIRoute):
    """Errors as programs read them (RFC 9457), whatever the rest of the application does with them."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await handle(request)
            except NotKnown as fault:
                return problem(401, str(fault), {"WWW-Authenticate": "Bearer"})
            except MarqueError as fault:
                return problem(status_of(fault), str(fault), {"Retry-After": "30"} if isinstance(fault, Unavailable) else None)
            except RequestValidationError as fault:
                path = any(one["loc"][0] == "path" for one in fault.errors())
                return problem(404 if path else 400, "The request cannot be read.")

        return answer


def status_of(fault: MarqueError) -> int:
    """What HTTP calls it."""
    if isinstance(fault, UpdateRefused):
        return 422 if fault.attack is Attack.MALFORMED else 409
    kinds = ((Missing, 404), (Denied, 403), (InputError, 422), (Unavailable, 503))
    return next((status for kind, status in kinds if isinstance(fault, kind)), 409)


def problem(status: int, detail: str, headers: dict[str, str] | None = None, **more: str) -> JSONResponse:
    """RFC 9457."""
    said = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail} | more
    return JSONResponse(said, status, headers=headers, media_type="application/problem+json")


def devices(request: Request) -> Devices:
    """The application's (`app.state.devices`, which makes them when first asked)."""
    found: Devices = request.app.state.devices()
    return found


Serving = Annotated[Devices, Depends(devices)]
Vehicle = Annotated[str, Path(max_length=60)]


def calling(request: Request, serves: Serving, lead: Code, programme: UUID, vehicle: Vehicle) -> Caller:
    """The car that calls. Raises NotKnown."""
    return serves.caller(request.headers.get("authorization", ""), Fleet(lead, programme), vehicle)


async def body(request: Request) -> bytes:
    """As it came: what is signed is not read and written again."""
    return await request.body()


Car = Annotated[Caller, Depends(calling)]
Nonces = Annotated[str, Query(pattern=r"^([0-9a-f]{8,128}(,[0-9a-f]{8,128}){0,63})?$", description="Hexadecimal, 64 at most.")]
Raw = Annotated[bytes, Depends(body)]
car_routes = APIRouter(prefix="/car/v1/{lead}/{programme}", route_class=Answering)


@car_routes.get("/{vehicle}/poll")
def poll(request: Request, serves: Serving, car: Car, nonces: Nonces = "") -> Response:
    """What is newest of everything, the nonce of the next manifest, and the time as an answer to the nonces that are asked with."""
    asked = [one for one in nonces.split(",") if one]
    with serves.transaction(car) as (tx, row):
        file = director.file_of(tx, serves.online.director, car.fleet, row)
        newest = director.versions(tx, car.fleet)
        said: dict[str, Any] = {
            "nonce": serves.nonces.of(car.fleet, car.vehicle, tx.now),
            "director": {"root": newest.director_root, "targets": file.version},
            "image": {"root": newest.image_root, "timestamp": newest.timestamp},
            "poll_after_s": int(POLL_AFTER.total_seconds()),
        }
        now = tx.now
    tag = '"' + hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:32] + '"'
    if asked:
        signer = serves.online.time
        raw = attested.attestation(asked, now, now + _ATTESTED_FOR, [(signer.key.id, signer.sign)])
        return JSONResponse(said | {"time": json.loads(raw)}, headers={"Cache-Control": "no-store"})
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return JSONResponse(said, headers=headers)


@car_routes.get("/{vehicle}/director/{name}")
def director_metadata(serves: Serving, car: Car, name: Annotated[str, Path(max_length=80)]) -> Response:
    """`targets.json` of this car, and the chain of the director's roots."""
    with serves.transaction(car) as (tx, row):
        if name == "targets.json":
            return _json(director.file_of(tx, serves.online.director, car.fleet, row).raw, "private, no-cache")
        return _json(repositories.metadata(tx, car.fleet.lead, car.fleet.programme, DIRECTOR, name), _IMMUTABLE)


@car_routes.get("/{vehicle}/metadata/{name}")
def image_metadata(serves: Serving, car: Car, name: Annotated[str, Path(max_length=120)]) -> Response:
    """A file of the image repository, as TUF names it."""
    with serves.transaction(car) as (tx, _):
        raw = repositories.metadata(tx, car.fleet.lead, car.fleet.programme, IMAGE, name)
    return _json(raw, "private, no-cache" if name == "timestamp.json" else _IMMUTABLE)


@car_routes.get("/{vehicle}/targets/{path:path}")
def target(request: Request, serves: Serving, car: Car, path: Annotated[str, Path(max_length=500)]) -> Response:
    """An image or a patch, whole or from where a download was cut (RFC 9110, 14)."""
    with serves.transaction(car) as (tx, _):
        file = serving.file_at(tx, car.fleet, path)
    return download(request, serves, file)


@car_routes.post("/{vehicle}/manifest")
def manifest(serves: Serving, car: Car, raw: Raw) -> JSONResponse:
    """What a car says after it has tried, signed by its control units."""
    if len(raw) > MANIFEST_AT_MOST:
        return problem(413, f"A manifest has at most {MANIFEST_AT_MOST} bytes.")
    with serves.transaction(car) as (tx, _):
        told = manifests.take(tx, serves.nonces, car.fleet, {car.vehicle: raw})[car.vehicle]
    if isinstance(told, UpdateRefused):
        return problem(status_of(told), told.problem, attack=told.attack.value)
    return JSONResponse({"accepted": True, "counter": told.counter, "nonce": told.nonce})


@car_routes.post("/manifests")
def many_manifests(
    request: Request, serves: Serving, lead: Code, programme: UUID, said: Annotated[dict[str, Any], Body()]
) -> JSONResponse:  # fmt: skip
    """Of many cars, through their organisation's gateway: an object of manifests by vehicle; believed or not one by one."""
    fleet = Fleet(lead, programme)
    organisation = serves.gateway(request.headers.get("authorization", ""), fleet)
    if len(said) > manifests.MOST_AT_ONCE:
        return problem(413, f"At most {manifests.MOST_AT_ONCE} manifests are taken at once.")
    raws = {vehicle: json.dumps(one, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() for vehicle, one in said.items()}
    with serves.database.transaction(Actor(organisation, purpose="gateway")) as tx:
        told = manifests.take(tx, serves.nonces, fleet, raws)
    return JSONResponse(
        {
            vehicle: {"accepted": False, "attack": one.attack.value, "problem": one.problem}
            if isinstance(one, UpdateRefused)
            else {"accepted": True, "counter": one.counter, "nonce": one.nonce}
            for vehicle, one in told.items()
        }
    )


def download(request: Request, serves: Devices, file: serving.File, headers: dict[str, str] | None = None) -> Response:
    """The bytes of a file, or those that are asked for. A client that shows another ETag than the file's is told so (If-Match, 412)."""
    tag = f'"{file.sha256}"'
    told = {"ETag": tag, "Accept-Ranges": "bytes", "Cache-Control": _IMMUTABLE} | (headers or {})
    wanted = request.headers.get("if-range", tag) == tag
    part = serving.span(request.headers.get("range", "") if wanted else "", file.length)
    if part is None:
        return Response(status_code=416, headers=told | {"Content-Range": f"bytes */{file.length}"})
    start, end = part
    whole = (start, end) == (0, file.length)
    told["Content-Length"] = str(end - start)
    if not whole:
        told["Content-Range"] = f"bytes {start}-{end - 1}/{file.length}"
    opened = serves.open(file)
    return StreamingResponse(
        serving.pieces(opened, start, end), 200 if whole else 206, headers=told, media_type="application/octet-stream"
    )  # fmt: skip


def _json(raw: bytes, cache: str) -> Response:
    return Response(raw, media_type="application/json", headers={"Cache-Control": cache})


routes = APIRouter(prefix="/api/v1", responses=PROBLEMS)
_CARS = "/programmes/{lead}/{programme}/update-cars"


@routes.post(_CARS, status_code=201)
def register(caller: Calling, lead: Code, programme: UUID, given: shapes.CarsIn) -> list[shapes.RegisteredOut]:
    """Cars of your organisation, all of them or none. Each token is told here and never again."""
    drafts = [shapes.draft(one) for one in given.cars]
    with caller.transaction() as tx:
        return [shapes.RegisteredOut(vehicle=one.vehicle, token=one.token) for one in cars.register_all(tx, lead, programme, drafts)]


@routes.get(_CARS)
def every_car(
    caller: Calling, lead: Code, programme: UUID, search: Annotated[str, Query(max_length=60)] = "",
    after: Annotated[str, Query(max_length=60)] = "",
) -> list[shapes.ListedOut]:  # fmt: skip
    """By number, 50 at once."""
    with caller.transaction() as tx:
        return [shapes.listed_out(one) for one in cars.page(tx, lead, programme, search, after)]


@routes.get(_CARS + "/{vehicle}")
def one_car(caller: Calling, lead: Code, programme: UUID, vehicle: Vehicle) -> shapes.CarOut:
    """With what each control unit last reported."""
    with caller.transaction() as tx:
        return shapes.car_out(cars.one(tx, lead, programme, vehicle))


@routes.get(_CARS + "/{vehicle}/manifests")
def car_manifests(
    caller: Calling, lead: Code, programme: UUID, vehicle: Vehicle, before: Annotated[int | None, Query(ge=0, lt=1 << 53)] = None
) -> list[shapes.ReportedOut]:
    """What the car said, the last first."""
    with caller.transaction() as tx:
        return [shapes.reported_out(one) for one in cars.reports(tx, lead, programme, vehicle, before)]


@routes.get(_CARS + "/{vehicle}/manifests/{counter}", response_class=Response)
def car_manifest(
    caller: Calling, lead: Code, programme: UUID, vehicle: Vehicle, counter: Annotated[int, Path(ge=1, lt=1 << 53)]
) -> Response:
    """The bytes that the car signed."""
    with caller.transaction() as tx:
        return _json(cars.manifest(tx, lead, programme, vehicle, counter), "private, no-cache")


@routes.put(_CARS + "/{vehicle}/entitlements")
def entitle(caller: Calling, lead: Code, programme: UUID, vehicle: Vehicle, given: shapes.EntitlementsIn) -> shapes.CarOut:
    with caller.transaction() as tx:
        return shapes.car_out(cars.entitle(tx, lead, programme, vehicle, given.entitlements))


@routes.post(_CARS + "/{vehicle}/token", status_code=201)
def new_token(caller: Calling, lead: Code, programme: UUID, vehicle: Vehicle) -> shapes.RegisteredOut:
    """The one before it holds no longer."""
    with caller.transaction() as tx:
        made = cars.new_token(tx, lead, programme, vehicle)
    return shapes.RegisteredOut(vehicle=made.vehicle, token=made.token)


@routes.delete(_CARS + "/{vehicle}", status_code=204)
def retire(caller: Calling, lead: Code, programme: UUID, vehicle: Vehicle) -> None:
    """It is told nothing any more; what it said stays."""
    with caller.transaction() as tx:
        cars.retire(tx, lead, programme, vehicle)
