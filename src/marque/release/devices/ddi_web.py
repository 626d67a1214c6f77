"""hawkBit's Direct Device Integration, for device clients that exist: `/{tenant}/controller/v1/{controllerId}`, as hawkBit publishes it.

A client shows `TargetToken` (the car's token) or `GatewayToken` (a service token of the car's organisation). Not there: registration by the
first call, and versions that a device says it installed by itself.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Path, Query, Request
from fastapi.responses import PlainTextResponse, Response

from marque.common import Missing, Refused
from marque.release.devices import ddi, ddi_service, delta_store, deltas, serving
from marque.release.devices.ddi import State
from marque.release.devices.ddi_service import Controller
from marque.release.devices.delta_store import Digests
from marque.release.devices.model import POLL_AFTER, Wanted
from marque.release.devices.serving import Caller, Devices, NotKnown
from marque.release.devices.web import Answering, Serving, download, problem

_HAL = "application/hal+json"


class Ddi(Answering):
    """hawkBit's statuses: what is over is gone (410), too many words are forbidden (403)."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            answered = await handle(request)
            return problem(401, "Show a TargetToken or a GatewayToken.") if answered.status_code == 401 else answered

        return answer


class _Door:
    """A request of a client: who it is, and where its own address begins."""

    def __init__(self, request: Request, serves: Devices, caller: Caller, tenant: str) -> None:
        self.request, self.serves, self.caller = request, serves, caller
        self.base = f"{str(request.base_url).rstrip('/')}/{tenant}/controller/v1/{caller.vehicle}"

    @contextmanager
    def opened(self) -> Iterator[Controller]:
        with self.serves.transaction(self.caller) as (tx, row):
            yield Controller(tx, self.caller.fleet, row)

    def digests(self, images: tuple[Wanted, ...]) -> Mapping[str, Digests]:
        """MD5 and SHA-1 of images, computed now where no job has done it yet: outside of any transaction, for it reads them whole."""
        fleet, wanted = self.caller.fleet, [image.sha256 for image in images]
        if lacking := set(wanted) - set(self._known(wanted)):
            for image in images:
                if image.sha256 in lacking:
                    deltas.put_digests(self.serves.database, self.caller.actor, fleet, self.serves.blobs, image.sha256, image.owner)
        return self._known(wanted)

    def _known(self, wanted: list[str]) -> dict[str, Digests]:
        with self.serves.database.transaction(self.caller.actor) as tx:
            return delta_store.digests(tx, self.caller.fleet, wanted)

    def json(self, said: Any) -> Response:
        """With an ETag of what it says; nothing where the client has that already."""
        raw = json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()
        headers = {"ETag": f'"{hashlib.sha256(raw).hexdigest()[:32]}"', "Cache-Control": "private, no-cache"}
        if headers["ETag"] in self.request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        hal = _HAL in self.request.headers.get("accept", "")
        return Response(raw, media_type=_HAL if hal else "application/json", headers=headers)


def door(
    request: Request, serves: Serving, tenant: Annotated[str, Path(max_length=80)], controller: Annotated[str, Path(max_length=60)]
) -> _Door:  # fmt: skip
    """Raises NotKnown."""
    fleet = ddi.fleet_of(tenant)
    if fleet is None:
        raise NotKnown
    return _Door(request, serves, serves.caller(request.headers.get("authorization", ""), fleet, controller), tenant)


Client = Annotated[_Door, Depends(door)]
Number = Annotated[int, Path(ge=1, lt=1 << 31)]
Module = Annotated[int, Path(ge=1, lt=1 << 53)]
History = Annotated[int, Query(alias="actionHistory", ge=-1, lt=1 << 31)]
routes = APIRouter(prefix="/{tenant}/controller/v1/{controller}", route_class=Ddi)


@routes.get("")
def root(client: Client) -> Response:
    """What there is to do, as links."""
    with client.opened() as one:
        action, installed = ddi_service.current(one), ddi_service.installed(one)
        about = ddi_service.client(one)
    return client.json(ddi.root(client.base, action, installed, about, POLL_AFTER))


@routes.get("/deploymentBase/{number}")
def deployment_base(client: Client, number: Number, history: History = 0) -> Response:
    with client.opened() as one:
        told = ddi_service.update(one, number, State.RUNNING, State.FINISHED)
        ddi_service.retrieved(one, told)
    return client.json(ddi.deployment(client.base, told, client.digests(told.images), history))


