"""Cars of a programme: which there are, what runs in each, what each of them told and refused."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response

from marque.app.console.release_forms import names_of
from marque.app.console.release_pages import around
from marque.app.console.visit import Again, Refusing, Submitting, Visit, Visiting, to
from marque.common import InputError, Missing
from marque.foundation import Transaction
from marque.release.devices import cars
from marque.release.devices.model import Registered, read
from marque.release.rollouts import records
from marque.release.rollouts.record_rows import Kept

routes = APIRouter(prefix="/console/release/programmes")
_LONGEST = 60


@routes.get("/{lead}/{programme}/cars")
def listed(visit: Visiting, lead: str, programme: UUID) -> HTMLResponse:
    """`?find=` begins their numbers; `?after=` is the last one of the page before."""
    return _list(visit, lead, programme)


def _list(visit: Visit, lead: str, programme: UUID, again: Again | None = None, made: Registered | None = None) -> HTMLResponse:
    asked = visit.request.query_params
    find, after = (_plain(asked.get(name, "")) for name in ("find", "after"))
    with visit.transaction() as tx:
        found = cars.page(tx, lead, programme, find, after)
        context = around(tx, lead, programme) | {
            "tab": "cars", "cars": found, "find": find, "after": after, "more": len(found) == cars.PAGE, "made": made,
        }  # fmt: skip
    return visit.page("release_cars.html", context, again)


def _plain(text: str) -> str:
    return text.strip()[:_LONGEST].replace("\0", "")


@routes.post("/{lead}/{programme}/cars")
def register(visit: Submitting, lead: str, programme: UUID) -> Response:
    """Its token is told on the page that answers, and never again."""
    try:
        given = visit.form.get("vehicle", "")
        if not given.strip():
            raise InputError("form", "vehicle", "no file was chosen", "Choose the file that the car is provisioned with.")
        with visit.transaction() as tx:
            made = cars.register(tx, lead, programme, read(given.encode()))
    except Refusing as error:
        return _list(visit, lead, programme, Again("car", error))
    return _list(visit, lead, programme, made=made)


@routes.get("/{lead}/{programme}/cars/{vehicle}")
def show(visit: Visiting, lead: str, programme: UUID, vehicle: str) -> HTMLResponse:
    return _page(visit, lead, programme, vehicle)


def _page(
    visit: Visit, lead: str, programme: UUID, vehicle: str, again: Again | None = None, made: Registered | None = None
) -> HTMLResponse:  # fmt: skip
    before = visit.request.query_params.get("before", "")
    with visit.transaction() as tx:
        found = cars.one(tx, lead, programme, _plain(vehicle))
        told = cars.reports(
            tx, lead, programme, found.vehicle.id, int(before) if before.isascii() and before.isdecimal() and len(before) < 10 else None
        )
        context = around(tx, lead, programme) | {
            "tab": "cars", "car": found, "reports": told,
            "records": _records(tx, lead, programme, found.vehicle.id), "more": len(told) == cars.PAGE, "made": made,
            "refused": sorted({attack for one in told for attack in one.attacks}),
        }  # fmt: skip
    return visit.page("release_car.html", context, again)


def _records(tx: Transaction, lead: str, programme: UUID, vehicle: str) -> list[Kept]:
    """Of a car that is seen; none where no update of it has ended."""
    try:
        return records.of_car(tx, lead, programme, vehicle)
    except Missing:
        return []


@routes.get("/{lead}/{programme}/cars/{vehicle}/manifests/{counter}")
def manifest(visit: Visiting, lead: str, programme: UUID, vehicle: str, counter: int) -> Response:
    """As the car signed it."""
    with visit.transaction() as tx:
        found = cars.manifest(tx, lead, programme, _plain(vehicle), counter)
    disposition = f'attachment; filename="manifest-{counter}.json"'
    return Response(found, media_type="application/json", headers={"Content-Disposition": disposition})


@routes.get("/{lead}/{programme}/cars/{vehicle}/records/{counter}")
def update_record(visit: Visiting, lead: str, programme: UUID, vehicle: str, counter: int) -> Response:
    """The record of an update, to be verified without us."""
    with visit.transaction() as tx:
        kept = records.of_car(tx, lead, programme, _plain(vehicle))
    found = next((one for one in kept if one.counter == counter), None)
    if found is None:
        raise Missing("record of an update")
    disposition = f'attachment; filename="update-{counter}.record.json"'
    return Response(found.envelope, media_type="application/json", headers={"Content-Disposition": disposition})


@routes.post("/{lead}/{programme}/cars/{vehicle}/entitlements")
def entitle(visit: Submitting, lead: str, programme: UUID, vehicle: str) -> Response:
    try:
        with visit.transaction() as tx:
            cars.entitle(tx, lead, programme, _plain(vehicle), names_of(visit.form, "entitlements"))
    except Refusing as error:
        return _page(visit, lead, programme, vehicle, Again("entitlements", error))
    return to(f"/console/release/programmes/{lead}/{programme}/cars/{vehicle}")


@routes.post("/{lead}/{programme}/cars/{vehicle}/token")
def new_token(visit: Submitting, lead: str, programme: UUID, vehicle: str) -> Response:
    """Told on the page that answers, and never again."""
    try:
        with visit.transaction() as tx:
            made = cars.new_token(tx, lead, programme, _plain(vehicle))
    except Refusing as error:
        return _page(visit, lead, programme, vehicle, Again("token", error))
    return _page(visit, lead, programme, vehicle, made=made)


@routes.post("/{lead}/{programme}/cars/{vehicle}/retire")
def retire(visit: Submitting, lead: str, programme: UUID, vehicle: str) -> Response:
    try:
        with visit.transaction() as tx:
            cars.retire(tx, lead, programme, _plain(vehicle))
    except Refusing as error:
        return _page(visit, lead, programme, vehicle, Again("retire", error))
    return to(f"/console/release/programmes/{lead}/{programme}/cars/{vehicle}")
