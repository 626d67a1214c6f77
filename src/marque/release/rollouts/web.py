"""Roll-outs as an API: for people with a session, and for programs that watch (a token with `view:release-signature`).

As the alliance's: JSON, problem details (RFC 9457), each request one transaction of whoever calls. Nothing here is for cars.
"""

from __future__ import annotations

import json
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query

from marque.alliance.web import PROBLEMS, Before, Calling, Code
from marque.release.rollouts import plans, records, service, shapes

Vehicle = Annotated[str, Query(max_length=60)]
_PROGRAMME = "/programmes/{lead}/{programme}"
_ROLLOUT = "/rollouts/{rollout}"
routes = APIRouter(prefix="/api/v1", responses=PROBLEMS)


@routes.get(f"{_PROGRAMME}/rollouts")
def list_rollouts(caller: Calling, lead: Code, programme: UUID, before: Before = None) -> list[shapes.RolloutOut]:
    """The newest first."""
    with caller.transaction() as tx:
        return [shapes.rollout_out(one) for one in service.page(tx, lead, programme, before)]


@routes.post(f"{_PROGRAMME}/rollouts", status_code=201)
def draft_rollout(caller: Calling, lead: Code, programme: UUID, given: dict[str, Any]) -> shapes.RolloutOut:
    """By the organisation whose cars they are. The body is a plan, as docs/rollouts.md says."""
    plan = plans.read(json.dumps(given), "plan")
    with caller.transaction() as tx:
        return shapes.rollout_out(service.draft(tx, lead, programme, plan))


@routes.get(_ROLLOUT)
def one_rollout(caller: Calling, rollout: UUID) -> shapes.ProgressOut:
    """How far it is, why it stands where it stands, and what happened."""
    with caller.transaction() as tx:
        return shapes.progress_out(service.progress(tx, rollout))


@routes.post(f"{_ROLLOUT}/launch")
def launch_rollout(caller: Calling, rollout: UUID) -> shapes.RolloutOut:
    """Asks who decides; it starts with the last approval."""
    with caller.transaction() as tx:
        return shapes.rollout_out(service.launch(tx, rollout))


@routes.post(f"{_ROLLOUT}/pause")
def pause_rollout(caller: Calling, rollout: UUID, given: shapes.ReasonIn) -> shapes.RolloutOut:
    """By either partner that decides there."""
    with caller.transaction() as tx:
        return shapes.rollout_out(service.pause(tx, rollout, given.reason))


@routes.post(f"{_ROLLOUT}/halt")
def halt_rollout(caller: Calling, rollout: UUID, given: shapes.ReasonIn) -> shapes.RolloutOut:
    """By either partner that decides there; it goes on only if all agree anew."""
    with caller.transaction() as tx:
        return shapes.rollout_out(service.halt(tx, rollout, given.reason))


@routes.post(f"{_ROLLOUT}/resume")
def resume_rollout(caller: Calling, rollout: UUID, given: shapes.ReasonIn) -> shapes.RolloutOut:
    with caller.transaction() as tx:
        return shapes.rollout_out(service.resume(tx, rollout, given.reason))


@routes.post(f"{_ROLLOUT}/cancel")
def cancel_rollout(caller: Calling, rollout: UUID, given: shapes.ReasonIn) -> shapes.RolloutOut:
    with caller.transaction() as tx:
        return shapes.rollout_out(service.cancel(tx, rollout, given.reason))


@routes.post(f"{_ROLLOUT}/finish")
def finish_rollout(caller: Calling, rollout: UUID, given: shapes.ReasonIn) -> shapes.RolloutOut:
    """Although cars are left that never answered."""
    with caller.transaction() as tx:
        return shapes.rollout_out(service.finish(tx, rollout, given.reason))


@routes.get(f"{_PROGRAMME}/releases/{{release}}/filings")
def list_filings(caller: Calling, lead: Code, programme: UUID, release: UUID) -> list[shapes.FilingOut]:
    """The last entry of each market that has one."""
    with caller.transaction() as tx:
        return [shapes.filing_out(one) for one in service.filings(tx, lead, programme, release).values()]


@routes.post(f"{_PROGRAMME}/releases/{{release}}/filings", status_code=201)
def record_filing(caller: Calling, lead: Code, programme: UUID, release: UUID, given: shapes.FilingIn) -> shapes.FilingOut:
    with caller.transaction() as tx:
        entry = service.file(tx, lead, programme, release, given.market, given.state, reference=given.reference, note=given.note)
        return shapes.filing_out(entry)


@routes.get(f"{_PROGRAMME}/cars/{{vehicle}}/records")
def records_of_car(caller: Calling, lead: Code, programme: UUID, vehicle: str) -> list[shapes.RecordOut]:
    """Of every update of a car, the last first."""
    with caller.transaction() as tx:
        return [shapes.record_out(one) for one in records.of_car(tx, lead, programme, vehicle)]


@routes.get(f"{_PROGRAMME}/rollouts/{{rollout}}/records")
def records_of_rollout(caller: Calling, lead: Code, programme: UUID, rollout: UUID, after: Vehicle = "") -> list[shapes.RecordOut]:
    """By vehicle, 1,000 at most; after: the last vehicle of the page before."""
    with caller.transaction() as tx:
        return [shapes.record_out(one) for one in records.of_rollout(tx, lead, programme, rollout, after)]