@routes.get("/installedBase/{number}")
def installed_base(client: Client, number: Number, history: History = 0) -> Response:
    with client.opened() as one:
        told = ddi_service.update(one, number, State.FINISHED)
    return client.json(ddi.deployment(client.base, told, client.digests(told.images), history))


@routes.post("/deploymentBase/{number}/feedback")
def deployment_feedback(client: Client, number: Number, given: ddi.Feedback) -> Response:
    return _done(client, lambda one: ddi_service.feedback(one, number, given))


@routes.get("/cancelAction/{number}")
def cancel_action(client: Client, number: Number) -> Response:
    with client.opened() as one:
        ddi_service.cancelling(one, number)
    return client.json({"id": str(number), "cancelAction": {"stopId": str(number)}})


@routes.post("/cancelAction/{number}/feedback")
def cancel_feedback(client: Client, number: Number, given: ddi.Feedback) -> Response:
    return _done(client, lambda one: ddi_service.cancelled(one, number, given))


@routes.put("/configData")
def config_data(client: Client, given: ddi.ConfigData) -> Response:
    return _done(client, lambda one: ddi_service.configure(one, given))


@routes.get("/confirmationBase")
def confirmation_base(client: Client) -> Response:
    with client.opened() as one:
        action, about = ddi_service.confirmation(one)
    return client.json(ddi.confirmation(client.base, action, about))


@routes.post("/confirmationBase/activateAutoConfirm")
def activate_auto_confirm(client: Client, given: Annotated[ddi.AutoConfirm | None, Body()] = None) -> Response:
    def act(one: Controller) -> None:
        said = given or ddi.AutoConfirm()
        told = {name: value for name, value in (("initiator", said.initiator), ("remark", said.remark)) if value}
        ddi_service.confirm_by_itself(one, told | {"activatedAt": one.tx.now.isoformat()})

    return _done(client, act)


@routes.post("/confirmationBase/deactivateAutoConfirm")
def deactivate_auto_confirm(client: Client) -> Response:
    return _done(client, lambda one: ddi_service.confirm_by_itself(one, None))


@routes.get("/confirmationBase/{number}")
def confirmation_action(client: Client, number: Number, history: History = 0) -> Response:
    with client.opened() as one:
        told = ddi_service.update(one, number, State.WAITING)
    return client.json(ddi.deployment(client.base, told, client.digests(told.images), history, as_="confirmation"))


@routes.post("/confirmationBase/{number}/feedback")
def confirmation_feedback(client: Client, number: Number, given: ddi.ConfirmationFeedback) -> Response:
    return _done(client, lambda one: ddi_service.confirmed(one, number, given))


@routes.get("/softwaremodules/{module}/artifacts")
def artifacts(client: Client, module: Module) -> Response:
    number, place = ddi.action_of(module)
    if not 1 <= number < 1 << 31:
        raise Missing("software module")
    with client.opened() as one:
        told = ddi_service.update(one, number, State.RUNNING, State.FINISHED)
    if place >= len(told.images):
        raise Missing("software module")
    image = told.images[place]
    return client.json([ddi.artifact(client.base, module, image, client.digests((image,))[image.sha256])])


@routes.get("/softwaremodules/{module}/artifacts/{name}")
def artifact(client: Client, module: Module, name: Annotated[str, Path(max_length=200)]) -> Response:
    """A file, or its `.MD5SUM`; whole or a part (RFC 9110, 14)."""
    plain = name.removesuffix(".MD5SUM")
    with client.opened() as one:
        image = ddi_service.artifact(one, module, plain)
    digests = client.digests((image,))[image.sha256]
    shown = {"Content-Disposition": f'attachment; filename="{name}"'}
    if plain != name:
        return PlainTextResponse(f"{digests.md5}  {plain}", headers=shown)
    tag = f'"{digests.sha1}"'
    if (asked := client.request.headers.get("if-match")) is not None and asked != "*" and tag not in asked:
        return Response(status_code=412, headers={"ETag": tag})
    return download(client.request, client.serves, serving.File(image.owner, image.sha256, image.length), shown | {"ETag": tag})


def _done(client: _Door, act: Callable[[Controller], None]) -> Response:
    """Nothing to say, or what hawkBit says to what cannot be."""
    try:
        with client.opened() as one:
            act(one)
    except Refused as refused:
        statuses = {ddi_service.CLOSED.reason: 410, ddi_service.TOO_MANY.reason: 403}
        return problem(statuses.get(refused.refusal.reason, 409), str(refused))
    return Response(status_code=200)
