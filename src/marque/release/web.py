"""Releases as an API: for build servers, who draft and hand in images and evidence; and for people, who sign.

As the alliance's: JSON, problem details (RFC 9457), each request one transaction of whoever calls. A build server's token needs
`view:release-signature` and `create:release-signature`. What it hands in as a file is the body itself, `application/octet-stream`.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Literal, Protocol
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from marque.alliance.passkeys import RelyingParty
from marque.alliance.web import PROBLEMS, Before, Calling, Code
from marque.foundation.blobs import BlobStore
from marque.release import releases, repositories, shapes, signatures, waiting, withdrawals
from marque.release.online_keys import OnlineKeys


class Serving(Protocol):
    """What the application serves releases with (`app.state.platform`, which makes it when first asked)."""

    @property
    def blobs(self) -> BlobStore: ...

    @property
    def online(self) -> OnlineKeys: ...

    @property
    def party(self) -> RelyingParty: ...


def serving(request: Request) -> Serving:
    """The application's."""
    found: Serving = request.app.state.platform()
    return found


async def received(request: Request) -> AsyncIterator[Path]:
    """The body as a file that is gone with the request: it never lies in memory as a whole."""
    with tempfile.NamedTemporaryFile(prefix="marque-received-") as file:
        async for piece in request.stream():
            file.write(piece)
        file.flush()
        yield Path(file.name)


With = Annotated[Serving, Depends(serving)]
Body = Annotated[Path, Depends(received)]
Short = Annotated[str, Query(max_length=120)]
Words = Annotated[list[Short], Query(max_length=100)]
Repository = Literal["image", "director"]
_FILE = {"requestBody": {"required": True, "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}}
_PROGRAMME = "/programmes/{lead}/{programme}"
_RELEASE = "/releases/{release}"
_CHANGE = "/release-changes/{change}"
_DOCUMENT = "/release-documents/{document}"
routes = APIRouter(prefix="/api/v1", responses=PROBLEMS)


@routes.get(f"{_PROGRAMME}/releases")
def list_releases(caller: Calling, lead: Code, programme: UUID, before: Before = None) -> list[shapes.ReleaseOut]:
    """The newest first."""
    with caller.transaction() as tx:
        return [shapes.release_out(one) for one in releases.page(tx, lead, programme, before)]


@routes.post(f"{_PROGRAMME}/releases", status_code=201)
def draft(caller: Calling, lead: Code, programme: UUID, given: shapes.DraftIn) -> shapes.ReleaseOut:
    """With the next counter of its name and model."""
    with caller.transaction() as tx:
        return shapes.release_out(releases.draft(tx, lead, programme, given.draft()))


@routes.get(_RELEASE)
def one_release(caller: Calling, release: UUID) -> shapes.ReleaseOut:
    with caller.transaction() as tx:
        return shapes.release_out(releases.one(tx, release))


@routes.post(f"{_RELEASE}/images", status_code=201, openapi_extra=_FILE)
def add_image(caller: Calling, held: With, release: UUID, name: Short, role: Short, hardware: Words, body: Body) -> shapes.ReleaseOut:
    """The body is the file. role: of the ECU; hardware: ids that it runs on."""
    with caller.transaction() as tx:
        return shapes.release_out(releases.add_image(tx, held.blobs, release, name, role, hardware, body))


@routes.delete(f"{_RELEASE}/images")
def remove_image(caller: Calling, release: UUID, path: Annotated[str, Query(max_length=400)]) -> shapes.ReleaseOut:
    with caller.transaction() as tx:
        return shapes.release_out(releases.remove_image(tx, release, path))


@routes.post(f"{_RELEASE}/evidence", status_code=201, openapi_extra=_FILE)
def attach_evidence(caller: Calling, held: With, release: UUID, body: Body) -> shapes.ReleaseOut:
    """The body is the sealed file. It is verified before it is kept; every broken link is named."""
    with caller.transaction() as tx:
        return shapes.release_out(releases.attach_evidence(tx, held.blobs, held.party, release, body))


@routes.post(f"{_RELEASE}/signatures", status_code=201)
def ask_signatures(caller: Calling, release: UUID) -> shapes.ChangeOut:
    """Drafts both organisations' role files; a session of a person's, as everything about signatures."""
    with caller.transaction() as tx:
        return shapes.change_out(releases.ask_signatures(tx, release))


@routes.get(f"{_RELEASE}/waiting")
def waits_for(caller: Calling, release: UUID) -> list[shapes.WaitingOut]:
    with caller.transaction() as tx:
        return [shapes.waiting_out(one) for one in waiting.of_release(tx, release)]


@routes.get("/waiting-releases")
def waits_for_me(caller: Calling) -> list[shapes.WaitingOut]:
    """Of every programme, what waits for your organisation."""
    with caller.transaction() as tx:
        return [shapes.waiting_out(one) for one in waiting.for_me(tx)]


@routes.get(f"{_PROGRAMME}/repository")
def repository(caller: Calling, lead: Code, programme: UUID) -> shapes.RepositoryOut:
    with caller.transaction() as tx:
        return shapes.repository_out(repositories.state(tx, lead, programme))


@routes.post(f"{_PROGRAMME}/repository", status_code=201)
def begin(caller: Calling, held: With, lead: Code, programme: UUID, given: shapes.ModelsIn) -> shapes.ChangeOut:
    """Drafts the first roots."""
    with caller.transaction() as tx:
        return shapes.change_out(repositories.begin(tx, held.online, lead, programme, given.models or {}))


@routes.post(f"{_PROGRAMME}/repository/roots", status_code=201)
def next_root(caller: Calling, held: With, lead: Code, programme: UUID, given: shapes.ModelsIn) -> shapes.ChangeOut:
    """Drafts the next roots from the keys named since. models left out: as before."""
    with caller.transaction() as tx:
        return shapes.change_out(repositories.next_root(tx, held.online, lead, programme, given.models, given.without))


@routes.post(f"{_PROGRAMME}/repository/renewals", status_code=201)
def renew(caller: Calling, lead: Code, programme: UUID) -> shapes.ChangeOut:
    with caller.transaction() as tx:
        return shapes.change_out(repositories.renew(tx, lead, programme))


@routes.post(f"{_PROGRAMME}/repository/keys", status_code=201)
def name_keys(caller: Calling, held: With, lead: Code, programme: UUID, given: shapes.KeysIn) -> list[shapes.KeyOut]:
    """Your organisation's keys for the next root."""
    with caller.transaction() as tx:
        return [shapes.key_out(one) for one in repositories.name_keys(tx, held.party, lead, programme, given.keys)]


@routes.get(f"{_PROGRAMME}/repository/{{of}}/{{name}}", response_class=Response)
def metadata(caller: Calling, lead: Code, programme: UUID, of: Repository, name: str) -> Response:
    """A metadata file as cars get it."""
    with caller.transaction() as tx:
        return Response(repositories.metadata(tx, lead, programme, of, name), media_type="application/json")


@routes.get(f"{_PROGRAMME}/release-changes")
def list_changes(caller: Calling, lead: Code, programme: UUID, before: Before = None) -> list[shapes.ChangeOut]:
    """The newest first."""
    with caller.transaction() as tx:
        return [shapes.change_out(one) for one in signatures.changes(tx, lead, programme, before)]


@routes.get(_CHANGE)
def one_change(caller: Calling, change: UUID) -> shapes.ChangeOut:
    with caller.transaction() as tx:
        return shapes.change_out(signatures.change(tx, change))


@routes.get(f"{_CHANGE}/mine")
def to_sign(caller: Calling, change: UUID) -> list[shapes.DocumentOut]:
    """What you can sign of it, and have not."""
    with caller.transaction() as tx:
        return [shapes.document_out(one) for one in signatures.to_sign(tx, change)]


@routes.post(f"{_CHANGE}/drop")
def drop(caller: Calling, change: UUID, given: shapes.ReasonIn) -> shapes.ChangeOut:
    with caller.transaction() as tx:
        return shapes.change_out(signatures.drop(tx, change, given.reason))


@routes.get(f"{_DOCUMENT}/payload", response_class=Response)
def payload(caller: Calling, document: UUID) -> Response:
    """The bytes that are signed: what `marque release sign` takes."""
    with caller.transaction() as tx:
        return Response(signatures.document(tx, document).payload, media_type="application/octet-stream")


@routes.post(f"{_DOCUMENT}/signing", status_code=201)
def begin_signing(caller: Calling, held: With, document: UUID, given: shapes.SigningIn) -> shapes.AskedOut:
    """Checks your key's signature, and asks your passkey to confirm it."""
    with caller.transaction() as tx:
        return shapes.asked_out(signatures.begin_signing(tx, held.party, document, json.dumps(given.model_dump()).encode()))


@routes.post(f"{_DOCUMENT}/signatures", status_code=201)
def finish_signing(caller: Calling, held: With, document: UUID, given: shapes.ConfirmedIn) -> shapes.ChangeOut:
    """With the last signature that is missing the change is in force when this answers."""
    with caller.transaction() as tx:
        done = signatures.finish_signing(tx, held.party, held.online, document, given.challenge, given.response, given.signature)
        return shapes.change_out(done)


@routes.get(f"{_PROGRAMME}/withdrawals")
def list_withdrawals(caller: Calling, lead: Code, programme: UUID) -> list[shapes.WithdrawnOut]:
    with caller.transaction() as tx:
        return [shapes.withdrawn_out(one) for one in withdrawals.page(tx, lead, programme)]


@routes.post(f"{_PROGRAMME}/withdrawals", status_code=201)
def withdraw(caller: Calling, lead: Code, programme: UUID, given: shapes.WithdrawalIn) -> shapes.WithdrawnOut:
    """Stops at once every release that rests on this evidence; your organisation's signed list, which tells cars, waits for a key of it."""
    with caller.transaction() as tx:
        return shapes.withdrawn_out(withdrawals.withdraw(tx, lead, programme, given.evidence, given.reason))


@routes.post(f"{_PROGRAMME}/withdrawals/list", status_code=201)
def ask_again(caller: Calling, lead: Code, programme: UUID) -> shapes.ChangeOut:
    """Drafts your organisation's list anew, where a root with other keys came into force before it was signed."""
    with caller.transaction() as tx:
        return shapes.change_out(withdrawals.ask_again(tx, lead, programme))
